import ByteIO
import Testing

@Suite struct CursorTests {
  @Test func readsLittleEndianNumbersInOrder() throws {
    let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0xff, 0xff]
    var cursor = ByteCursor(bytes.span, baseOffset: 100)
    let (first, second) = (
      try cursor.readInteger("a", as: UInt8.self), try cursor.readInteger("b", as: UInt16.self)
    )
    let third = try cursor.readInteger("c", as: UInt32.self)
    let (offset, remaining) = (cursor.offset, cursor.remaining)
    let rest = try cursor.read(2, "d").array
    let (skipped, skippedAgain) = (cursor.skip(ifNext: [0xff, 0xff]), cursor.skip(ifNext: [1]))
    #expect(first == 1 && second == 0x0302 && third == 0x0706_0504)
    #expect(offset == 107 && remaining == 4)
    #expect(rest == [8, 9])
    #expect(skipped && !skippedAgain)
  }

  @Test func refusesToReadPastTheEnd() throws {
    let bytes: [UInt8] = [1, 2, 3]
    var cursor = ByteCursor(bytes.span, baseOffset: 7)
    _ = try cursor.readInteger("one", as: UInt8.self)
    var found: TensorIOError?
    do throws(TensorIOError) {
      _ = try cursor.readInteger("the field", as: UInt32.self)
    } catch {
      found = error
    }
    #expect(found == TensorIOError(.malformed, ""))
    #expect(found?.place.offset == 8)
    #expect(found?.reason.contains("the field") == true)
    // A count from a hostile file may be anything.
    for count in [3, Int.max, -1, Int.min] {
      do throws(TensorIOError) {
        _ = try cursor.read(count, "bytes")
        Issue.record("\(count) bytes were read")
      } catch {
        #expect(error.code == .malformed)
      }
    }
    let remaining = cursor.remaining
    #expect(remaining == 2)
  }

  @Test func checkedArithmeticThrowsInsteadOfTrapping() {
    #expect(throws: TensorIOError(.malformed, "")) { try Int.max.multiplied(by: 2, "x") }
    #expect(throws: TensorIOError(.malformed, "")) { try Int.max.added(to: 1, "x") }
    #expect(throws: TensorIOError(.malformed, "")) { try Int(fromFile: UInt64.max, "x") }
    #expect(throws: Never.self) { try Int(fromFile: UInt64(Int.max), "x") }
  }
}

@Suite struct ErrorTests {
  @Test func equalityIsOfTheCodeAlone() {
    #expect(TensorIOError(.limit, "a") == TensorIOError(.limit, "b"))
    #expect(TensorIOError(.limit, "a") != TensorIOError(.io, "a"))
    #expect(Set(TensorIOError.Code.allCases.map { TensorIOError($0, "") }).count == 7)
  }

  @Test func theInnermostPlaceStays() {
    let error = TensorIOError(.malformed, "broken", at: .init(member: "in", offset: 4))
    let located = error.located(in: .init(file: "f", member: "out", tensor: "t", offset: 9))
    #expect(located.place == .init(file: "f", member: "in", tensor: "t", offset: 4))
    #expect(located.description == "f: member 'in': tensor 't': byte 4: broken")
  }

  @Test func namesCannotDisturbATerminal() {
    #expect("a\n\u{1b}[31m".escapedForDisplay == "a\\n\\x1B[31m")
    #expect("x\u{202e}y\u{200b}".escapedForDisplay == "x\\u{202E}y\\u{200B}")
    #expect("日本 é".escapedForDisplay == "日本 é")
  }
}
