"""``npy/valid``: headers that NumPy never writes and ``np.load`` accepts; each is read with it."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

import numpy as np

from . import npy_valid
from .files import Output, npy_file

_V1, _V2, _V3 = (1, 0), (2, 0), (3, 0)
_F4 = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
_TAIL = "'fortran_order': False, 'shape': (2, 3), }"

_GRAMMAR: dict[str, tuple[tuple[int, int], str]] = {
    "key-order": (_V1, "{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}\n"),
    "double-quotes": (_V1, '{"descr": "<f4", "fortran_order": False, "shape": (2, 3)}\n'),
    "triple-quotes": (_V1, "{'''descr''': \"\"\"<f4\"\"\", 'fortran_order': False, 'shape': (2, 3)}\n"),
    "escapes": (_V1, "{'d\\x65scr': '\\x3cf4', '\\u0066ortran_order': False, 'sh\\141pe': (2, 3)}\n"),
    "escape-named": (_V1, "{'descr': '\\N{LESS-THAN SIGN}f4', " + _TAIL + "\n"),
    "escape-line-continuation": (_V1, "{'descr': '<\\\nf4', " + _TAIL + "\n"),
    "prefix-r-u": (_V1, "{u'descr': r'<f4', R'fortran_order': False, U'shape': (2, 3)}\n"),
    "string-concatenation": (_V1, "{'de' 'scr': '<' \"f4\", " + _TAIL + "\n"),
    "comments": (_V1, "{'descr': '<f4', # the type\n" + _TAIL + " # end"),
    "crlf": (_V1, "{'descr': '<f4',\r\n 'fortran_order': False,\r\n 'shape': (2, 3)}\r\n"),
    "newlines-and-tabs": (_V1, "{\t'descr'\n:\n'<f4'\n,\n'fortran_order':\tFalse,\f'shape':(\n2,\n3\n)}\n"),
    "leading-space": (_V1, "  \t" + _F4 + "\n"),
    "no-padding": (_V1, _F4),
    "no-space": (_V1, "{'descr':'<f4','fortran_order':False,'shape':(2,3)}"),
    "no-trailing-comma": (_V1, _F4.replace(", }", "}") + "\n"),
    "trailing-comma-in-shape": (_V1, _F4.replace("3)", "3, )") + "\n"),
    "duplicate-keys": (_V1, "{'shape': (9, 9), 'descr': '>i8', 'descr': '<f4', " + _TAIL + "\n"),
    "parentheses": (_V1, "({('descr'): (('<f4')), 'fortran_order': (False), 'shape': ((2), (3))})\n"),
    "int-hex": (_V1, _F4.replace("2, 3", "0x2, 0X03") + "\n"),
    "int-octal-binary": (_V1, _F4.replace("2, 3", "0o2, 0b11") + "\n"),
    "int-underscore": (_V1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1_0, 0_0)}\n"),
    "int-plus": (_V1, _F4.replace("2, 3", "+2, + 3") + "\n"),
    "int-minus-zero": (_V1, _F4.replace("2, 3", "-0, 3") + "\n"),
    "int-double-zero": (_V1, _F4.replace("2, 3", "000, 3") + "\n"),
    "py2-long": (_V1, _F4.replace("2, 3", "2L, 3L") + "\n"),
    "py2-long-v2": (_V2, _F4.replace("2, 3", "2L, 3 L") + "\n"),
    "version-2-minimal": (_V2, _F4 + "\n"),
    "version-3-minimal": (_V3, _F4 + "\n"),
    "version-3-utf8-comment": (_V3, _F4 + " # 日本\n"),
    "latin1-comment": (_V1, _F4 + " # \xe9\xff\n"),
    "fortran-1d": (_V1, "{'descr': '<f4', 'fortran_order': True, 'shape': (3,)}\n"),
    "fortran-0d": (_V1, "{'descr': '<f4', 'fortran_order': True, 'shape': ()}\n"),
    "header-exactly-10000": (_V1, _F4.ljust(9999) + "\n"),
    "header-16-aligned": (_V1, _F4.ljust(69) + "\n"),
}

_DESCRS: dict[str, str] = {
    "f4": "'f4'",
    "float32": "'float32'",
    "native-f4": "'=f4'",
    "bar-f4": "'|f4'",
    "i": "'i'",
    "question": "'?'",
    "little-b1": "'<b1'",
    "little-u1": "'<u1'",
    "big-i1": "'>i1'",
    "big-S5": "'>S5'",
    "little-V3": "'<V3'",
    "S": "'S'",
    "half": "'half'",
    "single": "'single'",
    "double": "'double'",
    "int64": "'int64'",
    "uint8": "'uint8'",
    "bool": "'bool'",
    "char-b": "'b'",
    "char-upper-B": "'B'",
    "char-h": "'h'",
    "char-upper-H": "'H'",
    "char-upper-I": "'I'",
    "char-e": "'e'",
    "char-d": "'d'",
    "char-upper-F": "'F'",
    "char-upper-D": "'D'",
    "big-char-d": "'>d'",
    "complex64": "'complex64'",
    "f04": "'f04'",
    "M8": "'M8'",
    "datetime64-s": "'datetime64[s]'",
    "timedelta64-25s": "'timedelta64[25s]'",
    "M8-generic": "'M8[generic]'",
    "M8-divided": "'<M8[D/4]'",
    "M8-year-divided": "'<M8[Y/12]'",
    "a5": "'a5'",
    "comma": "'<f4,<i2'",
    "comma-spaces": "'>i4 , <f4'",
    "comma-trailing": "'f4,'",
    "comma-shape": "'i2, (2,3)u1, 2f4'",
    "field-list": "[['a', '<f4'], ['b', '<i2']]",
    "subarray-int": "[('a', '<f4', 3)]",
    "subarray-list": "[('a', '<f4', [3, 2])]",
    "subarray-empty": "[('a', '<f4', ())]",
    "subarray-zero": "[('a', '<f4', 0), ('b', 'u1')]",
    "subarray-tuple-descr": "[('a', ('<f4', (2,)))]",
    "field-comma": "[('a', 'f4,>i4')]",
    "field-no-fields": "[('a', []), ('b', 'u1')]",
    "no-fields": "[]",
    "pad-first": "[('', '|V3'), ('x', '<u2')]",
    "pad-last": "[('x', '<u2'), ('', 'V3')]",
    "pad-twice": "[('', 'V2'), ('', 'V2'), ('b', '<f4')]",
    "pad-only": "[('', '|V2')]",
    "name-empty": "[('', '<f4'), ('b', '<i2')]",
    "title-empty-name": "[(('T', ''), '<f4')]",
    "records-20-deep": "[('a', " * 20 + "'<f4'" + ")]" * 20,
    "name-nul": "[('a\\x00b', '<f4')]",
    "V0-field": "[('a', '|V0'), ('b', '<i4')]",
}


def add(output: Output) -> None:
    """Writes every file of this group and records it."""
    for name, version, text, payload in _cases():
        path = output.write(f"npy/valid/handmade-{name}.npy", npy_file(version, text, payload))
        npy_valid.record(output, path, notes={"handmade": True})


def _cases() -> Iterator[tuple[str, tuple[int, int], str, bytes]]:
    """Name, version, header text and payload of each file."""
    floats = np.arange(1, 7, dtype="<f4").tobytes()
    for name, (version, text) in _GRAMMAR.items():
        empty = any(mark in text for mark in ("0_0", "-0", "000"))
        scalar_or_row = 4 if "()" in text else 12 if "(3,)" in text else 24
        yield name, version, text, b"" if empty else floats[:scalar_or_row]
    for name, descr in _DESCRS.items():
        text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (2,), }}\n"
        yield f"descr-{name}", _V1, text, _two_elements(descr)


def _two_elements(descr: str) -> bytes:
    """Bytes for two elements of the dtype that NumPy makes of a descr."""
    dtype = np.lib.format.descr_to_dtype(ast.literal_eval(descr))
    size = dtype.itemsize * math.prod(dtype.shape)
    return bytes(1 if dtype.kind == "b" else 1 + i % 100 for i in range(2 * size))
