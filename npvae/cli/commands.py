"""The command line: `npvae`, or `python -m npvae`. This file has the commands about runs, tools.py the others.

Exit status: 0 for success, 1 for a check that failed, 2 with one sentence for an error that you can fix, 130 after
Ctrl-C.
"""

import contextlib
import os
import pathlib
import shlex
import sys
import time

import numpy as np

from .. import datasets, plain
from ..datasets.files import shown_path
from ..errors import UserError, choose_name
from ..export import folder as exported
from ..figures import explorer, pictures
from ..figures.film import Film
from ..training import Run, evaluation, settings
from ..training.folder import CHECKPOINT, refuse_a_file
from ..training.loop import WARNING_EXAMPLES
from ..training.replacing import replacing, require_writable
from ..training.settings import SETTINGS
from ..training.warnings import warnings_about
from .arguments import build_parser
from .screen import print_wrapped, say
from .tools import bench, data, experiment, gradcheck, learn


def main(arguments=None):
    """Run the command that `arguments` name, by default those of the process; return the exit status."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))
        with contextlib.suppress(AttributeError):
            getattr(sys, name).reconfigure(line_buffering=mode == "w", errors=plain.PLAIN)
    try:
        options = build_parser().parse_args(arguments)
        return COMMANDS[options.command](options)
    except UserError as error:
        return say(error)
    except (MemoryError, ImportError, RuntimeError) as error:
        if not _is_lack_of_memory(error):
            raise
        reason = str(error) or type(error).__name__
        return say(f"not enough memory ({reason}): what was saved is good; choose smaller data, network or batches")
    except BrokenPipeError:  # the reader of a pipe has left, as in `npvae gradcheck | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python's own last flush succeeds
        print("npvae: nobody reads the output any more", file=sys.stderr)
        return 1
    except OSError as error:
        where = f"{shown_path(error.filename)}: " if error.filename else ""
        return say(f"{where}{error.strerror or error}: check the disk and the permissions")
    except KeyboardInterrupt:
        print("npvae: interrupted", file=sys.stderr)
        return 130


def _is_lack_of_memory(error):
    """Return whether an exception means that memory is short. A library or a thread that lacks it raises others."""
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
    film = Film(run, steps) if options.film else None

    def save(arrays, saved):
        run.save(arrays, saved)
        if film:
            film.save()

    try:
        training.run(steps, save, look=film.look if film else None)
    except KeyboardInterrupt:
        if training.saved_step is None:  # nothing to continue from
            raise
        again = ["npvae", "train", "--out", str(run.folder), "--steps", str(steps), "--resume"]
        again = shlex.join(again + ["--film"] * bool(film))
        print(f"npvae: stopped; step {training.saved_step} is saved; continue with: {again}", file=sys.stderr)
        return 130
    if training.step > first:
        print(f"{training.step - first} steps in {time.perf_counter() - start:.0f} s")
    written = [CHECKPOINT]
    if training.history:
        run.write_history()
        written.append("history.csv")
    run.finish()
    print_measures(run, importance_samples=0)
    written += pictures.draw(run)
    if film:
        film.look(run.step, is_last=True)  # after an early stop, the model is again that of the best validation
        film.save()
        written.append(film.write())
    print_wrapped(f"wrote to {run.folder}: {', '.join(written)}")
    return 0


def _run_to_train(options):
    """Start the run that the options describe, or load it for --resume; print what it is, and return it."""
    given = {name: getattr(options, name) for name in ("model", *SETTINGS) if getattr(options, name) is not None}
    chosen = {name: settings.valid_setting(name, value) for name, value in given.items()}
    if "model" in chosen:
        chosen["model"] = choose_name("model", chosen["model"], settings.MODELS)
    if "data" in chosen and not datasets.is_path(chosen["data"]):
        chosen["data"] = choose_name("data set", chosen["data"], datasets.LOADERS, or_else=datasets.OR_ELSE)
    data, model = os.path.abspath(chosen.get("data", "mnist")), chosen.get("model", "vae")  # "." has a name too
    data = pathlib.Path(data).stem
    folder = pathlib.Path(options.out or f"runs/{data if model == 'vae' else f'{model}-{data}'}")
    if model in settings.MODELS and settings.MODELS[model].steps == 0 and options.steps:
        raise UserError(f"{model} is computed in closed form and takes no steps: leave out --steps")
    is_new = not options.resume or (folder.is_dir() and not (folder / CHECKPOINT).exists())
    if is_new:
        run = Run.create(folder, chosen)
    else:
        run = Run.load(folder, chosen, to_train=True, may_change=settings.MAY_CHANGE)
    parameters = sum(p.data.size for p in run.model.parameters())
    print_wrapped(f"{run.dataset.name} from {run.dataset.source}: {len(run.x_train)} training examples")
    for note in run.dataset.notes:
        print_wrapped(f"  {note}")
    choices = ", ".join(f"{name} {value}" for name, value in run.settings.items() if value is not None)
    print_wrapped(f"{parameters:,} parameters; {choices}")
    for change in run.changes:
        print_wrapped("{setting} {before} until step {step}, then {after}".format_map(change))
    if run.settings.get("batch_size", 0) > len(run.x_train):
        print_wrapped(
            f"a minibatch of {run.settings['batch_size']} is larger than the training set: "
            f"every step takes all {len(run.x_train)} examples"
        )
    return run


def evaluate(options):
    """npvae evaluate: print the measures of a run on the test set."""
    run = Run.load(options.run, _place(options))
    has_bound = run.model.has_bound
    if not has_bound and (options.importance_samples or options.refine):
        raise UserError(f"{run.settings['model']} has no likelihood: leave out --importance-samples and --refine")
    print_measures(run, (options.importance_samples or 100) if has_bound else 0, options.refine or 0)
    return 0


@np.errstate(all="ignore")  # `evaluation.evaluate` checks the results instead
def print_measures(run, importance_samples, refine_steps=0):
    """Print what `evaluate` measures, with everything that you need to compare it with other numbers."""
    x, y, rng = run.x_test, run.dataset.y_test, np.random.default_rng(0)
    result = evaluation.evaluate(run.model, x, rng, importance_samples, refine_steps, y)
    has_bound = run.model.has_bound
    labels = " with their labels" if run.model.needs_labels else ""
    print(f"test set of {run.dataset.name}, {len(x)} examples{labels}{', nats per example' if has_bound else ''}:")
    if has_bound:
        print(f"  loss = -ELBO   {result['loss']:8.2f}")
        print(f"  rec            {result['rec']:8.2f}")
        print(f"  KL             {result['kl']:8.2f}")
    if "log_likelihood" in result:
        error = f" ± {result['standard_error']:.2f}" if np.isfinite(result["standard_error"]) else ""
        what = "-log p(x | y)" if labels else "-log p(x)"
        print(f"  {what:<14} {-result['log_likelihood']:8.2f}{error}", end="")
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
    model = run.given(slice(WARNING_EXAMPLES))
    for warning in warnings_about(model, x[:WARNING_EXAMPLES], run.step).values():
        print_wrapped(f"  warning: {warning}")


def _print_likelihood(run):
    """Print which likelihood the measures belong to, and what you may compare them with."""
    x, gives = run.x_test, run.model.likelihood.gives
    print(f"  likelihood {run.settings['likelihood']}, binarization {run.settings['binarization']}")
    if gives == "convention" and ((x > 0) & (x < 1)).any():
        print("  On grey pixels a Bernoulli likelihood is a convention, not a log-likelihood.")
    elif gives == "density":
        rescaled = " rescaled to [-1, 1]" if run.model.rescales else ""
        print_wrapped(f"  A density of the pixels{rescaled}: compare it only with other densities of the same pixels.")


def draw(options):
    """npvae draw: write the pictures of a run again, or one interpolation, or samples of one label."""
    if options.steps and not options.between:
        raise UserError("--steps is for an interpolation: name the two test images with --between I J")
    if options.label is not None and options.between:
        raise UserError("--label and --between draw different pictures: choose one of them")
    run = Run.load(options.run, _place(options))
    folder = pathlib.Path(options.out or options.run)
    refuse_a_file(folder)
    folder.mkdir(parents=True, exist_ok=True)
    require_writable(folder / "samples.png")
    if options.label is not None:
        drawn = [pictures.samples_of_label(run, options.label, folder)]
    elif options.between:
        drawn = [pictures.interpolate(run, *options.between, options.steps or pictures.INTERPOLATION_STEPS, folder)]
    else:
        drawn = pictures.draw(run, folder)
        if run.missing:
            print_wrapped(f"{run.missing}; these are the pictures that need no data")
    print_wrapped(f"wrote to {folder}: {', '.join(drawn) or 'nothing'}")
    return 0


def explore(options):
    """npvae explore: write one page with the latent space of one or several runs, which opens from disk."""
    path = pathlib.Path(options.run[0], "explorer.html") if options.out is None else pathlib.Path(options.out)
    size = explorer.write([Run.load(folder, _place(options)) for folder in options.run], path, options.force)
    print_wrapped(f"wrote {path} ({size / 1e6:.1f} MB): open it in a browser; it needs no network")
    return 0


def export(options):
    """npvae export: write the model of a run as a program, or as ONNX files."""
    out = options.out or _beside(options.run, options.to)
    written = exported.export(Run.load(options.run, _place(options)), options.to, out)
    print_wrapped(f"wrote to {out}: {', '.join(written)}")
    return 0


def import_(options):
    """npvae import: make a new run with the settings of another one and the weights in a file."""
    out = options.out or _beside(options.run, "imported")
    run = exported.import_weights(options.file, options.run, out, _place(options))
    print_wrapped(f"wrote {run.folder}, a run that has taken no steps; next: npvae evaluate {run.folder}")
    return 0


def _beside(run, ending):
    """Return the path of a folder beside that of a run: runs/mnist-torch for runs/mnist."""
    path = pathlib.Path(run)
    beside = path.parent if path.name not in ("", "..") else path / ".."
    return beside / f"{path.resolve().name}-{ending}"


def encode(options):
    """npvae encode: write the codes of a data set to an .npz file, with its labels."""
    require_writable(options.out)
    if os.path.lexists(options.out):
        raise UserError(f"{shown_path(options.out)} already exists: choose another --out")
    run = Run.load(options.run)
    dataset = run.dataset if options.data is None else datasets.load(options.data)
    arrays = {}
    for part, x in run.examples(dataset).items():
        labels = getattr(dataset, f"y_{part}")
        codes, logvar = evaluation.encoded(run.model, x, labels)
        found = {f"codes_{part}": codes, f"logvar_{part}": logvar, f"y_{part}": labels}
        arrays |= {name: a for name, a in found.items() if a is not None}
    with replacing(options.out) as file:
        np.savez(file, **arrays)
    for name, a in arrays.items():
        print(f"  {name:<13} {a.shape!s:<13} {a.dtype}")
    print_wrapped(f"wrote the codes of {dataset.name} to {options.out}")
    return 0


def _place(options):
    """Return the setting that says where the data of a run is now, or none if the options do not."""
    return {} if options.data is None else {"data": options.data}


COMMANDS = {
    "train": train, "evaluate": evaluate, "draw": draw, "explore": explore, "export": export,
    "import": import_, "encode": encode,
    "experiment": experiment, "bench": bench, "gradcheck": gradcheck, "data": data, "learn": learn,
}  # fmt: skip
