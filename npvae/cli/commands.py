"""The command line: `npvae`, or `python -m npvae`.

Exit status: 0 for success, 1 for a check that failed, 2 with one sentence for an error that you can fix, 130 after
Ctrl-C.
"""

import contextlib
import json
import os
import pathlib
import shlex
import sys
import textwrap
import time

import numpy as np

from .. import datasets, gradchecks
from ..autodiff.gradcheck import LIMIT
from ..bench import bench as side_by_side
from ..datasets import mnist
from ..datasets.files import shown, shown_path
from ..diagnosis import diagnose
from ..errors import UserError, choose
from ..experiments import EXPERIMENTS
from ..figures import pictures
from ..training import Run, evaluation, settings
from ..training.loop import WARNING_EXAMPLES
from ..training.replacing import replacing, require_writable
from ..training.run import CHECKPOINT
from ..training.settings import SETTINGS
from ..training.warnings import warnings_about
from .arguments import build_parser

WIDTH = 80  # columns of what is printed
LONGEST = 290  # characters of an error


def main(arguments=None):
    """Run the command that `arguments`, by default those of the process, name; return the exit status."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, mode))
        with contextlib.suppress(AttributeError):
            getattr(sys, name).reconfigure(line_buffering=mode == "w", errors="replace")
    try:
        options = build_parser().parse_args(arguments)
        return COMMANDS[options.command](options)
    except UserError as error:
        return _say(error)
    except (MemoryError, ImportError, RuntimeError) as error:
        if not _is_lack_of_memory(error):
            raise
        return _say(f"not enough memory ({error or type(error).__name__}): choose a smaller network or batch")
    except BrokenPipeError:  # the reader of a pipe has left, as in `npvae gradcheck | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python's own last flush succeeds
        print("npvae: nobody reads the output any more", file=sys.stderr)
        return 1
    except OSError as error:
        where = f"{shown_path(error.filename)}: " if error.filename else ""
        return _say(f"{where}{error.strerror or error}: check the disk and the permissions")
    except KeyboardInterrupt:
        print("npvae: interrupted", file=sys.stderr)
        return 130


def _say(error, status=2):
    """Print an error as one line, of which the middle is left out if it is too long; return the exit status."""
    text = shown(error, 10_000)
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 120]} … {text[-117:]}"
    print(f"npvae: {text}", file=sys.stderr)
    return status


def _is_lack_of_memory(error):
    """Return whether an exception means that memory is short; it can also be a library or a thread that lacks it."""
    return isinstance(error, MemoryError) or any(
        words in str(error) for words in ("failed to map segment", "Cannot allocate memory", "can't start new thread")
    )


def train(options):
    """npvae train: train, evaluate, and write the checkpoint, the history and the pictures."""
    run = _run_to_train(options)
    training, steps = run.training, options.steps or settings.MODELS[run.settings["model"]].steps
    start, first = time.perf_counter(), training.step
    if not steps:
        print("computed in closed form: there are no steps to take")
    if first:
        print(f"continuing from step {first}")
    if first >= steps > 0:
        print(f"all {steps} steps have been taken already: nothing to train")
    try:
        training.run(steps, run.save)
    except KeyboardInterrupt:
        if training.saved_step is None:  # nothing to continue from
            raise
        again = shlex.join(["npvae", "train", "--out", str(run.folder), "--steps", str(steps), "--resume"])
        print(f"npvae: stopped; step {training.saved_step} is saved; continue with: {again}", file=sys.stderr)
        return 130
    if training.step > first:
        print(f"{training.step - first} steps in {time.perf_counter() - start:.0f} s")
    written = [CHECKPOINT]
    if training.history:
        run.write_history()
        written.append("history.csv")
    print_measures(run, importance_samples=0)
    print_wrapped(f"wrote to {run.folder}: {', '.join([*written, *pictures.draw(run)])}")
    return 0


def _run_to_train(options):
    """Start the run that the options describe, or load it for --resume; print what it is, and return it."""
    chosen = {name: getattr(options, name) for name in ("model", *SETTINGS) if getattr(options, name) is not None}
    if datasets.is_path(chosen.get("data", "")):
        chosen["data"] = str(pathlib.Path(chosen["data"]).absolute())
    data, model = pathlib.Path(chosen.get("data", "mnist")).stem, chosen.get("model", "vae")
    folder = pathlib.Path(options.out or f"runs/{data if model == 'vae' else f'{model}-{data}'}")
    if model in settings.MODELS and settings.MODELS[model].steps == 0 and options.steps:
        raise UserError(f"{model} is computed in closed form and takes no steps: leave out --steps")
    is_new = not options.resume or (folder.is_dir() and not (folder / CHECKPOINT).exists())
    run = Run.create(folder, chosen) if is_new else Run.load(folder, chosen, to_train=True)
    parameters = sum(p.data.size for p in run.model.parameters())
    print_wrapped(f"{run.dataset.name} from {run.dataset.source}: {len(run.x_train)} training examples")
    choices = ", ".join(f"{name} {value}" for name, value in run.settings.items() if value is not None)
    print_wrapped(f"{parameters:,} parameters; {choices}")
    return run


def print_wrapped(text):
    """Print a text in lines of at most 80 columns."""
    print(textwrap.fill(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))


def evaluate(options):
    """npvae evaluate: print the measures of a run on the test set."""
    run = Run.load(options.run)
    has_bound = run.model.has_bound
    if not has_bound and (options.importance_samples or options.refine):
        raise UserError(f"{run.settings['model']} has no likelihood: leave out --importance-samples and --refine")
    print_measures(run, (options.importance_samples or 100) if has_bound else 0, options.refine or 0)
    return 0


def print_measures(run, importance_samples, refine_steps=0):
    """Print what `evaluate` measures, with everything that you need to compare it with other numbers."""
    x = run.x_test
    result = evaluation.evaluate(run.model, x, np.random.default_rng(0), importance_samples, refine_steps)
    has_bound = run.model.has_bound
    print(f"test set of {run.dataset.name}, {len(x)} examples{', nats per example' if has_bound else ''}:")
    if has_bound:
        print(f"  loss = -ELBO   {result['loss']:8.2f}")
        print(f"  rec            {result['rec']:8.2f}")
        print(f"  KL             {result['kl']:8.2f}")
    if "log_likelihood" in result:
        error = f" ± {result['standard_error']:.2f}" if np.isfinite(result["standard_error"]) else ""
        print(f"  -log p(x)      {-result['log_likelihood']:8.2f}{error}", end="")
        print(f"   ({importance_samples} importance samples{', ± standard error' if error else ''})")
        print(f"  effective      {result['effective_sample_size']:8.2f}   of {importance_samples} samples (median)")
    if "amortization_gap" in result:
        print(f"  gap            {result['amortization_gap']:8.2f}", end="")
        print(f"   of amortization: {refine_steps} more steps on every q")
    if has_bound:
        print(f"  active units   {result['active_units']:5} of {run.model.latent_dim}")
    print(f"  squared error  {result['squared_error']:8.2f}   of the reconstructions, summed over pixels")
    if has_bound:
        _print_likelihood(run)
    for warning in warnings_about(run.model, x[:WARNING_EXAMPLES]).values():
        print_wrapped(f"  warning: {warning}")


def _print_likelihood(run):
    """Print the likelihood that the measures are of, and what you may compare them with."""
    x, gives = run.x_test, run.model.likelihood.gives
    print(f"  likelihood {run.settings['likelihood']}, binarization {run.settings['binarization']}")
    if gives == "convention" and ((x > 0) & (x < 1)).any():
        print("  On grey pixels a Bernoulli likelihood is a convention, not a log-likelihood.")
    elif gives == "density":
        rescaled = " rescaled to [-1, 1]" if run.model.rescales else ""
        print_wrapped(f"  A density of the pixels{rescaled}: compare it only with other densities of the same pixels.")


def draw(options):
    """npvae draw: write the pictures of a run again, or one interpolation."""
    if options.steps and not options.between:
        raise UserError("--steps is for an interpolation: name the two test images with --between I J")
    run = Run.load(options.run)
    if options.between:
        drawn = [pictures.interpolate(run, *options.between, options.steps or pictures.INTERPOLATION_STEPS)]
    else:
        drawn = pictures.draw(run)
    print_wrapped(f"wrote to {options.run}: {', '.join(drawn)}")
    return 0


def experiment(options):
    """npvae experiment: run one, print its table, and write the table and the figures to a folder; or list them all."""
    if options.name is None:
        for name, each in EXPERIMENTS.items():
            print(f"{name:<13} {each.idea}\n{'':<13} ({each.duration})")
        return 0
    chosen = choose("experiment", options.name, EXPERIMENTS)
    folder = pathlib.Path(options.out or f"experiments/{options.name}")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file, expected the name of a folder: choose another with --out")
    folder.mkdir(parents=True, exist_ok=True)
    lines = chosen.run(folder)
    print("\n".join(lines))
    with replacing(folder / "table.md") as file:
        file.write(("\n".join(lines) + "\n").encode())
    print_wrapped(f"wrote to {folder}: {', '.join(sorted(path.name for path in folder.iterdir() if path.is_file()))}")
    return 0


def bench(options):
    """npvae bench: time steps side by side with other libraries, print tables, and write the numbers to a file."""
    folder = pathlib.Path(options.out)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file, expected the name of a folder: choose another with --out")

    def save(measured):
        if options.json:
            with replacing(options.json) as file:
                file.write((json.dumps(measured, indent=1) + "\n").encode())

    if options.json:
        require_writable(options.json)
    side_by_side.run(options.names, options.against, options.threads, options.seconds, folder, print_wrapped, save)
    if options.json:
        print_wrapped(f"wrote {options.json}")
    return 0


def gradcheck(options):
    """npvae gradcheck: print one line for each check; the whole table if you name it or if it fails."""
    chosen = gradchecks.find(options.operation) if options.operation else gradchecks.ALL
    failed = 0
    for check in chosen:
        result = check.run()
        failed += not result.ok
        if not result.ok:
            print(f"{result}\n\n{diagnose(result)}\n")
        elif options.operation:
            print(result)
        else:
            print(f"{check.kind:<12} {check.name:<54} ok  {result.largest_error:.1e}")
    print(f"{len(chosen) - failed} passed, {failed} failed: central differences in float64, limit {LIMIT:.0e}")
    return 1 if failed else 0


def data(options):
    """npvae data: print which data sets are here, from where, and verified how; with a name, fetch a missing one."""
    if options.name is not None:
        choose("data set", options.name, datasets.LOADERS)
    for name in [options.name] if options.name else datasets.LOADERS:
        if options.name is None and name in mnist.MIRRORS and mnist.find(name) is None:
            print(f"{name:<14} not here; npvae data {name} fetches it")
            continue
        dataset = datasets.load(name)
        H, W, C = dataset.image_shape  # every named data set holds images
        verified = "checksums verified" if name in mnist.MIRRORS else "nothing to verify"
        print(f"{name:<14} {dataset.source}: {verified}")
        print(f"{'':<14} {len(dataset.x_train)} training and {len(dataset.x_test)} test images, {H} × {W} × {C}")
    return 0


def learn(options):
    """npvae learn: the exercises; without an action, print what to do next."""
    from ..learn import commands  # only now: it imports all the exercises, and no other command needs them

    given = {name: value for name, value in vars(options).items() if name not in ("command", "action")}
    action = {None: commands.overview, "list": commands.list_all}.get(options.action)
    return (action or getattr(commands, options.action))(**given)


COMMANDS = {
    "train": train, "evaluate": evaluate, "draw": draw, "experiment": experiment, "bench": bench,
    "gradcheck": gradcheck, "data": data, "learn": learn,
}  # fmt: skip
