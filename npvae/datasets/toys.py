"""A small synthetic data set, generated on the spot: the causes of every example are known."""

import numpy as np

from .dataset import Dataset


def load_bars(side=8, N=2000, seed=0):
    """Return a `Dataset` of black-and-white images of one to four bars, each a whole row or column.

    side   the height and width of an image
    N      the number of training examples; there are a quarter as many for testing
    seed   the seed of the generator

    The label is the number of bars. Source: Földiák (1990), Forming sparse representations by local anti-Hebbian
    learning, where the task is to find the bars as the causes of the images.
    """
    rng = np.random.default_rng(seed)

    def draw(n):
        images, labels = np.zeros((n, side, side), dtype=np.float32), rng.integers(1, 5, n)
        for image, label in zip(images, labels):
            for bar in rng.choice(2 * side, size=label, replace=False):
                if bar < side:
                    image[bar, :] = 1
                else:
                    image[:, bar - side] = 1
        return images.reshape(n, -1), labels

    x_train, y_train = draw(N)
    x_test, y_test = draw(N // 4)
    return Dataset("bars", "a generator", x_train, y_train, x_test, y_test, (side, side, 1))
