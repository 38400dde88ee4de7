"""Proves that each exhibit fails exactly the tests that can see its defect, and that the repaired program passes all.

These tests would catch an exhibit that passes unrepaired, one that cannot be repaired, and a lesson that is not true:
that a test is blind to a defect is also a claim.
"""

import inspect

import numpy as np
import pytest

from npvae.learn import catalogue
from npvae.learn.museum import battery, by_hand, importance_weighted, with_autodiff
from npvae.learn.museum.exhibits import DEFECTS, EXHIBITS, module_of
from npvae.learn.outcome import PASSED, WRONG, judge_file

GRADIENTS = "gradients against finite differences"
SEEN_BY = {
    "bug_1": {GRADIENTS}, "bug_2": {"moments of a million samples"}, "bug_3": {"KL against a Monte Carlo estimate"},
    "bug_4": {GRADIENTS}, "bug_5": {"a decoder can be certain"}, "bug_8": {GRADIENTS},
    "bug_6": {GRADIENTS, "loss against the engine's ELBO"},
    "bug_7": {"gradients against the bound's finite differences"}, "bug_9": {"another test set, the same training"},
}  # fmt: skip

every = pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit.name)


@every
def test_only_the_right_tests_see_the_defect(exhibit):
    sentences = exhibit.run_tests(module_of(exhibit.source()))
    assert {name for name, sentence in sentences.items() if sentence} == SEEN_BY[exhibit.name]
    assert not any(exhibit.run_tests(module_of(exhibit.source(repaired=True))).values())


def test_every_defect_is_shown_once_and_some_are_invisible_to_gradient_checks():
    assert sorted(exhibit.defect for exhibit in EXHIBITS) == sorted(DEFECTS)
    invisible = [name for name, tests in SEEN_BY.items() if GRADIENTS not in tests]
    assert len(invisible) == 5
    for exhibit in EXHIBITS:
        answer = exhibit.prediction.choices[exhibit.prediction.measure()]
        assert answer == ("no" if exhibit.name in invisible else "yes")


def test_the_surrogates_own_gradient_check_is_the_wrong_test():
    exhibit = next(exhibit for exhibit in EXHIBITS if exhibit.name == "bug_7")
    assert battery.own_gradient(module_of(exhibit.source())) == ""
    assert battery.own_gradient(module_of(exhibit.source(repaired=True))) != ""


@every
def test_find_it_name_it_and_repair_it(exhibit, tmp_path):
    path = tmp_path / "program.py"

    def outcome(source, letter=""):
        path.write_text(source.replace('DEFECT = ""', f'DEFECT = "{letter}"'))
        return judge_file(exhibit, path)

    broken = catalogue.text(exhibit)
    repaired = broken.replace(exhibit.wrong_line, exhibit.right)
    other = next(letter for letter in DEFECTS if letter != exhibit.defect)
    assert repaired != broken
    assert outcome(broken).status == WRONG
    assert outcome(broken, exhibit.defect).lines[-1].strip() == "That is its name. Now repair it."
    assert "Now name it" in " ".join(outcome(repaired).lines)
    assert outcome(repaired, other).status == WRONG and "is not its name" in " ".join(outcome(repaired, other).lines)
    passed = outcome(repaired, exhibit.defect.lower())
    assert passed.status == PASSED and exhibit.lesson.split()[0] in " ".join(passed.lines)
    assert DEFECTS[exhibit.defect] not in " ".join(outcome(broken).lines)       # the solution is not revealed yet


def damaged(program, **functions):
    """Return a copy of the program in which other functions replace some of its own."""
    module = module_of(inspect.getsource(program))
    vars(module).update({name: f(module) for name, f in functions.items()})
    return module


@pytest.mark.parametrize(
    "test, name, change",
    [
        (battery.moments, "sample", lambda right: lambda mu, logvar, rng: right(mu, logvar, rng) + 0.05),
        (battery.moments, "sample", lambda right: lambda mu, logvar, rng: right(mu, logvar + 0.05, rng)),
        (battery.monte_carlo_kl, "kl_divergence", lambda right: lambda mu, logvar: right(mu, logvar) * 1.05),
        (battery.sums_to_one, "log_likelihood", lambda right: lambda x, logits: right(x, logits) / 7.0),
        (battery.certainty, "log_likelihood", lambda right: lambda x, logits: right(x, logits) - 0.01),
    ],
)
def test_the_tests_see_small_mistakes(test, name, change):
    assert test(with_autodiff) == ""
    assert test(damaged(with_autodiff, **{name: lambda module: change(getattr(module, name))})) != ""


def test_the_bound_is_held_against_the_engines():
    assert battery.bound_value(importance_weighted) == ""
    for name in ("bound", "log_weights"):
        right = getattr(importance_weighted, name)
        program = damaged(importance_weighted, **{name: lambda module, right=right: lambda *a: right(*a) + 0.01})
        assert battery.bound_value(program) != "", name


@pytest.mark.parametrize(
    "program, name, change, words",
    [
        (with_autodiff, "kl_divergence", lambda right: lambda *a: right(*a).sum(), "has the shape (), expected (1,)"),
        (with_autodiff, "kl_divergence", lambda right: lambda *a: right(*a).data, "is an ndarray, expected a Tensor"),
        (with_autodiff, "log_likelihood", lambda right: lambda *a: right(*a).mean(), "the value of log_likelihood"),
        (with_autodiff, "sample", lambda right: lambda *a: right(*a).data, "the value of sample is an ndarray"),
        (by_hand, "loss_and_gradients", lambda right: lambda *a: right(*a)[1], "returns a list, expected a tuple"),
        (by_hand, "loss_and_gradients", lambda right: lambda *a: (0.0, right(*a)[1][:7]), "expected a list of 8"),
        (
            by_hand,
            "loss_and_gradients",
            lambda right: lambda *a: (right(*a)[0], [np.ma.masked_array(da) for da in right(*a)[1]]),
            "dW1 is a MaskedArray, expected a plain np.ndarray of shape (7, 5)",
        ),
        (
            by_hand,
            "loss_and_gradients",
            lambda right: lambda *a: (right(*a)[0] * np.ones(3), right(*a)[1]),
            "the loss has the shape (3,), expected a single number",
        ),
        (importance_weighted, "surrogate", lambda right: lambda *a: right(*a).data, "surrogate is an ndarray"),
        (importance_weighted, "bound", lambda right: lambda *a: [right(*a)], "the bound is a list, expected a number"),
    ],
)
def test_what_a_program_returns_is_named_by_its_kind_and_shape(program, name, change, words):
    """None of them may end in an error of the tests themselves."""
    exhibit = next(exhibit for exhibit in EXHIBITS if exhibit.solution is program)
    sentences = exhibit.run_tests(damaged(program, **{name: lambda module: change(getattr(module, name))}))
    assert any(words in sentence for sentence in sentences.values()), sentences
