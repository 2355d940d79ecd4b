"""``objects/valid``: arrays of Python objects in npy and npz files, whose elements lie in a pickle."""

from __future__ import annotations

import datetime
import decimal
import io
import pickle
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from . import golden, values
from .files import Output, npy_file
from .golden import JSON
from .inert import InertUnpickler

_DATE = (1980, 1, 1, 0, 0, 0)


def add(output: Output) -> None:
    """Writes every file of this group and records it."""
    for name, array in arrays():
        record(output, output.write(f"objects/valid/{name}.npy", _saved(array)))
    for protocol in (2, 3):
        _add_old_spelling(output, protocol)
    _add_python2(output)
    _add_archives(output)


def record(output: Output, path: Path, notes: JSON | None = None, **options: Any) -> None:
    """Loads a written file with ``np.load`` and records what its headers say and which objects it holds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = np.load(path, allow_pickle=True, **options)
        found = {"": loaded} if isinstance(loaded, np.ndarray) else dict(loaded.items())
        tensors = []
        for name, array in found.items():
            data = path.read_bytes() if name == "" else zipfile.ZipFile(path).read(f"{name}.npy")
            entry = golden.describe_npy(data, lambda array=array: array, name)
            entry.pop("resaved_sha256", None)
            if array.dtype.hasobject:
                inert = InertUnpickler(io.BytesIO(data[entry["data_offset"] :]), **options).load()
                if (inert.dtype, inert.shape, inert.strides) != (array.dtype, array.shape, array.strides):
                    raise AssertionError(f"{path.name}: np.load gives another array")
                entry |= values.array_facts(inert)
            tensors.append(entry)
    kind = path.suffix.removeprefix(".")
    file = str(path.relative_to(output.root))
    output.record("objects", {"file": file, "format": kind, "expected": "ok"} | (notes or {}) | {"tensors": tensors})


def _saved(array: np.ndarray, protocol: int | None = None) -> bytes:
    """What ``np.save`` writes, or the same with a pickle of another protocol."""
    made = golden.saved(array)
    if protocol is None:
        return made
    header = 10 + int.from_bytes(made[8:10], "little")
    return made[:header] + pickle.dumps(array, protocol)


def _filled(items: list[Any], shape: tuple[int, ...] | None = None) -> np.ndarray:
    """An array of exactly these objects; NumPy would make rows of lists."""
    array = np.empty(len(items), object)
    for index, item in enumerate(items):
        array[index] = item
    return array if shape is None else array.reshape(shape)


def arrays() -> Iterator[tuple[str, np.ndarray]]:
    """All arrays that NumPy writes itself, with the names of their files."""
    yield (
        "scalars",
        _filled([None, True, False, 0, -1, 255, 2**31, -(2**63), 2**70, -(2**600), 1.5, -0.0, float("inf"), 1 + 2j]),
    )
    yield "not-numbers", _filled([float("nan"), complex(float("nan"), 1.0)])
    yield "strings", _filled(["", "text", "größe", "日本", "😀", "nul\0", "x" * 300, "\ud800"])
    yield "bytes", _filled([b"", b"raw\x00\xff", b"y" * 300, bytearray(b"ab")])
    yield "containers", _filled([[1, [2]], (1, "a"), {"k": [None], 1: 2}, {1, 2}, frozenset([3]), OrderedDict(a=1), [], (), {}])
    yield "labels", np.array(["cat", "dog", "cat", None], object)
    yield "ragged", _filled([np.arange(n, dtype=np.int32) for n in (3, 0, 5)])
    yield "nested", _filled(_nested_arrays())
    yield "numpy-scalars", _filled(_numpy_scalars())
    yield "shared", _shared()
    yield "cyclic", _cyclic()
    yield "0d-dict", np.array({"lr": 0.1, "weights": np.ones(2, np.float32), "steps": [1, 2]}, object)
    yield "0d-none", np.array(None, object)
    yield "2d", _filled([1, "b", None, 2.5, [3], b"c"], (2, 3))
    yield "2d-fortran", np.asfortranarray(_filled([1, "b", None, 2.5, [3], b"c"], (2, 3)))
    yield "3d-fortran", np.asfortranarray(_filled(list(range(12)), (2, 3, 2)))
    yield "empty", np.empty((0, 3), object)
    yield "many", _filled(list(range(1001)))
    yield "record", np.array([(1, "x"), (2, None)], [("n", "<i4"), ("o", "O")])
    yield "record-nested", _records()
    yield "any-class", _filled([decimal.Decimal("1.5"), datetime.date(2024, 2, 29), np.dtype("<f4"), int, slice(1, 2)])


def _nested_arrays() -> list[Any]:
    plain = np.arange(6, dtype=np.float32).reshape(2, 3)
    return [
        plain,
        np.asfortranarray(plain),
        plain.astype(">f4"),
        plain[:, ::2],
        np.array(7, np.int64),
        np.empty((0, 2)),
        np.array(["ab", "c"]),
        np.array([b"ab", b"c"]),
        np.array(["2024-02-29", "NaT"], "M8[D]"),
        np.array([(1, 2.5)], [("a", "|u1"), ("b", "<f8")]),
        np.array([1, "a", [None]], object),
        np.array([True, False]),
        np.array([1 + 2j], np.complex64),
        np.array([1.5], np.float16),
    ]


def _numpy_scalars() -> list[Any]:
    return [
        np.float64(1.5),
        np.float32("nan"),
        np.float16(-0.0),
        np.int64(-3),
        np.uint8(200),
        np.bool_(True),
        np.complex64(1 + 2j),
        np.str_("größe"),
        np.bytes_(b"ab"),
        np.datetime64("2024-02-29T12", "ns"),
        np.timedelta64(5, "s"),
        np.array([(1, 2.5)], [("a", "|u1"), ("b", "<f8")])[0],
    ]


def _shared() -> np.ndarray:
    """One list, one dictionary and one array, each in several places."""
    items, table, array = [1, 2], {"k": 1}, np.ones(2)
    return _filled([items, table, items, array, table, array, [items, "text"]])


def _cyclic() -> np.ndarray:
    items: list[Any] = [1]
    items.append(items)
    return _filled([items, 2])


def _records() -> np.ndarray:
    """Objects in fields, in subarrays and in records inside of records."""
    dtype = np.dtype([("id", ">i2"), ("tags", "O", (2,)), ("inner", [("o", "O"), ("x", "<f4")])])
    made = np.zeros(2, dtype)
    made["id"] = [1, 2]
    made["tags"][0] = ["a", None]
    made["tags"][1] = [[1], {"k": 2}]
    made["inner"]["o"] = ["p", 3]
    made["inner"]["x"] = [0.5, -1]
    return made


def _add_old_spelling(output: Output, protocol: int) -> None:
    """What NumPy 1 wrote: the old names of its modules, protocols 2 and 3."""
    for name, array in (
        ("scalars", _filled([None, 1, 2**70, 1.5, "text", b"raw\xff", b""])),
        ("nested", _filled([np.arange(3.0), np.float32(2), [np.array([1, None], object)]])),
        ("2d-fortran", np.asfortranarray(_filled([1, "b", None, 2.5], (2, 2)))),
        ("record", np.array([(1, "x"), (2, None)], [("n", "<i4"), ("o", "O")])),
    ):
        data = _saved(array, protocol).replace(b"numpy._core.", b"numpy.core.")
        record(output, output.write(f"objects/valid/numpy1-protocol-{protocol}-{name}.npy", data))


def python2_array(items: bytes, count: int) -> bytes:
    """A pickle of an array of objects by Python 2 and NumPy 1: ``str`` as SHORT_BINSTRING."""
    dtype = b"cnumpy\ndtype\n(U\x02O8K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
    start = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
    return b"\x80\x02" + start + b"(K\x01(K" + bytes([count]) + b"t" + dtype + b"\x89](" + items + b"etb."


def _add_python2(output: Output) -> None:
    """Files of Python 2; text that is not ASCII needs its encoding named."""
    header = "{'descr': '|O', 'fortran_order': False, 'shape': (%dL,), }"
    ascii_items = b"U\x03catU\x03dogK\x05NX\x05\x00\x00\x00w\xc3\xb6rtG?\xf8\x00\x00\x00\x00\x00\x00"
    path = output.write("objects/valid/python2-ascii.npy", npy_file((1, 0), header % 6, python2_array(ascii_items, 6)))
    record(output, path)
    latin = output.write(
        "objects/valid/python2-latin1.npy", npy_file((1, 0), header % 2, python2_array(b"U\x03w\xf6tK\x01", 2))
    )
    record(output, latin, {"encoding": "latin1"}, encoding="latin1")


def _add_archives(output: Output) -> None:
    """Archives with arrays of objects among others."""
    members = {
        "numbers": np.arange(4, dtype=np.int16),
        "names": np.array(["a", "b", None], object),
        "config": np.array({"lr": 0.1, "layers": [1, 2]}, object),
        "ragged": _filled([np.ones(1, np.float32), np.ones(2, np.float32)]),
    }
    for name, save in (("archive", np.savez), ("archive-deflated", np.savez_compressed)):
        stream = io.BytesIO()
        save(stream, **members)
        record(output, output.write(f"objects/valid/{name}.npz", stream.getvalue()))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in members.items():
            data = _saved(array, 3 if array.dtype.hasobject else None).replace(b"numpy._core.", b"numpy.core.")
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _DATE), data)
    record(output, output.write("objects/valid/numpy1-archive.npz", stream.getvalue()))
