import Foundation
import Synchronization
import TensorIO
import TestSupport
import Testing

@testable import TensorDevice

/// Whole archives, on their way through small buffers.
@Suite struct UploadTests {
  private func archive() throws -> TensorArchive {
    let shared = try ramp(5000)
    return try TensorArchive([
      ("all", shared), ("view", shared[100..<900]),
      ("transposed", try ramp(12).reshaped(to: [3, 4]).transposed()),
      ("empty", try Tensor([] as [Float])), ("one", try Tensor([7] as [Float])),
      ("tied", shared.tagged(device: .cuda(0), requiresGrad: true)),
    ])
  }

  private func expectSame(_ moved: TensorArchive, _ original: TensorArchive) throws {
    for entry in original.entries {
      let tensor = try moved.tensor(entry.name)
      #expect(tensor.strides == entry.tensor.strides)
      #expect(tensor.offset == entry.tensor.offset)
      #expect(tensor.requiresGrad == entry.tensor.requiresGrad)
      #expect(try tensor.array(of: Float.self) == (try entry.tensor.array(of: Float.self)))
    }
  }

  @Test func aliasesGoOnceAndStayAliases() throws {
    let emulation = try Emulation(["late_microseconds": 20])
    try emulation.run {
      let original = try archive()
      let moved = try original.to(.cuda(0))
      #expect(moved.entries.allSatisfy { $0.tensor.device == .cuda(0) })
      #expect(moved.entries.allSatisfy { $0.tensor.storage.residence == .cuda(0) })
      #expect(moved.aliasGroups.map { $0.map(\.name) } == [["all", "view", "tied"]])
      #expect(emulation.driver["live_allocations"] == 3)
      #expect(emulation.driver["uploaded_bytes"] == 4 * (5000 + 12 + 1))
      try expectSame(moved, original)

      let again = try moved.to(.cuda(0))
      #expect(try again.tensor("all").storage === (try moved.tensor("all").storage))
      let back = try moved.to(.cpu)
      #expect(back.entries.allSatisfy { $0.tensor.storage.residence == .cpu })
      #expect(back.aliasGroups.map(\.count) == [3])
      try expectSame(back, original)
    }
    emulation.expectClean()
  }

  @Test func filesOfEveryKind() throws {
    let emulation = try Emulation()
    let folder = try TemporaryFolder()
    let original = try archive()
    try original.write(to: folder.path("a.pt"))
    let plain = try TensorArchive(
      original.entries.map { ($0.name, try $0.tensor.detached().to(.cpu)) })
    try plain.write(to: folder.path("a.npz"))
    var options = WritingOptions()
    options.compressionLevel = 6
    try plain.write(to: folder.path("small.npz"), options: options)
    var transfer = TransferOptions()
    transfer.verifies = true
    for name in ["a.pt", "a.npz", "small.npz"] {
      try emulation.run {
        let archive = try TensorArchive(contentsOf: folder.path(name))
        let moved = try archive.to(.cuda(0), options: transfer)
        try expectSame(moved, archive)
        // One tensor alone.
        let view = try archive.tensor("view").to(.cuda(0), options: transfer)
        #expect(try view.array(of: Float.self) == (100..<900).map { Float($0) })
        // And back to a file, from the device.
        try moved.write(to: folder.path("again.pt"))
        let again = try TensorArchive(contentsOf: folder.path("again.pt"))
        #expect(try again.tensor("all").device == .cuda(0))
        #expect(try again.tensor("all").storage.residence == .cpu)
        try expectSame(again.to(.cpu), archive.to(.cpu))
      }
      emulation.expectClean()
    }
  }

  @Test func aWrongChecksumUploadsNothing() throws {
    let emulation = try Emulation()
    let folder = try TemporaryFolder()
    try TensorArchive([("x", ramp(5000))]).write(to: folder.path("a.pt"))
    var damaged = try bytes(of: folder.path("a.pt"))
    let middle = try #require(
      damaged.indices.first {
        damaged[$0...].starts(with: [0, 0, 0x7a, 0x44, 0, 0x40, 0x7a, 0x44])
      })
    damaged[middle] ^= 1
    try folder.write(damaged, "b.pt")
    try emulation.run {
      let archive = try TensorArchive(contentsOf: folder.path("b.pt"))
      let error = #expect(throws: TensorIOError(.malformed, "")) { try archive.to(.cuda(0)) }
      #expect(error?.description.contains("CRC-32") == true)
      #expect(throws: TensorIOError(.malformed, "")) { try archive.tensor("x").to(.cuda(0)) }
      #expect(throws: TensorIOError(.malformed, "")) { try archive.tensor("x")[3..<5].to(.cuda(0)) }
      #expect(emulation.driver["live_allocations"] == 0)
    }
    emulation.expectClean()
  }

  @Test func aFileThatChangedUploadsNothing() throws {
    let emulation = try Emulation()
    let folder = try TemporaryFolder()
    for name in ["a.npy", "a.npz", "a.pt"] {
      try TensorArchive([("", ramp(5000))]).write(to: folder.path(name))
      try emulation.run {
        let archive = try TensorArchive(contentsOf: folder.path(name))
        let whole = try bytes(of: folder.path(name))
        for (content, code) in [
          (whole + [0], TensorIOError.Code.io), (Array(whole.prefix(9000)), .io),
        ] {
          // In place: the file that is open, not another of its name.
          try overwrite(folder.path(name), with: content)
          let error = #expect(throws: TensorIOError.self) { try archive.to(.cuda(0)) }
          #expect(error?.code == code, "\(name): \(String(describing: error))")
          #expect(throws: TensorIOError.self) { try archive.onlyTensor().to(.cuda(0)) }
        }
        #expect(emulation.driver["live_allocations"] == 0)
      }
      emulation.expectClean()
    }
  }

  private func overwrite(_ path: String, with content: [UInt8]) throws {
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    try file.truncate(atOffset: 0)
    try file.write(contentsOf: Data(content))
    try file.close()
  }

  @Test func outOfMemoryHalfWaySaysHowMuch() throws {
    let emulation = try Emulation(["memory": 30_000])
    try emulation.run {
      let archive = try TensorArchive([("a", ramp(5000)), ("b", ramp(5000, from: 1))])
      let error = #expect(throws: TensorIOError(.device, "")) { try archive.to(.cuda(0)) }
      #expect(error?.place.tensor == "b")
      #expect(
        error?.reason
          == "out of memory: 20000 bytes are needed on cuda:0, and 10000 of its 30000 are free; "
          + "40000 are to be uploaded, room for 20000 was found")
      #expect(emulation.driver["live_allocations"] == 0)
      #expect(emulation.driver["uploaded_bytes"] == 0)
      #expect(try archive.tensor("b").to(.cuda(0)).array(of: Float.self)[4999] == 5000)
    }
    emulation.expectClean()
  }

  @Test func verificationFindsOneBit() throws {
    let emulation = try Emulation()
    var options = TransferOptions()
    options.verifies = true
    for copy in [1, 40, 79, 90, 120] {
      try emulation.run {
        emulation.driver.set("corrupt_copy", emulation.driver["copies"] + copy)
        let error = #expect(throws: TensorIOError(.device, "")) {
          try ramp(5000).to(.cuda(0), options: options)
        }
        #expect(error?.reason.contains("not what was sent") == true)
        #expect(error?.place.offset != nil)
      }
      emulation.expectClean()
    }
  }

  @Test func aFailedCopyIsNoticed() throws {
    let emulation = try Emulation(["late_microseconds": 100])
    for copy in [1, 2, 7, 79] {
      try emulation.run {
        emulation.driver.set("fail_copy", emulation.driver["copies"] + copy)
        #expect(throws: TensorIOError(.device, "")) { try ramp(5000).to(.cuda(0)) }
        // The stream with the failure is gone; others do the work.
        let numbers = try ramp(5000).to(.cuda(0)).array(of: Float.self)
        #expect(numbers.last == 4999)
      }
      emulation.expectClean()
    }
  }

  @Test func aLostDeviceIsAnErrorEveryTime() throws {
    let emulation = try Emulation()
    try emulation.run {
      let tensor = try ramp(500).to(.cuda(0))
      emulation.driver.set("fail_from", 1)
      #expect(throws: TensorIOError(.device, "")) { try tensor.array(of: Float.self) }
      #expect(throws: TensorIOError(.device, "")) { try ramp(500).to(.cuda(0)) }
      #expect(tensor.description.contains("cuCtxPushCurrent failed"))
    }
    emulation.expectClean()
  }

  @Test func progressIsToldAndMayStop() throws {
    let emulation = try Emulation()
    try emulation.run {
      let seen = Mutex<[TransferProgress]>([])
      var options = TransferOptions()
      options.progress = { (progress) throws(TensorIOError) in seen.withLock { $0.append(progress) }
      }
      _ = try archive().to(.cuda(0), options: options)
      let steps = seen.withLock { $0 }
      #expect(steps.map(\.completedBytes) == steps.map(\.completedBytes).sorted())
      #expect(steps.last?.completedBytes == steps.last?.totalBytes)
      #expect(steps.last?.completedStorages == 4)
      #expect(steps.last?.totalStorages == 4)

      options.progress = { (progress) throws(TensorIOError) in
        if progress.completedBytes > 1000 { throw TensorIOError(.limit, "enough") }
      }
      #expect(throws: TensorIOError(.limit, "")) { try archive().to(.cuda(0), options: options) }
      #expect(emulation.driver["live_allocations"] == 0)
    }
    emulation.expectClean()
  }

  @Test func pinnedMemoryIsBounded() throws {
    let emulation = try Emulation()
    try emulation.run {
      _ = try ramp(100_000).to(.cuda(0)).array(of: Float.self)
      let staging = Emulation.smallStaging
      let most = staging.bufferBytes * staging.buffersPerLane * staging.laneCount
      #expect(emulation.driver["peak_pinned_bytes"] <= most)
    }
    emulation.expectClean()
  }
}
