"""The training loop: minibatches, progress, history, validation, checkpoints. It knows no model by name.

The loop asks a model for two things: `loss(x, rng, step, rows)`, which returns a Tensor to minimise and a dict of its
parts, and `posteriors(x)`, to warn about them (see models/base.py). One step (`training_step`) is

    objective, parts = model.loss(x[rows], rng, step, rows);   objective.backward();   optimizer.step()

With labels, the model is `model.given(y[rows])`.

`Training.state` holds everything that the next step depends on: the parameters, the optimiser's accumulators, the order
of the minibatches, and the state of the random generator. So an interrupted run ends with the same bits as one that was
not interrupted.
"""

import contextlib
import math
import signal
import textwrap

import numpy as np
from tqdm import tqdm

from ..arguments import generator
from ..autodiff import trap_nonfinite
from ..datasets import Minibatches
from ..errors import UserError
from .evaluation import mean_loss
from .warnings import cure_for_infinity, warnings_about

WARNING_EXAMPLES = 500
VALIDATION_SEED = 0  # the same noise at every validation, so that losses differ only because the model does


def training_step(model, optimizer, x, rng, step=math.inf, rows=None):
    """Forward, backward, update, on the minibatch x (N, D): return the objective, a float, and the parts of the loss.

    step, rows   as for `model.loss`
    """
    objective, parts = model.loss(x, rng, step, rows)
    optimizer.zero_grad()
    objective.backward()
    optimizer.step()
    return float(objective), parts


class Diverged(UserError):
    """The loss, or a number that training keeps, is no longer finite."""


class Training:
    """Training that can be stopped and continued at any step.

    model          a `LatentModel`
    optimizer      of the model's parameters
    x              the training set, an array (N, D)
    batch_size     examples in a minibatch
    rng            the numpy Generator (or its seed) for the order of the minibatches and for the noise
    x_validation   a validation set (M, D), or None
    patience       stop early after this many validations without a new best, and return to the best parameters; None to
                   take all steps
    transform      transform(x, rng) returns what the model sees of a minibatch x; None for x itself
    y              the labels of the training set (N,), for a model that needs them; or None
    y_validation   those of the validation set (M,)

    step           the number of steps taken
    saved_step     the step of the last save (or load), None before the first
    history        one tuple for each step: the parts that `loss` returned, in the order of `columns`
    validations    pairs of step and validation loss
    """

    def __init__(
        self, model, optimizer, x, batch_size, rng, x_validation=None, patience=None, transform=None,
        y=None, y_validation=None,
    ):  # fmt: skip
        self.model, self.optimizer, self.x, self.rng = model, optimizer, x, generator(rng)
        self.x_validation, self.patience, self.transform = x_validation, patience, transform
        self.y, self.y_validation = y, y_validation
        self.batches = Minibatches(len(x), batch_size, self.rng)
        self.step = 0
        self.columns = []
        self.history = []
        self.validations = []
        self.best = {}  # the model's state dict at the best validation
        self._last_saved = None  # what `state` returned at the last save
        self._warnings = {}  # those found last time

    def run(self, steps, save=lambda arrays, settings: None, every=500, look=None):
        """Train until `steps` steps have been taken in all, or until the early stop.

        save    called at the start, every `every` steps, and at the end, with what `state` returns
        every   the number of steps between two lines of the log, two validations, and two checkpoints
        look    called after each step, with the number of steps taken; None for nothing

        Validations come only at multiples of `every`, so a step does not depend on where earlier calls ended. On Ctrl-C
        or SIGTERM, finishes the step, saves, and raises KeyboardInterrupt. Raises Diverged, a UserError, if the loss, a
        parameter or an array of the optimiser becomes NaN or infinite: it names the operation where that began, and the
        last checkpoint is still good.
        """
        with interruptible() as interrupted, tqdm(total=steps, initial=self.step, unit="step", disable=None) as bar:
            if self.step == 0:
                self._save(save)
            elif self._last_saved is None:
                self._last_saved = self.state()
            while self.step < steps and not self.is_stopped_early():
                self.take_step()
                if look is not None:
                    look(self.step)
                bar.update()
                if self.step % every == 0 or self.step in (1, steps):
                    self._log(every)
                if self.step % every == 0:
                    self._validate()
                    self._warn()
                stop = interrupted()
                if self.step % every == 0 or self.step == steps or stop:
                    self._save(save)
                if stop:
                    raise KeyboardInterrupt
            if self.is_stopped_early():
                tqdm.write(f"early stop: {self.patience} validations without a new best one; back to the best one")
                self.model.load_state_dict(self.best)
                self._save(save)

    def take_step(self):
        """Take one step, on the next minibatch, and add its parts to the history."""
        rows = next(self.batches)
        x = self.x[rows] if self.transform is None else self.transform(self.x[rows], self.rng)
        self.model.train()
        with np.errstate(all="ignore"):  # the lines below check the loss instead
            model = self._given(rows)
            objective, parts = training_step(model, self.optimizer, x, self.rng, self.step, rows)
        for name, value in {"loss": parts["loss"], "objective": objective}.items():
            if not np.isfinite(value):
                raise self._explain(f"the {name} became {value} in step {self.step + 1}", self.step + 1)
        self.step += 1
        self.columns = list(parts)
        self.history.append(tuple(parts.values()))

    def _given(self, rows):
        """Return the model, given the labels of these examples of the training set, if there are labels."""
        return self.model if self.y is None else self.model.given(self.y[rows])

    @property
    def saved_step(self):
        """The step of the last save, or None."""
        return None if self._last_saved is None else self._last_saved[1]["step"]

    def is_stopped_early(self):
        """Return whether none of the last `patience` validations was a new best one."""
        losses = [loss for _, loss in self.validations]
        return bool(self.patience and losses and len(losses) - 1 - int(np.argmin(losses)) >= self.patience)

    def _log(self, every):
        """Print a line with the means over the steps since the last line."""
        since = len(self.history) - 1 if self.step == 1 else max(0, (self.step - 1) // every * every)
        means = np.mean(self.history[since:], axis=0)
        tqdm.write(f"step {self.step:6}  " + "  ".join(f"{n} {v:8.2f}" for n, v in zip(self.columns, means)))

    def _validate(self):
        if self.x_validation is None:
            return
        loss = mean_loss(self.model, self.x_validation, VALIDATION_SEED, self.y_validation)["loss"]
        if not np.isfinite(loss):
            raise self._explain(f"the validation loss became {loss} after step {self.step}", self.step)
        if all(loss < other for _, other in self.validations):
            self.best = self.model.state_dict()
        self.validations.append((self.step, loss))
        tqdm.write(f"step {self.step:6}  validation loss {loss:8.2f}")

    def _warn(self):
        """Print each warning about the model when it first applies."""
        probe = self.x[:WARNING_EXAMPLES]
        if self.transform is not None:
            probe = self.transform(probe, np.random.default_rng(VALIDATION_SEED))
        found = warnings_about(self._given(slice(WARNING_EXAMPLES)), probe, self.step)
        for name in found.keys() - self._warnings.keys():
            tqdm.write(textwrap.fill(f"step {self.step:6}  {found[name]}", 80, subsequent_indent=" " * 13))
        self._warnings = found

    # --- checkpoints, and the search for the first NaN or infinity ----------------------------------------------------

    def _save(self, save):
        spoilt = self._spoilt()
        if spoilt:
            raise self._explain(f"{spoilt} is no longer finite after step {self.step}", self.step)
        arrays, settings = self.state()
        save(arrays, settings)
        self._last_saved = arrays, settings

    def _spoilt(self):
        """Return what holds NaN or infinity first, in words: a parameter, a buffer, an array of the optimiser; or None.

        An infinite mean square of the gradient makes no number of the model infinite: its parameter just stands still.
        """
        names = {p: name for name, p in self.model.named_parameters()}
        held = {f"the parameter {name}": a for name, a in self.model.state_dict().items()}
        for kind, arrays in self.optimizer.state.items():
            held |= {f"the optimiser's {kind} of {names[p]}": a for p, a in zip(self.optimizer.parameters, arrays)}
        return next((what for what, a in held.items() if not np.isfinite(a).all()), None)

    def _explain(self, what, step):
        """Return an error that says `what` went wrong, and which operation gave the first NaN or infinity.

        The loss shows it late, when the parameters may already be spoilt. So return to the last checkpoint, and repeat
        the same steps, up to this one, while `trap_nonfinite` watches every operation.
        """
        if self._last_saved is None:
            return Diverged(what)
        first = "which did not happen again when the steps since the last checkpoint were repeated"
        saved = self._last_saved
        self.load_state(*saved)
        self._last_saved = None  # so that an error in the repetition is not explained again
        try:
            with trap_nonfinite():
                while self.step < step:
                    self.take_step()
                    spoilt = self._spoilt()
                    if spoilt:
                        raise FloatingPointError(f"the optimiser's update gave the first NaN or infinity, in {spoilt}")
        except FloatingPointError as error:
            first = f"in step {self.step + 1}, {error}"
        except UserError:
            first = f"in step {self.step + 1}, outside of all operations"
        failed = self.step + 1
        self.load_state(*saved)
        with np.errstate(all="ignore"):  # the mean of numbers that are nearly too large is infinite
            cure = cure_for_infinity(self.x, failed)
        return Diverged(f"{what}: {first}; what was saved after step {self.step} is good and was kept: {cure}")

    def state(self):
        """Return (arrays, settings): everything that the rest of the run depends on, for a checkpoint."""
        parts = {"model": self.model, "optimizer": self.optimizer, "batches": self.batches}
        arrays = {f"{part}/{name}": a for part, owner in parts.items() for name, a in owner.state_dict().items()}
        arrays |= {f"best/{name}": a for name, a in self.best.items()}
        arrays["history"] = np.array(self.history, dtype=np.float64)
        settings = {
            "step": self.step,
            "columns": self.columns,
            "validations": list(self.validations),
            "rng": self.rng.bit_generator.state,
        }
        return arrays, settings

    def load_state(self, arrays, settings):
        """Restore what `state` returned. Raises UserError if it belongs to another network."""
        self.model.load_state_dict(part_of(arrays, "model"))
        self.optimizer.load_state_dict(part_of(arrays, "optimizer"))
        self.batches.load_state_dict(part_of(arrays, "batches"))
        self.best = part_of(arrays, "best")
        self.history = [tuple(parts) for parts in arrays["history"].tolist()]
        self.step, self.columns = settings["step"], settings["columns"]
        self.validations = [tuple(pair) for pair in settings["validations"]]
        self.rng.bit_generator.state = settings["rng"]
        self._last_saved = arrays, settings


class ClosedForm:
    """The `Training` of a model that `fit` computes in closed form: the same interface, without steps.

    model   a `LatentModel` with `fit`
    x       the training set, an array (N, D)
    """

    step, saved_step, columns, history, validations = 0, None, (), (), ()

    def __init__(self, model, x):
        self.model, self.x = model, x

    def run(self, steps=0, save=lambda arrays, settings: None, look=None):
        """Compute the model, and save it; there are no steps to look at."""
        with np.errstate(all="ignore"):  # `evaluate` checks the result
            self.model.fit(self.x)
        save(*self.state())

    def state(self):
        """Return (arrays, settings), as `Training.state` does."""
        return {f"model/{name}": a for name, a in self.model.state_dict().items()}, {"step": 0}

    def load_state(self, arrays, settings):
        """Restore what `state` returned."""
        self.model.load_state_dict(part_of(arrays, "model"))


def part_of(arrays, part):
    """Return the arrays of one part of a checkpoint, under their own names: "model/mu.W" is "mu.W" of "model"."""
    return {name.removeprefix(f"{part}/"): a for name, a in arrays.items() if name.startswith(f"{part}/")}


@contextlib.contextmanager
def interruptible():
    """Yield a function that tells whether Ctrl-C or SIGTERM has arrived. In this context, the first does nothing else.

    An exception in the middle of a step would leave half of the parameters updated. A second Ctrl-C does not wait.
    """
    received = []

    def note(number, frame):
        received.append(number)
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    try:
        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # only the main thread may handle signals; in any other, Ctrl-C never arrives
        before = {}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
