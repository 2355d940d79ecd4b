internal import ArgumentParser
internal import TensorIO

/// How safetensors files are written.
struct SafetensorsFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What becomes of tensors that share a storage in safetensors: each is written and the metadata "
        + "says what they share (record), each is written (clone), or what others hold is left out "
        + "(drop).", valueName: "policy"),
    transform: choice("--ties"))
  var ties = TiePolicy.record

  @Option(
    help: ArgumentHelp(
      "Let the elements begin at a multiple of so many bytes in safetensors: 8, or a larger power of "
        + "two.", valueName: "bytes"))
  var align = 8

  func validate() throws {
    guard align >= 8, align & (align - 1) == 0, align <= 1 << 20 else {
      throw ValidationError("--align takes a power of two from 8 to 1048576, not \(align)")
    }
  }

  /// The first that was given and is not what it is without.
  var used: String? { ties != .record ? "--ties" : align != 8 ? "--align" : nil }

  /// Sets what was asked for.
  func apply(to options: inout WritingOptions) {
    options.ties = ties
    options.payloadAlignment = align
  }
}
