"""The bug museum: three correct programs, nine defects that real programs have had, and the tests that see them."""

from .exhibits import EXHIBITS

__all__ = ["EXHIBITS"]
