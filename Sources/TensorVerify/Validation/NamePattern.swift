internal import TensorIO
internal import Glibc

/// Which names are meant: one, or those that match a shell pattern, in which `*` matches dots and
/// slashes too.
public enum NamePattern: Sendable, Hashable, CustomStringConvertible {
  /// The name that has exactly these bytes.
  case name(String)
  /// Names that match, as `fnmatch` has it.
  case glob(String)

  /// Whether a name is meant.
  public func matches(_ other: String) -> Bool {
    switch self {
    case .name(let name): name.utf8.elementsEqual(other.utf8)
    case .glob(let pattern): unsafe fnmatch(pattern, other, 0) == 0
    }
  }

  /// The name or pattern.
  public var description: String {
    switch self {
    case .name(let text), .glob(let text): text
    }
  }
}

extension TensorArchive.Entry {
  /// Whether one of the tensor's names is meant.
  func isMeant(by pattern: NamePattern) -> Bool {
    pattern.matches(name) || (stateDictName != name && pattern.matches(stateDictName))
  }
}
