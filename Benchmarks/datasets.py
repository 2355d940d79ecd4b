"""Measures batches of datasets against PyTorch's DataLoader, NumPy's memory map and memcpy.

    datasets.py BENCH [--rounds N] [--folder DIR]    a 1 GB npy of rows of 3,072 uint8, by turns
    datasets.py BENCH --stream [--gigabytes N]       a sparse npy of 20 GB: memory and order, three seeds

BENCH is the path of dataset-bench. Peers go over one epoch of 64 shuffled rows at a time, as float32.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

WIDTH, BATCH = 3072, 64
ROWS = [
    ("an epoch of 1 GB, 64 shuffled rows of 3,072 uint8 as float32", "DataLoader(TensorDataset)", 5.0, "torch", "shuffled"),
    ("the same", "np.load(mmap_mode='r')[rows].astype(np.float32)", 2.0, "numpy", "shuffled"),
    ("an epoch of 1 GB, 64 rows in order, as they are", "memcpy from the mapped file", 0.8, "memcpy", "sequential"),
]


def make(path: Path, rows: int) -> None:
    """Random bytes, so that nothing is sparse."""
    rng = np.random.default_rng(1)
    array = np.lib.format.open_memmap(path, "w+", np.uint8, (rows, WIDTH))
    for start in range(0, rows, 1 << 14):
        part = array[start:start + (1 << 14)]
        part[:] = rng.integers(0, 256, part.shape, np.uint8)
    array.flush()


def numpy_epoch(path: Path) -> float:
    """Fancy indexing of the mapped array."""
    array = np.load(path, mmap_mode="r")
    start = time.perf_counter()
    order = np.random.default_rng(7).permutation(len(array))
    for first in range(0, len(array), BATCH):
        batch = array[order[first:first + BATCH]].astype(np.float32)
    assert batch.dtype == np.float32
    return time.perf_counter() - start


def torch_epoch(path: Path, workers: int) -> float:
    """A DataLoader over the mapped array."""
    import warnings

    import torch

    warnings.simplefilter("ignore")  # that the mapped array is read-only
    dataset = torch.utils.data.TensorDataset(torch.from_numpy(np.load(path, mmap_mode="r")))
    loader = torch.utils.data.DataLoader(dataset, batch_size=BATCH, shuffle=True, num_workers=workers)
    start = time.perf_counter()
    for (batch,) in loader:
        batch = batch.to(torch.float32)
    assert batch.dtype == torch.float32
    return time.perf_counter() - start


def ours(bench: str, case: str, path: Path) -> list[float]:
    return json.loads(subprocess.run([bench, case, str(path), "3"], check=True, capture_output=True, text=True).stdout)[case]


def peer(*arguments: str) -> float:
    """A peer in a process of its own."""
    command = [sys.executable, __file__, "--peer", *arguments]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run(bench: str, folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds of an epoch, by turns."""
    path = folder / "rows.npy"
    if not path.exists():
        make(path, (1 << 30) // WIDTH)
    workers = {count: peer("torch", str(path), str(count)) for count in (0, 1, 2, 4)}
    best = min(workers, key=workers.get)
    print("DataLoader, seconds by workers:", {k: round(v, 2) for k, v in workers.items()}, flush=True)
    found: dict[str, list[float]] = {key: [] for key in ("torch", "numpy", "shuffled", "memcpy", "sequential")}
    for _ in range(rounds):
        found["torch"].append(peer("torch", str(path), str(best)))
        found["numpy"].append(peer("numpy", str(path)))
        for case in ("shuffled", "memcpy", "sequential"):
            found[case] += ours(bench, case, path)
    return found


def stream(bench: str, folder: Path, gigabytes: int) -> None:
    """A file larger than memory should be: the order of three seeds, and the most memory."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "Tests" / "Oracle"))
    from row_order import row_order

    path = folder / "sparse.npy"
    rows = gigabytes * 10**9 // WIDTH
    array = np.lib.format.open_memmap(path, "w+", np.uint8, (rows, WIDTH))
    marked = np.random.default_rng(3).choice(rows, 1000, replace=False)
    marks = np.random.default_rng(4).integers(1, 256, (1000, 4), np.uint8)
    for row, mark in zip(marked, marks):
        array[row, :4] = mark
    array.flush()
    del array
    total = sum(int(marks[i].sum()) * (int(marked[i]) + 1) for i in range(1000)) % 2**64
    print(f"{path.stat().st_size:,} bytes, {path.stat().st_blocks * 512:,} on the disk, {rows:,} rows", flush=True)
    for seed in (0, 7, 123456789):
        start = time.perf_counter()
        command = [bench, "stream", str(path), str(seed), str(folder / "rows.bin")]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        seconds = time.perf_counter() - start
        order = np.fromfile(folder / "rows.bin", np.int64)
        is_same = np.array_equal(order, row_order(rows, seed, 1))
        is_read = found["marked"] == 1000 and found["sum"] == total
        print(
            f"seed {seed}: {len(order):,} rows in {seconds:.1f} s; the order is Python's: {is_same}; marked rows "
            f"are right: {is_read}; at most {found['rss_anon_kib'] / 1024:.1f} MiB RssAnon", flush=True)
        assert is_same and is_read and found["rss_anon_kib"] <= 128 << 10


def main() -> None:
    if sys.argv[1:2] == ["--peer"]:
        path = Path(sys.argv[3])
        print(torch_epoch(path, int(sys.argv[4])) if sys.argv[2] == "torch" else numpy_epoch(path))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--gigabytes", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        if arguments.stream:
            return stream(arguments.bench, folder, arguments.gigabytes)
        found = run(arguments.bench, folder, arguments.rounds)
        median = {key: statistics.median(times) for key, times in found.items()}
        for key, value in median.items():
            print(f"{key}: {value:.3f} s, {(1 << 30) / value / 1e9:.2f} GB/s of the file")
        print(f"DataLoader / ours {median['torch'] / median['shuffled']:.2f}")
        print(f"NumPy / ours {median['numpy'] / median['shuffled']:.2f}")
        print(f"memcpy / ours, sequential {median['memcpy'] / median['sequential']:.2f}")


if __name__ == "__main__":
    main()
