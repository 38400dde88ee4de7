"""Proves a student's way through `npvae learn`: the screens, what the folder remembers, and that no file is ever lost.

These tests would catch a screen wider than eighty columns, colours in a pipe, a solution that is revealed too early, a
file that is overwritten, and a check that moves on by itself.
"""

import io
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import time

import pytest

from npvae.cli import arguments
from npvae.learn import catalogue, commands, sandbox
from npvae.learn.folder import Folder, contents

ALL = len(catalogue.ALL)
SOLVED = {
    "gaussian": (
        "    raise NotImpl",
        "    from npvae.probability import gaussian_log_likelihood\n"
        "    return gaussian_log_likelihood.raw(x, mu, logvar)\n    raise NotImpl",
    ),
    "dense_forward": ("    raise NotImpl", "    return x @ W + b\n    raise NotImpl"),
    "relu": ("    raise NotImpl", "    return np.maximum(x, 0), lambda dy: dy * (x > 0)\n    raise NotImpl"),
}


@pytest.fixture
def learn(npvae_):
    """learn("check", "relu") runs npvae learn in a new student's folder; the screen must fit into 80 columns."""
    assert npvae_("learn", "init", "mine")[0] == 0
    os.chdir("mine")

    def learn(*arguments, status=0):
        found, out, error = npvae_("learn", *arguments)
        assert found == status and error == "", (found, out, error)
        assert "\033" not in out and "Traceback" not in out
        assert all(len(line) <= 80 or "ops.py" in line for line in out.splitlines()), out
        return out

    return learn


def solve(name):
    path = pathlib.Path(catalogue.file_name(catalogue.find(name)))
    path.write_text(path.read_text().replace(*SOLVED[name], 1))


def test_the_first_minutes(npvae_, tmp_path):
    status, out, _ = npvae_("learn")
    assert status == 0 and "npvae learn init my-vae" in out
    assert npvae_("learn", "init", "my-vae")[0] == 0
    assert sorted(os.listdir("my-vae")) == sorted(contents())


def test_the_overview_leads_on(learn):
    assert f"0 of {ALL} exercises have passed" in learn() and "Next: gaussian" in learn()
    assert "npvae learn predict gaussian" in learn()
    learn("predict", "gaussian", "3")
    assert "npvae learn predict gaussian" not in learn()
    solve("gaussian")
    assert "gaussian: passed" in learn("check", "gaussian")
    assert f"1 of {ALL} exercises have passed" in learn() and "Next: importance_sampling" in learn()


def test_check_before_and_after(learn):
    out = learn("check", "relu", status=1)
    assert "relu: not written yet" in out and "(0 of 3 hints seen)" in out
    assert "npvae learn predict relu   (before you write)" in out
    solve("relu")
    out = learn("check", "05_relu.py")
    assert "relu: passed" in out and "ops.py, line" in out and "what comes next" in out
    assert learn("check", "5") == out


@pytest.mark.parametrize("name", ["../mine/05_relu.py", "./05_relu.py", "5", "05", "05_relu", "RELU", "Relu.py"])
def test_an_exercise_is_found_by_its_name_its_number_and_its_file(learn, name):
    solve("relu")
    assert "relu: passed" in learn("check", name)
    assert "  1. " in learn("hint", name) and "05_relu.py is as it was" in learn("reset", name)
    assert learn("predict", name, 1)


def test_the_path_of_a_file_names_the_folder_too(learn):
    solve("relu")
    os.chdir("..")
    assert "relu: passed" in learn("check", "mine/05_relu.py")
    assert "1 of 3" in learn("hint", "mine/05_relu.py") and learn("predict", "mine/05_relu.py", 1)
    os.chdir("mine")
    assert Folder().has_passed(catalogue.find("relu")) and Folder().done(catalogue.find("relu"))["hints"] == 1
    assert catalogue.find("dense-forward").name == catalogue.find("01_Dense_Forward.py").name == "dense_forward"


def test_what_has_been_solved_takes_part_in_the_training_step(learn):
    assert Folder().solved(catalogue.find("training_step")) == {}
    solve("relu")
    solve("dense_forward")
    learn("check", "relu")
    assert Folder().solved(catalogue.find("training_step")) == {"relu": "05_relu.py"}        # the other is not checked
    assert Folder().solved(catalogue.find("relu")) == {}


def test_where_the_engine_is_told_only_after_it_has_passed(learn):
    assert "ops.py" not in learn("check", "relu", status=1)


def test_list(learn):
    solve("relu")
    learn("check", "relu")
    lines = learn("list").splitlines()
    assert len(lines) == ALL + 2 and lines[-1] == "✓ passed"
    assert lines[4].startswith("✓  5 relu") and lines[2].startswith("   3 dense_forward")
    path = pathlib.Path("05_relu.py")
    path.write_text(path.read_text() + "# more\n")
    assert learn("list").splitlines()[2].startswith("   3 dense_forward")
    solve("dense_forward")
    assert learn("list").splitlines()[2].startswith("…  3 dense_forward")
    assert learn("list").splitlines()[4].startswith("!") and "! changed since it passed" in learn("list")
    assert "Next: gaussian" in learn()


def test_reset_after_a_pass_leaves_no_mark(learn):
    solve("relu")
    learn("check", "relu")
    learn("reset", "relu")
    assert "!" not in learn("list") and learn("list").splitlines()[4].startswith("   5 relu")


def test_a_hint_without_a_name_is_for_the_next_exercise(learn):
    assert "gaussian, the Gaussian log-likelihood" in learn("hint") and "1 of 3" not in learn("hint")
    solve("gaussian")
    learn("check", "gaussian")
    assert "importance_sampling" in learn("hint")


def test_a_new_folder_says_what_is_in_it(learn):
    text = pathlib.Path("README.md").read_text(encoding="utf-8")
    assert all(f"`{exercise.name}`" in text for exercise in catalogue.ALL)
    assert all(f"npvae learn {action}" in text for action in arguments.LEARN)
    assert all(len(line) <= 120 for line in text.splitlines() if not line.startswith("|"))


def test_a_folder_with_the_numbers_of_before(learn, refuse):
    """Files are found by the name of the exercise, whatever number stands before it."""
    os.rename("05_relu.py", "03_relu.py")
    os.rename("03_dense_forward.py", "01_dense_forward.py")
    os.remove("01_gaussian.py")
    path = pathlib.Path("03_relu.py")
    path.write_text(path.read_text().replace(*SOLVED["relu"], 1))
    for name in ("relu", "3", "03_relu.py", "05_relu.py", "../mine/03_relu.py"):
        assert "relu: passed" in learn("check", name), name
    assert "✓  3 relu" in learn("list") and "   1 dense_forward" in learn("list")
    assert Folder().solved(catalogue.find("training_step")) == {"relu": "03_relu.py"}
    assert "03_relu.py is as it was" in learn("reset", "relu") and not pathlib.Path("05_relu.py").exists()
    assert "npvae learn reset gaussian restores it" in refuse("learn", "check", "gaussian")
    assert sandbox.check(catalogue.find("relu"), "05_relu.py", ".").status == "not written yet"


def test_hints_come_one_more_with_each_call(learn):
    relu = catalogue.find("relu")
    for n in (1, 2, 3, 3):
        out = " ".join(learn("hint", "relu").split())
        assert sum(" ".join(hint.split()) in out for hint in relu.hints) == n
    assert "that was the last one" in out
    assert "(3 of 3 hints seen)" in learn("check", "relu", status=1)


def test_predictions(learn, refuse, monkeypatch):
    assert "Right." in learn("predict", "relu", "2")
    assert "Measured: 2, about half" in learn("predict", "relu", "1")
    monkeypatch.setattr(sys, "stdin", io.StringIO("2\n"))
    assert "Right." in learn("predict", "relu")
    assert Folder().done(catalogue.find("relu"))["predicted"] == 2
    assert "expected a number from 1 to 3" in refuse("learn", "predict", "relu", "7")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert "no answer was given" in refuse("learn", "predict", "relu")


def test_a_terminal_asks_again(learn, npvae_, monkeypatch):
    class Keyboard(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Keyboard("what?\n9\n2\n"))
    out = npvae_("learn", "predict", "relu")[1]
    assert out.count("A number from 1 to 3, please") == 2 and "Right." in out


def test_reset_keeps_what_was_there(learn):
    solve("relu")
    mine = pathlib.Path("05_relu.py").read_text()
    assert "yours is kept as 05_relu.kept1.py" in learn("reset", "relu")
    assert pathlib.Path("05_relu.kept1.py").read_text() == mine
    assert "kept" not in learn("reset", "relu")              # the file has not changed since
    solve("relu")
    assert pathlib.Path("05_relu.py").read_text() == mine
    assert "05_relu.kept2.py" in learn("reset", "relu")
    assert pathlib.Path("05_relu.kept1.py").read_text() == mine
    os.remove("05_relu.py")
    assert "kept" not in learn("reset", "relu") and pathlib.Path("05_relu.py").exists()


def test_what_people_get_wrong(learn, refuse):
    assert "unknown exercise 'rleu': did you mean 'relu'?" in refuse("learn", "check", "rleu")
    assert "unknown exercise '99'" in refuse("learn", "check", "99")
    assert "is not empty, and nothing in it will be overwritten" in refuse("learn", "init", ".")
    assert "is a file" in refuse("learn", "init", "05_relu.py")
    os.remove("05_relu.py")
    assert "npvae learn reset relu restores it" in refuse("learn", "check", "relu")
    pathlib.Path(".progress.json").write_text("{damaged")
    assert "only ticks and hints are lost" in refuse("learn", "list")
    assert "only ticks and hints are lost" in refuse("learn")
    pathlib.Path(".progress.json").write_text('{"relu": {"hints": "two"}}')
    assert "only ticks and hints are lost" in refuse("learn", "hint", "relu")
    os.chdir("..")
    assert "npvae learn init DIR" in refuse("learn", "list")
    assert "invalid choice: 'chekc'" in refuse("learn", "chekc")


def test_progress_is_written_at_once_and_read_again(learn):
    learn("hint", "kl")
    assert json.loads(pathlib.Path(".progress.json").read_text()) == {"kl": {"hints": 1}}
    assert Folder().done(catalogue.find("kl")) == {"hints": 1}


def test_the_folder_of_the_repository_is_found(npvae_):
    os.makedirs("tutorials")
    npvae_("learn", "init", "tutorials/exercises")
    assert f"0 of {ALL}" in npvae_("learn")[1]


def test_colours_only_where_they_are_wanted(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert commands.painted("passed", commands.GREEN) == "passed"
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert commands.painted("passed", commands.GREEN) == "\033[32mpassed\033[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert commands.painted("passed", commands.GREEN) == "passed"


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_watch_checks_what_is_saved_and_stays_where_it_is(learn, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "npvae", "learn", "watch", "relu"], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        lines = []

        def read_until(words):
            while words not in "".join(lines):
                line = process.stdout.readline()
                assert line, "".join(lines)
                lines.append(line)

        read_until("relu: not written yet")
        time.sleep(1.2)                                      # gives the file another time stamp
        solve("relu")
        read_until("relu: passed")
        time.sleep(1.2)
        solve("dense_forward")
        read_until("dense_forward: passed")
        assert "".join(lines).count("passed") == 2           # watch did not go on to the next one
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def test_watch_sees_a_file_that_is_saved_during_the_first_check(learn, monkeypatch):
    checked = []

    def check(folder, exercise):
        checked.append(exercise.name)
        if len(checked) == 2:
            raise KeyboardInterrupt
        time.sleep(0.02)                                     # gives the file another time stamp
        solve("dense_forward")

    monkeypatch.setattr(commands, "_check", check)
    monkeypatch.setattr(commands, "POLL", 0.01)
    naps = iter(range(200))
    monkeypatch.setattr(time, "sleep", lambda s, sleep=time.sleep: sleep(s) if next(naps, None) is not None else 1 / 0)
    with pytest.raises(KeyboardInterrupt):
        commands.watch("relu")
    assert checked == ["relu", "dense_forward"]


def test_the_same_checks_under_pytest(learn):
    solve("relu")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m"]
    assert "1 passed" in subprocess.run([*command, "relu"], capture_output=True, text=True).stdout
    failed = subprocess.run([*command, "kl"], capture_output=True, text=True).stdout
    assert "1 failed" in failed and "kl: not written yet" in failed and "Warning" not in failed


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("on_terminal", [True, False])
def test_what_comes_after_a_pass_is_announced_and_shows_a_bar_on_a_terminal(learn, on_terminal):
    path = pathlib.Path("08_pca.py")
    text = path.read_text().replace("    raise NotImpl", "    return right(x, count)\n    raise NotImpl")
    path.write_text(text + "\n\nfrom npvae.models.pca import principal_components as right\n")
    fcntl, pty, termios = (pytest.importorskip(name) for name in ("fcntl", "pty", "termios"))
    screen, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.run(
        [sys.executable, "-m", "npvae", "learn", "check", "pca"],
        stdout=subprocess.PIPE, stderr=end if on_terminal else subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip
    os.close(end)
    shown = b""
    while on_terminal:
        try:
            shown += os.read(screen, 1000)
        except OSError:
            break
    os.close(screen)
    assert process.returncode == 0 and "pca: passed" in process.stdout
    assert process.stdout.startswith("checking pca; if it is right, a linear autoencoder takes 3,000 steps")
    assert ("3000/3000" in shown.decode()) == on_terminal
    assert not process.stderr
