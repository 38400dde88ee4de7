"""Splines, filters, transforms and steps in time: threads in the trackers of OpenMS, pytorch_fft, the Adversarial
Robustness Toolbox, the CCPi regularisation toolkit, Math.NET and sunode.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/OpenMS/OpenMS/pull/817: d x² + c x + b for 3 d x² + 2 c x + b",
         says=[("constant", "slope"), ("missing factor", "slope"), ("missing term", "slope"), ("missing path", "d[i]"),
               ("missing path", "c[i]"), ("wrong path", "h ** 2"), ("wrong path", "h ** 3"), ("missing path", "h ** 2"),
               ("missing path", "h ** 3")],
         x=lambda rng: rng.uniform(0.1, 2.9, 7))
def cubic_spline_whose_slope_forgets_its_exponents(x):
    a, b, c, d = np.array([[0.2, 1.1, -0.4], [0.9, -0.3, -1.2], [-0.7, 0.5, 0.3], [0.7, -1.7, 1.0]])
    i = np.floor(x).astype(int)
    h = x - i
    y = a[i] + b[i] * h + c[i] * h ** 2 + d[i] * h ** 3

    def dx(g):
        slope = (d[i] * h + c[i]) * h + b[i]
        return slope * g

    return y, dx


@mistake("carried over from https://github.com/locuslab/pytorch_fft/issues/38: why does the backward pass of rfft "
         "divide by two? Here it does not",
         says=[("missing factor", "irfft"), ("extra factor", "irfft"), ("missing factor", "2"), ("missing factor", "½"),
               ("extra factor", "½"), ("missing factor", "G ="), ("extra factor", "G ="), ("other array", "G ="),
               ("wrong path", "rfft"), ("wrong path", "spectrum")],
         x=(7,))
def real_fourier_transform_that_counts_each_frequency_twice(x):
    n = x.size
    spectrum = np.fft.rfft(x)

    def dx(grad):
        G = grad[0] + 1j * grad[1]
        return n * np.fft.irfft(G, n)

    return np.stack([spectrum.real, spectrum.imag]), dx


@mistake("https://github.com/Trusted-AI/adversarial-robustness-toolbox/issues/992: the gradient of a filter is "
         "estimated by that of the identity",
         says=[("missing path", "numerator"), ("missing path", "coefficient"), ("missing path", "out[k:]"),
               ("wrong path", "coefficient"), ("wrong path", "out[k:]"), ("missing term", "grad.copy"),
               ("missing factor", "grad.copy"), ("other array", "grad.copy"), ("other function", "grad.copy"),
               ("moved", "grad.copy"), ("missing sum", "grad.copy"), ("missing term", "dx"), ("missing sum", "dx")],
         x=(11,))
def filter_with_the_gradient_of_the_identity(x):
    numerator = [1.0, 0.0, 1.0]
    out = np.zeros_like(x)
    for k, coefficient in enumerate(numerator):
        out[k:] += coefficient * x[:x.size - k]

    def estimate_gradient(grad):
        return grad.copy()

    return out, estimate_gradient


@mistake("https://github.com/TomographicImaging/CCPi-Regularisation-Toolkit/issues/152: the boundary at the end is "
         "missing in the adjoint: its last element is −R[i − 1] alone",
         says=[("extra term", "R[i]"), ("extra term", "out[i]"), ("part", "last"), ("part", "10"), ("part", "end"),
               ("missing factor", "R[i]"), ("extra term", "dD"), ("moved", "R[i"), ("constant", "R[i]"),
               ("wrong path", "D[i] - D[i + 1]"), ("missing path", "D[i] - D[i + 1]")],
         D=(11,))
def total_variation_whose_adjoint_has_no_boundary_at_the_end(D):
    dim = D.size
    R = np.zeros(dim)
    for i in range(dim):
        R[i] = 0.0 if i == dim - 1 else D[i] - D[i + 1]

    def adjoint(R):
        out = np.empty(dim)
        for i in range(dim):
            val1 = 0.0 if i == 0 else R[i - 1]
            out[i] = R[i] - val1
        return out

    return R, adjoint


@mistake("https://github.com/mathnet/mathnet-numerics/pull/445: a step is not multiplied by the time-step; in the "
         "value alone",
         says=[("missing factor", "k1 / 2"), ("missing factor", "half"), ("extra factor", "dt / 2"),
               ("missing factor", "dt / 2"), ("extra factor", "dhalf"), ("missing factor", "dhalf"),
               ("constant", "k1 / 2"), ("wrong path", "k1 / 2"), ("wrong path", "half =")],
         y0=(5,), A=(5, 5))
def midpoint_step_that_goes_half_a_second_ahead(y0, A):
    dt = 0.2
    f = lambda y: np.tanh(A @ y)  # noqa: E731
    k1 = f(y0)
    half = y0 + k1 / 2
    k2 = f(half)
    y1 = y0 + dt * k2

    def backward(g):
        da2 = dt * g * (1 - k2 ** 2)
        dhalf = A.T @ da2
        da1 = dt / 2 * dhalf * (1 - k1 ** 2)
        return g + dhalf + A.T @ da1, np.outer(da2, half) + np.outer(da1, y0)

    return y1, backward


@mistake("https://github.com/pymc-devs/sunode/issues/35: the loop over the times does not reach the first one: what "
         "comes from above for the initial state is lost",
         says=[("missing term", "lamb"), ("missing term", "du0"), ("missing term", "grads"), ("missing path", "u0"),
               ("missing path", "states"), ("part", "du0"), ("constant", "steps, 0"), ("constant", "range(steps"),
               ("moved", "grads[t]"), ("missing sum", "grads")],
         u0=(3,), alpha=(3,))
def adjoint_of_an_ode_that_forgets_the_first_time(u0, alpha):
    h, steps = 0.3, 4
    states = [u0]
    for _ in range(steps):
        states.append(states[-1] + h * alpha * np.sin(states[-1]))

    def backward(grads):
        lamb, dalpha = np.zeros(3), np.zeros(3)
        for t in range(steps, 0, -1):
            lamb = lamb + grads[t]
            dalpha += h * lamb * np.sin(states[t - 1])
            lamb = lamb * (1 + h * alpha * np.cos(states[t - 1]))
        return lamb, dalpha

    return np.array(states), backward
