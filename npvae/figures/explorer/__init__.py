"""The explorer: one page that opens from disk, with the latent space of a run under your finger."""

from .page import write

__all__ = ["write"]
