"""Proves that an error about shapes is explained with the student's own names and shapes, and that nothing else is.

These tests would catch a wrong operand, a line that is evaluated with side effects, and a guess about another error.
"""

import linecache

import numpy as np
import pytest

from npvae.learn.shapes import shapes_that_met

HEAD = "import numpy as np\ndef f(x, W, b, dy, draw):\n"


@pytest.fixture
def explained(tmp_path):
    """explained(body) runs the lines of a function with arrays of several shapes, and explains the error."""

    def explained(body):
        path = tmp_path / "own.py"
        path.write_text(HEAD + "\n".join(f"    {line}" for line in body.split("\n")))
        linecache.checkcache(str(path))
        space = {}
        exec(compile(path.read_text(), str(path), "exec"), space)
        drawn = []
        try:
            space["f"](np.ones((3, 5)), np.ones((5, 7)), np.ones(7), np.ones((3, 7)), lambda: drawn.append(1))
        except Exception as error:
            assert len(drawn) <= 1
            return shapes_that_met(error, path)
        raise AssertionError("no error")

    return explained


@pytest.mark.parametrize(
    "body, sentence",
    {
        "return dy @ W": "dy (3, 7) @ W (5, 7): the inner sizes 7 and 5 differ",
        "return x.T @ (dy.T + 1)": "x.T (5, 3) @ dy.T + 1 (7, 3): the inner sizes 3 and 7 differ",
        "return np.matmul(dy, W)": "np.matmul gets dy (3, 7) and W (5, 7): the inner sizes 7 and 5 differ",
        "return dy.dot(W)": "dy.dot gets dy (3, 7) and W (5, 7): the inner sizes 7 and 5 differ",
        "y = x @ W\nreturn y + (x @ W).T": "y (3, 7) + (x @ W).T (7, 3): the last axes have the sizes 7 and 3",
        "return 2 * (dy * dy.sum(axis=1))": "dy (3, 7) * dy.sum(axis=1) (3,): the last axes have the sizes 7 and 3",
        "x += dy": "x (3, 5) += dy (3, 7): the last axes have the sizes 5 and 7",
        "b += dy": "b (7,) += dy (3, 7): the result (3, 7) does not fit into b (7,)",
        "return dy.reshape(5, 5)": "dy.reshape gets dy (3, 7): 21 numbers do not fill this shape",
        "return np.maximum(x, dy)": "np.maximum gets x (3, 5) and dy (3, 7): the last axes have the sizes 5 and 7",
        "return np.concatenate([x, W.T]) + np.maximum(\n    x, W)": "np.maximum gets x (3, 5) and W (5, 7)",
        "return np.concatenate([x, dy])": "np.concatenate gets x (3, 5) and dy (3, 7): the last axes",
        "return x @ 3.0": "x (3, 5) @ 3.0 (): a single number has no rows and columns",
        "def dx(dy): return dy @ W\nreturn dx(dy)": "dy (3, 7) @ W (5, 7)",
        "return [row @ W for row in dy]": "row (7,) @ W (5, 7)",
        "draw()\nraise ValueError('mine')": "",
        "return draw() @ W": "",
        "return np.zeros(3)[7]": "",
        "return int('x')": "",
    }.items(),
)
def test_the_shapes_on_the_line(explained, body, sentence):
    found = explained(body)
    assert found.startswith(sentence) if sentence else found == "", found
