"""Layers for sequences: threads in the trackers of Lalamo, Unsloth, AiDotNet and PyTorch."""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/trymirai/lalamo/pull/268: a minus in front of the sine turns the heads the other way; "
         "the derivative is that of the usual rotation",
         says=[("wrong sign", "rotate_half(heads)"), ("wrong sign", "rotate_half(g * sines)"),
               ("wrong sign", "rotated ="), ("other function", "rotate_half(heads)"),
               ("other function", "rotate_half(g * sines)"), ("wrong sign", "sines"), ("wrong sign", "-second")],
         heads=(5, 6))
def rotary_embedding_that_turns_backwards(heads):
    angles = np.arange(5)[:, None] / 10 ** np.tile(np.arange(3) / 3, 2)
    cosines, sines = np.cos(angles), np.sin(angles)

    def rotate_half(z):
        first, second = np.split(z, 2, axis=-1)
        return np.concatenate([-second, first], axis=-1)

    rotated = heads * cosines - rotate_half(heads) * sines
    return rotated, lambda g: g * cosines - rotate_half(g * sines)


@mistake("https://github.com/unslothai/unsloth/issues/3314: what belongs to one of two branches is stored in the "
         "place of the other",
         says=[("other array", "dW_value, dW_gate"), ("order", "dW_value, dW_gate"), ("moved", "dW_value, dW_gate"),
               ("other array", "dW_value"), ("other array", "dW_gate"), ("other array", "dvalue"),
               ("other array", "dgate")],
         gate=(5, 3), value=(5, 3))
def swiglu_whose_two_gradients_change_places(gate, value):
    se = 1 / (1 + np.exp(-gate))
    f = gate * se
    h = f * value

    def backward(dW):
        dW_value = dW * f
        dW_gate = dW * value * (se * (1 + gate * (1 - se)))
        return dW_value, dW_gate

    return h, backward


@mistake("https://github.com/ooples/AiDotNet/pull/722: the sum over the hidden units j has the reset gate of the "
         "unit i in it; the derivative has that of j",
         says=[("moved", "reset[i]"), ("other array", "reset[i]"), ("transposed", "reset[i]"), ("axis", "reset[i]"),
               ("order", "reset[i]"), ("wrong path", "reset[i]"), ("moved", "back * reset"), ("order", "back * reset"),
               ("order", "U.T @ da"), ("moved", "reset * prev_h"), ("order", "reset * prev_h")],
         prev_h=(5,), reset=lambda rng: rng.uniform(0.1, 0.9, 5), U=(5, 5))
def gru_candidate_with_one_reset_gate_for_a_whole_row(prev_h, reset, U):
    units = len(prev_h)
    candidate = np.empty(units)
    for i in range(units):
        total = 0.1 * i
        for j in range(units):
            total += U[i, j] * reset[i] * prev_h[j]
        candidate[i] = np.tanh(total)

    def backward(dcandidate):
        da = dcandidate * (1 - candidate ** 2)
        back = U.T @ da
        return back * reset, back * prev_h, np.outer(da, reset * prev_h)

    return candidate, backward


@mistake("https://github.com/pytorch/pytorch/issues/82545: the gradient is that for the inputs of a log-softmax, and "
         "is returned as that for its outputs: a probability too much",
         says=[("extra term", "exp(log_probs)"), ("extra term", "grad ="), ("extra term", "dlog_probs"),
               ("extra term", "occupied")],
         log_probs=(7, 4))
def alignment_loss_that_takes_its_input_for_normalised(log_probs):
    labels, frames = [2, 0, 3], len(log_probs)

    def forward(lp):
        alpha = np.full((frames, 3), -np.inf)
        alpha[0, 0] = lp[0, 0]
        for t in range(1, frames):
            alpha[t] = np.logaddexp(alpha[t - 1], np.append(-np.inf, alpha[t - 1, :-1])) + lp[t]
        return alpha

    lp = log_probs[:, labels]
    alpha = forward(lp)
    loss = np.array(-alpha[-1, -1])

    def backward(g):
        beta = forward(lp[::-1, ::-1])[::-1, ::-1]
        occupied = np.zeros_like(log_probs)
        occupied[:, labels] = np.exp(alpha + beta - lp + loss)
        grad = np.exp(log_probs) - occupied
        return g * grad

    return loss, backward
