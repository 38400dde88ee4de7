"""The command line: `npvae`, or `python -m npvae`."""

from .commands import main

__all__ = ["main"]
