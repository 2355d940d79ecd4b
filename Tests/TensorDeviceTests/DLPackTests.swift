import CDLPack
import Synchronization
import TensorIO
import TestSupport
import Testing

@testable import TensorDevice

/// How often the structures of ``Lent`` were freed.
private let freed = Mutex<[UInt: Int]>([:])

/// A structure as another library would make it; `freed` counts what its deleter does.
@safe
private struct Lent {
  let pointer: UnsafeMutablePointer<tio_dl_managed>

  init(
    shape: [Int64]? = [2, 3], strides: [Int64]? = nil, code: Int = 2, bits: UInt8 = 32,
    lanes: UInt16 = 1, device: Int32 = 1, id: Int32 = 0, data: [Float]? = [0, 1, 2, 3, 4, 5],
    byteOffset: UInt64 = 0, ndim: Int32? = nil, major: UInt32 = 1, address: UInt? = nil
  ) {
    unsafe pointer = .allocate(capacity: 1)
    func block<T>(_ values: [T]?) -> UnsafeMutablePointer<T>? {
      guard let values else { return nil }
      let start = UnsafeMutablePointer<T>.allocate(capacity: max(1, values.count))
      for (index, value) in values.enumerated() { unsafe (start + index).initialize(to: value) }
      return unsafe start
    }
    let bytes =
      unsafe address.map { unsafe UnsafeMutableRawPointer(bitPattern: $0) }
      ?? UnsafeMutableRawPointer(block(data))
    unsafe pointer.initialize(
      to: tio_dl_managed(
        version: tio_dl_version(major: major, minor: 7), manager_context: nil,
        deleter: { managed in
          freed.withLock { $0[UInt(bitPattern: managed), default: 0] += 1 }
        }, flags: 0,
        tensor: tio_dl_tensor(
          data: bytes, device: tio_dl_device(type: device, id: id),
          ndim: ndim ?? Int32(shape?.count ?? 0),
          dtype: tio_dl_dtype(code: UInt8(code), bits: bits, lanes: lanes),
          shape: block(shape), strides: block(strides), byte_offset: byteOffset)))
    freed.withLock { unsafe $0[UInt(bitPattern: pointer)] = 0 }
  }

  var isFreedOnce: Bool { freed.withLock { unsafe $0[UInt(bitPattern: pointer)] == 1 } }
  var isHeld: Bool { freed.withLock { unsafe $0[UInt(bitPattern: pointer)] == 0 } }

  func imported() throws -> Tensor { unsafe try Tensor(dlpack: UnsafeMutableRawPointer(pointer)) }
}

/// Tensors of other libraries, honest and hostile, and ours for them.
@Suite struct DLPackTests {
  @Test func everyDTypeGoesThereAndBack() throws {
    let emulation = try Emulation()
    try emulation.run {
      var seen = 0
      for dtype in DType.simple {
        let bytes = try HeapBytes(Array(0..<192).span)
        guard dtype.bitWidth % 8 == 0, dtype != .object else { continue }
        let tensor = try Tensor(
          dtype: dtype, shape: [2, 2], strides: [1, 2], offset: 1, storage: TensorStorage(bytes))
        guard tensor.dtype.dlpack != nil else {
          #expect(throws: TensorIOError(.unsupported, "")) { _ = try DLPackTensor(tensor) }
          continue
        }
        seen += 1
        for device in [Device.cpu, .cuda(0)] {
          let source = try tensor.to(device)
          let taken = unsafe try Tensor(dlpack: DLPackTensor(source).take())
          #expect(taken.dtype == dtype)
          #expect(taken.shape == [2, 2] && taken.strides == [1, 2])
          #expect(taken.device == device)
          #expect(taken.storage.residence == device)
          #expect(taken.description == source.description)
        }
      }
      #expect(seen == 22)
      // What nobody took is freed too.
      _ = try DLPackTensor(ramp(4).to(.cuda(0)))
    }
    emulation.expectClean()
  }

  @Test func theStructureSaysWhatTheStandardSays() throws {
    let tensor = try ramp(24).reshaped(to: [4, 6])[1..<3, 2]
    let taken = unsafe try DLPackTensor(tensor).take().assumingMemoryBound(to: tio_dl_managed.self)
    let managed = unsafe taken.pointee
    #expect(unsafe managed.version.major == 1 && managed.flags == 1)
    let outline = unsafe managed.tensor
    #expect(unsafe outline.device.type == 1 && outline.device.id == 0 && outline.ndim == 1)
    #expect(unsafe outline.dtype.code == 2 && outline.dtype.bits == 32 && outline.dtype.lanes == 1)
    #expect(unsafe outline.shape[0] == 2 && outline.strides[0] == 6)
    #expect(unsafe outline.byte_offset == 4 * 8)
    let first = unsafe outline.data.load(
      fromByteOffset: Int(outline.byte_offset), as: Float.self)
    #expect(first == 8)
    unsafe managed.deleter(taken)
  }

  @Test func whatCannotBeSaidIsRefused() throws {
    let plain = try ramp(4)
    let grad = plain.tagged(device: .cpu, requiresGrad: true)
    let negated = try Tensor(dtype: .float32, shape: [4], storage: plain.storage, isNegated: true)
    let big = try Tensor(dtype: .float32, byteOrder: .big, shape: [4], storage: plain.storage)
    for (tensor, call) in [(grad, "detached()"), (negated, "resolved()"), (big, "loaded()")] {
      let error = #expect(throws: TensorIOError(.invalidArgument, "")) {
        _ = try DLPackTensor(tensor)
      }
      #expect(error?.reason.contains(call) == true)
    }
    #expect(throws: TensorIOError(.unsupported, "")) {
      _ = try DLPackTensor(Tensor.meta(dtype: .float32, shape: [2]))
    }
  }

  @Test func compressedBytesLiveAsLongAsTheStructure() throws {
    let folder = try TemporaryFolder()
    var options = WritingOptions()
    options.compressionLevel = 6
    try TensorArchive([("x", ramp(5000))]).write(to: folder.path("a.npz"), options: options)
    let taken = unsafe try DLPackTensor(
      TensorArchive(contentsOf: folder.path("a.npz")).tensor("x")
    ).take()
    let again = unsafe try Tensor(dlpack: taken)
    #expect(try again.array(of: Float.self) == (0..<5000).map { Float($0) })
  }

  @Test func importsKeepTheOwnerUntilTheLastView() throws {
    let lent = Lent()
    var tensor: Tensor? = try lent.imported()
    #expect(try tensor?.array(of: Float.self) == [0, 1, 2, 3, 4, 5])
    var view = try tensor?[1]
    tensor = nil
    #expect(lent.isHeld)
    #expect(try view?.array(of: Float.self) == [3, 4, 5])
    view = nil
    #expect(lent.isFreedOnce)
  }

  @Test func stridesOfEveryKind() throws {
    // Backwards from the last element, transposed, broadcast.
    let backwards = try Lent(strides: [-3, -1], byteOffset: 20).imported()
    #expect(try backwards.array(of: Float.self) == [5, 4, 3, 2, 1, 0])
    #expect(
      try Lent(shape: [3, 2], strides: [1, 3]).imported().array(of: Float.self) == [
        0, 3, 1, 4, 2, 5,
      ])
    #expect(
      try Lent(shape: [2, 2], strides: [0, 1]).imported().array(of: Float.self) == [0, 1, 0, 1])
    #expect(try Lent(shape: [0, 5], data: nil).imported().array(of: Float.self) == [])
    #expect(try Lent(shape: nil, data: [9]).imported().array(of: Float.self) == [9])
  }

  private struct Attack: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: TensorIOError.Code
    let lent: @Sendable () -> Lent

    init(
      _ name: String, _ code: TensorIOError.Code,
      _ lent: @autoclosure @escaping @Sendable () -> Lent
    ) {
      testDescription = name
      self.code = code
      self.lent = lent
    }
  }

  private static let attacks: [Attack] = [
    Attack("another major version", .unsupported, Lent(major: 2)),
    Attack("version 0", .unsupported, Lent(major: 0)),
    Attack("axes without a shape", .malformed, Lent(shape: nil, ndim: 2)),
    Attack("a negative rank", .malformed, Lent(ndim: -1)),
    Attack("65 axes", .malformed, Lent(ndim: 65)),
    Attack("a negative axis", .malformed, Lent(shape: [-2, 3])),
    Attack("a shape past 63 bits", .malformed, Lent(shape: [.max, .max])),
    Attack("bytes past 63 bits", .malformed, Lent(shape: [.max / 8, 3])),
    Attack("strides past 63 bits", .malformed, Lent(strides: [.max, .max])),
    Attack("the least stride", .malformed, Lent(strides: [.min, 1])),
    Attack("elements without data", .malformed, Lent(data: nil)),
    Attack("an offset past the address space", .malformed, Lent(byteOffset: .max)),
    Attack("an end past the address space", .malformed, Lent(address: .max - 8)),
    Attack(
      "a reach before the address space", .malformed, Lent(strides: [-(1 << 50), 1], address: 4096)),
    Attack("vectors of four lanes", .unsupported, Lent(lanes: 4)),
    Attack("floats of 24 bits", .unsupported, Lent(bits: 24)),
    Attack("opaque handles", .unsupported, Lent(code: 3, bits: 64)),
    Attack("an unknown code", .unsupported, Lent(code: 255)),
    Attack("a Metal device", .unsupported, Lent(device: 8)),
    Attack("a CUDA device that is not there", .device, Lent(device: 2, id: 7)),
    Attack("a negative CUDA device", .device, Lent(device: 2, id: -1)),
  ]

  @Test(arguments: attacks)
  private func anAttackIsRefusedAndFreedOnce(_ attack: Attack) throws {
    let emulation = try Emulation()
    let lent = attack.lent()
    try emulation.run {
      _ = #expect(throws: TensorIOError(attack.code, "")) { try lent.imported() }
    }
    #expect(lent.isFreedOnce)
    emulation.expectClean()
  }

  @Test func withoutADriverCUDAMemoryIsRefusedAndFreed() throws {
    let lent = Lent(device: 2)
    let missing = Result<CUDAPlatform, TensorIOError>.failure(TensorIOError(.device, "none"))
    CUDA.$override.withValue(missing) {
      _ = #expect(throws: TensorIOError(.device, "")) { try lent.imported() }
    }
    #expect(lent.isFreedOnce)
  }
}
