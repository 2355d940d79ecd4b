// Every libc call of the library stands in this file. Each returns a value or throws `io` with the
// name of the call and the system's own words; retries after EINTR happen here and nowhere else.

internal import CSystem
internal import Glibc

/// What fstat says of an open file, as far as it tells one version of a file from another.
struct FileIdentity: Hashable, Sendable {
  var size: Int
  var device: UInt64
  var inode: UInt64
  var modifiedSeconds: Int
  var modifiedNanoseconds: Int
  var mode: UInt32

  /// Whether nothing says that the content was changed; permissions may have been.
  func isSameContent(as other: FileIdentity) -> Bool {
    var other = other
    other.mode = mode
    return self == other
  }

  /// Whether both are of one file, whatever became of it.
  func isSameFile(as other: FileIdentity) -> Bool {
    device == other.device && inode == other.inode
  }

  var kind: UInt32 { mode & S_IFMT }
  var isRegular: Bool { kind == S_IFREG }
  var isDirectory: Bool { kind == S_IFDIR }
}

enum SystemCall {
  static func failure(_ call: String, _ path: String? = nil) -> TensorIOError {
    let number = errno
    let words = unsafe String(cString: strerror(number))
    return TensorIOError(
      .io, "\(call) failed: \(words) (errno \(number))", at: .init(file: path))
  }

  private static func retrying(_ call: () -> Int) -> Int {
    while true {
      let result = call()
      if result >= 0 || errno != EINTR { return result }
    }
  }

  static func openForReading(_ path: String) throws(TensorIOError) -> Int32 {
    // O_NONBLOCK: opening a FIFO must not wait for a writer.
    let fd = retrying { unsafe Int(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) }
    guard fd >= 0 else { throw failure("open", path) }
    return Int32(fd)
  }

  static func openForUpdating(_ path: String) throws(TensorIOError) -> Int32 {
    let fd = retrying { unsafe Int(open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK)) }
    guard fd >= 0 else { throw failure("opening the file for writing", path) }
    return Int32(fd)
  }

  /// Takes the one lock that writers of a file share, for as long as it is open.
  /// - Returns: false where somebody else has it.
  static func lockExclusively(_ fd: Int32) throws(TensorIOError) -> Bool {
    let result = retrying { Int(tio_lock_exclusively(fd)) }
    if result == 0 { return true }
    guard errno == EWOULDBLOCK else { throw failure("locking the file") }
    return false
  }

  /// Opens a nameless file in `directory`, or nil where the file system has none.
  static func openNameless(in directory: String) -> Int32? {
    let fd = retrying {
      unsafe Int(open(directory, tio_nameless_file_flag() | O_RDWR | O_CLOEXEC, mode_t(0o666)))
    }
    guard fd >= 0 else { return nil }
    // Naming it needs /proc, which a container may lack.
    guard identity(of: "/proc/self/fd/\(fd)") != nil else {
      close(Int32(fd))
      return nil
    }
    return Int32(fd)
  }

  static func createExclusively(_ path: String) throws(TensorIOError) -> Int32 {
    let fd = retrying {
      unsafe Int(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(0o666)))
    }
    guard fd >= 0 else { throw failure("creating the file", path) }
    return Int32(fd)
  }

  /// Gives the nameless file `fd` the name `path`, which must be free.
  static func link(_ fd: Int32, as path: String) throws(TensorIOError) {
    let source = "/proc/self/fd/\(fd)"
    let result = unsafe linkat(AT_FDCWD, source, AT_FDCWD, path, AT_SYMLINK_FOLLOW)
    guard result == 0 else { throw failure("linkat", path) }
  }

  /// Gives the file at `source` the second name `path`, which must be free.
  static func link(_ source: String, as path: String) throws(TensorIOError) {
    guard unsafe Glibc.link(source, path) == 0 else { throw failure("link", path) }
  }

  /// The folder for files that nobody keeps: `TMPDIR`, or `/tmp`.
  static var temporaryFolder: String {
    let folder = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? ""
    return folder.isEmpty ? "/tmp" : folder
  }

  /// Another descriptor of the same open file.
  static func duplicate(_ fd: Int32) throws(TensorIOError) -> Int32 {
    let copy = retrying { Int(fcntl(fd, F_DUPFD_CLOEXEC, 0)) }
    guard copy >= 0 else { throw failure("fcntl") }
    return Int32(copy)
  }

  static func close(_ fd: Int32) { _ = Glibc.close(fd) }

  static func identity(of fd: Int32) throws(TensorIOError) -> FileIdentity {
    var status = stat()
    guard unsafe fstat(fd, &status) == 0 else { throw failure("fstat") }
    return FileIdentity(status)
  }

  static func identity(of path: String) -> FileIdentity? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return FileIdentity(status)
  }

  /// Fills `buffer` from `offset`; fewer bytes come back only at the end of the file.
  static func read(
    _ fd: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(TensorIOError) -> Int {
    guard let start = buffer.baseAddress else { return 0 }
    var done = 0
    while done < buffer.count {
      let step = retrying {
        unsafe pread(fd, start + done, buffer.count - done, off_t(offset + done))
      }
      if step < 0 { throw failure("read") }
      if step == 0 { break }
      done += step
    }
    return done
  }

  /// Fills `buffer` if all its bytes are in the page cache.
  static func readCached(
    _ fd: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) -> Bool {
    guard let start = buffer.baseAddress else { return true }
    // A failure says that the disk would be asked, or that the file system cannot tell.
    return retrying { unsafe tio_read_cached(fd, start, buffer.count, Int64(offset)) }
      == buffer.count
  }

  /// Whether a byte is in the page cache; true too where kernel or file system cannot tell.
  static func isCached(_ fd: Int32, at offset: Int) -> Bool {
    var byte: UInt8 = 0
    return retrying { unsafe tio_read_cached(fd, &byte, 1, Int64(offset)) } >= 0
      || errno != EAGAIN
  }

  /// Has the kernel read a part of a file in the background.
  static func willNeed(_ fd: Int32, at offset: Int, byteCount: Int) {
    _ = posix_fadvise(fd, off_t(offset), off_t(byteCount), POSIX_FADV_WILLNEED)
  }

  static func write(
    _ fd: Int32, _ buffer: UnsafeRawBufferPointer, at offset: Int
  ) throws(TensorIOError) {
    guard let start = buffer.baseAddress else { return }
    var done = 0
    while done < buffer.count {
      let step = retrying {
        unsafe pwrite(fd, start + done, buffer.count - done, off_t(offset + done))
      }
      if step < 0 { throw failure("write") }
      done += step
    }
  }

  /// Allocates disk space past the end of a file, where the file system can.
  static func allocate(_ fd: Int32, offset: Int, byteCount: Int) throws(TensorIOError) {
    guard byteCount > 0 else { return }
    let result = retrying {
      Int(tio_allocate(fd, Int64(offset), Int64(byteCount)))
    }
    // Other failures say only that this file system cannot allocate ahead.
    if result < 0, errno == ENOSPC || errno == EFBIG || errno == EDQUOT {
      throw failure("allocating \(byteCount) bytes on the disk")
    }
  }

  /// How many bytes this user can still write to a folder's file system; nil where that cannot be
  /// known.
  static func freeBytes(in folder: String) -> Int? {
    var status = statvfs()
    // File systems without a limit of their own say that they have no blocks at all.
    guard unsafe statvfs(folder, &status) == 0, status.f_blocks > 0 else { return nil }
    // Some blocks are kept for the superuser.
    let blocks = geteuid() == 0 ? status.f_bfree : status.f_bavail
    let (bytes, overflow) = UInt64(blocks).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return overflow ? nil : Int(exactly: bytes)
  }

  /// Maps a whole file for reading.
  static func map(_ fd: Int32, byteCount: Int) throws(TensorIOError) -> UnsafeRawBufferPointer {
    guard byteCount > 0 else { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
    let address = unsafe mmap(nil, byteCount, PROT_READ, MAP_SHARED, fd, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else { throw failure("mmap") }
    return unsafe UnsafeRawBufferPointer(start: address, count: byteCount)
  }

  static func unmap(_ region: UnsafeRawBufferPointer) {
    guard let start = region.baseAddress else { return }
    _ = unsafe munmap(UnsafeMutableRawPointer(mutating: start), region.count)
  }

  /// Maps zeroed private memory, in huge pages where the kernel has them.
  static func mapAnonymous(byteCount: Int) throws(TensorIOError) -> UnsafeMutableRawPointer {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    let address = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw failure("allocating \(byteCount) bytes")
    }
    _ = unsafe madvise(address, byteCount, MADV_HUGEPAGE)
    return unsafe address
  }

  static func unmapAnonymous(_ address: UnsafeMutableRawPointer, byteCount: Int) {
    _ = unsafe munmap(address, byteCount)
  }

  /// Whether two runs of bytes are the same.
  static func isEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count else { return false }
    guard let first = left.baseAddress, let second = right.baseAddress else { return true }
    return unsafe memcmp(first, second, left.count) == 0
  }

  /// Tells the kernel that the whole file will be read from start to end.
  static func adviseSequential(_ fd: Int32) {
    _ = posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL)
  }

  static func synchronize(_ fd: Int32) throws(TensorIOError) {
    guard fsync(fd) == 0 else { throw failure("fsync") }
  }

  /// Has the bytes on the disk, and the size where it changed; other metadata may follow later.
  static func synchronizeData(_ fd: Int32) throws(TensorIOError) {
    guard fdatasync(fd) == 0 else { throw failure("fdatasync") }
  }

  /// Cuts a file, or makes it longer with zeros.
  static func truncate(_ fd: Int32, to byteCount: Int) throws(TensorIOError) {
    guard retrying({ Int(ftruncate(fd, off_t(byteCount))) }) == 0 else {
      throw failure("ftruncate")
    }
  }

  static func synchronizeDirectory(_ path: String) throws(TensorIOError) {
    let fd = try openForReading(path)
    defer { close(fd) }
    try synchronize(fd)
  }

  static func setMode(_ fd: Int32, _ mode: UInt32) throws(TensorIOError) {
    guard fchmod(fd, mode & 0o7777) == 0 else { throw failure("fchmod") }
  }

  static func rename(_ source: String, to target: String) throws(TensorIOError) {
    guard unsafe Glibc.rename(source, target) == 0 else { throw failure("rename", target) }
  }

  static func remove(_ path: String) { _ = unsafe unlink(path) }

  static func isEmptyDirectory(_ path: String) -> Bool {
    guard let listing = unsafe opendir(path) else { return false }
    defer { _ = unsafe closedir(listing) }
    // `.` and `..` are always there.
    for _ in 0..<2 where unsafe readdir(listing) == nil { return true }
    return unsafe readdir(listing) == nil
  }

  /// The names in a folder but `.` and `..`, in the order of the system.
  static func names(in path: String) throws(TensorIOError) -> [String] {
    guard let listing = unsafe opendir(path) else { throw failure("opendir", path) }
    defer { _ = unsafe closedir(listing) }
    var names: [String] = []
    while let entry = unsafe readdir(listing) {
      let name = unsafe withUnsafePointer(to: entry.pointee.d_name) { pointer in
        unsafe String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  static func removeDirectory(_ path: String) { _ = unsafe rmdir(path) }

  static func makeDirectory(_ path: String) throws(TensorIOError) {
    guard unsafe mkdir(path, 0o777) == 0 else { throw failure("mkdir", path) }
  }

  /// The path with every symbolic link followed, or nil when it does not exist.
  static func resolved(_ path: String) -> String? {
    guard let text = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(text) }
    return unsafe String(cString: text)
  }

  /// Where writing to a path would write: the path with its links followed, or itself where nothing
  /// is yet.
  ///
  /// Nil for a link whose target does not exist.
  static func resolvedTarget(_ path: String) -> String? {
    if let resolved = resolved(path) { return resolved }
    var status = stat()
    return unsafe lstat(path, &status) == 0 ? nil : path
  }

  /// How much more memory the process may map; nil where nobody limits it (`ulimit -v`).
  static var addressSpaceLeft: Int? {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
      let most = Int(exactly: limit.rlim_cur), let file = unsafe fopen("/proc/self/statm", "re")
    else { return nil }
    defer { _ = unsafe fclose(file) }
    var pages = 0
    guard
      unsafe withUnsafeMutablePointer(
        to: &pages,
        { pointer in
          unsafe withVaList([pointer]) { unsafe vfscanf(file, "%ld", $0) }
        }) == 1
    else { return nil }
    return max(0, most - pages * sysconf(Int32(_SC_PAGESIZE)))
  }

  static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}

extension FileIdentity {
  fileprivate init(_ status: stat) {
    size = Int(status.st_size)
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    modifiedSeconds = Int(status.st_mtim.tv_sec)
    modifiedNanoseconds = Int(status.st_mtim.tv_nsec)
    mode = UInt32(status.st_mode)
  }
}
