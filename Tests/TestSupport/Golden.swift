public import Crypto
internal import Foundation
public import TensorIO

/// What a file of the test data or the corpus holds, as NumPy sees it.
public struct GoldenFile: Decodable, Sendable {
  /// One array of the file.
  public struct Array: Decodable, Sendable {
    public let name: String
    public let descr: Descr?
    public let dtype: String?
    public let shape: [Int]?
    public let fortran_order: Bool?
    public let byteorder_in_file: String?
    public let sha256: String?
    public let resaved_sha256: String?
    public let trailing_bytes: Int?
  }

  /// The `descr` of a header: a typestring, or something else for records.
  public struct Descr: Decodable, Sendable {
    public let text: String?

    public init(from decoder: any Decoder) throws {
      text = try? decoder.singleValueContainer().decode(String.self)
    }
  }

  public let file: String
  public let expected: String
  public let tensors: [Array]
  public let limit: String?
  public let extract: String?
  public let numpy_error: String?

  /// The arrays, the last of those that share a key: NumPy lists all and reads that one.
  public var distinctTensors: [Array] {
    tensors.indices.filter { index in
      !tensors[(index + 1)...].contains { $0.name == tensors[index].name }
    }
    .map { tensors[$0] }
  }

  /// Where the file is.
  public var path: String { Repository.testData.appending(path: file).path }
  /// The file's name without folder and ending.
  public var stem: String {
    URL(filePath: file).deletingPathExtension().lastPathComponent
  }

  /// The entries of `TestData/golden/NAME.json`.
  public static func all(_ name: String) throws -> [GoldenFile] {
    struct List: Decodable { let files: [GoldenFile] }
    let url = Repository.testData.appending(path: "golden/\(name).json")
    return try JSONDecoder().decode(List.self, from: Data(contentsOf: url)).files
  }
}

extension GoldenFile {
  /// What is different about an archive, one line a fact: a tensor that is missing or is another.
  public func differences(from archive: TensorArchive) throws -> [String] {
    try distinctTensors.flatMap { array -> [String] in
      guard let tensor = archive[array.name] else { return ["\(file): no tensor '\(array.name)'"] }
      return try array.differences(from: tensor).map { "\(file) '\(array.name)': \($0)" }
    }
  }
}

extension GoldenFile.Array {
  /// What is different about a tensor, or nothing.
  ///
  /// Objects have no bytes to compare.
  public func differences(from tensor: Tensor) throws -> [String] {
    var found: [String] = []
    if let shape, shape != tensor.shape { found.append("shape \(tensor.shape), not \(shape)") }
    if let name = canonicalDType, name != tensor.goldenDType {
      found.append("dtype \(tensor.goldenDType), not \(name)")
    }
    if let fortran_order, tensor.count > 1, !tensor.isContiguous || !fortran_order,
      fortran_order != (!tensor.isContiguous && tensor.isFortranContiguous)
    {
      found.append("Fortran order is not \(fortran_order)")
    }
    if let order = byteorder_in_file, order == ">", tensor.byteOrder != .big {
      found.append("byte order is not big")
    }
    if let sha256, sha256 != (try tensor.goldenHash()) { found.append("sha256") }
    return found
  }

  /// NumPy's name of the dtype; the corpus calls `U2` `str64`.
  private var canonicalDType: String? {
    if let text = descr?.text, text.count > 2, "SU".contains(text.dropFirst().prefix(1)) {
      return String(text.dropFirst())
    }
    return dtype
  }
}

extension Tensor {
  /// The dtype as golden files name it.
  fileprivate var goldenDType: String {
    if case .structured = dtype { return "structured" }
    return dtype.description
  }

  /// The SHA-256 of the elements in row-major order, little-endian.
  public func goldenHash() throws -> String {
    var hash = SHA256()
    try streamElements { (chunk) throws(TensorIOError) in
      unsafe chunk.withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
    }
    return hash.finalize().hexadecimal
  }
}

extension Digest {
  /// The digest in lower-case hexadecimal.
  public var hexadecimal: String {
    map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
