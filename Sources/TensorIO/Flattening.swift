/// Takes the values of a file out of their containers and gives each one name.
package struct Flattening {
  /// A value that is taken.
  struct Value {
    let name: String
    let path: [String]
    let id: ValueGraph.ID
  }

  /// A container, as the walk met it.
  private struct Container {
    /// The last of the keys that lead to it.
    ///
    /// All of them would be too much: containers that are shared are met millions of times.
    let key: String
    let id: ValueGraph.ID
    /// The number of the container it lies in, of all that were met.
    let outer: Int?
    let isChosen: Bool
    /// Whether it leads back to a container around it.
    let isCycle: Bool
    /// Whether a value that is no container lies in it.
    var hasValues = false
    /// Whether one was chosen.
    var isUsed = false
  }

  private let archive: TensorArchive
  private let stem: String?
  /// Whether all names need the stem, because those in the file are numbers.
  private let isNumbered: Bool
  /// Whether the whole stays the list that it is.
  private let keepsRoot: Bool
  private let isProgram: Bool
  private let keepsValues: Bool
  private var containers: [Container] = []
  private var open: [Int] = []

  private(set) var tensors: [Value] = []
  private(set) var others: [Value] = []
  /// Values that get another name than they had, or have no place.
  private(set) var valueLosses: [Loss] = []
  /// What was said of values by the containers they lay in.
  private(set) var containerLosses: [Loss] = []

  var losses: [Loss] { valueLosses + keyLosses + containerLosses }

  /// Keys that are no text.
  private(set) var keyLosses: [Loss] = []

  /// - Parameter keepsRoot: whether the whole stays the list that it is; nil where lists of arrays
  ///   without names do, which get the name of their file.
  init(_ file: MergeInput, keepsValues: Bool, keepsRoot: Bool? = nil) {
    archive = file.archive
    stem = file.name?.withoutEnding
    isNumbered =
      file.archive.format.flatMap { FormatRegistry.format(id: $0) }
      .map { !$0.descriptor.holdsMany } ?? false
    self.keepsRoot = keepsRoot ?? isNumbered
    isProgram = file.archive.isProgram
    self.keepsValues = keepsValues
  }

  /// Takes what is chosen.
  mutating func take(_ chooser: inout Chooser) throws(TensorIOError) {
    // The limits were kept when the archive was made.
    var walk = GraphWalk(archive.values, limits: .unlimited)
    while let step = try walk.next() {
      open.removeLast(open.count - walk.depth)
      guard step.isLeaf else {
        let isChosen = try chooser.isChosen(walk, step)
        let children = step.hasContents ? nil : archive.values.children(of: step.id)
        containers.append(
          Container(
            key: walk.path.last ?? "", id: step.id, outer: open.last, isChosen: isChosen,
            isCycle: children?.isEmpty == false))
        open.append(containers.count - 1)
        continue
      }
      let name = self.name(of: step.id, walk)
      mark(\.hasValues)
      guard try chooser.isChosen(walk, step, merged: name) else { continue }
      mark(\.isUsed)
      let new = try chooser.rename(at: walk, merged: name)?.new ?? name
      take(Value(name: new, path: walk.path, id: step.id), walk)
    }
    addContainerLosses()
  }

  /// Notes something of all containers around the walk's last step.
  private mutating func mark(_ flag: WritableKeyPath<Container, Bool>) {
    for index in open.reversed() {
      if containers[index][keyPath: flag] { break }
      containers[index][keyPath: flag] = true
    }
  }

  private func name(of id: ValueGraph.ID, _ walk: GraphWalk) -> String {
    let path = archive.values.isTensor(id) ? walk.stateDictPath : walk.path
    let name = path.joined(separator: ".")
    guard let stem, isNumbered || path.isEmpty else { return name }
    return path.isEmpty ? stem : "\(stem).\(name)"
  }

  private mutating func take(_ value: Value, _ walk: GraphWalk) {
    let path = value.path.joined(separator: ".")
    if archive.values.isTensor(value.id) {
      tensors.append(value)
      // Names in a program are paths of attributes.
      if isProgram { return }
    } else if isProgram {
      valueLosses.append(
        Loss(.value, of: path, "an attribute of the program, which is no tensor"))
      return
    } else if !keepsValues, value.path.count > 1, case .bytes = archive.values[value.id] {
      // Bytes under a name alone are members of an archive.
      valueLosses.append(Loss(.value, of: path, "bytes among nested values"))
      return
    } else {
      others.append(value)
      // What has no place gets no name.
      if !keepsValues { return }
    }
    if value.path.count > 1 {
      valueLosses.append(
        Loss(.nesting, of: path, "the nesting; the path becomes the name '\(value.name)'"))
    } else if let key = oddKey(walk) {
      keyLosses.append(
        Loss(.nesting, of: path, "that its key is \(key); it becomes the name '\(value.name)'"))
    }
  }

  /// What the key in the outermost dictionary is, where it is no text.
  private func oddKey(_ walk: GraphWalk) -> String? {
    guard let place = walk.chain.first,
      case .dictionary(let pairs) = archive.values[place.container],
      pairs.indices.contains(place.index)
    else { return nil }
    return switch archive.values[pairs[place.index].key] {
    case .string: nil
    case .int, .bigInteger, .float: "a number"
    case .bool: "a truth value"
    case .none: "None"
    default: archive.values.kindText(of: pairs[place.index].key)
    }
  }
}

// MARK: Containers

extension Flattening {
  /// More losses of containers than anybody will read.
  package static let mostContainerLosses = 1 << 16

  private mutating func addContainerLosses() {
    if isProgram { return }
    addRootLoss()
    var isReported: Set<Int> = []
    for (index, container) in containers.enumerated() {
      guard containerLosses.count < Self.mostContainerLosses else {
        containerLosses.append(Loss(.value, of: "", "more containers, and attributes of them"))
        return
      }
      if container.isUsed || container.isChosen { addAttributes(of: container) }
      guard container.isChosen, !container.hasValues, let outer = container.outer else { continue }
      // Of containers without values in each other, the outermost says it all; what an object has
      // of them is nothing but how its class is made.
      guard !isReported.contains(outer), !isAttribute(of: outer) else {
        isReported.insert(index)
        continue
      }
      isReported.insert(index)
      let kind = archive.values.kindText(of: container.id)
      containerLosses.append(
        Loss(
          .value, of: name(of: container),
          container.isCycle
            ? "that \(kind) around it is here again" : "\(kind) without values in it"))
    }
  }

  private func name(of container: Container) -> String {
    var keys = [container.key]
    var outer = container.outer
    while let index = outer {
      keys.append(containers[index].key)
      outer = containers[index].outer
    }
    return keys.dropLast().reversed().joined(separator: ".")
  }

  /// Whether a container with values in it is an object.
  private func isAttribute(of outer: Int) -> Bool {
    guard containers[outer].hasValues, case .object = archive.values[containers[outer].id] else {
      return false
    }
    return true
  }

  private mutating func addAttributes(of container: Container) {
    // The state of an object is what lies in it.
    if case .object = archive.values[container.id] { return }
    let states = archive.values.traits(of: container.id)?.states ?? []
    if states.isEmpty { return }
    let name = name(of: container)
    let keys = states.flatMap { archive.values.children(of: $0)?.map(\.key) ?? ["<state>"] }
    if keys == ["_metadata"] {
      containerLosses.append(
        Loss(.metadata, of: name, "_metadata; load_state_dict works without it"))
    } else {
      let text = keys.prefix(3).joined(separator: ", ") + (keys.count > 3 ? ", …" : "")
      containerLosses.append(Loss(.value, of: name, "the attributes \(text)"))
    }
  }

  private mutating func addRootLoss() {
    guard let root = containers.first, root.isUsed, !keepsRoot else { return }
    let values = archive.values
    if case .dictionary = values[root.id] {
      guard let type = values.traits(of: root.id)?.type,
        type != GlobalName("collections", "OrderedDict")
      else { return }
      containerLosses.append(Loss(.value, of: "", "the class \(type) of the dictionary"))
    } else {
      containerLosses.append(
        Loss(.nesting, of: "", "that the whole is \(values.kindText(of: root.id))"))
    }
  }
}

extension TensorArchive {
  /// Whether this is a program of TorchScript, of which the tensors are taken and the code is not.
  public var isProgram: Bool { format == "torchscript" }

  /// What a format without nesting loses of containers and classes.
  func flatLosses(_ target: FormatDescriptor) -> [Loss] {
    // Files of one array may hold several, in a row.
    let isList = if case .list = values[values.root] { true } else { false }
    let keepsRoot = !target.holdsMany && entries.count > 1 && isList
    var flattening = Flattening(MergeInput(self), keepsValues: false, keepsRoot: keepsRoot)
    var chooser = Chooser(ArchiveEdit())
    // The walk succeeded when the archive was made.
    try? flattening.take(&chooser)
    let keyLosses = target.holdsMany ? flattening.keyLosses : []
    return keyLosses + flattening.containerLosses + classLosses()
  }

  /// The classes of tensors, and attributes that objects of them have.
  private func classLosses() -> [Loss] {
    var order: [GlobalName] = []
    var classes: [GlobalName: [Entry]] = [:]
    var losses: [Loss] = []
    for entry in entries {
      guard let traits = values.traits(of: entry.id) else { continue }
      if !traits.states.isEmpty {
        losses.append(Loss(.value, of: entry.name, "the attributes of the tensor"))
      }
      guard let type = traits.type, !type.isPlainArray else { continue }
      if classes[type] == nil { order.append(type) }
      classes[type, default: []].append(entry)
    }
    for type in order {
      guard let some = classes[type] else { continue }
      let more = some.count > 1 ? ", and of \(some.count - 1) more" : ""
      losses.append(Loss(.value, of: some[0].name, "the class \(type)\(more)"))
    }
    return losses
  }
}

extension GlobalName {
  /// Whether the class says no more of a tensor than that it is one.
  fileprivate var isPlainArray: Bool {
    name == "ndarray" && module.split(separator: ".").first == "numpy"
      || self == GlobalName("torch", "Tensor")
  }
}
