import Foundation
import TensorIO
import TestSupport
import Testing

/// `tensorio view` from outside.
@Suite struct ViewCommandTests {
  private let folder: TemporaryFolder
  private let grey: String
  init() throws {
    folder = try TemporaryFolder()
    grey = folder.path("g.npy")
    try Tensor([0, 1, 2, 4] as [Float], shape: [2, 2]).write(to: grey)
  }

  private func png(_ path: String) throws -> [String] {
    let script = Repository.root.appending(path: "Tests/Oracle/png.py").path
    return try Oracle.run([script, path]).split(separator: "\n").map(String.init)
  }

  @Test func aFileIsWritten() throws {
    let output = folder.path("g.png")
    let result = try Command.run("view", grey, "-o", output)
    #expect(result.status == 0)
    #expect(result.output == "\(output): 2 x 2 pixels, grey, 0.0 to 4.0\n")
    #expect(try png(output) == ["2 2 1", "004080ff"])
    let again = try Command.run("view", grey, "-o", output)
    #expect(again.status == 2)
    #expect(again.errors.contains("--force"))
    let json = try Command.run(
      "view", grey, "-fo", output, "--json", "--range", "-4,4", "--scale", "2", "--slice", "-1")
    #expect(json.status == 2, "one row is no image")
    let part = try Command.run(
      "view", grey, "-fo", output, "--json", "--range", "-4,4", "--scale", "2", "--slice", "-1:")
    #expect(part.status == 0)
    #expect(try png(output) == ["4 2 1", "bfbfffff" + "bfbfffff"])
    #expect(part.output.contains(#""width":4,"height":2,"channels":1,"range":[-4.0,4.0],"nan":0"#))
  }

  @Test func tensorsAreNamed() throws {
    let path = folder.path("d.npz")
    try TensorArchive([
      ("images", Tensor((0..<70 * 4).map { UInt8($0 % 251) }, shape: [70, 2, 2])),
      ("labels", Tensor.zeros([70])),
    ]).write(to: path)
    let output = folder.path("d.png")
    let nameless = try Command.run("view", path, "-o", output)
    #expect(nameless.status == 2)
    #expect(nameless.errors.contains("'images', 'labels'"))
    #expect(try Command.run("view", path, "nothing", "-o", output).status == 2)
    let vector = try Command.run("view", path, "labels", "-o", output)
    #expect(vector.status == 2)
    #expect(vector.errors.contains("tensor 'labels'") && vector.errors.contains("is no image"))
    let sheet = try Command.run("view", path, "images", "-o", output)
    #expect(sheet.status == 0)
    #expect(sheet.errors.contains("first 64 of 70 images"))
    #expect(try png(output)[0] == "23 23 1")
    let few = try Command.run(
      "view", path, "images", "-fo", output, "--max-images", "3", "--columns", "3", "--colormap",
      "viridis")
    #expect(few.status == 0)
    #expect(try png(output)[0] == "8 2 3")
  }

  @Test func whatIsNoNumberIsSaid() throws {
    let path = folder.path("n.npy")
    try Tensor([0, .nan, .infinity, 1] as [Double], shape: [2, 2]).write(to: path)
    let output = folder.path("n.png")
    let result = try Command.run("view", path, "-o", output)
    #expect(result.status == 0)
    #expect(result.errors.contains("1 NaN, shown in magenta"))
    #expect(result.errors.contains("1 infinite"))
    #expect(try png(output) == ["2 2 3", "000000" + "ff00ff" + "ff0000" + "ffffff"])
  }

  @Test func previewsAreText() throws {
    let refused = try Command.run("view", grey)
    #expect(refused.status == 64)
    #expect(refused.errors.contains("-o out.png") && refused.errors.contains("--preview"))
    let environment = ["TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": ""]
    func preview(_ changes: [String: String], _ more: String...) throws -> String {
      let result = try run(
        Command.path, ["view", grey, "--preview"] + more,
        environment: environment.merging(changes) { $1 })
      #expect(result.status == 0)
      return result.output
    }
    #expect(
      try preview([:])
        == "\u{1b}[38;2;0;0;0m\u{1b}[48;2;128;128;128m▀\u{1b}[38;2;64;64;64m\u{1b}[48;2;255;255;255m▀\u{1b}[0m\n"
    )
    #expect(try preview(["COLORTERM": ""]).contains("\u{1b}[38;5;16m"))
    for plain in [["NO_COLOR": "1"], ["TERM": "dumb"]] {
      #expect(try preview(plain) == " *\n" || preview(plain).utf8.allSatisfy { $0 < 0x7f })
      #expect(try !preview(plain).contains("\u{1b}"))
    }
    let large = try preview(["COLUMNS": "10", "LINES": "4"], "--scale", "100")
    #expect(large.split(separator: "\n").count == 2)
  }

  /// On a terminal nothing has to be asked for.
  @Test func aTerminalNeedsNoFlag() throws {
    guard let python = Oracle.python else { throw Oracle.Missing() }
    let script = """
      import os, pty, subprocess, sys
      ours, theirs = pty.openpty()
      process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=theirs)
      os.close(theirs)
      text = b""
      while True:
          try:
              part = os.read(ours, 65536)
          except OSError:
              break
          if not part:
              break
          text += part
      sys.stdout.buffer.write(text)
      sys.exit(process.wait())
      """
    let result = try run(
      python, ["-c", script, Command.path, "view", grey],
      environment: ["TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": ""])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("\u{1b}[38;2;0;0;0m"))
  }

  /// 40 GB with holes: refused as a file, and thinned as a preview.
  @Test func hugeArraysAreBounded() throws {
    let path = folder.path("huge.npy")
    let script = """
      import numpy as np, sys
      with open(sys.argv[1], "wb") as file:
          np.lib.format.write_array_header_2_0(
              file, {"descr": "<f4", "fortran_order": False, "shape": (100000, 100000)})
          file.truncate(file.tell() + 40_000_000_000)
      """
    _ = try Oracle.run(["-c", script, path])
    let refused = try Command.run("view", path, "-o", folder.path("h.png"))
    #expect(refused.status == 2)
    #expect(refused.errors.contains("--max-pixels") && refused.errors.contains("--slice ::"))
    #expect(try !folder.contents().contains("h.png"))
    let part = try Command.run(
      "view", path, "-o", folder.path("h.png"), "--slice", "::5000,::5000")
    #expect(part.status == 0)
    #expect(try png(folder.path("h.png"))[0] == "20 20 1")
    let preview = try Command.run("view", path, "--preview", "--max-pixels", "10000")
    #expect(preview.status == 0)
    #expect(preview.errors.contains("left out evenly"))
  }

  @Test func wrongFilesAndFlags() throws {
    let output = folder.path("x.png")
    let complex = folder.path("c.npy")
    try Tensor.zeros([2, 2], dtype: .complex64).write(to: complex)
    let empty = folder.path("e.npy")
    try Tensor.zeros([0, 2]).write(to: empty)
    for path in ["/nowhere/x.npy", complex, empty, Repository.testFile("demo/catalog.npy")] {
      let result = try Command.run("view", path, "-o", output)
      #expect(result.status == 2, "\(path)")
    }
    #expect(try Command.run("view", grey, "-o", "/nowhere/x.png").status == 2)
    let wrong = [
      ["-o", "x.jpg"], ["-o", output, "--scale", "0"], ["-o", output, "--range", "1"],
      ["-o", output, "--range", "1,0"], ["-o", output, "--range", "nan,1"],
      ["--json", "--preview"],
      ["-o", output, "--slice", "a"], ["-o", output, "--colormap", "jet"],
      ["-o", output, "--max-images", "0"], ["--preview", "--force"],
    ]
    for arguments in wrong {
      #expect(try Command.run(list: ["view", grey] + arguments).status == 64, "\(arguments)")
    }
    #expect(try !folder.contents().contains("x.png"))
  }
}
