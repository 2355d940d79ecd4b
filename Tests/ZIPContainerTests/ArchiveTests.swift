import ByteIO
import Foundation
import TestSupport
import Testing

@testable import ZIPContainer

@Suite struct ArchiveTests {
  private func pattern(_ count: Int, _ seed: Int) -> [UInt8] {
    var state = UInt64(seed + 1) &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { index in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      // Runs of equal bytes and noise by turns, so that deflate has something to do.
      return index / 512 % 2 == 0
        ? UInt8(truncatingIfNeeded: index >> 6) : UInt8(truncatingIfNeeded: state >> 56)
    }
  }

  private func write(_ members: [(String, [UInt8])], level: Int?, _ path: String) throws {
    let file = try AtomicFile(path: path)
    let writer = ZIPWriter(file, level: level)
    for (name, bytes) in members {
      try writer.add(name, byteCount: bytes.count) { (sink) throws(TensorIOError) in
        // Odd pieces: block boundaries must not depend on how the bytes come.
        var position = 0
        while position < bytes.count {
          let end = min(position + 70_001, bytes.count)
          try sink(bytes.span.extracting(position..<end))
          position = end
        }
      }
    }
    try writer.finish()
    try file.commit()
  }

  /// Sizes around the block of 1 MiB, where the stitching of deflate streams could go wrong.
  private static let sizes = [
    0, 1, 255, 65_536, DeflateBlock.byteCount - 1, DeflateBlock.byteCount,
    DeflateBlock.byteCount + 1, 2 * DeflateBlock.byteCount, 3 * DeflateBlock.byteCount + 12_345,
  ]

  @Test(arguments: [nil, 1, 3, 6, 9, 12])
  func whatIsWrittenIsReadBack(_ level: Int?) throws {
    let folder = try TemporaryFolder()
    let members = Self.sizes.enumerated().map { ("m\($0)/é", pattern($1, $0)) }
    let path = folder.path("a.zip")
    try write(members, level: level, path)
    let archive = try ZIPArchive(InputFile(path: path), limits: DecodingLimits())
    #expect(archive.findings.isEmpty)
    #expect(archive.members.map(\.name) == members.map(\.0))
    for (member, (name, bytes)) in zip(archive.members, members) {
      #expect(member.byteCount == bytes.count)
      #expect(try member.loaded().bytes() == bytes, "\(name) loaded")
      #expect(try member.bytes() == bytes, "\(name) streamed")
      #expect(try member.prefix(200) == Array(bytes.prefix(200)))
      if level == nil { #expect(member.dataOffset % 64 == 0 || bytes.isEmpty) }
      guard bytes.count > 100 else { continue }
      let part = member.slice(50..<bytes.count - 7)
      #expect(try part.bytes() == Array(bytes[50..<bytes.count - 7]))
      #expect(try part.loaded().bytes() == Array(bytes[50..<bytes.count - 7]))
    }
  }

  /// Python's zipfile checks every stream and checksum with code that is not ours.
  @Test(arguments: [nil, 1, 6, 12])
  func pythonFindsNothingWrong(_ level: Int?) throws {
    guard Oracle.python != nil || Repository.isCI else {
      print("no oracle: script/bootstrap makes one")
      return
    }
    let folder = try TemporaryFolder()
    let path = folder.path("a.zip")
    try write(Self.sizes.enumerated().map { ("m\($0)", pattern($1, $0)) }, level: level, path)
    let script = "import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).testzip())"
    #expect(try Oracle.run(["-c", script, path]) == "None\n")
  }

  @Test func theSameMembersGiveTheSameBytes() throws {
    let folder = try TemporaryFolder()
    let members = [("a", pattern(3_000_000, 1)), ("b", pattern(10, 2))]
    for level in [nil, 6] {
      try write(members, level: level, folder.path("1"))
      try write(members, level: level, folder.path("2"))
      #expect(try bytes(of: folder.path("1")) == (try bytes(of: folder.path("2"))))
    }
  }

  @Test func aWrongChecksumIsAnErrorWithTheMembersName() throws {
    let folder = try TemporaryFolder()
    for level in [nil, 6] {
      let path = folder.path("a.zip")
      try write(
        [("first", pattern(100, 1)), ("second", pattern(9_000_000, 2))], level: level, path)
      let member = try ZIPArchive(InputFile(path: path), limits: DecodingLimits()).members[1]
      var data = try bytes(of: path)
      data[member.dataOffset + 3000] ^= 0x10
      try folder.write(data, "b.zip")
      let damaged = try ZIPArchive(InputFile(path: folder.path("b.zip")), limits: DecodingLimits())
      for read in [
        { _ = try damaged.members[1].loaded() }, { _ = try damaged.members[1].bytes() },
        { _ = try damaged.members[1].slice(5..<100).loaded() },
      ] {
        let error = #expect(throws: TensorIOError(.malformed, "")) { try read() }
        #expect(error?.place.member == "second")
      }
      #expect(try damaged.members[0].bytes() == pattern(100, 1))
    }
  }

  @Test func manyMembersNeedZip64() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.zip")
    let file = try AtomicFile(path: path)
    let writer = ZIPWriter(file)
    for index in 0..<70_000 {
      try writer.add("m\(index)", byteCount: 1) { (sink) throws(TensorIOError) in
        try sink([UInt8(index & 0xff)].span)
      }
    }
    try writer.finish()
    try file.commit()
    let archive = try ZIPArchive(InputFile(path: path), limits: DecodingLimits())
    #expect(archive.members.count == 70_000)
    #expect(try archive.members[69_999].bytes() == [UInt8(69_999 & 0xff)])
  }

  /// Sizes past 32 bits in every header, without 4 GiB of test data: the records are asked alone.
  @Test func sizesPast32BitsStandInTheZip64Fields() {
    var record = ZIPMemberRecord(name: "big", size: 5 << 32, isDeflated: false)
    record.compressedSize = 5 << 32
    record.headerOffset = 6 << 32
    let header = record.localHeader
    #expect(header[18..<26].allSatisfy { $0 == 0xff })
    #expect((record.headerOffset + header.count) % 64 == 0)
    let central = record.centralHeader
    #expect(central[20..<28].allSatisfy { $0 == 0xff })
    #expect(central[42..<46].allSatisfy { $0 == 0xff })
    #expect(Array(central.suffix(28).prefix(4)) == [1, 0, 24, 0])
    let end = ZIPEndRecord(count: 3, directoryOffset: 7 << 32, directoryBytes: 100).bytes
    #expect(end.count == 56 + 20 + 22)
  }

  @Test func headerOffsetsNearTheLargestNumber() throws {
    let folder = try TemporaryFolder()
    for offset in [UInt64(Int64.max), UInt64(Int64.max) - 29, 1 << 62] {
      // One entry whose header, the zip64 field says, lies there.
      var directory: [UInt8] = [0x50, 0x4b, 1, 2] + [UInt8](repeating: 0, count: 24)
      directory += [1, 0, 12, 0] + [UInt8](repeating: 0, count: 10) + [0xff, 0xff, 0xff, 0xff]
      directory += [0x61, 1, 0, 8, 0]
      directory.append(littleEndian: offset)
      var bytes: [UInt8] = [0x50, 0x4b, 3, 4] + [UInt8](repeating: 0, count: 26)
      let start = bytes.count
      bytes += directory + [0x50, 0x4b, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0]
      bytes.append(littleEndian: UInt32(directory.count))
      bytes.append(littleEndian: UInt32(start))
      bytes += [0, 0]
      let path = folder.path("a.zip")
      try Data(bytes).write(to: URL(filePath: path))
      let file = try InputFile(path: path)
      #expect(throws: TensorIOError(.malformed, "")) {
        try ZIPArchive(file, limits: DecodingLimits())
      }
      #expect(throws: TensorIOError(.malformed, "")) {
        // As the formats open it, which look at the headers before libzip's opinion is known.
        try ZIPArchive(file, limits: DecodingLimits(), checkMeanwhile: { _ in })
      }
    }
  }
}
