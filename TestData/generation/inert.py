"""An unpickler that looks up no class it does not know: objects of others keep what the pickle says of them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

_BUILTINS = ("set", "frozenset", "bytearray", "bytes", "complex", "slice", "range", "xrange", "object", "Ellipsis")
_TYPES = ("int", "long", "float", "str", "unicode", "bool", "dict", "list", "tuple", "type")
_NUMPY_SCALARS = {
    "bool",
    "int",
    "uint",
    "float",
    "complex",
    "longdouble",
    "clongdouble",
    "str",
    "bytes",
    "void",
    "datetime",
    "timedelta",
}
_KNOWN = (
    {(module, name) for module in ("builtins", "__builtin__") for name in _BUILTINS + _TYPES}
    | {("collections", name) for name in ("OrderedDict", "Counter", "defaultdict", "deque")}
    | {("_codecs", "encode"), ("numpy", "ndarray"), ("numpy", "dtype")}
    | {(f"numpy.{core}.multiarray", "scalar") for core in ("core", "_core")}
    | {(f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")}
)
_numpy_reconstruct = np.empty(0).__reduce__()[0]  # its module had another name before NumPy 2
_RECONSTRUCT = {(f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")}


class Inert:
    """An object of a class that is not looked up."""

    python_class = ""

    def __new__(cls, *arguments: Any, **keywords: Any) -> Inert:
        """Takes any arguments, as REDUCE and NEWOBJ give them."""
        made = object.__new__(cls)
        made.args, made.keywords = arguments, keywords
        made.state, made.items, made.pairs = None, [], []
        return made

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        """Nothing is left to do."""

    def __setstate__(self, state: Any) -> None:
        """Keeps what BUILD gives."""
        self.state = state

    def append(self, item: Any) -> None:
        """Keeps an item of a list."""
        self.items.append(item)

    def extend(self, items: Iterable[Any]) -> None:
        """Keeps items of a list."""
        self.items.extend(items)

    def add(self, item: Any) -> None:
        """Keeps an item of a set."""
        self.items.append(item)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Keeps an item of a dictionary."""
        self.pairs.append((key, value))


_classes: dict[str, type[Inert]] = {}


def inert_class(module: str, name: str) -> type[Inert]:
    """The stand-in for a class or function."""
    path = f"{module}.{name}"
    if path not in _classes:
        _classes[path] = type(name, (Inert,), {"python_class": path})
    return _classes[path]


def _reconstruct(kind: type, shape: tuple[int, ...], code: bytes) -> np.ndarray:
    """NumPy's function of that name; an array of a class that is not looked up is an array with its name."""
    if issubclass(kind, Inert):
        module, _, name = kind.python_class.rpartition(".")
        kind = type(name, (np.ndarray,), {"__module__": module})
    return _numpy_reconstruct(kind, shape, code)


class InertUnpickler(pickle.Unpickler):
    """Reads a pickle without importing what it names.

    ``substitutes`` says what else is known, ``seen`` collects the names; both are set in subclasses.
    """

    substitutes: Callable[[str, str], Any] | None = None
    seen: set[str] | None = None

    def find_class(self, module: str, name: str) -> Any:
        """A known class or function, or a stand-in."""
        if self.seen is not None:
            self.seen.add(f"{module} {name}")
        found = self.substitutes(module, name) if self.substitutes else None
        if found is not None:
            return found
        if (module, name) in _RECONSTRUCT:
            return _reconstruct
        scalar = module == "numpy" and name.rstrip("_0123456789") in _NUMPY_SCALARS
        if (module, name) in _KNOWN or scalar or module in ("numpy.dtypes", "ml_dtypes"):
            return super().find_class(module, name)
        return inert_class(module, name)
