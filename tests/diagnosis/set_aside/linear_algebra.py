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


@mistake("https://github.com/LinjianMa/AutoHOOT/issues/190: 2 H x for Hx + Hᵀx, for every row of x",
         says=[("missing term", "H"), ("transposed", "H")],
         x=(5, 3), H=(3, 3))
def rows_of_quadratic_forms_with_twice_the_matrix(x, H):
    y = np.einsum("ni,ij,nj->n", x, H, x)
    return y, lambda g: 2 * g[:, None] * (x @ H.T), lambda g: np.einsum("n,ni,nj->ij", g, x, x)


@mistake("https://github.com/NervanaSystems/neon/issues/169: the gradient of x.T is not accumulated to that of x",
         says=[("missing term", "dy @ x"), ("missing path", "x.T"), ("missing path", "xT")],
         x=(3, 5))
def gram_matrix_that_forgets_its_second_factor(x):
    xT = x.T
    G = x @ xT

    def dx(dy):
        return dy @ x

    return G, dx


@mistake("https://github.com/harvard-edge/cs249r_book/pull/1781: the gradient of a matrix times a vector",
         says=[("shape",), ("other function", "outer")],
         A=(5, 3), b=(3,))
def matrix_times_vector_whose_gradient_is_no_matrix(A, b):
    out = A @ b

    def backward(grad_output):
        grad_a = np.matmul(grad_output, A) * b
        grad_b = A.T @ grad_output
        return grad_a, grad_b

    return out, backward


@mistake("https://github.com/HIPS/autograd/pull/412: the derivative for the covariance has the wrong sign",
         says=[("wrong sign",), ("order", "precision"), ("missing factor", "-1"), ("extra factor", "-1")],
         x=(3,), mean=(3,), cov=positive(3))
def log_density_whose_covariance_is_pulled_the_other_way(x, mean, cov):
    d = x - mean
    precision = np.linalg.inv(cov)
    J = precision @ d
    logp = np.array(-0.5 * (d @ J + np.linalg.slogdet(cov)[1] + len(d) * np.log(2 * np.pi)))

    def dx(g): return -g * J
    def dmean(g): return g * J
    def dcov(g): return 0.5 * g * (precision - np.outer(J, J))
    return logp, dx, dmean, dcov


@mistake("https://github.com/tensor4all/tenferro-rs/issues/772: the rule of a solve drops the cotangent of A",
         says=[("zero",), ("missing path", "solve(A, b)")],
         A=lambda rng: rng.standard_normal((3, 3)) + 3 * np.eye(3), b=(3, 2))
def solve_whose_matrix_gets_nothing(A, b):
    x = np.linalg.solve(A, b)

    def backward(ct):
        result = [np.zeros_like(A), np.zeros_like(b)]
        result[1] += np.linalg.solve(A.T, ct)
        return tuple(result)

    return x, backward


@mistake("https://github.com/pytorch/pytorch/issues/18825: backpropagating through Cholesky, off by a half on the "
         "diagonal",
         says=[("missing factor", "0.5"), ("missing term", "P ="), ("extra term", "P ="), ("missing factor", "P =")],
         A=positive(3))
def cholesky_with_a_whole_diagonal(A):
    L = np.linalg.cholesky((A + A.T) / 2)
    Linv = np.linalg.inv(L)

    def dA(dL):
        P = np.tril(L.T @ dL)
        S = Linv.T @ P @ Linv
        return (S + S.T) / 2

    return L, dA


@mistake("https://github.com/pytorch/pytorch/issues/137284: S + Sᵀ is not halved",
         says=[("missing factor", "0.5"), ("extra factor", "2")],
         A=positive(3))
def cholesky_that_is_symmetrised_without_a_half(A):
    L = np.linalg.cholesky((A + A.T) / 2)

    def phi(M):
        M = np.tril(M)
        M[np.diag_indices(len(M))] *= 0.5
        return M

    def backward(grad):
        left = np.linalg.solve(L.T, phi(L.T @ grad))
        S = np.linalg.solve(L.T, left.T).T
        return S + S.T

    return L, backward


@mistake("https://github.com/jax-ml/jax/issues/40421: a gradient for elements that the value does not look at",
         says=[("part",), ("other function", "triu"), ("missing factor", "triu")],
         A=positive(3))
def logdet_of_one_triangle_with_a_gradient_for_both(A):
    U = np.triu(A)
    full = U + U.T - np.diag(np.diag(A))
    y = np.array(np.linalg.slogdet(full)[1])

    def dA(dy):
        inverse = np.linalg.inv(full)
        return dy * (2 * inverse - np.diag(np.diag(inverse)))

    return y, dA


@mistake("https://github.com/pytorch/pytorch/pull/197010: −X dF X F for −X dF F X (here as a cotangent)",
         says=[("order", "X")],
         F=lambda rng: np.tril(rng.standard_normal((3, 3))) + 3 * np.eye(3))
def inverse_of_a_product_with_two_factors_exchanged(F):
    X = np.linalg.inv(F @ F.T)

    def dF(dX):
        sym = dX + dX.T
        return -X @ sym @ F @ X

    return X, dF


@mistake("https://github.com/owlbarn/owl/pull/342: elementwise products in the gradient of an inverse",
         says=[("other function", "*"), ("other function", "@")],
         x=lambda rng: rng.standard_normal((3, 3)) + 4 * np.eye(3))
def inverse_with_an_elementwise_product(x):
    c = np.linalg.inv(x)

    def dx(dc):
        m = c.T
        return -(m @ dc) * m

    return c, dx


@mistake("https://github.com/tile-ai/TileOPs/pull/54, a review: B is not transposed in the gradient of A @ B",
         says=[("transposed", "B"), ("transposed", "dY @ B")],
         A=(7, 3), B=(3, 3))
def matmul_whose_left_gradient_has_the_plain_matrix(A, B):
    Y = A @ B
    def dA(dY): return dY @ B
    def dB(dY): return A.T @ dY
    return Y, dA, dB
