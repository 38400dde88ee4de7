"""Proves that a version of a function differs in its edit alone, and that the author's own function stays as it was.

These tests would catch an edit that stays in the tree, a version that calls the helper functions unedited, one that
fills the author's cache, and an edit of a function that opens files.
"""

import ast

import numpy as np
import pytest

from npvae.autodiff import ops
from npvae.diagnosis.program import Program
from tests.diagnosis.authors import edited, function, module, rewrites

KINDS = {  # in each, 2 * x stands once, and f(1.0) is 2
    "a plain function": "def f(x): return 2 * x",
    "a closure": "def of(k):\n def f(x): return k * (2 * x)\n return f\nf = of(1)",
    "a function that a closure holds": "def g(x): return 2 * x\ndef of(g): return lambda x: g(x)\nf = of(g)",
    "a nested definition": "def f(x):\n def g(x): return 2 * x\n return g(x)",
    "a derivative": "def of(x):\n return x, lambda x: 2 * x\nf = lambda x: of(x)[1](x)",
    "a lambda": "f = lambda x: 2 * x",
    "the second lambda of a line": "f = (lambda x: 3 * x, lambda x: 2 * x, lambda x: x * 2)[1]",
    "a lambda with the names of its neighbours": "a = 2\nf = (lambda x: a - x, lambda x: a * x * (2 * x) / a)[1]",
    "a lambda with a lambda as a default": "f = lambda x, g=lambda v: v: g(2 * x)",
    "a method": "class A:\n k = 1\n def f(self, x): return self.k * (2 * x)\nf = A().f",
    "a callable object": "class A:\n def __call__(self, x): return 2 * x\nf = A()",
    "a partial": "import functools\ndef g(k, x, m): return k * m * (2 * x)\nf = functools.partial(g, 1, m=1)",
    "a partial that is given a function": "import functools\ndef g(x): return 2 * x\ndef apply(g, x): return g(x)\n"
                                          "f = functools.partial(apply, g)",
    "a helper": "def f(x): return g(x)\ndef g(x): return h(x)\ndef h(x): return 2 * x",
    "a recursive function": "def f(x, n=3): return f(x, n - 1) if n else 2 * x",
    "a recursive function in another": "def of():\n def f(x, n=3): return f(x, n - 1) if n else 2 * x\n return f\n"
                                       "f = of()",
    "two functions that call each other": "def f(x, n=3): return g(x, n - 1) if n else 2 * x\n"
                                          "def g(x, n): return f(x, n)",
    "a decorated function": "def twice(f):\n def g(x): return f(x / 2) + f(x / 2)\n return g\n\n@twice\n@twice\n"
                            "def f(x):\n return 2 * x",
    "defaults": "def f(x, k=1, *more, m=1, **others): return k * m * (2 * x)",
    "a function with its doc": 'def f(x):\n "Return twice x."\n return 2 * x',
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_version_differs_in_its_edit_alone(kind):
    f = module(KINDS[kind])["f"]
    assert f(1.0) == 2
    version = edited(f, "2 * x", "5 * x")
    assert [version(1.0), version(2.0), f(1.0)] == [5, 10 if f(2.0) == 4 else 20, 2]


@pytest.mark.parametrize("kind", KINDS)
def test_the_tree_is_restored_after_every_edit(kind):
    f = module(KINDS[kind])["f"]
    program, _, found = rewrites(f, 1.0)
    before = [ast.dump(definition.tree, include_attributes=True) for definition in program.definitions]
    for rewrite in found:
        program.version(rewrite.definition, rewrite.replaced)
        assert [ast.dump(definition.tree, include_attributes=True) for definition in program.definitions] == before
    assert found and f(1.0) == 2


STATEMENTS = """
def f(x):
    a = x + 1
    b = a * 2
    c = 0.0
    for i in range(3):
        d = b * i
        c += d
    c = c - 1
    if c > 0:
        c = -c
        c *= 2
    else:
        c = 3 * c
    return c
"""


def test_the_tree_is_restored_after_edits_of_statements():
    f = module(STATEMENTS)["f"]
    program, _, found = rewrites(f, 1.0)
    (definition,) = program.definitions
    before, several = ast.dump(definition.tree), 0
    for rewrite in found:
        several += len(rewrite.replaced) > 1 and isinstance(rewrite.replaced[0][1], list)
        program.version(definition, rewrite.replaced)
        assert ast.dump(definition.tree) == before, rewrite.text
    assert several >= 10


def test_the_tree_is_restored_after_an_edit_that_does_not_compile():
    (definition,) = (program := Program(function("a = x\nreturn a"))).definitions
    before, statements = ast.dump(definition.tree), definition.tree.body
    for new in (ast.Name("True", ast.Load()), ast.Constant(object()), ast.parse("[*x]").body[0].value.elts[0]):
        with pytest.raises((SyntaxError, ValueError, TypeError)):
            program.version(definition, [(statements[0].value, new)])
        assert ast.dump(definition.tree) == before
    with pytest.raises(SyntaxError):
        program.version(definition, [(statements[0], [ast.Break(), statements[0]]), (statements[1], [])])
    assert ast.dump(definition.tree) == before and definition.tree.body is statements


KEPT = """
import functools
W, CACHE, COUNTS, LARGE = np.ones(3), {}, [0], np.ones(20_000)

class Layer:
    def __init__(self, g):
        self.w, self.g, self.x = np.ones(3), g, None

    def f(self, x):
        self.x, self.w[0] = x, 7.0
        return self.g(x)

def of(v):
    seen = []
    def g(x, kept=[], *, more={}):
        global N
        N = 1
        if "x" not in CACHE:
            CACHE["x"] = 2 * x
        COUNTS[0] += 1
        seen.append(x)
        kept.append(x)
        more["x"] = x
        dW = np.zeros_like(W)
        dW[0] = v[0] = 5.0
        return CACHE["x"]
    return g

g = of(V := np.ones(3))
layer = Layer(g)
f = layer.f
partial = functools.partial(lambda w, x: w.sum() * (2 * x), P := np.ones(3))
"""


def test_what_the_author_keeps_is_untouched():
    names = module(KEPT)
    layer, g = names["layer"], names["g"]
    for f in (names["f"], g):
        version = edited(f, "2 * x", "5 * x")
        assert [version(1.0), version(2.0)] == [5, 5]  # a version has one cache
        version = edited(f, "np.zeros_like(W)", "W")
        version(1.0)
    seen = g.__closure__[0].cell_contents, g.__closure__[1].cell_contents
    assert names["CACHE"] == {} and names["COUNTS"] == [0] and "N" not in names
    assert any(isinstance(content, list) and content == [] for content in seen)
    assert g.__defaults__ == ([],) and g.__kwdefaults__ == {"more": {}}
    assert layer.x is None and vars(layer)["g"] is g
    for array in (names["W"], names["V"], layer.w):
        assert np.array_equal(array, np.ones(3))
    program, _, found = rewrites(names["partial"], 2.0)
    for rewrite in found:
        version = program.version(rewrite.definition, rewrite.replaced)
        version.args[0][:] = 3.0
    assert found and np.array_equal(names["P"], np.ones(3))


def test_a_large_array_is_not_copied_but_cannot_be_changed():
    names = module("LARGE = np.ones(20_000)\ndef f(x):\n    y = LARGE * 1\n    y *= 2\n    return y")
    assert np.array_equal(edited(names["f"], "LARGE * 1", "LARGE * 3")(1.0), 6 * np.ones(20_000))
    with pytest.raises(ValueError, match="read-only"):
        edited(names["f"], "LARGE * 1", "LARGE")(1.0)
    assert names["LARGE"].flags.writeable and names["LARGE"].sum() == 20_000


def test_a_function_that_writes_to_what_is_open_is_not_edited():
    assert Program(module("import sys\ndef f(x):\n    sys.stdout.write('x')\n    return 2 * x")["f"]).definitions == []


def test_a_name_for_an_attribute_is_no_file():
    f = module("class A:\n    def f(self, x):\n        self.input = x\n        return 2 * self.input\nf = A().f")["f"]
    assert edited(f, "2 * self.input", "3 * self.input")(1.0) == 3


def test_without_the_source_there_is_no_definition():
    names = {}
    exec(compile("def f(x): return 2 * x", "<stdin>", "exec"), names)
    assert Program(names["f"]).definitions == Program(np.exp).definitions == Program(len).definitions == []


def test_lambdas_that_nothing_tells_apart_give_none():
    f, g = module("fs = lambda x: 2 * x, lambda x: x * 2\n")["fs"]
    lines = [ast.unparse(Program(each).definitions[0].tree.body[0]) for each in (f, g)]
    assert lines == ["return 2 * x", "return x * 2"]
    g.__code__ = g.__code__.replace(co_code=b"\0" * len(g.__code__.co_code))
    assert Program(g).definitions == []


def test_functions_of_libraries_are_not_edited():
    names = module("p = np.poly1d([1, 2])\ndef of(*fs):\n    return lambda x: fs[0](x) + p(x)\ndef g(p, h):\n"
                   "    return lambda x: p(x) + h(x)\n")  # fmt: skip
    for f in (names["g"](names["p"], ops.softplus), names["g"](ops.softplus.raw, names["p"])):
        assert [d.function.__name__ for d in Program(f).definitions] == ["<lambda>"]
    assert Program(ops.softplus).definitions == Program(names["p"]).definitions == []
