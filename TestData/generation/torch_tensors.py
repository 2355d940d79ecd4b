"""The tensors that PyTorch saves: dtypes, layouts in memory, classes, quantized, sparse and nested ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from .torch_classes import Measured

Cases = Iterator[tuple[str, Any]]

_SEED = 20_261_123
V2_DTYPES = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex128 complex64".split()
V3_DTYPES = (
    "uint16 uint32 uint64 float8_e5m2 float8_e4m3fn float8_e5m2fnuz float8_e4m3fnuz float8_e8m0fnu float4_e2m1fn_x2 "
    "complex32 bcomplex32 bits8 bits16 bits1x8 bits2x4 bits4x2"
).split()
_SPECIAL = {  # infinities, quiet and signalling NaNs, signed zeros, denormals
    "float16": [0x7C00, 0xFC00, 0x7E00, 0x7C01, 0xFE55, 0x8000, 0, 1, 0x03FF, 0x0400, 0x7BFF, 0x3C00],
    "bfloat16": [0x7F80, 0xFF80, 0x7FC0, 0x7F81, 0xFFC5, 0x8000, 0, 1, 0x007F, 0x0080, 0x7F7F, 0x3F80],
    "float32": [
        0x7F800000,
        0xFF800000,
        0x7FC00000,
        0x7F800001,
        0xFFC12345,
        0x80000000,
        0,
        1,
        0x007FFFFF,
        0x00800000,
        0x7F7FFFFF,
    ],
    "float64": [0x7FF << 52, 0xFFF << 52, 0x7FF8 << 48, (0x7FF << 52) + 1, 0xFFF8_0000_DEAD_BEEF, 1 << 63, 0, 1, 1 << 52],
}


def tensor(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """A tensor of random bits, of bools for ``bool``."""
    dtype = getattr(torch, name)
    count = math.prod(shape)
    size = torch.empty(0, dtype=dtype).element_size()  # dtypes have no itemsize before 2.1
    raw = rng.integers(0, 2 if name == "bool" else 256, max(count, 1) * size).astype(np.uint8)
    made = torch.from_numpy(raw).view(dtype)
    return made[:count].reshape(shape) if count else made.as_strided(shape, torch.empty(shape).stride())


def cases() -> Cases:
    """Every tensor case: the name of its file and what is saved."""
    yield from _dtypes()
    yield from _layouts()
    yield from _sharing()
    yield from _classes()
    yield from _quantized()
    yield from _sparse()
    yield from _nested()
    yield from _parameters_of_parts()
    raw = torch.arange(8, dtype=torch.uint8)
    yield "shared-bytes", {"bytes": raw, "floats": raw.view(torch.float8_e4m3fn), "half": raw.view(torch.uint16)[1:]}


def _dtypes() -> Cases:
    """Each dtype as a matrix, its transpose, a scalar and the tail of one storage, and an empty tensor."""
    rng = np.random.default_rng(_SEED)
    yield "dtypes-v2", {name: _of_dtype(rng, name) for name in V2_DTYPES}
    yield "dtypes-v3", {name: _of_dtype(rng, name) for name in V3_DTYPES}
    yield "dtype-float8", _of_dtype(rng, "float8_e4m3fn")
    special = {
        name: torch.from_numpy(np.array(bits, f"u{getattr(torch, name).itemsize}")).view(getattr(torch, name))
        for name, bits in _SPECIAL.items()
    }
    yield "special-floats", special
    yield "bool-other-bytes", {"t": torch.tensor([0, 1, 2, 255], dtype=torch.uint8).view(torch.bool)}
    yield (
        "all-float8",
        {name: torch.arange(256).to(torch.uint8).view(getattr(torch, name)) for name in V3_DTYPES if "float8" in name},
    )


def _of_dtype(rng: np.random.Generator, name: str) -> dict[str, torch.Tensor]:
    vector, empty = tensor(rng, name, (9,)), tensor(rng, name, (0, 3))
    matrix = vector[:6].reshape(2, 3)
    return {"matrix": matrix, "transposed": matrix.t(), "scalar": vector[6], "tail": vector[7:], "empty": empty}


def _layouts() -> Cases:
    """Shapes, strides and offsets."""
    torch.manual_seed(_SEED)
    shapes = [(), (0,), (3, 0, 2), (0, 0), (1,), (1, 1, 1), (2, 3, 4), (2,) * 8, (1, 5), (5, 1)]
    yield "shapes", [torch.randn(shape) for shape in shapes]
    base = torch.arange(24, dtype=torch.int32).reshape(4, 6)
    yield (
        "views",
        {
            "rows": base[1:3],
            "columns": base[:, 2:5],
            "steps": base[::2, ::3],
            "transposed": base.t(),
            "corner": base[3, 5],
            "nothing": base[4:],
            "nothing-inside": base[2:2, 1:],
            "diagonal": base.diagonal(),
            "flat": base.reshape(-1)[5:],
            "windows": base.reshape(-1).unfold(0, 4, 2),
            "permuted": base.reshape(2, 3, 4).permute(2, 0, 1),
            "expanded": base[:1].expand(3, 6),
            "expanded-scalar": base[2, 3].expand(2, 2),
            "expanded-empty": base[:1].expand(0, 6),
            "overlapping": base.as_strided((3, 3), (1, 1), 2),
        },
    )
    yield "view-of-large", {"head": torch.arange(300.0)[:3], "tail": torch.arange(300.0).flip(0)[297:]}
    yield "channels-last", {"x": torch.randn(1, 3, 2, 2).to(memory_format=torch.channels_last)}


def _sharing() -> Cases:
    """Storages that several tensors share, tensors without one, and views that compute."""
    torch.manual_seed(_SEED + 5)
    weight, bias = torch.randn(3, 4), torch.randn(6)
    yield (
        "ties",
        {
            "embedding.weight": weight,
            "head.weight": weight,
            "same-storage": weight.view(3, 4),
            "transposed": weight.t(),
            "halves": [bias[:3], bias[3:]],
            "overlap": (bias[1:4], {"deep": bias[2:5]}),
            "alone": weight.clone(),
            "empty-twice": [empty := torch.empty(0), empty],
        },
    )
    yield "tie-reversed", {"view": (whole := torch.arange(10.0))[4:6], "whole": whole}
    yield (
        "requires-grad",
        {
            "yes": torch.ones(2, requires_grad=True),
            "no": torch.ones(2),
            "complex": torch.ones(1, dtype=torch.complex64, requires_grad=True),
        },
    )
    yield "many-storages", {f"t{i:02}": torch.tensor([i], dtype=torch.int16) for i in range(12)}
    yield (
        "meta",
        {
            "m": torch.empty(2, 3, device="meta"),
            "grad": torch.empty(4, dtype=torch.bfloat16, device="meta", requires_grad=True),
            "t": torch.empty(2, 3, dtype=torch.uint16, device="meta").t(),
        },
    )
    values = torch.randn(3, dtype=torch.complex64)
    yield (
        "conj-neg",
        {
            "plain": values,
            "conj": values.conj(),
            "neg": torch._neg_view(torch.tensor([1.5, -0.0, float("inf")])),
            "neg-view": torch._neg_view(torch.arange(6.0, dtype=torch.float64).reshape(2, 3)).t()[1:],
            "both": torch._neg_view(values.conj()),
            "conj-view": torch.randn(4, 2, dtype=torch.complex128).conj().t()[:, 1:],
            "half": torch.randn(4).to(torch.complex32).conj(),
            "resolved": values.conj().resolve_conj(),
        },
    )


def _classes() -> Cases:
    """Parameters, buffers, tensors with attributes and of other classes, bare storages."""
    torch.manual_seed(_SEED + 1)
    plain = torch.nn.Parameter(torch.randn(2, 2))
    marked = torch.nn.Parameter(torch.randn(3), requires_grad=False)
    marked.tensor_parallel, marked.axis, marked.master = True, 1, torch.ones(2)
    yield (
        "parameters",
        {
            "weight": plain,
            "frozen": torch.nn.Parameter(torch.ones(2, dtype=torch.int64), requires_grad=False),
            "tied": plain,
            "float8": torch.nn.Parameter(torch.zeros(2).to(torch.float8_e4m3fn), requires_grad=False),
        },
    )
    yield "parameter-attributes", {"marked": marked, "list": torch.nn.ParameterList([plain, marked])[0]}
    noted = torch.arange(3.0)
    noted.note, noted.scale = "attribute", 0.5
    yield "tensor-attributes", {"noted": noted, "plain": torch.arange(3.0)}
    yield "buffer", {"kept": torch.nn.Buffer(torch.ones(2)), "lost": torch.nn.Buffer(torch.zeros(2), persistent=False)}
    measured = torch.arange(4.0).as_subclass(Measured)
    unit = torch.arange(2.0).as_subclass(Measured)
    unit.unit = "metre"
    yield "subclass", {"measured": measured, "unit": unit, "parameter": torch.nn.Parameter(torch.ones(1).as_subclass(Measured))}
    values = torch.tensor([1.5, -2.0, 3.25])
    yield (
        "storages",
        {
            "untyped": torch.arange(5, dtype=torch.uint8).untyped_storage(),
            "typed": values.storage(),
            "tensor": values,
            "half": torch.ones(3, dtype=torch.float16).storage(),
        },
    )


def _quantized() -> Cases:
    """Integers with scales: for a whole tensor, for each channel, and packed in halves of a byte."""
    torch.manual_seed(_SEED + 2)
    x = torch.randn(4, 6) * 2
    for name, point in (("quint8", 128), ("qint8", -3), ("qint32", 7)):
        q = torch.quantize_per_tensor(x, 0.05, point, getattr(torch, name))
        yield (
            f"quantized-{name}",
            {
                "q": q,
                "rows": q[1:3],
                "transposed": q.t(),
                "empty": torch.quantize_per_tensor(torch.empty(0), 0.1, 0, getattr(torch, name)),
            },
        )
    scales = torch.tensor([0.1, 0.25, 0.5, 1.0], dtype=torch.float64)
    points = torch.tensor([0, 1, -2, 3])
    channels = {
        "first": torch.quantize_per_channel(x, scales, points, 0, torch.qint8),
        "second": torch.quantize_per_channel(x.t().contiguous(), scales, points + 2, 1, torch.quint8),
        "float": torch.quantize_per_channel(x, scales.float(), points.float() / 2, 0, torch.quint8),
    }
    yield "quantized-channels", channels
    yield (
        "quantized-quint4x2",
        {
            "q": torch.quantize_per_tensor(x, 0.3, 7, torch.quint4x2),
            "channels": torch.quantize_per_channel(x, scales.float(), points.float(), 0, torch.quint4x2),
        },
    )
    raw = torch.tensor([0x1B, 0xE4, 0xFF, 0x00, 0x55, 0xAA], dtype=torch.uint8)  # quantizing leaves bits to chance
    storage = torch.TypedStorage(wrap_storage=raw.untyped_storage(), dtype=torch.quint2x4, _internal=True)
    packed = torch._utils._rebuild_qtensor(storage, 0, (4, 6), (6, 1), (torch.per_tensor_affine, 1.0, 1), False, {})
    yield "quantized-quint2x4", {"q": packed}


def _sparse() -> Cases:
    """Sparse tensors of every layout, by index pairs and compressed, with dense dimensions and batches."""
    torch.manual_seed(_SEED + 4)
    dense = torch.tensor([[0.0, 1, 0, 2], [3, 0, 0, 0], [0, 0, 0, 4], [0, 5, 6, 0]])
    pairs = torch.sparse_coo_tensor([[0, 2, 0], [1, 0, 1]], [1.0, 2.0, 3.0], (3, 2))
    yield (
        "sparse-coo",
        {
            "uncoalesced": pairs,
            "coalesced": _copied(pairs.coalesce()),
            "hybrid": torch.sparse_coo_tensor([[0, 3]], torch.randn(2, 3), (5, 3)),
            "empty": torch.sparse_coo_tensor(torch.empty(2, 0, dtype=torch.int64), torch.empty(0), (2, 2)),
            "half": dense.to(torch.bfloat16).to_sparse(),
        },
    )
    batch = torch.stack([dense, dense.flip(0)])
    yield (
        "sparse-csr",
        {
            "int64": dense.to_sparse_csr(),
            "int32": torch.sparse_csr_tensor(
                torch.tensor([0, 1, 2], dtype=torch.int32),
                torch.tensor([1, 0], dtype=torch.int32),
                torch.tensor([1.0, 2.0]),
                (2, 2),
            ),
            "batch": batch.to_sparse_csr(),
        },
    )
    yield "sparse-csc", {"csc": dense.to_sparse_csc()}
    yield "sparse-bsr", {"bsr": dense.to_sparse_bsr((2, 2))}
    yield "sparse-bsc", {"bsc": dense.to_sparse_bsc((2, 2)), "double": dense.double().to_sparse_bsc((1, 2))}


def _copied(sparse: torch.Tensor) -> torch.Tensor:
    """The same with storages that hold its elements alone; those of ``coalesce`` end with what memory happened to hold."""
    parts = sparse.indices().clone(), sparse.values().clone()
    return torch.sparse_coo_tensor(*parts, sparse.shape, is_coalesced=True)


def _nested() -> Cases:
    """Tensors of rows of several lengths."""
    torch.manual_seed(_SEED + 3)
    rows = [torch.randn(2, 3), torch.randn(4, 3), torch.randn(1, 3)]
    yield "nested-strided", {"rows": torch.nested.nested_tensor(rows), "after": torch.ones(1)}
    yield "nested-jagged", {"rows": torch.nested.nested_tensor(rows, layout=torch.jagged)}


def _parameters_of_parts() -> Cases:
    """Parameters over sparse and nested tensors."""
    dense = torch.tensor([[0.0, 1, 0], [2, 0, 3]])
    rows = torch.nested.nested_tensor([torch.ones(2), torch.zeros(3)])
    parts = {"coo": dense.to_sparse(), "csr": dense.to_sparse_csr(), "csc": dense.to_sparse_csc(), "nested": rows}
    noted = torch.nn.Parameter(dense.to_sparse(), requires_grad=False)
    noted.note = "kept"
    yield "parameters-composite", {name: torch.nn.Parameter(part) for name, part in parts.items()} | {"noted": noted}
