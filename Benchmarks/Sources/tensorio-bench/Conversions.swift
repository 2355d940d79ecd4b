import Dispatch
import TensorIO

/// The bytes of every source.
private let sourceBytes = 128 << 20

/// Small numbers, integers in dtypes of integers: torch_bench.py makes the same.
func numbers(_ dtype: DType) throws -> Tensor {
  let count = sourceBytes / (dtype.bitWidth / 8)
  let whole = (0..<count).map { Float(($0 &* 7919) % 101) }
  let tensor = try Tensor(dtype.isInteger ? whole : whole.map { $0 - 50.25 })
  return try tensor.converted(to: dtype)
}

private func conversion(_ source: DType, _ target: DType) -> (String, Case) {
  (
    "convert-\(source)-\(target)",
    Case { _ in
      let tensor = try numbers(source)
      return { _ = try tensor.converted(to: target) }
    }
  )
}

@MainActor let conversions: [String: Case] = Dictionary(
  uniqueKeysWithValues: [
    conversion(.float32, .float16), conversion(.float32, .bfloat16),
    conversion(.float32, .float8E4M3FN), conversion(.float16, .float32),
    conversion(.bfloat16, .float32), conversion(.float64, .float32),
    conversion(.float32, .float64), conversion(.int64, .int32), conversion(.float32, .int8),
    conversion(.uint8, .float32),
    (
      "convert-swap-float64",
      Case { _ in
        let tensor = try numbers(.float64)
        let swapped = try Tensor(
          dtype: .float64, byteOrder: .big, shape: tensor.shape, storage: tensor.storage)
        return { _ = try swapped.converted(to: .float64) }
      }
    ),
    (
      "convert-transposed-float32",
      Case { _ in
        let side = 5792
        let square = try numbers(.float32)[0..<side * side].reshaped(to: [side, side])
        return { _ = try square.transposed().contiguous() }
      }
    ),
    (
      "convert-copy",
      Case { _ in
        let source = try numbers(.float32)
        return { try copyOnAllCores(source) }
      }
    ),
  ])

/// What no conversion can be faster than: memcpy to new memory, on all cores.
private func copyOnAllCores(_ source: Tensor) throws {
  try source.withBytes { span in
    span.withUnsafeBytes { bytes in
      let chunk = 1 << 20
      nonisolated(unsafe) let source = bytes
      _ = try? HeapBytes(byteCount: bytes.count) { target in
        nonisolated(unsafe) let target = target
        DispatchQueue.concurrentPerform(iterations: bytes.count / chunk) { index in
          let part = index * chunk..<(index + 1) * chunk
          UnsafeMutableRawBufferPointer(rebasing: target[part])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[part]))
        }
      }
    }
  }
}
