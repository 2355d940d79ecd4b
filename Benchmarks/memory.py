"""Peak private memory (RssAnon) of the command converting 1 GB, both ways, stored and deflated.

    memory.py PATH-TO-TENSORIO [FOLDER]      needs 11 GB in FOLDER, a temporary one by default

The peak is read from /proc every two milliseconds; what is converted back is compared byte for byte.
"""

from __future__ import annotations

import filecmp
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def peak(command: list[str]) -> float:
    """Runs a command; its peak RssAnon in MB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    highest = 0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            continue
        highest = max([highest, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))])
        time.sleep(0.002)
    if process.returncode != 0:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return highest / 1024


def main() -> None:
    """Runs the command line."""
    tensorio = sys.argv[1]
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as name:
        folder = Path(name)
        steps = np.random.default_rng(1).integers(-64, 65, 1 << 28, np.int32)
        np.save(folder / "a.npy", np.cumsum(steps, dtype=np.int32).astype(np.float32))
        del steps
        for source, target, *options in (
            ("a.npy", "stored.npz"),
            ("stored.npz", "b.npy"),
            ("a.npy", "deflated.npz", "--compress", "3"),
            ("deflated.npz", "c.npy"),
            ("a.npy", "a.safetensors"),
            ("a.safetensors", "a.pt"),
            ("a.pt", "d.npy"),
        ):
            megabytes = peak([tensorio, "convert", *options, str(folder / source), str(folder / target)])
            print(f"convert {source} {target}: {megabytes:.1f} MB", flush=True)
        for copy in ("b.npy", "c.npy", "d.npy"):
            assert filecmp.cmp(folder / "a.npy", folder / copy, shallow=False), copy
        print(f"hash deflated.npz: {peak([tensorio, 'hash', str(folder / 'deflated.npz')]):.1f} MB")
        print("what came back is equal")


if __name__ == "__main__":
    main()
