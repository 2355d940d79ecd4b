"""What NumPy and PyTorch make of numbers, for every pair of dtypes that they convert.

  conversions.py FOLDER COUNT SEED
  conversions.py --kernels COUNT SEED

The second form compiles the kernels of Sources/CTensorKernels and compares them itself, on every level of
instructions that this processor has: fast enough for tens of millions of numbers of each dtype.

The first writes SOURCE.bin: all numbers of 8 and 16 bits, or special ones and COUNT random ones of more; and
for each target SOURCE-TARGET.bin, what they become, and SOURCE-TARGET.mask, a byte for each number: 1
where that is defined (C does not define floats outside of an integer's range). Prints the pairs.
"""
import ctypes
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import torch

warnings.simplefilter("ignore")
folder, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random = np.random.default_rng(seed)

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
SMALL = ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz",
         "float8_e8m0fnu"]
FLOATS = SMALL + ["float32", "float64"]
COMPLEX = ["complex32", "bcomplex32", "complex64", "complex128"]
NAMES = [name for name in ["bool"] + INTEGERS + FLOATS + COMPLEX if hasattr(torch, name)]


def dtype(name):
    return getattr(torch, name)


def of_bits(bits, name):
    return torch.from_numpy(bits).view(dtype(name))


def all_codes(name):
    size = dtype(name).itemsize
    unsigned = np.arange(1 << 8 * size, dtype=np.uint32).astype([None, np.uint8, np.uint16][size])
    return of_bits(unsigned, name)


def middles():
    """Numbers at and beside the middles between the neighbours of every small float."""
    found = []
    for name in SMALL:
        codes = all_codes(name).to(torch.float64).numpy()
        codes = np.unique(codes[np.isfinite(codes)])
        near = (codes[1:] + codes[:-1]) / 2
        # All of them in a long run.
        step = 1 if count >= 100000 or len(near) < 1000 else 37
        found.append(near[random.integers(0, step)::step])
    # Past the last number of each.
    found.append(np.array([464, 480, 61440, 65520, 65536, 248, 240, 256, 2.0**127 * 1.5, 3.4e38]))
    found = np.concatenate(found)
    return np.concatenate([found, -found])


def numbers(name):
    kind = dtype(name)
    if name == "bool":
        return torch.tensor([False, True])
    if kind.is_complex:
        part = {"complex32": "float16", "bcomplex32": "bfloat16", "complex64": "float32",
                "complex128": "float64"}[name]
        parts = numbers(part)
        other = parts[torch.from_numpy(random.permutation(len(parts)))]
        # Also some without an imaginary part.
        other[::3] = 0
        raw = torch.stack([parts, other], dim=1).contiguous()
        return raw.view(torch.uint8).flatten().view(kind)
    if kind.itemsize <= 2:
        return all_codes(name)
    # Half of the floats are random bits, half are tame.
    half = count // 2 if kind.is_floating_point else count
    wild = of_bits(random.integers(0, 256, half * kind.itemsize, dtype=np.uint8), name)
    if kind.is_floating_point:
        near = np.float64 if name == "float64" else np.float32
        tame = (random.standard_normal(half) * np.exp2(random.integers(-30, 70, half))).astype(near)
        edges = np.array([0, 0.5, 1, 1.5, 2] + [2.0**k + d for k in range(0, 65) for d in (-1, -0.5, 0, 0.5, 1)])
        special = np.concatenate([middles(), edges, -edges, [np.inf, -np.inf, np.nan, -np.nan]]).astype(near)
        beside = np.concatenate([np.nextafter(special, near(np.inf)), np.nextafter(special, near(-np.inf))])
        parts = [torch.from_numpy(special), torch.from_numpy(beside), torch.from_numpy(tame), wild]
        return torch.cat(parts)
    powers = [sign * 2**k + d for k in range(64) for d in (-1, 0, 1) for sign in (1, -1)]
    low, high = np.iinfo(name).min, np.iinfo(name).max
    special = np.array([p for p in powers + [low, high] if low <= p <= high], dtype=name)
    return torch.cat([torch.from_numpy(special), wild])


def convert(x, source, target):
    # NumPy rounds binary64 to binary16 once; PyTorch rounds to binary32 first.
    if (source, target) in (("float64", "float16"), ("complex128", "float16")):
        return torch.from_numpy((x.real if x.is_complex() else x).numpy().astype(np.float16))
    if target == "complex32" and source in ("float64", "complex128"):
        parts = torch.view_as_real(x if x.is_complex() else torch.complex(x, torch.zeros_like(x)))
        return torch.from_numpy(parts.numpy().astype(np.float16)).view(torch.complex32).flatten()
    return x.to(dtype(target))


def defined(x, source, target):
    if target not in INTEGERS or dtype(source).itemsize == 0 or source in INTEGERS + ["bool"]:
        return np.ones(x.numel(), dtype=np.uint8)
    real = x.real if x.is_complex() else x
    whole = np.trunc(real.to(torch.float64).numpy())
    limits = np.iinfo(target)
    return ((whole >= float(limits.min)) & (whole < float(limits.max) + (1 if limits.max < 2**53 else 0))).astype(np.uint8)


def raw(x):
    return x.contiguous().view(torch.uint8).numpy()


def write():
    """For the tests."""
    pairs, left_out = [], []
    for source in NAMES:
        x = numbers(source)
        raw(x).tofile(f"{folder}/{source}.bin")
        for target in NAMES:
            try:
                y = convert(x, source, target)
            except (RuntimeError, NotImplementedError, TypeError) as error:
                left_out.append([source, target, str(error).split("\n")[0]])
                continue
            raw(y).tofile(f"{folder}/{source}-{target}.bin")
            defined(x, source, target).tofile(f"{folder}/{source}-{target}.mask")
            pairs.append([source, target])
    print(json.dumps({"pairs": pairs, "left_out": left_out}))


# The order of tio_number.
NUMBERS = ["bool"] + INTEGERS + ["float16", "bfloat16", "float32", "float64"] + SMALL[2:]
STOP, SATURATE, WRAP = range(3)


def kernels():
    """Each pair of real dtypes; parts of complex numbers are converted by the same kernels."""
    here = pathlib.Path(__file__).resolve().parents[2] / "Sources/CTensorKernels"
    with tempfile.TemporaryDirectory() as temporary:
        library = f"{temporary}/kernels.so"
        sources = [str(here / "convert.c"), str(here / "parts.c")]
        subprocess.run(["clang", "-O2", "-fPIC", "-shared", f"-I{here}/include", "-o", library, *sources, "-lm"], check=True)
        tio = ctypes.CDLL(library)
    tio.tio_convert.restype = ctypes.c_size_t
    failures = compared = pairs = 0
    for source in NUMBERS:
        x = numbers(source)
        given = raw(x)
        for target in NUMBERS:
            if target == source:
                continue
            expected = convert(x, source, target)
            wanted, isDefined = raw(expected), defined(x, source, target).astype(bool)
            if target not in INTEGERS + ["bool"]:
                isNaN = torch.isnan(expected.to(torch.float32)).numpy()
            # Numbers that C does not define stop the kernels.
            if not isDefined.all():
                kept = x[torch.from_numpy(isDefined)]
                given_here, wanted = raw(kept), wanted.reshape(x.numel(), -1)[isDefined].reshape(-1)
            else:
                kept, given_here = x, given
            pairs += 1
            for level in range(tio.tio_best_level() + 1):
                found = np.empty(len(wanted), dtype=np.uint8)
                done = tio.tio_convert(
                    level, NUMBERS.index(source), NUMBERS.index(target), WRAP, given_here.ctypes.data_as(ctypes.c_void_p),
                    found.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(kept.numel()))
                whole = f"u{dtype(target).itemsize}"
                same = found.view(whole) == wanted.view(whole)
                if target not in INTEGERS + ["bool"] and not same.all():
                    ours = torch.from_numpy(found).view(dtype(target))
                    same |= isNaN & torch.isnan(ours.to(torch.float32)).numpy()
                compared += len(same)
                if done != kept.numel() or not same.all():
                    failures += 1
                    print(f"{source} to {target}, level {level}: {(~same).sum()} differ, {done} of {kept.numel()} done")
    print(f"seed {seed}: {pairs} pairs, {compared:,} conversions compared, {failures} failures")
    sys.exit(failures > 0)


if folder == "--kernels":
    kernels()
else:
    write()
