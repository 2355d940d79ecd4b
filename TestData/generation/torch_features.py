"""What the installed PyTorch can do: the one place that asks. With 1.13, which many distributions have, the live oracle runs too."""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import types
from collections.abc import Iterable
from typing import Any
from unittest import mock

import torch

# How a file is loaded: mapped and not, or the one way that there was before 2.1.
LOADING: tuple[dict[str, bool], ...] = (
    ({"mmap": True}, {"mmap": False}) if "mmap" in inspect.signature(torch.load).parameters else ({},)
)
# Without the function that rebuilds tensors of dtypes without a storage class, torch.save fails on them.
SAVES_V3 = hasattr(torch._utils, "_rebuild_tensor_v3")
SAVES_NESTED = hasattr(torch._utils, "_rebuild_nested_tensor")
# In 1.13 CSR has a function of its own, and the other compressed layouts cannot be saved.
SAVES_ALL_SPARSE = not hasattr(torch._utils, "_rebuild_sparse_csr_tensor")
# 1.13 drops both without a word; what is never in the file cannot be missed there.
SAVES_ATTRIBUTES = hasattr(torch._utils, "_rebuild_parameter_with_state")
SAVES_COALESCED = "is_coalesced" in torch.Tensor._reduce_ex_internal.__code__.co_names


def known_dtypes(names: Iterable[str]) -> list[str]:
    """Those names that are dtypes here; each release has some more."""
    return [name for name in names if hasattr(torch, name)]


def raw_storage(value: Any) -> torch.UntypedStorage:
    """The storage without a type of a tensor or of a typed storage; before 2.0 it had other names."""
    if isinstance(value, torch.UntypedStorage):
        return value
    if isinstance(value, torch.TypedStorage):
        return value._untyped_storage if hasattr(value, "_untyped_storage") else value.untyped()
    return value.untyped_storage() if hasattr(value, "untyped_storage") else value._storage()


def also_allowed(classes: list[type]) -> contextlib.AbstractContextManager:
    """Lets ``weights_only`` load these classes, where it can be told so."""
    safe_globals = getattr(torch.serialization, "safe_globals", None)
    return safe_globals(classes) if safe_globals else contextlib.nullcontext()


def load_with(pickle_module: types.ModuleType, source: Any, **options: Any) -> Any:
    """``torch.load`` with a ``pickle_module``; Debian's 1.13 ignores the one that it is given and uses its own global."""
    if _honors_pickle_module():
        return torch.load(source, pickle_module=pickle_module, weights_only=False, **options)
    with mock.patch.object(torch.serialization, "pickle", pickle_module):
        return torch.load(source, weights_only=False, **options)


@functools.cache
def _honors_pickle_module() -> bool:
    """Whether the module is asked to read what is no archive."""
    probe = types.ModuleType("probe")
    probe.Unpickler = object
    probe.load = mock.Mock(side_effect=EOFError)
    with contextlib.suppress(Exception):  # by the module, or by the bytes
        torch.load(io.BytesIO(b"no archive"), pickle_module=probe, weights_only=False)
    return probe.load.called
