"""Converts a .pt of 4 GB to sharded safetensors, float32 to bfloat16: tensorio, Python with PyTorch, and cp by turns.

    checkpoint.py COMMAND [--folder DIR] [--rounds N]

Prints the seconds, their ratios, and the most memory of its own (RssAnon) that tensorio held. Needs 11 GB of disk; files come from
the page cache as far as it holds them, and nothing is synced to the disk.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COUNT, SIDE = 64, 4096
SHARD = 10**9
# What people write by hand: mapped, tensor by tensor, a shard at a time.
PEER = """
import json, sys, torch
from safetensors.torch import save_file
source, folder, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
shards, shard, size = [], {}, 0
def flush():
    global shard, size
    shards.append(list(shard))
    save_file(shard, f"{folder}/part-{len(shards):05d}.safetensors", metadata={"format": "pt"})
    shard, size = {}, 0
for name, tensor in torch.load(source, mmap=True).items():
    if shard and size + tensor.numel() * 2 > limit:
        flush()
    shard[name] = tensor.to(torch.bfloat16)
    size += tensor.numel() * 2
flush()
places = {name: f"part-{i + 1:05d}.safetensors" for i, names in enumerate(shards) for name in names}
json.dump({"metadata": {}, "weight_map": places}, open(f"{folder}/part.safetensors.index.json", "w"))
"""


def make(path: Path) -> None:
    """A checkpoint of 64 layers of 64 MB."""
    import torch

    base = torch.randn(SIDE, SIDE)
    # The bytes of each differ, as checksums would be the same otherwise.
    torch.save({f"model.layers.{i}.weight": base + i for i in range(COUNT)}, path)


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def _own(command: list[str]) -> tuple[float, float]:
    """Seconds, and the most RssAnon in MB."""
    start, most = time.perf_counter(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        except OSError:
            break
        most = max([most] + [int(line.split()[1]) for line in lines if line.startswith("RssAnon")])
        time.sleep(0.002)
    seconds = time.perf_counter() - start
    if process.wait():
        raise SystemExit(f"{command} ended with {process.returncode}")
    return seconds, most / 1024


def run(command: str, folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds of each side, and megabytes."""
    source = folder / "checkpoint.pt"
    if not source.exists():
        make(source)
    found: dict[str, list[float]] = {"cp": [], "python": [], "tensorio": [], "memory": []}
    for _ in range(rounds):
        copy = folder / "copy.pt"
        found["cp"].append(_seconds(["cp", "--reflink=never", "--sparse=never", str(source), str(copy)]))
        copy.unlink()
        target = folder / "target"
        target.mkdir()
        found["python"].append(_seconds([sys.executable, "-c", PEER, str(source), str(target), str(SHARD)]))
        shutil.rmtree(target)
        target.mkdir()
        arguments = ["convert", "--dtype", "floating:bfloat16", "--shard-size", "1GB"]
        seconds, memory = _own([command, *arguments, str(source), str(target / "model.safetensors")])
        assert len(list(target.glob("model-*.safetensors"))) == 3, sorted(target.iterdir())
        shutil.rmtree(target)
        found["tensorio"].append(seconds)
        found["memory"].append(memory)
    return found


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = run(arguments.command, folder, arguments.rounds)
    ours = statistics.median(found["tensorio"])
    for name in ("cp", "python", "tensorio"):
        print(f"{name:9} {statistics.median(found[name]):6.2f} s  {[round(t, 2) for t in found[name]]}")
    print(f"against cp of the source: {statistics.median(found['cp']) / ours:.2f} of its rate")
    print(f"against Python: {statistics.median(found['python']) / ours:.2f}x")
    print(f"most memory of its own: {max(found['memory']):.1f} MB")


if __name__ == "__main__":
    main()
