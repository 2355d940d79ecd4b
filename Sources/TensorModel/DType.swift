public import ByteIO

/// The type of a tensor's elements: every NumPy and every PyTorch dtype that a file can hold.
///
/// Byte order is no part of it (see ``Tensor/byteOrder`` and ``StructuredType/Field/byteOrder``), so
/// `tensor.dtype == .float32` holds for a big-endian file too.
public enum DType: Sendable, Hashable {
  /// One byte, 0 or 1.
  case bool
  /// Signed integers, two's complement.
  case int8, int16, int32, int64
  /// Unsigned integers.
  case uint8, uint16, uint32, uint64
  /// IEEE 754 binary16, binary32 and binary64.
  case float16, float32, float64
  /// The upper half of a binary32.
  case bfloat16
  /// The 80-bit x87 format in 16 bytes; C's `long double` on x86.
  case longDouble
  /// Pairs (real, imaginary) of binary16 (torch only), binary32, binary64 and x87 numbers.
  case complex32, complex64, complex128, complexLongDouble
  /// Pairs (real, imaginary) of bfloat16; torch only.
  case bcomplex32
  /// The 8-bit floats of the OCP and Graphcore/AMD proposals, as torch names them.
  case float8E4M3FN, float8E5M2, float8E4M3FNUZ, float8E5M2FNUZ, float8E8M0FNU
  /// Two 4-bit floats (E2M1) a byte; one element is the pair, as in torch.
  case float4E2M1FNx2
  /// 6-bit floats (E2M3 and E3M2), four in three bytes; safetensors only, and only as bits: nobody
  /// says in which order they lie.
  case float6E2M3FN, float6E3M2FN
  /// The integers of torch's quantized tensors; the last two pack 2 and 4 elements a byte.
  case qint8, quint8, qint32, quint4x2, quint2x4
  /// Bits without meaning, in elements of 8 and 16 bits; torch only.
  case bits8, bits16
  /// Eight, four and two groups of bits without meaning a byte; one element is the byte, as in torch.
  case bits1x8, bits2x4, bits4x2
  /// `S`: bytes, NUL padded to `count`.
  case bytes(count: Int)
  /// `U`: text of `count` code points in 4 bytes each, NUL padded.
  case string(count: Int)
  /// `V`: `count` bytes without meaning.
  case void(count: Int)
  /// `M8`: a 64-bit count of units since 1970-01-01T00:00; the least value is NaT.
  case datetime(TimeUnit)
  /// `m8`: a 64-bit count of units; the least value is NaT.
  case timedelta(TimeUnit)
  /// A record of named fields.
  indirect case structured(StructuredType)
  /// Python objects: the elements are values, ``ValueGraph/Traits/elements`` of the tensor's node.
  case object
}

/// How the bytes of a multi-byte number are ordered in storage.
public enum ByteOrder: Sendable, Hashable {
  /// Least significant byte first, the order of every CPU that this library runs on.
  case little
  /// Most significant byte first.
  case big
}

/// The unit of a datetime or timedelta, with its multiple: `datetime64[25s]`.
public struct TimeUnit: Sendable, Hashable {
  /// The units NumPy knows; the raw value is NumPy's spelling.
  public enum Base: String, Sendable, CaseIterable {
    case generic
    case year = "Y"
    case month = "M"
    case week = "W"
    case day = "D"
    case hour = "h"
    case minute = "m"
    case second = "s"
    case millisecond = "ms"
    case microsecond = "us"
    case nanosecond = "ns"
    case picosecond = "ps"
    case femtosecond = "fs"
    case attosecond = "as"
  }

  /// The unit itself.
  public var base: Base
  /// How many of the unit make one count; 1 or more.
  public var multiple: Int

  /// Creates a unit.
  public init(_ base: Base, multiple: Int = 1) {
    self.base = base
    self.multiple = multiple
  }

  /// `[ns]`, `[25s]`, or nothing for a generic unit.
  public var suffix: String {
    if base == .generic { return "" }
    return multiple == 1 ? "[\(base.rawValue)]" : "[\(multiple)\(base.rawValue)]"
  }
}

/// The layout of a structured element.
public struct StructuredType: Sendable, Hashable {
  /// One named part of a structured element.
  public struct Field: Sendable, Hashable {
    /// The name.
    public var name: String
    /// NumPy's second name for the field.
    public var title: String?
    /// The type of one element of the field.
    public var dtype: DType
    /// The byte order of the field's numbers.
    public var byteOrder: ByteOrder
    /// The shape of a subarray field; empty for a plain one.
    public var shape: [Int]
    /// Bytes from the start of the record.
    public var offset: Int

    /// Creates a field.
    public init(
      name: String, title: String? = nil, dtype: DType, byteOrder: ByteOrder = .little,
      shape: [Int] = [], offset: Int
    ) {
      self.name = name
      self.title = title
      self.dtype = dtype
      self.byteOrder = byteOrder
      self.shape = shape
      self.offset = offset
    }

    /// The bytes of the field in one record; 0 for a field that no record can hold.
    public var byteCount: Int { (try? Shape.byteCount(of: dtype, shape: shape)) ?? 0 }
    /// The elements of the field in one record.
    var count: Int { (try? Shape.elementCount(shape)) ?? 0 }
  }

  /// The fields in order of offset.
  public let fields: [Field]
  /// The bytes of one record, padding included.
  public let byteCount: Int

  /// How many elements without bytes (`S0`) a subarray may have: they cost nothing in a file and
  /// something for whoever walks over them.
  private static let mostEmptyElements = 1 << 16

  /// Creates a layout.
  /// - Throws: `invalidArgument` when fields overlap, lie out of order or reach past `byteCount`,
  ///   when a name or title is used twice, when a subarray has more than 64 axes, or when a size
  ///   does not fit in 63 bits.
  public init(fields: [Field], byteCount: Int) throws(TensorIOError) {
    var end = 0
    var names: Set<[UInt8]> = []
    for field in fields {
      let bits = field.dtype.bitWidth
      guard bits % 8 == 0 else {
        throw .invalidArgument("field '\(field.name)': \(field.dtype) is no whole number of bytes")
      }
      guard field.offset >= end else {
        throw .invalidArgument("field '\(field.name)' overlaps the field before it")
      }
      guard field.shape.count <= 64 else {
        throw .invalidArgument("field '\(field.name)' has \(field.shape.count) axes")
      }
      let size = try Shape.byteCount(of: field.dtype, shape: field.shape)
      guard size > 0 || field.count <= Self.mostEmptyElements else {
        throw .invalidArgument("field '\(field.name)' has \(field.count) elements of no bytes")
      }
      end = try field.offset.added(to: size, "the record's size")
      for name in [field.name, field.title].compactMap({ $0 }) {
        guard names.insert(Array(name.utf8)).inserted else {
          throw .invalidArgument("the field name or title '\(name)' is used twice")
        }
      }
    }
    guard end <= byteCount else {
      throw .invalidArgument("the fields need \(end) bytes, the record has \(byteCount)")
    }
    _ = try byteCount.multiplied(by: 8, "the record's size in bits")
    self.fields = fields
    self.byteCount = byteCount
  }
}
