"""``demo``: a small, believable checkpoint and data set for demonstrations."""

from __future__ import annotations

import numpy as np

from . import npy_valid, npz_valid
from .files import Output

_SEED = 1998
_CLASSES = 10
_SIDE = 8
_COUNT = 200
_README = """\
# Demo files

Made by `generate.py` with NumPy; the images are noise around ten blurred shapes, not MNIST.

- `mnist-mlp.npz`: the weights of a perceptron 64-64-10 in float32, one array a parameter: `fc1/weight`, `fc1/bias`,
  `fc2/weight`, `fc2/bias`; also `step` (a 0-d int64) and `class_names` (text). It was trained for {epochs} epochs and
  reaches {accuracy:.1%} on its training images.
- `labels.npy`: the {count} labels, uint8.
- `features-fortran.npy`: the {count} images of 8 x 8 pixels as rows of float32, in Fortran order.
- `catalog.npy`: one record an image: identifier, label, file name, date, brightness, bounding box (a subarray).
"""


def add(output: Output) -> None:
    """Writes the demo files; their elements are recorded with the others'."""
    features, labels = _data(np.random.default_rng(_SEED))
    parameters, accuracy, epochs = _trained(features, labels, np.random.default_rng(_SEED + 1))
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    model = {**parameters, "step": np.array(epochs * 10, "<i8"), "class_names": names}
    npz_valid.record(output, output.write("demo/mnist-mlp.npz", npz_valid.saved(**model)), {"demo": True})
    arrays = {"labels": labels, "features-fortran": np.asfortranarray(features), "catalog": _catalog(features, labels)}
    for name, array in arrays.items():
        npy_valid.record(output, output.write(f"demo/{name}.npy", npz_valid.npy(array)), notes={"demo": True})
    output.write("demo/README.md", _README.format(count=_COUNT, accuracy=accuracy, epochs=epochs).encode())


def _data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Images around one pattern a class, rounded to 1/255 as pixels are, and their labels."""
    patterns = rng.random((_CLASSES, _SIDE, _SIDE))
    for axis in (1, 2):
        patterns = (np.roll(patterns, 1, axis) + patterns + np.roll(patterns, -1, axis)) / 3
    labels = rng.integers(0, _CLASSES, _COUNT).astype(np.uint8)
    images = patterns[labels].reshape(_COUNT, -1) + rng.normal(0, 0.08, (_COUNT, _SIDE * _SIDE))
    pixels = np.rint(np.clip(images, 0, 1) * 255)
    return (pixels / 255).astype(np.float32), labels


def _trained(features: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], float, int]:
    """A perceptron after gradient descent; without BLAS, so that every machine gets the same bytes."""
    width, epochs, rate = _SIDE * _SIDE, 60, 0.5
    w1, b1 = rng.normal(0, 0.2, (width, width)), np.zeros(width)
    w2, b2 = rng.normal(0, 0.2, (_CLASSES, width)), np.zeros(_CLASSES)
    inputs = features.astype(np.float64) - 0.5
    targets = np.eye(_CLASSES)[labels]
    for _ in range(epochs):
        hidden = np.maximum(_product(inputs, w1.T) + b1, 0)
        scores = _product(hidden, w2.T) + b2
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        error = (shares / shares.sum(axis=1, keepdims=True) - targets) / len(inputs)
        back = _product(error, w2) * (hidden > 0)
        w2, b2 = w2 - rate * _product(error.T, hidden), b2 - rate * error.sum(axis=0)
        w1, b1 = w1 - rate * _product(back.T, inputs), b1 - rate * back.sum(axis=0)
    accuracy = float((scores.argmax(axis=1) == labels).mean())
    named = {"fc1/weight": w1, "fc1/bias": b1, "fc2/weight": w2, "fc2/bias": b2}
    return {name: np.round(value, 6).astype(np.float32) for name, value in named.items()}, accuracy, epochs


def _product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """A matrix product in a fixed order of additions."""
    return np.einsum("ik,kj->ij", left, right, optimize=False)


def _catalog(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A table with a record for each image."""
    dtype = [
        ("id", "<u4"),
        ("label", "|u1"),
        ("file", "S16"),
        ("taken", "<M8[D]"),
        ("brightness", "<f4"),
        ("box", "<i2", (2, 2)),
        (("split of the set", "split"), "<U5"),
    ]
    catalog = np.zeros(len(labels), dtype)
    catalog["id"] = np.arange(len(labels))
    catalog["label"] = labels
    catalog["file"] = [b"img_%05d.png" % i for i in range(len(labels))]
    catalog["taken"] = np.datetime64("2024-01-01") + np.arange(len(labels)) % 366
    catalog["brightness"] = np.rint(features.astype(np.float64).mean(axis=1) * 255) / 255
    catalog["box"] = [[1, 1], [_SIDE - 1, _SIDE - 1]]
    catalog["split"] = np.where(np.arange(len(labels)) % 5 == 0, "test", "train")
    return catalog
