import ByteIO
import Foundation
import TensorIO
import TestSupport
import Testing

@testable import NumPyFormat

/// ``NPYWriter`` over files that lie, and interrupted or refused at every write.
@Suite struct NPYWriterFaultTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// A file with a header of our own.
  private func file(_ text: String, major: UInt8 = 1, data: [UInt8] = []) throws -> String {
    let text = Array(text.utf8)
    var length = [UInt8(text.count & 0xff), UInt8(text.count >> 8)]
    if major > 1 { length += [0, 0] }
    return try folder.write(
      [0x93] + Array("NUMPY".utf8) + [major, 0] + length + text + data, "x.npy")
  }

  private func refusal(_ path: String) throws -> TensorIOError? {
    let before = try bytes(of: path)
    let error = #expect(throws: TensorIOError.self) { try NPYWriter(appendingTo: path) }
    #expect(error?.place.file == path)
    #expect(try bytes(of: path) == before)
    return error
  }

  private static let head = "{'descr': '|u1', 'fortran_order': False, 'shape': "

  // MARK: Headers

  @Test func aHeaderWithoutRoomSaysTheWayOut() throws {
    // Nine becomes ten: one digit more than there is room for.
    let path = try file(Self.head + "(9,), }\n", data: [UInt8](repeating: 1, count: 9))
    let error = try refusal(path)
    #expect(error?.code == .unsupported && error?.description.contains("convert") == true)
    // With room for one digit, it ends at 99, before anything is written.
    let other = try file(Self.head + "(98,), }\n", data: [UInt8](repeating: 1, count: 98))
    let writer = try NPYWriter(appendingTo: other)
    try writer.append(try Tensor([2 as UInt8]))
    let full = #expect(throws: TensorIOError.self) { try writer.append(Tensor([3 as UInt8])) }
    #expect(full?.code == .unsupported && full?.description.contains("no room") == true)
    try writer.close()
    #expect(
      try Tensor(contentsOf: other).array(of: UInt8.self) == [UInt8](repeating: 1, count: 98) + [2])
  }

  @Test(arguments: [
    "{\"descr\": '|u1', 'fortran_order': False, \"shape\": (1,), }    \n",
    "{'descr': '|u1', 'fortran_order': False, 'shape':(1,), }    \n",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (0x1,), }    \n",
    "{'descr': '|u1', 'fortran_order': False, 'shape': ( 1,), }    \n",
    "{'shape': (2,), 'descr': '|u1', 'fortran_order': False, 'shape' : (1,), }    \n",
    "{'descr': '|u1', 'fortran_order': False, 'shape' : (1,), }  # 'shape': (1    \n",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (0b1 + 0,), }    \n",
  ])
  func oddHeadersAreRefused(_ text: String) throws {
    let error = try refusal(try file(text, data: [7]))
    #expect([.unsupported, .malformed].contains(error?.code), "\(text): \(error as Any)")
  }

  @Test(arguments: [1, 2, 3] as [UInt8])
  func headersKeepTheirVersionAndOrder(_ major: UInt8) throws {
    let texts = [
      "{'shape': (1, 2), 'fortran_order': False, 'descr': '<i2'}        \n",
      "{'descr': [(\"'shape': (9\", '<i4')], 'fortran_order': False, 'shape': (1,), }        \n",
      "{'descr': '<i4', 'fortran_order': True, 'shape': (1,), }            ",
    ]
    for text in texts {
      let path = try file(text, major: major, data: [1, 2, 3, 4])
      let whole = try Tensor(contentsOf: path).loaded()
      let writer = try NPYWriter(appendingTo: path)
      for _ in 0..<12 { try writer.append(whole) }
      try writer.close()
      let grown = try bytes(of: path)
      #expect(Array(grown[..<8]) == [0x93] + Array("NUMPY".utf8) + [major, 0])
      #expect(try Tensor(contentsOf: path).shape[0] == 13)
      #expect(Array(grown.suffix(52)) == (0..<13).flatMap { _ in [1, 2, 3, 4] as [UInt8] })
    }
  }

  @Test func whatHasNoRowsIsRefused() throws {
    #expect(try refusal(try file(Self.head + "(), }   \n", data: [1]))?.code == .unsupported)
    let fortran = "{'descr': '|u1', 'fortran_order': True, 'shape': (1, 2), }    \n"
    #expect(try refusal(try file(fortran, data: [1, 2]))?.reason.contains("Fortran") == true)
    let objects = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }    \n"
    #expect(try refusal(try file(objects, data: [1, 2]))?.reason.contains("pickle") == true)
    #expect(try refusal(try folder.write([], "x.npy"))?.code == .malformed)
    #expect(try refusal(try folder.write(Array("PK\u{3}\u{4}".utf8), "x.npy"))?.code == .malformed)
  }

  @Test func aHeaderThatPromisesMoreThanThereIs() throws {
    let error = try refusal(try file(Self.head + "(9,), }      \n", data: [1, 2, 3]))
    #expect(error?.code == .malformed && error?.reason.contains("salvage") == true)
    let huge = try refusal(try file(Self.head + "(9223372036854775807,), }      \n", data: [1]))
    #expect(huge?.code == .malformed)
    let wide = "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807,), }   \n"
    #expect(try refusal(try file(wide, data: [1]))?.code == .malformed)
  }

  @Test func leftoverRowsAreCutAndASecondArrayIsKept() throws {
    let path = folder.path("x.npy")
    try Tensor([1, 2, 3] as [UInt8]).write(to: path)
    let whole = try bytes(of: path)
    try folder.write(whole + [9, 9, 9], "x.npy")
    let writer = try NPYWriter(appendingTo: path)
    #expect(writer.discardedByteCount == 3 && writer.count == 3)
    try writer.close()
    #expect(try bytes(of: path) == whole)
    try folder.write(whole + whole, "x.npy")
    #expect(try refusal(path)?.reason.contains("another array") == true)
  }

  /// Where a kill could tear what is written: the digits lie on two pages.
  @Test func aCountOnTwoPagesIsRefused() throws {
    for padding in 3_900..<4_100 {
      let name = String(repeating: "n", count: padding)
      let text = "{'descr': [('\(name)', '|u1')], 'fortran_order': False, 'shape': (99,), }      \n"
      let path = try file(text, data: [UInt8](repeating: 1, count: 99))
      let range = Array(text.utf8).count + 10 - 15..<Array(text.utf8).count + 10 - 6
      do {
        let row = try Tensor(contentsOf: path)[0]
        let writer = try NPYWriter(appendingTo: path)
        var written: [Range<Int>] = []
        writer.observe { (change) throws(TensorIOError) in
          if case .write(let bytes, let offset) = change {
            written.append(offset..<offset + bytes.count)
          }
        }
        try writer.append(try row.loaded())
        try writer.close()
        #expect(written.count == 2)
        let header = written[written.count - 1]
        #expect(header.lowerBound / 4096 == (header.upperBound - 1) / 4096)
      } catch {
        #expect(error.code == .unsupported && error.reason.contains("multiple of 4096"))
        #expect(range.lowerBound / 4096 != range.upperBound / 4096)
      }
    }
  }

  // MARK: Interruption

  /// After every change, and within every write of rows, the file has the old count or the new one.
  @Test func everyPrefixOfTheChangesIsAFile() throws {
    let path = folder.path("x.npy")
    let writer = try NPYWriter(creating: path, dtype: .int16, rowShape: [3])
    var states: [(file: [UInt8], counts: ClosedRange<Int>)] = []
    var image = try bytes(of: path)
    var flushed = 0
    var headers = 0
    writer.observe { (change) throws(TensorIOError) in
      switch change {
      case .write(let bytes, let offset):
        // The header is written in one piece, within a page; rows may be cut anywhere.
        let isHeader = offset < 128
        headers += isHeader ? 1 : 0
        for count in isHeader ? [0, bytes.count] : Array(0...bytes.count) {
          var part = image
          part += [UInt8](repeating: 0, count: max(0, offset + count - part.count))
          part.replaceSubrange(offset..<offset + count, with: bytes[..<count])
          states.append((part, flushed...writer.count))
          if count == bytes.count { image = part }
        }
      case .truncate(let count): image = Array(image.prefix(count))
      case .synchronize: break
      }
    }
    var count = 0
    for step in [1, 8, 1, 1, 88, 3] {
      try writer.append(
        try Tensor((count * 3..<(count + step) * 3).map(Int16.init), shape: [step, 3]))
      count += step
      try writer.flush(synced: step == 1)
      flushed = count
      #expect(try bytes(of: path) == image)
    }
    try writer.close()
    #expect(headers == 6 && states.count > 600)
    for state in states {
      try folder.write(state.file, "y.npy")
      let read = try Tensor(contentsOf: folder.path("y.npy"))
      #expect(state.counts.contains(read.shape[0]))
      #expect(try read.array(of: Int16.self) == (0..<3 * read.shape[0]).map(Int16.init))
      let again = try NPYWriter(appendingTo: folder.path("y.npy"))
      #expect(again.count == read.shape[0])
      try again.close()
      #expect(try bytes(of: folder.path("y.npy")).count == 128 + 6 * read.shape[0])
    }
  }

  /// A write that fails leaves the rows before it, and a writer that goes on.
  @Test func aFullDiskLeavesTheOldRows() throws {
    let path = folder.path("x.npy")
    let writer = try NPYWriter(creating: path, dtype: .int64, rowShape: [])
    try writer.append(try Tensor.arange(10))
    var isFull = true
    var attempts = 0
    writer.observe { (change) throws(TensorIOError) in
      guard isFull, case .write(_, let offset) = change, offset > 1_000_000 else { return }
      attempts += 1
      throw TensorIOError(.io, "no space left")
    }
    // Fails in the second piece, when the first is in the file.
    #expect(throws: TensorIOError(.io, "")) { try writer.append(Tensor.arange(1 << 18)) }
    #expect(attempts == 1)
    #expect(writer.count == 10)
    #expect(try bytes(of: path).count == 128 + 80)
    isFull = false
    try writer.append(try Tensor.arange(3))
    try writer.close()
    let expected = Array(0..<10) + Array(0..<3)
    #expect(try Tensor(contentsOf: path).array(of: Int64.self) == expected.map(Int64.init))
  }

  @Test func aFailedFlushEndsTheWriter() throws {
    let path = folder.path("x.npy")
    let writer = try NPYWriter(creating: path, dtype: .int64, rowShape: [])
    try writer.append(try Tensor.arange(10))
    writer.observe { (change) throws(TensorIOError) in
      if case .synchronize = change { throw TensorIOError(.io, "the disk is gone") }
    }
    #expect(throws: TensorIOError(.io, "")) { try writer.flush(synced: true) }
    let dead = #expect(throws: TensorIOError.self) { try writer.append(Tensor.arange(1)) }
    #expect(dead?.reason.contains("open the file again") == true)
    #expect(throws: TensorIOError(.io, "")) { try writer.close() }
    #expect(try NPYWriter(appendingTo: path).discardedByteCount == 80)
    #expect(try Tensor(contentsOf: path).shape == [0])
  }

  /// Rows of the file itself change under their reader, which is an error and no endless file.
  @Test func aFileIsNotAppendedToItself() throws {
    let path = folder.path("x.npy")
    try Tensor.arange(1 << 18).write(to: path)
    let before = try bytes(of: path)
    let writer = try NPYWriter(appendingTo: path)
    #expect(throws: TensorIOError(.io, "")) { try writer.append(Tensor(contentsOf: path)) }
    try writer.close()
    #expect(try bytes(of: path) == before)
  }
}
