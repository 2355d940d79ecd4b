"""Seeded arrays of any dtype, every byte of which is determined (padding included)."""

from __future__ import annotations

import math

import numpy as np


def array(rng: np.random.Generator, dtype: np.dtype | str | list, shape: tuple[int, ...], order: str = "C") -> np.ndarray:
    """An array of believable random values; bytes between and behind values are zero."""
    dtype = np.dtype(dtype)
    count = math.prod(shape)
    if dtype.itemsize == 0:
        return np.ndarray(shape, dtype)  # in C order: NumPy gives such an array back with both orders
    buffer = bytearray(_elements(rng, dtype, count).tobytes())
    made = np.frombuffer(buffer, dtype, count) if count else np.ndarray(shape, dtype)
    return np.asarray(_with_order(made.reshape(shape), order))


def _with_order(made: np.ndarray, order: str) -> np.ndarray:
    """The same values laid out in ``order``; a raw byte copy, so that padding is kept."""
    if order == "C" or made.size == 0:
        return made
    reverse = np.arange(made.size).reshape(made.shape).T.reshape(-1)
    raw = np.frombuffer(made.tobytes(), np.uint8).reshape(made.size, made.itemsize)
    stored = bytearray(raw[reverse].tobytes())
    return np.frombuffer(stored, made.dtype).reshape(made.shape[::-1]).T


def _elements(rng: np.random.Generator, dtype: np.dtype, count: int) -> np.ndarray:
    """``count`` elements as rows of bytes."""
    if dtype.itemsize == 0:
        return np.zeros((count, 0), np.uint8)
    if dtype.subdtype is not None:
        element, shape = dtype.subdtype
        return _elements(rng, element, count * math.prod(shape)).reshape(count, dtype.itemsize)
    if dtype.names is not None:
        rows = np.zeros((count, dtype.itemsize), np.uint8)
        for name in dtype.names:
            field, offset = dtype.fields[name][:2]
            rows[:, offset : offset + field.itemsize] = _elements(rng, field, count)
        return rows
    values = _values(rng, dtype, count)
    rows = values.view(np.uint8).reshape(count, dtype.itemsize)
    if dtype.kind in "fc" and dtype.itemsize in (16, 32) and dtype.newbyteorder("=") in (np.longdouble, np.clongdouble):
        rows = _without_x87_padding(rows, dtype)
    return rows


def _without_x87_padding(rows: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """80-bit numbers with the six bytes behind each one zeroed (they are what memory happened to hold)."""
    numbers = rows.copy().reshape(-1, 16)
    padding = slice(0, 6) if dtype.str[0] == ">" else slice(10, 16)
    numbers[:, padding] = 0
    return numbers.reshape(rows.shape)


def _values(rng: np.random.Generator, dtype: np.dtype, count: int) -> np.ndarray:
    """``count`` values of a plain dtype in one dimension."""
    match dtype.kind:
        case "b":
            return rng.integers(0, 2, count).astype(dtype)
        case "i" | "u":
            limits = np.iinfo(dtype)
            native = dtype.newbyteorder("=")
            return rng.integers(limits.min, limits.max, count, native, endpoint=True).astype(dtype)
        case "f":
            return (rng.standard_normal(count) * 8).astype(dtype)
        case "c":
            return (rng.standard_normal(count) + 1j * rng.standard_normal(count)).astype(dtype)
        case "M" | "m":
            counts = rng.integers(-(1 << 40), 1 << 40, count)
            counts[counts % 17 == 0] = np.iinfo(np.int64).min  # NaT
            return counts.astype(dtype.str[0] + "i8").view(dtype)
        case "S" | "U":
            return np.array([_word(rng, dtype) for _ in range(count)], dtype)
    return np.frombuffer(rng.bytes(count * dtype.itemsize), np.uint8).view(dtype)


def _word(rng: np.random.Generator, dtype: np.dtype) -> bytes | str:
    """A word that fits; some are shorter than the dtype, some of ``U`` are outside the BMP."""
    room = dtype.itemsize // (4 if dtype.kind == "U" else 1)
    length = int(rng.integers(0, room + 1))
    if dtype.kind == "S":
        return bytes(rng.integers(1, 256, length).astype(np.uint8))
    return "".join(chr(rng.choice([0x61, 0xE9, 0x65E5, 0x1F600]) + int(rng.integers(0, 16))) for _ in range(length))
