"""Which calls a student's function makes, in which order, and the smallest edit of that sequence that makes it right.

Some exercises are about the order of calls. Numbers alone say little there: a step that moves nothing may lack its
backward, or its step. So the check records the calls. What they do to the parameters follows without numbers: which
losses have left their gradients, of how many passes, when a step comes. A search goes through all sequences that are
one edit away from the student's (a call missing, one too many, moved, an argument dropped), then two, and keeps those
that do what the right one does.
"""

import contextlib
import itertools
from typing import NamedTuple

from ..autodiff import Tensor
from ..nn.optim import Optimizer

REPEATS = 3  # of the sequence: a gradient that nobody clears shows in the second


class Call(NamedTuple):
    """One call.

    name      "loss", "zero_grad", "backward" or "step"
    missing   of a loss: the names of the arguments that were not passed on
    factor    of a backward: it was called for this multiple of the loss
    which     of a backward: the index of the loss, among those since the sequence began
    """

    name: str
    missing: frozenset = frozenset()
    factor: float = 1.0
    which: int = -1


LOSS, ZERO_GRAD, BACKWARD, STEP = (Call(name) for name in ("loss", "zero_grad", "backward", "step"))
RIGHT = (LOSS, ZERO_GRAD, BACKWARD, STEP)

MISSING = {
    "zero_grad": "zero_grad is missing: the gradients of all steps so far add up",
    "backward": "backward is missing: nothing computes the gradient that step uses",
    "step": "step is missing: nothing moves the parameters",
    "loss": "the loss is not computed anew: each step needs one",
}
TWICE = {
    "zero_grad": "zero_grad is called once too often",
    "backward": "backward is called twice: the gradients add up",
    "step": "the step is taken twice",
    "loss": "the loss is computed twice, with new noise",
}
SPENT = "backward is called twice for one loss, but the first call has used up its tape"
BETWEEN = "zero_grad comes between backward and step: the gradient is cleared before the step uses it"
WRONG_ORDER = "the calls are in the wrong order"
STALE = "step comes before backward: the loss belongs to parameters that have moved since"


class Impossible(Exception):
    """The engine refuses this sequence: args are the reason."""


@contextlib.contextmanager
def recorded(note):
    """Within it, each backward of a Tensor, and zero_grad or step of an optimiser, calls note(name, object, *given)."""
    places = [(Tensor, "backward"), (Optimizer, "zero_grad"), (Optimizer, "step")]
    originals = [getattr(kind, name) for kind, name in places]

    def noting(name, original):
        def method(self, *arguments, **options):
            note(name, self, *arguments, *options.values())
            return original(self, *arguments, **options)

        return method

    for (kind, name), original in zip(places, originals):
        setattr(kind, name, noting(name, original))
    try:
        yield
    finally:
        for (kind, name), original in zip(places, originals):
            setattr(kind, name, original)


def effect(sequence, repeats=REPEATS):
    """Return what a sequence does, repeated: for each repetition, the gradients that each of its steps uses.

    A gradient is known by its repetition, its loss (which noise, after how many moves, without which arguments) and the
    factor. Raises `Impossible` where the engine raises.
    """
    noise, moved, gradients, effects = 0, 0, (), []
    for repetition in range(repeats):
        losses, spent, moves = [], set(), []
        for call in sequence:
            if call.name == "loss":
                losses.append((noise, moved, call.missing))
                noise += 1
            elif call.name == "zero_grad":
                gradients = ()
            elif call.name == "backward":
                if not losses or not -len(losses) <= call.which < len(losses):
                    raise Impossible(MISSING["loss"])
                loss = losses[call.which]
                if loss in spent:
                    raise Impossible(SPENT)
                if loss[1] != moved:
                    raise Impossible(STALE)
                spent.add(loss)
                gradients += ((repetition, loss, call.factor),)
            elif gradients:
                moves.append(gradients)
                moved += 1
        effects.append(moves)
    return effects, noise


def explanations(sequence, most=2):
    """Return the smallest edits that make a sequence right, as a list of causes; empty if it is right, or hopeless."""
    if _is_right(sequence):
        return []
    found = [(words, edited) for words, edited in _edits(sequence)]
    for _ in range(most):
        causes = [words for words, edited in found if _is_right(edited)]
        if causes:
            plain = [words for words in causes if WRONG_ORDER not in words]  # any slip can be mended by an odd order
            return list({frozenset(words.split("; and ")): words for words in reversed(plain or causes)}.values())
        found = list(
            itertools.chain.from_iterable(
                ((f"{words}; and {more}", again) for more, again in _edits(edited) if more not in words)
                for words, edited in dict((edited, (words, edited)) for words, edited in reversed(found)).values()
            )
        )
    return []


def _is_right(sequence):
    try:
        return effect(sequence) == effect(RIGHT)
    except Impossible:
        return False


def _edits(sequence):
    """Yield pairs of a cause and the sequence without it."""
    for i, call in enumerate(sequence):
        before, after = sequence[:i], sequence[i + 1 :]
        for name in sorted(call.missing):
            passed = call._replace(missing=call.missing - {name})
            yield f"{name} is not passed on to the loss", (*before, passed, *after)
        if call.name == "backward" and call.factor != 1:
            yield _factor(call.factor), (*before, call._replace(factor=1.0), *after)
    for call in (ZERO_GRAD, BACKWARD, STEP):
        if call.name not in [other.name for other in sequence]:
            for i in range(len(sequence) + 1):
                yield MISSING[call.name], (*sequence[:i], call, *sequence[i:])
    names = [call.name for call in sequence]
    for i, name in enumerate(names):
        if names.count(name) > 1:
            is_between = name == "zero_grad" and "backward" in names[:i] and "step" in names[i:]
            yield BETWEEN if is_between else TWICE[name], _last_loss(sequence[:i] + sequence[i + 1 :])
    for i in range(len(sequence)):
        rest = sequence[:i] + sequence[i + 1 :]
        for j in range(len(sequence)):
            if j != i:
                yield _order(names), (*rest[:j], sequence[i], *rest[j:])


def _last_loss(sequence):
    return tuple(call._replace(which=-1) if call.name == "backward" else call for call in sequence)


def _factor(factor):
    if factor == -1:
        return "backward is called for minus the loss: the parameters climb it"
    return f"backward is called for {factor:.6g} times the loss".replace("-", "−")


def _order(names):
    """Say what is wrong with the order of these names."""
    place = {name: i for i, name in enumerate(names)}
    zero, backward, step = (place.get(name, -1) for name in ("zero_grad", "backward", "step"))
    if step < backward:
        return "step comes before backward: it finds no gradient, or that of the step before"
    if backward < zero < step:
        return BETWEEN
    return WRONG_ORDER


def repeated(sequence):
    """Return the block of calls that a sequence repeats, and how often; None if there is no such block.

    Calls before and after the repetitions, at most two in all, do not count.
    """
    n = len(sequence)
    for cut in range(3):
        for start in range(cut + 1):
            inner = sequence[start : n - (cut - start)]
            for size in range(1, len(inner) // 2 + 1):
                if len(inner) % size == 0 and inner == inner[:size] * (len(inner) // size):
                    return inner[:size], len(inner) // size
    return (sequence, 1) if n <= 2 * len(RIGHT) else None
