"""The command line: `npvae`, or `python -m npvae`.

Exit status: 0 if all went well, 1 if a check failed, 2 with one sentence for what the person can mend, 130 after
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
from ..bench import bench
from ..datasets import mnist
from ..diagnosis import diagnose
from ..errors import UserError, choose
from ..experiments import EXPERIMENTS
from ..figures import pictures
from ..models import VAE
from ..training import run as runs
from ..training import settings
from ..training.evaluation import evaluate
from ..training.loop import REMARK_EXAMPLES
from .arguments import SETTINGS, build_parser

WIDTH = 80  # columns of what is printed


def main(arguments=None):
    """Run a command; return the exit status."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w"))
        with contextlib.suppress(AttributeError):
            getattr(sys, name).reconfigure(line_buffering=True, errors="replace")
    try:
        options = build_parser().parse_args(arguments)
        return COMMANDS[options.command](options)
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
    chosen = {name: getattr(options, name) for name in ("model", *SETTINGS) if getattr(options, name) is not None}
    if datasets.is_path(chosen.get("data", "")):
        chosen["data"] = str(pathlib.Path(chosen["data"]).absolute())
    data, model = pathlib.Path(chosen.get("data", "mnist")).stem, chosen.get("model", "vae")
    folder = pathlib.Path(options.out or f"runs/{data if model == 'vae' else f'{model}-{data}'}")

    if model in settings.MODELS and settings.MODELS[model].steps == 0 and options.steps:
        raise UserError(f"{model} is computed in closed form and takes no steps: leave out --steps")
    goes_on = options.resume and (not folder.is_dir() or (folder / runs.CHECKPOINT).exists())
    run = runs.load(folder, chosen, to_train=True) if goes_on else runs.create(folder, chosen)
    parameters = sum(p.data.size for p in run.model.parameters())
    print_wrapped(f"{run.dataset.name} from {run.dataset.source}: {len(run.x_train)} training examples")
    choices = ", ".join(f"{name} {value}" for name, value in run.settings.items() if value is not None)
    print_wrapped(f"{parameters:,} parameters; {choices}")
    if not train(run, options.steps or settings.MODELS[run.settings["model"]].steps):
        return 130
    written = [runs.CHECKPOINT]
    if run.training is not None:
        run.write_history()
        written.append("history.csv")
    report(run, importance_samples=0)
    print_wrapped(f"wrote to {folder}: {', '.join([*written, *pictures.draw(run)])}")
    return 0


def train(run, steps):
    """Train up to so many steps, and say how it went; return whether it went to the end, without Ctrl-C."""
    if run.training is None:
        print("computed in closed form: there are no steps to take")
        run.train(0)
        return True
    start, first = time.perf_counter(), run.training.step
    if first:
        print(f"going on from step {first}")
    if first >= steps:
        print(f"--steps {steps} have been taken already: nothing to train")
    try:
        run.train(steps)
    except KeyboardInterrupt:
        again = shlex.join(["npvae", "train", "--out", str(run.folder), "--steps", str(steps), "--resume"])
        print(f"npvae: stopped; step {run.training.saved_step} is saved; go on with: {again}", file=sys.stderr)
        return False
    if run.training.step > first:
        print(f"{run.training.step - first} steps in {time.perf_counter() - start:.0f} s")
    return True


def print_wrapped(text):
    """Print a long line in lines of at most 80 columns."""
    print(textwrap.fill(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))


def do_evaluate(options):
    """npvae evaluate: print the measures of a run on the test set."""
    run = runs.load(options.run)
    is_vae = isinstance(run.model, VAE)
    if not is_vae and (options.importance_samples or options.refine):
        raise UserError(f"{run.settings['model']} has no likelihood: leave out --importance-samples and --refine")
    report(run, (options.importance_samples or 100) if is_vae else 0, options.refine or 0)
    return 0


def report(run, importance_samples, refine_steps=0):
    """Print what `evaluate` measures, with everything that has to be known in order to compare it."""
    x = run.x_test
    result = evaluate(run.model, x, np.random.default_rng(0), importance_samples, refine_steps)
    is_vae, likelihood = "kl" in result, run.settings.get("likelihood")
    print(f"test set of {run.dataset.name}, {len(x)} examples{', nats per example' if is_vae else ''}:")
    if is_vae:
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
    if is_vae:
        print(f"  active units   {result['active_units']:5} of {run.model.latent_dim}")
    low, high = run.model.data_range or (0, 1)
    squared_error = result["squared_error"] / (high - low) ** 2  # as if they had not been rescaled
    print(f"  squared error  {squared_error:8.2f}   of the reconstructions, summed over pixels")
    if is_vae:
        print(f"  likelihood {likelihood}, binarization {run.settings['binarization']}")
        if likelihood == "bernoulli" and ((x > 0) & (x < 1)).any():
            print("  On grey pixels a Bernoulli likelihood is a convention, not a log-likelihood.")
        elif likelihood in ("continuous-bernoulli", "gaussian", "squared-error"):
            rescaled = "" if run.model.data_range in (None, (0, 1)) else f" rescaled to [{low:g}, {high:g}]"
            print_wrapped(f"  A density of the pixels{rescaled}: comparable only with other densities of the same.")
    for remark in run.model.remarks(x[:REMARK_EXAMPLES]).values():
        print_wrapped(f"  note: {remark}")


def do_draw(options):
    """npvae draw: write the pictures of a run again, or one interpolation."""
    if options.steps and not options.between:
        raise UserError("--steps is for an interpolation: say between which test images, with --between I J")
    run = runs.load(options.run)
    if options.between:
        drawn = [pictures.interpolate(run, *options.between, options.steps or pictures.INTERPOLATION_STEPS)]
    else:
        drawn = pictures.draw(run)
    print_wrapped(f"wrote to {options.run}: {', '.join(drawn)}")
    return 0


def do_experiment(options):
    """npvae experiment: run one, print its table, and write it and its figures into a folder; or list them all."""
    if options.name is None:
        for name, experiment in EXPERIMENTS.items():
            print(f"{name:<13} {experiment.idea}\n{'':<13} ({experiment.duration})")
        return 0
    experiment = choose("experiment", options.name, EXPERIMENTS)
    folder = pathlib.Path(options.out or f"experiments/{options.name}")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file, expected the name of a folder: choose another with --out")
    folder.mkdir(parents=True, exist_ok=True)
    lines = experiment.run(folder)
    print("\n".join(lines))
    (folder / "table.md").write_text("\n".join(lines) + "\n")
    print_wrapped(f"wrote to {folder}: {', '.join(sorted(path.name for path in folder.iterdir() if path.is_file()))}")
    return 0


def do_bench(options):
    """npvae bench: measure side by side with other libraries, print tables, and write the numbers into a file."""
    folder = pathlib.Path(options.out)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file, expected the name of a folder: choose another with --out")

    def save(measured):
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps(measured, indent=1) + "\n")

    if options.json:
        open(options.json, "a").close()  # one that cannot be written is an error now, and not in ten minutes
    bench.run(options.names, options.against, options.threads, options.seconds, folder, print_wrapped, save)
    if options.json:
        print_wrapped(f"wrote {options.json}")
    return 0


def do_gradcheck(options):
    """npvae gradcheck: one line for each check, or the whole table where one operation is asked for or fails."""
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


def do_learn(options):
    """npvae learn: the exercises; without an action, what to do next."""
    from ..learn import commands  # all the exercises: no other command needs them

    given = {name: value for name, value in vars(options).items() if name not in ("command", "action")}
    action = {None: commands.overview, "list": commands.list_all}.get(options.action)
    return (action or getattr(commands, options.action))(**given)


COMMANDS = {
    "train": do_train, "evaluate": do_evaluate, "draw": do_draw, "experiment": do_experiment,
    "bench": do_bench, "gradcheck": do_gradcheck, "data": do_data,
    "learn": do_learn,
}  # fmt: skip
