"""Mistakes that people made elsewhere, each with what a diagnosis must say, written down before it was run.

Two folders hold them, one file for each source: `collected`, at which the authors of the diagnosis may look, and
`set_aside`, at which they may not, and which says how well the diagnosis does with mistakes that it has never seen. A
mistake is a function with the decorator `mistake`:

    @mistake("https://…, an issue", says=[("missing path", "var"), ("missing term", "dvar")], x=(7, 3), gamma=(3,))
    def batchnorm_with_a_constant_variance(x, gamma): …

`says` lists the answers that a reader would accept. Each is the kind of a cause, and words that its text or the line
that it quotes must contain.
"""

import dataclasses
import importlib.util
import pathlib
from collections.abc import Callable

import numpy as np

HERE = pathlib.Path(__file__).parent
FOLDERS = ("collected", "set_aside")


@dataclasses.dataclass
class Mistake:
    """A mistake.

    name      of the function
    source    where it was seen, and who makes it
    says      pairs (or longer tuples) of a kind and of words that the cause's text or its quoted line contains
    function  the wrong function: an operation (its value and its derivatives), or what an exercise asks for
    inputs    a dict from the names of its inputs to their shapes, or to functions of a generator
    exercise  the name of the exercise that it fails to solve; None for another function, which needs inputs
    options   keywords for the function
    """

    name: str
    source: str
    says: list
    function: Callable
    inputs: dict
    exercise: str | None = None
    options: dict = dataclasses.field(default_factory=dict)

    def draw(self, seed=0):
        """Return the inputs, a list of arrays: N(0, 1) for a shape, and whatever a function of a generator returns."""
        rng = np.random.default_rng([seed, len(self.name)])
        return [draw(rng) if callable(draw) else rng.standard_normal(draw) for draw in self.inputs.values()]


def mistake(source, says, exercise=None, options=None, **inputs):
    """Make a `Mistake` of a function."""
    return lambda f: Mistake(f.__name__, source, says, f, inputs, exercise, options or {})


def load(folder):
    """Return all mistakes of a folder, in the order of its files."""
    mistakes = []
    for path in sorted((HERE / folder).glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"{folder}_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        mistakes += [value for value in vars(module).values() if isinstance(value, Mistake)]
    return mistakes
