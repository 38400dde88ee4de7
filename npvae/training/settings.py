"""The settings of a run: which of them each model takes, their defaults, and how the model is made of them.

A setting that a model does not take is refused, and not ignored: a person who asks for `--beta 4` with an autoencoder
should not believe that it did something.
"""

import dataclasses
import math
from collections.abc import Callable

from .. import models
from ..datasets import BINARIZATIONS
from ..errors import UserError, choose
from ..nn.init import INITIALIZERS
from ..nn.layers import ACTIVATIONS
from ..probability import KLTerm

DATA = {"data": "mnist", "seed": 0, "latent_dim": 10}
TRAINING = {
    "batch_size": 100, "lr": 1e-3, "optimizer": "adam", "schedule": "constant", "validation": 0, "patience": None,
}  # fmt: skip
DENSE = {"hidden": [512, 384, 256], "activation": "relu", "init": "xavier_uniform"}
CHANNELS = [32, 64, 128, 256, 512]  # as many of them as the image can be halved
CONVOLUTIONS = {"channels": None, "init": "xavier_uniform"}
BOUND = {"likelihood": "bernoulli", "binarization": "none", "samples": 1}
KL_TERM = {"estimator": "analytic-kl", "beta": 1.0, "warm_up": 0, "free_bits": 0.0, "capacity": None}
NOISE = {"noise": "gaussian", "noise_level": 0.5}


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of model.

    idea       what it is, in a few words
    steps      of training, where nothing else is asked for; 0 where there is a closed form
    defaults   the settings that it takes
    build      from the settings (with init and activation as functions), the data set, the number of its examples that
               are trained on, and a numpy Generator, to the model
    """

    idea: str
    steps: int
    defaults: dict
    build: Callable


def _data_dim(dataset):
    return dataset.x_train.shape[1]


def _dense(s, dataset, rng):
    """What all models of dense layers take."""
    chosen = {name: s[name] for name in ("latent_dim", "hidden", "init", "activation")}
    return chosen | {"data_dim": _data_dim(dataset), "rng": rng}


def _convolutional(s, dataset, rng):
    """What all models of convolutions take."""
    chosen = {name: s[name] for name in ("latent_dim", "channels", "init")}
    return chosen | {"image_shape": dataset.image_shape, "rng": rng}


def _bound(s):
    """What all VAEs take."""
    return {"likelihood": s["likelihood"], "samples": s["samples"]}


def _objective(s):
    """What those VAEs take whose bound has the KL apart."""
    return {"estimator": s["estimator"], "kl_term": KLTerm(s["beta"], s["warm_up"], s["free_bits"], s["capacity"])}


def _pca(s, dataset, N, rng):
    return models.PCA(_data_dim(dataset), s["latent_dim"])


def _linear_autoencoder(s, dataset, N, rng):
    return models.Autoencoder(_data_dim(dataset), s["latent_dim"], [], rng, init=s["init"])


def _autoencoder(s, dataset, N, rng):
    return models.Autoencoder(**_dense(s, dataset, rng))


def _denoising_autoencoder(s, dataset, N, rng):
    return models.Autoencoder(**_dense(s, dataset, rng), noise=s["noise"], noise_level=s["noise_level"])


def _convolutional_autoencoder(s, dataset, N, rng):
    return models.ConvolutionalAutoencoder(**_convolutional(s, dataset, rng))


def _vae(s, dataset, N, rng):
    return models.VAE(**_dense(s, dataset, rng), **_bound(s), **_objective(s))


def _iwae(s, dataset, N, rng):
    return models.IWAE(**_dense(s, dataset, rng), **_bound(s))


def _variational_em(s, dataset, N, rng):
    return models.VariationalEM(N, **_dense(s, dataset, rng), **_bound(s), e_steps=s["e_steps"], e_lr=s["e_lr"])


def _convolutional_vae(s, dataset, N, rng):
    return models.ConvolutionalVAE(**_convolutional(s, dataset, rng), **_bound(s), **_objective(s))


MODELS = {
    "pca": Kind("principal component analysis", 0, DATA, _pca),
    "linear-ae": Kind(
        "the linear autoencoder", 10_000, DATA | TRAINING | {"schedule": "polynomial", "init": "xavier_uniform"},
        _linear_autoencoder,
    ),
    "ae": Kind("an autoencoder", 10_000, DATA | TRAINING | DENSE, _autoencoder),
    "conv-ae": Kind("a convolutional autoencoder", 3000, DATA | TRAINING | CONVOLUTIONS, _convolutional_autoencoder),
    "dae": Kind("a denoising autoencoder", 10_000, DATA | TRAINING | DENSE | NOISE, _denoising_autoencoder),
    "vae": Kind("a variational autoencoder", 10_000, DATA | TRAINING | DENSE | BOUND | KL_TERM, _vae),
    "iwae": Kind(
        "an importance-weighted autoencoder", 10_000, DATA | TRAINING | DENSE | BOUND | {"samples": 5}, _iwae
    ),
    "vem": Kind(
        "variational EM, without an encoder", 5000,
        DATA | TRAINING | DENSE | BOUND | {"schedule": "polynomial", "e_steps": 10, "e_lr": 0.3}, _variational_em,
    ),
    "conv-vae": Kind(
        "a convolutional VAE", 3000,
        DATA | TRAINING | CONVOLUTIONS | BOUND | KL_TERM | {"likelihood": "squared-error"}, _convolutional_vae,
    ),
}  # fmt: skip


def complete(settings):
    """The settings of a run with their defaults; those that are given may leave out any.

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
        raise UserError("vem keeps a q for every image, and dynamic binarization draws the image anew: choose static")
    return settings


def with_channels(settings, dataset):
    """The settings with the channels of a convolutional model, by default as many as the image can be halved.

    Raises UserError for data that has no image shape.
    """
    if "channels" not in settings:
        return settings
    if dataset.image_shape is None:
        raise UserError(
            f"{settings['model']} needs images, and {dataset.name} holds vectors of {_data_dim(dataset)} numbers: "
            "save x as (N, H, W) or (N, H, W, C), or choose a model of dense layers"
        )
    side, halvings = math.gcd(*dataset.image_shape[:2]), 1
    while side % 2 ** (halvings + 1) == 0:
        halvings += 1
    return settings | {"channels": settings["channels"] or CHANNELS[:halvings]}


def build(settings, dataset, N, rng):
    """The model of complete settings, for the data set, of which N examples are trained on.

    Raises UserError for unknown names, and for what the model refuses.
    """
    chosen = dict(settings)
    for name, kind, table in (("init", "initialisation", INITIALIZERS), ("activation", "activation", ACTIVATIONS)):
        if name in chosen:
            chosen[name] = choose(kind, chosen[name], table)
    return MODELS[settings["model"]].build(chosen, dataset, N, rng)
