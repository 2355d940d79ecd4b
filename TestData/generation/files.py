"""Writing the generated files and collecting what the golden JSON says of them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .golden import JSON

_CONTENT = ("tensors", "values", "value_count", "nodes", "composites", "shared")


class Output:
    """A folder being filled, and one golden list for each format."""

    def __init__(self, root: Path) -> None:
        """Starts with nothing written."""
        self.root = root
        self.golden: dict[str, list[JSON]] = {"npy": [], "npz": []}
        self.written: list[Path] = []

    def write(self, relative: str, data: bytes) -> Path:
        """Writes one file; a path may be used once."""
        path = self.root / relative
        if path in self.written:
            raise AssertionError(f"{relative} is made twice")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.written.append(path)
        return path

    def record(self, kind: str, entry: JSON) -> None:
        """Adds what a file holds to a golden list."""
        self.golden.setdefault(kind, []).append(entry)

    def once(self, kind: str, content: JSON) -> JSON:
        """The content of a file, or the name of one recorded before that holds the same."""
        for entry in self.golden.get(kind, ()):
            if "tensors" in entry and all(entry.get(key) == content.get(key) for key in _CONTENT):
                return {"same_content_as": entry["file"]}
        return content

    def write_golden(self, made_with: JSON, made_with_more: dict[str, JSON] | None = None) -> None:
        """Writes ``golden/<kind>.json``, one line a file; some kinds were made with more."""
        for kind, entries in self.golden.items():
            separators = None if kind in ("npy", "npz") else (",", ":")
            ordered = sorted(entries, key=lambda entry: entry["file"])
            lines = ",\n".join(json.dumps(entry, separators=separators) for entry in ordered)
            versions = made_with | (made_with_more or {}).get(kind, {})
            text = f'{{"made_with": {json.dumps(versions)},\n"files": [\n{lines}\n]}}\n'
            self.write(f"golden/{kind}.json", text.encode())


def warnings_of(action: Callable[[], Any]) -> tuple[Any, list[str]]:
    """The action's result and the texts of the warnings it raised."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = action()
    texts = [f"{w.category.__name__}: {w.message}" for w in caught if w.category is not ResourceWarning]
    return result, texts


def refusal_of(action: Callable[[], Any]) -> str | None:
    """The error that the action raises, as ``Type: text``; nothing when it succeeds."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            action()
    except Exception as error:  # any refusal counts; its type is part of what is recorded
        return f"{type(error).__name__}: {error}"
    return None


def npy_file(version: tuple[int, int], header: str | bytes, payload: bytes, encoding: str | None = None) -> bytes:
    """An npy file with exactly this header text."""
    text = header if isinstance(header, bytes) else header.encode(encoding or ("utf-8" if version[0] == 3 else "latin-1"))
    length = len(text).to_bytes(2 if version[0] == 1 else 4, "little")
    return np.lib.format.MAGIC_PREFIX + bytes(version) + length + text + payload
