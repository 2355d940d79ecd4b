"""Files of older PyTorch: the stream of before 1.6, the tar archive of 0.1, pickles of Python 2."""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
from collections import OrderedDict
from typing import Any

import torch

from . import torch_tensors, torch_trees
from .torch_files import (
    legacy,
    op_call,
    op_dict,
    op_global,
    op_int,
    op_ints,
    op_short,
    op_storage,
    op_tensor,
    op_text,
    op_tuple,
    program,
)
from .torch_tensors import Cases

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001
_SYSTEM = {"protocol_version": _VERSION, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
_LEGACY = (
    "dtypes-v2 views ties parameters tensor-attributes meta sparse-coo sparse-csr conj-neg subclass quantized-quint8 "
    "quantized-channels quantized-quint4x2 storages root-tensor root-none containers bytes state-dict module-sequential "
    "objects numpy cyclic-list"
).split()
# Saved without a type, which torch 2.15 writes into such a stream and cannot read.
_LEFT_OUT = {"conj-neg": "half", "parameters": "float8", "storages": "untyped"}
_LEGACY_V3 = ("dtypes-v3", "dtype-float8")


def streams() -> Cases:
    """Legacy streams: the name of the file and its bytes."""
    roots = dict(torch_tensors.cases()) | dict(torch_trees.cases())
    for name in _LEGACY:
        root = roots[name]
        if name in _LEFT_OUT:
            root = {key: value for key, value in root.items() if key != _LEFT_OUT[name]}
        yield f"legacy-{name}", legacy(root)
    for protocol in (3, 4, 5):
        yield f"legacy-protocol-{protocol}", legacy(torch_trees.mixed(), protocol)
    yield "legacy-view-metadata", _stream_with_views()
    yield "legacy-python2", _stream_of_python2()
    yield "legacy-cuda", _stream_on_cuda()


def unreadable_streams() -> Cases:
    """Legacy streams of dtypes that torch 2.15 writes and cannot read; their content is what was saved."""
    roots = dict(torch_tensors.cases())
    for name in _LEGACY_V3:
        yield f"legacy-{name}", roots[name]


def _stream(root: bytes, storages: dict[str, tuple[int, bytes]]) -> bytes:
    """A legacy stream around a hand-made pickle; the storages by key, with their numbers of elements."""
    head = b"".join(pickle.dumps(part, 2) for part in (_MAGIC, _VERSION, _SYSTEM))
    keys = sorted(storages)
    data = b"".join(struct.pack("<q", storages[key][0]) + storages[key][1] for key in keys)
    return head + root + pickle.dumps(keys, 2) + data


def _floats(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def _stream_with_views() -> bytes:
    """Two storages that are views of one larger storage, as PyTorch wrote them before 0.4."""
    kind = ("torch", "FloatStorage")

    def view(key: str, offset: int, size: int) -> bytes:
        return op_storage(kind, op_text("100"), 8, None, op_tuple(op_text(key), op_int(offset), op_int(size)))

    root = op_dict(
        {
            op_text("whole"): op_tensor(op_storage(kind, op_text("100"), 8, None, b"N"), 0, (2, 4), (4, 1)),
            op_text("first"): op_tensor(view("101", 0, 4), 0, (4,), (1,)),
            op_text("second"): op_tensor(view("102", 4, 4), 1, (3,), (1,)),
        }
    )
    return _stream(program(root), {"100": (8, _floats(*range(8)))})


def _stream_of_python2() -> bytes:
    """What Python 2 wrote: every ``str`` as SHORT_BINSTRING, and the first rebuilding function."""
    kind = op_global("torch", "DoubleStorage")
    storage = op_tuple(op_short(b"storage"), kind, op_short(b"94000000000000"), op_short(b"cpu"), op_int(6), b"N") + b"Q"
    again = op_tuple(op_short(b"storage"), kind, op_short(b"94000000000000"), op_short(b"cpu"), op_int(6), b"N") + b"Q"
    old = op_call("torch._utils", "_rebuild_tensor", storage, op_int(0), op_ints((2, 3)), op_ints((3, 1)))
    new = op_tensor(again, 3, (3,), (1,))
    pairs = {
        op_short(b"weight"): old,
        op_short(b"bias"): new,
        op_short(b"name"): op_short(b"lenet"),
        op_text("größe"): op_int(7),
    }
    root = op_call("collections", "OrderedDict") + b"(" + b"".join(key + value for key, value in pairs.items()) + b"u"
    return _stream(program(root), {"94000000000000": (6, struct.pack("<6d", *range(6)))})


def _stream_on_cuda() -> bytes:
    """A storage of ``torch.cuda``, tagged with a device that is not here, and a parameter on it."""
    storage = op_storage(("torch.cuda", "FloatStorage"), op_text("7"), 3, op_text("cuda:1"), b"N")
    tensor = op_tensor(storage, 0, (3,), (1,))
    parameter = op_call("torch._utils", "_rebuild_parameter", tensor, b"\x88", op_call("collections", "OrderedDict"))
    return _stream(program(op_dict({op_text("p"): parameter})), {"7": (3, _floats(1, 2, 3))})


def tar() -> bytes:
    """A tar archive of 0.1: system facts, storages with a view, tensors, and the object that names them by keys."""
    weight, bias = _floats(*range(6)), struct.pack("<4q", 5, -6, 7, 8)
    storages = pickle.dumps(2, 2)
    for key, kind, count, data in ((11, torch.FloatStorage, 6, weight), (12, torch.LongStorage, 4, bias)):
        storages += pickle.dumps((key, "cpu", kind), 2) + struct.pack("<q", count) + data
    storages += pickle.dumps([(13, 12, 1, 2)], 2)
    described = [
        (21, 11, torch.FloatTensor, (2, 3), (3, 1), 0),
        (22, 11, torch.FloatTensor, (3, 2), (1, 3), 0),
        (23, 12, torch.LongTensor, (4,), (1,), 0),
        (24, 13, torch.LongTensor, (2,), (1,), 0),
        (25, 11, torch.FloatTensor, (1,), (1,), 5),
    ]
    tensors = pickle.dumps(len(described), 2)
    for key, storage, kind, shape, strides, offset in described:
        tensors += pickle.dumps((key, storage, kind), 2) + struct.pack("<i4x", len(shape))
        tensors += struct.pack(f"<{2 * len(shape) + 1}q", *shape, *strides, offset)
    return _tarred({"sys_info": pickle.dumps(_SYSTEM, 2), "pickle": _tar_root(), "tensors": tensors, "storages": storages})


def _tar_root() -> bytes:
    """The object, with tensors by persistent identity; the pickler turns stand-ins into it."""

    class Named:
        """A tensor by its key."""

        def __init__(self, key: int) -> None:
            self.key = key

    class Pickler(pickle.Pickler):
        """Writes the key of a tensor in place of it."""

        def persistent_id(self, value: Any) -> int | None:
            """The key; nothing for what is no tensor."""
            return value.key if isinstance(value, Named) else None

    stream = io.BytesIO()
    names = OrderedDict([("weight", Named(21)), ("transposed", Named(22)), ("bias", Named(23)), ("part", Named(24))])
    Pickler(stream, 2).dump({"state": names, "last": Named(25), "weight-again": Named(21), "epoch": 3})
    return stream.getvalue()


def _tarred(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        end = archive.offset
    return stream.getvalue()[: end + 2 * tarfile.BLOCKSIZE]  # tarfile fills up to 10 kB
