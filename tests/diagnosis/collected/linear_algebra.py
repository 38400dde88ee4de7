"""Matrices, inverses, determinants and decompositions: threads in the trackers of Autograd, Theano, PyTorch, JAX, neon,
tenferro, TinyTorch, AutoHOOT, Keras, scikit-learn and others.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def positive(n):
    """Return a function that draws a positive definite matrix."""
    def draw(rng):
        A = rng.standard_normal((n, n))
        return A @ A.T + n * np.eye(n)
    return draw


@mistake("https://github.com/distillpub/post--momentum/issues/76: A w − b, as if A were symmetric",
         says=[("missing term", "A"), ("transposed", "A")],
         A=(3, 3), w=(3,), b=(3,))
def quadratic_form_of_a_matrix_that_is_not_symmetric(A, w, b):
    Aw = A @ w
    f = np.array(0.5 * w @ Aw - b @ w)
    def dA(df): return 0.5 * np.outer(w, w) * df
    def dw(df): return (A @ w - b) * df
    def db(df): return -w * df
    return f, dA, dw, db


@mistake("https://github.com/timweiland/GaussianMarkovRandomFields.jl/pull/193: the log-determinant has a zero "
         "cotangent",
         says=[("missing path", "logdet"), ("missing term", "dQ"), ("missing term", "outer")],
         x=(5,), Q=positive(5))
def markov_field_without_the_gradient_of_its_determinant(x, Q):
    logdet = np.linalg.slogdet(Q)[1]
    sqmahal = x @ Q @ x
    logpdf = np.array(0.5 * (logdet - sqmahal))

    def backward(dy):
        dsqmahal = -0.5 * dy
        dQ = dsqmahal * np.outer(x, x)
        dx = dsqmahal * (Q + Q.T) @ x
        return dx, dQ

    return logpdf, backward


@mistake("https://github.com/tensor4all/tenferro-rs/issues/772: −(A⁻ᵀ ct) Xᵀ, written with the factors exchanged",
         says=[("order", "X"), ("transposed", "X")],
         A=lambda rng: rng.standard_normal((5, 5)) + 5 * np.eye(5), b=(5, 2))
def solve_with_an_outer_product_the_other_way(A, b):
    X = np.linalg.inv(A) @ b
    def db(ct): return np.linalg.solve(A.T, ct)
    def dA(ct): return -X @ db(ct).T
    return X, dA, db


@mistake("https://github.com/keras-team/keras/pull/4181: the covariance is divided by the number of features, not of "
         "examples",
         says=[("other array", "shape"), ("constant", "shape"), ("axis", "shape")],
         x=(7, 3))
def covariance_divided_by_the_number_of_features(x):
    centred = x - x.mean(0)
    sigma = centred.T @ centred / x.shape[1]

    def dx(g):
        d = centred @ (g + g.T) / x.shape[0]
        return d - d.mean(0)

    return sigma, dx


@mistake("https://github.com/scikit-learn/scikit-learn/issues/11113: r²/ℓ² for r²/ℓ³ (right for ln ℓ only)",
         says=[("power", "length"), ("missing factor", "length"), ("extra factor", "length"), ("constant", "** 2")],
         X=(5, 2), length=lambda rng: np.array(1.3 + rng.random()))
def rbf_kernel_whose_length_scale_has_another_power(X, length):
    d2 = np.sum((X[:, None, :] - X[None, :, :]) ** 2, axis=-1)
    K = np.exp(-0.5 * d2 / length ** 2)

    def dlength(dK):
        return np.array(np.sum(dK * K * d2 / length ** 2))

    def dX(dK):
        w = -dK * K / length ** 2
        w = w + w.T
        return w.sum(1)[:, None] * X - w @ X

    return K, dX, dlength


@mistake("https://github.com/scikit-learn/scikit-learn/issues/14206: the gradient of a constant kernel is filled with "
         "the constant",
         says=[("extra factor", "c")],
         c=lambda rng: np.array(1.5 + rng.random()), X=(3, 2))
def constant_kernel_times_its_own_constant(c, X):
    G = X @ X.T
    K = c * np.exp(-G ** 2)

    def dc(g):
        return np.array(np.einsum("ij,ij->", g, c * np.exp(-G ** 2)))

    def dX(g):
        h = -2 * g * K * G
        return (h + h.T) @ X

    return K, dc, dX


@mistake("https://github.com/pytorch/pytorch.github.io/issues/2135: NumPy's transpose(-2, -1) does not transpose",
         says=[("transposed", "rt"), ("transposed", "result")],
         a=lambda rng: rng.standard_normal((3, 3)) + 3 * np.eye(3))
def inverse_whose_transpose_is_that_of_another_library(a):
    result = np.linalg.inv(a)

    def inv_backward(grad):
        rt = result.transpose(-2, -1)
        return -rt @ (grad @ rt)

    return result, inv_backward


@mistake("https://github.com/flashlight/flashlight/pull/760: the gradient of an unbatched factor is not summed over "
         "the batch",
         says=[("shape",), ("missing sum",)],
         lhs=(3, 5), rhs=(2, 5, 7))
def batched_product_whose_plain_factor_gets_a_batch(lhs, rhs):
    out = np.matmul(lhs, rhs)

    def backward(grad):
        return grad @ rhs.transpose(0, 2, 1), np.matmul(lhs.T, grad)

    return out, backward


@mistake("https://github.com/makeyourownneuralnetwork/makeyourownneuralnetwork/issues/59: should it not be the "
         "inverse matrix?",
         says=[("other function", "inv"), ("transposed", "inv"), ("transposed", "W"), ("power", "inv")],
         W=lambda rng: rng.standard_normal((3, 3)) + 2 * np.eye(3), x=(3, 5))
def layer_that_goes_back_by_its_inverse(W, x):
    y = np.dot(W, x)
    def dW(dy): return np.dot(dy, x.T)
    def dx(dy): return np.dot(np.linalg.inv(W), dy)
    return y, dW, dx


@mistake("https://github.com/google/tangent/pull/35: the adjugate is det · pinv, which is zero where the matrix is "
         "singular",
         says=[("zero",), ("other function", "pinv")],
         x=lambda rng: rng.standard_normal((3, 2)) @ rng.standard_normal((2, 3)))
def determinant_of_singular_matrices(x):
    z = np.linalg.det(x)

    def dx(dz):
        adjugate = z * np.linalg.pinv(x)
        return dz * adjugate.T

    return np.array(z), dx
