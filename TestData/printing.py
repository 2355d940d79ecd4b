#!/usr/bin/env python3
"""Writes cases of printed arrays: what NumPy and PyTorch print, and the bytes they print it of.

    python3 TestData/printing.py TestData/golden/printing.json
    python3 TestData/printing.py /tmp/many.json --random 6000 --seed 7 --most 1000000

The first form writes the kept file; the second a large one for
`PRINTING_CASES=/tmp/many.json swift test --filter Printing`. Needs numpy, torch and ml_dtypes.
"""
import argparse
import json
import random
import unicodedata
import warnings

import ml_dtypes
import numpy as np
import torch

warnings.simplefilter("ignore")

UNITS = "Y M W D h m s ms us ns ps fs as".split()
PLAIN = {
    "bool": "?", "int8": "i1", "int16": "i2", "int32": "i4", "int64": "i8",
    "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8",
    "float16": "f2", "float32": "f4", "float64": "f8", "longdouble": "g",
    "complex64": "c8", "complex128": "c16", "clongdouble": "G", "object": "O",
}
NARROW = "bfloat16 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu".split()
PAIR = "float4_e2m1fn_x2"


def numpy_dtype(name):
    """The NumPy dtype of a case's dtype, which is a name or a dict of fields."""
    if isinstance(name, dict):
        fields = name["fields"]
        spec = {"names": [], "formats": [], "offsets": [], "titles": [], "itemsize": name["size"]}
        for field in fields:
            base = numpy_dtype(field["dtype"])
            if field.get("big"):
                base = base.newbyteorder(">")
            spec["names"].append(field["name"])
            spec["formats"].append((base, tuple(field["shape"])) if field["shape"] else base)
            spec["offsets"].append(field["offset"])
            spec["titles"].append(field.get("title"))
        if not any(spec["titles"]):
            del spec["titles"]
        return np.dtype(spec)
    if name in PLAIN:
        return np.dtype(PLAIN[name])
    if name in NARROW:
        return np.dtype(getattr(ml_dtypes, name))
    return np.dtype(name)


def torch_text(name, shape, data, options):
    if name == "complex32" or name == PAIR or name in NARROW or name in PLAIN:
        if name in ("longdouble", "clongdouble", "object"):
            return None
        dtype = getattr(torch, name)
        if shape == [] and name == PAIR:
            return None
        if 0 in shape:
            tensor = torch.zeros(shape, dtype=torch.uint8 if name == PAIR else dtype)
            tensor = tensor.view(dtype) if name == PAIR else tensor
        else:
            tensor = torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape)
        if options.get("requires_grad"):
            tensor.requires_grad_(True)
        if options.get("device") == "meta":
            tensor = torch.empty(shape, dtype=dtype, device="meta")
        elif options.get("device"):
            return None
        torch.set_printoptions(
            precision=options.get("precision", 4), threshold=options.get("threshold", 1000),
            edgeitems=options.get("edgeitems", 3), linewidth=options.get("linewidth", 80),
            sci_mode=options.get("scientific"))
        try:
            return repr(tensor)
        except NotImplementedError:
            # Torch cannot summarise some of its own dtypes.
            return None
    return None


def case(name, shape, data, **options):
    """A case; `data` may be shorter than the array, then it repeats."""
    shape = [int(axis) for axis in shape]
    count = int(np.prod(shape, dtype=object))
    size = 1 if name == PAIR else 4 if name == "complex32" else numpy_dtype(name).itemsize
    data = bytes(data) or bytes(size)
    repeats = -(-count * size // len(data)) if data else 1
    full = (data * repeats)[: count * size]
    result = {"dtype": name, "shape": shape, "hex": data[: max(count, 1) * size].hex()}
    if options:
        result["options"] = options
    if name != "complex32" and options.get("scientific") is None:
        if name == PAIR:
            codes = np.frombuffer(full, "u1")
            codes = np.stack([codes & 15, codes >> 4], -1).reshape(
                shape[:-1] + [2 * shape[-1]] if shape else [2])
            array = codes.astype("u1").view(ml_dtypes.float4_e2m1fn)
        else:
            dtype = numpy_dtype(name)
            if dtype.hasobject:
                array = None
            else:
                array = np.ndarray(shape, dtype, bytearray(full) or bytearray(dtype.itemsize))
        if array is not None:
            keys = ("precision", "threshold", "edgeitems", "linewidth", "suppress")
            with np.printoptions(**{key: options[key] for key in keys if key in options}):
                result["str"] = str(array)
                result["repr"] = repr(array)
    if isinstance(name, str):
        text = torch_text(name, shape, full, options)
        if text is not None:
            result["torch"] = text
    return result


def floats(values, name="float64"):
    return np.array(values, numpy_dtype(name)).tobytes()


def record(*fields, size=None):
    """A dtype dict of (name, dtype, shape[, options]) fields, packed unless offsets say otherwise."""
    out, end = [], 0
    for name, dtype, shape, *more in fields:
        extra = more[0] if more else {}
        offset = extra.pop("offset", end)
        field = {"name": name, "dtype": dtype, "shape": list(shape), "offset": offset, **extra}
        end = offset + numpy_dtype(dtype).itemsize * int(np.prod(shape, dtype=int))
        out.append(field)
    return {"fields": out, "size": size or end}


def strings(values, count):
    return np.array(values, f"U{count}").tobytes()


NAN, INF = float("nan"), float("inf")
FLOAT_LISTS = [
    [1.0], [0.0], [-0.0], [1.5, 2.25, -3.125], [1, 2, 3], [-1, 2, 3], [0.1, 0.25, 1 / 3],
    [1e16, 1.0], [1e-5, 1.0], [1e-4, 0.1], [9.9e-5, 0.09], [1e8, 1e5], [99999999.0, 1e6], [5e-324, 1e-310],
    [1.7976931348623157e308, 1.0], [NAN, NAN], [INF, -INF], [NAN, 1.5, -INF], [INF, 1.0, 1000.5],
    [INF, 1e10], [NAN, -1e-10], [0.0, -0.0, 0.0], [1000.0, 1.0], [1000.5, 1.0], [1001.0, 1.0],
    [123456.789, 0.001], [1 / 3] * 12, [1e5 / 7] * 30, [0.30000000000000004, 0.3],
    [2251799813685248.25, 1e12], [1.0, NAN, 3.0], [-1.5, INF], [1e100, 1e-100], [100000.0, 123.0],
    [16777216.0, 16777217.0], [65504.0, 6e-5], [999.0, 1000.0], [0.00010001659393310547, 0.01],
    [0.5, 1.5, 2.5, 3.5], [0.00005, 0.05], [1.00005, 2.00015], [9.99995, 1], [0.99999999999, 2],
]


def picked():
    """The cases made by hand."""
    out = []
    for values in FLOAT_LISTS:
        for name in ("float64", "float32", "float16", "bfloat16"):
            out.append(case(name, [len(values)], floats(values, name)))
        out.append(case("longdouble", [len(values)], floats(values, "longdouble")))
        pairs = [complex(a, b) for a, b in zip(values, values[::-1])]
        name = "complex64" if len(out) % 2 else "complex128"
        out.append(case(name, [len(values)], np.array(pairs, name).tobytes()))
    for value in [0.0, -0.0, 1.5, NAN, INF, -INF, 1e16, 1e15, 1e-4, 1e-5, 1 / 3, 65504.0, 999.5, 1e6, 3.14]:
        for name in ("float64", "float32", "float16", "bfloat16", "longdouble"):
            out.append(case(name, [], floats(value, name)))
        out.append(case("complex128", [], np.array(complex(value, -value)).tobytes()))
        out.append(case("clongdouble", [], np.array(complex(-value, 2), "G").tobytes()))
        out.append(case("complex64", [], np.array(complex(0, value), "c8").tobytes()))
        out.append(case("complex32", [], np.array([value, 1.5], "f2").tobytes()))
    for name, code in PLAIN.items():
        if name == "object":
            continue
        data = bytes(range(1, 200)) if name != "bool" else bytes([1, 0, 0, 1, 1])
        if code in "gG":
            data = np.arange(-3, 9).astype(code).tobytes()
        size = numpy_dtype(name).itemsize
        data = data[: len(data) // size * size]
        large = [[11, 11, 11], [9, 3, 50]] if name in ("int16", "float32", "clongdouble") else []
        for shape in [[0], [0, 3], [2, 0, 1], [], [1], [2, 3], [2, 2, 2], [1, 1, 1, 1], [2000], [40, 40]] + large:
            out.append(case(name, shape, data))
    for name in NARROW + [PAIR, "complex32"]:
        data = bytes(range(256))
        for shape in ([0], [0, 3], [], [5], [6, 7], [1500], [30, 50]):
            offset = random.randrange(60) * 4
            out.append(case(name, shape, data[offset:] + data[:offset]))
        if name != "complex32":
            out.append(case(name, [256], data))
    ends = [0, 1, -1, 12345, 10**9, -(10**17), 2**62, 2**63 - 1, -(2**63) + 1, -(2**63)]
    for unit in UNITS:
        for multiple in ("", "7", "25"):
            for kind in "Mm":
                name = f"{kind}8[{multiple}{unit}]"
                out.append(case(name, [10], np.array(ends).tobytes()))
                out.append(case(name, [], np.array(random.choice(ends)).tobytes()))
    for value in (-719528 - 365, -719528, -719162, -1, 11016, 11017, 11381, 19782, 2932896, 2932897, -800000):
        out.append(case("M8[D]", [2], np.array([value, value + 1]).tobytes()))
    out.append(case("m8", [3], np.array([1, 2, -(2**63)]).tobytes()))
    out.append(case("m8", [], np.array(5).tobytes()))
    out.append(case("M8", [2], np.array([-(2**63)] * 2).tobytes()))
    texts = ["", "a", "it's", '"x"', "'\"", "\t\r\n\\", "\x00a", "\x7f\x80\xa0\xad", "e\u0301\u0301", "\u200b\u2028\ufeff",
             "\U0001f600\U000e0001", "日本語", "\r\n\r\n", "\ue000\u0378", "x" * 9]
    out.append(case("U9", [len(texts)], strings(texts, 9)))
    out.append(case("U9", [3, 5], strings(texts, 9)))
    for text in texts:
        out.append(case("U9", [], strings(text, 9)))
        out.append(case("S30", [], np.array(text.encode()[:30], "S30").tobytes()))
    out.append(case("U200", [3], strings(["long " * 40, "b", "c" * 150], 200)))
    out.append(case("U3", [1200], strings(["abc", "de", "f"], 3)))
    out.append(case("U3", [0], b""))
    data = np.array([text.encode()[:9] for text in texts], "S9").tobytes()
    out.append(case("S9", [len(texts)], data))
    out.append(case("S9", [0, 2], b""))
    out.append(case("S100", [2, 2], np.array([b"q" * 100, b"'", b'"', b"\xff\x00\x01"], "S100").tobytes()))
    out.append(case("V3", [5], bytes(range(15))))
    out.append(case("V1", [], b"a"))
    out.append(case("V40", [2, 2], bytes(range(160))))
    for dtype in records():
        size = numpy_dtype(dtype).itemsize
        for shape in ([3], [], [0], [2, 2]):
            data = np.random.default_rng(len(out)).integers(0, 4, size * 5, dtype="u1").tobytes()
            out.append(case(dtype, shape, record_bytes(dtype, data)))
    values = floats([1.23456789, -0.006, 1e-10, 99.995, 5e4])
    for options in (
        {"precision": 2}, {"precision": 0}, {"precision": 12}, {"threshold": 3, "edgeitems": 1},
        {"threshold": 0, "edgeitems": 2}, {"linewidth": 20}, {"linewidth": 1}, {"suppress": True, "precision": 2},
        {"suppress": True}, {"requires_grad": True}, {"device": "meta"}, {"scientific": True}, {"scientific": False},
    ):
        for shape in ([5], [3, 4], [2, 3, 5]):
            out.append(case("float64", shape, values, **options))
        out.append(case("float32", [4], floats([1, 20, 300, -5], "float32"), **options))
    out.append(case("int64", [7, 8], np.arange(56).tobytes(), threshold=5, edgeitems=2))
    out.append(case("int64", [5], np.arange(5).tobytes(), device="meta"))
    return out


def records():
    """The structured dtypes of the cases."""
    inner = record(("q", "int16", []), ("z", "S3", []))
    return [
        record(("x", "float32", []), ("y", "int64", [])),
        record(("only", "float64", [])),
        record(("b", "bool", []), ("c", "complex64", []), ("k", "bool", [2])),
        record(("d", "float32", [2, 2]), ("e", "M8[s]", []), ("f", "m8[ms]", [])),
        record(("g", inner, []), ("h", "V2", []), ("j", "float16", [])),
        record(("g", inner, [2]), ("u", "int8", [1, 3])),
        record(("a", "int8", []), ("b", "int64", [], {"offset": 8}), size=24),
        record(("a", "float64", [], {"title": "The 'title'"}), ("it's", "uint16", [])),
        record(("a", "float64", [3], {"title": "T"}), ("b", "uint16", [], {"offset": 30}), size=32),
        record(("big", "int32", [], {"big": True}), ("m", "M8[25us]", [2], {"big": True}), ("l", "longdouble", [])),
        record(("bf", "bfloat16", []), ("e5", "float8_e5m2", [2]), ("G", "clongdouble", [])),
        record(("long", "int16", [1200])),
        record(("empty", "float32", [0]), ("n", "uint8", [2, 0])),
    ]


def record_bytes(dtype, data):
    """Bytes for records; long doubles are made valid, since NumPy has no rule for other patterns."""
    if not data:
        return data
    array = np.frombuffer(bytearray(data), numpy_dtype(dtype))
    for field in array.dtype.names:
        if array.dtype[field].char in "gG":
            array[field] = array.view("u1")[0] / array.dtype[field].type(7)
    return array.tobytes()


def random_floats(rng, count):
    kind = rng.integers(0, 9)
    if kind == 0:
        values = rng.standard_normal(count)
    elif kind == 1:
        values = rng.integers(-1000, 1000, count).astype(float)
    elif kind == 2:
        values = rng.standard_normal(count) * 10.0 ** rng.integers(-12, 13, count)
    elif kind == 3:
        values = np.round(rng.standard_normal(count) * 100, rng.integers(0, 6))
    elif kind == 4:
        values = rng.standard_normal(count) * 10.0 ** rng.integers(-6, 10)
    elif kind == 5:
        values = rng.integers(0, 2**64, count, dtype="u8").view("f8")
    elif kind == 6:
        values = rng.integers(0, 2, count) * 1000.0 + rng.integers(0, 3, count) / 4
    elif kind == 7:
        values = rng.integers(0, 2**32, count, dtype="u4").view("f4").astype(float)
    else:
        values = rng.integers(-40, 40, count) / 2.0 ** rng.integers(0, 12)
    special = rng.choice([NAN, INF, -INF, 0.0, -0.0], count)
    share = rng.choice([0, 0, 0.1, 0.5, 1])
    return np.where(rng.random(count) < share, special, values)


def random_case(rng):
    shape = [int(n) for n in rng.integers(0, 8, rng.integers(0, 5))]
    if rng.random() < 0.6:
        shape = [max(n, 1) for n in shape]
    if rng.random() < 0.1:
        shape = rng.choice(["1100", "50 30", "13 2 40", "7 8 9 3", "3 400", "400 3"]).split()
        shape = [int(n) for n in shape]
    count = int(min(np.prod(shape), rng.choice([3, 10, 60])) or 1)
    options = {}
    if rng.random() < 0.25:
        options = {"precision": int(rng.integers(0, 12)), "linewidth": int(rng.integers(1, 130)),
                   "threshold": int(rng.choice([0, 5, 20, 1000])), "edgeitems": int(rng.integers(1, 5))}
        if rng.random() < 0.3:
            options["suppress"] = True
        elif rng.random() < 0.3:
            options["scientific"] = bool(rng.integers(0, 2))
    if rng.random() < 0.1:
        options["device"] = "meta"
    names = ["float64", "float32", "float16", "bfloat16", "longdouble", "complex64", "complex128", "clongdouble"] * 2
    name = str(rng.choice(names + list(PLAIN)[:9] + NARROW + [PAIR, "complex32", "M", "m", "S", "U", "V", "record"]))
    if name == "record":
        name = records()[rng.integers(0, len(records()) - 2)]
    if isinstance(name, dict):
        size = numpy_dtype(name).itemsize
        bits = rng.integers(0, rng.choice([3, 100, 256]), size * count, dtype="u1")
        return case(name, shape, record_bytes(name, bits.tobytes()), **options)
    if name in ("M", "m"):
        unit = rng.choice(UNITS)
        name = f"{name}8[{rng.choice(['', 3, 12, 1000])}{unit}]"
        values = rng.integers(-(2**62), 2**62, count) >> int(rng.integers(0, 62))
        values = np.where(rng.random(count) < rng.choice([0, 0.3]), -(2**63), values)
        return case(name, shape, values.tobytes(), **options)
    if name == "U":
        width = int(rng.integers(1, 12))
        top = rng.choice([128, 0x300, 0x3000, 0xd800])
        codes = rng.integers(0, top, (count, width), dtype="u4")
        # Python and Swift may know different versions of Unicode.
        codes = np.vectorize(lambda c: ord("?") if unicodedata.category(chr(c)) == "Cn" else c)(codes).astype("u4")
        return case(f"U{width}", shape, codes.tobytes(), **options)
    if name in "SV":
        width = int(rng.integers(1, 12))
        return case(f"{name}{width}", shape, rng.bytes(width * count), **options)
    if name == "bool":
        return case(name, shape, rng.integers(0, 2, count, dtype="u1").tobytes(), **options)
    if name in NARROW + [PAIR, "complex32"] or name.startswith(("int", "uint")):
        size = 1 if name == PAIR else 4 if name == "complex32" else numpy_dtype(name).itemsize
        data = rng.bytes(size * count)
        if name[-2:] in ("32", "64", "16") and "int" in name and rng.random() < 0.5:
            data = (np.frombuffer(data, name) >> int(rng.integers(0, 8 * size - 1))).tobytes()
        return case(name, shape, data, **options)
    values = random_floats(rng, count)
    if "long" in name:
        values = values.astype("g") * np.longdouble(1 if rng.random() < 0.5 else "1.00000000000000000011")
    if name.startswith("c"):
        values = values + np.zeros(count, numpy_dtype(name))
        values.imag = random_floats(rng, count)
    return case(name, shape, values.astype(numpy_dtype(name)).tobytes(), **options)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--random", type=int, default=85)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=13000, help="leave out longer cases")
    args = parser.parse_args()
    random.seed(args.seed)
    rng = np.random.default_rng(args.seed)
    cases = picked() + [random_case(rng) for _ in range(args.random)]
    cases = [item for item in cases if len(json.dumps(item)) < args.most]
    with open(args.out, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
