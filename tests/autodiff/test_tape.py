"""Proves that the printed tape says what ran, on which shapes, what is kept, and who called.

It would catch a derivative that keeps an array it does not need, which costs memory in every step.
"""

import numpy as np

from npvae import Tensor, tape
from npvae.autodiff import op, ops


def test_the_tape_of_a_small_loss():
    x = np.ones((3, 5))
    W, b = Tensor(np.ones((5, 7)), requires_grad=True), Tensor(np.ones(7), requires_grad=True)
    text = tape(ops.relu(ops.dense(x, W, b)).sum())
    lines = text.splitlines()
    assert lines[0].startswith("   0 dense        (3,5) (5,7) (7) -> (3,7)    autodiff/test_tape.py:")
    assert [line.strip() for line in lines[1:4]] == ["dx: not needed", "dW: keeps x (3,5)", "db: keeps nothing"]
    assert lines[5].strip() == "dx: keeps y (3,7)"
    assert lines[6].split()[1] == "sum" and lines[7].strip() == "dx: keeps nothing"
    assert all(len(line) <= 80 for line in lines)


def test_a_call_from_a_notebook_is_said_by_its_line_alone():
    place = {"np": np, "Tensor": Tensor, "ops": ops}
    source = "\nloss = ops.exp(Tensor(np.ones(3), requires_grad=True))"
    exec(compile(source, "/tmp/ipykernel_4711/2718281828.py", "exec"), place)
    assert tape(place["loss"]).splitlines()[0].endswith("  cell:2")


def test_derivatives_that_share_their_work():
    a, b = Tensor(np.ones(2), requires_grad=True), Tensor(np.ones(3))
    assert "dall inputs: keeps" in tape(ops.concatenate(a, b))


def test_derivatives_that_are_no_functions_or_do_not_exist():
    @op
    def negate(x):
        return -x, np.negative

    @op
    def noise(x, eps):
        return x + eps, lambda dy: dy, None

    x = Tensor(np.ones(2), requires_grad=True)
    assert "dx: is not a function of its own" in tape(negate(x))
    assert "deps: does not exist" in tape(noise(x, x))


def test_an_empty_tape():
    assert "empty" in tape(Tensor(np.ones(2)))
