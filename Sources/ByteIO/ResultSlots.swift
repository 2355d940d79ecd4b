/// One result for each index of a parallel loop.
package final class ResultSlots<Value: Sendable>: Sendable {
  private let values: Locked<[Value]>

  /// Slots that all hold `initial`.
  package init(count: Int, initial: Value) {
    values = Locked(Array(repeating: initial, count: count))
  }

  package subscript(index: Int) -> Value {
    get { values.withLock { $0[index] } }
    set { values.withLock { $0[index] = newValue } }
  }

  /// All results.
  package var all: [Value] { values.withLock { $0 } }
}
