extension Int {
  /// The product, or an error that names `what` when it does not fit in 63 bits.
  package func multiplied(by factor: Int, _ what: @autoclosure () -> String)
    throws(TensorIOError) -> Int
  {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    guard !overflow else { throw .malformed("\(what()) does not fit in 63 bits") }
    return product
  }

  /// The sum, or an error that names `what` when it does not fit in 63 bits.
  package func added(to term: Int, _ what: @autoclosure () -> String)
    throws(TensorIOError) -> Int
  {
    let (sum, overflow) = addingReportingOverflow(term)
    guard !overflow else { throw .malformed("\(what()) does not fit in 63 bits") }
    return sum
  }

  /// The sum, or the largest Int where it is more.
  package func addingSaturated(_ term: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(term)
    return overflow ? .max : sum
  }

  /// An unsigned number from a file as an `Int`, or an error that names `what`.
  package init(fromFile value: some FixedWidthInteger & UnsignedInteger, _ what: String)
    throws(TensorIOError)
  {
    guard let exact = Int(exactly: value) else {
      throw .malformed("\(what) is \(value), past 63 bits")
    }
    self = exact
  }
}
