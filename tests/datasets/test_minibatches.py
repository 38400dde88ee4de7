"""Proves that every epoch uses every example once, in an order that the generator alone decides.

These tests would catch a last batch that is dropped, an order that repeats, and a resumed run that restarts the epoch.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from npvae.datasets import Minibatches


@given(N=st.integers(1, 50), batch_size=st.integers(1, 60))
def test_an_epoch_is_a_permutation(N, batch_size):
    batches = Minibatches(N, batch_size, np.random.default_rng(0))
    for _ in range(3):
        epoch = [next(batches) for _ in range(-(-N // batch_size))]
        assert all(len(batch) == batch_size for batch in epoch[:-1])
        assert sorted(np.concatenate(epoch).tolist()) == list(range(N))


def test_epochs_have_different_orders_and_the_seed_decides():
    batches = Minibatches(100, 100, np.random.default_rng(0))
    first, second = next(batches), next(batches)
    assert not np.array_equal(first, second)
    assert np.array_equal(first, next(Minibatches(100, 100, np.random.default_rng(0))))


@given(taken=st.integers(0, 30))
def test_a_restored_iterator_goes_on(taken):
    rng = np.random.default_rng(0)
    batches = Minibatches(17, 5, rng)
    for _ in range(taken):
        next(batches)
    state, rng_state = batches.state_dict(), rng.bit_generator.state
    expected = [next(batches).tolist() for _ in range(9)]

    rng = np.random.default_rng(99)
    restored = Minibatches(17, 5, rng)
    restored.load_state_dict(state)
    rng.bit_generator.state = rng_state
    assert [next(restored).tolist() for _ in range(9)] == expected
