"""A diagnosis: what a check found, what explains it, and a question that leads on.

    >>> print(diagnose(gradcheck(f, x, W, b)))

The report of `gradcheck` says that a derivative is wrong. From the numbers in it (the derivative, the finite
differences, the inputs, the upstream gradient and the value) `diagnose` infers what is wrong, if it is one of the
simple mistakes; if it is not, it says where, and does not guess.
"""

import dataclasses
import re
import textwrap

import numpy as np

from ..autodiff.gradcheck import numeric_gradient
from .comparison import Comparison
from .explain import QUESTIONS, Finding, explain, number

WIDTH = 80

# What the remarks of `gradcheck` and of the exercises mean: words in them, possible causes, and a question.
REMARKS = {
    "gave different values": (
        [
            "the forward pass is random: it draws noise of its own, instead of taking it as an input",
            "it keeps something from one call to the next, and changes it",
        ],
        "Which line of the forward pass gives another number each time?",
    ),
    "gave different arrays": (
        [
            "the derivative draws noise of its own: it needs that of the forward pass",
            "it changes an array that it kept",
        ],
        "What does this derivative need from the forward pass, and is it still there, unchanged?",
    ),
    "uses its memory": (
        ["two derivatives write into one array: the second overwrites what the first returned"],
        "Which of your lines write into an array that is already there (out=, +=, *=, [...] =)?",
    ),
    "changed dy in place": (
        ["a line such as dy *= …: make a new array instead"],
        "Who else still needs dy after this derivative has run?",
    ),
    "changed the operation's value": (
        ["a line such as y *= … in a derivative: make a new array instead"],
        "Who else still needs y after this derivative has run?",
    ),
    "changed this input": (
        ["a line such as x *= … or out=x: make a new array instead"],
        "Who else still needs this input after the operation has run?",
    ),
    "but of float32 inputs": (
        [
            "an array made by np.zeros, np.ones or np.empty has no dtype=x.dtype, and is float64",
            "a NumPy number, such as np.log(2 * np.pi), is float64 and makes all else so; float(…) of it does not",
        ],
        "Which of your arrays or numbers is float64, whatever the inputs are?",
    ),
    "is not finite": (
        [
            "an exponential overflows: e⁸⁰⁰ is infinite",
            "something rounds to 0 (a probability, all weights of a sum), and its logarithm is −∞, or 0/0 no number",
        ],
        "Which exponential or logarithm leaves the range of numbers there, and how can the formula be rewritten?",
    ),
    "shares its memory": (
        ["the value is the input itself, or a view of it (a slice, a transpose, a reshape)"],
        "What happens to the value if somebody changes the input afterwards?",
    ),
}


@dataclasses.dataclass
class Complaint:
    """What is wrong with one array.

    name       of the array
    numbers    sentences with what was measured
    finding    what explains it, a `Finding`, or None
    """

    name: str
    numbers: list
    finding: Finding | None

    def lines(self):
        """The numbers, then the inference, then the question, in lines of at most 80 columns."""
        lines = [
            wrap(sentence, f"  {self.name}  " if i == 0 else " " * (len(self.name) + 4))
            for i, sentence in enumerate(self.numbers)
        ]
        if self.finding is None:
            lines.append(wrap("No simple mistake gives these numbers, and there is no guess.", "  "))
            return lines
        several = len(self.finding.causes) > 1
        if self.numbers:
            lines += ["", wrap(f"{_capital(self.finding.measured)}.", "  ")]
        else:
            lines.append(wrap(f"{_capital(self.finding.measured)}.", f"  {self.name}  " if self.name else "  "))
        if self.finding.causes:
            one_or_more = "Mistakes that give these numbers (they cannot tell which):" if several else "The mistake:"
            lines.append(f"  {one_or_more if self.numbers else 'What can cause this:'}")
            lines += [wrap(cause, "  · ") for cause in self.finding.causes]
        lines += ["", wrap(self.finding.question, "  ? ")]
        return lines


class Diagnosis:
    """All that is wrong in one check: `print` it to read it.

    name         of what was checked
    complaints   one `Complaint` for each array that is wrong; none, if all is well
    """

    def __init__(self, name, complaints):
        self.name, self.complaints = name, complaints

    def __str__(self):
        if not self.complaints:
            return f"{self.name}: nothing is wrong"
        return "\n".join([f"{self.name}:", *"\n\n".join("\n".join(c.lines()) for c in self.complaints).split("\n")])


def diagnose(report):
    """The `Diagnosis` of a `gradcheck` report."""
    complaints = []
    for row in report.rows:
        if row.error <= report.limit:
            continue
        if row.gradient is None or row.numeric_gradient is None or ("shape" not in row.remark and row.remark):
            complaints.append(remark(f"d{row.name}" if row.name not in ("y", "dy") else row.name, row.remark))
        else:
            complaint = complain([comparison(f"d{row.name}", row, report.known)], row.kinks)
            complaints.append(complaint if "x" in report.known else _with_its_name(complaint, row.name))
    return Diagnosis(report.name, complaints)


def comparison(name, row, known, **more):
    """The `Comparison` of this name for one row of a report; `more` are other arguments of Comparison."""
    can_be_taken_anew = row.value is not None and np.shape(known["dy"]) == np.shape(row.value())
    by_dy = (lambda dy: numeric_gradient(row.value, row.x, dy)) if can_be_taken_anew else None
    if "formula" not in more:
        more |= _elementwise(known, row)
    more = {"numbers": _sizes(known), "known": known} | more
    return Comparison(name, row.gradient, row.numeric_gradient, by_dy=by_dy, **more)


def _with_its_name(complaint, name):
    """The complaint, where what is called x in the usual formulas has its own name."""
    if complaint.finding is not None:
        complaint.finding.causes = [re.sub(r"\bx\b", name, cause) for cause in complaint.finding.causes]
    return complaint


def _sizes(known):
    """The lengths of all axes: {"x.shape[1] or W.shape[0]": 5, …}."""
    names = {}
    for name, array in known.items():
        for axis, n in enumerate(np.shape(array)):
            if n > 1 and name not in ("y", "dy"):
                names.setdefault(n, []).append(f"{name}.shape[{axis}]")
    return {" or ".join(several): n for n, several in names.items()}


ELEMENTWISE = [
    lambda dy, y: dy * y,
    lambda dy, x: dy * x,
    lambda dy, y_slope: dy * y_slope,
    lambda dy, tanh_slope: dy * tanh_slope,
    lambda dy, positive: dy * positive,
    lambda dy, sigmoid: dy * sigmoid,
    lambda dy, exponential: dy * exponential,
]


def _elementwise(known, row):
    """Known arrays and a formula for an elementwise operation whose slope is one of the usual ones; or nothing."""
    inputs = [name for name in known if name not in ("y", "dy")]
    if len(inputs) != 1 or np.shape(known["y"]) != row.shape:
        return {}
    x, y = known[inputs[0]], known["y"]
    with np.errstate(all="ignore"):
        known = known | {
            "x": x,
            "y_slope": y * (1 - y),
            "x_slope": x * (1 - x),
            "tanh_slope": 1 - y * y,
            "positive": x > 0,
            "sigmoid": 1 / (1 + np.exp(-x)),
            "exponential": np.exp(x),
        }
    for slope in ELEMENTWISE:
        candidate = Comparison("", row.numeric_gradient, row.numeric_gradient, known, {"": slope})
        if (np.abs(candidate.evaluate()[""] - candidate.expected) < 1e-8).all():
            return {"known": known, "formula": {"": slope}}
    return {"known": known}


def remark(name, sentence):
    """The `Complaint` about something that is wrong before any number is compared."""
    for words, (causes, question) in REMARKS.items():
        if words in sentence:
            return Complaint(name, [], Finding(sentence, causes, question))
    return Complaint(
        name, [], Finding(sentence, [], "What does the text of the exercise ask for, and what does your function do?")
    )


def complain(comparisons, kinks=None):
    """The `Complaint` about one array from its draws, of which at least one is wrong."""
    c = next(c for c in comparisons if not c.ok)
    if c.found.shape != c.expected.shape:
        return Complaint(c.name, [], explain(comparisons))
    error, wrong = c.error, c.wrong
    i = tuple(map(int, np.unravel_index(np.argmax(error), error.shape)))
    where = f"({', '.join(map(str, i))})" if i else "here"
    several = f", in the first of {len(comparisons)} draws" if len(comparisons) > 1 else ""
    numbers = [
        f"is wrong in {_of(wrong)}{several}.",
        f"At {where}: yours {number(c.found[i])}, right {number(c.expected[i])}.",
    ]
    if kinks is not None and (kinks[wrong]).all():
        measured = "these are kinks: the slopes to the left and to the right differ"
        return Complaint(c.name, numbers, Finding(measured, ["no mistake: there is no derivative"], QUESTIONS["part"]))
    return Complaint(c.name, numbers, explain(comparisons))


def _of(wrong):
    """How many elements are wrong, and if they are few, which."""
    if wrong.size == 1:
        return "its one element"
    if not wrong.all() and wrong.sum() <= 4:
        places = ", ".join(str(tuple(map(int, i))).replace(",)", ")") for i in np.argwhere(wrong))
        return f"{wrong.sum()} of {wrong.size} elements: {places}"
    return f"all {wrong.size} elements" if wrong.all() else f"{wrong.sum()} of {wrong.size} elements"


def wrap(text, indent):
    """Text in lines of at most 80 columns, the first one after `indent`."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=" " * len(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _capital(text):
    return text[:1].upper() + text[1:]
