public import Foundation

/// Tables of values between tabs, the first line being the titles.
public enum Table {
  /// The rows of a file, each value by its title.
  public static func rows(_ file: URL) throws -> [[String: String]] {
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    let titles = lines[0].split(separator: "\t").map(String.init)
    return lines.dropFirst().map { line in
      let cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      return Dictionary(zip(titles, cells), uniquingKeysWith: { first, _ in first })
    }
  }
}
