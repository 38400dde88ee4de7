"""Proves that the IWAE minimises its own bound, reports the ELBO, and is a VAE for K = 1."""

import numpy as np
import pytest

from npvae.models import IWAE, VAE
from npvae.probability import KLTerm, log_weights


def test_the_objective_is_the_bound_and_the_elbo_is_reported(rng):
    model = IWAE(20, 3, [11], rng, samples=7)
    x = rng.random((13, 20)).astype(np.float32)
    objective, parts = model.loss(x, np.random.default_rng(0))
    log_w = log_weights(x, model.encode(x), model.decode, np.random.default_rng(0), 7).data.astype(np.float64)
    assert float(objective) == pytest.approx(-np.log(np.exp(log_w).mean(axis=0)).mean(), rel=1e-5)
    assert parts["loss"] == pytest.approx(-log_w.mean(), rel=1e-5)
    assert parts["objective"] == float(objective) < parts["loss"]
    assert parts["rec"] + parts["kl"] == pytest.approx(parts["loss"])


def test_with_one_sample_it_is_the_elbo(rng):
    """With the same weights and noise, ln w estimates the ELBO, with the KL by Monte Carlo."""
    x = rng.random((5000, 20)).astype(np.float32)
    state = VAE(20, 3, [11], rng).state_dict()
    losses = []
    for cls in (VAE, IWAE):
        model = cls(20, 3, [11], rng)
        model.load_state_dict(state)
        losses.append(model.loss(x, np.random.default_rng(0))[1]["loss"])
    assert losses[0] == pytest.approx(losses[1], abs=0.1)


@pytest.mark.parametrize("option", [{"kl_term": KLTerm(4.0)}, {"estimator": "naive"}])
def test_what_has_no_part_in_its_bound_is_refused(rng, option):
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        IWAE(20, 3, [11], rng, **option)
