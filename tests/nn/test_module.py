"""Proves that a Module finds all its parameters, and that a state dict loads completely or not at all.

These tests would catch a layer in a list that is not trained, a state dict of views of live parameters, a load that
stops halfway, and a copy that shares parameters with its original.
"""

import concurrent.futures
import copy
import functools
import pickle

import numpy as np
import pytest

from npvae import datasets, nn
from npvae.autodiff import Tensor
from npvae.errors import UserError
from npvae.nn import Activation, Dense, Module, ReLU, Sequential, optim, schedules
from npvae.training import settings


class Net(Module):
    def __init__(self, rng, width=4):
        self.body = Sequential(Dense(3, width, rng), ReLU(), Sequential(Dense(width, 2, rng)))
        self.scale = Tensor(np.ones(2, dtype=np.float32), requires_grad=True)
        self.constant = np.ones(2)

    def forward(self, x):
        return self.body(x) * self.scale


def test_names_are_paths_and_shapes_are_in_and_out(rng):
    assert {name: p.shape for name, p in Net(rng).named_parameters()} == {
        "body.layers.0.W": (3, 4), "body.layers.0.b": (4,),
        "body.layers.2.layers.0.W": (4, 2), "body.layers.2.layers.0.b": (2,), "scale": (2,),
    }  # fmt: skip


def test_a_state_is_a_copy_and_comes_back(rng):
    net, x = Net(rng), rng.standard_normal((5, 3)).astype(np.float32)
    y, state = net(x).data, net.state_dict()
    for p in net.parameters():
        p.data += 1
    assert not np.allclose(net(x).data, y)
    net.load_state_dict(state)
    assert np.array_equal(net(x).data, y)


def test_another_network_is_refused_and_nothing_is_changed(rng):
    net = Net(rng)
    before = net.state_dict()
    with pytest.raises(UserError, match=r"body.layers.0.W has shape \(3, 4\) in the network, \(3, 5\) in the"):
        net.load_state_dict(Net(rng, width=5).state_dict())
    with pytest.raises(UserError, match=r"scale has shape \(2,\) in the network, none in the saved state"):
        net.load_state_dict({name: a for name, a in before.items() if name != "scale"})
    with pytest.raises(UserError, match=r"extra has shape none in the network, \(1,\) in the saved state"):
        net.load_state_dict(before | {"extra": np.ones(1)})
    assert all(np.array_equal(a, before[name]) for name, a in net.state_dict().items())


def test_every_parameter_gets_a_gradient_and_zero_grad_clears_it(rng):
    net = Net(rng)
    net(rng.standard_normal((5, 3)).astype(np.float32)).sum().backward()
    assert all(p.grad is not None and p.grad.dtype == np.float32 for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_astype_converts_everything(rng):
    net = Net(rng).astype(np.float64)
    assert {p.dtype for p in net.parameters()} == {np.dtype(np.float64)}


def test_a_shared_part_is_found_once_and_parts_in_tuples_and_dicts_are_found(rng):
    module = Module()
    module.a = module.b = Dense(3, 4, rng)
    module.tuple, module.dict = (Dense(1, 1, rng),), {"x": Dense(2, 2, rng)}
    names = [name for name, _ in module.named_parameters()]
    assert names == ["a.W", "a.b", "tuple.0.W", "tuple.0.b", "dict.x.W", "dict.x.b"]


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="Module must define forward"):
        Module()(1)


class Counter(Module):
    buffers = ("count",)

    def __init__(self):
        self.count = np.zeros(2, dtype=np.float32)


class Outer(Module):
    def __init__(self, rng):
        self.layer, self.counters = Dense(3, 2, rng), [Counter(), Counter()]


def test_buffers_are_saved_and_loaded_and_are_no_parameters(rng):
    a, b = Outer(rng), Outer(rng)
    a.counters[1].count += 5
    assert list(a.state_dict()) == ["layer.W", "layer.b", "counters.0.count", "counters.1.count"]
    assert len(a.parameters()) == 2
    b.load_state_dict(a.state_dict())
    assert b.counters[1].count.tolist() == [5, 5]
    a.counters[1].count += 1
    assert b.counters[1].count.tolist() == [5, 5]           # a copy
    assert a.astype(np.float64).counters[0].count.dtype == np.float64


def test_modes_reach_every_part_and_come_back(rng):
    net = Outer(rng)
    net.counters[0].eval()
    with net.evaluating():
        assert not any(module.training for _, module in net.named_modules())
        assert net.layer(np.ones((1, 3), dtype=np.float32)).record is None
    assert [module.training for _, module in net.named_modules()] == [True, True, False, True]
    assert net.train().counters[0].training


def test_frozen_parameters_get_no_gradient_and_thaw_even_after_an_error(rng):
    net, x = Outer(rng), Tensor(np.ones((1, 3), dtype=np.float32), requires_grad=True)
    with net.frozen():
        net.layer(x).sum().backward()
        assert not net.training and len(net.parameters()) == 2 and len(net.state_dict()) == 4
    assert x.grad is not None and net.layer.W.grad is None
    with pytest.raises(KeyError), net.frozen():
        raise KeyError
    assert len(net.parameters()) == 2 and net.training


@pytest.mark.parametrize("context", [Module.evaluating, Module.frozen])
def test_what_one_thread_evaluates_another_can_train(rng, context):
    """And a thread that switches the model to training mode does not disturb one that evaluates it."""
    net, x = Outer(rng), Tensor(np.ones((1, 3), dtype=np.float32))
    with context(net), concurrent.futures.ThreadPoolExecutor(1) as other_thread:
        mode, record = other_thread.submit(lambda: (net.train().training, net.layer(x).record)).result()
        assert mode and record.inputs[1] is net.layer.W
        assert not net.training and net.layer(x).record is None


def test_what_is_frozen_may_be_trained_meanwhile_and_what_is_not_may_not_change(rng):
    net, x = Outer(rng), Tensor(np.ones((1, 3), dtype=np.float32), requires_grad=True)
    with net.frozen():
        y = net.layer(x).sum()
        net.layer.W.data += 1
        y.backward()
        y = net.layer(x).sum()
        x.data += 1
        with pytest.raises(ValueError, match=r"x, an array .* has changed since the forward pass"):
            y.backward()


def test_within_frozen_other_modules_can_be_trained(rng):
    """A frozen critic passes a gradient on to the generator, whose layers stay in training mode."""
    generator, critic = Sequential(Dense(3, 3, rng), nn.BatchNorm(3)), Outer(rng)
    with critic.frozen(), generator.layers[0].frozen():
        assert generator.layers[1].training and not generator.layers[0].training
    with critic.frozen():
        critic.layer(generator(rng.standard_normal((5, 3)).astype(np.float32))).sum().backward()
    assert generator.layers[0].W.grad is not None and critic.layer.W.grad is None


def test_a_parameter_that_you_freeze_is_still_saved_and_loaded(rng):
    """And `frozen` does not thaw it."""
    net = Net(rng)
    net.scale.requires_grad = False
    with net.frozen():
        pass
    assert "scale" in net.state_dict() and not net.scale.requires_grad
    net.load_state_dict(net.state_dict() | {"scale": np.full(2, 7)})
    assert net.scale.data.tolist() == [7, 7]


def test_layers_in_nested_lists_and_dicts_are_found(rng):
    net = Module()
    net.blocks = [[Dense(2, 3, rng), ReLU()], {"skip": (Dense(3, 2, rng),)}]
    assert list(net.state_dict()) == ["blocks.0.0.W", "blocks.0.0.b", "blocks.1.skip.0.W", "blocks.1.skip.0.b"]


def test_printed_a_module_is_a_tree_of_its_parts(rng):
    """It shows every part with its shapes, parameters and buffers; a shared part counts once in the sum."""
    net = Net(rng)
    net.again, net.counter = net.body, Counter()
    lines = [line.split() for line in str(net).splitlines()]
    assert lines[0] == ["Net", "scale", "(2,)", "28"]
    assert lines[2:5] == [["0", "Dense", "W", "(3,4)", "b", "(4,)", "16"], ["1", "relu"], ["2", "Sequential", "10"]]
    assert lines[-1] == ["counter", "Counter", "buffers:", "1"]


def test_printed_a_module_fits_a_screen_and_names_every_part():
    """Many parameters, a key with a dot, and a function without a name."""
    net = Module()
    for i in range(9):
        setattr(net, f"weights_{i}", Tensor(np.ones((10, 10)), requires_grad=True))
    net.parts = {"in.put": Activation(functools.partial(np.add, 1))}
    first, *more = str(net).splitlines()
    assert max(map(len, [first, *more])) <= 80 and first.endswith(" 900")
    assert all(f"weights_{i} (10,10)" in " ".join(str(net).split()) for i in range(1, 9))
    assert more[-1].split() == ["in.put", "partial"]


@pytest.mark.parametrize("kind", settings.MODELS)
def test_the_tree_of_every_model_fits_a_screen(kind):
    data = datasets.load("bars")
    chosen = settings.with_channels(settings.complete({"model": kind}), data)
    model = settings.build(chosen, data, 100, np.random.default_rng(0))
    lines = str(model).splitlines()
    assert max(map(len, lines)) <= 80 and len(lines) == len([*model.named_modules()])
    if model.parameters():
        assert lines[0].endswith(f" {sum(p.data.size for p in model.parameters()):,}")


@pytest.mark.parametrize("place", [lambda m: m, lambda m: [m], lambda m: {"up": (m,)}])
def test_a_module_that_contains_itself_gets_one_sentence(rng, place):
    net = Net(rng)
    net.body.layers[2].parent = place(net)
    for use in (net.parameters, net.state_dict, net.eval, net.zero_grad, lambda: str(net)):
        with pytest.raises(UserError, match=r"Net contains itself, as its attribute 'body.layers.2.parent.*'"):
            use()
    net.body.layers[2].parent = endless = []
    endless.append(endless)
    with pytest.raises(UserError, match=r"list contains itself, as its attribute '.*parent.0'"):
        net.parameters()


def test_a_part_in_two_places_does_not_contain_itself(rng):
    net = Net(rng)
    net.again, net.body.layers[2].twin = net.body, net.body.layers[0]
    assert len(net.parameters()) == 5 and len([*net.named_modules()]) == 13


# --- copies and pickles -----------------------------------------------------------------------------------------------


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))


LAYERS = {
    "dense": (lambda rng: Dense(3, 2, rng), (5, 3)),
    "conv": (lambda rng: nn.Conv2d(3, 2, rng, stride=2), (2, 4, 6, 3)),
    "transposed": (lambda rng: nn.ConvTranspose2d(3, 2, rng), (2, 4, 6, 3)),
    "batch norm": (lambda rng: nn.BatchNorm(3), (5, 3)),
    "reshape": (lambda rng: nn.Reshape(3, 1), (5, 3)),
    "leaky": (lambda rng: nn.LeakyReLU(0.3), (5, 3)),
    "nested": (lambda rng: Sequential(Dense(3, 4, rng), Sequential(nn.Tanh(), Dense(4, 2, rng))), (5, 3)),
    **{name: (lambda rng, make=make: make(), (5, 3)) for name, make in nn.layers.ACTIVATIONS.items()},
}


@pytest.mark.parametrize("copied", [pickled, copy.deepcopy])
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_can_be_copied(rng, name, copied):
    make, shape = LAYERS[name]
    layer, x = make(rng), rng.standard_normal(shape).astype(np.float32)
    layer(x)                                                # a batch normalization has seen data
    other = copied(layer)
    assert np.array_equal(other(x).data, layer(x).data) and other.state_dict().keys() == layer.state_dict().keys()
    assert not {*map(id, other.parameters())} & {*map(id, layer.parameters())}


def one_step(net, optimizer, x):
    optimizer.zero_grad()
    net(x).sum().backward()
    optimizer.step()
    return net


SCHEDULES = {
    "number": 1e-2,
    "steps": schedules.step_decay(1e-2, every=2),
    "polynomial": schedules.polynomial_decay(1e-2),
    "cosine": schedules.warm_up(schedules.cosine(1e-2, 10), 3),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("copied", [pickled, copy.deepcopy])
@pytest.mark.parametrize("make", optim.OPTIMIZERS.values())
def test_a_model_and_its_optimiser_that_are_copied_together_go_on_bit_for_bit(rng, make, copied, schedule):
    net, x = Net(rng), rng.standard_normal((5, 3)).astype(np.float32)
    optimizer = make(net.parameters(), SCHEDULES[schedule])
    for _ in range(3):
        one_step(net, optimizer, x)
    other, its_optimizer = copied((net, optimizer))
    assert all(a is b for a, b in zip(other.parameters(), its_optimizer.parameters))
    for _ in range(5):
        one_step(net, optimizer, x), one_step(other, its_optimizer, x)
    assert all(np.array_equal(a, other.state_dict()[name]) for name, a in net.state_dict().items())


def test_copied_apart_an_optimiser_moves_copies_of_the_parameters(rng):
    net, x = Net(rng), rng.standard_normal((5, 3)).astype(np.float32)
    other, its_optimizer = pickled(net), pickled(optim.SGD(net.parameters(), 1e-2))
    before = other.state_dict()
    one_step(other, its_optimizer, x)
    assert all(np.array_equal(a, before[name]) for name, a in other.state_dict().items())


@pytest.mark.parametrize("copied", [pickled, copy.deepcopy])
def test_a_copy_made_within_frozen_can_be_trained(rng, copied):
    net, x = Net(rng), rng.standard_normal((5, 3)).astype(np.float32)
    net.scale.requires_grad = False                         # by hand: it stays frozen
    with net.frozen():
        other, part = copied(net), copied(net.body)
        assert net(x).record is None
    other(x).sum().backward()
    assert all(p.grad is not None for p in other.body.parameters()) and other.scale.grad is None
    assert all(p.requires_grad for p in [*part.parameters(), *net.body.parameters()])
