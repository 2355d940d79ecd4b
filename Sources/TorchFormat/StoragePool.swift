internal import ByteIO
internal import Pickle
internal import PickledValues
internal import TensorModel

/// Where the bytes of storages come from.
protocol StorageProvider: AnyObject {
  /// The byte order of storages with a dtype.
  var byteOrder: ByteOrder { get }
  /// The bytes of the storage with this key, as many as asked for.
  /// - Throws: `malformed` when there is no such storage or it has another size.
  func bytes(_ key: String, byteCount: Int) throws(TensorIOError) -> any ByteSource
}

/// A storage as a tensor refers to it.
struct StorageReference {
  let storage: TensorStorage
  /// The type of the elements; nil for a storage of plain bytes.
  let dtype: DType?
  /// The class that the file names.
  let type: GlobalName
  let device: Device
  /// Elements from the start of the storage to the first of a view of it.
  let offset: Int
  /// The elements, or bytes, of the storage or view.
  let count: Int
  /// The order of the file; bytes by themselves have none.
  let fileOrder: ByteOrder

  /// The order of elements of a dtype on the storage.
  func byteOrder(of dtype: DType) -> ByteOrder { dtype.swapUnit > 1 ? fileOrder : .little }
}

/// The storages of a file by their keys; each is made once, so that tensors on it stay aliases.
///
/// | item of the persistent id | content |
/// |---|---|
/// | 0 | `'storage'` |
/// | 1 | the class, which says the dtype |
/// | 2 | the key, text or an integer |
/// | 3 | the location: `cpu`, `cuda:0` |
/// | 4 | the number of elements; of bytes for `UntypedStorage` |
/// | 5 | None, or (key, offset, size) of a view (legacy streams) |
final class StoragePool {
  private struct Entry {
    let storage: TensorStorage
    let type: GlobalName
    let location: String
    let count: Int
  }

  private let provider: any StorageProvider
  private let budget: DecodingBudget
  private var entries: [Entry] = []
  /// The places of entries, by keys that are numbers, as torch counts them; -1 where there is none.
  private var numbered: [Int32] = []
  /// The places of entries with other keys.
  private var named: [ByteKey: Int] = [:]
  private var references: [Pickle.ID: StorageReference] = [:]
  /// That a key is no text, once.
  private(set) var findings: [Finding] = []
  private var lastType: (type: GlobalName, dtype: DType?)?

  /// The storage in a byte string that holds a file of its own, as `pickle.dump(tensor)` has it.
  private let nested: NestedFiles?

  init(_ provider: any StorageProvider, budget: DecodingBudget, nested: NestedFiles? = nil) {
    self.provider = provider
    self.budget = budget
    self.nested = nested
  }

  /// The storage that a persistent object is.
  func reference(
    _ id: Pickle.ID, _ decoder: PickleDecoder
  ) throws(TensorIOError) -> StorageReference {
    if case .persistent(let key) = decoder.pickle[id] {
      return try reference(persistent: key, decoder.pickle)
    }
    if let known = references[id] { return known }
    guard case .object(let object) = decoder.pickle[id], let nested,
      decoder.pickle.global(object.callee) == TorchNames.loadFromBytes,
      let arguments = decoder.pickle.tuple(object.arguments), arguments.count == 1,
      let reference = try nested.storage(in: arguments[0], decoder)
    else { throw .malformed("a tensor has something else in the place of its storage") }
    references[id] = reference
    return reference
  }

  func reference(
    persistent id: Pickle.ID, _ pickle: Pickle
  ) throws(TensorIOError) -> StorageReference {
    guard let parts = pickle.tuple(id), (5...6).contains(parts.count) else {
      throw .malformed("a persistent id is no tuple of 5 or 6")
    }
    guard pickle.string(parts[0]) == "storage" else {
      throw .malformed("a persistent id is of another kind than 'storage'")
    }
    guard let type = pickle.global(parts[1]) else {
      throw .malformed("the class of a storage is no class")
    }
    let dtype = dtype(of: type)
    guard dtype != nil || type == TorchNames.untypedStorage else {
      throw .malformed("\(type.description.escapedForDisplay) is no class of storages")
    }
    guard let key = pickle.key(parts[2]) else {
      throw .malformed("the key of a storage is no string")
    }
    if findings.isEmpty, pickle.string(parts[2]) == nil {
      findings.append(
        Finding(.oddStorageKey, "the key of storage \(key.escapedForDisplay) is a number, no text"))
    }
    guard let location = pickle.string(parts[3]) else {
      throw .malformed("the location of a storage is no string")
    }
    guard let count = pickle.int(parts[4]), count >= 0 else {
      throw .malformed("the size of storage '\(key.escapedForDisplay)' is no length")
    }
    let view = parts.count == 6 ? try view(parts[5], count, pickle) : nil
    let entry = try entry(key, type, dtype, location, count, objects: pickle.count)
    return StorageReference(
      storage: entry.storage, dtype: dtype, type: type, device: Self.device(location),
      offset: view?.lowerBound ?? 0, count: view?.count ?? count,
      // torch swaps storages by their dtype, and those without one not at all.
      fileOrder: dtype == nil ? .little : provider.byteOrder)
  }

  /// The dtype of a storage class; nearly every storage of a file has that of the one before.
  private func dtype(of type: GlobalName) -> DType? {
    if let lastType, lastType.type == type { return lastType.dtype }
    let dtype = TorchNames.dtype(ofStorage: type)
    lastType = (type, dtype)
    return dtype
  }

  private func view(
    _ id: Pickle.ID, _ count: Int, _ pickle: Pickle
  ) throws(TensorIOError) -> Range<Int>? {
    if case .none = pickle[id] { return nil }
    guard let parts = pickle.tuple(id), parts.count == 3, let start = pickle.int(parts[1]),
      let size = pickle.int(parts[2]), start >= 0, size >= 0, start <= count, size <= count - start
    else { throw .malformed("the view of a storage reaches outside it") }
    return start..<start + size
  }

  private func entry(
    _ key: String, _ type: GlobalName, _ dtype: DType?, _ location: String, _ count: Int,
    objects: Int
  ) throws(TensorIOError) -> Entry {
    // A number past the count of objects is no count of storages.
    let number = key.canonicalNumber().flatMap { $0 < objects ? $0 : nil }
    if let place = place(key, number) {
      let known = entries[place]
      guard known.type == type || Self.areBytes(known.type, type), known.count == count,
        known.location.utf8.elementsEqual(location.utf8)
      else {
        throw .malformed(
          "storage '\(key.escapedForDisplay)' is described in two ways: "
            + "\(known.type.name)[\(known.count)] on \(known.location.escapedForDisplay) and "
            + "\(type.name)[\(count)] on \(location.escapedForDisplay)")
      }
      return known
    }
    let size = try count.multiplied(by: Self.bytesPerItem(dtype), "the size of a storage")
    let source: any ByteSource =
      Self.device(location) == .meta
      ? NoBytes(byteCount: size) : try provider.bytes(key, byteCount: size)
    let entry = Entry(
      storage: TensorStorage(source, budget: budget), type: type, location: location,
      count: count)
    if let number {
      let missing = number + 1 - numbered.count
      if missing > 0 { numbered += repeatElement(-1, count: missing) }
      numbered[number] = Int32(truncatingIfNeeded: entries.count)
    } else {
      named[ByteKey(key)] = entries.count
    }
    entries.append(entry)
    return entry
  }

  /// Whether two classes are both of unsigned bytes, which torch saves on one storage.
  ///
  /// A tensor of 8-bit floats shares a storage without a dtype with the bytes that it was made of.
  private static func areBytes(_ left: GlobalName, _ right: GlobalName) -> Bool {
    [left, right].allSatisfy { name in
      name == TorchNames.untypedStorage || TorchNames.dtype(ofStorage: name) == .uint8
    }
  }

  private func place(_ key: String, _ number: Int?) -> Int? {
    guard let number else { return named[ByteKey(key)] }
    return number < numbered.count && numbered[number] >= 0 ? Int(numbered[number]) : nil
  }

  /// The packed quantized types count their storage's bytes.
  static func bytesPerItem(_ dtype: DType?) -> Int {
    switch dtype {
    case nil, .quint4x2, .quint2x4: 1
    case .some(let dtype): (dtype.bitWidth + 7) / 8
    }
  }

  /// The tag that a location says; one that torch would not know is kept as it is.
  static func device(_ location: String) -> Device {
    if location == "cpu" { return .cpu }
    return (try? Device(location)) ?? Device(kind: location)
  }
}
