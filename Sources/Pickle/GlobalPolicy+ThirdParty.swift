// Packages outside the standard library that run code, read files or open connections.
//
// Each entry is a dotted path; it holds for what lies below it, and the longest path that fits
// decides.
extension GlobalPolicy {
  /// Everything below these.
  static let dangerousTrees = words(
    """
    _distutils_hack aiofiles aiohttp anyio asteval asyncssh boto boto3 botocore celery cffi click
    cloudpickle coverage curl_cffi Cython cython dill django.core.management django.template
    django.utils.module_loading docker easy_install eventlet execnet fabric fire flask fsspec gcsfs
    gdown gevent git google.cloud grpc gunicorn hickle httplib2 httpx huggingface_hub invoke
    ipykernel IPython jinja2 joblib jsonpickle jupyter jupyter_client jupyter_core klepto kubernetes
    mako mlflow nbconvert nbformat nose notebook numexpr oslo_concurrency parsl paramiko pebble
    pexpect pip pipenv pkg_resources plumbum psutil psycopg2 ptyprocess pudb py4j pyarrow.fs pycurl
    pyximport pymongo pymysql pyodbc pytest _pytest pythonwin redis requests RestrictedPython rpyc
    rq ruamel s3fs salt scp scrapy selenium setuptools sh simpleeval simplejson.loads six smart_open
    ssh starlette streamlit tornado twisted uvicorn uvloop uwsgi urllib3 virtualenv waitress
    websocket websockets werkzeug wget wheel win32api win32com win32file win32pipe win32process
    win32service yaml zmq zope.configuration pickle5 compress_pickle pickleshare pycloudlib
    srsly.ruamel_yaml sympy isympy mpmath filelock
    typing_extensions triton functorch
    """
      + " " + numpyTrees + " " + torchTrees + " " + otherTrees)

  private static let numpyTrees = """
    numpy.DataSource numpy.testing numpy.f2py numpy.distutils numpy.ctypeslib numpy.compat
    numpy.lib.npyio numpy.lib._npyio_impl numpy.lib.format numpy.lib._format_impl
    numpy.lib._datasource numpy.lib.utils numpy.lib._utils_impl numpy.lib.introspect
    numpy._pytesttester numpy._distributor_init numpy._configtool numpy.conftest numpy.setup
    numpy._build_utils
    """

  private static let torchTrees = """
    torch.hub torch.serialization torch.utils torch.package torch.onnx torch.export torch._export
    torch.multiprocessing torch.compiler torch._compile torch._dynamo torch._inductor torch._C
    torch._C_flatbuffer torch._ops torch.ops torch._classes torch.classes torch.library
    torch._library torch._custom_op torch._custom_ops torch._functorch torch._higher_order_ops
    torch._jit_internal torch._utils_internal torch._vendor torch._strobelight torch._logging
    torch._lazy torch._precompile torch._precompile_driver torch._appdirs torch._sources
    torch._weights_only_unpickler torch._deploy torch._thread_safe_fork torch.bin torch.contrib
    torch.nativert torch.monitor torch.profiler torch.autograd.profiler torch.testing
    torch.cuda.jiterator torch.fx.experimental torch.distributed.rpc torch.distributed.elastic
    torch.distributed.run torch.distributed.launch torch.jit.frontend torch.distributed.launcher
    torch.cuda._sanitizer torch.native torch._native torch.return_types.pytree_register_structseq
    torch.return_types.all_return_types torch.return_types.register_pytree_node
    torch.return_types.SequenceKey
    """

  private static let otherTrees = """
    pandas.eval pandas.io pandas.core.computation pandas.compat.pickle_compat pandas.util.testing
    pandas.util._test_decorators scipy.io scipy._build_utils scipy.weave scipy.datasets
    scipy._lib._testutils scipy.LowLevelCallable sklearn.datasets sklearn.externals.joblib
    sklearn.externals._arff sklearn._build_utils sklearn.utils._joblib theano.gof.cmodule
    theano.compile numba.core.serialize numba.pycc numba.cuda llvmlite tensorflow.io
    tensorflow.load_library tensorflow.load_op_library tensorflow.py_function
    tensorflow.numpy_function tensorflow.saved_model tensorflow.train.Checkpoint
    tensorflow.python.framework.load_library tensorflow.python.ops.script_ops
    tensorflow.python.ops.io_ops tensorflow.python.lib.io tensorflow.python.saved_model
    tensorflow.python.platform.gfile tensorflow.python.util.tf_inspect
    tensorflow.keras.models.load_model tensorflow.keras.utils.get_file keras.models.load_model
    keras.saving keras.src.saving keras.utils.get_file keras.utils.func_load
    keras.utils.generic_utils.func_load tensorflow.python.keras.utils.generic_utils.func_load
    keras.src.utils.python_utils.func_load tensorflow.python.keras.saving tf_keras.saving
    jax.experimental.host_callback jax.pure_callback jax._src.callback flax.serialization
    cupy.RawKernel cupy.RawModule cupy.cuda.compiler cupyx.jit pycuda.compiler
    transformers.dynamic_module_utils transformers.utils.hub transformers.utils.import_utils
    diffusers.utils.dynamic_modules_utils datasets.load datasets.load_dataset
    datasets.load_from_disk datasets.packaged_modules lightning_fabric.utilities.cloud_io
    lightning.fabric.utilities.cloud_io pytorch_lightning.utilities.cloud_io hydra.utils
    hydra._internal hydra.core.utils omegaconf.OmegaConf torchvision.datasets.utils torchvision.io
    torch_geometric.io torchaudio.io torchaudio.load mmcv.Config mmcv.runner mmcv.utils.config
    mmengine.config fairseq.hub_utils fairseq.checkpoint_utils fairseq.file_io
    nemo.utils.model_utils xgboost.Booster.load_model lightgbm.basic.Booster.load_model
    onnxruntime.InferenceSession onnx.load dask.config dask.multiprocessing distributed
    accelerate.commands accelerate.utils.launch
    """

  /// Below these the functions; classes are only kept by name, as everywhere.
  ///
  /// PyTorch, NumPy and what is installed with them are everywhere, and have functions that run
  /// source or load libraries in places where nobody would look; ``harmlessFunctions`` are those that
  /// honest files name.
  static let dangerousFunctions = words(
    """
    torch torchgen numpy networkx cuda safetensors ml_dtypes
    torch.jit torch.utils.data tensorflow.keras.models keras.models ray future past
    """)

  /// Below these nothing, though they lie in one of the above.
  static let harmlessTrees = words(
    """
    torch.utils.hooks torch._C._nn torch._C._special torch._C._linalg torch._C._fft
    torch.return_types
    """)

  /// Functions that run something, whatever module has them under that name.
  static let dangerousNames = words(
    """
    eval exec execfile system popen popen2 popen3 popen4 Popen spawn spawnl spawnv execl execv
    execve import_module load_module load_source find_module resolve_name runstring run_code
    check_output check_call getoutput getstatusoutput getattr setattr delattr globals locals
    read_pickle urlopen urlretrieve create_connection unpickle_function rmtree exec_ execfile_
    run_in_subinterp attrgetter methodcaller itemgetter reduce import_string
    """)

  /// Modules that other modules often have imported, and that are as good as their functions.
  static let powerfulModules = words(
    """
    os sys subprocess builtins importlib imp shutil pickle cPickle marshal ctypes socket runpy pty
    posix pdb codeop pkgutil pydoc asyncio multiprocessing threading tempfile zipimport sysconfig
    commands popen2 shelve dill cloudpickle joblib
    """)
}
