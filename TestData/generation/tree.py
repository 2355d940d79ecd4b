"""What a tree of containers, arrays and values holds, said in JSON; ``torch_golden`` adds tensors."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from . import golden, values
from .golden import JSON
from .inert import Inert

Path = tuple[str, ...]


class Tree:
    """Walks a tree once and notes its containers, arrays and values."""

    def __init__(self, root: Any) -> None:
        """Describes all below the root."""
        self.nodes: list[JSON] = []
        self.tensors: list[JSON] = []
        self.values: list[JSON] = []
        self.composites: list[JSON] = []
        self.shared: list[JSON] = []
        self._groups: dict[tuple[str, int], int] = {}
        self._objects: dict[int, tuple[Any, int]] = {}
        self._containers: dict[int, tuple[Any, Path]] = {}
        self._open: set[int] = set()
        self._visit(root, ())

    def json(self) -> JSON:
        """All that was noted; of very many values only the first and the last, and empty lists that say nothing left out."""
        noted: JSON = {"tensors": self.tensors, "values": self.values, "nodes": self.nodes}
        if len(self.values) > values.MOST:
            noted |= {"values": self.values[:3] + self.values[-3:], "value_count": len(self.values)}
        optional = {"composites": self.composites, "shared": self.shared}
        return noted | {name: entries for name, entries in optional.items() if entries}

    def _visit(self, value: Any, path: Path) -> None:
        if isinstance(value, np.ndarray):
            self._array(value, path)
        elif (leaf := self._leaf(value)) is not None:
            self.values.append({"path": list(path)} | leaf)
        else:
            self._container(value, path)

    def _leaf(self, value: Any) -> JSON | None:
        """A value without items."""
        return values.leaf(value)

    def _special(self, value: Any) -> JSON | None:
        """What ``values.render`` does not know."""
        return None

    def _container(self, value: Any, path: Path) -> None:
        """A container: noted with its kind, then all its items; one inside itself is entered once."""
        known = self._containers.get(id(value))
        if known is not None and not isinstance(value, tuple | frozenset):
            self.shared.append({"path": list(path), "same_as": list(known[1])})
        if id(value) in self._open:
            return
        self._containers.setdefault(id(value), (value, path))
        self._open.add(id(value))
        parts = list(_items(value))
        node: JSON = {"path": list(path), "kind": _kind(value), "count": len(parts)}
        self.nodes.append(node | self._node_facts(value))
        for key, item in parts:
            self._visit(item, (*path, key))
        self._open.discard(id(value))

    def _node_facts(self, value: Any) -> JSON:
        """What belongs to a container beside its items."""
        facts: JSON = {}
        if isinstance(value, Inert):
            keywords = {"keywords": values.render(value.keywords, self._special)} if value.keywords else {}
            return {"class": value.python_class} | keywords
        if isinstance(value, dict):
            if len(value) <= values.MOST and any(not isinstance(key, str) for key in value):
                facts["keys"] = [values.render(key, self._special) for key in value]
            if getattr(value, "__dict__", None):
                facts["attributes"] = {name: values.render(item, self._special) for name, item in vars(value).items()}
        if isinstance(value, defaultdict):
            facts["default"] = values.render(value.default_factory, self._special)
        if isinstance(value, deque):
            facts["maxlen"] = value.maxlen
        return facts

    def _group(self, kind: str, identity: int) -> int:
        return self._groups.setdefault((kind, identity), len(self._groups))

    def _same(self, value: Any) -> JSON:
        """Which earlier entry is the very same object."""
        _, index = self._objects.setdefault(id(value), (value, len(self.tensors)))
        return {} if index == len(self.tensors) else {"same_object_as": index}

    def _array(self, value: np.ndarray, path: Path) -> None:
        """A NumPy array inside of the tree."""
        entry: JSON = {"name": ".".join(path), "path": list(path)} | values.array_facts(value, self._special)
        size = value.itemsize
        whole = size > 0 and all(stride % size == 0 for stride in value.strides)
        entry |= {
            "strides": [stride // size for stride in value.strides] if whole else None,
            "storage_offset": 0,
            "device": "cpu",
            "requires_grad": False,
            "alias": self._group("numpy", id(value)),
            "storage_bytes": value.nbytes,
            "class": values.class_name(type(value)),
            "byteorder_loaded": golden.byte_order(value.dtype),
            "itemsize": size,
        }
        if value.dtype.names is not None:
            entry["fields"] = golden.fields(value.dtype)
        self.tensors.append(entry | self._same(value))


def _kind(value: Any) -> str:
    """The name of a container's type."""
    for kind in (OrderedDict, Counter, defaultdict, deque):
        if type(value) is kind:
            return values.class_name(kind).rpartition(".")[2]
    if isinstance(value, Inert):
        return "object"
    if type(value).__name__ == "Size":
        return "Size"
    return next(kind.__name__ for kind in (dict, list, tuple, set, frozenset) if isinstance(value, kind))


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    """The parts of a container with their part of the path."""
    if isinstance(value, Inert):
        yield from _inert_items(value)
    elif isinstance(value, dict):
        yield from ((values.key_text(key), item) for key, item in value.items())
    else:
        yield from ((str(index), item) for index, item in enumerate(value))


def _inert_items(value: Inert) -> Iterable[tuple[str, Any]]:
    """Arguments, items, and the state: a dictionary's keys directly, anything else as ``<state>``."""
    yield from ((f"<arg{index}>", item) for index, item in enumerate(value.args))
    yield from ((str(index), item) for index, item in enumerate(value.items))
    yield from ((values.key_text(key), item) for key, item in value.pairs)
    if isinstance(value.state, dict):
        yield from ((values.key_text(key), item) for key, item in value.state.items())
    elif value.state is not None:
        yield ("<state>", value.state)
