/// Single elements as NumPy writes them where their neighbours do not matter.
enum NumPyScalarText {
  /// An element of an array whose elements are not aligned: `'text'`, `b'bytes'`, `0.5`.
  static func word(_ scalar: Scalar, _ dtype: DType) -> String {
    if dtype == .object { return "?" }
    return switch scalar {
    case .string(let text): PythonText.literal(text)
    case .bytes(let bytes): PythonText.literal(bytes)
    case .void(let bytes): PythonText.voidLiteral(bytes)
    // The narrow floats of ml_dtypes print as C++ streams print a float.
    case .float(let value): generalText(BinaryFloat(value))
    case .complex(let real, let imaginary):
      generalText(BinaryFloat(real)) + (imaginary.sign == .minus && !imaginary.isNaN ? "" : "+")
        + generalText(BinaryFloat(imaginary)) + "j"
    default: "?"
    }
  }

  /// What `str` of an array without axes gives: the element as a Python object prints.
  static func alone(_ scalar: Scalar, _ dtype: DType, _ options: PrintOptions) -> String {
    switch dtype {
    case .bool: return scalar.truth ? "True" : "False"
    case .bytes: return "np.bytes_(" + word(scalar, dtype) + ")"
    case .string:
      if case .string(let text) = scalar { return text }
      return "?"
    case .datetime(let unit):
      return scalar.timeCount.map { TimeText.iso($0, unit) } ?? "NaT"
    case .timedelta(let unit):
      return scalar.timeCount.map { TimeText.duration($0, unit) } ?? "NaT"
    default: break
    }
    if let format = FloatFormat(dtype) {
      return dtype.isComplex
        ? complex(scalar, format) : NumPyFloatFormat.single(scalar.parts(format).0, format)
    }
    let context = NumPyElementFormat.Context(
      options: options, isScalar: true, hasSingleFloats: true)
    return NumPyElementFormat(dtype, [scalar], context)(scalar)
  }

  /// `(1+2j)`, or `2j` when the real part is a positive zero.
  private static func complex(_ scalar: Scalar, _ format: FloatFormat) -> String {
    let (real, imaginary) = scalar.parts(format)
    if real.isZero && !real.isNegative {
      return NumPyFloatFormat.single(imaginary, format, isPart: true) + "j"
    }
    return "(" + NumPyFloatFormat.single(real, format, isPart: true)
      + NumPyFloatFormat.single(imaginary, format, isPart: true, showsPlus: true) + "j)"
  }
}
