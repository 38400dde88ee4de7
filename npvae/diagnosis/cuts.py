"""The causes that concern a path: the derivative without it, or with a wrong factor on it.

A derivative may also leave out how each element affects the *others*. For a softmax, y (1 − y) dy covers only the
effect of each element on itself.
"""

import itertools
from typing import NamedTuple

import numpy as np

from . import source
from .causes import Cause
from .changes import array_key
from .comparison import same
from .draws import upstream
from .factors import factor_name
from .paths import LARGEST, is_over

LEFT_OUT = ()  # in place of axes: the Jacobian is 1
SKIPPED = 2.2  # the cost of a step that the chain rule leaves out
JACOBIANS = {"1: your chain rule leaves out this step": lambda J: np.eye(len(J)), "transposed": np.transpose}
PLAIN_NAME = 5  # a factor whose name is shorter is a plain number, and not made of sizes
MOST_IN_PAIRS = 60  # with more groups of edges, there are too many pairs to try


class _Group(NamedTuple):
    """Edges of the forward pass that are cut together.

    key   identifies the group in every trace of the same function
    text  the name of the value that a cut makes constant
    site  where it is computed or used
    cost  of the cause
    """

    key: tuple
    text: str
    site: tuple
    cost: float


def path_causes(draws, all_paths, ends=np.inf):
    """Return the causes that concern a path, as many as are found in time: it is missing, or has a wrong factor.

    Cutting any of several values in a chain gives the same derivative. They give one cause, named after the cheapest.
    """
    if all(not np.any(draw.found) for draw in draws):
        return []
    right = [paths.gradient(upstream(draw)) for paths, draw in zip(all_paths, draws)]
    causes, cut = list(_crosstalk(draws, all_paths, ends)), {}
    for group in sorted(_groups(all_paths[0]), key=lambda group: group.cost):
        if is_over(ends):
            return causes
        without = [p.gradient(upstream(d), dict.fromkeys(_edges(p, group.key), 0.0)) for p, d in zip(all_paths, draws)]
        if not any(np.any(gradient) for gradient in without):
            continue  # no path is left, which explains only a derivative that is zero
        like = next((other for other, gradients in cut.items() if same(gradients[0], without[0])), None)
        cut.setdefault(group if like is None else like, without)
        weights = [_weight(draw.found, gradient, full) for draw, gradient, full in zip(draws, without, right)]
        cause = None if None in weights else _path_cause(group, weights, draws)
        i = next((i for i, other in enumerate(causes) if like and cause and other.sites[:1] == (like.site,)), None)
        if i is not None:
            causes[i] = causes[i]._replace(sites=(*causes[i].sites, group.site))
        elif cause:
            causes.append(cause)
    if not causes:
        causes += _skipped(draws, all_paths, ends)
    if not causes:
        causes += _of_another_value(draws, all_paths, ends)
    if not causes and len(cut) <= MOST_IN_PAIRS:
        causes += _two_cut(draws, all_paths, cut, ends)
    return causes


def _path_cause(group, weights, draws):
    """Return the cause for a path with these weights, one for each draw; None if the weights have no name."""
    if np.allclose(weights, 0, atol=1e-6):
        return Cause("missing path", f"if {group.text} did not depend on `{draws[0].of}`", (group.site,), group.cost)
    if np.allclose(weights, -1, atol=1e-6):
        text = f"if the path through {group.text} had the opposite sign"
        return Cause("wrong path", text, (group.site,), group.cost + 0.3)
    if name := factor_name(weights, draws):
        text = f"if the path through {group.text} counted {name} times"
        return Cause("wrong path", text, (group.site,), group.cost + 1)
    return None


def _skipped(draws, all_paths, ends):
    """Yield the causes that the chain rule leaves out one step, or takes its Jacobian transposed."""
    for group in _groups(all_paths[0]):
        if is_over(ends):
            return
        if group.key[0] == "use":
            for words, change in JACOBIANS.items():
                changed = [_jacobians(paths, group.key, change) for paths in all_paths]
                if all(changed) and all(
                    same(draw.found, paths.gradient(upstream(draw), instead=instead))
                    for draw, paths, instead in zip(draws, all_paths, changed)
                ):
                    text = f"if the derivative of {group.text.split(' in ')[-1]} were {words}"
                    yield Cause("wrong path", text, (group.site,), SKIPPED)


def _of_another_value(draws, all_paths, ends):
    """Return the cause that the derivative is that of an earlier value, times a number: the last steps are left out.

    A list of the cheapest one; an empty list if there is none.
    """
    causes = []
    for node in reversed(all_paths[0].order):
        if is_over(ends):
            break
        weights = [_as_if_value(draw, paths, array_key(node)) for draw, paths in zip(draws, all_paths)]
        if np.allclose(weights, np.sign(weights[0]), rtol=1e-6):
            times, extra = "−" * (weights[0] < 0), 0.0
        else:
            name = factor_name(weights, draws) or ""
            times, extra = f"{name} · ", 0.3
            if not 0 < len(name) < PLAIN_NAME:
                continue
        words = f"if the value were {times}`{source.name(node)}`, without the steps after it"
        causes.append(Cause("wrong path", words, (node.site,) if node.site else (), SKIPPED + extra))
    return sorted(causes, key=lambda cause: cause.cost)[:1]


def _as_if_value(draw, paths, key):
    """Return w if the found derivative were right for the value w m, m being the array with a key; or else NaN."""
    m = next((node for node in paths.order if array_key(node) == key), paths.y)
    if m is paths.y or getattr(m.value, "shape", None) != paths.y.value.shape:
        return np.nan
    gradient = np.reshape(paths.backpropagate(m, upstream(draw)).get(paths.x, 0.0), -1)
    if draw.found.size != gradient.size:
        return np.nan
    w, found = np.sum(draw.found.reshape(-1) * gradient) / np.sum(gradient * gradient), draw.found.reshape(-1)
    return float(w) if same(found, w * gradient) else np.nan


def _jacobians(paths, key, change):
    """Return the changed Jacobians of the edges with a key, a dict; an empty one if the change makes no difference."""
    edges = set(_edges(paths, key))
    found = {(node, path): J for node in paths.order for path, _, J in paths.edges[node] if (node, path) in edges}
    if any(J.shape[0] != J.shape[1] for J in found.values()):
        return {}
    changed = {edge: change(J) for edge, J in found.items()}
    return changed if any(not np.allclose(J, changed[edge], atol=1e-6) for edge, J in found.items()) else {}


def _two_cut(draws, all_paths, groups, ends):
    """Yield the causes that two paths are missing."""
    for a, b in itertools.combinations(groups, 2):
        if is_over(ends):
            return
        if all(
            same(draw.found, p.gradient(upstream(draw), dict.fromkeys([*_edges(p, a.key), *_edges(p, b.key)], 0.0)))
            for p, draw in zip(all_paths, draws)
        ):
            text = f"if neither {a.text} nor {b.text} depended on `{draws[0].of}`"
            yield Cause("missing path", text, (a.site, b.site), a.cost + b.cost)


def _crosstalk(draws, all_paths, ends):
    """Yield the first cause of this kind: the derivative leaves out how each element, or each slice, affects others.

    For every pair of arrays k and m of one shape, m is taken to depend on k only at the same index of some axes.
    """
    first = all_paths[0]
    named = [first.x] + [node for node in first.order if source.is_variable(node) or node is first.y]
    pairs = [(k, m) for k, m in itertools.combinations(named, 2) if k.value.shape == m.value.shape and 0 < m.value.ndim]
    pairs = [(k, m) for k, m in pairs if source.name(k) != source.name(m)]
    for k, m in pairs if max(node.value.size for node in named) <= LARGEST else ():
        if is_over(ends):
            return
        keys = array_key(k), array_key(m)
        blocks = [_without_crosstalk(paths, upstream(draw), *keys) for paths, draw in zip(all_paths, draws)]
        if any(block is None for block in blocks):
            continue
        for axes in blocks[0]:
            if all(axes in block and same(draw.found, block[axes]) for block, draw in zip(blocks, draws)):
                place = "place" if len(axes) == m.value.ndim else "index of axis " + " and ".join(map(str, axes))
                value = "the value" if m is first.y else f"`{source.name(m)}`"
                text = f"if each element of {value} depended only on `{source.name(k)}` at the same {place}"
                cost = 1.5
                if axes is LEFT_OUT:
                    text, cost = f"if the derivative of {value} with respect to `{source.name(k)}` were 1", SKIPPED
                yield Cause("missing path", text, (m.site,) if m.site else (), cost)
                return


def _without_crosstalk(paths, dy, of_k, of_m):
    """Return the gradients if m depended on k only at the same index of some axes, or with the Jacobian 1: by axes.

    None if this draw has no such nodes. The dict leaves out axes for which that makes no difference.
    """
    nodes = {array_key(node): node for node in (paths.x, *paths.order)}
    k, m = nodes.get(of_k), nodes.get(of_m) or paths.y
    if k is None:
        return None
    J, ndim = paths.jacobians(m).get(k, np.zeros((m.value.size, k.value.size))), m.value.ndim  # ∂m/∂k
    A = paths.backpropagate(paths.y, dy).get(m)  # the gradient of Σ dy y with respect to m
    if A is None:
        return None
    cut = paths.gradient(dy, dict.fromkeys(paths.out_of(m), 0.0)) if m is not paths.y else 0.0  # along other paths
    found = {}
    kept_by_axes = {axes: J * _alike(m.value.shape, axes)
                    for n in range(ndim, 0, -1) for axes in itertools.combinations(range(ndim), n)}  # fmt: skip
    if k is not paths.x or m is not paths.y:  # or else the derivative is dy itself, for whatever reason
        kept_by_axes[LEFT_OUT] = np.eye(len(J))
    for axes, kept in kept_by_axes.items():
        if not np.allclose(kept, J, atol=1e-7):
            through = paths.backpropagate(k, A @ kept).get(paths.x)
            if through is not None:
                found[axes] = cut + through.reshape(paths.x.value.shape)
    return found


def _alike(shape, axes):
    """Return whether two elements have the same index along these axes, for all pairs: an array (size, size)."""
    indices = np.stack([index.reshape(-1) for index in np.indices(shape)])[list(axes)]
    return (indices[:, :, None] == indices[:, None, :]).all(axis=0)


def _weight(found, without, right):
    """Return the weight w with which found = without + w (right − without); None if there is none."""
    path = right - without
    square = np.sum(path * path)
    if not square > 0 or same(right, without):
        return None
    w = float(np.sum((found - without) * path) / square)
    return w if same(found, without + w * path) and abs(w - 1) > 1e-5 else None


def _groups(paths):
    """Return the groups of edges to cut: all uses of one value, and each use alone."""
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
