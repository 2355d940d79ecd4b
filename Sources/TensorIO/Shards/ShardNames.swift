/// What shards of a file are called: `model-00001-of-00003.safetensors` for `model.safetensors`.
struct ShardNames {
  /// The path of the file that all would fit in.
  let path: String
  private let stem: String
  private let ending: String

  /// - Parameter format: the format that the ending of the path names.
  init(_ path: String, _ format: FormatDescriptor) {
    self.path = path
    let endings = format.extensions.map { "." + $0 }
    let ending = endings.filter { path.lowercased().hasSuffix($0) }.max { $0.count < $1.count }
    let cut = path.count - (ending?.count ?? 0)
    stem = String(path.prefix(cut))
    self.ending = String(path.dropFirst(cut))
  }

  /// The path of the index.
  var index: String { path + ".index.json" }

  /// The path of a shard, counted from 0.
  func shard(_ number: Int, of count: Int) -> String {
    "\(stem)-\(Self.digits(number + 1))-of-\(Self.digits(count))\(ending)"
  }

  private static func digits(_ number: Int) -> String {
    String(repeating: "0", count: max(0, 5 - "\(number)".count)) + "\(number)"
  }

  /// The files beside the path that belong to it, whole or as shards, in however many.
  func existing() -> [String] {
    let (folder, _) = splitPath(path)
    let prefix =
      path.hasPrefix("/") || path.contains("/") ? (folder == "/" ? "/" : folder + "/") : ""
    let start = splitPath(stem).name + "-"
    let found = ((try? folderNames(folder)) ?? []).filter { name in
      guard name.begins(with: start), name.hasSuffix(ending) else { return false }
      let parts = name.dropFirst(start.count).dropLast(ending.count).split(
        separator: "-", omittingEmptySubsequences: false)
      return parts.count == 3 && parts[1] == "of"
        && [parts[0], parts[2]].allSatisfy { digits in
          digits.utf8.count >= 5 && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
        }
    }
    return found.map { prefix + $0 } + [path, index].filter { pathExists($0) }
  }
}
