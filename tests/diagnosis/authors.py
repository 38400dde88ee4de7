"""An author's functions from a text that a diagnosis can quote, and every edit that gives them the right values."""

import ast
import itertools
import linecache
import textwrap

import numpy as np

from npvae.diagnosis.comparison import same
from npvae.diagnosis.confined import Refused, confined
from npvae.diagnosis.program import Program
from npvae.diagnosis.rewrites import rewrites_of

COUNT = itertools.count()


def module(text):
    """Return the names of a module with this source, a dict."""
    text, file = textwrap.dedent(text), f"<author {next(COUNT)}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    names = {"np": np, "__name__": "author"}
    exec(compile(text, file, "exec"), names)
    return names


def rewrites(f, *inputs):
    """Return the program of a function, the values of its variables in one call, and its edits."""
    program = Program(f)
    with confined(program.files, notes_values=True) as run:
        f(*inputs)
    return program, run.values, [r for definition in program.definitions for r in rewrites_of(definition, run.values)]


def edited(f, old, new):
    """Return the function after an edit: the expression `old` of its source becomes `new`."""
    program = Program(f)
    for definition in program.definitions:
        for node in ast.walk(definition.tree):
            if isinstance(node, ast.expr) and ast.unparse(node) == old:
                return program.version(definition, [(node, ast.parse(new, mode="eval").body)])
    raise AssertionError(f"{old} is not in the source")


def repairs(wrong, right, *inputs):
    """Return the pairs of kind and text of all edits after which `wrong` returns what `right` returns."""
    expected, found = right(*map(np.copy, inputs)), []
    with np.errstate(all="ignore"):
        program, _, all_rewrites = rewrites(wrong, *map(np.copy, inputs))
        for rewrite in all_rewrites:
            try:
                value = program.version(rewrite.definition, rewrite.replaced)(*map(np.copy, inputs))
                if same(np.asarray(value, float), np.asarray(expected, float)):
                    found.append((rewrite.kind, rewrite.text))
            except (Exception, Refused):
                continue
    return found


def function(body, arguments="x"):
    """Return the function f with this body, a line or several."""
    return module(f"def f({arguments}):\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n")["f"]
