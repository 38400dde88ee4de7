"""Proves that a submission is found in whatever form a platform exports it, and that no file can do harm.

These tests would catch a student who is lost or mistaken for another, a link that is followed, an archive that fills
the memory, and one damaged file that stops the rest.
"""

import datetime
import os
import zipfile

import pytest

from npvae.errors import UserError
from npvae.learn import catalogue
from npvae.learn.grading.submissions import MOST_BYTES, collect, exercise_of

NAMES = list(catalogue.BY_NAME)


def zipped(path, files, when=(2026, 11, 20, 12, 0, 0)):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, when), content, zipfile.ZIP_DEFLATED)


def found(place, **options):
    """Return a dict from students to the contents of their files, by exercises."""
    return {s.student: {name: file[1] for name, file in s.files.items()} for s in collect([place], NAMES, **options)}


def problems(place):
    return {s.student: " ".join(s.problems) for s in collect([place], NAMES)}


def write(path, content=b"a = 1"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "name, exercise",
    [
        ("05_relu.py", "relu"), ("relu.py", "relu"), ("05_relu (1).py", "relu"), ("05_relu-2.py", "relu"),
        ("16_bug_1.py", "bug_1"), ("bug_1 (3).py", "bug_1"), ("16_bug_1-1.py", "bug_1"), ("9_kl.py", "kl"),
        ("05_relu - Copy.py", "relu"), ("05_relu.kept1.py", None), ("relu.txt", None), ("test_exercises.py", None),
        ("._05_relu.py", None), ("05_relu.py.bak", None), ("relu_old.py", None),
    ],
)  # fmt: skip
def test_which_exercise_a_file_is_of(name, exercise):
    assert exercise_of(name, NAMES) == exercise


def test_the_forms_in_which_platforms_export(tmp_path):
    write(tmp_path / "Ada" / "05_relu.py", b"ada")
    write(tmp_path / "Emmy" / "my-vae" / "deeper" / "05_relu.py", b"emmy")
    zipped(tmp_path / "Kurt.zip", {"my-vae/05_relu.py": b"kurt", "__MACOSX/my-vae/._05_relu.py": b"no", "a.pdf": b"no"})
    write(tmp_path / "Alan Turing_123456_assignsubmission_file_" / "x" / "09_kl.py", b"moodle")
    zipped(tmp_path / "hopper_LATE_11_22_my-vae.zip", {"05_relu.py": b"canvas"})
    write(tmp_path / "noether_33_44_05_relu.py", b"one")
    write(tmp_path / "noether_33_45_09_kl.py", b"two")
    write(tmp_path / "J.Smith_101_assignsubmission_file_" / "05_relu.py", b"dots")
    write(tmp_path / "lee_9_55_05_relu.py", b"lee")
    write(tmp_path / "lee_9_56_seed.txt", b"4711")
    write(tmp_path / "grades.csv")
    write(tmp_path / ".hidden" / "05_relu.py")
    assert found(tmp_path) == {
        "Ada": {"relu": b"ada"}, "Emmy": {"relu": b"emmy"}, "Kurt": {"relu": b"kurt"}, "Alan Turing": {"kl": b"moodle"},
        "hopper": {"relu": b"canvas"},
        "noether": {"relu": b"one", "kl": b"two"},
        "J.Smith": {"relu": b"dots"}, "lee": {"relu": b"lee"},
    }  # fmt: skip
    collected = {s.student: s for s in collect([tmp_path], NAMES)}
    assert [s.student for s in collected.values() if s.is_late] == ["hopper"]
    assert collected["lee"].seed == "4711" and "there is no seed.txt" in collected["Ada"].notes[0]


def test_a_single_submission(tmp_path):
    write(tmp_path / "Ada" / "05_relu.py")
    zipped(tmp_path / "Emmy.zip", {"05_relu.py": b"b"})
    assert found(tmp_path / "Ada") == {"Ada": {"relu": b"a = 1"}}
    assert [s.student for s in collect([tmp_path / "Ada", tmp_path / "Emmy.zip"], NAMES)] == ["Ada", "Emmy"]


def test_two_students_of_one_name_stay_two(tmp_path):
    for number in (1, 2):
        write(tmp_path / f"Ada_{number}_assignsubmission_file_" / "05_relu.py", str(number).encode())
    assert found(tmp_path) == {"Ada (1)": {"relu": b"1"}, "Ada (2)": {"relu": b"2"}}


def test_the_newest_of_several_copies_counts(tmp_path):
    for name, changed in {"05_relu.py": 100, "05_relu (1).py": 300, "old/05_relu.py": 200}.items():
        write(tmp_path / "Ada" / name, name.encode())
        os.utime(tmp_path / "Ada" / name, (changed, changed))
    assert found(tmp_path) == {"Ada": {"relu": b"05_relu (1).py"}}


def test_late(tmp_path):
    zipped(tmp_path / "Ada.zip", {"05_relu.py": b""}, (2026, 11, 20, 12, 0, 0))
    for minute, is_late in ((59, True), (61, False)):
        due = datetime.datetime(2026, 11, 20, 11) + datetime.timedelta(minutes=minute)
        assert [s.is_late for s in collect([tmp_path], NAMES, due)] == [is_late]


def test_what_is_not_read_is_said(tmp_path):
    write(tmp_path / "secret", b"secret")
    for student in ("Link", "Pipe", "Large", "Empty", "Other"):
        (tmp_path / student).mkdir()
    (tmp_path / "Link" / "05_relu.py").symlink_to(tmp_path / "secret")
    (tmp_path / "Linked").symlink_to(tmp_path / "Link")
    os.mkfifo(tmp_path / "Pipe" / "05_relu.py")
    write(tmp_path / "Large" / "05_relu.py", b"#" * (MOST_BYTES + 1))
    write(tmp_path / "Other" / "solution.ipynb")
    write(tmp_path / "Damaged.zip", b"PK\x03\x04 cut off")
    zipped(tmp_path / "Bomb.zip", {"05_relu.py": b"\0" * 50_000_000})
    zipped(tmp_path / "Above.zip", {"../../05_relu.py": b"fine"})
    zipped(tmp_path / "Locked.zip", {"05_relu.py": b"fine"})
    data = bytearray((tmp_path / "Locked.zip").read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "Locked.zip").write_bytes(data)
    said = problems(tmp_path)
    assert "no ordinary file" in said["Link"] and "no ordinary file" in said["Pipe"] and "Linked" not in said
    assert "more than 1,048,576" in said["Large"] and "more than 1,048,576" in said["Bomb"]
    assert "no file of an exercise" in said["Empty"] and "no file of an exercise" in said["Other"]
    assert "no zip archive" in said["Damaged"] and "encrypted" in said["Locked"]
    assert found(tmp_path)["Above"] == {"relu": b"fine"} and said["Above"] == ""


def test_a_seed_that_npvae_does_not_write_is_none(tmp_path):
    for student, seed in (("Ada", b"4711\n"), ("Emmy", b"1" * 201), ("Kurt", b"\xff\xfe")):
        write(tmp_path / student / "05_relu.py")
        write(tmp_path / student / "seed.txt", seed)
    assert [s.seed for s in collect([tmp_path], NAMES)] == ["4711", "", ""]


def test_names_cannot_change_a_screen(tmp_path):
    write(tmp_path / "Ada\n\x1b[31m\u202eevil" / "05_relu.py")
    large = "05_relu - Copy <img src=x>\x1b[31m.py"
    zipped(tmp_path / "Emmy.zip", {large: b"#" * (MOST_BYTES + 1)})
    ada, emmy = collect([tmp_path], NAMES)
    assert ada.student == "Ada [31mevil" and "\x1b" not in emmy.problems[0]


def test_only_the_graders_own_folder_is_left_out(tmp_path):
    write(tmp_path / "Ada" / "05_relu.py")
    write(tmp_path / "Ada" / "grading.json")
    write(tmp_path / "grades" / "05_relu.py")
    assert [s.student for s in collect([tmp_path], NAMES, out=tmp_path / "grades")] == ["Ada"]


def test_an_archive_that_unpacks_without_end_is_not_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "Ada.zip", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("05_relu.py", b"\0" * 1000)
    assert "packed in an unusual way" in problems(tmp_path)["Ada"]


def test_hints_are_read_from_the_progress(tmp_path):
    write(tmp_path / "Ada" / "05_relu.py")
    progress = b'{"relu": {"hints": 2}, "kl": {"hints": "many"}, "nothing": {"hints": 1}}'
    write(tmp_path / "Ada" / ".progress.json", progress)
    write(tmp_path / "Emmy" / "05_relu.py")
    write(tmp_path / "Emmy" / ".progress.json", b"[1, 2")
    assert [s.hints for s in collect([tmp_path], NAMES)] == [{"relu": 2}, {}]


def test_nothing_to_grade(tmp_path):
    for place, words in ((tmp_path / "nowhere", "does not exist"), (tmp_path, "holds no submissions")):
        with pytest.raises(UserError, match=words):
            collect([place], NAMES)
