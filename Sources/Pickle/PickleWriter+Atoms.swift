internal import ByteIO

// Objects without parts.
extension PickleWriter {
  mutating func atom(_ id: UInt32) throws(TensorIOError) {
    switch pickle[Pickle.ID(index: id)] {
    case .none: return emit(.none)
    case .bool(let value): return emit(value ? .newTrue : .newFalse)
    case .int(let value): return integer(value)
    case .float(let value):
      emit(.binFloat)
      return output.append(littleEndian: value.bitPattern.byteSwapped)
    case .bigInteger(let digits): try bigInteger(digits)
    case .string(let text): try string(Array(text.utf8))
    case .legacyString(let bytes): try counted(bytes, .shortBinString, .binString, nil)
    case .bytes(let source): try byteString(try source.bytes())
    case .byteArray(let source): try byteArray(try source.bytes())
    case .buffer(let index): try byteString(try pickle.buffer(index).bytes())
    case .global(let name): try global(name)
    case .extension(let code): extensionCode(UInt32(truncatingIfNeeded: code))
    default: break
    }
    memoize(id)
  }

  private mutating func extensionCode(_ code: UInt32) {
    switch code {
    case 0..<256: output += [Opcode.ext1.rawValue, UInt8(code)]
    case 256..<65536:
      emit(.ext2)
      output.append(littleEndian: UInt16(code))
    default:
      emit(.ext4)
      output.append(littleEndian: code)
    }
  }

  private mutating func integer(_ value: Int64) {
    if let byte = UInt8(exactly: value) {
      output += [Opcode.binInt1.rawValue, byte]
    } else if let short = UInt16(exactly: value) {
      emit(.binInt2)
      output.append(littleEndian: short)
    } else if let int = Int32(exactly: value) {
      emit(.binInt)
      output.append(littleEndian: int)
    } else {
      var bytes: [UInt8] = []
      bytes.append(littleEndian: value)
      while let last = bytes.last, let next = bytes.dropLast().last,
        (last == 0 && next < 0x80) || (last == 0xff && next >= 0x80)
      {
        bytes.removeLast()
      }
      output += [Opcode.long1.rawValue, UInt8(bytes.count)] + bytes
    }
  }

  private mutating func bigInteger(_ digits: String) throws(TensorIOError) {
    guard digits.utf8.count <= DecimalInteger.mostDigits + 1,
      let bytes = DecimalInteger.twosComplement(digits)
    else { throw .unsupported("an integer of \(digits.utf8.count) digits") }
    if bytes.count < 256 {
      output += [Opcode.long1.rawValue, UInt8(bytes.count)] + bytes
    } else {
      emit(.long4)
      output.append(littleEndian: UInt32(bytes.count))
      output += bytes
    }
  }

  private mutating func string(_ bytes: [UInt8]) throws(TensorIOError) {
    try counted(
      bytes, version >= 4 ? .shortBinUnicode : nil, .binUnicode, version >= 4 ? .binUnicode8 : nil)
  }

  private mutating func counted(
    _ bytes: [UInt8], _ short: Opcode?, _ long: Opcode, _ huge: Opcode?
  ) throws(TensorIOError) {
    // The length of BINSTRING has a sign.
    let most = long == .binString ? Int(Int32.max) : Int(UInt32.max)
    if let short, bytes.count < 256 {
      output += [short.rawValue, UInt8(bytes.count)]
    } else if bytes.count > most {
      guard let huge else {
        throw .unsupported("\(bytes.count) bytes in one string of protocol \(version)")
      }
      emit(huge)
      output.append(littleEndian: UInt64(bytes.count))
    } else {
      emit(long)
      output.append(littleEndian: UInt32(truncatingIfNeeded: bytes.count))
    }
    output += bytes
  }

  private mutating func byteString(_ bytes: [UInt8]) throws(TensorIOError) {
    if version >= 3 {
      return try counted(bytes, .shortBinBytes, .binBytes, version >= 4 ? .binBytes8 : nil)
    }
    guard bytes.count <= Int(UInt32.max) / 2 else {
      throw .unsupported("\(bytes.count) bytes in one string of an old protocol")
    }
    // Before protocol 3 bytes travel as text, one code point a byte.
    try global(GlobalName("_codecs", "encode"))
    try string(bytes.flatMap { $0 < 0x80 ? [$0] : [0xc0 | $0 >> 6, 0x80 | $0 & 0x3f] })
    try string(Array("latin1".utf8))
    emit(.tuple2)
    emit(.reduce)
  }

  /// The name under which Python 3 finds it in this protocol.
  private func readable(_ name: GlobalName) -> GlobalName {
    version >= 3 && OldNames.isKept(name.module) ? OldNames.modern(name) : name
  }

  private mutating func byteArray(_ bytes: [UInt8]) throws(TensorIOError) {
    if version >= 5 {
      emit(.byteArray8)
      output.append(littleEndian: UInt64(bytes.count))
      output += bytes
      return
    }
    try global(builtin("bytearray"))
    try byteString(bytes)
    emit(.tuple1)
    emit(.reduce)
  }

  mutating func global(_ name: GlobalName) throws(TensorIOError) {
    let name = readable(name)
    if version >= 4 {
      try string(Array(name.module.utf8))
      try string(Array(name.name.utf8))
      return emit(.stackGlobal)
    }
    guard !name.module.utf8.contains(0x0a), !name.name.utf8.contains(0x0a) else {
      throw .unsupported("a class or function with a line break in its name")
    }
    emit(.global)
    output += Array(name.module.utf8) + [0x0a] + Array(name.name.utf8) + [0x0a]
  }
}

extension Pickle {
  /// The objects that an object refers to.
  func parts(of id: ID) -> [UInt32] {
    switch self[id] {
    case .tuple(let items), .list(let items), .set(let items), .frozenSet(let items):
      return items.map(\.index)
    case .dictionary(let pairs): return pairs.flatMap { [$0.key.index, $0.value.index] }
    case .persistent(let key): return [key.index]
    case .object(let object):
      let items = object.items.flatMap { [$0.key, $0.value] }
      let parts = [object.callee, object.arguments] + [object.keywords].compactMap { $0 }
      return (parts + object.elements + items + object.states).map(\.index)
    default: return []
    }
  }
}
