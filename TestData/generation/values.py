"""Python values said in JSON: leaves as ``kind`` and ``value``, containers with their items."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Set
from typing import Any

import numpy as np

from . import golden
from .golden import JSON
from .inert import Inert

Special = Callable[[Any], JSON | None]

MOST = 200  # values, objects, or keys of one dictionary; more would swamp the JSON
_EXACT = 1 << 53  # JSON numbers are doubles to most readers; ints beyond are written as text
_PLAIN_CONTAINERS = (dict, list, tuple, set)


def class_name(kind: type) -> str:
    """``dict`` for built-in classes, else module and name."""
    if issubclass(kind, Inert):
        return kind.python_class
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def key_text(key: Any) -> str:
    """A dictionary key as a part of a path: text as it is, anything else as Python prints it."""
    return key if isinstance(key, str) else str(key)


def real(value: float) -> float | str:
    """A float for JSON: itself, or ``nan``, ``inf``, ``-inf``."""
    return value if math.isfinite(value) else str(value)


def leaf(value: Any) -> JSON | None:
    """A value without items; nothing when it is of another kind."""
    match value:
        case None:
            return {"kind": "none", "value": None}
        case bool():
            return {"kind": "bool", "value": value}
        case np.generic():
            return numpy_scalar(value)
        case int():
            return {"kind": "int", "value": value if abs(value) <= _EXACT else str(value)}
        case float():
            bits = {} if math.isfinite(value) else {"bits": struct.pack(">d", value).hex()}
            return {"kind": "float", "value": real(value)} | bits
        case complex():
            return {"kind": "complex", "value": [real(value.real), real(value.imag)]}
        case str():
            return _text(value)
        case bytes():
            return {"kind": "bytes", "value": value.hex()}
        case bytearray():
            return {"kind": "bytes", "value": bytes(value).hex(), "class": "bytearray"}
    return _unusual_leaf(value)


def _text(value: str) -> JSON:
    """Text; what no UTF-8 can say is given as the bytes that a pickle holds."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return {"kind": "str", "value": None, "utf8": value.encode("utf-8", "surrogatepass").hex()}
    return {"kind": "str", "value": value}


def _unusual_leaf(value: Any) -> JSON | None:
    """Slices, ranges, dtypes of NumPy, and names of classes and functions."""
    match value:
        case slice():
            return {
                "kind": "slice",
                "value": [part if part is None else int(part) for part in (value.start, value.stop, value.step)],
            }
        case range():
            return {"kind": "range", "value": [value.start, value.stop, value.step]}
        case np.dtype():
            return {"kind": "numpy.dtype", "value": golden.json_descr(np.lib.format.dtype_to_descr(value))}
        case type():
            return {"kind": "global", "value": class_name(value)}
    if value is ...:
        return {"kind": "global", "value": "Ellipsis"}
    if callable(value) and hasattr(value, "__qualname__"):
        return {"kind": "global", "value": f"{value.__module__}.{value.__qualname__}"}
    return None


def numpy_scalar(value: np.generic) -> JSON:
    """A NumPy scalar: its dtype, its bytes in little-endian order, and its value where Python has one."""
    array = np.asarray(value)
    item = value.item()
    plain = (
        leaf(item)
        if isinstance(item, bool | int | float | complex | str | bytes) and not isinstance(item, np.generic)
        else None
    )
    return {
        "kind": "numpy",
        "dtype": array_dtype(array.dtype),
        "bytes": array_bytes(array).hex(),
        "value": plain and plain["value"],
    }


def array_dtype(dtype: np.dtype) -> str:
    """The dtype's name; those of ml_dtypes are called by theirs."""
    return dtype.name if dtype.type.__module__ == "ml_dtypes" else golden.dtype_name(dtype)


def array_bytes(array: np.ndarray) -> bytes:
    """The elements in C order, every number little-endian."""
    return golden.canonical_bytes(array.tobytes("C"), array.dtype, array.shape, fortran_order=False)


def array_facts(array: np.ndarray, special: Special | None = None, above: tuple = ()) -> JSON:
    """Dtype, shape and digest of an array, or its objects."""
    facts: JSON = {"dtype": array_dtype(array.dtype), "shape": list(array.shape)}
    if array.dtype.hasobject:
        return facts | {"sha256": None} | objects(array, special, above)
    return facts | {"sha256": golden.sha256(array_bytes(array))}


def objects(array: np.ndarray, special: Special | None = None, above: tuple = ()) -> JSON:
    """The items of an array of objects in C order (of very many, the first and the last), and which of them are one object."""
    items = [array[index] for index in np.ndindex(array.shape)]
    shared: dict[int, list[int]] = {}
    for index, item in enumerate(items):
        if isinstance(item, list | dict | set | bytearray | np.ndarray):
            shared.setdefault(id(item), []).append(index)
    groups = [group for group in shared.values() if len(group) > 1]
    facts: JSON = {"shared_objects": groups} if groups else {}
    if len(items) > MOST:
        facts["object_count"] = len(items)
        items = items[:3] + items[-3:]
    return {"objects": [render(item, special, above) for item in items]} | facts


def render(value: Any, special: Special | None = None, above: tuple = ()) -> JSON:
    """Any value with all its items; a container inside itself is a ``cycle``."""
    found = special(value) if special else None
    if found is None and isinstance(value, np.void) and value.dtype.names is not None and value.dtype.hasobject:
        items = [render(value[name], special, above) for name in value.dtype.names]
        found = {"kind": "record", "names": list(value.dtype.names), "items": items}
    found = found or leaf(value)
    if found is not None:
        return found
    if any(value is outer for outer in above):
        return {"kind": "cycle"}
    above = (*above, value)
    if isinstance(value, np.ndarray):
        return {"kind": "tensor"} | array_facts(value, special, above)
    if isinstance(value, Inert):
        return _render_inert(value, special, above)
    if isinstance(value, Mapping):
        items = [[render(k, special, above), render(v, special, above)] for k, v in value.items()]
        return {"kind": "dict", "items": items} | _class_unless_plain(value)
    kind = next((name for name, base in (("list", list), ("tuple", tuple)) if isinstance(value, base)), None)
    kind = kind or ("set" if isinstance(value, Set) else type(value).__name__)
    return {"kind": kind, "items": [render(item, special, above) for item in value]} | _class_unless_plain(value)


def _class_unless_plain(value: Any) -> JSON:
    return {} if type(value) in _PLAIN_CONTAINERS else {"class": class_name(type(value))}


def _render_inert(value: Inert, special: Special | None, above: tuple) -> JSON:
    """An object of a class that is not looked up: arguments, state and items."""
    entry: JSON = {"kind": "object", "class": value.python_class}
    parts = {"args": value.args, "state": value.state, "items": value.items, "pairs": value.pairs}
    return entry | {name: render(part, special, above) for name, part in parts.items() if part not in ((), None, [])}
