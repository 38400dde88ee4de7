"""Proves that the reported numbers are means over all examples, whatever the batch size.

These tests would catch a mean of the means of batches of different sizes, and a measure with the wrong sign.
"""

import numpy as np
import pytest

from npvae.autodiff import Tensor
from npvae.errors import UserError
from npvae.models import IWAE, PCA, VAE, Autoencoder, LatentModel, VariationalEM
from npvae.nn import BatchNorm
from npvae.training import evaluation
from npvae.training.evaluation import codes_of, evaluate, explained_by, mean_loss, nearest, share_outside


@pytest.fixture
def model(rng):
    return VAE(20, 3, [11], rng)


class Counts(LatentModel):
    """A model that reports the means of two columns, and notes whether a tape was recorded, and the mode."""

    def __init__(self):
        self.W, self.norm, self.notes = Tensor(np.ones((2, 1)), requires_grad=True), BatchNorm(2), []

    def loss(self, x, rng):
        loss = (x @ self.W).sum()
        self.notes.append((loss.record is not None, self.norm.training))
        return loss, {"loss": x[:, 0].mean(), "rec": x[:, 1].mean()}


def test_the_mean_is_over_examples_nothing_is_recorded_and_the_mode_is_that_of_evaluation(rng, monkeypatch):
    monkeypatch.setattr(evaluation, "MEASURED_AT_ONCE", 10)
    x, model = rng.random((23, 2)), Counts()
    monkeypatch.setattr(evaluation, "in_batches", lambda x: [x[:10], x[10:20], x[20:]])
    assert mean_loss(model, x, rng) == pytest.approx({"loss": x[:, 0].mean(), "rec": x[:, 1].mean()})
    assert model.notes == [(False, False)] * 3 and model.norm.training


def test_batches_are_all_of_the_examples():
    x = np.arange(23)
    assert [len(batch) for batch in evaluation.in_batches(x, 10)] == [10, 10, 3]
    assert np.array_equal(np.concatenate(evaluation.in_batches(x, 10)), x)


def test_codes_are_the_posterior_means(rng, model):
    x = rng.random((1003, 20)).astype(np.float32)
    assert np.allclose(codes_of(model, x), model.encode(x).mu.data, atol=1e-6)


def test_evaluate(rng, model):
    x = rng.random((200, 20)).astype(np.float32)
    found = evaluate(model, x, np.random.default_rng(0), importance_samples=50)
    assert found["loss"] == pytest.approx(found["rec"] + found["kl"], rel=1e-5)
    assert found["kl"] > 0 and found["rec"] > 0
    assert -found["loss"] < found["log_likelihood"] < 0
    sampling_rng = np.random.default_rng(0).spawn(3)[1]
    log_p = model.importance_sampling(x, sampling_rng, 50).log_likelihood
    assert found["log_likelihood"] == pytest.approx(log_p.mean(), rel=1e-6)
    assert found["standard_error"] == pytest.approx(log_p.std() / np.sqrt(200), rel=0.01)
    assert 1 < found["effective_sample_size"] < 50
    assert 0 <= found["active_units"] <= 3
    assert found["squared_error"] == pytest.approx(np.square(model.reconstruct(x) - x).sum(axis=1).mean(), rel=1e-5)
    assert "log_likelihood" not in evaluate(model, x, rng) and "amortization_gap" not in evaluate(model, x, rng)


def test_the_amortization_gap_is_what_refinement_gains(rng, model):
    x = (rng.random((30, 20)) < 0.5).astype(np.float32)
    for name, p in model.named_parameters():
        if name.startswith("decoder") and name.endswith("W"):
            p.data *= 4                                     # now the encoder does not fit the decoder
    found = evaluate(model, x, np.random.default_rng(0), refine_steps=200)
    q = model.encode(x).detach()
    refined = model.refine(x, q, rng, 200)
    evidence = [IWAE.importance_sampling(model, x, rng, 3000).log_likelihood.mean(), -found["loss"]]
    assert 1 < found["amortization_gap"] < evidence[0] - evidence[1] + 0.5
    assert np.abs(refined.mu - q.mu).max() > 0.1


@pytest.mark.parametrize("cls", [PCA, Autoencoder])
def test_of_a_model_without_a_bound_the_squared_error_is_measured(rng, cls):
    model = cls(20, 3) if cls is PCA else cls(20, 3, [11], rng)
    x = rng.random((50, 20)).astype(np.float32)
    expected = np.square(model.reconstruct(x) - x).sum(axis=1).mean()
    assert evaluate(model, x, rng) == {"squared_error": pytest.approx(expected, rel=1e-5)}


def test_of_variational_em_everything_is_measured(rng):
    model = VariationalEM(10, 20, 3, [11], rng, new_steps=5)
    x = rng.random((50, 20)).astype(np.float32)
    found = evaluate(model, x, rng, importance_samples=10, refine_steps=5)
    assert found["loss"] == pytest.approx(found["rec"] + found["kl"], rel=1e-5)
    assert {"log_likelihood", "amortization_gap", "active_units"} <= found.keys()


def test_the_share_that_a_factor_explains(rng):
    n = 5000
    factor, noise = rng.uniform(-1, 1, n), rng.standard_normal(n)
    codes = np.stack([factor, factor**2, noise, factor + np.sqrt(1 / 3) * noise], axis=1)
    shares = explained_by(factor, codes)
    assert shares[:2] == pytest.approx([1, 1], abs=0.02) and shares[2] < 0.01
    assert shares[3] == pytest.approx(0.5, abs=0.05)
    kinds = rng.integers(3, size=n)
    assert explained_by(kinds, np.stack([kinds == 1, noise], axis=1)) == pytest.approx([1, 0], abs=0.01)


def test_no_measure_depends_on_which_others_are_asked_for(rng, model):
    x = rng.random((30, 20)).astype(np.float32)
    ask = lambda **asked: evaluate(model, x, np.random.default_rng(0), **asked)  # noqa: E731
    alone, both = ask(), ask(importance_samples=10, refine_steps=5)
    assert {name: both[name] for name in alone} == alone
    assert both["log_likelihood"] == ask(importance_samples=10)["log_likelihood"]
    assert both["amortization_gap"] == ask(refine_steps=5)["amortization_gap"]


def test_the_gap_of_nothing_is_nothing(rng, model, monkeypatch):
    """Both bounds use the same noise, so the same q twice gives the same bound."""
    monkeypatch.setattr(model, "refine", lambda x, q, rng, steps: q)
    assert evaluate(model, rng.random((30, 20)).astype(np.float32), rng, refine_steps=5)["amortization_gap"] == 0


def test_measures_that_are_not_numbers_are_not_reported(rng, model):
    model.mu.b.data[...] = 1e30
    message = r"of the test set is (inf|nan): the model cannot handle this data; start a new run with a smaller"
    with pytest.raises(UserError, match=message):
        evaluate(model, rng.random((30, 20)).astype(np.float32), rng)


def test_the_nearest_row_is_found_in_every_batch(rng):
    a, b = rng.standard_normal((evaluation.MEASURED_AT_ONCE + 7, 3)), rng.standard_normal((50, 3))
    distances = np.linalg.norm(a[:, None] - b, axis=2)
    index, distance = nearest(a, b)
    assert np.array_equal(index, distances.argmin(axis=1)) and np.allclose(distance, distances.min(axis=1))


def test_random_codes_are_outside_as_often_as_they_differ_from_the_codes(rng):
    codes, tests = rng.standard_normal((5000, 2)), rng.standard_normal((2000, 2))
    assert 0.03 < share_outside(rng.standard_normal((2000, 2)), tests, codes) < 0.07
    far = rng.standard_normal((2000, 2)) + np.array([[20, 0]]) * (rng.random((2000, 1)) < 0.5)
    assert 0.45 < share_outside(far, tests, codes) < 0.6
