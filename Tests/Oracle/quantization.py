"""Quantized tensors with the numbers that PyTorch made them of and makes of them.

  quantization.py FOLDER SEED

Writes SCHEME-DTYPE.pt: a dictionary of the numbers `x`, the quantized tensor `q`, and its numbers `back`. Prints the
cases, and those that this PyTorch cannot make.
"""
import json
import sys
import warnings

import numpy as np
import torch

warnings.simplefilter("ignore")
folder, seed = sys.argv[1], int(sys.argv[2])
random = np.random.default_rng(seed)
left_out = []


def quantized():
    """Quantized tensors of two axes with the numbers they were made of and became again."""
    for scheme in ["tensor", "channel", "float"]:
        for name in ["qint8", "quint8", "qint32", "quint4x2", "quint2x4"]:
            if scheme == "float" and not name.startswith("quint") or scheme == "channel" and "x" in name:
                continue
            scales = torch.from_numpy(random.uniform(0.001, 0.5, 40))
            zeros = torch.from_numpy(random.integers(0, 3, 40))
            axis = 0 if scheme == "float" else 1
            shape = (40, 64) if axis == 0 else (64, 40)
            steps = scales[:, None] if axis == 0 else scales[None]
            # Many near the middle between two integers.
            middles = torch.from_numpy(random.integers(-300, 300, shape) + 0.5)
            x = (middles * (scales[0] if scheme == "tensor" else steps)).to(torch.float32)
            try:
                if scheme == "tensor":
                    q = torch.quantize_per_tensor(x, scales[0].item(), zeros[0].item(), getattr(torch, name))
                else:
                    if scheme == "float":
                        scales, zeros = scales.to(torch.float32), zeros.to(torch.float32) + 0.25
                    q = torch.quantize_per_channel(x, scales, zeros, axis, getattr(torch, name))
                back = q.dequantize()
            except (RuntimeError, NotImplementedError) as error:
                left_out.append([scheme, name, str(error).split("\n")[0]])
                continue
            case = f"{scheme}-{name}"
            torch.save({"x": x, "q": q, "back": back}, f"{folder}/{case}.pt")
            yield case


print(json.dumps({"cases": list(quantized()), "left_out": left_out}))
