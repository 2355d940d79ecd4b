/// The lines and brackets around the elements of an array, as NumPy sets them.
struct NumPyLayout {
  /// The shown part of the array.
  let shown: ShownElements
  /// What stands between elements: a space, or a comma and a space.
  let separator: String
  /// The columns that a line may take.
  let width: Int
  /// The columns taken by what stands before the array.
  let indent: Int

  /// The separator without its space.
  private var comma: String { trimmingTrailingSpaces(separator) }

  /// Sets the words, which are those of the shown elements in row-major order.
  func text(_ words: [String]) -> String {
    if shown.axes.isEmpty { return words.first ?? "" }
    if shown.isTooLarge { return "[...]" }
    var rest = words[...]
    return block(0, hanging: spaces(indent + 1), width: width, &rest)
  }

  private func block(
    _ axis: Int, hanging: String, width: Int, _ words: inout ArraySlice<String>
  ) -> String {
    if axis == shown.axes.count - 1 { return row(hanging: hanging, width: width, &words) }
    let part = shown.axes[axis]
    let separator = comma + String(repeating: "\n", count: shown.axes.count - axis - 1)
    var items: [String] = []
    for position in 0..<(part.head + part.tail) {
      if part.isElided && position == part.head { items.append("...") }
      items.append(block(axis + 1, hanging: hanging + " ", width: width - 1, &words))
    }
    return "[" + items.joined(separator: separator + hanging) + "]"
  }

  /// The elements of the last axis, over as many lines as they need.
  private func row(hanging: String, width: Int, _ words: inout ArraySlice<String>) -> String {
    let part = shown.axes[shown.axes.count - 1]
    let count = part.head + part.tail
    var items = Array(words.prefix(count))
    words = words.dropFirst(count)
    if part.isElided { items.insert("...", at: min(part.head, items.count)) }
    let room = width - max(columns(comma), 1)
    let indent = columns(hanging)
    var lines = ""
    var (line, length) = (hanging, indent)
    for (position, item) in items.enumerated() {
      let size = columns(item)
      // Where the line is still empty, a break would not help.
      if length + size > room && length > indent {
        lines += trimmingTrailingSpaces(line) + "\n"
        (line, length) = (hanging, indent)
      }
      line += item
      length += size
      if position < items.count - 1 {
        line += separator
        length += columns(separator)
      }
    }
    let text = lines + line
    return "[" + String(Substring(text.unicodeScalars.dropFirst(indent))) + "]"
  }
}
