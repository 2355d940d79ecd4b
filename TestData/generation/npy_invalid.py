"""``npy/invalid``: files that ``np.load`` refuses; each is tried with it and its words are recorded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from .files import Output, npy_file, refusal_of

_V1, _V2, _V3 = (1, 0), (2, 0), (3, 0)
_SHAPE = "'shape': (2, 3), }"
_ORDER = "'fortran_order': False, "
_GOOD = "{'descr': '<f4', " + _ORDER + _SHAPE
_DATA = np.arange(6, dtype="<f4").tobytes()

_SYNTAX: dict[str, str] = {
    "nul-after-header": _GOOD + "\0\0\n",
    "junk-after-header": _GOOD + " x\n",
    "second-dict": _GOOD + _GOOD,
    "comma-after-dict": _GOOD + ",\n",
    "unclosed-dict": _GOOD[:-1],
    "unclosed-string": "{'descr': '<f4, " + _ORDER + _SHAPE,
    "unclosed-tuple": _GOOD.replace(")", ""),
    "lower-true": _GOOD.replace("False", "true"),
    "null": _GOOD.replace("False", "null"),
    "none-order": _GOOD.replace("False", "None"),
    "int-order": _GOOD.replace("False", "0"),
    "string-order": _GOOD.replace("False", "'C'"),
    "name": _GOOD.replace("'<f4'", "f4"),
    "call": _GOOD.replace("'<f4'", "str('<f4')"),
    "import-call": _GOOD.replace("'<f4'", "__import__('os').getcwd()"),
    "attribute": _GOOD.replace("'<f4'", "''.__class__"),
    "subscript": _GOOD.replace("'<f4'", "['<f4'][0]"),
    "f-string": _GOOD.replace("'<f4'", "f'<f4'"),
    "power": _GOOD.replace("2, 3", "2**1, 3"),
    "sum-of-ints": _GOOD.replace("2, 3", "1+1, 3"),
    "double-minus": _GOOD.replace("2, 3", "--2, 3"),
    "invert": _GOOD.replace("2, 3", "~-3, 3"),
    "not": _GOOD.replace("2, 3", "not 0, 3"),
    "tuple-product": _GOOD.replace("(2, 3)", "(2, 3)*1"),
    "comprehension": _GOOD.replace("(2, 3)", "(i for i in [2, 3])"),
    "lambda": _GOOD.replace("'<f4'", "lambda: 0"),
    "dict-unpacking": "{**" + _GOOD + "}",
    "conditional": _GOOD.replace("False", "False if 1 else True"),
    "string-product": _GOOD.replace("'<f4'", "'<f4'*1"),
    "leading-zero": _GOOD.replace("2, 3", "02, 3"),
    "bad-underscore": _GOOD.replace("2, 3", "2_, 3"),
    "py2-long-lower": _GOOD.replace("2, 3", "2l, 3l"),
    "bad-escape-x": _GOOD.replace("'<f4'", "'\\x3'"),
    "bad-escape-u": _GOOD.replace("'<f4'", "'\\u12'"),
    "bad-escape-name": _GOOD.replace("'<f4'", "'\\N{NO SUCH}'"),
    "newline-in-string": _GOOD.replace("'<f4'", "'<f\n4'"),
    "not-a-dict-list": "['<f4', False, (2, 3)]\n",
    "not-a-dict-set": "{'descr'}\n",
    "not-a-dict-number": "1\n",
    "two-values": "{}, {}\n",
    "empty-dict": "{}\n",
    "only-spaces": " " * 63 + "\n",
    "no-header": "",
    "colon-missing": _GOOD.replace("'descr':", "'descr'"),
    "comma-missing": _GOOD.replace("'<f4',", "'<f4'"),
    "double-comma": _GOOD.replace("'<f4',", "'<f4',,"),
    "statement": "x = " + _GOOD,
    "comment-only": "# nothing\n",
    "bidi-quotes": _GOOD.replace("'<f4'", "\xab<f4\xbb"),
}

_KEYS: dict[str, str] = {
    "key-missing-shape": "{'descr': '<f4', 'fortran_order': False}\n",
    "key-missing-descr": "{" + _ORDER + _SHAPE,
    "key-missing-order": "{'descr': '<f4', " + _SHAPE,
    "key-extra": "{'extra': 1, " + _GOOD[1:],
    "key-wrong-case": _GOOD.replace("descr", "Descr"),
    "key-bytes": _GOOD.replace("'descr'", "b'descr'"),
    "key-number": "{1: 2, " + _GOOD[1:],
    "key-unhashable": "{[]: 2, " + _GOOD[1:],
    "key-space": _GOOD.replace("'shape'", "'shape '"),
}

_SHAPES: dict[str, str] = {
    "list": "[2, 3]",
    "int": "6",
    "no-comma": "(6)",
    "float": "(2.0, 3)",
    "string": "('2', 3)",
    "none": "None",
    "none-dim": "(None, 3)",
    "complex": "(2j, 3)",
    "bool": "(True, 6)",
    "bool-false": "(False, 3)",
    "nested": "((2, 3),)",
    "negative": "(-1,)",
    "negative-6": "(-6,)",
    "negative-pair": "(-2, -3)",
    "negative-and-zero": "(0, -1)",
    "negative-second": "(6, -1)",
    "65d": "(" + "1, " * 64 + "6)",
    "500d": "(" + "1, " * 500 + ")",
    "65d-zero": "(" + "0, " * 65 + ")",
    "overflow-to-0": "(4294967296, 4294967296)",
    "overflow-to-6": "(6, 6148914691236517206, 3)",
    "overflow-bytes": "(4611686018427387906,)",
    "int64-max": "(9223372036854775807,)",
    "int64-max-1": "(9223372036854775808,)",
    "uint64-max": "(18446744073709551615,)",
    "int64-min": "(-9223372036854775808,)",
    "zero-times-huge": "(0, 9223372036854775807, 9223372036854775807)",
    "zero-times-bigint": "(0, 36893488147419103232)",
    "zero-overflow": "(0, 4294967296, 4294967296)",
    "bigint-200": "(" + "9" * 200 + ",)",
    "digits-4301": "(" + "9" * 4301 + ",)",
    "too-many-by-one": "(7,)",
    "too-many-10mb": "(2621440,)",
    "bytes-dim": "(b'2', 3)",
    "set": "{2, 3}",
    "empty-string": "''",
    "ellipsis": "(..., 3)",
}

_DESCRS: dict[str, str] = {
    "none": "None",
    "bytes": "b'<f4'",
    "number": "5",
    "bool": "True",
    "dict": "{'a': ('<f4', 0)}",
    "dict-names": "{'names': ['a'], 'formats': ['<f4']}",
    "set": "{'<f4'}",
    "f3": "'<f3'",
    "f5": "'<f5'",
    "i3": "'<i3'",
    "c4": "'<c4'",
    "c1": "'|c1'",
    "b2": "'<b2'",
    "empty": "''",
    "mark-only": "'<'",
    "space-first": "' <f4'",
    "space-last": "'<f4 '",
    "upper": "'F4'",
    "suffix": "'<f4x'",
    "two-marks": "'<>f4'",
    "unknown": "'<q9'",
    "colon": "'a:f4'",
    "unknown-word": "'Float32'",
    "numpy-word": "'np.float32'",
    "S-negative": "'S-1'",
    "V-negative": "'|V-8'",
    "S-huge": "'S99999999999'",
    "U-overflow": "'U536870912'",
    "S-2g": "'S2147483647'",
    "U-2g": "'U536870911'",
    "size-bigint": "'V" + "9" * 30 + "'",
    "unicode-digit": "'<f\xb2'",
    "nul": "'<f4\\x00'",
    "high-byte": "'<f4\xff'",
    "unit-unknown": "'<M8[B]'",
    "unit-empty": "'<M8[]'",
    "unit-unclosed": "'<M8[s'",
    "unit-number-only": "'<M8[3]'",
    "unit-negative": "'<M8[-1s]'",
    "unit-huge": "'<M8[99999999999s]'",
    "unit-not-divisible": "'<M8[s/60]'",
    "unit-M4": "'<M4[s]'",
    "unit-junk": "'<M8[s]x'",
    "unit-on-int": "'<i8[s]'",
    "shape-bad-text": "'(2)f4'",
    "tuple-1": "('<f4',)",
    "tuple-dict": "('<f4', {})",
    "list-of-strings": "['<f4', '<i2']",
    "list-of-numbers": "[1, 2]",
    "field-1": "[('a',)]",
    "field-4": "[('a', '<f4', 2, 3)]",
    "field-empty": "[()]",
    "field-name-bytes": "[(b'a', '<f4')]",
    "field-name-int": "[(1, '<f4')]",
    "field-name-none": "[(None, '<f4')]",
    "field-type-bad": "[('a', '<f3')]",
    "field-type-none": "[('a', None)]",
    "field-twice": "[('a', '<f4'), ('a', '<i2')]",
    "field-nested-twice": "[('r', [('a', '<f4'), ('a', '<i2')])]",
    "title-is-name": "[(('T', 'a'), '<f4'), ('T', '<i4')]",
    "title-own-name": "[(('a', 'a'), '<f4')]",
    "title-twice": "[(('T', 'a'), '<f4'), (('T', 'b'), '<i4')]",
    "title-3": "[(('T', 'a', 'x'), '<f4')]",
    "title-1": "[(('a',), '<f4')]",
    "subarray-negative": "[('a', '<f4', -1)]",
    "subarray-negative-pair": "[('a', '<f4', (2, -1))]",
    "subarray-bool": "[('a', '<f4', True)]",
    "subarray-float": "[('a', '<f4', 2.0)]",
    "subarray-text": "[('a', '<f4', '2')]",
    "subarray-none": "[('a', '<f4', None)]",
    "subarray-overflow": "[('a', '<f4', (2147483647, 2147483647))]",
    "subarray-bigint": "[('a', '<f4', 36893488147419103232)]",
    "subarray-65d": "[('a', '<f4', (" + "1, " * 65 + "))]",
    "record-2g": "[('a', 'V2147483647'), ('b', 'V2147483647')]",
}

# Types that others write and NumPy does not know: ml_dtypes' word for bfloat16, what np.save makes of float8_e5m2, StringDType.
_UNKNOWN_TYPES = {"bfloat16": "'bfloat16'", "float8": "'<f1'", "string-dtype": "'|T16'"}

# A subarray for the whole dtype, with all its data. (np.load reads such a file when its data lack that factor.)
_TOP_LEVEL_SUBARRAYS = {"shape-top-level": "('<f4', (2,))", "shape-top-level-text": "'(2,)<f4'", "count-top-level": "'3f4'"}

# np.load divides by this zero: it does not raise, the process dies of SIGFPE (NumPy 2.4.6).
_CRASHES = {"unit-divided-by-zero": "'<M8[D/0]'"}


def add(output: Output) -> None:
    """Writes every file of this group and records how NumPy refuses it."""
    for name, text in (_SYNTAX | _KEYS).items():
        _write(output, f"header-{name}", npy_file(_V1, text, _DATA))
    for name, shape in _SHAPES.items():
        _write(output, f"shape-{name}", npy_file(_V1, _GOOD.replace("(2, 3)", shape) + "\n", _DATA))
    for name, descr in _DESCRS.items():
        _write(output, f"descr-{name}", npy_file(_V1, _GOOD.replace("'<f4'", descr) + "\n", _DATA))
    for name, descr in _UNKNOWN_TYPES.items():
        _write(output, f"descr-{name}", npy_file(_V1, _GOOD.replace("'<f4'", descr) + "\n", _DATA), expected="unsupported")
    for name, descr in _TOP_LEVEL_SUBARRAYS.items():
        _write(output, f"descr-{name}", npy_file(_V1, _GOOD.replace("'<f4'", descr) + "\n", _DATA * 3))
    for name, descr in _CRASHES.items():
        path = output.write(f"npy/invalid/descr-{name}.npy", npy_file(_V1, _GOOD.replace("'<f4'", descr) + "\n", _DATA))
        _record(output, path, "SIGFPE: the process dies", {})
    _add_structure(output)
    _add_encodings(output)
    _add_limits(output)
    _add_truncations(output)
    _add_objects(output)


def _write(output: Output, name: str, data: bytes, **notes: Any) -> None:
    """Writes one file, has ``np.load`` refuse it, and records the words."""
    path = output.write(f"npy/invalid/{name}.npy", data)
    error = refusal_of(lambda: np.load(path))
    if error is None:
        raise AssertionError(f"np.load accepts {name}")
    _record(output, path, _portable(error), notes)


def _record(output: Output, path: Path, error: str, notes: dict[str, Any]) -> None:
    entry = {"file": str(path.relative_to(output.root)), "expected": "malformed", "tensors": [], "numpy_error": error}
    output.record("npy", entry | notes)


def _portable(error: str) -> str:
    """The error without what differs from run to run or from machine to machine, and not too long."""
    error = re.sub(r" at 0x[0-9a-f]+", " at 0x...", error)
    return error if len(error) <= 400 else error[:400] + "..."


def _add_structure(output: Output) -> None:
    """Bad magic, versions and lengths."""
    good = npy_file(_V1, _GOOD + "\n", _DATA)
    _write(output, "empty", b"")
    _write(output, "magic-other", b"\x93NUMPZ" + good[6:])
    _write(output, "magic-lower", b"\x93numpy" + good[6:])
    _write(output, "magic-shifted", b"\n" + good)
    _write(output, "magic-text", b"not an array\n")
    _write(output, "magic-zip", b"PK\3\4" + good[4:])
    for version in ((0, 0), (1, 1), (2, 1), (3, 1), (4, 0), (255, 255)):
        notes = {} if version == (0, 0) else {"expected": "unsupported"}
        _write(output, f"version-{version[0]}-{version[1]}", good[:6] + bytes(version) + good[8:], **notes)
    _write(output, "length-0", good[:8] + b"\0\0" + good[10:])
    _write(output, "length-past-end", good[:8] + b"\xff\xff" + good[10:])
    _write(output, "length-one-short", good[:8] + (len(_GOOD) - 1).to_bytes(2, "little") + good[10:])
    _write(output, "length-into-data", good[:8] + (len(_GOOD) + 5).to_bytes(2, "little") + good[10:])
    text = _GOOD.encode()
    _write(output, "length-v2-4g", b"\x93NUMPY\2\0\xff\xff\xff\xff" + text + b"\n" + _DATA)
    _write(output, "length-v2-2g", b"\x93NUMPY\2\0\xff\xff\xff\x7f" + text + b"\n" + _DATA)
    _write(output, "length-v1-in-v2", b"\x93NUMPY\2\0" + good[8:])
    _write(output, "length-v2-in-v1", b"\x93NUMPY\1\0" + npy_file(_V2, _GOOD + "\n", _DATA)[8:])


def _add_encodings(output: Output) -> None:
    """Header texts that are not in the encoding of their version."""
    name = "{'descr': [('%s', '<f4')], " + _ORDER + "'shape': (6,), }\n"
    _write(output, "utf8-latin1-in-v3", npy_file(_V3, name.replace("%s", "\xe9").encode("latin-1"), _DATA))
    _write(output, "utf8-overlong", npy_file(_V3, name.encode().replace(b"%s", b"\xc0\xaf"), _DATA))
    _write(output, "utf8-surrogate", npy_file(_V3, name.encode().replace(b"%s", b"\xed\xa0\x80"), _DATA))
    _write(output, "utf8-cut", npy_file(_V3, name.encode().replace(b"%s", b"\xe6\x97"), _DATA))
    _write(output, "utf8-beyond", npy_file(_V3, name.encode().replace(b"%s", b"\xf4\x90\x80\x80"), _DATA))
    _write(output, "utf8-bom", npy_file(_V3, b"\xef\xbb\xbf" + _GOOD.encode() + b"\n", _DATA))
    _write(output, "py2-long-in-v3", npy_file(_V3, _GOOD.replace("2, 3", "2L, 3L") + "\n", _DATA))
    _write(output, "utf16", npy_file(_V1, _GOOD.encode("utf-16"), _DATA))


def _add_limits(output: Output) -> None:
    """Headers that are too long or too deep."""
    _write(output, "limit-10001", npy_file(_V1, _GOOD.ljust(10_000) + "\n", _DATA), limit="header")
    _write(output, "limit-65535", npy_file(_V1, _GOOD.ljust(65_534) + "\n", _DATA), limit="header")
    _write(output, "limit-v2-70000", npy_file(_V2, _GOOD.ljust(70_000) + "\n", _DATA), limit="header")
    for name, opening, closing, depth in (
        ("parentheses", "(", ")", 3000),
        ("lists", "[", "]", 3000),
        ("braces", "{1:", "}", 2000),
    ):
        descr = opening * depth + "'<f4'" + closing * depth
        _write(output, f"deep-{name}", npy_file(_V1, _GOOD.replace("'<f4'", descr) + "\n", _DATA))
    _write(output, "deep-unclosed", npy_file(_V1, "{'descr': " + "(" * 9000, _DATA))
    _write(output, "deep-minus", npy_file(_V1, _GOOD.replace("2, 3", "-" * 5000 + "2, 3") + "\n", _DATA))
    records = "[('a'," * 700 + "'<f4'" + ")]" * 700
    _write(output, "deep-records", npy_file(_V1, _GOOD.replace("'<f4'", records) + "\n", _DATA))


def _add_truncations(output: Output) -> None:
    """A file cut within each part."""
    good = npy_file(_V1, _GOOD.ljust(117) + "\n", _DATA)
    for length in (1, 5, 6, 7, 8, 9, 10, 50, 127, 128, 129, 151):
        _write(output, f"cut-{length:03}", good[:length])
    _write(output, "cut-v2-length", npy_file(_V2, _GOOD + "\n", _DATA)[:11])
    fortran = npy_file(_V1, _GOOD.replace("False", "True") + "\n", _DATA[:-1])
    _write(output, "cut-fortran", fortran)
    scalar = npy_file(_V1, _GOOD.replace("(2, 3)", "()") + "\n", b"\0\0\0")
    _write(output, "cut-0d", scalar)
    record = npy_file(_V1, _GOOD.replace("'<f4'", "[('a', '<f4'), ('b', '|u1')]") + "\n", bytes(29))
    _write(output, "cut-record", record)


def _add_objects(output: Output) -> None:
    """Object arrays with a pickle that is cut or holds no array; also refused without ``allow_pickle``."""
    for name, descr in (("O", "'|O'"), ("O8", "'O8'"), ("word", "'object'"), ("field", "[('a', '<i4'), ('o', '|O')]")):
        data = npy_file(_V1, _GOOD.replace("'<f4'", descr) + "\n", b"\x80\x04N.")
        _write(output, f"object-{name}-not-an-array", data, expected="object")
    _write(output, "object-without-pickle", npy_file(_V1, _GOOD.replace("'<f4'", "'|O'") + "\n", b""), expected="object")
