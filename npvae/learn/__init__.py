"""The exercises: write the parts of a variational autoencoder, and find out what is wrong."""

from .notebook import check

__all__ = ["check"]
