/// Puts the tensors of shards together as one dictionary, in the order of the index.
struct ShardAssembly {
  private let index: ShardIndex
  private let options: ReadingOptions
  private var graph = ValueGraph(.none)
  /// The values of the names, in the order of the index.
  private var values: [ValueGraph.ID?]
  private var findings: [Finding] = []
  private var globals: [GlobalUse] = []
  /// Texts about the shards; of several under one key the first counts.
  private var metadata: [(key: String, value: String)] = []
  private var metadataKeys: Set<ByteKey> = []
  /// The format of the first shard, which all have.
  private var format: FormatDescriptor?
  /// The places of each shard's names in the index.
  private let places: [[Int]]

  init(_ index: ShardIndex, _ options: ReadingOptions) {
    self.index = index
    self.options = options
    values = Array(repeating: nil, count: index.names.count)
    var places: [[Int]] = Array(repeating: [], count: index.shards.count)
    for (place, entry) in index.names.enumerated() { places[entry.shard].append(place) }
    self.places = places
  }

  /// Takes what the index says of a shard.
  /// - Throws: `malformed` for a name that the shard has not, and for a shard of another format than
  ///   the first; `limit` when all shards together have more objects than one file may have.
  mutating func add(
    _ archive: TensorArchive, _ format: FormatDescriptor, shard: Int
  ) throws(TensorIOError) {
    let name = index.shards[shard]
    if let first = self.format, first.id != format.id {
      throw .malformed(
        "the shard '\(name.escapedForDisplay)' is a \(format.id) file, others are \(first.id) files"
      )
    }
    self.format = format
    guard graph.count + archive.values.count <= options.limits.objectCount else {
      throw .limit(
        "the number of objects in all shards", graph.count + archive.values.count,
        over: options.limits.objectCount, raise: "objectCount")
    }
    let contents = Self.contents(of: archive)
    let joined = graph.join(archive.values)
    var listed: Set<ByteKey> = []
    for place in places[shard] {
      let key = ByteKey(index.names[place].name)
      guard let id = contents[key] else {
        throw TensorIOError(
          .malformed,
          "the index says that it is in '\(name.escapedForDisplay)', and it is not; fetch both again",
          at: .init(tensor: key.text))
      }
      listed.insert(key)
      values[place] = joined.id(id)
    }
    noteUnlisted(archive, listed, name)
    for text in archive.metadata where metadataKeys.insert(ByteKey(text.key)).inserted {
      metadata.append(text)
    }
    findings += archive.findings.map {
      Finding(
        $0.code, $0.message, member: path(name, $0.member), tensor: $0.tensor, offset: $0.offset)
    }
    globals += archive.globals.map {
      GlobalUse($0.name, $0.verdict, member: path(name, $0.member), offset: $0.offset)
    }
  }

  /// The values of a shard by their names: keys of the dictionary that it is, then paths of tensors.
  private static func contents(of archive: TensorArchive) -> [ByteKey: ValueGraph.ID] {
    var contents: [ByteKey: ValueGraph.ID] = [:]
    let graph = archive.values
    if case .dictionary(let pairs) = graph[graph.root] {
      for pair in pairs {
        guard case .string(let key) = graph[pair.key] else { continue }
        contents[ByteKey(key)] = pair.value
      }
    }
    for names in [archive.entries.map(\.name), archive.entries.map(\.stateDictName)] {
      for (entry, name) in zip(archive.entries, names) where contents[ByteKey(name)] == nil {
        contents[ByteKey(name)] = entry.id
      }
    }
    return contents
  }

  private mutating func noteUnlisted(
    _ archive: TensorArchive, _ listed: Set<ByteKey>, _ shard: String
  ) {
    let unlisted = archive.entries.filter { entry in
      ![entry.name, entry.stateDictName, entry.path.first ?? ""].contains {
        listed.contains(ByteKey($0))
      }
    }
    guard let first = unlisted.first else { return }
    let more = unlisted.count > 1 ? ", as \(unlisted.count - 1) more of the shard" : ""
    findings.append(
      Finding(
        .unlistedTensor, "the index does not name '\(first.name.escapedForDisplay)'\(more)",
        member: shard, tensor: first.name))
  }

  private func path(_ shard: String, _ member: String?) -> String {
    member.map { "\(shard)/\($0)" } ?? shard
  }

  /// All shards as one archive.
  func archive() throws(TensorIOError) -> TensorArchive {
    var graph = graph
    var pairs: [(key: ValueGraph.ID, value: ValueGraph.ID)] = []
    for (entry, value) in zip(index.names, values) {
      guard let value else { continue }
      pairs.append((graph.add(.string(entry.name)), value))
    }
    graph.setRoot(graph.add(.dictionary(pairs)))
    var archive = try TensorArchive(
      graph, format: format?.id, findings: findings, globals: globals,
      metadata: metadata, limits: options.limits)
    if let finding = archive.sizeFinding(expecting: index.totalSize) {
      archive.findings.append(finding)
    }
    return archive
  }
}

extension TensorArchive {
  /// The finding that an index says another size than the tensors have.
  ///
  /// Writers count in four ways: each storage once, the largest tensor on a storage, those on it that
  /// differ, and each tensor by itself.
  fileprivate func sizeFinding(expecting size: Int?) -> Finding? {
    guard let size else { return nil }
    var storages: [ObjectIdentifier: (whole: Int, used: Int)] = [:]
    var outlines: [ObjectIdentifier: Set<Outline>] = [:]
    var distinct = 0
    for entry in entries {
      let (tensor, id) = (entry.tensor, ObjectIdentifier(entry.tensor.storage))
      let used = max(storages[id]?.used ?? 0, tensor.byteCount)
      storages[id] = (tensor.storage.byteCount, used)
      guard outlines[id, default: []].insert(Outline(tensor)).inserted else { continue }
      distinct = distinct.addingReportingOverflow(tensor.byteCount).partialValue
    }
    func sum(_ sizes: some Sequence<Int>) -> Int {
      sizes.reduce(0) { sum, size in
        let (total, overflow) = sum.addingReportingOverflow(size)
        return overflow ? .max : total
      }
    }
    let once = sum(storages.values.map(\.whole))
    let sizes = [once, sum(storages.values.map(\.used)), distinct, byteCount]
    guard !sizes.contains(size) else { return nil }
    return Finding(
      .wrongTotalSize, "the index says a total_size of \(size) bytes, the tensors have \(once)")
  }
}
