/// One element of a tensor, or one number of a nested value, as a Swift value.
public enum Scalar: Sendable, Hashable {
  /// A truth value.
  case bool(Bool)
  /// A signed integer.
  case int(Int64)
  /// An unsigned integer.
  case uint(UInt64)
  /// A float of up to 64 bits; exact for every one of them.
  case float(Double)
  /// A complex number of up to 128 bits.
  case complex(Double, Double)
  /// The 16 bytes of an x87 long double, little-endian.
  case longDouble(LongDouble)
  /// A complex number of two x87 long doubles.
  case complexLongDouble(LongDouble, LongDouble)
  /// `S`: bytes without the trailing NULs.
  case bytes([UInt8])
  /// `U`: text without the trailing NULs.
  case string(String)
  /// `V`: all the bytes.
  case void([UInt8])
  /// A count of the dtype's unit since 1970; nil is NaT.
  case datetime(Int64?)
  /// A count of the dtype's unit; nil is NaT.
  case timedelta(Int64?)
  /// The fields of a record, in order.
  case record([Scalar])
  /// The elements of a subarray field in row-major order.
  case array([Scalar])
}
