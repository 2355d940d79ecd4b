internal import ByteIO

/// A string that a walk has come by.
struct WalkedText {
  /// A string as it is used for the name of something.
  enum Word: Equatable {
    case whole(String)
    /// The beginning of what is longer than a name may be.
    case beginning(String)
    case unknown

    var text: String {
      switch self {
      case .whole(let text), .beginning(let text): text
      case .unknown: "<unknown>"
      }
    }

    var isWhole: Bool {
      if case .whole = self { true } else { false }
    }
  }

  /// The opcode, which says how the string is written.
  let opcode: Opcode
  let range: Range<Int>

  func word(_ all: Span<UInt8>) -> Word {
    // Ten bytes can stand for one: \U0000006f.
    if range.count > 10 * PickleMachine.mostNameBytes, opcode != .global {
      let bytes = all.extracting(range.prefix(Self.mostShown)).array
      return .beginning(String(decoding: bytes, as: UTF8.self))
    }
    guard let text = text(all) else { return .unknown }
    // A module and a name share what there is for a name.
    if text.utf8.count <= PickleMachine.mostNameBytes / 2 { return .whole(text) }
    return .beginning(String(decoding: text.utf8.prefix(Self.mostShown), as: UTF8.self))
  }

  private static let mostShown = PickleMachine.mostNameBytes / 2

  private func text(_ all: Span<UInt8>) -> String? {
    let bytes = all.extracting(range).array
    switch opcode {
    case .string:
      return (try? PickleText.unquoted(bytes)).flatMap { String(validating: $0, as: UTF8.self) }
    case .unicode: return try? PickleText.rawUnicode(bytes)
    default: return String(validating: bytes, as: UTF8.self)
    }
  }
}
