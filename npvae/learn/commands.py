"""`npvae learn`: the exercises on the command line. Every function prints, and returns the exit status."""

import inspect
import os
import shlex
import sys
import time

from ..diagnosis.finding import WIDTH, wrap
from ..errors import UserError
from . import catalogue, sandbox
from .contract import examine, exercises_to_examine
from .folder import Folder, NoExercises
from .outcome import BLANK, BROKEN, PASSED, WRONG
from .own import OWN
from .variants import SEED, seed_of

GREEN, RED, YELLOW, BOLD = "32", "31", "33", "1"
COLORS = {PASSED: GREEN, WRONG: RED, BROKEN: RED, BLANK: YELLOW, "begun": YELLOW, "changed since it passed": YELLOW}
POLL = 0.5  # seconds between two checks of the files' times


def painted(text, color):
    """Return the text in a colour; unchanged where output is no terminal, or NO_COLOR asks for plain text."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
        return text
    return f"\033[{color}m{text}\033[0m"


def overview(own=None):
    """npvae learn: what this is, and what to do next.

    own   here and below, the folder of `npvae learn --with FOLDER`, with exercises of your own
    """
    try:
        folder = Folder(own=own)
    except NoExercises:
        idea = "write the parts of a variational autoencoder yourself, one function at a time"
        promise = "Every check says what is wrong, not only that something is wrong."
        print(wrap(f"The exercises of npvae: {idea}. {promise}", ""))
        print("\nStart by making your own folder:\n\n  npvae learn init my-vae\n  cd my-vae\n  npvae learn")
        return 0
    passed = sum(folder.has_passed(exercise) for exercise in folder.exercises)
    print(f"{passed} of {len(folder.exercises)} exercises have passed.\n")
    exercise = folder.next()
    if exercise is None:
        print("All of them. The engine is yours: read it, starting with npvae/autodiff/tensor.py.")
        return 0
    _print_next(folder, exercise)
    print("\n  npvae learn watch             check every file when you save it")
    print("  npvae learn list              all exercises")
    return 0


def _print_next(folder, exercise):
    name = exercise.name
    print(f"Next: {painted(name, BOLD)}, {exercise.title}\n")
    rows = [(f"open {folder.file(exercise)}", "read it, and write what is missing")]
    if _has_question_to_answer(folder, exercise):
        rows.insert(0, (f"npvae learn predict {name}", "first: what do you expect?"))
    rows += [
        (f"npvae learn check {name}", "is it right? if not, what is wrong?"),
        (f"npvae learn hint {name}", "a nudge, and more with each call"),
    ]
    width = max(len(command) for command, _ in rows)
    if width + 40 > WIDTH:
        print("\n".join(f"  {command}\n      {what}" for command, what in rows))
    else:
        print("\n".join(f"  {command:<{width}}  {what}" for command, what in rows))


def _has_question_to_answer(folder, exercise):
    return exercise.prediction is not None and "predicted" not in folder.done(exercise)


MARKS = {"passed": "✓", "begun": "…", "changed since it passed": "!", "missing": "?", "": " "}


def list_all(own=None):
    """npvae learn list: every exercise, and how far you are with it."""
    folder = Folder(own=own)
    statuses = {exercise.name: folder.status(exercise) for exercise in folder.exercises}
    for exercise in folder.exercises:
        status = statuses[exercise.name]
        mark = painted(MARKS[status], COLORS.get(status, BOLD))
        print(f"{mark} {catalogue.number_in(folder.path, exercise):2} {exercise.name:<20} {exercise.title}")
    seen = [status for status in MARKS if status and status in statuses.values()]
    if seen:
        print("\n" + "   ".join(f"{MARKS[status]} {status}" for status in seen))
    return 0


def init(path, seed="", own=None):
    """npvae learn init DIR [--seed TEXT]: make your own folder, with the exercises of a seed."""
    folder = Folder.make(path, seed, own)
    promise = "Nothing that you write there will ever be overwritten."
    print(wrap(f"{folder.path} holds {len(folder.exercises)} exercises, one file each. {promise}", ""))
    if kept := seed_of(folder.path):
        print(wrap(f"They are those of the seed {kept!r}, which {SEED} keeps: leave that file in the folder.", ""))
    if own:
        print(wrap(f"{OWN} keeps those that are not npvae's: leave that folder where it is.", ""))
    print(f"\n  cd {shlex.quote(str(folder.path))}\n  npvae learn")
    return 0


def check(name=None, own=None):
    """npvae learn check NAME: is it right, and if not, what is wrong? Without a name, the next one."""
    folder, exercise = _opened(name, own)
    return 0 if exercise is None or _check(folder, exercise) else 1


def _opened(name, own):
    """Return the folder, and the exercise of this name, number or file; without a name, the next one, or None."""
    folder = Folder(os.path.dirname(name or "") or ".", own)
    exercise = catalogue.find(name, folder.path, own) if name is not None else folder.next()
    if exercise is None:
        print(f"All {len(folder.exercises)} exercises have passed.")
    return folder, exercise


def _check(folder, exercise):
    """Check, print the screen, and remember; return whether it passed."""
    path = folder.file(exercise)
    if exercise.after is not None:
        print(wrap(f"checking {exercise.name}; if it is right, {exercise.after_takes} …", ""), flush=True)
    outcome = sandbox.check(exercise, path.resolve(), folder.path.resolve(), folder.solved(exercise))
    has_passed = outcome.status == PASSED
    print(f"{exercise.name}: {painted(outcome.status, COLORS[outcome.status])}\n")
    print("\n".join(outcome.lines))
    folder.note_outcome(exercise, has_passed)
    print("\n".join(["", *_after(folder, exercise, outcome.status)]))
    return has_passed


def _after(folder, exercise, status):
    """Return lines that say what to do now."""
    if status == PASSED:
        whose = "the solution" if exercise.own else "the engine's"
        lines = [f"  Now compare yours with {whose}:", f"    {_solution_place(exercise)}"]
        return [*lines, "  npvae learn        what comes next" if folder.next() else "  That was the last one."]
    seen, all_ = folder.done(exercise).get("hints", 0), len(exercise.hints)
    lines = []
    if _has_question_to_answer(folder, exercise):
        lines.append(f"  npvae learn predict {exercise.name}   (before you write)")
    lines.append(f"  npvae learn hint {exercise.name}   ({seen} of {all_} hints seen)")
    return lines


def _solution_place(exercise):
    """Return where the solution is: ".../npvae/autodiff/ops.py, line 37"."""
    solution = inspect.unwrap(getattr(exercise.solution, "raw", exercise.solution))
    place = inspect.getsourcefile(solution)
    place = os.path.relpath(place) if exercise.own else place
    if inspect.ismodule(solution):
        return place
    return f"{place}, line {inspect.getsourcelines(solution)[1]}"


def hint(name=None, own=None):
    """npvae learn hint NAME: one more hint. Without a name, for the next exercise."""
    folder, exercise = _opened(name, own)
    if exercise is None:
        return 0
    if not exercise.hints:
        print(f"{exercise.name} has no hints: read its text once more")
        return 0
    if name is None:
        print(f"{exercise.name}, {exercise.title}:\n")
    number = min(folder.done(exercise).get("hints", 0) + 1, len(exercise.hints))
    is_last = number == len(exercise.hints)
    for i, text in enumerate(exercise.hints[:number], start=1):
        print(wrap(text, f"  {i}. "))
    print(f"\n  {number} of {len(exercise.hints)}{'; that was the last one' if is_last else ''}")
    folder.note(exercise, hints=number)
    return 0


def reset(name, own=None):
    """npvae learn reset NAME: restore the stub, and keep the old file."""
    folder, exercise = _opened(name, own)
    kept = folder.reset(exercise)
    kept_as = f"; yours is kept as {kept.name}" if kept else ""
    print(f"{folder.file(exercise).name} is as it was at the start{kept_as}")
    return 0


def predict(name, answer=None, own=None):
    """npvae learn predict NAME [ANSWER]: answer a question before you write the code; then see what is measured."""
    folder, exercise = _opened(name, own)
    prediction = exercise.prediction
    if prediction is None:
        print(f"{exercise.name} asks no question: open {folder.file(exercise)} and write what is missing")
        return 0
    print(wrap(prediction.question, ""))
    for i, choice in enumerate(prediction.choices, start=1):
        print(wrap(choice, f"  {i}  "))
    choices = [str(i) for i in range(1, len(prediction.choices) + 1)]
    if answer is None:
        answer = _ask(f"\nYour answer (1 to {len(choices)}): ", choices)
    if answer not in choices:
        raise UserError(f"the answer is {answer!r}, expected a number from 1 to {len(choices)}")
    right = prediction.measure()
    folder.note(exercise, predicted=int(answer))
    measured = f"Measured: {right + 1}, {prediction.choices[right]}."
    print(f"\n{painted('Right.', GREEN) if int(answer) == right + 1 else measured}")
    print(wrap(prediction.because, ""))
    return 0


def _ask(question, choices):
    """Return an answer from the keyboard or a pipe; on a terminal, ask until it is valid."""
    while True:
        try:
            answer = input(question).strip()
        except EOFError:
            raise UserError("no answer was given: write it after the name, as in npvae learn predict relu 2") from None
        if answer in choices or not sys.stdin.isatty():
            return answer
        question = f"A number from 1 to {len(choices)}, please: "


def watch(name=None, own=None):
    """npvae learn watch: check every file when it is saved, until Ctrl-C."""
    folder, exercise = _opened(name, own)
    print(f"Watching {folder.path.resolve()}: every file is checked when you save it. Ctrl-C stops.\n", flush=True)
    saved = _times(folder)  # before the check, during which you may save
    if exercise is not None:
        _check(folder, exercise)
    while True:
        time.sleep(POLL)
        now = _times(folder)
        changed = [exercise for exercise in folder.exercises if now.get(exercise.name, 0) > saved.get(exercise.name, 0)]
        saved = now
        for exercise in changed:
            print(f"\n{'─' * 60} {time.strftime('%H:%M:%S')}\n")
            _check(folder, exercise)
            sys.stdout.flush()


def _times(folder):
    """Return when each file was last saved, in nanoseconds, by exercise; leave out a file that is being replaced."""
    times = {}
    for exercise in folder.exercises:
        try:
            times[exercise.name] = catalogue.place(folder.path, exercise).stat().st_mtime_ns
        except OSError:
            pass
    return times


def contract(own):
    """npvae learn contract FOLDER: what every exercise promises, and which promise an exercise of your own breaks."""
    broken = 0
    for exercise in exercises_to_examine(own):
        print(wrap(f"{exercise.name}, {exercise.title} ({exercise.defined_at[0]})", "") + "\n")
        for promise, sentence in examine(exercise).items():
            mark = painted("BROKEN", RED) if sentence else painted("kept", GREEN) + "  "
            print(f"  {mark}  {promise}")
            if sentence:
                broken += 1
                print(wrap(sentence, " " * 10))
        print()
    print(f"{broken} promise{'s are' if broken != 1 else ' is'} broken." if broken else "Every promise is kept.")
    return 1 if broken else 0
