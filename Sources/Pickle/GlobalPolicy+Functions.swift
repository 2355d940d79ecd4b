internal import ByteIO

// Functions of torch, NumPy and what comes with them that compute, and no more, and classes of
// theirs that are written small as functions are.
extension GlobalPolicy {
  /// Those that honest files name: modules keep functions as attributes, old ones what made their
  /// back end, statistics their reductions.
  static let harmlessFunctions = names(
    """
    torch.nn.functional _adaptive_max_pool1d _adaptive_max_pool2d _adaptive_max_pool3d _max_pool1d
    torch.nn.functional _max_pool2d _max_pool3d _threshold adaptive_avg_pool1d adaptive_avg_pool2d
    torch.nn.functional adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool1d_with_indices
    torch.nn.functional adaptive_max_pool2d adaptive_max_pool2d_with_indices adaptive_max_pool3d
    torch.nn.functional adaptive_max_pool3d_with_indices affine_grid alpha_dropout avg_pool1d
    torch.nn.functional avg_pool2d avg_pool3d batch_norm bilinear binary_cross_entropy
    torch.nn.functional binary_cross_entropy_with_logits celu celu_ channel_shuffle conv1d conv2d
    torch.nn.functional conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d
    torch.nn.functional cosine_embedding_loss cosine_similarity cross_entropy ctc_loss dropout
    torch.nn.functional dropout1d dropout2d dropout3d elu elu_ embedding embedding_bag
    torch.nn.functional feature_alpha_dropout fold fractional_max_pool2d fractional_max_pool3d
    torch.nn.functional gaussian_nll_loss gelu glu grid_sample group_norm gumbel_softmax hardshrink
    torch.nn.functional hardsigmoid hardswish hardtanh hardtanh_ hinge_embedding_loss huber_loss
    torch.nn.functional instance_norm interpolate kl_div l1_loss layer_norm leaky_relu leaky_relu_
    torch.nn.functional linear linear_cross_entropy local_response_norm log_softmax logsigmoid
    torch.nn.functional lp_pool1d lp_pool2d lp_pool3d margin_ranking_loss max_pool1d
    torch.nn.functional max_pool1d_with_indices max_pool2d max_pool2d_with_indices max_pool3d
    torch.nn.functional max_pool3d_with_indices max_unpool1d max_unpool2d max_unpool3d mish mse_loss
    torch.nn.functional multi_head_attention_forward multi_margin_loss multilabel_margin_loss
    torch.nn.functional multilabel_soft_margin_loss nll_loss nll_loss2d normalize one_hot pad
    torch.nn.functional pairwise_distance pdist pixel_shuffle pixel_unshuffle poisson_nll_loss prelu
    torch.nn.functional relu relu6 relu_ rms_norm rrelu rrelu_ scaled_dot_product_attention selu
    torch.nn.functional selu_ sigmoid silu smooth_l1_loss soft_margin_loss softmax softmin softplus
    torch.nn.functional softshrink softsign swish tanh tanhshrink threshold threshold_
    torch.nn.functional triplet_margin_loss unfold upsample
    torch.nn.functional upsample_bilinear upsample_nearest
    torch.nn.init calculate_gain constant constant_ dirac dirac_ eye eye_ kaiming_normal
    torch.nn.init kaiming_normal_ kaiming_uniform kaiming_uniform_ normal normal_ ones_ orthogonal
    torch.nn.init orthogonal_ sparse sparse_ trunc_normal_ uniform uniform_ xavier_normal
    torch.nn.init xavier_normal_ xavier_uniform xavier_uniform_ zeros_
    torch abs acos add addmm amax amin arange argmax argmin asin atan bmm cat ceil clamp cos cosh
    torch cross cumsum det div dot eig einsum empty erf erfc exp expm1 eye flatten floor full ger
    torch hardshrink inverse linspace log log10 log1p log2 logit logsumexp lgamma matmul max maximum
    torch mean median min minimum mm mul neg norm ones outer pow prod qr rand randn reciprocal relu
    torch relu_ round rsqrt selu selu_ celu sigmoid sigmoid_ sign sin sinh softmax log_softmax split
    torch sqrt square stack std sub sum svd tan tanh tanh_ tensor topk trace transpose tril triu
    torch trunc unsqueeze var where zeros zeros_like ones_like conv1d conv2d conv3d dropout
    torch layer_norm batch_norm group_norm prelu rrelu threshold contiguous_format channels_last
    torch channels_last_3d preserve_format memory_format layout qscheme dtype finfo iinfo inf nan pi
    torch no_grad enable_grad set_grad_enabled inference_mode
    torch Generator SymInt SymFloat SymBool Stream Event Future AcceleratorError OutOfMemoryError
    torch DispatchKey AnyType AwaitType BoolType ComplexType DeviceObjType DictType EnumType
    torch FloatType FutureType IntType InterfaceType ListType NoneType NumberType OptionalType
    torch RRefType StreamObjType StringType TensorType TupleType UnionType
    torch.functional einsum norm split stft tensordot meshgrid cdist
    torch._VF lstm gru rnn_tanh rnn_relu lstm_cell gru_cell
    torch.nn.backends.thnn _get_thnn_function_backend
    torch.cuda.amp.grad_scaler _refresh_per_optimizer_state
    torch.amp.grad_scaler _refresh_per_optimizer_state
    torch.autograd.grad_mode no_grad enable_grad set_grad_enabled inference_mode
    torch.amp.autocast_mode autocast
    torch.cuda.amp.autocast_mode autocast
    torch.cpu.amp.autocast_mode autocast
    torch.cuda device
    numpy generic number integer signedinteger unsignedinteger inexact floating complexfloating
    numpy flexible character matrix recarray record poly1d ufunc busdaycalendar finfo iinfo errstate
    numpy broadcast ndindex ndenumerate nan inf pi
    numpy.matrixlib.defmatrix matrix
    numpy.rec recarray record
    numpy.core.records recarray record fromarrays
    numpy._core.records recarray record fromarrays
    numpy.char chararray
    numpy.core.defchararray chararray
    numpy._core.defchararray chararray
    numpy.lib.polynomial poly1d
    numpy.lib._polynomial_impl poly1d
    numpy.ma.core _mareconstruct mvoid
    numpy.ma.mrecords _mrreconstruct
    numpy.random.mtrand __RandomState_ctor
    numpy._typing _8Bit _16Bit _32Bit _64Bit _80Bit _96Bit _128Bit
    numpy.core.multiarray array
    numpy._core.multiarray array
    networkx.classes.filters show_nodes no_filter
    sympy.core.symbol Symbol Dummy
    sympy.core.numbers Integer Float Zero One NegativeOne Half Infinity NegativeInfinity
    sympy.core.numbers NaN Pi Exp1 ImaginaryUnit ComplexInfinity
    mpmath.ctx_mp_python mpf mpc _mpf _mpc
    """
  ).union(numpyFunctions)

  /// NumPy's functions of numbers and arrays, which have moved.
  private static var numpyFunctions: [GlobalName] {
    let modules = words(
      """
      numpy numpy.core.umath numpy._core.umath numpy.core._multiarray_umath
      numpy._core._multiarray_umath numpy.core.fromnumeric numpy._core.fromnumeric
      numpy.lib.function_base numpy.lib._function_base_impl numpy.lib.nanfunctions
      numpy.lib._nanfunctions_impl numpy.lib.type_check numpy.lib._type_check_impl numpy.linalg
      numpy.linalg.linalg numpy.linalg._linalg
      """)
    return modules.flatMap { module in functionNames.map { GlobalName(module, $0) } }
  }

  private static let functionNames = words(
    """
    absolute abs add arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_count
    bitwise_or bitwise_xor bitwise_not cbrt ceil conjugate conj copysign cos cosh deg2rad degrees
    divide divmod equal exp exp2 expm1 fabs float_power floor floor_divide fmax fmin fmod frexp gcd
    greater greater_equal heaviside hypot invert isfinite isinf isnan isnat lcm ldexp left_shift
    less less_equal log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or
    logical_xor matmul matvec maximum minimum modf mod multiply negative nextafter not_equal
    positive power pow rad2deg radians reciprocal remainder right_shift rint sign signbit sin sinh
    spacing sqrt square subtract tan tanh true_divide trunc vecdot vecmat
    all amax amin any argmax argmin argsort around average clip cumprod cumsum diff dot max mean
    median min nanmax nanmean nanmedian nanmin nanstd nansum nanvar nan_to_num norm percentile prod
    ptp quantile round round_ sort std sum var array asarray ones zeros ravel
    """)

  /// Classes that these packages have borrowed, from Python and from their own dangerous parts, and
  /// a few of theirs that load a library or unpickle.
  ///
  /// A file says the place where a class is at home, unless it has something to hide.
  static let borrowedClasses = words(
    """
    _Backend _CPUinfo _CTensorIterator _CTensorIteratorSpec _CudaDeviceProperties _CUDAGraph
    _DataPipeSerializationWrapper _DecoratorContextManager _DistributedBackendOptions _GenericAlias
    _IgnoreContextManager _IterDataPipeSerializationWrapper _KinetoEvent
    _MapDataPipeSerializationWrapper _MemPool _NodeBase _NodeIter _NoParamDecoratorContextManager
    _ProcessGroupWrapper _ProfilerResult _WaitCounter ABC ABCMeta AbstractContextManager
    AllgatherOptions AsyncGeneratorType BaseManager BinaryIO BufferedIOBase BufferedRandom
    BufferedReader BufferedWriter BuiltinCommHookType BuiltinFunctionType BuiltinMethodType BZ2File
    C10DBackend C10dBackend CapturedTraceback CDLL CellType CodeType CompilationUnit
    CompletedProcess Condition Config ConfigParser Connection ContentStoreReader ContextVar
    CoroutineType CreationMeta CUDAPluggableAllocator DeviceType DisableTorchFunction
    DisableTorchFunctionSubclass DistAutogradContext Element ElementTree ExitStack
    ExtensionFileLoader FakeScriptObject FakeWork FileFinder FileHandler FileIO FileStore
    FlightRecorderHook Format ForwardRef FrameType FunctionType GdsFile GeneratorType GradBucket
    GzipFile HashStore HealthCheckHook HigherOrderOperator HTTPConnection ImperativeEngine Importer
    InteractiveConsole InteractiveInterpreter InvalidVersion IO IOBase LambdaType LazyLoader
    LazyString Library LibraryLoader Listener LOBPCG_call_tracker_orig Logger LoggerBase LZMAFile
    MappingProxyType MethodType MethodWrapperType MissingOpProfile ModuleSpec ModuleType
    NamedTemporaryFile NamedTuple NanCheckHook NewType OleDLL OperatorBase OpOverload
    OpOverloadPacket OrderedSet PackageExporter PackageImporter ParamSpec ParamSpecArgs
    ParamSpecKwargs ParsedDef Pickler Popen PrefixStore PriorityQueue Process ProcessPoolExecutor
    ProfilerActivity ProfilerConfig ProfilerEvent ProfilerState Protocol ProxyTorchDispatchMode
    PyCFuncPtr PyDLL PyZipFile Queue ReconfigureOptions Reducer ReferenceType Request RLock RRef
    SavedTensor ScriptFunction ScriptObject Semaphore SequenceKey SharedMemory SimpleQueue
    SourceContext SourceFileLoader SourcelessFileLoader SpooledTemporaryFile StorageBase
    StorageWeakRef StreamHandler SubElement SupportsFloat SupportsIndex SymNode SyncManager TarFile
    TCPStore TemporaryDirectory TemporaryFile TensorSpec TextIO TextIOWrapper Thread ThreadPool
    ThreadPoolExecutor Timer TorchBindOpOverload TorchDispatchMode TraceableWrapperSubclass
    TracebackType TransformType TreeSpec TypeAliasType TypedDict TypeVarTuple Unpickler Var Version
    WeakIdKeyDictionary WeakKeyDictionary WeakTensorKeyDictionary WeakValueDictionary WinDLL Window
    WrapperDescriptorType XPUPluggableAllocator ZipFile
    """)
}
