package import ByteIO
package import Pickle

extension Pickle {
  /// The classes and functions that the pickle names, each with a verdict.
  package func globalUses(member: String?) -> [ByteIO.GlobalUse] {
    globals.map { ByteIO.GlobalUse($0.name, $0.name.verdict, member: member, offset: $0.offset) }
  }

  /// A finding for each class or function that would do harm in Python.
  package func dangers(member: String?) -> [Finding] {
    globalUses(member: member).filter { $0.verdict == .dangerous }.map { use in
      Finding(
        "dangerous-global",
        "the pickle names \(use.name.description.escapedForDisplay), which would run when Python "
          + "loads the file; nothing was run here",
        member: member, offset: use.offset)
    }
  }
}
