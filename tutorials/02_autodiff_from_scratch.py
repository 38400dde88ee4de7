# %% [markdown]
# # 2. Autodiff from scratch
#
# A network with a million parameters learns by asking each of them: if you grow a little,
# does the loss rise or fall, and how fast? *Reverse-mode automatic differentiation*, or
# backpropagation, answers a million such questions at once, for about the price of
# computing the loss two more times. In this chapter you build it in some twenty lines and
# train a network with it. Then you learn when to trust it: you compare every derivative
# with plain differences, and you check the check itself.
#
# After this chapter you can
#
# - write an operation with one derivative for each of its inputs;
# - compare a derivative with finite differences, and choose the step;
# - record a tape, walk it backwards, and say why gradients are added up;
# - say what broadcasting does to a derivative;
# - read the diagnosis of a wrong gradient;
# - plant mistakes, to find out what a gradient checker can miss.
#
# You need: partial derivatives, the chain rule, and matrix products. The symbols are on
# [one page](notation.md).

# %%
import textwrap

import matplotlib.pyplot as plt
import numpy as np

from npvae import Tensor, figures, gradcheck, learn, tape
from npvae.autodiff import ops
from npvae.diagnosis import diagnose

rng = np.random.default_rng(0)

# %% [markdown]
# ## 2.1 An operation and its derivatives
#
# A network computes many arrays and ends in one number, the **loss** $\ell$. For every
# array $y$ on the way, we want an array of the same shape that says how the loss changes
# with each element of $y$. We write
#
# $$ dy = \frac{\partial \ell}{\partial y}, \qquad dy_j = \frac{\partial \ell}{\partial y_j}, $$
#
# and in code simply `dy`. Now let $y = f(x)$ be one operation somewhere in the middle. Its
# **upstream gradient** `dy` sums up everything that the network does after it. The
# operation itself must answer one question: *given `dy`, what is `dx`?* The chain rule says
#
# $$ dx_i = \sum_j dy_j \, \frac{\partial y_j}{\partial x_i}. $$
#
# In other words: $x_i$ acts on the loss through every $y_j$ that depends on it, so sum over
# all these paths. That is all of backpropagation; the rest is bookkeeping.
#
# Take a layer of linear units, $y = xW + b$, with one example in each row. Element by
# element, $y_{no} = \sum_i x_{ni} W_{io} + b_o$. The weight $W_{io}$ acts on the loss
# through output $o$ of *every* example $n$, each time with the factor $x_{ni}$. So
# $dW_{io} = \sum_n x_{ni}\, dy_{no}$.
#
# > **Predict.** Write that sum as a product of two matrices. (The shapes leave only one
# > way: $x$ is $(N, I)$, $dy$ is $(N, O)$, and $dW$ has the shape of $W$.) Then do the same
# > for $dx$ and $db$. The code below is folded, because it is the answer.

# %% tags=["hide-input", "hide-output"]
def dense(x, W, b):              # x (N, I)   W (I, O)   b (O,)   ->   y (N, O)
    y = x @ W + b                # y_no = Σ_i x_ni W_io + b_o
    def dx(dy): return dy @ W.T          # Σ_o dy_no W_io
    def dW(dy): return x.T @ dy          # Σ_n x_ni dy_no
    def db(dy): return dy.sum(axis=0)    # Σ_n dy_no
    return y, dx, dW, db


x, W, b = (rng.standard_normal(shape) for shape in [(3, 5), (5, 7), (7,)])
y, dx, dW, db = dense(x, W, b)
dy = rng.standard_normal(y.shape)
print("x", x.shape, " W", W.shape, " b", b.shape, " y", y.shape)
print("dx", dx(dy).shape, " dW", dW(dy).shape, " db", db(dy).shape)

assert dx(dy).shape == x.shape and dW(dy).shape == W.shape
assert db(dy).shape == b.shape

# %% [markdown]
# <details><summary>Answer</summary>
#
# $$ dx = dy\, W^\top, \qquad dW = x^\top dy, \qquad db_o = \sum_n dy_{no}. $$
#
# Open the code above: `dense` returns its value and one function for each derivative. Each
# function remembers what it needs from the forward pass: `dx` needs `W`, `dW` needs `x`,
# and `db` needs nothing. They can, because a Python function keeps the variables of the
# place where it was defined (a *closure*).
#
# </details>
#
# Every operation of `npvae` has this form, a value and its derivatives side by side; open
# [dense](../npvae/autodiff/ops.py) and compare.
#
# ## 2.2 Is it right? Ask the difference quotient
#
# There is a second way to a derivative, slow and simple: move one element by a small step
# $h$ in both directions, and see how far the value moves. For
# $\ell(x) = \sum_j dy_j\, y_j(x)$, with any fixed `dy`,
#
# $$ dx_i \approx \frac{\ell(x + h e_i) - \ell(x - h e_i)}{2h}, $$
#
# where $e_i$ is 1 at element $i$ and 0 elsewhere. These **central differences** need two
# forward passes for each element, so nobody trains with them. But they know nothing of our
# algebra, and that makes them a judge.
#
# > **Predict.** The smaller $h$, the better the quotient, says the definition of the
# > derivative. Is $h = 10^{-12}$ better than $10^{-5}$? What could spoil it?

# %%
def difference(f, x, dy, h):
    """dx of y = f(x) by central differences, for the upstream gradient dy."""
    dx = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = h
        dx[i] = np.sum(dy * (f(x + e) - f(x - e))) / (2 * h)
    return dx


def tanh(x):
    y = np.tanh(x)
    def dx(dy): return dy * (1 - y**2)
    return y, dx


y, dx = tanh(x)
dy = rng.standard_normal(y.shape)
steps = 10.0 ** np.arange(-13, 0)
errors = [np.abs(difference(np.tanh, x, dy, h) - dx(dy)).max() for h in steps]

# %% tags=["hide-input", "hide-output"]
fig, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
ax.loglog(steps, errors, color="black", marker="o", label="measured")
ax.loglog(steps[7:], 2 * steps[7:] ** 2, color="0.4", linestyle="--",
          label="2h², from the formula")
ax.loglog(steps[:9], 1e-16 / steps[:9], color="0.4", linestyle=":",
          label="10⁻¹⁶/h, from rounding")
ax.set(xlabel="step h", ylabel="largest error")
ax.legend(frameon=False)
figures.show(fig, "2.1")

# %% tags=["hide-input", "hide-output"]
best = steps[np.argmin(errors)]
print(f"best step: {best:.0e}, with an error of {min(errors):.0e}")

assert 1e-7 < best < 1e-4 and min(errors) < 1e-9 and errors[0] > 1e-5

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 2.1. The largest error of central differences against the step h, on logarithmic
# axes: a V. From the right, the error falls along the dashed line 2h²; to the left, it
# rises along the dotted line 10⁻¹⁶/h. It is smallest between 10⁻⁶ and 10⁻⁵.*
#
# No, it is worse. In Figure 2.1, two errors pull in opposite directions. The formula itself
# is off by a multiple of $h^2$. And NumPy rounds the two values of $f$ to 16 digits, which
# is an error of about $10^{-16}$; then the formula divides it by $h$. The two errors meet
# between $10^{-6}$ and $10^{-5}$, where ten digits are right.
#
# </details>
#
# In float32, with 7 digits instead of 16, the errors meet at a much larger step:

# %%
x32, dy32 = x.astype(np.float32), dy.astype(np.float32)
single = [np.abs(difference(np.tanh, x32, dy32, np.float32(h)) - dx(dy)).max()
          for h in steps]
print(f"float32, best step {steps[np.argmin(single)]:.0e}: error {min(single):.0e}")
print(f"float32, step 1e-05:      error {single[8]:.0e}")

# %% tags=["hide-input"]
assert 1e5 < min(single) / min(errors) < 1e7
assert 1e-6 < min(single) < 1e-3 < single[8] < 0.01
assert np.abs(dx(dy) - 0.999 * dx(dy)).max() < single[8]      # 2.6 says so

# %% [markdown]
# Even at its best step, float32 has an error about a million times as large as float64. So
# `npvae` trains in float32 and checks in float64, from the same source.
# [gradcheck](../npvae/autodiff/gradcheck.py) does for every input what we just did, with a
# step of $10^{-5}$:

# %%
print(gradcheck(dense, x, W, b))

assert gradcheck(dense, x, W, b).ok

# %% [markdown]
# Now it is your turn. Write the ReLU, $y = \max(x, 0)$, and its derivative. Replace each
# `raise` statement by your code, the first by `y = …`, and run the cell:
# [check](../npvae/learn/notebook.py) runs the same comparison on your function.

# %%
def relu(x):
    raise NotImplementedError("y: compute the value here, in place of this line")
    def dx(dy):
        raise NotImplementedError("dx: return the gradient of the loss with respect to x")
    return y, dx


learn.check(relu)

# %% [markdown]
# ## 2.3 The tape
#
# One operation knows its own derivatives. A network is many operations, one after another.
# What must the program remember of each value that it computes? From which values it made
# this one, and the derivatives of that step. A list of such records, in the order in which
# the program made them, is the **tape**.

# %%
TAPE = []


class Value:
    """An array that remembers how it was made."""

    def __init__(self, data, inputs=(), derivatives=()):
        self.data, self.grad = data, None
        self.inputs, self.derivatives = inputs, derivatives


def op(f):
    """An operation on arrays becomes one on Values, which goes on the tape."""
    def recorded(*inputs):
        y, *derivatives = f(*(x.data for x in inputs))
        TAPE.append(Value(y, inputs, derivatives))
        return TAPE[-1]
    return recorded


def backward(loss):
    """From the end of the tape to its beginning, pass the gradients on."""
    loss.grad = np.ones_like(loss.data)          # ∂ℓ/∂ℓ = 1
    for value in reversed(TAPE):
        if value.grad is None:                   # the loss does not depend on it
            continue
        for x, derivative in zip(value.inputs, value.derivatives):
            dx = derivative(value.grad)
            x.grad = dx if x.grad is None else x.grad + dx

# %% [markdown]
# That is the whole engine. The order needs no cleverness: a program can use a value only
# after it has made it. So when the walk arrives at a value, it has passed all uses of that
# value, and the gradient is complete.
#
# > **Predict.** In $\ell = \sum_i x_i \cdot x_i$, the same $x$ goes into the product twice.
# > The derivative of `mul` with respect to its first input is `dy * b`, to its second
# > `dy * a`. What does `backward` make of `x.grad`, and which line does it?

# %% tags=["hide-output"]
@op
def mul(a, b):
    def da(dy): return dy * b
    def db(dy): return dy * a
    return a * b, da, db


@op
def total(x):
    def dx(dy): return dy * np.ones_like(x)      # every element counts once
    return x.sum(), dx


v = Value(np.array([1.0, 2.0, 3.0]))
backward(total(mul(v, v)))
print("x =", v.data, "  dx =", v.grad)

# %% tags=["hide-input", "hide-output"]
assert np.array_equal(v.grad, 2 * v.data)

# %% [markdown]
# <details><summary>Answer</summary>
#
# $2x$, which is the derivative of $x^2$. Each of the two uses contributes $1 \cdot x$, and
# `x.grad + dx` in the last line adds them. That plus is once more "sum over all these
# paths", now over the uses of $x$. Without it, every network that uses a value twice would
# train on wrong gradients, and every VAE does.
#
# </details>
#
# <!-- explorable: 02_backward -->
#
# Now train a network with it. One hidden layer of 40 units must learn a sine from 50 noisy
# points. `op` turns the plain functions of 2.1 and 2.2 into operations on `Value`s.

# %%
def mean_square(e):
    def de(dy): return dy * 2 * e / e.size
    return np.mean(e**2), de


def sub(a, b):
    def da(dy): return dy
    def db(dy): return -dy
    return a - b, da, db


dense_, tanh_, sub_, mean_square_ = map(op, [dense, tanh, sub, mean_square])
inputs = np.sort(rng.uniform(-3, 3, (50, 1)), axis=0)
targets = np.sin(2 * inputs) + 0.1 * rng.standard_normal((50, 1))
W1, b1 = Value(2 * rng.standard_normal((1, 40))), Value(2 * rng.standard_normal(40))
W2, b2 = Value(0.2 * rng.standard_normal((40, 1))), Value(np.zeros(1))
parameters = [W1, b1, W2, b2]


def network(x):
    return dense_(tanh_(dense_(x, W1, b1)), W2, b2)


line = Value(np.linspace(-3, 3, 200).reshape(-1, 1))
before = network(line).data
for step in range(4000):
    TAPE.clear()
    loss = mean_square_(sub_(network(Value(inputs)), Value(targets)))
    for p in parameters:
        p.grad = None
    backward(loss)
    for p in parameters:
        p.data = p.data - 0.05 * p.grad
    if step in (0, 100, 1000, 3999):
        print(f"step {step:5}   loss {float(loss.data):.4f}")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
ax.plot(inputs, targets, "o", color="0.6", label="data")
ax.plot(line.data, before, color="black", linestyle=":", label="before")
ax.plot(line.data, network(line).data, color="black", label="after")
ax.set(xlabel="input", ylabel="output")
ax.legend(frameon=False)
figures.show(fig, "2.2")

assert float(loss.data) < 0.05

# %% [markdown]
# *Figure 2.2. Fifty grey points along a sine curve. The dotted line, the network before
# training, passes nowhere near most of them. The solid line, the network after training,
# follows them through all turns.*
#
# Figure 2.2 shows that the network learns, with an engine of twenty-odd lines. The engine
# of `npvae` is the same idea with more care:
#
# - it finds the tape from the loss, and needs no global list;
# - it skips derivatives that nobody needs, and a second thread computes those of large
#   parameters while the walk goes on;
# - it checks shapes and dtypes, and its errors name the operation.
#
# Read [Tensor](../npvae/autodiff/tensor.py), and print its tape:

# %%
W1_, b1_, W2_, b2_ = (Tensor(p.data, requires_grad=True) for p in parameters)
h = ops.tanh(ops.dense(inputs, W1_, b1_))
error = ops.dense(h, W2_, b2_) - targets
theirs = ops.mean(ops.square(error))
print(tape(theirs))

# %% tags=["hide-input"]
names = {"W1": W1_, "b1": b1_, "W2": W2_, "b2": b2_}
figures.show(tape(theirs, names), "2.3")

# %% [markdown]
# *Figure 2.3. The same tape as a graph. Operations, with round corners, follow one another
# from top to bottom: dense, tanh, dense, sub, square, mean. The parameters W1, b1, W2 and
# b2 have a thick border, the two data arrays a dashed one. Every box shows its shape. Every
# line leads down from a value to the operation that uses it.*
#
# Read the printed tape from its end: `backward` goes in that order. The lines below an
# operation say what each derivative *keeps*: arrays that occupy memory until `backward` has
# run and released them. (So print a tape before `backward`.) "Not needed" marks the
# derivatives of data, which nobody uses: each saves work, `dx` of the first layer a product
# of matrices.
#
# In Figure 2.3, the gradients take the same way: up the lines, from the loss at the bottom
# to the parameters. (Data has the name that the operation gives it: `sub` computes a − b.)
# Do these gradients agree with ours?

# %%
theirs.backward()

TAPE.clear()
ours = mean_square_(sub_(network(Value(inputs)), Value(targets)))
for p in parameters:
    p.grad = None
backward(ours)
difference_of_both = max(
    np.abs(p.grad - q.grad).max()
    for p, q in zip(parameters, [W1_, b1_, W2_, b2_])
)
print(f"largest difference from our twenty lines: {difference_of_both:.0e}")

assert difference_of_both < 1e-12

# %% [markdown]
# They agree to the last digits.
#
# ## 2.4 The sum of a broadcast
#
# In $y = xW + b$, the bias $b$ has the shape $(O,)$ and $xW$ has $(N, O)$. NumPy repeats
# $b$ for every row, silently.
#
# > **Predict.** What is $db$ when $dy$ is all ones and $N = 3$?

# %% tags=["hide-output"]
_, _, _, db = dense(x, W, b)
print(db(np.ones((3, 7))))

# %% tags=["hide-input", "hide-output"]
assert np.array_equal(db(np.ones((3, 7))), np.full(7, 3.0))

# %% [markdown]
# <details><summary>Answer</summary>
#
# Three everywhere. A repeated number acts on the loss through each of its copies, so **the
# derivative of repeating is summing**. (Conversely, the derivative of a sum is a
# repetition, as in `total` above.)
#
# </details>
#
# Where NumPy broadcasts, the derivative must sum over the broadcast axes. In `npvae`, one
# function does that, [sum_to](../npvae/autodiff/ops.py). Forgetting the sum is one of the
# most frequent mistakes. If it changes the shape, you find out at once:

# %%
def forgetful_dense(x, W, b):
    y = x @ W + b
    def dx(dy): return dy @ W.T
    def dW(dy): return x.T @ dy
    def db(dy): return dy                        # the sum is missing
    return y, dx, dW, db


found = str(diagnose(gradcheck(forgetful_dense, x, W, b)))
print(found)

# %% tags=["hide-input"]
assert "the sum over axis 0 is missing" in found

# %% [markdown]
# ## 2.5 Break a gradient and read the diagnosis
#
# `npvae` does not only say *that* a gradient is wrong. `diagnose` runs your function once
# more, on arrays that record every step. Then it searches your own lines for a single
# change that makes **every** element right, to six digits.
#
# > **Predict.** Two broken derivatives follow. Find both mistakes before you open the
# > output.

# %% tags=["hide-output"]
def sigmoid(x):
    y = 1 / (1 + np.exp(-x))
    def dx(dy): return dy * x * (1 - x)
    return y, dx


def broken_mean_square(e):
    def de(dy): return dy * 2 * e / len(e)
    return np.mean(e**2), de


first = str(diagnose(gradcheck(sigmoid, x)))
second = str(diagnose(gradcheck(broken_mean_square, x)))
print(first, second, sep="\n\n")

# %% tags=["hide-input", "hide-output"]
assert "`y` in place of `x`" in first and "Yours is 5 times the right one" in second

# %% [markdown]
# <details><summary>Answer</summary>
#
# The first takes the input where the formula has the output: $\sigma' = y(1-y)$. The second
# divides by the number of rows, `len(e)`. But the mean is over all elements, and there are
# 5 times as many. The size of the error alone would have told you neither.
#
# </details>
#
# If no single change makes all elements right, `diagnose` says where the error is, and does
# not guess:

# %%
def strange_tanh(x):
    y = np.tanh(x)
    def dx(dy): return dy * np.cos(3 * x)
    return y, dx


found = str(diagnose(gradcheck(strange_tanh, x)))
print(found)

# %% tags=["hide-input"]
assert "no guess" in found

# %% [markdown]
# ### The same check for PyTorch and JAX
#
# In both frameworks you can write a derivative by hand, as a `torch.autograd.Function` or a
# `jax.custom_vjp`. An adapter turns either into an operation of our form, so that the same
# check and the same diagnosis apply (`pip install 'npvae[torch]'` or `'npvae[jax]'`):
#
# ```python
# from npvae.diagnosis.frameworks import jax_operation, torch_operation
#
# print(diagnose(gradcheck(torch_operation(MyFunction), x, W)))
# print(diagnose(gradcheck(jax_operation(f), x, W)))
# ```
#
# Pass float64 arrays. Arguments that are not arrays go to the adapter by name, as in
# `torch_operation(Scale, factor=2.0)`. The adapter also finds what the frameworks forgive:
# a `backward` that changes `grad_output` in place, or needs it to be contiguous; a gradient
# in float32; a `fwd` that returns another value than the function itself.

# %% [markdown]
# ## 2.6 Check the check
#
# A test that never fails proves nothing. Here is a gradient check that looks reasonable. It
# takes the plain sum of the outputs as the loss, so the upstream gradient is all ones:

# %%
def reasonable_check(operation, x):
    """True if dx agrees with finite differences of the sum of y."""
    y, dx = operation(x)
    ones = np.ones_like(y)
    numeric = difference(lambda x: operation(x)[0], x, ones, 1e-5)
    return bool(np.allclose(dx(ones), numeric, atol=1e-7))


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    y = e / e.sum(axis=1, keepdims=True)
    def dx(dy): return y * (dy - (dy * y).sum(axis=1, keepdims=True))
    return y, dx


print("reasonable_check of softmax:", reasonable_check(softmax, x))

assert reasonable_check(softmax, x) and gradcheck(softmax, x).ok

# %% [markdown]
# The derivative is right, and both checks say so. But can the check also say no? **Plant
# mistakes, and look.** Here are five, each of which damages the derivative of the softmax:

# %%
DAMAGES = {
    "zero": lambda dx: 0 * dx,
    "negated": lambda dx: -dx,
    "0.05 % too large": lambda dx: 1.0005 * dx,
    "one element off": lambda dx: dx + 1e-4 * (np.arange(15).reshape(3, 5) == 7),
    "reversed rows": lambda dx: dx[::-1],
}


def damaged(operation, damage):
    def wrong(x):
        y, dx = operation(x)
        return y, lambda dy: damage(dx(dy))
    return wrong


# %% [markdown]
# > **Predict.** Which of the five does `reasonable_check` catch? (What do the outputs of a
# > softmax add up to?)

# %% tags=["hide-output"]
print("softmax with dx …    reasonable_check   gradcheck")
caught = {}
for name, damage in DAMAGES.items():
    wrong = damaged(softmax, damage)
    caught[name] = [not reasonable_check(wrong, x), not gradcheck(wrong, x).ok]
    words = ["caught" if c else "passes" for c in caught[name]]
    print(f"{name:20} {words[0]:18} {words[1]}")

# %% tags=["hide-input", "hide-output"]
assert all(by_gradcheck for _, by_gradcheck in caught.values())
assert [name for name, (by_other, _) in caught.items() if by_other] == ["one element off"]

# %% [markdown]
# <details><summary>Answer</summary>
#
# One of the five. The outputs of a softmax add up to 1 whatever the input, so the true
# gradient of their *sum* is zero. Zero, negated or scaled, or with its rows reversed, is
# still zero: four damages are right for this one question.
#
# An upstream gradient of random numbers asks all questions at once, and `gradcheck` catches
# every damage. That is why 2.2 has a `dy`, and why it is random.
#
# </details>
#
# So a green test may mean little. The tests of `npvae` damage every derivative of every
# operation in this way, and each damage must be found. Other checks that cannot fail, all
# found in published code:
#
# - **The batch has two examples.** Then $\tfrac12$ and $1/N$ are the same number, and a
#   program may use one for the other. `npvae` checks with the sizes 3, 5 and 7: odd, prime,
#   and all different.
# - **The tolerance is too generous.** In float32, differences with $h = 10^{-5}$ are off by
#   0.003 (2.2). A limit that allows for this lets a factor of 0.999 pass too.
# - **The assert is always true**: `assert check(...)`, where `check` returns an object or a
#   non-empty tuple. (In an `assert`, a report of `gradcheck` raises an error.)
# - **Both sides come from the same code**, or from code that was copied.
#
# ## What can go wrong
#
# **The gradient is right, and the function is wrong.** The check compares a derivative with
# the forward pass *as it is written*. If the forward pass is wrong, its derivative can
# still belong to it. Chapter 5 shows a bug of this kind that several published VAEs have.
# Finding it takes another kind of test: of what the function *means*.
#
# **A kink.** $\max(x, 0)$ has no derivative at 0, and differences across the kink mix both
# sides. Keep test inputs away from it.
#
# **An array changes before `backward` runs.** The derivatives read the arrays that they
# captured when you *call* them. An `x += 10` in between changes the past:

# %%
values = np.array([1.0, 2.0, 3.0])
_, dx = ops.square.raw(values)                   # the operation alone, without a tape
values += 10                                     # never do this
print("dx of Σ x² at x = 1, 2, 3:", dx(np.ones(3)), "  expected [2. 4. 6.]")

assert np.array_equal(dx(np.ones(3)), [22, 24, 26])

# %% [markdown]
# On the tape, the engine notes a few numbers of every array, and compares them before it
# calls a derivative:

# %%
values = np.array([1.0, 2.0, 3.0])
loss = ops.square(Tensor(values, requires_grad=True)).sum()
values += 10
try:
    loss.backward()
except ValueError as error:
    print(textwrap.fill(str(error), 80))
else:
    raise AssertionError("backward used an array that has changed")

# %% [markdown]
# **Gradients that pile up.** `backward` adds to the gradients that exist, so clear them
# before each step: `p.grad = None` above, `optimizer.zero_grad()` elsewhere.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | `dense`, `tanh`, `mul` | [dense](../npvae/autodiff/ops.py), [tanh](../npvae/autodiff/ops.py), [mul](../npvae/autodiff/ops.py) | [Baydin and others 2018](https://arxiv.org/abs/1502.05767), section 3.2 |
# | `op`, `Value` | [op](../npvae/autodiff/tensor.py), [Tensor](../npvae/autodiff/tensor.py) | the same |
# | `backward` | [Tensor.backward](../npvae/autodiff/tensor.py) | Rumelhart, Hinton, Williams 1986 |
# | `difference` | [numeric_gradient](../npvae/autodiff/differences.py) | |
# | the tape, printed | [tape](../npvae/autodiff/tape.py) | |
# | the diagnosis | [diagnose](../npvae/diagnosis/diagnose.py) | |
#
# ## Exercises
#
# The first two are operations with blanks; a wrong answer gets a diagnosis.
# `npvae learn init my-vae` makes a folder to work in.
#
# 1. [`dense_forward`](exercises/03_dense_forward.py) and
#    [`dense_backward`](exercises/04_dense_backward.py): `npvae learn check dense_backward`.
# 2. [`relu`](exercises/05_relu.py), [`sigmoid`](exercises/06_sigmoid.py),
#    [`softplus`](exercises/07_softplus.py).
# 3. On paper: the derivative of $y = x / \lVert x \rVert$, for one row. Then write it as an
#    operation and check it.
# 4. Break the sigmoid in a way that `diagnose` does not recognize. (It helps to make two
#    mistakes at once.)
# 5. With `reasonable_check`, find another operation for which a derivative of zero passes.
#
# Before: [1. From noise to data](01_from_noise_to_data.ipynb). Next: [3.
# Autoencoders](03_autoencoders.ipynb).
