import ByteIO
import Foundation
import Pickle
import TestSupport
import Testing

/// What the real Python looks up behind what we take for a fault.
@Suite struct LiveWalkTests {
  @Test func everyNameThatPythonGetsToIsListed() throws {
    guard Oracle.python != nil else {
      print("LIVE WALK LEFT OUT: no Python with NumPy; script/bootstrap makes one")
      return
    }
    let folder = try TemporaryFolder()
    let seed = Int.random(in: 0..<1_000_000)
    print("live walk: seed \(seed)")
    let output = try Oracle.run(["-c", Self.script, folder.url.path, "\(seed)", "600"])
    var (count, unknown) = (0, 0)
    for line in output.split(separator: "\n") {
      let parts = line.split(separator: "\t").map(String.init)
      let scan = try look(try bytes(of: folder.path(parts[0])))
      let found = Set(scan.globals.map(\.name.description))
      count += 1
      if scan.dangerous.contains(where: { $0.name.description.contains("<unknown>") }) {
        unknown += 1
        continue
      }
      #expect(found.isSuperset(of: parts.dropFirst()), "seed \(seed), \(parts)")
    }
    print("live walk: \(count) pickles, \(unknown) with a name that nobody knows")
    #expect(count == 600 && unknown < 200)
  }

  /// Writes heaps of opcodes of which Python looks up a name, and prints the names.
  private static let script = #"""
    import sys, random, pickle, io, struct
    folder, R, wanted = sys.argv[1], random.Random(int(sys.argv[2])), int(sys.argv[3])
    words = [b'os', b'system', b'a', b'b', b'm.n', b'x']
    faults = [b'\x8c\x03\xed\xa0\x800', b'I0x10\n0', b'}Nb0', b'Np 7 \n0', b'I010\n0',
      b'\x8b' + struct.pack('<I', 2000) + b'\x01' * 2000 + b'0']

    def string():
        word = R.choice(words)
        return R.choice([b'\x8c' + bytes([len(word)]) + word, b'V' + word + b'\n',
          b'X' + struct.pack('<I', len(word)) + word, b"S'" + word + b"'\n"])

    def slot():
        number = R.randrange(6)
        return R.choice([b'q%c', b'h%c', b'p%d\n', b'g%d\n', b'p %d \n', b'g%d\r\n',
          b'r%c\0\0\0', b'j%c\0\0\0']) % number

    def pair(opcode):
        return opcode + R.choice(words) + b'\n' + R.choice(words) + b'\n'

    plain = [bytes([byte]) for byte in
      b"N00012(((tt\x85\x86\x87\x94\x94\x94]}\x8fldaeessu\x90\x91RRR\x81\x92bboQ)"] + [b'Pid\n']

    def opcodes():
        kind = R.randrange(100)
        if kind < 25: return string()
        if kind < 45: return b'\x93'
        if kind < 57: return slot()
        return pair(R.choice([b'c', b'c', b'i'])) if kind < 62 else R.choice(plain)

    class Made:
        def __new__(cls, *a, **k): return random.choice(['os', 'x', object.__new__(cls)])
        def __init__(self, *a, **k): pass
        def append(self, x): pass
        def extend(self, x): pass
        def add(self, x): pass
        def update(self, x): pass
        def __setitem__(self, k, v): pass
        def __setstate__(self, x): pass
        def __hash__(self): return 1

    def find(self, module, name):
        self.names.add(module + '.' + name)
        return random.choice([Made, Made, 'os'])

    def loader(base):
        return type('Loader', (base,), {'find_class': find, 'persistent_load': lambda *a: 'os'})

    loaders = [loader(pickle.Unpickler), loader(pickle._Unpickler)]
    made = 0
    while made < wanted:
        body = b''.join(opcodes() for _ in range(R.randrange(3, 25)))
        data = b'\x80\x04' + R.choice(faults) + body + b'.'
        names = set()
        for kind in loaders:
            for seed in range(3):
                random.seed(seed)
                unpickler = kind(io.BytesIO(data))
                unpickler.names = names
                try: unpickler.load()
                except Exception: pass
        if not names: continue
        open(f'{folder}/{made}', 'wb').write(data)
        print(made, *sorted(names), sep='\t')
        made += 1
    """#
}
