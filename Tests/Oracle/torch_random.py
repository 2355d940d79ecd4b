"""Random trees of tensors, containers and values, as programs save them with PyTorch."""

from __future__ import annotations

import argparse
import datetime
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from generation import torch_features
from generation.torch_tensors import V2_DTYPES, V3_DTYPES, tensor

_WORDS = ("weight", "bias", "a.b", "with space", "é", "日本", "", "0", "layer/1", "_metadata", "x" * 40, "😀", "tab\t")
_NAMED_DTYPES = torch_features.known_dtypes(V2_DTYPES + V3_DTYPES)
_SAVED_DTYPES = _NAMED_DTYPES if torch_features.SAVES_V3 else V2_DTYPES
_QUANTIZED = ("quint8", "qint8", "qint32")
_DEEPEST = 4


class RandomTree:
    """One tree; what it holds is drawn from its generator alone."""

    def __init__(self, rng: np.random.Generator, *, legacy: bool) -> None:
        """Makes the tree; a legacy stream cannot hold untyped storages and the dtypes that need them."""
        self._rng = rng
        self._legacy = legacy
        self._dtypes = V2_DTYPES if legacy else _SAVED_DTYPES
        self._any_class = rng.random() < 0.15  # with content that weights_only refuses
        self._bases: list[torch.Tensor] = []
        self._made: list[Any] = []
        self._containers: list[Any] = []
        self.root = self._root()

    def _chance(self, probability: float) -> bool:
        return bool(self._rng.random() < probability)

    def _pick(self, choices: Any) -> Any:
        return choices[int(self._rng.integers(len(choices)))]

    def _int(self, low: int, high: int) -> int:
        return int(self._rng.integers(low, high))

    def _root(self) -> Any:
        kind = self._rng.random()
        if kind < 0.1:
            return self._tensor()
        if kind < 0.25:
            return self._state_dict()
        if kind < 0.35:
            return {
                "epoch": self._int(0, 99),
                "model": self._state_dict(),
                "optimizer": self._optimizer(),
                "more": self._value(2),
            }
        return self._container(0, self._pick([dict, dict, dict, OrderedDict, list]))

    def _value(self, depth: int) -> Any:
        """A tensor, a container or a plain value."""
        kind = self._rng.random()
        if kind < 0.5:
            return self._tensor()
        if kind < 0.72 and depth < _DEEPEST:
            return self._container(depth)
        if kind < 0.76 and self._containers:
            return self._pick(self._containers)  # shared, at times inside of itself
        return self._plain()

    def _key(self) -> Any:
        kind = self._rng.random()
        if kind < 0.85:
            return str(self._pick(_WORDS)) + (str(self._int(0, 50)) if self._chance(0.6) else "")
        return self._int(-3, 300) if kind < 0.95 else self._pick([None, 1.5, (1, "k"), True])

    def _container(self, depth: int, kind: Any = None) -> Any:
        kinds: list[Any] = [dict, dict, list, list, tuple, OrderedDict, set, Counter]
        if self._any_class:
            kinds += [frozenset, defaultdict, deque, argparse.Namespace]
        kind = kind or self._pick(kinds)
        count = self._int(0, 7)
        if kind in (set, frozenset):
            return kind(self._int(-5, 1000) for _ in range(count))
        if kind is Counter:
            return Counter({f"c{i}": self._int(1, 9) for i in range(count)})
        if kind is tuple:
            return tuple(self._value(depth + 1) for _ in range(count))
        made: Any = defaultdict(list) if kind is defaultdict else kind()
        self._containers.append(made)
        for _ in range(count):
            value = self._value(depth + 1)
            if kind in (list, deque):
                made.append(value)
            elif kind is argparse.Namespace:
                setattr(made, f"field{self._int(0, 20)}", value)
            else:
                made[self._key()] = value
        return made

    def _state_dict(self) -> OrderedDict:
        """Named tensors, some tied, with the versions of modules beside."""
        made: OrderedDict[str, Any] = OrderedDict()
        for index in range(self._int(1, 6)):
            made[f"layer.{index}.weight"] = self._tensor()
        made._metadata = OrderedDict([("", {"version": 1}), ("layer.0", {"version": self._int(1, 4)})])
        self._containers.append(made)
        return made

    def _optimizer(self) -> dict[str, Any]:
        state = {
            i: {"step": torch.tensor(float(i)), "exp_avg": self._tensor(), "exp_avg_sq": self._tensor()}
            for i in range(self._int(0, 3))
        }
        groups = [
            {"lr": float(self._rng.random()), "betas": (0.9, 0.999), "maximize": False, "foreach": None, "params": list(state)}
        ]
        return {"state": state, "param_groups": groups}

    def _plain(self) -> Any:
        makers: list[Callable[[], Any]] = [
            lambda: None,
            lambda: self._chance(0.5),
            lambda: self._int(-300, 70000),
            lambda: self._int(-(2**62), 2**62) * self._pick([1, -1, 2**70, 3**300]),
            lambda: float(self._rng.standard_normal()),
            lambda: self._pick([0.0, -0.0, float("inf"), float("-inf"), float("nan"), 5e-324, 1e308]),
            lambda: complex(float(self._rng.standard_normal()), -0.0),
            lambda: str(self._pick(_WORDS)) * self._int(0, 9),
            lambda: self._rng.bytes(self._int(1, 300)),
            lambda: bytearray(self._rng.bytes(self._int(0, 9))),
            lambda: torch.Size(int(n) for n in self._rng.integers(0, 9, self._int(0, 4))),
            lambda: getattr(torch, str(self._pick(_NAMED_DTYPES))),
            lambda: torch.device(str(self._pick(["cpu", "cuda", "cuda:1", "meta"]))),
        ]
        if self._any_class:
            makers += [lambda: slice(1, None, 2), lambda: datetime.timedelta(self._int(0, 9)), lambda: b"", lambda: range(3)]
            makers += [
                lambda: np.float32(1.5),
                lambda: self._rng.standard_normal((2, 3)),
                lambda: np.array(["a", None], object),
            ]
        return self._pick(makers)()

    def _tensor(self) -> Any:
        """A tensor, new or one that is in the tree already."""
        if self._made and self._chance(0.15):
            return self._pick(self._made)
        kind = self._rng.random()
        if kind < 0.05:
            made = self._sparse()
        elif kind < 0.1:
            made = self._quantized()
        elif kind < 0.12:
            made = torch.empty(self._shape(), device="meta", requires_grad=self._chance(0.3))
        elif kind < 0.125 and not self._legacy:
            made = torch_features.raw_storage(torch.from_numpy(self._rng.integers(0, 256, self._int(1, 9)).astype(np.uint8)))
        elif kind < 0.135 and self._any_class and not self._legacy and torch_features.SAVES_NESTED:
            made = torch.nested.nested_tensor([torch.ones(2, 2), torch.zeros(self._int(1, 4), 2)])
        else:
            made = self._decorated(self._view(self._base()))
        self._made.append(made)
        return made

    def _shape(self) -> tuple[int, ...]:
        smallest = 0 if self._chance(0.1) else 1
        return tuple(int(n) for n in self._rng.integers(smallest, 6, self._pick([0, 1, 1, 2, 2, 3, 4])))

    def _base(self) -> torch.Tensor:
        """The whole of a storage, new or known."""
        if self._bases and self._chance(0.35):
            return self._pick(self._bases)
        shape = (self._int(100, 400),) if self._chance(0.08) else self._shape()
        made = tensor(self._rng, str(self._pick(self._dtypes)), shape)
        self._bases.append(made)
        return made

    def _view(self, base: torch.Tensor) -> torch.Tensor:
        """Part of a storage, in any order."""
        made = base
        while made.dim() > 0 and self._chance(0.45):
            axis = self._int(0, made.dim())
            size = made.shape[axis]
            match self._int(0, 5):
                case 0:
                    made = made.transpose(axis, self._int(0, made.dim()))
                case 1 if size > 0:
                    start = self._int(0, size)
                    made = made.narrow(axis, start, self._int(0, size - start + 1))
                case 2 if size > 1:
                    made = made.as_strided(
                        [(n + 1) // 2 if i == axis else n for i, n in enumerate(made.shape)],
                        [2 * s if i == axis else s for i, s in enumerate(made.stride())],
                        made.storage_offset(),
                    )
                case 3 if size > 0:
                    made = made.select(axis, self._int(0, size))
                case 4:
                    made = made.unsqueeze(axis).expand([*made.shape[:axis], self._int(0, 4), *made.shape[axis:]])
        return made

    def _decorated(self, made: torch.Tensor) -> torch.Tensor:
        """A parameter, one that requires gradients, a conjugated or a negated view, or the tensor as it is."""
        kind = self._rng.random()
        grows = made.is_floating_point() or made.is_complex()
        if kind < 0.12:
            parameter = torch.nn.Parameter(made.detach(), requires_grad=grows and self._chance(0.7))
            if self._chance(0.2):
                parameter.note, parameter.rank = "attribute", self._int(0, 9)
            return parameter
        if kind < 0.2 and grows and str(made.dtype).removeprefix("torch.") in V2_DTYPES:  # torch 2.15 cannot load others so
            return made.detach().requires_grad_()
        if kind < 0.4 and made.dtype in (torch.complex64, torch.complex128, torch.complex32):
            return made.conj()
        if kind < 0.3 and made.dtype in (torch.float32, torch.float64, torch.complex64):
            return torch._neg_view(made)
        if kind > 0.97:
            made = made.view_as(made)
            made.note = "attribute of a tensor"
        return made

    def _quantized(self) -> torch.Tensor:
        x = torch.from_numpy(self._rng.standard_normal((3, 4)).astype(np.float32) * 4)
        if self._chance(0.2):
            return torch.quantize_per_tensor(x, 0.5, 3, torch.quint4x2)
        dtype = getattr(torch, str(self._pick(_QUANTIZED)))
        if self._chance(0.5):
            made = torch.quantize_per_tensor(
                x, float(self._rng.random()) + 0.01, 0 if dtype == torch.qint32 else self._int(0, 100), dtype
            )
            return made[1:] if self._chance(0.3) else made
        scales = torch.from_numpy(self._rng.random(3) + 0.1)
        return torch.quantize_per_channel(x, scales, torch.zeros(3, dtype=torch.int64), 0, dtype)

    def _sparse(self) -> torch.Tensor:
        dense = torch.from_numpy(self._rng.integers(0, 3, (4, 6)).astype(np.float32))
        match self._int(0, 5 if torch_features.SAVES_ALL_SPARSE else 2):
            case 0:
                pairs = torch.from_numpy(self._rng.integers(0, 4, (2, 5)))
                return torch.sparse_coo_tensor(pairs, torch.arange(5.0), (4, 4))
            case 1:
                return dense.to_sparse_csr()
            case 2:
                return dense.to_sparse_csc()
            case 3:
                return dense.to_sparse_bsr((2, 3))
        return dense.to_sparse_bsc((2, 3))
