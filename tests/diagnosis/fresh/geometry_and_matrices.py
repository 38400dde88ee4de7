"""Matrices, directions and order: threads in the trackers of PyTorch, Gaussian splatting, TopoMetry, Drake and
kornia.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/pytorch/pytorch/issues/171704: one index too many: the diagonal of a tall matrix goes on "
         "below",
         says=[("moved", "dX"), ("part", "row"), ("part", "bottom"), ("part", "rows"), ("extra term", "flat"),
               ("constant", "cols"), ("constant", "flat"), ("moved", "flat")],
         X=(7, 3))
def trace_whose_diagonal_goes_on_below(X):
    cols = X.shape[1]
    y = np.array(np.trace(X))

    def dX(g):
        grad = np.zeros(X.shape)
        grad.flat[::cols + 1] = g
        return grad

    return y, dX


@mistake("https://github.com/graphdeco-inria/gaussian-splatting/issues/551: −0.5 where −1 belongs, for the mixed term",
         says=[("constant", "0.5 * gdx * v"), ("extra factor", "0.5"), ("missing factor", "2"), ("extra factor", "½")],
         a=lambda rng: rng.uniform(0.4, 1, 7), b=(7,), c=lambda rng: rng.uniform(0.4, 1, 7))
def splat_whose_mixed_term_is_halved(a, b, c):
    u, v = np.linspace(-1, 1.2, 7), np.linspace(0.9, -0.7, 7)
    power = -0.5 * (a * u * u + c * v * v) - b * u * v
    G = np.exp(power)

    def backward(dL_dG):
        gdx, gdy = G * u, G * v
        return -0.5 * gdx * u * dL_dG, -0.5 * gdx * v * dL_dG, -0.5 * gdy * v * dL_dG

    return G, backward


@mistake("https://github.com/davisidarta/topometry/pull/24: the gradient of the cosine distance with a minus in front",
         says=[("wrong sign", "numerator"), ("wrong sign", "dot"), ("order", "dot"), ("wrong sign", "dx"),
               ("order", "numerator"), ("wrong sign", "dist")],
         x=(5, 3), y=(5, 3))
def cosine_distance_that_goes_the_other_way(x, y):
    dot = (x * y).sum(axis=1, keepdims=True)
    norm1_sq = (x * x).sum(axis=1, keepdims=True)
    norm2_sq = (y * y).sum(axis=1, keepdims=True)
    norms = np.sqrt(norm1_sq * norm2_sq)
    dist = 1 - (dot / norms)[:, 0]

    def dx(g):
        numerator = x * dot - y * norm1_sq
        return -g[:, None] * numerator / (norms * norm1_sq)

    def dy(g):
        return g[:, None] * (y * dot - x * norm2_sq) / (norms * norm2_sq)

    return dist, dx, dy


@mistake("https://github.com/RobotLocomotion/drake/issues/4942 and issue 10654: a rotation is normalized on its way "
         "in, and its derivative does not know that; here in the plane",
         says=[("missing path", "length ="), ("missing term", "length"), ("missing term", "du"),
               ("missing path", "length"), ("missing term", "dc"), ("missing term", "return")],
         c=(2,), x=(5, 2))
def rotation_whose_normalisation_is_a_constant(c, x):
    length = np.sqrt(c @ c)
    u = c / length
    R = np.array([[u[0], -u[1]], [u[1], u[0]]])
    y = x @ R.T

    def dc(dy):
        dR = dy.T @ x
        du = np.array([dR[0, 0] + dR[1, 1], dR[1, 0] - dR[0, 1]])
        return du / length

    def dx(dy):
        return dy @ R

    return y, dc, dx


@mistake("https://github.com/kornia/kornia/pull/4246: the slope 2 holds for a real part of 1 only; it is 2/w",
         says=[("missing factor", "real"), ("extra factor", "real"), ("wrong path", "angles"), ("power", "real")],
         real=lambda rng: rng.uniform(0.5, 2, 5), imaginary=(5, 3))
def small_rotation_with_the_slope_of_a_unit_quaternion(real, imaginary):
    angles = 2.0 * imaginary / real[:, None]

    def dreal(g):
        return -np.sum(g * angles, axis=1) / real

    def dimaginary(g):
        k = 2.0
        return k * g

    return angles, dreal, dimaginary


@mistake("https://github.com/pytorch/pytorch/pull/26637: a running maximum: 'the gradient must be 7 for x₁', which is "
         "the maximum of the first seven",
         says=[("missing sum", "dx"), ("missing sum", "record"), ("missing path", "y ="), ("part", "record"),
               ("part", "x == y"), ("missing term", "record"), ("moved", "dx"), ("missing term", "accumulate"),
               ("missing path", "accumulate")],
         x=(11,))
def running_maximum_that_forgets_how_long_it_lasted(x):
    y = np.maximum.accumulate(x)

    def dx(dy):
        record = x == y
        return dy * record

    return y, dx
