"""Times PyTorch for named cases, in one process each, so that a driver may interleave them with runs of tensorio.

    torch_bench.py list                          the names of the cases
    torch_bench.py make DIR                      makes the files that the cases read (about 800 MB)
    torch_bench.py run CASE DIR [--repeat N]     {"CASE": median seconds, ...}
    torch_bench.py all DIR [--repeat N]          all cases, one object

    torch-open-10000     torch.load of many.pt: 10,000 tensors of 64 float32 in one dictionary
    torch-open-mapped    torch.load(mmap=True) of large.pt: 64 tensors of 4 MB, no element read
    torch-load-256MB     torch.load of large.pt
    torch-save-256MB     torch.save of the same tensors to out-torch.pt
    safetensors-open-10000  safe_open of many.safetensors, with dtype and shape of every key
    safetensors-load-256MB  load_file of large.safetensors, and a copy of every tensor, as a mapped one is no load
    safetensors-save-256MB  save_file of the same tensors to out-torch.safetensors
    torch-diff-equal     torch.load of large.pt and a copy of it, and numpy.allclose of each pair of tensors
    torch-diff-close     the same with large-close.pt, in which every number is a bit other
    convert-A-B          tensor.to(B) of 128 MB of A in memory; convert-swap-float64 is NumPy's byteswap,
                         convert-transposed-float32 tensor.t().contiguous(), convert-copy tensor.clone()
    torch-ls-process     a whole process that prints name, dtype and shape of every tensor of large.pt, mapped

The data are those of numpy_bench.py. As there, one untimed run comes before the timed ones, reads come from the page cache, writes
truncate and replace an existing file, and what is written is not synced to the disk.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy_bench import Case, measure, walk

_MANY, _LARGE, _OUTPUT = "many.pt", "large.pt", "out-torch.pt"
_MANY_ST, _LARGE_ST, _OUTPUT_ST = "many.safetensors", "large.safetensors", "out-torch.safetensors"
_SAME, _CLOSE = "large-same.pt", "large-close.pt"
_MANY_COUNT, _MANY_SIZE = 10_000, 64
_LARGE_COUNT, _LARGE_SIZE = 64, 1024 * 1024
_OPENS = 20
_LIST = "import torch, sys\nfor name, t in torch.load(sys.argv[1], mmap=True).items(): print(name, t.dtype, tuple(t.shape))"


def _many() -> dict[str, torch.Tensor]:
    """Tensors with a storage each, named as those of a model."""
    rows = torch.from_numpy(walk(_MANY_COUNT * _MANY_SIZE, 20)).reshape(_MANY_COUNT, _MANY_SIZE)
    return {f"model.layers.{i // 10}.part{i % 10}.weight": row.clone() for i, row in enumerate(rows)}


def _large() -> dict[str, torch.Tensor]:
    """Tensors of 1024 x 1024."""
    rows = torch.from_numpy(walk(_LARGE_COUNT * _LARGE_SIZE, 21)).reshape(_LARGE_COUNT, 1024, 1024)
    return {f"layer.{i}.weight": row.clone() for i, row in enumerate(rows)}


def _close() -> dict[str, torch.Tensor]:
    """The same, each number larger by a millionth."""
    return {name: tensor * (1 + 1e-6) for name, tensor in _large().items()}


def make(folder: Path) -> None:
    """Makes the input files; those that are there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    roots = ((_MANY, _many), (_LARGE, _large), (_SAME, _large), (_CLOSE, _close), (_MANY_ST, _many), (_LARGE_ST, _large))
    for name, root in roots:
        path = folder / name
        if not path.exists():
            partial = path.with_name("partial-" + name)
            (safetensors.torch.save_file if path.suffix == ".safetensors" else torch.save)(root(), partial)
            partial.rename(path)


def _nothing(folder: Path) -> None:
    """The preparation of a case that only reads files."""


def _load(name: str) -> Callable[[Path, Any], dict[str, torch.Tensor]]:
    """What loads a file into memory."""
    return lambda folder, _: torch.load(folder / name)


def _open_mapped(folder: Path, _: Any) -> None:
    for _ in range(_OPENS):
        torch.load(folder / _LARGE, mmap=True)


def _list_safetensors(folder: Path, _: Any) -> None:
    with safetensors.safe_open(folder / _MANY_ST, framework="pt") as file:
        listed = [(key, part.get_dtype(), part.get_shape()) for key in file.keys() for part in [file.get_slice(key)]]
    assert len(listed) == _MANY_COUNT


def _load_safetensors(folder: Path, _: Any) -> dict[str, torch.Tensor]:
    return {key: tensor.clone() for key, tensor in safetensors.torch.load_file(folder / _LARGE_ST).items()}


def _save_safetensors(folder: Path, root: dict[str, torch.Tensor]) -> None:
    safetensors.torch.save_file(root, folder / _OUTPUT_ST)


def _save(folder: Path, root: dict[str, torch.Tensor]) -> None:
    torch.save(root, folder / _OUTPUT)


def _compare(name: str) -> Callable[[Path, Any], None]:
    """What loads large.pt and another file and compares their tensors."""

    def compare(folder: Path, _: Any) -> None:
        left, right = torch.load(folder / _LARGE), torch.load(folder / name)
        assert left.keys() == right.keys()
        assert all(np.allclose(left[key].numpy(), right[key].numpy()) for key in left)

    return compare


def _list_in_process(folder: Path, _: Any) -> None:
    subprocess.run([sys.executable, "-c", _LIST, str(folder / _LARGE)], check=True, stdout=subprocess.DEVNULL)


CONVERSIONS = [
    ("float32", "float16"), ("float32", "bfloat16"), ("float32", "float8_e4m3fn"), ("float16", "float32"),
    ("bfloat16", "float32"), ("float64", "float32"), ("float32", "float64"), ("int64", "int32"),
    ("float32", "int8"), ("uint8", "float32"),
]


def _numbers(name: str) -> torch.Tensor:
    """128 MB of small numbers, integers in dtypes of integers: Conversions.swift makes the same."""
    dtype = getattr(torch, name)
    whole = (torch.arange((128 << 20) // dtype.itemsize) * 7919 % 101).to(torch.float32)
    return (whole - 50.25 if dtype.is_floating_point else whole).to(dtype)


def _conversion(source: str, target: str) -> Case:
    return Case(lambda _: _numbers(source), lambda _, x: x.to(getattr(torch, target)))


def _square(_: Path) -> torch.Tensor:
    side = 5792
    return _numbers("float32")[: side * side].reshape(side, side)


CASES: dict[str, Case] = {
    **{f"convert-{source}-{target}": _conversion(source, target) for source, target in CONVERSIONS},
    "convert-swap-float64": Case(lambda _: _numbers("float64").numpy(), lambda _, x: x.byteswap()),
    "convert-transposed-float32": Case(_square, lambda _, x: x.t().contiguous()),
    "convert-copy": Case(lambda _: _numbers("float32"), lambda _, x: x.clone()),
    "torch-open-10000": Case(_nothing, _load(_MANY)),
    "torch-open-mapped": Case(_nothing, _open_mapped, divisor=_OPENS),
    "torch-load-256MB": Case(_nothing, _load(_LARGE)),
    "torch-save-256MB": Case(lambda folder: torch.load(folder / _LARGE), _save, output=_OUTPUT),
    "safetensors-open-10000": Case(_nothing, _list_safetensors),
    "safetensors-load-256MB": Case(_nothing, _load_safetensors),
    "safetensors-save-256MB": Case(lambda folder: torch.load(folder / _LARGE), _save_safetensors, output=_OUTPUT_ST),
    "torch-diff-equal": Case(_nothing, _compare(_SAME)),
    "torch-diff-close": Case(_nothing, _compare(_CLOSE)),
    "torch-ls-process": Case(_nothing, _list_in_process),
}


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list")
    commands.add_parser("make").add_argument("folder", type=Path)
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
    make(arguments.folder)
    result: dict[str, float | int] = {}
    if arguments.command != "make":
        for name in [arguments.case] if arguments.command == "run" else CASES:
            result |= measure(name, CASES[name], arguments.folder, arguments.repeat)
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
