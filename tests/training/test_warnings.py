"""Proves that warnings name a collapsed posterior and codes that have left the prior, and that a good model gets none.

These tests would catch a limit for each dimension instead of their sum, and a warning about a model without posteriors.
"""

import numpy as np

from npvae.models import Autoencoder
from npvae.probability import DiagonalGaussian
from npvae.training.warnings import warnings_about, warnings_about_posteriors


def test_a_model_without_posteriors_gets_no_warning(rng):
    assert warnings_about(Autoencoder(20, 3, [11], rng), rng.random((13, 20)).astype(np.float32)) == {}


def test_the_posteriors_of_a_good_a_collapsed_and_a_free_model(rng):
    n = 500
    normal = rng.standard_normal
    good = DiagonalGaussian(0.9 * normal((n, 3)), np.full((n, 3), np.log(0.19)))      # E[μ² + σ²] = 1
    half_used = DiagonalGaussian(normal((n, 2)) * [0.9, 0], np.full((n, 2), np.log([0.19, 1])))
    assert warnings_about_posteriors(good) == warnings_about_posteriors(half_used) == {}
    weak = DiagonalGaussian(0.2 * normal((n, 10)), np.zeros((n, 10)))    # 0.02 nats in each dimension are 0.2 in all
    assert warnings_about_posteriors(weak) == {}
    collapsed = warnings_about_posteriors(DiagonalGaussian(0.05 * normal((n, 3)), np.zeros((n, 3))))
    assert list(collapsed) == ["collapsed"] and "KL 0.004 nats" in collapsed["collapsed"]
    free = warnings_about_posteriors(DiagonalGaussian(20 * normal((n, 3)), np.full((n, 3), -8.0)))
    assert list(free) == ["no prior"] and "width of 0.018" in free["no prior"]
