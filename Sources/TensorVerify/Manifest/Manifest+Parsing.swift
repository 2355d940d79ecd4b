internal import ByteIO
internal import JSONText
public import TensorIO

extension Manifest {
  /// Reads a manifest.
  /// - Throws: `malformed` naming the place: for keys that are missing, unknown or there twice, and
  ///   values of the wrong kind; `unsupported` for another version; `limit` for a long text.
  public init(
    parsing bytes: [UInt8], limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) {
    let json = try JSON(parsing: bytes, limits: limits)
    // Asked first: another version may have other keys.
    guard let version = json["manifest"]?.int else {
      throw .malformed("this is no manifest: it has no 'manifest' with a version")
    }
    guard version == Self.version else {
      throw .unsupported(
        "the manifest has version \(version); this program reads version \(Self.version)")
    }
    var fields = try ManifestFields(json, at: "")
    _ = try fields.count("manifest")
    self.init(
      tool: try fields.text("tool"), sources: try fields.list("sources", File.init(reading:)),
      outputs: try fields.list("outputs", File.init(reading:)))
    tensors = try fields.list("tensors", Tensor.init(reading:))
    losses = try fields.list("losses") { (fields) throws(TensorIOError) in
      try Loss(reading: &fields)
    }
    options = try fields.textsIfAny("options")
    try fields.finish()
    try requireNumbers()
  }

  /// Reads a manifest from a file.
  public init(
    contentsOf path: String, limits: DecodingLimits = DecodingLimits()
  ) throws(TensorIOError) {
    self = try locating(.init(file: path)) { () throws(TensorIOError) in
      let file = try InputFile(path: path)
      guard file.byteCount / 64 <= limits.headerBytes else {
        throw .limit(
          "the length of the manifest, in units of 64,", file.byteCount / 64,
          over: limits.headerBytes, raise: "headerBytes")
      }
      return try Manifest(parsing: try file.bytes(0..<file.byteCount), limits: limits)
    }
  }

  /// Refuses tensors of files that are not listed.
  private func requireNumbers() throws(TensorIOError) {
    for (index, tensor) in tensors.enumerated() {
      guard sources.indices.contains(tensor.source) else {
        throw .malformed("tensors[\(index)].source is \(tensor.source); there are \(sources.count)")
      }
      guard outputs.indices.contains(tensor.output) else {
        throw .malformed("tensors[\(index)].output is \(tensor.output); there are \(outputs.count)")
      }
    }
  }
}

extension Manifest.File {
  fileprivate init(reading fields: inout ManifestFields) throws(TensorIOError) {
    self.init(
      path: try fields.text("path"), byteCount: try fields.count("byte_count"),
      sha256: try fields.hash("sha256"))
  }
}

extension Manifest.Outline {
  fileprivate init(reading fields: inout ManifestFields) throws(TensorIOError) {
    self.init(
      name: try fields.text("name"), dtype: try fields.text("dtype"),
      shape: try fields.shape("shape"), sha256: try fields.hash("sha256", orNull: true))
    try fields.finish()
  }
}

extension Manifest.Tensor {
  fileprivate init(reading fields: inout ManifestFields) throws(TensorIOError) {
    let (source, output) = (try fields.count("source"), try fields.count("output"))
    var before = try fields.object("before")
    var after = try fields.object("after")
    let cast = try fields.objectOrNull("cast")
    self.init(
      source: source, output: output, before: try .init(reading: &before),
      after: try .init(reading: &after))
    guard var fields = cast else { return }
    self.cast = try ConversionReport(reading: &fields)
  }
}

extension ConversionReport {
  fileprivate init(reading fields: inout ManifestFields) throws(TensorIOError) {
    self.init()
    count = try fields.count("count")
    changed = try fields.count("changed")
    overflowed = try fields.count("overflowed")
    nanChanges = try fields.count("nan_changes")
    maxAbsoluteError = try fields.number("max_absolute_error")
    maxRelativeError = try fields.number("max_relative_error")
    maxULPError = try fields.number("max_ulp_error")
    try fields.finish()
  }
}

extension Loss {
  fileprivate init(reading fields: inout ManifestFields) throws(TensorIOError) {
    let kind = try fields.text("kind")
    guard let known = Kind(rawValue: kind) else {
      throw fields.failure("has the unknown kind '\(kind.escapedForDisplay)'")
    }
    self.init(known, of: try fields.text("name"), try fields.text("message"))
  }
}
