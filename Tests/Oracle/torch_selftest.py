"""Tests the checks of ``live_torch.py``: copies by PyTorch must be equal to their originals, and each corruption must be found.

    torch_selftest.py [--count N] [--seed N]

Prints what failed; the exit status is 1 when anything did.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import sys
import tempfile
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import live_torch
import torch
import torch_models
from generation import torch_features, torch_files

_EXPECTED = (
    "GLOBAL bytes",
    "saved on cpu, not cuda:1",
    ".pt: and ",
)  # torch's own spelling of b"", and copies do not keep tags
_SAVED = {
    "csc-for-csr": torch_features.SAVES_ALL_SPARSE,
    "attribute-lost": torch_features.SAVES_ATTRIBUTES,
    "coalesced": torch_features.SAVES_COALESCED,
}  # what older releases do not save, no check can find


def copies(folder: Path, count: int, seed: int) -> list[str]:
    """Random files, loaded and saved again by PyTorch; differences that are no fault of the check are passed over."""
    with contextlib.redirect_stdout(io.StringIO()):
        live_torch.write(folder / "original", count, seed)
    (folder / "copy").mkdir()
    for path in sorted((folder / "original").glob("*.pt")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            root = torch.load(path, weights_only=False, map_location=lambda storage, _: storage)
        (folder / "copy" / path.name).write_bytes(torch_files.saved(root))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        live_torch.check(folder / "copy", folder / "original")
    lines = printed.getvalue().splitlines()
    print(lines[-1])
    return [line for line in lines[:-1] if not any(text in line for text in _EXPECTED)]


def models(folder: Path) -> list[str]:
    """The models, and copies of them."""
    torch_models.write(folder / "models")
    (folder / "again").mkdir()
    for path in (folder / "models").iterdir():
        torch.save(torch.load(path, weights_only=False), folder / "again" / path.name)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        failed = live_torch.models_check(folder / "models", folder / "again")
    return printed.getvalue().splitlines() if failed else []


def _state_dict() -> OrderedDict:
    made = OrderedDict(a=torch.arange(6.0).reshape(2, 3))
    made._metadata = OrderedDict([("", {"version": 1})])
    return made


def _original() -> dict[str, Any]:
    """One of everything that can be corrupted."""
    torch.manual_seed(0)
    base, shared = torch.arange(24.0).reshape(4, 6), [1, 2]
    marked = torch.nn.Parameter(torch.ones(2))
    marked.note = "attribute"
    return {
        "state": _state_dict(),
        "base": base,
        "view": base[1:3, 2:],
        "special": torch.tensor([0.0, float("nan"), 1.0]),
        "large": torch.arange(100.0)[:60],
        "parameter": marked,
        "grad": torch.ones(2, requires_grad=True),
        "conj": torch.tensor([1 + 2j]).conj(),
        "quantized": torch.quantize_per_tensor(torch.ones(3), 0.5, 1, torch.qint8),
        "channels": torch.quantize_per_channel(
            torch.ones(2, 2), torch.tensor([0.5, 1.0]).double(), torch.tensor([0, 1]), 0, torch.qint8
        ),
        "sparse": torch.sparse_coo_tensor([[0, 1]], [1.0, 2.0], (3,)),
        "csr": torch.eye(3).to_sparse_csr(),
        "meta": torch.empty(2, device="meta"),
        "shared": shared,
        "shared-again": shared,
        "tuple": (1, 2.5, True, None, "é"),
        "zero": 0.0,
        "nan": float("nan"),
        "complex": complex(1, -0.0),
        "bytes": b"raw",
        "array": bytearray(b"raw"),
        "set": {1, 2},
        "size": torch.Size([2]),
        "dtype": torch.float32,
        7: "int key",
        "empty": torch.empty(0, 3),
    }


def _changes() -> dict[str, Any]:
    """What each corruption puts in the place of an entry, or does to the whole."""
    base = torch.arange(24.0).reshape(4, 6)
    other_metadata, without, special = _state_dict(), _state_dict(), torch.tensor([0.0, float("nan"), 1.0])
    other_metadata._metadata[""]["version"] = 2
    del without._metadata
    negative, payload = special.clone(), special.clone()
    negative[0] = -0.0
    payload.view(torch.int32)[1] = 0x7FC00001
    coalesced = torch.sparse_coo_tensor([[0, 1]], [1.0, 2.0], (3,)).coalesce()
    return {
        "metadata-changed": {"state": other_metadata},
        "metadata-lost": {"state": without},
        "dict-for-ordered": {"state": dict(_state_dict())},
        "element": {"state": OrderedDict(_state_dict(), a=torch.arange(6.0).reshape(2, 3) + 1)},
        "negative-zero": {"special": negative},
        "nan-payload": {"special": payload},
        "dtype": {"special": special.double()},
        "shape": {"special": special.reshape(1, 3)},
        "alias-lost": {"view": base[1:3, 2:].clone()},
        "alias-lost-same-layout": {"view": base.clone()[1:3, 2:]},
        "storage-cut": {"large": torch.arange(60.0)},
        "unused-bytes-changed": {"large": torch.cat([torch.arange(60.0), torch.zeros(40)])[:60]},
        "parameter-lost": {"parameter": torch.ones(2, requires_grad=True)},
        "attribute-lost": {"parameter": torch.nn.Parameter(torch.ones(2))},
        "grad-lost": {"grad": torch.ones(2)},
        "conj-resolved": {"conj": torch.tensor([1 - 2j])},
        "scale": {"quantized": torch.quantize_per_tensor(torch.ones(3), 0.25, -1, torch.qint8)},
        "channel-point": {
            "channels": torch.quantize_per_channel(
                torch.ones(2, 2), torch.tensor([0.5, 1.0]).double(), torch.tensor([0, 2]), 0, torch.qint8
            )
        },
        "coalesced": {"sparse": coalesced},
        "dense-for-sparse": {"csr": torch.eye(3)},
        "csc-for-csr": {"csr": torch.eye(3).to_sparse_csc()},
        "real-for-meta": {"meta": torch.empty(2)},
        "container-copied": {"shared-again": [1, 2]},
        "list-for-tuple": {"tuple": [1, 2.5, True, None, "é"]},
        "one-for-true": {"tuple": (1, 2.5, 1, None, "é")},
        "float-for-int": {"tuple": (1.0, 2.5, True, None, "é")},
        "decomposed": {"tuple": (1, 2.5, True, None, "e\u0301")},
        "zero-sign": {"zero": -0.0},
        "none-for-nan": {"nan": None},
        "complex-sign": {"complex": complex(1, 0)},
        "bytes-for-bytearray": {"array": b"raw"},
        "set-item": {"set": {1, 3}},
        "tuple-for-size": {"size": (2,)},
        "dtype-value": {"dtype": torch.float64},
        "empty-shape": {"empty": torch.empty(3, 0)},
    }


def _corrupted() -> dict[str, dict]:
    """The corrupted trees by name."""
    made = {}
    for name, change in _changes().items():
        if _SAVED.get(name, True):
            made[name] = _original() | change
    reordered, renamed, missing, more = _original(), _original(), _original(), _original()
    reordered["base"] = reordered.pop("base")
    renamed["7"] = renamed.pop(7)
    del missing["zero"]
    more["more"] = 1
    joined = _original()
    joined["special"] = joined["base"].reshape(-1)[:3]
    return made | {"order": reordered, "key-type": renamed, "missing": missing, "more": more, "alias-made": joined}


def corruptions(folder: Path) -> list[str]:
    """Each corruption that the check passes over."""
    original, written = folder / "original.pt", folder / "written.pt"
    original.write_bytes(torch_files.saved(_original()))
    failures = []
    if not _are_equal(original, _original(), written):
        failures.append("a copy is not equal")
    trees = _corrupted()
    failures += [f"not found: {name}" for name, root in trees.items() if _are_equal(original, root, written)]
    print(f"{len(trees)} corruptions")
    return failures + _compaction(original, written)


def _compaction(original: Path, written: Path) -> list[str]:
    """A storage used by less than half may be cut, and what overlapped must still share."""
    base = torch.arange(100.0)
    original.write_bytes(torch_files.saved({"a": base[10:20:2], "b": base[12:18]}))
    span = base[10:20].clone()
    failures = []
    if not _are_equal(original, {"a": span[::2], "b": span[2:8]}, written):
        failures.append("a compacted storage is refused")
    if _are_equal(original, {"a": base[10:20:2].clone(), "b": base[12:18].clone()}, written):
        failures.append("not found: an overlap lost by compacting")
    return failures


def _are_equal(original: Path, root: Any, written: Path) -> bool:
    written.write_bytes(torch_files.saved(copy.copy(root)))
    checker = live_torch.Checker(compact=True)
    with contextlib.redirect_stdout(io.StringIO()):
        checker.check(original, written)
    return checker.equal == 1


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        failures = copies(folder, arguments.count, arguments.seed) + corruptions(folder) + models(folder)
    print("\n".join(failures) or "the checks find what they must")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
