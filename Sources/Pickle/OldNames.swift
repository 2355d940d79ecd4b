internal import ByteIO

/// The names of Python 2 that pickles up to protocol 2 use, whichever Python wrote them.
///
/// Python 3 translates them in protocols 0 to 2 only, so a pickle that is written again in a later
/// one has to say the new names. The tables are those of CPython's `_compat_pickle`.
enum OldNames {
  /// The name that Python 3 has for a name of a pickle up to protocol 2.
  static func modern(_ name: GlobalName) -> GlobalName {
    if let new = names[name] { return new }
    if name.module == "exceptions" { return GlobalName("builtins", name.name) }
    return modules[name.module].map { GlobalName($0, name.name) } ?? name
  }

  /// The name under which Python 3 finds it in every protocol.
  ///
  /// The modules that the protocols up to 2 go on to use stay as they are.
  static func readable(_ name: GlobalName) -> GlobalName {
    isKept(name.module) ? name : modern(name)
  }

  /// Whether a pickle up to protocol 2 says this module, whoever writes it.
  static func isKept(_ module: String) -> Bool {
    ["__builtin__", "copy_reg", "exceptions"].contains(module)
  }

  private static let modules = Dictionary(
    uniqueKeysWithValues: pairs(
      """
      BaseHTTPServer=http.server CGIHTTPServer=http.server ConfigParser=configparser
      Cookie=http.cookies Dialog=tkinter.dialog DocXMLRPCServer=xmlrpc.server
      FileDialog=tkinter.filedialog HTMLParser=html.parser Queue=queue
      ScrolledText=tkinter.scrolledtext SimpleDialog=tkinter.simpledialog
      SimpleHTTPServer=http.server SimpleXMLRPCServer=xmlrpc.server SocketServer=socketserver
      StringIO=io Tix=tkinter.tix Tkconstants=tkinter.constants Tkdnd=tkinter.dnd Tkinter=tkinter
      UserDict=collections UserList=collections UserString=collections __builtin__=builtins
      _abcoll=collections.abc _elementtree=xml.etree.ElementTree _winreg=winreg anydbm=dbm
      cPickle=pickle cStringIO=io commands=subprocess cookielib=http.cookiejar copy_reg=copyreg
      dbhash=dbm.bsd dbm=dbm.ndbm dumbdbm=dbm.dumb dummy_thread=_dummy_thread gdbm=dbm.gnu
      htmlentitydefs=html.entities httplib=http.client markupbase=_markupbase repr=reprlib
      robotparser=urllib.robotparser test.test_support=test.support thread=_thread
      tkColorChooser=tkinter.colorchooser tkCommonDialog=tkinter.commondialog
      tkFileDialog=tkinter.filedialog tkFont=tkinter.font tkMessageBox=tkinter.messagebox
      tkSimpleDialog=tkinter.simpledialog ttk=tkinter.ttk urllib2=urllib.request
      urlparse=urllib.parse whichdb=dbm xmlrpclib=xmlrpc.client
      """
    ))

  private static let names = Dictionary(
    uniqueKeysWithValues: pairs(
      """
      UserDict:IterableUserDict=collections:UserDict UserDict:UserDict=collections:UserDict
      UserList:UserList=collections:UserList UserString:UserString=collections:UserString
      __builtin__:basestring=builtins:str __builtin__:intern=sys:intern
      __builtin__:long=builtins:int __builtin__:reduce=functools:reduce
      __builtin__:unichr=builtins:chr __builtin__:unicode=builtins:str
      __builtin__:xrange=builtins:range
      _multiprocessing:Connection=multiprocessing.connection:Connection _socket:fromfd=socket:fromfd
      exceptions:StandardError=builtins:Exception itertools:ifilter=builtins:filter
      itertools:ifilterfalse=itertools:filterfalse itertools:imap=builtins:map
      itertools:izip=builtins:zip itertools:izip_longest=itertools:zip_longest
      multiprocessing:AuthenticationError=multiprocessing.context:AuthenticationError
      multiprocessing:BufferTooShort=multiprocessing.context:BufferTooShort
      multiprocessing:ProcessError=multiprocessing.context:ProcessError
      multiprocessing:TimeoutError=multiprocessing.context:TimeoutError
      multiprocessing.forking:Popen=multiprocessing.popen_fork:Popen
      multiprocessing.process:Process=multiprocessing.context:Process
      socket:_socketobject=socket:SocketType
      urllib:ContentTooShortError=urllib.error:ContentTooShortError
      urllib:getproxies=urllib.request:getproxies urllib:pathname2url=urllib.request:pathname2url
      urllib:quote=urllib.parse:quote urllib:quote_plus=urllib.parse:quote_plus
      urllib:unquote=urllib.parse:unquote urllib:unquote_plus=urllib.parse:unquote_plus
      urllib:url2pathname=urllib.request:url2pathname urllib:urlcleanup=urllib.request:urlcleanup
      urllib:urlencode=urllib.parse:urlencode urllib:urlopen=urllib.request:urlopen
      urllib:urlretrieve=urllib.request:urlretrieve urllib2:HTTPError=urllib.error:HTTPError
      urllib2:URLError=urllib.error:URLError whichdb:whichdb=dbm:whichdb
      """
    ).map { (global($0.0), global($0.1)) })

  private static func pairs(_ text: String) -> [(String, String)] {
    text.split { $0 == " " || $0 == "\n" }.compactMap { pair in
      let sides = pair.split(separator: "=").map(String.init)
      return sides.count == 2 ? (sides[0], sides[1]) : nil
    }
  }

  private static func global(_ text: String) -> GlobalName {
    let parts = text.split(separator: ":").map(String.init)
    return GlobalName(parts.first ?? "", parts.last ?? "")
  }
}
