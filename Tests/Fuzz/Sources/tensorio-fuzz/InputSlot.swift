import CFuzz
import Glibc

/// A file in memory that every input goes through, because the library opens paths.
struct InputSlot {
  /// The path under which the file opens.
  let path: String
  private let file: Int32

  init() {
    file = fuzz_memory_file()
    guard file >= 0 else { fail("no file in memory can be made") }
    path = "/proc/self/fd/\(file)"
  }

  /// Makes `bytes` the whole content.
  func fill(_ bytes: UnsafeRawBufferPointer) {
    guard ftruncate(file, 0) == 0, pwrite(file, bytes.baseAddress, bytes.count, 0) == bytes.count
    else { fail("the input cannot be written") }
  }
}

/// Reports a broken promise and ends the process, so that libFuzzer keeps the input.
func fail(_ message: String) -> Never {
  let line = "FUZZ: \(message)\n"
  _ = write(2, line, line.utf8.count)
  abort()
}
