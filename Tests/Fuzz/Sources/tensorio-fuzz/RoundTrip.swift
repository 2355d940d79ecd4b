import Glibc
import TensorIO

/// The promise: what opens and reads without an error is written again and reads the same; what does
/// not throws `TensorIOError`, which the type system sees to, and neither traps nor allocates past the
/// bound.
struct RoundTrip {
  private let options: ReadingOptions
  private let folder: String

  init() {
    var options = ReadingOptions()
    options.limits.headerBytes = 1 << 16
    options.limits.memberCount = 1 << 12
    options.limits.objectCount = 1 << 18
    options.limits.decodedBytes = 16 << 20
    options.limits.expandedBytes = 1 << 20
    self.options = options
    folder = "/dev/shm/tensorio-fuzz-\(getpid())"
    mkdir(folder, 0o700)
  }

  /// Reads, writes and reads again.
  func run(_ path: String) {
    let first: TensorArchive
    do throws(TensorIOError) {
      first = try TensorArchive(contentsOf: path, options: options)
    } catch {
      if error.place.file != path { fail("an error without the file: \(error)") }
      return check(error)
    }
    do throws(TensorIOError) {
      guard try Contents.load(first, options.limits) else { return }
    } catch {
      return check(error)
    }
    // Nobody has to write what they cannot describe in the target format.
    let output = "\(folder)/out.\(Self.ending(first.format))"
    guard let losses = try? first.losses(writingTo: output) else { fail("no format for \(output)") }
    unlink(output)
    do throws(TensorIOError) {
      try first.write(to: output)
    } catch {
      // Nearly all of it was read a moment ago; the scales of quantized tensors were not.
      let isDamage = error.code == .malformed && error.reason.contains("CRC-32")
      if [.malformed, .io].contains(error.code), !isDamage { fail("writing failed: \(error)") }
      return
    }
    do throws(TensorIOError) {
      let second = try TensorArchive(contentsOf: output, options: options)
      if first.format == "npz", second.format != "npz" { return }
      // The parts of a program (its code, its constants) are no values of a checkpoint.
      guard losses.isEmpty, !["torchscript", "pt2"].contains(first.format) else { return }
      var comparison = Comparison(first, second, options.limits)
      if let difference = try comparison.difference() { fail("another value: \(difference)") }
    } catch {
      if error.code != .limit, !Self.mayBeTorch(first) {
        fail("what was written does not read: \(error)")
      }
    }
  }

  private func check(_ error: TensorIOError) {
    // The file did not change, and no device is asked for.
    if [.io, .device, .lossy].contains(error.code) { fail("an error of another kind: \(error)") }
  }

  /// Whether an archive of arrays has a member by which a PyTorch archive is known: to NumPy it goes
  /// on being the one, to us it becomes the other when the members change their order.
  private static func mayBeTorch(_ archive: TensorArchive) -> Bool {
    let names = ["data.pkl", "constants.pkl", "bytecode.pkl", "archive_format"]
    return archive.format == "npz"
      && archive.otherValues.contains { value in
        names.contains { value.path.first?.hasSuffix($0) ?? false }
      }
  }

  private static func ending(_ format: String?) -> String {
    switch format {
    case "npy", "npz", "safetensors": format ?? ""
    default: "pt"
    }
  }
}

/// The bytes behind an archive.
enum Contents {
  /// More than this is read by nobody: it says no more than less does, and takes longer.
  private static let mostBytes = 4 << 20

  /// Reads everything, checksums included.
  /// - Returns: whether it was little enough to go on.
  static func load(_ archive: TensorArchive, _ limits: DecodingLimits) throws(TensorIOError) -> Bool
  {
    var total = 0
    for entry in archive.entries where entry.tensor.hasElements {
      total += min(entry.tensor.byteCount, mostBytes) + 64
      if total > mostBytes { return false }
      if entry.tensor.dtype.containsObjects { continue }
      try entry.tensor.streamElements(limits: limits) { _ in }
    }
    for value in archive.otherValues {
      guard case .bytes(let source) = value.node else { continue }
      total += source.byteCount
      if total > mostBytes { return false }
      try source.stream { _ in }
    }
    return true
  }

  /// The elements in order.
  static func bytes(_ tensor: Tensor, _ limits: DecodingLimits) throws(TensorIOError) -> [UInt8] {
    var bytes: [UInt8] = []
    try tensor.streamElements(limits: limits) { chunk in
      for index in chunk.indices { bytes.append(chunk[index]) }
    }
    return bytes
  }

  static func bytes(_ source: any ByteSource) throws(TensorIOError) -> [UInt8] {
    var bytes: [UInt8] = []
    try source.stream { chunk in for index in chunk.indices { bytes.append(chunk[index]) } }
    return bytes
  }
}
