"""``npz/invalid``: archives that are broken, that lie, or that can be read in more than one way.

NumPy reads some of them without a word; their ``numpy_error`` is null. They are refused all the same: another reader sees
other data in the same bytes, or the bytes hold something that no reader shows.
"""

from __future__ import annotations

import bz2
import lzma
import re
import struct
import zlib
from typing import Any

import numpy as np

from .files import Output, refusal_of
from .npz_valid import npy, saved
from .zip_bytes import BZIP2, DEFLATED, LZMA, STORED, End, Header, Member, archive, deflated

_A = npy(np.arange(12, dtype="<f4").reshape(3, 4))
_B = npy(np.arange(5, dtype=">i2"))


def add(output: Output) -> None:
    """Writes every file of this group and records how NumPy takes it."""
    for group in (_truncated, _checksums, _methods_and_flags, _headers, _overlaps, _end_records, _zip64, _deflate, _members):
        for name, (data, notes) in group().items():
            _write(output, name, data, notes)


Files = dict[str, tuple[bytes, dict[str, Any]]]
_UNSUPPORTED = {"expected": "unsupported"}


def _write(output: Output, name: str, data: bytes, notes: dict[str, Any]) -> None:
    """Writes one file and records what NumPy says when it reads all members."""
    path = output.write(f"npz/invalid/{name}.npz", data)

    def read() -> None:
        with np.load(path) as arrays:
            for key in arrays.files:
                arrays[key]

    error = refusal_of(read)
    if error is not None:
        error = re.sub(r"'/[^']*'", "'...'", re.sub(r" at 0x[0-9a-f]+", " at 0x...", error))
    entry: dict[str, Any] = {"file": f"npz/invalid/{name}.npz", "expected": "malformed", "tensors": [], "numpy_error": error}
    output.record("npz", entry | notes)


def _a(**fields: Any) -> Member:
    """The first member, changed."""
    return Member(b"a.npy", _A, **fields)


def _b(**fields: Any) -> Member:
    """The second member, changed."""
    return Member(b"b.npy", _B, **fields)


def _truncated() -> Files:
    """A good archive cut within each part."""
    good = saved(a=np.arange(12, dtype="<f4"), b=np.arange(5))
    directory = good.index(b"PK\1\2")
    end = len(good) - 22
    lengths = {
        "header": 20,
        "name": 33,
        "extra": 40,
        "array-header": 100,
        "data": 200,
        "before-directory": directory,
        "in-directory": directory + 20,
        "between-entries": directory + 46 + 5,
        "before-end": end,
        "in-end": end + 10,
        "last-byte": len(good) - 1,
        "magic-only": 4,
    }
    files: Files = {f"cut-{name}": (good[:length], {}) for name, length in lengths.items()}
    compressed = saved(compressed=True, a=np.arange(100))
    middle = len(compressed) // 2
    files["cut-out-of-middle"] = (compressed[: middle - 20] + compressed[middle:], {})
    files["empty"] = (b"", {})
    files["first-byte-lost"] = (good[1:], {})
    return files


def _checksums() -> Files:
    """Data that do not have their checksum, and checksums that differ."""
    flipped = bytearray(archive([_a(), _b()]))
    flipped[30 + 5 + 130] ^= 1
    packed = bytearray(deflated(_A))
    packed[-3] ^= 4
    return {
        "crc-data-flipped": (bytes(flipped), {}),
        "crc-deflated-data-flipped": (archive([_a(method=DEFLATED, packed=bytes(packed))]), {}),
        "crc-both": (archive([_a(local=Header(crc=1), central=Header(crc=1))]), {}),
        "crc-local-only": (archive([_a(local=Header(crc=1))]), {}),
        "crc-central-only": (archive([_a(central=Header(crc=1))]), {}),
        "crc-descriptor": (archive([_described(crc=1)]), {}),
        "descriptor-size": (archive([_described(size=7)]), {}),
        "descriptor-missing": (archive([_described(absent=True), _b()]), {}),
    }


def _described(crc: int | None = None, size: int | None = None, absent: bool = False) -> Member:
    """A deflated member with a data descriptor that may lie."""
    packed = deflated(_A)
    after = b"PK\7\x08" + struct.pack(
        "<III", zlib.crc32(_A) if crc is None else crc, len(packed), len(_A) if size is None else size
    )
    zero = Header(crc=0, size=0, packed_size=0)
    return _a(method=DEFLATED, flags=8, after=b"" if absent else after, local=zero)


def _methods_and_flags() -> Files:
    """Compression methods and flags that are not supported."""
    lzma_filter = {"id": lzma.FILTER_LZMA1, "preset": 6}
    lzma_data = lzma.compress(_A, lzma.FORMAT_RAW, filters=[lzma_filter])
    properties = lzma._encode_filter_properties(lzma_filter)  # the same private call that zipfile makes
    lzma_packed = struct.pack("<BBH", 9, 4, len(properties)) + properties + lzma_data
    return {
        "method-bzip2": (archive([_a(method=BZIP2, packed=bz2.compress(_A)), _b()]), _UNSUPPORTED),
        "method-lzma": (archive([_a(method=LZMA, flags=0, packed=lzma_packed), _b()]), _UNSUPPORTED),
        "method-deflate64": (archive([_a(method=9)]), _UNSUPPORTED),
        "method-implode": (archive([_a(method=6)]), _UNSUPPORTED),
        "method-zstandard": (archive([_a(method=93)]), _UNSUPPORTED),
        "method-99-aes": (archive([_a(method=99, flags=1)]), _UNSUPPORTED),
        "method-local-differs": (archive([_a(local=Header(method=DEFLATED))]), {}),
        "method-deflated-but-stored": (archive([_a(method=DEFLATED, packed=_A)]), {}),
        "method-stored-but-deflated": (archive([_a(packed=deflated(_A))]), {}),
        "flag-encrypted": (archive([_a(flags=1)]), _UNSUPPORTED),
        "flag-encrypted-local-only": (archive([_a(local=Header(flags=1))]), {}),
        "flag-encrypted-strong": (archive([_a(flags=0x41)]), _UNSUPPORTED),
        "flag-patched": (archive([_a(flags=0x20)]), _UNSUPPORTED),
        "flag-masked-headers": (archive([_a(flags=0x2000)]), _UNSUPPORTED),
        "flag-utf8-name-is-not": (archive([Member(b"\xff\xfe.npy", _A, flags=0x800)]), {}),
    }


def _headers() -> Files:
    """Local and central headers that do not agree or do not fit."""
    return {
        "name-local-differs": (archive([_a(local=Header(name=b"b.npy"))]), {}),
        "name-local-case": (archive([_a(local=Header(name=b"A.npy"))]), {}),
        "name-local-empty": (archive([_a(local=Header(name=b""))]), {}),
        "name-length-local": (archive([_a(local=Header(name_length=60_000))]), {}),
        "name-length-central": (archive([_a(central=Header(name_length=60_000))]), {}),
        "extra-length-local": (archive([_a(local=Header(extra_length=60_000))]), {}),
        "extra-length-local-shifts": (archive([_a(local=Header(extra_length=16))]), {}),
        "extra-length-central": (archive([_a(central=Header(extra_length=60_000))]), {}),
        "extra-field-too-long": (archive([_a(central=Header(extra=struct.pack("<HH", 0x5455, 200)))]), {}),
        "size-local-differs": (archive([_a(local=Header(size=5))]), {}),
        "size-central-less": (archive([_a(central=Header(size=len(_A) - 8, packed_size=len(_A) - 8))]), {}),
        "size-central-more": (archive([_a(central=Header(size=10_000, packed_size=10_000))]), {}),
        "size-stored-differs": (archive([_a(local=Header(size=5), central=Header(size=5))]), {}),
        "size-4g": (archive([_a(local=Header(size=0xFFFF_FFFE), central=Header(size=0xFFFF_FFFE))]), {}),
        "offset-past-end": (archive([_a(central=Header(offset=0x7FFF_FFFF))]), {}),
        "offset-at-directory": (archive([_a(central=Header(offset=len(_A) + 35))]), {}),
        "offset-into-data": (archive([_a(central=Header(offset=40))]), {}),
        "local-signature": (b"PK\3\5" + archive([_a()])[4:], {}),
        "local-signature-second": (_replaced(archive([_a(), _b()]), b"PK\3\4", b"PK\3\5", last=True), {}),
        "central-signature": (_replaced(archive([_a(), _b()]), b"PK\1\2", b"PK\1\3", last=True), {}),
    }


def _replaced(data: bytes, old: bytes, new: bytes, last: bool = False) -> bytes:
    """The data with one place changed."""
    place = data.rindex(old) if last else data.index(old)
    return data[:place] + new + data[place + len(old) :]


def _overlaps() -> Files:
    """Members that share bytes, and bytes that belong to no member."""
    inner = archive([_b()])
    inner = inner[: inner.index(b"PK\1\2")]
    quoted = Member(b"a.npy", _A + inner)
    same = [_a(), Member(b"c.npy", _A, central=Header(name=b"a.npy", offset=0))]
    return {
        "overlap-quoted-member": (archive([quoted, Member(b"b.npy", _B, central=Header(offset=35 + len(_A)))]), {}),
        "overlap-same-local": (archive([_a(), _a(central=Header(offset=0))]), {}),
        "overlap-into-next": (
            archive(
                [
                    _a(
                        local=Header(size=len(_A) + 40, packed_size=len(_A) + 40),
                        central=Header(size=len(_A) + 40, packed_size=len(_A) + 40),
                    ),
                    _b(),
                ]
            ),
            {},
        ),
        "overlap-directory": (
            archive(
                [
                    _a(
                        local=Header(size=len(_A) + 20, packed_size=len(_A) + 20),
                        central=Header(size=len(_A) + 20, packed_size=len(_A) + 20),
                    )
                ]
            ),
            {},
        ),
        "hidden-local-member": (archive([_a(), _b(listed=False)]), {}),
        "gap-between": (archive([_a(after=b"hidden bytes"), _b()]), {}),
        "gap-before-directory": (archive([_a()], before_directory=b"hidden bytes"), {}),
        "gap-before-first": (b"MZ hidden bytes" + archive([_a()]), {}),
        "after-end": (archive([_a()], after=b"hidden bytes"), {}),
        "two-archives": (archive([_a()]) + archive([_b()]), {}),
        "members-one-name-same-offset": (archive(same), {}),
    }


def _end_records() -> Files:
    """End records that lie."""
    both = [_a(), _b()]
    return {
        "end-count-less": (archive([_a(), _b()], End(count=1)), {}),
        "end-count-more": (archive(both, End(count=3)), {}),
        "end-count-zero": (archive([_a()], End(count=0)), {}),
        "end-count-65534": (archive([_a()], End(count=65_534)), {}),
        "end-counts-differ": (archive([_a(), _b()], End(count_here=1)), {}),
        "end-size-less": (archive([_a(), _b()], End(size=51)), {}),
        "end-size-more": (archive([_a()], End(size=100_000)), {}),
        "end-size-zero": (archive([_a()], End(size=0)), {}),
        "end-offset-less": (archive([_a()], End(offset=0)), {}),
        "end-offset-more": (archive([_a()], End(offset=100_000)), {}),
        "end-disk": (archive([_a()], End(disk=1)), {}),
        "end-comment-shorter": (archive([_a()], End(comment_length=10, comment=b"short")), {}),
        "end-comment-longer": (archive([_a()], End(comment_length=2, comment=b"longer")), {}),
        "end-in-comment": (archive([_a()], End(comment=b"PK\5\6" + bytes(18))), {}),
        "end-words-in-comment": (archive([_a()], End(comment=b"of PK\5\6 records")), {}),
        "end-missing": (archive([_a()])[:-22], {}),
        "end-archive-in-comment": (archive([_a()], End(comment=archive([_b()]))), {}),
    }


def _zip64() -> Files:
    """Zip64 records that lie."""
    wide = archive([_a()], End(zip64=True))
    locator = wide.index(b"PK\6\7")
    record = wide.index(b"PK\6\6")
    missing = Header(size=0xFFFF_FFFF, packed_size=0xFFFF_FFFF)
    short = Header(size=0xFFFF_FFFF, packed_size=0xFFFF_FFFF, extra=struct.pack("<HHI", 1, 4, 5))
    huge = Header(size=0xFFFF_FFFF, packed_size=0xFFFF_FFFF, extra=struct.pack("<HHQQ", 1, 16, 1 << 63, (1 << 64) - 1))
    return {
        "zip64-count-huge": (archive([_a()], End(zip64=True, zip64_count=1 << 40)), {}),
        "zip64-locator-past-end": (wide[: locator + 8] + struct.pack("<Q", 1 << 62) + wide[locator + 16 :], {}),
        "zip64-locator-at-start": (wide[: locator + 8] + bytes(8) + wide[locator + 16 :], {}),
        "zip64-locator-disks": (wide[: locator + 16] + struct.pack("<I", 2) + wide[locator + 20 :], {}),
        "zip64-record-size": (wide[: record + 4] + struct.pack("<Q", (1 << 64) - 12) + wide[record + 12 :], {}),
        "zip64-record-signature": (wide[:record] + b"PK\6\0" + wide[record + 4 :], {}),
        "zip64-record-lost": (wide[:record] + wide[locator:], {}),
        "zip64-disagrees": (
            _replaced(wide, b"PK\5\6" + bytes(4) + b"\xff\xff\xff\xff", b"PK\5\6" + bytes(4) + b"\2\0\2\0"),
            {},
        ),
        "zip64-offset-overflow": (wide[: record + 48] + struct.pack("<Q", (1 << 64) - 1) + wide[record + 56 :], {}),
        "zip64-extra-missing": (archive([_a(central=missing)]), {}),
        "zip64-extra-short": (archive([_a(central=short)]), {}),
        "zip64-extra-huge": (archive([_a(central=huge)]), {}),
    }


def _deflate() -> Files:
    """Streams that are no deflate streams, end early, or hold more or less than is declared."""
    packed = deflated(_A)
    bomb = deflated(bytes(1 << 20), 9)

    def with_packed(data: bytes, **fields: Any) -> bytes:
        return archive([_a(method=DEFLATED, packed=data, **fields)])

    less = Header(size=len(_A))
    return {
        "deflate-garbage": (with_packed(bytes(range(7, 250))), {}),
        "deflate-bad-block-type": (with_packed(b"\x07" + packed[1:]), {}),
        "deflate-stored-length": (with_packed(b"\x01\x05\x00\x00\x00hello"), {}),
        "deflate-far-distance": (with_packed(b"\x4b\x04\x82\x00\x00"), {}),
        "deflate-cut": (with_packed(packed[:-5]), {}),
        "deflate-no-data": (with_packed(b""), {}),
        "deflate-trailing": (with_packed(packed + b"trailing"), {}),
        "deflate-two-streams": (with_packed(packed + packed), {}),
        "deflate-zlib-wrapper": (with_packed(zlib.compress(_A)), {}),
        "deflate-gzip-wrapper": (with_packed(zlib.compress(_A, wbits=31)), {}),
        "deflate-declared-less": (with_packed(deflated(_A + bytes(100))), {}),
        "deflate-declared-more": (with_packed(packed, local=Header(size=len(_A) + 1), central=Header(size=len(_A) + 1)), {}),
        "deflate-bomb-under-declared": (with_packed(bomb, local=less, central=less), {}),
        "deflate-ratio-impossible": (with_packed(packed, local=Header(size=1 << 31), central=Header(size=1 << 31)), {}),
        "deflate-empty-with-data": (with_packed(b"\x03\x00"), {}),
    }


def _members() -> Files:
    """Whole archives with members that are no good arrays."""
    header = _A[:128]
    record = _A.replace(b"(3, 4)", b"(3, 5)")
    huge = npy(np.zeros((1, 1000000), "|u1"))[:128].replace(b"(1, 1000000)", b"(99999999,) ")
    return {
        "member-cut": (archive([Member(b"a.npy", _A[:-4]), _b()]), {}),
        "member-header-only": (archive([Member(b"a.npy", header), _b()]), {}),
        "member-header-cut": (archive([Member(b"a.npy", _A[:60]), _b()]), {}),
        "member-shape-lies": (archive([Member(b"a.npy", record), _b()]), {}),
        "member-shape-huge": (archive([Member(b"a.npy", huge), _b()]), {}),
        "member-cut-deflated": (archive([Member(b"a.npy", _A[:-4], DEFLATED), _b()]), {}),
        "member-bad-header": (archive([Member(b"a.npy", _A.replace(b"False", b"false")), _b()]), {}),
        "member-version-4": (archive([Member(b"a.npy", _A[:6] + b"\4" + _A[7:]), _b()]), _UNSUPPORTED),
        "member-negative": (archive([Member(b"a.npy", _A.replace(b"(3, 4)", b"(-1, )"), STORED), _b()]), {}),
    }
