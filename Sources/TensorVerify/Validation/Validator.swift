internal import TensorIO
internal import TorchFormat

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
  private var collected = FindingCollection()
  private var reasons: Set<String> = []

  init(_ path: String, _ options: ValidationOptions) {
    self.path = path
    self.options = options
    result = ValidationResult(file: path)
  }

  mutating func run() {
    defer { result.findings = collected.findings }
    do throws(TensorIOError) {
      let file = try InputFile(path: try CheckpointFolder.file(for: path))
      let parts = (try? FilePart.parts(of: file, options: options.reading)) ?? []
      let fileBytes = parts.reduce(file.byteCount) { $0 + $1.file.byteCount }
      result.fileBytes = fileBytes
      // All passes look at the file that was opened, whatever the path names meanwhile.
      let archive = open(file)
      scan(file)
      if let archive { try check(archive) }
      let bytes = try ByteCheck.outcome(of: file, limits: options.reading.limits)
      note(bytes.findings)
      for error in bytes.errors { note(error) }
      for part in parts { check(part) }
      if let archive { try checkCopies(in: archive) }
      if let policy = options.policy { note(policy.findings(fileBytes: fileBytes)) }
      if let manifest = options.manifest {
        note(try manifest.check(path, limits: options.reading.limits))
      }
      try file.requireUnchanged()
    } catch {
      note(error)
    }
  }

  /// What a file holds twice, for readers that know no sharing.
  private mutating func checkCopies(in archive: TensorArchive) throws(TensorIOError) {
    guard FormatRegistry.format(id: archive.format ?? "")?.descriptor.keepsMetadata == true else {
      return
    }
    for entry in archive.entries where entry.tensor.hasElements {
      try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
        try entry.tensor.storage.verify()
      }
    }
  }

  /// The bytes of a file that the one under validation names.
  private mutating func check(_ part: FilePart) {
    do throws(TensorIOError) {
      let bytes = try ByteCheck.outcome(of: part.file, limits: options.reading.limits)
      note(
        bytes.findings.map {
          Finding(
            $0.code, $0.message, member: $0.member.map { "\(part.name)/\($0)" } ?? part.name,
            tensor: $0.tensor, offset: $0.offset)
        })
      for error in bytes.errors { note(error) }
      try part.file.requireUnchanged()
    } catch {
      note(error.located(in: .init(file: part.file.path)))
    }
  }

  private mutating func open(_ file: InputFile) -> TensorArchive? {
    do throws(TensorIOError) {
      let archive = try TensorArchive(in: file, options: options.reading)
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
  private mutating func scan(_ file: InputFile) {
    do throws(TensorIOError) {
      let scan = try GlobalScan(in: file, options: options.reading)
      note(scan.findings)
      for use in scan.uses where !isAllowed(use.global.name) {
        let name = use.global.name.description.escapedForDisplay
        let (member, offset) = (use.global.member, use.global.offset)
        switch use.global.verdict {
        case .known: continue
        case .inert:
          let isOwn = TorchDistributedFormat.ownNames.contains(use.global.name)
          if result.format == TorchDistributedFormat.descriptor.id, member == nil, isOwn {
            continue
          }
          note(
            Finding(
              .unknownGlobal, "\(name) has to be trusted where Python loads this file",
              member: member, offset: offset))
        case .dangerous:
          note(
            Finding(
              .dangerousGlobal, "\(name) runs when Python loads this file", member: member,
              offset: offset))
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
    for finding in findings { note(finding) }
  }

  private mutating func note(_ finding: Finding) {
    if !isAllowed(finding) { collected.add(finding) }
  }

  private func isAllowed(_ finding: Finding) -> Bool {
    options.allowedFindings.contains(finding.code)
      || options.policy?.allowedFindings.contains(finding.code) ?? false
  }

  private mutating func note(_ error: TensorIOError) {
    let error = error.located(in: .init(file: path))
    if reasons.insert(error.description).inserted { result.errors.append(error) }
  }
}
