"""Evidence that the student did not write a function alone. A teacher should look at it: it is never a verdict.

The grader looks for three kinds of evidence in a file that has passed:

    calls     The function calls the engine's own function for the exercise, or a derivative calls the forward pass, as
              finite differences do. A profiler traces these calls while the function runs.
    digits    A formula agrees with the right derivative to fifteen digits, finite differences to about nine.
    form      The syntax tree matches that of the engine's function or of another student's, apart from what the stub
              gives and what many students write.

Forms are compared by fingerprints: hashes of every run of a few neighbouring nodes of the tree, without names, comments
and line numbers. So renaming variables, or moving a function, leaves most fingerprints unchanged.

Source: Schleimer, Wilkerson, Aiken (2003), Winnowing: local algorithms for document fingerprinting.
"""

import ast
import hashlib
import inspect
import itertools
import re
import sys

import numpy as np

from .. import catalogue
from ..museum.exhibits import Exhibit
from ..operation import OperationExercise
from ..stubs import stub

NEIGHBOURS = 8  # nodes in a run, which gives one fingerprint
FEWEST = 25  # uncommon fingerprints that two files must share to count as alike
LEAST_SHARE = 0.8  # shared, of the fingerprints of the shorter file
MOST_COMMON = 0.25  # a fingerprint that a larger share of the class has is common, and no evidence
FEWEST_EXERCISES = 3  # in which two students must be alike, unless they share a long form
LONG = 100  # fingerprints shared in one exercise
DIGITS = 1e-11  # relative error: that of a formula is smaller
LEAST_COMMENT = 15  # characters
# Modules that hold solutions or differentiate, and modules that let a program reach into the one that runs it.
SOLVERS = {"npvae", "torch", "jax", "autograd", "tensorflow", "sklearn", "sympy", "numdifftools"}
SOLVERS |= {"gc", "ctypes", "importlib", "inspect", "sys", "threading", "concurrent", "multiprocessing", "traceback"}
# With these, a program finds the modules and the frames of the program that runs it, or runs text.
REACHING = {"modules", "_getframe", "f_back", "f_locals", "f_globals", "tb_frame", "gi_frame", "__traceback__"}
REACHING |= {"__globals__", "__subclasses__", "__builtins__", "__import__", "exec", "eval", "compile", "globals"}
REACHING |= {"vars", "getattr", "setattr", "setprofile", "settrace", "reference", "raw"}


# --- calls, in the process of the student's program -------------------------------------------------------------------


def traced_calls(exercise, student, path, seed):
    """Return sentences about what a student's function calls while it computes its answers again.

    exercise, seed   as for `Exercise.answers`
    student          the function, or for an exhibit the module
    path             the path of its file
    """
    if isinstance(exercise, Exhibit):  # the student gets the whole program, and repairs it
        return []
    solution = exercise.solution
    engine = {getattr(f, "__code__", None) for f in (solution, getattr(solution, "raw", None))} - {None}
    own, found = getattr(student, "__code__", None), {"engine": 0, "itself": 0}

    def note(frame, event, _):
        if event == "call" and frame.f_code in engine | {own} and _is_within(frame.f_back, str(path)):
            found["itself" if frame.f_code is own else "engine"] += 1

    sys.setprofile(note)
    try:
        exercise.answers(student, seed)
    finally:
        sys.setprofile(None)
    name, sentences = exercise.function_name, []
    if found["engine"]:
        sentences.append(f"it calls the engine's own {name}, {found['engine']} times in one check")
    if found["itself"] and isinstance(exercise, OperationExercise):
        sentences.append(f"its derivatives call its own {name} again, {found['itself']} times: finite differences?")
    return sentences


def _is_within(frame, path):
    """Return whether a frame, or any frame that called it, runs code of this file."""
    while frame is not None:
        if frame.f_code.co_filename == path:
            return True
        frame = frame.f_back
    return False


# --- digits -----------------------------------------------------------------------------------------------------------


def about_digits(exercise, answers, right):
    """Return a sentence about derivatives as inexact as finite differences; "" if there are none.

    answers, right   the student's answers and the right ones: see `Exercise.answers`
    """
    if not isinstance(exercise, OperationExercise):
        return ""
    errors = {}
    for name, a in right.items():
        case, _, array = name.partition(": ")
        if case.startswith("draw") and array in exercise.blanks and array != "y":
            error = np.max(np.abs(answers[name] - a)) / max(1.0, np.max(np.abs(a)))
            errors[array] = max(errors.get(array, 0), float(error))
    inexact = {array: error for array, error in errors.items() if error > DIGITS}
    if not inexact:
        return ""
    digits = int(-np.log10(max(inexact.values())))
    return f"{', '.join(inexact)} agrees with the right one to {digits} digits only, as finite differences do"


# --- form, read from a file without running it ------------------------------------------------------------------------


def read(exercise, source):
    """Return sentences about a file's text, and its fingerprints: an array of int64.

    exercise   the exercise that the file belongs to
    source     the file's text

    Raises whatever `ast.parse` raises, and may even crash Python: read strangers' files in a separate process.
    """
    tree, given = ast.parse(source), ast.parse(catalogue.text(exercise))
    known = {name for _, name in _imported(given)}
    noted = SOLVERS if isinstance(exercise, OperationExercise) else SOLVERS - {"npvae"}  # others draw, decode, …
    imported = [(line, name) for line, name in _imported(tree) if name not in known]
    sentences = [
        f"line {line} imports {name}"
        for line, name in imported
        if name.split(".")[0] in noted or name.startswith("npvae.learn")
    ]
    for node in ast.walk(tree):
        word = getattr(node, "attr", getattr(node, "id", ""))
        if word in REACHING:
            sentences.append(f"line {node.lineno} uses {word}")
    comments = re.findall(r"#\s*(.+)", solution_source(exercise))
    sentences += [
        f"it has a comment of the engine's: {comment!r}"
        for comment in comments
        if len(comment) >= LEAST_COMMENT and comment in source and comment not in catalogue.text(exercise)
    ]
    return sentences, fingerprints(tree, given)


def _imported(tree):
    """Yield pairs of a line and a full name for everything that a program imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def fingerprints(tree, given):
    """Return the fingerprints of a syntax tree, without the statements that it shares with the stub's tree, `given`."""
    known = {ast.dump(node) for node in ast.walk(given) if isinstance(node, ast.stmt)}
    words = list(itertools.chain.from_iterable(_words(node, known) for node in tree.body))
    runs = (words[i : i + NEIGHBOURS] for i in range(len(words) - NEIGHBOURS + 1))
    hashes = {int.from_bytes(hashlib.blake2b(" ".join(run).encode(), digest_size=7).digest(), "big") for run in runs}
    return np.array(sorted(hashes), np.int64)


def _words(node, known):
    """Yield a word for each node of a tree, parents before children; the names of variables are left out."""
    if isinstance(node, ast.stmt) and ast.dump(node) in known:
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
        return
    word = type(node).__name__
    if isinstance(node, ast.Constant):
        word = repr(node.value)
    elif isinstance(node, ast.Attribute):
        word = f".{node.attr}"
    if not isinstance(node, (ast.Load, ast.Store, ast.arguments)):
        yield word
    for child in ast.iter_child_nodes(node):
        yield from _words(child, known)


def solution_source(exercise):
    """Return the source of the engine's own function, or of the repaired program."""
    if isinstance(exercise, Exhibit):
        return exercise.source(repaired=True)
    source = inspect.getsource(inspect.unwrap(getattr(exercise.solution, "raw", exercise.solution)))
    return inspect.cleandoc("\n" + source) if source.startswith(" ") else source


def engine_fingerprints(exercise):
    """Return the fingerprints of the engine's own function, without the statements that the stub gives."""
    return fingerprints(ast.parse(solution_source(exercise)), ast.parse(stub(0, exercise)))


# --- form, compared ---------------------------------------------------------------------------------------------------


def compare(prints, folder=None):
    """Compare the forms of a class's files, and return a dict from students to lists of sentences.

    prints   for each exercise's name, a dict from students to the fingerprints of files that have passed
    folder   the teacher's folder of extra exercises, or None
    """
    notes, alike = {}, {}
    for name, by_student in prints.items():
        exercise = catalogue.find(name, own=folder)
        if isinstance(exercise, Exhibit):  # every student repairs one line of the same program
            continue
        sets = {student: set(map(int, hashes)) for student, hashes in by_student.items()}
        common = _common(sets)
        engine = set(map(int, engine_fingerprints(exercise)))
        for student, own in sets.items():
            if are_alike(own, engine, common):
                share = len(own & engine) / len(engine)
                words = f"{name}: {share:.0%} of the form of the engine's own function, which few of the class write"
                notes.setdefault(student, []).append(words)
        for a, b in itertools.combinations(sets, 2):
            if shared := are_alike(sets[a], sets[b], common):
                alike.setdefault((a, b), {})[name] = shared
    for pair, exercises in alike.items():
        if len(exercises) >= FEWEST_EXERCISES or max(exercises.values()) >= LONG:
            for student, other in (pair, pair[::-1]):
                words = f"{', '.join(exercises)}: of a form that {other} has too, and few others have"
                notes.setdefault(student, []).append(words)
    return notes


def _common(sets):
    """Return the fingerprints that more than two students and more than MOST_COMMON of the class have."""
    counts = {}
    for hashes in sets.values():
        for one in hashes:
            counts[one] = counts.get(one, 0) + 1
    most = max(2, MOST_COMMON * len(sets))
    return {one for one, count in counts.items() if count > most}


def are_alike(a, b, common):
    """Return how many uncommon fingerprints two sets share; 0 if they are not alike."""
    shared = len((a & b) - common)
    return shared if shared >= FEWEST and len(a & b) >= LEAST_SHARE * min(len(a), len(b)) else 0
