"""Memory and time of the command over pickles of a million nodes.

    nodes.py PATH-TO-TENSORIO

For each kind of pickle and each size: the nodes, the time of `tensorio stats`, and the peak of its memory less that of a pickle of
one node, by node. Twice the nodes must take twice the time. The files have protocol 4 and lie in a temporary folder.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_SIZES = (250_000, 500_000, 1_000_000)
_KINDS: dict[str, Callable[[int], object]] = {
    "a list of integers": lambda n: list(range(1000, 999 + n)),
    "a list of lists of one integer": lambda n: [[i] for i in range(n // 2)],
    "a list of texts of 29 bytes": lambda n: [f"a string of some length {i:05}" for i in range(n - 1)],
    "a list of {'k': i, 't': (i, 1.5)}": lambda n: [{"k": i, "t": (i, 1.5)} for i in range(n // 7)],
}


def _nodes(root: object) -> int:
    count, stack = 0, [root]
    while stack:
        value = stack.pop()
        count += 1
        if isinstance(value, dict):
            stack += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple):
            stack += value
    return count


def _measure(command: str, path: Path) -> tuple[float, int]:
    """Seconds, and the peak of resident memory in bytes, of a process of its own."""
    script = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    arguments = [command, "stats", str(path), "--limit", "memberCount=8M"]
    start = time.perf_counter()
    answer = subprocess.run([sys.executable, "-c", script, *arguments], check=True, capture_output=True, text=True)
    return time.perf_counter() - start, int(answer.stdout) * 1024


def main() -> None:
    """Runs the command line."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "nodes.pkl"
        path.write_bytes(pickle.dumps([1], 4))
        bare_time, bare = _measure(sys.argv[1], path)
        for kind, make in _KINDS.items():
            for size in _SIZES:
                root = make(size)
                path.write_bytes(pickle.dumps(root, 4))
                nodes = _nodes(root)
                best = min((_measure(sys.argv[1], path) for _ in range(3)), key=lambda pair: pair[0])
                milliseconds, each = (best[0] - bare_time) * 1e3, (best[1] - bare) / nodes
                print(f"{kind}: {nodes:,} nodes, {milliseconds:.0f} ms, {each:.0f} bytes a node", flush=True)


if __name__ == "__main__":
    main()
