"""What a tree of tensors, containers and values holds, said in JSON; ``Tests/Oracle`` uses it too."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from . import golden, values
from .golden import JSON
from .torch_features import raw_storage
from .torch_load import Composite, Wrapped, sparse
from .tree import Path, Tree

_COMPONENT = {
    "complex32": np.uint16,
    "bcomplex32": np.uint16,
    "complex64": np.uint32,
    "complex128": np.uint64,
    "float16": np.uint16,
    "bfloat16": np.uint16,
    "float32": np.uint32,
    "float64": np.uint64,
}


def dtype_name(dtype: torch.dtype) -> str:
    """The dtype's name without ``torch.``."""
    return str(dtype).removeprefix("torch.")


def storage_bytes(storage: torch.UntypedStorage) -> np.ndarray:
    """The bytes of a storage, not copied."""
    return torch.empty(0, dtype=torch.uint8).set_(storage).numpy()


def element_bytes(tensor: torch.Tensor) -> bytes:
    """The elements in C order as they lie in memory; conjugation and negation done, quantized ones as integers."""
    if tensor.is_quantized:
        return tensor.int_repr().contiguous().numpy().tobytes()
    tensor = tensor.detach()
    size, raw = tensor.element_size(), storage_bytes(raw_storage(tensor))
    if tensor.numel() == 0:
        return b""
    rows = np.lib.stride_tricks.as_strided(
        raw[tensor.storage_offset() * size :], (*tensor.shape, size), (*(s * size for s in tensor.stride()), 1)
    )
    elements = np.array(rows, order="C").reshape(-1)  # a copy: signs are flipped in it
    if tensor.is_conj() or tensor.is_neg():
        parts = elements.view(_COMPONENT[dtype_name(tensor.dtype)])
        sign = parts.dtype.type(1 << (8 * parts.itemsize - 1))
        if tensor.is_neg():
            parts ^= sign
        if tensor.is_conj():
            parts[1::2] ^= sign
    return elements.tobytes()


def quantizer(tensor: torch.Tensor) -> JSON:
    """Scheme and parameters of a quantized tensor."""
    scheme = str(tensor.qscheme()).removeprefix("torch.")
    if tensor.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        return {"scheme": scheme, "scale": tensor.q_scale(), "zero_point": tensor.q_zero_point()}
    scales, points = tensor.q_per_channel_scales(), tensor.q_per_channel_zero_points()
    return {
        "scheme": scheme,
        "scales": scales.tolist(),
        "zero_points": points.tolist(),
        "axis": tensor.q_per_channel_axis(),
        "scales_dtype": dtype_name(scales.dtype),
        "zero_points_dtype": dtype_name(points.dtype),
    }


class Description(Tree):
    """Walks a tree once and notes its containers, tensors and values."""

    def __init__(self, root: Any, devices: dict[int, str] | None = None) -> None:
        """Describes all below the root; ``devices`` are the tags of storages that the file puts elsewhere."""
        self._devices = devices or {}
        super().__init__(root)

    def _visit(self, value: Any, path: Path) -> None:
        if isinstance(value, Wrapped | torch.Tensor):
            self._tensor(value, path)
        elif isinstance(value, torch.UntypedStorage | torch.TypedStorage):
            self._storage(value, path)
        elif isinstance(value, Composite):
            self._composite(value, path)
        else:
            super()._visit(value, path)

    def _leaf(self, value: Any) -> JSON | None:
        """A value without items, those of PyTorch included."""
        for kind, name in (
            (torch.dtype, "dtype"),
            (torch.layout, "layout"),
            (torch.qscheme, "qscheme"),
            (torch.device, "device"),
        ):
            if isinstance(value, kind):
                return {"kind": name, "value": str(value).removeprefix("torch.")}
        return super()._leaf(value)

    def _special(self, value: Any) -> JSON | None:
        """What ``values.render`` does not know: tensors inside of attributes."""
        if isinstance(value, Wrapped):
            value = value.tensor
        if isinstance(value, torch.Tensor):
            digest = golden.sha256(element_bytes(value))
            return {"kind": "tensor", "dtype": dtype_name(value.dtype), "shape": list(value.shape), "sha256": digest}
        return None if isinstance(value, np.ndarray) else self._leaf(value)

    def _composite(self, value: Composite, path: Path, python_class: str = "torch.Tensor") -> None:
        """A sparse or nested tensor, and its parts as tensors."""
        self.composites.append({"path": list(path), "layout": value.layout, "class": python_class} | value.facts)
        for name, part in value.parts.items():
            self._visit(part, (*path, f"@{name}"))

    def _tensor(self, value: Any, path: Path) -> None:
        """A tensor, with what the file says of it beside its elements."""
        wrapped = value if isinstance(value, Wrapped) else None
        tensor = wrapped.tensor if wrapped else value
        python_class = wrapped.python_class if wrapped else _tensor_class(tensor)
        if isinstance(tensor, Composite):
            self._composite(tensor, path, python_class)
            return
        if tensor.layout != torch.strided:
            self._composite(_composite_of(tensor), path)
            return
        flag = tensor.requires_grad if wrapped is None or wrapped.requires_grad is None else wrapped.requires_grad
        entry: JSON = {"name": ".".join(path), "path": list(path)} | self._layout(tensor, flag) | {"class": python_class}
        entry |= self._same(value)
        if tensor.is_quantized:
            entry["quantizer"] = quantizer(tensor)
        entry |= {name: True for name, bit in (("conj", tensor.is_conj()), ("neg", tensor.is_neg())) if bit}
        attributes = wrapped.attributes if wrapped else None
        if attributes is not None:
            entry["attributes"] = values.render(attributes, self._special)
        self.tensors.append(entry)

    def _layout(self, tensor: torch.Tensor, requires_grad: bool) -> JSON:
        """Dtype, shape, place in the storage, and digest."""
        meta = tensor.device.type == "meta"
        storage = raw_storage(tensor)
        return {
            "dtype": dtype_name(tensor.dtype),
            "shape": list(tensor.shape),
            "strides": list(tensor.stride()),
            "storage_offset": tensor.storage_offset(),
            "device": self._devices.get(storage._cdata, str(tensor.device)),
            "requires_grad": requires_grad,
            "sha256": None if meta else golden.sha256(element_bytes(tensor)),
            "alias": None if meta else self._group("torch", storage._cdata),
            "storage_bytes": None if meta else storage.nbytes(),
        }

    def _storage(self, value: Any, path: Path) -> None:
        """A storage without a tensor: one dimension of its elements; bytes when it has no type."""
        typed = isinstance(value, torch.TypedStorage) and value.dtype != torch.uint8
        dtype = value.dtype if typed else torch.uint8
        tensor = torch.empty(0, dtype=dtype).set_(raw_storage(value))
        name = "torch.storage.TypedStorage" if typed else "torch.storage.UntypedStorage"
        entry: JSON = {"name": ".".join(path), "path": list(path)} | self._layout(tensor, False) | {"class": name}
        self.tensors.append(entry | self._same(value))


def _tensor_class(tensor: torch.Tensor) -> str:
    kind = type(tensor)
    return "torch.Tensor" if kind is torch.Tensor else values.class_name(kind)


def _composite_of(tensor: torch.Tensor) -> Composite:
    """A sparse tensor in memory as the file would make it."""
    _, arguments = tensor.__reduce_ex__(2)
    return sparse(*arguments)
