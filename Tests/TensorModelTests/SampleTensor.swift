import Synchronization

@testable import TensorModel

/// A tensor over bytes in row-major order; bytes that end too early start over.
struct SampleTensor: PrintableElements {
  let dtype: DType
  let shape: [Int]
  var bytes: [UInt8]
  var deviceName = "cpu"
  var requiresGrad = false
  /// How many elements were asked for.
  let reads = Counter()

  /// A count that is shared by copies.
  final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func increment() { count.withLock { $0 += 1 } }
  }

  func scalar(at index: [Int]) -> Scalar {
    reads.increment()
    precondition(index.count == shape.count)
    var position = 0
    for (place, length) in zip(index, shape) {
      precondition((0..<length).contains(place))
      position = position &* length &+ place
    }
    let size = dtype.bitWidth / 8
    let start = size == 0 ? 0 : Int(UInt(bitPattern: position) % UInt(bytes.count / size)) * size
    return Self.decode(dtype, bytes[start..<start + size])
  }

  private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func decode(_ dtype: DType, _ bytes: ArraySlice<UInt8>) -> Scalar {
    let bits = word(bytes)
    let half = bytes.prefix(bytes.count / 2)
    let rest = bytes.dropFirst(bytes.count / 2)
    switch dtype {
    case .bool: return .bool(bits != 0)
    case .int8: return .int(Int64(Int8(truncatingIfNeeded: bits)))
    case .int16: return .int(Int64(Int16(truncatingIfNeeded: bits)))
    case .int32: return .int(Int64(Int32(truncatingIfNeeded: bits)))
    case .int64: return .int(Int64(bitPattern: bits))
    case .uint8, .uint16, .uint32, .uint64: return .uint(bits)
    case .complex32: return .complex(float(.float16, half), float(.float16, rest))
    case .complex64: return .complex(float(.float32, half), float(.float32, rest))
    case .complex128: return .complex(float(.float64, half), float(.float64, rest))
    case .longDouble: return .longDouble(longDouble(bytes))
    case .complexLongDouble: return .complexLongDouble(longDouble(half), longDouble(rest))
    case .float4E2M1FNx2:
      let pair = Float4E2M1FNx2(bitPattern: UInt8(truncatingIfNeeded: bits)).floats
      return .array([.float(Double(pair.0)), .float(Double(pair.1))])
    case .datetime: return .datetime(bits == 1 << 63 ? nil : Int64(bitPattern: bits))
    case .timedelta: return .timedelta(bits == 1 << 63 ? nil : Int64(bitPattern: bits))
    case .bytes: return .bytes(trimmed(Array(bytes)))
    case .void: return .void(Array(bytes))
    case .string: return .string(string(bytes))
    case .structured(let type): return .record(type.fields.map { field($0, bytes) })
    default: return .float(float(dtype, bytes))
    }
  }

  private static func field(_ field: StructuredType.Field, _ record: ArraySlice<UInt8>) -> Scalar {
    let start = record.startIndex + field.offset
    let size = field.dtype.bitWidth / 8
    let count = field.shape.reduce(1, *)
    let elements = (0..<count).map { index -> Scalar in
      var bytes = Array(record[(start + index * size)..<(start + (index + 1) * size)])
      if field.byteOrder == .big { bytes.reverse() }
      return decode(field.dtype, bytes[...])
    }
    return field.shape.isEmpty ? elements[0] : .array(elements)
  }

  private static func float(_ dtype: DType, _ bytes: ArraySlice<UInt8>) -> Double {
    let bits = word(bytes)
    let byte = UInt8(truncatingIfNeeded: bits)
    let half = UInt16(truncatingIfNeeded: bits)
    return switch dtype {
    case .float16: Double(Float16(bitPattern: half))
    case .float32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
    case .float64: Double(bitPattern: bits)
    case .bfloat16: Double(BFloat16(bitPattern: half).float)
    case .float8E4M3FN: Double(Float8E4M3FN(bitPattern: byte).float)
    case .float8E5M2: Double(Float8E5M2(bitPattern: byte).float)
    case .float8E4M3FNUZ: Double(Float8E4M3FNUZ(bitPattern: byte).float)
    case .float8E5M2FNUZ: Double(Float8E5M2FNUZ(bitPattern: byte).float)
    default: Double(Float8E8M0FNU(bitPattern: byte).float)
    }
  }

  private static func longDouble(_ bytes: ArraySlice<UInt8>) -> LongDouble {
    LongDouble(
      significandBitPattern: word(bytes), signExponentAndPadding: word(bytes.dropFirst(8)))
  }

  private static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
    Array(bytes[...(bytes.lastIndex { $0 != 0 } ?? -1)])
  }

  private static func string(_ bytes: ArraySlice<UInt8>) -> String {
    var codes = stride(from: bytes.startIndex, to: bytes.endIndex, by: 4).map {
      word(bytes[$0..<$0 + 4])
    }
    while codes.last == 0 { codes.removeLast() }
    var text = String.UnicodeScalarView()
    for code in codes {
      text.append(Unicode.Scalar(UInt32(truncatingIfNeeded: code)) ?? "\u{fffd}")
    }
    return String(text)
  }
}
