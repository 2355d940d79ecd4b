internal import ByteIO
internal import JSONText
public import TensorIO

extension Manifest {
  /// The manifest as JSON, a line for each file, tensor and loss.
  public var text: String {
    func lines(_ items: [JSON]) -> String {
      items.isEmpty ? "[]" : "[\n" + items.map { "  " + $0.text }.joined(separator: ",\n") + "\n]"
    }
    let options = options.map { options in
      "\n\"options\":\(JSON.array(options.map { .string($0) }).text),"
    }
    return """
      {
      "manifest":\(Self.version),
      "tool":\(JSON.string(tool).text),\(options ?? "")
      "sources":\(lines(sources.map(\.json))),
      "outputs":\(lines(outputs.map(\.json))),
      "tensors":\(lines(tensors.map(\.json))),
      "losses":\(lines(losses.map(\.json)))
      }

      """
  }

  /// Writes the manifest as a file, which appears whole or not at all.
  public func write(to path: String) throws(TensorIOError) {
    let file = try AtomicFile(path: path)
    try file.write(Array(text.utf8).span)
    try file.commit()
  }
}

extension Manifest.File {
  fileprivate var json: JSON {
    .object([
      ("path", .string(path)), ("byte_count", .int(byteCount)), ("sha256", .string(sha256)),
    ])
  }
}

extension Manifest.Outline {
  fileprivate var json: JSON {
    .object([
      ("name", .string(name)), ("dtype", .string(dtype)), ("shape", .array(shape.map { .int($0) })),
      ("sha256", .optional(sha256)),
    ])
  }
}

extension Manifest.Tensor {
  fileprivate var json: JSON {
    .object([
      ("source", .int(source)), ("output", .int(output)), ("before", before.json),
      ("after", after.json), ("cast", cast?.json ?? .null),
    ])
  }
}

extension ConversionReport {
  fileprivate var json: JSON {
    .object([
      ("count", .int(count)), ("changed", .int(changed)), ("overflowed", .int(overflowed)),
      ("nan_changes", .int(nanChanges)), ("max_absolute_error", .double(maxAbsoluteError)),
      ("max_relative_error", .double(maxRelativeError)), ("max_ulp_error", .double(maxULPError)),
    ])
  }
}

extension Loss {
  fileprivate var json: JSON {
    .object([
      ("kind", .string(kind.rawValue)), ("name", .string(name)), ("message", .string(message)),
    ])
  }
}
