public import ByteIO

/// A file whose format is being told: its first bytes, and what formats of one family find out about
/// it once for all of them.
public final class OpenedFile {
  /// The file.
  public let file: InputFile
  /// The first bytes, at most 512.
  public let head: [UInt8]
  /// How it is to be read.
  public let options: ReadingOptions
  private var findings: [ObjectIdentifier: any Sendable] = [:]
  private var checks: [Parallel.Check] = []

  /// Reads the first bytes.
  public init(_ file: InputFile, options: ReadingOptions) throws(TensorIOError) {
    self.file = file
    self.options = options
    head = try file.bytes(0..<min(512, file.byteCount))
  }

  /// Whether the file starts with these bytes.
  public func starts(with magic: [UInt8]) -> Bool { head.starts(with: magic) }

  /// Starts a check that has to pass before what was read may be used.
  package func checkMeanwhile(_ check: @escaping @Sendable () throws(TensorIOError) -> Void) {
    checks.append(Parallel.Check(check))
  }

  /// Runs `body` beside the checks that were started, and returns when all have ended.
  /// - Throws: what a check throws, else what `body` throws.
  package func checking<R>(_ body: () throws(TensorIOError) -> R) throws(TensorIOError) -> R {
    let outcome = Result { () throws(TensorIOError) in try body() }
    for check in checks { try check.wait() }
    return try outcome.get()
  }

  /// Something that is found out about the file when it is first asked for: the directory of an
  /// archive.
  package func once<Fact: Sendable>(
    _ find: () throws(TensorIOError) -> Fact
  ) throws(TensorIOError) -> Fact {
    let key = ObjectIdentifier(Fact.self)
    if let known = findings[key] as? Fact { return known }
    let fact = try find()
    findings[key] = fact
    return fact
  }
}
