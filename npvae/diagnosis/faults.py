"""The causes of each fault besides wrong numbers that `gradcheck` or the check of a value names, and a question."""

import enum

from ..autodiff.report import Fault
from .finding import Finding
from .questions import QUESTIONS


class ValueFault(enum.Enum):
    """What can be wrong with an array although its numbers are right, beyond what `gradcheck` looks for."""

    MADE_FLOAT64 = "it makes float64 from float32 inputs"
    NOT_FINITE = "it is not finite"


class ExerciseFault(enum.Enum):
    """What can be wrong with a function that is no operation."""

    SEQUENCE = "a call is missing, made twice, or made in the wrong order"


# Possible causes, and a question that points the way.
ADVICE = {
    Fault.RANDOM_VALUE: (
        [
            "the forward pass is random: it draws its own noise instead of taking it as an input",
            "it keeps something from one call to the next, and changes it",
        ],
        "Which line of the forward pass gives a different number each time?",
    ),
    Fault.RANDOM_GRADIENT: (
        [
            "the derivative draws its own noise: it needs that of the forward pass",
            "it changes an array that it kept",
        ],
        "What does this derivative need from the forward pass, and is it still there, unchanged?",
    ),
    Fault.OVERWRITTEN: (
        ["two derivatives write into one array: the second overwrites what the first returned"],
        "Which of your lines write into an existing array (out=, +=, *=, [...] =)?",
    ),
    Fault.VALUE: ([], "Which of your lines makes an array of another dtype: astype, dtype=, a comparison, //?"),
    Fault.NOT_FINITE: (
        ["an exponential overflows, or a logarithm, a root or a quotient gets a zero or a negative number"],
        "Which line gives NaN or infinity first, and what goes into it there?",
    ),
    Fault.ROUNDED: (
        ["an array on the way is float32: astype(np.float32), or an np.empty or np.zeros with dtype=np.float32"],
        "Which of your lines names a dtype?",
    ),
    Fault.INACCURATE: (
        [
            "the function bends so sharply at this input that finite differences cannot follow",
            "the value is so large beside its change that rounding hides the change",
        ],
        "With which inputs is every number on the way of order 1?",
    ),
    Fault.CHANGED_DY: (
        ["a line such as dy *= …: make a new array instead"],
        "Who else still needs dy after this derivative has run?",
    ),
    Fault.CHANGED_VALUE: (
        ["a line such as y *= … in a derivative: make a new array instead"],
        "Who else still needs y after this derivative has run?",
    ),
    Fault.CHANGED_INPUT: (
        ["a line such as x *= … or out=x: make a new array instead"],
        "Who else still needs this input after the operation has run?",
    ),
    Fault.SHARED_MEMORY: (
        ["the value is the input itself, or a view of it (a slice, a transpose, a reshape)"],
        "What happens to the value if somebody changes the input afterwards?",
    ),
    Fault.DTYPE: ([], "Which of your arrays or numbers has a different dtype from the inputs?"),
    Fault.NO_ARRAY: ([], "What does this derivative return, and what does the operation before it need?"),
    Fault.SHAPE: ([], QUESTIONS["shape"]),
    Fault.EMPTY: ([], "Which input would give the check something to compare?"),
    ExerciseFault.SEQUENCE: ([], "What does each of your calls need, and which call before it provides that?"),
    ValueFault.MADE_FLOAT64: (
        [
            "an array made by np.zeros, np.ones or np.empty without dtype=x.dtype is float64",
            "a NumPy number, such as np.log(2 * np.pi), is float64 and turns everything else into float64; float(…) "
            "around it prevents that",
        ],
        "Which of your arrays or numbers is float64, whatever the inputs are?",
    ),
    ValueFault.NOT_FINITE: (
        [
            "an exponential overflows: e⁸⁰⁰ is infinite",
            "something rounds to 0 (a probability, all weights of a sum), so that its logarithm is −∞, or 0/0 is NaN",
        ],
        "Which exponential or logarithm leaves the range of floating point there, and how can you rewrite the formula?",
    ),
}


def finding_of(name, sentence, fault=None):
    """Return the `Finding` for a fault of the array of this name; `sentence` says what was found.

    Without a fault, the question refers to the text of the exercise.
    """
    ask = "What does the text of the exercise ask for, and what does your function do instead?"
    causes, question = ADVICE.get(fault, ([], ask))
    return Finding(sentence.removesuffix("."), [*causes], question, name)
