"""The settings of a run: every setting once, every model with those that it takes, and how a model is made from them.

`npvae train` reads the same two tables. A setting that a model does not take is refused, not ignored: `--beta 4` for an
autoencoder must not look as if it worked.
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

LARGEST = 1e9


# --- how the text of a setting is read --------------------------------------------------------------------------------


def number(kind, name, zero=False):
    """Return a reader of a number of this kind above zero, or, with `zero`, from zero on."""
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


whole = number(int, "a whole number")
real = number(float, "a number")
weight = number(float, "a number", zero=True)
index = number(int, "a whole number", zero=True)


# --- the settings -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Setting:
    """One setting: its default, how its text is read, what its value is called, and what it is.

    is_list   whether it takes several values
    """

    default: Any
    read: Callable
    metavar: str
    help: str
    is_list: bool = False


SETTINGS = {
    "data": Setting("mnist", str, "DATA", f"{', '.join(datasets.LOADERS)}, or PATH.npz"),
    "seed": Setting(0, seed, "SEED", "of everything that is random"),
    "latent_dim": Setting(10, whole, "D", "the dimension of z"),
    "batch_size": Setting(100, whole, "M", "examples in a minibatch"),
    "lr": Setting(1e-3, real, "LR", "the learning rate"),
    "optimizer": Setting("adam", str, "NAME", ", ".join(OPTIMIZERS)),
    "schedule": Setting("constant", str, "NAME", f"of the learning rate: {', '.join(SCHEDULES)}"),
    "validation": Setting(0, whole, "N", "hold out N training examples for validation"),
    "patience": Setting(None, whole, "P", "stop after P validations (one every 500 steps) without a new best"),
    "hidden": Setting(
        [512, 384, 256], whole, "WIDTH", "the encoder's hidden layers; the decoder mirrors them", is_list=True
    ),
    "channels": Setting(
        None, whole, "C", "of the convolutions, each of which halves the image; as many as it can be halved",
        is_list=True,
    ),
    "activation": Setting("relu", str, "NAME", f"of the hidden layers: {', '.join(ACTIVATIONS)}"),
    "init": Setting("xavier_uniform", str, "NAME", f"of the weights: {', '.join(INITIALIZERS)}"),
    "likelihood": Setting("bernoulli", str, "NAME", ", ".join(LIKELIHOODS)),
    "binarization": Setting("none", str, "NAME", f"of grey pixels: {', '.join(BINARIZATIONS)}"),
    "samples": Setting(1, whole, "L", "of z for each example in training: L of a VAE, K of an IWAE"),
    "estimator": Setting("analytic-kl", str, "NAME", f"of the gradient: {', '.join(ESTIMATORS)}"),
    "beta": Setting(1.0, weight, "B", "the weight of the KL"),
    "warm_up": Setting(0, index, "STEPS", "during which the weight of the KL rises from 0"),
    "free_bits": Setting(0.0, weight, "NATS", "of KL in each latent dimension that cost nothing"),
    "capacity": Setting(None, weight, "NATS", "of KL to be held, instead of as little as possible"),
    "noise": Setting("gaussian", str, "NAME", f"that a denoising autoencoder sees: {', '.join(models.NOISES)}"),
    "noise_level": Setting(0.5, real, "S", "its standard deviation, or the probability of a masked pixel"),
    "e_steps": Setting(10, whole, "STEPS", "of gradient in each E-step"),
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
    make       the model, a class: its constructor takes settings by their names
    steps      of training by default; 0 where there is a closed form
    takes      the names of its settings
    defaults   those that differ from the settings' own

    The attribute `defaults` has the default of each setting that the model takes.
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
    """Return the settings of a run with their defaults, where they are left out.

    Raises UserError for an unknown model, a setting that it does not take, and settings that exclude one another.
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
            f"a {likelihood} likelihood is for grey values: leave out the {binarization} binarization, or "
            "choose the bernoulli likelihood"
        )
    if model == "vem" and binarization == "dynamic":
        raise UserError("vem keeps a q for every image, and dynamic binarization redraws the image: choose static")
    return settings


CHANNELS = [32, 64, 128, 256, 512]  # by default, as many of them as the image can be halved


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
    """Make the model of complete settings, for the data set, of which it will see N examples in training.

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
