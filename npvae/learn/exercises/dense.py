"""The exercises about a dense layer, forward and backward."""

import numpy as np

from ... import nn
from ...autodiff import ops
from ...gradchecks.check import normal
from ..exercise import Prediction, Wrong
from ..operation import OperationExercise


def _dense_inputs(rng, N, D, K):
    return {"x": normal(rng, N, D), "W": normal(rng, D, K), "b": normal(rng, K)}


DENSE_SIZES = ("N, the batch", "I, the inputs", "O, the outputs")

DENSE_FORWARD = OperationExercise(
    name="dense_forward",
    title="a layer of linear units",
    solution=ops.dense,
    blanks=("y",),
    text="""\
A layer of O linear units, each of which sees all I numbers of an example:

    y_no = Σ_i x_ni W_io + b_o,     x (N, I)   W (I, O)   b (O,)   y (N, O),

for N examples at once, one in each row. Write it as one matrix product and a sum;
NumPy repeats b for every row. Loops over N, I and O would take a thousand times as
long.

Source: Goodfellow, Bengio, Courville (2016), Deep learning, section 6.1.""",
    prediction=Prediction(
        "A dense layer maps 784 pixels to 512 units. How many numbers does it learn?",
        ["1,296", "401,408", "401,920"],
        lambda: [1296, 401_408, 401_920].index(
            sum(p.data.size for p in nn.Dense(784, 512, np.random.default_rng(0)).parameters())
        ),
        "784 · 512 weights and 512 biases.",
    ),
    hints=[
        "x has the examples in its rows, W the units in its columns. Which product has the shape (N, O)?",
        "A @ B is the matrix product, and A * B the product element by element.",
        "x stands on the left: (N, I) times (I, O). The shape of b fits the last axis of the product, so a plain sum "
        "repeats it in every row.",
    ],
    inputs=_dense_inputs,
    also=lambda x, W, b, y: {},
    formulas={"y": {"x W": lambda x, W: x @ W, "b": lambda x, b: np.broadcast_to(b, (len(x), len(b)))}},
    sizes=DENSE_SIZES,
    wrong={
        "b forgotten": Wrong("term b is missing", {"y": lambda x, W: x @ W}),
        "b subtracted": Wrong("term b has the wrong sign", {"y": lambda x, W, b: x @ W - b}),
        "the transpose": Wrong("transposed", {"y": lambda y: y.T.copy()}),
        "b in the first row only": Wrong(
            "first row", {"y": lambda x, W, b: x @ W + b * (np.arange(len(x)) == 0)[:, None]}
        ),
        "mean instead of sum": Wrong("term x W has the weight", {"y": lambda x, W, b: x @ W * 0.5 + b}),
        "x overwritten": Wrong("changed this input", function=lambda x, W, b: _overwrites(x, W, b)),
        "a list": Wrong("a list", function=lambda x, W, b: (x @ W + b).tolist()),
        "nothing returned": Wrong("None", function=lambda x, W, b: None),
    },
)


def _overwrites(x, W, b):
    y = x @ W + b
    x *= 0
    return y


DENSE_BACKWARD = OperationExercise(
    name="dense_backward",
    title="the gradients of a layer",
    solution=ops.dense,
    blanks=("dx", "dW", "db"),
    text="""\
The same layer, y = x W + b. The loss ℓ depends on y, and you know dy = ∂ℓ/∂y, (N, O):
it comes from the layer above. Find

    dx = ∂ℓ/∂x (N, I),     dW = ∂ℓ/∂W (I, O),     db = ∂ℓ/∂b (O,).

Write the sum for a single element first, by the chain rule: for example
∂ℓ/∂W_io = Σ_n ∂ℓ/∂y_no · ∂y_no/∂W_io. Over which index does each sum run? Then
find the matrix product that equals this sum. The shapes allow only one. The forward
pass calls `product(a, b)`: that is a @ b, shared out among threads.

Source: Goodfellow, Bengio, Courville (2016), Deep learning, section 6.5.6.""",
    prediction=Prediction(
        "x is (3, 5) and W is (5, 7). The batch grows from 3 to 300 examples. What happens to dW?",
        [
            "its shape stays, and its numbers are sums over 300 examples",
            "it becomes (300, 5, 7)",
            "its shape stays, and its numbers are means over 300 examples",
        ],
        lambda: _what_happens_to_dW(),
        "A weight affects the loss through every example, and the gradients add up. If the loss is a mean over the "
        "batch, that mean is in dy already.",
    ),
    hints=[
        "∂y_no/∂x_ni = W_io, ∂y_no/∂W_io = x_ni, ∂y_no/∂b_o = 1. Multiply each by dy_no, and sum over the other index.",
        "A @ B sums over the last index of A and the first index of B. A.T exchanges the indices of a matrix, so that "
        "the index of your sum comes to stand there.",
        "dx (N, I) must come from dy (N, O) and W (I, O), and dW (I, O) from x (N, I) and dy (N, O). Which of the two "
        "is transposed, and which stands on the left? In db, which of the two axes of dy is gone?",
    ],
    imports=("from npvae.runtime import product",),
    inputs=_dense_inputs,
    also=lambda x, W, b, y: {},
    formulas={
        "dx": {"": lambda dy, W: dy @ W.T},
        "dW": {"": lambda x, dy: x.T @ dy},
        "db": {"": lambda dy: dy.sum(axis=0)},
    },
    sizes=DENSE_SIZES,
    wrong={
        "the mean over the batch": Wrong("1/N", {"dW": lambda right, x: right / len(x)}),
        "dW transposed": Wrong("transposed", {"dW": lambda right: right.T}),
        "db not summed": Wrong("the sum over axis 0 is missing", {"db": lambda dy: dy}),
        "db summed over the wrong axis": Wrong("dy summed over axis 1", {"db": lambda dy: dy.sum(axis=1)}),
        "db averaged": Wrong("1/N", {"db": lambda dy: dy.mean(axis=0)}),
        "dy ignored in dx": Wrong("dy is not used", {"dx": lambda dy, W: np.ones_like(dy) @ W.T}),
        "dy ignored in dW": Wrong("dy is not used", {"dW": lambda dy, x: x.T @ np.ones_like(dy)}),
        "y for dy": Wrong("y stands where dy belongs", {"dW": lambda y, x: x.T @ y}),
        "the sign": Wrong("sign is wrong", {"dx": lambda right: -right}),
        "weight decay": Wrong("0.01 · W is added", {"dW": lambda right, W: right + 0.01 * W}),
        "the last example forgotten": Wrong(
            "last row", {"dx": lambda right: right * (np.arange(len(right)) < len(right) - 1)[:, None]}
        ),
        "zero": Wrong("nothing gets there", {"dx": lambda right: 0 * right}),
        "dy overwritten": Wrong("dy *= …", function=lambda x, W, b: _overwrites_dy(x, W, b)),
    },
)


def _what_happens_to_dW():
    rng = np.random.default_rng(0)
    x, W, b = normal(rng, 300, 5), normal(rng, 5, 7), normal(rng, 7)
    dW = ops.dense.raw(x, W, b)[2](np.ones((300, 7)))
    if dW.shape != W.shape:
        return 1
    return 0 if np.allclose(dW[:, 0], x.sum(axis=0)) else 2


def _overwrites_dy(x, W, b):
    y, _, dW, db = ops.dense.raw(x, W, b)

    def dx(dy):
        dy *= 2
        return dy @ W.T / 2

    return y, dx, dW, db
