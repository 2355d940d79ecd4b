import ByteIO
import TensorIO

/// A format that writes PyTorch archives, and not what it was given.
enum LyingFormat: TensorFormat {
  /// What is done to an archive, and to the losses that are declared of it.
  struct Lie: Sendable {
    var alter: @Sendable (TensorArchive) throws -> TensorArchive = { $0 }
    var declare: @Sendable ([Loss]) -> [Loss] = { $0 }
  }

  @TaskLocal static var lie = Lie()

  /// The format that does the work.
  private static var honest: any TensorFormat.Type {
    get throws(TensorIOError) {
      guard let format = FormatRegistry.format(id: "torch-zip") else {
        throw TensorIOError(.unsupported, "no format to lie about")
      }
      return format
    }
  }

  static let descriptor = FormatDescriptor(
    id: "lying", name: "Lies", extensions: ["lie"], holdsMany: true, keepsNesting: true)

  static func recognizes(_ opened: OpenedFile) throws(TensorIOError) -> Bool {
    try honest.recognizes(opened)
  }

  static func read(_ opened: OpenedFile) throws(TensorIOError) -> TensorArchive {
    try honest.read(opened)
  }

  static func losses(of archive: TensorArchive, options: WritingOptions) -> [Loss] {
    lie.declare((try? honest.losses(of: archive, options: options)) ?? [])
  }

  static func write(
    _ archive: TensorArchive, to file: AtomicFile, options: WritingOptions
  ) throws(TensorIOError) {
    let altered: TensorArchive
    do {
      altered = try lie.alter(archive)
    } catch {
      throw TensorIOError(.invalidArgument, "the lie does not work: \(error)")
    }
    try honest.write(altered, to: file, options: options)
  }
}

extension TensorArchive {
  /// The archive with one tensor replaced.
  func replacing(_ name: String, _ change: (Tensor) throws -> Tensor) throws -> TensorArchive {
    let entry = try entry(name)
    var values = values
    values.replace(entry.id, with: .tensor(try change(entry.tensor)))
    return try TensorArchive(values)
  }

  /// The archive with the outermost dictionary's entries in another way.
  func changingEntries(
    _ change: (inout [(key: ValueGraph.ID, value: ValueGraph.ID)], inout ValueGraph) throws -> Void
  ) throws -> TensorArchive {
    var values = values
    guard case .dictionary(var pairs) = values[values.root] else { return self }
    try change(&pairs, &values)
    values.replace(values.root, with: .dictionary(pairs))
    return try TensorArchive(values)
  }
}

extension Tensor {
  /// The elements' bytes, changed, in a storage of their own.
  func changingBytes(_ change: (inout [UInt8]) -> Void) throws -> Tensor {
    var bytes = try storage.source.bytes()
    change(&bytes)
    return try Tensor(
      dtype: dtype, shape: shape, strides: strides, offset: offset,
      storage: TensorStorage(try HeapBytes(bytes.span)), device: device,
      requiresGrad: requiresGrad, quantization: quantization, isConjugated: isConjugated,
      isNegated: isNegated)
  }
}
