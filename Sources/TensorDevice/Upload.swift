internal import ByteIO
internal import Synchronization
internal import TensorModel

/// One storage on its way to a device.
struct UploadJob: Sendable {
  /// A tensor of the storage, for messages.
  let name: String?
  let source: any ByteSource
  let rewrite: StorageRewrite
}

/// Copies storages to a device: several threads fill pinned buffers while others of theirs are
/// copied.
///
/// A storage is cut into pieces which the threads take in turn, as fast as their buffers come back:
/// never more bytes are under way than ``Staging`` has. What can be had only in order (a compressed
/// member) is one piece. All memory is allocated first, so what does not fit costs no copying.
struct Upload: ~Copyable {
  private let lanes: StagingLanes
  private let jobs: [UploadJob]
  private let options: TransferOptions
  private let cancellation: Cancellation
  private let memory: [DeviceMemory]
  private let pieces: [Piece]

  /// Uploads storages and answers their bytes on the device, in the same order.
  /// - Throws: `device` when the memory does not suffice, a call fails, or verification finds other
  ///   bytes; `unsupported` for a record larger than a buffer that would have to be rewritten; what
  ///   reading the sources and `options.progress` throw. Nothing stays on the device then.
  static func run(
    _ jobs: [UploadJob], _ lanes: StagingLanes, _ options: TransferOptions
  ) throws(TensorIOError) -> [DeviceBytes] {
    let outcome = unsafe withUnsafeCurrentTask { task in
      Result { () throws(TensorIOError) in
        unsafe try run(jobs, lanes, options, Cancellation(task: task))
      }
    }
    return try outcome.get()
  }

  /// Whether the task that asked for the upload was cancelled.
  @safe
  private struct Cancellation: @unchecked Sendable {
    // SAFETY: used while the task waits for the upload; asking whether it is cancelled is allowed
    // from every thread.
    let task: UnsafeCurrentTask?

    func check() throws(TensorIOError) {
      guard unsafe task?.isCancelled == true else { return }
      throw TensorIOError(.device, "the transfer was cancelled; nothing of it is kept")
    }
  }

  private static func run(
    _ jobs: [UploadJob], _ lanes: StagingLanes, _ options: TransferOptions,
    _ cancellation: Cancellation
  ) throws(TensorIOError) -> [DeviceBytes] {
    let upload = try Upload(jobs, lanes, options, cancellation)
    let account = TransferAccount(sizes: jobs.map(\.source.byteCount), options)
    try upload.pass { (lane, piece, producer) throws(TensorIOError) in
      let address = upload.memory[piece.job].address
      try producer.produce(lane) { (count, offset) throws(TensorIOError) in
        // A compressed member is one piece, and may be a long one.
        try cancellation.check()
        try lane.send(count, to: address + UInt64(offset), tag: piece.job)
        try account.add(lane.takeDone())
      }
    } atEnd: { (lane) throws(TensorIOError) in
      try lane.finish()
      try account.add(lane.takeDone())
    }
    if options.verifies { try upload.verify() }
    return upload.memory.map { DeviceBytes($0) }
  }

  private init(
    _ jobs: [UploadJob], _ lanes: StagingLanes, _ options: TransferOptions,
    _ cancellation: Cancellation
  ) throws(TensorIOError) {
    for job in jobs where job.rewrite.unit > lanes.staging.bufferBytes {
      throw .unsupported(
        "a record of \(job.rewrite.unit) bytes in big-endian order; call loaded() first")
    }
    memory = try Self.allocated(for: jobs, lanes)
    self.lanes = lanes
    self.jobs = jobs
    self.options = options
    self.cancellation = cancellation
    pieces = Self.pieces(of: jobs, bufferBytes: lanes.staging.bufferBytes)
  }

  private static func allocated(
    for jobs: [UploadJob], _ lanes: StagingLanes
  ) throws(TensorIOError) -> [DeviceMemory] {
    var memory: [DeviceMemory] = []
    for job in jobs {
      do throws(TensorIOError) {
        memory.append(try DeviceMemory(lanes, byteCount: job.source.byteCount))
      } catch {
        let total = jobs.reduce(0) { $0 + $1.source.byteCount }
        let done = memory.reduce(0) { $0 + $1.byteCount }
        guard jobs.count > 1 else { throw error.located(in: .init(tensor: job.name)) }
        throw TensorIOError(
          error.code, "\(error.reason); \(total) are to be uploaded, room for \(done) was found",
          at: .init(tensor: job.name))
      }
    }
    return memory
  }

  /// What one thread does at a time.
  struct Piece {
    let job: Int
    /// Nil for all of a source whose bytes come in order only.
    let range: Range<Int>?
  }

  private static func pieces(of jobs: [UploadJob], bufferBytes: Int) -> [Piece] {
    var (whole, parts): ([Piece], [Piece]) = ([], [])
    for (index, job) in jobs.enumerated() where job.source.byteCount > 0 {
      guard job.source.parts != nil else {
        whole.append(Piece(job: index, range: nil))
        continue
      }
      let step = bufferBytes / job.rewrite.unit * job.rewrite.unit
      for start in stride(from: 0, to: job.source.byteCount, by: step) {
        let end = min(start + step, job.source.byteCount)
        parts.append(Piece(job: index, range: start..<end))
      }
    }
    // The long ones first, so that nobody waits for them at the end.
    return whole + parts
  }

  /// Walks over all pieces on several threads, and has every source checked at the end.
  private func pass(
    _ body: @Sendable (StagingLane, Piece, ChunkProducer) throws(TensorIOError) -> Void,
    atEnd: @Sendable (StagingLane) throws(TensorIOError) -> Void
  ) throws(TensorIOError) {
    let (lanes, jobs, pieces, cancellation) = (lanes, jobs, pieces, cancellation)
    let loaders = jobs.map(\.source.parts)
    let next = Atomic<Int>(0)
    let isStopped = Atomic<Bool>(false)
    try Parallel.forEach(min(pieces.count, lanes.staging.laneCount)) { (_) throws(TensorIOError) in
      do throws(TensorIOError) {
        try lanes.withLane { (lane) throws(TensorIOError) in
          while !isStopped.load(ordering: .relaxed) {
            try cancellation.check()
            let index = next.add(1, ordering: .relaxed).oldValue
            guard index < pieces.count else { break }
            let piece = pieces[index]
            let job = jobs[piece.job]
            let producer = ChunkProducer(
              source: job.source, loader: loaders[piece.job], range: piece.range,
              rewrite: job.rewrite)
            try locating(.init(tensor: job.name)) { () throws(TensorIOError) in
              try body(lane, piece, producer)
            }
          }
          try atEnd(lane)
        }
      } catch {
        isStopped.store(true, ordering: .relaxed)
        throw error
      }
    }
    for (job, loader) in zip(jobs, loaders) {
      try locating(.init(tensor: job.name)) { () throws(TensorIOError) in
        try loader?.finish()
      }
    }
  }

  /// Reads everything again, from the source and from the device, and compares.
  private func verify() throws(TensorIOError) {
    let memory = memory
    try pass { (lane, piece, producer) throws(TensorIOError) in
      let block = memory[piece.job]
      try producer.produce(lane) { (count, offset) throws(TensorIOError) in
        // The lane goes on to its other buffer for what comes back.
        let expected = unsafe UnsafeRawBufferPointer(rebasing: lane.skip()[..<count])
        let slot = try lane.request(count, from: block.address + UInt64(offset))
        let found = unsafe try lane.received(count, in: slot)
        guard unsafe expected.elementsEqual(found) else {
          throw TensorIOError(
            .device, "what came back from \(block.device) is not what was sent",
            at: .init(offset: offset))
        }
      }
    } atEnd: { (lane) throws(TensorIOError) in
      try lane.finish()
    }
  }
}
