"""Mistakes that people made elsewhere, each with what a diagnosis must say, written down before it was run.

Five folders hold them, one file for each theme. `collected` is what the search was written with. The other four were
set aside, one after the other, so that each tells how the search does with mistakes that it has never seen: that is the
count when the search first saw them, which `test_collected` notes. Afterwards, what it had missed was looked at. A
mistake is a function with the decorator `mistake`:

    @mistake("https://…, an issue", says=[("missing path", "var"), ("missing term", "dvar")], x=(7, 3), gamma=(3,))
    def batchnorm_with_a_constant_variance(x, gamma): …

`says` lists the answers that a reader would accept. Each is the kind of a cause, and words that its text or the line
that it quotes must contain.
"""

import dataclasses
import importlib.util
import pathlib
from collections.abc import Callable

import numpy as np

HERE = pathlib.Path(__file__).parent
FOLDERS = ("collected", "set_aside", "fresh", "unseen", "latest")


@dataclasses.dataclass
class Mistake:
    """A mistake.

    name      of the function
    source    where it was seen, and who makes it
    says      pairs (or longer tuples) of a kind and of words that the cause's text or its quoted line contains
    function  the wrong function: an operation (its value and its derivatives), or what an exercise asks for
    inputs    a dict from the names of its inputs to their shapes, or to functions of a generator
    exercise  the name of the exercise that it fails to solve; None for another function, which needs inputs
    options   keywords for the function
    """

    name: str
    source: str
    says: list
    function: Callable
    inputs: dict
    exercise: str | None = None
    options: dict = dataclasses.field(default_factory=dict)

    def draw(self, seed=0):
        """Return the inputs, a list of arrays: N(0, 1) for a shape, and whatever a function of a generator returns."""
        rng = np.random.default_rng([seed, len(self.name)])
        return [draw(rng) if callable(draw) else rng.standard_normal(draw) for draw in self.inputs.values()]


def mistake(source, says, exercise=None, options=None, **inputs):
    """Make a `Mistake` of a function."""
    return lambda f: Mistake(f.__name__, source, says, f, inputs, exercise, options or {})


def load(folder):
    """Return all mistakes of a folder, in the order of its files."""
    mistakes = []
    for path in sorted((HERE / folder).glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"{folder}_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        mistakes += [value for value in vars(module).values() if isinstance(value, Mistake)]
    return mistakes


# --- what the diagnosis says about a mistake --------------------------------------------------------------------------

KINDS = [  # words of the causes that come from numbers alone, and the kinds that they stand for
    ("upstream gradient dy is not used", ("dy not used",)),
    ("stands where", ("other array", "dy not used", "other function")),
    ("is missing, or a factor", ("missing factor", "extra factor")),
    ("the term", ("missing term", "wrong sign", "constant")),
    ("sign", ("wrong sign",)),
    ("is squared", ("power",)),
    ("the sum over", ("missing sum",)),
    ("the mean over", ("missing sum",)),
    ("as well", ("extra sum",)),
    ("transposed", ("transposed",)),
    ("a factor", ("missing factor", "extra factor", "sum or mean")),
    ("one factor", ("constant",)),
    ("is added", ("extra term",)),
    ("weight", ("constant", "missing factor", "extra factor")),
    ("shifted", ("moved",)),
    ("reversed", ("moved",)),
    ("nothing gets there", ("zero",)),
    ("ε", ("epsilon",)),
    ("is missing", ("missing factor", "missing sum", "missing term", "missing path", "one minus", "sequence")),
]


SAME = {  # kinds that have a name of their own only since most answers were written
    "condition": ("condition", "part", "sequence"), "place": ("place", "order", "sequence"),
    "argument": ("argument", "other function", "axis", "constant"),
}  # fmt: skip


def causes_of(finding):
    """Return what a finding names: pairs of kinds, and of the text with the lines that it quotes."""
    from npvae.diagnosis import source

    named = []
    for cause in finding.edits:
        quotes = " ".join(source.quoted(site) for site in cause.sites if site)
        named.append((SAME.get(cause.kind, (cause.kind,)), f"{finding.name} {cause.text} {quotes}"))
    for text in finding.causes:
        kinds = next((kinds for words, kinds in KINDS if words in text), ("other",))
        named.append((kinds, f"{finding.name} {text} {_in_code(text)}"))
    if "not finite" in finding.measured or not (finding.evidence or finding.edits):          # a fault, or a shape
        kinds = ("shape", "fault") if "shape" in finding.measured else ("fault", "sequence")
        kinds += ("part",) if "right for other inputs" in finding.measured else ()
        named.append((kinds, " ".join([finding.measured, *finding.causes])))
    if "only " in finding.measured:
        named.append((("part",), finding.measured))
    return named


def _in_code(text):
    """Return the names that code uses for the letters of a formula."""
    letters = {"ε": "eps", "σ²": "variance var", "σ": "sigma std logvar", "μ": "mu", "β": "beta"}
    return " ".join(name for letter, name in letters.items() if letter in text)


def judge(mistake, findings):
    """Return "passes", "right", "misleading" or "unnamed": what the findings say about a mistake."""
    if not findings:
        return "passes"
    named = [cause for finding in findings for cause in causes_of(finding)]
    for kind, *words in mistake.says:
        for kinds, text in named:
            if (kind in kinds or "other" in kinds) and all(word in text for word in words):
                return "right"
    return "misleading" if named else "unnamed"


def findings_of(mistake):
    """Return what the diagnosis finds in a mistake: a list of `Finding`, empty if it passes the check."""
    from npvae import gradcheck
    from npvae.diagnosis import diagnose

    if mistake.exercise is None:
        with np.errstate(all="ignore"):
            return diagnose(gradcheck(mistake.function, *mistake.draw(), name=mistake.name, **mistake.options)).findings
    from npvae.diagnosis.finding import Finding
    from npvae.learn import catalogue
    from npvae.learn.outcome import findings_about

    try:
        return findings_about(catalogue.find(mistake.exercise), mistake.function)[0]
    except Exception as error:                               # the screen shows the line and what Python says
        return [Finding(f"{type(error).__name__}: {error}")]
