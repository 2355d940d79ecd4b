internal import ByteIO
internal import Pickle
internal import PickledValues
internal import TensorModel

/// An array of Python objects in an npy file or member: after the header, a pickle of the array.
enum ObjectArray {
  /// What came of reading one.
  struct Reading {
    let id: ValueGraph.ID
    /// The offset after the pickle.
    let end: Int
    let globals: [GlobalUse]
    let findings: [Finding]
  }

  /// Reads the pickle at `start` and adds the array to `graph`.
  /// - Throws: `malformed` when it is no array that fits the header.
  static func read(
    _ source: any ByteSource, from start: Int, header: NPYHeader, member: String? = nil,
    into graph: inout ValueGraph, budget: DecodingBudget, options: ReadingOptions
  ) throws(TensorIOError) -> Reading {
    let (pickle, end) = try Pickle.read(source, from: start, limits: options.limits)
    var decoder = PickleDecoder(
      pickle, into: graph, interpreters: [NumPyObjects(budget: budget)], options: options)
    let id = try decoder.decode()
    graph = decoder.graph
    guard case .tensor(let tensor) = graph[id], tensor.dtype.containsObjects else {
      throw .malformed("the header says objects, the pickle after it is no array of objects")
    }
    if tensor.shape != header.shape {
      // As for NumPy, the pickle's shape counts.
      decoder.findings.append(
        Finding(
          .shapeMismatch,
          "the header says the shape \(header.shape), the pickle \(tensor.shape), which counts"))
    }
    let uses = pickle.globalUses(member: member, limits: options.limits)
    return Reading(
      id: id, end: end, globals: uses,
      findings: (pickle.findings + decoder.findings).map {
        Finding($0.code, $0.message, member: member, offset: $0.offset)
      } + uses.dangers)
  }

  /// The pickle of an array of objects, as np.save writes it.
  static func bytes(
    of id: ValueGraph.ID, in archive: TensorArchive
  ) throws(TensorIOError) -> [UInt8] {
    let ids = [NPYFormat.descriptor.id, NPZFormat.descriptor.id]
    let pickler = NumPyPickler(
      module: "numpy._core", takesAll: true,
      keepsClasses: archive.format.map { ids.contains($0) } ?? false)
    var encoder = PickleEncoder(archive.values, picklers: [pickler])
    return try PickleWriter.bytes(of: try encoder.encode(id), protocol: 4)
  }
}
