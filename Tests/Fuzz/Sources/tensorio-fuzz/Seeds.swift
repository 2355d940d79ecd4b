import Glibc

/// Larger files make slow inputs, and say nothing that small ones do not.
private let mostSeedBytes = 8 << 10

/// Writes the inputs that stand for those files that a target can use.
func makeSeeds(of target: Target, from files: some Sequence<String>, in folder: String) {
  var count = 0
  for path in files {
    guard let file = contents(of: path), let seed = target.seed(from: file),
      seed.count <= mostSeedBytes
    else { continue }
    write(seed, to: "\(folder)/seed-\(count)")
    count += 1
  }
  for seed in target.ownSeeds {
    write(seed, to: "\(folder)/seed-\(count)")
    count += 1
  }
  guard count > 0 else { fail("no seeds for \(target.rawValue)") }
}

/// The bytes of a file, or nil where it is too large or cannot be read.
private func contents(of path: String) -> [UInt8]? {
  guard let stream = fopen(path, "r") else { return nil }
  defer { fclose(stream) }
  let room = 4 * mostSeedBytes
  let bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
    count = fread(buffer.baseAddress, 1, room, stream)
  }
  return bytes.count < room ? bytes : nil
}

/// Writes a file.
func write(_ bytes: [UInt8], to path: String) {
  guard let stream = fopen(path, "w") else { fail("\(path) cannot be written") }
  fwrite(bytes, 1, bytes.count, stream)
  fclose(stream)
}
