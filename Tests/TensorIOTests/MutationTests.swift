import ByteIO
import Dispatch
import Foundation
import TensorIO
import TestSupport
import Testing

/// Every truncation and every single-bit flip of thirty small files over all formats.
///
/// The suites of the formats look at fewer files in more detail.
@Suite struct MutationTests {
  /// Every byte that matters is behind a checksum or said twice: nothing may change in silence.
  private static let archives = [
    "npz/valid/positional.npz", "npz/valid/deflate-level-6.npz", "npz/valid/savez-compressed.npz",
    "npz/valid/data-descriptor.npz", "npz/valid/zip64-members.npz", "npz/valid/comment.npz",
    "npz/valid/member-text.npz",
    "torch/valid/form-cuda.pt", "torch/valid/form-int-key.pt", "torch/valid/form-v3-typed.pt",
    "torch/valid/form-empty-storage.pt", "torch/valid/form-shape-size.pt",
    "torch/valid/form-without-proto.pt", "torch/valid/form-sparse-three.pt",
    "torch/valid/script-without-tensors.pt",
  ]
  /// Bytes that nothing checks: other values of a size that the file bounds.
  private static let streams = [
    "npy/valid/dtype-bool.npy", "npy/valid/handmade-fortran-0d.npy",
    "npy/valid/handmade-descr-comma-trailing.npy", "npy/valid/handmade-descr-S.npy",
    "torch/valid/legacy-root-none.pt", "torch/valid/legacy-meta.pt", "torch/valid/legacy-cuda.pt",
    "torch/valid/legacy-storages.pt",
    "torch/valid/pickle-tensor-0.pkl", "torch/valid/pickle-tensor-1.pkl",
    "torch/valid/pickle-tensor-3.pkl", "torch/valid/pickle-tensor-4.pkl",
    "pickle/valid/python2-instance.pkl", "pickle/valid/form-newobj-ex.pkl",
    "torch/valid/tar.tar",
  ]

  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// What came of the mutations of one file.
  private struct Tally: Sendable {
    var (tried, refused, same, other) = (0, 0, 0, 0)
    var faults: [String] = []

    static func + (left: Tally, right: Tally) -> Tally {
      var sum = left
      sum.tried += right.tried
      sum.refused += right.refused
      sum.same += right.same
      sum.other += right.other
      sum.faults += right.faults
      return sum
    }
  }

  @Test func thereAreThirtyFiles() throws {
    #expect(Self.archives.count + Self.streams.count == 30)
    let formats = try (Self.archives + Self.streams).map {
      try TensorArchive(contentsOf: Repository.testFile($0)).format ?? ""
    }
    let wanted = [
      "npy", "npz", "pickle", "torch-legacy", "torch-tar", "torch-zip", "torchscript",
    ]
    #expect(Set(formats).sorted() == wanted)
  }

  @Test func noMutationOfAnArchivePassesInSilence() throws {
    let tally = try mutate(Self.archives, isArchive: true)
    print("archives: \(describe(tally))")
    #expect(tally.faults.isEmpty, "\(tally.faults.prefix(10))")
  }

  @Test func noMutationOfAStreamBreaksTheReader() throws {
    let tally = try mutate(Self.streams, isArchive: false)
    print("streams: \(describe(tally))")
    #expect(tally.faults.isEmpty, "\(tally.faults.prefix(10))")
  }

  private func describe(_ tally: Tally) -> String {
    "\(tally.tried) mutations, \(tally.refused) refused, \(tally.same) with the same values, "
      + "\(tally.other) with others"
  }

  /// Mutates each file, on all cores.
  private func mutate(_ names: [String], isArchive: Bool) throws -> Tally {
    let tallies = ResultSlots<Result<Tally, any Error>?>(count: names.count, initial: nil)
    DispatchQueue.concurrentPerform(iterations: names.count) { index in
      tallies[index] = Result { try mutate(names[index], isArchive, "\(index)") }
    }
    return try tallies.all.reduce(Tally()) { try $0 + ($1?.get() ?? Tally()) }
  }

  private func mutate(_ name: String, _ isArchive: Bool, _ id: String) throws -> Tally {
    let data = try bytes(of: Repository.testFile(name))
    let path = folder.path(id + "." + (name.split(separator: ".").last ?? ""))
    let original = try Facts(Repository.testFile(name))
    var tally = Tally()
    func look(_ what: @autoclosure () -> String, count: Int) throws {
      tally.tried += 1
      do {
        let found = try Facts(path)
        if found == original {
          tally.same += 1
        } else {
          tally.other += 1
          if isArchive && !found.isFound { tally.faults.append("\(name), \(what()): other values") }
          // A value may repeat, and bytes be shared; no more than the file's size for each.
          if found.largest > 64 * count { tally.faults.append("\(name), \(what()): too large") }
        }
      } catch let error as TensorIOError {
        tally.refused += 1
        if error.place.file != path { tally.faults.append("\(name), \(what()): \(error)") }
        if error.code == .io { tally.faults.append("\(name), \(what()): \(error)") }
      }
    }
    for length in 0..<data.count {
      try Data(data.prefix(length)).write(to: URL(filePath: path))
      try look("cut at \(length)", count: length)
    }
    try Data(data).write(to: URL(filePath: path))
    let file = try FileHandle(forUpdating: URL(filePath: path))
    // The padding of a tar archive, nine tenths of it, says nothing.
    for place in data.indices where data[place] != 0 || !name.hasSuffix(".tar") {
      for bit in 0..<8 {
        try set(data[place] ^ 1 << UInt8(bit), at: place, file)
        try look("bit \(bit) of byte \(place)", count: data.count)
      }
      try set(data[place], at: place, file)
    }
    return tally
  }

  private func set(_ byte: UInt8, at place: Int, _ file: FileHandle) throws {
    try file.seek(toOffset: UInt64(place))
    try file.write(contentsOf: Data([byte]))
  }
}

/// Everything in a file that counts, read with every check there is.
private struct Facts: Equatable {
  private var tensors: [String] = []
  private var bytes: [[UInt8]] = []
  private var others: [String] = []
  private(set) var largest = 0
  /// Whether the reader noticed something.
  private(set) var isFound = false

  init(_ path: String) throws {
    let archive = try TensorArchive(contentsOf: path)
    isFound = !archive.findings.isEmpty
    for entry in archive.entries {
      let tensor = entry.tensor
      tensors.append("\(entry.path) \(tensor.dtype) \(tensor.shape) \(tensor.device)")
      var bytes: [UInt8] = []
      if tensor.hasElements, !tensor.dtype.containsObjects {
        largest = max(largest, tensor.byteCount)
        try tensor.streamElements { (chunk) throws(TensorIOError) in
          for index in chunk.indices { bytes.append(chunk[index]) }
        }
      }
      self.bytes.append(bytes)
    }
    for value in archive.otherValues {
      if case .bytes(let source) = value.node {
        bytes.append(try source.bytes())
        others.append("\(value.path)")
      } else if case .object = value.node {
        others.append("\(value.path) object")
      } else {
        others.append("\(value.path) \(value.node)")
      }
    }
  }

  /// Findings are no values.
  static func == (left: Facts, right: Facts) -> Bool {
    left.tensors == right.tensors && left.bytes == right.bytes && left.others == right.others
  }
}
