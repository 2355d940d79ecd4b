"""Archives that ``torch.save`` does not write so: rewritten by other programs, of other versions, TorchScript, exported programs."""

from __future__ import annotations

import io
import linecache
import struct
import sys
import types
import warnings
import zipfile

import torch

from . import torch_trees
from .torch_files import (
    minimal,
    op_call,
    op_dict,
    op_global,
    op_int,
    op_ints,
    op_storage,
    op_tensor,
    op_text,
    op_tuple,
    program,
    records,
    saved,
    zipped,
)
from .torch_tensors import Cases
from .zip_bytes import DEFLATED, Member, archive

_FLOAT, _UNTYPED = ("torch", "FloatStorage"), ("torch.storage", "UntypedStorage")
_SCRIPT = """
import torch
from typing import Dict, Final, List


class Inner(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(6, dtype=torch.float32).reshape(2, 3))
        self.tied = self.weight
        self.view = self.weight.detach()[1:]

    def forward(self, x):
        return x @ self.weight.t()


class Norm(torch.nn.Module):
    epsilon: Final[float]

    def __init__(self):
        super().__init__()
        self.epsilon = 1e-5
        self.weight = torch.nn.Parameter(torch.full((2,), 0.5))
        self.register_buffer("mean", torch.zeros(2))
        self.register_buffer("count", torch.tensor(3))

    def forward(self, x):
        return (x - self.mean) * self.weight + self.epsilon * self.count


class Model(torch.nn.Module):
    names: List[str]
    table: Dict[str, int]

    def __init__(self):
        super().__init__()
        self.inner = Inner()
        self.layers = torch.nn.Sequential(Norm(), Norm())
        self.register_buffer("scale", torch.ones(2, dtype=torch.float64))
        self.narrow = torch.nn.Parameter(torch.ones(3).to(torch.bfloat16), requires_grad=False)
        self.names = ["a", "b"]
        self.table = {"x": 1}
        self.pair = (1, 2.5)
        self.nothing = None
        self.shift = torch.tensor([1.0, 2.0])

    def forward(self, x):
        y = torch.relu(self.layers(self.inner(x))) * self.scale.to(torch.float32) + self.shift
        return y + torch.tensor([0.5, 0.25]) + self.pair[0] + len(self.names) + self.table["x"]
"""


def archives() -> Cases:
    """Zip archives that ``torch.load`` reads: the name of the file and its bytes."""
    yield from _rewritten()
    yield from _assembled()
    yield from _big_endian()


def _rewritten() -> Cases:
    """The records of ``torch.save`` in archives of another writer, some left out."""
    root = torch_trees.small()
    made = records(saved(root))
    plain = {name: data for name, data in made.items() if not name.startswith(".")}
    yield "zip-by-python", zipped(plain)
    yield "zip-deflated", zipped(plain, method=zipfile.ZIP_DEFLATED)
    yield "zip-zip64-headers", zipped(plain, wide=True)
    yield "zip-all-records", zipped(made)
    yield "zip-without-byteorder", zipped({name: data for name, data in plain.items() if name != "byteorder"})
    yield "zip-version-in-data", zipped({".data/version" if name == "version" else name: data for name, data in plain.items()})
    yield "zip-pickle-last", zipped({name: plain[name] for name in sorted(plain, reverse=True)})
    yield "zip-keys-by-text", zipped({name: plain[name] for name in sorted(plain)})
    yield "zip-more-records", zipped(plain | {"notes.txt": b"hello", "data/unused": b"1234", "extra/a": b""})
    yield "zip-prefix-unicode", zipped(plain, "mödel 1")
    yield "zip-prefix-dots", zipped(plain, "my.model.v1")
    yield "zip-version-2", zipped(plain | {"version": b"2\n"})
    yield "zip-version-10", zipped(plain | {"version": b"10"})
    mixture = [
        Member(f"archive/{name}".encode(), data, DEFLATED if index % 2 else 0)
        for index, (name, data) in enumerate(plain.items())
    ]
    yield "zip-some-deflated", archive([Member(b"archive/", b""), *mixture])
    yield "zip-comment", saved({"t": torch.ones(2)})[:-2] + struct.pack("<H", 7) + b"comment"


def _assembled() -> Cases:
    """Pickles of forms that ``torch.load`` takes and that torch 2.15 does not write."""
    data = struct.pack("<6f", *range(6))

    def one(body: bytes, name: str = "t", protocol: int | None = 2) -> bytes:
        return zipped(minimal(program(op_dict({op_text(name): body}), protocol), {"0": data}))

    storage = op_storage(_FLOAT, op_text("0"), 6)
    shape, strides = op_ints((2, 3)), op_ints((3, 1))
    hooks = op_call("collections", "OrderedDict")
    yield "form-minimal", one(op_tensor(storage, 0, (2, 3), (3, 1)))
    yield "form-without-proto", one(op_tensor(storage, 0, (2, 3), (3, 1)), protocol=None)
    yield (
        "form-first-rebuild",
        one(op_call("torch._utils", "_rebuild_tensor", storage, op_int(1), op_ints((2,)), op_ints((2,)))),
    )
    yield (
        "form-hooks-none",
        one(op_call("torch._utils", "_rebuild_tensor_v2", storage, op_int(0), shape, strides, b"\x88", b"N")),
    )
    lists = [b"](" + b"".join(map(op_int, numbers)) + b"e" for numbers in ((3, 2), (1, 3))]
    yield "form-shape-lists", one(op_call("torch._utils", "_rebuild_tensor_v2", storage, op_int(0), *lists, b"\x89", hooks))
    sizes = op_call("torch", "Size", op_ints((2, 3)))
    yield (
        "form-shape-size",
        one(op_call("torch._utils", "_rebuild_tensor_v2", storage, op_int(0), sizes, strides, b"\x89", hooks)),
    )
    cuda = op_storage(("torch.cuda", "FloatStorage"), op_text("0"), 6, op_text("cuda:0"))
    yield "form-cuda", one(op_tensor(cuda, 2, (2, 2), (2, 1)))
    yield "form-mps", one(op_tensor(op_storage(_FLOAT, op_text("0"), 6, op_text("mps")), 0, (6,), (1,)))
    raw = op_storage(_UNTYPED, op_text("0"), 24)
    yield "form-v3-float32", one(op_tensor(raw, 1, (5,), (1,), op_global("torch", "float32")))
    yield (
        "form-v3-typed",
        one(op_tensor(op_storage(("torch", "ShortStorage"), op_text("0"), 12), 2, (5,), (2,), op_global("torch", "uint16"))),
    )
    yield "form-v2-untyped", one(op_tensor(raw, 4, (4,), (1,)))
    yield (
        "form-int-key",
        zipped(
            minimal(program(op_dict({op_text("t"): op_tensor(op_storage(_FLOAT, op_int(0), 6), 0, (6,), (1,))})), {"0": data})
        ),
    )
    named = op_tensor(op_storage(_FLOAT, op_text("my.weight/x"), 6), 0, (6,), (1,))
    yield "form-named-key", zipped(minimal(program(op_dict({op_text("t"): named})), {"my.weight/x": data}))
    pairs = op_call(
        "torch._utils",
        "_rebuild_sparse_tensor",
        op_call("torch.serialization", "_get_layout", op_text("torch.sparse_coo")),
        _coordinates(),
    )
    indices = struct.pack("<4q", 0, 1, 1, 0)
    yield "form-sparse-three", zipped(minimal(program(op_dict({op_text("t"): pairs})), {"0": data, "1": indices}))
    yield (
        "form-empty-storage",
        zipped(minimal(program(op_tensor(op_storage(_FLOAT, op_text("0"), 0), 5, (0, 3), (3, 1))), {"0": b""})),
    )
    yield "form-after-stop", zipped(minimal(program(op_tensor(storage, 0, (6,), (1,))) + b"after", {"0": data}))


def _coordinates() -> bytes:
    """Indices, values and size of a sparse tensor; whether it is coalesced was not said before 2.1."""
    indices = op_tensor(op_storage(("torch", "LongStorage"), op_text("1"), 4), 0, (2, 2), (2, 1))
    values = op_tensor(op_storage(_FLOAT, op_text("0"), 6), 0, (2,), (1,))
    return op_tuple(indices, values, op_call("torch", "Size", op_ints((2, 2))))


def _big_endian() -> Cases:
    """What a big-endian machine writes: storages swapped; those without a type are taken as they are by torch, and so here."""
    torch.manual_seed(7)
    names = ("float32", "int16", "bfloat16", "complex64", "uint8", "bool", "float64", "int64")
    typed = {name: (torch.arange(6) % 2 if name == "bool" else torch.arange(6) - 2).to(getattr(torch, name)) for name in names}
    typed["view"] = torch.arange(8.0)[2:6]
    untyped = {"uint16": torch.arange(4).to(torch.uint16), "float8_e5m2": torch.arange(4).to(torch.float8_e5m2)}
    plain = records(saved(typed | untyped))
    kept = {name: data for name, data in plain.items() if not name.startswith(".")}
    for index, tensor in enumerate(typed.values()):
        width = tensor.element_size() // (2 if tensor.is_complex() else 1)
        data = kept[f"data/{index}"]
        kept[f"data/{index}"] = b"".join(data[at : at + width][::-1] for at in range(0, len(data), width))
    yield "byteorder-big", zipped(kept | {"byteorder": b"big"})


def scripts() -> Cases:
    """TorchScript archives, plain and frozen: the name of the file and its bytes."""
    name, module = "model.py", types.ModuleType("model")
    linecache.cache[name] = (len(_SCRIPT), None, _SCRIPT.splitlines(True), name)
    sys.modules["model"], module.__file__ = module, name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(_SCRIPT, name, "exec", dont_inherit=True), module.__dict__)  # the compiler wants the source in a file
        model = torch.jit.script(module.Model())
        yield "script-model", _script(model, {"notes.txt": "hello", "folder/more.json": "{}"})
        yield "script-frozen", _script(torch.jit.freeze(model.eval()), {})
        traced = torch.jit.trace(torch.nn.Identity().eval(), torch.ones(1))
        yield "script-without-tensors", _script(traced, {})


def _script(model: torch.jit.ScriptModule, extra: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    torch.jit.save(model, stream, _extra_files=extra)
    return stream.getvalue()


class _Exported(torch.nn.Module):
    """A module to export."""

    def __init__(self) -> None:
        """Fixed weights."""
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)
        for parameter in self.linear.parameters():
            parameter.data.fill_(0.5)
        self.register_buffer("scale", torch.ones(2, dtype=torch.bfloat16))
        self.constant = torch.tensor([1.0, 2.0])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Uses them all."""
        return self.linear(x) * self.scale + self.constant


def exported() -> bytes:
    """A ``.pt2`` of ``torch.export``, without the places of the source."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = torch.export.export(_Exported(), (torch.ones(1, 3),))
        for node in made.graph.nodes:
            node.meta.pop("stack_trace", None)
        stream = io.BytesIO()
        torch.export.save(made, stream)
    return stream.getvalue()
