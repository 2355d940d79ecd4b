public import ByteIO
public import TensorModel

extension Tensor {
  /// The tensor on a device, as torch's `to(device)`; itself when it is there already.
  ///
  /// To a CUDA device goes what lies between the first and the last element, strides kept, in
  /// little-endian order; conjugation and negation stay flags, and scales of a quantized axis stay on
  /// the host. ``TensorArchive/to(_:options:)`` moves whole storages, which keeps aliases. A tensor
  /// that a file merely tagged `cuda:0` is uploaded; `to(.cpu)` of such a tensor changes the tag
  /// alone. `cuda` without an index is `cuda:0`.
  /// - Throws: `device` naming what is missing where there is no such device, when its memory does
  ///   not suffice, or when the driver fails; `unsupported` for a meta tensor, which has nothing to
  ///   move, and for Python objects; what reading the bytes throws.
  public func to(
    _ device: Device, options: TransferOptions = TransferOptions()
  ) throws(TensorIOError) -> Tensor {
    try Placement(device).place(self, options: options)
  }

  /// The tensor itself, if it has bytes that a device could hold.
  fileprivate func uploadable() throws(TensorIOError) -> Tensor {
    guard hasElements else {
      throw .unsupported("a meta tensor has no elements that could be moved")
    }
    guard !dtype.containsObjects else {
      throw .unsupported("Python objects live in the host's memory alone")
    }
    return self
  }

  /// Hands the address of the elements to `body`, for kernels of the caller's own.
  ///
  /// The address and the size in bytes are of what lies between the first and the last element in
  /// memory; of a contiguous tensor that is its elements, and ``strides`` say how others lie there. The
  /// memory belongs to the device's primary context, the one that the CUDA runtime uses too, and stays
  /// until `body` returns; a kernel has to be done by then. What a kernel writes shows in every tensor
  /// that shares the storage.
  /// - Throws: `invalidArgument` when the elements are not in a device's memory; what `body` throws.
  public func withDevicePointer<R>(
    _ body: (_ address: UInt64, _ byteCount: Int) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R {
    guard let bytes = try narrowed().storage.source as? DeviceBytes else {
      throw .invalidArgument(
        "the elements are in the host's memory; call to(.cuda(0)) first")
    }
    defer { withExtendedLifetime(bytes) {} }
    return try body(bytes.address, bytes.byteCount)
  }
}

/// A device that tensors go to one after the other, found once.
package struct Placement: Sendable {
  /// Nil for the host.
  private let lanes: StagingLanes?
  private let target: Device

  /// - Throws: `device` where there is no such device.
  package init(_ device: Device) throws(TensorIOError) {
    let target = try device.target
    lanes = if let target { try CUDA.lanes(target) } else { nil }
    self.target = target ?? .cpu
  }

  /// The tensor on the device, as ``Tensor/to(_:options:)`` has it.
  package func place(
    _ tensor: Tensor, options: TransferOptions = TransferOptions()
  ) throws(TensorIOError) -> Tensor {
    guard let lanes else { return try tensor.onHost() }
    if tensor.storage.residence == target {
      return tensor.device == target
        ? tensor : tensor.tagged(device: target, requiresGrad: tensor.requiresGrad)
    }
    let part = try tensor.uploadable().narrowed()
    let job = UploadJob(
      name: nil, source: part.storage.source, rewrite: StorageRewrite(toLittleEndian: part))
    let bytes = try Upload.run([job], lanes, options)
    return try part.moved(toLittleEndian: TensorStorage(bytes[0]), on: target)
  }
}

extension TensorArchive {
  /// The archive with all its tensors on a device: each storage is moved once, and tensors that share
  /// one go on sharing it.
  ///
  /// A storage of which tensors disagree about the byte order comes to the device once for each
  /// order. `to(.cpu)` downloads what is on a device, and of other tensors changes the tag alone.
  /// - Throws: as ``Tensor/to(_:options:)``, with the tensor's name; nothing stays on the device then.
  public func to(
    _ device: Device, options: TransferOptions = TransferOptions()
  ) throws(TensorIOError) -> TensorArchive {
    guard let target = try device.target else { return try downloaded() }
    let lanes = try CUDA.lanes(target)
    var jobs: [UploadJob] = []
    var places: [Place: Int] = [:]
    for entry in entries where entry.tensor.storage.residence != target {
      let tensor = try locating(.init(tensor: entry.name)) { () throws(TensorIOError) in
        try entry.tensor.uploadable()
      }
      let place = Place(tensor)
      guard places[place] == nil else { continue }
      places[place] = jobs.count
      jobs.append(
        UploadJob(name: entry.name, source: tensor.storage.source, rewrite: place.rewrite))
    }
    let storages = try Upload.run(jobs, lanes, options).map { TensorStorage($0) }
    return try replacing(
      try values.mapTensors { (tensor) throws(TensorIOError) in
        if tensor.storage.residence == target {
          return tensor.tagged(device: target, requiresGrad: tensor.requiresGrad)
        }
        guard let index = places[Place(tensor)] else { return tensor }
        return try tensor.moved(toLittleEndian: storages[index], on: target)
      })
  }

  /// What tensors have in common that stay on one storage.
  private struct Place: Hashable {
    let storage: ObjectIdentifier
    let rewrite: StorageRewrite

    init(_ tensor: Tensor) {
      storage = ObjectIdentifier(tensor.storage)
      rewrite = StorageRewrite(toLittleEndian: tensor)
    }
  }

  private func downloaded() throws(TensorIOError) -> TensorArchive {
    var storages: [ObjectIdentifier: TensorStorage] = [:]
    for entry in entries where entry.tensor.storage.source is DeviceBytes {
      let storage = entry.tensor.storage
      guard storages[ObjectIdentifier(storage)] == nil else { continue }
      storages[ObjectIdentifier(storage)] = try locating(.init(tensor: entry.name)) {
        () throws(TensorIOError) in TensorStorage(try storage.source.loaded())
      }
    }
    return try replacing(
      values.mapTensors { tensor in
        // A meta tensor has nothing that could be moved.
        guard tensor.hasElements else { return tensor }
        let local = storages[ObjectIdentifier(tensor.storage)].map { tensor.moved(to: $0) }
        return (local ?? tensor).tagged(device: .cpu, requiresGrad: tensor.requiresGrad)
      })
  }
}

extension Device {
  /// The CUDA device that is meant, or nil for the host.
  /// - Throws: `device` for any other kind.
  fileprivate var target: Device? {
    get throws(TensorIOError) {
      switch kind {
      case "cpu": return nil
      case "cuda": return .cuda(index ?? 0)
      default:
        throw TensorIOError(
          .device, "tensors move to cpu and cuda devices only, not to '\(self)'")
      }
    }
  }
}
