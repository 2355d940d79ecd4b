internal import NumPyFormat
internal import Pickle
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

  /// The names that would do harm.
  public var dangerous: [Use] { uses.filter { $0.global.verdict == .dangerous } }

  /// Searches a file: a pickle, an npy file, any ZIP archive, a tar archive of torch.
  /// - Throws: `unsupported` for other content; `io` and `malformed` when a container cannot be
  ///   read.
  public init(
    contentsOf path: String, options: ReadingOptions = ReadingOptions()
  ) throws(TensorIOError) {
    try locating(.init(file: path)) { () throws(TensorIOError) in
      let file = try InputFile(path: path)
      let opened = try OpenedFile(file, options: options)
      guard file.byteCount > 0 else { throw .malformed("the file is empty") }
      let whole = try FileSlice(file, 0..<file.byteCount)
      if ZIPArchive.isArchive(opened.head) {
        try scanArchive(try ZIPArchive(file, limits: options.limits), options.limits)
      } else if try TorchTarFormat.recognizes(opened) {
        for (name, range) in try TorchTarFormat.pickles(in: opened) {
          try add(try FileSlice(file, range), member: name, isAlone: false, options.limits)
        }
      } else if let start = try NPYFormat.pickleOffset(in: whole, limits: options.limits) {
        try add(whole, from: start, options.limits)
      } else if NPYFormat.recognizes(opened) {
        return
      } else {
        let format = try? FormatRegistry.format(of: opened)
        guard format != nil || Opcode(rawValue: opened.head[0]) != nil else {
          _ = try FormatRegistry.format(of: opened)
          return
        }
        if format == TorchLegacyFormat.self {
          try scanStream(whole, options.limits)
        } else {
          try add(whole, options.limits)
        }
      }
    }
  }

  /// The pickles of a legacy stream follow each other; storages come after the last.
  private mutating func scanStream(
    _ source: any ByteSource, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    var start = 0
    for _ in 0..<TorchLegacyFormat.pickleCount where start < source.byteCount {
      let scan = try PickleScan.scan(source, from: start, isAlone: false, limits: limits)
      add(scan, nil)
      guard scan.error == nil else { return }
      start = scan.end
    }
  }

  private mutating func scanArchive(
    _ archive: ZIPArchive, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    findings += archive.findings
    for member in archive.members where !member.isDirectory {
      do throws(TensorIOError) {
        try scan(member, limits)
      } catch {
        errors.append(error.located(in: .init(member: member.name)))
      }
    }
  }

  private mutating func scan(
    _ member: ZIPMember, _ limits: DecodingLimits
  ) throws(TensorIOError) {
    let head = try member.prefix(16)
    let isNamedSo = [".pkl", ".pickle", "_pkl"].contains { member.name.lowercased().hasSuffix($0) }
    let looksSo =
      head.count > 2 && head[0] == Opcode.proto.rawValue && (2...5).contains(head[1])
      && Opcode(rawValue: head[2]) != nil
    let start = try NPYFormat.pickleOffset(in: member, limits: limits)
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
      guard scan.error == nil || !scan.dangerous.isEmpty else { return }
      return add(scan, member.name)
    }
    try add(bytes, from: start ?? 0, member: member.name, limits)
  }

  private mutating func add(
    _ source: any ByteSource, from start: Int = 0, member: String? = nil, isAlone: Bool = true,
    _ limits: DecodingLimits
  ) throws(TensorIOError) {
    add(try PickleScan.scan(source, from: start, isAlone: isAlone, limits: limits), member)
  }

  private mutating func add(_ scan: PickleScan, _ member: String?) {
    pickleCount += scan.pickleCount
    uses += scan.globals.map { use in
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
