"""Proves that every model takes what it can convert without doubt, and says what is wrong with everything else.

These tests would catch bytes that reach a network undivided, an image whose rows are mixed up, pixels that are rescaled
twice or not at all, and a seed that stands for different noise than its generator. tests/models/test_base.py has what
else holds for every model.
"""

import re

import numpy as np
import pytest

from npvae import datasets, probability
from npvae.autodiff import Tensor
from npvae.errors import UserError
from npvae.models import (
    IWAE,
    PCA,
    VAE,
    Autoencoder,
    ConvolutionalAutoencoder,
    ConvolutionalVAE,
    ProbabilisticPCA,
    VariationalEM,
)
from npvae.training import settings

BARS = datasets.load_bars(N=200)


def model_of(kind, **chosen):
    """Return a small model by its name on the command line, for the bars of 8 × 8 pixels."""
    small = {"hidden": [11], "channels": [3]}
    small = {name: value for name, value in small.items() if name in settings.MODELS[kind].defaults}
    complete = settings.complete({"model": kind, "latent_dim": 3} | small | chosen)
    model = settings.build(settings.with_channels(complete, BARS), BARS, 200, np.random.default_rng(0))
    return model.given(2)                                   # a conditional model, with one label for all examples


# --- the examples -----------------------------------------------------------------------------------------------------

PIXELS = [kind for kind in settings.MODELS if model_of(kind).data_range]            # models of pixels in [0, 1]
NUMBERS = [kind for kind in settings.MODELS if not model_of(kind).data_range]       # models of any numbers
WAYS = {  # in: what a model takes; the same 5 examples in another form
    "float64": lambda x: x.astype(np.float64),
    "int64": lambda x: x.astype(np.int64),
    "bool": lambda x: x > 0.5,
    "list": lambda x: x.tolist(),
    "Tensor": Tensor,
    "images": lambda x: x.reshape(5, 8, 8),
    "images with a channel": lambda x: x.reshape(5, 8, 8, 1),
    "transposed memory": lambda x: np.asfortranarray(x),
    "read-only": lambda x: np.broadcast_to(x, x.shape),
}
X = BARS.x_test[:5]


def told(model, x, method):
    """Return what a model tells about x, from the same seed: an array."""
    return {
        "loss": lambda: np.array(float(model.loss(x, np.random.default_rng(0))[0])),
        "codes": lambda: model.codes(x),
        "reconstruct": lambda: model.reconstruct(x),
        "posteriors": lambda: model.posteriors(x).mean,
        "importance_sampling": lambda: model.importance_sampling(x, np.random.default_rng(0), 3).log_likelihood,
        "refine": lambda: model.refine(x, model.posteriors(X), np.random.default_rng(0), 3).mean,
    }[method]()


def methods_of(model):
    return ["loss", "codes", "reconstruct"] + ["posteriors", "importance_sampling", "refine"] * model.has_bound


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [kind for kind in settings.MODELS if kind != "vem"])   # vem is slow, and a VAE
def test_the_same_examples_in_another_form_give_the_same_answer(kind, way):
    model = model_of(kind)
    for method in methods_of(model):
        assert np.allclose(told(model, WAYS[way](X), method), told(model, X, method), atol=1e-6), method


@pytest.mark.parametrize("kind", settings.MODELS)
def test_one_row_is_one_example(kind):
    model = model_of(kind)
    assert np.allclose(model.codes(X[0]), model.codes(X[:1])) and model.codes(X[0]).shape == (1, 3)


@pytest.mark.parametrize("kind", PIXELS)
def test_bytes_are_pixels_where_pixels_lie_in_0_to_1(kind):
    model, values = model_of(kind), np.random.default_rng(0).integers(256, size=(5, 64)).astype(np.uint8)
    assert np.array_equal(model.codes(values), model.codes(values / np.float32(255)))
    assert np.array_equal(model.codes(values.reshape(5, 8, 8)), model.codes(values))
    assert np.array_equal(model.codes(datasets.Pixels(values)), model.codes(values))
    with pytest.raises(UserError, match="bytes up to 1: divide"):       # zeros and ones, or nearly black?
        model.codes(X.astype(np.uint8))
    assert np.array_equal(model.codes(np.zeros((2, 64), np.uint8)), model.codes(np.zeros((2, 64))))


@pytest.mark.parametrize("kind", NUMBERS)
def test_bytes_are_refused_where_any_number_would_do(kind):
    with pytest.raises(UserError, match=r"x holds bytes, and this model takes any numbers: .* x / 255"):
        model_of(kind).codes(X.astype(np.uint8))


def nan(x):
    x = x.copy()
    x[2, 3] = np.nan
    return x


WRONG = {
    "NaN": (nan, "x holds NaN or infinity"),
    "no examples": (lambda x: x[:0], r"x has shape \(0, 64\), so it holds no examples"),
    "nothing": (lambda x: [], r"x has shape \(0,\), so it holds no examples"),
    "narrow": (lambda x: x[:, :63], r"x has shape \(5, 63\), expected rows \(N, 64\), or images"),
    "other rows": (lambda x: x[:4].reshape(2, 128), r"x has shape \(2, 128\)"),
    "half rows": (lambda x: x[:1].reshape(2, 32), r"x has shape \(2, 32\)"),
    "a column": (lambda x: x[0][:, None], r"x has shape \(64, 1\)"),
    "channels first": (lambda x: x.reshape(5, 1, 8, 8), r"x has shape \(5, 1, 8, 8\)"),
    "too many axes": (lambda x: x.reshape(5, 2, 4, 2, 4), r"x has shape \(5, 2, 4, 2, 4\)"),
    "a number": (lambda x: 0.5, r"x has shape \(\)"),
    "objects": (lambda x: x.astype(object), "x holds object, expected real numbers"),
    "complex": (lambda x: x.astype(complex), "x holds complex128, expected real numbers"),
    "text": (lambda x: "mnist", "x is a str, expected real numbers"),
    "a data set": (lambda x: BARS, "x is a Dataset, expected real numbers"),
    "nothing at all": (lambda x: None, "x is a NoneType, expected real numbers"),
    "masked": (lambda x: np.ma.masked_array(x, x > 0), r"x is a masked array: pass x.filled\(0\)"),
    "ragged": (lambda x: [[0.0] * 64, [1.0]], "x is a list of rows of different lengths"),
    "recorded": (lambda x: Tensor(x, requires_grad=True) * 1.0, "x is a Tensor on a tape, .* pass x.data"),
    "a leaf": (lambda x: Tensor(x, requires_grad=True), "x is a Tensor on a tape, .* pass x.data"),
}


@pytest.mark.parametrize("kind", [kind for kind in settings.MODELS if kind != "vem"])
@pytest.mark.parametrize("name", WRONG)
def test_what_no_model_can_take_is_one_sentence(kind, name):
    make, message = WRONG[name]
    model = model_of(kind)
    for method in methods_of(model):
        with pytest.raises(UserError, match=message) as caught:
            told(model, make(X), method)
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("kind", PIXELS)
@pytest.mark.parametrize("change", [lambda x: 255 * x, lambda x: 2 * x - 1, lambda x: 255 * x.astype(np.int64)])
def test_pixels_outside_of_0_to_1_are_refused(kind, change):
    model = model_of(kind)
    for method in methods_of(model):
        if (kind, method) == ("vem", "posteriors"):         # they are those of the training set, whatever x is
            continue
        with pytest.raises(UserError, match=r"x runs from .* to .*, but this model expects values in \[0, 1\]: resca"):
            told(model, change(X), method)


def test_a_number_that_is_barely_outside_is_shown_with_all_its_digits():
    with pytest.raises(UserError, match=r"x runs from 0.0 to 1.000001, but this model expects values in \[0, 1\]"):
        model_of("vae").codes(X * np.float32(1.000001))


@pytest.mark.parametrize("kind", NUMBERS)
def test_other_models_take_any_finite_number(kind):
    model = model_of(kind)
    assert np.isfinite(model.codes(1000 * X - 500)).all()
    for wrong in (X + np.inf, X.astype(np.float64) + 1e300):            # 1e300 is infinite in float32
        with pytest.raises(UserError, match="x holds NaN or infinity"):
            model.codes(wrong)


def test_levels_are_levels():
    with pytest.raises(UserError, match="expects the 256 levels"):
        VAE(64, 3, [11], 0, "discretized-logistic").loss(np.full((5, 64), 0.5), 0)


@pytest.mark.parametrize("shape", [(6, 4, 3), (6, 4, 1)])
def test_a_convolution_knows_the_shape_of_its_images(shape):
    model, x = ConvolutionalVAE(shape, 3, [4], 0), np.random.default_rng(0).random((5, *shape))
    codes = model.codes(x.reshape(5, -1))
    assert np.array_equal(model.codes(x), codes)
    assert np.allclose(model.codes(x[0]), codes[:1], atol=1e-6)         # an image of its shape is one example
    H, W, C = shape
    for wrong in ((5, W, H, C), (5, C, H, W), (W, H, C), (5, H, W, 2), (5, W, H)):
        with pytest.raises(UserError, match=rf"expected rows \(N, {H * W * C}\), or images \(N, {H}, {W}, {C}\)"):
            model.codes(np.zeros(wrong))
    if C == 1:
        assert np.array_equal(model.codes(x[..., 0]), codes)


def test_a_model_of_dense_layers_takes_no_image_for_a_row():
    """(28, 28) could be one image, or 28 rows of the wrong length."""
    with pytest.raises(UserError, match=r"x has shape \(8, 8\)"):
        model_of("vae").codes(X[0].reshape(8, 8))
    color = Autoencoder(12, 2, [5], 0)
    assert np.array_equal(color.codes(np.arange(24).reshape(2, 2, 2, 3)), color.codes(np.arange(24).reshape(2, 12)))
    with pytest.raises(UserError, match=r"x has shape \(2, 3, 2, 2\)"):
        color.codes(np.zeros((2, 3, 2, 2)))


def test_codes_are_checked_as_well():
    for kind in settings.MODELS:
        model, z = model_of(kind), np.random.default_rng(0).standard_normal((5, 3))
        whole = model.generate(z)
        assert whole.shape == (5, 64) and whole.dtype == np.float32
        for way in (z.astype(np.float32), z.tolist(), Tensor(z)):
            assert np.array_equal(model.generate(way), whole)
        assert np.allclose(model.generate(z[0]), whole[:1], atol=1e-6)
        for wrong, message in {
            "z has shape (5, 2), expected (N, 3)": z[:, :2], "z has shape (5, 3, 1)": z[..., None],
            "z holds NaN or infinity": z * np.nan, "z has shape (0, 3), so it holds no codes": z[:0],
        }.items():
            with pytest.raises(UserError, match=re.escape(wrong)):
                model.generate(message)


def test_posteriors_and_noise_have_the_shapes_that_they_need():
    """Otherwise both would be broadcast: one posterior for all examples, one number for all dimensions."""
    vae, autoencoder = model_of("vae"), model_of("ae").fit_prior(X)
    for q in (vae.posteriors(X[:1]), vae.posteriors(X[:3])):
        with pytest.raises(UserError, match=r"q has shape \(\d, 3\), expected \(5, 3\): one for each example"):
            vae.refine(X, q, 0, 2)
    with pytest.raises(UserError, match=r"eps has shape \(5, 1\), expected \(n, 3\)"):
        autoencoder.from_noise(np.zeros((5, 1)))


def test_a_model_in_float64_takes_and_gives_float64():
    for kind in settings.MODELS:
        model = model_of(kind).astype(np.float64)
        assert model.codes(X).dtype == model.reconstruct(X).dtype == np.float64


# --- data in [−1, 1] --------------------------------------------------------------------------------------------------


def test_a_convolutional_vae_takes_pixels_and_reports_the_density_of_the_rescaled_ones():
    model, rng = ConvolutionalVAE((8, 8, 1), 3, [4], 0), np.random.default_rng
    assert model.rescales and model.data_range == (0, 1)
    x, inside = X[:, :], 2 * X - 1
    _, parts = model.loss(x, rng(1))
    h = model.encoder(inside)
    q = probability.DiagonalGaussian(model.mu(h), model.logvar(h))
    decode = lambda z: model.likelihood(model.decoder(z))                # the density of 2x − 1  # noqa: E731
    bound = probability.elbo(inside, q, decode, rng(1))
    assert parts["loss"] == pytest.approx(-bound.elbo.data.mean(), rel=1e-6)
    with model.evaluating():
        assert np.allclose(model.codes(x), model.mu(model.encoder(inside)).data)
        assert np.allclose(model.generate(q.mean), (decode(q.mean).mean + 1) / 2, atol=1e-6)
        sampled = probability.importance_sampling(inside, model.posteriors(x), decode, rng(1), 5).log_likelihood
    assert np.allclose(model.importance_sampling(x, rng(1), 5).log_likelihood, sampled, rtol=1e-6)


def test_the_bound_of_its_encoder_and_decoder_is_that_of_the_model():
    """So that whoever writes `elbo(x, model.encode(x), model.decode, rng)` needs no other range."""
    model = ConvolutionalVAE((8, 8, 1), 3, [4], 0)
    bound = probability.elbo(X, model.encode(X), model.decode, np.random.default_rng(1))
    assert model.loss(X, 1)[1]["loss"] == pytest.approx(-bound.elbo.data.mean(), rel=1e-6)


def test_a_convolutional_autoencoder_reports_the_squared_error_of_the_rescaled_pixels():
    model = ConvolutionalAutoencoder((8, 8, 1), 3, [4], 0).eval()
    assert model.rescales and model.data_range == (0, 1)
    error = np.square(2 * model.reconstruct(X) - 1 - (2 * X - 1)).sum(axis=1).mean()
    assert model.loss(X, 0)[1]["loss"] == pytest.approx(error, rel=1e-5)
    assert 0 <= model.reconstruct(X).min() and model.reconstruct(X).max() <= 1


# --- generators, and the order of arguments ---------------------------------------------------------------------------


SEEDED = {
    "vae": lambda rng: VAE(64, 3, [11, 7], rng),
    "iwae": lambda rng: IWAE(64, 3, [11, 7], rng),
    "vem": lambda rng: VariationalEM(200, 64, 3, [11, 7], rng, new_steps=2),
    "ae": lambda rng: Autoencoder(64, 3, [11, 7], rng, noise="gaussian"),
    "conv-ae": lambda rng: ConvolutionalAutoencoder((8, 8, 1), 3, [4, 6], rng),
    "conv-vae": lambda rng: ConvolutionalVAE((8, 8, 1), 3, [4, 6], rng),
    "ppca": lambda rng: ProbabilisticPCA.random(7, 2, rng),
}


@pytest.mark.parametrize("kind", SEEDED)
def test_a_seed_stands_for_its_generator(kind):
    make, rng = SEEDED[kind], np.random.default_rng
    model = make(0)
    if kind == "ppca":
        assert np.array_equal(model.W, make(rng(0)).W)
        assert np.array_equal(model.sample(5, 0), model.sample(5, rng(0)))
        return
    state = make(rng(0)).state_dict()
    assert all(np.array_equal(a, state[name]) for name, a in model.state_dict().items())
    model.fit_prior(X)
    assert np.array_equal(model.sample(5, 0), model.sample(5, rng(0)))
    if kind == "vem":
        rows = np.arange(5)
        assert np.array_equal(model.loss(X, 3, 0, rows)[0].data, make(0).loss(X, rng(3), 0, rows)[0].data)
    else:
        assert np.array_equal(model.loss(X, 3)[0].data, model.loss(X, rng(3))[0].data)
    if model.has_bound:
        q = model.posteriors(X) if kind != "vem" else model.encode(X, 1)
        assert np.array_equal(model.refine(X, q, 3, 2).mean, model.refine(X, q, rng(3), 2).mean)
        sampled = [model.importance_sampling(X, each, 5).log_likelihood for each in (3, rng(3))]
        assert np.array_equal(*sampled)


@pytest.mark.parametrize("kind", SEEDED)
def test_what_is_no_generator_is_one_sentence(kind):
    make = SEEDED[kind]
    for wrong in (None, "seed", 1.5, np.random):
        with pytest.raises(UserError, match=r"^rng is "):
            make(wrong)
    model = make(0)
    with pytest.raises(UserError, match="n is a Generator, expected a whole number from 1 on"):
        model.sample(np.random.default_rng(0), 5)
    with pytest.raises(UserError, match="n is 0, expected a whole number from 1 on"):
        model.sample(0, 5)
    if kind in ("ae", "vae", "iwae", "vem", "conv-vae"):    # the others have no noise
        with pytest.raises(UserError, match=r"^rng is "):
            model.loss(X, None)
    if kind in ("vae", "iwae", "conv-vae"):
        with pytest.raises(UserError, match=r"^samples is a Generator, expected a whole number from 1 on"):
            model.importance_sampling(X, 5, np.random.default_rng(0))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda rng: VAE(rng, 64, [11], 3), "data_dim is a Generator"),
        (lambda rng: VAE(64, 3, rng, [11]), "hidden is a Generator, expected a list"),
        (lambda rng: VAE(64, rng, [11], 3), "latent_dim is a Generator"),
        (lambda rng: VAE(64, [11], 3, rng), r"latent_dim is \[11\]"),
        (lambda rng: VAE([64], 3, [11], rng), r"data_dim is \[64\]"),
        (lambda rng: VAE(64, 3, 11, rng), "hidden is 11, expected a list"),
        (lambda rng: VAE(64, 3, [11, 0], rng), r"hidden is \[11, 0\], expected a list of whole numbers from 1 on"),
        (lambda rng: Autoencoder(64, 3, 11, rng), "hidden is 11, expected a list"),
        (lambda rng: VariationalEM(rng, 64, 3, [11], 5), "N is a Generator"),
        (lambda rng: ConvolutionalVAE((8, 8), 3, [4], rng), r"image_shape is \(8, 8\), expected \(H, W, C\)"),
        (lambda rng: ConvolutionalVAE(64, 3, [4], rng), "image_shape is 64, expected"),
        (lambda rng: ConvolutionalAutoencoder((8, 8, 1), 3, 4, rng), "channels is 4, expected a list"),
        (lambda rng: PCA(64, rng), "latent_dim is a Generator"),
    ],
)
def test_arguments_in_the_wrong_order_are_one_sentence(make, message):
    with pytest.raises(UserError, match=message):
        make(np.random.default_rng(0))
