"""Mistakes planted on purpose: how we know that a diagnosis is right.

Each kind takes the right draws of one array. It returns what a student with this mistake would have found in each draw,
and words that the diagnosis must contain (or a tuple of words, any of which will do). It chooses a name, term, size or
row at random. `nothing_simple` returns arrays that are wrong for no simple reason: of these, the diagnosis must claim
nothing.
"""

import numpy as np

from ..diagnosis.comparison import names_in, same, symbol
from ..diagnosis.explain import short

WRONG_BY = 1e-3  # if a mistake moves every element by less, it does not count


def _every(draws, damage):
    return [damage(c) for c in draws]


def sign(draws, rng):
    """−1 times the right array."""
    return _every(draws, lambda c: -c.expected), "the sign is wrong"


def half_or_double(draws, rng):
    """A ½ is missing, or there is one too many."""
    factor = rng.choice([0.5, 2.0])
    return _every(draws, lambda c: factor * c.expected), f"a factor {'2' if factor == 2 else '1/2'} too many"


def size(draws, rng):
    """The array is multiplied or divided by one of the sizes."""
    names = [name for name in draws[0].numbers if all(c.numbers[name] != 1 for c in draws)]
    if not names:
        return None
    name, power = rng.choice(names), int(rng.choice([-1, 1]))
    called = short(name)
    cause = f"a factor {called if power > 0 else f'1/{called}'} too many"
    return _every(draws, lambda c: c.expected * float(c.numbers[name]) ** power), cause


def unnamed_factor(draws, rng):
    """The array is multiplied by a constant that has no name."""
    factor = float(rng.uniform(1.1, 1.9))
    return _every(draws, lambda c: factor * c.expected), "one factor"


def _names(draws):
    """Return the names of the arrays in the formula."""
    return sorted({name for f in draws[0].formula.values() for name in names_in(f)})


def _total(c, **changed):
    try:
        with np.errstate(all="ignore"):
            found = sum(c.evaluate(**changed).values())
    except (ValueError, IndexError):
        return None
    return found if np.shape(found) == c.expected.shape and np.isfinite(found).all() else None


def upstream_ignored(draws, rng):
    """dy is not used."""
    if all("dy" in _names([c]) for c in draws):
        return _every(draws, lambda c: _total(c, dy=np.ones_like(c.known["dy"]))), "dy is not used"
    if all(c.by_dy is not None and not c.formula for c in draws):
        return _every(draws, lambda c: c.by_dy(np.ones_like(c.known["dy"]))), "dy is not used"
    return None


def name_missing(draws, rng):
    """One of the factors of the formula is missing."""
    names = [name for name in _names(draws) if name != "dy"]
    if not names:
        return None
    name = rng.choice(names)
    return _every(draws, lambda c: _total(c, **{name: np.ones_like(c.known[name])})), f"{symbol(name)} is missing"


def another_array(draws, rng):
    """Another array replaces one of the formula's: a variance for a standard deviation, a stale value."""
    pairs = [
        (name, other)
        for name in _names(draws)
        for other in draws[0].known
        if other != name and np.shape(draws[0].known[other]) == np.shape(draws[0].known[name]) != ()
    ]
    if not pairs:
        return None
    name, other = pairs[rng.integers(len(pairs))]
    found = _every(draws, lambda c: _total(c, **{name: np.asarray(c.known[other], float)}))
    return found, f"{symbol(other)} stands where {symbol(name)} belongs"


def term_missing(draws, rng):
    """A term of the sum is missing."""
    return _with_weight(draws, rng, 0.0, "the term {} is missing")


def term_sign(draws, rng):
    """A term of the sum has the wrong sign."""
    return _with_weight(draws, rng, -1.0, "the term {} has the wrong sign")


def term_weight(draws, rng):
    """A term of the sum has another weight."""
    return _with_weight(draws, rng, float(rng.uniform(1.1, 2.9)), "the term {} has the weight")


def _with_weight(draws, rng, weight, cause):
    terms = list(draws[0].formula)
    if len(terms) < 2:
        return None
    term = terms[rng.integers(len(terms))]
    return _every(draws, lambda c: c.expected + (weight - 1) * c.evaluate()[term]), cause.format(term)


def something_added(draws, rng):
    """A multiple of a known array is added."""
    names = [
        name
        for name, value in draws[0].known.items()
        if np.shape(value) == draws[0].expected.shape and not same(value, draws[0].expected)  # more of that is a factor
    ]
    if not names:
        return None
    name, amount = rng.choice(names), float(rng.uniform(0.1, 0.9))
    return _every(draws, lambda c: c.expected + amount * c.known[name]), f"{symbol(name)} is added"


def sum_missing(draws, rng):
    """A sum over one more axis is missing."""

    def split(c):
        parts = rng.standard_normal((3, *c.expected.shape))
        return parts + (c.expected - parts.sum(axis=0)) / 3

    return _every(draws, split), "the sum over axis 0 is missing"


def sum_too_many(draws, rng):
    """The array is summed over an axis that it should have."""
    if draws[0].expected.ndim == 0:
        return None
    axis = int(rng.integers(draws[0].expected.ndim))
    return _every(draws, lambda c: c.expected.sum(axis=axis)), f"summed over axis {axis}"


def transposed(draws, rng):
    """Rows and columns are exchanged."""
    return (_every(draws, lambda c: c.expected.T), "transposed") if draws[0].expected.ndim == 2 else None


def shifted(draws, rng):
    """Every number stands one place too far along an axis."""
    if draws[0].expected.ndim == 0:
        return None
    axis = int(rng.integers(draws[0].expected.ndim))
    return _every(draws, lambda c: np.roll(c.expected, 1, axis)), f"shifted by +1 along axis {axis}"


def zero(draws, rng):
    """The array is zero."""
    return _every(draws, lambda c: np.zeros_like(c.expected)), "zero"


def some_rows(draws, rng):
    """The first or the last row is zero, or has the wrong sign."""
    if draws[0].expected.ndim < 2:
        return None
    row, factor = int(rng.choice([0, -1])), float(rng.choice([0.0, -1.0]))

    def damage(c):
        found = c.expected.copy()
        found[row] *= factor
        return found

    return _every(draws, damage), "in the first" if row == 0 else "in the last"


def where_negative(draws, rng):
    """The array is zero where some known array is negative."""
    names = [
        name
        for name, value in draws[0].known.items()
        if np.shape(value) == draws[0].expected.shape and all((c.known[name] < 0).any() for c in draws)
    ]
    if not names:
        return None
    name = rng.choice(names)
    causes = (f"{symbol(name)} < 0", f"a factor ({name} > 0) too many")  # two names for the same mistake
    return _every(draws, lambda c: np.where(c.known[name] < 0, 0, c.expected)), causes


KINDS = {
    "sign": sign,
    "½ or 2": half_or_double,
    "a size": size,
    "an unnamed factor": unnamed_factor,
    "dy not used": upstream_ignored,
    "a factor missing": name_missing,
    "another array": another_array,
    "a term missing": term_missing,
    "a term's sign": term_sign,
    "a term's weight": term_weight,
    "something added": something_added,
    "a sum missing": sum_missing,
    "a sum too many": sum_too_many,
    "transposed": transposed,
    "shifted by one": shifted,
    "zero": zero,
    "first or last row": some_rows,
    "where negative": where_negative,
}


def is_wrong(draws, found):
    """Return whether every draw is wrong: it has another shape, or is off by more than WRONG_BY."""
    return all(
        a is not None and (np.shape(a) != c.expected.shape or np.abs(a - c.expected).max(initial=0) > WRONG_BY)
        for c, a in zip(draws, found)
    )


def nothing_simple(draws, rng):
    """Return arrays that are wrong for no simple reason."""
    kind = rng.integers(4)

    def damage(c):
        noise = rng.standard_normal(c.expected.shape)
        if kind == 0:
            return noise
        if kind == 1:
            return c.expected + 0.1 * noise
        if kind == 2:
            return c.expected * (1 + 0.1 * noise) + 0.05 * noise**2
        return np.where(rng.random(noise.shape) < 0.5, c.expected + noise, c.expected)

    return _every(draws, damage)
