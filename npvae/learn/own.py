"""Exercises of your own: Python files in a folder, which `npvae learn --with FOLDER` adds after those of npvae.

A file defines a solution, which is an ordinary function in the engine's form, and an `OperationExercise` or
`ProcedureExercise` about it. `tutorials/own_exercises.md` explains one file line by line.

`npvae learn --with FOLDER init DIR` copies the files into DIR/own, where the other commands find them. So a student's
folder works without the option, on any computer, and does not change with the teacher's FOLDER. The copy includes the
solution, just as npvae includes the solution of every other exercise. Grading reads the teacher's FOLDER, never a copy,
which a student could have changed.
"""

import ast
import difflib
import functools
import hashlib
import inspect
import linecache
import re
import traceback
import types
from pathlib import Path

import numpy as np

from ..errors import UserError
from .exercise import Exercise, Prediction, ProcedureExercise, Wrong
from .exercises import ALL
from .operation import OperationExercise
from .stubs import function_stub

OWN = "own"  # the folder of the copies, in a student's folder
NAME = re.compile(r"[a-z][a-z0-9_]*")
GIVES = "a body below its def that ends with `return y, dx`, the value and one derivative for each input"


def exercises_of(folder):
    """Return the exercises of a folder, a tuple ordered by file name; their numbers continue those of npvae.

    Raises UserError, with file and line, if a file defines no valid exercise, or if two exercises share a name.
    """
    if not folder:
        return ()
    found, places = [], {exercise.name: "npvae" for exercise in ALL}
    for path in files_of(folder):
        for exercise in read(path):
            if exercise.name in places:
                where = f"{path}, line {line_of(exercise)}: the name {exercise.name!r}"
                raise UserError(f"{where} is that of an exercise of {places[exercise.name]}: choose another name")
            places[exercise.name] = path.name
            exercise.number = len(places)
            found.append(exercise)
    return tuple(found)


def files_of(folder):
    """Return the paths of the Python files in a folder, sorted; UserError if there are none."""
    folder = Path(folder)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise UserError(f"{folder} {what}, expected a folder with exercises of your own, such as huber.py")
    files = sorted(folder.glob("*.py"))
    if not files:
        raise UserError(f"{folder} holds no Python file, expected exercises of your own, such as huber.py")
    return files


def checksum(folder):
    """Return a checksum of the exercises in a folder, a string; "" without a folder."""
    if not folder:
        return ""
    contents = [f"{path.name}\n{_text(path)}" for path in files_of(folder)]
    return hashlib.sha256("\n".join(contents).encode()).hexdigest()


def copies(folder):
    """Return the copies that a student's folder keeps of a folder of exercises: a dict from paths to texts."""
    return {f"{OWN}/{path.name}": _text(path) for path in files_of(folder)} if folder else {}


def read(path):
    """Return the exercises that a file defines, a list; UserError, with file and line, if anything is wrong."""
    path = Path(path)
    return _read(path, path.resolve(), _text(path))


@functools.lru_cache(maxsize=100)
def _read(path, resolved, text):
    module = types.ModuleType(path.stem)
    module.__file__ = str(resolved)
    try:
        exec(compile(text, module.__file__, "exec"), module.__dict__)
    except SyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.msg}, expected Python") from None
    except (Exception, SystemExit) as error:
        raise UserError(f"{path}{_line_in(error, module.__file__)}: {_in_words(error)}") from None
    linecache.checkcache(module.__file__)
    linecache.getlines(module.__file__)  # kept for stubs: the process of a student's program may not open the file
    values = [value for value in vars(module).values() if isinstance(value, Exercise) and value not in ALL]
    found = list(dict.fromkeys(values))
    if not found:
        expected = "expected one, as in EXERCISE = OperationExercise(…)"
        raise UserError(f"{path}, line {len(text.splitlines())}: the file ends and defines no exercise, {expected}")
    for exercise in found:
        exercise.own = str(resolved.parent)
        exercise.defined_at = path.name, _line_of(exercise, module, text)
        if problem := _problem(exercise):
            raise UserError(f"{path}, line {line_of(exercise)}: {problem}")
    return found


def _text(path):
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise UserError(f"{path} cannot be read, expected a Python file in UTF-8") from None


def line_of(exercise):
    """Return the line number where the definition of an exercise of your own begins."""
    return exercise.defined_at[1]


def _line_of(exercise, module, text):
    names = {name for name, value in vars(module).items() if value is exercise}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and names & {ast.unparse(target) for target in node.targets}:
            return node.lineno
    return 1


def _line_in(error, path):
    """Return ", line 12" for the innermost line of a file that an exception came through; "" if there is none."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return f", line {lines[-1]}" if lines else ""


def said_by(error, exercise):
    """Return a sentence about an exception that the teacher's functions raised: file, line and Python's message."""
    path = Path(exercise.own, exercise.defined_at[0])
    return f"{path.name}{_line_in(error, str(path))}: {_in_words(error)}"


def _in_words(error):
    """Return a sentence that explains an exception from a teacher's file."""
    said = " ".join(str(error).split())
    if missing := re.match(r"(\w+)\.__init__\(\) missing .* arguments?: (.*)", said):
        return f"the {missing[1]} lacks {missing[2]}, expected all of name, title, solution and text"
    if unknown := re.match(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", said):
        kinds = {kind.__name__: kind for kind in (OperationExercise, ProcedureExercise, Prediction, Wrong)}
        fields = getattr(kinds.get(unknown[1]), "__dataclass_fields__", {})
        near = difflib.get_close_matches(unknown[2], fields, n=1) or [", ".join(fields)]
        return f"{unknown[1]} has no {unknown[2]!r}, expected {near[0]}"
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _problem(exercise):
    """Return what is wrong with the fields of an exercise, a sentence; "" if nothing is."""
    solution = inspect.unwrap(getattr(exercise.solution, "raw", exercise.solution))
    if not isinstance(exercise, OperationExercise | ProcedureExercise):
        return f"this is a {type(exercise).__name__}, expected an OperationExercise or a ProcedureExercise"
    if not (isinstance(exercise.name, str) and NAME.fullmatch(exercise.name)):
        return f"name is {exercise.name!r}, expected lowercase letters, digits and _, as in 'huber'"
    for field in ("title", "text"):
        if not (isinstance(value := getattr(exercise, field), str) and value.strip()):
            return f"{field} is {value!r}, expected a string with text in it"
    if not inspect.isfunction(solution) or solution.__name__ == "<lambda>":
        return f"solution is {exercise.solution!r}, expected a function defined with def"
    if not (isinstance(exercise.hints, list) and all(isinstance(hint, str) for hint in exercise.hints)):
        return "hints is no list of strings, expected hints=[…], from a nudge to nearly everything"
    if not (isinstance(exercise.wrong, dict) and all(isinstance(one, Wrong) for one in exercise.wrong.values())):
        return 'wrong is no dict of wrong versions, expected wrong={"a name": Wrong(…)}'
    if not (exercise.prediction is None or isinstance(exercise.prediction, Prediction)):
        return f"prediction is {exercise.prediction!r}, expected a Prediction, or leave it out"
    if isinstance(exercise, ProcedureExercise):
        expected = "compare is no function, expected compare(f, rng, N, D, K), which yields Comparisons"
        problem = "" if callable(exercise.compare) else expected
    else:
        problem = _problem_of_operation(exercise, solution)
    return problem or _problem_of_stub(exercise, solution)


def _problem_of_operation(exercise, solution):
    """Return what is wrong with the blanks, the inputs or the form of an operation."""
    names = list(inspect.signature(solution).parameters)
    if not callable(exercise.inputs):
        return "inputs is no function, expected inputs=lambda rng, N, D, K: {…}, a dict of arrays"
    try:
        given = exercise.inputs(np.random.default_rng(0), 3, 5, 7)
    except Exception as error:
        return f"inputs fails for N = 3, D = 5, K = 7: {_in_words(error)}"
    if not (isinstance(given, dict) and given and list(given) == names[: len(given)]):
        found = list(given) if isinstance(given, dict) else type(given).__name__
        return f"inputs draws {found}, expected a dict in the order of the arguments: {', '.join(names)}"
    for name, x in given.items():
        if not (isinstance(x, np.ndarray) and x.dtype == np.float64):
            return f"inputs draws {name} as {getattr(x, 'dtype', type(x).__name__)}, expected a float64 array"
    try:
        result = exercise.engine(*given.values(), **exercise.options)
    except Exception as error:
        return f"{solution.__name__} fails on what inputs draws: {_in_words(error)}"
    if not (isinstance(result, tuple) and len(result) == 1 + len(given)):
        return f"{solution.__name__} does not return a value and {len(given)} derivatives, expected {GIVES}"
    known = ["y", *(f"d{name}" for name, d in zip(given, result[1:]) if d is not None)]
    if isinstance(exercise.blanks, str) or not exercise.blanks or not set(exercise.blanks) <= set(known):
        return f"blanks is {exercise.blanks!r}, expected a tuple of some of {', '.join(known)}"
    return ""


def _problem_of_stub(exercise, solution):
    """Return what is wrong with the form of the solution, which the student's stub is made from."""
    try:
        ast.parse(function_stub(exercise))
    except Exception:
        form = GIVES if isinstance(exercise, OperationExercise) else "a function whose body is below its def"
        return f"no stub can be made of {solution.__name__}, expected {form}"
    return ""
