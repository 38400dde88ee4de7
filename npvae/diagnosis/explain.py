"""From numbers to a cause: what is wrong with an array, if it is one of the simple mistakes; if not, only where.

The search goes from the obvious to the hidden, as an examination does, and ends as soon as something explains
everything:

    the shape              a missing sum, one sum too many, or a transposition
    a small error          an ε beside a number of which a logarithm, a quotient or a root is taken
    one factor             the same for all elements; where could it come from?
    another formula        one name for another, a missing term, dy not used, rows shifted
    one fitted number      the weight of a term, the amount of something added
    several fitted ones    the weights of all terms
    a part                 only some rows, or only where x < 0: then the same questions again, for that part

A cause must reproduce every element in every draw, or it is not named. A wrong diagnosis is worse than none.
"""

import itertools
from typing import NamedTuple

import numpy as np

from .comparison import same, symbol
from .finding import VAGUE, Finding
from .hypotheses import ZERO, fits, fitted, predictions, term_weights
from .questions import QUESTIONS
from .regions import region

FEWEST = 3  # numbers that must agree before a cause is named
NOTICEABLE = 1e-5  # a smaller error is rounding: a factor of 1.000001 explains nothing


def explain(comparisons):
    """Return the `Finding` for several draws of one array, a list of `Comparison`; None if no simple mistake fits."""
    if any(c.found.shape != c.expected.shape for c in comparisons):
        return _shape(comparisons)
    if all(c.error.max(initial=0) < NOTICEABLE for c in comparisons):
        return _epsilon(comparisons)
    everything = [np.ones(c.expected.shape, bool) for c in comparisons]
    whole = _explain_where(comparisons, everything, "in every element") or _weights(comparisons)
    return whole or _epsilon(comparisons) or _part(comparisons)


def _epsilon(comparisons):
    """Return a Finding for an error of ε/k in every element, k being a known array; None if there is no such k.

    ln (k + ε) is ln k + ε/k, and its derivative 1 / (k + ε) is (1 − ε/k) / k, up to squares of ε.
    """
    causes = []
    for name in comparisons[0].known:
        amounts = []
        for c in comparisons:
            k = np.asarray(c.known.get(name, 0))
            if k.shape != c.found.shape or not k.max() > 2 * k.min() > 0:
                break
            error = c.found - c.expected if c.name == "y" else c.found / np.where(c.expected, c.expected, np.inf) - 1
            amounts.append((error * k)[c.wrong])
        amounts = np.concatenate(amounts) if len(amounts) == len(comparisons) else np.zeros(0)
        is_small = all(c.error.max(initial=0) < 0.1 for c in comparisons)
        if is_small and len(amounts) >= FEWEST and np.ptp(amounts) < 0.01 * abs(amounts.mean()):
            amount, called = float(f"{abs(amounts.mean()):.2g}"), symbol(name)
            where = "value" if c.name == "y" or amounts[0] > 0 else "derivative"
            causes.append(
                f"the {where} has {called} + ε in a logarithm or a quotient, ε = {amount:g}, or in a root, ε = "
                f"{2 * amount:g}" + ("" if c.name == "y" else ", and the other does not: both need it, or neither")
            )
    measured = "the error is small, and larger where a known number is smaller"
    return Finding(measured, causes, QUESTIONS["epsilon"]) if causes else None


def _explain_where(comparisons, masks, where):
    """Return a Finding for the elements of these masks; None if nothing explains them all."""
    if sum(_informative(c, mask) for c, mask in zip(comparisons, masks)) < FEWEST:
        return None
    if all(same(c.found[mask], 0 * c.found[mask]) for c, mask in zip(comparisons, masks)):
        causes = [cause for cause in _common(comparisons, masks, predictions) if cause != ZERO]
        return Finding(f"yours is zero {where}", [*causes, "zero: nothing gets there"], QUESTIONS["zero"])
    causes = _common(comparisons, masks, predictions)
    factors = _factors(comparisons, masks)
    if factors is not None:
        return _explain_factor(comparisons, factors, causes, where)
    measured = f"{VAGUE}, {where}, to six digits"
    if causes:
        return Finding(measured, causes, QUESTIONS["formula"])
    causes = _common_fitted(comparisons, masks)
    return Finding(measured, causes, QUESTIONS["term"]) if causes else None


def _informative(c, mask):
    """Return how many elements carry information: where both numbers are zero, every factor would fit."""
    return int(((c.found != 0) | (np.abs(c.expected) > 1e-9))[mask].sum())


def _explain_factor(comparisons, factors, causes, where):
    """Return a Finding for an array that is the right one times one factor in each draw; `causes` explain it too."""
    first, is_constant = factors[0], np.allclose(factors, factors[0], 1e-6, 0)
    named = [name for name in _names_of(comparisons) if np.allclose(name.values, factors, 1e-6, 0)]
    has_plain_name = any(not name.sizes for name in named)
    if has_plain_name:  # 2 is 2, and not 8 divided by a size that happens to be 4
        named = [name for name in named if not name.sizes or name.two == 1]
    if np.allclose(factors, -1, 1e-6, 0):  # then a wrong sign of any factor of the formula would do
        causes = [cause for cause in causes if not cause.endswith("has the wrong sign")]
    causes = [*(name.words for name in named), *causes]
    if not is_constant:
        measured = f"yours is the right one times one factor, {where}: {', '.join(map(number, factors))} in our draws"
        causes = causes or ["one factor for all elements, which depends on the numbers"]
        return Finding(measured, causes, QUESTIONS["factor"])
    if not has_plain_name:  # a size that was the same in all draws may be there by accident
        causes.append(f"one factor {number(first)}, " + ("from somewhere else" if causes else "which no size explains"))
    question = QUESTIONS["sign" if abs(first + 1) < 1e-6 else "factor"]
    return Finding(f"yours is {number(first)} times the right one, {where}", causes, question)


def _common(comparisons, masks, candidates):
    """Return the causes whose predictions fit in every draw, in the order in which they are tried."""
    fitting = []
    for c, mask in zip(comparisons, masks):
        fitting.append(
            [
                cause
                for cause, predicted in candidates(c)
                if np.shape(predicted) == mask.shape and same(c.found[mask], predicted[mask])
            ]
        )
    return [cause for cause in dict.fromkeys(fitting[0]) if all(cause in others for others in fitting)]


def _common_fitted(comparisons, masks):
    """Return the causes with one fitted number that fit in every draw with the same number."""
    fitting = []
    for c, mask in zip(comparisons, masks):
        if _informative(c, mask) < FEWEST or not mask.all():
            return []
        fitting.append({cause: w for cause, w, predicted in fitted(c) if same(c.found, predicted)})
    return [
        cause.format(number(w))
        for cause, w in fitting[0].items()
        if all(cause in others and np.isclose(others[cause], w, 1e-5, 1e-7) for others in fitting)
    ]


def _factors(comparisons, masks):
    """Return the factor between found and expected in each draw; None unless all elements share it."""
    factors = []
    for c, mask in zip(comparisons, masks):
        found, expected = c.found[mask], c.expected[mask]
        square = np.sum(expected * expected)
        factor = np.sum(found * expected) / square if square > 0 else np.nan
        if not same(found, factor * expected):
            return None
        factors.append(float(factor))
    few = min(_informative(c, mask) for c, mask in zip(comparisons, masks)) < 2
    return None if few and not _agree(comparisons, factors) else factors  # a number is always a multiple of another


def _agree(comparisons, factors):
    """Return whether one number, or one name for it, explains the factors of at least three draws."""
    explained = any(np.allclose(name.values, factors, 1e-6, 0) for name in _names_of(comparisons))
    return len(factors) >= FEWEST and (explained or np.allclose(factors, factors[0], 1e-6, 0))


class Name(NamedTuple):
    """A factor by name: what it is made of, its description, and its value in each draw."""

    two: float  # a power of two
    sizes: tuple  # pairs of a size and its power, 1 or −1
    words: str
    values: list


def _names_of(comparisons):
    """Yield every factor that has a name: a sign, a power of two, and a size or a product of two."""
    names = [name for name in comparisons[0].numbers if all(c.numbers.get(name, 1) != 1 for c in comparisons)]
    choices = [()] + [((name, power),) for name in names for power in (1, -1)]
    choices += [
        ((a, power), (b, power)) for a, b in itertools.combinations_with_replacement(names, 2) for power in (1, -1)
    ]
    for sign, two, chosen in itertools.product((1, -1), (1, 0.5, 2, 0.25, 4), choices):
        if (sign, two, chosen) == (1, 1, ()):
            continue
        values = [
            sign * two * np.prod([float(c.numbers[name]) ** power for name, power in chosen]) for c in comparisons
        ]
        yield Name(two, chosen, _in_words(sign, two, chosen, comparisons[0].numbers), values)


def _in_words(sign, two, chosen, numbers):
    """Describe a factor: (1, 0.5, (("N, the batch", -1),), …) is "a factor 1/(2 N) too many (N, the batch, is 3)"."""
    above = [short(name) for name, power in chosen if power > 0]
    below = [short(name) for name, power in chosen if power < 0]
    above = ([f"{two:g}"] if two > 1 else []) + above
    below = ([f"{1 / two:g}"] if two < 1 else []) + below
    factor = " ".join(above) or "1"
    if below:
        factor += f"/{below[0]}" if len(below) == 1 else f"/({' '.join(below)})"
    meaning = "; ".join(f"{name}{',' if ',' in name else ''} is {numbers[name]:g}" for name in dict(chosen))
    meaning = f" ({meaning})" if meaning else ""
    if factor == "1":
        return "the sign is wrong"
    words = f"a factor {factor} too many" + (", or a ½ is missing" if factor == "2" else "")
    return words + meaning + (", and the sign is wrong" if sign < 0 else "")


def short(name):
    """Return the symbol of a size, without its meaning, in parentheses if it is more than one word."""
    symbol = name.split(",")[0]
    return f"({symbol})" if " " in symbol and "/" not in symbol else symbol


def number(value):
    """Return a number to six digits, with a true minus sign."""
    return true_minus(f"{value + 0.0:.6g}")  # −0 + 0 is 0


def true_minus(text):
    """Return the text of a number with a true minus sign."""
    return text.replace("-", "−")


def _shape(comparisons):
    """Return a Finding for an array of the wrong shape; without causes if no sum or transposition explains it."""
    c = comparisons[0]
    everything = [np.ones(c.found.shape, bool) for c in comparisons]
    causes = _common(comparisons, everything, _reshaped) if min(c.found.size for c in comparisons) else []
    measured = f"yours has the shape {c.found.shape}, expected {c.expected.shape}"
    return Finding(measured, causes, QUESTIONS["shape"])


def _reshaped(c):
    """Yield pairs of a cause and an array: the found one, if some sum or order of it is right; or one it may be."""
    for axes in _axes(c.found.ndim):
        if all(c.found.shape[axis] == 1 for axis in axes):
            continue
        for name, reduce in (("sum", np.sum), ("mean", np.mean)):
            if same(reduce(c.found, axis=axes), c.expected):
                yield f"the {name} over {_axis(axes)} is missing", c.found
    for axes in _axes(c.expected.ndim):
        for name, reduce in (("summed", np.sum), ("averaged", np.mean)):
            for keep in (False, True):
                yield f"{name} over {_axis(axes)} as well", reduce(c.expected, axis=axes, keepdims=keep)
    if c.expected.ndim == 2:
        yield "transposed", c.expected.T
    for axes in _axes(c.expected.ndim):
        if c.found.ndim + len(axes) == c.expected.ndim:
            wide = np.expand_dims(c.found, axes)
            if fits(wide, c.expected) and same(np.broadcast_to(wide, c.expected.shape), c.expected):
                yield f"it is not repeated along {_axis(axes)}", c.found
    if c.found.size == c.expected.size and same(c.found.reshape(c.expected.shape), c.expected):
        yield "the right numbers in another shape", c.found
    for name, value in c.known.items():
        for axes in _axes(np.ndim(value)):
            yield f"it is {name} summed over {_axis(axes)}", np.sum(value, axis=axes)


def _axes(ndim):
    """Return all subsets of the axes except the empty one."""
    return [axes for n in range(1, ndim + 1) for axes in itertools.combinations(range(ndim), n)]


def _axis(axes):
    return f"axis {axes[0]}" if len(axes) == 1 else f"the axes {', '.join(map(str, axes))}"


def _weights(comparisons):
    """Return a Finding for terms that are all present, with other weights."""
    if any(len(c.formula) < 2 for c in comparisons):
        return None
    solved = [term_weights(c) for c in comparisons]
    if any(pair is None or not same(c.found, pair[1]) for c, pair in zip(comparisons, solved)):
        return None
    weights = [list(by_term.values()) for by_term, _ in solved]
    if not np.allclose(weights, weights[0], 1e-5, 1e-7):
        return None
    listed = ", ".join(f"{term}: {number(round(w, 9))}" for term, w in solved[0][0].items())
    causes = [f"the terms have these weights instead of 1: {listed}"]
    return Finding("yours is a sum of the right terms with other weights, in every element", causes, QUESTIONS["term"])


def _part(comparisons):
    """Return a Finding for an array that is right in part."""
    masks = [c.wrong for c in comparisons]
    where = region(comparisons, masks)
    if where is None:
        return None
    inside = _explain_where(comparisons, masks, f"{where}, and right elsewhere")
    if inside is not None:
        return inside
    return Finding(f"yours is wrong {where}, and right elsewhere", [f"an error {where}"], QUESTIONS["part"])
