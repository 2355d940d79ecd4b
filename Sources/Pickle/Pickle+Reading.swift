package import ByteIO

extension Pickle {
  /// What came of reading a pickle.
  package struct Reading: Sendable {
    /// All objects up to the end or the fault.
    package let pickle: Pickle
    /// The offset after STOP, or of the opcode at fault.
    package let end: Int
    /// Why reading stopped before STOP.
    package let error: TensorIOError?
  }

  /// Reads the pickle that begins at `start` of a source.
  /// - Parameters:
  ///   - source: resident bytes; others are loaded.
  ///   - buffers: the buffers outside the pickle, in the order in which it asks for them.
  /// - Throws: `malformed`, `unsupported` or `limit` with the offset of the opcode.
  package static func read(
    _ source: any ByteSource, from start: Int = 0, buffers: [any ByteSource] = [],
    limits: DecodingLimits
  ) throws(TensorIOError) -> (pickle: Pickle, end: Int) {
    let reading = try attempt(source, from: start, buffers: buffers, limits: limits)
    if let error = reading.error { throw error }
    return (reading.pickle, reading.end)
  }

  /// ``read(_:from:buffers:limits:)``, keeping what was read before a fault.
  package static func attempt(
    _ source: any ByteSource, from start: Int = 0, buffers: [any ByteSource] = [],
    limits: DecodingLimits
  ) throws(TensorIOError) -> Reading {
    let resident: any ByteSource = source.isResident ? source : try source.loaded()
    let reading = unsafe try resident.withResidentBytes {
      (region) throws(TensorIOError) -> Reading in
      let all = unsafe Span<UInt8>(_unsafeBytes: region)
      guard start <= all.count else { throw .malformed("a pickle is missing", offset: start) }
      var input = ByteCursor(all.extracting(start...), baseOffset: start)
      var machine = PickleMachine(limits: limits, buffers: buffers.count)
      machine.pickle.sources = [resident] + buffers
      machine.pickle.reserve(forBytes: input.remaining)
      do throws(TensorIOError) {
        try machine.run(&input)
      } catch {
        let end = error.place.offset ?? input.offset
        return Reading(pickle: machine.pickle, end: end, error: error)
      }
      return Reading(pickle: machine.pickle, end: input.offset, error: nil)
    }
    guard let reading else { throw TensorIOError(.io, "loaded bytes are not in memory") }
    return reading
  }

  /// The contents of a buffer outside the pickle.
  package func buffer(_ index: Int) -> any ByteSource { sources[index + 1] }
}
