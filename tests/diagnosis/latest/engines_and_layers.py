"""Operators of small engines, layers, and elements of physics: threads in the trackers of micrograd_c, SINGA, MiniFlow,
Transformers, a Forward-Forward network, SphereFace, learn_dl, Kratos, CoolProp and ESPResSo++.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


@mistake("https://github.com/KhawajaAbaid/micrograd_c/issues/1: the gradient of what is subtracted has no minus",
         says=[("wrong sign", "db"), ("wrong path", "(a - b) ** 2"), ("order", "db")],
         a=(5, 3), b=(5, 3))
def difference_whose_second_operand_is_added(a, b):
    out = (a - b) ** 2

    def backward(grad):
        da = grad * 2 * (a - b)
        db = grad * 2 * (a - b)
        return da, db

    return out, backward


@mistake("https://github.com/apache/singa/pull/484: the gradient of the numerator is divided by the numerator",
         says=[("other array", "dy / a"), ("wrong path", "a / b"), ("extra factor", "dy / a"),
               ("missing factor", "dy / a"), ("other array", "da")],
         a=lambda rng: rng.uniform(0.5, 2, (5, 3)), b=lambda rng: rng.uniform(0.5, 2, (5, 3)))
def division_by_the_wrong_of_its_operands(a, b):
    def backward(dy):
        return dy / a, -dy * a / b ** 2
    return a / b, backward


@mistake("https://github.com/tobegit3hub/miniflow/issues/3: the derivative of a quotient is the quotient of the "
         "derivatives",
         says=[("missing term", "op1_grad / op2_grad"), ("other function", "op1_grad / op2_grad"),
               ("other array", "op1_grad / op2_grad"), ("missing factor", "op1_grad / op2_grad"),
               ("order", "op1_grad / op2_grad"), ("extra factor", "op2_grad"), ("other array", "op2_grad"),
               ("missing path", "op1 / op2"), ("wrong path", "op1 / op2"), ("wrong path", "op2 ="),
               ("missing path", "op2 ="), ("missing term", "g * op1_grad")],
         x=(7,))
def quotient_of_derivatives(x):
    op1 = np.sin(x)
    op2 = 2 + np.exp(x)

    def dx(g):
        op1_grad, op2_grad = np.cos(x), np.exp(x)
        return g * op1_grad / op2_grad

    return op1 / op2, dx


@mistake("https://github.com/huggingface/transformers/pull/11514: two coefficients are swapped; in the value",
         says=[("constant", "coeff2 * (1.0 + coeff1"), ("other array", "coeff2 * (1.0 + coeff1"),
               ("order", "coeff2 * (1.0 + coeff1"), ("place", "coeff2 * (1.0 + coeff1"),
               ("wrong path", "coeff2 * (1.0 + coeff1"), ("moved", "coeff2 * (1.0 + coeff1"),
               ("argument", "coeff2 * (1.0 + coeff1"), ("extra factor", "coeff2 * (1.0 + coeff1"),
               ("missing factor", "coeff2 * (1.0 + coeff1")],
         x=(5, 3))
def gelu_fast_with_its_two_coefficients_swapped(x):
    coeff1, coeff2 = 0.7978845608, 0.044715
    t = np.tanh(x * coeff2 * (1.0 + coeff1 * x * x))
    y = 0.5 * x * (1.0 + t)

    def dx(dy):
        inner = coeff1 * (1.0 + 3.0 * coeff2 * x * x)
        return dy * (0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner)

    return y, dx


@mistake("https://github.com/JacksonWuxs/Forward-Forward-Network/issues/4: the root of the sum of squares is "
         "missing; in the value",
         says=[("power", "norm ="), ("other function", "norm ="), ("missing factor", "norm ="),
               ("wrong path", "norm ="), ("other array", "norm ="), ("order", "norm ="), ("power", "X / norm"),
               ("other function", "X / norm"), ("missing factor", "X / norm"), ("wrong path", "X / norm"),
               ("other array", "X / norm"), ("order", "X / norm")],
         X=(4, 5))
def normalised_rows_without_a_root(X):
    norm = 1e-9 + (X ** 2).sum(axis=-1, keepdims=True)
    Y = X / norm

    def backward(g):
        length = np.sqrt((X ** 2).sum(axis=-1, keepdims=True))
        unit = X / length
        return (g - unit * (g * unit).sum(axis=-1, keepdims=True)) / length

    return Y, backward


@mistake("https://github.com/wy1iu/sphereface/issues/2: the weights are normalised, and their gradient does not know "
         "it",
         says=[("missing path", "np.linalg.norm"), ("missing path", "W / norm"), ("missing term", "x.T @ g"),
               ("missing factor", "x.T @ g"), ("missing path", "norm"), ("wrong path", "W / norm"),
               ("missing path", "unit ="), ("missing factor", "norm"), ("missing term", "dW"),
               ("missing factor", "dW"), ("wrong path", "unit =")],
         x=(5, 3), W=(3, 4))
def margin_product_whose_weights_are_not_normalised_on_the_way_back(x, W):
    norm = np.linalg.norm(W, axis=0)
    unit = W / norm
    def dx(g): return g @ unit.T
    def dW(g): return x.T @ g
    return x @ unit, dx, dW


@mistake("https://github.com/hanbt/learn_dl/issues/53: the bias of the input gate gets the delta of the forget gate; "
         "here that bias alone",
         says=[("other array", "bi_grad"), ("other array", "delta_f"), ("other array", "delta_i"),
               ("extra factor", "bi_grad"), ("missing factor", "bi_grad")],
         x=(4,), c_prev=(3,), bf=(3,), bi=(3,), bo=(3,))
def lstm_whose_input_gate_learns_like_its_forget_gate(x, c_prev, bf, bi, bo):
    W = np.cos(np.arange(48.0)).reshape(4, 3, 4)
    f, i, o = sigmoid(W[0] @ x + bf), sigmoid(W[1] @ x + bi), sigmoid(W[2] @ x + bo)
    ct = np.tanh(W[3] @ x)
    c = f * c_prev + i * ct
    h = o * np.tanh(c)

    def backward(delta_h):
        delta_o = delta_h * np.tanh(c) * o * (1 - o)
        dc = delta_h * o * (1 - np.tanh(c) ** 2)
        delta_f = dc * c_prev * f * (1 - f)
        delta_i = dc * ct * i * (1 - i)
        delta_ct = dc * i * (1 - ct ** 2)
        dx = W[0].T @ delta_f + W[1].T @ delta_i + W[2].T @ delta_o + W[3].T @ delta_ct
        bf_grad = delta_f
        bi_grad = delta_f
        bo_grad = delta_o
        return dx, dc * f, bf_grad, bi_grad, bo_grad

    return h, backward


@mistake("https://github.com/KratosMultiphysics/Kratos/issues/12355: the gradients of the shape functions are local: "
         "the inverse of the Jacobian is missing",
         says=[("missing factor", "dN_dxi * g"), ("missing factor", "dN_dxi"), ("missing factor", "dT["),
               ("missing factor", "g[e]"), ("other array", "dN_dxi * g"), ("wrong path", "dN_dxi / J"),
               ("missing path", "dN_dxi / J"), ("missing factor", "X[e + 1] - X[e]")],
         T=(6,))
def flux_through_line_elements_of_length_two(T):
    X = np.array([0.0, 0.4, 1.1, 1.3, 2.2, 3.0])
    conductivity = 1.7
    dN_dxi = np.array([-0.5, 0.5])
    flux = np.zeros(5)
    for e in range(5):
        J = 0.5 * (X[e + 1] - X[e])
        flux[e] = -conductivity * (dN_dxi / J) @ T[e:e + 2]

    def dT(g):
        dT = np.zeros(6)
        for e in range(5):
            dT[e:e + 2] += -conductivity * dN_dxi * g[e]
        return dT

    return flux, dT


@mistake("https://github.com/CoolProp/CoolProp/pull/3288: the derivative by τ* is returned for that by τ: Tc/Tr is "
         "missing",
         says=[("missing factor", "Tc"), ("missing factor", "Tr"), ("missing factor", "da_dtaustar"),
               ("missing path", "tau * Tc / Tr"), ("wrong path", "tau * Tc / Tr")],
         tau=lambda rng: rng.uniform(0.5, 2, 7))
def ideal_gas_whose_temperature_is_reduced_in_the_value_alone(tau):
    Tc, Tr, c = 1.9, 0.8, 0.35
    taustar = tau * Tc / Tr
    alpha0 = 2.5 * np.log(taustar) + np.log1p(-np.exp(-c * taustar))

    def dtau(g):
        decay = np.exp(-c * taustar)
        da_dtaustar = 2.5 / taustar + c * decay / (1 - decay)
        return g * da_dtaustar

    return alpha0, dtau


@mistake("https://github.com/espressopp/espressopp/pull/27: is there 0.5 K φ₀² in the force?",
         says=[("extra term", "phi0 * phi0"), ("extra term", "0.5 * K"), ("extra term", "coef1"),
               ("missing term", "coef1"), ("extra term", "K * phi0")],
         phi=(7,))
def torsion_whose_force_keeps_a_constant_of_its_energy(phi):
    K, phi0 = 2.2, 0.7
    energy = 0.5 * K * (phi - phi0) ** 2

    def dphi(g):
        coef1 = K * (phi - phi0) + 0.5 * K * phi0 * phi0
        return g * coef1

    return energy, dphi
