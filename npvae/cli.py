"""The command line: `npvae`, or `python -m npvae`.

Exit status: 0 if all went well, 1 if a check failed, 2 with one sentence for what the person can mend, 130 after
Ctrl-C.
"""

import argparse
import contextlib
import os
import pathlib
import shlex
import sys
import textwrap
import time

import numpy as np

from . import checks, datasets, runs
from .autodiff.gradcheck import LIMIT
from .datasets import mnist
from .errors import UserError, choose
from .evaluation import evaluate
from .nn.init import INITIALIZERS
from .nn.optim import OPTIMIZERS
from .probability import LIKELIHOODS


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence."""

    def error(self, message):
        raise UserError(f"{message}; see {self.prog} --help")


LARGEST = 1e9


def positive(kind, name):
    """A converter for argparse: a number of this kind above zero."""

    def convert(text):
        try:
            number = kind(text)
        except ValueError:
            number = 0
        if not 0 < number <= LARGEST:
            raise argparse.ArgumentTypeError(f"found {text!r}, expected {name} above zero and up to {LARGEST:g}")
        return number

    return convert


def seed(text):
    """A converter for argparse: a seed for numpy.random.default_rng."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 0 on")
    return int(text)


whole = positive(int, "a whole number")
real = positive(float, "a number")


def build_parser():
    """The parser of the whole command line."""
    parser = Parser(prog="npvae", description="Variational autoencoders in plain NumPy.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    d = runs.DEFAULTS

    train = commands.add_parser("train", help="train a VAE, evaluate it, and draw what it has learned")
    train.set_defaults(do=do_train)
    sets = ", ".join(datasets.LOADERS)
    train.add_argument("--data", metavar="DATA", help=f"{sets}, or PATH.npz (default {d['data']})")
    train.add_argument("--out", metavar="RUN", help="the folder of the run (default runs/DATA)")
    train.add_argument("--steps", type=whole, default=10_000, help="in all, with those before --resume (default 10000)")
    train.add_argument("--batch-size", type=whole, help=f"examples in a minibatch (default {d['batch_size']})")
    train.add_argument("--lr", type=real, help=f"the learning rate (default {d['lr']:g})")
    train.add_argument("--latent-dim", type=whole, help=f"the dimension of z (default {d['latent_dim']})")
    train.add_argument(
        "--hidden", type=whole, nargs="+", metavar="WIDTH",
        help=f"the encoder's hidden layers; the decoder mirrors them (default {' '.join(map(str, d['hidden']))})",
    )  # fmt: skip
    train.add_argument("--optimizer", help=f"{', '.join(OPTIMIZERS)} (default {d['optimizer']})")
    train.add_argument("--likelihood", help=f"{', '.join(LIKELIHOODS)} (default {d['likelihood']})")
    train.add_argument("--init", help=f"{', '.join(INITIALIZERS)} (default {d['init']})")
    train.add_argument("--seed", type=seed, help=f"of all that is random (default {d['seed']})")
    train.add_argument("--validation", type=whole, metavar="N", help="hold out N training examples for validation")
    train.add_argument(
        "--patience", type=whole, metavar="P", help="stop after P validations (one every 500 steps) without a new best"
    )
    train.add_argument("--resume", action="store_true", help="go on with the run in the folder")

    evaluate_ = commands.add_parser("evaluate", help="measure a trained model on the test set")
    evaluate_.set_defaults(do=do_evaluate)
    evaluate_.add_argument("run", metavar="RUN", help="the folder of the run")
    evaluate_.add_argument(
        "--importance-samples", type=whole, default=100, metavar="K", help="for ln p(x), for each example (default 100)"
    )

    draw = commands.add_parser("draw", help="draw the pictures of a run again")
    draw.set_defaults(do=do_draw)
    draw.add_argument("run", metavar="RUN", help="the folder of the run")

    gradcheck = commands.add_parser("gradcheck", help="check every derivative against finite differences")
    gradcheck.set_defaults(do=do_gradcheck)
    gradcheck.add_argument("operation", nargs="?", metavar="OP", help="an operation, layer or bound (default: all)")

    data = commands.add_parser("data", help="which data sets are here; fetch a missing one")
    data.set_defaults(do=do_data)
    data.add_argument("name", nargs="?", metavar="NAME", help="check this one, and fetch it if it is not here")
    return parser


def main(arguments=None):
    """Run a command; return the exit status."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w"))
        with contextlib.suppress(AttributeError):
            getattr(sys, name).reconfigure(line_buffering=True, errors="replace")
    try:
        options = build_parser().parse_args(arguments)
        return options.do(options)
    except UserError as error:
        print(f"npvae: {error}", file=sys.stderr)
        return 2
    except MemoryError as error:
        print(f"npvae: not enough memory ({error}): choose a smaller network or batch", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of a pipe has left, as in `npvae gradcheck | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python's own last flush succeeds
        print("npvae: nobody reads the output any more", file=sys.stderr)
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"npvae: {where}{error.strerror or error}: look at the disk and the permissions", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("npvae: interrupted", file=sys.stderr)
        return 130


def do_train(options):
    """npvae train: train, evaluate, and write the checkpoint, the history and the pictures."""
    settings = {name: getattr(options, name) for name in runs.DEFAULTS if getattr(options, name) is not None}
    if datasets.is_path(settings.get("data", "")):
        settings["data"] = str(pathlib.Path(settings["data"]).absolute())
    folder = pathlib.Path(options.out or f"runs/{pathlib.Path(settings.get('data', runs.DEFAULTS['data'])).stem}")

    goes_on = options.resume and (not folder.is_dir() or (folder / runs.CHECKPOINT).exists())
    run = runs.load(folder, settings, to_train=True) if goes_on else runs.create(folder, settings)
    parameters = sum(p.data.size for p in run.model.parameters())
    print(f"{run.dataset.name} from {run.dataset.source}: {len(run.training.x)} training examples")
    choices = ", ".join(f"{name} {value}" for name, value in run.settings.items() if value is not None)
    print_wrapped(f"{parameters:,} parameters; {choices}")
    if run.training.step:
        print(f"going on from step {run.training.step}")
    if run.training.step >= options.steps:
        print(f"--steps {options.steps} have been taken already: nothing to train")

    start, first = time.perf_counter(), run.training.step
    try:
        run.training.run(options.steps, run.save)
    except KeyboardInterrupt:
        again = shlex.join(["npvae", "train", "--out", str(folder), "--steps", str(options.steps), "--resume"])
        print(f"npvae: stopped; step {run.training.saved_step} is saved; go on with: {again}", file=sys.stderr)
        return 130
    seconds = time.perf_counter() - start
    if run.training.step > first:
        print(f"{run.training.step - first} steps in {seconds:.0f} s")
    run.write_history()
    report(run, importance_samples=0)
    print_wrapped(f"wrote to {folder}: {', '.join([runs.CHECKPOINT, 'history.csv', *run.draw()])}")
    return 0


def print_wrapped(text):
    """Print a long line in lines of at most 80 columns."""
    print(textwrap.fill(text, 80, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))


def do_evaluate(options):
    """npvae evaluate: print the measures of a run on the test set."""
    report(runs.load(options.run), options.importance_samples)
    return 0


def report(run, importance_samples):
    """Print what `evaluate` measures."""
    x = run.dataset.x_test
    result = evaluate(run.model, x, np.random.default_rng(0), importance_samples)
    print(f"test set of {run.dataset.name}, {len(x)} examples, nats per example:")
    print(f"  loss = -ELBO   {-result['elbo']:8.2f}")
    print(f"  rec            {-result['reconstruction']:8.2f}")
    print(f"  KL             {result['kl']:8.2f}")
    if importance_samples:
        print(f"  -log p(x)      {-result['log_likelihood']:8.2f} ± {result['standard_error']:.2f}", end="")
        print(f"   ({importance_samples} importance samples, ± standard error)")
    print(f"  active units   {result['active_units']:5} of {run.settings['latent_dim']}")
    if run.settings["likelihood"] == "bernoulli" and ((x > 0) & (x < 1)).any():
        print("  On grey pixels a Bernoulli likelihood is a convention, not a log-likelihood.")


def do_draw(options):
    """npvae draw: write the pictures of a run again."""
    run = runs.load(options.run)
    print_wrapped(f"wrote to {options.run}: {', '.join(run.draw())}")
    return 0


def do_gradcheck(options):
    """npvae gradcheck: one line for each check, or the whole table where one operation is asked for or fails."""
    chosen = checks.find(options.operation) if options.operation else checks.ALL
    failed = 0
    for check in chosen:
        result = check.run()
        failed += not result.ok
        if options.operation or not result.ok:
            print(result)
        else:
            print(f"{check.kind:<12} {check.name:<42} ok  {result.largest_error:.1e}")
    print(f"{len(chosen) - failed} passed, {failed} failed: central differences in float64, limit {LIMIT:.0e}")
    return 1 if failed else 0


def do_data(options):
    """npvae data: what is here and from where, verified; with a name, fetch what is missing."""
    if options.name is not None:
        choose("data set", options.name, datasets.LOADERS)
    for name in [options.name] if options.name else datasets.LOADERS:
        if options.name is None and name in mnist.MIRRORS and mnist.find(name) is None:
            print(f"{name:<14} not here; npvae data {name} fetches it")
            continue
        data = datasets.load(name)
        H, W, C = data.image_shape  # all named sets are images
        verified = "checksums verified" if name in mnist.MIRRORS else "nothing to verify"
        print(f"{name:<14} {data.source}: {verified}")
        print(f"{'':<14} {len(data.x_train)} training and {len(data.x_test)} test images, {H} × {W} × {C}")
    return 0
