public import ByteIO

/// How far a transfer has come.
public struct TransferProgress: Sendable, Hashable {
  /// The bytes that have arrived.
  public let completedBytes: Int
  /// The bytes of all storages, each counted once however many tensors share it.
  public let totalBytes: Int
  /// The storages that have arrived whole.
  public let completedStorages: Int
  /// The storages.
  public let totalStorages: Int
}

/// How tensors are moved to a device.
public struct TransferOptions: Sendable {
  /// Whether everything is read back and compared with the source, which is read again for it.
  public var verifies = false
  /// Told of every few MiB that have arrived, one call at a time, from several threads; what it
  /// throws ends the transfer.
  public var progress: (@Sendable (TransferProgress) throws(TensorIOError) -> Void)?

  /// Options without verification and progress.
  public init() {}
}

/// Counts what has arrived.
final class TransferAccount: Sendable {
  private struct State {
    var completedBytes = 0
    var completedStorages: Int
    var left: [Int]
  }

  private let progress: (@Sendable (TransferProgress) throws(TensorIOError) -> Void)?
  private let total: Int
  private let state: Locked<State>

  init(sizes: [Int], _ options: TransferOptions) {
    progress = options.progress
    total = sizes.reduce(0, +)
    state = Locked(State(completedStorages: sizes.count { $0 == 0 }, left: sizes))
  }

  func add(_ copies: [StagingLane.Copy]) throws(TensorIOError) {
    guard let progress, !copies.isEmpty else { return }
    try state.withLock { (state) throws(TensorIOError) in
      for copy in copies {
        state.completedBytes += copy.byteCount
        state.left[copy.tag] -= copy.byteCount
        if state.left[copy.tag] == 0 { state.completedStorages += 1 }
      }
      try progress(
        TransferProgress(
          completedBytes: state.completedBytes, totalBytes: total,
          completedStorages: state.completedStorages, totalStorages: state.left.count))
    }
  }
}
