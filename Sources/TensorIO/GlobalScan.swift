internal import NumPyFormat
internal import Pickle
internal import SafetensorsFormat
internal import TorchFormat
internal import ZIPContainer

/// Every Python class and function that the pickles in a file name.
///
/// Nothing is looked up and nothing is run. A file that cannot be opened as tensors can still be
/// searched: faults are noted, and what is named behind them is listed too.
public struct GlobalScan: Sendable {
  /// A class or function, with its place.
  public struct Use: Sendable {
    /// What is named, where, and what is known about it.
    public let global: GlobalUse
    /// The keys and indexes that lead to the first value it is used for.
    public let path: [String]
    /// Whether a value of the file leads to it.
    public let isReachable: Bool
  }

  /// The names, each once for a pickle, in the order of the file.
  public private(set) var uses: [Use] = []
  /// What was odd.
  public private(set) var findings: [Finding] = []
  /// What is wrong with pickles of the file.
  public private(set) var errors: [TensorIOError] = []
  /// How many pickles there are.
  public private(set) var pickleCount = 0

  /// How many archives lie around what is searched.
  private var depth = 0
  /// The bytes of members that were inflated to be searched as archives.
  private var unpackedBytes = 0
  private static let mostDepth = 3

  /// The names that would do harm.
  public var dangerous: [Use] { uses.filter { $0.global.verdict == .dangerous } }

  /// Searches a file: a pickle, an npy file, any ZIP archive, a tar archive of torch.
  /// - Throws: `unsupported` for other content; `io` and `malformed` when a container cannot be
  ///   read.
  public init(
    contentsOf path: String, options: ReadingOptions = ReadingOptions()
  ) throws(TensorIOError) {
    self = try locating(.init(file: path)) { () throws(TensorIOError) in
      try GlobalScan(
        in: try InputFile(path: try CheckpointFolder.file(for: path)), options: options)
    }
  }

  /// Searches a file that is open.
  package init(
    in file: InputFile, options: ReadingOptions = ReadingOptions()
  ) throws(TensorIOError) {
    try locating(.init(file: file.path)) { () throws(TensorIOError) in
      try scan(file, options)
    }
  }

  private init(depth: Int, unpackedBytes: Int) {
    self.depth = depth
    self.unpackedBytes = unpackedBytes
  }

  private mutating func scan(
    _ file: InputFile, _ options: ReadingOptions
  ) throws(TensorIOError) {
    let opened = try OpenedFile(file, options: options)
    guard file.byteCount > 0 else { throw .malformed("the file is empty") }
    let format = try? FormatRegistry.format(of: opened)
    if depth == 0, let format {
      if let finding = FormatRegistry.misnaming(file.path, format.descriptor) {
        findings.append(finding)
      }
      if let parted = format as? any PartedFormat.Type { scanParts(parted, opened) }
    }
    if ZIPArchive.isArchive(opened.head) {
      return try scanArchive(try ZIPArchive(file, limits: options.limits), options)
    }
    // PyTorch takes what begins as a tar archive for one, whatever else it is.
    let isTar = TorchTarFormat.isTar(opened.head)
    let hasTables = isTar && scanTar(opened)
    let whole = try FileSlice(file, 0..<file.byteCount)
    if format is SafetensorsFormat.Type {
      try scanBehindHeader(opened, whole, options.limits)
    } else if NPYFormat.recognizes(opened) {
      try scanArrays(whole, options.limits)
    } else if TorchLegacyFormat.recognizes(opened) {
      try scanStream(whole, options)
    } else if Opcode(rawValue: opened.head[0]) != nil {
      let scan = try PickleScan.scan(whole, limits: options.limits)
      if isTar {
        if scan.isRunnable { return add(scan, nil) }
      } else if format != nil || scan.error == nil || !scan.globals.isEmpty {
        return add(scan, nil)
      }
      // What only begins as a pickle has a better name than the opcode where it breaks.
      if !hasTables { _ = try FormatRegistry.format(of: opened) }
    } else if !hasTables {
      _ = try FormatRegistry.format(of: opened)
    }
  }

  /// The files that an index or the metadata of a checkpoint name.
  private mutating func scanParts(_ format: any PartedFormat.Type, _ opened: OpenedFile) {
    do throws(TensorIOError) {
      for part in try format.parts(of: opened) {
        var inner = GlobalScan(depth: depth + 1, unpackedBytes: unpackedBytes)
        do throws(TensorIOError) {
          try inner.scan(part.file, opened.options)
        } catch {
          inner.errors.append(error)
        }
        unpackedBytes = inner.unpackedBytes
        merge(inner, in: part.name)
      }
    } catch {
      errors.append(error)
    }
  }

  /// A header of safetensors, which Python may run as a pickle under another name of the file.
  private mutating func scanBehindHeader(
    _ opened: OpenedFile, _ whole: FileSlice, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    if Opcode(rawValue: opened.head[0]) != nil {
      let scan = try PickleScan.scan(whole, limits: limits)
      // The length of a header looks like opcodes by chance, and names in what follows then are no
      // words.
      if scan.isRunnable, scan.globals.contains(where: { $0.name.isImportable }) { add(scan, nil) }
    }
    _ = try SafetensorsFormat.read(opened)
  }

  /// Whether the file is a tar archive of torch, or one that cannot be read and might be.
  private mutating func scanTar(_ opened: OpenedFile) -> Bool {
    do throws(TensorIOError) {
      guard try TorchTarFormat.recognizes(opened) else { return false }
      try scanTables(opened)
    } catch {
      errors.append(error)
    }
    return true
  }

  /// Tables of a tar archive have a pickle for each storage and tensor; names that are known are
  /// listed once.
  private mutating func scanTables(_ opened: OpenedFile) throws(TensorIOError) {
    for table in try TorchTarFormat.pickles(in: opened) {
      let source = try FileSlice(opened.file, table.range)
      var seen: Set<GlobalName> = []
      for start in table.starts {
        let scan = try PickleScan.scan(
          source, from: start, isAlone: false, limits: opened.options.limits)
        add(scan, table.member) { use in
          use.verdict == .dangerous || seen.insert(use.name).inserted
        }
      }
      if let error = table.error, !errors.contains(where: { $0.place.member == table.member }) {
        errors.append(error)
      }
    }
  }

  /// All arrays of a file; np.load on an open file reads one after the other.
  private mutating func scanArrays(
    _ source: any ByteSource, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    var start = 0
    while start < source.byteCount {
      let array: NPYFormat.Extent?
      do throws(TensorIOError) {
        array = try NPYFormat.array(in: source, at: start, limits: limits)
      } catch {
        guard start > 0 else { throw error }
        findings.append(Finding(.trailingBytes, error.reason, offset: start))
        return
      }
      guard let array else { return try scanRest(source, from: start, limits) }
      start = array.end
      guard let pickle = array.pickle else { continue }
      let scan = try PickleScan.scan(source, from: pickle, isAlone: false, limits: limits)
      guard scan.error == nil,
        (try? NPYFormat.array(in: source, at: scan.end, limits: limits)) != nil
      else {
        // Other pickles may follow.
        return try add(source, from: pickle, limits)
      }
      add(scan, nil)
      start = scan.end
    }
  }

  /// What follows arrays: np.load takes whatever is no array for a pickle.
  private mutating func scanRest(
    _ source: any ByteSource, from start: Int, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    let scan = try PickleScan.scan(source, from: start, limits: limits)
    if scan.isPlausible { return add(scan, nil) }
    findings.append(
      Finding(
        .trailingBytes, "\(source.byteCount - start) bytes follow the last array",
        offset: start))
  }

  /// The pickles of a legacy stream follow each other; storages come after the last.
  private mutating func scanStream(
    _ source: any ByteSource, _ options: ReadingOptions
  ) throws(TensorIOError) {
    var start = 0
    var isWhole = true
    for _ in 0..<TorchLegacyFormat.pickleCount where start < source.byteCount {
      let scan = try PickleScan.scan(
        source, from: start, isAlone: false, limits: options.limits)
      add(scan, nil)
      // What stops us need not stop Python.
      guard scan.isComplete else { return }
      isWhole = isWhole && scan.error == nil
      start = scan.end
    }
    guard isWhole else { return }
    do throws(TensorIOError) {
      let end = try TorchLegacyFormat.end(of: source, options)
      guard end < source.byteCount else { return }
      findings.append(
        Finding(
          .trailingBytes, "\(source.byteCount - end) bytes follow the last storage", offset: end)
      )
    } catch {
      errors.append(error)
    }
  }

  private mutating func scanArchive(
    _ archive: ZIPArchive, _ options: ReadingOptions
  ) throws(TensorIOError) {
    findings += archive.findings
    for member in archive.members where !member.isDirectory {
      do throws(TensorIOError) {
        try scan(member, options)
      } catch {
        errors.append(error.located(in: .init(member: member.name)))
      }
    }
  }

  private mutating func scan(
    _ member: ZIPMember, _ options: ReadingOptions
  ) throws(TensorIOError) {
    let limits = options.limits
    let head = try member.prefix(512)
    if ZIPArchive.isArchive(head) || TorchTarFormat.isTar(head) || TorchLegacyFormat.isLegacy(head)
    {
      return try scanFile(member, options, isTar: TorchTarFormat.isTar(head))
    }
    let isNamedSo = [".pkl", ".pickle", "_pkl"].contains { member.name.lowercased().hasSuffix($0) }
    let looksSo =
      head.count > 2 && head[0] == Opcode.proto.rawValue && (2...5).contains(head[1])
      && Opcode(rawValue: head[2]) != nil
    // No checksum covers a prefix; of what is searched, `loaded` compares all.
    let start = try NPYFormat.pickleOffset(byteCount: member.byteCount, limits: limits) {
      (count) throws(TensorIOError) in try member.prefix(count)
    }
    guard isNamedSo || looksSo || start != nil else { return }
    guard member.byteCount <= limits.decodedBytes else {
      throw .limit(
        "the size of the member", member.byteCount, over: limits.decodedBytes,
        raise: "decodedBytes")
    }
    let bytes = try member.loaded()
    if !isNamedSo, start == nil {
      // The elements of a tensor may begin like a pickle; one that is none says nothing.
      let scan = try PickleScan.scan(bytes, isAlone: false, limits: limits)
      guard scan.isPlausible else { return }
      return add(scan, member.name)
    }
    try add(bytes, from: start ?? 0, member: member.name, limits)
  }

  /// A file of torch or NumPy that is a member of an archive.
  private mutating func scanFile(
    _ member: ZIPMember, _ options: ReadingOptions, isTar: Bool
  ) throws(TensorIOError) {
    guard depth < Self.mostDepth else {
      throw .unsupported("archives inside each other are looked into \(Self.mostDepth) deep only")
    }
    if member.isDeflated {
      unpackedBytes = try unpackedBytes.added(to: member.byteCount, "the bytes of archives")
      guard unpackedBytes <= options.limits.decodedBytes else {
        throw .limit(
          "the size of archives inside the file", unpackedBytes,
          over: options.limits.decodedBytes, raise: "decodedBytes")
      }
    }
    var inner = GlobalScan(depth: depth + 1, unpackedBytes: unpackedBytes)
    do throws(TensorIOError) {
      try inner.scan(try member.asFile(), options)
    } catch {
      // Tar archives of others may hold anything.
      if !isTar || error.code != .unsupported { inner.errors.append(error) }
    }
    unpackedBytes = inner.unpackedBytes
    merge(inner, in: member.name)
  }

  /// Adds what was found in a member; names of members inside are joined with slashes.
  private mutating func merge(_ inner: GlobalScan, in member: String) {
    func name(_ innerName: String?) -> String { innerName.map { "\(member)/\($0)" } ?? member }
    pickleCount += inner.pickleCount
    uses += inner.uses.map { use in
      let global = use.global
      return Use(
        global: GlobalUse(
          global.name, global.verdict, member: name(global.member), offset: global.offset),
        path: use.path, isReachable: use.isReachable)
    }
    findings += inner.findings.map {
      Finding($0.code, $0.message, member: name($0.member), offset: $0.offset)
    }
    errors += inner.errors.map { error in
      var error = error
      error.place.member = name(error.place.member)
      return error
    }
  }

  private mutating func add(
    _ source: any ByteSource, from start: Int = 0, member: String? = nil, isAlone: Bool = true,
    _ limits: DecodingLimits
  ) throws(TensorIOError) {
    add(try PickleScan.scan(source, from: start, isAlone: isAlone, limits: limits), member)
  }

  private mutating func add(
    _ scan: PickleScan, _ member: String?, where isWanted: (PickleScan.Use) -> Bool = { _ in true }
  ) {
    pickleCount += scan.pickleCount
    uses += scan.globals.filter(isWanted).map { use in
      Use(
        global: GlobalUse(use.name, use.verdict, member: member, offset: use.offset),
        path: use.path, isReachable: use.isReachable)
    }
    findings += scan.findings.map {
      Finding($0.code, $0.message, member: member, offset: $0.offset)
    }
    if let error = scan.error { errors.append(error.located(in: .init(member: member))) }
  }
}

extension GlobalName {
  /// Whether the module may be one that Python finds.
  fileprivate var isImportable: Bool {
    module.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
      !part.isEmpty
        && part.utf8.allSatisfy { byte in
          byte >= 0x80 || byte == UInt8(ascii: "_") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
            || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
        }
    }
  }
}
