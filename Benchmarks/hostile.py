"""Validates every hostile file in a process of its own: what came of it, how long it took, and the most memory.

    hostile.py COMMAND [FOLDER]      FOLDER is ../shared/hostile by default

Prints the rows that are not as the index expects, then counts, the slowest file and the largest process. The memory is what the process
has of its own (VmHWM less the pages of mapped files), sampled as ru_maxrss of the child, which counts mapped pages too.
"""

from __future__ import annotations

import collections
import os
import sys
import time
from pathlib import Path

_EXPECTED = {"accept": {0}, "accept-but-warn": {1}, "reject": {1, 2}}


def _validate(command: str, path: Path) -> tuple[int, float, int]:
    """Status, seconds and the peak of resident memory in bytes."""
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(null, 2)
        os.execv(command, [command, "validate", str(path)])
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), time.perf_counter() - start, usage.ru_maxrss * 1024


def main() -> int:
    """Runs the command line."""
    command = sys.argv[1]
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parents[2] / "shared" / "hostile")
    rows = [line.rstrip("\n").split("\t") for line in open(folder / "index.tsv", encoding="utf-8")][1:]
    counts: collections.Counter[tuple[str, int]] = collections.Counter()
    slowest = largest = (0, "")
    for name, _, expected, why in rows:
        status, seconds, memory = _validate(command, folder / "files" / name)
        counts[expected, status] += 1
        slowest = max(slowest, (seconds, name))
        largest = max(largest, (memory, name))
        if status not in _EXPECTED[expected]:
            print(f"{name}: {expected} expected, status {status}: {why}")
    for (expected, status), count in sorted(counts.items()):
        print(f"{expected}: status {status}: {count}")
    print(f"{len(rows)} files; slowest {slowest[0]:.2f} s ({slowest[1]}), largest {largest[0] / 1e6:.1f} MB ({largest[1]})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
