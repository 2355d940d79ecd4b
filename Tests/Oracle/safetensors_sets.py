"""Writes random sets of tensors with the official safetensors, and checks what was read of them.

  safetensors_sets.py write FOLDER COUNT SEED
  safetensors_sets.py check FOLDER COUNT SEED
"""

import hashlib
import json
import random
import sys

import safetensors
import torch
from safetensors.torch import load_file, save_file

DTYPES = [
    torch.uint64, torch.int64, torch.float64, torch.complex64, torch.float32, torch.uint32,
    torch.int32, torch.bfloat16, torch.float16, torch.uint16, torch.int16, torch.float8_e5m2fnuz,
    torch.float8_e4m3fnuz, torch.float8_e8m0fnu, torch.float8_e4m3fn, torch.float8_e5m2, torch.int8,
    torch.uint8, torch.bool, torch.float4_e2m1fn_x2,
]
LETTERS = ["a", "b", "layer.0.", "weight", "é", "e\u0301", "\"", "\\", "\n", "\u0001", "/", "日", "😀",
           " ", "\x7f", "\u2028", "<", "bias"]


def tensors(number, seed):
    """The set with this number: the same each time."""
    rng = random.Random(f"{seed}/{number}")
    found = {}
    for _ in range(rng.choice([0, 1, 2, 3, 7, 20])):
        name = "".join(rng.choice(LETTERS) for _ in range(rng.randint(0, 5)))
        if name == "__metadata__":
            continue
        dtype = rng.choice(DTYPES)
        shape = [rng.choice([0, 1, 2, 3, 5, 17]) for _ in range(rng.randint(0, 4))]
        if dtype == torch.float4_e2m1fn_x2 and not shape:
            shape = [3]
        count = 1
        for axis in shape:
            count *= axis
        size = torch.empty(0, dtype=dtype).element_size()
        if dtype == torch.bool:
            data = bytes(rng.randint(0, 1) for _ in range(count))
        else:
            data = rng.randbytes(count * size)
        raw = torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else torch.empty(0, dtype=torch.uint8)
        found[name] = raw.clone().view(dtype).reshape(shape)
    # The official writer keeps several texts in no order.
    metadata = rng.choice([None, {"format": "pt"}, {rng.choice(LETTERS): rng.choice(LETTERS)}])
    return found, metadata


def write(folder, count, seed):
    for number in range(count):
        found, metadata = tensors(number, seed)
        save_file(found, f"{folder}/{number}.safetensors", metadata=metadata)


def check(folder, count, seed):
    total = 0
    for number in range(count):
        found, metadata = tensors(number, seed)
        with open(f"{folder}/{number}.json") as file:
            said = json.load(file)
        assert dict(said["metadata"]) == (metadata or {}), number
        assert len(said["tensors"]) == len(found), number
        for name, dtype, shape, digest in said["tensors"]:
            tensor = found[name]
            assert f"torch.{dtype}" == str(tensor.dtype), (number, name, dtype)
            assert shape == list(tensor.shape), (number, name, shape)
            raw = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
            assert digest == hashlib.sha256(raw).hexdigest(), (number, name)
        loaded = load_file(f"{folder}/{number}.copy.safetensors")
        assert set(loaded) == set(found), number
        for name, tensor in loaded.items():
            assert tensor.dtype == found[name].dtype and tensor.shape == found[name].shape
            one, other = (t.contiguous().reshape(-1).view(torch.uint8) for t in (tensor, found[name]))
            assert torch.equal(one, other), (number, name)
            total += 1
    print(f"{count} sets, {total} tensors, safetensors {safetensors.__version__}")


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](sys.argv[2], int(sys.argv[3]), sys.argv[4])
