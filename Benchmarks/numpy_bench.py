"""Times NumPy for named cases, in one process each, so that a driver may interleave them with runs of tensorio.

    numpy_bench.py list                          the names of the cases
    numpy_bench.py prepare DIR                   makes the files that the cases read (about 400 MB)
    numpy_bench.py run CASE DIR [--repeat N]     {"CASE": median seconds, ...}
    numpy_bench.py all DIR [--repeat N]          all cases, one object

The data are float32 random walks rounded to 1/64. One untimed run comes before the timed ones, so that reads come from the page
cache and writes truncate and replace an existing file, as ``np.save`` does; what is written is not synced to the disk.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_FULL = 128 * 1024 * 1024 // 4
_OPENS = 1000
_PLAIN, _STORED, _ONE, _TWO = "walk.npy", "stored.npz", "deflated-one.npz", "deflated-two.npz"
_OUTPUT_NPY, _OUTPUT_NPZ = "out-numpy.npy", "out-numpy.npz"


@dataclass
class Case:
    """What is timed, after an untimed preparation; ``divisor`` is how often it does its work in one run."""

    prepare: Callable[[Path], Any]
    run: Callable[[Path, Any], Any]
    divisor: int = 1
    output: str | None = None


def walk(count: int, seed: int) -> np.ndarray:
    """A random walk in steps of 1/64: floats of many exponents whose last bits are zero, as measured data have them."""
    steps = np.random.default_rng(seed).integers(-64, 65, count, np.int32)
    return (np.cumsum(steps) / 64).astype(np.float32)


def prepare(folder: Path) -> None:
    """Makes the input files; those that are there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    half, quarter = _FULL // 2, _FULL // 4
    makers: dict[str, Callable[[Path], None]] = {
        _PLAIN: lambda path: np.save(path, walk(_FULL, 1)),
        _STORED: lambda path: np.savez(path, **{f"m{i}": walk(quarter, 10 + i) for i in range(4)}),
        _ONE: lambda path: np.savez_compressed(path, a=walk(_FULL, 1)),
        _TWO: lambda path: np.savez_compressed(path, a=walk(half, 2), b=walk(half, 3)),
    }
    for name, make in makers.items():
        path = folder / name
        if not path.exists():
            partial = path.with_name("partial-" + name)
            make(partial)
            partial.rename(path)


def _nothing(folder: Path) -> None:
    """The preparation of a case that only reads files."""


def _open_mapped(folder: Path, _: Any) -> None:
    path = folder / _PLAIN
    for _ in range(_OPENS):
        np.load(path, mmap_mode="r")


def _load(folder: Path, _: Any) -> np.ndarray:
    return np.load(folder / _PLAIN)


def _save(folder: Path, array: np.ndarray) -> None:
    np.save(folder / _OUTPUT_NPY, array)


def _open_touch(folder: Path, _: Any) -> float:
    with np.load(folder / _STORED) as arrays:
        return float(arrays["m2"][12_345])


def _load_members(name: str) -> Callable[[Path, Any], list[np.ndarray]]:
    """What reads all members of an archive."""

    def load(folder: Path, _: Any) -> list[np.ndarray]:
        with np.load(folder / name) as arrays:
            return [arrays[key] for key in arrays.files]

    return load


def _savez(folder: Path, array: np.ndarray) -> None:
    np.savez(folder / _OUTPUT_NPZ, a=array)


def _savez_compressed(folder: Path, array: np.ndarray) -> None:
    np.savez_compressed(folder / _OUTPUT_NPZ, a=array)


def _walk_of(count: int, seed: int) -> Callable[[Path], np.ndarray]:
    """A preparation that makes an array in memory."""
    return lambda folder: walk(count, seed)


CASES: dict[str, Case] = {
    "open_mapped_npy": Case(_nothing, _open_mapped, divisor=_OPENS),
    "load_npy_128mb": Case(_nothing, _load),
    "save_npy_128mb": Case(_walk_of(_FULL, 1), _save, output=_OUTPUT_NPY),
    "npz_stored_open_touch": Case(_nothing, _open_touch),
    "npz_stored_load": Case(_nothing, _load_members(_STORED)),
    "npz_deflated_one": Case(_nothing, _load_members(_ONE)),
    "npz_deflated_two": Case(_nothing, _load_members(_TWO)),
    "savez": Case(_walk_of(_FULL, 1), _savez, output=_OUTPUT_NPZ),
    "savez_compressed": Case(_walk_of(_FULL // 2, 2), _savez_compressed, output=_OUTPUT_NPZ),
}


def measure(name: str, case: Case, folder: Path, repeat: int) -> dict[str, float | int]:
    """The median time of a case and, when it writes a file, that file's size under ``CASE_bytes``."""
    prepared = case.prepare(folder)
    case.run(folder, prepared)
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        result = case.run(folder, prepared)
        times.append(time.perf_counter() - start)
        del result
    measured: dict[str, float | int] = {name: statistics.median(times) / case.divisor}
    if case.output is not None:
        path = folder / case.output
        measured[f"{name}_bytes"] = path.stat().st_size
        path.unlink()
    return measured


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list")
    commands.add_parser("prepare").add_argument("folder", type=Path)
    for name in ("run", "all"):
        command = commands.add_parser(name)
        if name == "run":
            command.add_argument("case", choices=CASES)
        command.add_argument("folder", type=Path)
        command.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.command == "list":
        print(json.dumps(list(CASES)))
        return 0
    prepare(arguments.folder)
    result: dict[str, float | int] = {}
    if arguments.command != "prepare":
        for name in [arguments.case] if arguments.command == "run" else CASES:
            result |= measure(name, CASES[name], arguments.folder, arguments.repeat)
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
