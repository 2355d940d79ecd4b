import ByteIO
import Foundation
import TensorIO
import TensorModel
import TestSupport
import Testing

@testable import NumPyFormat
@testable import ZIPContainer

/// ``NPZEditor`` interrupted or refused at every write, and with undo files that lie.
@Suite struct NPZEditorFaultTests {
  private let folder: TemporaryFolder
  private let path: String
  private let undo: String
  init() throws {
    folder = try TemporaryFolder()
    path = folder.path("x.npz")
    undo = folder.path(".x.npz.tensorio-undo")
  }

  private func archive(_ names: [String]) throws -> TensorArchive {
    try TensorArchive(
      names.enumerated().map { ($1, try Tensor((0..<Int32(5 + $0)).map { $0 }, shape: nil)) })
  }

  /// The names and elements of the archive.
  private func contents() throws -> [String: [Int32]] {
    let archive = try TensorArchive(contentsOf: path)
    return Dictionary(
      uniqueKeysWithValues: try archive.entries.map {
        ($0.name, try $0.tensor.array(of: Int32.self))
      })
  }

  /// An archive and its undo file at some moment.
  private struct State {
    var file: [UInt8]
    var undo: [UInt8]?
  }

  /// What is in the files after each change, and after a part of each write.
  private func states(of edit: (NPZEditor) throws -> Void) throws -> [State] {
    var states: [State] = []
    var image = try bytes(of: path)
    let (undo, fileManager) = (self.undo, FileManager.default)
    let editor = try NPZEditor(path) { (change) throws(TensorIOError) in
      let saved = fileManager.contents(atPath: undo).map { [UInt8]($0) }
      states.append(State(file: image, undo: saved))
      switch change {
      case .write(let bytes, let offset):
        for count in 1...max(1, bytes.count) where count <= bytes.count {
          var part = image
          part += [UInt8](repeating: 0, count: max(0, offset + count - part.count))
          part.replaceSubrange(offset..<offset + count, with: bytes[..<count])
          states.append(State(file: part, undo: saved))
          if count == bytes.count { image = part }
        }
      case .truncate(let count):
        image = Array(image.prefix(count))
        states.append(State(file: image, undo: saved))
      case .synchronize: break
      }
    }
    try edit(editor)
    // An archive without members is a file of its own.
    let final = try bytes(of: path)
    #expect(final == image || final.count == 22)
    states.append(State(file: final, undo: nil))
    return states
  }

  private enum Edit: CaseIterable {
    case add, replace, removeFirst, removeLast, removeAll, everything
  }

  /// Whatever was written when the power went: the next editor finds the old archive or the new one.
  @Test(arguments: Edit.allCases)
  private func everyPrefixOfAnEditIsMended(_ edit: Edit) throws {
    try archive(["a", "b", "c"]).write(to: path)
    let old = try contents()
    let states = try states { editor in
      let tensor = try Tensor([9, 9, 9] as [Int32])
      switch edit {
      case .add: try editor.add("d", tensor)
      case .replace: try editor.replace("b", tensor)
      case .removeFirst: try editor.remove("a")
      case .removeLast: try editor.remove("c")
      case .removeAll: for name in ["a", "b", "c"] { try editor.remove(name) }
      case .everything:
        try editor.remove("a")
        try editor.replace("c", tensor)
        try editor.add("d", tensor)
        try editor.add("a", tensor)
      }
      try editor.commit(synced: true)
    }
    let new = try contents()
    #expect(new != old && states.count > 20)
    var (undone, completed, clean) = (0, 0, 0)
    for state in states {
      try folder.write(state.file, "x.npz")
      try? FileManager.default.removeItem(atPath: undo)
      if let saved = state.undo { try folder.write(saved, ".x.npz.tensorio-undo") }
      do {
        let found = try contents()
        #expect(found == old || found == new)
      } catch let error as TensorIOError {
        // An archive without members is cut to nothing while it is written.
        #expect(state.file.isEmpty || error.reason.contains("--recover"), "\(error)")
      }
      let editor = try NPZEditor(path)
      switch editor.recovery {
      case .undone: undone += 1
      case .completed: completed += 1
      case nil: clean += 1
      }
      editor.cancel()
      let found = try contents()
      #expect(found == old || found == new)
      #expect(try folder.contents() == ["x.npz"])
    }
    print(
      "prefixes of \(edit): \(states.count), undone \(undone), completed \(completed), clean \(clean)"
    )
    #expect(undone > 0 && completed > 0 && clean > 0)
  }

  /// A write that fails, whichever it is, leaves the archive as it was.
  @Test func aFullDiskLeavesTheOldArchive() throws {
    try archive(["a", "b", "c"]).write(to: path)
    let before = try bytes(of: path)
    for limit in 0..<30 {
      var writes = 0
      var hasFailed = false
      let editor = try NPZEditor(path) { (change) throws(TensorIOError) in
        guard case .write = change, !hasFailed else { return }
        writes += 1
        if writes > limit {
          hasFailed = true
          throw TensorIOError(.io, "no space left")
        }
      }
      do {
        try editor.add("d", try Tensor([9] as [Int32]))
        try editor.replace("a", try Tensor([9] as [Int32]))
        try editor.commit()
        #expect(limit > 4)
        return
      } catch {
        #expect(try bytes(of: path) == before)
        #expect(try folder.contents() == ["x.npz"])
        #expect(throws: TensorIOError(.invalidArgument, "")) { try editor.commit() }
      }
    }
    Issue.record("the edit never came through")
  }

  /// An interrupted edit, and what else may lie in the place of its undo file.
  @Test func undoFilesThatLieChangeNothing() throws {
    try archive(["a", "b"]).write(to: path)
    let states = try states { editor in
      try editor.add("c", try Tensor([1] as [Int32]))
      try editor.commit()
    }
    let torn = try #require(states.last { $0.undo != nil && $0.file.count < 900 })
    let saved = try #require(torn.undo)
    var lies: [[UInt8]] = [
      [], Array(saved.dropLast()), saved + [0], [UInt8](repeating: 0, count: 99),
    ]
    for index in saved.indices {
      var lie = saved
      lie[index] ^= 0x41
      lies.append(lie)
    }
    for lie in lies {
      try folder.write(torn.file, "x.npz")
      try folder.write(lie, ".x.npz.tensorio-undo")
      let error = #expect(throws: TensorIOError.self) { try NPZEditor(path) }
      #expect(error?.code == .malformed && error?.place.file == undo, "\(error as Any)")
      #expect(try bytes(of: path) == torn.file)
      #expect(try bytes(of: undo) == lie)
    }
    // That of another archive is whole, and does not fit.
    try archive(["z", "y", "x"]).write(to: path)
    let other = try bytes(of: path)
    try folder.write(saved, ".x.npz.tensorio-undo")
    let error = #expect(throws: TensorIOError.self) { try NPZEditor(path) }
    #expect(error?.reason.contains("another archive") == true)
    #expect(try bytes(of: path) == other)
    // The archive itself is fine, and is read.
    #expect(try contents().count == 3)
  }

  @Test func archivesThatAreNotEdited() throws {
    try Tensor([1] as [Int32]).write(to: folder.path("x.npy"))
    #expect(throws: TensorIOError(.malformed, "")) { try NPZEditor(folder.path("x.npy")) }
    #expect(throws: TensorIOError(.io, "")) { try NPZEditor(folder.path("none.npz")) }
    #expect(throws: TensorIOError.self) { try NPZEditor(folder.url.path) }
    try archive(["a"]).write(to: folder.path("x.pt"))
    let torch = #expect(throws: TensorIOError.self) { try NPZEditor(folder.path("x.pt")) }
    #expect(torch?.code == .unsupported && torch?.reason.contains("PyTorch") == true)
    try archive(["a"]).write(to: path)
    try folder.write(bytes(of: path) + [1, 2, 3], "x.npz")
    let trailing = #expect(throws: TensorIOError.self) { try NPZEditor(path) }
    #expect(trailing?.code == .unsupported && trailing?.reason.contains("convert") == true)
  }

  /// Rows of the archive itself: what is read is cut off meanwhile, which is an error.
  @Test func aMemberOfTheArchiveItselfIsRefused() throws {
    try archive(["a"]).write(to: path)
    let before = try bytes(of: path)
    let source = try TensorArchive(contentsOf: path)
    let editor = try NPZEditor(path)
    #expect(throws: TensorIOError(.io, "")) { try editor.add("b", source.tensor("a")) }
    #expect(try bytes(of: path) == before)
    #expect(try folder.contents() == ["x.npz"])
  }
}
