import TensorIO
import TestSupport
import Testing

/// Choosing and renaming values where they lie, and on the way out of their containers.
@Suite struct EditingTests {
  private let module = Repository.testFile("torch/valid/module-class.pt")
  private let checkpoint = Repository.testFile("torch/valid/checkpoint.pt")

  private func edit(
    include: [String] = [], exclude: [String] = [], rename: [(String, String)] = []
  ) -> ArchiveEdit {
    var edit = ArchiveEdit()
    edit.include = include
    edit.exclude = exclude
    edit.renames = rename.map { (old: $0.0, new: $0.1) }
    return edit
  }

  /// The values `{'a': tensor, 'b': tensor, 'n': {'y': tensor}, 'l': []}`.
  private func nested() throws -> TensorArchive {
    var graph = ValueGraph(.none)
    func tensor(_ value: Float) throws -> ValueGraph.ID { graph.add(.tensor(try Tensor([value]))) }
    func key(_ text: String) -> ValueGraph.ID { graph.add(.string(text)) }
    let inner = graph.add(.dictionary([(key("y"), try tensor(3))]))
    graph.setRoot(
      graph.add(
        .dictionary([
          (key("a"), try tensor(1)), (key("b"), try tensor(2)), (key("n"), inner),
          (key("l"), graph.add(.list([]))),
        ])))
    return try TensorArchive(graph)
  }

  /// A key that is there already would make two entries of one key, of which Python keeps the last.
  @Test(arguments: [("a", "b"), ("b", "a"), ("a", "n"), ("b", "l"), ("n.y", "n.y")])
  func aRenameNeverHitsAnotherKey(_ old: String, _ new: String) throws {
    let archive = try nested()
    let edit = edit(rename: [(old, new)])
    if old == new {
      #expect(try edit.applied(to: archive, nested: true).names == ["a", "b", "n.y"])
    } else {
      let error = #expect(throws: TensorIOError(.invalidArgument, "")) {
        try edit.applied(to: archive, nested: true)
      }
      #expect(error?.reason.contains("'\(new)'") == true)
    }
  }

  @Test func renamesMayMeetWhatGoes() throws {
    let archive = try nested()
    let swapped = try edit(rename: [("a", "b"), ("b", "a")]).applied(to: archive, nested: true)
    #expect(swapped.names == ["b", "a", "n.y"])
    #expect(try swapped.tensor("b").array(of: Float.self) == [1])
    let replaced = try edit(exclude: ["b", "n"], rename: [("a", "n")])
      .applied(to: archive, nested: true)
    #expect(replaced.names == ["n"])
    #expect(throws: TensorIOError(.invalidArgument, "")) {
      try edit(rename: [("a", "x"), ("b", "x")]).applied(to: archive, nested: true)
    }
  }

  /// What `ls --tree` shows is what a pattern may say: containers too, empty ones too.
  @Test func aPatternForAContainerTakesAllInIt() throws {
    let archive = try nested()
    let without = try edit(exclude: ["n"]).applied(to: archive, nested: true)
    #expect(without.names == ["a", "b"])
    #expect(without.values.children(of: without.values.root)?.map(\.key) == ["a", "b", "l"])
    let alone = try edit(include: ["n"]).applied(to: archive, nested: true)
    #expect(alone.values.children(of: alone.values.root)?.map(\.key) == ["n"])
    let empty = try edit(exclude: ["l"]).applied(to: archive, nested: true)
    #expect(empty.values.children(of: empty.values.root)?.map(\.key) == ["a", "b", "n"])
    #expect(try edit(exclude: ["n"]).applied(to: archive).names == ["a", "b"])
    let file = try TensorArchive(contentsOf: checkpoint)
    let model = try edit(exclude: ["optimizer"]).applied(to: file, nested: true)
    #expect(model.names == file.names.filter { $0.hasPrefix("model.") })
    #expect(try edit(include: ["model"]).applied(to: file).names == model.names)
  }

  /// Both the names that `ls` shows and those of the state_dict, both in and out of the nesting.
  @Test(
    arguments: ["first", "first.*", "_modules.first", "_modules.first.*", "*first*"], [true, false])
  func modulesAnswerToBothNames(_ pattern: String, _ nested: Bool) throws {
    let archive = try TensorArchive(contentsOf: module)
    let result = try edit(exclude: [pattern]).applied(to: archive, nested: nested)
    #expect(!result.entries.isEmpty)
    #expect(!result.names.contains { $0.contains("first") })
  }

  @Test(arguments: ["first.weight", "_modules.first._parameters.weight"])
  func parametersOfModulesAreChangedByEitherName(_ old: String) throws {
    let archive = try TensorArchive(contentsOf: module)
    let path = "_modules.first._parameters.weight"
    let without = try edit(exclude: [old]).applied(to: archive, nested: true)
    #expect(without.names == archive.names.filter { $0 != path })
    let new = old.replacing("weight", with: "w")
    let renamed = try edit(rename: [(old, new)]).applied(to: archive, nested: true)
    #expect(renamed.names == archive.names.map { $0 == path ? "_modules.first._parameters.w" : $0 })
    #expect(try edit(rename: [(old, "x")]).applied(to: archive).names.contains("x"))
    #expect(throws: TensorIOError(.invalidArgument, "")) {
      try edit(rename: [(old, "elsewhere.w")]).applied(to: archive, nested: true)
    }
  }

  /// Of an object no part can be left out; the error says of which.
  @Test func partsOfObjectsStay() throws {
    let archive = try TensorArchive(contentsOf: module)
    let error = #expect(throws: TensorIOError(.invalidArgument, "")) {
      try edit(include: ["first.*"]).applied(to: archive, nested: true)
    }
    #expect(error?.reason.contains("'training' is a part of the whole, an object of") == true)
  }

  @Test func patternsThatMatchNothingAreErrors() throws {
    let archive = try nested()
    for nested in [true, false] {
      for edit in [
        edit(include: ["a", "z*"]), edit(exclude: ["z*"]), edit(rename: [("z", "a")]),
        edit(exclude: ["a"], rename: [("a", "x")]), edit(rename: [("n", "m")]),
      ] {
        #expect(throws: TensorIOError(.invalidArgument, "")) {
          try edit.applied(to: archive, nested: nested)
        }
      }
    }
  }

  // MARK: Losses

  private func losses(_ archive: TensorArchive) throws -> Set<String> {
    Set(try archive.losses(writingTo: "x.npz").map { "\($0.kind) \($0.name): \($0.message)" })
  }

  /// Values without a leaf of their own do not vanish in silence.
  @Test func containersAndClassesAreAccountedFor() throws {
    var graph = ValueGraph(.none)
    let tensor = graph.add(.tensor(try Tensor([1 as Float])))
    graph.setTraits(.init(type: GlobalName("demo", "Weight")), of: tensor)
    let empty = graph.add(.list([]))
    let around = graph.add(.tuple([empty, graph.add(.set([]))]))
    graph.setRoot(
      graph.add(
        .dictionary([
          (graph.add(.string("w")), tensor),
          (graph.add(.int(5)), graph.add(.tensor(try Tensor([2 as Float])))),
          (graph.add(.string("e")), around),
        ])))
    #expect(
      try losses(try TensorArchive(graph)) == [
        "nesting 5: that its key is a number; it becomes the name '5'",
        "value w: the class demo.Weight",
        "value e: a tuple without values in it",
      ])
    let merged = try ArchiveEdit().merging(
      [MergeInput(try TensorArchive(graph))], keepingValues: false)
    #expect(
      merged.losses[0].map { "\($0.kind) \($0.name)" } == ["nesting 5", "value e"])
    // What was not chosen is not lost.
    let chosen = try edit(exclude: ["e"]).merging(
      [MergeInput(try TensorArchive(graph))], keepingValues: false)
    #expect(chosen.losses[0].map(\.name) == ["5"])
  }

  @Test func cyclesAreAccountedFor() throws {
    let file = Repository.testFile("torch/valid/cyclic-dict.pt")
    let losses = try losses(try TensorArchive(contentsOf: file))
    #expect(losses.contains("value child.parent: that a dictionary around it is here again"))
  }

  @Test func theRootIsAccountedFor() throws {
    let list = try TensorArchive(ValueGraph(list: [.tensor(try Tensor([1 as Float]))]))
    #expect(try losses(list) == ["nesting : that the whole is a list"])
    let lone = try TensorArchive(try Tensor([1 as Float]))
    #expect(try losses(lone) == ["name : that it has no name; it becomes 'arr_0'"])
  }

  /// A state_dict loads without `_metadata`; other attributes are missed.
  @Test func metadataIsNoSeriousLoss() throws {
    let states = try TensorArchive(contentsOf: Repository.testFile("torch/valid/state-dict.pt"))
    let losses = try states.losses(writingTo: "x.npz")
    #expect(losses.map(\.kind) == [.metadata])
    #expect(!losses.contains { $0.kind.isSerious })
    var graph = states.values
    let state = graph.add(
      .dictionary([(graph.add(.string("note")), graph.add(.string("text")))]))
    graph.setTraits(
      .init(type: GlobalName("collections", "OrderedDict"), states: [state]), of: graph.root)
    let other = try TensorArchive(graph).losses(writingTo: "x.npz")
    #expect(other.map { "\($0.kind) \($0.message)" } == ["value the attributes note"])
  }

  // MARK: Objects

  /// Arrays of objects take their objects with them, also into a folder.
  @Test func objectsGoIntoFoldersToo() throws {
    let folder = try TemporaryFolder()
    let archive = try TensorArchive(
      contentsOf: Repository.testFile("npz/valid/object-member.npz"))
    try archive.extract(to: folder.path("out"), ending: "npy")
    var count = 0
    for entry in archive.entries {
      let copy = try TensorArchive(contentsOf: folder.path("out/\(entry.name).npy"))
      #expect(try copy.onlyTensor().shape == entry.tensor.shape)
      let elements = archive.values.traits(of: entry.id)?.elements ?? []
      let copied = copy.values.traits(of: copy.entries[0].id)?.elements ?? []
      #expect(copied.count == elements.count)
      count += elements.count
    }
    #expect(count > 0)
  }

  /// A lone tensor knows nothing of its objects: nothing is better than a file without them.
  @Test func objectsAreNotForgotten() throws {
    let folder = try TemporaryFolder()
    let archive = try TensorArchive(contentsOf: Repository.testFile("npy/valid/object.npy"))
    let error = #expect(throws: TensorIOError(.invalidArgument, "")) {
      try archive.onlyTensor().write(to: folder.path("x.npy"))
    }
    #expect(error?.reason.contains("Python objects") == true)
    #expect(try folder.contents() == [])
  }
}
