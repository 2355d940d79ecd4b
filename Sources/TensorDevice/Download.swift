internal import ByteIO
internal import Synchronization

/// Copies from a device, through pinned buffers.
enum Download {
  /// Fills a buffer of the same size, on several threads.
  static func load(
    _ source: DeviceBytes, into target: UnsafeMutableRawBufferPointer
  ) throws(TensorIOError) {
    let lanes = source.memory.lanes
    let step = lanes.staging.bufferBytes
    let pieces = (source.byteCount + step - 1) / step
    let next = Atomic<Int>(0)
    // SAFETY: each thread writes the pieces that it took, and `target` outlives the call.
    nonisolated(unsafe) let target = unsafe target
    try Parallel.forEach(min(pieces, lanes.staging.laneCount)) { (_) throws(TensorIOError) in
      try lanes.withLane { (lane) throws(TensorIOError) in
        // One piece is copied out of its buffer while the next is on its way.
        var coming: (slot: Int, range: Range<Int>)?
        repeat {
          let start = min(next.add(1, ordering: .relaxed).oldValue * step, source.byteCount)
          let range = start..<min(start + step, source.byteCount)
          var requested: (slot: Int, range: Range<Int>)?
          if !range.isEmpty {
            let slot = try lane.request(range.count, from: source.address + UInt64(start))
            requested = (slot, range)
          }
          if let coming {
            let bytes = unsafe try lane.received(coming.range.count, in: coming.slot)
            unsafe UnsafeMutableRawBufferPointer(rebasing: target[coming.range])
              .copyMemory(from: bytes)
          }
          coming = requested
        } while coming != nil
      }
    }
  }

  /// Hands out the bytes in order; the next chunk comes while `body` works on one.
  static func stream(
    _ source: DeviceBytes, _ body: (Span<UInt8>) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    let lanes = source.memory.lanes
    let step = min(streamChunkBytes, lanes.staging.bufferBytes)
    try lanes.withLane { (lane) throws(TensorIOError) in
      var position = 0
      var coming: (slot: Int, count: Int)?
      repeat {
        let count = min(step, source.byteCount - position)
        var requested: (slot: Int, count: Int)?
        if count > 0 {
          requested = (try lane.request(count, from: source.address + UInt64(position)), count)
          position += count
        }
        if let coming {
          let bytes = unsafe try lane.received(coming.count, in: coming.slot)
          try body(unsafe Span<UInt8>(_unsafeBytes: bytes))
        }
        coming = requested
      } while coming != nil
    }
  }
}
