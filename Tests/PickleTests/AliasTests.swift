import ByteIO
import Foundation
import Pickle
import TestSupport
import Testing

/// Names under which packages have what is dangerous elsewhere.
@Suite struct AliasTests {
  @Test(arguments: [
    // Found by a review: each of them ran a command when Python loaded the file.
    "numpy.core _ufunc_reconstruct", "numpy._core _ufunc_reconstruct",
    "torch.jit._monkeytype_config CodeType", "torch.fx._symbolic_trace FunctionType",
    "mpmath.libmp.backend exec_", "mpmath.libmp.libhyper exec_", "mpmath.identification identify",
    "sympy S", "sympy sin", "sympy.core.numbers Rational", "sympy.core.add Add",
    "sympy.core.symbol Wild", "sympy simplify", "sympy.core.function expand",
    "torch.utils.data.datapipes.datapipe _DataPipeSerializationWrapper",
    "torch.utils.data.datapipes.datapipe _IterDataPipeSerializationWrapper",
    "_testcapi run_in_subinterp", "_testinternalcapi run_in_subinterp_with_config", "_xxtestfuzz x",
    "xxlimited x", "xxsubtype bench", "_ctypes_test x", "_sysconfigdata__linux_x86_64-linux-gnu x",
    "_sysconfigdata_d_linux_x86_64-linux-gnu x", "torch.cuda.memory CUDAPluggableAllocator",
    "torch.cuda CUDAPluggableAllocator", "torch.xpu.memory XPUPluggableAllocator",
    // Others that lead to the same.
    "numpy.matlib load", "numpy.matlib savetxt", "numpy add_newdoc",
    "torch._utils _augment_memory_snapshot_stack_traces", "torch _load_global_deps",
    "triton.language str_to_ty", "triton.profiler.proton execute_as_main", "triton.testing nvsmi",
    "networkx.lazy_imports attach", "torch.nn.utils._deprecation_utils lazy_deprecated_import",
    "torch.autograd.profiler_util attrgetter", "mypackage.tools methodcaller", "m reduce",
    "m import_string", "torch.distributed TCPStore", "torch.distributed.rendezvous FileStore",
    "torch.cuda.memory _dump_snapshot", "torch PyTorchFileWriter", "torch LiteScriptModule",
    "torch.cuda.gds GdsFile", "torch int_repr", "torch.jit script_a_LoweredModule.x",
    "torch.onnx x_LoweredModule", "torch.nn xLoweredModule", "safetensors.torch save_file",
    "safetensors.flax load",
    "torch._guards Source.get_value", "torch.backends.xeon.run_cpu _CPUinfo",
    "functorch.dim.magic_trace magic_trace", "torch.nn.functional boolean_dispatch",
    "torch.nn.functional handle_torch_function", "torch.nn.functional importlib.import_module",
    "torch.return_types pytree_register_structseq", "torch.return_types inspect.sys",
    "cuda.pathfinder._optional_cuda_import _optional_cuda_import", "torch.nn.functional relu.x",
    "filelock FileLock", "typing_extensions get_type_hints", "np fromfunction_of_mine",
    "m.n torch.compile_me.x", "m Model.numpy.anything", "torch.nn.modules.linear Linear.forward",
  ])
  func runsSomething(_ line: String) {
    let parts = line.split(separator: " ").map(String.init)
    #expect(GlobalName(parts[0], parts[1]).verdict == .dangerous)
  }

  @Test(arguments: [
    // Attributes of modules that were pickled whole, of any age.
    "torch.nn.functional relu", "torch.nn.functional gelu", "torch.nn.init xavier_uniform_",
    "torch relu", "torch.functional einsum", "torch._C._nn gelu",
    "torch.nn.backends.thnn _get_thnn_function_backend", "torch.nn.modules.module Module",
    "torch.nn.modules.container Container", "torch.nn.utils.rnn PackedSequence",
    "torch.nn.utils.weight_norm WeightNorm", "torch.optim.adam Adam",
    "torch.optim.optimizer _RequiredParameter", "torch.optim.lr_scheduler LambdaLR",
    "torch.amp.grad_scaler GradScaler", "torch.cuda.amp.grad_scaler _refresh_per_optimizer_state",
    "torch.distributions.normal Normal", "torch.distributions.constraints _Real",
    "torch.ao.quantization.observer MinMaxObserver", "torch.ao.quantization.qconfig QConfig",
    "torch.return_types max", "torch.return_types topk", "torch.torch_version TorchVersion",
    "torch memory_format", "torch finfo", "torch Generator", "torch float3_e1m1fn", "torch uint9",
    "torch.distributed.tensor DTensor",
    "torch.distributed.fsdp.api ShardingStrategy", "torch.distributed.checkpoint.metadata SavePlan",
    "torch.backends.cudnn.rnn Unserializable",
    "torch.sparse.semi_structured SparseSemiStructuredTensor",
    "torch._subclasses.fake_tensor FakeTensor", "torch.utils.data.dataset TensorDataset",
    // Statistics.
    "numpy log1p", "numpy.core.fromnumeric mean", "numpy.core._multiarray_umath exp",
    "numpy matrix",
    "numpy recarray", "numpy.core.records record", "numpy.ma.core _mareconstruct",
    "numpy.ma.core MaskedArray", "numpy.lib.polynomial poly1d",
    "numpy.polynomial.chebyshev Chebyshev",
    "numpy.random.mtrand RandomState", "numpy.random.mtrand __RandomState_ctor",
    "numpy.random._pickle __generator_ctor", "numpy.random._pickle __bit_generator_ctor",
    "numpy.random._pcg64 PCG64", "numpy.linalg LinAlgError", "numpy floating", "numpy iinfo",
    "sklearn.utils._bunch Bunch", "sklearn.tree._tree Tree", "scipy.sparse._csr csr_matrix",
    "networkx.classes.graph Graph", "networkx.classes.digraph DiGraph",
    "sympy.core.symbol Symbol", "sympy.core.numbers Integer",
    "torchvision.models.resnet resnet18", "torch_geometric.nn.conv.gcn_conv gcn_norm",
    "transformers.models.bert.modeling_bert BertModel", "numpy_ml.neural_nets dense",
    "m Outer.cuda", "m torch", "__torch__.torch.nn.modules.linear Linear",
    "torch.jit backend_with_compiler_demoLoweredModule",
  ])
  func isOnlyAName(_ line: String) {
    let parts = line.split(separator: " ").map(String.init)
    #expect(GlobalName(parts[0], parts[1]).verdict == .inert)
  }

  /// Whatever module of torch, NumPy and what they bring has a dangerous thing, by whatever name.
  @Test func noAliasIsMilderThanItsCanonicalName() throws {
    guard Oracle.python != nil,
      let output = try? Oracle.run(["-W", "ignore", "-c", Self.script]), !output.isEmpty
    else {
      print("ALIASES LEFT OUT: no Python with NumPy; script/bootstrap makes one")
      return
    }
    var count = 0
    for line in output.split(separator: "\n") {
      let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 4 else { continue }
      let (alias, canonical) = (GlobalName(parts[0], parts[1]), GlobalName(parts[2], parts[3]))
      count += 1
      guard canonical.verdict == .dangerous, alias.verdict != .dangerous else { continue }
      // Functions that are allowed by one name have others inside their package.
      let top = parts[0].prefix { $0 != "." }
      let isFunction = parts[1].drop { $0 == "_" }.first?.isLowercase == true
      if isFunction, parts[2].prefix(while: { $0 != "." }) == top { continue }
      // The state of random numbers, and an error.
      if ["Generator", "LinAlgError"].contains(parts[1]) { continue }
      Issue.record("\(alias) is \(alias.verdict), and \(canonical)")
    }
    print("aliases: \(count)")
    #expect(count > 1000)
  }

  private static let script = """
    import sys, types, os, importlib
    out, sys.stdout = sys.stdout, open(os.devnull, 'w')
    wanted = ('numpy', 'torch', 'torchgen', 'functorch', 'sympy', 'mpmath', 'networkx', 'triton',
      'cuda', 'safetensors', 'ml_dtypes', 'typing_extensions')
    for name in wanted + ('numpy.ma', 'numpy.random', 'torch.fx', 'torch.distributed',
      'torch.jit._monkeytype_config', 'torch.cuda.memory', 'torch.utils.data', 'safetensors.torch'):
        try: importlib.import_module(name)
        except BaseException: pass
    sys.stdout = out
    for name, module in list(sys.modules.items()):
        if not isinstance(module, types.ModuleType) or name.split('.')[0] not in wanted: continue
        for key, value in list(vars(module).items()):
            if isinstance(value, types.ModuleType) or not callable(value): continue
            try: parts = (name, key, value.__module__, value.__qualname__)
            except Exception: continue
            if all(isinstance(part, str) for part in parts): print(*parts, sep='\\t')
    """
}
