internal import ByteIO
internal import TensorModel

/// Puts tensors back on the storage that they shared.
struct TieRestoring {
  private(set) var tensors: [(name: String, tensor: Tensor)]
  private(set) var findings: [Finding] = []
  /// The names that were left out of the file, each with the one that was kept.
  private(set) var omitted: [ByteKey: String] = [:]
  private var places: [ByteKey: Int] = [:]

  /// What lies on the storage of a tensor, with what the file has for it.
  private struct Group {
    var views: [(place: Int, view: Tensor)] = []
    var copies: [TiedBytes.Copy] = []
  }

  init(_ tensors: [(name: String, tensor: Tensor)]) {
    self.tensors = tensors
    places.reserveCapacity(tensors.count)
    for (place, tensor) in tensors.enumerated() { places[ByteKey(tensor.name)] = place }
  }

  /// Follows a record, as far as it fits the file: others may have changed the file since.
  mutating func restore(_ record: String, limits: DecodingLimits) throws(TensorIOError) {
    let lines: [TieRecord.Line]
    do throws(TensorIOError) {
      lines = try TieRecord.lines(of: record, limits: limits)
    } catch {
      // What is left out of the file would be missing.
      if error.code == .limit { throw error }
      return note("the record of shared storages is broken: \(error.reason)")
    }
    let tied = Set(lines.map { ByteKey($0.name) })
    var groups: [Int: Group] = [:]
    var seen: Set<ByteKey> = []
    for line in lines {
      let name = ByteKey(line.name)
      guard seen.insert(name).inserted else { continue }
      guard let base = places[ByteKey(line.base)], !tied.contains(ByteKey(line.base)) else {
        note("'\(line.name)' shares with '\(line.base)', which is not there", line.name)
        continue
      }
      do throws(TensorIOError) {
        try add(line, to: base, &groups[base, default: Group()])
      } catch {
        note("'\(line.name)' cannot share with '\(line.base)': \(error.reason)", line.name)
      }
    }
    for (base, group) in groups { apply(group, to: base) }
  }

  private mutating func add(
    _ line: TieRecord.Line, to base: Int, _ group: inout Group
  ) throws(TensorIOError) {
    let whole = tensors[base].tensor
    guard whole.dtype.bitWidth % 8 == 0 else { throw .malformed("\(whole.dtype) has no views") }
    let view = try Tensor(
      dtype: whole.dtype, shape: line.shape, strides: line.strides, offset: line.offset,
      storage: whole.storage)
    if let place = places[ByteKey(line.name)] {
      let tensor = tensors[place].tensor
      guard tensor.dtype == whole.dtype, tensor.shape == line.shape else {
        throw .malformed("it is \(tensor.dtype) of shape \(tensor.shape)")
      }
      guard let bytes = tensor.storage.source as? FileSlice else { return }
      group.views.append((place, view))
      group.copies.append(
        TiedBytes.Copy(name: line.name, base: line.base, view: view, bytes: bytes))
    } else {
      omitted[ByteKey(line.name)] = line.base
      group.views.append((tensors.count, view))
      tensors.append((line.name, view))
    }
  }

  private mutating func apply(_ group: Group, to base: Int) {
    let whole = tensors[base].tensor
    guard !group.copies.isEmpty, let bytes = whole.storage.source as? FileSlice else { return }
    let storage = TensorStorage(TiedBytes(bytes, copies: group.copies))
    for (place, view) in group.views + [(base, whole)] {
      tensors[place].tensor = view.moved(to: storage)
    }
  }

  private mutating func note(_ message: String, _ name: String? = nil) {
    findings.append(
      Finding(
        .brokenTies, "\(message.escapedForDisplay); what the file holds is taken", tensor: name))
  }
}
