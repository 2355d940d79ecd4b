"""What NumPy and PyTorch say of random pairs of arrays.

    differences.py FOLDER COUNT SEED [--torch]

Writes FOLDER/N-left.npy and FOLDER/N-right.npy and prints one JSON object a line: what
numpy.isclose answers for the tolerances, in double precision where that is exact, and the errors
that NumPy's own arithmetic finds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

DTYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "uint8", "uint16", "uint32", "bool",
          "complex64", "complex128"]
SPECIALS = [np.nan, np.inf, -np.inf, 0.0, -0.0]


def _array(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.startswith("complex"):
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    if dtype.startswith("float"):
        return (rng.standard_normal(shape) * 10.0 ** rng.integers(-3, 4)).astype(dtype)
    return rng.integers(0, 100, shape).astype(dtype)


def _changed(rng: np.random.Generator, array: np.ndarray, dtype: str) -> np.ndarray:
    """The array with some elements a bit other, in another dtype."""
    with np.errstate(all="ignore"):
        other = array.astype(dtype)
        mask = rng.random(array.shape) < rng.choice([0, 0.01, 0.5, 1])
        if other.dtype.kind in "fc":
            factor = 1 + rng.choice([1e-8, 1e-5, 1e-3, 1e-1]) * rng.standard_normal(array.shape)
            other = np.where(mask, other * factor, other).astype(dtype)
        elif other.dtype.kind in "iu":
            other = np.where(mask, other + 1, other).astype(dtype)
        elif other.dtype.kind == "b":
            other = other ^ mask
    return other


def _special(rng: np.random.Generator, array: np.ndarray) -> None:
    if array.dtype.kind in "fc" and array.size:
        for place in rng.integers(0, array.size, 3):
            array.flat[place] = rng.choice(SPECIALS)


def _wide(array: np.ndarray) -> np.ndarray:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _case(rng: np.random.Generator, with_torch: bool) -> tuple[np.ndarray, np.ndarray, dict]:
    shape = tuple(int(n) for n in rng.integers(0, 40, rng.integers(0, 4)))
    left = _array(rng, str(rng.choice(DTYPES)), shape)
    same = left.dtype.name if rng.random() < 0.6 else str(rng.choice(DTYPES))
    right = _changed(rng, left.real if left.dtype.kind == "c" and "complex" not in same else left, same)
    if rng.random() < 0.3:
        _special(rng, left)
        _special(rng, right)
    rtol, atol = float(rng.choice([0, 1e-6, 1e-3])), float(rng.choice([0, 1e-8, 1e-2]))
    x, y = _wide(left), _wide(right)
    with np.errstate(all="ignore"):
        # Elements with the same bits are the same to us, NaN too.
        close = np.isclose(x, y, rtol=rtol, atol=atol)
        if left.dtype == right.dtype:
            bits = [np.ascontiguousarray(a).reshape(-1).view(np.uint8).reshape(a.size, a.itemsize) for a in (left, right)]
            same_bits = (bits[0] == bits[1]).all(axis=1).reshape(shape) if left.size else np.ones(shape, bool)
        else:
            nan = [(np.isnan(a.real), np.isnan(a.imag)) for a in (x, y)]
            same_bits = np.isnan(x.real) & np.isnan(y.real) if left.dtype.kind != "c" and right.dtype.kind != "c" else (
                ((x.real == y.real) | (nan[0][0] & nan[1][0])) & ((x.imag == y.imag) | (nan[0][1] & nan[1][1])))
        close = close | same_bits
        finite = np.isfinite(x) & np.isfinite(y)
        error = np.abs(x - y)[finite]
    facts = {
        "rtol": rtol, "atol": atol, "shape": list(shape), "mismatched": int((~close).sum()),
        "first": int(np.flatnonzero(~close)[0]) if (~close).any() else None,
        "max_abs": float(error.max()) if error.size else None,
        "mean_abs": float(error.mean()) if error.size else None,
        "l2": float(np.linalg.norm((x - y)[finite])) if error.size else None,
        "norm": float(np.linalg.norm(y[finite])) if error.size else None,
        "allclose": bool(np.allclose(x, y, rtol=rtol, atol=atol)),
        "has_nan": bool(np.isnan(x).any() and np.isnan(y).any()),
        "standard": None,
    }
    if with_torch:
        facts["standard"] = _torch(left, right)
    return left, right, facts


def _torch(left: np.ndarray, right: np.ndarray) -> bool | None:
    """Whether torch.testing.assert_close passes with its default tolerances, NaN equal to NaN."""
    import torch

    try:
        a, b = torch.from_numpy(left.copy()), torch.from_numpy(right.copy())
        # torch rounds errors to the dtype: what lies at the edge of the tolerance is left out.
        rtol, atol = torch.testing._comparison.default_tolerances(a, b)
        x, y = _wide(left), _wide(right)
        with np.errstate(all="ignore"):
            share = np.abs(x - y) / (atol + rtol * np.abs(y))
        if ((share > 0.97) & (share < 1.03)).any():
            return None
        torch.testing.assert_close(a, b, equal_nan=True)
        return True
    except AssertionError:
        return False
    except (TypeError, NotImplementedError, RuntimeError):
        return None


def main() -> None:
    """Runs the command line."""
    folder, count, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rng = np.random.default_rng(seed)
    for number in range(count):
        left, right, facts = _case(rng, "--torch" in sys.argv)
        if left.ndim and rng.random() < 0.3:
            left = np.asfortranarray(left)
        if rng.random() < 0.3:
            right = right.astype(right.dtype.newbyteorder(">"))
        np.save(folder / f"{number}-left.npy", left)
        np.save(folder / f"{number}-right.npy", right)
        print(json.dumps(facts))


if __name__ == "__main__":
    main()
