package import ByteIO

/// A format of which one file says what lies in several others beside it.
package protocol PartedFormat: TensorFormat {
  /// The files, or the parts of them, that hold the tensors; each is a file of a format by itself.
  static func parts(of opened: OpenedFile) throws(TensorIOError) -> [FilePart]
}

/// A file beside the one that names it, or a part of such a file.
package struct FilePart: Sendable {
  /// What it is called in messages.
  package let name: String
  /// Its bytes.
  package let file: InputFile

  package init(name: String, file: InputFile) {
    self.name = name
    self.file = file
  }
}

/// What a name from a file may be to stand for a file beside it.
package enum SiblingName {
  /// The path of a file beside another.
  /// - Throws: `malformed` for a name that is empty, leads into another folder, or that no file has.
  package static func path(
    _ name: String, beside file: String
  ) throws(TensorIOError) -> String {
    let bytes = name.utf8
    let isPlain =
      !bytes.isEmpty && bytes.count <= 255 && name != "." && !name.contains("..")
      && !bytes.contains { $0 < 0x20 || $0 == 0x7f }
      && !bytes.contains(UInt8(ascii: "/")) && !bytes.contains(UInt8(ascii: "\\"))
    guard isPlain else {
      throw .malformed(
        "'\(name.escapedForDisplay)' is no plain name of a file in the same folder, so it is not "
          + "opened")
    }
    let (folder, _) = splitPath(file)
    return file.utf8.contains(UInt8(ascii: "/"))
      ? (folder == "/" ? "/" : folder + "/") + name : name
  }
}
