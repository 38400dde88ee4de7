"""Figures: arrays in, matplotlib figures out (`plots`), and the pictures of a run (`pictures`)."""

from .plots import (
    factors,
    growth,
    history,
    image_sheet,
    latent_scatter,
    lines,
    manifold,
    manifold_codes,
    posterior,
    pushed,
    reconstructions,
    show,
    tile,
)

__all__ = [
    "factors", "growth", "history", "image_sheet", "latent_scatter", "lines", "manifold", "manifold_codes", "posterior",
    "pushed", "reconstructions", "show", "tile",
]
