"""Proves that the workloads are what their titles say.

These tests would catch a network whose widths differ from its title, and a minibatch that the model cannot take.
"""

import dataclasses

import numpy as np
import pytest

from npvae.bench.workloads import BY_NAME, WORKLOADS, Workload

TINY = Workload("tiny", "vae", "mnist", 7, 3, (11, 5))
CONVOLUTIONAL = Workload("tiny", "conv-vae", "mnist", 7, 3, (5, 3))


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_the_network_is_the_one_in_the_title(workload):
    shapes = [p.shape for p in workload.build().parameters() if p.ndim > 1]
    numbers = [W[-1] for W in shapes[: len(workload.layers)]]
    assert "-".join(map(str, numbers)) in workload.title() and str(workload.batch) in workload.title()
    assert len(workload.title()) <= 80


def test_minibatches_are_real_data_as_the_model_wants_it():
    for workload in (TINY, CONVOLUTIONAL):
        minibatches = workload.minibatches()
        assert len(minibatches) == 20
        assert all(x.shape == (7, 784) and x.dtype == np.float32 for x in minibatches)
        assert min(x.min() for x in minibatches) == 0
    large = dataclasses.replace(TINY, batch=4096)
    assert len(large.minibatches()) == 2
    assert len(dataclasses.replace(TINY, trains=False).minibatches()) == 1


def test_the_workloads_are_those_of_the_goals():
    assert {name: workload.title() for name, workload in BY_NAME.items()} == {
        "reference": "VAE 784-512-384-256-10, batch 100",
        "small": "VAE 784-400-20, batch 128",
        "iwae": "IWAE 784-200-200-50 tanh, K = 50, batch 20",
        "conv28": "convolutional VAE 32-64 on 28×28, batch 64",
        "conv64": "convolutional VAE 32-64-128-256-512 on 64×64×3, batch 64",
        "likelihood": "ln p(x), 784-200-200-50 tanh, K = 5,000, 100 images",
    }
