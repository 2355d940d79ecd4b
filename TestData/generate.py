"""Makes every file under TestData with the real NumPy.

    python TestData/generate.py           writes the files
    python TestData/generate.py --check   makes them in a temporary folder and compares

The same NumPy and zlib give the same bytes. Needs NumPy 2 and ml_dtypes.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
from generation import demo, npy_handmade, npy_invalid, npy_valid, npz_invalid, npz_valid
from generation.files import Output

_ROOT = Path(__file__).resolve().parent
_MADE = ("npy", "npz", "golden", "demo")
_PRINTING = Path("golden/printing.json")  # made by printing.py
_GROUPS = (npy_invalid, npy_valid, npy_handmade, npz_valid, npz_invalid, demo)  # npy_invalid before anything imports ml_dtypes


def generate(root: Path) -> list[Path]:
    """Writes all files below ``root``; returns their paths relative to it."""
    output = Output(root)
    for group in _GROUPS:
        group.add(output)
    output.write_golden(
        {
            "numpy": np.__version__,
            "python": platform.python_version(),
            "zlib": zlib.ZLIB_RUNTIME_VERSION,
        }
    )
    return [path.relative_to(root) for path in output.written]


def differences(expected: Path, actual: Path) -> list[str]:
    """What differs between two generated trees, one line a file."""
    trees = [
        {p.relative_to(root) for part in _MADE for p in (root / part).rglob("*") if p.is_file()} - {_PRINTING}
        for root in (expected, actual)
    ]
    lines = [f"missing: {p}" for p in sorted(trees[0] - trees[1])] + [
        f"not made by generate.py: {p}" for p in sorted(trees[1] - trees[0])
    ]
    shared = sorted(trees[0] & trees[1])
    return lines + [f"differs: {p}" for p in shared if (expected / p).read_bytes() != (actual / p).read_bytes()]


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the files that are there; write nothing")
    arguments = parser.parse_args()
    if sys.byteorder != "little" or np.dtype("longdouble").itemsize != 16:
        print("generate.py must run on a little-endian machine with 80-bit long doubles (x86-64)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        made = generate(Path(folder))
        if arguments.check:
            lines = differences(Path(folder), _ROOT)
            print("\n".join(lines) or f"{len(made)} files are as made")
            return 1 if lines else 0
        for part in _MADE:
            shutil.rmtree(_ROOT / part, ignore_errors=True)
            shutil.copytree(Path(folder) / part, _ROOT / part)
    size = sum((_ROOT / path).stat().st_size for path in made)
    print(f"{len(made)} files, {size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
