internal import ByteIO
public import TensorIO

/// Writes archives, reads them back, and compares what came back with what was written, on every
/// axis, and with the losses that the format declares.
public enum RoundTrip {
  /// How archives are written and read.
  public struct Options: Sendable {
    /// How files are written.
    public var writing = WritingOptions()
    /// How they are read back.
    ///
    /// Nothing is taken for what it may be: NumPy's raw bytes stay such, which
    /// is a loss that formats declare.
    public var reading = ReadingOptions()
    /// The folder of the file that is written; nil for `TMPDIR`, or `/tmp`.
    ///
    /// The file has no name there, and is gone when it is closed.
    public var folder: String?

    /// Creates the documented defaults.
    public init() {}
  }

  /// Writes an archive in each of some formats and judges what is read back.
  public static func verify(
    _ archive: TensorArchive, through formats: [any TensorFormat.Type],
    options: Options = Options()
  ) -> [RoundTripResult] {
    formats.map { format in
      var result = RoundTripResult(format: format.descriptor.id)
      do throws(TensorIOError) {
        try verify(archive, through: format, options, &result)
      } catch {
        result.error = error
      }
      return result
    }
  }

  private static func verify(
    _ archive: TensorArchive, through format: any TensorFormat.Type, _ options: Options,
    _ result: inout RoundTripResult
  ) throws(TensorIOError) {
    let promise = try WrittenArchive(archive, as: format, options.writing)
    let file = try AtomicFile.passing(in: options.folder)
    do throws(TensorIOError) {
      try format.write(promise.written, to: file, options: options.writing)
      result.byteCount = file.byteCount
      try promise.judge(try file.written(), options.reading, &result)
    } catch {
      var error = error
      // Nobody knows the file; that of a damaged input stays.
      if error.place.file == file.path { error.place.file = nil }
      throw error
    }
  }
}
