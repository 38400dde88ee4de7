"""`npvae learn kit`: write the kits of all platforms into a new folder."""

import dataclasses
import functools
import pathlib
import shlex

from ...diagnosis.finding import wrap
from ...errors import UserError
from ...training.folder import refuse_a_file
from .. import catalogue
from ..grading.grade import worth_of
from ..grading.tables import shown
from ..museum.exhibits import Exhibit
from . import classroom50, github, gradescope, notebooks, plain_ci
from .wheel import NAME, wheel

README = """\
# The teacher's kit

This kit has a folder for each platform. All of them grade these exercises, worth {most} points in total:

| exercise | points |
| --- | --- |
{rows}

Each folder includes npvae itself, as `{wheel}`.
Installing it downloads NumPy, Matplotlib and tqdm from the Python Package Index.

All except the notebooks grade with `npvae learn grade`. It runs the student's program in a separate process, which on a
recent Linux can neither reach the network nor write outside an empty folder. Right answers for fresh random inputs
decide the points. It reads only the files of the exercises, and never runs a student's own tests.
"""


@dataclasses.dataclass
class Kit:
    """The contents of the kits.

    worth   a dict from the names of the exercises to their points
    wheel   the bytes of npvae's wheel
    """

    worth: dict
    wheel: bytes

    wheel_name = NAME

    @property
    def options(self):
        """The options of `npvae learn grade`, quoted for the shell."""
        points = [f"{name}={shown(points)}" for name, points in self.worth.items() if points != 1]
        words = ["--exercises", *self.worth, *(["--points", *points] if points else [])]
        return shlex.join(words)

    @property
    def stub_names(self):
        """The names of the students' files, by exercise: a dict."""
        return {name: catalogue.file_name(catalogue.find(name)) for name in self.worth}

    @functools.cached_property
    def stubs(self):
        """The students' files: a dict from their names to their texts."""
        return {file: catalogue.text(catalogue.find(name)) for name, file in self.stub_names.items()}

    @property
    def functions(self):
        """The names of the functions to write, by exercise: a dict, without the exhibits of the museum."""
        exercises = {name: catalogue.find(name) for name in self.worth}
        return {name: e.function_name for name, e in exercises.items() if not isinstance(e, Exhibit)}

    def title(self, name):
        """Return the title of an exercise."""
        return catalogue.find(name).title

    def files(self):
        """Return all files: a dict from their paths in the new folder to bytes."""
        content = {}
        for platform in (github, classroom50, gradescope, plain_ci):
            content |= {f"{platform.FOLDER}/{name}": text for name, text in platform.files(self).items()}
        if self.functions:
            content |= {f"nbgrader/{name}": text for name, text in notebooks.nbgrader_files(self).items()}
            content |= {f"otter/{name}": text for name, text in notebooks.otter_files(self).items()}
        return content | {"README.md": self.readme().encode()}

    def readme(self):
        """Return the text of the README: what each folder is, and which steps the teacher takes."""
        most = shown(sum(self.worth.values()))
        rows = "\n".join(f"| {name} | {shown(points)} |" for name, points in self.worth.items())
        parts = [README.format(most=most, rows=rows, wheel=self.wheel_name)]
        for platform in (github, classroom50, gradescope, plain_ci):
            parts.append(f"## {platform.FOLDER}\n\n{platform.README.replace('{most}', most)}")
        if self.functions:
            parts.append(f"## nbgrader, otter\n\n{notebooks.README}")
        return "\n".join(parts)


def kit(path, exercises=None, points=(), own=None):
    """Write the kits into a new folder, and print their names; return the exit status.

    path                the path of the new folder
    exercises, points   as `npvae learn grade` takes them
    own                 a folder with exercises of your own; the kits cannot include them

    Raises UserError if `own` is given, or if the new folder exists and is not empty.
    """
    if own:
        use = "leave out --with, and grade yours with npvae learn --with FOLDER grade"
        raise UserError(f"a kit holds the exercises of npvae, not those in {own}: {use}")
    made = Kit(worth_of(exercises, points), wheel())
    refuse_a_file(path)
    path = pathlib.Path(path)
    if path.exists() and any(path.iterdir()):
        raise UserError(f"{path} is not empty, and npvae overwrites nothing in it: choose a new folder")
    for name, content in made.files().items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    names = ", ".join(sorted(each.name for each in path.iterdir() if each.is_dir()))
    print(wrap(f"{path} holds a folder for each platform: {names}.", ""))
    print(wrap(f"{path / 'README.md'} says what to do with each.", ""))
    return 0
