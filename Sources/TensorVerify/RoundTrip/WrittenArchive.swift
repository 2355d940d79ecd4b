package import ByteIO
package import TensorIO

/// An archive that is written in a format, and what the format promises of it.
package struct WrittenArchive {
  /// What is handed to the format.
  package let written: TensorArchive
  private let original: TensorArchive
  private let format: any TensorFormat.Type
  private let losses: [Loss]

  /// Prepares an archive as `convert` does.
  /// - Throws: `invalidArgument` where several tensors do not go into one file.
  package init(
    _ archive: TensorArchive, as format: any TensorFormat.Type, _ options: WritingOptions
  ) throws(TensorIOError) {
    let descriptor = format.descriptor
    original = archive
    self.format = format
    if !descriptor.holdsMany, archive.entries.count > 1, archive.format != descriptor.id {
      throw .invalidArgument(
        "\(archive.entries.count) tensors do not go into one \(descriptor.id) file")
    }
    if archive.isProgram {
      let merged = try ArchiveEdit().merging(
        [MergeInput(archive)], keepingValues: descriptor.keepsNesting)
      written = descriptor.keepsNesting ? merged.archive : try merged.archive.untagged()
      losses =
        merged.losses.flatMap { $0 } + merged.archive.losses(writingAs: format, options: options)
    } else {
      written = descriptor.keepsNesting ? archive : try archive.untagged()
      losses = archive.losses(writingAs: format, options: options)
    }
  }

  /// Findings about what is in a file, not about how it was written.
  private static let aboutContents: Set<Finding.Code> = [
    .backwardHooks, .dangerousBytes, .dangerousGlobal, .duplicateKey, .nestedPickle, .notAnArray,
    .oddName, .pickledWeight, .severalArrays,
  ]

  /// Reads what was written and refuses it if it is not what was promised.
  /// - Returns: what was read.
  package func require(
    _ file: InputFile, limits: DecodingLimits
  ) throws(TensorIOError) -> TensorArchive {
    var options = ReadingOptions()
    options.limits = limits
    var result = RoundTripResult(format: format.descriptor.id)
    let read: TensorArchive
    do throws(TensorIOError) {
      read = try judge(file, options, &result)
    } catch {
      throw TensorIOError(
        error.code, "what was written cannot be read back, so it was not kept: \(error.reason)",
        at: error.place)
    }
    guard !result.isFaithful else { return read }
    let count = result.undeclared.count + result.unobserved.count
    let first =
      result.undeclared.first?.description
      ?? result.unobserved.first.map { "'\($0.name)': kept, and declared as lost: \($0.message)" }
    throw TensorIOError(
      .io,
      "what was written is not what was to be written, so it was not kept: \(first ?? "")"
        + (count > 1 ? "; and \(count - 1) more differences" : ""))
  }

  /// Reads what was written and holds it against what was promised.
  /// - Returns: what was read.
  @discardableResult
  package func judge(
    _ file: InputFile, _ options: ReadingOptions, _ result: inout RoundTripResult
  ) throws(TensorIOError) -> TensorArchive {
    let opened = try OpenedFile(file, options: options)
    let id = format.descriptor.id
    // Formats that are known have to be told from all others.
    let isKnown = FormatRegistry.format(id: id) != nil
    let reader = isKnown ? try FormatRegistry.format(of: opened) : format
    guard reader.descriptor.id == id, try format.recognizes(opened) else {
      throw .malformed("what was written as \(id) is read as \(reader.descriptor.id)")
    }
    let read = try opened.checking { () throws(TensorIOError) in try reader.read(opened) }
    let strange = read.findings.first { !Self.aboutContents.contains($0.code) }
    if let strange {
      throw .malformed(
        "what was written is odd: \(strange.message) (\(strange.code.rawValue))")
    }
    var comparison = ArchiveComparison.Options()
    comparison.isFlat = !format.descriptor.keepsNesting || original.isProgram
    comparison.comparesByteOrder = format.descriptor.keepsByteOrder
    comparison.limits = options.limits
    result.judge(
      try ArchiveComparison(original, read, options: comparison).differences, losses)
    return read
  }
}
