"""Proves that the fast update rules are the published ones: step by step, they agree with the paper's formula.

These tests would catch a missing bias correction, ε inside the root, momentum on the wrong side, a block that is
skipped at the end of an array, and an accumulator that is not restored.
"""

import numpy as np
import pytest

from npvae import nn
from npvae.autodiff import Tensor
from npvae.errors import UserError
from npvae.nn import optim, schedules

STEPS = 7


def gradients(shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [[rng.standard_normal(shape) * 10.0 ** rng.integers(-8, 3) for shape in shapes] for _ in range(STEPS)]


def sgd(p, gs, lr=0.1, momentum=0.9):
    u = 0
    for g in gs:
        u = momentum * u + g
        p = p - lr * u
    return p


def adagrad(p, gs, lr=0.1, eps=1e-10):
    s = 0
    for g in gs:
        s = s + g**2
        p = p - lr * g / (np.sqrt(s) + eps)
    return p


def adam(p, gs, lr=0.1, beta1=0.9, beta2=0.999, eps=1e-8):
    """Algorithm 1 of Kingma and Ba, line by line."""
    m = v = 0
    for t, g in enumerate(gs, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        p = p - lr * m_hat / (np.sqrt(v_hat) + eps)
    return p


RULES = pytest.mark.parametrize(
    "make, reference",
    [
        (lambda ps: optim.SGD(ps, 0.1, momentum=0.9), sgd),
        (lambda ps: optim.Adagrad(ps, 0.1), adagrad),
        (lambda ps: optim.Adam(ps, 0.1), adam),
    ],
    ids=["SGD", "Adagrad", "Adam"],
)
SHAPES = [(3, 5), (), (optim.BLOCK + 17,), (2, optim.BLOCK)]


@RULES
def test_the_rule_is_the_published_one(make, reference):
    start = [np.random.default_rng(1).standard_normal(shape) for shape in SHAPES]
    ps = [Tensor(p.copy(), requires_grad=True) for p in start]
    optimizer, gs = make(ps), gradients(SHAPES)
    for g in gs:
        for p, dp in zip(ps, g):
            p.grad = np.asarray(dp)
        optimizer.step()
    for i, p in enumerate(ps):
        assert p.shape == SHAPES[i]
        assert np.allclose(p.data, reference(start[i], [g[i] for g in gs]), rtol=1e-10, atol=1e-12)


@RULES
def test_a_restored_optimiser_goes_on_with_the_same_bits(make, reference):
    gs = gradients(SHAPES)
    a = [Tensor(np.ones(shape), requires_grad=True) for shape in SHAPES]
    b = [Tensor(np.ones(shape), requires_grad=True) for shape in SHAPES]
    one, first = make(a), make(b)
    second = None
    for t, g in enumerate(gs):
        if t == 3:
            state = first.state_dict()
            second = make(b)
            second.load_state_dict(state)
        for ps, optimizer in ((a, one), (b, second or first)):
            for p, dp in zip(ps, g):
                p.grad = np.asarray(dp)
            optimizer.step()
    assert all(np.array_equal(p.data, q.data) for p, q in zip(a, b))


@pytest.mark.parametrize("name", optim.OPTIMIZERS)
def test_every_optimiser_finds_the_minimum_of_a_valley(name):
    lr = {"sgd": 0.02, "adagrad": 1.0, "adam": schedules.cosine(0.3, 500)}[name]
    x = Tensor(np.array([3.0, -2.0]), requires_grad=True)
    optimizer = optim.OPTIMIZERS[name]([x], lr)
    for _ in range(500):
        optimizer.zero_grad()
        (x * x * np.array([1.0, 30.0])).sum().backward()
        optimizer.step()
    assert np.abs(x.data).max() < 1e-3


@RULES
def test_any_layout_of_the_parameters(make, reference):
    """The memory of a transposed array is not in row order; its accumulators must still be right."""
    start = np.random.default_rng(1).standard_normal((3, 5))
    p = Tensor(np.asfortranarray(start), requires_grad=True)
    optimizer, gs = make([p]), gradients([(3, 5)])
    for (g,) in gs:
        p.grad = np.asfortranarray(g)
        optimizer.step()
    assert np.allclose(p.data, reference(start, [g for (g,) in gs]), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("size", [1e-6, 1e-10])
def test_small_gradients_over_hundreds_of_steps_are_not_flushed(size):
    """Gradients of 1e-10 have squares of 1e-20; their root is small, but not negligible beside ε = 1e-8."""
    gs = [np.array([size, -0.3 * size]) * (1 + 0.5 * np.sin(t)) for t in range(350)]
    p = Tensor(np.zeros(2), requires_grad=True)
    optimizer = optim.Adam([p], 0.1)
    for g in gs:
        p.grad = g
        optimizer.step()
    assert np.allclose(p.data, adam(np.zeros(2), gs), rtol=1e-10)


def test_another_optimisers_state_is_refused():
    ps = [Tensor(np.ones((4, 4)), requires_grad=True)]
    with pytest.raises(UserError, match="does not fit Adam"):
        optim.Adam(ps).load_state_dict(optim.SGD(ps, 0.1).state_dict())
    with pytest.raises(UserError, match="does not fit SGD"):
        optim.SGD(ps, 0.1).load_state_dict(optim.SGD([Tensor(np.ones((1, 4)))], 0.1).state_dict())
    with pytest.raises(ValueError, match="the learning rate is nan"):
        optim.Adam(ps, float("nan"))


def test_a_schedule_is_followed_from_step_0():
    x = Tensor(np.zeros(1), requires_grad=True)
    optimizer = optim.SGD([x], lr=lambda step: [1.0, 10.0, 100.0][step])
    for _ in range(3):
        x.grad = np.ones(1)
        optimizer.step()
    assert x.data == -111


def test_parameters_of_any_layout_and_without_gradient():
    transposed = Tensor(np.ones((3, 5)).T, requires_grad=True)           # its memory is not in row order
    without = Tensor(np.ones(2), requires_grad=True)
    transposed.grad = np.arange(15.0).reshape(5, 3)
    optim.SGD([transposed, without], lr=1.0).step()
    assert np.array_equal(transposed.data, 1 - np.arange(15.0).reshape(5, 3))
    assert without.data.tolist() == [1, 1]
    with pytest.raises(ValueError, match="at least one parameter"):
        optim.SGD([], lr=1.0)


def test_dead_momenta_do_not_become_denormal():
    x = Tensor(np.ones(3, dtype=np.float32), requires_grad=True)
    optimizer = optim.Adam([x])
    for step in range(2000):
        x.grad = np.full(3, 1e-3 if step < 10 else 0, dtype=np.float32)
        optimizer.step()
        M = optimizer.state["M"][0]
        assert ((M == 0) | (np.abs(M) > np.finfo(np.float32).tiny)).all()
    assert (M == 0).all()


@RULES
def test_a_parameter_whose_first_gradient_comes_late_starts_as_any_other(make, reference):
    """Adam's bias correction counts the steps of each parameter, and not those of the run."""
    start, gs = np.random.default_rng(1).standard_normal((2, 3)), gradients([(3,), (3,)])
    always, late = (Tensor(p.copy(), requires_grad=True) for p in start)
    optimizer, taken = make([always, late]), []
    for t, (g, other) in enumerate(gs):
        always.grad, late.grad = g, other if t in (3, 5, 6) else None
        taken += [other] if t in (3, 5, 6) else []
        optimizer.step()
    assert np.allclose(always.data, reference(start[0], [g for g, _ in gs]), rtol=1e-10)
    assert np.allclose(late.data, reference(start[1], taken), rtol=1e-10)
    assert optimizer.counts == [7, 3] and optimizer.state_dict()["counts"].tolist() == [7, 3]


def test_the_hyperparameters_are_part_of_the_state():
    """A run that was begun with others than the defaults must go on with them, also where nobody says them again."""
    p = Tensor(np.ones(3), requires_grad=True)
    for name, rule in optim.OPTIMIZERS.items():
        numbers = {each: 0.25 / (i + 1) for i, each in enumerate(rule.hyperparameters)}
        other = rule([p], 0.1)
        other.load_state_dict(rule([p], 0.1, **numbers).state_dict())
        assert numbers and {each: getattr(other, each) for each in numbers} == numbers, name


def test_a_state_without_counts_and_hyperparameters_still_loads():
    p = Tensor(np.ones(3), requires_grad=True)
    optimizer = optim.Adam([p])
    for _ in range(4):
        p.grad = np.ones(3)
        optimizer.step()
    newer = ("counts", "beta1", "beta2", "eps")
    old = {name: a for name, a in optimizer.state_dict().items() if name not in newer}
    other = optim.Adam([p], beta1=0.5)
    other.load_state_dict(old)
    assert other.counts == [4] and other.steps == 4 and other.beta1 == 0.5


NO_SENSE = {
    "momentum": (lambda ps, value: optim.SGD(ps, 0.1, momentum=value), [2, 1, -0.1, np.nan]),
    "beta1": (lambda ps, value: optim.Adam(ps, beta1=value), [1, 1.5, -0.1, np.nan]),
    "beta2": (lambda ps, value: optim.Adam(ps, beta2=value), [1, 1.5, -0.1, np.nan]),
    "eps": (lambda ps, value: optim.Adam(ps, eps=value), [-1, 0, np.inf, np.nan]),
    "eps ": (lambda ps, value: optim.Adagrad(ps, 0.1, eps=value), [-1, 0, np.inf, np.nan]),
    "the learning rate": (lambda ps, value: optim.SGD(ps, value), [0, -0.1, np.inf, np.nan]),
    "step decay acts every": (lambda ps, value: schedules.step_decay(0.1, every=value), [0, -3, 0.5, np.nan]),
    "step decay has factor": (lambda ps, value: schedules.step_decay(0.1, 10, value), [0, -1, 1.5, np.nan]),
}


@pytest.mark.parametrize("setting", NO_SENSE)
def test_settings_that_make_no_sense_are_refused(setting):
    make, values = NO_SENSE[setting]
    for value in values:
        with pytest.raises((ValueError, UserError), match=rf"{setting.strip()}.* {value}[ ,].*expected"):
            make([Tensor(np.ones(2), requires_grad=True)], value)


def test_a_parameter_that_is_listed_twice_is_refused():
    p = Tensor(np.ones(2), requires_grad=True)
    with pytest.raises(ValueError, match="list every parameter once"):
        optim.SGD([p, Tensor(np.ones(2)), p], 0.1)


def test_what_is_no_list_of_tensors_is_refused():
    for wrong in (nn.Dense(3, 5, 0), [np.zeros(3)], Tensor(np.zeros(3)).data, 3):
        with pytest.raises(TypeError, match=r"takes a list of Tensors, found \w+: pass model.parameters\(\)"):
            optim.SGD(wrong, 0.1)
    with pytest.raises(ValueError, match="the learning rate is x, expected"):
        optim.Adam([Tensor(np.ones(2))], "x")


@pytest.mark.parametrize("wrong", [np.ones(()), np.ones(1), np.ones((2, 2)), 1.0, [1.0, 1.0]])
def test_a_gradient_of_another_shape_is_refused_and_nothing_moves(wrong):
    first, second = (Tensor(np.ones(2), requires_grad=True) for _ in range(2))
    first.grad, second.grad = np.ones(2), wrong
    optimizer = optim.SGD([first, second], 0.1)
    with pytest.raises(ValueError, match=r"a grad has .*, expected None or an array of its Tensor's shape \(2,\)"):
        optimizer.step()
    assert first.data.tolist() == [1, 1] and optimizer.steps == 0


@pytest.mark.parametrize("eps", [1e-8, 1e-12, 1e-20])
def test_what_is_set_to_zero_is_negligible_beside_any_eps(eps):
    gs = [np.array([eps, -0.01 * eps]) * (1 + 0.5 * np.sin(t)) for t in range(350)]
    p = Tensor(np.zeros(2), requires_grad=True)
    optimizer = optim.Adam([p], 0.1, eps=eps)
    for g in gs:
        p.grad = g
        optimizer.step()
    assert np.allclose(p.data, adam(np.zeros(2), gs, eps=eps), rtol=1e-10)


def test_few_numbers_are_updated_in_one_share(monkeypatch):
    """To hand a bias of ten numbers to another thread would take longer than to update it."""
    shares = []
    monkeypatch.setattr(optim, "share_out", lambda f, some: shares.append(len(some)) or list(map(f, some)))
    for size in (10, optim.BLOCK):
        parameters = [Tensor(np.zeros(size, np.float32), requires_grad=True) for _ in range(3)]
        for p in parameters:
            p.grad = np.ones(size, np.float32)
        optim.Adam(parameters).step()
        assert all((p.data < 0).all() for p in parameters)
    assert shares == [1, 3]
