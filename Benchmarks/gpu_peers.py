"""Times PyTorch, and safetensors where it is installed, for what `gpu-check upload` does with the same file.

    gpu_peers.py FILE ROUNDS

Prints the seconds of each round: torch.load(map_location="cuda"), mapped and not, the same with .to(bfloat16), and
safetensors.torch.load_file(device="cuda") of a copy of the file.
"""
import json
import os
import sys
import time

import torch

path, rounds = sys.argv[1], int(sys.argv[2])


def timed(load):
    seconds = []
    for _ in range(rounds):
        torch.cuda.synchronize()
        start = time.perf_counter()
        tensors = load()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
        del tensors
        torch.cuda.empty_cache()
    return seconds


def mapped():
    return {k: t.to("cuda") for k, t in torch.load(path, mmap=True, weights_only=True).items()}


torch.zeros(1, device="cuda")
result = {
    "torch": torch.__version__,
    "device": torch.cuda.get_device_name(0),
    "torch.load(map_location='cuda')": timed(lambda: torch.load(path, map_location="cuda", weights_only=True)),
    "torch.load(mmap=True), .to('cuda')": timed(mapped),
    "torch.load(map_location='cuda'), .to(bfloat16)": timed(
        lambda: {
            k: t.to(torch.bfloat16) for k, t in torch.load(path, map_location="cuda", weights_only=True).items()
        }
    ),
}
try:
    from safetensors.torch import load_file, save_file

    copy = path + ".safetensors"
    save_file(torch.load(path, weights_only=True), copy)
    result["safetensors load_file(device='cuda')"] = timed(lambda: load_file(copy, device="cuda"))
    os.unlink(copy)
except ImportError:
    pass
print(json.dumps(result))
