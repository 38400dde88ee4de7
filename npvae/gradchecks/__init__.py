"""What `npvae gradcheck` checks: every operation, layer, distribution, model and bound."""

from ..errors import choose
from .bounds import BOUND_CHECKS
from .check import Check
from .layers import DISTRIBUTION_CHECKS, LAYER_CHECKS
from .operations import OPERATION_CHECKS

ALL = OPERATION_CHECKS + LAYER_CHECKS + DISTRIBUTION_CHECKS + BOUND_CHECKS


def find(name):
    """Return the checks of an operation or layer by name, in all cases; or of all methods of a class.

    If no name is this one, return all checks whose name contains it: "kl" stands for everything about the KL. Raises
    UserError for an unknown name, and suggests the nearest one.
    """
    table = {}
    for check in ALL:
        function = check.name.split("(")[0]
        for key in {check.name, function, function.split(".")[0]}:
            table.setdefault(key, []).append(check)
    containing = [check for check in ALL if name.lower() in check.name.lower()]
    return choose("operation", name, table if not containing or name in table else {name: containing})


__all__ = ["ALL", "BOUND_CHECKS", "Check", "DISTRIBUTION_CHECKS", "LAYER_CHECKS", "OPERATION_CHECKS", "find"]
