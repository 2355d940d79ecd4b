internal import ByteIO
internal import CCUDADriver

/// The primary context of a device, retained once and used from every thread.
///
/// It is pushed around each call, so threads keep whatever context they had, and popped whatever the
/// call answered.
@safe
final class CUDAContext: Sendable {
  let driver: CUDADriver
  let ordinal: Int
  private let device: Int32
  // SAFETY: the handle of a context, which the driver lets any thread push.
  private nonisolated(unsafe) let handle: tio_cuda_context

  init(_ driver: CUDADriver, ordinal: Int) throws(TensorIOError) {
    device = try driver.device(ordinal)
    var retained: tio_cuda_context?
    unsafe try driver.require(
      tio_cuda_context_retain(driver.table, &retained, device), "cuDevicePrimaryCtxRetain")
    guard let retained = unsafe retained else {
      throw TensorIOError(.device, "the driver handed out no context for cuda:\(ordinal)")
    }
    unsafe handle = retained
    self.driver = driver
    self.ordinal = ordinal
  }

  deinit { _ = unsafe tio_cuda_context_release(driver.table, device) }

  /// Makes a call of the driver with the context current.
  /// - Returns: the driver's status.
  /// - Throws: `device` when the context cannot be made current.
  func status(
    _ call: (OpaquePointer) -> Int32
  ) throws(TensorIOError) -> Int32 {
    unsafe try driver.require(
      tio_cuda_context_push(driver.table, handle), "cuCtxPushCurrent")
    // What popping reports is about earlier copies; waiting for those reports it again.
    defer { _ = unsafe tio_cuda_context_pop(driver.table) }
    return unsafe call(driver.table)
  }

  /// Makes a call that has to succeed.
  func call(
    _ name: String, _ call: (OpaquePointer) -> Int32
  ) throws(TensorIOError) {
    try driver.require(try unsafe status(call), name)
  }

  /// Makes a call that gives something back, for which there is one chance only: a failing driver
  /// cannot be helped there, and has said so elsewhere.
  func release(_ call: (OpaquePointer) -> Int32) {
    let isCurrent = unsafe tio_cuda_context_push(driver.table, handle) == tio_cuda_success
    _ = unsafe call(driver.table)
    if isCurrent { _ = unsafe tio_cuda_context_pop(driver.table) }
  }

  /// The device's free and total memory in bytes.
  func memory() throws(TensorIOError) -> (free: Int, total: Int) {
    var (free, total) = (0, 0)
    unsafe try call("cuMemGetInfo") { unsafe tio_cuda_memory_info($0, &free, &total) }
    return (free, total)
  }
}

/// Host memory that the device copies from and to at full speed.
@safe
final class PinnedBuffer {
  let byteCount: Int
  // SAFETY: allocated in `init` with `byteCount` bytes, freed in `deinit`.
  private let start: UnsafeMutableRawPointer
  private let context: CUDAContext

  init(_ context: CUDAContext, byteCount: Int) throws(TensorIOError) {
    var memory: UnsafeMutableRawPointer?
    unsafe try context.call("cuMemHostAlloc of \(byteCount) bytes") {
      unsafe tio_cuda_host_allocate($0, &memory, byteCount)
    }
    guard let memory = unsafe memory else {
      throw TensorIOError(.device, "the driver handed out no pinned memory")
    }
    unsafe start = memory
    self.byteCount = byteCount
    self.context = context
  }

  deinit { unsafe context.release { unsafe tio_cuda_host_free($0, start) } }

  var region: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }
}

/// Copies that run one after the other while the host does something else.
@safe
final class CUDAStream {
  private let context: CUDAContext
  // SAFETY: a handle that the driver alone follows; destroyed in `deinit`.
  fileprivate let handle: tio_cuda_stream

  init(_ context: CUDAContext) throws(TensorIOError) {
    var created: tio_cuda_stream?
    unsafe try context.call("cuStreamCreate") { unsafe tio_cuda_stream_create($0, &created) }
    guard let created = unsafe created else {
      throw TensorIOError(.device, "the driver handed out no stream")
    }
    unsafe handle = created
    self.context = context
  }

  deinit { unsafe context.release { unsafe tio_cuda_stream_destroy($0, handle) } }

  /// Copies the first bytes of a buffer, which must not change until the copy is done.
  func copy(_ count: Int, of buffer: PinnedBuffer, to address: UInt64) throws(TensorIOError) {
    let source = unsafe buffer.region.baseAddress
    unsafe try context.call("cuMemcpyHtoDAsync") {
      unsafe tio_cuda_copy_to_device($0, address, source, count, handle)
    }
  }

  func copy(_ count: Int, from address: UInt64, to buffer: PinnedBuffer) throws(TensorIOError) {
    let target = unsafe buffer.region.baseAddress
    unsafe try context.call("cuMemcpyDtoHAsync") {
      unsafe tio_cuda_copy_to_host($0, target, address, count, handle)
    }
  }

  /// Returns when all copies are done.
  /// - Throws: `device` when one of them failed.
  func synchronize() throws(TensorIOError) {
    unsafe try context.call("cuStreamSynchronize") {
      unsafe tio_cuda_stream_synchronize($0, handle)
    }
  }

  /// Returns when all copies are done, or never will be.
  func settle() { unsafe context.release { unsafe tio_cuda_stream_synchronize($0, handle) } }
}

/// A mark in a stream that a thread can wait for.
@safe
final class CUDAEvent {
  private let context: CUDAContext
  // SAFETY: a handle that the driver alone follows; destroyed in `deinit`.
  private let handle: tio_cuda_event

  init(_ context: CUDAContext) throws(TensorIOError) {
    var created: tio_cuda_event?
    unsafe try context.call("cuEventCreate") { unsafe tio_cuda_event_create($0, &created) }
    guard let created = unsafe created else {
      throw TensorIOError(.device, "the driver handed out no event")
    }
    unsafe handle = created
    self.context = context
  }

  deinit { unsafe context.release { unsafe tio_cuda_event_destroy($0, handle) } }

  func record(in stream: CUDAStream) throws(TensorIOError) {
    unsafe try context.call("cuEventRecord") {
      unsafe tio_cuda_event_record($0, handle, stream.handle)
    }
  }

  func synchronize() throws(TensorIOError) {
    unsafe try context.call("cuEventSynchronize") { unsafe tio_cuda_event_synchronize($0, handle) }
  }
}
