"""A finding: what is wrong with one array, as lines for a student to read."""

import dataclasses
import textwrap

from . import source

WIDTH = 80
VAGUE = "yours is what a simple mistake gives"


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is wrong with one array.

    measured     what is certain, in one sentence; empty if no simple mistake explains the numbers
    causes       the mistakes that give exactly these numbers; if there are several, the numbers cannot tell which
    question     that leads to the mistake
    name         of the array
    evidence     sentences about the numbers that were compared, before any inference
    edits        the changes of the author's own lines that make every number right: `Cause`s of the search
    is_certain   whether there is nothing to search for: at a kink, or where a number is not finite
    """

    measured: str = ""
    causes: list = dataclasses.field(default_factory=list)
    question: str = ""
    name: str = ""
    evidence: tuple = ()
    edits: list = dataclasses.field(default_factory=list)
    is_certain: bool = False

    @property
    def label(self):
        """The mistake in a few words, the same for everybody who makes it."""
        kinds = [edit.kind for edit in self.edits]
        said = [*self.causes, *kinds] or [self.measured or "no simple mistake"]
        return f"{self.name}: {said[0]}"

    def lines(self):
        """Return the evidence, then the inference, then the question, in lines of at most 80 columns."""
        first, later = (f"  {self.name}  " if self.name else "  "), " " * (len(self.name) + 4)
        lines = [wrap(sentence, later if i else first) for i, sentence in enumerate(self.evidence)]
        if not self.measured and not self.edits:
            return [*lines, wrap("No simple mistake gives these numbers, so there is no guess.", "  ")]
        if self.evidence:
            lines.append("")
        if self.measured and not (self.edits and self.measured.startswith(VAGUE)):
            measured = self.measured[:1].upper() + self.measured[1:]
            lines.append(wrap(f"{measured}.", "  " if self.evidence else first))
        if self.edits:
            several = "Every number would be right in any of these cases (the numbers cannot tell which):"
            lines.append(wrap(several if len(self.edits) > 1 else "Every number would be right:", "  "))
            quoted = None
            for edit in self.edits:
                if edit.quoted_lines() != quoted:
                    lines += edit.quoted_lines()
                quoted = edit.quoted_lines()
                lines.append(wrap(source.in_plain_words(edit.text), "  · "))
        elif self.causes:
            several = "Mistakes that give these numbers (they cannot tell which):"
            of_numbers = several if len(self.causes) > 1 else "The mistake:"
            lines.append(f"  {of_numbers if self.evidence else 'What can cause this:'}")
            lines += [wrap(cause, "  · ") for cause in self.causes]
        return [*lines, "", wrap(self.question, "  ? ")]


def wrap(text, indent):
    """Return text in lines of at most 80 columns; `indent` starts the first line, and blanks the others."""
    later = " " * len(indent)
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )
