"""Makes ``Examples/Digits/digits.npz``: pictures of the digits 0 to 9, drawn from installed fonts.

    python TestData/digits.py           writes the file
    python TestData/digits.py --check   makes it again and compares

Every picture has a random font, size, angle, place, contrast and noise, from a generator of its own that is seeded
with the picture's number. The versions of Pillow and FreeType and the fonts' bytes decide every pixel: where they are
others than those named below, the file is neither compared nor written (but with ``--any-version``). Needs NumPy and
Pillow, and Debian's packages fonts-dejavu-extra and fonts-liberation2.

A linear model (softmax, 30 epochs of gradient descent over pixels / 255) gets 96 to 97 % of the test pictures right.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import io
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).resolve().parent.parent / "Examples/Digits/digits.npz"
_PILLOW, _FREETYPE = "13.0.0", "2.14.3"
_FONTS_SHA256 = "dacd9ce788fc57a3"  # its first eight bytes

_SEED = 16
_SIDE = 16  # pixels
_FINE = 4  # drawn so many times larger in each direction, then averaged
_TRAIN, _TEST = 1600, 400
_FOLDER = Path("/usr/share/fonts/truetype")
_FONTS = (
    "dejavu/DejaVuSans.ttf",
    "dejavu/DejaVuSans-Bold.ttf",
    "dejavu/DejaVuSans-Oblique.ttf",
    "dejavu/DejaVuSansCondensed.ttf",
    "dejavu/DejaVuSansMono.ttf",
    "dejavu/DejaVuSerif.ttf",
    "dejavu/DejaVuSerif-Bold.ttf",
    "dejavu/DejaVuSerif-Italic.ttf",
    "liberation2/LiberationMono-Regular.ttf",
    "liberation2/LiberationMono-Bold.ttf",
    "liberation2/LiberationSans-Regular.ttf",
    "liberation2/LiberationSans-Bold.ttf",
    "liberation2/LiberationSans-Italic.ttf",
    "liberation2/LiberationSerif-Regular.ttf",
    "liberation2/LiberationSerif-Bold.ttf",
    "liberation2/LiberationSerif-Italic.ttf",
)


def why_not() -> str | None:
    """Why the file cannot be made here at all."""
    if importlib.util.find_spec("PIL") is None:
        return "Pillow is not installed"
    missing = [name for name in _FONTS if not (_FOLDER / name).exists()]
    return f"the font {_FOLDER / missing[0]} is not installed" if missing else None


def other_versions() -> str | None:
    """What here is not as it was when the file was made."""
    from PIL import __version__, features  # late, as it may not be there

    digest = hashlib.sha256(b"".join((_FOLDER / name).read_bytes() for name in _FONTS)).hexdigest()
    here = {"Pillow": __version__, "FreeType": features.version("freetype2"), "fonts": digest[:16]}
    made_with = {"Pillow": _PILLOW, "FreeType": _FREETYPE, "fonts": _FONTS_SHA256}
    return None if here == made_with else f"made with {made_with}, here is {here}"


def made() -> bytes:
    """The file: ``x_train``, ``y_train``, ``x_test``, ``y_test``; all uint8, stored."""
    from PIL import ImageFont

    # So large that the digits, 0.72 of the size high, fill 12 of the 16 pixels.
    size = round(12 * _FINE / 0.72)
    fonts = [ImageFont.truetype(_FOLDER / name, size, layout_engine=ImageFont.Layout.BASIC) for name in _FONTS]
    count = _TRAIN + _TEST
    labels = np.random.default_rng(_SEED).permutation(np.arange(count) % 10).astype(np.uint8)
    images = np.stack([_picture(int(label), number, fonts) for number, label in enumerate(labels)])
    arrays = {
        "x_train": images[:_TRAIN],
        "y_train": labels[:_TRAIN],
        "x_test": images[_TRAIN:],
        "y_test": labels[_TRAIN:],
    }
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _picture(digit: int, number: int, fonts: list[Any]) -> np.ndarray:
    """One picture, uint8, white on black."""
    from PIL import Image, ImageDraw

    rng = np.random.default_rng([_SEED, number])
    font = fonts[rng.integers(len(fonts))]
    angle, scale = rng.uniform(-8, 8), rng.uniform(0.85, 1.1)
    shift = rng.uniform(-0.8, 0.8, 2) * _FINE
    contrast, background, noise = rng.uniform(0.55, 1), rng.uniform(0, 0.15), rng.uniform(0.04, 0.14)

    side = _SIDE * _FINE
    text = str(digit)
    left, top, right, bottom = font.getbbox(text)
    canvas = Image.new("L", (side, side))
    ImageDraw.Draw(canvas).text(((side - left - right) / 2, (side - top - bottom) / 2), text, fill=255, font=font)
    # Where each pixel of the result comes from: turned and scaled around the middle, then moved.
    cosine, sine = math.cos(math.radians(angle)) / scale, math.sin(math.radians(angle)) / scale
    middle = side / 2
    x, y = middle + shift
    matrix = (cosine, sine, middle - cosine * x - sine * y, -sine, cosine, middle + sine * x - cosine * y)
    canvas = canvas.transform((side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)

    fine = np.asarray(canvas, np.float64).reshape(_SIDE, _FINE, _SIDE, _FINE) / 255
    pixels = background + (contrast - background) * fine.mean(axis=(1, 3)) + rng.normal(0, noise, (_SIDE, _SIDE))
    return np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def check() -> int:
    """Makes the file again and compares; says why where that cannot be."""
    if reason := why_not() or other_versions():
        print(f"{FILE.name} is not compared: {reason}")
        return 0
    same = FILE.exists() and FILE.read_bytes() == made()
    print(f"{FILE.name} is as made" if same else f"differs: {FILE}")
    return 0 if same else 1


def write(*, any_version: bool = False) -> int:
    """Writes the file; leaves it as it is, and says why, where the same bytes cannot be made."""
    if reason := why_not() or (None if any_version else other_versions()):
        print(f"{FILE.name} is left as it is: {reason}")
        return 0
    data = made()
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_bytes(data)
    print(f"{FILE.name}: {len(data)} bytes")
    return 0


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the file that is there; write nothing")
    parser.add_argument("--any-version", action="store_true", help="write whatever Pillow, FreeType and fonts make")
    arguments = parser.parse_args()
    return check() if arguments.check else write(any_version=arguments.any_version)


if __name__ == "__main__":
    sys.exit(main())
