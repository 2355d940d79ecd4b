import TensorIO
import TestSupport
import Testing

/// What people do by hand in Python, as one call each, on the CPU.
@Suite struct SeedWalkTests {
  @Test func eyeAsFloat64ToFloat32AndPrinted() throws {
    let eye = try Tensor.eye(3, dtype: .float64)
    #expect(
      eye.description == """
        tensor([[1., 0., 0.],
                [0., 1., 0.],
                [0., 0., 1.]], dtype=torch.float64)
        """)
    let narrow = try eye.converted(to: .float32)
    #expect(narrow.dtype == .float32)
    #expect(
      narrow.description == """
        tensor([[1., 0., 0.],
                [0., 1., 0.],
                [0., 0., 1.]])
        """)
    #expect(try narrow.array(of: Float.self) == [1, 0, 0, 0, 1, 0, 0, 0, 1])
  }

  @Test func integersThereAndBack() throws {
    let folder = try TemporaryFolder()
    let rows: [[Int64]] = [[10, 20, 30], [40, 50, 60], [70, 80, 90]]
    let tensor = try Tensor(rows: rows)
    try tensor.write(to: folder.path("a.npy"))
    let read = try Tensor(contentsOf: folder.path("a.npy"))
    #expect(read.dtype == .int64)
    #expect(read.shape == [3, 3])
    #expect(try read.array(of: Int64.self) == rows.flatMap { $0 })
    #expect(
      try read.formatted(.numpy) == """
        [[10 20 30]
         [40 50 60]
         [70 80 90]]
        """)
    #expect(
      read.description == """
        tensor([[10, 20, 30],
                [40, 50, 60],
                [70, 80, 90]])
        """)
  }

  @Test func aNumPyFileGoesThroughATensorUnchanged() throws {
    let folder = try TemporaryFolder()
    let original = Repository.testFile("demo/features-fortran.npy")
    try Tensor(contentsOf: original).write(to: folder.path("copy.npy"))
    #expect(try bytes(of: folder.path("copy.npy")) == (try bytes(of: original)))
  }

  /// File to tensor, tensor to view, tensor to `detached()`: one storage, no copy.
  @Test func viewsShareTheStorageOfTheFile() throws {
    let path = Repository.testFile("demo/features-fortran.npy")
    let tensor = try Tensor(contentsOf: path)
    #expect(tensor.storage.isResident)
    let view = try tensor[10..<20, 3]
    let detached = tensor.tagged(device: .cpu, requiresGrad: true).detached()
    for other in [view, detached, tensor.transposed(), try tensor.to(.cpu)] {
      #expect(other.storage === tensor.storage)
    }
    #expect(!detached.requiresGrad)
    #expect(detached.detached().storage === tensor.storage)
    #expect(view.shape == [10])
    #expect(try view.array(of: Float.self)[0] == (try tensor[10, 3].array(of: Float.self)[0]))

    // The same address inside the mapped file, not a copy.
    let column = try tensor.transposed()[3]
    func address(_ tensor: Tensor) throws -> UInt {
      try tensor.withBytes { bytes in
        unsafe bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
      }
    }
    #expect(try address(column) == (try address(tensor.transposed())) + 3 * 200 * 4)
  }

  @Test func numPyExportNamesTheCallThatMends() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.npy")
    let tensor = try Tensor([1, 2, 3] as [Float])
    let grad = tensor.tagged(device: .cpu, requiresGrad: true)
    let error = #expect(throws: TensorIOError.self) { try grad.write(to: path) }
    #expect(error?.reason.contains("detached()") == true)
    let far = tensor.tagged(device: .cuda(0), requiresGrad: false)
    let other = #expect(throws: TensorIOError.self) { try far.write(to: path) }
    #expect(other?.reason.contains("to(.cpu)") == true)
    try far.to(.cpu).write(to: path)
    try grad.detached().write(to: path)
    #expect(throws: TensorIOError(.device, "")) { try tensor.to(Device("mps")) }
    #expect(try folder.contents() == ["a.npy"])
  }
}
