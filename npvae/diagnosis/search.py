"""The search: which single change of the author's own lines makes every number right?

Two questions, both with finite differences as the truth, and without any formula of the right answer:

    paths   if one intermediate value of the forward pass were constant, would the right derivative be what the author
            returned? Then the path through it is missing.
    edits   if one thing in the author's lines were different, would they give the right derivative?

Whatever explains the numbers must do so in every element, and again in an independent draw: with other sizes, or at
least with other numbers. Several changes may explain the same numbers. Then the cheapest come first, at most three.
"""

import functools
import itertools
import time
import warnings
from typing import NamedTuple

import numpy as np

from . import source
from .comparison import same
from .edits import Edit, Places, array_key, at_result, at_use, edits_of
from .finding import WIDTH
from .paths import LARGEST, Paths, TooLarge, slopes_of_elements
from .trace import Node

SECONDS = 2.5  # for all arrays of one function
SHOWN, QUOTED = 3, 3  # causes, and lines for each
MARGIN = 0.9  # how much more than the cheapest a cause may cost, to be shown beside it
FITTED = 5.0  # the cost of a number that nothing explains


QUESTIONS = {
    "missing path": "Along which paths does this input affect the value? Which of your terms belongs to each?",
    "wrong path": "What is the slope of each step on that path, with its sign and its constants?",
    "missing factor": "By the chain rule, each step on the way back brings one factor. Which step has none in your code?",
    "extra factor": "Which step of the forward pass does each of your factors come from?",
    "wrong sign": "If this number grows a little, does the loss rise or fall?",
    "other array": "Write the formula on paper, factor by factor. Which array does your code use for each of them?",
    "dy not used": "How does the loss reach this derivative, if not through dy?",
    "transposed": "Write the sum for one element, with its indices. Over which index does it run?",
    "order": "Write the step for one element, with its indices. What is on the left, and what on the right?",
    "axis": "Over which index does this run in the formula, and which axis is that?",
    "missing sum": "How many elements of the value does one element of this input affect?",
    "extra sum": "Which elements of the value does one element of this input affect?",
    "sum or mean": "Is there a division by the number of elements in the forward pass? In which place?",
    "power": "Differentiate the step on paper: which power of this number comes out?",
    "one minus": "Differentiate the step on paper, and compare it with your line.",
    "missing term": "How many terms does it have on paper? Find each of them in your code.",
    "extra term": "How many terms does it have on paper? Find each of them in your code.",
    "other function": "What does the formula have in this place?",
    "constant": "Which numbers does the formula have, and which does your line have?",
    "moved": "Which element of the value does each element of this input affect?",
}


# What an edit may raise where it does not fit.
FAILURES = (ValueError, TypeError, IndexError, ArithmeticError, KeyError, AttributeError, np.linalg.LinAlgError)


class Draw(NamedTuple):
    """One draw of the inputs: its trace, and the array that should have come out.

    graph    a `Graph`
    name     of the array among the graph's outputs: "y", or "dx"
    truth    the right array
    numbers  a dict of the numbers that a factor may be made of, by their meaning
    """

    graph: object
    name: str
    truth: np.ndarray
    numbers: dict

    def is_right(self, made):
        """Return whether an array is what should have come out; where the author's is close, it must be much closer."""
        if not same(made, self.truth):
            return False
        return not same(self.found, self.truth) or np.ptp(made - self.truth) < 0.1 * np.ptp(self.found - self.truth)

    @property
    def output(self):
        """The node of the author's array."""
        return self.graph.outputs[self.name]

    @property
    def found(self):
        """What the author computed."""
        return self.output.value


class Cause(NamedTuple):
    """A change that explains the numbers.

    kind    of the mistake
    text    completes "right …"
    sites   the places in the source; where there are several, the numbers cannot tell which
    cost    the smaller, the more plausible
    """

    kind: str
    text: str
    sites: tuple
    cost: float

    @property
    def words(self):
        """What is equal for one cause of several arrays."""
        return self.kind, self.text, self.sites[:1]

    @property
    def question(self):
        """The question that points the way."""
        return QUESTIONS[self.kind]

    def quoted_lines(self):
        """Return the places as lines of text, each with its source."""
        return [f"  line {line}:  {quote}"[:WIDTH] if quote else f"  line {line}" for line, quote in self.quotes()]

    def quotes(self):
        """Return pairs of a line's number and its text, the first few."""
        return list(dict.fromkeys((site.line, source.quoted(site)) for site in self.sites if site))[:QUOTED]


def _quiet(search):
    """Return a search during which numbers out of range give no warning."""

    @functools.wraps(search)
    def quiet(*args):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return search(*args)

    return quiet


@_quiet
def search(draws, ends=None):
    """Return the causes that explain an array in all draws, at most three, the most plausible first.

    draws   a list of `Draw`, at least two
    ends    when to stop, on the clock of `time.monotonic`; by default after `SECONDS`

    An empty list says that there is none.
    """
    ends = time.monotonic() + SECONDS if ends is None else ends
    if all(not np.any(draw.truth) for draw in draws):
        return []  # every edit that gives zero would do
    all_paths = _paths_of(draws) if draws[0].name != "y" else None
    causes = list(_paths(draws, all_paths)) if all_paths else []
    causes += _edits(draws, all_paths, ends, min([cause.cost for cause in causes], default=np.inf))
    return _chosen(causes)


def _paths_of(draws):
    """Return the paths of all draws; None where the traces do not tell the whole story."""
    try:
        all_paths = [Paths(draw.graph, draw.graph.inputs[draw.name[1:]]) for draw in draws]
        right = [paths.gradient(_dy(draw)) for paths, draw in zip(all_paths, draws)]
    except (*FAILURES, TooLarge):
        return None
    return all_paths if all(same(gradient, draw.truth) for gradient, draw in zip(right, draws)) else None


def _chosen(causes):
    """Return the cheapest causes, each once: those with the same words share their places."""
    merged = {}
    for cause in sorted(causes, key=lambda cause: cause.cost):
        words = cause.kind, cause.text.split(" at `")[0]
        if words in merged:
            other = merged[words]
            sites = tuple(dict.fromkeys((*other.sites, *cause.sites)))
            merged[words] = other._replace(sites=sites)
        else:
            merged[words] = cause
    causes = list(merged.values())
    if not causes:
        return []
    return [cause for cause in causes if cause.cost <= causes[0].cost + MARGIN][:SHOWN]


# --- paths -------------------------------------------------------------------------------------------------------------


class _Group(NamedTuple):
    """Edges of the forward pass that are cut together.

    key   of the group in another trace
    text  names what would be constant
    site  where it is computed or used
    cost  of the cause
    """

    key: tuple
    text: str
    site: tuple
    cost: float


def _paths(draws, all_paths):
    """Yield the causes that concern a path: it is missing, or counts with a wrong factor."""
    right = [paths.gradient(_dy(draw)) for paths, draw in zip(all_paths, draws)]
    if all(not np.any(draw.found) for draw in draws):
        return
    yield from _of_places(draws, all_paths)
    groups = _groups(all_paths[0], draws[0].name[1:])
    cut = {}
    found = False
    for group in groups:
        without = [p.gradient(_dy(d), dict.fromkeys(_edges(p, group.key), 0.0)) for p, d in zip(all_paths, draws)]
        if not any(np.any(gradient) for gradient in without):
            continue  # nothing is left: that explains only a derivative that is zero
        cut[group] = without
        weights = [_weight(draw.found, gradient, full) for draw, gradient, full in zip(draws, without, right)]
        if any(weight is None for weight in weights):
            continue
        found = True
        if np.allclose(weights, 0, atol=1e-6):
            yield Cause("missing path", f"if {group.text} did not depend on `{draws[0].name[1:]}`", (group.site,), group.cost)
        elif np.allclose(weights, -1, atol=1e-6):
            yield Cause("wrong path", f"if the path through {group.text} had the other sign", (group.site,), group.cost + 0.3)
        else:
            name = factor_name(weights, draws)
            if name:
                yield Cause("wrong path", f"if the path through {group.text} did not count {name} times", (group.site,), group.cost + 1)
    if found or len(cut) > 60:
        return
    for a, b in itertools.combinations(cut, 2):
        if all(
            same(draw.found, p.gradient(_dy(draw), dict.fromkeys([*_edges(p, a.key), *_edges(p, b.key)], 0.0)))
            for p, draw in zip(all_paths, draws)
        ):
            text = f"if neither {a.text} nor {b.text} depended on `{draws[0].name[1:]}`"
            yield Cause("missing path", text, (a.site, b.site), a.cost + b.cost)


def _of_places(draws, all_paths):
    """Yield the causes that leave out how elements affect others: each alone, or each row (any axis) alone."""
    first = all_paths[0]
    named = [first.x] + [node for node in first.order if source.is_variable(node) or node is first.y]
    pairs = [(k, m) for k, m in itertools.combinations(named, 2) if k.value.shape == m.value.shape and 0 < m.value.ndim]
    for k, m in pairs if max(node.value.size for node in named) <= LARGEST else ():
        keys = array_key(k), array_key(m)
        blocks = [_without_crosstalk(paths, _dy(draw), *keys) for paths, draw in zip(all_paths, draws)]
        if any(block is None for block in blocks):
            continue
        for axes in blocks[0]:
            if all(axes in block and same(draw.found, block[axes]) for block, draw in zip(blocks, draws)):
                place = "place" if len(axes) == m.value.ndim else "index of axis " + " and ".join(map(str, axes))
                value = "the value" if m is first.y else f"`{source.name(m)}`"
                text = f"if each element of {value} depended only on `{source.name(k)}` at the same {place}"
                yield Cause("missing path", text, (m.site,) if m.site else (), 1.5)
                return


def _without_crosstalk(paths, dy, of_k, of_m):
    """Return the gradients if m depended on k only at the same index of some axes: a dict by axes; None if it does."""
    nodes = {array_key(node): node for node in (paths.x, *paths.order)}
    k, m = nodes.get(of_k), nodes.get(of_m) or paths.y
    if k is None:
        return None
    J, ndim = paths.jacobian(m, k), m.value.ndim
    A = paths.walk(paths.y, dy).get(m)
    if A is None:
        return None
    cut = paths.gradient(dy, dict.fromkeys(paths.out_of(m), 0.0)) if m is not paths.y else 0.0
    found = {}
    for axes in [axes for n in range(ndim, 0, -1) for axes in itertools.combinations(range(ndim), n)]:
        kept = J * _alike(m.value.shape, axes)
        if not np.allclose(kept, J, atol=1e-7):
            through = paths.walk(k, A @ kept).get(paths.x)
            if through is not None:
                found[axes] = cut + through.reshape(paths.x.value.shape)
    return found


def _alike(shape, axes):
    """Return for each pair of elements of an array whether they have the same index along these axes."""
    indices = np.stack([index.reshape(-1) for index in np.indices(shape)])[list(axes)]
    return (indices[:, :, None] == indices[:, None, :]).all(axis=0)


def _dy(draw):
    return draw.graph.inputs["dy"].value


def _weight(found, without, right):
    """Return the weight w with which found = without + w (right − without); None if there is none."""
    path = right - without
    square = np.sum(path * path)
    if not square > 0 or same(right, without):
        return None
    w = float(np.sum((found - without) * path) / square)
    return w if same(found, without + w * path) and abs(w - 1) > 1e-5 else None


def _groups(paths, x):
    """Return the groups of edges that may be cut: all uses of one value, or one use of it."""
    groups = {}
    for node in paths.order:
        if node is not paths.y and node.site:
            key = ("value", node.site.file, node.site.instruction)
            text = f"`{source.name(node)}`"
            cost = 1.2 + 0.4 * (not source.is_variable(node))
            groups.setdefault(key, _Group(key, text, node.site, cost))
    for node in paths.order:
        for path, k, _ in paths.edges[node]:
            if node.site:
                key = ("use", *_key_of_edge(node, path, k))
                used = source.argument(node, path) or source.name(k)
                text = f"`{used}` in `{source.text(node)}`"
                groups.setdefault(key, _Group(key, text, node.site, 1.7))
    return list(groups.values())


def _key_of_edge(node, path, k):
    place = node.site.file, node.site.instruction
    return (*place, k.name or (k.site and k.site.instruction)) if node.inner else (*place, path)


def _edges(paths, key):
    """Return the edges of a group in these paths."""
    found = []
    for node in paths.order:
        for path, k, _ in paths.edges[node]:
            if key[0] == "value":
                if k.site and (k.site.file, k.site.instruction) == key[1:]:
                    found.append((node, path))
            elif node.site and _key_of_edge(node, path, k) == key[1:]:
                found.append((node, path))
    return found


# --- edits -------------------------------------------------------------------------------------------------------------


def _edits(draws, all_paths, ends, cheapest):
    """Yield the causes that are edits of the author's lines."""
    all_places = []
    for i, draw in enumerate(draws):
        settled = draw.graph.above(draw.graph.outputs["y"]) if draw.name != "y" else ()
        slopes = slopes_of_elements(all_paths[i]) if all_paths else ()
        all_places.append(Places(draw.graph, draw.output, settled, slopes))
    for cause in _scaled(draws, all_places):
        cheapest = min(cheapest, cause.cost)
        yield cause
    edits = sorted(edits_of(all_places[0]), key=lambda edit: edit.cost)
    for edit in edits:
        if time.monotonic() > ends or edit.cost > cheapest + MARGIN:
            return
        if all(_holds(edit, draw, places) for draw, places in zip(draws, all_places)):
            cheapest = min(cheapest, edit.cost)
            yield Cause(edit.kind, edit.text, (edit.site,), edit.cost)


OF_VALUES = {"other function", "other array", "constant", "power", "order", "axis", "sum or mean", "wrong sign", "transposed",
             "extra factor", "extra term"}  # fmt: skip


@_quiet
def search_value(arrays, ends):
    """Return the causes that are edits of the value: with one of them, all derivatives would be right.

    arrays   a list of the draws of each derivative, right or wrong; those of one draw share a graph
    ends     when to stop, on the clock of `time.monotonic`

    Numbers cannot tell whether the value or its derivative is wrong. But one edit of the value that makes several wrong
    derivatives right, and leaves the right ones right, explains more than one edit for each.
    """
    together = list(zip(*arrays))  # by draw
    all_places = [Places(draws[0].graph, draws[0].graph.outputs["y"]) for draws in together]
    edits = [e for e in edits_of(all_places[0]) if e.kind in OF_VALUES and e.site and "np.sign" not in e.text]
    causes = []
    for edit in sorted(edits, key=lambda edit: edit.cost):
        if time.monotonic() > ends or (causes and edit.cost > causes[0].cost + MARGIN):
            break
        if all(_agree_after(edit, draws, places) for draws, places in zip(together, all_places)):
            text = f"{edit.text} in the value: your derivatives belong to that one"
            causes.append(Cause(edit.kind, text, (edit.site,), edit.cost))
    return _chosen(causes)


def _agree_after(edit, draws, places):
    """Return whether the value and all its derivatives agree after an edit of the value."""
    changes = edit.changes(places)
    if not changes:
        return False
    try:
        graph = draws[0].graph.edited(changes)
        for draw in draws:
            gradient = Paths(graph, graph.inputs[draw.name[1:]]).gradient(_dy(draw))
            if not np.any(gradient) or not same(graph.outputs[draw.name].value, gradient):
                return False
    except (*FAILURES, TooLarge):
        return False
    return True


def _holds(edit, draw, places):
    """Return whether an edit gives the right array."""
    made = _result(edit.changes, draw, places)
    return made is not None and draw.is_right(made)


def _result(changes, draw, places):
    """Return the array after a change; None if it cannot be computed."""
    try:
        changed = changes(places)
        if not changed:
            return None
        return draw.graph.run(changed, draw.output).get(draw.output)
    except FAILURES:
        return None


def _scaled(draws, all_places):
    """Yield the causes that are a number: a factor, or a sign, at one use of a value or of the result."""
    uses = [use for use in all_places[0].uses() if isinstance(use.value, Node) and _is_float(use.value.value)]
    candidates = [(use, lambda w, use=use: at_use(use, lambda v, *_: w * v)) for use in uses]
    candidates.append((None, lambda w: at_result(lambda v, *_: w * v)))
    for use, scaled in candidates:
        factors = []
        for draw, places in zip(draws, all_places):
            factor = _fitted(scaled, draw, places)
            if factor is None:
                break
            factors.append(factor)
        else:
            yield from _number_cause(use, factors, draws)


def _is_float(value):
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"


def _fitted(scaled, draw, places):
    """Return the number by which the use must be multiplied; None if there is none, or the result is not linear in it."""
    zero, two = (_result(scaled(w), draw, places) for w in (0.0, 2.0))
    found = draw.found
    if zero is None or two is None or zero.shape != draw.truth.shape or two.shape != zero.shape or found.shape != zero.shape:
        return None
    direction = found - zero
    square = np.sum(direction * direction)
    if not (square > 0 and np.isfinite(square) and same(two - found, direction)):
        return None
    w = float(np.sum((draw.truth - zero) * direction) / square)
    return w if draw.is_right(zero + w * direction) and abs(w - 1) > 1e-7 else None


def _number_cause(use, factors, draws):
    """Yield the cause for a use that must be multiplied by these factors, one for each draw."""
    site = use.node.site if use else draws[0].output.site
    called, extra = (use.called, use.extra) if use else (source.name(draws[0].output), 0.05)
    is_term = use is not None and use.node.function in (np.add, np.subtract)
    if np.allclose(factors, 0, atol=1e-7):
        if is_term:
            yield Cause("extra term", f"without the term `{called}`", (site,), 1.4 + extra)
    elif np.allclose(factors, -1, rtol=1e-6):
        yield Cause("wrong sign", f"with the other sign before `{called}`", (site,), (1.3 if is_term else 1.5) + extra)
    elif name := factor_name(factors, draws):
        cost = (1.8 if len(name) < 5 else 2.0) + extra
        yield Cause("missing factor", f"with one more factor {name} at `{called}`", (site,), cost)
    elif np.allclose(factors, factors[0], rtol=1e-6) and use is None:
        text = f"with one more factor {factors[0]:.6g} at `{called}`".replace("-", "−")
        yield Cause("constant", text, (site,), FITTED)


PLAIN = {"2": 2, "1/2": 0.5, "4": 4, "1/4": 0.25, "3": 3, "1/3": 1 / 3, "2π": 2 * np.pi, "√2": 2**0.5, "1/√2": 2**-0.5}
OF_A_SIZE = {
    "{}": lambda n: n, "1/{}": lambda n: 1 / n, "√{}": lambda n: n**0.5, "1/√{}": lambda n: n**-0.5,
    "({} − 1)": lambda n: n - 1.0, "1/({} − 1)": lambda n: 1 / (n - 1.0) if n > 1 else np.nan,
    "{0}/({0} − 1)": lambda n: n / (n - 1.0) if n > 1 else np.nan, "({0} − 1)/{0}": lambda n: (n - 1.0) / n,
    "{}²": lambda n: n * n, "1/{}²": lambda n: n**-2.0,
}  # fmt: skip


def factor_name(factors, draws):
    """Return the name of a factor that has these values in the draws; None if it has none."""
    literals = Places(draws[0].graph, draws[0].output).literals()
    for c in sorted(literals, key=abs):
        for value, name in ((c, f"{c:g}"), (-c, f"−{c:g}"), (1 / c if c else np.nan, f"1/{c:g}")):
            if isinstance(c, float) and np.allclose(factors, value, rtol=1e-6, atol=0):
                return name
    for sign, text in ((1, ""), (-1, "−")):
        for name, value in PLAIN.items():
            if np.allclose(factors, sign * value, rtol=1e-6, atol=0):
                return text + name
    numbers = [draw.numbers for draw in draws]
    names = [name for name in numbers[0] if all(n.get(name, 1) > 1 for n in numbers)]
    for (sign, text), (pair, two) in itertools.product(
        ((1, ""), (-1, "−")), (("", 1), ("2 · ", 2), ("½ · ", 0.5))
    ):
        for name in names:
            for form, of in OF_A_SIZE.items():
                if np.allclose(factors, [sign * two * of(n[name]) for n in numbers], rtol=1e-6, atol=0):
                    return text + pair + form.format(_short(name)) + _meaning(name, numbers[0])
        for a, b in itertools.combinations(names, 2):
            for form, power in (("{} · {}", 1), ("1/({} · {})", -1)):
                if np.allclose(factors, [sign * two * (n[a] * n[b]) ** float(power) for n in numbers], rtol=1e-6, atol=0):
                    return text + pair + form.format(_short(a), _short(b)) + _meaning(a, numbers[0]) + _meaning(b, numbers[0])
    return None


def _short(name):
    short = name.split(",")[0].split(" or ")[0]
    return short


def _meaning(name, numbers):
    return f" ({name.split(' or ')[0]} is {numbers[name]:g})"


__all__ = ["Cause", "Draw", "Edit", "factor_name", "search", "search_value"]
