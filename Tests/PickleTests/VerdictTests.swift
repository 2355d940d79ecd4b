import ByteIO
import Foundation
import Pickle
import TestSupport
import Testing

/// Which names are known, inert and dangerous.
@Suite struct VerdictTests {
  /// Lines of a module and its names.
  private func expect(_ verdict: GlobalVerdict, _ lines: String) {
    for line in lines.split(separator: "\n") {
      let parts = line.split(separator: " ").map(String.init)
      for name in parts.dropFirst() {
        #expect(GlobalName(parts[0], name).verdict == verdict, "\(parts[0]) \(name)")
      }
    }
  }

  @Test func torchsAllowListIsKnown() {
    expect(
      .known,
      """
      collections OrderedDict Counter
      builtins bytearray complex set
      _codecs encode
      torch Tensor Size device FloatStorage BFloat16Storage QUInt2x4Storage LongTensor bool int1
      torch float8_e8m0fnu float4_e2m1fn_x2 bits1x8 quint2x4 uint7 per_channel_affine_float_qparams
      torch.cuda HalfStorage BoolTensor
      torch.sparse ShortTensor
      torch.cuda.sparse BFloat16Tensor
      torch.nn.parameter Parameter
      torch.serialization _get_layout
      torch.storage TypedStorage UntypedStorage
      torch._tensor _rebuild_from_type_v2
      torch._utils _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_qtensor
      torch._utils _rebuild_sparse_tensor _rebuild_meta_tensor_no_storage _rebuild_wrapper_subclass
      """)
  }

  @Test func whatElseIsReadIsKnown() {
    expect(
      .known,
      """
      __builtin__ set xrange unicode long object
      copy_reg _reconstructor
      builtins frozenset range slice bytes
      numpy ndarray dtype float64 bool_
      numpy._core.multiarray _reconstruct scalar
      numpy.core.multiarray _reconstruct scalar
      numpy.core._internal _reconstruct
      numpy._core.numeric _frombuffer
      numpy.dtypes Float64DType StringDType
      ml_dtypes bfloat16 float8_e4m3fn
      torch.nested._internal.nested_tensor _rebuild_njt
      torch._utils _rebuild_nested_tensor _rebuild_sparse_csr_tensor
      """)
  }

  @Test func classesOfOthersAreInert() {
    expect(
      .inert,
      """
      __main__ Square Outer.Inner
      __torch__.torch.nn.modules.container.___torch_mangle_48 Sequential
      torch.nn.modules.linear Linear
      torch.nn.functional relu
      torch._C._nn gelu
      torch.optim.lr_scheduler StepLR
      torch.utils.data.dataloader DataLoader
      torch.utils.hooks RemovableHandle
      torch.jit._pickle build_intlist restore_type_tag
      torch.jit backend_with_compiler_demoLoweredModule
      torch.fx._symbolic_trace Tracer
      torch.distributed.fsdp ShardingStrategy
      numpy.random._pickle __randomstate_ctor
      numpy.ma.core MaskedArray
      pandas.core.frame DataFrame
      sklearn.svm._classes SVR
      joblib.numpy_pickle NumpyArrayWrapper
      datetime datetime timedelta
      decimal Decimal
      pathlib PosixPath
      pathlib._local PosixPath
      zoneinfo ZoneInfo._unpickle
      argparse Namespace
      types SimpleNamespace
      functools partial
      collections UserDict
      UserDict UserDict
      exceptions ValueError
      builtins ValueError Ellipsis
      typing Any
      _io BytesIO
      re _compile
      test Net
      code_of_mine Model
      """)
  }

  @Test func primitivesAreDangerous() {
    expect(
      .dangerous,
      """
      os system path.join
      posix system
      __builtin__ eval execfile apply
      builtins eval exec compile open __import__ getattr map type print
      commands getoutput
      sys modules
      operator attrgetter itemgetter methodcaller
      _operator attrgetter
      functools reduce
      collections namedtuple _sys
      collections.abc sys
      copyreg add_extension _slotnames
      pickle loads
      _pickle Unpickler
      uuid _get_command_stdout
      pathlib Path.unlink
      datetime datetime.now
      re compile
      io open
      random _os
      typing get_type_hints
      logging FileHandler
      logging.config dictConfig
      types CodeType FunctionType
      idlelib.pyshell ModifiedInterpreter.runcode
      torch load hub.load serialization.load ops.load_library UntypedStorage.from_file os.system
      torch _import_dotted_name
      torch.jit load CompilationUnit
      torch.storage UntypedStorage.from_file
      torch._utils _rebuild_tensor_v2.__globals__ _import_dotted_name
      torch.fx.graph_module reduce_graph_module reduce_package_graph_module
      torch.distributed.rpc remote RRef
      torch.utils.data._utils.worker _worker_loop
      torch.utils.cpp_extension load_inline
      torch.testing._internal.common_utils run_cmd
      numpy load memmap testing._private.utils.runstring vectorize ndarray.tofile
      numpy.f2py.crackfortran getlincoef
      pandas read_pickle read_csv eval
      pandas.io.common get_handle
      joblib load
      dill loads
      cloudpickle.cloudpickle _make_function
      six.moves builtins
      pip main
      setuptools._distutils.file_util write_file
      requests.api get
      yaml unsafe_load
      jinja2 Template
      tensorflow.keras.models load_model
      __main__ Square.__init__ np.load os.system Model._os.system
      mypackage.models os
      mypackage.models __builtins__
      mypackage.models Model.pickle.loads
      mypackage.models _subprocess
      mypackage.tools eval
      """)
    expect(.dangerous, "copyreg extension")
    #expect(GlobalName("copyreg", "extension 7").verdict == .dangerous)
  }

  @Test func namesAreBytes() {
    // A name that only looks like a known or dangerous one is another name.
    for (module, name) in [
      (" os", "path"), ("Os", "path"), ("os ", "path"), ("os\r", "path\r"),
      ("t\u{43e}rch", "Tensor"), ("torch Tensor", ""), ("", "torch Tensor"),
      ("", ""), ("os\u{301}", "path"), ("torch\u{301}", "load"),
      // K is the sign for kelvin, which Unicode holds equal to the letter.
      ("my.\u{212a}", "Model"),
    ] {
      #expect(
        GlobalName(module, name).verdict == .inert, "\("\(module) \(name)".escapedForDisplay)")
    }
    // It is none of torch's classes either.
    #expect(GlobalName("torch", "Tens\u{43e}r").verdict == .dangerous)
    #expect(GlobalName("torch", "Tensor ").verdict == .dangerous)
    #expect(GlobalName("torch.cuda", "\u{212a}").verdict == .dangerous)
    // An accent behind a dot does not hide the dot.
    #expect(GlobalName("os.\u{301}", "x").verdict == .dangerous)
    #expect(GlobalName("os", "\u{301}").verdict == .dangerous)
    #expect(GlobalName("torch", "Tensor.\u{301}").verdict == .dangerous)
    #expect(GlobalName("caf\u{e9}", "x") != GlobalName("cafe\u{301}", "x"))
  }

  @Test func namesOfManyPartsAreDangerousAtOnce() {
    let parts = Array(repeating: "a", count: 31).joined(separator: ".")
    #expect(GlobalName("m", parts).verdict == .inert)
    #expect(GlobalName("m", parts + ".a").verdict == .dangerous)
    #expect(GlobalName(parts + ".a", "m").verdict == .dangerous)
    let dots = String(repeating: "a.", count: 200_000)
    for _ in 0..<1000 { #expect(GlobalName("m", dots).verdict == .dangerous) }
  }

  /// The corpus has no other file with a dangerous name than these.
  ///
  /// The last one asks for the class of a graph that Python compiles while loading.
  private static let deserved = [
    "mmaitre314__picklescan/GHSA-4675-36f9-wf6r.pkl",
    "mmaitre314__picklescan/GHSA-f54q-57x4-jg88.pkl",
    "mmaitre314__picklescan/GHSA-jgw4-cr84-mqxg.bin",
    "mmaitre314__picklescan/GHSA-jhph-76pp-mggw.pkl",
    "mmaitre314__picklescan/GHSA-vqmv-47xg-9wpr.pkl",
    "mmaitre314__picklescan/malicious13a.pkl", "mmaitre314__picklescan/malicious17.pkl",
    "mmaitre314__picklescan/malicious23.pkl", "mmaitre314__picklescan/malicious7.pkl",
    "mmaitre314__picklescan/pytorch_magic_bypass.pt", "promptfoo__modelaudit/evil.pickle",
    "promptfoo__modelaudit/malicious_eval.pt", "pytorch__pytorch/test_fx_module.pt",
  ]

  @Test func noHonestFileOfTheCorpusNamesADangerousOne() throws {
    guard let shared = Repository.shared else { return }
    struct Oracle: Decodable { let globals: [String]? }
    let corpus = shared.appending(path: "corpus")
    var found: Set<String> = []
    var count = 0
    for row in try Table.rows(corpus.appending(path: "MANIFEST.tsv")) {
      guard let path = row["path"] else { continue }
      let data = try Data(contentsOf: corpus.appending(path: "oracle/\(path).json"))
      for global in try JSONDecoder().decode(Oracle.self, from: data).globals ?? [] {
        let parts = global.split(separator: ".").map(String.init)
        let name = GlobalName(parts.dropLast().joined(separator: "."), parts.last ?? "")
        count += 1
        if name.verdict == .dangerous { found.insert(path) }
      }
    }
    print("names of the corpus: \(count)")
    #expect(count > 500)
    #expect(found.sorted() == Self.deserved)
  }
}
