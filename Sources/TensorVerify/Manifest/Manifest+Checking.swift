internal import ByteIO
public import TensorIO

extension Manifest {
  /// What of an output is not as the manifest says: sizes, hashes of files, and names, dtypes, shapes
  /// and hashes of tensors.
  /// - Parameters:
  ///   - output: the file, or the folder where the manifest lists files of one.
  ///   - limits: what the files may ask for.
  /// - Returns: findings with the code `manifestMismatch`; a file that cannot be read any more as one
  ///   of tensors is one of them.
  /// - Throws: `io` when a file cannot be opened, and `limit`.
  public func check(
    _ output: String, limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) -> [Finding] {
    guard !outputs.isEmpty else {
      return [Self.mismatch("the manifest lists no outputs")]
    }
    let isInFolder = outputs.count > 1 || isFolder(output)
    var findings: [Finding] = []
    for (number, file) in outputs.enumerated() {
      guard let path = isInFolder ? Self.path(file.path, in: output) : output else {
        findings.append(
          Self.mismatch(
            "the manifest lists '\(file.path.escapedForDisplay)', which is no path in a folder"))
        continue
      }
      let tensors = tensors.filter { $0.output == number }
      try locating(.init(file: path)) { () throws(TensorIOError) in
        findings += try Self.check(path, file, tensors, limits)
      }
    }
    return findings
  }

  /// A path in a folder, and nowhere else.
  private static func path(_ part: String, in folder: String) -> String? {
    let parts = part.split(separator: "/", omittingEmptySubsequences: false)
    guard !part.utf8.contains(0), parts.allSatisfy({ !["", ".", ".."].contains($0) }) else {
      return nil
    }
    return folder + (folder.hasSuffix("/") ? "" : "/") + part
  }

  private static func mismatch(
    _ message: String, member: String? = nil, tensor: String? = nil
  ) -> Finding {
    Finding(.manifestMismatch, message, member: member, tensor: tensor)
  }

  private static func check(
    _ path: String, _ expected: File, _ tensors: [Tensor], _ limits: DecodingLimits
  ) throws(TensorIOError) -> [Finding] {
    let input = try InputFile(path: path)
    let name = expected.path.escapedForDisplay
    var findings: [Finding] = []
    if input.byteCount != expected.byteCount {
      findings.append(
        mismatch(
          "'\(name)' has \(input.byteCount) bytes, \(expected.byteCount) in the manifest"))
    }
    let hash = try input.sha256()
    if hash != expected.sha256 {
      findings.append(
        mismatch("'\(name)' has the SHA-256 \(hash), \(expected.sha256) in the manifest"))
    }
    var options = ReadingOptions()
    options.limits = limits
    do throws(TensorIOError) {
      let archive = try TensorArchive(reading: input, options: options)
      findings += try check(archive, tensors, limits)
    } catch {
      // What cannot be asked for is no answer; what is broken is one.
      guard error.code != .io, error.code != .limit else { throw error }
      findings.append(
        mismatch("'\(name)' cannot be read: \(error.reason)", member: error.place.member))
    }
    return findings
  }

  private static func check(
    _ archive: TensorArchive, _ tensors: [Tensor], _ limits: DecodingLimits
  ) throws(TensorIOError) -> [Finding] {
    guard archive.entries.count == tensors.count else {
      return [
        mismatch(
          "the output has \(archive.entries.count) tensors, \(tensors.count) in the manifest")
      ]
    }
    var findings: [Finding] = []
    // By name, as some formats have an order of their own; by number where a name is another.
    let matching = NameMatching(archive.names, tensors.map(\.after.name))
    let pairs =
      matching.missing.isEmpty ? matching.pairs : tensors.indices.map { (left: $0, right: $0) }
    for pair in pairs {
      let (entry, tensor) = (archive.entries[pair.left], tensors[pair.right])
      func compare(_ what: String, _ found: String, _ expected: String) {
        guard ByteKey(found) != ByteKey(expected) else { return }
        findings.append(
          mismatch(
            "\(what) \(found.escapedForDisplay), \(expected.escapedForDisplay) in the manifest",
            tensor: entry.name))
      }
      let found: Outline
      do throws(TensorIOError) {
        found = try Outline(entry, limits: limits)
      } catch {
        guard error.code == .malformed else { throw error }
        findings.append(
          mismatch(
            "cannot be read: \(error.reason)", member: error.place.member, tensor: entry.name))
        continue
      }
      compare("has the name", found.name, tensor.after.name)
      compare("has the dtype", found.dtype, tensor.after.dtype)
      compare("has the shape", "\(found.shape)", "\(tensor.after.shape)")
      compare("has elements with the SHA-256", found.sha256 ?? "-", tensor.after.sha256 ?? "-")
    }
    return findings
  }
}
