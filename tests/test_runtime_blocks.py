"""Proves that arrays and products are cut into the same pieces, with the same bits, for any number of threads.

These tests would catch a last block that is left out, a sum over the first block only, and a product whose shares
depend on the number of threads.
"""

import numpy as np
import pytest

from npvae import runtime
from npvae.autodiff import convolution, normalization, ops
from npvae.probability import bernoulli_log_likelihood


@pytest.fixture
def two_threads(monkeypatch):
    monkeypatch.setattr(runtime, "threads", lambda: 2)


@pytest.mark.parametrize("shape", [(1,), (1000, 3), (7, 50, 9), (3, 1)])
@pytest.mark.parametrize("block", [1, 64, 100_000])
def test_blocks_cover_every_row_once(two_threads, monkeypatch, rng, shape, block):
    monkeypatch.setattr(runtime, "BLOCK", block)
    x, y = rng.standard_normal(shape), np.zeros(shape)

    def add(x, y):
        y += x

    runtime.by_blocks(add, x, y)
    assert np.array_equal(x, y)
    total, count = runtime.sum_by_blocks(lambda x: (x.sum(axis=0), np.array(len(x))), x)
    assert np.allclose(total, x.sum(axis=0)) and count == len(x)
    assert np.allclose(runtime.sum_by_blocks(lambda x: x.sum(axis=0), x), x.sum(axis=0))


@pytest.mark.parametrize("rows, columns", [(100, 10 * runtime.BLOCK // 64), (3, runtime.BLOCK), (7919, 97)])
def test_blocks_are_small_enough_for_a_cache_and_the_same_for_any_number_of_threads(monkeypatch, rows, columns):
    x = np.zeros((rows, columns), np.float32)
    found = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(runtime, "threads", lambda threads=threads: threads)
        sizes = []
        runtime.by_blocks(lambda narrow, x, sizes=sizes: sizes.append(x.shape), np.zeros((rows, 1)), x)
        found.append(sorted(sizes))
    assert found[0] == found[1] == found[2] and sum(rows for rows, _ in found[0]) == rows
    assert max(n * m for n, m in found[0]) <= max(runtime.BLOCK, columns) and len(found[0]) >= min(rows, 4)


PRODUCTS = [(100, 784, 512), (784, 100, 512), (100, 512, 784), (1000, 200, 200), (3, 4, 5), (1, 784, 1),
            (129, 999, 257)]  # fmt: skip


@pytest.mark.parametrize("M, K, N", PRODUCTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_product_has_the_same_bits_with_any_number_of_threads(monkeypatch, rng, M, K, N, dtype):
    a, b = rng.standard_normal((M, K)).astype(dtype), rng.standard_normal((K, N)).astype(dtype)
    forms = [(a, b), (np.asfortranarray(a), b), (a, np.asfortranarray(b))]     # as for x W, xᵀ dy and dy Wᵀ
    found = []
    for threads in (1, 2, 3, 4):
        monkeypatch.setattr(runtime, "threads", lambda threads=threads: threads)
        found.append([runtime.product(*form) for form in forms])
    for each in found:
        assert all(np.array_equal(y, first) and y.dtype == dtype for y, first in zip(each, found[0]))
    assert np.allclose(found[0], a.astype(float) @ b.astype(float), rtol=0, atol=1e-5 * K)


@pytest.mark.parametrize("n, count, unit", [(0, 1, 1), (1, 4, 16), (15, 4, 16), (16, 4, 16), (100, 4, 16), (784, 4, 16),
                                            (7, 3, 1)])  # fmt: skip
def test_pieces_cover_everything_once(n, count, unit):
    pieces = runtime._pieces(n, count, unit)
    assert [i for piece in pieces for i in range(n)[piece]] == list(range(n)) and len(pieces) <= count
    assert all(piece.start % unit == 0 for piece in pieces)


@pytest.mark.parametrize("x", [np.float32(2), np.arange(6, dtype=np.float32), np.ones((400, 400), np.float32).T])
def test_blockwise_gives_a_new_array_of_the_same_shape_and_dtype(two_threads, x):
    y = runtime.blockwise(lambda x: 2 * x, np.asarray(x))
    assert y.shape == np.shape(x) and y.dtype == np.float32 and np.array_equal(y, 2 * x)


DRAW = np.random.default_rng(0).standard_normal
OPERATIONS = {
    "conv2d": lambda: convolution.conv2d.raw(DRAW((11, 6, 8, 3)), DRAW((3, 3, 3, 5)), DRAW(5), stride=2, padding=1),
    "conv_transpose2d": lambda: convolution.conv_transpose2d.raw(
        DRAW((11, 3, 4, 5)), DRAW((3, 3, 2, 5)), DRAW(2), stride=2, padding=1, output_padding=1
    ),
    "batch_norm": lambda: normalization.batch_norm.raw(DRAW((11, 6, 8, 3)), DRAW(3), DRAW(3)),
    "batch_norm of vectors": lambda: normalization.batch_norm.raw(DRAW((111, 3)), DRAW(3), DRAW(3)),
    "relu": lambda: ops.relu.raw(DRAW((11, 50))),
    "leaky_relu": lambda: ops.leaky_relu.raw(DRAW((11, 50))),
    "tanh": lambda: ops.tanh.raw(DRAW((11, 50))),
    "bernoulli": lambda: bernoulli_log_likelihood.raw(DRAW((11, 50)), abs(DRAW((11, 50))) % 1),
    "bernoulli of one": lambda: bernoulli_log_likelihood.raw(DRAW(500), abs(DRAW(500)) % 1),
}


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_gives_in_blocks_what_it_gives_at_once(monkeypatch, name, threads):
    """It would catch a block that is left out, and a sum over the first block only."""

    def values_and_gradients():
        global DRAW
        DRAW = np.random.default_rng(0).standard_normal
        y, *derivatives = OPERATIONS[name]()
        dy = np.random.default_rng(1).standard_normal(np.shape(y))
        gradients = [d(dy) for d in derivatives if d is not None]
        return [y, *(g for each in gradients for g in (each if isinstance(each, tuple) else [each]))]

    whole = values_and_gradients()
    monkeypatch.setattr(runtime, "threads", lambda: threads)
    monkeypatch.setattr(runtime, "BLOCK", 90)
    for a, b in zip(whole, values_and_gradients(), strict=True):
        assert np.allclose(a, b, rtol=1e-10, atol=1e-12)
