internal import ArgumentParser
internal import TensorIO

/// `tensorio convert`.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert files: several into one archive, an archive into a folder, and back.",
    discussion: """
      The last argument is the output, unless --out-dir is given. Its ending names the format; one that ends in / is a new or \
      empty folder, which receives one .npy file a tensor. An input may be a folder: its files are \
      named by their paths in it. The output appears whole or not at all.

        tensorio convert x.npy y.npy data.npz      two arrays into one archive
        tensorio convert data.npz data/            one file a tensor
        tensorio convert data/ data.npz            and back
        tensorio convert --compress 6 a.npz b.npz  the same tensors, compressed
        find in -name '*.npz' | tensorio convert --out-dir out --to pt --files-from -
        tensorio convert --dtype floating:bfloat16 --dtype '*norm*=float32' a.pt b.pt
        tensorio convert --shard-size 5GB big.pt out/pytorch_model.bin

      A pattern is one of the shell's, in which * matches / too; what it says of a container holds \
      for all that is in it. Names are those that ls --tree shows. They are compared byte by byte.

      A rule of --dtype is DTYPE, for all tensors of numbers, or CLASS:DTYPE, for floating, integer, \
      complex, bool, quantized or those of a dtype; PATTERN= before it takes names that match alone. \
      Of several the last counts. Floats round to nearest; of what a dtype cannot hold, exact refuses \
      all, checked (the default) what would not become infinite, saturating takes the nearest number, \
      wrapping what is left of it.

      Exit status: 0 written, 1 written with a warning: it holds no tensors, numbers became infinite \
      or NaN under the policy checked, or it names what does harm when Python loads it; 2 not written.
      """)

  @Argument(help: "Input files, then the output.", completion: .file())
  var paths: [String] = []

  @Option(
    name: .customLong("files-from"),
    help: ArgumentHelp(
      "Read more input names from this file, - for standard input; ended by line ends or NULs.",
      valueName: "list"))
  var filesFrom: String?

  @OptionGroup var reading: ReadingFlags

  @OptionGroup var editing: EditFlags
  @OptionGroup var casts: CastFlags
  @OptionGroup var shards: ShardFlags

  @Option(
    help: ArgumentHelp(
      """
      Deflate archive members at this level, 1 (fast) to 12 (small); default: store them, so that \
      readers can map them.
      """, valueName: "level"))
  var compress: Int?

  @Option(
    help: ArgumentHelp(
      "What PyTorch files keep of storages larger than the tensors on them: all (keep), what is "
        + "used (compact), or all unless less than half is used (auto).", valueName: "policy"),
    transform: choice("--views"))
  var views = ViewPolicy.automatic

  @OptionGroup var safetensors: SafetensorsFlags
  @OptionGroup var batch: BatchFlags
  @OptionGroup var work: WorkFlags

  @Flag(name: .shortAndLong, help: "Replace an output file that exists.")
  var force = false

  @Flag(help: "Refuse to convert when anything but _metadata would be lost or the input is odd.")
  var strict = false

  @Flag(help: "Read the output back before it gets its name, and keep it only if it is right.")
  var verify = false

  @Option(
    help: ArgumentHelp(
      "Write a JSON file with the hashes of all files and tensors, before and after; implies "
        + "--verify.", valueName: "file"), completion: .file())
  var manifest: String?

  @Flag(help: "Have the output on the disk, not only in the page cache, before ending.")
  var fsync = false

  @Flag(help: "Print what was done as one JSON object.")
  var json = false

  func validate() throws {
    if let compress, !(1...12).contains(compress) {
      throw ValidationError("--compress takes a level from 1 to 12, not \(compress)")
    }
    if batch.target != nil { return try requireUseOfBatch() }
    guard work.jobs == nil, work.shard == nil else {
      throw ValidationError("--jobs and --shard are for --out-dir")
    }
    guard !paths.isEmpty else { throw ValidationError("no output file") }
    if let manifest, paths.contains(manifest) {
      throw ValidationError("--manifest names a file of the conversion itself")
    }
    guard paths.count > 1 || filesFrom != nil else {
      throw ValidationError("no input files; the last name is the output")
    }
  }

  private func requireUseOfBatch() throws {
    guard manifest == nil else {
      throw ValidationError(
        "with --out-dir there is a manifest beside each output; leave --manifest out")
    }
    guard shards.options == nil else {
      throw ValidationError("--out-dir makes one file of each input; leave --shard-size out")
    }
    guard !paths.isEmpty || filesFrom != nil else { throw ValidationError("no input files") }
  }

  func run() throws {
    let options = try reading.options()
    try reporting(isJSON: json) { report in
      Signals.catchInterrupts()
      if let (folder, ending) = batch.target {
        return try Batch(command: self, folder: folder, ending: ending).run(report)
      }
      let given = paths.dropLast() + (try filesFrom.map { try InputFiles.lines(of: $0) } ?? [])
      guard let output = paths.last, !given.isEmpty else { throw ValidationError("no input files") }
      var files: [(path: String, name: String)] = []
      try report.forEach(Array(given)) { files += try Folder.inputs(at: $0) }
      try report.forEach([output]) { _ in try OpenFiles.require(files.count) }
      if report.hasFailed { return }
      var inputs: [ConversionInput] = []
      for file in files {
        try report.forEach([file.path]) { path in
          let whole = try TensorArchive(contentsOf: path, options: options)
          inputs.append(
            ConversionInput(
              path: path, name: file.name, archive: try reading.part(of: whole),
              hasTensors: !whole.entries.isEmpty))
        }
      }
      if report.hasFailed { return }
      try report.forEach([output]) { output in
        try requireUse(ofManifestBeside: inputs)
        let conversion = try Conversion(of: inputs, to: output, self)
        try conversion.run(report)
      }
    }
  }

  /// Refuses a manifest in the place of another file.
  private func requireUse(ofManifestBeside inputs: [ConversionInput]) throws(TensorIOError) {
    guard let manifest else { return }
    if inputs.contains(where: { isSameFile($0.path, manifest) }) {
      throw TensorIOError(
        .invalidArgument, "the manifest is an input; name another", at: .init(file: manifest))
    }
    if !force, Folder.contains(manifest) {
      throw TensorIOError(
        .invalidArgument, "the manifest exists; name another, or replace it with --force",
        at: .init(file: manifest))
    }
  }

  /// How tensors become other dtypes.
  func converting(for target: ConversionTarget) throws -> ConversionOptions {
    var options = ConversionOptions()
    options.policy = casts.policy
    options.isMeasuring = true
    options.keepsAliases = target.keepsSharing
    options.keepsClasses = target.keepsStorages
    options.views = views
    options.limits = try reading.options().limits
    return options
  }

  /// What reading the output back may cost.
  var proofLimits: DecodingLimits { (try? reading.options().limits) ?? DecodingLimits() }

  /// How the output is written.
  var writing: WritingOptions {
    var options = WritingOptions()
    options.compressionLevel = compress
    options.synced = fsync
    options.views = views
    safetensors.apply(to: &options)
    return options
  }
}
