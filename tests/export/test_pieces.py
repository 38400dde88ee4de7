"""Proves how templates are filled, and that every setting which a program must know has its piece."""

import ast
import pathlib
import types

import pytest

from npvae.export import jax_loss, jax_program, pieces, torch_loss, torch_program
from npvae.nn.layers import ACTIVATIONS
from npvae.nn.optim import OPTIMIZERS
from npvae.nn.schedules import SCHEDULES
from npvae.probability import ESTIMATORS, LIKELIHOODS, KLTerm


def test_a_template_is_filled():
    template = "if a:\n    $BODY\n    $NOTHING\n    return $VALUE"
    assert pieces.filled(template, BODY="b\n\nc", NOTHING="", VALUE=3) == "if a:\n    b\n\n    c\n    return 3"
    with pytest.raises(KeyError):
        pieces.filled("$OTHER + 1", BODY="b")


@pytest.mark.parametrize("loss", [torch_loss, jax_loss], ids=["PyTorch", "JAX"])
def test_every_likelihood_and_estimator_has_its_piece(loss):
    assert loss.LOG_LIKELIHOODS.keys() == LIKELIHOODS.keys()
    assert loss.OBJECTIVES.keys() == {*ESTIMATORS, "iwae"}


def test_every_optimiser_schedule_and_activation_has_its_piece():
    assert torch_program.OPTIMIZERS.keys() == jax_program.UPDATES.keys() == OPTIMIZERS.keys()
    assert pieces.FACTORS.keys() == SCHEDULES.keys()
    for program in (torch_program, jax_program):
        assert {*program.ACTIVATIONS, "leaky_relu"} == {make().label() for make in ACTIVATIONS.values()}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_factor_of_each_schedule(name):
    for step in (0, 1, 999, 12_345):
        factor = eval(pieces.FACTORS[name] or "1", {"step": step})
        assert 0.01 * factor == pytest.approx(SCHEDULES[name](0.01)(step), rel=1e-12)


@pytest.mark.parametrize("name", ['a"""b', "a\\Nb", "a\udcffb", "a\nb"])
def test_no_name_of_a_folder_breaks_the_docstring(name):
    run = types.SimpleNamespace(folder=pathlib.Path(name), settings={"model": "vae"})
    title = pieces.title(run, "JAX")
    assert ast.literal_eval(f'"""{title}"""') == title and "of a" in title
    title.encode()


def test_numbers_and_kl_terms():
    assert [pieces.number(value) for value in (0.001, 4.0, 61.44, 1 / 3)] == ["0.001", "4", "61.44", repr(1 / 3)]
    terms = [KLTerm(), KLTerm(beta=2.0, warm_up=5), KLTerm(free_bits=0.1), KLTerm(capacity=3.0, warm_up=5, beta=9.0)]
    terms.append(KLTerm(capacity=3.0))
    expected = ["kl", "min(1, step / 5) * 2 * kl", "(r(kl_j - 0.1) + 0.1).sum()", "9 * abs(kl - min(1, step / 5) * 3)"]
    expected.append("abs(kl - 3)")
    assert [pieces.kl_term(term, "r") for term in terms] == expected
