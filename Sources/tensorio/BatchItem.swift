internal import ByteIO
internal import TensorIO
internal import TensorVerify

/// An input of a batch and the file that becomes of it.
struct BatchItem: Sendable {
  let input: String
  /// The path of the output.
  let output: String
  /// Why nothing can become of it; known before anything is opened.
  var refusal: TensorIOError?

  /// Where the output's manifest lies.
  var manifest: String { output + ".manifest.json" }
  /// What the manifest calls the output.
  var outputName: String { Self.lastPart(of: output) }
  /// What a lone array is called, with the ending of the file.
  var name: String { Self.lastPart(of: input) }

  private static func lastPart(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// The items of all files that are named; folders stand for the files in them.
  static func items(
    of paths: [String], into folder: String, ending: String
  ) -> [BatchItem] {
    let root = folder.hasSuffix("/") ? folder : folder + "/"
    return paths.flatMap { path in
      do throws(TensorIOError) {
        try Report.requireText(path)
        return try Folder.inputs(at: path).map { file in
          let stem = file.name.withoutEnding
          // A name that is nothing but an ending stays whole.
          let hasStem = !stem.isEmpty && !stem.hasSuffix("/")
          return BatchItem(
            input: file.path, output: root + (hasStem ? stem : file.name) + "." + ending)
        }
      } catch {
        // Takes no output's place; the name is in no path that is made.
        return [BatchItem(input: path, output: root, refusal: error)]
      }
    }
  }

  /// Refuses two inputs that would become one file.
  static func requireOneOutputEach(_ items: [BatchItem]) throws(TensorIOError) {
    var owners: [ByteKey: String] = [:]
    for item in items where item.refusal == nil {
      guard let other = owners.updateValue(item.input, forKey: ByteKey(item.output)) else {
        continue
      }
      let (one, two) = (other.escapedForDisplay, item.input.escapedForDisplay)
      throw TensorIOError(
        .invalidArgument,
        one == two
          ? "'\(one)' is there twice; name each input once"
          : "'\(one)' and '\(two)' would both become this file; convert them into two folders",
        at: .init(file: item.output))
    }
  }

  // MARK: What is there

  /// The manifest of an output that an earlier run made or was making; nil where nothing is there,
  /// or all may be replaced.
  /// - Throws: `invalidArgument` where something is there that is not ours.
  func earlierManifest(force: Bool, limits: DecodingLimits) throws(TensorIOError) -> Manifest? {
    if Folder.exists(output) {
      throw TensorIOError(
        .invalidArgument, "is a folder; name another --out-dir", at: .init(file: output))
    }
    guard !isSameFile(input, output) else {
      throw TensorIOError(
        .invalidArgument, "the output would be the input itself; name another --out-dir",
        at: .init(file: output))
    }
    let isThere = Folder.contains(output)
    guard Folder.contains(manifest) else {
      if isThere, !force {
        throw TensorIOError(
          .invalidArgument,
          "exists, and no manifest beside it says that it was made here; remove it, or replace it "
            + "with --force", at: .init(file: output))
      }
      return nil
    }
    do throws(TensorIOError) {
      let found = try Manifest(contentsOf: manifest, limits: limits)
      guard found.options != nil, found.outputs.count == 1,
        found.outputs[0].path.utf8.elementsEqual(outputName.utf8)
      else { throw .malformed("it is one of other files") }
      return found
    } catch {
      if force { return nil }
      throw TensorIOError(
        .invalidArgument,
        "is no manifest that was made here with its output (\(error.reason)); remove both, or "
          + "replace them with --force", at: .init(file: manifest))
    }
  }

  /// Byte by byte, as names are: Swift's strings are the same composed and decomposed.
  private func areSame(_ left: [String]?, _ right: [String]) -> Bool {
    left?.map { ByteKey($0) } == right.map { ByteKey($0) }
  }

  /// Whether the output is what the input and the options make.
  /// - Parameter sources: the files that the input consists of, in the order of the manifest.
  func isUpToDate(
    _ manifest: Manifest, _ options: [String], _ sources: [InputFile]
  ) throws(TensorIOError) -> Bool {
    guard let output = manifest.outputs.first, areSame(manifest.options, options),
      manifest.sources.map(\.byteCount) == sources.map(\.byteCount),
      let file = try? InputFile(path: self.output), file.byteCount == output.byteCount,
      try file.sha256() == output.sha256
    else { return false }
    for (expected, source) in zip(manifest.sources, sources) {
      guard try source.sha256() == expected.sha256 else { return false }
      try source.requireUnchanged()
    }
    return true
  }
}
