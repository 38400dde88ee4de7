"""Proves that the walk over the tape propagates gradients correctly, whatever the shape of the graph.

These tests would catch a value that is used twice but counted once, a gradient that is added into an array of somebody
else's, recursion that overflows on a deep graph, and errors that do not say what was wrong.
"""

import operator
import threading
import tracemalloc

import numpy as np
import pytest

from npvae.autodiff import Tensor, enable_grad, no_grad, op, ops, tape, trap_nonfinite
from npvae.nn import optim


def leaf(*values):
    return Tensor(np.array(values, dtype=np.float64), requires_grad=True)


def test_a_value_used_twice_gets_both_gradients():
    x = leaf(3.0)
    y = ops.square(x)
    (y * x + y).sum().backward()                            # ℓ = x³ + x², ℓ' = 3x² + 2x
    assert x.grad == pytest.approx(33)


def test_a_diamond_is_walked_once_per_operation():
    x = leaf(2.0)
    y = x
    for _ in range(60):                                     # y doubles each time: 2⁶⁰ paths lead back to x
        y = y + y
    y.sum().backward()
    assert x.grad == 2.0**60


def test_a_deep_graph_needs_no_recursion():
    x = leaf(1.0)
    y = x
    for _ in range(20_000):
        y = y + 1.0
    y.sum().backward()
    assert x.grad == 1


def test_gradients_add_up_over_calls_until_they_are_cleared():
    x = leaf(1.0, 2.0)
    for _ in range(3):
        (x * 2.0).sum().backward()
    assert x.grad.tolist() == [6, 6]


def test_leaves_do_not_share_their_gradient():
    a, b = leaf(1.0), leaf(2.0)
    (a + b).sum().backward()                                # the derivative of + passes the same array to both
    a.grad += 10
    assert b.grad == 1


def test_a_gradient_that_is_a_view_is_copied():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (a.reshape(2, 1) + b.reshape(2, 1)).sum().backward()    # the derivatives of reshape and sum are views
    a.grad += 10
    assert b.grad.tolist() == [1, 1]


def test_two_inputs_that_get_the_same_array_from_one_function():
    @op
    def add(a, b):
        def backward(dy):
            dx = 1 * dy
            return dx, dx
        return a + b, backward

    a, b = leaf(1.0), leaf(2.0)
    add(a, b).sum().backward()
    a.grad += 10
    assert b.grad == 1


def test_the_upstream_gradient_is_not_changed():
    a, dy = leaf(1.0, 2.0), np.array([1.0, -1.0])
    y = a + a + a
    y.backward(dy)
    assert dy.tolist() == [1, -1]
    assert a.grad.tolist() == [3, -3]


def test_backward_of_a_leaf_is_its_upstream_gradient():
    x = leaf(1.0)
    x.backward(np.array([5.0]))
    assert x.grad == 5


def test_nothing_is_computed_for_what_needs_no_gradient():
    called = []

    @op
    def product(a, b):
        def da(dy):
            called.append("a")
            return dy * b
        def db(dy):
            called.append("b")
            return dy * a
        return a * b, da, db

    product(leaf(2.0), np.array([3.0])).sum().backward()
    assert called == ["a"]


def test_detach_and_no_grad_stop_gradients():
    x = leaf(2.0)
    y = x * x.detach()
    y.sum().backward()
    assert x.grad == 2
    with no_grad():
        assert (x * x).record is None
    assert (x * x).record is not None


def test_no_grad_is_for_one_thread_only():
    recorded = []
    with no_grad():
        thread = threading.Thread(target=lambda: recorded.append((leaf(1.0) * 2.0).record is not None))
        thread.start()
        thread.join()
    assert recorded == [True]


def test_numpy_on_the_left_gives_a_tensor():
    y = np.ones(2) * leaf(1.0, 2.0)
    assert isinstance(y, Tensor)
    assert isinstance(np.ones((1, 2)) @ leaf(1.0, 2.0).reshape(2, 1), Tensor)


def test_a_derivative_of_the_wrong_shape_is_named():
    @op
    def halve(x):
        return x / 2, lambda dy: dy.sum() / 2

    y = halve(leaf(1.0, 2.0))
    with pytest.raises(ValueError, match=r"halve.*input x has shape \(\), but .* \(2,\).*test_tensor.py"):
        y.sum().backward()


def test_a_missing_derivative_is_not_silently_zero():
    @op
    def noise(x, eps):
        return x + eps, lambda dy: dy, None

    noise(leaf(1.0), np.ones(1)).sum().backward()
    with pytest.raises(ValueError, match="noise has no derivative for its input eps"):
        noise(leaf(1.0), leaf(1.0)).sum().backward()


def test_a_derivative_of_another_dtype_or_type_is_named():
    @op
    def double(x):
        return x + x, lambda dy: dy.astype(np.float64) * 2

    @op
    def total(x):
        return x.sum(), lambda dy: [1.0, 1.0]

    x = Tensor(np.ones(2, np.float32), requires_grad=True)
    with pytest.raises(ValueError, match="double: the derivative for the input x turned float32 into float64"):
        double(x).backward(np.ones(2))
    with pytest.raises(TypeError, match="total: the derivative for the input x is a list, expected an array"):
        total(x).backward()
    @op
    def stretch(x):
        return np.concatenate([x, x]), lambda dy: dy @ np.eye(3)

    with pytest.raises(ValueError, match=r"stretch: its derivatives cannot take the upstream gradient \(4,\)"):
        stretch(x).backward(np.ones(4))


def test_a_blank_and_one_derivative_too_many_are_errors():
    @op
    def blank(a, b):
        return a + b, lambda dy: None, lambda dy: dy

    @op
    def three(a, b):
        return a + b, lambda dy: dy, lambda dy: dy, lambda dy: dy

    with pytest.raises(TypeError, match=r"^blank: the derivative for its input a returned nothing: is its return"):
        blank(leaf(1.0), leaf(2.0)).sum().backward()
    with pytest.raises(TypeError, match=r"^three: 3 derivatives for 2 inputs"):
        three(leaf(1.0), leaf(2.0)).sum().backward()


def test_one_derivative_too_few_is_an_error():
    @op
    def add(a, b, c):
        return a + b + c, lambda dy: dy, lambda dy: dy

    with pytest.raises(TypeError, match=r"^add: 2 derivatives for 3 inputs"):
        add(leaf(1.0), leaf(1.0), leaf(1.0)).sum().backward()


@pytest.mark.parametrize("returned", [np.ones((2, 3)), np.ones((1, 3)), None, lambda dy: dy])
def test_an_operation_that_returns_no_tuple_is_refused_and_its_rows_are_not_taken_apart(returned):
    @op
    def forgetful(x):
        return returned

    found = f"forgetful: an operation returns its value and one derivative .*, found {type(returned).__name__}"
    with pytest.raises(TypeError, match=found):
        forgetful(Tensor(np.ones(3), requires_grad=True))


def test_the_walk_that_the_module_explains():
    x = Tensor(3.0, requires_grad=True)
    y = x * x
    loss = y + x
    loss.backward()
    assert (y.data, loss.data, x.grad) == (9, 12, 7)


def test_errors_name_the_operation_and_all_shapes():
    with pytest.raises(ValueError, match=r"dense cannot take x \(3, 5\), W \(4, 2\), b \(2,\)"):
        ops.dense(np.ones((3, 5)), np.ones((4, 2)), np.ones(2))
    with pytest.raises(TypeError, match="a float32, b float64"):
        ops.add(np.ones(3, np.float32), leaf(1.0, 2.0, 3.0))
    with pytest.raises(TypeError, match="found int64"):
        Tensor(np.arange(3))
    with pytest.raises(TypeError, match="b is a Tensor"):
        ops.add(leaf(1.0), b=leaf(1.0))
    with pytest.raises(ValueError, match="needs the upstream gradient"):
        leaf(1.0, 2.0).backward()
    with pytest.raises(ValueError, match=r"has shape \(3,\), expected \(2,\)"):
        (leaf(1.0, 2.0) * 2.0).backward(np.ones(3))


def test_the_first_nonfinite_value_is_found():
    x = leaf(0.0)
    with np.errstate(all="ignore"):
        with trap_nonfinite(), pytest.raises(FloatingPointError, match=r"^log gave the first infinity.*test_tensor.py"):
            ops.exp(ops.log(x))                             # e^(ln 0) = 0 is finite again: the result does not show it
        with trap_nonfinite(), pytest.raises(FloatingPointError, match="the derivative of sqrt for its input x"):
            ops.sqrt(x).sum().backward()                    # √0 = 0 is finite, its derivative is not


def test_a_walk_back_along_nothing_is_an_error():
    x = Tensor(np.ones(3), requires_grad=True)
    with no_grad():
        loss = (x * x).sum()
    with pytest.raises(ValueError, match="nothing was recorded on the way here"):
        loss.backward()
    with no_grad(), enable_grad():
        (x * x).sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


CHANGES = {
    "multiplied": lambda a: np.multiply(a, 2, out=a),
    "shifted": lambda a: np.add(a, 1, out=a),
    "negated": lambda a: np.negative(a, out=a),
    "filled with other data": lambda a: a.__setitem__(..., np.random.default_rng(7).standard_normal(a.shape)),
    "filled with NaN": lambda a: a.fill(np.nan),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("what", ["its input W", "its input x", "its value"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (40, 50)])
def test_an_array_that_changes_between_forward_and_backward_is_named(rng, what, change, shape):
    x, W = rng.standard_normal(shape), Tensor(rng.standard_normal(shape[::-1]), requires_grad=True)
    b = Tensor(np.zeros(shape[0]), requires_grad=True)
    y = ops.dense(x, W, b)
    loss = ops.tanh(y).sum()
    change({"its input W": W.data, "its input x": x, "its value": y.data}[what])
    with pytest.raises(ValueError, match=f"dense: {what}.*has changed since the forward pass .*test_tensor.py"):
        loss.backward()
    assert W.grad is None and b.grad is None                # nothing wrong is left behind


def test_a_step_of_the_optimiser_between_two_losses_is_an_error(rng):
    p = Tensor(rng.standard_normal((5, 3)), requires_grad=True)
    first, second = ops.square(p).sum(), ops.exp(p).sum()
    first.backward()
    optim.Adam([p], 0.1).step()
    with pytest.raises(ValueError, match=r"exp: its input x, .* has changed since the forward pass"):
        second.backward()


def test_nan_that_was_there_in_the_forward_pass_is_no_change():
    x = leaf(np.nan, np.nan, 1.0)
    (x * x).sum().backward()
    assert x.grad[2] == 2


def test_backward_twice_is_an_error_of_one_sentence_and_adds_nothing():
    x = leaf(3.0)
    y = x * x
    loss, other = y + x, ops.exp(y)                         # y belongs to both
    loss.backward()
    for again in (loss, y, other, y * 2.0):
        with pytest.raises(ValueError, match=r"backward has already used the tape of this \w+ \(called at .*compute"):
            again.sum().backward()
    assert x.grad == 7


def test_a_kept_loss_keeps_no_arrays(rng):
    x, W = rng.standard_normal((50, 40)), Tensor(rng.standard_normal((40, 30)), requires_grad=True)
    kept = []
    tracemalloc.start()
    for _ in range(20):
        loss = ops.tanh(x @ W).sum()
        loss.backward()
        kept.append(loss)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < W.data.nbytes + 20 * 3000                 # of 50 · 30 · 8 = 12,000 bytes in each array of a step


def test_after_an_error_in_a_derivative_the_tape_can_still_be_printed():
    @op
    def halve(x):
        return x / 2, lambda dy: dy.sum() / 2

    loss = ops.exp(halve(leaf(1.0, 2.0))).sum()
    with pytest.raises(ValueError, match="halve"):
        loss.backward()
    assert "released" not in str(tape(loss))


@pytest.mark.parametrize("make", [np.asarray, np.stack, np.concatenate, Tensor, np.mean, lambda a: np.array(a[0])])
def test_an_array_of_tensors_would_forget_how_they_were_made(make):
    for a in (leaf(1.0, 2.0), leaf(1.0, 2.0) * 2.0):
        with pytest.raises(TypeError, match="would forget how it was made"):
            make([a, a])
    for a in (leaf(1.0, 2.0).detach(), Tensor([1.0, 2.0])):
        assert make([a, a]) is not None                     # no gradient is wanted here


def test_a_gradient_of_another_shape_is_refused_and_not_broadcast_into():
    for wrong in (np.zeros(()), np.zeros(1), np.zeros((2, 2)), 0.0):
        x, other = leaf(1.0, 2.0), leaf(1.0)
        x.grad = wrong
        with pytest.raises(ValueError, match=r"a grad has .*, expected None or an array of its Tensor's shape \(2,\)"):
            (other * x).sum().backward()
        assert other.grad is None


def test_tensors_are_not_compared():
    a, b = leaf(1.0), leaf(1.0)
    for compare in (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge):
        for other in (b, 1.0, np.ones(1)):
            with pytest.raises(TypeError, match="Tensors cannot be compared"):
                compare(a, other)
    with pytest.raises(TypeError, match="Tensors cannot be compared"):
        bool(a)
    with pytest.raises(TypeError):
        a**b
    assert {a: 1, b: 2}[b] == 2 and a in [a]
