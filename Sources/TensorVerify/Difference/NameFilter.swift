internal import ByteIO
internal import Glibc

/// The names of a tensor or value: the full one, and that in the `state_dict()` of a whole module.
struct ValueNames: Sendable {
  var full: String
  var short: String

  /// The names under which the containers of a value are found, its own included.
  static func all(_ path: [String], _ shortPath: [String]) -> [String] {
    func prefixes(_ path: [String]) -> [String] {
      if path.isEmpty { return [""] }
      var name = ""
      return path.enumerated().map { position, key in
        name += (position > 0 ? "." : "") + key
        return name
      }
    }
    return path.count == shortPath.count ? prefixes(path) : prefixes(path) + prefixes(shortPath)
  }
}

/// Chooses and renames what is compared, and knows which patterns were of no use.
struct NameFilter {
  private let options: DifferenceOptions
  private var used: Set<String> = []
  private var usedRenames: Set<Int> = []

  init(_ options: DifferenceOptions) { self.options = options }

  /// Whether a value with this path is compared; what holds for a container holds for all in it.
  mutating func isChosen(_ path: [String], _ shortPath: [String]) -> Bool {
    if options.include.isEmpty && options.exclude.isEmpty { return true }
    let names = ValueNames.all(path, shortPath)
    func matches(_ pattern: String) -> Bool {
      names.contains { unsafe fnmatch(pattern, $0, 0) == 0 }
    }
    // All are asked, so that each that matches anything counts as used.
    let included = options.include.filter(matches)
    let excluded = options.exclude.filter(matches)
    used.formUnion(included)
    used.formUnion(excluded)
    return excluded.isEmpty && (options.include.isEmpty || !included.isEmpty)
  }

  /// The names of a value on the left as they are looked for on the right.
  mutating func renamed(_ names: ValueNames) -> ValueNames {
    for (index, rename) in options.renames.enumerated() {
      for name in [names.full, names.short] {
        guard let new = Self.apply(rename, to: name) else { continue }
        usedRenames.insert(index)
        return ValueNames(full: new, short: new)
      }
    }
    return names
  }

  private static func apply(_ rename: (old: String, new: String), to name: String) -> String? {
    let (old, new) = (rename.old, rename.new)
    guard old.utf8.last == UInt8(ascii: "*"), new.utf8.last == UInt8(ascii: "*") else {
      return name.utf8.elementsEqual(old.utf8) ? new : nil
    }
    guard name.begins(with: String(old.dropLast())) else { return nil }
    let rest = name.utf8.dropFirst(old.utf8.count - 1)
    return String(decoding: Array(new.utf8.dropLast()) + rest, as: UTF8.self)
  }

  /// - Throws: `invalidArgument` naming a pattern or an old name that matched nothing.
  func requireMatches() throws(TensorIOError) {
    for pattern in options.include + options.exclude where !used.contains(pattern) {
      throw .invalidArgument(
        "no name matches the pattern '\(pattern.escapedForDisplay)'; ls --tree shows all names")
    }
    for (index, rename) in options.renames.enumerated() where !usedRenames.contains(index) {
      throw .invalidArgument(
        "nothing to rename on the left is called '\(rename.old.escapedForDisplay)'")
    }
  }
}

/// Which values of two files belong together, by their names.
struct NamePairs {
  /// In the order of the left, then what is on the right alone; indexes into both lists.
  private(set) var pairs: [(left: Int?, right: Int?)] = []

  /// Pairs full names first, then those of a `state_dict()`; of several values of one name the first
  /// goes with the first.
  init(_ left: [ValueNames], _ right: [ValueNames]) {
    var partners = [Int?](repeating: nil, count: left.count)
    var isTaken = [Bool](repeating: false, count: right.count)
    func pair(_ one: KeyPath<ValueNames, String>, _ other: KeyPath<ValueNames, String>) {
      var free: [ByteKey: [Int]] = [:]
      for index in right.indices.reversed() where !isTaken[index] {
        free[ByteKey(right[index][keyPath: other]), default: []].append(index)
      }
      for index in left.indices where partners[index] == nil {
        guard let partner = free[ByteKey(left[index][keyPath: one])]?.popLast() else { continue }
        partners[index] = partner
        isTaken[partner] = true
      }
    }
    pair(\.full, \.full)
    // Most files have no second names.
    let hasShort = { (names: ValueNames) in names.full.utf8.count != names.short.utf8.count }
    if left.contains(where: hasShort) || right.contains(where: hasShort) {
      pair(\.full, \.short)
      pair(\.short, \.full)
      pair(\.short, \.short)
    }
    pairs = left.indices.map { ($0, partners[$0]) }
    for index in right.indices where !isTaken[index] { pairs.append((nil, index)) }
  }
}
