"""What is wrong with a gradient: a diagnosis of any gradient check, from the numbers alone."""

from .diagnose import diagnose

__all__ = ["diagnose"]
