"""Compares two trees that PyTorch loaded: types, keys, order, values bit by bit, tensors, and what shares what."""

from __future__ import annotations

import struct
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from generation.torch_features import raw_storage
from generation.torch_golden import element_bytes, quantizer, storage_bytes

Children = list[tuple[str, Any]]

_LEAVES = (
    type(None),
    bool,
    int,
    str,
    bytes,
    bytearray,
    torch.dtype,
    torch.device,
    torch.layout,
    torch.qscheme,
    slice,
    range,
    type,
)
_PACKED = (torch.quint4x2, torch.quint2x4)


@dataclass
class Comparison:
    """The differences found, and the storages of both sides as far as they were walked."""

    compact: bool = True
    tags: dict[int, str] = field(default_factory=dict)
    actual_tags: dict[int, str] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    _pairs: dict[int, Any] = field(default_factory=dict)
    _back: dict[int, Any] = field(default_factory=dict)
    _keep: list[Any] = field(default_factory=list)
    _tensors: list[tuple[str, torch.Tensor, torch.Tensor]] = field(default_factory=list)

    def run(self, expected: Any, actual: Any) -> list[str]:
        """All differences, each with its path."""
        used = usage(expected) if self.compact else {}
        self._walk(expected, actual, "root")
        if not self.differences:
            self._compare_storages(used)
        return self.differences

    def _differ(self, path: str, text: str) -> None:
        self.differences.append(f"{path}: {text}")

    def _walk(self, expected: Any, actual: Any, path: str) -> None:
        if type(expected) is not type(actual):
            self._differ(path, f"{type(actual).__name__}, not {type(expected).__name__}")
            return
        if _has_identity(expected) and self._met(expected, actual, path):
            return
        facts, children = anatomy(expected)
        other_facts, other_children = anatomy(actual)
        for name, fact in facts.items():
            if fact != other_facts.get(name):
                self._differ(path, f"{name} {_short(other_facts.get(name))}, not {_short(fact)}")
        labels, other_labels = [label for label, _ in children], [label for label, _ in other_children]
        if labels != other_labels:
            self._differ(path, f"parts {_short(other_labels)}, not {_short(labels)}")
            return
        if is_plain(expected):
            self._tensors.append((path, expected, actual))
        for (label, child), (_, other) in zip(children, other_children, strict=True):
            self._walk(child, other, f"{path}.{label}")

    def _met(self, expected: Any, actual: Any, path: str) -> bool:
        """Whether the pair was walked before; what is one object on one side must be one on the other."""
        self._keep += [expected, actual]
        known, known_back = self._pairs.setdefault(id(expected), actual), self._back.setdefault(id(actual), expected)
        if known is not actual or known_back is not expected:
            self._differ(path, "is one object in only one of the files")
            return True
        seen = (id(expected), "walked") in self._pairs
        self._pairs[id(expected), "walked"] = True
        return seen

    def _compare_storages(self, used: dict[int, int]) -> None:
        """Whether the same tensors share a storage, and lie at the same places in it."""
        groups: dict[int, list[tuple[str, torch.Tensor, torch.Tensor]]] = defaultdict(list)
        owners: dict[int, int] = {}
        for entry in self._tensors:
            groups[raw_storage(entry[1])._cdata].append(entry)
        for key, group in groups.items():
            size = raw_storage(group[0][1]).nbytes()
            may_shrink = self.compact and 2 * used.get(key, size) < size
            (self._compare_compacted if may_shrink else self._compare_whole)(group)
            for path, _, actual in group:
                tag, wanted = self.actual_tags.get(raw_storage(actual)._cdata), self.tags.get(key)
                if tag != wanted:
                    self._differ(path, f"saved on {tag}, not {wanted}")
                if owners.setdefault(raw_storage(actual)._cdata, key) != key:
                    self._differ(path, "shares a storage with a tensor that it did not share one with")

    def _compare_whole(self, group: list[tuple[str, torch.Tensor, torch.Tensor]]) -> None:
        """A storage that must be written whole: every place, and every byte."""
        storage = raw_storage(group[0][2])
        for path, expected, actual in group:
            for name in ("stride", "storage_offset"):
                wanted, made = getattr(expected, name)(), getattr(actual, name)()
                if wanted != made:
                    self._differ(path, f"{name} {made}, not {wanted}")
            if raw_storage(actual)._cdata != storage._cdata:
                self._differ(path, f"shares no storage with {group[0][0]}")
        wanted, made = (storage_bytes(raw_storage(entry)).tobytes() for entry in group[0][1:])
        if wanted != made:
            self._differ(group[0][0], f"other bytes in the storage, {len(made)} of them, not {len(wanted)}")

    def _compare_compacted(self, group: list[tuple[str, torch.Tensor, torch.Tensor]]) -> None:
        """A storage that may be written smaller: places may change, and what overlapped must still share."""
        for index, (path, expected, actual) in enumerate(group):
            contiguous = torch.empty(expected.shape, device="meta").stride()
            if actual.stride() not in (expected.stride(), contiguous) and expected.numel() > 1:
                self._differ(path, f"stride {actual.stride()}, neither {expected.stride()} nor contiguous")
            if raw_storage(actual).nbytes() > raw_storage(expected).nbytes():
                self._differ(path, "the storage has grown")
            for other_path, other, other_actual in group[:index]:
                overlap = not set(element_places(expected).tolist()).isdisjoint(element_places(other).tolist())
                if overlap and raw_storage(actual)._cdata != raw_storage(other_actual)._cdata:
                    self._differ(path, f"no longer shares a storage with {other_path}, which it overlaps")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 160 else text[:150] + "…"


def _has_identity(value: Any) -> bool:
    """Whether it matters that something is one object: for all that can be changed."""
    return not isinstance(value, (*_LEAVES, float, complex, tuple, frozenset, np.generic)) or isinstance(value, bytearray)


def is_plain(value: Any) -> bool:
    """Whether a value is a tensor with strides and a storage of its own."""
    return (
        isinstance(value, torch.Tensor)
        and value.layout == torch.strided
        and not value.is_nested
        and value.device.type != "meta"
    )


def element_places(tensor: torch.Tensor) -> np.ndarray:
    """The places of a tensor's elements in its storage, in elements."""
    places = np.full(1, tensor.storage_offset(), np.int64)
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        places = np.unique((places[:, None] + np.arange(size) * stride).reshape(-1))
    return places


def usage(root: Any) -> dict[int, int]:
    """How many bytes of each storage the tensors of a tree use together."""
    masks: dict[int, np.ndarray] = {}
    for value in _everything(root):
        if isinstance(value, torch.TypedStorage | torch.UntypedStorage):
            raw = raw_storage(value)
            masks[raw._cdata] = np.ones(raw.nbytes(), bool)
        elif is_plain(value):
            storage = raw_storage(value)
            mask = masks.setdefault(storage._cdata, np.zeros(storage.nbytes(), bool))
            if value.dtype in _PACKED:
                mask[:] = True
            else:
                mask.reshape(-1, value.element_size())[element_places(value)] = True
    return {key: int(mask.sum()) for key, mask in masks.items()}


def _everything(root: Any) -> Iterator[Any]:
    """Every value of a tree, once."""
    seen: set[int] = set()
    keep, waiting = [], [root]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        keep.append(value)
        yield value
        waiting += [child for _, child in anatomy(value)[1]]


def anatomy(value: Any) -> tuple[dict[str, Any], Children]:
    """What is true of a value alone, and its parts."""
    if isinstance(value, torch.Tensor):
        return _tensor(value)
    if isinstance(value, torch.TypedStorage | torch.UntypedStorage):
        return {"dtype": getattr(value, "dtype", None), "bytes": storage_bytes(raw_storage(value)).tobytes()}, []
    if isinstance(value, _LEAVES):
        return {"value": value}, []
    if isinstance(value, float):
        return {"value": struct.pack(">d", value)}, []
    if isinstance(value, complex):
        return {"value": struct.pack(">2d", value.real, value.imag)}, []
    if isinstance(value, np.generic):
        return {"dtype": value.dtype, "value": value.tobytes()}, []
    if isinstance(value, np.ndarray):
        facts = {
            "dtype": value.dtype,
            "shape": value.shape,
            "fortran": value.flags.f_contiguous and not value.flags.c_contiguous,
        }
        if value.dtype.hasobject:
            return facts, [(str(i), item) for i, item in enumerate(value.reshape(-1).tolist())]
        return facts | {"bytes": value.tobytes()}, []
    return _container(value)


def _container(value: Any) -> tuple[dict[str, Any], Children]:
    """A container, or an object by its attributes."""
    facts: dict[str, Any] = {}
    children: Children = []
    if isinstance(value, dict):
        facts = {"keys": [(type(key), key) for key in value], "default": getattr(value, "default_factory", None)}
        children = [(f"[{key!r}]", item) for key, item in value.items()]
    elif isinstance(value, set | frozenset):
        facts = {"items": {(type(item), item) for item in value}}
    elif isinstance(value, list | tuple | deque):
        facts = {"maxlen": getattr(value, "maxlen", None)}
        children = [(str(index), item) for index, item in enumerate(value)]
    elif not hasattr(value, "__dict__"):
        facts = {"value": repr(value)}
    return facts, children + [(name, item) for name, item in getattr(value, "__dict__", {}).items()]


def _tensor(value: torch.Tensor) -> tuple[dict[str, Any], Children]:
    """A tensor: its facts and elements, or its parts when it is made of others; and its attributes."""
    facts: dict[str, Any] = {
        "dtype": value.dtype,
        "layout": value.layout,
        "device": str(value.device),
        "requires_grad": value.requires_grad,
    }
    attributes = [(name, item) for name, item in vars(value).items()]
    if value.is_nested:
        _, arguments = value.__reduce_ex__(2)
        return facts, [(str(index), part) for index, part in enumerate(arguments)] + attributes
    facts |= {"shape": tuple(value.shape)}
    if value.layout != torch.strided:
        if value.layout == torch.sparse_coo:
            facts["coalesced"] = value.is_coalesced()
        _, (_, parts) = value.__reduce_ex__(2)
        return facts, [(str(index), part) for index, part in enumerate(parts) if isinstance(part, torch.Tensor)] + attributes
    if value.device.type == "meta":
        return facts | {"stride": value.stride()}, attributes
    facts |= {"conj": value.is_conj(), "neg": value.is_neg(), "elements": element_bytes(value)}
    if value.is_quantized:
        facts["quantizer"] = quantizer(value)
    return facts, attributes
