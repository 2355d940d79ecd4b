internal import ByteIO

/// The elements of two tensors of one shape, side by side: row-major and little-endian on both sides,
/// whatever lies in the files.
struct ElementPairs {
  /// Compares runs of elements and adds to what is known; the first one has the index `first`.
  typealias Body =
    @Sendable (
      _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, _ first: Int,
      _ difference: inout ElementDifference
    ) -> Void

  let left: Tensor
  let right: Tensor
  let limits: DecodingLimits
  /// Where errors of either side happened.
  let leftPlace: TensorIOError.Place
  let rightPlace: TensorIOError.Place

  /// Of the larger side; the blocks of both sides stay in the second-level cache.
  private static let blockBytes = 256 << 10
  /// Blocks are added up in so many runs at most, so that sums do not depend on the number of cores.
  private static let mostRuns = 1024

  /// Calls `body` for all elements, on all cores where they can be reached in any order.
  func forEachRun(
    _ nothing: ElementDifference, _ body: Body
  ) throws(TensorIOError) -> ElementDifference {
    let one = try locating(leftPlace) { () throws(TensorIOError) in
      try ElementAccess(left, limits)
    }
    let other = try locating(rightPlace) { () throws(TensorIOError) in
      try ElementAccess(right, limits)
    }
    guard let one, let other else { return unsafe try forEachRunInOrder(nothing, body) }
    let shape = one.isContiguous && other.isContiguous ? [left.count] : left.shape
    let plan = GatherPlan(
      shape: shape, itemSize: max(one.size, other.size), chunkBytes: Self.blockBytes)
    let blocks = plan.blockCount
    let perRun = (blocks + Self.mostRuns - 1) / Self.mostRuns
    let runs = blocks == 0 ? 0 : (blocks + perRun - 1) / perRun
    let results = ResultSlots(count: runs, initial: nothing)
    let half = (plan.blockBytes + 63) / 64 * 64
    let (leftPlace, rightPlace) = (leftPlace, rightPlace)
    unsafe try Parallel.forEach(runs, scratchBytes: 2 * half) {
      (run, scratch) throws(TensorIOError) in
      var found = nothing
      let (first, second) = unsafe (
        UnsafeMutableRawBufferPointer(rebasing: scratch[..<half]),
        UnsafeMutableRawBufferPointer(rebasing: scratch[half...])
      )
      for number in run * perRun..<min((run + 1) * perRun, blocks) {
        let block = plan.block(number)
        unsafe try one.withElements(block, first, leftPlace) { (a) throws(TensorIOError) in
          unsafe try other.withElements(block, second, rightPlace) { (b) throws(TensorIOError) in
            unsafe body(a, b, block.first, &found)
          }
        }
      }
      results[run] = found
    }
    try locating(leftPlace) { () throws(TensorIOError) in try one.finish() }
    try locating(rightPlace) { () throws(TensorIOError) in try other.finish() }
    return results.all.reduce(into: nothing) { $0.append($1) }
  }

  /// For compressed bytes, those on a device, and elements of less than a byte: one walk here, the
  /// other on a thread of its own.
  private func forEachRunInOrder(
    _ nothing: ElementDifference, _ body: Body
  ) throws(TensorIOError) -> ElementDifference {
    let (right, limits) = (right, limits)
    let pulled = unsafe PulledChunks { (sink) throws(TensorIOError) in
      unsafe try right.streamWholeElements(limits, sink)
    }
    defer { pulled.close() }
    let next = { () throws(TensorIOError) -> UnsafeRawBufferPointer? in
      unsafe try locating(rightPlace) { () throws(TensorIOError) in unsafe try pulled.next() }
    }
    let (leftUnit, rightUnit) = (left.streamedUnit, right.streamedUnit)
    var found = nothing
    var first = 0
    var rest = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    try locating(leftPlace) { () throws(TensorIOError) in
      unsafe try left.streamWholeElements(limits) { (chunk) throws(TensorIOError) in
        var chunk = unsafe chunk
        while chunk.count > 0 {
          if rest.count == 0 {
            guard let more = unsafe try next() else { throw Self.unequal }
            unsafe rest = more
          }
          let count = min(chunk.count / leftUnit, rest.count / rightUnit)
          guard count > 0 else { throw Self.unequal }
          unsafe body(
            UnsafeRawBufferPointer(rebasing: chunk[..<(count * leftUnit)]),
            UnsafeRawBufferPointer(rebasing: rest[..<(count * rightUnit)]), first, &found)
          first += count
          unsafe chunk = UnsafeRawBufferPointer(rebasing: chunk[(count * leftUnit)...])
          unsafe rest = UnsafeRawBufferPointer(rebasing: rest[(count * rightUnit)...])
        }
      }
    }
    // Its checksum is compared behind the last byte.
    guard rest.count == 0, unsafe try next() == nil else { throw Self.unequal }
    return found
  }

  private static let unequal = TensorIOError(
    .io, "a tensor has handed out too few or too many bytes")
}

extension Tensor {
  /// The bytes that are not torn apart in ``streamWholeElements(_:_:)``.
  fileprivate var streamedUnit: Int { dtype.bitWidth % 8 == 0 ? max(1, dtype.bitWidth / 8) : 1 }

  /// Streams chunks of whole elements; bytes for elements of less than one.
  fileprivate func streamWholeElements(
    _ limits: DecodingLimits, _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    let unit = streamedUnit
    var carry = ElementCarry(unit: unit)
    func hand(_ chunk: Span<UInt8>) throws(TensorIOError) {
      let failure = unsafe chunk.withUnsafeBytes { bytes -> TensorIOError? in
        do throws(TensorIOError) {
          unsafe try body(bytes)
          return nil
        } catch {
          return error
        }
      }
      if let failure { throw failure }
    }
    try streamElements(limits: limits) { (chunk) throws(TensorIOError) in
      if carry.isAligned(chunk.count) {
        try hand(chunk)
      } else {
        try carry.add(chunk, rewrite: nil, hand)
      }
    }
  }
}
