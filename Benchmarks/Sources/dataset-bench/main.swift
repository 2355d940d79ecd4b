// Times batches of a dataset for datasets.py.
//
//     dataset-bench shuffled FILE REPEAT       an epoch of 64 shuffled rows at a time, as float32
//     dataset-bench sequential FILE REPEAT     an epoch of 64 rows at a time, as they are
//     dataset-bench memcpy FILE REPEAT         the same bytes, copied from the mapped file to one buffer
//     dataset-bench stream FILE SEED ROWS      an epoch as shuffled does; the rows' numbers go to ROWS
//
// The first three print {"CASE": [seconds, …]}, the last one what it saw.

import Glibc
import TensorData
import TensorIO

let arguments = CommandLine.arguments
guard arguments.count >= 4 else { fatalError("dataset-bench CASE FILE …") }
let (name, path) = (arguments[1], arguments[2])
let dataset = try TensorDataset(opening: path)
let column = dataset.names[0]
let prefetch = arguments.count > 4 ? Int(arguments[4]) ?? 4 : 4

/// One pass over all rows.
func epoch() async throws {
  var count = 0
  switch name {
  case "shuffled":
    let floats = try dataset.converting(column, to: .float32)
    for try await batch in floats.batches(of: 64, shuffle: .seeded(7), prefetch: prefetch) {
      let dtype = try batch[column].dtype
      precondition(dtype == .float32)
      count += batch.count
    }
  case "sequential":
    for try await batch in dataset.batches(of: 64) {
      let dtype = try batch[column].dtype
      precondition(dtype == .uint8)
      count += batch.count
    }
  case "memcpy":
    let size = 64 * dataset.columns[0].storedRowShape.reduce(1, *)
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
    defer { buffer.deallocate() }
    try dataset.tensor(column).withBytes { (bytes) throws(TensorIOError) in
      bytes.withUnsafeBytes { source in
        guard let base = source.baseAddress else { return }
        for start in stride(from: 0, to: source.count, by: size) {
          memcpy(buffer, base + start, min(size, source.count - start))
        }
      }
    }
    count = dataset.count
  default: fatalError("there is no case \(name)")
  }
  precondition(count == dataset.count)
}

/// The private memory of this process, in KiB.
func privateMemory() -> Int {
  guard let file = fopen("/proc/self/status", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 256)
  while fgets(&line, 256, file) != nil {
    let text = String(cString: line)
    if text.hasPrefix("RssAnon:") {
      return Int(text.split(whereSeparator: { !$0.isNumber }).first ?? "0") ?? 0
    }
  }
  return 0
}

func stream(seed: UInt64, to output: String) async throws {
  guard let file = fopen(output, "w") else { fatalError("cannot write \(output)") }
  var (most, marked, sum, number) = (0, 0, 0 as UInt64, 0)
  let floats = try dataset.converting(column, to: .float32)
  for try await batch in floats.batches(of: 64, shuffle: .seeded(seed), epoch: 1) {
    batch.rows.withUnsafeBytes { _ = fwrite($0.baseAddress, 1, $0.count, file) }
    // Marked rows begin with four bytes that are not 0.
    let width = try batch[column].shape[1]
    try batch[column].withElements(of: Float.self) { elements in
      for row in 0..<batch.count where elements[row * width] != 0 {
        marked += 1
        for place in 0..<4 {
          sum &+= UInt64(elements[row * width + place]) &* UInt64(batch.rows[row] + 1)
        }
      }
    }
    number += 1
    if number % 500 == 0 { most = max(most, privateMemory()) }
  }
  most = max(most, privateMemory())
  fclose(file)
  print(
    "{\"batches\": \(number), \"marked\": \(marked), \"sum\": \(sum), \"rss_anon_kib\": \(most)}")
}

if name == "stream" {
  try await stream(seed: UInt64(arguments[3]) ?? 0, to: arguments[4])
} else {
  try await epoch()
  var times: [Double] = []
  for _ in 0..<(Int(arguments[3]) ?? 1) {
    times.append(
      try await ContinuousClock().measure { try await epoch() } / .seconds(1))
  }
  print("{\"\(name)\": \(times)}")
}
