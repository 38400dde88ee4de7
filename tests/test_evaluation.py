"""Proves that what is reported is a mean over all examples, whatever the size of the batches that it is computed in.

It would catch a mean of means over batches of different size, and a measure with the wrong sign.
"""

import numpy as np
import pytest

from npvae.autodiff import Tensor
from npvae.evaluation import evaluate, mean_loss, posterior_means
from npvae.models import VAE


@pytest.fixture
def model(rng):
    return VAE(20, 3, [11], rng)


class Counts:
    """A model whose loss is the mean of the first column."""

    def loss(self, x, rng):
        return x[:, 0].mean(), {"rec": x[:, 1].mean()}


def test_the_mean_is_over_examples(rng):
    x = rng.random((23, 2))
    found = mean_loss(Counts(), x, rng, batch_size=10)      # batches of 10, 10 and 3
    assert found == pytest.approx({"loss": x[:, 0].mean(), "rec": x[:, 1].mean()})


class Records:
    """A model that notes whether its loss was recorded."""

    def __init__(self):
        self.W, self.recorded = Tensor(np.ones((2, 1)), requires_grad=True), []

    def loss(self, x, rng):
        loss = (x @ self.W).sum()
        self.recorded.append(loss.record is not None)
        return loss, {}


def test_nothing_is_recorded(rng):
    model = Records()
    mean_loss(model, rng.random((5, 2)), rng)
    assert model.recorded == [False]


def test_posterior_means(rng, model):
    x = rng.random((23, 20)).astype(np.float32)
    assert np.allclose(posterior_means(model, x, batch_size=10), model.encode(x).mu.data, atol=1e-6)


def test_evaluate(rng, model):
    x = rng.random((200, 20)).astype(np.float32)
    found = evaluate(model, x, np.random.default_rng(0), importance_samples=50)
    assert found["elbo"] == pytest.approx(found["reconstruction"] - found["kl"], rel=1e-5)
    assert found["kl"] > 0 > found["reconstruction"]
    assert found["elbo"] < found["log_likelihood"] < 0
    log_p = model.log_likelihood(x[:50], np.random.default_rng(1), 50)
    assert found["standard_error"] == pytest.approx(log_p.std() / np.sqrt(200), rel=0.5)
    assert 0 <= found["active_units"] <= 3
    assert "log_likelihood" not in evaluate(model, x, rng)
