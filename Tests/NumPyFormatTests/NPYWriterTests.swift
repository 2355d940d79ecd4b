import ByteIO
import Foundation
import TensorIO
import TestSupport
import Testing

@testable import NumPyFormat

/// ``NPYWriter``: what is in the file, and when.
@Suite struct NPYWriterTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// Rows of which each element is its own index in the array.
  private func rows(_ range: Range<Int>, width: Int) throws -> Tensor {
    try Tensor(
      (range.lowerBound * width..<range.upperBound * width).map(Int64.init),
      shape: [range.count, width])
  }

  private func saved(_ tensor: Tensor) throws -> [UInt8] {
    let path = folder.path("saved.npy")
    try tensor.write(to: path)
    return try bytes(of: path)
  }

  @Test func appendedRowsAreTheBytesOfTheWholeArray() throws {
    let path = folder.path("x.npy")
    let writer = try NPYWriter(creating: path, dtype: .int64, rowShape: [3])
    #expect(try bytes(of: path) == saved(try rows(0..<0, width: 3)))
    var count = 0
    // Past each length of the count's digits.
    for step in [1, 8, 1, 89, 1, 900, 9_000, 1, 90_000] {
      try writer.append(try rows(count..<count + step, width: 3))
      #expect(writer.flushedCount == count)
      count += step
      #expect(writer.count == count)
      try writer.flush()
      #expect(writer.flushedCount == count)
      #expect(try bytes(of: path) == saved(try rows(0..<count, width: 3)))
    }
    try writer.close()
    try writer.close()
    #expect(throws: TensorIOError(.invalidArgument, "")) {
      try writer.append(rows(0..<1, width: 3))
    }
  }

  @Test func aFileGrowsFromOneOpeningToTheNext() throws {
    let path = folder.path("x.npy")
    for round in 0..<5 {
      let writer =
        try round == 0
        ? NPYWriter(creating: path, dtype: .int64, rowShape: [2]) : NPYWriter(appendingTo: path)
      #expect(writer.count == 7 * round && writer.discardedByteCount == 0)
      try writer.append(try rows(7 * round..<7 * round + 7, width: 2))
      try writer.close(synced: round % 2 == 0)
    }
    #expect(try bytes(of: path) == saved(try rows(0..<35, width: 2)))
  }

  @Test func oneRowGoesWithoutItsAxis() throws {
    let path = folder.path("x.npy")
    let writer = try NPYWriter(creating: path, dtype: .float32, rowShape: [2, 2])
    try writer.append(try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]))
    try writer.append(try Tensor([5, 6, 7, 8] as [Float], shape: [1, 2, 2]))
    try writer.append(try Tensor([] as [Float], shape: [0, 2, 2]))
    try writer.close()
    let read = try Tensor(contentsOf: path)
    #expect(read.shape == [2, 2, 2])
    #expect(try read.array(of: Float.self) == [1, 2, 3, 4, 5, 6, 7, 8])
    let scalars = try NPYWriter(creating: folder.path("s.npy"), dtype: .uint8, rowShape: [])
    try scalars.append(try Tensor(scalar: 7 as UInt8))
    try scalars.append(try Tensor([8, 9] as [UInt8]))
    try scalars.close()
    #expect(try Tensor(contentsOf: folder.path("s.npy")).array(of: UInt8.self) == [7, 8, 9])
  }

  @Test func stridesAndByteOrdersBecomeThoseOfTheFile() throws {
    let whole = try Tensor((0..<24).map(Int32.init), shape: [4, 6])
    let columns = whole.transposed()
    try columns.write(to: folder.path("fortran.npy"))
    for order in [ByteOrder.little, .big] {
      let path = folder.path("\(order).npy")
      let writer = try NPYWriter(
        creating: path, dtype: .int32, rowShape: [4], byteOrder: order)
      try writer.append(columns)
      try writer.append(try columns[1..<3])
      try writer.append(try columns[4])
      try writer.close()
      let big = try Tensor(contentsOf: path)
      #expect(big.byteOrder == order && big.shape == [9, 4])
      // The file of one order is appended to that of the other.
      for other in [ByteOrder.little, .big] {
        let next = folder.path("\(order)-\(other).npy")
        let again = try NPYWriter(
          creating: next, dtype: .int32, rowShape: [4], byteOrder: other)
        try again.append(big)
        try again.close()
        #expect(try Tensor(contentsOf: next).byteOrder == other)
        #expect(
          try Tensor(contentsOf: next).array(of: Int32.self) == big.array(of: Int32.self))
      }
      let expected = try columns.array(of: Int32.self)
      #expect(
        try big.array(of: Int32.self)
          == expected + expected[4..<12] + expected[16..<20])
    }
  }

  /// Several pieces of 4 MiB are turned around, and the last is no whole one.
  @Test func manyRowsAreSwappedInPieces() throws {
    let path = folder.path("big.npy")
    let count = 1_500_000
    let writer = try NPYWriter(creating: path, dtype: .int64, rowShape: [], byteOrder: .big)
    try writer.append(try Tensor.arange(count))
    try writer.close()
    #expect(try Tensor(contentsOf: path).array(of: Int64.self) == (0..<count).map(Int64.init))
  }

  @Test func rawElementsKeepWhatTheyMean() throws {
    let path = folder.path("bf16.npy")
    let row = try Tensor([1, 2, 3] as [Float]).converted(to: .bfloat16)
    let writer = try NPYWriter(creating: path, dtype: .bfloat16, rowShape: [3], byteOrder: .big)
    try writer.append(row)
    try writer.close()
    #expect(throws: TensorIOError(.invalidArgument, "")) {
      try NPYWriter(appendingTo: path).append(row)
    }
    var options = ReadingOptions()
    options.rawTypes[2] = .bfloat16
    let again = try NPYWriter(appendingTo: path, options: options)
    try again.append(row)
    try again.close()
    let read = try Tensor(contentsOf: path, options: options)
    #expect(try read.converted(to: .float32).array(of: Float.self) == [1, 2, 3, 1, 2, 3])
  }

  @Test func aWriterLetGoOfCountsItsRows() throws {
    let path = folder.path("x.npy")
    do {
      let writer = try NPYWriter(creating: path, dtype: .int64, rowShape: [1])
      try writer.append(try rows(0..<5, width: 1))
    }
    #expect(try Tensor(contentsOf: path).shape == [5, 1])
  }

  @Test func aSecondWriterIsRefused() throws {
    let path = folder.path("x.npy")
    let writer = try NPYWriter(creating: path, dtype: .int64, rowShape: [1])
    let locked = #expect(throws: TensorIOError.self) { try NPYWriter(appendingTo: path) }
    #expect(locked?.code == .io && locked?.description.contains("another writer") == true)
    #expect(locked?.place.file == path)
    let replaced = #expect(throws: TensorIOError.self) {
      try NPYWriter(creating: path, dtype: .int8, rowShape: [], replacing: true)
    }
    #expect(replaced?.description.contains("another writer") == true)
    try writer.append(try rows(0..<1, width: 1))
    try writer.close()
    #expect(try NPYWriter(appendingTo: path).count == 1)
  }

  @Test func anExistingFileIsReplacedOnRequestAlone() throws {
    let path = try folder.write([1, 2, 3], "x.npy")
    let refused = #expect(throws: TensorIOError.self) {
      try NPYWriter(creating: path, dtype: .int64, rowShape: [1])
    }
    #expect(refused?.code == .io && refused?.description.contains("File exists") == true)
    #expect(try bytes(of: path) == [1, 2, 3])
    let writer = try NPYWriter(creating: path, dtype: .int64, rowShape: [1], replacing: true)
    try writer.close()
    #expect(try Tensor(contentsOf: path).shape == [0, 1])
    #expect(try folder.contents() == ["x.npy"])
  }

  @Test func whatDoesNotFitChangesNothing() throws {
    let path = folder.path("x.npy")
    let writer = try NPYWriter(creating: path, dtype: .float32, rowShape: [2])
    try writer.append(try Tensor([1, 2] as [Float]))
    try writer.flush()
    let before = try bytes(of: path)
    let dtype = #expect(throws: TensorIOError.self) {
      try writer.append(Tensor([1, 2] as [Double]))
    }
    #expect(dtype?.description.contains(".converted(to:)") == true)
    for shape in [[1], [3], [2, 3], [1, 1, 2], []] {
      let tensor = try Tensor.zeros(shape)
      #expect(throws: TensorIOError(.invalidArgument, "")) { try writer.append(tensor) }
    }
    let tagged = try Tensor([1, 2] as [Float]).tagged(device: .cpu, requiresGrad: true)
    #expect(throws: TensorIOError(.invalidArgument, "")) { try writer.append(tagged) }
    #expect(try bytes(of: path) == before)
    try writer.append(try Tensor([3, 4] as [Float]))
    try writer.close()
    #expect(try Tensor(contentsOf: path).array(of: Float.self) == [1, 2, 3, 4])
  }

  @Test func rowsWithoutBytesAreCounted() throws {
    let path = folder.path("x.npy")
    let writer = try NPYWriter(creating: path, dtype: .float32, rowShape: [0, 5])
    try writer.append(try Tensor.zeros([1_000, 0, 5]))
    try writer.close()
    #expect(try Tensor(contentsOf: path).shape == [1_000, 0, 5])
  }

  /// NumPy saves the same arrays; the files are compared byte by byte.
  @Test func filesAreThoseOfNumPy() throws {
    let script = """
      import sys, numpy as np
      folder = sys.argv[1]
      record = np.dtype([('a', '<f4'), ('b', '>i2', (2, 3)), ('é', 'S3')])
      for name, dtype, row in [('f4', '<f4', (2,)), ('big', '>c16', ()), ('u', '<U3', (1, 2)), ('b', '?', (5,)),
                               ('m', '<M8[ms]', (2,)), ('record', record, (2,)), ('zero', '<f8', (0, 3)),
                               ('name', np.dtype([('日本', '<i8')]), ()), ('long', np.dtype([('f%d' % i, '<f4') for i in range(5000)]), ())]:
          for count in [0, 1, 9, 10, 99, 100, 1001]:
              if name == 'long' and count > 10: continue
              array = np.frombuffer(np.random.default_rng(count).integers(0, 2, count * np.dtype(dtype).itemsize * int(np.prod(row)),
                  dtype=np.uint8).tobytes(), dtype).reshape((count,) + row) if 0 not in row else np.zeros((count,) + row, dtype)
              if name == 'u': array = array.astype('<U3') if False else np.full((count,) + row, 'ab', '<U3')
              np.save(f'{folder}/{name}-{count}.npy', array)
      """
    _ = try Oracle.run(["-c", script, folder.url.path])
    let names = try folder.contents()
    #expect(names.count == 60)
    for name in names {
      let whole = try Tensor(contentsOf: folder.path(name))
      let copy = folder.path("copy-" + name)
      let writer = try NPYWriter(
        creating: copy, dtype: whole.dtype, rowShape: Array(whole.shape.dropFirst()),
        byteOrder: whole.byteOrder)
      let third = whole.shape[0] / 3
      for part in [0..<third, third..<2 * third, 2 * third..<whole.shape[0]] {
        try writer.append(try whole[part])
        try writer.flush()
      }
      try writer.close()
      #expect(try bytes(of: copy) == bytes(of: folder.path(name)), "\(name)")
      // And NumPy's own file goes on growing.
      let own = try NPYWriter(appendingTo: folder.path(name))
      try own.append(try whole.loaded())
      try own.close()
    }
    let check = """
      import sys, numpy as np
      for name in sys.argv[2:]:
          twice, once = np.load(f'{sys.argv[1]}/{name}', max_header_size=1 << 20), np.load(f'{sys.argv[1]}/copy-{name}', max_header_size=1 << 20)
          assert twice.dtype == once.dtype and np.array_equal(twice, np.concatenate([once, once])), name
          np.save(f'{sys.argv[1]}/again.npy', twice)
          assert open(f'{sys.argv[1]}/again.npy', 'rb').read() == open(f'{sys.argv[1]}/{name}', 'rb').read(), name
      print(len(sys.argv) - 2)
      """
    let checked = try Oracle.run(["-c", check, folder.url.path] + names)
    #expect(checked == "60\n")
  }
}
