"""Cells of recurrent networks: threads in the trackers of NumPy implementations of LSTMs, RNNs and GRUs (numpy-ml,
RNN-LSTM-in-numpy, CS231, cuTAGI, MXNet, GRU-D, ConvGRUCell), Coursera's forum, Dive into Deep Learning and a book.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


@mistake("https://github.com/CaptainE/RNN-LSTM-in-numpy/issues/1: sigmoid(f) · df where its derivative belongs",
         says=[("other function", "sigmoid(f)"), ("other array", "sigmoid(f)"), ("wrong path", "sigmoid(W_f @ z)")],
         z=(5,), C_prev=(3,), W_f=(3, 5))
def forget_gate_with_its_sigmoid_for_the_derivative(z, C_prev, W_f):
    f = sigmoid(W_f @ z)
    C = f * C_prev

    def backward(dC):
        df = dC * C_prev
        df = sigmoid(f) * df
        dz = W_f.T @ df
        dC_prev = f * dC
        return dz, dC_prev, np.outer(df, z)

    return C, backward


@mistake("https://lzwjava.github.io/notes/2025-09-06-lstm-bugs-fixes-en: the nonlinearity, not its derivative",
         says=[("other function", "tanh(g)"), ("other array", "tanh(g)"), ("wrong path", "g = np.tanh")],
         x=(3,), c=(5,), W=(5, 3), V=(5, 3))
def candidate_of_an_lstm_that_is_squashed_again(x, c, W, V):
    i = sigmoid(V @ x)
    g = np.tanh(W @ x)
    c_next = c + i * g

    def d_pre(dc):
        di = dc * g * i * (1 - i)
        dg = np.tanh(g) * (dc * i)
        return di, dg

    def dx(dc):
        di, dg = d_pre(dc)
        return V.T @ di + W.T @ dg

    def dW(dc): return np.outer(d_pre(dc)[1], x)
    def dV(dc): return np.outer(d_pre(dc)[0], x)
    return c_next, dx, lambda dc: dc, dW, dV


@mistake("https://github.com/CaptainE/RNN-LSTM-in-numpy/issues/1: dC_next is never updated between the steps",
         says=[("missing path", "f[t] * c"), ("missing term", "dc ="), ("missing term", "dc_next")],
         f=lambda rng: rng.random((5, 3)), u=(5, 3))
def cell_states_through_which_nothing_comes_back(f, u):
    T = len(f)
    c, cs = np.zeros(f.shape[1]), []
    for t in range(T):
        cs.append(c)
        c = f[t] * c + u[t]
        if t == 0:
            out = []
        out.append(np.tanh(c))
    hs = np.array(out)

    def backward(dh):
        df, du = np.zeros_like(f), np.zeros_like(u)
        dc_next = np.zeros(f.shape[1])
        for t in reversed(range(T)):
            dc = dh[t] * (1 - hs[t] ** 2) + dc_next
            df[t] = dc * cs[t]
            du[t] = dc
        return df, du

    return hs, backward


@mistake("https://github.com/ddbourgin/numpy-ml/issues/42: the forget gate is computed with the bias of the output "
         "gate",
         says=[("other array", "bo", "bf"), ("missing path", "Gf ="), ("missing term", "dGo.sum")],
         Zt=(3, 5), Wo=(5, 2), Wf=(5, 2), bo=(2,), bf=(2,))
def gates_of_which_two_share_a_bias(Zt, Wo, Wf, bo, bf):
    Go = sigmoid(Zt @ Wo + bo)
    Gf = sigmoid(Zt @ Wf + bo)
    y = Go * Gf

    def backward(dy):
        dGo = dy * Gf * Go * (1 - Go)
        dGf = dy * Go * Gf * (1 - Gf)
        dZ = dGo @ Wo.T + dGf @ Wf.T
        return dZ, Zt.T @ dGo, Zt.T @ dGf, dGo.sum(0), dGf.sum(0)

    return y, backward


@mistake("https://github.com/lhnguyen102/cuTAGI/issues/77: three gates use the delta of the wrong array",
         says=[("other array", "delta_m"), ("missing factor", "d_ig =")],
         ig=(7,), og=(7,), ca=(7,))
def lstm_gate_with_the_delta_of_the_output(ig, og, ca):
    mc = np.tanh(ig * ca)
    out = og * mc

    def backward(delta_m):
        delta_m_out = delta_m * og * (1 - mc ** 2)
        d_og = delta_m * mc
        d_ig = delta_m * ca
        d_ca = delta_m_out * ig
        return d_ig, d_og, d_ca

    return out, backward


@mistake("https://github.com/zhiyongc/GRU-D/issues/2: the reset gate is not multiplied in; the derivative knows it",
         says=[("missing factor", "r"), ("extra factor", "r")],
         x=(5,), h=(3,), W=(5, 3), U=(3, 3), Wr=(5, 3))
def gru_that_resets_nothing(x, h, W, U, Wr):
    r = sigmoid(x @ Wr)
    h_tilde = np.tanh(x @ W + h @ U)

    def backward(dy):
        dpre = dy * (1 - h_tilde ** 2)
        drh = U @ dpre
        dr = drh * h * r * (1 - r)
        dx = W @ dpre + Wr @ dr
        return dx, drh * r, np.outer(x, dpre), np.outer(r * h, dpre), np.outer(x, dr)

    return h_tilde, backward


@mistake("https://github.com/bionick87/ConvGRUCell-pytorch/issues/1: the update gate weighs the wrong one of two "
         "states",
         says=[("one minus", "z"), ("other array", "1 - z")],
         pre=(7,), h=(7,), c=(7,))
def gru_whose_update_gate_is_the_other_way_around(pre, h, c):
    z = sigmoid(pre)
    h_next = h + (1 - z) * (c - h)
    def dpre(dy): return dy * (c - h) * z * (1 - z)
    def dh(dy): return dy * (1 - z)
    def dc(dy): return dy * z
    return h_next, dpre, dh, dc
