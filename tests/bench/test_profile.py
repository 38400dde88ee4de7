"""Proves that the profile gives each operation its own time, forward and backward separately.

It would catch a derivative's time that counts for another operation, or twice.
"""

import time

from npvae.autodiff import Tensor, op, ops
from npvae.bench.profile import profile


@op
def slow_forward(x):
    """y = x, after 20 ms."""
    time.sleep(0.02)
    def dx(dy): return dy
    return x.copy(), dx


@op
def slow_backward(x):
    """y = x; the derivative takes another 10 ms."""
    def wait(): time.sleep(0.01)
    def backward(dy):
        wait()
        return (dy,)
    return x.copy(), backward


def test_each_operation_has_its_own_time():
    x = Tensor([1.0, 2.0], requires_grad=True)
    found = profile(lambda: ops.relu(slow_backward(slow_forward(x))).sum().backward(), 0.2)
    assert found.keys() == {"step", "slow_forward", "slow_backward", "relu", "sum"}
    forward, backward = found["slow_forward"], found["slow_backward"]
    assert forward[0] > 0.019 > 0.009 > forward[1]
    assert backward[1] > 0.009 > backward[0]
    assert sum(sum(times) for name, times in found.items() if name != "step") < found["step"]
