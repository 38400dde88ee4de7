"""Proves that both networks of the conditional VAE see the right labels, and that its bound is one of ln p(x | y).

These tests would catch labels that are exchanged, that repeat example by example instead of sample by sample, or that
reach only one of the networks, and a test set that is measured without its labels.
"""

import numpy as np
import pytest

from npvae import datasets, gradchecks, probability
from npvae.errors import UserError
from npvae.models import VAE, ConditionalVAE, ProbabilisticPCA
from npvae.nn import Dense, optim
from npvae.probability import ESTIMATORS, LIKELIHOODS, KLTerm
from npvae.training import Training
from npvae.training.evaluation import codes_of, evaluate, mean_loss

LABELS = [7, 2, -1]  # they become columns in order: −1, 2, 7
D, LATENT, N = 20, 3, 13


@pytest.fixture
def x(rng):
    return (rng.random((N, D)) < 0.3).astype(np.float32)


@pytest.fixture
def y(rng):
    return rng.choice(LABELS, N)


@pytest.fixture
def model(rng):
    return ConditionalVAE(D, LATENT, [11, 5], LABELS, rng)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_shapes(rng, x, y, likelihood):
    model = ConditionalVAE(D, LATENT, [11, 5], LABELS, rng, likelihood)
    assert [p.shape for name, p in model.named_parameters() if name.endswith("W")] == [
        (D + 3, 11), (11, 5), (5, LATENT), (5, LATENT), (LATENT + 3, 5), (5, 11), (11, D),
    ]  # fmt: skip
    given = model.given(y)
    assert given.codes(x).shape == (N, LATENT) and given.reconstruct(x).shape == (N, D)
    assert given.sample(N, rng).shape == (N, D) and model.given(7).sample(4, rng).shape == (4, D)
    assert given.importance_sampling(x, rng, 10).log_likelihood.shape == (N,)
    assert given.refine(x, given.posteriors(x), rng, 2).mean.shape == (N, LATENT)


def test_the_networks_see_the_labels_as_one_hot_vectors(model, x, y, rng):
    columns = np.array([[-1, 2, 7].index(label) for label in y])
    one_hot = np.eye(3, dtype=np.float32)[columns]
    h = model.encoder(np.concatenate([x, one_hot], axis=1))
    assert np.allclose(model.given(y).codes(x), model.mu(h).data, atol=1e-6)
    z = rng.standard_normal((N, LATENT)).astype(np.float32)
    expected = model.likelihood(model.decoder(np.concatenate([z, one_hot], axis=1))).mean
    assert np.allclose(model.given(y).generate(z), expected, atol=1e-6)


def test_every_example_is_treated_as_if_it_were_alone(model, x, y):
    """Also where a decoder gets K samples of each example at once: their labels must come sample by sample."""
    eps = np.random.default_rng(1).standard_normal((5, N, LATENT)).astype(np.float32)
    together = probability.bounds.log_weight
    given = model.given(y)
    q = given.encode(x)
    whole = together(x, probability.reparameterize(q.mu, q.logvar, eps), given.decode, q).data
    for n in range(N):
        alone = model.given(y[n])
        q = alone.encode(x[n : n + 1])
        z = probability.reparameterize(q.mu, q.logvar, eps[:, n : n + 1])
        assert np.allclose(together(x[n : n + 1], z, alone.decode, q).data[:, 0], whole[:, n], atol=1e-4)


def test_both_networks_depend_on_the_label(model, x):
    codes = [model.given(label).codes(x) for label in LABELS]
    images = [model.given(label).generate(codes[0]) for label in LABELS]
    for a in (codes, images):
        assert not np.allclose(a[0], a[1], atol=1e-3) and not np.allclose(a[0], a[2], atol=1e-3)


def test_the_labels_repeat_in_their_order(model, rng):
    z = np.repeat(rng.standard_normal((4, LATENT)), 3, axis=0)          # four codes, each with every label
    images = model.given([-1, 2, 7]).generate(z).reshape(4, 3, D)
    for column, label in enumerate([-1, 2, 7]):
        assert np.allclose(images[:, column], model.given(label).generate(z[::3]), atol=1e-6)


def linear(rng, logvar=-1.0):
    """Return a conditional VAE whose decoder is linear, N(W z + V y + b, σ² I), and the oracle of each label."""
    model = ConditionalVAE(7, 2, [64], [0, 1, 2], rng, "gaussian")
    oracle = ProbabilisticPCA.random(7, 2, rng, logvar)
    model.decoder, V = Dense(2 + 3, 7, rng), 3 * rng.standard_normal((3, 7))
    model.decoder.W.data = np.concatenate([oracle.W.T, V]).astype(np.float32)
    model.decoder.b.data[...] = oracle.b
    model.likelihood.logvar.data[...] = logvar
    return model, [ProbabilisticPCA(oracle.W, oracle.b + v, logvar) for v in V]


def test_it_is_a_bound_of_the_likelihood_given_the_label(rng):
    """With a linear decoder ln p(x | y) is known: the ELBO is below it, and importance sampling converges to it."""
    model, oracles = linear(rng)
    for label, oracle in enumerate(oracles):
        x = oracle.sample(50, rng)
        given, log_p = model.given(label), oracle.log_likelihood(x)
        posterior = oracle.posterior(x.astype(np.float32))
        q = probability.DiagonalGaussian(posterior.mu.astype(np.float32), posterior.logvar.astype(np.float32))
        exact = probability.elbo(x.astype(np.float32), q, given.decode, rng, 2000).elbo.data
        assert exact.mean() == pytest.approx(log_p.mean(), abs=0.05)     # the bound is tight at the true posterior
        elbo = probability.elbo(x.astype(np.float32), given.encode(x.astype(np.float32)), given.decode, rng, 500)
        assert (elbo.elbo.data < log_p).all()
        prior = probability.DiagonalGaussian(np.zeros_like(q.mu), 0.0)
        sampled = probability.importance_sampling(x.astype(np.float32), prior, given.decode, rng, 20_000)
        assert np.abs(sampled.log_likelihood - log_p).mean() < 0.05
        wrong = probability.elbo(x.astype(np.float32), q, model.given((label + 1) % 3).decode, rng, 50).elbo.data
        assert wrong.mean() < log_p.mean() - 5


def fit(model, x, y, steps, rng):
    optimizer = optim.Adam(model.parameters(), 1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        model.given(y).loss(x, rng)[0].backward()
        optimizer.step()
    return model


def test_a_label_that_says_everything_leaves_nothing_to_the_code(rng):
    """Each label has one pattern. The label costs nothing, so −ELBO approaches 0; a VAE pays ln 4 nats to name one."""
    patterns = (rng.random((4, D)) < 0.5).astype(np.float32)
    y = np.repeat(np.arange(4), 10)
    x = patterns[y]
    model = fit(ConditionalVAE(D, LATENT, [32], range(4), rng), x, y, 400, rng)
    parts = model.given(y).loss(x, rng)[1]
    assert parts["loss"] < 0.2 and parts["kl"] < 0.1
    for label in range(4):
        assert np.allclose(model.given(label).sample(5, rng), patterns[label], atol=0.1)
    plain = VAE(D, LATENT, [32], rng)
    optimizer = optim.Adam(plain.parameters(), 1e-2)
    for _ in range(400):
        optimizer.zero_grad()
        plain.loss(x, rng)[0].backward()
        optimizer.step()
    assert plain.loss(x, rng)[1]["loss"] > np.log(4) - 0.1


def test_a_label_that_says_nothing_changes_nothing(rng, x):
    """With a single label, the one-hot column is a second bias: the same network as a VAE's."""
    model, plain = ConditionalVAE(D, LATENT, [11], [4], rng), VAE(D, LATENT, [11], rng)
    for p, its in zip(plain.parameters(), model.parameters(), strict=True):
        p.data = its.data[: len(p.data)].copy()             # without the row of the label
    for first, its in ((plain.encoder, model.encoder), (plain.decoder.layers[0], model.decoder.layers[0])):
        first.layers[0].b.data += its.layers[0].W.data[-1]
    expected = plain.loss(x, np.random.default_rng(1))[1]
    assert model.given(4).loss(x, np.random.default_rng(1))[1] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_estimator_and_kl_term_reports_the_same_bound(rng, x, y, estimator):
    model = ConditionalVAE(D, LATENT, [11], LABELS, 5, estimator=estimator, samples=20)
    expected = probability.elbo(x, model.given(y).encode(x), model.given(y).decode, rng, 2000)
    assert model.given(y).loss(x, rng)[1]["loss"] == pytest.approx(-expected.elbo.data.mean(), abs=0.3)
    weighted = ConditionalVAE(D, LATENT, [11], LABELS, 5, kl_term=KLTerm(4.0))
    objective, parts = weighted.given(y).loss(x, rng)
    assert float(objective) == pytest.approx(parts["rec"] + 4 * parts["kl"], rel=1e-5)


# --- planted mistakes: the checks above and the gradient check must see them ------------------------------------------


class RepeatsByExample(ConditionalVAE):
    def _with_labels(self, a):
        one_hot = np.repeat(self._one_hot, len(a) // len(self._one_hot), axis=0).astype(a.dtype)
        return probability.bounds.ops.concatenate(a, one_hot, axis=1)


class BlindDecoder(ConditionalVAE):
    def decode(self, z):
        one_hot, self._one_hot = self._one_hot, np.zeros_like(self._one_hot)
        try:
            return super().decode(z)
        finally:
            self._one_hot = one_hot


class BlindEncoder(ConditionalVAE):
    def encode(self, x):
        one_hot, self._one_hot = self._one_hot, np.zeros_like(self._one_hot)
        try:
            return super().encode(x)
        finally:
            self._one_hot = one_hot


def test_the_tests_see_planted_mistakes(rng, x, y):
    with pytest.raises(AssertionError):
        test_every_example_is_treated_as_if_it_were_alone(RepeatsByExample(D, LATENT, [11, 5], LABELS, rng), x, y)
    for blind in (BlindDecoder, BlindEncoder):
        with pytest.raises(AssertionError):
            test_both_networks_depend_on_the_label(blind(D, LATENT, [11, 5], LABELS, rng), x)
        with pytest.raises(AssertionError):
            test_the_networks_see_the_labels_as_one_hot_vectors(blind(D, LATENT, [11, 5], LABELS, rng), x, y, rng)


def test_the_gradient_check_of_the_bound_sees_a_lost_gradient(monkeypatch):
    check = next(each for each in gradchecks.BOUND_CHECKS if each.name == "ConditionalVAE(bernoulli)")
    assert check.run().ok
    encode = ConditionalVAE.encode
    monkeypatch.setattr(ConditionalVAE, "encode", lambda self, x: encode(self, x).detach())     # it learns nothing
    assert not check.run().ok


# --- labels that travel with their examples ---------------------------------------------------------------------------


def test_the_evaluation_gives_every_batch_its_labels(model, rng):
    x = (rng.random((450, D)) < 0.3).astype(np.float32)
    y = rng.choice(LABELS, 450)
    given = model.given(y)
    assert np.allclose(codes_of(model, x, y), given.codes(x), atol=1e-5)
    found = evaluate(model, x, 0, importance_samples=5, refine_steps=2, y=y)
    assert found["squared_error"] == pytest.approx(np.square(given.reconstruct(x) - x).sum(axis=1).mean(), rel=1e-5)
    assert found["kl"] == pytest.approx(float(given.posteriors(x).kl_divergence().data.mean()), rel=1e-5)
    assert found["kl"] == pytest.approx(mean_loss(model, x, 0, y)["kl"], rel=1e-5)
    other = evaluate(model, x, 0, y=y[::-1])
    assert abs(other["kl"] - found["kl"]) > 1e-6
    for measure in (evaluate, mean_loss):
        with pytest.raises(UserError, match=r"needs the labels y .* call the methods of model.given\(y\)"):
            measure(model, x, 0)


def test_the_evaluation_refuses_another_number_of_labels(model, x, y):
    for labels in (y[:5], np.tile(y, 2)):
        with pytest.raises(UserError, match=rf"{len(labels)} labels for 13 examples: expected as many"):
            evaluate(model, x, 0, y=labels)


class Notes(ConditionalVAE):
    """Note the labels and the examples that `loss` sees."""

    seen = []

    def loss(self, x, rng, step=np.inf, rows=None):
        Notes.seen.append((x, self.labels[self._one_hot.argmax(axis=1)]))
        return super().loss(x, rng, step, rows)


def test_in_training_and_validation_every_example_has_its_label():
    bars, rng = datasets.load_bars(side=4, N=203), np.random.default_rng(0)
    model = Notes(16, 2, [11], range(1, 5), rng)
    run = Training(
        model, optim.Adam(model.parameters(), 1e-3), bars.x_train, 20, rng, bars.x_test, y=bars.y_train,
        y_validation=bars.y_test,
    )  # fmt: skip
    run.run(15, every=15)
    both = np.concatenate([bars.x_train, bars.x_test]), np.concatenate([bars.y_train, bars.y_test])
    label_of = {}
    for row, label in zip(*both):
        label_of.setdefault(row.tobytes(), set()).add(label)
    assert sum(len(x) for x, _ in Notes.seen) > 300
    assert all(label in label_of[row.tobytes()] for x, y in Notes.seen for row, label in zip(x, y))


# --- what is refused --------------------------------------------------------------------------------------------------


def test_what_is_refused(model, x, y, rng):
    for use in (lambda: model.loss(x, rng), lambda: model.codes(x), lambda: model.sample(5, rng)):
        with pytest.raises(UserError, match=r"call the methods of model.given\(y\)"):
            use()
    with pytest.raises(UserError, match=r"there is no label 3: expected one of -1, 2, 7"):
        model.given(3)
    for wrong in (y.astype(float), y[:, None], "7", None, []):
        with pytest.raises(UserError, match=r"the labels are an array \(.*\) of .*, expected whole numbers"):
            model.given(wrong)
    for wrong in (y[:5], np.tile(y, 2)):
        with pytest.raises(UserError, match=rf"{len(wrong)} labels for 13 examples"):
            model.given(wrong).loss(x, rng)
    with pytest.raises(UserError, match="13 labels for 5 codes"):
        model.given(y).sample(5, rng)
    with pytest.raises(UserError, match="26 examples"):                 # K samples are for the decoder alone
        model.given(y).codes(np.tile(x, (2, 1)))
    with pytest.raises(UserError, match="at least one hidden layer"):
        ConditionalVAE(D, LATENT, [], LABELS, rng)
    with pytest.raises(UserError, match="the labels are"):
        ConditionalVAE(D, LATENT, [11], [], rng)


def test_given_shares_the_networks_and_leaves_the_model_as_it_was(model, x, y, rng):
    given = model.given(y)
    assert all(a is b for a, b in zip(given.parameters(), model.parameters(), strict=True))
    assert model.given(y[::-1]) is not given and np.array_equal(given.codes(x), model.given(y).codes(x))
    assert VAE(D, LATENT, [11], rng).given(y).codes(x).shape == (N, LATENT)              # it needs none, and takes none
    double = model.astype(np.float64).given(y)
    assert double.codes(x).dtype == np.float64


def test_a_number_of_labels_is_no_list_of_labels():
    with pytest.raises(UserError, match=r"labels is 3, expected a list of the labels that occur"):
        ConditionalVAE(12, 2, [8], 3, rng=0)
