"""The same program in another style, and the places where a defect fits into it.

Authors write the same computation in different ways. They choose other names, write a sum as `np.sum(a, axis=1)` or as
`a.sum(axis=1)`, and put functions in another order. The tables of a program list such choices. A style picks one of
each. So two exhibits made from one program differ in most of their lines, and comparing them does not show the defects.

A table is text. A blank line separates two statements, and the word "or" two equivalent ways to write one of them; the
first way is that of the program's own file.
"""

import dataclasses
import inspect
import re
import textwrap
import types

from ..shuffle import shuffled

IN_TEXT = ("mu", "logvar", "eps", "latent_dim", "x_train")  # names that docstrings use; none is an English word
TEXT_OR_NAME = re.compile(r'"""[^"]*"""|#[^\n]*|(?<![\w.])[A-Za-z_]\w*')  # no attribute: it follows a dot


@dataclasses.dataclass
class Place:
    """A place in a program where a defect can be planted.

    defect    its letter
    changes   a dict: each way to write the right statement, and the wrong statement that replaces it
    hints     from a nudge to nearly everything; {mu} stands for the name that the style gives to mu
    lesson    what this kind of defect teaches, shown after the repair
    """

    defect: str
    changes: dict
    hints: list
    lesson: str


@dataclasses.dataclass
class Program:
    """A correct program with its tables.

    module       the program
    title        one sentence
    names        other names for its variables, from `names_of`; if mu becomes mean, dmu becomes dmean
    statements   a list of lists: the equivalent ways to write a statement
    orders       the orders in which its functions may stand
    places       a list of `Place`
    """

    module: types.ModuleType
    title: str
    names: list
    statements: list
    orders: list
    places: list


@dataclasses.dataclass
class Style:
    """A choice from the tables of a program.

    names        a dict from the names in the program's file to those of the style
    statements   one of the equivalent ways for every statement of the table
    order        the names of the functions and classes, in their order
    """

    names: dict
    statements: list
    order: list


def statements_of(table):
    """Return the statements of a table: a list of lists of equivalent ways to write them."""
    return [way.split("\nor\n") for way in table.strip("\n").split("\n\n")]


def changes_of(table):
    """Return the changes of a table, in which "becomes" stands between the right statement and the wrong one."""
    return dict(change.split("\nbecomes\n") for change in table.strip("\n").split("\n\n"))


def names_of(table):
    """Return the names of a table: for each line, the names in the program's file, and then the choices.

    A line holds what an author names together: `mu logvar: mean log_var | m lv` has two choices for two variables.
    """
    lines = (line.replace(":", "|").split("|") for line in table.strip().split("\n"))
    return [[together.split() for together in line] for line in lines]


def style_of(program, seed, number):
    """Return one of the styles of a program that a seed gives, for the numbers 0 to 3.

    No two of the four have a name of the table in common, and none has one in common with the program's file.
    """
    names = {}
    for together, *choices in program.names:
        chosen = shuffled(choices, seed, program.title, *together)[number]
        names |= dict(zip(together, chosen))
    names |= {f"d{name}": f"d{other}" for name, other in names.items()}
    statements = []
    for ways in program.statements:
        order = shuffled(ways, seed, program.title, ways[0])
        statements.append(order[number % len(order)])
    orders = shuffled(program.orders, seed, program.title, "order")
    return Style(names, statements, orders[number % len(orders)])


def plant(program, style, place, way):
    """Plant a defect where a statement is written in this way, and return three texts under the names of the style.

    They are the right program, those of its lines that must be replaced, and the wrong lines.
    """
    statements = [way if way in ways else chosen for ways, chosen in zip(program.statements, style.statements)]
    source = write(program, dataclasses.replace(style, statements=statements))
    right = indented(source, way)
    wrong = textwrap.indent(place.changes[way], " " * depth_of(right))
    return [renamed(text, style.names) for text in (source, right, wrong)]


def source_of(module):
    """Return the source of a program without its docstring."""
    source = inspect.getsource(module)
    return source[source.index('"""', 3) + 3 :].strip() + "\n"


def write(program, style):
    """Return the program's source in a style; the names are still those of its file."""
    source = source_of(program.module)
    for ways, way in zip(program.statements, style.statements):
        lines = indented(source, ways[0])
        source = source.replace(f"\n{lines}\n", f"\n{textwrap.indent(way, ' ' * depth_of(lines))}\n")
    head, *functions = re.split(r"\n\n\n(?=def |class )", source.rstrip("\n"))
    by_name = {re.match(r"\w+ (\w+)", function)[1]: function for function in functions}
    return "\n\n\n".join([head, *(by_name[name] for name in style.order)]) + "\n"


def indented(source, lines):
    """Return whole lines as they stand in a source, with their indentation; they must stand there once."""
    candidates = [textwrap.indent(lines, " " * depth) for depth in (0, 4, 8, 12)]
    (found,) = [each for each in candidates if f"\n{each}\n" in source]
    assert source.count(f"\n{found}\n") == 1, lines
    return found


def depth_of(lines):
    """Return by how many blanks the first of some lines is indented."""
    return len(lines) - len(lines.lstrip())


def renamed(source, names):
    """Return a source with other names. In comments and docstrings, only those in `IN_TEXT` are replaced."""

    def replace(match):
        word = match[0]
        if word.startswith(("#", '"')):
            return re.sub(rf"\b({'|'.join(IN_TEXT)})\b", lambda name: names.get(name[0], name[0]), word)
        return names.get(word, word)

    return TEXT_OR_NAME.sub(replace, source)
