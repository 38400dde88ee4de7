"""Proves that a warning names the true cause: each is tried where its cause is at work, and where another one is.

These tests would catch a limit for each dimension instead of their sum, advice about the KL where the scale of the data
is wrong, and a warning about what was chosen on purpose. Whoever follows the advice gets rid of the warning.
"""

import numpy as np
import pytest

from npvae.datasets import Pixels, load_bars
from npvae.errors import UserError
from npvae.models import IWAE, VAE, Autoencoder, ConditionalVAE, ConvolutionalVAE, VariationalEM
from npvae.nn import optim
from npvae.probability import LIKELIHOODS, DiagonalGaussian, KLTerm
from npvae.training.evaluation import evaluate
from npvae.training.loop import Training
from npvae.training.warnings import cure_for_infinity, warnings_about, worth_of_a_code

BARS = load_bars().x_train
NOISE = (np.random.default_rng(0).random((2000, 64)) < 0.3).astype(np.float32)


class Stub:
    """A model with given posteriors."""

    def __init__(self, mu, sigma, likelihood="bernoulli", **term):
        mu = np.broadcast_to(np.asarray(mu, dtype=float), (500, 3))
        self.q = DiagonalGaussian(mu, np.full(mu.shape, 2 * np.log(sigma)))
        self.likelihood, self.kl_term = LIKELIHOODS[likelihood](), KLTerm(**term)
        self.latent_dim, self.rescales, self.data_range = 3, False, self.likelihood.data_range

    def posteriors(self, x):
        return self.q

    def generate(self, z):
        return np.zeros((len(z), 64))


def about(model, x=BARS[:500], step=10_000):
    return warnings_about(model, np.asarray(x, dtype=np.float32), step)


def trained(x, steps, likelihood="bernoulli", make=VAE, batch=100, lr=1e-3, **term):
    rng, options = np.random.default_rng(0), {"kl_term": KLTerm(**term)} if make is VAE else {}
    x = np.asarray(x, dtype=np.float32)
    model = make(64, 4, [32], rng, likelihood=likelihood, **options)
    run = Training(model, optim.Adam(model.parameters(), lr), x, batch, rng)
    while run.step < steps:
        run.take_step()
    return about(model, x[:500], run.step)


def test_a_model_without_posteriors_gets_no_warning(rng):
    assert about(Autoencoder(20, 3, [11], rng), rng.random((13, 20))) == {}


def test_good_posteriors_get_no_warning(rng):
    normal = rng.standard_normal
    assert about(Stub(0.9 * normal((500, 3)), np.sqrt(0.19))) == {}              # E[μ² + σ²] = 1
    assert about(Stub(0.9 * normal((500, 3)) * [1, 0, 0], 1)) == {}
    assert about(Stub(0.3 * normal((500, 3)), 1)) == {}                          # 0.05 nats in each dimension


def test_a_model_trained_as_usual_gets_no_warning():
    assert trained(BARS, 800) == trained(BARS, 800, "gaussian") == trained(BARS, 800, make=IWAE) == {}


# --- z says nothing ---------------------------------------------------------------------------------------------------


def test_the_weight_of_the_kl_is_the_cause_and_the_advice_helps():
    found = trained(BARS, 1000, beta=8.0)
    assert list(found) == ["collapsed"] and "take a beta well below 3.4 instead of 8" in found["collapsed"]
    assert trained(BARS, 1500, beta=3.0) == {}


@pytest.mark.parametrize("x", [BARS / 255, BARS * 0.1 + 0.45], ids=["divided twice", "low contrast"])
@pytest.mark.parametrize("likelihood", ["bernoulli", "squared-error", "gaussian"])
def test_the_scale_is_the_cause_and_the_advice_helps(x, likelihood):
    found = trained(x, 500, likelihood, lr=1e-2)
    assert list(found) == ["nothing to say"] and "varies less than the noise that this likelihood expects" in str(found)
    assert "0.00392" in str(found) or "from 0.45 to 0.55" in str(found)
    if likelihood == "bernoulli":
        assert "rescale it so that it fills [0, 1]" in str(found)
        assert trained((x - x.min()) / (x.max() - x.min()), 500, lr=3e-3) == {}
    else:
        assert "rescale it so that its standard deviation is 1" in str(found)
        assert trained((x - x.mean()) / x.std(), 500, likelihood, lr=3e-3) == {}


@pytest.mark.parametrize(
    "x, likelihood, words",
    [
        (NOISE, "bernoulli", "vary independently"),
        (np.random.default_rng(1).random((2000, 64)), "bernoulli", "vary independently"),
        (np.random.default_rng(1).random((2000, 64)), "continuous-bernoulli", "vary independently"),
        (np.random.default_rng(1).standard_normal((2000, 64)), "gaussian", "vary independently"),
        (np.random.default_rng(1).standard_normal((2000, 64)) / 9, "squared-error", "vary independently"),
        (np.full((2000, 64), 0.5), "bernoulli", "all examples are the same"),
        (np.zeros((2000, 64)), "gaussian", "all examples are the same"),
    ],
)
def test_the_data_is_the_cause(x, likelihood, words):
    found = about(Stub(0, 1, likelihood), x[:500])
    assert list(found) == ["nothing to say"] and words in found["nothing to say"]


def test_a_trained_model_of_noise_is_right_to_ignore_z():
    assert "and rightly: the numbers of an example vary independently" in str(trained(NOISE, 700))
    assert "and rightly: the numbers of an example vary independently" in str(trained(NOISE, 700, make=IWAE))


def test_what_the_labels_say_need_not_be_said_again(rng):
    """Examples that are the same for each label, but for noise: given the label, there is nothing to say."""
    y = np.arange(500) % 2
    x = np.where(y[:, None] == 0, NOISE[:500], 1 - NOISE[:500])
    assert "collapsed" in about(Stub(0, 1), x)
    model = ConditionalVAE(64, 3, [32], [0, 1], rng, kl_term=KLTerm(beta=20.0))
    run = Training(model, optim.Adam(model.parameters(), 1e-2), x, 100, rng, y=y)
    while run.step < 600:
        run.take_step()
    assert "vary independently of one another" in str(about(model.given(y), x))


def test_a_model_that_rescales_the_pixels(rng):
    model = ConvolutionalVAE((8, 8, 1), 3, [4], rng, likelihood="squared-error")
    model.posteriors = Stub(0, 1).posteriors
    assert list(about(model)) == ["collapsed"]                                   # in [-1, 1], the variance is fourfold
    assert "rescale it so that it fills [0, 1]" in about(model, BARS[:500] / 10)["nothing to say"]


def test_the_worth_of_a_code_is_the_main_variance_in_units_of_the_noise(rng):
    x = rng.standard_normal((4000, 7)) * [3, 1, 1, 1, 1, 1, 1]
    assert worth("squared-error", x)[0] == pytest.approx(9 / 0.5, rel=0.1)
    assert worth("gaussian", x)[0] == pytest.approx(9 / (15 / 7), rel=0.1)
    assert worth("gaussian", x / 9)[0] == pytest.approx(1 / 9, rel=0.1)
    pixels = np.repeat(rng.integers(0, 2, (500, 1)), 6, axis=1)                  # six that are always equal
    assert worth("bernoulli", pixels)[0] == pytest.approx(6, rel=0.02)
    assert worth("bernoulli", pixels)[1] == pytest.approx(1, rel=0.02)
    uniform = np.repeat(rng.random((500, 1)), 6, axis=1)                         # the noise has the variance 1/12
    assert worth("continuous-bernoulli", uniform)[0] == pytest.approx(6, rel=0.2)


def worth(likelihood, x):
    return worth_of_a_code(LIKELIHOODS[likelihood](), x, x.mean(axis=0))


def test_few_steps_are_the_cause():
    assert list(about(Stub(0.05, 1), step=10)) == ["untrained"]
    assert list(about(Stub(20, 1), step=10)) == ["untrained"]
    assert trained(BARS, 10) == {}


def test_without_another_cause_the_posterior_has_collapsed(rng):
    found = about(Stub(0.05 * rng.standard_normal((500, 3)), 1))
    assert list(found) == ["collapsed"] and "(KL 0.004 nats)" in found["collapsed"]
    assert "give the KL a warm-up or free bits" in about(VAE_with(Stub(0, 1)))["collapsed"]
    assert "smaller beta than 2" in about(VAE_with(Stub(0, 1), kl_term=KLTerm(beta=2.0)))["collapsed"]


def VAE_with(stub, make=VAE, **options):
    """Return a model of 64 pixels with the posteriors of the stub."""
    model = make(data_dim=64, latent_dim=3, hidden=[5], rng=np.random.default_rng(0), **options)
    model.posteriors = stub.posteriors
    return model


@pytest.mark.parametrize("make, options", [(IWAE, {}), (VariationalEM, {"N": 500})])
def test_advice_is_about_settings_that_the_model_has(make, options):
    sentence = about(VAE_with(Stub(0, 1), make, **options))["collapsed"]
    assert "train longer, or with another seed" in sentence and "warm-up" not in sentence and "beta" not in sentence


def test_what_was_chosen_on_purpose_gets_no_warning():
    assert about(Stub(0, 1, capacity=0.0)) == {}
    assert about(Stub(0, 1, capacity=20.0, warm_up=10_000), step=50) == {}       # the capacity is still rising
    found = about(Stub(0, 1, beta=50.0, capacity=20.0, warm_up=10_000), step=9000)
    assert "raise beta, which moves the KL to the capacity" in found["collapsed"]
    assert about(Stub(20, 1, warm_up=10_000), step=500) == {}                    # and so is the weight


def test_a_few_examples_show_no_cause():
    assert about(Stub(0, 1), BARS[:12]) == about(Stub(20, 1), BARS[:12]) == {}
    assert trained(BARS[:12], 1000, batch=12) == {}


# --- the codes leave the prior ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "term, words",
    [
        ({"beta": 0.01}, "too weak: raise beta, which is 0.01"), ({"beta": 0.0}, "raise beta, which is 0"),
        ({"free_bits": 10.0}, "10 nats in each dimension cost nothing: take fewer free bits"),
        ({"beta": 10.0, "capacity": 200.0}, "the KL is held at 200 nats: lower the capacity"),
    ],
)  # fmt: skip
def test_the_kl_term_is_the_cause(term, words):
    found = trained(BARS, 1000, **term)
    assert list(found) == ["no prior"] and words in found["no prior"]


def test_the_scale_of_the_data_is_the_cause():
    found = trained(BARS * 20, 1000, "gaussian")
    assert list(found) == ["no prior"]
    assert "the KL has its full weight, so rescale the data, which runs from 0 to 20" in found["no prior"]


def test_a_few_outliers_are_the_cause(rng):
    mu = 0.5 * rng.standard_normal((500, 3))
    mu[7], mu[8] = 90, 30
    found = about(Stub(mu, 0.4))
    assert list(found) == ["outliers"] and "the codes of 2 of 500 examples" in str(found) and "number 7" in str(found)


# --- NaN and infinity -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, lr, words",
    [
        (lambda x: x * 1e6, 1e-3, "rescale the data, which runs from"),
        (lambda x: x * 500, 1e-3, "rescale the data, which runs from"),
        (lambda x: x, 1e9, "start a new run with a smaller learning rate"),
        (lambda x: x, 100.0, "start a new run with a smaller learning rate"),
        (lambda x: with_number(x, 1e25), 1e-3, "correct or remove the example that holds 1e+25, where the largest of"),
        (lambda x: with_number(x, -1e8), 1e-3, "correct or remove the example that holds 1e+08, where the largest of"),
    ],
    ids=["scale", "smaller scale", "rate", "smaller rate", "outlier", "smaller outlier"],
)
def test_an_explosion_has_its_own_cure(change, lr, words):
    rng = np.random.default_rng(0)
    x = change(rng.standard_normal((500, 20)).astype(np.float32))
    model = VAE(20, 4, [32], rng, likelihood="gaussian")
    with pytest.raises(UserError) as raised:
        Training(model, optim.Adam(model.parameters(), lr), x, 50, rng).run(500)
    assert words in str(raised.value)


def test_a_test_set_with_an_outlier_has_the_same_cure():
    x = np.random.default_rng(0).standard_normal((500, 20)).astype(np.float32)
    model = VAE(20, 4, [32], 0, likelihood="gaussian")
    with pytest.raises(UserError, match=r"of the test set is (inf|nan): .*; correct or remove the example that holds"):
        evaluate(model, with_number(x, 1e25), np.random.default_rng(0))


def with_number(x, number):
    x[7, 3] = number
    return x


def test_pixels_that_explode_need_a_smaller_learning_rate():
    pixels = Pixels(np.full((2500, 4), 255, dtype=np.uint8))
    assert cure_for_infinity(pixels, 30) == "start a new run with a smaller learning rate"


def test_posteriors_that_are_infinite_are_left_to_the_loop():
    assert about(Stub(1e200, 1)) == {}
