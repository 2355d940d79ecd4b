package import ByteIO

extension GlobalName {
  /// What is known about the class or function.
  ///
  /// Names count as their exact bytes: ` os`, `Os` and one with a Cyrillic letter are not `os`, and
  /// Python would not find `os` by them either.
  package var verdict: GlobalVerdict { GlobalPolicy.verdict(on: self) }
}

/// Which names are known, and which would run code, touch files, processes or the network, import,
/// or walk through attributes when Python loads the file.
///
/// The standard library is dangerous but for a short list, because most of its modules hold some
/// way to run code and lists of the bad ones have never been complete. The same holds for the
/// functions of torch, of NumPy and of what comes with them. Of other packages those are dangerous
/// that are made for it. All other names are inert: for us they are words.
enum GlobalPolicy {
  /// The longest path in the tables, in components.
  private static let mostComponents = 6
  /// The most components that a name may have.
  private static let mostParts = 32

  static func verdict(on name: GlobalName) -> GlobalVerdict {
    let name = name.modern
    if known.contains(name) { return .known }
    if harmless.contains(name) { return .inert }
    // Nothing honest lies so deep, and every part would have to be looked at.
    guard hasFewParts(name) else { return .dangerous }
    let module = components(name.module)
    let attributes = components(name.name)
    return isDangerous(module, attributes) ? .dangerous : .inert
  }

  private static func hasFewParts(_ name: GlobalName) -> Bool {
    var count = 2
    for text in [name.module, name.name] {
      for byte in text.utf8 where byte == 0x2e {
        count += 1
        if count > mostParts { return false }
      }
    }
    return true
  }

  private static func isDangerous(_ module: [String], _ attributes: [String]) -> Bool {
    let path = module + attributes
    guard let last = attributes.last else { return false }
    if attributes.contains(where: { $0.utf8.starts(with: [0x5f, 0x5f]) }) { return true }
    if isDangerous(path[...]) { return true }
    if dangerousNames.contains(last) || isPowerful(last) { return true }
    guard attributes.count > 1 else { return false }
    // Out of something known there is no walk that a file of data would need.
    if let first = attributes.first {
      let base = GlobalName(module.joined(separator: "."), first)
      if known.contains(base) || harmless.contains(base) { return true }
    }
    // Through a module that another has imported: `torch` `serialization.os.system`.
    return attributes.indices.dropLast().contains { index in
      let part = attributes[index]
      guard part.utf8.first == 0x5f || notable.contains(part) else { return false }
      if isPowerful(part) { return true }
      let rest = attributes[index...]
      return !isHarmless(rest) && isDangerous(rest)
    }
  }

  /// Whether a path lies in a dangerous place, taken from its first component.
  private static func isDangerous(_ path: ArraySlice<String>) -> Bool {
    guard let first = path.first, let last = path.last else { return false }
    if isStandard(first) {
      // Scripts are often called like these, and their classes come with them.
      let isScript = scriptModules.contains(first) && path.count == 2
      return !(isScript && isClass(last))
    }
    guard roots.contains(first) else { return false }
    var path = path
    if let whole = abbreviations[first] { path[path.startIndex] = whole }
    // Classes of its C++ lie there too, writers of files among them.
    if path.first == "torch", path.count == 2 { return !isDType(last) }
    for count in (1...min(mostComponents, path.count)).reversed() {
      let prefix = path.prefix(count).joined(separator: ".")
      if harmlessTrees.contains(prefix) { return false }
      if dangerousTrees.contains(prefix) { return true }
      if dangerousFunctions.contains(prefix) {
        // TorchScript calls its compiled backends so.
        if prefix == "torch.jit", last.hasSuffix("LoweredModule") { return false }
        return !isClass(last) || borrowedClasses.contains(last)
          || borrowedClasses.contains(String(last.drop { $0 == "_" }))
      }
    }
    // pandas.read_csv and its like.
    return path.first == "pandas" && last.hasPrefix("read_")
  }

  /// The first components of all paths in the tables.
  private static let roots = Set(
    [dangerousTrees, dangerousFunctions, harmlessTrees].joined().compactMap { path in
      path.split(separator: ".").first.map(String.init)
    } + abbreviations.keys + ["pandas"])

  /// The components at which a walk can get to a dangerous place, but for those that begin with an
  /// underscore.
  private static let notable = roots.union(standardModules).union(powerfulModules)

  private static func isStandard(_ module: String) -> Bool {
    if standardModules.contains(module) { return true }
    guard module.hasPrefix("_") else { return false }
    let bare = String(module.drop { $0 == "_" })
    return privateStandardModules.contains(bare) || standardModules.contains(bare)
      // The rest of its name is that of the platform.
      || bare.hasPrefix("sysconfigdata_")
  }

  private static func isPowerful(_ name: String) -> Bool {
    powerfulModules.contains(String(name.drop { $0 == "_" }))
  }

  private static func isHarmless(_ path: ArraySlice<String>) -> Bool {
    guard path.count <= mostComponents, let last = path.last else { return false }
    return harmless.contains(GlobalName(path.dropLast().joined(separator: "."), last))
  }

  /// Whether a name is written as Python writes names of classes.
  private static func isClass(_ name: String) -> Bool {
    name.utf8.first { $0 != 0x5f }.map { (0x41...0x5a).contains($0) } ?? false
  }

  /// Whether a name is that of a type of elements; later versions have more of them.
  private static func isDType(_ name: String) -> Bool {
    let kind = name.prefix { !$0.isNumber }
    return kind.count < name.count && dtypeKinds.contains(String(kind))
  }

  private static let dtypeKinds = words(
    "int uint float bfloat complex bcomplex bits qint quint")

  private static let abbreviations = [
    "np": "numpy", "pd": "pandas", "tf": "tensorflow", "sp": "scipy", "th": "torch",
  ]

  /// Modules of the standard library, mostly of Python 2, that are common names of scripts.
  private static let scriptModules = words("test user parser formatter compiler symbol")

  /// The parts between dots; those that are not ASCII are in no table, and come back empty.
  ///
  /// `Character` would join a dot with an accent behind it, and `String` would find a `K` in a
  /// table by the sign for kelvin.
  private static func components(_ text: String) -> [String] {
    text.utf8.split(separator: 0x2e, omittingEmptySubsequences: false).map { part in
      part.allSatisfy { $0 < 0x80 } ? String(decoding: part, as: UTF8.self) : ""
    }
  }

  static func words(_ text: String) -> Set<String> {
    Set(text.split { $0 == " " || $0 == "\n" }.map(String.init))
  }

  /// Lines of a module and its names.
  static func names(_ text: String) -> Set<GlobalName> {
    var names: Set<GlobalName> = []
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ").map(String.init)
      guard let module = parts.first else { continue }
      for name in parts.dropFirst() { names.insert(GlobalName(module, name)) }
    }
    return names
  }
}
