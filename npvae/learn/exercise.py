"""What an exercise is.

An exercise is a function of the engine with something blanked out. Its stub is made from that function's own source, so
that the two cannot drift apart, and the function is its solution. A check calls the student's function with arrays from
a few random draws, each of different sizes, and returns what it found beside what is right, as `Comparison`s.

The wrong versions are how we know that the check can fail, and that the diagnosis is right: it must catch every one of
them and name it.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from ..autodiff import Tensor
from .answers import is_right, right_answers

TENSORS = """\
A Tensor t is an array that remembers how it was made. It has t.shape, t.T, t[i] and
len(t), the methods t.sum(axis=…), t.mean(axis=…) and t.reshape(…), and +, −, *, /, @
and ** with other Tensors, arrays and numbers: all of them give Tensors. NumPy's own
functions take t.data, its array, which remembers nothing."""

DRAWS = 3
PRIMES = (3, 5, 7, 11)  # distinct and odd: with a batch of 2, a missing ½ and a missing 1/batch look the same
EVEN = (4, 6, 8)  # the sizes of the last draw: code that works through pairs of rows may be right for odd sizes alone


def sizes_of(draw, rng, primes=PRIMES):
    """Return N, D and K for a draw: three of the primes, or in the last draw even numbers."""
    return [int(n) for n in rng.permutation(EVEN if draw == DRAWS - 1 else primes)[:3]]


class Unfit(Exception):
    """Something that cannot be compared: args are the name of the array, a sentence, and perhaps a fault.

    The fault is a `Fault`, a `ValueFault` (see diagnosis/faults.py) or an `ExerciseFault`. The sentence loses its full
    stop: the screen adds one.
    """

    def __init__(self, name, sentence, fault=None):
        super().__init__(name, sentence.rstrip(" ."), *([] if fault is None else [fault]))


@dataclasses.dataclass
class Prediction:
    """A question to answer before you write the code.

    question   the text
    choices    the answers to choose from
    measure    compute which choice is right, and return its index
    because    why, in a sentence or two
    """

    question: str
    choices: list
    measure: Callable
    because: str


@dataclasses.dataclass
class Wrong:
    """A wrong version of the solution.

    cause     words that the diagnosis must contain; by default, the check need only catch it
    changes   for an operation, a dict from the name of an array ("y", "dW") to what is computed instead, a function
              of the known arrays by name
    function  for any other exercise, the whole function
    """

    cause: str = ""
    changes: dict = dataclasses.field(default_factory=dict)
    function: Callable | None = None


@dataclasses.dataclass(eq=False)
class Exercise:
    """An exercise; a subclass says how it is checked.

    name         of the exercise, its file and its pytest marker
    title        one line
    solution     the function of the engine
    text         the mathematics: formula, shapes, and source
    prediction   a question to answer before writing; None if there is none
    hints        from a nudge to nearly everything
    wrong        a dict from a mistake's name to the wrong version
    imports      lines that the stub needs besides `import numpy as np`
    after        after(function, folder, others), called when the check has passed, returns lines to show
    after_takes  what that is, and how long it takes, in a few words
    seed         of the student whose variant it is (see variants.py)
    number       its number in the catalogue
    own          for an exercise of your own, the folder of the file that defines it (see own.py)
    defined_at   for an exercise of your own, the name of that file and the line
    """

    name: str
    title: str
    solution: Callable
    text: str
    prediction: Prediction | None = None
    hints: list = dataclasses.field(default_factory=list)
    wrong: dict = dataclasses.field(default_factory=dict)
    imports: tuple = ()
    after: Callable | None = None
    after_takes: str = ""
    seed: str = ""
    number: int = 0
    own: str = ""
    defined_at: tuple = ()

    function_name = property(lambda self: self.solution.__name__)

    def comparisons(self, f, seed=0):
        """Return the comparisons that tell whether f solves the exercise, for draws with this seed.

        Raises `Unfit` if there is nothing to compare, and whatever f raises. Overflow gives no warning: the
        comparisons see its result.
        """
        with np.errstate(all="ignore"):
            return list(self._comparisons(f, seed))

    def _comparisons(self, f, seed):
        raise NotImplementedError

    def runs(self, seed=0):
        """Return for each draw a function of f that yields triples: an array's name, what f computes, the right one.

        They compare less than `comparisons`, and faster, so that a search can try many versions of f.
        """
        raise NotImplementedError

    def answers(self, f, seed=0):
        """Return what f computes for the draws of this seed, a dict of arrays: all that its points depend on.

        Raises whatever f raises.
        """
        raise NotImplementedError

    def wrong_answers(self, answers, seed=0):
        """Return the names of those answers that are missing or not right, a list.

        answers   what `answers` returned for this seed, perhaps in another process, which need not be honest
        """
        right = right_answers(self, seed)
        return [name for name in right if name not in answers or not is_right(answers[name], right[name])]

    def wrong_version(self, name):
        """Return the wrong version of this name, a function."""
        return self.wrong[name].function


@dataclasses.dataclass(eq=False)
class ProcedureExercise(Exercise):
    """An exercise about a function that is not an operation.

    compare   compare(f, rng, N, D, K) calls f for one draw and yields `Comparison`s
    """

    compare: Callable = None

    def _comparisons(self, f, seed):
        for i in range(DRAWS):
            yield from self._compared(f, seed, i)

    def _compared(self, f, seed, i):
        rng = np.random.default_rng([seed, i])
        return self.compare(f, rng, *sizes_of(i, rng))

    def runs(self, seed=0):
        def run(f, i):
            return ((c.name, c.found, c.expected) for c in self._compared(f, seed, i))

        return [functools.partial(run, i=i) for i in range(DRAWS)]

    def answers(self, f, seed=0):
        with np.errstate(all="ignore"):
            draws = [enumerate(self._compared(f, seed, i)) for i in range(DRAWS)]
            return {f"{i}.{j} {c.name}": c.found for i, draw in enumerate(draws) for j, c in draw}

    def reference(self):
        """Return the solution."""
        return self.solution


def array(value, name, dtype=np.float64):
    """Return the value if it is an array or a NumPy number of this dtype; `Unfit` otherwise."""
    require_plain(value, name)
    if not isinstance(value, (np.ndarray, np.generic)):
        raise Unfit(name, f"your function returns {in_words(value)} where an array is expected")
    if value.dtype != dtype:
        raise Unfit(name, f"your function returns {value.dtype} numbers, expected {np.dtype(dtype)} like the inputs")
    return np.asarray(value)


def array_of(value, name):
    """Return the value if it is a float64 array, and no Tensor; `Unfit` otherwise."""
    if isinstance(value, Tensor):
        raise Unfit(name, f"this is a Tensor, expected an array: {name}.data holds the array of a Tensor")
    return array(value, name)


def require_plain(value, name):
    """Raise `Unfit` for a np.matrix, a masked array, and any other array that follows rules of its own.

    A matrix multiplies where an array takes products element by element, and a masked array hides numbers.
    """
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray:
        raise Unfit(name, f"this is {in_words(value)}, expected a plain np.ndarray, which np.asarray makes of it")


def in_words(value):
    """Say what a value is: "a tuple of 3", "an ndarray"."""
    if value is None:
        return "None (is there a return?)"
    if isinstance(value, tuple) and type(value) is tuple:
        return f"a tuple of {len(value)}"
    kind = type(value).__name__
    return f"{'an' if kind[0].lower() in 'aeio' or kind == 'ndarray' else 'a'} {kind}"
