"""Runs NumPy and tensorio by turns on the same files and writes their ratios to RESULTS.md.

    compare.py --bench PATH --command PATH [--rounds N] [--folder DIR]

A round runs each side once in a process of its own, which times the case several times after one
untimed run; the figure is the median of all times of all rounds. A ratio above 1 means that tensorio
is faster.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
GOALS = {
    "open_mapped_npy": ("open an npy mapped", "np.load(mmap_mode='r')", 2.0),
    "load_npy_128mb": ("load a 128 MB npy into memory", "np.load", 1.2),
    "save_npy_128mb": ("save a 128 MB npy", "np.save", 1.0),
    "npz_stored_open_touch": ("open a stored 128 MB npz, touch one page", "np.load", 20.0),
    "npz_stored_load": ("load a stored 128 MB npz, CRC checked", "np.load", 2.0),
    "npz_deflated_one": ("load a deflated npz, one member of 128 MB", "np.load", 2.0),
    "npz_deflated_two": ("load a deflated npz, two members of 64 MB", "np.load", 3.0),
    "savez": ("save a 128 MB npz, stored", "np.savez", 3.0),
    "savez_compressed": ("save a 64 MB array, deflated (level 6)", "np.savez_compressed", 3.0),
}
TORCH_GOALS = {
    "torch-open-10000": ("open a .pt of 10,000 tensors", "torch.load", 15.0),
    "torch-open-mapped": ("open a .pt of 64 x 4 MB mapped", "torch.load(mmap=True)", 5.0),
    "torch-load-256MB": ("load a .pt of 256 MB into memory", "torch.load", 2.0),
    "torch-save-256MB": ("save a .pt of 256 MB", "torch.save", 2.0),
    "safetensors-open-10000": ("open a safetensors of 10,000 tensors, all dtypes and shapes", "safe_open", 1.0),
    "safetensors-load-256MB": ("load a safetensors of 256 MB into memory", "load_file, clone", 1.0),
    "safetensors-save-256MB": ("save a safetensors of 256 MB", "save_file", 1.0),
    "torch-diff-equal": ("compare two equal .pt of 256 MB", "torch.load, np.allclose", 2.0),
    "torch-diff-close": ("compare two close .pt of 256 MB", "torch.load, np.allclose", 2.0),
}
CONVERSIONS = {
    **{
        f"convert-{source}-{target}": (f"convert 128 MB, {source} to {target}", f".to(torch.{target})")
        for source, target in [
            ("float32", "float16"), ("float32", "bfloat16"), ("float32", "float8_e4m3fn"), ("float16", "float32"),
            ("bfloat16", "float32"), ("float64", "float32"), ("float32", "float64"), ("int64", "int32"),
            ("float32", "int8"), ("uint8", "float32"),
        ]
    },
    "convert-swap-float64": ("convert 128 MB, big-endian to little-endian float64", "ndarray.byteswap()"),
    "convert-transposed-float32": ("make 128 MB of transposed float32 contiguous", ".t().contiguous()"),
}
SIZES = {"float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "bfloat16": 2}
SLOW = {"savez_compressed": 1, "npz_deflated_one": 3, "npz_deflated_two": 3}


@dataclass
class Times:
    """The seconds of both sides, and the sizes of what they wrote."""

    numpy: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    numpy_bytes: int | None = None
    our_bytes: int | None = None

    @property
    def ratio(self) -> float:
        return statistics.median(self.numpy) / statistics.median(self.ours)


def _json(command: list[str]) -> dict:
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(case: str, folder: Path, bench: str, rounds: int) -> Times:
    """Both sides of a case, by turns."""
    peer = "torch_bench.py" if case in TORCH_GOALS or case.startswith("convert-") else "numpy_bench.py"
    times = Times()
    repeat = str(SLOW.get(case, 5))
    for _ in range(rounds):
        theirs = _json([sys.executable, str(HERE / peer), "run", case, str(folder), "--repeat", repeat])
        ours = _json([bench, case, str(folder), repeat])
        times.numpy.append(theirs[case])
        times.ours += ours[case]
        times.numpy_bytes = theirs.get(f"{case}_bytes")
        times.our_bytes = ours.get(f"{case}_bytes")
    return times


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure_ls(folder: Path, command: str, rounds: int) -> Times:
    """Whole processes: the command against Python importing NumPy and listing the same archive."""
    path = folder / "deflated-two.npz"
    script = f"import numpy as np; z = np.lib.npyio.NpzFile({str(path)!r}); print(z.files)"
    times = Times()
    for _ in range(4 * rounds):
        times.numpy.append(_seconds([sys.executable, "-c", script]))
        times.ours.append(_seconds([command, "ls", str(path)]))
    return times


def measure_torch_ls(folder: Path, command: str, rounds: int) -> Times:
    """Whole processes: the command against Python importing PyTorch and listing the same archive."""
    path = folder / "large.pt"
    script = f"import torch\nfor k, t in torch.load({str(path)!r}).items(): print(k, t.dtype, tuple(t.shape))"
    times = Times()
    for _ in range(rounds):
        times.numpy.append(_seconds([sys.executable, "-c", script]))
        times.ours += [_seconds([command, "ls", str(path)]) for _ in range(4)]
    return times


def make_gigabyte(folder: Path, name: str) -> Path:
    """An archive of 16 arrays of 64 MB, as NumPy or PyTorch writes it."""
    path = folder / name
    if not path.exists():
        sys.path.insert(0, str(HERE))
        from numpy_bench import walk

        arrays = {f"part{i}": walk(1 << 24, 30 + i).astype(np.float32) for i in range(16)}
        if path.suffix == ".npz":
            np.savez(path, **arrays)
        else:
            import torch

            torch.save({key: torch.from_numpy(array) for key, array in arrays.items()}, path)
    return path


def measure_validate(folder: Path, name: str, command: str, rounds: int) -> Times:
    """Whole processes that compare every member of an archive of 1 GB with its checksum."""
    path = make_gigabyte(folder, name)
    times = Times()
    for _ in range(rounds):
        times.numpy.append(_seconds([sys.executable, "-m", "zipfile", "-t", str(path)]))
        times.ours += [_seconds([command, "validate", str(path)]) for _ in range(3)]
    return times


def moved(case: str) -> int:
    """The bytes that a conversion reads and writes."""
    source, _, target = case.removeprefix("convert-").partition("-")
    if source in ("swap", "transposed", "copy"):
        return 2 << 27
    return (1 << 27) + (1 << 27) // SIZES.get(source, 1) * SIZES.get(target, 1)


def _text(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def _row(name: str, peer: str, goal: float, times: Times) -> str:
    met = "yes" if times.ratio >= goal else "**no**"
    theirs, ours = _text(statistics.median(times.numpy)), _text(statistics.median(times.ours))
    return f"| {name} | `{peer}` | {theirs} | {ours} | **{times.ratio:.2f}x** | {goal:g}x | {met} |"


def report(
    results: list[tuple[str, str, float, Times]], rounds: int, torch_version: str | None, speeds: list[str]
) -> str:
    """The page."""
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "?")
    lines = [
        "# Measured",
        "",
        f"`script/bench {rounds}` on {time.strftime('%Y-%m-%d')}: {cpu}, {len(os.sched_getaffinity(0))} cores,",
        f"Linux {platform.release()}, NumPy {np.__version__}, PyTorch {torch_version}, Python {platform.python_version()}. Medians; both sides by turns in one",
        "run, files in the page cache, nothing synced to the disk. The data are float32 random walks in steps of 1/64.",
        "",
        "| what | peer | peer | tensorio | peer / tensorio | goal | met |",
        "|---|---|---|---|---|---|---|",
        *(_row(*result) for result in results),
        "",
        *speeds,
    ]
    for name, _, _, times in results:
        if times.numpy_bytes and times.our_bytes:
            share = times.our_bytes / times.numpy_bytes
            lines.append(f"- {name}: {times.our_bytes:,} bytes, {share:.3f} of NumPy's {times.numpy_bytes:,}.")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--command", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        subprocess.run([sys.executable, str(HERE / "numpy_bench.py"), "prepare", str(folder)], check=True, stdout=subprocess.DEVNULL)
        results = []
        for case, (name, peer, goal) in GOALS.items():
            results.append((name, peer, goal, measure(case, folder, arguments.bench, arguments.rounds)))
            print(_row(*results[-1]), flush=True)
        ls = measure_ls(folder, arguments.command, arguments.rounds)
        results.append(("list an npz, whole process", "python -c 'import numpy; …'", 10.0, ls))
        print(_row(*results[-1]), flush=True)
        torch_version = None
        speeds: list[str] = []
        try:
            import torch

            torch_version = torch.__version__
        except ImportError:
            print("PyTorch is not installed (script/bootstrap --with-torch); its cases are left out")
        if torch_version:
            subprocess.run([sys.executable, str(HERE / "torch_bench.py"), "make", str(folder)], check=True, stdout=subprocess.DEVNULL)
            for case, (name, peer, goal) in TORCH_GOALS.items():
                results.append((name, peer, goal, measure(case, folder, arguments.bench, arguments.rounds)))
                print(_row(*results[-1]), flush=True)
            copy = measure("convert-copy", folder, arguments.bench, arguments.rounds)
            best = moved("convert-copy") / statistics.median(copy.ours)
            speeds = [
                "Conversions as a share of memcpy to new memory on all cores "
                f"({best / 1e9:.1f} GB/s read and written; torch's clone {moved('convert-copy') / statistics.median(copy.numpy) / 1e9:.1f}):",
                "",
            ]
            for case, (name, peer) in CONVERSIONS.items():
                times = measure(case, folder, arguments.bench, arguments.rounds)
                results.append((name, peer, 1.5, times))
                speed = moved(case) / statistics.median(times.ours)
                speeds.append(f"- {name}: {speed / 1e9:.1f} GB/s, {speed / best:.2f} of it")
                print(_row(*results[-1]), speeds[-1], flush=True)
            speeds.append("")
            ls = measure_torch_ls(folder, arguments.command, arguments.rounds)
            results.append(("list a .pt of 256 MB, whole process", "python -c 'import torch; torch.load(…)'", 30.0, ls))
            print(_row(*results[-1]), flush=True)
            sys.path.insert(0, str(HERE))
            import checkpoint

            found = checkpoint.run(arguments.command, folder, max(1, arguments.rounds // 2))
            whole = "convert a 4 GB .pt to sharded safetensors, float32 to bfloat16"
            for name, peer, goal in ((whole, "torch.load(mmap=True), .to, save_file", 1.5), ("the same", "cp", 0.7)):
                times = Times(found["cp" if peer == "cp" else "python"], found["tensorio"])
                results.append((name, peer, goal, times))
                print(_row(*results[-1]), flush=True)
            speeds.append(f"- converting 4 GB: at most {max(found['memory']):.1f} MB of memory of its own (RssAnon)")
            import datasets

            found = datasets.run(str(Path(arguments.bench).with_name("dataset-bench")), folder, arguments.rounds)
            for name, peer, goal, key, own in datasets.ROWS:
                results.append((name, peer, goal, Times(found[key], found[own])))
                print(_row(*results[-1]), flush=True)
        validated = ["big.npz"] + (["big.pt"] if torch_version else [])
        for name in validated:
            times = measure_validate(folder, name, arguments.command, arguments.rounds)
            results.append((f"validate a 1 GB {Path(name).suffix[1:]}, CRC included", "python -m zipfile -t", 5.0, times))
            size = (folder / name).stat().st_size
            speeds.append(f"- validating a 1 GB {Path(name).suffix[1:]}: {size / statistics.median(times.ours) / 1e9:.1f} GB/s")
            print(_row(*results[-1]), speeds[-1], flush=True)
    (HERE / "RESULTS.md").write_text(report(results, arguments.rounds, torch_version, speeds))


if __name__ == "__main__":
    main()
