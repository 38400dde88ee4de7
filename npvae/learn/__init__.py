"""The exercises, and the diagnosis that says what is wrong with a gradient."""

from .diagnose import diagnose

__all__ = ["diagnose"]
