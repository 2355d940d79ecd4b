/// Goes along with a walk and knows which dtypes rules want for the tensors.
struct RuleMatcher {
  /// How far a rule came.
  private enum Progress {
    case unmatched
    /// Its pattern matched a name.
    case named
    /// Its pattern matched a tensor that has no numbers.
    case wordless(name: String, dtype: DType)
    case used
  }

  /// What rules want of a tensor, and under which of its names.
  private struct Wish {
    let name: String
    let target: DType?
  }

  private let rules: [ConversionRules.Rule]
  private var progress: [Progress]
  /// Rules by their patterns, where these are names.
  private var exact: [ByteKey: [Int]] = [:]
  private var globs: [Int] = []
  /// The rules that hold for what lies in a container, for those that lead to the last step.
  private var outer: [Set<Int>] = []
  private let general: Set<Int>
  private var wishes: [ValueGraph.ID: Wish] = [:]

  init(_ rules: ConversionRules) {
    self.rules = rules.rules
    progress = rules.rules.map { _ in .unmatched }
    var general: Set<Int> = []
    for (index, rule) in rules.rules.enumerated() {
      guard let pattern = rule.pattern else {
        general.insert(index)
        continue
      }
      if pattern.utf8.contains(where: { "*?[\\".utf8.contains($0) }) {
        globs.append(index)
      } else {
        exact[ByteKey(pattern), default: []].append(index)
      }
    }
    self.general = general
  }

  /// Looks at a step of the walk; to be asked at every one.
  /// - Parameters:
  ///   - merged: the name that the value gets, where it is another than that in the file.
  ///   - isChosen: whether a tensor goes where the rules hold.
  /// - Throws: `invalidArgument` when rules want one tensor in two ways, under two names.
  mutating func visit(
    _ walk: GraphWalk, _ step: GraphWalk.Step, merged: String?, isChosen: Bool
  ) throws(TensorIOError) {
    if rules.isEmpty { return }
    outer.removeLast(outer.count - walk.depth)
    var matched = outer.last ?? general
    // The outermost container has no name.
    if general.count < rules.count, walk.depth > 0 || step.isLeaf {
      let names = Chooser.names(at: walk).map(\.name) + [merged].compactMap { $0 }
      for index in rulesMatching(names) {
        matched.insert(index)
        if case .unmatched = progress[index] { progress[index] = .named }
      }
    }
    outer.append(matched)
    guard isChosen, case .tensor(let tensor) = walk.graph[step.id], !Self.isStructure(walk) else {
      return
    }
    let name = merged ?? walk.path.joined(separator: ".")
    let target = target(of: tensor.dtype, matched, name)
    let wish = Wish(name: name, target: target == tensor.dtype ? nil : target)
    guard let earlier = wishes.updateValue(wish, forKey: step.id), earlier.target != wish.target
    else { return }
    throw Self.conflict(earlier, wish, tensor.dtype)
  }

  private func rulesMatching(_ names: [String]) -> [Int] {
    var found = names.flatMap { exact[ByteKey($0)] ?? [] }
    for index in globs {
      guard let pattern = rules[index].pattern else { continue }
      if Chooser.matches(pattern, names) { found.append(index) }
    }
    return found
  }

  /// What the last of the rules wants that are about a dtype.
  private mutating func target(of dtype: DType, _ matched: Set<Int>, _ name: String) -> DType? {
    var last: Int?
    for index in matched {
      if rules[index].numbers.contains(dtype) {
        progress[index] = .used
        last = max(last ?? index, index)
      } else if case .named = progress[index], !NumberClass.all.contains(dtype) {
        progress[index] = .wordless(name: name, dtype: dtype)
      }
    }
    return last.map { rules[$0].target }
  }

  /// Whether the tensor at the last step says where the elements of a sparse or nested one are.
  private static func isStructure(_ walk: GraphWalk) -> Bool {
    guard let key = walk.path.last, key.utf8.first == UInt8(ascii: "@"),
      let place = walk.chain.last, case .object = walk.graph[place.container]
    else { return false }
    return key != "@values" && key != "@buffer"
  }

  private static func conflict(_ one: Wish, _ other: Wish, _ dtype: DType) -> TensorIOError {
    func text(_ wish: Wish) -> String {
      "'\(wish.name.escapedForDisplay)' "
        + (wish.target.map { "becomes \($0)" } ?? "stays \(dtype)")
    }
    return .invalidArgument(
      "one tensor has two names, and the rules differ: \(text(one)), \(text(other)); add a rule for "
        + "both names")
  }

  /// The dtypes that tensors get since this was asked last; those that have them already are left
  /// out.
  mutating func takeTargets() -> ConversionTargets {
    let targets = wishes.compactMapValues(\.target)
    wishes = [:]
    return targets
  }

  /// - Throws: `invalidArgument` naming a rule that was about nothing.
  func requireMatches() throws(TensorIOError) {
    for (rule, progress) in zip(rules, progress) {
      let text = rule.text.escapedForDisplay
      switch progress {
      case .used: continue
      case .wordless(let name, let dtype):
        throw .invalidArgument(
          "the rule '\(text)' is about nothing: '\(name.escapedForDisplay)' is of \(dtype), which "
            + "no rule converts")
      case .named:
        throw .invalidArgument(
          "the rule '\(text)' is about nothing: what has such names is or holds no "
            + "\(rule.subject)")
      case .unmatched:
        throw .invalidArgument(
          "the rule '\(text)' is about nothing: "
            + (rule.pattern == nil
              ? "there are no \(rule.subject)"
              : "no name matches its pattern; ls --tree shows all names"))
      }
    }
  }
}

/// The dtypes that tensors are to get.
package typealias ConversionTargets = [ValueGraph.ID: DType]
