"""Points that are near or far from each other: threads in the trackers of UMAP, hyperbolic learning, POT, GloVe in
Python and SystemDS.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def apart(rng):
    return rng.uniform(0.4, 1.8, (5, 3))


def on_the_hyperboloid(rng):
    space = rng.standard_normal((5, 3))
    return np.column_stack([np.sqrt(1 + np.sum(space ** 2, axis=1)), space])


@mistake("https://github.com/lmcinnes/umap/issues/72: the denominator of the curve's slope has no square (and needs "
         "none in UMAP, which takes the logarithm)",
         says=[("power", "grad_coeff"), ("missing factor", "grad_coeff"), ("extra factor", "grad_coeff"),
               ("power", "dist, 2 * b) + 1"), ("missing factor", "1 + a *"), ("missing factor", "curve"),
               ("wrong path", "curve ="), ("wrong path", "1 + a *"), ("other function", "curve =")],
         dist=apart)
def membership_curve_whose_denominator_is_not_squared(dist):
    a, b = 1.6, 0.9
    curve = 1 / (1 + a * np.power(dist, 2 * b))

    def ddist(g):
        grad_coeff = -2 * a * b * np.power(dist, 2 * b - 1)
        grad_coeff /= a * np.power(dist, 2 * b) + 1
        return g * grad_coeff

    return curve, ddist


@mistake("https://github.com/drewwilimitis/hyperbolic-learning/issues/3: ** -1/2 is a division by two: brackets are "
         "missing",
         says=[("power", "-1 / 2"), ("extra factor", "-1 / 2"), ("missing factor", "-1 / 2"),
               ("other function", "-1 / 2"), ("constant", "-1 / 2"), ("wrong path", "arccosh")],
         u=on_the_hyperboloid, v=on_the_hyperboloid)
def hyperbolic_distance_without_brackets_in_its_exponent(u, v):
    metric = np.array([-1.0, 1, 1, 1])

    def hyperboloid_dot(u, v):
        return np.sum(metric * u * v, axis=1, keepdims=True)

    def gradient(u, v):
        return -1 * (hyperboloid_dot(u, v) ** 2 - 1) ** -1 / 2 * metric * v

    distance = np.arccosh(-hyperboloid_dot(u, v))[:, 0]
    return distance, lambda g: g[:, None] * gradient(u, v), lambda g: g[:, None] * gradient(v, u)


@mistake("https://github.com/PythonOT/POT/pull/610: a minus is missing in front of the first term of the gradient "
         "for C₂",
         says=[("wrong sign", "coupled ="), ("wrong sign", "gC2"), ("wrong sign", "np.log(C2)"),
               ("other function", "coupled + np.outer"), ("wrong path", "np.log(C2)")],
         C2=lambda rng: rng.uniform(0.3, 2, (3, 3)))
def gromov_kl_whose_first_term_has_no_minus(C2):
    T = np.array([[0.2, 0.05, 0.1], [0.05, 0.15, 0.1], [0.05, 0.2, 0.1]])
    C1 = np.array([[0.1, 0.7, 1.2], [0.7, 0.2, 0.9], [1.2, 0.9, 0.1]])
    q = T.sum(axis=0)
    loss = np.sum(np.outer(q, q) * C2) - np.sum(T.T @ C1 @ T * np.log(C2))

    def dC2(g):
        coupled = T.T @ C1 @ T / C2
        gC2 = coupled + np.outer(q, q)
        return g * gC2

    return np.array(loss), dC2


@mistake("https://github.com/hans/glove.py/issues/6: vectors move while gradients are still being computed: the "
         "second gradient is that of a word that has moved",
         says=[("other array", "moving"), ("extra term", "moving"), ("missing term", "moving"), ("order", "moving"),
               ("wrong path", "word ="), ("other array", "dcontext"), ("extra term", "dcontext"),
               ("missing term", "dcontext")],
         main=(7,), context=(7,))
def glove_that_moves_the_word_before_its_context_is_looked_at(main, context):
    log_count, weight, learning_rate = 0.8, 0.6, 0.05
    word = main.copy()
    diff = word @ context - log_count
    cost = np.array(0.5 * weight * diff ** 2)

    def backward(g):
        moving = word.copy()
        dword = g * weight * diff * context
        moving -= learning_rate * dword
        dcontext = g * weight * diff * moving
        return dword, dcontext

    return cost, backward


@mistake("https://github.com/apache/systemds/pull/696: the second term of the gradient for V stands behind a comment "
         "sign",
         says=[("missing term", "X.T @"), ("missing term", "dV"), ("missing path", "X ** 2"),
               ("missing path", "V ** 2"), ("missing path", "squares"), ("missing term", "g_V"),
               ("missing term", "squares")],
         X=(7, 5), V=(5, 3))
def factorisation_machine_without_its_squares(X, V):
    XV = X @ V
    squares = X ** 2 @ V ** 2
    y = 0.5 * np.sum(XV ** 2 - squares, axis=1)

    def dX(g):
        return g[:, None] * (XV @ V.T - X * np.sum(V ** 2, axis=1))

    def dV(g):
        g_V = X.T @ (g[:, None] * XV)  # - (g @ X ** 2)[:, None] * V
        return g_V

    return y, dX, dV
