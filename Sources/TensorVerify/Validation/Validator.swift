internal import TensorIO

/// Checks files: container, structure, checksums, what their pickles name, and what the caller asks
/// of their contents.
///
/// Opening accepts what NumPy and PyTorch accept; here every oddity counts.
public struct Validator: Sendable {
  /// What is asked of files.
  public var options: ValidationOptions

  /// Creates a validator.
  public init(options: ValidationOptions = ValidationOptions()) { self.options = options }

  /// Checks a file; whatever is wrong with it is in the result.
  public func validate(_ path: String) -> ValidationResult {
    var check = FileCheck(path, options)
    check.run()
    return check.result
  }
}

/// One file under validation.
private struct FileCheck {
  private let path: String
  private let options: ValidationOptions
  private(set) var result: ValidationResult

  init(_ path: String, _ options: ValidationOptions) {
    self.path = path
    self.options = options
    result = ValidationResult(file: path)
  }

  mutating func run() {
    do throws(TensorIOError) {
      // Kept open, so that what is looked at in several passes is one file.
      let file = try InputFile(path: path)
      result.fileBytes = file.byteCount
      let archive = open()
      scan()
      if let archive { try check(archive) }
      let bytes = try ByteCheck.outcome(of: file, limits: options.reading.limits)
      note(bytes.findings)
      for error in bytes.errors { note(error) }
      if let policy = options.policy { note(policy.findings(fileBytes: file.byteCount)) }
      try file.requireUnchanged()
    } catch {
      note(error)
    }
  }

  private mutating func open() -> TensorArchive? {
    do throws(TensorIOError) {
      let archive = try TensorArchive(contentsOf: path, options: options.reading)
      result.format = archive.format
      result.tensorCount = archive.entries.count
      result.byteCount = archive.byteCount
      // The scan has them with their places.
      note(archive.findings.filter { $0.code != .dangerousGlobal })
      return archive
    } catch {
      note(error)
      return nil
    }
  }

  /// What pickles name, in broken files too.
  private mutating func scan() {
    do throws(TensorIOError) {
      let scan = try GlobalScan(contentsOf: path, options: options.reading)
      note(scan.findings)
      for use in scan.uses where !isAllowed(use.global.name) {
        let name = use.global.name.description.escapedForDisplay
        let (member, offset) = (use.global.member, use.global.offset)
        switch use.global.verdict {
        case .known: continue
        case .inert:
          note([
            Finding(
              .unknownGlobal, "\(name) has to be trusted where Python loads this file",
              member: member, offset: offset)
          ])
        case .dangerous:
          note([
            Finding(
              .dangerousGlobal, "\(name) runs when Python loads this file", member: member,
              offset: offset)
          ])
        }
      }
      for error in scan.errors { note(error) }
    } catch {
      note(error)
    }
  }

  private func isAllowed(_ global: GlobalName) -> Bool {
    (options.allowedGlobals + (options.policy?.allowedGlobals ?? [])).contains {
      NamePattern.glob($0).matches(global.description)
    }
  }

  private mutating func check(_ archive: TensorArchive) throws(TensorIOError) {
    note(StructureCheck(archive, limits: options.reading.limits).findings)
    var values = ValueCheck(options)
    if let policy = options.policy {
      note(policy.findings(about: archive))
      values.add(policy)
    }
    let checked = values.outcome(of: archive, limits: options.reading.limits)
    note(checked.findings)
    for error in checked.errors { note(error) }
  }

  private mutating func note(_ findings: [Finding]) {
    for finding in findings where !isAllowed(finding) {
      // The archive and the scan notice some things both.
      if !result.findings.contains(where: { $0.isSame(as: finding) }) {
        result.findings.append(finding)
      }
    }
  }

  private func isAllowed(_ finding: Finding) -> Bool {
    options.allowedFindings.contains(finding.code)
      || options.policy?.allowedFindings.contains(finding.code) ?? false
  }

  private mutating func note(_ error: TensorIOError) {
    let error = error.located(in: .init(file: path))
    if !result.errors.contains(where: { $0.description == error.description }) {
      result.errors.append(error)
    }
  }
}

extension Finding {
  /// Whether two readings noticed the same thing.
  fileprivate func isSame(as other: Finding) -> Bool {
    code == other.code && member == other.member && tensor == other.tensor && offset == other.offset
      && (offset != nil && code != .dangerousGlobal && code != .unknownGlobal
        || message == other.message)
  }
}
