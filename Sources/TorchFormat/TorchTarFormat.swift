public import ByteIO
internal import NumPyFormat
internal import Pickle
internal import PickledValues
public import TensorModel

/// What `torch.save` wrote in 2016, before 0.2: a tar archive.
///
/// | file | content |
/// |---|---|
/// | `storages` | a pickled count; for each a pickled (key, location, class), its length in 8 bytes, its elements; a pickled list of views (key, root key, offset, length) |
/// | `tensors` | a pickled count; for each a pickled (key, storage key, class), the rank in 4 bytes and 4 of padding, sizes, strides and offset in 8 bytes each |
/// | `pickle` | the object; tensors are persistent ids |
public enum TorchTarFormat: TensorFormat {
  public static let descriptor = FormatDescriptor(
    id: "torch-tar", name: "PyTorch tar archive", extensions: ["pt", "pth", "tar"],
    holdsMany: true, keepsNesting: true, canWrite: false)

  public static func recognizes(_ opened: OpenedFile) throws(TensorIOError) -> Bool {
    guard TarMembers.isTar(opened.head) else { return false }
    let members = try TarMembers(opened.file, limits: opened.options.limits)
    return members.range("pickle") != nil && members.range("storages") != nil
  }

  /// Whether a file starts as any tar archive does.
  package static func isTar(_ head: [UInt8]) -> Bool { TarMembers.isTar(head) }

  /// Where pickles begin in a file of the archive.
  package struct Pickles {
    package let member: String
    package let range: Range<Int>
    /// The offsets in the file of the archive.
    package let starts: [Int]
    /// Why the search for them ended early.
    package let error: TensorIOError?
  }

  /// The files of the archive that are pickles or hold some.
  package static func pickles(in opened: OpenedFile) throws(TensorIOError) -> [Pickles] {
    let members = try TarMembers(opened.file, limits: opened.options.limits)
    var reader = TorchPickle(opened.options)
    let tables = TarTables(budget: reader.budget)
    var found: [Pickles] = []
    for name in ["sys_info", "pickle", "storages", "tensors"] {
      guard let range = members.range(name) else { continue }
      tables.starts = []
      var failure: TensorIOError?
      do throws(TensorIOError) {
        let source = try FileSlice(opened.file, range)
        switch name {
        case "storages": try tables.readStorages(source, &reader)
        case "tensors": try tables.readTensors(source, &reader)
        default: tables.starts = [0]
        }
      } catch {
        failure = error.located(in: .init(member: name))
      }
      found.append(Pickles(member: name, range: range, starts: tables.starts, error: failure))
    }
    return found
  }

  public static func read(_ opened: OpenedFile) throws(TensorIOError) -> TensorArchive {
    let members = try TarMembers(opened.file, limits: opened.options.limits)
    var reader = TorchPickle(opened.options)
    func source(_ name: String) throws(TensorIOError) -> FileSlice {
      guard let range = members.range(name) else {
        throw .malformed("the tar archive has no file '\(name)'")
      }
      return try FileSlice(opened.file, range)
    }
    let tables = TarTables(budget: reader.budget)
    try locating(.init(member: "storages")) { () throws(TensorIOError) in
      try tables.readStorages(try source("storages"), &reader)
    }
    try locating(.init(member: "tensors")) { () throws(TensorIOError) in
      try tables.readTensors(try source("tensors"), &reader)
    }
    return try locating(.init(member: "pickle")) { () throws(TensorIOError) in
      reader.member = "pickle"
      let (pickle, _) = try reader.parse(try source("pickle"))
      let objects = TorchObjects(
        StoragePool(NoStorages(), budget: reader.budget), budget: reader.budget)
      var decoder = PickleDecoder(
        pickle, interpreters: [tables, objects, NumPyObjects(budget: reader.budget)],
        options: opened.options)
      let root = try decoder.decode()
      reader.graph = decoder.graph
      reader.findings += decoder.findings
      return try reader.archive(root, format: descriptor.id)
    }
  }
}

/// The storages and tensors of a tar archive by their keys.
private final class TarTables: ObjectInterpreter {
  private struct Storage {
    let storage: TensorStorage
    let type: GlobalName
    let dtype: DType
    let device: Device
    /// The elements that it is of its root.
    var range: Range<Int>
  }

  private let budget: DecodingBudget
  /// Where the pickles begin that were read, or tried.
  var starts: [Int] = []
  private var storages: [ByteKey: Storage] = [:]
  private var tensors: [ByteKey: Tensor] = [:]

  init(budget: DecodingBudget) { self.budget = budget }

  private func key(_ id: Pickle.ID, _ pickle: Pickle) throws(TensorIOError) -> ByteKey {
    guard let key = pickle.key(id) else {
      throw .malformed("a key is neither text nor an integer")
    }
    return ByteKey(key)
  }

  private func parse(
    _ source: FileSlice, _ position: Int, _ reader: inout TorchPickle
  ) throws(TensorIOError) -> (pickle: Pickle, end: Int) {
    starts.append(position)
    return try reader.parse(source, from: position)
  }

  private func count(
    _ source: FileSlice, _ position: inout Int, _ reader: inout TorchPickle
  ) throws(TensorIOError) -> Int {
    let (pickle, end) = try parse(source, position, &reader)
    guard let count = pickle.int(pickle.root), count >= 0 else {
      throw .malformed("the first pickle is no count", offset: position)
    }
    position = end
    return count
  }

  private func integers(
    _ count: Int, _ source: FileSlice, _ position: inout Int
  ) throws(TensorIOError) -> [Int] {
    guard count <= (source.byteCount - position) / 8 else {
      throw .malformed("the file is cut short", offset: position)
    }
    let start = position
    position += 8 * count
    return try source.integers(at: start, count: count)
  }

  func readStorages(
    _ source: FileSlice, _ reader: inout TorchPickle
  ) throws(TensorIOError) {
    var position = 0
    for _ in 0..<(try count(source, &position, &reader)) {
      let (pickle, end) = try parse(source, position, &reader)
      guard let parts = pickle.tuple(pickle.root), parts.count == 3,
        let location = pickle.string(parts[1]), let type = pickle.global(parts[2]),
        let dtype = TorchNames.dtype(ofStorage: type)
      else { throw .malformed("a storage is no (key, location, class)", offset: position) }
      position = end
      let count = try integers(1, source, &position)[0]
      let (bytes, overflow) = count.multipliedReportingOverflow(by: StoragePool.bytesPerItem(dtype))
      guard count >= 0, !overflow, bytes <= source.byteCount - position else {
        throw .malformed(
          "a storage says \(count) elements, \(source.byteCount - position) bytes are left",
          offset: position)
      }
      storages[try key(parts[0], pickle)] = Storage(
        storage: TensorStorage(
          SourceSlice.of(source, position..<position + bytes), budget: budget),
        type: type, dtype: dtype, device: StoragePool.device(location), range: 0..<count)
      position += bytes
    }
    let (views, _) = try parse(source, position, &reader)
    guard case .list(let items) = views[views.root] else {
      throw .malformed("the views of storages are no list", offset: position)
    }
    for item in items {
      guard let parts = views.tuple(item), parts.count == 4,
        var root = storages[try key(parts[1], views)], let offset = views.int(parts[2]),
        let count = views.int(parts[3])
      else { throw .malformed("a view of a storage is broken", offset: position) }
      guard offset >= 0, count >= 0, offset <= root.range.count, count <= root.range.count - offset
      else { throw .malformed("a view of a storage reaches outside it", offset: position) }
      // The root may be a view itself.
      let start = root.range.lowerBound + offset
      root.range = start..<start + count
      storages[try key(parts[0], views)] = root
    }
  }

  func readTensors(_ source: FileSlice, _ reader: inout TorchPickle) throws(TensorIOError) {
    var position = 0
    for _ in 0..<(try count(source, &position, &reader)) {
      let (pickle, end) = try parse(source, position, &reader)
      guard let parts = pickle.tuple(pickle.root), parts.count == 3 else {
        throw .malformed("a tensor is no (key, storage, class)", offset: position)
      }
      guard let storage = storages[try key(parts[1], pickle)] else {
        throw .malformed("a tensor's storage does not exist", offset: position)
      }
      position = end
      // Four bytes of padding follow the rank and say nothing.
      let rank = try integers(1, source, &position)[0] & 0xffff_ffff
      guard rank <= 64 else { throw .malformed("a tensor has \(rank) axes", offset: position) }
      let shape = try integers(rank, source, &position)
      let strides = try integers(rank, source, &position)
      let offset = try integers(1, source, &position)[0]
      tensors[try key(parts[0], pickle)] = try Tensor(
        dtype: storage.dtype, shape: shape, strides: strides,
        offset: try offset.added(to: storage.range.lowerBound, "the storage offset"),
        storage: storage.storage, device: storage.device)
    }
  }

  func interpret(
    _ object: Pickle.Object, named name: GlobalName, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Interpretation? { nil }

  func interpret(
    persistent id: Pickle.ID, _ decoder: inout PickleDecoder
  ) throws(TensorIOError) -> Interpretation? {
    guard decoder.pickle.key(id) != nil else { return nil }
    let key = try key(id, decoder.pickle)
    if let tensor = tensors[key] { return Interpretation(.tensor(tensor)) }
    guard let storage = storages[key] else {
      throw .malformed("the persistent id '\(key.text.escapedForDisplay)' is no tensor's key")
    }
    let tensor = try Tensor(
      dtype: storage.dtype, shape: [storage.range.count], offset: storage.range.lowerBound,
      storage: storage.storage, device: storage.device)
    return Interpretation(.tensor(tensor), type: storage.type)
  }
}
