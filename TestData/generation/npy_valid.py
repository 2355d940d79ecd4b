"""``npy/valid``: files as the real NumPy writes them."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from . import golden, samples
from .files import Output, warnings_of

_SEED = 20_261_121
_UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as")
_MULTIPLES = ("2W", "25s", "10ms", "7D", "100ns")

Named = Iterator[tuple[str, np.ndarray]]


def add(output: Output) -> None:
    """Writes every file of this group and records it."""
    for name, array in _arrays():
        _write(output, name, _bytes(array))
    _add_versions(output)
    _add_many_fields(output)
    _add_more_than_one_array(output)
    _add_objects(output)


def record(output: Output, path: Path, *, max_header_size: int | None = None, notes: dict[str, Any] | None = None) -> None:
    """Reads a written file with ``np.load`` and records what it holds; fails when NumPy refuses it."""
    limit = {} if max_header_size is None else {"max_header_size": max_header_size}
    array, warned = warnings_of(lambda: np.load(path, **limit))
    tensor = golden.describe_npy(path.read_bytes(), lambda: array, unlimited=bool(limit))
    entry = {"file": str(path.relative_to(output.root)), "expected": "ok"} | limit | (notes or {})
    if warned:
        entry["numpy_warnings"] = warned
    output.record("npy", entry | {"tensors": [tensor]})


def _write(output: Output, name: str, data: bytes, **keywords: Any) -> None:
    record(output, output.write(f"npy/valid/{name}.npy", data), **keywords)


def _bytes(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    """The array as ``np.save`` writes it, or in the given format version."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.lib.format.write_array(stream, array, version=version)
    return stream.getvalue()


def _arrays() -> Named:
    """All plain arrays with the names of their files."""
    yield from _plain_dtypes()
    yield from _text_and_void()
    yield from _times()
    yield from _orders_and_shapes()
    yield from _special_floats()
    yield from _records()
    yield from _ml_dtypes()


def _plain_dtypes() -> Named:
    """Every number type in both byte orders; 3 x 4 elements."""
    rng = np.random.default_rng(_SEED)
    for code in ("b1", "i1", "u1"):
        yield f"dtype-{golden.dtype_name(np.dtype(code))}", samples.array(rng, code, (3, 4))
    for code in ("i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8", "f16", "c8", "c16", "c32"):
        for mark, order in (("<", "le"), (">", "be")):
            dtype = np.dtype(mark + code)
            yield f"dtype-{golden.dtype_name(dtype)}-{order}", samples.array(rng, dtype, (3, 4))
    for code in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
        limits = np.iinfo(code)
        yield f"limits-{golden.dtype_name(np.dtype(code))}", np.array([limits.min, 0, 1, limits.max], code)


def _text_and_void() -> Named:
    """Bytes, text and opaque elements, zero-sized ones among them."""
    rng = np.random.default_rng(_SEED + 1)
    for code in ("S1", "S5", "V1", "V8", "<U1", ">U1", "<U7", ">U7"):
        dtype = np.dtype(code)
        order = {"<": "-le", ">": "-be"}.get(code[0], "")
        yield f"dtype-{golden.dtype_name(dtype)}{order}", samples.array(rng, dtype, (5,))
    for code in ("S0", "U0"):
        yield f"dtype-{code}", np.ndarray((3,), code)
        yield f"dtype-{code}-empty", np.ndarray((0,), code)
    yield "dtype-V0", np.ndarray((3,), "V0")
    yield "bytes-inner-nul", np.array([b"a\0b", b"\0\0c", b""], "S4")
    yield "text-planes", np.array(["a\u0301", "\u00e9", "\U0001f600", "\ufeffx", "\u202e"], "U2")
    yield "text-surrogates", np.frombuffer(np.array([0xD800, 0xDFFF, 0x10FFFF], "<u4").tobytes(), "<U1").copy()
    yield "text-2d-fortran", np.asfortranarray(np.array([["ab", "c"], ["", "defg"]], "U4"))


def _times() -> Named:
    """Dates and durations of every unit, multiples, the generic unit and NaT."""
    rng = np.random.default_rng(_SEED + 2)
    for code, word in (("M8", "datetime64"), ("m8", "timedelta64")):
        yield f"dtype-{word}", samples.array(rng, f"<{code}", (6,))
        for unit in _UNITS + _MULTIPLES:
            yield f"dtype-{word}-{_file_word(unit)}", samples.array(rng, f"<{code}[{unit}]", (6,))
        yield f"dtype-{word}-ns-be", samples.array(rng, f">{code}[ns]", (6,))
    yield "datetime-calendar", np.array(["1969-12-31", "1970-01-01", "2024-02-29", "NaT", "-0044-03-15"], "M8[D]")


def _file_word(unit: str) -> str:
    """The unit for a file name; ``M`` and ``m`` must differ on a disk that ignores case."""
    return {"M": "month", "m": "minute", "Y": "year", "D": "day", "W": "week"}.get(unit, unit)


def _orders_and_shapes() -> Named:
    """Memory orders, numbers of dimensions and empty arrays."""
    rng = np.random.default_rng(_SEED + 3)
    for code in ("<f4", ">f4", "<i2", ">c16", "|u1", "|b1"):
        mark = "be" if code[0] == ">" else "le"
        yield f"fortran-{golden.dtype_name(np.dtype(code))}-{mark}", samples.array(rng, code, (2, 3, 4), "F")
    yield "fortran-7x5", samples.array(rng, "<f8", (7, 5), "F")
    yield "fortran-1xn-is-c", np.asfortranarray(samples.array(rng, "<f4", (1, 5)))
    yield "fortran-wide-digits", samples.array(rng, "|u1", (2, 1234), "F")
    yield "c-tall-digits", samples.array(rng, "|u1", (1234, 2))
    yield "strided-view", samples.array(rng, "<i4", (6, 8))[::2, ::3]
    yield "reversed-view", samples.array(rng, "<i4", (6,))[::-1]
    for shape in ((), (0,), (0, 3), (3, 0, 2), (1,), (5,), (2, 3), (2, 3, 4), (1, 1, 1, 1), (2,) * 8):
        yield f"shape-{_shape_word(shape)}", samples.array(rng, "<f4", shape)
    for code in ("|b1", ">i8", "<U3", "<M8[s]", "|S4"):
        yield f"scalar-{golden.dtype_name(np.dtype(code)).replace('[', '-').strip(']')}", samples.array(rng, code, ())
    for ndim in (32, 33, 64):
        yield f"shape-{ndim}d", samples.array(rng, "<i2", (2,) + (1,) * (ndim - 2) + (3,))
    yield "shape-64d-fortran", samples.array(rng, "<i2", (2,) + (1,) * 62 + (3,), "F")
    yield "header-192", samples.array(rng, np.dtype([("abcdefghijklmnopq", "<f4"), ("b", "<i4")]), (2,))


def _shape_word(shape: tuple[int, ...]) -> str:
    """``2x3`` for a shape, ``0d`` for none."""
    return "x".join(map(str, shape)) or "0d"


def _special_floats() -> Named:
    """NaN payloads (quiet and signalling), signed zeros, infinities and denormals."""
    bits = {
        "float16": [0x7C00, 0xFC00, 0x7E00, 0x7C01, 0xFE55, 0x8000, 0x0001, 0x03FF, 0x0400, 0x7BFF],
        "float32": [
            0x7F800000,
            0xFF800000,
            0x7FC00000,
            0x7F800001,
            0xFFC12345,
            0x80000000,
            1,
            0x007FFFFF,
            0x00800000,
            0x7F7FFFFF,
        ],
        "float64": [
            0x7FF << 52,
            0xFFF << 52,
            0x7FF8 << 48,
            (0x7FF << 52) + 1,
            0xFFF8_0000_DEAD_BEEF,
            1 << 63,
            1,
            (1 << 52) - 1,
            1 << 52,
            (0x7FF << 52) - 1,
        ],
    }
    for name, patterns in bits.items():
        size = np.dtype(name).itemsize
        for mark, order in (("<", "le"), (">", "be")):
            raw = np.array(patterns, f"{mark}u{size}")
            yield f"special-{name}-{order}", raw.view(f"{mark}f{size}")
    raw = np.array(bits["float32"], "<u4").view("<c8")
    yield "special-complex64", raw
    yield "special-longdouble", _special_long_doubles()
    yield "bool-other-bytes", np.array([0, 1, 2, 255], "u1").view("?")


def _special_long_doubles() -> np.ndarray:
    """80-bit patterns: 1, -0, infinity, a NaN with payload, the least denormal, a pseudo-denormal."""
    numbers = [(0x3FFF, 1 << 63), (0x8000, 0), (0x7FFF, 1 << 63), (0x7FFF, 0xC000_0000_DEAD_BEEF), (0, 1), (0, 1 << 63)]
    raw = b"".join(m.to_bytes(8, "little") + e.to_bytes(2, "little") + bytes(6) for e, m in numbers)
    return np.frombuffer(bytearray(raw), "<f16")


def _record_dtypes() -> dict[str, np.dtype]:
    """Record types of every kind that NumPy can write."""
    point = [("x", "<f4"), ("y", "<f4")]
    return {
        "plain": np.dtype([("id", "<i4"), ("score", "<f8"), ("ok", "?"), ("tag", "S3"), ("word", "<U2"), ("when", "<M8[s]")]),
        "big-endian": np.dtype([("id", ">i4"), ("score", ">f8"), ("word", ">U2"), ("c", ">c8"), ("when", ">m8[ms]")]),
        "mixed-endian": np.dtype([("a", "<u2"), ("b", ">u2"), ("c", "<c16"), ("d", ">c16")]),
        "nested": np.dtype([("p", point), ("q", [("r", point), ("n", "|u1")])]),
        "subarray": np.dtype([("m", "<f4", (2, 3)), ("v", ">i2", (4,)), ("one", "<i4", (1,)), ("none", "<i4", (0,))]),
        "subarray-of-records": np.dtype([("path", [("x", ">f4"), ("y", "<f4")], (3,)), ("n", "|u1")]),
        "titled": np.dtype([(("The title", "a"), "<f4"), (("Größe", "b"), "<i2", (2,))]),
        "aligned": np.dtype([("a", "|u1"), ("b", "<f8"), ("c", "<i2")], align=True),
        "offsets": np.dtype({"names": ["a", "b"], "formats": ["<i2", ">i4"], "offsets": [3, 10], "itemsize": 20}),
        "aligned-nested": np.dtype([("a", "|u1"), ("in", np.dtype([("b", "|u1"), ("c", "<i4")], align=True))], align=True),
        "name-latin1": np.dtype([("é", "<f4"), ("ÿ", "<i2")]),
        "name-unicode": np.dtype([("日本", "<f4"), ("😀", "<i2")]),
        "name-quotes": np.dtype(
            [("it's", "<f4"), ('say "x"', "<i2"), ("both'\"", "|u1"), ("back\\slash", "|u1"), ("tab\tnl\n", "|u1")]
        ),
        "name-empty-title": np.dtype([("f0", "<f4"), ("f1", "<i2"), (" ", "|u1")]),
        "void-fields": np.dtype([("raw", "V5"), ("zero", "S0"), ("b", "<i4")]),
        "no-fields": np.dtype([]),
        "long-double": np.dtype([("n", "|u1"), ("x", "<f16")]),
    }


def _records() -> Named:
    """Arrays of records: all types in one dimension, a few shapes and orders."""
    rng = np.random.default_rng(_SEED + 4)
    dtypes = _record_dtypes()
    for name, dtype in dtypes.items():
        yield f"record-{name}", samples.array(rng, dtype, (4,))
    yield "record-0d", samples.array(rng, dtypes["plain"], ())
    yield "record-empty", samples.array(rng, dtypes["nested"], (0, 2))
    yield "record-fortran", samples.array(rng, dtypes["mixed-endian"], (2, 3), "F")
    yield "record-2d", samples.array(rng, dtypes["subarray"], (2, 2))


def _ml_dtypes() -> Named:
    """bfloat16 and 8-bit floats, which NumPy stores as ``V2`` and ``V1``."""
    try:
        import ml_dtypes  # late: once it is imported, NumPy takes 'bfloat16' for a descr, which npy_invalid must see refused
    except ImportError as error:
        raise SystemExit("generate.py needs ml_dtypes for the bfloat16 and 8-bit float files: pip install ml_dtypes") from error
    rng = np.random.default_rng(_SEED + 5)
    for name in ("bfloat16", "float8_e4m3fn", "float8_e8m0fnu"):
        dtype = np.dtype(getattr(ml_dtypes, name))
        raw = rng.integers(0, 256, 12 * dtype.itemsize).astype(np.uint8)
        yield f"ml-{name}", raw.view(dtype).reshape(3, 4)
    yield "ml-bfloat16-fortran", np.asfortranarray(rng.standard_normal((2, 3)).astype(ml_dtypes.bfloat16))


def _add_versions(output: Output) -> None:
    """Plain arrays in the format versions 2 and 3, which ``np.save`` would not choose for them."""
    rng = np.random.default_rng(_SEED + 6)
    for major in (2, 3):
        _write(output, f"version-{major}", _bytes(samples.array(rng, "<f4", (2, 3)), (major, 0)))
        _write(output, f"version-{major}-0d", _bytes(samples.array(rng, ">i8", ()), (major, 0)))
        _write(output, f"version-{major}-fortran", _bytes(samples.array(rng, "<i2", (4, 3), "F"), (major, 0)))


def _add_many_fields(output: Output) -> None:
    """Headers near and above the limit of 10 000 characters, and one that needs format version 2."""
    for count in (440, 530, 3800):
        array = np.zeros((1,), [(f"field{i:04}", "|u1") for i in range(count)])
        data = _bytes(array)
        characters = data.index(b"\n") - 9
        limit = None if characters <= 10_000 else 100_000
        _write(output, f"record-{count}-fields", data, max_header_size=limit, notes={"header_characters": characters})


def _add_more_than_one_array(output: Output) -> None:
    """Bytes after the array: a second array, and others."""
    rng = np.random.default_rng(_SEED + 7)
    first, second = samples.array(rng, "<f4", (2, 3)), samples.array(rng, ">i2", (5,))
    _write(output, "trailing-second-array", _bytes(first) + _bytes(second))
    _write(output, "trailing-five-bytes", _bytes(first) + b"after")
    _write(output, "trailing-after-empty", _bytes(samples.array(rng, "<f4", (0, 3))) + bytes(4))
    path = output.root / "npy/valid/trailing-second-array.npy"
    with path.open("rb") as stream:
        if not (np.array_equal(np.load(stream), first) and np.array_equal(np.load(stream), second)):
            raise AssertionError("two arrays in one stream")


def _add_objects(output: Output) -> None:
    """Object arrays, which hold a pickle; an inert reader lists them and refuses their elements."""
    arrays = {
        "object": np.array([None, True, 1, -(2**70), 1.5, "text", b"bytes", [1, 2], {"k": (1,)}], object),
        "object-0d": np.array({"lr": 0.1, "steps": [1, 2, 3]}, object),
        "object-2d-fortran": np.asfortranarray(np.array([[1, "b"], [None, 2.5]], object)),
        "object-field": np.array([(1, "x"), (2, None)], [("n", "<i4"), ("o", "O")]),
    }
    for name, array in arrays.items():
        path = output.write(f"npy/valid/{name}.npy", _bytes(array))
        loaded = np.load(path, allow_pickle=True)
        if loaded.shape != array.shape or math.prod(loaded.shape) != array.size:
            raise AssertionError(name)
        tensor = golden.describe_npy(path.read_bytes(), lambda array=array: array)
        output.record("npy", {"file": f"npy/valid/{name}.npy", "expected": "object", "tensors": [tensor]})
