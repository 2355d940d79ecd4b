/// A value of the part of Python that `ast.literal_eval` accepts and an array header can hold.
indirect enum PythonLiteral: Hashable {
  case none
  case bool(Bool)
  case int(Int)
  /// An integer past 63 bits.
  case bigInteger
  /// A float or complex number; no header wants one, so its value is not kept.
  case number
  case string(String)
  /// A bytes literal; no header wants one.
  case bytes
  case tuple([PythonLiteral])
  case list([PythonLiteral])
  /// The last of equal keys wins, as in Python; `duplicates` names the keys that came twice.
  case dictionary([PythonLiteral: PythonLiteral], duplicates: [PythonLiteral])
  case set

  /// What the value is called in an error.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a bool"
    case .int, .bigInteger: "an int"
    case .number: "a float or complex number"
    case .string: "a str"
    case .bytes: "bytes"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dictionary: "a dict"
    case .set: "a set"
    }
  }
}
