"""A class of any size, made from known parts: right solutions, real mistakes, empty folders, damage and attacks.

`python -m tests.learn.grading.classroom FOLDER 60` writes the submissions of sixty students into a folder, as learning
platforms export them, and prints the points that each must get.
"""

import ast
import functools
import inspect
import json
import pathlib
import random
import re
import shutil
import sys
import zipfile

from npvae.learn import catalogue
from npvae.learn.museum.exhibits import Exhibit
from tests.diagnosis.mistakes import FOLDERS, load

RIGHT = pathlib.Path(__file__).parents[1] / "right"
ATTACKS = pathlib.Path(__file__).parent / "attacks"


@functools.cache
def right_files(name):
    """Return right files of an exercise: a list of texts."""
    exercise = catalogue.find(name)
    if isinstance(exercise, Exhibit):
        return [f'DEFECT = "{exercise.defect}"\n' + exercise.source(repaired=True)]
    tree = ast.parse((RIGHT / f"{name}.py").read_text())
    solutions = [node for node in tree.body if getattr(node, "name", "").startswith(f"{exercise.function_name}_")]
    shared = "\n".join(ast.unparse(node) for node in tree.body if node not in solutions)
    return [f"{shared}\n\n\n{_renamed(node, exercise.function_name)}\n" for node in solutions]


def _renamed(function, name):
    return re.sub(rf"\b{function.name}\b", name, ast.unparse(function))


@functools.cache
def wrong_files(name):
    """Return files of an exercise with real mistakes that strangers have made: a list of texts."""
    exercise = catalogue.find(name)
    if isinstance(exercise, Exhibit):
        return [catalogue.text(exercise)]
    found = [mistake for folder in FOLDERS for mistake in load(folder) if mistake.exercise == name]
    return [_as_file(mistake.function, exercise.function_name) for mistake in found]


def _as_file(function, name):
    """Return the module of a function without decorators and the project's tests, and the function under this name."""
    tree = ast.parse(pathlib.Path(inspect.getsourcefile(function)).read_text())
    tree.body = [node for node in tree.body if "tests." not in ast.unparse(node).split("\n")[0]]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = []
    return f"{ast.unparse(tree)}\n\n{name} = {function.__name__}\n"


def attack_files(name, victim="/nonexistent"):
    """Return hostile files of an exercise, by the attack: none of them may get a point."""
    words = {"FUNCTION": catalogue.find(name).function_name, "VICTIM": victim}
    texts = {path.stem: path.read_text() for path in sorted(ATTACKS.glob("*.py"))}
    return {stem: re.sub("FUNCTION|VICTIM", lambda word: words[word[0]], text) for stem, text in texts.items()}


def make(folder, students, seed=0):
    """Write submissions into a folder; return the points that each student must get, a dict."""
    rng, folder, expected = random.Random(seed), pathlib.Path(folder), {}
    folder.mkdir(parents=True)
    attacks = list(attack_files("relu"))
    for i in range(students):
        student, files = f"Student {i:02}", {}
        expected[student] = 0
        if i % 20 == 7:  # an empty folder
            (folder / student).mkdir()
            continue
        for name in catalogue.BY_NAME:
            kind = rng.random()
            is_function = not isinstance(catalogue.find(name), Exhibit)
            if i % 12 == 5 and is_function and kind < 0.3:
                files[name] = attack_files(name)[rng.choice(attacks)]
            elif kind < 0.7:
                files[name] = rng.choice(right_files(name))
                expected[student] += 1
            elif kind < 0.92:
                files[name] = rng.choice(wrong_files(name))
            elif kind < 0.96:
                files[name] = catalogue.text(catalogue.find(name))
        _write(folder, student, files, rng, i)
    (folder / "Student 07.zip").write_bytes(b"PK\x03\x04 this archive was cut off")
    return expected


def _write(folder, student, files, rng, i):
    """Write the files of a student as a folder, or as an archive."""
    inside = folder / student / "my-vae"
    inside.mkdir(parents=True)
    for name, text in files.items():
        (inside / catalogue.file_name(catalogue.find(name))).write_text(text)
    hints = {name: {"hints": rng.randrange(4)} for name in files}
    (inside / ".progress.json").write_text(json.dumps(hints))
    if i % 3 == 1:
        with zipfile.ZipFile(folder / f"{student}.zip", "w") as archive:
            for path in inside.iterdir():
                archive.write(path, f"my-vae/{path.name}")
        shutil.rmtree(folder / student)


if __name__ == "__main__":
    print("\n".join(f"{student:<12} {points}" for student, points in make(sys.argv[1], int(sys.argv[2])).items()))
