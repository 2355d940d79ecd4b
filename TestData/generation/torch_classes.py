"""Classes of the test data that no reader of them has; their names stand in the files."""

from __future__ import annotations

import collections
import dataclasses
import enum
from typing import Any

import torch

Point = collections.namedtuple("Point", ["x", "y"])


class Color(enum.Enum):
    """An enumeration."""

    RED = 1
    BLUE = "blue"


@dataclasses.dataclass
class Settings:
    """An object with a state of plain values."""

    rate: float
    steps: list[int]
    weight: Any = None


class Slotted:
    """An object whose state is a pair: no dictionary, and slots."""

    __slots__ = ("a", "b")

    def __init__(self, a: Any, b: Any) -> None:
        """Fills the slots."""
        self.a, self.b = a, b


class Listed(list):
    """A list with attributes."""


class Keyed(dict):
    """A dictionary with attributes."""


class Counted:
    """An object whose state is no dictionary."""

    def __init__(self, count: Any) -> None:
        """Keeps the count."""
        self.count = count

    def __getstate__(self) -> tuple[str, Any]:
        """A pair in place of the dictionary."""
        return ("count", self.count)

    def __setstate__(self, state: tuple[str, Any]) -> None:
        """Takes the pair."""
        self.count = state[1]


class Measured(torch.Tensor):
    """A tensor of a class of its own."""


class Perceptron(torch.nn.Module):
    """A module with parameters, buffers, a tied weight and settings."""

    def __init__(self, width: int) -> None:
        """Small layers."""
        super().__init__()
        self.first = torch.nn.Linear(width, width, bias=False)
        self.head = torch.nn.Linear(width, width, bias=False)
        self.head.weight = self.first.weight
        self.register_buffer("mask", torch.ones(width, dtype=torch.bool))
        self.register_buffer("temporary", torch.zeros(2), persistent=False)
        self.width, self.note = width, "settings"
