import Testing

@testable import ByteIO
@testable import NumPyFormat

/// The header grammar against what `ast.literal_eval` takes and refuses.
@Suite struct LiteralTests {
  private func parse(_ text: String, python2: Bool = false) throws -> PythonLiteral {
    var parser = PythonLiteralParser(
      text, acceptsLongSuffix: python2, limits: DecodingLimits())
    return try parser.parse()
  }

  @Test(arguments: [
    ("1", PythonLiteral.int(1)), ("+2", .int(2)), ("-3", .int(-3)), ("0x1F", .int(31)),
    ("0o17", .int(15)), ("0b101", .int(5)), ("1_000", .int(1000)), ("0x_ff", .int(255)),
    ("000", .int(0)), ("9223372036854775807", .int(.max)), ("9223372036854775808", .bigInteger),
    ("-9223372036854775808", .int(.min)), ("True", .bool(true)), ("None", .none),
    ("1.5", .number), ("1e5", .number), ("1e-5", .number), ("2j", .number), ("1+2j", .number),
    ("1 - 2.5J", .number), (".5", .number), ("5.", .number),
    ("'a'", .string("a")), ("\"a\"", .string("a")), ("'''a\nb'''", .string("a\nb")),
    (#"'\x41\u0042\U00000043\104'"#, .string("ABCD")), (#"r'\n'"#, .string(#"\n"#)),
    (#"'\q'"#, .string(#"\q"#)), ("u'é'", .string("é")), ("'a' 'b'", .string("ab")),
    ("b'a'", .bytes), ("rb'a' Br'c'", .bytes), ("'it\\'s'", .string("it's")),
    ("()", .tuple([])), ("(1)", .int(1)), ("(1,)", .tuple([.int(1)])),
    ("(1, 2)", .tuple([.int(1), .int(2)])), ("[1, [2]]", .list([.int(1), .list([.int(2)])])),
    ("{1, 2}", .set), ("{}", .dictionary([:], duplicates: [])),
    ("{'a': 1,}", .dictionary([.string("a"): .int(1)], duplicates: [])),
    ("{'a': 1, 'a': 2}", .dictionary([.string("a"): .int(2)], duplicates: [.string("a")])),
    (" \t\n(1, # one\r\n 2)\n# end", .tuple([.int(1), .int(2)])),
    ("(1,\\\n2)", .tuple([.int(1), .int(2)])),
  ])
  func reads(_ text: String, _ value: PythonLiteral) throws {
    #expect(try parse(text) == value)
  }

  @Test(arguments: [
    "", "1 2", "--1", "+-1", "007", "1__0", "_1", "1_", "0x", "0b2", "1+1", "1j+1", "2**3", "f()",
    "name", "true", "null", "'a", "'a\nb'", "('a'", "[1", "{1:", "{1:2", "{[]: 1}", "(,)", "[,]",
    "1,2 3", "'a' b'b'", "\"\\x4\"", #"'\ud800'"#, #"'\N{DIGIT ONE}'"#, "f'a'", "bu'a'", "1L",
    "...", "r'\\", "'\\", "(1)\0", "@", "1e", "0x1.8",
  ])
  func refuses(_ text: String) {
    #expect(throws: TensorIOError(.malformed, "")) { try parse(text) }
  }

  @Test func dropsPython2LongSuffixesWhereNumPyDoes() throws {
    #expect(try parse("(2L, 3 L)", python2: true) == .tuple([.int(2), .int(3)]))
    #expect(throws: TensorIOError.self) { try parse("2l", python2: true) }
    #expect(throws: TensorIOError.self) { try parse("'a'L", python2: true) }
  }

  @Test func stopsAtTheNestingLimit() throws {
    let deep = String(repeating: "(", count: 100) + String(repeating: ")", count: 100)
    _ = try parse(deep)
    for open in ["(", "[", "{1:", "((((", "[{1:("] {
      let bomb = String(repeating: open, count: 100_000)
      #expect(throws: TensorIOError(.limit, "")) { try parse(bomb) }
    }
  }
}
