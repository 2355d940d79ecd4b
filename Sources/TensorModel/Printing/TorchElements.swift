/// The shown elements of a tensor as torch writes them, and the columns that it reckons for each.
struct TorchElements {
  /// The words in row-major order.
  let words: [String]
  /// The columns of a word as torch reckons them to break lines.
  let width: Int

  /// Writes the elements; nil when torch does not have the dtype.
  init?(_ dtype: DType, _ scalars: [Scalar], options: PrintOptions) {
    switch dtype {
    case .bool: self.init(plain: scalars.map { $0.truth ? "True" : "False" })
    case _ where dtype.isInteger || dtype.isQuantized || dtype.isOpaqueBits:
      self.init(plain: scalars.map(\.integerText))
    case .complex32, .bcomplex32, .complex64, .complex128: self.init(complex: scalars, options)
    // Torch shows the pairs of 4-bit floats by their codes.
    case .float4E2M1FNx2:
      self.init(floats: scalars.map { $0.float4Code.map(Double.init) ?? .nan }, options)
    // Without a zero, torch takes the smallest number for one.
    case .float8E8M0FNU:
      self.init(floats: scalars.map { $0.doubles.0 }, zero: 0x1p-127, options)
    case _ where dtype.isFloatingPoint && dtype != .longDouble:
      self.init(floats: scalars.map { $0.doubles.0 }, options)
    default: return nil
    }
  }

  private init(plain: [String]) {
    let format = TorchNumberFormat(words: plain)
    words = plain.map(format.padded)
    width = format.width
  }

  private init(floats: [Double], zero: Double = 0, _ options: PrintOptions) {
    let format = TorchNumberFormat(floats, zero: zero, options: options)
    words = floats.map(format.text)
    width = format.width
  }

  private init(complex scalars: [Scalar], _ options: PrintOptions) {
    let parts = scalars.map(\.doubles)
    let real = TorchNumberFormat(parts.map(\.0), options: options)
    let imaginary = TorchNumberFormat(parts.map(\.1), options: options)
    words = parts.map { first, second in
      let padded = imaginary.text(second)
      let word = String(Substring(padded.utf8.drop { $0 == UInt8(ascii: " ") }))
      return real.text(first) + (word.utf8.first == UInt8(ascii: "-") ? "" : "+") + word + "j"
    }
    // One for the j; torch forgets the sign.
    width = real.width + imaginary.width + 1
  }
}

extension Scalar {
  /// The float, or the real and the imaginary part.
  fileprivate var doubles: (Double, Double) {
    switch self {
    case .float(let value): (value, 0)
    case .complex(let real, let imaginary): (real, imaginary)
    case .int(let value): (Double(value), 0)
    case .uint(let value): (Double(value), 0)
    default: (.nan, 0)
    }
  }
}
