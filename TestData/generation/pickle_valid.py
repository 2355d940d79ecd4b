"""``pickle/valid``: bare pickles of plain values and of NumPy's arrays, in every protocol, by Python 3 and by Python 2."""

from __future__ import annotations

import argparse
import io
import pickle
import struct
import warnings
from collections import Counter, OrderedDict, defaultdict, deque
from pathlib import Path
from typing import Any

import numpy as np

from . import object_arrays, samples
from .files import Output
from .inert import InertUnpickler
from .tree import Tree

_SEED = 20_261_125
_DTYPES = (
    "|b1",
    "|i1",
    "<u2",
    ">i4",
    "<i8",
    "<f2",
    ">f4",
    "<f8",
    "<f16",
    "<c8",
    ">c16",
    "|S5",
    "|V3",
    "<U3",
    ">U2",
    "<M8[ns]",
    "<m8[25s]",
)


def add(output: Output) -> None:
    """Writes every file of this group and records it."""
    for protocol in range(6):
        _write(output, f"values-{protocol}", pickle.dumps(_values(), protocol))
        _write(output, f"arrays-{protocol}", pickle.dumps(_arrays(), protocol))
        _write(output, f"array-{protocol}", pickle.dumps(np.arange(6, dtype=np.float32).reshape(2, 3), protocol))
    for protocol in (0, 2, 4):
        _write(output, f"classes-{protocol}", pickle.dumps(_classes(), protocol))
        old = pickle.dumps(np.arange(4, dtype=np.float64), min(protocol, 3)).replace(b"numpy._core.", b"numpy.core.")
        _write(output, f"numpy1-array-{min(protocol, 3)}", old)
    _add_python2(output)
    _add_forms(output)


def _write(output: Output, name: str, data: bytes, encoding: str = "ASCII") -> None:
    path = output.write(f"pickle/valid/{name}.pkl", data)
    root, seen = _loaded(path, encoding)
    entry = {"file": str(path.relative_to(output.root)), "format": "pickle", "expected": "ok"}
    entry |= {} if encoding == "ASCII" else {"encoding": encoding}
    output.record("pickle", entry | output.once("pickle", Tree(root).json()) | {"globals": seen})


def _loaded(path: Path, encoding: str) -> tuple[Any, list[str]]:
    """What the pickle holds, and the names in it; Python itself must read it too."""
    seen: set[str] = set()
    unpickler = type("Unpickler", (InertUnpickler,), {"seen": seen})
    data = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pickle.loads(data, encoding=encoding)
        return unpickler(io.BytesIO(data), encoding=encoding).load(), sorted(seen)


def _values() -> dict[str, Any]:
    """Plain values and containers, some shared."""
    shared = [1, 2]
    edges = [0, 255, 256, 65535, 65536, -1, 2**31 - 1, -(2**31), 2**31, 2**63, -(2**600), 2**2040]
    return {
        "none": None,
        "bools": [True, False],
        "ints": edges,
        "floats": [0.0, -0.0, 1.5, 1e-300, float("inf"), float("nan")],
        "complex": 1 - 2j,
        "strings": ["", "ascii", "größe", "line\nbreak\\", "日本 😀", "y" * 300],
        "bytes": [b"", b"raw\x00\xff", b"z" * 300],
        "bytearray": bytearray(b"ab"),
        "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
        "sets": [{1, 2}, set(), frozenset([3])],
        "ordered": OrderedDict([("b", 1), ("a", 2)]),
        "counter": Counter({"a": 2}),
        "default": defaultdict(list, {"k": [1]}),
        "deque": deque([1, 2], 5),
        "slice": slice(1, None, 2),
        "range": range(3),
        "shared": [shared, shared],
        7: "seven",
        (1, "k"): "tuple",
    }


def _arrays() -> dict[str, Any]:
    """Arrays of every kind, and scalars."""
    import ml_dtypes  # late, as in npy_valid

    rng = np.random.default_rng(_SEED)
    made: dict[str, Any] = {code: samples.array(rng, code, (2, 2)) for code in _DTYPES}
    made |= {
        "fortran": samples.array(rng, "<f4", (2, 3), "F"),
        "0d": samples.array(rng, "<i2", ()),
        "empty": samples.array(rng, "<f8", (0, 3)),
        "record": samples.array(rng, [("a", "<i4"), ("b", ">f8", (2,)), ("c", [("x", "|u1")])], (2,)),
        "aligned": samples.array(rng, np.dtype([("a", "|u1"), ("b", "<i4")], align=True), (2,)),
        "titled": samples.array(rng, [(("Title", "a"), "<i2")], (2,)),
        "objects": np.array([None, 1, "a", [2]], object),
        "view": np.arange(10, dtype="<i4")[::3],
        "bfloat16": np.array([1.5, -2], ml_dtypes.bfloat16),
        "scalars": [np.float32(1.5), np.int64(-3), np.bool_(True), np.str_("é"), np.bytes_(b"a"), np.datetime64("2024-02-29")],
        "dtypes": [np.dtype(">i4"), np.dtype([("a", "<f4")]), np.dtype("M8[us]"), np.float32],
    }
    made["again"] = made["fortran"]
    return made


def _classes() -> list[Any]:
    """Objects of classes that a reader need not know; arrays inside of them are found."""
    masked = np.ma.masked_array(np.arange(3), [True, False, True])
    return [argparse.Namespace(rate=0.5, weight=np.ones(2)), np.matrix([[1, 2]]), masked, print, ValueError("text")]


def _add_python2(output: Output) -> None:
    """Pickles of Python 2: ``str`` as STRING and BINSTRING, ``long``, and the names of its modules."""
    text = b"(dp0\nS'weights'\np1\n(lp2\nI1\naL2L\naF1.5\naI01\naI00\naNasV\\u65e5 w\\xf6rt\np3\nS\"it's\"\np4\nsS'esc\\\\ \\x41\\n'\n(I1\ntp5\ns."
    _write(output, "python2-0", text)
    binary = (
        b"}q\x00(U\x01aq\x01K\x01T\x03\x00\x00\x00bcd](K\x02\x8a\x09"
        + (2**65).to_bytes(9, "little")
        + b"NeX\x02\x00\x00\x00\xc3\xa9\x88u."
    )
    _write(
        output,
        "python2-1",
        binary.replace(b"\x8a\x09" + (2**65).to_bytes(9, "little"), b"L36893488147419103232L\n").replace(b"\x88", b"I01\n"),
    )
    _write(output, "python2-2", b"\x80\x02" + binary)
    _write(output, "python2-latin1", b"\x80\x02U\x03w\xf6t.", "latin1")
    _write(output, "python2-set", b"\x80\x02c__builtin__\nset\nq\x00](K\x01K\x02e\x85R.")
    _write(output, "python2-objects", object_arrays.python2_array(b"U\x03catK\x01N", 3))
    _write(output, "python2-array", _python2_numbers())
    old = b"(i__main__\nOld\np0\n(dp1\nS'rate'\np2\nF0.5\nsb."
    _write(output, "python2-instance", old.replace(b"__main__\nOld", b"argparse\nNamespace"))


def _python2_numbers() -> bytes:
    """An array of numbers by Python 2, its bytes as SHORT_BINSTRING; ``latin1`` is the only way to read it in Python 3."""
    dtype = b"cnumpy\ndtype\n(U\x02i4K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    start = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
    return start + b"(K\x01(K\x03t" + dtype + b"\x89U\x0c" + struct.pack("<3i", 1, 2, 100) + b"tb."


def _add_forms(output: Output) -> None:
    """Opcodes that Python's own pickler does not write today."""
    forms = {
        "dup-pop": b"\x80\x02](K\x01K\x022K\x030e.",
        "pop-mark": b"\x80\x02](K\x01(K\x02K\x031e.",
        "dict-of-mark": b"\x80\x02(X\x01\x00\x00\x00aK\x01d.",
        "list-of-mark": b"\x80\x02(K\x01K\x02l.",
        "put-get-text": b"](I1\np7\ng7\ne.",
        "long-put": b"\x80\x02]r\xff\x00\x00\x00(K\x01j\xff\x00\x00\x00\x85e.",
        "long4": b"\x80\x02\x8b\x02\x00\x00\x00\xff\x7f.",
        "long1-empty": b"\x80\x02\x8a\x00.",
        "int-text-with-spaces": b"I 12 \n.",
        "string-escapes": b"S'\\x41\\t\\'\\101'\n.",
        "memo-sparse": b"\x80\x02]q\xc8(K\x01h\xc8\x85e.",
        "frames-many": b"\x80\x04\x95\x04\x00\x00\x00\x00\x00\x00\x00](K\x01\x95\x04\x00\x00\x00\x00\x00\x00\x00K\x02e.",
        "unicode8": b"\x80\x04\x8d\x02\x00\x00\x00\x00\x00\x00\x00\xc3\xa9.",
        "bytes8": b"\x80\x04\x8e\x02\x00\x00\x00\x00\x00\x00\x00\x00\xff.",
        "newobj-ex": b"\x80\x04\x8c\x08argparse\x8c\tNamespace\x93)}\x8c\x01aK\x01s\x92.",
        "after-stop": b"\x80\x02K\x01.after",
        "append-one": b"\x80\x02]K\x01aK\x02a.",
        "empty-marks": b"\x80\x02](e}(u\x86.",
    }
    for name, data in forms.items():
        _write(output, f"form-{name}", data)
