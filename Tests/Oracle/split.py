"""Compares what `tensorio split` or `sample` wrote with what NumPy takes by the rows of row_order.py.

    split.py INPUT COUNT SEED SIZES OUTPUT...

COUNT is the number of rows, SEED a number or - for the order of the input, SIZES like 8,2. Arrays with
COUNT rows are split, others are whole in every part.
"""

import sys

import numpy as np

from row_order import row_order


def load(path):
    if path.endswith(".npy"):
        return {"": np.load(path)}
    with np.load(path, allow_pickle=True) as archive:
        return {name: archive[name] for name in archive.files}


source, count, seed, sizes, *outputs = sys.argv[1:]
count, sizes = int(count), [int(size) for size in sizes.split(",")]
order = np.arange(count) if seed == "-" else row_order(count, int(seed), 0)
arrays, start = load(source), 0
assert len(sizes) == len(outputs)
for size, output in zip(sizes, outputs):
    rows, part = order[start:start + size], load(output)
    start += size
    assert list(part) == list(arrays), (list(part), list(arrays))
    for name, whole in arrays.items():
        isSplit = whole.ndim > 0 and len(whole) == count
        expected = whole[rows] if isSplit else whole
        assert part[name].dtype == expected.dtype, (name, part[name].dtype, expected.dtype)
        assert part[name].shape == expected.shape, (name, part[name].shape, expected.shape)
        if expected.dtype.hasobject:
            assert part[name].tolist() == expected.tolist(), name
        else:
            assert part[name].tobytes() == np.ascontiguousarray(expected).tobytes(), name
print("same")
