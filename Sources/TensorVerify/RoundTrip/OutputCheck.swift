package import ByteIO
package import TensorIO

/// Reads back what is written, before it gets its name, and keeps what a manifest says of it.
package final class OutputCheck {
  private let isHashing: Bool
  private let limits: DecodingLimits
  private let isCancelled: @Sendable () -> Bool
  private let paths: [String]
  /// The files so far; of files in a folder the path in it.
  package private(set) var outputs: [Manifest.File] = []
  /// The tensors so far, each with the number of its file.
  package private(set) var tensors: [(output: Int, outline: Manifest.Outline)] = []

  /// - Parameters:
  ///   - paths: what the files will be called, in their order.
  ///   - isHashing: whether hashes are wanted.
  package init(
    _ paths: [String], isHashing: Bool, limits: DecodingLimits,
    isCancelled: @escaping @Sendable () -> Bool
  ) {
    self.paths = paths
    self.isHashing = isHashing
    self.limits = limits
    self.isCancelled = isCancelled
  }

  /// Looks at one file.
  /// - Throws: `io` when what was written is not what was to be written, and when the caller wants to
  ///   stop; what reading throws.
  package func check(
    _ archive: TensorArchive, _ format: any TensorFormat.Type, _ file: InputFile,
    _ options: WritingOptions
  ) throws(TensorIOError) {
    let read = try WrittenArchive(archive, as: format, options).require(file, limits: limits)
    if isHashing {
      let number = outputs.count
      let path = paths.indices.contains(number) ? paths[number] : file.path
      let outlines = try Manifest.Outline.all(read.entries, limits: limits)
      outputs.append(try Manifest.File(file, path: path))
      // In the order of the archive, whatever that of the file is.
      let matching = NameMatching(of: archive.entries, in: read.entries)
      for pair in matching.pairs { tensors.append((number, outlines[pair.right])) }
    }
    if isCancelled() {
      throw TensorIOError(.io, "writing was cancelled; nothing was left behind")
    }
  }
}
