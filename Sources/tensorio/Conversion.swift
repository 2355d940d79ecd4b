internal import ByteIO
internal import JSONText
internal import TensorIO

/// A file that was opened, or the part of it that was asked for.
struct ConversionInput {
  let path: String
  /// What an array in it is called when it has no name.
  let name: String
  let archive: TensorArchive
  /// Whether the whole file has any.
  let hasTensors: Bool
  /// The files that it consists of, where they are to be hashed as they were read.
  var files: [InputFile] = []
}

/// What `convert` makes of its inputs, and says about it.
struct Conversion {
  let inputs: [ConversionInput]
  let output: String
  private let target: ConversionTarget
  let command: Convert
  /// What makes it one of many; nil for a conversion alone.
  private let batch: BatchRecord?
  private let archive: TensorArchive
  /// The dtypes that became others; nil without rules for them.
  private let conversion: ConversionSummary?
  /// Whether values stay in their containers.
  private let isNested: Bool
  /// What is lost, with the file that it is said of.
  private let losses: [(file: String, losses: [Loss])]
  private let globals: WrittenGlobals
  /// Where the tensors that are written come from.
  private let origins: [ConversionProof.Origin]

  init(
    of inputs: [ConversionInput], to output: String, _ command: Convert, batch: BatchRecord? = nil
  ) throws {
    self.inputs = inputs
    self.batch = batch
    self.output = output
    self.command = command
    let target = try ConversionTarget(output, shards: command.shards.options)
    self.target = target
    try target.requireUse(
      force: command.force || batch != nil, compress: command.compress,
      safetensors: command.safetensors.used)
    let edit = try command.editing.edit
    let rules = try command.casts.rules
    isNested = inputs.count == 1 && target.keepsNesting && !inputs[0].archive.isProgram
    let isAsIs = inputs.count == 1 && edit.isIdentity && target.takesAsIs(inputs[0].archive)
    var losses: [(file: String, losses: [Loss])] = []
    let chosen: (archive: TensorArchive, targets: ConversionTargets)
    var places: [ValueGraph.ID: (file: Int, id: ValueGraph.ID)]?
    if isNested || isAsIs {
      chosen = try edit.applied(to: inputs[0].archive, rules)
    } else {
      // What has no name and goes where there are none gets none.
      let isPlain = inputs.count == 1 && target.isNameless
      let merged = try edit.merging(
        inputs.map { MergeInput($0.archive, name: isPlain ? nil : $0.name, path: $0.path) },
        keepingValues: target.keepsNesting, rules)
      chosen = (merged.archive, merged.targets)
      places = merged.origins
      losses = zip(inputs, merged.losses).map { (inputs.count == 1 ? output : $0.path, $1) }
    }
    if rules.isEmpty {
      conversion = nil
      archive = chosen.archive
      losses.append(
        (output, try target.losses(of: archive, command.writing)))
    } else {
      let summary = ConversionSummary(
        try chosen.archive.converting(
          chosen.targets, options: try command.converting(for: target)),
        of: chosen.archive, policy: command.casts.policy)
      conversion = summary
      archive = summary.archive
      losses.append((output, try summary.losses(writingTo: target, options: command.writing)))
    }
    self.losses = losses
    globals = archive.writtenGlobals(keepsNesting: target.keepsStorages)
    origins = Self.origins(of: archive, in: inputs, places)
  }

  /// - Parameter places: the values that tensors come from; nil where they are those of the input.
  private static func origins(
    of archive: TensorArchive, in inputs: [ConversionInput],
    _ places: [ValueGraph.ID: (file: Int, id: ValueGraph.ID)]?
  ) -> [ConversionProof.Origin] {
    let sources = inputs.map { input in
      Dictionary(input.archive.entries.map { ($0.id, $0) }) { first, _ in first }
    }
    return archive.entries.compactMap { entry in
      let place = places.map { $0[entry.id] } ?? (0, entry.id)
      return place.flatMap { place in
        sources[place.file][place.id].map {
          ConversionProof.Origin(entry: entry, input: place.file, source: $0)
        }
      }
    }
  }

  func run(_ report: Report) throws {
    for input in inputs { try explain(input.archive.findings, input.path, report) }
    let hasTensors = try checkTensors(report)
    for (file, losses) in losses { try report.explain(losses, file.escapedForDisplay) }
    try explainGlobals(report)
    if let refusal = refusal(hasTensors: hasTensors) {
      try report.fail(refusal, file: output, inJSON: false)
      if report.isJSON {
        try report.line(
          .object([("file", .string(output)), ("error", JSON(refusal))] + summary))
      }
      return
    }
    let byteCount = target.byteCount(of: archive)
    let progress = Progress(total: batch == nil ? byteCount : 0)
    var options = command.writing
    options.progress = { progress.advance($0) }
    if let share = batch?.share {
      options.progress = { share.advance($0, of: byteCount) }
    }
    options.isCancelled = { Signals.isInterrupted }
    defer { progress.finish() }
    let written = target.keepsStorages ? archive : try archive.untagged()
    try target.requireFree(for: written, force: command.force, beside: try readFiles(), options)
    let shards =
      isProven
      ? try write(written, options)
      : try target.write(written, options, checking: nil, keeping: known(options))
    if let shards { try explain(shards, report) }
    try conversion?.explain(output, report)
    if report.isJSON {
      let more: [(String, JSON?)] = [
        ("conversion", conversion?.json), ("verified", isProven ? .bool(true) : nil),
        ("manifest", command.manifest.map { .string($0) }), ("shards", shards?.json),
      ]
      try report.line(.object(summary + more.compactMap(Self.known)))
    }
  }

  /// Whether the output is read back.
  private var isProven: Bool { command.verify || command.manifest != nil || batch != nil }

  /// Writes what is read back before it gets its name, and the manifest behind it; in a batch before
  /// it.
  private func write(
    _ archive: TensorArchive, _ options: WritingOptions
  ) throws(TensorIOError) -> WrittenShards? {
    let files = if let batch { [batch.outputName] } else { try target.files(of: archive, options) }
    let proof = try ConversionProof(
      files,
      manifest: batch?.manifest ?? command.manifest, limits: command.proofLimits, options)
    var origins = origins
    if let order = try target.order(of: archive, options) {
      let known = Dictionary(origins.map { (ByteKey($0.entry.name), $0) }) { first, _ in first }
      origins = order.compactMap { known[ByteKey($0)] }
    }
    func writeManifest() throws(TensorIOError) {
      try proof.writeManifest(
        of: inputs, origins, conversion?.parts ?? [], losses.flatMap(\.losses), batch?.options)
    }
    let check: WrittenCheck = { (archive, format, file) throws(TensorIOError) in
      try proof.check(archive, format, file)
      if batch != nil { try writeManifest() }
    }
    let shards = try target.write(archive, options, checking: check, keeping: check)
    if batch == nil { try writeManifest() }
    return shards
  }

  /// Says so when nothing is a tensor.
  /// - Throws: where an output without tensors makes no sense.
  private func checkTensors(_ report: Report) throws -> Bool {
    if !archive.entries.isEmpty { return true }
    let wasChosen = inputs.contains { $0.hasTensors }
    guard isNested else {
      throw TensorIOError(
        .invalidArgument,
        wasChosen
          ? "nothing that was chosen is a tensor" : "the input holds no tensors to write")
    }
    try report.warn(
      wasChosen
        ? "\(output.escapedForDisplay): nothing that was chosen is a tensor"
        : "\(inputs[0].path.escapedForDisplay): the file holds no tensors")
    return false
  }

  /// Why nothing is written with --strict.
  private func refusal(hasTensors: Bool) -> TensorIOError? {
    let kinds = Set(losses.flatMap { $0.losses.map(\.kind) })
    let isOdd = inputs.contains { !$0.archive.findings.isEmpty }
    guard command.strict, isOdd || !hasTensors || kinds.contains(where: \.isSerious) else {
      return nil
    }
    return TensorIOError(
      .lossy,
      "not written: --strict refuses what is named above; "
        + (kinds.contains(.storage) ? "--views keep writes whole storages; " : "")
        + "convert without --strict to accept")
  }

  // MARK: Messages

  /// Findings about an input, which the output no longer shows: notes, unless --strict.
  private func explain(_ findings: [Finding], _ path: String, _ report: Report) throws {
    for finding in findings {
      let member = finding.member.map { "member '\($0.escapedForDisplay)': " } ?? ""
      try report.inform(
        "\(path.escapedForDisplay): \(member)\(finding.message) (\(finding.code.rawValue))")
    }
  }

  /// What loading the output in Python would do.
  private func explainGlobals(_ report: Report) throws {
    let file = output.escapedForDisplay
    for finding in outputFindings { try report.warn("\(file): \(finding.message)") }
    if globals.dangerous.isEmpty,
      inputs.contains(where: { $0.archive.globals.contains { $0.verdict == .dangerous } })
    {
      try report.inform("\(file): nothing dangerous of the input is in it")
    }
    let foreign = globals.foreign
    guard target.keepsNesting, !foreign.isEmpty else { return }
    let names = foreign.prefix(3).map { "\($0)".escapedForDisplay }.joined(separator: ", ")
    let more = foreign.count > 3 ? " and \(foreign.count - 3) more" : ""
    try report.inform(
      "\(file): names \(names)\(more), which torch.load(weights_only=True) refuses")
  }

  /// What is dangerous in the output.
  private var outputFindings: [Finding] {
    globals.dangerous.map { name, path in
      let path = (path ?? []).joined(separator: ".")
      let wayOut = path.isEmpty ? "" : "; leave it out with --exclude '\(path.escapedForPatterns)'"
      return Finding(
        .dangerousGlobal,
        "\(name.description.escapedForDisplay) runs when Python loads this file"
          + wayOut.escapedForDisplay)
    }
  }

  // MARK: JSON

  private static func known(_ pair: (String, JSON?)) -> (String, JSON)? {
    pair.1.map { (pair.0, $0) }
  }

  private var summary: [(String, JSON)] {
    [("inputs", .array(inputs.map { .string($0.path) })), ("output", .string(output))]
      + contents
  }

  /// What a line of a batch says of one that was written.
  var facts: [(String, JSON)] {
    contents + [("conversion", conversion?.json)].compactMap(Self.known)
  }

  private var contents: [(String, JSON)] {
    let findings =
      inputs.flatMap { input in input.archive.findings.map { (input.path, $0) } }
      + outputFindings.map { (output, $0) }
    return [
      ("tensors", .int(archive.entries.count)),
      ("byte_count", .int(archive.byteCount)),
      ("losses", .array(losses.flatMap { $0.losses.map { JSON($0) } })),
      ("findings", .array(findings.map { JSON($1, of: $0) })),
    ]
  }
}
