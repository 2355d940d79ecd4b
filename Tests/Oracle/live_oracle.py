"""NumPy as the tests' oracle: it writes random files for tensorio to read, and reads what tensorio wrote of them.

    live_oracle.py write     --seed N --count K DIR    DIR/00000.npy ... and DIR/manifest.json
    live_oracle.py check     DIR                       compares DIR/00000.out.npy ... with the originals
    live_oracle.py write-npz --seed N --count K DIR    DIR/00000.npz ... and DIR/manifest.json
    live_oracle.py check-npz DIR                       compares DIR/00000.out.npz ... with the originals

Prints one JSON object. The exit status is 0 also when files differ; the ``failures`` say which.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import struct
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "TestData"))
from generation import golden, samples  # noqa: E402  (found only with the path above)

_NUMBERS = ("?", "i1", "u1", "i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8", "f16", "c8", "c16", "c32")
_OTHERS = ("S1", "S5", "S0", "V1", "V8", "V0", "U1", "U7", "U0", "M8", "M8[ns]", "M8[2W]", "M8[D]", "m8[25s]", "m8[us]", "m8")
_FIELD_NAMES = ("a", "weight", "with space", "it's", 'say "x"', "é", "日本", "back\\slash", "x" * 30, "tab\t")
_MEMBER_NAMES = ("weight", "bias", "layers/0/weight", "layers/0/bias", "a.b.c", "with space", "é", "日本/語", "w.npy", "arr_0x")
_MOST_FAILURES = 20


class _Different(Exception):
    """What differs between a file and its original."""


def random_dtype(rng: np.random.Generator, depth: int = 0) -> np.dtype:
    """A number, a word, a time, or (above the innermost level) a record of such."""
    kind = rng.random()
    if kind < 0.25 and depth < 2:
        return _random_record(rng, depth)
    pool = _NUMBERS if kind < 0.75 else _OTHERS
    dtype = np.dtype(str(rng.choice(pool)))
    return dtype.newbyteorder(">") if rng.random() < 0.35 else dtype


def _random_record(rng: np.random.Generator, depth: int) -> np.dtype:
    """A record; some have titles, subarrays, padding or aligned fields."""
    count = int(rng.integers(1, 6))
    names = [str(name) for name in rng.choice(_FIELD_NAMES, count, replace=False)]
    types = [_random_field_type(rng, depth) for _ in names]
    layout = rng.random()
    if layout < 0.25:
        gaps = rng.integers(0, 9, count + 1)
        offsets = [int(gaps[: i + 1].sum()) + sum(t.itemsize for t in types[:i]) for i in range(count)]
        size = int(gaps.sum()) + sum(t.itemsize for t in types)
        return np.dtype({"names": names, "formats": types, "offsets": offsets, "itemsize": size})
    titled = [((f"Title of {name}", name) if rng.random() < 0.2 else name, t) for name, t in zip(names, types, strict=True)]
    return np.dtype(titled, align=layout < 0.5)


def _random_field_type(rng: np.random.Generator, depth: int) -> np.dtype:
    """The type of a field, at times a subarray."""
    dtype = random_dtype(rng, depth + 1)
    if dtype.itemsize > 0 and rng.random() < 0.25:
        return np.dtype((dtype, tuple(int(n) for n in rng.integers(1, 4, int(rng.integers(1, 3))))))
    return dtype


def random_array(rng: np.random.Generator) -> np.ndarray:
    """An array of random type, shape and order; some have no dimension, some no element."""
    ndim = int(rng.choice([0, 1, 1, 2, 2, 3, 4]))
    smallest = 0 if rng.random() < 0.1 else 1
    shape = tuple(int(n) for n in rng.integers(smallest, 7, ndim))
    return samples.array(rng, random_dtype(rng), shape, "F" if rng.random() < 0.4 else "C")


def _npy(array: np.ndarray, major: int | None) -> bytes:
    """The array in a format version, or in the one that NumPy picks."""
    if major is None:
        return golden.saved(array)
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.lib.format.write_array(stream, array, version=(major, 0))
    return stream.getvalue()


def _random_npy(rng: np.random.Generator) -> bytes:
    """A random array as npy, in any format version that can hold its header."""
    array = random_array(rng)
    major = rng.choice([None, None, 1, 2, 3])
    try:
        return _npy(array, major)
    except (ValueError, UnicodeEncodeError):  # a name that is not Latin-1 does not fit in version 1 or 2
        return _npy(array, None)


def _load(path: Path) -> np.ndarray:
    """An original by ``np.load``, from the file itself: read from a stream, the padding of records is left to chance."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.load(path)


def write(folder: Path, seed: int, count: int) -> dict[str, Any]:
    """Writes random npy files."""
    rng = np.random.default_rng(seed)
    entries = []
    for index in range(count):
        name, data = f"{index:05}.npy", _random_npy(rng)
        (folder / name).write_bytes(data)
        entries.append(
            {"file": name, "expected": "ok", "tensors": [golden.describe_npy(data, lambda name=name: _load(folder / name))]}
        )
    return _finish(folder, seed, entries)


def write_npz(folder: Path, seed: int, count: int) -> dict[str, Any]:
    """Writes random npz files."""
    rng = np.random.default_rng(seed)
    entries = []
    for index in range(count):
        name, compressed = f"{index:05}.npz", bool(rng.random() < 0.5)
        keys = [str(key) for key in rng.choice(_MEMBER_NAMES, int(rng.integers(0, 7)), replace=False)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            save = np.savez_compressed if compressed else np.savez
            save(folder / name, *[random_array(rng)] * int(rng.integers(0, 3)), **{key: random_array(rng) for key in keys})
        entries.append({"file": name, "expected": "ok", "compressed": compressed, "tensors": _npz_tensors(folder / name)})
    return _finish(folder, seed, entries)


def _npz_tensors(path: Path) -> list[dict[str, Any]]:
    """The golden entries of an archive's members."""
    tensors = []
    with np.load(path) as arrays, zipfile.ZipFile(path) as zipped:
        for name in zipped.namelist():
            entry = golden.describe_npy(zipped.read(name), lambda name=name: arrays[name], name.removesuffix(".npy"))
            del entry["resaved_sha256"]  # np.load leaves the padding of a member's records to chance
            tensors.append(entry)
    return tensors


def _finish(folder: Path, seed: int, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Writes the manifest and says how much was written."""
    document = {"made_with": {"numpy": np.__version__, "seed": seed}, "files": entries}
    (folder / "manifest.json").write_text(json.dumps(document))
    return {"count": len(entries), "numpy": np.__version__, "seed": seed}


def _manifest(folder: Path) -> Iterator[tuple[str, Path, Path]]:
    """Name, original and tensorio's file of each entry."""
    for entry in json.loads((folder / "manifest.json").read_text())["files"]:
        path = folder / entry["file"]
        yield entry["file"], path, path.with_name(f"{path.stem}.out{path.suffix}")


def check(folder: Path) -> dict[str, Any]:
    """Compares tensorio's npy files with the originals."""
    result: dict[str, Any] = {"count": 0, "equal": 0, "identical_files": 0, "failures": []}
    for name, original, ours in _manifest(folder):
        result["count"] += 1
        try:
            expected = _load(original)
            identical = ours.read_bytes() == golden.saved(expected)
            _compare(expected, _load_ours(ours))
            if expected.tobytes("A") != np.load(ours).tobytes("A"):
                raise _Different("other bytes in the padding of the records")
        except Exception as error:  # whatever it is, it is the file's failure
            _fail(result, name, error)
            continue
        result["equal"] += 1
        result["identical_files"] += identical
        if not identical:
            _fail(
                result,
                name,
                _Different("np.save writes other bytes: " + _first_difference(ours.read_bytes(), golden.saved(expected))),
            )
    return result


def _load_ours(path: Path) -> np.ndarray:
    """Our file by ``np.load``; a warning fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return np.load(path)


def _compare(expected: np.ndarray, actual: np.ndarray) -> None:
    """Fails unless type, shape, memory order and every bit are the same; padding aside."""
    types = [np.lib.format.dtype_to_descr(array.dtype) for array in (expected, actual)]
    if types[0] != types[1]:
        raise _Different(f"the type is {types[1]}, not {types[0]}")
    if expected.shape != actual.shape:
        raise _Different(f"the shape is {actual.shape}, not {expected.shape}")
    orders = [(a.flags.c_contiguous, a.flags.f_contiguous) for a in (expected, actual)]
    if orders[0] != orders[1]:
        raise _Different(f"C and Fortran order are {orders[1]}, not {orders[0]}")
    wanted, made = (_without_padding(array) for array in (expected, actual))
    if wanted != made:
        raise _Different("other elements: " + _first_difference(made, wanted))


def _without_padding(array: np.ndarray) -> bytes:
    """The elements as they lie in memory, with zeros between the fields of records."""
    raw = np.frombuffer(array.tobytes("A"), np.uint8).reshape(array.size, array.dtype.itemsize)
    return (raw * _used(array.dtype)).tobytes()


def _used(dtype: np.dtype) -> np.ndarray:
    """1 for each byte of an element that a field holds, 0 for padding."""
    if dtype.subdtype is not None:
        element, shape = dtype.subdtype
        return np.tile(_used(element), math.prod(shape))
    used = np.full(dtype.itemsize, dtype.names is None, np.uint8)
    for name in dtype.names or ():
        field, offset = dtype.fields[name][:2]
        used[offset : offset + field.itemsize] = _used(field)
    return used


def _first_difference(actual: bytes, expected: bytes) -> str:
    """Where two byte strings part."""
    place = next((i for i, (a, b) in enumerate(zip(actual, expected, strict=False)) if a != b), min(len(actual), len(expected)))
    here = slice(place, place + 24)
    return f"at byte {place} of {len(actual)} and {len(expected)}: {actual[here]!r}, not {expected[here]!r}"


def _fail(result: dict[str, Any], name: str, error: Exception) -> None:
    """Notes a failure; only the first ones are told."""
    result["failed"] = result.get("failed", 0) + 1
    if len(result["failures"]) < _MOST_FAILURES:
        result["failures"].append({"file": name, "reason": f"{type(error).__name__.removeprefix('_')}: {error}"})


def check_npz(folder: Path) -> dict[str, Any]:
    """Compares tensorio's npz files with the originals."""
    result: dict[str, Any] = {"count": 0, "equal": 0, "members": 0, "identical_members": 0, "failures": []}
    for name, original, ours in _manifest(folder):
        result["count"] += 1
        try:
            members, identical = _check_archive(original, ours)
        except Exception as error:  # whatever it is, it is the file's failure
            _fail(result, name, error)
            continue
        result["equal"] += 1
        result["members"] += members
        result["identical_members"] += identical
    return result


def _check_archive(original: Path, ours: Path) -> tuple[int, int]:
    """Compares two archives; returns the number of members and how many are the bytes of ``np.save``."""
    with warnings.catch_warnings(), zipfile.ZipFile(original) as wanted, zipfile.ZipFile(ours) as made:
        warnings.simplefilter("error")
        if made.testzip() is not None:
            raise _Different(f"zipfile finds {made.testzip()} broken")
        if made.namelist() != wanted.namelist():
            raise _Different(f"the members are {made.namelist()}, not {wanted.namelist()}")
        _check_alignment(ours, made)
        with np.load(original) as expected, np.load(ours) as actual:
            for name in expected.files:
                _compare(expected[name], actual[name])
            identical = sum(made.read(name) == wanted.read(name) for name in wanted.namelist())
        return len(made.namelist()), identical


def _check_alignment(path: Path, zipped: zipfile.ZipFile) -> None:
    """Fails unless the elements of every stored member begin at a multiple of 64 in the file."""
    data = path.read_bytes()
    for entry in zipped.infolist():
        if entry.compress_type != zipfile.ZIP_STORED:
            continue
        name_length, extra_length = struct.unpack_from("<HH", data, entry.header_offset + 26)
        start = entry.header_offset + 30 + name_length + extra_length
        wide = data[start + 6] > 1
        header_length = int.from_bytes(data[start + 8 : start + (12 if wide else 10)], "little")
        elements = start + (12 if wide else 10) + header_length
        if elements % 64 != 0:
            raise _Different(f"the elements of {entry.filename} begin at {elements}, no multiple of 64")


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("write", "write-npz", "check", "check-npz"):
        command = commands.add_parser(name)
        command.add_argument("folder", type=Path)
        if name.startswith("write"):
            command.add_argument("--seed", type=int, required=True)
            command.add_argument("--count", type=int, required=True)
    arguments = parser.parse_args()
    if arguments.command.startswith("write"):
        arguments.folder.mkdir(parents=True, exist_ok=True)
        writer = write if arguments.command == "write" else write_npz
        result = writer(arguments.folder, arguments.seed, arguments.count)
    else:
        result = (check if arguments.command == "check" else check_npz)(arguments.folder)
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
