"""What can cause each fault that `gradcheck`, or the check of a value, names besides wrong numbers; and what to ask."""

import enum

from ..autodiff.gradcheck import Fault
from .finding import Finding


class ValueFault(enum.Enum):
    """What can be wrong with an array although its numbers are right, beyond what `gradcheck` looks for."""

    MADE_FLOAT64 = "of float32 inputs it makes float64"
    NOT_FINITE = "it is not finite"


# Possible causes, and a question that leads on.
ADVICE = {
    Fault.RANDOM_VALUE: (
        [
            "the forward pass is random: it draws noise of its own, instead of taking it as an input",
            "it keeps something from one call to the next, and changes it",
        ],
        "Which line of the forward pass gives another number each time?",
    ),
    Fault.RANDOM_GRADIENT: (
        [
            "the derivative draws noise of its own: it needs that of the forward pass",
            "it changes an array that it kept",
        ],
        "What does this derivative need from the forward pass, and is it still there, unchanged?",
    ),
    Fault.OVERWRITTEN: (
        ["two derivatives write into one array: the second overwrites what the first returned"],
        "Which of your lines write into an existing array (out=, +=, *=, [...] =)?",
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
    Fault.DTYPE: ([], "Which of your arrays or numbers has another dtype than the inputs?"),
    Fault.NO_ARRAY: ([], "What does this derivative return, and what does the next operation back need?"),
    Fault.SHAPE: ([], "What shape has each array on the way, and over what is each sum?"),
    Fault.EMPTY: ([], "Which input would have something to compare?"),
    ValueFault.MADE_FLOAT64: (
        [
            "an array made by np.zeros, np.ones or np.empty has no dtype=x.dtype, and is float64",
            "a NumPy number, such as np.log(2 * np.pi), is float64 and turns everything else into float64; float(…) of "
            "it does not",
        ],
        "Which of your arrays or numbers is float64, whatever the inputs are?",
    ),
    ValueFault.NOT_FINITE: (
        [
            "an exponential overflows: e⁸⁰⁰ is infinite",
            "something rounds to 0 (a probability, all weights of a sum), so that its logarithm is −∞, or 0/0 is NaN",
        ],
        "Which exponential or logarithm leaves the range of numbers there, and how can you rewrite the formula?",
    ),
}


def finding_of(name, sentence, fault=None):
    """Return the `Finding` for a fault of the array of this name; `sentence` says what was found.

    Without a fault, the exercise's own text is all that can be asked about.
    """
    ask = "What does the text of the exercise ask for, and what does your function do?"
    causes, question = ADVICE.get(fault, ([], ask))
    return Finding(sentence, [*causes], question, name)
