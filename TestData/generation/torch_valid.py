"""``torch/valid``: files of PyTorch as the real PyTorch writes them, and others that it reads."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from . import torch_load, torch_old, torch_other, torch_tensors, torch_trees
from .files import Output
from .golden import JSON
from .torch_files import legacy, pickled, saved
from .torch_golden import Description

_ENDINGS = {"torch-zip": "pt", "torch-legacy": "pt", "torch-tar": "tar", "torchscript": "pt", "pickle": "pkl", "pt2": "pt2"}
_NO_TORCH_LOAD = ("pickle", "torchscript", "pt2")


def add(output: Output) -> None:
    """Writes every file of this group and records it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # half of what is covered is deprecated or experimental
        _add(output)


def _add(output: Output) -> None:
    for name, root in (*torch_tensors.cases(), *torch_trees.cases()):
        _write(output, name, "torch-zip", saved(root))
    _add_protocols(output)
    for name, data in torch_other.archives():
        _write(output, name, "torch-zip", data)
    for name, data in torch_old.streams():
        _write(output, name, "torch-legacy", data)
    for name, root in torch_old.unreadable_streams():
        _write(output, name, "torch-legacy", legacy(root), root)
    _write(output, "tar", "torch-tar", torch_old.tar())
    for name, data in torch_other.scripts():
        _write(output, name, "torchscript", data)
    _add_exported(output)
    _add_pickles(output)


def _write(output: Output, name: str, kind: str, data: bytes, root: Any = None) -> None:
    _record(output, output.write(f"torch/valid/{name}.{_ENDINGS[kind]}", data), kind, root)


def _record(output: Output, path: Path, kind: str, root: Any) -> None:
    """Loads a written file and records what it holds; of one that torch cannot load, what was saved."""
    entry: JSON = {"file": str(path.relative_to(output.root)), "format": kind, "expected": "ok"}
    if root is None:
        loaded = torch_load.load(path, kind)
        entry |= output.once("torch", Description(loaded.root, loaded.devices).json()) | {"globals": sorted(loaded.globals)}
        if loaded.constants is not None:
            entry["constants"] = Description(loaded.constants, loaded.devices).json()["tensors"]
    else:
        entry |= output.once("torch", Description(root).json())
    if kind not in _NO_TORCH_LOAD:
        entry["weights_only_error"] = torch_load.refusal(path, weights_only=True)
        error = torch_load.refusal(path, weights_only=False)
        if (error is None) != (root is None):
            raise AssertionError(f"{path.name}: {error}")
        entry |= {"torch_error": error} if error else {}
    output.record("torch", entry)


def _add_protocols(output: Output) -> None:
    """One tree in every pickle protocol that ``torch.save`` can be asked for."""
    for protocol in (2, 3, 4, 5):
        _write(output, f"protocol-{protocol}", "torch-zip", saved(torch_trees.mixed(), protocol))
    for name, root in (("objects", torch_trees.objects()), ("numpy", torch_trees.numpy_values())):
        for protocol in (4, 5):
            _write(output, f"protocol-{protocol}-{name}", "torch-zip", saved(root, protocol))


def _add_pickles(output: Output) -> None:
    """Bare pickles of tensors: every storage is a legacy stream in the bytes of the pickle."""
    torch.manual_seed(9)
    weight = torch.arange(6.0).reshape(2, 3)
    root = {
        "weight": weight,
        "tied": weight,
        "view": weight.t()[1:],
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "n": [1, None],
    }
    for protocol in range(6):
        _write(output, f"pickle-tensor-{protocol}", "pickle", pickled(torch.arange(3, dtype=torch.int16), protocol))
        _write(output, f"pickle-tree-{protocol}", "pickle", pickled(root, protocol))
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    _write(output, "pickle-module", "pickle", pickled(model, 4))
    _write(output, "pickle-sparse", "pickle", pickled(torch.eye(3).to_sparse(), 4))
    _write(output, "pickle-quantized", "pickle", pickled(torch.quantize_per_tensor(weight, 0.1, 3, torch.qint8), 2))


def _add_exported(output: Output) -> None:
    """An exported program: an archive without ``data.pkl``, described by JSON inside of it."""
    path = output.write("torch/valid/exported.pt2", torch_other.exported())
    state = torch.export.load(path).state_dict
    entry: JSON = {"file": str(path.relative_to(output.root)), "format": "pt2", "expected": "unsupported"}
    output.record("torch", entry | {"state_dict": Description(dict(state)).json()["tensors"]})
