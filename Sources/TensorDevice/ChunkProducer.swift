internal import ByteIO
internal import TensorModel

/// The one place where source bytes become the bytes that go to the device, in pinned buffers.
///
/// A conversion of elements belongs here: chunks begin and end at whole units of the rewrite.
struct ChunkProducer {
  let source: any ByteSource
  let loader: (any PartLoading)?
  /// Nil for all of the source, in order.
  let range: Range<Int>?
  let rewrite: StorageRewrite

  /// Fills the lane's buffers one after the other.
  /// - Parameter sink: gets how many bytes the lane's buffer now has, and where they belong; the
  ///   buffer is the sink's to send.
  func produce(
    _ lane: StagingLane, _ sink: (Int, Int) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    guard let range, let loader else { return try produceInOrder(lane, sink) }
    let buffer = unsafe try lane.buffer()
    let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<range.count])
    unsafe try loader.load(range, into: part)
    unsafe rewrite.apply(to: part)
    try sink(range.count, range.lowerBound)
  }

  private func produceInOrder(
    _ lane: StagingLane, _ sink: (Int, Int) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    var buffer = unsafe try lane.buffer()
    let capacity = buffer.count / rewrite.unit * rewrite.unit
    var (filled, sent) = (0, 0)
    func flush() throws(TensorIOError) {
      unsafe rewrite.apply(to: UnsafeMutableRawBufferPointer(rebasing: buffer[..<filled]))
      try sink(filled, sent)
      sent += filled
      filled = 0
    }
    try source.stream { (chunk) throws(TensorIOError) in
      var position = 0
      while position < chunk.count {
        if filled == capacity {
          try flush()
          unsafe buffer = try lane.buffer()
        }
        let count = min(chunk.count - position, capacity - filled)
        guard sent + filled + count <= source.byteCount else {
          throw TensorIOError(.io, "a source of \(source.byteCount) bytes handed out more")
        }
        unsafe chunk.extracting(position..<position + count).withUnsafeBytes { bytes in
          unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + count])
            .copyMemory(from: bytes)
        }
        filled += count
        position += count
      }
    }
    if filled > 0 { try flush() }
    guard sent == source.byteCount else {
      throw TensorIOError(.io, "a source of \(source.byteCount) bytes handed out \(sent)")
    }
  }
}
