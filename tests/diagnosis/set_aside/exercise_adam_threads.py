"""Adam: threads in the trackers of ML-From-Scratch, pytorch-a3c, PennyLane, AdaBound, convnetjs, TensorFlow,
Holocron; and a course's slides.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/eriklindernoren/ML-From-Scratch/issues/35: the correction has no power of t",
         says=[("power", "t"), ("power", "beta"), ("missing factor", "t"), ("power",)],
         exercise="adam")
def adam_corrected_without_a_power(self, lr, t, scratch, p, g, M, V):
    M[...] = self.beta1 * M + (1 - self.beta1) * g
    V[...] = self.beta2 * V + (1 - self.beta2) * g**2
    t = 1
    m_hat = M / (1 - self.beta1 ** t)
    v_hat = V / (1 - self.beta2 ** t)
    p -= lr * m_hat / (np.sqrt(v_hat) + self.eps)


@mistake("carried over from https://github.com/ufal/npfl114/pull/79: 1 − β² for 1 − β₂ᵗ",
         says=[("constant", "2"), ("power",), ("other array", "t"), ("other array", "2")],
         exercise="adam")
def adam_corrected_with_a_square(self, lr, t, scratch, p, g, M, V):
    M += (1 - self.beta1) * (g - M)
    V += (1 - self.beta2) * (g * g - V)
    v_hat = V / (1 - self.beta2 ** 2)
    p -= lr * M / (1 - self.beta1 ** t) / (np.sqrt(v_hat) + self.eps)


@mistake("https://github.com/frgfm/holocron/issues/1: the bias is corrected in place, and so the next step "
         "begins with the corrected mean",
         says=[("fault", "in place"), ("sequence",), ("fault",), ("moved",)],
         exercise="adam")
def adam_that_corrects_its_accumulator(self, lr, t, scratch, p, g, M, V):
    M[...] = self.beta1 * M + (1 - self.beta1) * g
    V[...] = self.beta2 * V + (1 - self.beta2) * g**2
    np.divide(M, 1 - self.beta1 ** t, out=M)
    v_hat = V / (1 - self.beta2 ** t)
    p -= lr * M / (np.sqrt(v_hat) + self.eps)


@mistake("https://github.com/PennyLaneAI/pennylane/issues/1928: the correction is applied twice, to the moments "
         "and to the step size",
         says=[("extra factor",), ("extra factor", "beta1"), ("sequence",), ("power",)],
         exercise="adam")
def adam_corrected_twice(self, lr, t, scratch, p, g, M, V):
    M[...] = self.beta1 * M + (1 - self.beta1) * g
    V[...] = self.beta2 * V + (1 - self.beta2) * g**2
    m_hat = M / (1 - self.beta1 ** t)
    v_hat = V / (1 - self.beta2 ** t)
    rate = lr / (1 - self.beta1 ** t)
    p -= rate * m_hat / (np.sqrt(v_hat) + self.eps)
