"""Proves that the bars are bars: every image is a union of whole rows and columns, and its label is their number."""

import numpy as np

from npvae.datasets import load_bars


def test_bars():
    data = load_bars(side=8)
    for x, y in zip(data.x_train[:200].reshape(-1, 8, 8), data.y_train):
        rows, columns = x.all(axis=1), x.all(axis=0)
        assert np.array_equal(x, rows[:, None] | columns[None, :])
        assert rows.sum() + columns.sum() == y
    assert set(data.y_train) == {1, 2, 3, 4}
    assert len(data.x_test) == 500 and data.x_test.shape[1] == 64
