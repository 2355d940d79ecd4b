import Testing

@testable import ByteIO
@testable import NumPyFormat
@testable import TensorModel

/// Headers written, against the bytes that NumPy writes.
@Suite struct HeaderTests {
  private func text(_ dtype: DType, _ order: ByteOrder = .little) throws -> String {
    try NPYDescriptionWriter.text(dtype, order)
  }

  @Test func writesTheBytesOfNumPy() throws {
    let header = try NPYHeader.bytes(
      dtype: .float32, byteOrder: .little, isFortranOrder: false, shape: [2, 3])
    let body = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
    #expect(header.count == 128)
    #expect(Array(header.prefix(10)) == NPYHeader.magic + [1, 0, 0x76, 0])
    #expect(String(decoding: header[10...].prefix(body.count), as: UTF8.self) == body)
    #expect(header.last == 0x0a)
  }

  /// A header that is a multiple of 64 already gets 64 spaces more, as in NumPy.
  @Test func padsEveryLengthToAMultipleOf64() throws {
    var sizes: Set<Int> = []
    for length in 1...140 {
      let name = String(repeating: "x", count: length)
      let field = StructuredType.Field(name: name, dtype: .int8, offset: 0)
      let header = try NPYHeader.bytes(
        dtype: .structured(StructuredType(fields: [field], byteCount: 1)), byteOrder: .little,
        isFortranOrder: false, shape: [1])
      #expect(header.count % 64 == 0)
      #expect(header[header.count - 2] == 0x20)
      sizes.insert(header.count)
    }
    #expect(sizes == [128, 192, 256])
  }

  @Test func choosesTheVersionAsNumPyDoes() throws {
    func version(_ names: [String]) throws -> UInt8 {
      let fields = names.enumerated().map {
        StructuredType.Field(name: $1, dtype: .int8, offset: $0)
      }
      return try NPYHeader.bytes(
        dtype: .structured(StructuredType(fields: fields, byteCount: names.count)),
        byteOrder: .little, isFortranOrder: false, shape: [1])[6]
    }
    #expect(try version(["é"]) == 1)
    #expect(try version(["日本"]) == 3)
    #expect(try version((0..<4000).map { "field\($0)" }) == 2)
  }

  @Test func namesEveryDType() throws {
    #expect(try text(.bool) == "'|b1'")
    #expect(try text(.int16, .big) == "'>i2'")
    #expect(try text(.datetime(TimeUnit(.second, multiple: 25)), .big) == "'>M8[25s]'")
    #expect(try text(.string(count: 7)) == "'<U7'")
    #expect(try text(.bytes(count: 0)) == "'|S0'")
    #expect(try text(.bfloat16) == "'<V2'")
    #expect(try text(.float8E5M2) == "'<V1'")
    #expect(throws: TensorIOError(.unsupported, "")) { try text(.qint8) }
  }

  @Test func readsWhatDividedTimeUnitsMean() throws {
    func unit(_ text: String) throws -> DType { try TypeString.parse(text).dtype }
    #expect(try unit("<M8[D/4]") == .datetime(TimeUnit(.hour, multiple: 6)))
    #expect(try unit("<m8[Y/12]") == .timedelta(TimeUnit(.month)))
    #expect(try unit("<M8[2s/8]") == .datetime(TimeUnit(.millisecond, multiple: 250)))
    for bad in ["<M8[D/0]", "<M8[D/7]", "<M8[D/-1]", "<M8[D/4/2]", "<M8[as/10]", "<M8[x]", "<M8[]"]
    {
      #expect(throws: TensorIOError.self) { try unit(bad) }
    }
  }
}
