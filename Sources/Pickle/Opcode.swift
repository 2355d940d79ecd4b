/// The instructions of Python's pickle machine, protocols 0 to 5 (CPython, `Lib/pickle.py`).
package enum Opcode: UInt8, CaseIterable {
  // Protocol 0 and 1.
  case mark = 0x28, emptyTuple = 0x29, stop = 0x2e, pop = 0x30, popMark = 0x31, dup = 0x32
  case float = 0x46, binFloat = 0x47, int = 0x49, binInt = 0x4a, binInt1 = 0x4b, long = 0x4c
  case binInt2 = 0x4d, none = 0x4e, persID = 0x50, binPersID = 0x51, reduce = 0x52, string = 0x53
  case binString = 0x54, shortBinString = 0x55, unicode = 0x56, binUnicode = 0x58
  case emptyList = 0x5d, append = 0x61, build = 0x62, global = 0x63, dict = 0x64, appends = 0x65
  case get = 0x67, binGet = 0x68, inst = 0x69, longBinGet = 0x6a, list = 0x6c, obj = 0x6f
  case put = 0x70, binPut = 0x71, longBinPut = 0x72, setItem = 0x73, tuple = 0x74
  case setItems = 0x75, emptyDict = 0x7d
  // Protocol 2.
  case proto = 0x80, newObj = 0x81, ext1 = 0x82, ext2 = 0x83, ext4 = 0x84
  case tuple1 = 0x85, tuple2 = 0x86, tuple3 = 0x87, newTrue = 0x88, newFalse = 0x89
  case long1 = 0x8a, long4 = 0x8b
  // Protocol 3.
  case binBytes = 0x42, shortBinBytes = 0x43
  // Protocol 4.
  case shortBinUnicode = 0x8c, binUnicode8 = 0x8d, binBytes8 = 0x8e, emptySet = 0x8f
  case addItems = 0x90, frozenSet = 0x91, newObjEx = 0x92, stackGlobal = 0x93, memoize = 0x94
  case frame = 0x95
  // Protocol 5.
  case byteArray8 = 0x96, nextBuffer = 0x97, readonlyBuffer = 0x98

  /// The opcodes by their bytes; the compiler's own look-up is a search.
  static let byByte: [Opcode?] = (0...UInt8.max).map { Opcode(rawValue: $0) }

  /// Python's name for the opcode: `SHORT_BINUNICODE`.
  package var name: String {
    // Computed for errors only: binUnicode8 becomes BINUNICODE8, stackGlobal STACK_GLOBAL.
    switch self {
    case .popMark: "POP_MARK"
    case .readonlyBuffer: "READONLY_BUFFER"
    case .stackGlobal: "STACK_GLOBAL"
    case .newObjEx: "NEWOBJ_EX"
    case .nextBuffer: "NEXT_BUFFER"
    default: "\(self)".uppercased()
    }
  }

  /// What follows an opcode in the stream.
  package enum Argument {
    case nothing
    /// So many bytes.
    case fixed(Int)
    /// So many lines, each closed by a newline.
    case lines(Int)
    /// A little-endian length of so many bytes, then so many bytes.
    case counted(Int)
  }

  /// What follows this opcode.
  package var argument: Argument {
    switch self {
    case .binInt1, .binGet, .binPut, .ext1, .proto: .fixed(1)
    case .binInt2, .ext2: .fixed(2)
    case .binInt, .longBinGet, .longBinPut, .ext4: .fixed(4)
    case .binFloat, .frame: .fixed(8)
    case .float, .int, .long, .persID, .string, .unicode, .get, .put: .lines(1)
    case .global, .inst: .lines(2)
    case .shortBinString, .shortBinBytes, .shortBinUnicode, .long1: .counted(1)
    case .binString, .binBytes, .binUnicode, .long4: .counted(4)
    case .binUnicode8, .binBytes8, .byteArray8: .counted(8)
    default: .nothing
    }
  }
}
