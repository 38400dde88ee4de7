"""Proves each exercise's contract: the stub says what to do, the solution passes, and every wrong version is named.

These tests would catch an exercise that passes while it is blank, one that its own solution fails, a mistake that goes
unnoticed or gets another mistake's name, and a stub that is no longer the engine's function.
"""

import dataclasses
import pathlib
import re

import numpy as np
import pytest

from npvae import models
from npvae.diagnosis.diagnose import find
from npvae.experiments import diagnosis
from npvae.experiments.diagnosis import EXERCISES, findings_of
from npvae.experiments.planted import is_wrong
from npvae.learn import catalogue, contract, outcome, picture
from npvae.learn.exercises import BY_CHAPTER
from npvae.learn.folder import contents
from npvae.learn.museum.exhibits import EXHIBITS, Exhibit
from npvae.learn.operation import OperationExercise
from npvae.learn.stubs import stub
from npvae.training import training_step

SEEDS = (0, 1)
WRONG = [(exercise, name) for exercise in EXERCISES for name in exercise.wrong]
FILES = pathlib.Path(__file__).parents[2] / "tutorials" / "exercises"

by_name = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
every = pytest.mark.parametrize("exercise", catalogue.ALL, ids=lambda exercise: exercise.name)


@pytest.mark.parametrize("promise", contract.PROMISES)
@by_name
def test_it_keeps_the_contract_of_an_exercise_of_your_own(exercise, promise):
    assert contract.PROMISES[promise](exercise) == ""


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exercise, name", WRONG, ids=[f"{exercise.name}: {name}" for exercise, name in WRONG])
def test_every_wrong_version_is_caught_and_named(exercise, name, seed):
    findings = findings_of(exercise, exercise.wrong_version(name), seed)
    assert findings
    for finding in findings:
        assert finding.measured, finding.evidence
        text = " ".join([finding.measured, *finding.causes])
        assert exercise.wrong[name].cause and exercise.wrong[name].cause in text
        assert len(finding.causes) <= 4
        assert all(len(line) <= 80 for line in "\n".join(finding.lines()).splitlines())


@every
def test_there_is_something_to_read(exercise):
    assert len(exercise.hints) == 3 and all(len(hint) > contract.SHORTEST_HINT for hint in exercise.hints)
    assert "Source: " in exercise.text or exercise.name.startswith("bug_")
    assert exercise.prediction.question and exercise.prediction.because
    assert contract.lines_too_long(exercise) == contract.prediction_without_answer(exercise) == ""


@by_name
def test_every_suspected_mistake_is_named(exercise):
    """For arrays that a listed mistake gives in every draw, the diagnosis must offer that mistake."""
    arrays = diagnosis.right_arrays(exercise, 0)
    for name, several in arrays.items():
        for cause in several[0].suspects:
            found = [c.suspects[cause] for c in several]
            if all(np.shape(a) == c.expected.shape for a, c in zip(found, several)) and is_wrong(several, found):
                finding = find([dataclasses.replace(c, found=a) for c, a in zip(several, found)])
                assert cause in finding.causes, (name, cause)


PREDICTED = {
    "dense_forward": "401,920", "relu": "about half", "sigmoid": "0, exactly", "softplus": "½", "reparameterize": "3",
    "bernoulli": "543: ln 2 for each pixel", "kl": "σ = 2", "gaussian": "at the mean of (x − μ)²",
    "elbo": "it stays the same, with less noise", "adam": "as far as the second", "e_step": "it rises",
    "dense_backward": "its shape stays, and its numbers are sums over 300 examples",
    "training_step": "6, three times the gradient", "pca": "the same subspace, but other axes",
    "importance_sampling": "rises with K", "iwae_weights": "about 0.84, 0.11, 0.04", "convolution": "4 and 9",
}  # fmt: skip


@by_name
def test_predictions_are_measured(exercise):
    prediction = exercise.prediction
    assert prediction.choices[prediction.measure()] == PREDICTED[exercise.name]


def test_stubs_are_made_of_the_engines_functions():
    dense = stub(4, catalogue.find("dense_backward"))
    assert "y = product(x, W)                        # y_no = Σ_i x_ni W_io" in dense    # the engine's line and comment
    assert "dy @ W.T" not in dense and "x.T @ dy" not in dense and dense.count("NotImplementedError") == 3
    assert "sigma" not in catalogue.text(catalogue.find("reparameterize")).split('"""', 2)[2]
    assert "return y, dlogits, None" in catalogue.text(catalogue.find("bernoulli"))


def test_the_order_is_that_of_the_chapters():
    chapters = {title_of(chapter): chapter for chapter in sorted(FILES.parent.glob("[0-9][0-9]_*.py"))}
    assert [title for title in chapters if title in BY_CHAPTER] == list(BY_CHAPTER)
    for title, exercises in BY_CHAPTER.items():
        linked = re.findall(r"exercises/(\w+\.py)", chapters[title].read_text(encoding="utf-8"))
        own = {catalogue.file_name(exercise) for exercise in exercises}
        if exercises[0] in EXHIBITS:                         # the chapter sends its reader to some of the nine
            assert own & set(linked), title
        else:                                                # and any chapter may send its reader to the museum
            assert own == {name for name in linked if "_bug_" not in name}, title
        assert all((FILES / name).exists() for name in linked)


def title_of(chapter):
    return re.search(r"^# # (.*)", chapter.read_text(encoding="utf-8"), re.MULTILINE)[1]


def test_no_hint_gives_the_solution_away():
    """Neither a line of the engine's function nor one that it computes stands in a hint."""
    for exercise in catalogue.ALL:
        for hint in exercise.hints:
            for line in solution_lines(exercise):
                assert line not in contract.squeezed(hint), (exercise.name, hint, line)


def solution_lines(exercise):
    """Return the expressions that the student must find, and other ways to write them."""
    if isinstance(exercise, Exhibit):
        wrong = {contract.squeezed(line) for line in exercise.wrong_line.splitlines()}
        lines = [line for line in map(contract.squeezed, exercise.right.splitlines()) if line not in wrong]
        return lines + [line.split("=", 1)[1] for line in lines if re.match(r"\w+=[^=]", line)]
    return contract.solution_lines(exercise) + SAID.get(exercise.name, [])


SAID = {  # other ways to write the line
    "dense_forward": ["x@W+b", "xW+b"],
    "dense_backward": ["dx=dyW.T", "dW=x.Tdy", "dy.sum(axis=0)"],
    "relu": ["dy*(x>0)", "dy*(y>0)"],
    "sigmoid": ["y(1-y)", "dy*y*(1-y)"],
    "softplus": ["max(x,0)+ln(1+e^-|x|)", "=σ(x)"],
    "bernoulli": ["x-σ(l)"],
    "reparameterize": ["=eps,and", "σ/2"],
    "kl": ["dy[:,None]*mu", "0.5*(σ²-1)"],
    "gaussian": ["dy[:,None](x-mu)", "[(x-mu)²/σ²-1]"],
    "elbo": ["reshape(L,N).mean(axis=0)"],
    "adam": ["lr*m_hat/(np.sqrt(v_hat)"],
    "training_step": ["optimizer.zero_grad();", "objective.backward();"],
    "e_step": ["-elbo(…).elbo.sum()"],
    "pca": ["vectors[:,::-1].T[:count]"],
    "importance_sampling": ["np.exp(log_w-m)"],
    "iwae_weights": ["e/total"],
    "convolution": ["add_columns(dr,x.shape,k,stride,padding)", "dyW.T", "r.Tdy"],
}


def test_the_committed_files_are_the_stubs():
    """If this fails because you worked on these files, make your own folder instead: npvae learn init DIR."""
    found = {path.name: path.read_text(encoding="utf-8") for path in (*FILES.glob("*.py"), FILES / "README.md")}
    assert found == contents()


def test_wrong_shapes_and_types_are_named():
    reparameterize = catalogue.find("reparameterize")
    right = reparameterize.reference()

    def with_value(change):
        def f(*arrays):
            z, *derivatives = right(*arrays)
            return change(z), *derivatives

        return f

    def words(f):
        return " ".join(" ".join(c.causes + [c.measured]) for c in findings_of(reparameterize, f, 0))

    assert "a list" in words(with_value(lambda z: z.tolist()))
    assert "None" in words(with_value(lambda z: None))
    assert "float32 numbers, expected float64" in words(with_value(lambda z: z.astype(np.float32)))
    assert "3 derivatives" in words(lambda mu, logvar, eps: right(mu, logvar, eps)[0])
    assert "3 derivatives" in words(lambda mu, logvar, eps: right(mu, logvar, eps)[:2])
    assert "from float32 inputs the function makes float64" in words(
        lambda mu, logvar, eps: (right(mu, logvar, eps)[0] + np.zeros(mu.shape), *right(mu, logvar, eps)[1:])
    )
    assert "no function reparameterize" in _loaded("def sample(mu): pass")


def test_the_network_of_the_picture_is_the_reference_network():
    """With the engine's operations, both networks have the same loss and gradients, bit for bit."""
    x, found = np.random.default_rng(1).random((11, 7)).astype(np.float32), []
    for make in (
        lambda rng: models.VAE(7, 3, [5, 4], rng),
        lambda rng: picture.VAE([7, 5, 4], 3, rng, picture.ENGINE),
    ):
        rng = np.random.default_rng(0)
        model = make(rng)
        loss = model.loss(x, rng)[0]
        loss.backward()
        found.append([float(loss), *sorted(float(np.abs(p.grad).sum()) for p in model.parameters())])
    assert found[0] == found[1]


@pytest.mark.parametrize("solved", [["dense_forward"], ["dense_backward"], ["reparameterize", "kl"], ["adam", "relu"]])
def test_functions_stand_in_for_the_engines(solved, rng):
    """Training the VAE runs the functions that the student has solved, and only these."""
    called = set()

    def noting(name):
        exercise = catalogue.find(name)
        f = exercise.reference() if isinstance(exercise, OperationExercise) else exercise.solution

        def g(*given):
            called.add(name)
            return f(*given)

        g.__name__ = exercise.function_name
        return g

    own = {name: noting(name) for name in solved}
    model = picture.VAE([7, 5], 3, rng, picture.chosen_operations(own))
    optimizer = picture.chosen_adam(own, model.parameters())
    training_step(model, optimizer, rng.random((11, 7)).astype(np.float32), rng)
    assert called == set(solved)


def test_a_student_may_forget_that_a_number_is_float64():
    gaussian = catalogue.find("gaussian")
    right = gaussian.reference()

    def with_numpy_number(*arrays):
        y, *derivatives = right(*arrays)
        return y + np.log(1.0), *derivatives

    (finding,) = findings_of(gaussian, with_numpy_number, 0)
    assert "the numbers are right, but from float32 inputs the function makes float64" in finding.measured
    dense = catalogue.find("dense_forward")
    (finding,) = findings_of(dense, lambda x, W, b: x @ W + b + np.zeros(len(b)), 0)
    assert "from float32 inputs" in finding.measured


def test_derivatives_in_the_wrong_order():
    kl = catalogue.find("kl")
    right = kl.reference()

    def exchanged(mu, logvar):
        y, dmu, dlogvar = right(mu, logvar)
        return y, dlogvar, dmu

    findings = findings_of(kl, exchanged, 0)
    assert "this is dlogvar: are the derivatives in the order of the inputs?" in findings[0].causes


def _loaded(source):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "x.py")
        path.write_text(source)
        return " ".join(" ".join(outcome.judge_file(catalogue.find("reparameterize"), path).lines).split())


def test_every_blank_of_an_operation_has_a_formula_or_finite_differences():
    for exercise in EXERCISES:
        if isinstance(exercise, OperationExercise):
            assert set(exercise.formulas) <= set(exercise.blanks), exercise.name
