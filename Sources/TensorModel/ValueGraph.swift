public import ByteIO

/// The nested values of a file: dictionaries, lists, scalars, bytes, tensors, and objects that only
/// Python could build.
///
/// Nodes lie in one array and refer to each other by index, so nesting of any depth costs no stack
/// when it is built or freed, objects that occur twice keep their identity, and cycles can be
/// stored and noticed.
public struct ValueGraph: Sendable {
  /// The index of a node.
  public struct ID: Sendable, Hashable {
    let index: UInt32

    /// The id of the node at a position, for those who keep many ids.
    package init(position: UInt32) { index = position }
    init(index: UInt32) { self.index = index }

    /// The position of the node.
    package var position: UInt32 { index }
  }

  /// One value.
  public enum Node: Sendable {
    case none
    case bool(Bool)
    case int(Int64)
    /// An integer past 64 bits, in decimal.
    case bigInteger(String)
    case float(Double)
    indirect case complex(Double, Double)
    case string(String)
    /// Bytes, read when somebody asks for them.
    indirect case bytes(any ByteSource)
    case list([ID])
    case tuple([ID])
    case set([ID])
    /// Keys and values in the order of the file.
    case dictionary([(key: ID, value: ID)])
    indirect case tensor(Tensor)
    /// Something that only Python could build, kept as the file describes it.
    indirect case object(InertObject)
  }

  private var nodes: [Node]
  private var traits: [ID: Traits] = [:]
  /// The outermost value.
  public private(set) var root: ID

  /// A graph of one value.
  public init(_ root: Node) {
    nodes = [root]
    self.root = ID(index: 0)
  }

  /// The value of a node.
  public subscript(id: ID) -> Node { nodes[Int(id.index)] }

  /// The number of values, those that nothing leads to included.
  package var count: Int { nodes.count }

  /// Whether the node is a tensor.
  public func isTensor(_ id: ID) -> Bool { self[id].isTensor }

  /// Makes room for more nodes; room that is not used costs nothing.
  package mutating func reserve(_ count: Int) { nodes.reserveCapacity(nodes.count + count) }

  /// Adds a node.
  public mutating func add(_ node: Node) -> ID {
    nodes.append(node)
    return ID(index: UInt32(nodes.count - 1))
  }

  /// Replaces the value of a node: containers that lead back to themselves are added empty first.
  public mutating func replace(_ id: ID, with node: Node) { nodes[Int(id.index)] = node }

  /// What Python adds to a value: its exact class, and attributes.
  public func traits(of id: ID) -> Traits? { traits[id] }

  /// Says what Python adds to a value.
  public mutating func setTraits(_ new: Traits?, of id: ID) { traits[id] = new }

  /// Makes `id` the outermost value.
  public mutating func setRoot(_ id: ID) { root = id }

  /// A graph of a dictionary with text keys.
  public init(dictionary: [(String, Node)]) {
    self.init(.none)
    var pairs: [(key: ID, value: ID)] = []
    for (key, node) in dictionary { pairs.append((add(.string(key)), add(node))) }
    root = add(.dictionary(pairs))
  }

  /// A graph of a list.
  public init(list: [Node]) {
    self.init(.none)
    var items: [ID] = []
    for node in list { items.append(add(node)) }
    root = add(.list(items))
  }

  /// The same graph with every tensor replaced.
  public func mapTensors<Failure: Error>(
    _ transform: (Tensor) throws(Failure) -> Tensor
  ) throws(Failure) -> ValueGraph {
    var graph = self
    for index in graph.nodes.indices {
      if case .tensor(let tensor) = graph.nodes[index] {
        graph.nodes[index] = .tensor(try transform(tensor))
      }
    }
    return graph
  }
}

extension ValueGraph {
  /// What Python knows of a value beside the value itself.
  public struct Traits: Sendable {
    /// The class, where it is not the plain one of the value: `collections.OrderedDict`,
    /// `torch.nn.parameter.Parameter`, `numpy.ndarray`.
    public var type: GlobalName?
    /// Further arguments of the class: the factory of a defaultdict.
    public var arguments: [ID]
    /// Attributes, as the file hands them to the object: `_metadata` of a state dict.
    public var states: [ID]
    /// The elements of an array of Python objects, in row-major order.
    public var elements: [ID]

    /// Creates traits.
    public init(
      type: GlobalName? = nil, arguments: [ID] = [], states: [ID] = [], elements: [ID] = []
    ) {
      self.type = type
      self.arguments = arguments
      self.states = states
      self.elements = elements
    }
  }

  /// An object that only Python could build: what to call, with what.
  ///
  /// Nothing is ever called here.
  public struct InertObject: Sendable {
    /// How Python would come by the object.
    public enum Origin: Sendable {
      /// The class or function itself.
      case global(GlobalName)
      /// `callee(*arguments)`; the arguments are a tuple.
      case call(callee: ID, arguments: ID)
      /// `callee.__new__(callee, *arguments, **keywords)`.
      case new(callee: ID, arguments: ID, keywords: ID?)
      /// An object that the reader of the pickle knows by this id.
      case persistent(ID)
      /// A class of Python's extension registry.
      case `extension`(Int)
    }

    /// How Python would come by the object.
    public var origin: Origin
    /// What is appended to it.
    public var elements: [ID]
    /// What is assigned to its keys.
    public var items: [(key: ID, value: ID)]
    /// What its `__setstate__` gets, in order; nearly always one or none.
    public var states: [ID]
    /// The parts by name, where the class is understood: `@indices` and `@values` of a sparse tensor.
    public var parts: [(name: String, value: ID)]

    /// Creates an object.
    public init(
      _ origin: Origin, elements: [ID] = [], items: [(key: ID, value: ID)] = [],
      states: [ID] = [], parts: [(name: String, value: ID)] = []
    ) {
      self.origin = origin
      self.elements = elements
      self.items = items
      self.states = states
      self.parts = parts
    }
  }

  /// The values that are parts of objects whose class is understood, such as sparse tensors: alone they
  /// mean something else.
  package var partsOfObjects: Set<ID> {
    var parts: Set<ID> = []
    for case .object(let object) in nodes { parts.formUnion(object.parts.map(\.value)) }
    return parts
  }

  /// The class or function that made a value, where the file says one.
  public func typeName(of id: ID) -> GlobalName? {
    if let type = traits[id]?.type { return type }
    var next = id
    // Callables can be results of calls; a few steps find the name that people know.
    for _ in 0..<8 {
      guard case .object(let object) = self[next] else { return nil }
      switch object.origin {
      case .global(let name): return name
      case .call(let callee, _), .new(let callee, _, _): next = callee
      case .persistent, .extension: return nil
      }
    }
    return nil
  }
}
