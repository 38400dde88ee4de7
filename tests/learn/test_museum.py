"""Proves that each exhibit fails exactly the tests that can see its defect, and that the repaired program passes all.

These tests would catch an exhibit that passes unrepaired, one that cannot be repaired, and a lesson that is not true:
that a test is blind to a defect is also a claim. They also catch a style that computes something else, or draws other
random numbers, and a defect that is planted at a place where its program's tests or its hints do not fit it.
"""

import builtins
import inspect
import keyword
import re

import numpy as np
import pytest

from npvae import Tensor
from npvae.learn import catalogue
from npvae.learn.museum import battery, by_hand, importance_weighted, style, with_autodiff
from npvae.learn.museum.exhibits import DEFECTS, EXHIBITS, PROGRAMS, module_of
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


# --- the styles -------------------------------------------------------------------------------------------------------

SEEDS = ("1", "2", "3")
every_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.module.__name__.split(".")[-1])


def plain(program):
    """Return the style of the program's own file."""
    return style.Style({}, [ways[0] for ways in program.statements], program.orders[0])


def numbers(module):
    """Return arrays that a program computes, and the state of its generator after each function."""
    rng, found = np.random.default_rng(3), []

    def note(*arrays):
        found.extend(np.asarray(a.data if isinstance(a, Tensor) else a) for a in arrays)
        found.append(np.array(rng.random()))                 # differs if the program drew other numbers

    if hasattr(module, "loss_and_gradients"):
        x = rng.random((30, 7))
        params = module.parameters(7, 5, 3, rng)
        note(*params)
        loss, gradients = module.loss_and_gradients(params, x, rng)
        note(loss, *gradients)
        params, losses = module.train(x, 3, rng)
        note(*params, losses)
    elif hasattr(module, "VAE"):
        model = module.VAE(7, 5, 3, rng).astype(np.float64)
        x = rng.random((50, 7))
        mu, logvar = model.encode(x)
        z = module.sample(mu, logvar, rng)
        logits = model.decode(z)
        note(mu, logvar, z, logits, module.kl_divergence(mu, logvar), module.log_likelihood(x, logits))
        note(module.loss(model, x, rng), module.evaluate(model, x, rng))
        note(module.train(model, x, x[:20], 2, rng), *model.parameters())
    else:
        x, eps = rng.random((5, 7)), rng.standard_normal((11, 5, 3))
        shapes = (5, 3), (5, 3), (3, 7), (7,)                # mu, logvar, W and b
        parameters = [Tensor(rng.standard_normal(shape), requires_grad=True) for shape in shapes]
        surrogate = module.surrogate(x, *parameters, eps)
        surrogate.backward()
        note(surrogate, module.bound(x, *parameters, eps), module.log_weights(x, *parameters, eps))
        note(*(parameter.grad for parameter in parameters))
    return found


def assert_equal(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        assert a.dtype == b.dtype and a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=1e-11)


@every_program
def test_every_way_to_write_a_statement_computes_the_same(program):
    expected = numbers(program.module)
    assert style.write(program, plain(program)) == style.source_of(program.module)
    for i, ways in enumerate(program.statements):
        assert len(set(ways)) == len(ways)
        for way in ways[1:]:
            other = plain(program)
            other.statements[i] = way
            assert_equal(numbers(module_of(style.write(program, other))), expected)
    for order in program.orders:
        assert sorted(order) == sorted(program.orders[0])


@every_program
@pytest.mark.parametrize("seed", SEEDS)
def test_every_style_computes_the_same_under_other_names(program, seed):
    expected = numbers(program.module)
    styles = [style.style_of(program, seed, number) for number in range(4)]
    sources = [style.renamed(style.write(program, each), each.names) for each in styles]
    for source in sources:
        assert_equal(numbers(module_of(source)), expected)
        assert all(len(line) <= 120 for line in source.splitlines())
    assert all(len({each.names[name] for each in styles} | {name}) == 5 for name in styles[0].names)


@every_program
def test_no_name_of_a_table_is_in_use(program):
    ways = [way for ways in program.statements for way in ways]
    code = re.sub(r'"""[^"]*(?:"""|$)|#[^\n]*', "", style.source_of(program.module))
    code += "\n".join(re.sub(r'"""[^"\n]*(?:"""|$)|#[^\n]*', "", way, flags=re.MULTILINE) for way in ways)
    used = set(re.findall(r"(?<![\w.])[A-Za-z_]\w*", code))
    new = [name for _, *choices in program.names for together in choices for name in together]
    assert len(set(new)) == len(new)
    for name in new:
        assert name not in used and f"d{name}" not in used | set(new), name
        assert not keyword.iskeyword(name) and not hasattr(builtins, name), name
    for together, *choices in program.names:
        assert len(choices) == 4 and {len(choice) for choice in choices} == {len(together)}
        assert set(together) <= used, together


# --- the places -------------------------------------------------------------------------------------------------------

LOSS, MOMENTS = "loss against the engine's ELBO", "moments of a million samples"
MONTE_CARLO, TEST_SET = "KL against a Monte Carlo estimate", "another test set, the same training"
SURE, SUM = "a decoder can be certain", "probabilities of all images sum to 1"
VALUE, BOUND = "value of the bound against the engine's", "gradients against the bound's finite differences"
ENCODER, DECODER, OUTPUT = "dW1, db1, dW2, db2", "dW3, db3", "dW4, db4"
EVERYTHING = f"{ENCODER}, {DECODER}, {OUTPUT}"
CLAIMED = {  # which tests fail, place by place in the order of the program's list; and which gradients are wrong
    by_hand: [
        ("D", {GRADIENTS}, f"{ENCODER}, {DECODER}"), ("D", {GRADIENTS}, f"{ENCODER}, {DECODER}"),
        ("D", {GRADIENTS}, "dW1, db1"), ("D", {GRADIENTS}, "dW1, db1"),
        ("E", {GRADIENTS}, ENCODER), ("E", {GRADIENTS}, ENCODER), ("E", {GRADIENTS, LOSS}, ENCODER),
        ("F", {GRADIENTS, LOSS}, EVERYTHING), ("F", {GRADIENTS}, EVERYTHING),
        ("H", {GRADIENTS}, ENCODER), ("H", {GRADIENTS}, ENCODER), ("A", {GRADIENTS}, ENCODER),
        ("B", {GRADIENTS, LOSS}, ENCODER), ("C", {GRADIENTS}, EVERYTHING), ("C", {GRADIENTS, LOSS}, EVERYTHING),
    ],
    with_autodiff: [
        ("A", {MOMENTS}, ""), ("A", {MONTE_CARLO}, ""), ("B", {MONTE_CARLO}, ""), ("C", {SURE}, ""), ("C", {SURE}, ""),
        ("E", {MONTE_CARLO}, ""), ("F", {SUM}, ""), ("I", {TEST_SET}, ""), ("I", {TEST_SET}, ""), ("I", {TEST_SET}, ""),
    ],
    importance_weighted: [
        ("G", {BOUND}, ""), ("G", {BOUND}, ""),
        ("A", {VALUE}, ""), ("C", {VALUE}, ""), ("E", {VALUE}, ""), ("F", {VALUE}, ""),
    ],
}  # fmt: skip
PLACES = [
    pytest.param(program, place, claimed, id=f"{program.module.__name__.split('.')[-1]}-{place.defect}{i}")
    for program in PROGRAMS
    for i, (place, claimed) in enumerate(zip(program.places, CLAIMED[program.module], strict=True))
]


def squeezed(text):
    return "".join(text.split())


@pytest.mark.parametrize("program, place, claimed", PLACES)
def test_every_place_is_seen_by_the_tests_that_its_hints_speak_of(program, place, claimed):
    """In every way to write the statement, in one of the styles of a seed."""
    letter, failing, gradients = claimed
    exhibit = next(exhibit for exhibit in EXHIBITS if exhibit.solution is program.module)
    assert place.defect == letter and len(place.hints) == 3
    for number, (way, wrong) in enumerate(place.changes.items()):
        chosen = style.style_of(program, "7", number % 4)
        right, lines, wrong_lines = style.plant(program, chosen, place, way)
        assert right.count(lines) == 1
        source = right.replace(lines, wrong_lines)
        with np.errstate(over="ignore"):
            sentences = exhibit.run_tests(module_of(source))
        assert {name for name, sentence in sentences.items() if sentence} == failing, way
        assert not gradients or sentences[GRADIENTS] == f"wrong: {gradients}"
        hints = [squeezed(hint.format_map(chosen.names)) for hint in place.hints]
        new = [line for line in way.splitlines() if line not in wrong.splitlines()] if way not in wrong else []
        assert new or letter in "HC"
        assert not any(squeezed(style.renamed(line, chosen.names)) in hint for line in new for hint in hints)
        assert place.lesson.format_map(chosen.names)


def test_each_program_can_have_several_defects_and_most_defects_several_places():
    letters = "".join(place.defect for program in PROGRAMS for place in program.places)
    assert {letter: letters.count(letter) for letter in DEFECTS} == {
        "A": 4, "B": 2, "C": 5, "D": 4, "E": 5, "F": 4, "G": 2, "H": 2, "I": 3,
    }  # fmt: skip
