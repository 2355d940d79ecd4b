package import ByteIO
package import TensorModel

extension TorchLegacyFormat {
  /// Where the last storage of a stream ends, for those who have looked at its pickles.
  /// - Throws: `malformed` where the storages are not all there.
  package static func end(
    of source: any ByteSource, _ options: ReadingOptions
  ) throws(TensorIOError) -> Int {
    var reader = TorchPickle(options)
    return try parse(source, &reader).1.end
  }
}
