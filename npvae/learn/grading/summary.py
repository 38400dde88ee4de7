"""The statistics of a class as a figure: progress on each exercise, frequent mistakes, and hints seen."""

import collections

from ...figures import plots
from ..outcome import BLANK, BROKEN, PASSED, WRONG
from .marking import MISSING

COLORS = {PASSED: "#4c9f70", WRONG: "#e08e45", BROKEN: "#c05555", BLANK: "#9a9a9a", MISSING: "#e8e8e8"}
MOST_MISTAKES = 20  # in the list
LONGEST = 72  # characters of a row in that list


def statuses(graded, names):
    """Return how many students have each status in each exercise: a dict of dicts."""
    counts = {name: dict.fromkeys(COLORS, 0) for name in names}
    for _, marks in graded:
        for name in names:
            counts[name][marks[name].status if name in marks else MISSING] += 1
    return counts


def mistakes(graded, names):
    """Return the mistakes that two or more students make: a list of pairs ((exercise, label), number of students)."""
    found = collections.Counter()
    for _, marks in graded:
        for name in names:
            found.update({(name, words) for words in (marks[name].mistakes if name in marks else ())})
    return [(mistake, count) for mistake, count in found.most_common(MOST_MISTAKES) if count > 1]


def mean_hints(graded, names):
    """Return the mean number of hints seen by the students who handed in each exercise: a dict."""
    seen = {name: [s.hints.get(name, 0) for s, marks in graded if name in marks] for name in names}
    return {name: sum(hints) / len(hints) if hints else 0.0 for name, hints in seen.items()}


def figure(graded, names):
    """Return the figure of a class. For `graded`, see `tables.screen`; `names` are those of the exercises."""
    listed = mistakes(graded, names)
    made = plots.new_figure(13, 1.6 + 0.26 * max(len(names), len(listed)))
    left, middle, right = made.subplots(1, 3, width_ratios=[3, 1, 3])
    _draw_statuses(left, statuses(graded, names), len(graded))
    hints = mean_hints(graded, names)
    middle.barh(names, hints.values(), color="#6b8fb5")
    middle.set_xlim(0, max([1.0, *hints.values()]) * 1.05)
    middle.set_xlabel("hints seen, mean")
    middle.tick_params(labelleft=False)
    for axes in (left, middle):
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.spines[["top", "right"]].set_visible(False)
    _draw_mistakes(right, listed)
    return made


def _draw_statuses(axes, counts, students):
    """Draw a bar for each exercise, one part for each status."""
    begun = dict.fromkeys(counts, 0)
    for status, color in COLORS.items():
        widths = [counts[name][status] for name in counts]
        axes.barh([*counts], widths, left=[*begun.values()], color=color, label=status, edgecolor="white")
        begun = {name: begun[name] + counts[name][status] for name in counts}
    axes.set_xlim(0, max(students, 1))
    axes.set_xlabel(f"students, of {students}")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=9)


def _draw_mistakes(axes, listed):
    """Write the most frequent mistakes, each over a bar whose length is the number of students who make it."""
    axes.set_title("the most frequent mistakes, and how many make them", fontsize=10, loc="left")
    most = max((count for _, count in listed), default=1)
    axes.barh(range(len(listed)), [count for _, count in listed], color="#f3d9bf")
    for row, ((name, words), count) in enumerate(listed):
        words = f"{count}  {name}, {words}"
        words = words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
        axes.text(0.02 * most, row, words, va="center", fontsize=9, parse_math=False)
    if not listed:
        axes.text(0, 0.5, "none that two students make", va="center", fontsize=9)
    axes.set_xlim(0, most)
    axes.set_ylim(max(len(listed), 1) - 0.5, -0.5)
    axes.axis("off")
