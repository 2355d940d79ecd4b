// The modules of Python's standard library: 2.7 to 3.14, all platforms.
//
// Collected from `sys.stdlib_module_names` and the folders of nine CPython releases, and from the
// documentation of Python 2.7 for those of old systems.
extension GlobalPolicy {
  /// The public top-level modules.
  static let standardModules = words(
    """
    __builtin__ __future__ abc aepack aetools aetypes aifc annotationlib antigravity anydbm
    applesingle argparse array ast asynchat asyncio asyncore atexit audiodev audioop autoGIL
    base64 BaseHTTPServer Bastion bdb binascii binhex bisect bsddb bsddb185 buildtools builtins
    bz2 calendar Canvas Carbon ce cfmfile cgi CGIHTTPServer cgitb chunk cmath cmd code codecs
    codeop collections ColorPicker colorsys commands compileall compiler compression concurrent
    ConfigParser configparser contextlib contextvars Cookie cookielib copy copy_reg copyreg
    cPickle cProfile crypt cStringIO csv ctypes curses dataclasses datetime dbhash dbm decimal
    Dialog difflib dircache dis distutils dl doctest DocXMLRPCServer dumbdbm dummy_thread
    dummy_threading EasyDialogs email encodings ensurepip enum errno exceptions faulthandler
    fcntl filecmp FileDialog fileinput findertools FixTk fnmatch formatter fpectl fpetest
    fpformat fractions FrameWork ftplib functools future_builtins gc genericpath gestalt getopt
    getpass gettext glob GLWS graphlib grp gzip hashlib heapq hmac hotshot html htmlentitydefs
    htmllib HTMLParser http httplib icopen idlelib ihooks imaplib imgfile imghdr imp importlib
    imputil inspect io ipaddress itertools jpeg json keyword lib2to3 linecache linuxaudiodev
    locale logging lzma macerrors macfs MacOS macostools macpath macresource macurl2path mailbox
    mailcap markupbase marshal math md5 mhlib mimetools mimetypes MimeWriter mimify MiniAEFrame
    mmap modulefinder msilib msvcrt multifile multiprocessing mutex Nav netrc new nis nntplib nt
    ntpath nturl2path numbers opcode operator optparse os os2 os2emxpath ossaudiodev parser
    pathlib pdb pickle pickletools pipes PixMapWrapper pkgutil platform plistlib popen2 poplib
    posix posixfile posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data
    pyexpat Queue queue quopri random re readline repr reprlib resource rexec rfc822 riscos
    riscospath rlcompleter robotparser runpy sched ScrolledText secrets select selectors sets
    sgmllib sha shelve shlex shutil signal SimpleDialog SimpleHTTPServer SimpleXMLRPCServer site
    smtpd smtplib sndhdr socket SocketServer socketserver spwd sqlite3 sre sre_compile
    sre_constants sre_parse ssl stat statistics statvfs stdwin string StringIO stringold
    stringprep strop struct subprocess sunau sunaudio SUNAUDIODEV sunaudiodev symbol symtable
    sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios test textwrap this thread
    threading time timeit Tix tkColorChooser tkCommonDialog Tkconstants Tkdnd tkFileDialog
    tkFont Tkinter tkinter tkMessageBox tkSimpleDialog toaiff token tokenize tomllib trace
    traceback tracemalloc ttk tty turtle turtledemo types typing unicodedata unittest urllib
    urllib2 urlparse user UserDict UserList UserString uu uuid venv videoreader warnings wave
    weakref webbrowser whichdb winreg winsound wsgiref xdrlib xml xmllib xmlrpc xmlrpclib zipapp
    zipfile zipimport zlib zoneinfo xxlimited xxlimited_35 xxsubtype
    """)

  /// Those whose names begin with an underscore, without it, where there is no public one beside.
  static let privateStandardModules = words(
    """
    abcoll aix_support android_support apple_support blake2 bootlocale bootsubprocess codecs_cn
    codecs_hk codecs_iso2022 codecs_jp codecs_kr codecs_tw collections_abc colorize
    compat_pickle curses_panel elementtree frozen_importlib frozen_importlib_external gdbm
    interpchannels interpqueues interpreters ios_support lsprof LWPCookieJar MozillaCookieJar
    msi multibytecodec opcode_metadata osx_support overlapped peg_parser posixshmem
    posixsubprocess py_abc py_warnings pydatetime pydecimal pyio pylong pyrepl remote_debugging
    scproxy sha1 sha2 sha256 sha3 sha512 sitebuiltins strptime suggestions threading_local
    weakrefset winapi wmi xxinterpchannels xxsubinterpreters zstd
    ctypes_test testbuffer testcapi testclinic testclinic_limited testconsole testembed
    testexternalinspection testimportmultiple testinternalcapi testlimitedcapi testmultiphase
    testsinglephase xxtestfuzz
    """)
}
