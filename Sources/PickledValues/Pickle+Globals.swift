package import ByteIO
package import Pickle

extension Pickle {
  /// The classes and functions that the pickle names, each with a verdict.
  package func globalUses(member: String?, limits: DecodingLimits) -> [ByteIO.GlobalUse] {
    zip(globals, verdicts(limits: limits)).map { use, verdict in
      ByteIO.GlobalUse(use.name, verdict, member: member, offset: use.offset)
    }
  }
}

extension [ByteIO.GlobalUse] {
  /// A finding for each class or function that would do harm in Python.
  package var dangers: [Finding] {
    filter { $0.verdict == .dangerous }.map { use in
      Finding(
        .dangerousGlobal,
        "the pickle names \(use.name.description.escapedForDisplay), which would run when Python "
          + "loads the file; nothing was run here",
        member: use.member, offset: use.offset)
    }
  }
}
