"""The exhibits: a correct program, with one line replaced, and the tests that run on it.

The programs are real ones (by_hand.py, with_autodiff.py, importance_weighted.py). An exhibit is made from the program's
own source: written in another style, which computes the same, and with a defect planted at one of its places. Real
programs have shipped with each kind of defect. The student must find the defect, name it by its letter, and repair it.

A student's seed decides which exhibit has which defect, at which place, and in which style. In every museum, each
letter occurs once.
"""

import collections
import dataclasses
import textwrap
import types

import numpy as np

from ..answers import is_alike, is_right, right_answers
from ..exercise import Exercise, Prediction
from ..shuffle import shuffled
from . import battery, by_hand, importance_weighted, with_autodiff
from .by_hand_places import BY_HAND
from .importance_weighted_places import IMPORTANCE_WEIGHTED
from .style import plant, style_of
from .with_autodiff_places import WITH_AUTODIFF

DEFECTS = {
    "A": "the logarithm of the variance is mistaken for that of the standard deviation",
    "B": "the KL is averaged over the latent dimensions instead of summed",
    "C": "the sigmoid is applied twice",
    "D": "the derivative of ReLU is taken from the wrong array",
    "E": "the KL has the wrong sign",
    "F": "pixels are averaged in one place, and summed in another",
    "G": "the gradient also goes through weights that should be constants",
    "H": "the backward pass draws new noise",
    "I": "the program trains on the test set",
}

TESTS = {  # of each program: a name, and the test
    by_hand: {
        "gradients against finite differences": battery.gradients_by_hand,
        "loss against the engine's ELBO": battery.loss_by_hand,
    },
    with_autodiff: {
        "gradients against finite differences": battery.gradients,
        "moments of a million samples": battery.moments,
        "KL against a Monte Carlo estimate": battery.monte_carlo_kl,
        "probabilities of all images sum to 1": battery.sums_to_one,
        "a decoder can be certain": battery.certainty,
        "another test set, the same training": battery.unseen_test_set,
    },
    importance_weighted: {
        "value of the bound against the engine's": battery.bound_value,
        "gradients against the bound's finite differences": battery.gradient_of_the_bound,
    },
}


@dataclasses.dataclass(eq=False)
class Exhibit(Exercise):
    """A program with a defect.

    defect     its letter
    program    the source of the right program, in the style of the exhibit
    right      the line or lines of the program that were replaced
    wrong_line what replaces them
    lesson     what this kind of defect teaches, shown after the repair
    """

    defect: str = ""
    program: str = ""
    right: str = ""
    wrong_line: str = ""
    lesson: str = ""

    @property
    def tests(self):
        """The tests of its program: a dict from names to functions."""
        return TESTS[self.solution]

    def source(self, repaired=False):
        """Return the program's source without its docstring; with the defect, unless it is repaired."""
        return self.program if repaired else self.program.replace(self.right, self.wrong_line)

    def answers(self, program, seed=0):
        """Return the arrays that the tests ask for, and the letter in DEFECT as a code point."""
        found = {f"{name}: {key}": a for name, test in self.tests.items() for key, a in test.ask(program, seed).items()}
        return found | {"DEFECT": np.array(ord(named_defect(program) or " "))}

    def wrong_answers(self, answers, seed=0):
        right = right_answers(self, seed)
        wrong = [name for name in right if name not in answers or not is_alike(answers[name], right[name])]
        if wrong:
            return wrong
        for name, test in self.tests.items():
            found = {key.removeprefix(f"{name}: "): a for key, a in answers.items() if key.startswith(f"{name}: ")}
            is_exact = all(is_right(found[key], right[f"{name}: {key}"]) for key in test.exact)
            if test.judge(found, seed) or not is_exact:
                wrong.append(name)
        return wrong if answers["DEFECT"] == ord(self.defect) else [*wrong, "DEFECT"]

    def reference(self):
        """Return the repaired program, a module."""
        program = module_of(self.source(repaired=True))
        program.DEFECT = self.defect
        return program

    def run_tests(self, program, seed=0):
        """Return every test's sentence about the program, a module: a dict, with empty ones where nothing is wrong."""
        return {name: sentence_of(test, program, seed) for name, test in self.tests.items()}


def named_defect(program):
    """Return the letter that a program names as its defect; "" if it names none."""
    named = str(getattr(program, "DEFECT", "")).strip().upper()
    return named if named in DEFECTS else ""


def sentence_of(test, program, seed=0):
    """Return what a test says about the program, also where it returns something that cannot be tested."""
    try:
        return test(program, seed)
    except battery.Unusable as error:
        return error.args[0]


PROGRAMS = (BY_HAND, WITH_AUTODIFF, IMPORTANCE_WEIGHTED)
MOST = 4  # exhibits that are made from one program: there are as many styles of it without a common name
STANDARD = {  # without a seed, the letters of bug_1 to bug_9: the chapters send their readers to some of them
    "D": BY_HAND, "A": WITH_AUTODIFF, "B": WITH_AUTODIFF, "E": BY_HAND, "C": WITH_AUTODIFF, "F": BY_HAND,
    "G": IMPORTANCE_WEIGHTED, "H": BY_HAND, "I": WITH_AUTODIFF,
}  # fmt: skip


def places_of(letter):
    """Return all places for a defect: pairs of a `Program` and a `Place`."""
    return [(program, place) for program in PROGRAMS for place in program.places if place.defect == letter]


def chosen_places(seed):
    """Return where a seed plants each defect: a dict from letters, in the order of the exhibits, to one of its places.

    Defects that fit into few programs choose first, so that something is left for them.
    """
    if not seed:
        return {letter: next(pair for pair in places_of(letter) if pair[0] is at) for letter, at in STANDARD.items()}
    used, chosen = collections.Counter(), {}
    for letter in sorted(DEFECTS, key=lambda letter: len({program.title for program, _ in places_of(letter)})):
        pairs = shuffled(places_of(letter), seed, "place", letter)
        chosen[letter] = next((program, place) for program, place in pairs if used[program.title] < MOST)
        used[chosen[letter][0].title] += 1
    return {letter: chosen[letter] for letter in shuffled(DEFECTS, seed, "letters")}


def exhibits_of(seed=""):
    """Return the nine exhibits of a seed; without one, those of the standard museum."""
    used, exhibits = collections.Counter(), []
    for number, (program, place) in enumerate(chosen_places(seed).values(), start=1):
        exhibits.append(exhibit(number, program, place, seed, used[program.title]))
        used[program.title] += 1
    return exhibits


def exhibit(number, program, place, seed, style_number):
    """Return an `Exhibit` whose file says only that there is one defect."""
    kinds = "\n".join(f"    {letter}  {kind}" for letter, kind in DEFECTS.items())
    task = "It has one defect, of a kind that real programs have had. Find it, name it, and repair it:"
    end = (
        "Write its letter into DEFECT below, and repair the program so that all tests pass. Read the tests that "
        "fail, and also those that pass."
    )
    text = "\n\n".join([textwrap.fill(f"{program.title} {task}", 80), kinds, textwrap.fill(end, 80)])
    style = style_of(program, seed, style_number)
    way = shuffled(place.changes, seed, program.title, place.defect)[0]
    source, right, wrong = plant(program, style, place, way)
    made = Exhibit(
        name=f"bug_{number}",
        title=f"bug museum: {program.title[0].lower()}{program.title[1:].rstrip('.')}",
        solution=program.module,
        text=text,
        prediction=None,
        hints=[hint.format_map(style.names) for hint in place.hints],
        wrong={},
        defect=place.defect,
        program=source,
        right=right,
        wrong_line=wrong,
        lesson=place.lesson.format_map(style.names),
    )
    return dataclasses.replace(made, prediction=sees(made))


def sees(exhibit):
    """Return the prediction: does a check of its gradients see the defect of this exhibit? Index 0 is yes.

    A check sees a defect if the right program passes and the wrong one does not.
    """
    question = "Read the program. Does a check of its gradients against finite differences see the defect?"
    because = "A gradient check sees when a gradient does not belong to its loss. It cannot see when the loss is wrong."

    def measure():
        test = battery.own_gradient if exhibit.solution is importance_weighted else next(iter(exhibit.tests.values()))
        right, wrong = (test(module_of(exhibit.source(repaired))) for repaired in (True, False))
        return 0 if wrong and not right else 1

    return Prediction(question, ["yes", "no"], measure, because)


def module_of(source, name="program"):
    """Return a module made from its source."""
    module = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
    return module


EXHIBITS = exhibits_of()
