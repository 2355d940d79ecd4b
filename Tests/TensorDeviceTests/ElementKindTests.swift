import TensorIO
import TestSupport
import Testing

@testable import TensorDevice

/// What goes to a device beside contiguous floats.
@Suite struct ElementKindTests {
  @Test func bigEndianBytesArriveLittleEndian() throws {
    let emulation = try Emulation()
    let folder = try TemporaryFolder()
    let python = """
      {'descr': '>i4', 'fortran_order': True, 'shape': (2, 300), }
      """
    var file: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(python.utf8)
    while file.count < 127 { file.append(0x20) }
    file.append(0x0a)
    for value in 0..<600 { file += [0, 0, UInt8(value >> 8), UInt8(value & 255)] }
    try folder.write(file, "big.npy")
    try emulation.run {
      let tensor = try Tensor(contentsOf: folder.path("big.npy"))
      #expect(tensor.byteOrder == .big)
      for source in [tensor, try tensor[1, 3...], tensor.transposed()] {
        let moved = try source.to(.cuda(0))
        #expect(moved.byteOrder == .little)
        #expect(moved.strides == source.strides)
        #expect(try moved.array(of: Int32.self) == (try source.array(of: Int32.self)))
      }
      let archive = try TensorArchive([("a", tensor), ("b", tensor[0])]).to(.cuda(0))
      #expect(archive.aliasGroups.count == 1)
      #expect(
        try archive.tensor("b").array(of: Int32.self) == (try tensor[0].array(of: Int32.self)))
      try archive.tensor("a").withDevicePointer { (address, count) throws(TensorIOError) in
        #expect(count == 2400)
        unsafe emulation.driver.withMemory(address, 8) { memory in
          #expect(unsafe Array(memory) == [0, 0, 0, 0, 1, 0, 0, 0])
        }
      }
    }
    emulation.expectClean()
  }

  @Test func recordsOfBothByteOrders() throws {
    let emulation = try Emulation()
    var seen = 0
    for file in try GoldenFile.all("npy") {
      guard let tensor = try? Tensor(contentsOf: file.path), tensor.hasElements else { continue }
      seen += 1
      try emulation.run {
        guard !tensor.dtype.containsObjects else {
          #expect(throws: TensorIOError(.unsupported, "")) { try tensor.to(.cuda(0)) }
          return
        }
        let moved = try tensor.to(.cuda(0))
        // Printing tells byte orders of fields apart, which is right: they changed.
        #expect(try elementBytes(moved) == (try elementBytes(tensor)), "\(file.file)")
        #expect(try elementBytes(moved.to(.cpu)) == (try elementBytes(tensor)), "\(file.file)")
      }
      emulation.expectClean()
    }
    #expect(seen > 20)
  }

  private func elementBytes(_ tensor: Tensor) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try tensor.streamElements { chunk in for index in chunk.indices { bytes.append(chunk[index]) } }
    return bytes
  }

  @Test func lazySignsStayFlags() throws {
    let emulation = try Emulation()
    try emulation.run {
      let plain = try Tensor([1, 2, 3, 4] as [Float])
      let negated = try Tensor(
        dtype: .float32, shape: [4], storage: plain.storage, isNegated: true)
      let moved = try negated.to(.cuda(0))
      #expect(moved.isNegated)
      #expect(try moved.array(of: Float.self) == [-1, -2, -3, -4])
      #expect(moved.description == "tensor([-1., -2., -3., -4.], device='cuda:0')")
      let pair = try Tensor(
        dtype: .complex64, shape: [2], storage: plain.storage, isConjugated: true)
      #expect(try pair.to(.cuda(0)).isConjugated)
      #expect(try pair.to(.cuda(0)).description.contains("1.-2.j"))
    }
    emulation.expectClean()
  }

  @Test func quantizedAndPackedElements() throws {
    let emulation = try Emulation()
    try emulation.run {
      for dtype in [DType.quint4x2, .quint2x4, .quint8] {
        let bytes = try HeapBytes(Array(0..<100).span)
        let tensor = try Tensor(
          dtype: dtype, shape: [100], storage: TensorStorage(bytes),
          quantization: .perTensor(scheme: .perTensorAffine, scale: 0.5, zeroPoint: 1))
        let moved = try tensor.to(.cuda(0))
        #expect(
          moved.description.replacing("device='cuda:0', ", with: "")
            .filter { !$0.isWhitespace } == tensor.description.filter { !$0.isWhitespace })
        #expect(try elementBytes(moved) == (try elementBytes(tensor)))
        guard case .perTensor(_, 0.5, 1) = moved.quantization else {
          Issue.record("\(dtype) lost its scale")
          continue
        }
      }
    }
    emulation.expectClean()
  }

  @Test func nothingToMove() throws {
    let emulation = try Emulation()
    try emulation.run {
      let meta = try Tensor.meta(dtype: .float32, shape: [3])
      #expect(throws: TensorIOError(.unsupported, "")) { try meta.to(.cuda(0)) }
      #expect(throws: TensorIOError(.unsupported, "")) { try meta.to(.cpu) }
      let archive = try TensorArchive([("a", ramp(3)), ("m", meta)])
      let error = #expect(throws: TensorIOError(.unsupported, "")) { try archive.to(.cuda(0)) }
      #expect(error?.place.tensor == "m")
      for shape in [[0], [3, 0, 2]] {
        let empty = try Tensor.zeros(shape).to(.cuda(0))
        #expect(empty.storage.residence == .cuda(0))
        #expect(empty.description.contains("device='cuda:0'"))
        #expect(try empty.array(of: Float.self).isEmpty)
        try empty.withDevicePointer { (_, count) throws(TensorIOError) in #expect(count == 0) }
      }
      #expect(emulation.driver["live_allocations"] == 0)
    }
    emulation.expectClean()
  }

  @Test func aKernelSeesAndChangesTheElements() throws {
    let emulation = try Emulation()
    try emulation.run {
      #expect(throws: TensorIOError(.invalidArgument, "")) {
        try ramp(3).withDevicePointer { _, _ in }
      }
      let tensor = try ramp(1000).to(.cuda(0))
      let view = try tensor[10..<20]
      try view.withDevicePointer { (address, count) throws(TensorIOError) in
        #expect(count == 40)
        unsafe emulation.driver.withMemory(address, count) { memory in
          unsafe memory.storeBytes(of: Float(99), as: Float.self)
        }
      }
      #expect(try tensor[8..<12].array(of: Float.self) == [8, 9, 99, 11])
      #expect(try view.withElements(of: Float.self) { $0[0] } == 99)
    }
    emulation.expectClean()
  }

  /// A summary reads what it shows and no more.
  @Test func aLargeTensorPrintsByItsEnds() throws {
    let emulation = try Emulation(["memory": 1 << 26])
    try emulation.run(staging: Staging()) {
      let tensor = try ramp(5 << 20).to(.cuda(0))
      #expect(
        tensor.description
          == "tensor([0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 5.2429e+06, 5.2429e+06,\n"
          + "        5.2429e+06], device='cuda:0')")
      #expect(emulation.driver["downloaded_bytes"] < 4096)
      emulation.driver.fail("cuMemcpyDtoHAsync", nth: 3)
      #expect(tensor.description.contains("cuMemcpyDtoHAsync failed"))
    }
    emulation.expectClean()
  }
}
