"""What would have come out if …: every simple mistake as a prediction of the whole array.

Test a hypothesis about a mistake as in any science: it must predict all the numbers. Thirty-five elements that agree to
six digits, in several draws, do not agree by accident. `predictions` needs no fitted number; `fitted` has one (the
weight of a term, the amount of something added), which must come out the same in every draw.

Two mistakes may predict the same numbers (a σ too many, and σ² in place of σ). Then the numbers cannot tell them apart,
and the diagnosis names both.
"""

import itertools

import numpy as np

from ..autodiff.ops import sum_to
from .comparison import in_brackets, names_in, same, symbol

ZERO = "every element is zero"
NOT_USED = "the upstream gradient dy is not used"
MISSING, EXTRA = "{} is missing", "a factor {} too many"


def predictions(c):
    """Yield pairs of a cause and the array that it would give, for a `Comparison`.

    A prediction that equals what is expected would explain nothing, and is left out.
    """
    with np.errstate(all="ignore"):
        for cause, predicted in itertools.chain(_edits(c), _factors(c), _upstream(c), _moved(c), c.suspects.items()):
            if np.shape(predicted) == c.expected.shape and not same(predicted, c.expected):
                yield cause, predicted


def _edits(c):
    """Yield the formula with one name replaced, in all terms or in one; without a term; with a term's wrong sign."""
    if not c.formula:
        return
    terms = c.evaluate()
    for name in dict.fromkeys(name for f in c.formula.values() for name in names_in(f)):
        users = [term for term, f in c.formula.items() if name in names_in(f)]
        tried = []
        for cause, value in _substitutes(name, c):
            if any(same(value, other) for other in tried):
                continue  # it already has a better name
            tried.append(value)
            try:
                changed = c.evaluate(**{name: value})
            except (ValueError, IndexError):
                continue  # its shape does not fit
            if not value.any() and not any(changed[term].any() for term in users):
                continue  # a factor of 0: that is a missing term, whatever the factor
            yield cause, sum(changed.values())
            if len(users) > 1 and not cause.endswith("has the wrong sign"):  # that is the sign of the term
                for term in users:
                    yield f"{cause}, in the term {term}", sum({**terms, term: changed[term]}.values())
    if len(terms) > 1:
        total = sum(terms.values())
        for term, value in terms.items():
            yield f"the term {term} is missing", total - value
            yield f"the term {term} has the wrong sign", total - 2 * value


def _substitutes(name, c):
    """Yield pairs of a cause and the array that takes the place of a known one."""
    right, called = np.asarray(c.known[name], float), symbol(name)
    yield _missing(name), np.ones_like(right)
    yield _missing(name), np.zeros_like(right)
    for other, value in c.known.items():
        if other != name and np.shape(value) == right.shape:
            yield f"{symbol(other)} stands where {called} belongs", np.asarray(value)
    yield f"{called} has the wrong sign", -right
    yield f"{called} is squared", right * right
    yield f"1 / {in_brackets(name)} stands where {called} belongs", 1 / right
    if (right > 0).all():
        yield f"the square root of {called} stands where {called} belongs", np.sqrt(right)
    if name == "dy":
        yield "the mean of dy stands where dy belongs", np.full_like(right, right.mean())


def _factors(c):
    """Yield the right array, multiplied or divided by a known one."""
    needed = {name for f in c.formula.values() for name in names_in(f)}
    for name, value in c.known.items():
        if 1 < np.size(value) and fits(value, c.expected):
            yield EXTRA.format(symbol(name)), c.expected * value
            if not c.formula:
                yield _missing(name) + f", or a factor 1/{in_brackets(name)} too many", c.expected / value
            elif name not in needed:
                yield EXTRA.format(f"1/{in_brackets(name)}"), c.expected / value


def _missing(name):
    return NOT_USED if name == "dy" else MISSING.format(symbol(name))


def fits(value, array):
    """Return whether a value can be broadcast to the shape of the array."""
    try:
        return np.broadcast_shapes(np.shape(value), array.shape) == array.shape
    except ValueError:
        return False


def _upstream(c):
    """Yield what the right derivative gives for a wrong upstream gradient; with a formula, `_edits` replaces dy."""
    if c.by_dy is None or c.formula:
        return
    dy, y = c.known["dy"], c.known["y"]
    yield NOT_USED, c.by_dy(np.ones_like(dy))
    if np.shape(y) == np.shape(dy):
        yield "y stands where dy belongs", c.by_dy(y)
    yield "the mean of dy stands where dy belongs", c.by_dy(np.full_like(dy, dy.mean()))
    yield "dy is squared", c.by_dy(dy * dy)


def _moved(c):
    """Yield the right numbers in other places, and known arrays summed over an axis."""
    a = c.expected
    yield ZERO, np.zeros_like(a)
    for i, j in itertools.combinations(range(a.ndim), 2):
        yield f"transposed: the axes {i} and {j} are exchanged", np.swapaxes(a, i, j)
        yield f"reversed along the axes {i} and {j}", np.flip(a, (i, j))
    for i in range(a.ndim):
        yield f"reversed along axis {i}", np.flip(a, i)
        for by in (1, -1):
            yield f"shifted by {by:+d} along axis {i}".replace("-", "−"), np.roll(a, by, i)
    for name, value in c.known.items():
        for axis in range(np.ndim(value) if np.ndim(value) > a.ndim else 0):
            yield f"it is {symbol(name)} summed over axis {axis}", np.sum(value, axis=axis)


def fitted(c):
    """Yield triples: a cause with a place for a number, the number that fits best, and the array that it gives."""
    if c.formula and len(c.formula) > 1:
        terms = c.evaluate()
        total = sum(terms.values())
        for term, value in terms.items():
            yield from _fit(c, total - value, value, f"the term {term} has the weight {{}} instead of 1")
    candidates = {"1": np.ones(())} | {name: np.asarray(value, float) for name, value in c.known.items()}
    dy = candidates.get("dy")
    for name, value in candidates.items():
        versions = {name: value}
        if dy is not None and name not in ("dy", "1"):
            versions |= {f"dy {name}": _product(dy, value)}
        for version, array in versions.items():
            array = None if array is None else _to_shape(array, c.expected.shape)
            if array is not None:
                called = " ".join(symbol(part) for part in version.split())
                yield from _fit(c, c.expected, array, f"{{}} · {called} is added that does not belong there")


def _product(dy, value):
    """Return dy times a known array; where dy has one axis less, repeat it along the last one."""
    for a in (dy, dy[..., None] if dy.ndim else dy):
        try:
            return a * value
        except ValueError:
            pass
    return None


def _to_shape(value, shape):
    """Return a value broadcast to a shape, or summed to it; None if it fits neither way."""
    try:
        if np.broadcast_shapes(np.shape(value), shape) == shape:
            return np.broadcast_to(value, shape)
        if np.broadcast_shapes(np.shape(value), shape) == np.shape(value):
            return sum_to(value, shape)
    except (ValueError, TypeError):
        pass
    return None


def _fit(c, base, direction, cause):
    """Fit found = base + w · direction by least squares: yield one triple, or none where the direction is zero."""
    square = np.sum(direction * direction)
    if square > 0 and np.isfinite(square):
        w = np.sum((c.found - base) * direction) / square
        yield cause, float(w), base + w * direction


def term_weights(c):
    """Return the weights of the terms that fit best, and the array that they give; None if several weightings fit."""
    terms = [term.reshape(-1) for term in c.evaluate().values()]
    A = np.stack(np.broadcast_arrays(*terms), axis=1)
    weights, _, rank, _ = np.linalg.lstsq(A, c.found.reshape(-1), rcond=1e-8)
    if rank < len(terms) or len(A) < len(terms) + 2:
        return None
    return dict(zip(c.formula, map(float, weights))), (A @ weights).reshape(c.expected.shape)
