"""What several test files share: a generator, and Hypothesis without a time limit for each example.

Hypothesis draws the same examples in every run (derandomize), so that a class sees what its teacher saw.
"""

import hypothesis
import numpy as np
import pytest

hypothesis.settings.register_profile("npvae", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("npvae")


@pytest.fixture
def rng():
    return np.random.default_rng(0)
