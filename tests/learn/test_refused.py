"""Proves that solutions which are right at first sight are refused: one for each kind of thing that a check must try.

These tests would catch a check with too few numbers, calls, options, dtypes or parameters: each wrong solution here
gives the right numbers for the plain inputs.
"""

import numpy as np
import pytest

from npvae import Tensor
from npvae import probability as p
from npvae.autodiff import no_grad, ops
from npvae.learn import catalogue, outcome
from npvae.nn import optim
from npvae.probability import DiagonalGaussian, ImportanceSampling, elbo


def screen(name, f):
    """Return the screen about a wrong solution of an exercise, in one line; it must not pass."""
    result = outcome.judge(catalogue.find(name), f)
    assert result.status == outcome.WRONG, result
    assert all(len(line) <= 80 for line in "\n".join(result.lines).splitlines())
    return " ".join(" ".join(result.lines).split())


# --- operations -------------------------------------------------------------------------------------------------------


def test_values_between_small_and_huge_in_float32():
    def softplus(x):
        with np.errstate(over="ignore"):
            y = np.where(x > 200, x, np.log1p(np.exp(x)))
        return y.astype(x.dtype), lambda dy: dy * ops.sigmoid.raw(x)[0]

    def log_likelihood(logits, x):
        with np.errstate(over="ignore"):
            zeta = np.where(np.abs(logits) > 300, np.maximum(logits, 0), np.log(1 + np.exp(logits)))
        return (x * logits - zeta).sum(axis=-1), lambda dy: dy[:, None] * (x - ops.sigmoid.raw(logits)[0]), None

    for name, f in {"softplus": softplus, "bernoulli": log_likelihood}.items():
        assert "Is not finite at" in screen(name, f) and "89.0" in screen(name, f) and "float32" in screen(name, f)


def test_a_threshold_that_is_too_low():
    def softplus(x):
        return np.where(x > 10, x, np.log1p(np.exp(np.minimum(x, 10)))), lambda dy: dy * ops.sigmoid.raw(x)[0]

    assert "Is wrong at x = [15.0, -15.0]: found" in screen("softplus", softplus)


def test_numbers_that_are_wrong_in_float32():
    def kl(mu, logvar):
        y, *derivatives = p.kl_to_standard_normal.raw(mu, logvar)
        return (y if mu.dtype == np.float64 else 2 * y), *derivatives

    assert "for float32 inputs its numbers are wrong" in screen("kl", kl)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_arrays_with_rules_of_their_own():
    def with_value(change):
        def relu(x):
            y, dx = ops.relu.raw(x)
            return change(y), dx

        return relu

    def with_derivative(change):
        def relu(x):
            y, dx = ops.relu.raw(x)
            return y, lambda dy: change(dx(np.asarray(dy)))

        return relu

    for change, name in ((np.matrix, "a matrix"), (np.ma.masked_array, "a MaskedArray")):
        assert f"y This is {name}, expected a plain np.ndarray" in screen("relu", with_value(change))
        assert f"dx This is {name}, expected a plain np.ndarray" in screen("relu", with_derivative(change))
    assert "a matrix" in screen("dense_forward", lambda x, W, b: np.matrix(x) * np.matrix(W) + b)
    mean, components, eigenvalues = range(3)
    for part in (mean, components, eigenvalues):
        def principal_components(x, count, part=part):
            found = list(catalogue.find("pca").solution(x, count))
            found[part] = np.ma.masked_array(found[part])
            return tuple(found)

        assert "a MaskedArray" in screen("pca", principal_components)


def test_a_softmax_that_is_right_for_one_axis_only():
    def logsumexp(x, *, axis=None):
        y, _ = ops.logsumexp.raw(x, axis=axis)
        return y, lambda dy: np.exp(x - y) * dy

    def over_axis_0(x, *, axis=None):
        e = np.exp(x - x.max(axis=0))
        return ops.logsumexp.raw(x, axis=axis)[0], lambda dy: e / e.sum(axis=0) * ops._restore_axes(dy, x.shape, axis)

    assert "axis=1" in screen("iwae_weights", logsumexp)
    assert "axis=1" in screen("iwae_weights", over_axis_0)


def test_a_convolution_for_one_stride_only():
    convolution = catalogue.find("convolution")

    def conv2d(x, W, b, *, stride=1, padding=0):
        y = convolution.solution.raw(x, W, b, stride=stride, padding=padding)[0]
        return y, *(
            lambda dy, i=i: convolution.solution.raw(x, W, b, stride=2, padding=1)[i](dy) for i in (1, 2, 3)
        )

    assert "stride=1" in screen("convolution", conv2d)


def test_what_is_kept_from_an_earlier_call():
    kept = {}

    def value_by_shape(x, W, b):
        return kept.setdefault((x.shape, W.shape, str(x.dtype)), x @ W + b)

    def first_input(x):
        seen = kept.setdefault((x.shape, str(x.dtype)), x.copy())
        return np.maximum(x, 0), lambda dy: dy * (seen > 0)

    def last_input(x):
        kept["x"] = x
        return np.maximum(x, 0), lambda dy: dy * (kept["x"] > 0)

    def first_gradient(x):
        mine = []

        def dx(dy):
            mine.append(dy * (x > 0))
            return mine[0]

        return np.maximum(x, 0), dx

    def one_buffer(x):
        y = kept.setdefault(("buffer", x.shape, str(x.dtype)), np.empty_like(x))
        return np.maximum(x, 0, out=y), lambda dy: dy * (x > 0)

    assert "gave the same value: the function keeps something from the first" in screen("dense_forward", value_by_shape)
    assert "wrong in the second of two calls with different inputs" in screen("relu", first_input)
    assert "wrong in the first of two calls, after the second" in screen("relu", last_input)
    assert "dx keeps its first result" in screen("relu", first_gradient)
    assert "Another call changes the value" in screen("relu", one_buffer)


# --- Adam -------------------------------------------------------------------------------------------------------------


def adam(keep):
    """Return an update whose m and v live where `keep(self, p, M, V)` says."""

    def update(self, lr, t, scratch, p, g, M, V):
        m, v = keep(self, p, M, V)
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        v[...] = self.beta2 * v + (1 - self.beta2) * g * g
        p -= lr * (m / (1 - self.beta1**t)) / (np.sqrt(v / (1 - self.beta2**t)) + self.eps)

    return update


def test_adams_state_outside_of_its_accumulators():
    outside = {}

    def on_the_optimiser(self, p, M, V):
        if not hasattr(self, "m"):
            self.m, self.v = np.zeros_like(p), np.zeros_like(p)
        return self.m, self.v

    def by_size_on_the_optimiser(self, p, M, V):
        return vars(self).setdefault(f"state{p.size}", (np.zeros_like(p), np.zeros_like(p)))

    def in_a_global(self, p, M, V):
        return outside.setdefault(p.size, (np.zeros_like(p), np.zeros_like(p)))

    def by_memory(self, p, M, V):
        return outside.setdefault(p.ctypes.data, (np.zeros_like(p), np.zeros_like(p)))

    for keep in (on_the_optimiser, by_size_on_the_optimiser, in_a_global, by_memory):
        assert "outside of M and V" in screen("adam", adam(keep)), keep
    assert outcome.judge(catalogue.find("adam"), adam(lambda self, p, M, V: (M, V))).status == outcome.PASSED


def test_adams_own_count_of_steps_and_what_is_left_in_scratch():
    def counts(self, lr, t, scratch, p, g, M, V):
        self.t = getattr(self, "t", 0) + 1
        optim.Adam.update(self, lr, self.t, scratch, p, g, M, V)

    def reads_scratch(self, lr, t, scratch, p, g, M, V):
        before = p.copy()
        optim.Adam.update(self, lr, t, np.empty_like(p), before, g, M, V)
        p -= p - before + 0 * scratch

    assert "outside of M and V" in screen("adam", counts)
    assert "scratch" in screen("adam", reads_scratch)


def test_adam_moves_parameters_of_different_shapes():
    def only_three(self, lr, t, scratch, p, g, M, V):
        optim.Adam.update(self, lr, t, scratch[:3], p[:3], g[:3], M[:3], V[:3])

    screen("adam", only_three)


def test_adams_two_slips_and_the_order_of_its_updates():
    def late_and_too_early(self, lr, t, scratch, p, g, M, V):
        p -= lr * M / (1 - self.beta1 ** (t + 1)) / (np.sqrt(V / (1 - self.beta2 ** (t + 1))) + self.eps)
        M[...] = self.beta1 * M + (1 - self.beta1) * g
        V[...] = self.beta2 * V + (1 - self.beta2) * g * g

    def two(self, lr, t, scratch, p, g, M, V):
        M[...] = self.beta1 * M + (1 - self.beta1) * g
        V[...] = self.beta2 * V + (1 - self.beta2) * g * g
        p -= lr * M / (np.sqrt(V / (1 - self.beta2**t) + self.eps))

    text = screen("adam", late_and_too_early)
    assert "t is one too large; and the step uses M and V before their updates: those must come first" in text
    assert "the bias of m is not corrected; and ε is under the root" in screen("adam", two)


# --- procedures -------------------------------------------------------------------------------------------------------


def importance_sampling(largest=lambda log_w: log_w.max(axis=0), wrap=lambda a: a):
    """Return a solution that takes another largest logarithm out of its sums."""

    def solution(x, q, decode, rng, samples):
        with no_grad():
            log_w = p.bounds.log_weights(x, q, decode, rng, samples).data
        m = largest(log_w)
        w = np.exp(log_w - m)
        return ImportanceSampling(
            wrap(m + np.log(w.mean(axis=0))), wrap(w.sum(axis=0) ** 2 / (w * w).sum(axis=0))
        )

    return solution


def test_one_maximum_for_all_examples():
    assert outcome.judge(catalogue.find("importance_sampling"), importance_sampling()).status == outcome.PASSED
    text = screen("importance_sampling", importance_sampling(lambda log_w: log_w.max()))
    assert "Is not finite" in text and "one maximum for all examples" in text


def test_tensors_where_arrays_were_asked_for():
    def refine(x, q, decode, rng, steps, lr, samples=1):
        mu, logvar = Tensor(q.mu.copy(), requires_grad=True), Tensor(q.logvar.copy(), requires_grad=True)
        optimizer = optim.Adam([mu, logvar], lr)
        for _ in range(steps):
            optimizer.zero_grad()
            (-elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo.sum()).backward()
            optimizer.step()
        return DiagonalGaussian(mu, logvar)

    assert "mu This is a Tensor, expected an array: mu.data" in screen("e_step", refine)
    assert "a Tensor" in screen("importance_sampling", importance_sampling(wrap=Tensor))
    one = lambda *given: DiagonalGaussian(refine(*given).mu.data, refine(*given).logvar)  # noqa: E731
    assert "logvar" in screen("e_step", one)


def test_pca_in_the_dtype_of_its_input():
    def principal_components(x, count):
        mean = x.mean(axis=0)
        values, vectors = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
        return mean, vectors[:, ::-1].T[:count], values[::-1]

    def cast_at_the_end(x, count):
        return tuple(a.astype(np.float64) for a in principal_components(x, count))

    assert "float32" in screen("pca", principal_components)
    assert "float32" in screen("pca", cast_at_the_end)


@pytest.mark.parametrize("dropped", ["rows", "step", "both"])
def test_a_training_step_that_does_not_pass_on_what_it_gets(dropped):
    def training_step(model, optimizer, x, rng, step=0, rows=None):
        given = {"step": step, "rows": rows}
        given = {name: value for name, value in given.items() if dropped not in (name, "both")}
        objective, parts = model.loss(x, rng, **given)
        optimizer.zero_grad()
        objective.backward()
        optimizer.step()
        return float(objective), parts

    text = screen("training_step", training_step)
    for name in ("step", "rows"):
        assert (f"{name} is not passed on" in text) == (dropped in (name, "both")), text


def test_codes_that_are_paired_with_the_wrong_examples():
    def solution(x, q, decode, rng, samples, rows=lambda x, K: np.repeat(x, K, axis=0), shift=0.0):
        K, (N, latent_dim) = samples, q.mean.shape
        z = q.rsample(rng, K).data + shift
        likelihood = decode(z.reshape(K * N, latent_dim)).log_prob(rows(x, K)).data.reshape(K, N)
        prior = DiagonalGaussian(np.zeros_like(q.mean), 0.0)
        log_w = likelihood + prior.log_prob(z).data - q.log_prob(z).data
        m = log_w.max(axis=0)
        w = np.exp(log_w - m)
        return ImportanceSampling(m + np.log(w.mean(axis=0)), w.sum(axis=0) ** 2 / (w * w).sum(axis=0))

    text = screen("importance_sampling", solution)
    assert "are samples of q, but they are paired with the wrong examples" in text and "np.tile(x, (K, 1))" in text
    tiled = lambda *given: solution(*given, rows=lambda x, K: np.tile(x, (K, 1)))  # noqa: E731
    assert outcome.judge(catalogue.find("importance_sampling"), tiled).status == outcome.PASSED
    shifted = lambda *given: solution(*given, rows=lambda x, K: np.tile(x, (K, 1)), shift=0.5)  # noqa: E731
    assert "The codes are not samples of q" in screen("importance_sampling", shifted)


# --- constants that should be arguments -------------------------------------------------------------------------------


def test_betas_that_are_written_as_numbers():
    def update(self, lr, t, scratch, p, g, M, V):
        M[...] = 0.9 * M + 0.1 * g
        V[...] = 0.999 * V + 0.001 * g * g
        p -= lr * (M / (1 - 0.9**t)) / (np.sqrt(V / (1 - 0.999**t)) + self.eps)

    assert "β₁ = 0.9 and β₂ = 0.999 stand where self.beta1 and self.beta2 belong" in screen("adam", update)


def test_a_number_of_components_that_is_always_two():
    def principal_components(x, count):
        return catalogue.find("pca").solution(x, 2)

    assert "expected (count, D)" in screen("pca", principal_components)


def test_a_kernel_that_is_always_three_pixels_wide():
    solution = catalogue.find("convolution").solution.raw

    def conv2d(x, W, b, *, stride=1, padding=0):
        y, dx, dW, db = solution(x, W, b, stride=stride, padding=padding)
        return y, dx, lambda dy: dW(dy).reshape(3, 3, -1, W.shape[-1]), db

    assert "W (2, 2, 3, 2)" in screen("convolution", conv2d)


def test_a_batch_of_one_example():
    def dense_backward(x, W, b):
        y, dx, dW, _ = ops.dense.raw(x, W, b)
        return y, dx, dW, lambda dy: dy.squeeze().sum(axis=0)

    def kl(mu, logvar):
        y, dmu, dlogvar = p.kl_to_standard_normal.raw(mu, logvar)
        return y.squeeze(), dmu, dlogvar

    assert "with a single example" in screen("dense_backward", dense_backward)
    assert "with a single example" in screen("kl", kl)


@pytest.mark.parametrize("change", ["parts", "objective"])
def test_a_training_step_that_returns_something_else(change):
    def training_step(model, optimizer, x, rng, step=0, rows=None):
        objective, parts = model.loss(x, rng, step, rows)
        optimizer.zero_grad()
        objective.backward()
        optimizer.step()
        return (float(objective), {}) if change == "parts" else (0.0, parts)

    assert f"the {change}" in screen("training_step", training_step)


# --- numbers at special places ----------------------------------------------------------------------------------------


def test_zeros():
    def log_likelihood(logits, x):
        e = np.exp(-np.abs(logits))
        slope = (logits > 0) - np.sign(logits) * e / (1 + e)
        return p.bernoulli_log_likelihood.raw(logits, x)[0], lambda dy: dy[:, None] * (x - slope), None

    def reparameterize(mu, logvar, eps):
        y = mu + np.exp(logvar / 2) * eps
        return y, lambda dy: dy, lambda dy: dy * (y - mu) / eps * eps / 2, None

    assert "all inputs are 0" in screen("bernoulli", log_likelihood)
    assert "all inputs are 0" in screen("reparameterize", reparameterize)


def test_components_in_another_order_or_turned_within_their_subspace():
    right = catalogue.find("pca").solution

    def turned(x, count):
        mean, components, eigenvalues = right(x, count)
        turn = np.linalg.qr(np.arange(1.0, 1 + count * count).reshape(count, count) ** 2)[0]
        return mean, turn @ components, eigenvalues

    def backwards(x, count):
        mean, components, eigenvalues = right(x, count)
        return mean, components[::-1], eigenvalues

    assert "rows stand in another order" in screen("pca", backwards)
    assert "not the eigenvectors themselves" in screen("pca", turned)


def test_digits_that_are_lost_beside_a_larger_number():
    def softplus(x):
        return np.maximum(x, 0) + np.log(1 + np.exp(-np.abs(x))), lambda dy: dy * ops.sigmoid.raw(x)[0]

    assert "digits are lost beside a larger number" in screen("softplus", softplus)
