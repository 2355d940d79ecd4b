// The libc calls of the command: standard streams, signals, the environment.

internal import Glibc
internal import Synchronization
internal import TensorIO

/// A standard stream, written with every error noticed: `print` to a full disk reports nothing.
enum Stream: Int32 {
  case output = 1
  case error = 2

  /// Whether a person reads along.
  var isTerminal: Bool { isatty(rawValue) == 1 }

  /// Whether bold text is wanted: on a terminal, unless `NO_COLOR` is set.
  var isStyled: Bool {
    guard isTerminal, let term = Environment["TERM"], term != "dumb" else { return false }
    return (Environment["NO_COLOR"] ?? "").isEmpty
  }

  /// Writes all of a text.
  /// - Throws: ``StreamError`` when the stream takes no more.
  func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { bytes in
      var done = 0
      while done < bytes.count {
        let rest = unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[done...])
        let step = unsafe Glibc.write(rawValue, rest.baseAddress, rest.count)
        if step < 0, errno == EINTR { continue }
        guard step > 0 else { throw StreamError(reason: unsafe String(cString: strerror(errno))) }
        done += step
      }
    }
  }

  /// Writes a line; on standard error, failing is nothing that could be reported.
  func line(_ text: String) throws { try write(text + "\n") }
}

/// Standard output took no more.
struct StreamError: Error, CustomStringConvertible {
  let reason: String
  var description: String { "writing the output failed: \(reason)" }
}

/// This process.
enum Process {
  /// Ends it with a status.
  static func end(_ status: Int32) -> Never { exit(status) }
}

/// The environment's variables.
enum Environment {
  static subscript(name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
  }
}

/// The terminal on standard output.
enum Terminal {
  /// How many characters it shows; without a terminal what `COLUMNS` and `LINES` say, or 80 by 24.
  static var size: (columns: Int, rows: Int) {
    var size = winsize()
    if unsafe ioctl(Stream.output.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0,
      size.ws_row > 0
    {
      return (Int(size.ws_col), Int(size.ws_row))
    }
    func number(_ name: String, else usual: Int) -> Int {
      let number = Environment[name].flatMap { Int($0) } ?? usual
      return min(max(number, 1), 1000)
    }
    return (number("COLUMNS", else: 80), number("LINES", else: 24))
  }

  /// Whether colours are wanted, wherever they go.
  static var hasColors: Bool {
    (Environment["NO_COLOR"] ?? "").isEmpty && (Environment["TERM"] ?? "dumb") != "dumb"
  }

  /// Whether it says that it has 24-bit colours.
  static var hasTrueColors: Bool {
    ["truecolor", "24bit"].contains(Environment["COLORTERM"] ?? "")
  }
}

/// How many files this process may have open.
enum OpenFiles {
  /// For the output, the streams, and what libraries open.
  private static let reserve = 16

  /// Joining thousands of files keeps them all open; the soft limit of 1,024 is for programs that
  /// use select(2).
  static func raiseLimit() {
    guard var limit else { return }
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  private static var limit: rlimit? {
    var limit = rlimit()
    let status = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return status == 0 ? limit : nil
  }

  /// Refuses what would fail half-way.
  static func require(_ count: Int) throws(TensorIOError) {
    guard let most = limit?.rlim_cur, most < UInt(count + reserve) else { return }
    throw TensorIOError(
      .limit,
      "\(count) input files are to be open at once, and the system allows \(most) open files; "
        + "raise the hard limit (ulimit -Hn, as root), or join the files in several archives and "
        + "these in one")
  }
}

/// What the command does when it is interrupted or the ground gives way.
enum Signals {
  private static let interrupted = Atomic<Bool>(false)

  /// Whether the user asked to stop.
  static var isInterrupted: Bool { interrupted.load(ordering: .relaxed) }

  static func install() {
    OpenFiles.raiseLimit()
    // A write past the file-size limit is to be an error like any other.
    _ = signal(SIGXFSZ, SIG_IGN)
    // Touching a mapped page that another process has cut off the file.
    _ = signal(SIGBUS) { _ in
      let message: StaticString =
        "tensorio: error: an input file became shorter while it was being read; run it again\n"
      _ = unsafe Glibc.write(2, message.utf8Start, message.utf8CodeUnitCount)
      _exit(2)
    }
  }

  /// Turns the first interrupt into a flag that ``isInterrupted`` shows, so that what was begun is
  /// cleaned up; the second ends the process at once.
  static func catchInterrupts() {
    _ = isInterrupted  // Initialised here, not in the handler.
    for number in [SIGINT, SIGTERM, SIGHUP] {
      let previous = signal(number) { number in
        if Signals.interrupted.exchange(true, ordering: .relaxed) { _exit(128 + number) }
      }
      // nohup and shells in the background ask for a signal to be ignored.
      if previous.isIgnored { _ = signal(number, SIG_IGN) }
    }
  }
}

extension Optional where Wrapped == @convention(c) (Int32) -> Void {
  fileprivate var isIgnored: Bool {
    unsafe unsafeBitCast(self, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}

/// Lists of file names.
enum FileList {
  private static let mostBytes = 64 << 20

  /// The bytes of a list; `-` is standard input.
  static func read(_ path: String) throws(TensorIOError) -> [UInt8] {
    let place = TensorIOError.Place(file: path)
    guard let stream = unsafe fopen(path == "-" ? "/dev/stdin" : path, "r") else {
      throw TensorIOError(
        .io, "the list cannot be opened: \(unsafe String(cString: strerror(errno)))", at: place)
    }
    defer { _ = unsafe fclose(stream) }
    var bytes: [UInt8] = []
    while true {
      let byte = unsafe getc(stream)
      if byte == EOF { break }
      guard bytes.count < mostBytes else {
        throw TensorIOError(.limit, "the list is longer than \(mostBytes) bytes", at: place)
      }
      bytes.append(UInt8(truncatingIfNeeded: byte))
    }
    guard unsafe ferror(stream) == 0 else {
      throw TensorIOError(.io, "the list cannot be read", at: place)
    }
    return bytes
  }
}

/// Folders of the file system.
enum Folder {
  /// Whether a path names anything that is there.
  static func contains(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0
  }

  static func exists(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The size of a file; 0 where there is none.
  static func byteCount(of path: String) -> Int {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Makes a folder, and those above it, where they are missing.
  static func make(_ path: String) throws(TensorIOError) {
    if exists(path) { return }
    try make(above: path)
    // Another process may make it in this moment.
    guard unsafe mkdir(path, 0o777) == 0 || errno == EEXIST && exists(path) else {
      throw TensorIOError(
        .io, "the folder cannot be made: \(unsafe String(cString: strerror(errno)))",
        at: .init(file: path))
    }
  }

  /// Makes the folder that a file or folder is to lie in.
  static func make(above path: String) throws(TensorIOError) {
    let parts = path.split(separator: "/").dropLast()
    if parts.isEmpty { return }
    try make((path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/"))
  }

  /// The file itself, or the files below a folder that end like a format's.
  ///
  /// Shards come with the index that names them.
  /// - Parameter opensCheckpoints: whether a folder that is one checkpoint stands for itself.
  /// - Returns: the path of each, and its name in the folder.
  static func inputs(
    at path: String, opensCheckpoints: Bool = true
  ) throws(TensorIOError) -> [(path: String, name: String)] {
    var isFolder = exists(path)
    if isFolder, opensCheckpoints, try CheckpointFolder.mainFile(in: path) != nil {
      isFolder = false
    }
    guard isFolder else {
      return [(path, path.split(separator: "/").last.map(String.init) ?? path)]
    }
    let names = CheckpointFolder.withoutShards(
      try files(below: path, endings: FormatRegistry.endings), below: path)
    guard !names.isEmpty else {
      throw TensorIOError(
        .invalidArgument,
        "the folder holds no files ending in \(FormatRegistry.endings.joined(separator: " or "))")
    }
    let root = path.hasSuffix("/") ? path : path + "/"
    return names.map { (root + $0, $0) }
  }

  /// The files below a folder with one of these endings, as paths relative to it, sorted; hidden ones
  /// and links to folders are left out.
  static func files(below root: String, endings: [String]) throws(TensorIOError) -> [String] {
    var found: [String] = []
    var pending = [""]
    while let folder = pending.popLast() {
      guard let listing = unsafe opendir(root + "/" + folder) else {
        throw TensorIOError(
          .io, "the folder cannot be read: \(unsafe String(cString: strerror(errno)))",
          at: .init(file: root + "/" + folder))
      }
      defer { _ = unsafe closedir(listing) }
      while let entry = unsafe readdir(listing) {
        let name = unsafe withUnsafePointer(to: entry.pointee.d_name) { pointer in
          unsafe String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
        }
        if name == ".metadata", CheckpointFolder.isDistributed(root + "/" + folder) {
          found.append(folder.isEmpty ? name : folder + "/" + name)
        }
        if name.hasPrefix(".") { continue }
        let path = folder.isEmpty ? name : folder + "/" + name
        if unsafe entry.pointee.d_type == UInt8(DT_DIR) {
          pending.append(path)
        } else if endings.contains(where: { name.lowercased().hasSuffix($0) }) {
          found.append(path)
        }
      }
    }
    return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}

/// A file that others write to as well.
enum AppendedFile {
  /// Adds a text at the end, in one write.
  static func append(_ text: String, to path: String) throws(TensorIOError) {
    let place = TensorIOError.Place(file: path)
    func failure(_ what: String) -> TensorIOError {
      TensorIOError(.io, "\(what): \(unsafe String(cString: strerror(errno)))", at: place)
    }
    let fd = unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o666)
    guard fd >= 0 else { throw failure("cannot be opened") }
    defer { close(fd) }
    let bytes = Array(text.utf8)
    guard unsafe Glibc.write(fd, bytes, bytes.count) == bytes.count else {
      throw failure("takes no more")
    }
  }
}
