"""Loads PyTorch's files with ``torch.load`` and without looking up classes, so that a golden file says what the file says."""

from __future__ import annotations

import io
import types
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from .inert import InertUnpickler
from .torch_features import load_with
from .values import class_name

_KNOWN_MODULES = {
    "torch._utils": lambda name: name.startswith("_rebuild"),
    "torch.storage": lambda name: name in ("UntypedStorage", "TypedStorage", "_load_from_bytes"),
    "torch.nn.parameter": lambda name: name == "Parameter",
    "torch.serialization": lambda name: name == "_get_layout",
    "torch.cuda": lambda name: name.endswith(("Storage", "Tensor")),
}
_PARTS = {
    torch.sparse_coo: ("indices", "values"),
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
}


@dataclass(eq=False)
class Wrapped:
    """A tensor that the file gives a class, a flag or attributes beside."""

    tensor: Any
    python_class: str
    requires_grad: bool | None = None
    attributes: Any = None


@dataclass(eq=False)
class Composite:
    """A tensor that the file makes of others: its layout, its parts by name, and what else is said of it."""

    layout: str
    parts: dict[str, Any]
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Loaded:
    """What a file holds, the device tags of its storages, and what its pickles name, storage classes mostly aside."""

    root: Any
    globals: set[str] = field(default_factory=set)
    devices: dict[int, str] = field(default_factory=dict)
    constants: Any = None
    keep: list[Any] = field(default_factory=list)


def _unwrapped(part: Any) -> Any:
    return part.tensor if isinstance(part, Wrapped) else part


def _dtype(part: Any) -> str:
    return str(_unwrapped(part).dtype).removeprefix("torch.")


def _parameter(tensor: Any, requires_grad: bool, _hooks: Any, state: Any = None) -> Wrapped:
    """In place of ``_rebuild_parameter`` and ``_rebuild_parameter_with_state``."""
    return Wrapped(tensor, "torch.nn.parameter.Parameter", requires_grad, state)


def _of_type(function: Callable[..., Any], kind: type, arguments: tuple, state: Any) -> Wrapped:
    """In place of ``_rebuild_from_type_v2``."""
    inner = function(*arguments)
    name = "torch.Tensor" if kind is torch.Tensor else class_name(kind)
    if isinstance(inner, Wrapped):
        return Wrapped(inner.tensor, name, inner.requires_grad, inner.attributes or state)
    return Wrapped(inner, name, None, None if isinstance(inner, Composite) else state)


def sparse(layout: torch.layout, data: tuple) -> Composite:
    """In place of ``_rebuild_sparse_tensor`` and of CSR's old one: they may not look at elements that no one has read yet."""
    names = _PARTS[layout]
    parts = dict(zip(names, data[: len(names)], strict=True))
    facts: dict[str, Any] = {"shape": list(data[len(names)]), "dtype": _dtype(parts["values"])}
    if layout is torch.sparse_coo:
        facts["is_coalesced"] = data[3] if len(data) > 3 else None
    return Composite(str(layout).removeprefix("torch."), parts, facts)


def _nested(buffer: Any, sizes: Any, strides: Any, offsets: Any) -> Composite:
    """In place of ``_rebuild_nested_tensor``."""
    parts = {"buffer": buffer, "sizes": sizes, "strides": strides, "offsets": offsets}
    return Composite("nested", parts, {"dtype": _dtype(buffer)})


def _jagged(keywords: dict[str, Any]) -> Composite:
    """In place of ``_rebuild_njt``."""
    parts = {name: _unwrapped(keywords[name]) for name in ("values", "offsets", "lengths") if keywords[name] is not None}
    return Composite("jagged", parts, {"ragged_index": keywords["_ragged_idx"], "dtype": _dtype(parts["values"])})


_SUBSTITUTES: dict[tuple[str, str], Callable[..., Any]] = {
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    ("torch._tensor", "_rebuild_from_type_v2"): _of_type,
    ("torch._utils", "_rebuild_sparse_tensor"): sparse,
    ("torch._utils", "_rebuild_sparse_csr_tensor"): sparse,
    ("torch._utils", "_rebuild_nested_tensor"): _nested,
    ("torch.nested._internal.nested_tensor", "_rebuild_njt"): _jagged,
    ("torch.jit._pickle", "restore_type_tag"): lambda value, _tag: value,
}


def _substitute(module: str, name: str) -> Any:
    """What PyTorch's functions, classes and values stand for; nothing for those that are not looked up."""
    if (module, name) in _SUBSTITUTES:
        return _SUBSTITUTES[module, name]
    if module == "torch" and not name.startswith("_"):
        found = getattr(torch, name, None)
        plain = isinstance(found, torch.dtype | torch.layout | torch.qscheme) or name in ("Size", "device", "Tensor")
        return found if plain or name.endswith(("Storage", "Tensor")) else None
    known = _KNOWN_MODULES.get(module)
    if known is None or not known(name):
        return None
    return getattr(__import__(module, fromlist=[name]), name)


def _unpickler(loaded: Loaded) -> type[InertUnpickler]:
    """An unpickler that knows PyTorch's own names and no modules."""
    return type("Unpickler", (InertUnpickler,), {"substitutes": staticmethod(_substitute), "seen": loaded.globals})


def _module_for_torch(unpickler: type[InertUnpickler]) -> types.ModuleType:
    """What ``torch.load`` takes as ``pickle_module``."""
    module = types.ModuleType("inert_pickle")
    module.Unpickler = unpickler
    module.load = lambda stream, **keywords: unpickler(stream, **keywords).load()
    return module


def load(path: Path, kind: str) -> Loaded:
    """The content of a file of the given format."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "pickle":
            loaded = Loaded(None)
            loaded.root = _unpickler(loaded)(io.BytesIO(path.read_bytes())).load()
            return loaded
        return _load_script(path) if kind == "torchscript" else _load_archive(path)


def _load_archive(path: Path) -> Loaded:
    """By ``torch.load``, every storage left where it is and its location noted."""
    loaded = Loaded(None)

    def place(storage: torch.UntypedStorage, location: str) -> torch.UntypedStorage:
        loaded.keep.append(storage)
        loaded.devices[storage._cdata] = location
        return storage

    loaded.root = load_with(_module_for_torch(_unpickler(loaded)), path, map_location=place)
    return loaded


def _load_script(path: Path) -> Loaded:
    """The two pickles of a TorchScript archive, its code unread."""
    loaded = Loaded(None)
    with zipfile.ZipFile(path) as archive:
        prefix = archive.namelist()[0].split("/")[0]

        def read(name: str, folder: str) -> Any:
            unpickler = _unpickler(loaded)(io.BytesIO(archive.read(f"{prefix}/{name}")))
            storages: dict[str, torch.TypedStorage] = {}

            def storage(identity: tuple) -> torch.TypedStorage:
                _, kind, key, location, _ = identity
                if key not in storages:
                    raw = torch.frombuffer(bytearray(archive.read(f"{prefix}/{folder}/{key}")), dtype=torch.uint8)
                    loaded.devices[raw.untyped_storage()._cdata] = location
                    storages[key] = torch.TypedStorage(wrap_storage=raw.untyped_storage(), dtype=kind.dtype, _internal=True)
                    loaded.keep.append(storages[key])
                return storages[key]

            unpickler.persistent_load = storage
            return unpickler.load()

        loaded.root, loaded.constants = read("data.pkl", "data"), read("constants.pkl", "constants")
    return loaded


def refusal(path: Path, *, weights_only: bool) -> str | None:
    """What ``torch.load`` says against a file, shortened; nothing when it loads."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.load(path, weights_only=weights_only, map_location="cpu")
    except Exception as error:  # any refusal counts
        detail = " ".join(str(error).rpartition("WeightsUnpickler error:")[2].split())
        return f"{type(error).__name__}: {detail}".partition(" was not an allowed")[0].partition(" Check the")[0][:120]
    return None
