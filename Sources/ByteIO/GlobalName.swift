/// The name of a Python class or function in a pickle.
///
/// Compared as bytes: names that only look alike, or are equal after Unicode normalization, differ.
public struct GlobalName: Sendable, Hashable, CustomStringConvertible {
  /// The module, as the file spells it.
  public let module: String
  /// The name in the module; dots walk into attributes.
  public let name: String

  /// Creates a name.
  public init(_ module: String, _ name: String) {
    self.module = module
    self.name = name
  }

  /// `module.name`.
  public var description: String { module.isEmpty ? name : "\(module).\(name)" }

  public static func == (left: GlobalName, right: GlobalName) -> Bool {
    ByteKey(left.name) == ByteKey(right.name) && ByteKey(left.module) == ByteKey(right.module)
  }

  public func hash(into hasher: inout Hasher) {
    ByteKey(module).hash(into: &hasher)
    hasher.combine(UInt8(0xff))
    ByteKey(name).hash(into: &hasher)
  }

  /// The name as Python 3 knows it, where Python 2 had another.
  ///
  /// The few that pickles of tensors have; CPython's `_compat_pickle` lists all.
  public var modern: GlobalName {
    let newModule =
      switch module {
      case "__builtin__", "exceptions": "builtins"
      case "copy_reg": "copyreg"
      case "cPickle": "pickle"
      case "commands": "subprocess"
      case "UserDict", "UserList", "UserString": "collections"
      case "__main__": "__main__"
      default: module
      }
    let newName =
      switch (newModule, name) {
      case ("builtins", "xrange"): "range"
      case ("builtins", "unicode"): "str"
      case ("builtins", "long"): "int"
      case ("builtins", "unichr"): "chr"
      case ("builtins", "raw_input"): "input"
      default: name
      }
    return GlobalName(newModule, newName)
  }
}
