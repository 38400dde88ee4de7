"""Colour images with known factors: a disc, a square or a triangle of some colour and size, somewhere on black.

Exactly five factors determine an image: its shape, hue, size, and position across and down. So you can ask what a
latent dimension stands for, and check the answer.
"""

import colorsys

import numpy as np

from .dataset import Dataset

KINDS = ("disc", "square", "triangle")
SIDE = 64  # pixels
CHUNK = 500  # images rendered at once


def draw_factors(n, rng):
    """Draw the factors of n images: a dict of arrays (n,).

    shape        0, 1 or 2: an index of KINDS
    hue          from 0 (red) through yellow, green and cyan to ⅔ (blue)
    size         the radius of the disc, half the side of the square, half the height of the triangle: 7 to 14 pixels
    across, down the centre: 16 to 48 pixels from the left edge and from the top
    """
    return {
        "shape": rng.integers(len(KINDS), size=n),
        "hue": rng.uniform(0, 2 / 3, n),
        "size": rng.uniform(7, 14, n),
        "across": rng.uniform(16, 48, n),
        "down": rng.uniform(16, 48, n),
    }


def render(factors):
    """Return the images for these factors (n,): float32 (n, SIDE, SIDE, 3) in [0, 1], with smooth edges.

    The covered share of a pixel is ½ minus its signed distance from the outline in pixels, clipped to [0, 1]. At the
    corners of a square or a triangle, this is an approximation.
    """
    across, down, size = (factors[name].astype(np.float32)[:, None, None] for name in ("across", "down", "size"))
    pixels = np.arange(SIDE, dtype=np.float32) + 0.5
    x, y = pixels[None, None, :] - across, pixels[None, :, None] - down          # from the centre; y points downwards
    distances = [
        np.hypot(x, y) - size,
        np.maximum(np.abs(x), np.abs(y)) - size,
        np.maximum(y - size, (2 * np.abs(x) - y - size) / np.float32(np.sqrt(5))),    # the sides: y = 2 |x| − size
    ]
    distance = np.choose(factors["shape"][:, None, None], distances)
    covered = np.clip(0.5 - distance, 0, 1)
    colours = np.array([colorsys.hsv_to_rgb(hue, 1, 1) for hue in factors["hue"]], dtype=np.float32)
    return covered[..., None] * colours[:, None, None, :]


def load_shapes(N=4000, seed=0):
    """Return a `Dataset` of shapes, 64 × 64 pixels with three channels.

    N      the number of training examples; there are a quarter as many for testing
    seed   the seed of the generator

    The label is the shape; `factors_test` has all five factors.
    """
    rng = np.random.default_rng(seed)

    def examples(n):
        factors, images = draw_factors(n, rng), np.empty((n, SIDE, SIDE, 3), dtype=np.float32)
        for i in range(0, n, CHUNK):
            images[i : i + CHUNK] = render({name: values[i : i + CHUNK] for name, values in factors.items()})
        return images.reshape(n, -1), factors

    x_train, train = examples(N)
    x_test, test = examples(N // 4)
    return Dataset("shapes", "a generator", x_train, train["shape"], x_test, test["shape"], (SIDE, SIDE, 3), test)
