# %% [markdown]
# # 2. Autodiff from scratch
#
# A network with a million parameters learns by asking, for each of them: if I make you a
# little larger, does the loss rise or fall, and how fast? A million questions, answered for
# the price of computing the loss two more times. The trick is called *reverse-mode
# automatic differentiation*, or backpropagation. In this chapter you build it in twenty
# lines, train a network with it, and learn to trust it: by a check that compares every
# derivative with plain differences, and by checking the check.
#
# After this chapter you can
#
# - write an operation with one derivative for each of its inputs;
# - compare a derivative with finite differences, and choose the step;
# - record a tape, walk it backwards, and say why gradients are added up;
# - say what broadcasting does to a derivative;
# - read the diagnosis of a wrong gradient;
# - recognize a gradient checker that cannot fail.
#
# You need: partial derivatives, the chain rule, and matrix products. The symbols are on
# [one page](notation.md).

# %%
import textwrap

import matplotlib.pyplot as plt
import numpy as np

from npvae import Tensor, figures, gradcheck, tape
from npvae.autodiff import ops
from npvae.diagnosis import diagnose

rng = np.random.default_rng(0)

# %% [markdown]
# ## 2.1 An operation and its derivatives
#
# There is always one number at the end, the **loss** $\ell$. For every array $y$ on the way
# there is the array of the same shape that says how the loss changes with each of its
# elements. We write
#
# $$ dy = \frac{\partial \ell}{\partial y}, \qquad dy_j = \frac{\partial \ell}{\partial y_j}, $$
#
# and in code simply `dy`. Now let $y = f(x)$ be one operation somewhere in the middle.
# Everything that comes after it is summed up in `dy`, the **upstream gradient**. To pass on
# what comes before it, the operation must answer one question: *given `dy`, what is
# `dx`?* The chain rule says
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
# > for $dx$ and $db$.

# %%
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
# The operation returns its value and three functions. Each remembers what it needs from the
# forward pass (`dx` needs `W`, `dW` needs `x`, `db` nothing), because Python functions keep
# the variables of the place where they were defined: a *closure*. This is the form of every
# operation in `npvae`; open [dense](../npvae/autodiff/ops.py) and compare.
#
# ## 2.2 Is it right? Ask the difference quotient
#
# There is a second way to a derivative, slow and simple: move one element by a small step
# $h$ in both directions and look how far the value moves. For
# $\ell(x) = \sum_j dy_j\, y_j(x)$, with any fixed `dy`,
#
# $$ dx_i \approx \frac{\ell(x + h e_i) - \ell(x - h e_i)}{2h}. $$
#
# It needs two forward passes for each element, so nobody trains with it. But it knows
# nothing of our algebra, and that makes it a judge.
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
fig, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
ax.loglog(steps, errors, color="black", marker="o", label="measured")
ax.loglog(steps[7:], 2 * steps[7:] ** 2, color="0.4", linestyle="--",
          label="2h², from the formula")
ax.loglog(steps[:9], 1e-16 / steps[:9], color="0.4", linestyle=":",
          label="10⁻¹⁶/h, from rounding")
ax.set(xlabel="step h", ylabel="largest error")
ax.legend(frameon=False)
figures.show(fig, "The error of central differences against the step h, "
             "logarithmic axes: a V. It falls with h² from the right, rises "
             "with 1/h to the left, and is smallest between 10⁻⁶ and 10⁻⁵.")
best = steps[np.argmin(errors)]
x32, dy32 = x.astype(np.float32), dy.astype(np.float32)
single = [np.abs(difference(np.tanh, x32, dy32, np.float32(h)) - dx(dy)).max()
          for h in steps]
print(f"best step: {best:.0e}, with an error of {min(errors):.0e}")
print(f"in float32: {steps[np.argmin(single)]:.0e}, with an error of {min(single):.0e}; "
      f"with h = 1e-05, {single[8]:.0e}")

assert 1e-6 < min(single) < 1e-3 < single[8]
assert 1e-7 < best < 1e-4 and min(errors) < 1e-9 and errors[0] > 1e-5

# %% [markdown]
# Two errors pull in opposite directions. The formula itself is off by a multiple of $h^2$.
# And the two values of $f$ are rounded to 16 digits, an error of about $10^{-16}$ that is
# then divided by $h$. They meet between $10^{-6}$ and $10^{-5}$, where ten digits are
# right. The step of [gradcheck](../npvae/autodiff/gradcheck.py) is $10^{-5}$; it does what
# we just did for every input:

# %%
print(gradcheck(dense, x, W, b))

# %% [markdown]
# In float32, with 7 digits instead of 16, the best step is much larger, and even with that
# one the error is a million times as large. So `npvae` trains in float32 and checks in
# float64, from the same source.
#
# ## 2.3 The tape
#
# One operation knows its own derivatives. A network is many operations, one after another.
# What must we remember? For every value that was computed: which values it was made
# from, and the derivatives of that step. A list of these, in the order in which they were
# made, is the **tape**.

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
# That is the whole engine. Walking backwards is enough, with no cleverness about the order:
# a value can only be used after it has been made, so when the walk arrives at a value, all
# its uses lie behind it, and its gradient is complete.
#
# > **Predict.** In $\ell = \sum_i x_i \cdot x_i$, the same $x$ goes into the product twice.
# > The derivative of `mul` with respect to its first input is `dy * b`, to its second
# > `dy * a`. What does `backward` make of `x.grad`, and which line does it?

# %%
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

assert np.array_equal(v.grad, 2 * v.data)

# %% [markdown]
# $2x$, as it should be: the two uses each bring a $1 \cdot x$, and `x.grad + dx` adds them.
# That plus is once more "sum over all these paths", now over the uses of $x$. Forget it, and every
# network that uses a value twice, as every VAE does, learns something else.
#
# Now train a network with it: one hidden layer of 40 units, which must learn a sine from
# 50 points with noise.

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

fig, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
ax.plot(inputs, targets, "o", color="0.6", markersize=4, label="data")
ax.plot(line.data, before, color="black", linestyle=":", label="before")
ax.plot(line.data, network(line).data, color="black", label="after")
ax.set(xlabel="input", ylabel="output")
ax.legend(frameon=False)
figures.show(fig, "Fifty points along a sine curve; a dotted line, the network "
             "before training, which has nothing to do with them; a solid line, the "
             "network after training, which follows them.")

assert float(loss.data) < 0.05

# %% [markdown]
# It learns, with an engine of twenty-odd lines. The engine of `npvae` is the same idea with
# more care: its tape is found from the loss and needs no global list; derivatives that
# nobody needs are not computed; shapes and dtypes are checked, and errors name the
# operation. Read [Tensor](../npvae/autodiff/tensor.py), and ask it for its tape:

# %%
W1_, b1_, W2_, b2_ = (Tensor(p.data, requires_grad=True) for p in parameters)
h = ops.tanh(ops.dense(inputs, W1_, b1_))
error = ops.dense(h, W2_, b2_) - targets
theirs = ops.mean(ops.square(error))
print(tape(theirs))
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
print(f"\nlargest difference to our twenty lines: {difference_of_both:.0e}")

assert difference_of_both < 1e-12

# %% [markdown]
# Read the tape from its end: that is the order in which `backward` goes. Each line below an
# operation says what the derivative *keeps*: memory that is occupied until `backward` has
# run. Then the tape lets go of it, so print a tape first. `dx` of the data is marked "not
# needed": nobody wants the gradient of the data, so that product of matrices is saved.
#
# ## 2.4 Broadcasting's sum
#
# In $y = xW + b$, the bias $b$ has the shape $(O,)$ and $xW$ has $(N, O)$. NumPy repeats
# $b$ for every row, silently.
#
# > **Predict.** What is $db$ when $dy$ is all ones and $N = 3$?

# %%
_, _, _, db = dense(x, W, b)
print(db(np.ones((3, 7))))

assert np.array_equal(db(np.ones((3, 7))), np.full(7, 3.0))

# %% [markdown]
# Three everywhere. A repeated number acts on the loss through each of its copies, so **the
# derivative of repeating is summing**. (Conversely, the derivative of a sum is
# a repetition, as in `total` above.) Where NumPy broadcasts, the derivative sums over the
# axes along which it did. In `npvae` that is one function,
# [sum_to](../npvae/autodiff/ops.py). Forgetting it is one of the most frequent mistakes;
# the kindest ones change the shape, and are caught at once:

# %%
def forgetful_dense(x, W, b):
    y = x @ W + b
    def dx(dy): return dy @ W.T
    def dW(dy): return x.T @ dy
    def db(dy): return dy                        # the sum is missing
    return y, dx, dW, db


print(diagnose(gradcheck(forgetful_dense, x, W, b)))

# %% [markdown]
# ## 2.5 Break a gradient and read the diagnosis
#
# `npvae` does not only say *that* a gradient is wrong. `diagnose` runs your function once
# more, on arrays that remember how they were made, and searches your own lines for the one
# change that makes **every** element right, to six digits.
#
# > **Predict.** Two broken derivatives follow. Find both mistakes before you read the
# > output.

# %%
def sigmoid(x):
    y = 1 / (1 + np.exp(-x))
    def dx(dy): return dy * x * (1 - x)
    return y, dx


def broken_mean_square(e):
    def de(dy): return dy * 2 * e / len(e)
    return np.mean(e**2), de


print(diagnose(gradcheck(sigmoid, x)))
print()
print(diagnose(gradcheck(broken_mean_square, x)))

# %% [markdown]
# The first took the input where the formula has the output: $\sigma' = y(1-y)$. The second
# divides by the number of rows, `len(e)`, but the mean is over all elements, of which there
# are 5 times as many. A number alone, "largest error 18.4", would have told neither.
#
# Where no single change makes all elements right, `diagnose` says where the error is, and
# does not guess:

# %%
def strange_tanh(x):
    y = np.tanh(x)
    def dx(dy): return dy * np.cos(3 * x)
    return y, dx


print(diagnose(gradcheck(strange_tanh, x)))

# %% [markdown]
# ### The same check for PyTorch and JAX
#
# Both frameworks let you write a derivative by hand: a `torch.autograd.Function` and a
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
# Pass float64 arrays; arguments that are no arrays go to the adapter by name, as in
# `torch_operation(Scale, factor=2.0)`. The adapter also sees what the frameworks forgive:
# a `backward` that changes `grad_output` in place, or one that needs it contiguous, a
# gradient in float32, a `fwd` whose value is not that of the function.

# %% [markdown]
# ## 2.6 A checker that cannot fail
#
# A test that never fails proves nothing, and gradient checkers are good at it. Here is one
# that looks reasonable. It takes the plain sum of the outputs as the loss, so that the
# upstream gradient is all ones:

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


def no_softmax(x):
    return softmax(x)[0], lambda dy: np.zeros_like(x)


print("reasonable_check of softmax:", reasonable_check(softmax, x))

# %% [markdown]
# > **Predict.** `no_softmax` claims that the derivative of the softmax is zero everywhere.
# > What does `reasonable_check` say to that?

# %%
print("reasonable_check of a derivative of zero:", reasonable_check(no_softmax, x))
print("gradcheck of a derivative of zero:       ", gradcheck(no_softmax, x).ok)

assert reasonable_check(no_softmax, x) and not gradcheck(no_softmax, x).ok
assert gradcheck(softmax, x).ok

# %% [markdown]
# It passes! The outputs of a softmax add up to 1 whatever the input, so the true gradient
# of their *sum* is zero, and a derivative that does nothing is right for this one question.
# An upstream gradient of random numbers asks all questions at once. This is why there is a
# `dy` in our definition of the error, and why it is random.
#
# Other checkers that cannot fail, all found in the wild:
#
# - **The batch has two examples.** Then $\tfrac12$ and $1/N$ are the same number, and one
#   may stand for the other. `npvae` checks with sizes 3, 5, 7: odd, prime, and all
#   different.
# - **A tolerance that swallows everything**: in float32, differences with $h = 10^{-5}$ are
#   off by 0.003 (2.2), so the limit must be generous, and then a factor of 0.99 passes
#   too.
# - **A report in an assert**: `assert check(...)`, where `check` returns an object or a
#   tuple, which is always true. A report of `gradcheck` refuses to be asked for its truth.
# - **Both sides computed by the same code**, or by code that was copied from it.
#
# How do you know that *yours* can fail? **Plant mistakes, and look.** Every derivative of
# every operation of `npvae` is damaged on purpose in its tests, and each damage must be
# found:

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


print("softmax with dx …    reasonable_check   gradcheck")
caught = {}
for name, damage in DAMAGES.items():
    wrong = damaged(softmax, damage)
    caught[name] = [not reasonable_check(wrong, x), not gradcheck(wrong, x).ok]
    words = ["caught" if c else "passes" for c in caught[name]]
    print(f"{name:20} {words[0]:18} {words[1]}")

assert all(by_gradcheck for _, by_gradcheck in caught.values())
assert [name for name, (by_other, _) in caught.items() if by_other] == ["one element off"]

# %% [markdown]
# The reasonable check lets four of five pass. Keep this table in mind whenever a test is
# green.
#
# ## What can go wrong
#
# **A right gradient of the wrong function.** The check compares a derivative with the
# forward pass *as it is written*. If the forward pass is wrong, the derivative of the wrong
# thing can be perfectly right. Chapter 5 shows a bug of this kind that several published
# VAEs have. It takes another kind of test: of what the function *means*.
#
# **A kink.** $\max(x, 0)$ has no derivative at 0, and differences across the kink are a
# mixture of both sides. Keep test inputs away from it.
#
# **Something is changed before backward has run.** The derivatives read what they captured
# when they are *called*. An `x += 10` in between changes the past:

# %%
values = np.array([1.0, 2.0, 3.0])
_, dx = ops.square.raw(values)                   # the operation alone, without a tape
values += 10                                     # never do this
print("dx of Σ x² at x = 1, 2, 3:", dx(np.ones(3)), "  expected [2. 4. 6.]")

assert np.array_equal(dx(np.ones(3)), [22, 24, 26])

# %% [markdown]
# On the tape, the engine remembers a few numbers of every array, and compares them before
# it calls a derivative:

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
# Each is one operation with a blank; a wrong answer gets a diagnosis.
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
