"""A cause: one change of the author's source that makes every number right; what it costs, and which ones are shown.

Several changes may make the numbers right. The cost ranks them: the smaller, the more plausible. Every edit has a cost
that was chosen by hand, on this scale:

    1 to 1.3    the usual slip: a factor or a function too many, another sign, a sum in place of a mean
    1.4 to 1.6  a transposition, two things exchanged, another axis, a term or a line too many, a missing path
    1.7 to 1.9  another number, another index, a line elsewhere; half, twice, the inverse, or 1 − v in place of v
    2 to 2.4    what the edit must bring in: a factor, a sum, another array, another function
    2.5 to 2.8  what people rarely do: a term that nobody wrote, shifted elements
    5           a number without a name

Detours cost 0.1 to 0.8 more: an edit brings in an expression and not a variable, makes the same change at several
places, or changes the value in place of a derivative.
"""

from typing import NamedTuple

from . import source
from .finding import WIDTH
from .questions import QUESTIONS

SHOWN = 3  # causes
MARGIN = 0.9  # a cause that costs this much more than the cheapest is not shown beside it
QUOTED = 3  # lines for each cause


class Cause(NamedTuple):
    """A change of the source that makes every number right.

    kind         of the mistake, a key of `QUESTIONS`
    words        complete "Every number would be right …"
    sites        the places in the source; where there are several, the numbers cannot tell which
    cost         the smaller, the more plausible
    where        the end of the words, if they need one: "at `dy`"
    is_of_value  whether it changes the value, so that the derivatives belong to it
    """

    kind: str
    words: str
    sites: tuple
    cost: float
    where: str = ""
    is_of_value: bool = False

    @property
    def text(self):
        """All words of the cause."""
        ending = "in the value: your derivatives are right for that value" if self.is_of_value else ""
        return " ".join(filter(None, (self.words, self.where, ending)))

    @property
    def identity(self):
        """What a cause has in common with the same cause of another array."""
        return self.kind, self.text, self.sites[:1]

    @property
    def question(self):
        """The question that leads to the mistake."""
        return QUESTIONS[self.kind]

    def quoted_lines(self):
        """Return the lines of the source as a screen shows them, at most `QUOTED`; of a long line, the place in it."""
        lines = []
        for site in filter(None, self.sites):
            start = f"  line {site.line}"
            quote = source.quoted(site, WIDTH - len(f"{start}:  "))
            lines.append(f"{start}:  {quote}" if quote else start)
        return list(dict.fromkeys(lines))[:QUOTED]

    def quotes(self):
        """Return pairs of a line number and the text of the line, at most `QUOTED`."""
        return list(dict.fromkeys((site.line, source.quoted(site)) for site in self.sites if site))[:QUOTED]


def chosen(causes):
    """Return the cheapest causes, at most three. Those that differ only in the place become one, with all places."""
    merged = {}
    for cause in sorted(causes, key=lambda cause: cause.cost):
        change = cause.kind, cause.words, cause.is_of_value
        first = merged.setdefault(change, cause)
        merged[change] = first._replace(sites=tuple(dict.fromkeys((*first.sites, *cause.sites))))
    cheapest = min((cause.cost for cause in merged.values()), default=0)
    return [cause for cause in merged.values() if cause.cost <= cheapest + MARGIN][:SHOWN]
