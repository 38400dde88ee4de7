"""Adam: threads in the trackers of ML-From-Scratch, pytorch-a3c, PennyLane, AdaBound, convnetjs, TensorFlow,
Holocron; and a course's slides.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/kozistr/AdaBound-tensorflow/issues/3: √(1 − (1 − β₂ᵗ)) in the step size",
         says=[("one minus",), ("one minus", "bias"), ("extra term",)],
         exercise="adam")
def adam_with_one_minus_the_correction(self, lr, t, scratch, p, g, M, V):
    bias1 = 1 - self.beta1 ** t
    bias2 = 1 - self.beta2 ** t
    M[:] = self.beta1 * M + (1 - self.beta1) * g
    V[:] = self.beta2 * V + (1 - self.beta2) * g * g
    root = np.sqrt(V) / np.sqrt(1 - bias2) + self.eps
    p -= lr / bias1 * M / root


@mistake("https://github.com/karpathy/convnetjs/pull/70: the bias estimates are multiplied instead of divided",
         says=[("power",), ("other function", "*"), ("other function", "/"), ("order",)],
         exercise="adam")
def adam_with_the_second_moment_multiplied(self, lr, t, scratch, p, g, M, V):
    M *= self.beta1
    M += (1 - self.beta1) * g
    V *= self.beta2
    V += (1 - self.beta2) * np.square(g)
    m_hat = M * (1 - self.beta1 ** t)
    v_hat = V / (1 - self.beta2 ** t)
    p -= lr * m_hat / (np.sqrt(v_hat) + self.eps)


@mistake("https://github.com/PennyLaneAI/pennylane/issues/1928: the factors 1 − β are left out when the "
         "accumulators are set up",
         says=[("missing factor", "1 - self.beta1"), ("missing factor", "beta1"), ("missing factor",)],
         exercise="adam")
def adam_whose_first_mean_is_the_gradient(self, lr, t, scratch, p, g, M, V):
    if t == 1:
        M[:] = g
        V[:] = (1 - self.beta2) * g * g
    else:
        M[:] = self.beta1 * M + (1 - self.beta1) * g
        V[:] = self.beta2 * V + (1 - self.beta2) * g * g
    p -= lr * (M / (1 - self.beta1 ** t)) / (np.sqrt(V / (1 - self.beta2 ** t)) + self.eps)
