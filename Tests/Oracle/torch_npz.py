"""Compares an npz that tensorio made of a PyTorch file with the tensors of that file."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from generation import torch_load, values
from generation.torch_golden import Description, dtype_name, element_bytes
from generation.torch_load import Composite, Wrapped

_RAW = {"bfloat16": "V2", "complex32": "V4", "bcomplex32": "V4", "bits16": "V2"}
_MODULE_PARTS = re.compile(r"(?:^|\.)_(?:modules|parameters|buffers)(?=\.)")


class _Arrays(Description):
    """Notes the bytes of every tensor and array by name."""

    def __init__(self, root: Any, devices: dict[int, str]) -> None:
        """Walks the tree."""
        self.arrays: dict[str, tuple[np.dtype | None, tuple[int, ...], bytes]] = {}
        super().__init__(root, devices)

    def _tensor(self, value: Any, path: tuple[str, ...]) -> None:
        super()._tensor(value, path)
        tensor = value.tensor if isinstance(value, Wrapped) else value
        if isinstance(tensor, Composite) or tensor.layout != torch.strided or tensor.device.type == "meta":
            return
        if not tensor.is_quantized:
            self.arrays[".".join(path)] = (_dtype(tensor.dtype), tuple(tensor.shape), element_bytes(tensor))

    def _array(self, value: np.ndarray, path: tuple[str, ...]) -> None:
        super()._array(value, path)
        if not value.dtype.hasobject:
            self.arrays[".".join(path)] = (value.dtype.newbyteorder("<"), value.shape, values.array_bytes(value))


def _dtype(dtype: torch.dtype) -> np.dtype:
    """The dtype that NumPy has for it; raw bytes where it has none."""
    name = dtype_name(dtype)
    if name in _RAW:
        return np.dtype(_RAW[name])
    return np.dtype("V1") if name.startswith(("float8", "float4", "bits")) else np.dtype(name)


def check(file: Path, archive: Path, lost: list[str]) -> int:
    """Compares by name, or by the shorter name in a whole module; quantized, sparse and meta tensors may be missing."""
    kind = "pickle" if file.suffix == ".pkl" else "torch-zip"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = torch_load.load(file, kind)
        expected = _Arrays(loaded.root, loaded.devices).arrays
        with np.load(archive, allow_pickle=True) as arrays:
            made = {name: arrays[name] for name in arrays.files}
    equal = missing = 0
    for name, (dtype, shape, data) in expected.items():
        found = next((made[key] for key in (name, _short_name(name)) if key in made), None)
        if found is None and name == "" and len(made) == 1:
            found = next(iter(made.values()))
        if found is None and name in lost:
            missing += 1
            continue
        text = _difference(found, dtype, shape, data)
        equal += text is None
        if text is not None:
            print(f"{name!r}: {text}")
    wanted = len(expected) - missing
    print(f"equal {equal} of {wanted}" + (f", {missing} lost" if missing else ""))
    return 0 if equal == wanted > 0 else 1


def _short_name(name: str) -> str:
    """The name in a state dictionary."""
    return _MODULE_PARTS.sub("", name).removeprefix(".")


def _difference(found: np.ndarray | None, dtype: np.dtype, shape: tuple[int, ...], data: bytes) -> str | None:
    """What is wrong with an array; nothing when it is right."""
    if found is None:
        return "is missing"
    if found.dtype.newbyteorder("<") != dtype or found.shape != shape:
        return f"{found.dtype} {found.shape}, not {dtype} {shape}"
    return None if values.array_bytes(found) == data else "other elements"
