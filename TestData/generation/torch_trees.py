"""The trees that PyTorch saves around tensors: containers, plain values, checkpoints, whole modules, objects of any class."""

from __future__ import annotations

import argparse
import datetime
import decimal
import fractions
import functools
import pathlib
import uuid
import warnings
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

import numpy as np
import torch

from .torch_classes import Color, Counted, Keyed, Listed, Perceptron, Point, Settings, Slotted
from .torch_tensors import Cases

_SEED = 20_261_124


def cases() -> Cases:
    """Every tree: the name of its file and what is saved."""
    yield from _roots()
    yield from _containers()
    yield from _values()
    yield from _sharing()
    yield from _checkpoints()
    yield "objects", objects()
    yield "numpy", numpy_values()


def small() -> dict[str, Any]:
    """Two tensors on one storage, another, and a number; for archives that differ in their structure."""
    base = torch.arange(6.0).reshape(2, 3)
    return {"weight": base, "view": base.t()[1:], "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16), "epoch": 3}


def mixed() -> dict[str, Any]:
    """A bit of everything, for files that differ in how they are written."""
    torch.manual_seed(_SEED)
    base = torch.arange(12.0).reshape(3, 4)
    return {
        "weight": base,
        "view": base.t()[1:],
        "again": base,
        "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
        "flags": torch.tensor([True, False]),
        "scalar": torch.tensor(7),
        "empty": torch.empty(0, 2, dtype=torch.float64),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "epoch": 3,
        "big": 2**70,
        "rate": 1e-3,
        "note": "größe 日本",
        "raw": b"\x00\xff",
        "list": [1, (2, None), {"deep": [True, -1]}],
        "ordered": OrderedDict([("b", 1), ("a", torch.tensor([9], dtype=torch.int16))]),
        "set": {1, 2},
        "frozen": frozenset([3]),
    }


def _roots() -> Cases:
    """Files whose root is no dictionary."""
    yield "root-tensor", torch.arange(3.0)
    yield "root-parameter", torch.nn.Parameter(torch.ones(2, 2))
    yield "root-list", [torch.zeros(1), torch.ones(2)]
    yield "root-tuple", (torch.zeros(1), "a")
    yield "root-none", None
    yield "root-int", 42
    yield "root-text", "only text"
    yield "root-empty-dict", {}
    yield "root-empty-list", []


def _containers() -> Cases:
    """Containers of every kind that pickles know, with tensors inside."""
    tensors = iter(torch.arange(40, dtype=torch.int16).split(2))
    factory = defaultdict(list, {"a": [next(tensors)]})
    yield (
        "containers",
        {
            "list": [next(tensors), [], [[]]],
            "tuple": (next(tensors), (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
            "dict": {"x": next(tensors), "empty": {}},
            "ordered": OrderedDict([("z", next(tensors)), ("a", 1)]),
            "counter": Counter({"a": 2, "b": 1}),
            "default": factory,
            "default-none": defaultdict(None, {"k": next(tensors)}),
            "deque": deque([1, next(tensors)]),
            "deque-bounded": deque([1, 2], maxlen=5),
            "set": {1, 2, 3},
            "empty-set": set(),
            "frozen": frozenset([1, 2]),
            "point": Point(next(tensors), 2),
            "size": torch.Size([2, 3]),
            "sizes": [torch.Size([]), torch.Size([4])],
        },
    )
    yield (
        "keys",
        {
            0: next(tensors),
            1: {10: "ten", -1: "minus one"},
            2: 2,
            "0": next(tensors),
            1.5: "float",
            None: "none",
            (1, "a"): next(tensors),
            b"bytes": 1,
            "": next(tensors),
            "with.dot": next(tensors),
            "with/slash": next(tensors),
            "tab\tnewline\n": next(tensors),
            "é": next(tensors),
            "e\u0301": next(tensors),
            torch.float32: "dtype",
        },
    )
    yield "long-list", list(range(1001))
    yield "long-dict", dict.fromkeys(range(1001))
    deep: Any = torch.ones(1)
    for level in range(30):
        deep = [deep] if level % 2 else {"k": deep}
    yield "deep", deep


def _values() -> Cases:
    """Plain values at the edges of how they are written."""
    sizes = (63, 64, 127, 255, 600, 2039, 2040)
    edges = [0, 1, -1, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**53, 2**53 + 1, -(2**53) - 1]
    yield "ints", edges + [sign * (2**size + extra) for size in sizes for sign in (1, -1) for extra in (0, -1)]
    yield "floats", [0.0, -0.0, 0.1, -1.5, 1e300, 5e-324, float("inf"), float("-inf"), float("nan"), 1e22, 2.0**53]
    yield "bools-none", [True, False, None]
    yield "complex", [1 + 2j, complex(0.0, -0.0), complex(float("inf"), float("nan"))]
    words = [
        "",
        "ascii",
        "größe",
        "日本語",
        "😀",
        "e\u0301",
        "nul\0inside",
        "line\nbreak\r\n",
        "\u2028",
        "\ufeffbom",
        "x" * 300,
    ]
    yield "strings", words
    yield "string-surrogate", {"lone": "\ud800x", "fine": torch.ones(1)}
    yield "bytes", [b"a", b"\x00\x7f\x80\xff", bytes(range(256)), b"x" * 300]
    yield "bytes-empty", [b"", b""]
    yield "bytearrays", [bytearray(b"abc"), bytearray(), bytearray(range(250, 256))]
    devices = [torch.device("cpu"), torch.device("cuda"), torch.device("cuda", 1), torch.device("meta")]
    kinds = [torch.float32, torch.bfloat16, torch.uint16, torch.float8_e4m3fn, torch.complex64, torch.bool, torch.qint8]
    yield "torch-values", {"dtypes": kinds, "devices": devices, "layout": torch.strided, "scheme": torch.per_tensor_affine}
    yield "slices", [slice(1, 2, None), slice(None), range(3), range(5, 0, -2), ...]
    yield "types", {"classes": [int, float, str, dict, torch.Tensor, OrderedDict], "functions": [len, torch.relu]}


def _sharing() -> Cases:
    """Containers that occur more than once, some inside of themselves."""
    inner = {"t": torch.arange(2.0)}
    items = [1, inner]
    yield "shared", {"a": items, "b": items, "c": inner, "d": [inner, inner], "text": ["same", "same"]}
    cycle: list[Any] = [1, torch.ones(2)]
    cycle.append(cycle)
    yield "cyclic-list", cycle
    loop: dict[str, Any] = {"name": "root", "child": {"t": torch.zeros(1)}}
    loop["child"]["parent"] = loop
    yield "cyclic-dict", loop
    through: list[Any] = []
    through.append((through, torch.ones(1)))
    yield "cyclic-tuple", through


def _checkpoints() -> Cases:
    """State dictionaries, optimizers, whole modules and what trainers save."""
    torch.manual_seed(_SEED)
    layers = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    yield "state-dict", layers.state_dict()
    perceptron = Perceptron(4)
    yield "state-dict-tied", perceptron.state_dict()
    groups = [{"params": [layers[0].weight], "lr": 0.1}, {"params": [layers[0].bias]}]
    adam = torch.optim.Adam(groups, lr=1e-3, betas=(0.8, 0.95), amsgrad=True)
    _step(layers, adam)
    yield "optimizer-adam", adam.state_dict()
    descent = torch.optim.SGD(layers.parameters(), lr=0.1, momentum=0.9)
    _step(layers, descent)
    scheduler = torch.optim.lr_scheduler.StepLR(descent, 10)
    states = {"model": layers.state_dict(), "optimizer": descent.state_dict(), "scheduler": scheduler.state_dict()}
    yield "checkpoint", {"epoch": 2, "loss": 0.25} | states
    yield "lightning", _lightning(layers, descent, scheduler)
    yield "module-sequential", layers
    yield "module-class", perceptron
    yield "module-parameters", torch.nn.ParameterDict({"p": torch.ones(1)})
    yield (
        "random-states",
        {"torch": torch.get_rng_state()[:16].clone(), "generator": torch.Generator().manual_seed(5).get_state()[:8].clone()},
    )


def _step(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """One step of training on fixed numbers."""
    optimizer.zero_grad()
    model(torch.linspace(-1, 1, 12).reshape(4, 3)).square().sum().backward()
    optimizer.step()


def _lightning(model: torch.nn.Module, optimizer: torch.optim.Optimizer, scheduler: Any) -> dict[str, Any]:
    """The keys of a checkpoint of PyTorch Lightning."""
    progress = {"total": {"ready": 4, "completed": 4}, "current": {"ready": 2, "completed": 2}}
    return {
        "epoch": 1,
        "global_step": 4,
        "pytorch-lightning_version": "2.6.6",
        "state_dict": OrderedDict((f"model.{name}", value) for name, value in model.state_dict().items()),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": progress}, "validate_loop": {"state_dict": {}}},
        "callbacks": {
            "ModelCheckpoint{'monitor': None}": {"best_model_score": torch.tensor(0.5), "best_k_models": {}, "dirpath": "/tmp"}
        },
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [scheduler.state_dict()],
        "hparams_name": "kwargs",
        "hyper_parameters": OrderedDict([("width", 4), ("rate", 1e-3), ("layers", [3, 4, 2])]),
    }


def objects() -> dict[str, Any]:
    """Objects of classes that a reader need not know; some hold tensors."""
    tensors = iter(torch.arange(24, dtype=torch.int32).split(2))
    listed, keyed = Listed([next(tensors), 1]), Keyed(k=next(tensors))
    listed.note, keyed.note = "list", next(tensors)
    return {
        "namespace": argparse.Namespace(rate=0.1, weight=next(tensors)),
        "dataclass": Settings(0.5, [1, 2], next(tensors)),
        "slots": Slotted(1, next(tensors)),
        "state": Counted(next(tensors)),
        "listed": listed,
        "keyed": keyed,
        "enum": [Color.RED, Color.BLUE],
        "date": datetime.datetime(2026, 11, 21, 12, 30, 15, 99, tzinfo=datetime.UTC),
        "day": datetime.date(2024, 2, 29),
        "duration": datetime.timedelta(days=-1, seconds=5),
        "decimal": decimal.Decimal("1.10"),
        "fraction": fractions.Fraction(1, 3),
        "path": pathlib.PurePosixPath("/a/b"),
        "uuid": uuid.UUID(int=1),
        "partial": functools.partial(torch.add, next(tensors), alpha=2),
        "bound": "text".upper,
    }


def numpy_values() -> dict[str, Any]:
    """Arrays and scalars of NumPy among tensors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "array": np.arange(6, dtype=np.float32).reshape(2, 3),
            "fortran": np.asfortranarray(np.arange(6).astype(">i2").reshape(2, 3)),
            "scalars": [
                np.float64(1.5),
                np.int64(-3),
                np.bool_(True),
                np.float32("nan"),
                np.str_("é"),
                np.datetime64("2024-02-29", "D"),
            ],
            "empty": np.empty((0, 2), np.complex64),
            "zero-d": np.array(7, np.uint8),
            "objects": np.array([1, "a", None], object),
            "dtype": np.dtype("<f4"),
            "type": np.float32,
            "tensor": torch.ones(1),
        }
