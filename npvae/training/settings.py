"""The settings of a run: each setting once, the settings that each model takes, and how they make a model.

The options of `npvae train` come from the same two tables, SETTINGS and MODELS. A model refuses a setting that it does
not take: `--beta 4` for an autoencoder must not look as if it worked.
"""

import dataclasses
import functools
import inspect
import itertools
import math
from collections.abc import Callable
from typing import Any

from .. import datasets, models
from ..datasets import BINARIZATIONS
from ..datasets.files import shown
from ..errors import UserError, choose, choose_name
from ..nn.init import INITIALIZERS
from ..nn.layers import ACTIVATIONS
from ..nn.optim import OPTIMIZERS
from ..nn.schedules import SCHEDULES
from ..probability import ESTIMATORS, LIKELIHOODS, KLTerm
from .values import Name, count, count_or_0, real, real_or_0, seed, valid

MOST_LAYERS = 100


# --- the settings -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Setting:
    """One setting.

    default   its value unless you or the model choose another
    read      a Number, a Name, or str: converts the text of an option, or raises ArgumentTypeError
    metavar   what the help calls its value
    help      what it is; the help of the command line adds the names of a Name
    is_list   whether it takes several values
    """

    default: Any
    read: Callable
    metavar: str
    help: str
    is_list: bool = False


SETTINGS = {
    "data": Setting("mnist", str, "DATA", f"{', '.join(datasets.LOADERS)}, or the path of your own data"),
    "seed": Setting(0, seed, "SEED", "the seed of everything random"),
    "latent_dim": Setting(10, count, "D", "the dimension of z"),
    "batch_size": Setting(100, count, "M", "examples in a minibatch"),
    "lr": Setting(1e-3, real, "LR", "the learning rate"),
    "optimizer": Setting("adam", Name("optimiser", OPTIMIZERS), "NAME", "how a gradient becomes a step"),
    "schedule": Setting("constant", Name("schedule", SCHEDULES), "NAME", "how the learning rate changes"),
    "validation": Setting(0, count, "N", "hold out N training examples for validation"),
    "patience": Setting(None, count, "P", "stop after P validations (one every 500 steps) without a new best"),
    "hidden": Setting(
        [512, 384, 256], count, "WIDTH", "the encoder's hidden layers; the decoder mirrors them", is_list=True
    ),
    "channels": Setting(
        None, count, "C", "the channels of each convolution; by default, they halve the image as often as possible",
        is_list=True,
    ),
    "activation": Setting("relu", Name("activation", ACTIVATIONS), "NAME", "after each hidden layer"),
    "init": Setting("xavier_uniform", Name("initialisation", INITIALIZERS), "NAME", "how to draw the initial weights"),
    "likelihood": Setting("bernoulli", Name("likelihood", LIKELIHOODS), "NAME", "p(x | z)"),
    "binarization": Setting("none", Name("binarization", BINARIZATIONS), "NAME", "makes grey pixels black or white"),
    "samples": Setting(1, count, "L", "samples of z for each example in training: L of a VAE, K of an IWAE"),
    "estimator": Setting("analytic-kl", Name("estimator", ESTIMATORS), "NAME", "the estimator of the gradient"),
    "beta": Setting(1.0, real_or_0, "B", "the weight of the KL: D M/N for a published M/N beside a mean over D pixels"),
    "warm_up": Setting(0, count_or_0, "STEPS", "steps during which the weight of the KL rises from 0"),
    "free_bits": Setting(0.0, real_or_0, "NATS", "the KL that costs nothing in each latent dimension"),
    "capacity": Setting(None, real_or_0, "NATS", "hold the KL at this value instead of minimising it"),
    "noise": Setting("gaussian", Name("noise", models.NOISES), "NAME", "how a denoising autoencoder corrupts x"),
    "noise_level": Setting(0.5, real, "S", "the standard deviation of the noise, or the probability of a masked pixel"),
    "e_steps": Setting(10, count, "STEPS", "gradient steps in each E-step"),
    "e_lr": Setting(0.3, real, "LR", "the learning rate of the E-step"),
}
DATA = ("data", "seed", "latent_dim")
TRAINING = (*DATA, "batch_size", "lr", "optimizer", "schedule", "validation", "patience")
DENSE = (*TRAINING, "hidden", "activation", "init")
CONVOLUTIONS = (*TRAINING, "channels", "init")
BOUND = ("likelihood", "binarization", "samples")
MAY_CHANGE = ("lr", "schedule", "batch_size", "patience")  # with --resume: how to train, but neither what nor on what
KL_TERM = ("estimator", "beta", "warm_up", "free_bits", "capacity")


# --- the models -------------------------------------------------------------------------------------------------------


class Kind:
    """A kind of model.

    idea       what it is, in a few words
    make       the class of the model; its constructor takes settings by name
    steps      the number of training steps by default; 0 for a closed form
    takes      the names of the settings that it takes
    defaults   the defaults that differ from those in SETTINGS; as an attribute, the defaults of all that it takes

    The attribute `needs_labels` says whether the data must have labels.
    """

    def __init__(self, idea, make, steps, takes, **defaults):
        self.idea, self.make, self.steps = idea, make, steps
        self.defaults = {name: SETTINGS[name].default for name in takes} | defaults
        self.needs_labels = "labels" in inspect.signature(make).parameters


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
    "cvae": Kind("a conditional VAE, given the labels", models.ConditionalVAE, 10_000, (*DENSE, *BOUND, *KL_TERM)),
    "iwae": Kind("an importance-weighted autoencoder", models.IWAE, 10_000, (*DENSE, *BOUND), samples=5),
    "vem": Kind(
        "variational EM, without an encoder", models.VariationalEM, 5000, (*DENSE, *BOUND, "e_steps", "e_lr"),
        schedule="polynomial",
    ),
    "conv-vae": Kind(
        "a convolutional VAE", models.ConvolutionalVAE, 3000, (*CONVOLUTIONS, *BOUND, *KL_TERM),
        likelihood="squared-error",
    ),
    "vanilla-vae": Kind(
        "the layout of PyTorch-VAE's VanillaVAE", models.VanillaVAE, 3000, (*CONVOLUTIONS, *BOUND, *KL_TERM),
        likelihood="squared-error",
    ),
}  # fmt: skip


def complete(settings):
    """Return the settings of a run, with defaults for those that are missing.

    Raises UserError for an unknown model, a setting that it does not take, a value that a setting cannot have, and
    settings that exclude each other.
    """
    model = choose_name("model", settings.get("model", "vae"), MODELS)
    kind = MODELS[model]
    for name in settings.keys() - kind.defaults.keys() - {"model"}:
        choose("setting", name, SETTINGS)
        takers = [other for other, each in MODELS.items() if name in each.defaults]
        raise UserError(
            f"the model {model} has no {name.replace('_', '-')}: leave it out, or choose one of {', '.join(takers)}"
        )
    settings = {"model": model} | kind.defaults | settings | {"model": model}
    settings = {name: valid_setting(name, value) for name, value in settings.items()}
    if settings.get("patience") and not settings["validation"]:
        raise UserError("an early stop (patience) needs a validation set: hold out some examples (validation)")
    binarization, likelihood = settings.get("binarization", "none"), settings.get("likelihood", "bernoulli")
    if binarization != "none" and likelihood != "bernoulli":
        raise UserError(
            f"a {likelihood} likelihood is for grey values: leave out the {binarization} binarization, "
            "or choose the bernoulli likelihood"
        )
    if model == "vem" and binarization == "dynamic":
        raise UserError("vem keeps a q for every image, and dynamic binarization redraws the image: choose static")
    return settings


def valid_setting(name, value):
    """Return the value of a setting, as JSON can hold it. Raises UserError for one that the setting cannot have."""
    if name == "model":
        return value
    setting = SETTINGS[name]
    if type(value) is type(setting.default) and value == setting.default:  # also None, or a 0 that turns it off
        return value
    if not setting.is_list:
        return valid(name, setting.read, value)
    if not isinstance(value, list | tuple) or len(value) > MOST_LAYERS:
        raise UserError(f"the setting {name} is {shown(value)}, expected a list of at most {MOST_LAYERS} numbers")
    return [valid(name, setting.read, each) for each in value]


MOST_LABELS = 1000  # that a network sees as one-hot vectors
CHANNELS = [32, 64, 128, 256, 512]  # by default; an image that can be halved twice takes the first two


def with_channels(settings, origin):
    """Return the settings with the channels of a convolutional model, by default one for each possible halving.

    origin   the `Origin` of the data, or a `Dataset`

    Raises UserError for data that has no image shape.
    """
    if "channels" not in settings:
        return settings
    if origin.image_shape is None:
        raise UserError(
            f"{settings['model']} needs images, and {origin.name} holds vectors of {origin.data_dim} numbers: save x "
            "as (N, H, W) or (N, H, W, C), or choose a model of dense layers"
        )
    side, halvings = math.gcd(*origin.image_shape[:2]), 1
    while side % 2 ** (halvings + 1) == 0:
        halvings += 1
    return settings | {"channels": settings["channels"] or CHANNELS[:halvings]}


def build(settings, origin, N, rng):
    """Return the model that complete settings describe, for data of this origin with N examples in the training set.

    origin   the `Origin` of the data, or a `Dataset`

    Raises UserError for data without the labels that the model needs, and for whatever the model refuses.
    """
    kind = MODELS[settings["model"]]
    if kind.needs_labels and (origin.labels is None or len(origin.labels) > MOST_LABELS):
        found = "has none" if origin.labels is None else f"has {len(origin.labels)} different ones"
        raise UserError(
            f"{settings['model']} needs labels, at most {MOST_LABELS} different ones, and {origin.name} {found}: save "
            "classes y beside x, or choose another model"
        )
    given = settings | {"data_dim": origin.data_dim, "image_shape": origin.image_shape, "labels": origin.labels}
    given |= {"N": N, "rng": rng}
    for name, table in (("init", INITIALIZERS), ("activation", ACTIVATIONS)):
        if name in settings:
            given[name] = table[settings[name]]
    if "beta" in settings:
        given["kl_term"] = KLTerm(*(settings[name] for name in ("beta", "warm_up", "free_bits", "capacity")))
    return kind.make(**{name: given[name] for name in inspect.signature(kind.make).parameters if name in given})


def count_weights(settings, origin):
    """Return about how many weights the model of complete settings has, without building it.

    We assume that the decoder is a mirror image of the encoder.
    """
    if settings.get("channels"):
        *_, C = origin.image_shape
        pixels = origin.data_dim // C // 4 ** len(settings["channels"])
        pairs = [(9 * a, b) for a, b in itertools.pairwise([C, *settings["channels"]])]
        pairs.append((pixels * settings["channels"][-1], settings["latent_dim"]))
    else:
        labels = len(origin.labels or ()) if MODELS[settings["model"]].needs_labels else 0
        pairs = itertools.pairwise([origin.data_dim + labels, *settings.get("hidden", ()), settings["latent_dim"]])
    weights = sum(2 * a * b for a, b in pairs)
    if settings["model"] == "vem":  # its tables
        weights += 2 * (origin.N - settings["validation"]) * settings["latent_dim"]
    return weights
