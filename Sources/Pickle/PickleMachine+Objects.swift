internal import ByteIO

// Containers.
extension PickleMachine {
  mutating func container(_ opcode: Opcode) throws(TensorIOError) {
    switch opcode {
    case .emptyTuple: try push(pickle.addTuple(.tuple, []))
    case .tuple: try pushTuple(.tuple, from: try popMark(.tuple))
    case .tuple1: try pushTuple(.tuple, from: try operands(1, .tuple1))
    case .tuple2: try pushTuple(.tuple, from: try operands(2, .tuple2))
    case .tuple3: try pushTuple(.tuple, from: try operands(3, .tuple3))
    case .frozenSet:
      let start = try popMark(.frozenSet)
      for index in start..<stack.count { try requireHashable(stack[index]) }
      try pushTuple(.frozenSet, from: start)
    case .emptyList: try push(.list)
    case .emptyDict: try push(.dictionary)
    case .emptySet: try push(.set)
    case .list:
      let start = try popMark(.list)
      let chain = pickle.append(stack[start...], toChain: 0)
      stack.removeLast(stack.count - start)
      try push(Pickle.Record(kind: .list, a: chain))
    default:
      let start = try popMark(.dict)
      try requirePairs(from: start)
      let chain = pickle.append(stack[start...], toChain: 0)
      stack.removeLast(stack.count - start)
      try push(Pickle.Record(kind: .dictionary, a: chain))
    }
  }

  /// A tuple of the objects from `start` of the stack.
  private mutating func tuple(
    _ kind: Pickle.Kind, from start: Int
  ) -> Pickle.ID {
    let id = pickle.addTuple(kind, stack[start...])
    stack.removeLast(stack.count - start)
    return id
  }

  private mutating func pushTuple(
    _ kind: Pickle.Kind, from start: Int
  ) throws(TensorIOError) {
    try push(tuple(kind, from: start))
  }

  /// Changes the object below the operands: APPEND, SETITEM, BUILD and their like.
  mutating func change(_ opcode: Opcode) throws(TensorIOError) {
    try requireRoomForReferences()
    let start =
      switch opcode {
      case .append, .build: try operands(1, opcode)
      case .setItem: try operands(2, .setItem)
      default: try popMark(opcode)
      }
    guard start > marks.last ?? 0 else { throw Self.missing(opcode) }
    let target = Int(stack[start - 1])
    let record = pickle.records[target]
    switch (opcode, record.kind) {
    case (.append, .list), (.appends, .list), (.addItems, .set):
      if record.kind == .set {
        for index in start..<stack.count { try requireHashable(stack[index]) }
      }
      pickle.records[target].a = pickle.append(stack[start...], toChain: record.a)
    case (.setItem, .dictionary), (.setItems, .dictionary):
      try requirePairs(from: start)
      pickle.records[target].a = pickle.append(stack[start...], toChain: record.a)
    case (.append, .object), (.appends, .object), (.addItems, .object):
      let chain = pickle.objects[Int(record.a)].elements
      pickle.objects[Int(record.a)].elements = pickle.append(stack[start...], toChain: chain)
    case (.setItem, .object), (.setItems, .object):
      try requirePairs(from: start)
      let chain = pickle.objects[Int(record.a)].items
      pickle.objects[Int(record.a)].items = pickle.append(stack[start...], toChain: chain)
    case (.build, .object):
      let chain = pickle.objects[Int(record.a)].states
      pickle.objects[Int(record.a)].states = pickle.append(stack[start...], toChain: chain)
    default:
      guard start == stack.count else {
        throw .malformed("\(opcode.name) cannot change \(describe(UInt32(target)))")
      }
    }
    stack.removeLast(stack.count - start)
  }

  /// Refuses keys without values, and keys that Python cannot hash, among the last objects.
  private mutating func requirePairs(from start: Int) throws(TensorIOError) {
    guard (stack.count - start).isMultiple(of: 2) else {
      throw .malformed("a dictionary gets a key without a value")
    }
    for index in stride(from: start, to: stack.count, by: 2) {
      try requireHashable(stack[index])
    }
  }

  /// Refuses what Python cannot hash, and tuples that nest so much that nobody should.
  private mutating func requireHashable(_ id: UInt32) throws(TensorIOError) {
    guard pickle.records[Int(id)].kind == .tuple else {
      return try requireScalarKey(id)
    }
    if hashableTuples.contains(id) { return }
    var pending = [id]
    var visits = 0
    while let next = pending.popLast() {
      visits += 1
      let record = pickle.records[Int(next)]
      let parts = record.kind == .tuple ? Int(record.a) : 0
      guard visits + pending.count + parts <= 4096 else {
        throw .malformed("a key of a dictionary or set is a tuple of thousands of parts")
      }
      if record.kind == .tuple {
        pending += pickle.children[Int(record.b)..<Int(record.b) + parts]
      } else {
        try requireScalarKey(next)
      }
    }
    hashableTuples.insert(id)
  }

  @inline(__always)
  private func requireScalarKey(_ id: UInt32) throws(TensorIOError) {
    switch pickle.records[Int(id)].kind {
    case .list, .dictionary, .set, .byteArray:
      throw .malformed("\(describe(id)) cannot be a key or an element of a set")
    default: return
    }
  }

  func describe(_ id: UInt32) -> String {
    switch pickle.records[Int(id)].kind {
    case .none: "None"
    case .false, .true: "a bool"
    case .int, .bigInt, .decimal: "an integer"
    case .float: "a float"
    case .string, .legacyString: "a string"
    case .bytes: "bytes"
    case .byteArray: "a bytearray"
    case .buffer: "a buffer"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dictionary: "a dictionary"
    case .set, .frozenSet: "a set"
    case .global: "the class or function \(pickle.globals[Int(pickle.records[Int(id)].a)].name)"
    case .extension: "a class from the extension registry"
    case .object: "an object"
    case .persistent: "a persistent object"
    }
  }
}

// Names, calls and persistent ids.
extension PickleMachine {
  mutating func object(
    _ opcode: Opcode, _ input: inout ByteCursor, at offset: Int
  ) throws(TensorIOError) {
    switch opcode {
    case .global: try push(try global(&input, at: offset))
    case .stackGlobal: try stackGlobal(at: offset)
    case .inst:
      let callee = try global(&input, at: offset)
      try requireRoomForObject()
      let arguments = tuple(.tuple, from: try popMark(.inst))
      try pushInstance(callee.index, arguments.index, at: offset)
    case .obj:
      let start = try popMark(.obj)
      guard start < stack.count else { throw .malformed("OBJ without a class") }
      let callee = stack[start]
      let arguments = tuple(.tuple, from: start + 1)
      stack.removeLast()
      try pushInstance(callee, arguments.index, at: offset)
    case .reduce, .newObj:
      let arguments = try pop(opcode)
      try pushObject(opcode == .reduce ? .call : .new, try pop(opcode), arguments, at: offset)
    case .newObjEx:
      let keywords = try pop(.newObjEx)
      guard pickle.records[Int(keywords)].kind == .dictionary else {
        throw .malformed("the keyword arguments of NEWOBJ_EX are \(describe(keywords))")
      }
      let arguments = try pop(.newObjEx)
      try pushObject(.new, try pop(.newObjEx), arguments, keywords, at: offset)
    case .persID:
      let line = try Self.line(&input, "a persistent id")
      let id = pickle.addText(.string, try Self.validText(line[...], "a persistent id").utf8)
      try push(Pickle.Record(kind: .persistent, a: id.index))
    case .binPersID: try push(Pickle.Record(kind: .persistent, a: try pop(.binPersID)))
    default: try extensionCode(opcode, &input, at: offset)
    }
  }

  /// INST and OBJ call a class with arguments, and without any make an instance that is not
  /// initialized.
  private mutating func pushInstance(
    _ callee: UInt32, _ arguments: UInt32, at offset: Int
  ) throws(TensorIOError) {
    let isBare = pickle.records[Int(arguments)].a == 0
    try pushObject(isBare ? .new : .call, callee, arguments, at: offset)
  }

  private mutating func pushObject(
    _ construction: Pickle.Construction, _ callee: UInt32, _ arguments: UInt32,
    _ keywords: UInt32 = .max, at offset: Int
  ) throws(TensorIOError) {
    switch pickle.records[Int(callee)].kind {
    case .global, .extension, .object, .persistent: break
    default: throw .malformed("\(describe(callee)) is called as if it were a function")
    }
    guard pickle.records[Int(arguments)].kind == .tuple else {
      throw .malformed("a call has \(describe(arguments)) in place of its arguments")
    }
    try push(
      pickle.addObject(
        Pickle.ObjectRecord(
          construction: construction, callee: callee, arguments: arguments, keywords: keywords,
          offset: UInt32(clamping: offset))))
  }

  private mutating func global(
    _ input: inout ByteCursor, at offset: Int
  ) throws(TensorIOError) -> Pickle.ID {
    let module = try Self.line(&input, "the module of a GLOBAL")
    let name = try Self.line(&input, "the name of a GLOBAL")
    try requireShortName(module.count + name.count)
    return pickle.addGlobal(
      GlobalName(
        try Self.validText(module[...], "a module's name"),
        try Self.validText(name[...], "a global's name")), offset: offset)
  }

  /// The longest name of a class or function with its module, in bytes.
  ///
  /// A few bytes of the memo can name two long strings again and again, in ever new pairs, each of
  /// which is compared with the others and kept.
  static let mostNameBytes = 2048
  /// The most bytes of all different names.
  static let mostBytesOfNames = 16 << 20

  private func requireShortName(_ count: Int) throws(TensorIOError) {
    guard count <= Self.mostNameBytes, pickle.nameBytes <= Self.mostBytesOfNames else {
      throw .unsupported(
        "the name of a class or function has \(count) bytes; \(Self.mostNameBytes) are the most "
          + "that are read, and \(Self.mostBytesOfNames) of all names")
    }
  }

  private mutating func stackGlobal(at offset: Int) throws(TensorIOError) {
    let (name, module) = (try pop(.stackGlobal), try pop(.stackGlobal))
    let key = UInt64(module) << 32 | UInt64(name)
    if let index = stackGlobals[key] {
      return try push(Pickle.Record(kind: .global, a: index))
    }
    let (nameRecord, moduleRecord) = (pickle.records[Int(name)], pickle.records[Int(module)])
    for kind in [nameRecord.kind, moduleRecord.kind] where kind != .string && kind != .legacyString
    {
      throw .malformed("STACK_GLOBAL over objects that are no strings")
    }
    try requireShortName(Int(nameRecord.a) + Int(moduleRecord.a))
    guard let module = pickle.string(Pickle.ID(index: module)),
      let name = pickle.string(Pickle.ID(index: name))
    else { throw .malformed("STACK_GLOBAL over strings that are not UTF-8") }
    let id = pickle.addGlobal(GlobalName(module, name), offset: offset)
    stackGlobals[key] = pickle.records[Int(id.index)].a
    try push(id)
  }

  private mutating func extensionCode(
    _ opcode: Opcode, _ input: inout ByteCursor, at offset: Int
  ) throws(TensorIOError) {
    let code: UInt32 =
      switch opcode {
      case .ext1: UInt32(try input.readInteger("an extension code", as: UInt8.self))
      case .ext2: UInt32(try input.readInteger("an extension code", as: UInt16.self))
      default: try input.readInteger("an extension code", as: UInt32.self)
      }
    guard code > 0, code <= UInt32(Int32.max) else {
      throw .malformed("\(Int32(bitPattern: code)) is no extension code")
    }
    _ = pickle.addGlobal(GlobalName("copyreg", "extension \(code)"), offset: offset)
    try push(Pickle.Record(kind: .extension, a: code))
  }
}
