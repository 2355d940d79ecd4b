import Glibc

// What libFuzzer's own main function calls. One program has all targets; the environment chooses,
// since libFuzzer reads every argument:
//
//     FUZZ_TARGET=npz tensorio-fuzz CORPUS…                      fuzz, or run files by name
//     FUZZ_TARGET=npz FUZZ_SEEDS=FOLDER tensorio-fuzz FILE…      make inputs of real files
//     FUZZ_TARGET=npz FUZZ_DUMP=FILE tensorio-fuzz INPUT         write the file behind an input

@_cdecl("LLVMFuzzerInitialize")
func initialize(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
  guard let folder = environment("FUZZ_SEEDS") else { return 0 }
  let paths = (1..<Int(count.pointee)).compactMap {
    arguments.pointee[$0].map { String(cString: $0) }
  }
  makeSeeds(of: Fuzzer.target, from: paths, in: folder)
  exit(0)
}

@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  Fuzzer.execute(UnsafeRawBufferPointer(start: start, count: size))
  return 0
}
