"""Proves that all contenders do the same work: ours, each installed peer in float64, and the products of our tape.

These tests would catch a loss in another unit, weights that arrive transposed, and a peer that is timed on less work.
"""

import dataclasses
import importlib.util
import sys

import numpy as np
import pytest

from npvae.bench import contenders
from npvae.bench.contenders import BY_NAME, OURS, PRODUCTS
from npvae.bench.products import Products
from npvae.bench.steps import Steps
from npvae.bench.workloads import Workload

TINY = {
    "vae": Workload("tiny", "vae", "mnist", 7, 3, (11, 5)),
    "iwae": Workload("tiny", "iwae", "mnist", 7, 3, (11, 5), "tanh", samples=5),
    "conv-vae": Workload("tiny", "conv-vae", "mnist", 7, 3, (5, 3)),
    "likelihood": Workload("tiny", "iwae", "mnist", 7, 3, (11, 5), "tanh", samples=100, trains=False),
}


@pytest.fixture(autouse=True)
def denormal_numbers_for_the_other_tests():
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


INSTALLED = [c for c in contenders.CONTENDERS if c.library and importlib.util.find_spec(c.library)]
PEERS = [c for c in INSTALLED if c.kind != "CompiledTorch"]  # it takes a minute to compile


@pytest.mark.parametrize("workload", TINY.values(), ids=TINY)
def test_ours_takes_steps_that_lower_the_loss(workload):
    ours = contenders.build(BY_NAME[OURS], dataclasses.replace(workload, batch=50), "float32")
    losses = [ours.step() for _ in range(40 if workload.trains else 1)]
    assert np.isfinite(losses).all()
    if workload.trains:
        assert np.mean(losses[-5:]) < losses[0]


def test_the_products_of_a_dense_network_are_counted():
    """Every layer has a product forward and one for dW; all but the first, whose input is data, have one for dx."""
    N, sizes = 7, [(784, 11), (11, 5), (5, 3), (5, 3), (3, 5), (5, 11), (11, 784)]
    multiplications = sum(N * I * O * (2 if I == 784 else 3) for I, O in sizes)
    assert contenders.build(BY_NAME[PRODUCTS], TINY["vae"], "float32").gigaflops() == 2 * multiplications / 1e9


def test_the_products_of_convolutions_are_counted():
    N, k = 7, 9
    convolutions = [(14 * 14, k * 1, 5), (7 * 7, k * 5, 3), (7 * 7, 3, k * 5), (14 * 14, 5, k * 1)]
    multiplications = sum(N * windows * I * O * (2 if i == 0 else 3) for i, (windows, I, O) in enumerate(convolutions))
    multiplications += 3 * N * 7 * 7 * 3 * 3 * 3             # mu, logvar and the decoder's first layer
    assert contenders.build(BY_NAME[PRODUCTS], TINY["conv-vae"], "float32").gigaflops() == pytest.approx(
        2 * multiplications / 1e9
    )


def test_the_products_of_the_log_likelihood_are_those_of_all_blocks_forward(monkeypatch):
    monkeypatch.setattr("npvae.bench.products.CODES", 7 * 20)  # 20 samples of 7 images at once
    products = Products(TINY["likelihood"], TINY["likelihood"].build(), TINY["likelihood"].minibatches())
    assert products.times == 5
    per_code = 3 * 5 + 5 * 11 + 11 * 784                     # the decoder's; the encoder's are few and do not count
    assert products.gigaflops() == pytest.approx(2 * 7 * 100 * per_code / 1e9)
    products.step()


@pytest.mark.parametrize("contender", PEERS, ids=lambda contender: contender.name)
@pytest.mark.parametrize("workload", TINY.values(), ids=TINY)
def test_loss_and_gradients_agree(workload, contender):
    if contender not in contenders.taking_part(workload, [contender.library]):
        pytest.skip("does not take part")
    x, eps = workload.minibatches()[0].astype(np.float64), workload.noise(5 if workload.samples > 1 else 1)
    results = []
    for each in (BY_NAME[OURS], contender):
        loss, gradients = contenders.build(each, workload, np.float64).loss_and_gradients(x, eps.astype(np.float64))
        results.append((float(loss), [np.asarray(g) for g in gradients]))
    (ours, our_gradients), (theirs, their_gradients) = results
    assert theirs == pytest.approx(ours, rel=1e-9)
    for g, their_g in zip(our_gradients, their_gradients, strict=True):
        assert np.allclose(g, their_g, rtol=1e-6, atol=1e-9 * max(np.abs(a).max() for a in our_gradients))


@pytest.mark.parametrize("contender", PEERS, ids=lambda contender: contender.name)
@pytest.mark.parametrize("workload", TINY.values(), ids=TINY)
def test_steps_lower_the_loss(workload, contender):
    if contender not in contenders.taking_part(workload, [contender.library]):
        pytest.skip("does not take part")
    peer = contenders.build(contender, workload, "float32")
    losses = [float(peer.step()) for _ in range(60 if workload.trains else 1)]
    assert np.isfinite(losses).all()
    if workload.trains:
        assert np.mean(losses[-5:]) < losses[0]
    else:                                                    # averaging over half of the samples would be off by ln 2
        assert losses[0] == pytest.approx(contenders.build(BY_NAME[OURS], workload, "float32").step(), abs=0.3)


def test_minibatches_come_in_turn():
    steps = Steps(None, ["first", "second", "third"])
    assert [steps.next_minibatch() for _ in range(4)] == ["first", "second", "third", "first"]


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="PyTorch is not installed")
def test_pytorch_has_the_fused_adam_where_the_name_says_so():
    for name, fused in (("torch", False), ("torch, fused Adam", True), ("torch, compiled", True)):
        assert bool(contenders.build(BY_NAME[name], TINY["vae"], "float32").optimizer.defaults["fused"]) == fused
