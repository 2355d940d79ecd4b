/// Tar archives put together by hand.
public enum TarArchive {
  /// An archive of files, as PyTorch 0.1 and others write one.
  public static func of(_ members: [(name: String, contents: [UInt8])]) -> [UInt8] {
    members.flatMap { entry(Array($0.name.utf8), $0.contents) } + end
  }

  /// The zeros after the last entry.
  public static let end = [UInt8](repeating: 0, count: 1024)

  /// An entry whose header has the right checksum; `patch` bytes are written over it at an offset.
  public static func entry(
    _ name: [UInt8], _ contents: [UInt8], kind: Character = "0", patch: (Int, [UInt8]) = (0, [])
  ) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ bytes: some Collection<UInt8>, _ offset: Int) {
      header.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
    put(name, 0)
    put(String(contents.count, radix: 8).utf8, 124)
    put("        \(kind)".utf8, 148)
    put("ustar".utf8, 257)
    put(patch.1, patch.0)
    put(String(header.reduce(0) { $0 + Int($1) }, radix: 8).utf8.map { $0 } + [0], 148)
    let padding = [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
    return header + contents + padding
  }
}
