"""What can be asked for on the command line, and how the words are read.

The options of `npvae train` are the settings of settings.py; a test proves that none is missing.
"""

import argparse

from .. import __version__, datasets
from ..bench import bench
from ..bench.contenders import PEERS
from ..datasets import BINARIZATIONS
from ..errors import UserError
from ..models import NOISES
from ..nn.init import INITIALIZERS
from ..nn.layers import ACTIVATIONS
from ..nn.optim import OPTIMIZERS
from ..nn.schedules import SCHEDULES
from ..probability import ESTIMATORS, LIKELIHOODS
from ..training import settings


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence."""

    def error(self, message):
        raise UserError(f"{message}; see {self.prog} --help")


LARGEST = 1e9


def number(kind, name, zero=False):
    """A converter for argparse: a number of this kind above zero, or, with `zero`, from zero on."""
    limits = "from 0 on" if zero else "above zero"

    def convert(text):
        try:
            value = kind(text)
        except ValueError:
            value = -1
        if not 0 <= value <= LARGEST or (value == 0 and not zero):
            raise argparse.ArgumentTypeError(f"found {text!r}, expected {name} {limits} and up to {LARGEST:g}")
        return value

    return convert


def seed(text):
    """A converter for argparse: a seed for numpy.random.default_rng."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 0 on")
    return int(text)


whole = number(int, "a whole number")
real = number(float, "a number")
weight = number(float, "a number", zero=True)
index = number(int, "a whole number", zero=True)

# For each setting of settings.py: how its text is read, its name in the help, and what it is.
SETTINGS = {
    "data": (str, "DATA", f"{', '.join(datasets.LOADERS)}, or PATH.npz"),
    "seed": (seed, "SEED", "of all that is random"),
    "latent_dim": (whole, "D", "the dimension of z"),
    "batch_size": (whole, "M", "examples in a minibatch"),
    "lr": (real, "LR", "the learning rate"),
    "optimizer": (str, "NAME", ", ".join(OPTIMIZERS)),
    "schedule": (str, "NAME", f"of the learning rate: {', '.join(SCHEDULES)}"),
    "validation": (whole, "N", "hold out N training examples for validation"),
    "patience": (whole, "P", "stop after P validations (one every 500 steps) without a new best"),
    "hidden": (whole, "WIDTH", "the encoder's hidden layers; the decoder mirrors them"),
    "channels": (whole, "C", "of the convolutions, each of which halves the image; as many as it can be halved"),
    "activation": (str, "NAME", f"of the hidden layers: {', '.join(ACTIVATIONS)}"),
    "init": (str, "NAME", f"of the weights: {', '.join(INITIALIZERS)}"),
    "likelihood": (str, "NAME", ", ".join(LIKELIHOODS)),
    "binarization": (str, "NAME", f"of grey pixels: {', '.join(BINARIZATIONS)}"),
    "samples": (whole, "L", "of z for each example in training: L of a VAE, K of an IWAE"),
    "estimator": (str, "NAME", f"of the gradient: {', '.join(ESTIMATORS)}"),
    "beta": (weight, "B", "the weight of the KL"),
    "warm_up": (index, "STEPS", "during which the weight of the KL rises from 0"),
    "free_bits": (weight, "NATS", "of KL in each latent dimension that cost nothing"),
    "capacity": (weight, "NATS", "of KL to be held, instead of as little as possible"),
    "noise": (str, "NAME", f"that a denoising autoencoder sees: {', '.join(NOISES)}"),
    "noise_level": (real, "S", "its standard deviation, or the probability of a masked pixel"),
    "e_steps": (whole, "STEPS", "of gradient in each E-step"),
    "e_lr": (real, "LR", "the learning rate of the E-step"),
}


LEARN = {
    "init": "make a folder of your own with all exercises",
    "list": "all exercises, and how far they are",
    "predict": "answer a question before the code is written",
    "check": "is it right, and if not, what is wrong? (default: the next one)",
    "watch": "check every file whenever it is saved",
    "hint": "a hint, and one more with each call",
    "reset": "the file as it was in the beginning; yours is kept",
}


def default_of(name):
    """In words, the default of a setting, for the models that differ from the VAE in it too."""
    by_model = {model: kind.defaults[name] for model, kind in settings.MODELS.items() if name in kind.defaults}
    usual = by_model.get("vae", next(iter(by_model.values())))
    words = ["default " + as_text(usual)] if usual is not None else []
    words += [f"{as_text(value)} for {model}" for model, value in by_model.items() if value != usual]
    if len(by_model) < 3 or "vae" not in by_model:
        words.append(f"only {', '.join(by_model)}")
    return ", ".join(words) or "default none"


def as_text(value):
    """A default as it would be typed."""
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def models_help():
    """The list of models below the options of `npvae train`."""
    lines = [f"  {name:<10} {kind.idea}, {kind.steps or 'no'} steps" for name, kind in settings.MODELS.items()]
    return "\n".join(["models, and how many steps they take by default:", *lines])


def build_parser():
    """The parser of the whole command line."""
    parser = Parser(prog="npvae", description="Variational autoencoders in plain NumPy.")
    parser.add_argument("--version", action="version", version=f"npvae {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    train = commands.add_parser(
        "train", help="train a model, evaluate it, and draw what it has learned",
        formatter_class=argparse.RawDescriptionHelpFormatter, epilog=models_help(),
    )  # fmt: skip
    train.add_argument("--resume", action="store_true", help="go on with the run in the folder")
    train.add_argument("--out", metavar="RUN", help="the folder of the run (default runs/DATA or runs/MODEL-DATA)")
    train.add_argument("--steps", type=whole, help="in all, with those before --resume (default: see below)")
    train.add_argument("--model", help=f"{', '.join(settings.MODELS)} (default vae)")
    for name, (convert, metavar, text) in SETTINGS.items():
        nargs = "+" if name in ("hidden", "channels") else None
        option = f"--{name.replace('_', '-')}"
        train.add_argument(option, type=convert, metavar=metavar, nargs=nargs, help=f"{text} ({default_of(name)})")

    evaluate_ = commands.add_parser("evaluate", help="measure a trained model on the test set")
    evaluate_.add_argument("run", metavar="RUN", help="the folder of the run")
    evaluate_.add_argument(
        "--importance-samples", type=whole, metavar="K", help="for ln p(x), for each example (default 100)"
    )
    evaluate_.add_argument(
        "--refine", type=whole, metavar="STEPS", help="measure the amortization gap: fit every q by itself"
    )

    draw = commands.add_parser("draw", help="draw the pictures of a run again")
    draw.add_argument("run", metavar="RUN", help="the folder of the run")
    draw.add_argument(
        "--between", type=index, nargs=2, metavar=("I", "J"), help="only the interpolation from test image I to J"
    )
    draw.add_argument(
        "--steps", type=whole, metavar="N",
        help="of that interpolation, with both ends; if N is even, the midpoint is one more (default 11)",
    )  # fmt: skip

    experiment = commands.add_parser("experiment", help="repeat a measurement that the project quotes")
    experiment.add_argument("name", nargs="?", metavar="NAME", help="which one (default: list them)")
    experiment.add_argument("--out", metavar="FOLDER", help="for networks and figures (default experiments/NAME)")

    bench_ = commands.add_parser("bench", help="time training steps side by side with other libraries")
    bench_.add_argument(
        "names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(bench.NAMES)} (default: all but growth)"
    )
    bench_.add_argument(
        "--against", nargs="+", metavar="PEER", help=f"after the NAMEs: {', '.join(PEERS)} (default: the installed)"
    )
    bench_.add_argument("--threads", type=whole, metavar="N", help="for each of them (default 2, on a single core 1)")
    bench_.add_argument(
        "--seconds", type=real, default=4.0, metavar="S", help="for the steps of each, at least 24 of them (default 4)"
    )
    bench_.add_argument("--json", metavar="FILE", help="write all numbers into a file")
    bench_.add_argument("--out", default=".", metavar="FOLDER", help="for the figure of growth (default: this one)")

    learn = commands.add_parser("learn", help="the exercises: write the parts of a VAE, and be told what is wrong")
    actions = learn.add_subparsers(dest="action", metavar="ACTION", parser_class=Parser)
    for action, text in LEARN.items():
        one = actions.add_parser(action, help=text)
        if action == "init":
            one.add_argument("path", metavar="DIR", help="a new folder")
        elif action != "list":
            nargs = "?" if action in ("check", "watch") else None
            one.add_argument("name", metavar="NAME", nargs=nargs, help="of the exercise, or its number")
        if action == "predict":
            one.add_argument("answer", metavar="ANSWER", nargs="?", help="its number (default: asked for)")

    gradcheck = commands.add_parser("gradcheck", help="check every derivative against finite differences")
    gradcheck.add_argument("operation", nargs="?", metavar="OP", help="an operation, layer or bound (default: all)")

    data = commands.add_parser("data", help="which data sets are here; fetch a missing one")
    data.add_argument("name", nargs="?", metavar="NAME", help="check this one, and fetch it if it is not here")
    return parser
