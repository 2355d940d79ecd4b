"""Makes every file under TestData with the real NumPy and, where it is installed, the real PyTorch.

    python TestData/generate.py           writes the files
    python TestData/generate.py --check   makes them in a temporary folder and compares

The same NumPy, PyTorch and zlib give the same bytes. Needs NumPy 2 and ml_dtypes; without PyTorch its
files are left as they are, and ``--check`` passes over them, as it does when PyTorch is of another version.
The digits of ``Examples/Digits`` come from ``digits.py``, where Pillow and the fonts are those they were made with.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import shutil
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

import digits
import numpy as np
from generation import demo, npy_handmade, npy_invalid, npy_valid, npz_invalid, npz_valid, object_arrays, pickle_valid
from generation.files import Output

_ROOT = Path(__file__).resolve().parent
_MADE = ("npy", "npz", "objects", "pickle", "torch", "golden", "demo")
_PRINTING = Path("golden/printing.json")  # made by printing.py
_TORCH = Path("golden/torch.json")
_GROUPS = (  # npy_invalid before anything imports ml_dtypes
    npy_invalid,
    npy_valid,
    npy_handmade,
    npz_valid,
    npz_invalid,
    demo,
    object_arrays,
    pickle_valid,
)


def torch_group(*, same_version: bool) -> Any:
    """The group of PyTorch's files; nothing, and a line that says why, when they cannot be made here."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:  # the folder TestData/torch passes for a package without an origin
        print("PyTorch is not installed: TestData/torch is left as it is")
        return None
    import torch  # late, as it may not be there
    from generation import torch_valid

    made_with = json.loads((_ROOT / _TORCH).read_text())["made_with"] if (_ROOT / _TORCH).exists() else {}
    if same_version and made_with.get("torch") != torch.__version__:
        print(f"TestData/torch is not compared: made with PyTorch {made_with.get('torch')}, here is {torch.__version__}")
        return None
    return torch_valid


def generate(root: Path, torch_valid: Any) -> list[Path]:
    """Writes all files below ``root``; returns their paths relative to it."""
    output = Output(root)
    for group in _GROUPS:
        group.add(output)
    more = {}
    if torch_valid is not None:
        torch_valid.add(output)
        more = {"torch": {"torch": torch_valid.torch.__version__}}
    versions = {"numpy": np.__version__, "python": platform.python_version(), "zlib": zlib.ZLIB_RUNTIME_VERSION}
    output.write_golden(versions, more)
    return [path.relative_to(root) for path in output.written]


def _is_torch(path: Path) -> bool:
    return path == _TORCH or path.parts[0] == "torch"


def differences(expected: Path, actual: Path, *, with_torch: bool) -> list[str]:
    """What differs between two generated trees, one line a file."""
    trees = [
        {p.relative_to(root) for part in _MADE for p in (root / part).rglob("*") if p.is_file()} for root in (expected, actual)
    ]
    trees = [{p for p in tree - {_PRINTING} if with_torch or not _is_torch(p)} for tree in trees]
    lines = [f"missing: {p}" for p in sorted(trees[0] - trees[1])] + [
        f"not made by generate.py: {p}" for p in sorted(trees[1] - trees[0])
    ]
    shared = sorted(trees[0] & trees[1])
    return lines + [f"differs: {p}" for p in shared if (expected / p).read_bytes() != (actual / p).read_bytes()]


def _replace(made: Path, *, with_torch: bool) -> None:
    """Puts the made files in the place of those that are there; what was not made again stays."""
    for part in _MADE:
        if part == "golden":  # printing.json lies there too
            shutil.copytree(made / part, _ROOT / part, dirs_exist_ok=True)
        elif part != "torch" or with_torch:
            shutil.rmtree(_ROOT / part, ignore_errors=True)
            shutil.copytree(made / part, _ROOT / part)


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the files that are there; write nothing")
    arguments = parser.parse_args()
    if sys.byteorder != "little" or np.dtype("longdouble").itemsize != 16:
        print("generate.py must run on a little-endian machine with 80-bit long doubles (x86-64)", file=sys.stderr)
        return 2
    torch_valid = torch_group(same_version=arguments.check)
    with tempfile.TemporaryDirectory() as folder:
        made = generate(Path(folder), torch_valid)
        if arguments.check:
            lines = differences(Path(folder), _ROOT, with_torch=torch_valid is not None)
            print("\n".join(lines) or f"{len(made)} files are as made")
            return max(digits.check(), 1 if lines else 0)
        _replace(Path(folder), with_torch=torch_valid is not None)
    size = sum((_ROOT / path).stat().st_size for path in made)
    print(f"{len(made)} files, {size} bytes")
    return digits.write()


if __name__ == "__main__":
    sys.exit(main())
