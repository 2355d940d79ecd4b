"""The order of a dataset's rows, as Specs/datasets.md defines it, in NumPy.

row_order.py COUNT SEED EPOCH [BLOCK_ROWS WINDOW] prints the first and last eight rows and the SHA-256
of all rows as little-endian 64-bit integers.
"""

import hashlib
import math
import sys

import numpy as np

STEP = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def mixed(z):
    """The finaliser of SplitMix64, of Python's integers or of NumPy's."""
    if isinstance(z, int):
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def permutation(count, *numbers):
    """The whole permutation of range(count) that three numbers choose."""
    state = 0
    for number in numbers:
        state = mixed(((state ^ (number & MASK)) + STEP) & MASK)
    keys = [mixed((state + (i + 1) * STEP) & MASK) for i in range(16)]
    columns = max(2, math.isqrt(max(count - 1, 0)) + 1)
    columns += columns % 2
    rows = max(1, -(-count // columns))

    def hashed(part, key, bound):
        return ((mixed(part ^ np.uint64(key)) >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32)

    def network(values):
        left, right = values // np.uint64(rows), values % np.uint64(rows)
        for i in range(0, 16, 2):
            left = (left + hashed(right, keys[i], columns)) % np.uint64(columns)
            right = (right + hashed(left, keys[i + 1], rows)) % np.uint64(rows)
        return left * np.uint64(rows) + right

    values = network(np.arange(count, dtype=np.uint64))
    while (outside := values >= count).any():
        values[outside] = network(values[outside])
    return values.astype(np.int64)


def row_order(count, seed, epoch, block_rows=None, window=None):
    """The rows of one epoch."""
    if count == 0 or block_rows is None:
        return permutation(count, seed, epoch, 0)
    size = min(block_rows, count)
    blocks = permutation(-(-count // size), seed, epoch, 0)
    order = []
    for number, first in enumerate(range(0, len(blocks), min(window, len(blocks)))):
        rows = np.concatenate([
            np.arange(block * size, min((block + 1) * size, count))
            for block in blocks[first:first + min(window, len(blocks))]
        ])
        order.append(rows[permutation(len(rows), seed, epoch, number + 1)])
    return np.concatenate(order)


if __name__ == "__main__":
    order = row_order(*map(int, sys.argv[1:]))
    assert (np.sort(order) == np.arange(len(order))).all()
    print(*order[:8], "...", *order[-8:])
    print(hashlib.sha256(order.astype("<i8").tobytes()).hexdigest())
