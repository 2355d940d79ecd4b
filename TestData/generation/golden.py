"""What a test file holds, said in JSON: the keys that the Swift tests compare with."""

from __future__ import annotations

import hashlib
import io
import math
import pickletools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

JSON = dict[str, Any]

_FLOAT_NAMES = {
    "f2": "float16",
    "f4": "float32",
    "f8": "float64",
    "f16": "longdouble",
    "c8": "complex64",
    "c16": "complex128",
    "c32": "clongdouble",
}


def dtype_name(dtype: np.dtype) -> str:
    """The name of a dtype without its byte order: ``int16``, ``S5``, ``U7``, ``datetime64[ns]``, ``structured``."""
    if dtype.names is not None:
        return "structured"
    kind, size = dtype.kind, dtype.itemsize
    match kind:
        case "b":
            return "bool"
        case "i" | "u":
            return f"{'u' if kind == 'u' else ''}int{8 * size}"
        case "f" | "c":
            return _FLOAT_NAMES[f"{kind}{size}"]
        case "S" | "V":
            return f"{kind}{size}"
        case "U":
            return f"U{size // 4}"
        case "M" | "m":
            return dtype.newbyteorder("<").name
        case "O":
            return "object"
    raise ValueError(f"no name for {dtype!r}")


def byte_order(dtype: np.dtype) -> str:
    """``<``, ``>``, ``|`` (order has no meaning) or ``struct``."""
    return "struct" if dtype.names is not None else dtype.str[0]


def fields(dtype: np.dtype) -> list[JSON]:
    """The fields of a record, in order, sub-records nested."""
    listed = []
    for name in dtype.names or ():
        declared, offset, *title = dtype.fields[name]
        element, shape = declared.subdtype or (declared, ())
        field: JSON = {
            "name": name,
            "title": title[0] if title else None,
            "dtype": dtype_name(element),
            "byteorder": byte_order(element),
            "itemsize": element.itemsize,
            "shape": list(shape),
            "offset": offset,
        }
        if element.names is not None:
            field["fields"] = fields(element)
        listed.append(field)
    return listed


def little_endian_positions(dtype: np.dtype, start: int = 0) -> list[int]:
    """For each byte of a little-endian element, the byte of the stored element that it is taken from."""
    if dtype.subdtype is not None:
        element, shape = dtype.subdtype
        steps = range(math.prod(shape))
        return [p for i in steps for p in little_endian_positions(element, start + i * element.itemsize)]
    positions = list(range(start, start + dtype.itemsize))
    if dtype.names is not None:
        for name in dtype.names:
            field, offset = dtype.fields[name][:2]
            positions[offset : offset + field.itemsize] = little_endian_positions(field, start + offset)
    elif dtype.str[0] == ">":
        width = 4 if dtype.kind == "U" else dtype.itemsize // (2 if dtype.kind == "c" else 1)
        for low in range(0, dtype.itemsize, max(width, 1)):
            positions[low : low + width] = reversed(positions[low : low + width])
    return positions


def canonical_bytes(payload: bytes, dtype: np.dtype, shape: tuple[int, ...], fortran_order: bool) -> bytes:
    """The elements in C order, every number little-endian; the padding of records stays as stored."""
    stored_shape = shape[::-1] if fortran_order else shape
    flat = np.frombuffer(payload, np.uint8).reshape(math.prod(shape), dtype.itemsize)
    if fortran_order:
        order = np.arange(math.prod(shape)).reshape(stored_shape).T.reshape(-1)
        flat = flat[order]
    return flat[:, little_endian_positions(dtype)].tobytes()


def sha256(data: bytes) -> str:
    """The digest in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def json_descr(descr: Any) -> Any:
    """A descr with its tuples as lists, as JSON has no tuples."""
    return [json_descr(part) for part in descr] if isinstance(descr, list | tuple) else descr


def saved(array: np.ndarray) -> bytes:
    """What ``np.save`` writes for the array."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.save(stream, array)
    return stream.getvalue()


def describe_npy(data: bytes, load: Callable[[], np.ndarray], name: str = "", unlimited: bool = False) -> JSON:
    """One npy stream: what its header says and the digest of its elements, checked against what ``load`` gives."""
    from numpy.lib import _format_impl  # of NumPy 2 alone; the only reader of a version 3 header that gives the order

    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit = 1 << 60 if unlimited else 10_000
        shape, fortran_order, dtype = _format_impl._read_array_header(stream, version, max_header_size=limit)
    offset = stream.tell()
    header = data[10 if version[0] == 1 else 12 : offset].decode("utf-8" if version[0] == 3 else "latin-1")
    tensor: JSON = {
        "name": name,
        "path": [name],
        "npy_version": list(version),
        "header": header.rstrip(" \n"),
        "data_offset": offset,
        "descr": json_descr(np.lib.format.dtype_to_descr(dtype)),
        "dtype": dtype_name(dtype),
        "byteorder_in_file": byte_order(dtype),
        "itemsize": dtype.itemsize,
        "shape": [int(n) for n in shape],
        "fortran_order": fortran_order,
    }
    if dtype.names is not None:
        tensor["fields"] = fields(dtype)
    if len(dtype.names or ()) > 100:  # the counts say enough; thousands of fields would swamp the JSON
        tensor |= {"header": None, "descr": None, "fields": None, "field_count": len(dtype.names)}
    if dtype.hasobject:
        tensor |= {"sha256": None, "pickle_protocol": _pickle_protocol(data[offset:])}
        return tensor
    payload = data[offset : offset + math.prod(shape) * dtype.itemsize]
    canonical = canonical_bytes(payload, dtype, shape, fortran_order)
    array = load()
    _agree(array, canonical, dtype, shape)
    tensor |= {
        "sha256": sha256(canonical),
        "trailing_bytes": len(data) - offset - len(payload),
        "resaved_sha256": sha256(saved(array)),
    }
    return tensor


def _pickle_protocol(data: bytes) -> int:
    """The protocol that a pickle declares."""
    opcode, argument, _ = next(pickletools.genops(data))
    return argument if opcode.name == "PROTO" else 0


def _agree(array: np.ndarray, canonical: bytes, dtype: np.dtype, shape: tuple[int, ...]) -> None:
    """Fails unless NumPy read what we say the file holds."""
    if array.dtype != dtype or array.shape != tuple(shape):
        raise AssertionError(f"np.load gives {array.dtype} {array.shape}, the header {dtype} {shape}")
    comparable = dtype.names is None and dtype.kind != "V" and dtype.itemsize > 0
    if comparable and _little_endian(array).tobytes() != canonical:
        raise AssertionError(f"np.load gives other bytes for {dtype} {shape}")


def _little_endian(array: np.ndarray) -> np.ndarray:
    """The same values in little-endian order."""
    if array.dtype.kind in "Mm":  # astype between byte orders of the generic unit keeps the bytes (NumPy 2.4.6)
        return array.view(array.dtype.str[0] + "i8").astype("<i8")
    return array.astype(array.dtype.newbyteorder("<"))
