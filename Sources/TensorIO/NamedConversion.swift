/// Converted elements that know the names of their tensors.
final class NamedConversion: ByteSource {
  private let bytes: ConvertedBytes
  private let tensors: [(name: String, tensor: Tensor)]
  private let target: DType
  private let options: ConversionOptions

  /// - Parameter tensors: whose elements are among those of `original`.
  init(
    _ original: Tensor, to target: DType, of tensors: [(name: String, tensor: Tensor)],
    _ options: ConversionOptions
  ) throws(TensorIOError) {
    bytes = try locating(.init(tensor: tensors.first?.name)) { () throws(TensorIOError) in
      try ConvertedBytes(
        original, to: target, policy: options.policy, isMeasuring: options.isMeasuring,
        options.limits)
    }
    self.tensors = tensors
    self.target = target
    self.options = options
  }

  var byteCount: Int { bytes.byteCount }
  /// The shape of the elements.
  var shape: [Int] { bytes.shape }
  var isResident: Bool { false }
  var report: ConversionReport { bytes.report }
  func requireUnchanged() throws(TensorIOError) { try bytes.requireUnchanged() }

  func withResidentBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(TensorIOError) -> R
  ) throws(TensorIOError) -> R? { nil }

  func load(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) {
    do throws(TensorIOError) {
      unsafe try bytes.load(into: buffer)
    } catch {
      throw named(error)
    }
  }

  func stream(_ body: (Span<UInt8>) throws(TensorIOError) -> Void) throws(TensorIOError) {
    var isOurs = true
    do throws(TensorIOError) {
      try bytes.stream { (chunk) throws(TensorIOError) in
        isOurs = false
        try body(chunk)
        isOurs = true
      }
    } catch {
      throw isOurs ? named(error) : error
    }
  }

  /// The error as one about a tensor: a storage that several lie on is asked for the one with the
  /// number that is refused.
  fileprivate func named(_ error: TensorIOError) -> TensorIOError {
    guard error.code == .lossy else {
      return error.located(in: .init(tensor: tensors.first?.name))
    }
    for (name, tensor) in tensors {
      do throws(TensorIOError) {
        try ConvertedBytes(
          tensor, to: target, policy: options.policy, isMeasuring: false, options.limits
        ).stream { _ in }
      } catch {
        return error.located(in: .init(tensor: name))
      }
    }
    return TensorIOError(
      .lossy,
      "in the part of the storage that no tensor uses (--views compact leaves it out): "
        + error.reason, at: .init(tensor: tensors.first?.name))
  }
}

extension NamedConversion: PartwiseSource {
  var partUnit: Int { bytes.partUnit }

  func partLoader() -> (any PartLoading)? {
    bytes.partLoader().map { NamedParts(conversion: self, loader: $0) }
  }

  private struct NamedParts: PartLoading {
    let conversion: NamedConversion
    let loader: any PartLoading

    func load(
      _ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
    ) throws(TensorIOError) {
      do throws(TensorIOError) {
        unsafe try loader.load(range, into: buffer)
      } catch {
        throw conversion.named(error)
      }
    }

    func finish() throws(TensorIOError) { try loader.finish() }
  }
}
