"""Writing files of PyTorch so that the same content gives the same bytes: saving, rewriting archives, assembling pickles."""

from __future__ import annotations

import contextlib
import io
import pickle
import struct
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

import torch

_DATE = (1980, 1, 1, 0, 0, 0)
_ADDRESS = 94_622_673_431_584  # of a storage, as the keys of legacy streams are


def saved(root: Any, protocol: int = 2, **options: Any) -> bytes:
    """What ``torch.save`` writes to a stream."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(root, stream, pickle_protocol=protocol, **options)
    return stream.getvalue()


def legacy(root: Any, protocol: int = 2) -> bytes:
    """The stream of before 1.6, with keys that do not depend on addresses."""
    with _numbered_keys():
        return saved(root, protocol, _use_new_zipfile_serialization=False)


def pickled(root: Any, protocol: int) -> bytes:
    """A bare pickle; each storage in it is a legacy stream."""
    with _numbered_keys():
        return pickle.dumps(root, protocol)


@contextlib.contextmanager
def _numbered_keys() -> Iterator[None]:
    """Replaces the addresses of storages, and the source of modules, by texts that are always the same."""
    keys: dict[int, str] = {}

    class Keys:
        """Stands for ``str`` in ``torch.serialization``, which turns addresses into keys with it; out of order, as addresses are."""

        def __new__(cls, address: Any) -> str:
            if not isinstance(address, int):
                return str(address)
            return keys.setdefault(address, str(_ADDRESS + 64 * (len(keys) * 37 + 11) % 6464))

    module, source = torch.serialization, torch.serialization.get_source_lines_and_file
    module.str = Keys
    module.get_source_lines_and_file = lambda kind: ([f"class {kind.__name__}(Module):\n"], 0, f"/usr/lib/{kind.__name__}.py")
    try:
        yield
    finally:
        del module.str
        module.get_source_lines_and_file = source


def records(data: bytes) -> dict[str, bytes]:
    """The records of an archive without their prefix, in order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def zipped(
    members: dict[str, bytes], prefix: str = "archive", method: int = zipfile.ZIP_STORED, *, wide: bool = False
) -> bytes:
    """An archive of Python's zipfile: nothing aligned, every record packed by one method."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(f"{prefix}/{name}", _DATE)
            info.compress_type = method
            with archive.open(info, "w", force_zip64=wide) as member:
                member.write(data)
    return stream.getvalue()


def minimal(pickle_bytes: bytes, storages: dict[str, bytes], version: bytes = b"3\n", **more: bytes) -> dict[str, bytes]:
    """The records of torch 1.6: the pickle, the storages, the version."""
    data = {f"data/{key}": content for key, content in storages.items()}
    return {"data.pkl": pickle_bytes} | data | more | {"version": version}


def op_global(module: str, name: str) -> bytes:
    """GLOBAL."""
    return f"c{module}\n{name}\n".encode()


def op_text(text: str) -> bytes:
    """BINUNICODE."""
    return b"X" + struct.pack("<I", len(text.encode())) + text.encode()


def op_short(text: bytes) -> bytes:
    """SHORT_BINSTRING, as Python 2 writes ``str``."""
    return b"U" + bytes([len(text)]) + text


def op_int(value: int) -> bytes:
    """The shortest of BININT1, BININT2, BININT and LONG1."""
    if 0 <= value < 1 << 8:
        return b"K" + bytes([value])
    if 0 <= value < 1 << 16:
        return b"M" + struct.pack("<H", value)
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    size = value.bit_length() // 8 + 1
    return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)


def op_tuple(*items: bytes) -> bytes:
    """A tuple of items that leave one value each."""
    return b"(" + b"".join(items) + b"t"


def op_ints(numbers: tuple[int, ...]) -> bytes:
    """A tuple of ints."""
    return op_tuple(*map(op_int, numbers))


def op_call(module: str, name: str, *arguments: bytes) -> bytes:
    """A function called by REDUCE."""
    return op_global(module, name) + op_tuple(*arguments) + b"R"


def op_dict(pairs: dict[bytes, bytes]) -> bytes:
    """A dictionary."""
    return b"}(" + b"".join(key + value for key, value in pairs.items()) + b"u"


def op_storage(kind: tuple[str, str], key: bytes, numel: int, location: bytes | None = None, *more: bytes) -> bytes:
    """A storage by BINPERSID."""
    return op_tuple(op_text("storage"), op_global(*kind), key, location or op_text("cpu"), op_int(numel), *more) + b"Q"


def op_tensor(
    storage: bytes, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *more: bytes, grad: bytes = b"\x89"
) -> bytes:
    """``_rebuild_tensor_v2``, or ``_v3`` when there is more; the hooks are an empty OrderedDict."""
    function = "_rebuild_tensor_v3" if more else "_rebuild_tensor_v2"
    hooks = op_call("collections", "OrderedDict")
    return op_call("torch._utils", function, storage, op_int(offset), op_ints(shape), op_ints(strides), grad, hooks, *more)


def program(body: bytes, protocol: int | None = 2) -> bytes:
    """A whole pickle."""
    return (b"" if protocol is None else b"\x80" + bytes([protocol])) + body + b"."
