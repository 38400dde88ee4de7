"""The students' files, made from the engine's own functions.

A stub is the text of an exercise, and the function without its solution: the lines that compute the value or a
derivative are left out, with the comments on them. The rest (the name, the arguments, the comment with their shapes,
the forward pass if only the derivatives are missing) is the engine's, word for word.
"""

import ast
import inspect
import re
import textwrap

from ..diagnosis.finding import wrap
from .museum.exhibits import Exhibit
from .operation import OperationExercise

VALUE = 'raise NotImplementedError("{0}: compute the value here, in place of this line")'
DERIVATIVE = 'raise NotImplementedError("{0}: return the gradient of the loss with respect to {1}")'
_FLOATS = """\
Networks are trained in float32 and checked in float64, so the result must have the
dtype of the inputs: write np.zeros(…, dtype=x.dtype), and float(np.log(2.0)).

"""
BODY = 'raise NotImplementedError("{0}: write the function here, in place of this line")'


def stub(number, exercise):
    """Return the text of a student's file, for the exercise of this number."""
    floats = _FLOATS if isinstance(exercise, OperationExercise) else ""
    head = f'''"""Exercise {number}: {exercise.name}, {exercise.title}.

{exercise.text}

{floats}{_question(exercise)}When you have it:     npvae learn check {exercise.name}
If you are stuck:     npvae learn hint {exercise.name}
"""
'''
    if isinstance(exercise, Exhibit):
        return f'{head}\nDEFECT = ""  # its letter\n\n{exercise.source()}'
    own = [line for line in exercise.imports if "npvae" in line]
    standard = [line for line in exercise.imports if "npvae" not in line]
    groups = ["\n".join(group) for group in (standard, ["import numpy as np"], own) if group]
    return "\n".join([head, "\n\n".join(groups), "", "", function_stub(exercise)])


def _question(exercise):
    """Return the question of an exercise and its choices, without the answer; "" if there is no question."""
    prediction = exercise.prediction
    if prediction is None:
        return ""
    choices = [wrap(choice, f"    {i}  ") for i, choice in enumerate(prediction.choices, start=1)]
    head = f"Predict (npvae learn predict {exercise.name}):"
    return "\n".join([head, "", wrap(prediction.question, ""), *choices, "", ""])


def function_stub(exercise):
    """Return the function of an exercise: with the blanks of an operation, or else without its body."""
    source = _source(getattr(exercise.solution, "raw", exercise.solution))
    lines, function = source.splitlines(), ast.parse(source).body[0]
    first, *body = function.body
    is_explained = ast.get_docstring(function) is not None
    signature, end = lines[: first.lineno - 1], first.end_lineno
    if is_explained:
        signature.append(_docstring(ast.get_docstring(function)))
    else:
        body, end = [first, *body], first.lineno - 1
    if not isinstance(exercise, OperationExercise):
        return "\n".join([*signature, f"    {BODY.format(function.name)}"]) + "\n"
    return "\n".join([*signature, *_blanked(body, lines, end, exercise.blanks)]) + "\n"


def _source(f):
    """Return the source of a function, without decorators and indentation."""
    source = textwrap.dedent(inspect.getsource(f))
    return source[re.search(r"^def ", source, re.MULTILINE).start() :]


def _docstring(text):
    """Return the first paragraph of a docstring, broken into lines where it is long."""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return textwrap.fill(f'"""{paragraph}"""', 88, initial_indent="    ", subsequent_indent="    ")


def _blanked(body, lines, end, blanks):
    """Return the lines of an operation's body with its blanks; `end` is the last line before the body."""
    *statements, result = body
    value, derivatives = _returned(result)
    forward_only = blanks == ("y",)
    out = [f"    {VALUE.format(value)}"] if "y" in blanks else []
    for statement in statements:
        own = lines[end : statement.end_lineno]
        end = statement.end_lineno
        if isinstance(statement, ast.FunctionDef) and statement.name in derivatives:
            if statement.name in blanks:
                out += [
                    f"    def {statement.name}(dy):",
                    f"        {DERIVATIVE.format(statement.name, statement.name[1:])}",
                ]
            elif not forward_only:
                out += own
        elif "y" not in blanks:
            out += own
    if "y" not in blanks:
        return [*out, *lines[end : result.end_lineno]]
    return [*out, f"    return {value}" if forward_only else f"    return {', '.join([value, *derivatives])}"]


def _returned(result):
    """Return the names of the value and the derivatives ("None" where there is none) in a return statement."""
    value, *derivatives = result.value.elts
    name = value.id if isinstance(value, ast.Name) else "y"
    return name, [ast.unparse(d) for d in derivatives]
