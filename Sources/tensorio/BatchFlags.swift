internal import ArgumentParser
internal import TensorIO

/// Converting each input into a file of its own.
struct BatchFlags: ParsableArguments {
  @Option(
    name: .customLong("out-dir"),
    help: ArgumentHelp(
      "Convert each input into a file of its own in this folder, with a manifest beside it; all "
        + "names are inputs. What is up to date already is left as it is.", valueName: "folder"),
    completion: .directory)
  var folder: String?

  @Option(
    help: ArgumentHelp(
      "With --out-dir, the format of the outputs, or the ending of their names.",
      valueName: "format"), transform: BatchFlags.ending)
  var to: String?

  @Flag(help: "With --out-dir, print one JSON object an input, on one line, when it is done.")
  var jsonl = false

  /// The folder and the ending of the names in it; nil without `--out-dir`.
  var target: (folder: String, ending: String)? {
    guard let folder, let to else { return nil }
    return (folder.isEmpty ? "." : folder, to)
  }

  func validate() throws {
    if (folder == nil) != (to == nil) {
      throw ValidationError("--out-dir and --to belong together")
    }
    if jsonl, folder == nil { throw ValidationError("--jsonl is for --out-dir; use --json") }
  }

  /// The ending that a format's files get, or the one that is given.
  private static func ending(of text: String) throws -> String {
    let plain = (text.hasPrefix(".") ? String(text.dropFirst()) : text).lowercased()
    let writable = FormatRegistry.descriptors.filter(\.canWrite)
    if writable.contains(where: { $0.extensions.contains(plain) }) { return plain }
    if let ending = writable.first(where: { $0.id == plain })?.extensions.first { return ending }
    let names = writable.flatMap { [$0.id] + $0.extensions }
    throw ValidationError(
      "--to is one of \(Set(names).sorted().joined(separator: ", ")), not '\(text)'")
  }
}

extension Convert {
  /// What decides about the bytes of an output beside its input; a flag that does belongs in here, or
  /// files that were made without it count as up to date.
  func fingerprint(ending: String) -> [String] {
    func each(_ flag: String, _ values: [String]) -> [String] { values.flatMap { [flag, $0] } }
    var flags = ["--to", ending]
    flags += each("--select", reading.select.map { [$0] } ?? [])
    flags += each("--void-as", reading.rawTypes)
    if reading.encoding != .automatic { flags += ["--encoding", reading.encoding.rawValue] }
    flags += each("--include", editing.include) + each("--exclude", editing.exclude)
    flags += each("--rename", editing.rename) + each("--rename-regex", editing.renamePatterns)
    flags += each("--dtype", casts.dtype)
    if let policy = casts.castPolicy { flags += ["--cast-policy", policy.rawValue] }
    if let compress { flags += ["--compress", "\(compress)"] }
    if views != .automatic { flags += ["--views", views.rawValue] }
    if safetensors.ties != .record { flags += ["--ties", safetensors.ties.rawValue] }
    if safetensors.align != 8 { flags += ["--align", "\(safetensors.align)"] }
    if reading.ignoresTies { flags.append("--ignore-ties") }
    if strict { flags.append("--strict") }
    return flags
  }
}
