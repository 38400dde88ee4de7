"""Cells of recurrent networks: threads in the trackers of NumPy implementations of LSTMs, RNNs and GRUs (numpy-ml,
RNN-LSTM-in-numpy, CS231, cuTAGI, MXNet, GRU-D, ConvGRUCell), Coursera's forum, Dive into Deep Learning and a book.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


@mistake("https://github.com/cthorey/CS231/issues/1: dnext_c = … for dnext_c += …",
         says=[("missing term", "dnext_c"), ("missing path", "np.stack"), ("missing path", "next_c =")],
         prev_c=(3, 5), i=(3, 5), f=(3, 5), g=(3, 5))
def lstm_step_whose_second_output_does_not_count(prev_c, i, f, g):
    next_c = f * prev_c + i * g
    tanh_c = np.tanh(next_c)
    next_h = i * tanh_c
    y = np.stack([next_h, next_c])

    def backward(dy):
        dnext_h, dnext_c = dy
        di = dnext_h * tanh_c
        dnext_c = i * (1 - tanh_c ** 2) * dnext_h
        return f * dnext_c, di + g * dnext_c, prev_c * dnext_c, i * dnext_c

    return y, backward


@mistake("https://community.deeplearning.ai/t/dls-5-week-1-exercise-7-lstm-cell-backward-output-is-not-an-expected-one/22398"
         ": only the gates behind the cell state are off, as they are without brackets",
         says=[("missing factor", "ft * (1 - ft)"), ("missing factor", "dft =")],
         ft_pre=(3, 5), c_prev=(3, 5), ot=(3, 5))
def lstm_cell_backward_without_brackets(ft_pre, c_prev, ot):
    ft = sigmoid(ft_pre)
    c_next = ft * c_prev
    y = np.concatenate([ot * np.tanh(c_next), c_next])

    def backward(dy):
        da_next, dc_next = np.split(dy, 2)
        dot = da_next * np.tanh(c_next)
        inner = ot * (1 - np.tanh(c_next) ** 2) * da_next
        dft = dc_next * c_prev + inner * c_prev * ft * (1 - ft)
        dc_prev = dc_next * ft + inner * ft
        return dft, dc_prev, dot

    return y, backward


@mistake("https://lzwjava.github.io/notes/2025-09-06-lstm-bugs-fixes-en: an index that is off by one",
         says=[("other array", "h[t]"), ("moved",), ("constant", "h[t]")],
         X=(5, 3), Wx=(3, 2), Wh=(2, 2))
def rnn_whose_states_are_one_step_early(X, Wx, Wh):
    T = len(X)
    h = [np.zeros(2)]
    for t in range(T):
        h.append(np.tanh(X[t] @ Wx + h[t] @ Wh))
    y = np.array(h[1:])

    def backward(dy):
        dX, dWx, dWh = np.zeros_like(X), np.zeros_like(Wx), np.zeros_like(Wh)
        dh_next = np.zeros(2)
        for t in reversed(range(T)):
            dz = (dy[t] + dh_next) * (1 - h[t] ** 2)
            dX[t] = Wx @ dz
            dWx += np.outer(X[t], dz)
            dWh += np.outer(h[t], dz)
            dh_next = Wh @ dz
        return dX, dWx, dWh

    return y, backward


@mistake("https://github.com/oreilly-japan/deep-learning-from-scratch-2/issues/26: a reader thinks that dt is dh / (1 "
         "− h²)",
         says=[("power", "h_next"), ("other function", "/"), ("power", "dt =")],
         x=(3, 2), h_prev=(3, 5), Wx=(2, 5), Wh=(5, 5))
def rnn_step_divided_by_the_derivative_of_tanh(x, h_prev, Wx, Wh):
    h_next = np.tanh(np.dot(h_prev, Wh) + np.dot(x, Wx))

    def backward(dh_next):
        dt = dh_next / (1 - h_next ** 2)
        dWh = np.dot(h_prev.T, dt)
        dh_prev = np.dot(dt, Wh.T)
        dWx = np.dot(x.T, dt)
        dx = np.dot(dt, Wx.T)
        return dx, dh_prev, dWx, dWh

    return h_next, backward


@mistake("https://github.com/d2l-ai/d2l-en/issues/2616: ∂h_t/∂W_hh is not h_{t−1} alone, earlier states depend on it, "
         "too",
         says=[("missing term", "np.outer(states"), ("missing path", "h @ W_hh"), ("missing sum", "np.outer(states")],
         x=(5, 2), W_hx=(2, 3), W_hh=(3, 3))
def linear_rnn_without_the_earlier_states(x, W_hx, W_hh):
    h, hs = np.zeros(3), []
    for x_t in x:
        hs.append(h)
        h = x_t @ W_hx + h @ W_hh
    states = np.array(hs)

    def walk(dh):
        for t in range(len(x) - 1, -1, -1):
            yield t, dh
            dh = dh @ W_hh.T

    def dx(dh): return np.array([g @ W_hx.T for _, g in walk(dh)])[::-1]
    def dW_hx(dh): return sum(np.outer(x[t], g) for t, g in walk(dh))
    def dW_hh(dh): return np.outer(states[-1], dh)
    return h, dx, dW_hx, dW_hh


@mistake("https://github.com/CaptainE/RNN-LSTM-in-numpy/issues/1, seen from the other gate: dh_next is zero at every "
         "step",
         says=[("missing term", "dh ="), ("missing path", "h @ U"), ("missing term", "dy[t]")],
         x=(5, 2), W=(2, 3), U=(3, 3))
def rnn_that_backpropagates_through_no_time(x, W, U):
    h = np.zeros(3)
    hs = [h]
    for x_t in x:
        h = np.tanh(x_t @ W + h @ U)
        hs.append(h)

    def backward(dy):
        dx, dW, dU = np.zeros_like(x), 0, 0
        for t in reversed(range(len(x))):
            dh = dy[t]
            dpre = dh * (1 - hs[t + 1] ** 2)
            dx[t] = dpre @ W.T
            dW = dW + np.outer(x[t], dpre)
            dU = dU + np.outer(hs[t], dpre)
        return dx, dW, dU

    return np.array(hs[1:]), backward
