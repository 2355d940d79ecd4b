internal import ByteIO
internal import TensorIO

// What lies in containers and objects, put on the stack.
extension GraphComparison {
  mutating func push(
    _ one: ValueGraph.ID, _ other: ValueGraph.ID, _ way: Int, _ step: Step
  ) {
    ways.append(Way(parent: way, step: step))
    stack.append(Item(left: one, right: other, way: ways.count - 1))
  }

  mutating func push(
    _ one: ValueGraph.ID, _ other: ValueGraph.ID, _ way: Int, _ word: String
  ) {
    push(one, other, way, .word(word))
  }

  mutating func push(
    _ ones: [ValueGraph.ID], _ others: [ValueGraph.ID], _ way: Int, _ word: String?,
    _ axis: ComparisonAxis, _ notes: inout DifferenceNotes
  ) {
    if ones.count != others.count {
      let what = word ?? "items"
      notes.add(axis, path(way), "\(ones.count) \(what)", "\(others.count) \(what)")
    }
    for (index, pair) in zip(ones, others).enumerated() {
      push(pair.0, pair.1, way, word.map { .word($0) } ?? .index(index))
    }
  }

  mutating func push(
    _ ones: [(key: ValueGraph.ID, value: ValueGraph.ID)],
    _ others: [(key: ValueGraph.ID, value: ValueGraph.ID)], _ item: Item,
    _ notes: inout DifferenceNotes
  ) {
    let matching = NameMatching(
      ones.map { ValueText.key($0.key, left) }, others.map { ValueText.key($0.key, right) })
    for pair in matching.pairs {
      let (one, other) = (ones[pair.left], others[pair.right])
      push(one.key, other.key, item.way, "<key>")
      push(one.value, other.value, item.way, .key(one.key))
    }
    // Tensors are missed by their names.
    for index in matching.missing where !left.isTensor(ones[index].value) {
      ways.append(Way(parent: item.way, step: .key(ones[index].key)))
      notes.add(.values, path(ways.count - 1), left.kindText(of: ones[index].value), nil)
    }
    for index in matching.extra where !right.isTensor(others[index].value) {
      notes.add(
        .values, path(item.way), nil,
        "\(right.kindText(of: others[index].value)) under '\(right.keyText(others[index].key))'",
        isDeclarable: false)
    }
    if let place = matching.disorder {
      notes.add(
        .order, path(item.way), "'\(left.keyText(ones[matching.pairs[place].left].key))' later",
        "earlier")
    }
  }
}
