"""PyTorch as the tests' oracle: it writes random files for tensorio to read, and loads what tensorio wrote of them.

    live_torch.py write DIR COUNT SEED          DIR/0000.pt ... and DIR/expected.jsonl, one object a line
    live_torch.py check WRITTEN ORIGINAL        compares WRITTEN/0000.pt ... with ORIGINAL/0000.pt ...
    live_torch.py npz-check FILE.pt FILE.npz    compares the arrays that tensorio made of a file's tensors
    live_torch.py models DIR                    state dictionaries, optimizers, checkpoints, a whole module
    live_torch.py models-check ORIGINAL WRITTEN    files or folders; every bit must be the same

The checks print each difference and ``equal N of M``; the exit status is 1 when anything differs or nothing was compared.
``expected.jsonl`` says of each file what ``TestData/README.md`` says of ``torch.json``.

A written file must load with ``weights_only=True``, mapped and not, without a warning that torch's own file of the same content
does not give. Content that torch refuses even when it saved it itself is loaded with any class allowed, and counted. A storage
of which the tensors of the original use less than half may be written smaller: then strides may be contiguous and offsets other.
All of it runs with PyTorch 1.13 and NumPy 1.24 too: ``torch_features`` says what is left out there.
"""

from __future__ import annotations

import argparse
import io
import json
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "TestData"))
import torch_models  # noqa: E402
import torch_npz  # noqa: E402
from generation import torch_features, torch_files, torch_load  # noqa: E402  (found only with the path above)
from generation.torch_golden import Description  # noqa: E402
from torch_compare import Comparison  # noqa: E402
from torch_random import RandomTree  # noqa: E402

Tags = dict[int, str]

_MOST_DIFFERENCES = 5


def write(folder: Path, count: int, seed: int) -> int:
    """Writes random files and what each holds."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "expected.jsonl").open("w") as lines:
        for index in range(count):
            path = folder / f"{index:04}.pt"
            rng = np.random.default_rng([seed, index])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                kind, data = _random_file(rng)
                path.write_bytes(data)
                loaded = torch_load.load(path, kind)
                content = Description(loaded.root, loaded.devices).json()
            lines.write(json.dumps({"file": path.name, "format": kind} | content) + "\n")
    print(json.dumps({"count": count, "seed": seed, "torch": torch.__version__}))
    return 0


def _random_file(rng: np.random.Generator) -> tuple[str, bytes]:
    """A random tree in the format that most files have, at times in another."""
    draw = rng.random()
    if draw < 0.15:
        return "torch-legacy", torch_files.legacy(RandomTree(rng, legacy=True).root)
    protocol = 4 if draw < 0.25 else 3 if draw < 0.28 else 5 if draw < 0.31 else 2
    data = torch_files.saved(RandomTree(rng, legacy=False).root, protocol)
    return "torch-zip", _elsewhere(data) if protocol == 2 and draw > 0.95 else data


def _elsewhere(data: bytes) -> bytes:
    """The same as if it was saved on a GPU, by a program that aligns nothing."""
    records = torch_files.records(data)
    moved = records["data.pkl"].replace(torch_files.op_text("cpu"), torch_files.op_text("cuda:1"))
    return torch_files.zipped({name: moved if name == "data.pkl" else record for name, record in records.items()})


class Checker:
    """Loads pairs of files and compares them."""

    def __init__(self, *, compact: bool) -> None:
        """``compact``: a storage that is hardly used may be written smaller."""
        self.compact = compact
        self.equal = self.count = self.any_class = 0
        self._known_warnings: set[str] = set()

    def check(self, original: Path, written: Path) -> None:
        """Compares one pair and prints what differs."""
        self.count += 1
        try:
            found = self._differences(original, written)
        except Exception as error:  # whatever it is, it is the file's failure
            found = [_error_text(error)]
        for text in found[:_MOST_DIFFERENCES]:
            print(f"{written.name}: {text}")
        if len(found) > _MOST_DIFFERENCES:
            print(f"{written.name}: and {len(found) - _MOST_DIFFERENCES} more")
        self.equal += not found

    def _differences(self, original: Path, written: Path) -> list[str]:
        root, tags = self._reference(original)
        allowed = self._is_allowed(root)
        self.any_class += not allowed
        found: list[str] = []
        for options in torch_features.LOADING:
            call = "torch.load({})".format(", ".join(f"{name}={value}" for name, value in options.items()))
            try:
                made, made_tags, warned = _load(written, weights_only=allowed, **options)
            except Exception as error:  # the same for both ways would be said twice
                return [f"{call}: {_error_text(error)}"]
            found += [f"{call} warns: {text}" for text in sorted(warned - self._known_warnings)]
            found += Comparison(self.compact, tags, made_tags).run(root, made)
            if found:
                break
        return found

    def _reference(self, path: Path) -> tuple[Any, Tags]:
        """The original; whatever it warns of is no fault of ours."""
        root, tags, warned = _load(path, weights_only=False)
        self._known_warnings |= warned
        return root, tags

    def _is_allowed(self, root: Any) -> bool:
        """Whether torch loads its own file of the same content with ``weights_only``; empty bytes can be written so that it does."""
        stream = io.BytesIO(torch_files.saved(root))
        try:
            with torch_features.also_allowed([bytes]):
                self._known_warnings |= _load(stream, weights_only=True)[2]
        except pickle.UnpicklingError:
            return False
        return True

    def summary(self) -> int:
        """Prints the counts; the exit status."""
        print(f"equal {self.equal} of {self.count}, {self.any_class} of them with any class allowed")
        return 0 if self.equal == self.count > 0 else 1


def _load(source: Path | io.BytesIO, **options: Any) -> tuple[Any, Tags, set[str]]:
    """The content of a file, the device tags of its storages, which stay where they are, and the warnings."""
    tags: Tags = {}

    def place(storage: torch.UntypedStorage, location: str) -> torch.UntypedStorage:
        tags[storage._cdata] = location
        return storage

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        root = torch.load(source, map_location=place, **options)
    return root, tags, {f"{w.category.__name__}: {str(w.message).splitlines()[0]}" for w in caught}


def _error_text(error: Exception) -> str:
    """The error in one line; of the unpickler's, what it says itself."""
    return f"{type(error).__name__}: {' '.join(str(error).rpartition('WeightsUnpickler error:')[2].split())[:300]}"


def check(written: Path, original: Path) -> int:
    """Compares a folder of written files with the originals."""
    checker = Checker(compact=True)
    for path in sorted(original.glob("*.pt")):
        checker.check(path, written / path.name)
    return checker.summary()


def models_check(original: Path, written: Path) -> int:
    """Compares a file or a folder of files, every bit."""
    checker = Checker(compact=False)
    paths = sorted(path for path in original.iterdir() if path.is_file()) if original.is_dir() else [original]
    for path in paths:
        checker.check(path, written / path.name if written.is_dir() else written)
    return checker.summary()


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, paths in (
        ("write", ["folder"]),
        ("check", ["written", "original"]),
        ("npz-check", ["file", "archive"]),
        ("models", ["folder"]),
        ("models-check", ["original", "written"]),
    ):
        command = commands.add_parser(name)
        for path in paths:
            command.add_argument(path, type=Path)
        if name == "write":
            command.add_argument("count", type=int)
            command.add_argument("seed", type=int)
        if name == "npz-check":
            command.add_argument("--lost", action="append", default=[], help="a tensor that the conversion said it lost")
    arguments = vars(parser.parse_args())
    command = arguments.pop("command")
    if command == "models":
        print("\n".join(str(path) for path in torch_models.write(**arguments)))
        return 0
    actions = {"write": write, "check": check, "npz-check": torch_npz.check, "models-check": models_check}
    return actions[command](**arguments)


if __name__ == "__main__":
    sys.exit(main())
