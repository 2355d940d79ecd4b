internal import ByteIO
public import TensorIO

extension TensorDataset {
  /// Opens a file, or a folder of shards.
  ///
  /// A file's tensors are the columns; a lone array is called as its file, without the ending. The
  /// files of a folder are shards: their rows follow each other, in the order of their names with
  /// numbers compared as numbers (`part-2` comes before `part-10`), and each has all the columns; lone
  /// arrays make one column that is called as the folder. Names that begin with a dot, and files of
  /// other endings, are not looked at. A folder that is one checkpoint is opened as that.
  ///
  /// Checksums of stored archive members are compared now, which reads them once; compressed members
  /// are decoded into memory when their rows are first asked for, within the limits.
  /// - Parameters:
  ///   - path: the file or the folder.
  ///   - columns: the tensors, in this order; nil for all.
  ///   - options: how files are read.
  /// - Throws: `invalidArgument` when the tensors have different numbers of rows (name those that
  ///   belong together), for tensors without axes, and for names that are not there; `malformed` for
  ///   shards that differ in dtype or row shape; what opening throws.
  public init(
    opening path: String, columns: [String]? = nil, options: ReadingOptions = ReadingOptions()
  ) throws(TensorIOError) {
    self = try locating(.init(file: path)) { () throws(TensorIOError) in
      if isFolder(path), try CheckpointFolder.mainFile(in: path) == nil {
        let files = try Self.shards(in: path)
        return try TensorDataset(
          shards: files, columns: columns, loneName: Self.name(of: path, isFolder: true),
          options: options)
      }
      let archive = try TensorArchive(contentsOf: path, options: options)
      return try TensorDataset(
        archive, columns: columns, loneName: Self.name(of: path, isFolder: isFolder(path)))
    }
  }

  /// Opens files whose rows follow each other, in this order; each has all the columns.
  /// - Parameters:
  ///   - paths: the files, one at least.
  ///   - names: the tensors, in this order; nil for all of the first file.
  ///   - loneName: what the column of lone arrays is called.
  ///   - options: how files are read.
  /// - Throws: as ``init(opening:columns:options:)``.
  public init(
    shards paths: [String], columns names: [String]? = nil, loneName: String = "array",
    options: ReadingOptions = ReadingOptions()
  ) throws(TensorIOError) {
    var parts: [TensorDataset] = []
    for path in paths {
      let part = try locating(.init(file: path)) { () throws(TensorIOError) in
        let archive = try TensorArchive(contentsOf: path, options: options)
        let part = try TensorDataset(
          archive, columns: names ?? parts.first?.names, loneName: loneName)
        if names == nil, part.columns.count != archive.entries.count {
          throw .invalidArgument(
            "it has other tensors than the first shard; name the columns that all have")
        }
        if let first = parts.first { try part.requireRows(like: first) }
        return part
      }
      parts.append(part)
    }
    guard let first = parts.first else { throw .invalidArgument("no files of shards were named") }
    var columns: [DatasetColumn] = []
    for (index, name) in first.names.enumerated() {
      columns.append(try DatasetColumn(name, parts.flatMap { $0.columns[index].parts }))
    }
    try self.init(columns: columns)
  }

  private func requireRows(like first: TensorDataset) throws(TensorIOError) {
    for (column, other) in zip(columns, first.columns) {
      guard column.storedDType == other.storedDType,
        column.storedRowShape == other.storedRowShape
      else {
        throw TensorIOError(
          .malformed,
          "its rows are \(column.storedDType) \(column.storedRowShape), those of the first shard "
            + "\(other.storedDType) \(other.storedRowShape)", at: .init(tensor: column.name))
      }
    }
  }

  /// The files of a folder that hold tensors by their names, in natural order.
  private static func shards(in folder: String) throws(TensorIOError) -> [String] {
    let root = folder.hasSuffix("/") ? folder : folder + "/"
    let names = try folderNames(folder).filter { name in
      !name.hasPrefix(".") && isRegularFile(root + name)
        && FormatRegistry.descriptors.contains { $0.matches(name) }
    }
    guard !names.isEmpty else {
      throw .invalidArgument(
        "the folder has no files that end in " + FormatRegistry.endings.joined(separator: ", "))
    }
    return NaturalOrder.sorted(names).map { root + $0 }
  }

  /// What a lone array is called.
  private static func name(of path: String, isFolder: Bool) -> String {
    var path = path[...]
    while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
    let name = splitPath(String(path)).name
    guard !isFolder, let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
    return String(name[..<dot])
  }
}

/// Names in the order that people count in.
enum NaturalOrder {
  /// Sorts by runs of digits as numbers and by all other bytes as they are; names that differ in
  /// leading zeros alone by their bytes.
  static func sorted(_ names: [String]) -> [String] {
    names.map { (key: Key($0), name: $0) }.sorted { $0.key < $1.key }.map(\.name)
  }

  private struct Key: Comparable {
    let bytes: [UInt8]

    init(_ name: String) { bytes = Array(name.utf8) }

    static func < (left: Key, right: Key) -> Bool {
      var (a, b) = (left.bytes[...], right.bytes[...])
      while let first = a.first, let second = b.first {
        if isDigit(first), isDigit(second) {
          let (one, other) = (number(&a), number(&b))
          if one.count != other.count { return one.count < other.count }
          if one != other { return one.lexicographicallyPrecedes(other) }
        } else if first != second {
          return first < second
        } else {
          a = a.dropFirst()
          b = b.dropFirst()
        }
      }
      if a.isEmpty != b.isEmpty { return a.isEmpty }
      return left.bytes.lexicographicallyPrecedes(right.bytes)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Takes a number off the front and answers its digits without leading zeros.
    private static func number(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
      let digits = bytes.prefix { isDigit($0) }
      bytes = bytes.dropFirst(digits.count)
      return digits.drop { $0 == 0x30 }
    }
  }
}
