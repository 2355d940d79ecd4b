internal import ByteIO
internal import CLibzip

/// One member as the central directory describes it.
struct ZIPEntry: Sendable {
  /// The name, decoded as the archive says: UTF-8 where flagged, else code page 437.
  let name: String
  /// The bytes of the name.
  let rawName: ArraySlice<UInt8>
  let method: UInt16
  let crc32: UInt32
  let compressedSize: Int
  let size: Int
  /// Where the local header starts; nil for empty members, whose header libzip does not look up.
  let headerOffset: Int?

  var isASCII: Bool { rawName.allSatisfy { $0 < 0x80 } }

  static let stored: UInt16 = 0
  static let deflated: UInt16 = 8
}

/// Reads the central directory through libzip, over a source of ours that also shows where libzip
/// looks for each member, which its API does not tell.
@safe
final class ZIPDirectory {
  private let archive: OpaquePointer
  private let source: DirectorySource

  /// Opens the directory of a file.
  /// - Throws: `malformed` with libzip's words.
  init(_ file: FileWindow) throws(TensorIOError) {
    source = DirectorySource(file)
    var error = unsafe zip_error_t()
    unsafe zip_error_init(&error)
    defer { unsafe zip_error_fini(&error) }
    // SAFETY: libzip calls back while `archive` is open only; `source` outlives it.
    let context = unsafe Unmanaged.passUnretained(source).toOpaque()
    let callback = unsafe DirectorySource.callback
    guard let zipSource = unsafe zip_source_function_create(callback, context, &error) else {
      throw unsafe Self.failure(&error)
    }
    guard let archive = unsafe zip_open_from_source(zipSource, ZIP_RDONLY, &error) else {
      unsafe zip_source_free(zipSource)
      if let failure = source.failure { throw failure }
      throw unsafe Self.failure(&error)
    }
    unsafe self.archive = archive
  }

  deinit { unsafe zip_discard(archive) }

  private static func failure(_ error: inout zip_error_t) -> TensorIOError {
    let words = unsafe String(cString: zip_error_strerror(&error))
    return .malformed(
      "the ZIP directory cannot be read (\(words)); the archive is damaged or cut short")
  }

  private static func bytes(ofCString text: UnsafePointer<CChar>) -> [UInt8] {
    var count = 0
    while unsafe text[count] != 0 { count += 1 }
    return unsafe Array(UnsafeRawBufferPointer(start: text, count: count))
  }

  /// The number of members.
  var count: Int { Int(unsafe zip_get_num_entries(archive, 0)) }

  /// The member at an index.
  func entry(_ index: Int) throws(TensorIOError) -> ZIPEntry {
    let index = zip_uint64_t(index)
    var status = unsafe zip_stat_t()
    guard unsafe zip_stat_index(archive, index, 0, &status) == 0,
      let raw = unsafe zip_get_name(archive, index, ZIP_FL_ENC_RAW),
      let decoded = unsafe zip_get_name(archive, index, ZIP_FL_ENC_STRICT)
    else { throw .malformed("entry \(index) of the ZIP directory cannot be read") }
    let rawName = unsafe Self.bytes(ofCString: raw)
    // libzip draws code page 437's control characters as pictures; Python leaves them alone.
    let isASCII = rawName.allSatisfy { $0 < 0x80 }
    let name = isASCII ? String(decoding: rawName, as: UTF8.self) : unsafe String(cString: decoded)
    return try locating(.init(member: name)) { () throws(TensorIOError) in
      guard unsafe status.encryption_method == UInt16(ZIP_EM_NONE) else {
        throw .unsupported("the member is encrypted; decrypt the archive first")
      }
      return unsafe ZIPEntry(
        name: name, rawName: rawName[...], method: status.comp_method, crc32: status.crc,
        compressedSize: try Int(fromFile: status.comp_size, "the compressed size"),
        size: try Int(fromFile: status.size, "the size"),
        headerOffset: status.comp_size == 0 ? nil : try headerOffset(index))
    }
  }

  /// Where libzip seeks first when it opens a member: the local header.
  private func headerOffset(_ index: zip_uint64_t) throws(TensorIOError) -> Int {
    source.firstSeek = nil
    let member = unsafe zip_fopen_index(archive, index, zip_flags_t(ZIP_FL_COMPRESSED))
    if let member = unsafe member { _ = unsafe zip_fclose(member) }
    if let failure = source.failure { throw failure }
    guard unsafe member != nil, let offset = source.firstSeek else {
      let words = unsafe String(cString: zip_strerror(archive))
      throw .malformed("the member cannot be opened (\(words))")
    }
    return offset
  }
}

/// The file as libzip reads it: with checked copies, so that a file cut short is an error.
@safe
private final class DirectorySource {
  private let window: FileWindow
  private let file: InputFile
  private var position = 0
  private var error = unsafe zip_error_t()
  /// The first absolute position that libzip sought since this was last cleared.
  var firstSeek: Int?
  /// A read that failed.
  private(set) var failure: TensorIOError?

  init(_ window: FileWindow) {
    self.window = window
    file = window.file
    unsafe zip_error_init(&error)
  }

  deinit { unsafe zip_error_fini(&error) }

  static let callback: zip_source_callback = { context, data, length, command in
    guard let context = unsafe context else { return -1 }
    let source = unsafe Unmanaged<DirectorySource>.fromOpaque(context).takeUnretainedValue()
    return unsafe source.handle(command, data, Int(clamping: length))
  }

  private func handle(
    _ command: zip_source_cmd_t, _ data: UnsafeMutableRawPointer?, _ length: Int
  ) -> zip_int64_t {
    switch command {
    case ZIP_SOURCE_OPEN:
      position = 0
      return 0
    case ZIP_SOURCE_CLOSE, ZIP_SOURCE_FREE: return 0
    case ZIP_SOURCE_TELL: return zip_int64_t(position)
    case ZIP_SOURCE_READ: return unsafe read(data, length)
    case ZIP_SOURCE_SEEK: return unsafe seek(data, length)
    case ZIP_SOURCE_STAT: return unsafe stat(data)
    case ZIP_SOURCE_ERROR: return unsafe zip_error_to_data(&error, data, zip_uint64_t(length))
    case ZIP_SOURCE_SUPPORTS:
      return [
        ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR,
        ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL,
      ].reduce(0) { $0 | 1 << zip_int64_t($1.rawValue) }
    default:
      unsafe zip_error_set(&error, ZIP_ER_OPNOTSUPP, 0)
      return -1
    }
  }

  private func read(_ data: UnsafeMutableRawPointer?, _ length: Int) -> zip_int64_t {
    let count = max(0, min(length, file.byteCount - position))
    let buffer = unsafe UnsafeMutableRawBufferPointer(start: data, count: count)
    do throws(TensorIOError) {
      unsafe try window.read(at: position, into: buffer)
    } catch {
      failure = error
      unsafe zip_error_set(&self.error, ZIP_ER_READ, 0)
      return -1
    }
    position += count
    return zip_int64_t(count)
  }

  private func seek(_ data: UnsafeMutableRawPointer?, _ length: Int) -> zip_int64_t {
    guard length >= MemoryLayout<zip_source_args_seek>.size,
      let arguments = unsafe data?.load(as: zip_source_args_seek.self)
    else { return -1 }
    let base =
      switch arguments.whence {
      case 0: 0
      case 1: position
      default: file.byteCount
      }
    let (target, overflow) = base.addingReportingOverflow(Int(arguments.offset))
    guard !overflow, target >= 0, target <= file.byteCount else {
      unsafe zip_error_set(&error, ZIP_ER_SEEK, 0)
      return -1
    }
    position = target
    firstSeek = firstSeek ?? target
    return 0
  }

  private func stat(_ data: UnsafeMutableRawPointer?) -> zip_int64_t {
    guard let data = unsafe data else { return -1 }
    let status = unsafe data.assumingMemoryBound(to: zip_stat_t.self)
    unsafe zip_stat_init(status)
    unsafe status.pointee.size = zip_uint64_t(file.byteCount)
    unsafe status.pointee.valid |= zip_uint64_t(ZIP_STAT_SIZE)
    return unsafe zip_int64_t(MemoryLayout<zip_stat_t>.size)
  }
}
