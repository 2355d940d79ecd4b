internal import ArgumentParser
internal import TensorIO

/// Which tensors become other dtypes, and what becomes of numbers that those cannot hold.
struct CastFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Convert tensors: DTYPE, CLASS:DTYPE, PATTERN=DTYPE or PATTERN=CLASS:DTYPE. Repeatable.",
      valueName: "rule"))
  var dtype: [String] = []

  @Option(
    help: ArgumentHelp(
      "What --dtype does about numbers that do not fit: exact, checked, saturating or wrapping.",
      valueName: "policy"),
    transform: { text in
      guard let policy = CastPolicy(rawValue: text) else {
        throw ValidationError(
          "--cast-policy is exact, checked, saturating or wrapping, not '\(text)'")
      }
      return policy
    })
  var castPolicy: CastPolicy?

  func validate() throws {
    do throws(TensorIOError) {
      _ = try rules
    } catch {
      throw ValidationError("--dtype: \(error.reason)")
    }
    guard castPolicy == nil || !dtype.isEmpty else {
      throw ValidationError("--cast-policy does nothing without --dtype")
    }
  }

  var rules: ConversionRules {
    get throws(TensorIOError) { try ConversionRules(dtype) }
  }

  var policy: CastPolicy { castPolicy ?? .checked }
}
