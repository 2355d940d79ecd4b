"""A zip writer that can lie: every field of every record may be set."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

STORED, DEFLATED, BZIP2, LZMA = 0, 8, 12, 14
_SENTINEL16, _SENTINEL32 = 0xFFFF, 0xFFFF_FFFF
_DATE = 0x0021  # 1980-01-01


def deflated(data: bytes, level: int = 6) -> bytes:
    """A raw deflate stream."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@dataclass
class Header:
    """The fields that a local and a central header share; ``None`` means the true value."""

    name: bytes | None = None
    flags: int | None = None
    method: int | None = None
    crc: int | None = None
    packed_size: int | None = None
    size: int | None = None
    extra: bytes = b""
    name_length: int | None = None
    extra_length: int | None = None
    offset: int | None = None  # central only


@dataclass
class Member:
    """One member: its data, how they are packed, and what its two headers claim."""

    name: bytes
    data: bytes
    method: int = STORED
    flags: int = 0
    packed: bytes | None = None
    local: Header = field(default_factory=Header)
    central: Header = field(default_factory=Header)
    after: bytes = b""  # a data descriptor, or a gap
    listed: bool = True
    zip64: bool = False
    external: int = 0o600 << 16

    @property
    def payload(self) -> bytes:
        """The bytes between the local header and the next record."""
        if self.packed is not None:
            return self.packed
        return deflated(self.data) if self.method == DEFLATED else self.data


@dataclass
class End:
    """What the end record claims; ``None`` means the true value."""

    count: int | None = None
    count_here: int | None = None
    size: int | None = None
    offset: int | None = None
    disk: int = 0
    comment: bytes = b""
    comment_length: int | None = None
    zip64: bool = False
    zip64_count: int | None = None


def archive(members: list[Member], end: End | None = None, *, before_directory: bytes = b"", after: bytes = b"") -> bytes:
    """The archive as bytes."""
    body, offsets = bytearray(), []
    for member in members:
        offsets.append(len(body))
        body += _local(member) + member.payload + member.after
    body += before_directory
    start = len(body)
    listed = [(member, offset) for member, offset in zip(members, offsets, strict=True) if member.listed]
    for member, offset in listed:
        body += _central(member, offset)
    return bytes(body) + _end(end or End(), len(listed), start, len(body) - start) + after


def _fields(member: Member, header: Header) -> tuple[bytes, bytes, bytes]:
    """The fields from the flags to the lengths, the name, and the extra area."""
    name = member.name if header.name is None else header.name
    packed_size = len(member.payload) if header.packed_size is None else header.packed_size
    size = len(member.data) if header.size is None else header.size
    extra = header.extra
    if member.zip64:
        offset = b"" if header is member.local else struct.pack("<Q", header.offset or 0)
        extra += struct.pack("<HHQQ", 1, 16 + len(offset), size, packed_size) + offset
        size = packed_size = _SENTINEL32
    packed = struct.pack(
        "<HHHHIIIHH",
        member.flags if header.flags is None else header.flags,
        member.method if header.method is None else header.method,
        0,
        _DATE,
        zlib.crc32(member.data) if header.crc is None else header.crc,
        packed_size,
        size,
        len(name) if header.name_length is None else header.name_length,
        len(extra) if header.extra_length is None else header.extra_length,
    )
    return packed, name, extra


def _local(member: Member) -> bytes:
    """A local file header."""
    packed, name, extra = _fields(member, member.local)
    return b"PK\3\4" + struct.pack("<H", 45 if member.zip64 else 20) + packed + name + extra


def _central(member: Member, offset: int) -> bytes:
    """A central directory header."""
    if member.central.offset is None:
        member.central.offset = offset
    packed, name, extra = _fields(member, member.central)
    tail = struct.pack("<HHHII", 0, 0, 0, member.external, _SENTINEL32 if member.zip64 else member.central.offset)
    return b"PK\1\2" + struct.pack("<HH", 0x0300 | 45, 45 if member.zip64 else 20) + packed + tail + name + extra


def _end(end: End, count: int, start: int, size: int) -> bytes:
    """The end records: the plain one and, when asked for, the zip64 pair before it."""
    count = count if end.count is None else end.count
    here = count if end.count_here is None else end.count_here
    size = size if end.size is None else end.size
    offset = start if end.offset is None else end.offset
    records = b""
    if end.zip64:
        wide = count if end.zip64_count is None else end.zip64_count
        records = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 0x0300 | 45, 45, 0, 0, wide, wide, size, offset)
        records += b"PK\6\7" + struct.pack("<IQI", 0, start + size, 1)
        here, count, size, offset = _SENTINEL16, _SENTINEL16, _SENTINEL32, _SENTINEL32
    length = len(end.comment) if end.comment_length is None else end.comment_length
    plain = b"PK\5\6" + struct.pack("<HHHHIIH", end.disk, end.disk, here, count, size, offset, length)
    return records + plain + end.comment
