"""``npz/valid``: archives that ``np.load`` reads, most of them written by NumPy."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from . import golden, samples
from .files import Output, warnings_of
from .golden import JSON
from .zip_bytes import DEFLATED, End, Member, archive, deflated

_SEED = 20_261_122
_METHODS = {0: "stored", 8: "deflated"}


def add(output: Output) -> None:
    """Writes every file of this group and records it."""
    _add_savez(output)
    _add_names(output)
    _add_zipfile(output)
    _add_handmade(output)
    _add_refused_names(output)


def record(output: Output, path: Path, notes: JSON | None = None) -> None:
    """Reads every member as NumPy does and records what it holds."""
    (tensors, raw), warned = warnings_of(lambda: _members(path))
    objects = any(tensor["dtype"] == "object" for tensor in tensors)
    entry: JSON = {"file": str(path.relative_to(output.root)), "expected": "object" if objects else "ok"}
    entry |= (notes or {}) | {"tensors": tensors, "raw_members": raw, "zip": _directory(path)}
    if warned:
        entry["numpy_warnings"] = warned
    output.record("npz", entry)


def _members(path: Path) -> tuple[list[JSON], list[JSON]]:
    """The arrays, and the members that are none; of members with one name the last, as NumPy reads them."""
    tensors, raw = [], []
    with np.load(path) as arrays, zipfile.ZipFile(path) as zipped:
        for name in dict.fromkeys(zipped.namelist()):
            data = zipped.read(name)
            if data.startswith(np.lib.format.MAGIC_PREFIX):
                key = name.removesuffix(".npy")
                tensors.append(golden.describe_npy(data, lambda name=name: arrays[name], key))
            else:
                raw.append({"name": name, "size": len(data), "sha256": golden.sha256(data)})
    return tensors, raw


def _directory(path: Path) -> list[JSON]:
    """The entries of the central directory."""
    with zipfile.ZipFile(path) as zipped:
        return [
            {
                "name": e.filename,
                "method": _METHODS[e.compress_type],
                "size": e.file_size,
                "packed_size": e.compress_size,
                "crc32": e.CRC,
                "flags": e.flag_bits,
            }
            for e in zipped.infolist()
        ]


def _write(output: Output, name: str, data: bytes, **notes: Any) -> None:
    record(output, output.write(f"npz/valid/{name}.npz", data), notes)


def saved(*arrays: np.ndarray, compressed: bool = False, **named: np.ndarray) -> bytes:
    """What ``np.savez`` or ``np.savez_compressed`` writes."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (np.savez_compressed if compressed else np.savez)(stream, *arrays, **named)
    return stream.getvalue()


def npy(array: np.ndarray) -> bytes:
    """What ``np.save`` writes."""
    return golden.saved(array)


class _NoSeek(io.RawIOBase):
    """An output that cannot seek, so that zipfile writes data descriptors."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """Appends."""
        self.data += bytes(data)
        return len(data)


def _add_savez(output: Output) -> None:
    """What ``np.savez`` and ``np.savez_compressed`` write."""
    rng = np.random.default_rng(_SEED)
    weight, bias = samples.array(rng, "<f4", (4, 3)), samples.array(rng, "<f4", (3,))
    _write(output, "savez", saved(weight=weight, bias=bias))
    _write(output, "savez-compressed", saved(compressed=True, weight=weight, bias=bias))
    _write(output, "positional", saved(weight, bias))
    _write(output, "positional-and-named", saved(weight, bias, last=bias))
    _write(output, "eleven-positional", saved(*(np.array(i) for i in range(11))))
    _write(output, "empty", saved())
    _write(output, "empty-arrays", saved(a=np.empty((0, 3)), b=np.empty((0,), "S4")))
    kinds = {
        "fortran": samples.array(rng, "<f8", (3, 5), "F"),
        "big": samples.array(rng, ">i4", (4,)),
        "big_fortran": samples.array(rng, ">c8", (2, 3), "F"),
        "scalar": samples.array(rng, "<i8", ()),
        "flag": np.array(True),
        "text": samples.array(rng, "<U4", (3,)),
        "when": samples.array(rng, "<M8[us]", (3,)),
        "record": samples.array(rng, [("a", "<i2"), ("b", ">f4", (2,))], (3,)),
        "long": samples.array(rng, "<f16", (2,)),
    }
    _write(output, "kinds", saved(**kinds))
    _write(output, "kinds-compressed", saved(compressed=True, **kinds))
    _write(output, "zeros-4mb", saved(compressed=True, zeros=np.zeros((1024, 1024), "<f4"), small=bias))
    _write(output, "object-member", saved(plain=bias, things=np.array([1, "two", None], object)))
    for compressed in (False, True):
        stream = _NoSeek()
        (np.savez_compressed if compressed else np.savez)(stream, weight=weight, bias=bias)
        _write(output, f"data-descriptor{'-compressed' if compressed else ''}", bytes(stream.data))


def _add_names(output: Output) -> None:
    """Names of members."""
    rng = np.random.default_rng(_SEED + 1)
    value = samples.array(rng, "<i2", (3,))
    named = {
        name: value + i
        for i, name in enumerate(
            ("layers/0/weight", "layers/0/bias", "layers.1.weight", "with space", "with.npy", "日本/語", "é", "e\u0301", "😀")
        )
    }
    _write(output, "names", saved(**named))
    _write(output, "name-empty", saved(**{"": value}))
    _write(output, "name-case", saved(a=value, A=value + 1))
    _write(output, "name-long", saved(**{"n" * 250: value}))
    _write(output, "name-cp437", archive([Member(b"caf\x82.npy", npy(value)), Member(b"\xe1\xf1.npy", npy(value))]))
    _write(output, "name-without-npy", archive([Member(b"plain", npy(value)), Member(b"array.bin", npy(value))]))
    _write(output, "name-with-and-without-npy", archive([Member(b"a.npy", npy(value)), Member(b"b.npy.npy", npy(value + 1))]))
    _write(output, "name-control-characters", archive([Member(b"a\n\x1b[31mb.npy", npy(value))]), printable=False)
    _write(output, "name-bidi", archive([Member("a\u202eb.npy".encode(), npy(value), flags=0x800)]), printable=False)


def _zipped(entries: list[tuple[str, bytes]], level: int | None = None, comment: bytes = b"") -> bytes:
    """What Python's zipfile writes for the entries."""
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as zipped:
        warnings.simplefilter("ignore")  # of a name that is there twice
        zipped.comment = comment
        for name, data in entries:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_STORED if level is None else zipfile.ZIP_DEFLATED
            zipped.writestr(entry, data, compresslevel=level)
    return stream.getvalue()


def _add_zipfile(output: Output) -> None:
    """Archives by Python's zipfile with things that ``np.savez`` does not do."""
    rng = np.random.default_rng(_SEED + 2)
    first, second = samples.array(rng, "<f4", (8, 8)), samples.array(rng, "|u1", (100,))
    pair = [("a.npy", npy(first)), ("b.npy", npy(second))]
    for level in (0, 1, 6, 9):
        _write(output, f"deflate-level-{level}", _zipped(pair, level))
    _write(output, "comment", _zipped(pair, comment=b"made by a test"))
    _write(output, "comment-longest", _zipped(pair, comment=b"c" * 65_535))
    _write(output, "member-text", _zipped([*pair, ("README.md", b"# not an array\n"), ("empty.txt", b"")]))
    _write(output, "member-npy-of-text", _zipped([("a.npy", b"this is no array"), *pair[1:]]))
    _write(output, "directory-entry", _zipped([("layers/", b""), ("layers/a.npy", npy(first))]))
    _write(
        output,
        "duplicate-names",
        _zipped([("a.npy", npy(first)), ("b.npy", npy(second)), ("a.npy", npy(second))]),
        duplicate_names=["a.npy"],
    )
    _write(output, "duplicate-key", _zipped([("a.npy", npy(first)), ("a", npy(second))]), duplicate_keys=["a"])
    _write(output, "trailing-in-member", _zipped([("a.npy", npy(first) + b"after"), ("two.npy", npy(first) + npy(second))]))
    _write(output, "version-2-member", _zipped([("a.npy", _version(second, (2, 0))), ("b.npy", _version(second, (3, 0)))]))
    _write(output, "many-members", _zipped([(f"m{i:03}.npy", npy(np.array(i, "<i2"))) for i in range(200)], 6))


def _version(array: np.ndarray, version: tuple[int, int]) -> bytes:
    """The array in a given format version."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.lib.format.write_array(stream, array, version=version)
    return stream.getvalue()


def _add_handmade(output: Output) -> None:
    """Legal zip structures that neither NumPy nor zipfile writes for small files."""
    rng = np.random.default_rng(_SEED + 3)
    data, other = npy(samples.array(rng, "<f4", (5, 5))), npy(samples.array(rng, ">i2", (7,)))
    names = (b"a.npy", b"b.npy")
    _write(output, "zip64-members", archive([Member(n, d, zip64=True) for n, d in zip(names, (data, other), strict=True)]))
    _write(output, "zip64-end", archive([Member(n, d) for n, d in zip(names, (data, other), strict=True)], End(zip64=True)))
    _write(
        output,
        "zip64-all",
        archive([Member(n, d, DEFLATED, zip64=True) for n, d in zip(names, (data, other), strict=True)], End(zip64=True)),
    )
    _write(output, "extra-fields", archive([_with_extras(b"a.npy", data)]))
    _write(output, "aligned-by-extra", archive([_aligned(b"a.npy", data)]))
    _write(output, "deflate-many-blocks", archive([Member(b"a.npy", data, DEFLATED, packed=_many_blocks(data))]))
    _write(output, "deflate-empty-member-data", archive([Member(b"a.npy", npy(np.empty((0,), "<f4")), DEFLATED)]))
    descriptor = b"PK\7\x08" + struct.pack("<III", zlib.crc32(data), len(deflated(data)), len(data))
    described = Member(b"a.npy", data, DEFLATED, flags=8, after=descriptor)
    described.local.crc = described.local.size = described.local.packed_size = 0
    _write(output, "data-descriptor-32-bit", archive([described, Member(b"b.npy", other)]))
    unsigned = Member(b"a.npy", data, DEFLATED, flags=8, after=descriptor[4:])
    unsigned.local.crc = unsigned.local.size = unsigned.local.packed_size = 0
    _write(output, "data-descriptor-unsigned", archive([unsigned, Member(b"b.npy", other)]))
    _write(
        output,
        "deflate-level-flags",
        archive([Member(b"a.npy", data, DEFLATED, flags=2), Member(b"b.npy", other, DEFLATED, flags=6)]),
    )


def _with_extras(name: bytes, data: bytes) -> Member:
    """A member with Info-ZIP's time and owner fields and an unknown one."""
    member = Member(name, data)
    member.local.extra = (
        struct.pack("<HHBII", 0x5455, 9, 3, 0, 0)
        + struct.pack("<HHBBIBI", 0x7875, 11, 1, 4, 0, 4, 0)
        + struct.pack("<HH", 0xCAFE, 0)
    )
    member.central.extra = struct.pack("<HHBI", 0x5455, 5, 3, 0) + struct.pack("<HHBBIBI", 0x7875, 11, 1, 4, 0, 4, 0)
    return member


def _aligned(name: bytes, data: bytes) -> Member:
    """A stored member whose array data lie at a multiple of 64, by an extra field of padding."""
    member = Member(name, data)
    padding = -(30 + len(name) + 4) % 64
    member.local.extra = struct.pack("<HH", 0xD935, padding) + bytes(padding)
    return member


def _many_blocks(data: bytes) -> bytes:
    """A deflate stream of stored, fixed and dynamic blocks."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    parts = [packer.compress(data[i : i + 16]) + packer.flush(zlib.Z_FULL_FLUSH) for i in range(0, len(data), 16)]
    return b"".join(parts) + packer.flush()


def _add_refused_names(output: Output) -> None:
    """Archives to open, whose members must not be written to a folder under their names."""
    data = npy(np.arange(3, dtype="<i2"))
    names = {
        "parent": b"../evil.npy",
        "parent-inside": b"a/../../evil.npy",
        "parent-only": b"..",
        "absolute": b"/tmp/evil.npy",
        "double-slash": b"//host/evil.npy",
        "backslash": b"..\\evil.npy",
        "backslash-inside": b"a\\b.npy",
        "drive": b"C:\\evil.npy",
        "dot": b"./a.npy",
        "empty-part": b"a//b.npy",
    }
    for name, member in names.items():
        _write(output, f"path-{name}", archive([Member(b"fine.npy", data), Member(member, data)]), extract="refuse")
    nul = output.write("npz/valid/path-nul.npz", archive([Member(b"fine.npy", data), Member(b"a.npy\0.txt", data)]))
    record(output, nul, {"extract": "refuse", "stored_name_bytes": b"a.npy\0.txt".hex()})
    link = Member(b"link.npy", data, external=0o120777 << 16)
    _write(output, "path-symlink-mode", archive([link]), extract="refuse")
    clash = [Member(b"a", b"plain"), Member(b"a/b.npy", data)]
    _write(output, "path-file-and-folder", archive(clash), extract="refuse")
