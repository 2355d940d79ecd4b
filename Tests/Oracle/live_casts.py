"""A checkpoint for `tensorio convert --dtype`, and what PyTorch says of the result.

live_casts.py make FILE        writes the checkpoint
live_casts.py check FILE FILE  compares a conversion of it with PyTorch's own
"""

import collections
import sys

import numpy
import torch


def special(count, generator):
    """Random numbers of every size, ties between bfloat16 numbers, and the special ones."""
    bits = torch.randint(-(1 << 31), 1 << 31, (count,), generator=generator, dtype=torch.int64)
    bits[::5] = bits[::5] & ~0xFFFF | 0x8000
    bits[::7] = bits[::7] & ~0xFFFF | 0x18000
    numbers = bits.to(torch.int32).view(torch.float32)
    numbers[:6] = torch.tensor([0.0, -0.0, torch.inf, -torch.inf, torch.nan, 1e-45])
    return numbers


def make(path):
    generator = torch.Generator().manual_seed(11)
    weight = special(64 * 48, generator).view(64, 48)
    base = special(400, generator)
    model = collections.OrderedDict()
    model["embed.weight"] = weight
    model["head.weight"] = weight.detach()
    model["view"] = base[100:300].view(10, 20)
    model["column"] = base.view(20, 20)[:, 3]
    model["transposed"] = special(60, generator).view(10, 6).t()
    model["norm.weight"] = special(33, generator)
    model["double"] = special(200, generator).to(torch.float64) * 1.0000000001
    model["labels"] = torch.arange(5)
    model["mask"] = torch.tensor([True, False])
    model["scalar"] = torch.tensor(2.7)
    model["empty"] = torch.zeros(0, 3)
    model["parameter"] = torch.nn.Parameter(special(12, generator))
    model["complex"] = torch.view_as_complex(special(40, generator).view(20, 2)).conj()
    torch.save({"model": model, "epoch": 3, "extra": [special(10, generator), "text"]}, path)


def bits(tensor):
    """The bits of numbers; every NaN alike, as PyTorch's depend on the instructions it uses."""
    tensor = tensor.detach().resolve_conj().contiguous()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
    tensor = tensor.reshape(-1).clone()
    if tensor.is_floating_point():
        tensor[tensor.isnan()] = torch.nan
    return tensor.view(torch.uint8)


def check(original, converted):
    torch.set_warn_always(True)
    before = torch.load(original, weights_only=True)
    after = torch.load(converted, weights_only=True, mmap=True)
    assert list(before) == list(after) and after["epoch"] == 3 and after["extra"][1] == "text"
    pairs = [(name, old, after["model"][name]) for name, old in before["model"].items()]
    pairs.append(("extra", before["extra"][0], after["extra"][0]))
    for name, old, new in pairs:
        expected = old
        if old.dtype == torch.float32 and "norm" not in name or name == "double":
            expected = old.to(torch.bfloat16)
        assert new.dtype == expected.dtype, (name, new.dtype)
        assert new.shape == old.shape, name
        assert new.requires_grad == old.requires_grad and type(new) is type(old), name
        assert new.stride() == old.stride() or name == "column", (name, new.stride())
        assert new.is_conj() == old.is_conj(), name
        different = (bits(new) != bits(expected)).sum().item()
        assert different == 0, f"{name}: {different} bytes differ"
    storage = lambda name: after["model"][name].untyped_storage().data_ptr()
    assert storage("embed.weight") == storage("head.weight")
    assert storage("view") == storage("column")
    print(len(pairs), "tensors are what PyTorch makes of them")


def check_npz(original, converted):
    before = torch.load(original, weights_only=True)["model"]
    after = numpy.load(converted)
    for name in ["embed.weight", "transposed", "view", "column", "scalar", "empty", "double"]:
        with numpy.errstate(over="ignore", invalid="ignore"):
            expected = before[name].numpy().astype(numpy.float16)
        found = after[name]
        if found.ndim == 2 and found.size > 0:
            assert found.flags.f_contiguous == (name == "transposed"), name
        assert found.dtype == numpy.float16 and found.shape == expected.shape, name
        found, expected = found.copy(), expected.copy()
        # NumPy leaves signalling NaNs as they are.
        found[numpy.isnan(found)] = expected[numpy.isnan(expected)] = numpy.nan
        assert found.tobytes() == expected.tobytes(), name
        assert found.flags.f_contiguous == expected.flags.f_contiguous or found.ndim < 2, name
    assert after["labels"].dtype == numpy.int64
    print("arrays are what NumPy makes of them")


if __name__ == "__main__":
    command = {"make": make, "check": check, "check-npz": check_npz}[sys.argv[1]]
    command(*sys.argv[2:])
