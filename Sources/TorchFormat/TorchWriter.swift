internal import ByteIO
internal import NumPyFormat
internal import Pickle
internal import PickledValues
internal import TensorModel
internal import ZIPContainer

/// Writes archives that `torch.load(weights_only=True, mmap=True)` takes without a warning.
///
/// Members are stored, and their data begin at multiples of 64. There is no `.format_version`
/// record: with one, torch computes where storages lie instead of looking.
enum TorchWriter {
  static func write(
    _ archive: TensorArchive, to file: AtomicFile, options: WritingOptions
  ) throws(TensorIOError) {
    let plan = StoragePlan(archive.values, views: options.views)
    let byteCount = plan.records.reduce(0) { $0.addingSaturated($1.contents.byteCount) }
    try file.requireRoom(for: byteCount)
    var encoder = PickleEncoder(
      archive.values, picklers: [NumPyPickler(), TorchPickler(plan)])
    let pickle = try located(archive) { () throws(TensorIOError) in
      try PickleWriter.bytes(of: try encoder.encode(archive.values.root), protocol: 2)
    }
    let writer = ZIPWriter(file)
    try add("data.pkl", pickle, writer)
    try add("byteorder", Array("little".utf8), writer)
    for record in plan.records {
      let contents = record.contents
      try writer.add("archive/data/\(record.key)", byteCount: contents.byteCount) {
        (sink) throws(TensorIOError) in
        try contents.streamElements { (chunk) throws(TensorIOError) in
          try sink(chunk)
          try options.advance(chunk.count)
        }
      }
    }
    try add("version", Array("3\n".utf8), writer)
    try writer.finish()
  }

  private static func add(
    _ name: String, _ bytes: [UInt8], _ writer: ZIPWriter
  ) throws(TensorIOError) {
    try writer.add("archive/" + name, byteCount: bytes.count) { (sink) throws(TensorIOError) in
      try sink(bytes.span)
    }
  }

  /// Names the tensor that cannot be written, where one is at fault.
  private static func located<R>(
    _ archive: TensorArchive, _ body: () throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R {
    for entry in archive.entries
    where !TorchPickler.canHold(entry.tensor.dtype)
      && archive.values.traits(of: entry.id)?.type?.module.hasPrefix("numpy") != true
    {
      throw TensorIOError(
        .unsupported,
        TorchPickler.refusal(of: entry.tensor.dtype), at: .init(tensor: entry.name))
    }
    return try body()
  }
}
