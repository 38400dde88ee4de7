"""Figures: arrays in, matplotlib figures out (`plots`), diagrams (`diagrams`), and the pictures of a run (`pictures`).
"""

from .plots import (
    factors,
    growth,
    history,
    homes,
    image_sheet,
    latent_scatter,
    lines,
    manifold,
    manifold_codes,
    nested_subspaces,
    posterior,
    posterior_ellipses,
    pushed,
    reconstructions,
    tile,
)
from .showing import show

__all__ = [
    "factors", "growth", "history", "homes", "image_sheet", "latent_scatter", "lines", "manifold", "manifold_codes",
    "nested_subspaces", "posterior", "posterior_ellipses", "pushed", "reconstructions", "show", "tile",
]
