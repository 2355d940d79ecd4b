public import Foundation

/// Places of the repository and beside it.
public enum Repository {
  /// The checkout.
  public static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  /// The files that `TestData/generate.py` makes.
  public static let testData = root.appending(path: "TestData")
  /// The path of a file of the test data.
  public static func testFile(_ name: String) -> String { testData.appending(path: name).path }
  /// The paths of the files in a folder of the test data.
  public static func testFolder(_ name: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: testFile(name)).sorted()
      .map { testFile("\(name)/\($0)") }
  }
  /// Real and hostile files that do not belong to the repository; nil where they are not at hand.
  public static let shared: URL? = {
    let folder = root.appending(path: "../shared").standardizedFileURL
    return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
  }()
  /// Whether this is a CI run, in which nothing may be left out.
  public static let isCI = ProcessInfo.processInfo.environment["CI"] == "true"
}

/// A folder that is removed when it is no longer referred to.
public final class TemporaryFolder: Sendable {
  /// The folder.
  public let url: URL

  /// Makes an empty folder.
  public init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "tensorio-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// The path of a file in the folder.
  public func path(_ name: String) -> String { url.appending(path: name).path }

  /// Writes a file and answers its path.
  @discardableResult
  public func write(_ bytes: [UInt8], _ name: String) throws -> String {
    try Data(bytes).write(to: url.appending(path: name))
    return path(name)
  }

  /// The names in the folder, hidden ones included.
  public func contents() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
  }
}

/// The bytes of a file.
public func bytes(of path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(filePath: path)))
}
