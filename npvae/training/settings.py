"""The settings of a run: each setting once, the settings that each model takes, and how they make a model.

The options of `npvae train` come from the same two tables, SETTINGS and MODELS. A model refuses a setting that it does
not take: `--beta 4` for an autoencoder must not look as if it worked.
"""

import argparse
import dataclasses
import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

from .. import datasets, models
from ..datasets import BINARIZATIONS
from ..errors import UserError, choose
from ..nn.init import INITIALIZERS
from ..nn.layers import ACTIVATIONS
from ..nn.optim import OPTIMIZERS
from ..nn.schedules import SCHEDULES
from ..probability import ESTIMATORS, LIKELIHOODS, KLTerm

LARGEST = 1e9  # a larger number is probably a typing error


# --- readers: from the text of an option to a value -------------------------------------------------------------------


def number(kind, name, zero=False):
    """Return a reader of numbers of this kind, int or float, above zero; with `zero`, from zero on."""
    limits = "from 0 on" if zero else "above zero"

    def read(text):
        try:
            value = kind(text)
        except ValueError:
            value = -1
        if not 0 <= value <= LARGEST or (value == 0 and not zero):
            raise argparse.ArgumentTypeError(f"found {text!r}, expected {name} {limits} and up to {LARGEST:g}")
        return value

    return read


def seed(text):
    """Read a seed for numpy.random.default_rng."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 0 on")
    return int(text)


count = number(int, "a whole number")
count_or_0 = number(int, "a whole number", zero=True)
real = number(float, "a number")
real_or_0 = number(float, "a number", zero=True)


# --- the settings -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Setting:
    """One setting.

    default   its value if neither you nor the model says otherwise
    read      reads its text, or raises ArgumentTypeError
    metavar   how the help calls its value
    help      what it is
    is_list   whether it takes several values
    """

    default: Any
    read: Callable
    metavar: str
    help: str
    is_list: bool = False


SETTINGS = {
    "data": Setting("mnist", str, "DATA", f"{', '.join(datasets.LOADERS)}, or PATH.npz"),
    "seed": Setting(0, seed, "SEED", "the seed of everything random"),
    "latent_dim": Setting(10, count, "D", "the dimension of z"),
    "batch_size": Setting(100, count, "M", "examples in a minibatch"),
    "lr": Setting(1e-3, real, "LR", "the learning rate"),
    "optimizer": Setting("adam", str, "NAME", ", ".join(OPTIMIZERS)),
    "schedule": Setting("constant", str, "NAME", f"how the learning rate changes: {', '.join(SCHEDULES)}"),
    "validation": Setting(0, count, "N", "hold out N training examples for validation"),
    "patience": Setting(None, count, "P", "stop after P validations (one every 500 steps) without a new best"),
    "hidden": Setting(
        [512, 384, 256], count, "WIDTH", "the encoder's hidden layers; the decoder mirrors them", is_list=True
    ),
    "channels": Setting(
        None, count, "C", "the channels of each convolution; by default, they halve the image as often as possible",
        is_list=True,
    ),
    "activation": Setting("relu", str, "NAME", f"after each hidden layer: {', '.join(ACTIVATIONS)}"),
    "init": Setting("xavier_uniform", str, "NAME", f"how to draw the initial weights: {', '.join(INITIALIZERS)}"),
    "likelihood": Setting("bernoulli", str, "NAME", f"p(x | z): {', '.join(LIKELIHOODS)}"),
    "binarization": Setting("none", str, "NAME", f"makes grey pixels black or white: {', '.join(BINARIZATIONS)}"),
    "samples": Setting(1, count, "L", "samples of z for each example in training: L of a VAE, K of an IWAE"),
    "estimator": Setting("analytic-kl", str, "NAME", f"the estimator of the gradient: {', '.join(ESTIMATORS)}"),
    "beta": Setting(1.0, real_or_0, "B", "the weight of the KL"),
    "warm_up": Setting(0, count_or_0, "STEPS", "steps during which the weight of the KL rises from 0"),
    "free_bits": Setting(0.0, real_or_0, "NATS", "how much KL costs nothing in each latent dimension"),
    "capacity": Setting(None, real_or_0, "NATS", "hold the KL at this value instead of minimising it"),
    "noise": Setting("gaussian", str, "NAME", f"how a denoising autoencoder corrupts x: {', '.join(models.NOISES)}"),
    "noise_level": Setting(0.5, real, "S", "the standard deviation of the noise, or the probability of a masked pixel"),
    "e_steps": Setting(10, count, "STEPS", "gradient steps in each E-step"),
    "e_lr": Setting(0.3, real, "LR", "the learning rate of the E-step"),
}
DATA = ("data", "seed", "latent_dim")
TRAINING = (*DATA, "batch_size", "lr", "optimizer", "schedule", "validation", "patience")
DENSE = (*TRAINING, "hidden", "activation", "init")
CONVOLUTIONS = (*TRAINING, "channels", "init")
BOUND = ("likelihood", "binarization", "samples")
KL_TERM = ("estimator", "beta", "warm_up", "free_bits", "capacity")


# --- the models -------------------------------------------------------------------------------------------------------


class Kind:
    """A kind of model.

    idea       what it is, in a few words
    make       the class of the model; its constructor takes settings by name
    steps      the number of training steps by default; 0 for a closed form
    takes      the names of the settings that it takes
    defaults   the defaults that differ from those in SETTINGS; as an attribute, the defaults of all that it takes
    """

    def __init__(self, idea, make, steps, takes, **defaults):
        self.idea, self.make, self.steps = idea, make, steps
        self.defaults = {name: SETTINGS[name].default for name in takes} | defaults


linear_autoencoder = functools.partial(models.Autoencoder, hidden=[])
MODELS = {
    "pca": Kind("principal component analysis", models.PCA, 0, DATA),
    "linear-ae": Kind(
        "the linear autoencoder", linear_autoencoder, 10_000, (*TRAINING, "init"), schedule="polynomial"
    ),
    "ae": Kind("an autoencoder", models.Autoencoder, 10_000, DENSE),
    "conv-ae": Kind("a convolutional autoencoder", models.ConvolutionalAutoencoder, 3000, CONVOLUTIONS),
    "dae": Kind("a denoising autoencoder", models.Autoencoder, 10_000, (*DENSE, "noise", "noise_level")),
    "vae": Kind("a variational autoencoder", models.VAE, 10_000, (*DENSE, *BOUND, *KL_TERM)),
    "iwae": Kind("an importance-weighted autoencoder", models.IWAE, 10_000, (*DENSE, *BOUND), samples=5),
    "vem": Kind(
        "variational EM, without an encoder", models.VariationalEM, 5000, (*DENSE, *BOUND, "e_steps", "e_lr"),
        schedule="polynomial",
    ),
    "conv-vae": Kind(
        "a convolutional VAE", models.ConvolutionalVAE, 3000, (*CONVOLUTIONS, *BOUND, *KL_TERM),
        likelihood="squared-error",
    ),
}  # fmt: skip


def complete(settings):
    """Return the settings of a run, with the defaults of those that are left out.

    Raises UserError for an unknown model, a setting that it does not take, and settings that exclude each other.
    """
    model = settings.get("model", "vae")
    kind = choose("model", model, MODELS)
    for name in settings.keys() - kind.defaults.keys() - {"model"}:
        takers = [other for other, each in MODELS.items() if name in each.defaults]
        raise UserError(
            f"the model {model} has no {name.replace('_', '-')}: leave it out, or choose one of {', '.join(takers)}"
        )
    settings = {"model": model} | kind.defaults | settings
    if settings.get("patience") and not settings["validation"]:
        raise UserError("an early stop (patience) needs a validation set: hold out some examples (validation)")
    binarization, likelihood = settings.get("binarization", "none"), settings.get("likelihood", "bernoulli")
    choose("binarization", binarization, dict.fromkeys(BINARIZATIONS))
    if binarization != "none" and likelihood != "bernoulli":
        raise UserError(
            f"a {likelihood} likelihood is for grey values: leave out the {binarization} binarization, "
            "or choose the bernoulli likelihood"
        )
    if model == "vem" and binarization == "dynamic":
        raise UserError("vem keeps a q for every image, and dynamic binarization redraws the image: choose static")
    return settings


CHANNELS = [32, 64, 128, 256, 512]  # by default; an image that can be halved twice takes the first two


def with_channels(settings, dataset):
    """Return the settings with the channels of a convolutional model, by default one for each possible halving.

    Raises UserError for data that has no image shape.
    """
    if "channels" not in settings:
        return settings
    if dataset.image_shape is None:
        raise UserError(
            f"{settings['model']} needs images, and {dataset.name} holds vectors of {dataset.x_train.shape[1]} "
            "numbers: save x as (N, H, W) or (N, H, W, C), or choose a model of dense layers"
        )
    side, halvings = math.gcd(*dataset.image_shape[:2]), 1
    while side % 2 ** (halvings + 1) == 0:
        halvings += 1
    return settings | {"channels": settings["channels"] or CHANNELS[:halvings]}


def build(settings, dataset, N, rng):
    """Return the model that complete settings describe, for a `Dataset` with N examples in the training set.

    Raises UserError for unknown names, and for whatever the model refuses.
    """
    given = settings | {
        "data_dim": dataset.x_train.shape[1], "image_shape": dataset.image_shape, "N": N, "rng": rng,
    }  # fmt: skip
    for name, kind, table in (("init", "initialisation", INITIALIZERS), ("activation", "activation", ACTIVATIONS)):
        if name in settings:
            given[name] = choose(kind, settings[name], table)
    if "beta" in settings:
        given["kl_term"] = KLTerm(*(settings[name] for name in ("beta", "warm_up", "free_bits", "capacity")))
    make = MODELS[settings["model"]].make
    return make(**{name: given[name] for name in inspect.signature(make).parameters if name in given})
