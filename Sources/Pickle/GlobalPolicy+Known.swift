internal import ByteIO

// Names that are read, and names of the standard library that do no harm.
//
// One module a line, then its names.
extension GlobalPolicy {
  /// What our readers interpret: torch's allow-list for `weights_only` (the 144 names of 2.15),
  /// what older and newer files of tensors have beside it, NumPy's arrays, and plain data.
  ///
  /// `torch.storage._load_from_bytes` is here although it unpickles: its argument is a legacy
  /// PyTorch file, which is read, and scanned, as one. Storages like `UInt16Storage` are names that
  /// the C++ side makes up for archives of TorchScript. `torch.jit._pickle` is not here: archives of
  /// TorchScript are read by another machine.
  static let known: Set<GlobalName> = names(
    """
    builtins set frozenset bytearray bytes complex range slice list dict tuple int float str bool
    builtins object
    collections OrderedDict Counter defaultdict deque
    copyreg _reconstructor
    _codecs encode
    torch Tensor Size device Storage
    torch BFloat16Storage BoolStorage ByteStorage CharStorage ComplexDoubleStorage
    torch ComplexFloatStorage DoubleStorage FloatStorage HalfStorage IntStorage LongStorage
    torch QInt32Storage QInt8Storage QUInt2x4Storage QUInt4x2Storage QUInt8Storage ShortStorage
    torch BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor
    torch IntTensor LongTensor ShortTensor
    torch TypedStorage UntypedStorage
    torch BComplex32Storage Bits16Storage Bits1x8Storage Bits2x4Storage Bits4x2Storage Bits8Storage
    torch ComplexHalfStorage Float4_e2m1fn_x2Storage Float8_e4m3fnStorage Float8_e4m3fnuzStorage
    torch Float8_e5m2Storage Float8_e5m2fnuzStorage Float8_e8m0fnuStorage UInt16Storage UInt32Storage
    torch UInt64Storage
    torch.storage TypedStorage UntypedStorage _TypedStorage _UntypedStorage _load_from_bytes
    torch.cuda BFloat16Storage BoolStorage ByteStorage CharStorage ComplexDoubleStorage
    torch.cuda ComplexFloatStorage DoubleStorage FloatStorage HalfStorage IntStorage LongStorage
    torch.cuda ShortStorage
    torch.cuda BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor
    torch.cuda IntTensor LongTensor ShortTensor
    torch.sparse BFloat16Tensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor
    torch.sparse IntTensor LongTensor ShortTensor
    torch.cuda.sparse BFloat16Tensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor
    torch.cuda.sparse IntTensor LongTensor ShortTensor
    torch bool uint8 int8 int16 int32 int64 uint16 uint32 uint64 float16 float32 float64 bfloat16
    torch complex32 complex64 complex128 bcomplex32 float8_e4m3fn float8_e4m3fnuz float8_e5m2
    torch float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2 bits8 bits16 bits1x8 bits2x4 bits4x2
    torch int1 int2 int3 int4 int5 int6 int7 uint1 uint2 uint3 uint4 uint5 uint6 uint7
    torch qint8 quint8 qint32 quint4x2 quint2x4
    torch per_tensor_affine per_tensor_symmetric per_channel_affine per_channel_symmetric
    torch per_channel_affine_float_qparams
    torch strided sparse_coo sparse_csr sparse_csc sparse_bsr sparse_bsc
    torch.serialization _get_layout
    torch.nn.parameter Parameter Buffer UninitializedParameter UninitializedBuffer
    torch._tensor _rebuild_from_type_v2 _rebuild_from_type
    torch.tensor _rebuild_from_type
    torch._utils _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter
    torch._utils _rebuild_parameter_with_state _rebuild_qtensor _rebuild_sparse_tensor
    torch._utils _rebuild_sparse_csr_tensor _rebuild_nested_tensor _rebuild_wrapper_subclass
    torch._utils _rebuild_meta_tensor_no_storage _rebuild_device_tensor_from_numpy
    torch._utils _rebuild_device_tensor_from_cpu_tensor _rebuild_xla_tensor
    torch.nested._internal.nested_tensor _rebuild_njt
    torch.distributed.checkpoint.metadata Metadata MetadataIndex StorageMeta TensorProperties
    torch.distributed.checkpoint.metadata BytesStorageMetadata ChunkStorageMetadata
    torch.distributed.checkpoint.metadata TensorStorageMetadata _MEM_FORMAT_ENCODING
    torch.distributed.checkpoint.filesystem _StorageInfo
    torch.distributed._shard.sharded_tensor.metadata TensorProperties MEM_FORMAT_ENCODING
    numpy ndarray dtype
    numpy.core.multiarray _reconstruct scalar
    numpy._core.multiarray _reconstruct scalar
    numpy.core._internal _reconstruct
    numpy.core.numeric _frombuffer
    numpy._core.numeric _frombuffer
    numpy bool bool_ byte bytes_ cdouble clongdouble complex128 complex192 complex256 complex64
    numpy csingle datetime64 double float128 float16 float32 float64 float96 float_ half int16
    numpy int32 int64 int8 int_ intc intp long longdouble longlong object_ short single str_
    numpy string_ timedelta64 ubyte uint uint16 uint32 uint64 uint8 uintc uintp ulong ulonglong
    numpy unicode_ ushort void
    numpy.dtypes BoolDType ByteDType BytesDType CLongDoubleDType Complex128DType Complex64DType
    numpy.dtypes DateTime64DType Float16DType Float32DType Float64DType Int16DType Int32DType
    numpy.dtypes Int64DType Int8DType IntDType LongDType LongDoubleDType LongLongDType
    numpy.dtypes ObjectDType ShortDType StrDType StringDType TimeDelta64DType UByteDType
    numpy.dtypes UInt16DType UInt32DType UInt64DType UInt8DType UIntDType ULongDType
    numpy.dtypes ULongLongDType UShortDType VoidDType
    ml_dtypes bfloat16 bcomplex32 complex32 float4_e2m1fn float6_e2m3fn float6_e3m2fn float8_e3m4
    ml_dtypes float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz float8_e5m2
    ml_dtypes float8_e5m2fnuz float8_e8m0fnu int1 int2 int4 uint1 uint2 uint4
    """)

  /// Names of dangerous modules that only hold data, each of them read and thought about.
  ///
  /// A call of `functools.partial` while loading calls nothing; only calling its result would, and
  /// what that runs is a name of its own. `type`, `iter`, `map` and their like are not here.
  static let harmless: Set<GlobalName> = names(
    """
    builtins Ellipsis NotImplemented None True False
    builtins ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup
    builtins BlockingIOError BrokenPipeError BufferError BytesWarning ChildProcessError
    builtins ConnectionAbortedError ConnectionError ConnectionRefusedError ConnectionResetError
    builtins DeprecationWarning EOFError EncodingWarning EnvironmentError Exception
    builtins ExceptionGroup FileExistsError FileNotFoundError FloatingPointError FutureWarning
    builtins GeneratorExit IOError ImportError ImportWarning IndentationError IndexError
    builtins InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError
    builtins ModuleNotFoundError NameError NotADirectoryError NotImplementedError OSError
    builtins OverflowError PendingDeprecationWarning PermissionError ProcessLookupError
    builtins PythonFinalizationError RecursionError ReferenceError ResourceWarning RuntimeError
    builtins RuntimeWarning StandardError StopAsyncIteration StopIteration SyntaxError
    builtins SyntaxWarning SystemError SystemExit TabError TimeoutError TypeError
    builtins UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError
    builtins UnicodeTranslateError UnicodeWarning UserWarning ValueError Warning WindowsError
    builtins ZeroDivisionError
    copyreg __newobj__ __newobj_ex__
    collections ChainMap UserDict UserList UserString
    sets Set ImmutableSet
    array array _array_reconstructor
    datetime date datetime time timedelta timezone tzinfo
    decimal Decimal Context
    _decimal Decimal Context
    fractions Fraction
    numbers Number Complex Real Rational Integral
    uuid UUID SafeUUID
    ipaddress IPv4Address IPv4Network IPv4Interface IPv6Address IPv6Network IPv6Interface
    zoneinfo ZoneInfo._unpickle
    zoneinfo._zoneinfo ZoneInfo._unpickle
    pathlib Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath
    pathlib._local Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath
    enum Enum IntEnum StrEnum Flag IntFlag auto
    argparse Namespace
    types SimpleNamespace NoneType EllipsisType NotImplementedType GenericAlias UnionType
    types MappingProxyType
    typing Any Union Optional List Dict Tuple Set FrozenSet Type Callable Sequence Mapping Iterable
    typing Iterator MutableMapping MutableSequence DefaultDict OrderedDict Deque Counter Literal
    typing ClassVar Final NoReturn Hashable Collection Generic TypeVar
    typing AbstractSet Annotated Awaitable AsyncIterable AsyncIterator AsyncContextManager
    typing ByteString ChainMap Concatenate Container ContextManager Coroutine ItemsView KeysView
    typing LiteralString MappingView Match MutableSet Never NotRequired Pattern ReadOnly Required
    typing Reversible Self Sized TypeAlias TypeGuard TypeIs Unpack ValuesView Generator
    typing_extensions Any Union Optional List Dict Tuple Set FrozenSet Type Callable Sequence
    typing_extensions Mapping Iterable Iterator MutableMapping MutableSequence DefaultDict
    typing_extensions OrderedDict Deque Counter Literal ClassVar Final NoReturn Hashable Collection
    typing_extensions Generic TypeVar AbstractSet Annotated Awaitable AsyncIterable AsyncIterator
    typing_extensions AsyncContextManager ByteString ChainMap Concatenate Container ContextManager
    typing_extensions Coroutine ItemsView KeysView LiteralString MappingView Match MutableSet Never
    typing_extensions NotRequired Pattern ReadOnly Required Reversible Self Sized TypeAlias
    typing_extensions TypeGuard TypeIs Unpack ValuesView Generator
    collections.abc Awaitable AsyncIterable AsyncIterator AsyncGenerator Buffer ByteString Callable
    collections.abc Collection Container Coroutine Generator Hashable ItemsView Iterable Iterator
    collections.abc KeysView Mapping MappingView MutableMapping MutableSequence MutableSet
    collections.abc Reversible Sequence Set Sized ValuesView
    inspect Signature Parameter _ParameterKind _empty
    dataclasses Field _FIELD_BASE _MISSING_TYPE _HAS_DEFAULT_FACTORY_CLASS
    functools partial
    _functools partial
    itertools count repeat chain
    random Random
    _random Random
    re _compile
    time struct_time
    string Template
    io BytesIO StringIO
    _io BytesIO StringIO
    StringIO StringIO
    logging getLogger Logger
    numpy.random._pickle __randomstate_ctor __generator_ctor __bit_generator_ctor
    numpy.random __RandomState_ctor
    torch.jit._pickle build_intlist build_tensorlist build_doublelist build_boollist
    torch.jit._pickle build_tensor_from_id restore_type_tag
    torch.testing._internal.quantization_torch_package_models LinearReluFunctional
    torch.testing._internal.quantization_torch_package_models LinearReluFunctionalChild
    joblib.numpy_pickle NumpyArrayWrapper
    """
  ).union(harmlessFunctions)
}
