"""How often a diagnosis is right: plant mistakes in all exercises, many times, and count what the diagnosis names."""

import dataclasses

import numpy as np
from tqdm import tqdm

from ..diagnosis.diagnose import find
from ..diagnosis.faults import finding_of
from ..learn.exercise import Unfit
from ..learn.exercises import ALL
from ..learn.museum.exhibits import Exhibit
from .experiment import table
from .planted import KINDS, is_wrong, nothing_simple

ROUNDS, UNEXPLAINED = 200, 500  # each round draws all inputs anew
EXERCISES = [exercise for exercise in ALL if not isinstance(exercise, Exhibit)]


@dataclasses.dataclass
class Count:
    """What became of the mistakes of one kind."""

    planted: int = 0
    caught: int = 0
    right: int = 0
    wrong: int = 0

    def add(self, findings, cause):
        """Count one mistake: its findings, and what each must contain (or a tuple, any of which will do)."""
        self.planted += 1
        self.caught += bool(findings)
        explained = [finding for finding in findings if finding.causes]
        words = cause if isinstance(cause, tuple) else (cause,)
        said = [any(w in " ".join([f.measured, *f.causes]) for w in words) for f in explained]
        self.right += bool(said) and all(said)
        self.wrong += bool(said) and not all(said)

    def row(self, kind):
        """Return a row of the table."""
        return [kind, self.planted, self.caught, self.right, self.wrong, self.caught - self.right - self.wrong]


def diagnosis(folder, rounds, unexplained):
    """Return the table: each kind of mistake, once in each round in every exercise to which it applies."""
    counts = {kind: Count() for kind in KINDS} | {"each exercise's own": Count()}
    claims = 0
    for seed in tqdm(range(rounds), unit="round", disable=None):
        for exercise in EXERCISES:
            arrays = right_arrays(exercise, seed)
            rng = np.random.default_rng([seed, 1])
            for kind, plant in KINDS.items():
                planted(counts[kind], plant, arrays, rng)
            for name, wrong in exercise.wrong.items():
                counts["each exercise's own"].add(
                    findings_of(exercise, exercise.wrong_version(name), seed), wrong.cause
                )
    for seed in tqdm(range(unexplained), unit="array", disable=None):
        exercise = EXERCISES[seed % len(EXERCISES)]
        arrays, rng = right_arrays(exercise, seed), np.random.default_rng([seed, 2])
        several = list(arrays.values())[rng.integers(len(arrays))]
        finding = _finding(several, nothing_simple(several, rng))
        claims += bool(finding and finding.causes)
    header = ["mistake", "planted", "caught", "rightly diagnosed", "wrongly diagnosed", "undiagnosed"]
    lines = table(header, [count.row(kind) for kind, count in counts.items()])
    return [*lines, "", f"{unexplained} wrong arrays with no simple cause: it claimed something about {claims}."]


def right_arrays(exercise, seed):
    """Return the draws of each array of a solved exercise: a dict from its name to `Comparison`s."""
    arrays = {}
    for c in exercise.comparisons(exercise.reference(), seed):
        arrays.setdefault(c.name, []).append(c)
    return arrays


def planted(count, plant, arrays, rng):
    """Plant a mistake of one kind in a random array to which it applies, and count it."""
    for name in rng.permutation(list(arrays)):
        made = plant(arrays[name], rng)
        if made is not None and is_wrong(arrays[name], made[0]):
            finding = _finding(arrays[name], made[0])
            count.add([finding] if finding else [], made[1])
            return


def _finding(several, found):
    wrong = [dataclasses.replace(c, found=a) for c, a in zip(several, found)]
    return find(wrong) if any(not c.ok for c in wrong) else None


def findings_of(exercise, f, seed):
    """Return what an exercise's check finds in a wrong version; an array that cannot be compared is one finding."""
    arrays = {}
    try:
        for c in exercise.comparisons(f, seed):
            arrays.setdefault(c.name, []).append(c)
    except Unfit as error:
        finding = finding_of(*error.args)
        return [dataclasses.replace(finding, causes=finding.causes or [finding.measured])]
    return [find(several) for several in arrays.values() if any(not c.ok for c in several)]
