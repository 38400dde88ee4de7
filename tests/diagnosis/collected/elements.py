"""Products, indices, distances, norms, masks, attention and blocks of networks: threads in the trackers of TensorFlow,
burn, tinygrad, Autograd, MXNet, FlagGems, numpy-ml, Kaldi, Theanets, AiDotNet, entrenar, nanoGPT-like repositories.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/tinygrad/tinygrad/pull/17404: prod's gradient is ret / x",
         says=[("fault", "NaN"), ("fault", "nan"), ("fault", "finite")],
         x=lambda rng: np.where(np.arange(7) == 4, 0, 0.5 + rng.random(7)))
def product_that_divides_by_zero(x):
    ret = np.multiply.reduce(x)

    def backward(grad):
        with np.errstate(all="ignore"):
            return grad * ret / x

    return np.array(ret), backward


@mistake("https://github.com/incanter/incanter/issues/73: ‖a‖ ‖a‖ in the denominator of a cosine, in the value",
         says=[("other array", "na", "nb"), ("power", "na")],
         a=(3, 5), b=(3, 5))
def cosine_with_the_same_norm_twice(a, b):
    na = np.linalg.norm(a, axis=1, keepdims=True)
    nb = np.linalg.norm(b, axis=1, keepdims=True)
    dot = np.sum(a * b, axis=1, keepdims=True)
    cos = dot / (na * na)

    def backward(dy):
        c = dot / (na * nb)
        g = dy.reshape(-1, 1)
        return g * (b / (na * nb) - c * a / na ** 2), g * (a / (na * nb) - c * b / nb ** 2)

    return cos[:, 0], backward


@mistake("https://github.com/tyandzx/caffe/issues/3: the derivative of (a·b)/(‖a‖‖b‖) for a, of which the second term "
         "is in doubt",
         says=[("power", "a_norm"), ("missing factor", "a_norm"), ("extra factor", "a_norm")],
         a=(7,), b=(7,))
def cosine_whose_second_term_has_one_norm_too_few(a, b):
    a_norm, b_norm = np.sqrt(a @ a), np.sqrt(b @ b)
    cos = np.array(a @ b / (a_norm * b_norm))

    def da(dy):
        first = b / (a_norm * b_norm)
        second = a * cos / a_norm
        return dy * (first - second)

    def db(dy):
        return dy * (a / (a_norm * b_norm) - b * cos / (b_norm * b_norm))

    return cos, da, db


@mistake("https://github.com/rohitg00/ai-engineering-from-scratch/pull/17, a review: backprop ignores the scale of "
         "inverted dropout",
         says=[("missing factor", "keep"), ("missing factor", "0.8"), ("missing factor", "1.25"),
               ("extra factor", "0.8")],
         x=(5, 3), W=(3, 2), mask=lambda rng: rng.integers(0, 2, (5, 3)))
def layer_after_dropout_that_lost_the_scale(x, W, mask):
    keep = 0.8
    h = x * mask / keep
    y = h @ W

    def dx(dy):
        dh = dy @ W.T
        dh[mask == 0] = 0
        return dh

    def dW(dy):
        return h.T @ dy

    return y, dx, dW, None


@mistake("https://github.com/paiml/entrenar/issues/313: the second residual's skip is missing in the backward pass",
         says=[("missing path", "residual1 + ffn"), ("missing term", "d_res1"), ("missing term", "grad_output")],
         x=(3, 5), W1=(5, 5), W2=(5, 5))
def residual_block_without_its_second_skip(x, W1, W2):
    attn = np.tanh(x @ W1)
    residual1 = x + attn
    ffn = np.maximum(0, residual1 @ W2)
    output = residual1 + ffn

    def backward(grad_output):
        dffn = grad_output * (ffn > 0)
        dW2 = residual1.T @ dffn
        d_res1 = dffn @ W2.T
        dattn = d_res1 * (1 - attn ** 2)
        dW1 = x.T @ dattn
        grad_input = d_res1 + dattn @ W1.T
        return grad_input, dW1, dW2

    return output, backward


@mistake("https://github.com/arthurdouillard/deepcourse/pull/9: grad_bh depends on grad_htilde, not on grad_h",
         says=[("other array", "grad_h", "grad_htilde"), ("other array", "sum(grad_h"), ("missing factor", "grad_bh")],
         x=(5, 3), Wh=(3, 7), bh=(7,), Wo=(7, 2))
def mlp_whose_bias_stands_before_the_tanh(x, Wh, bh, Wo):
    h = np.tanh(x @ Wh + bh)
    o = h @ Wo

    def backward(grad_o):
        grad_Wo = h.T @ grad_o
        grad_h = grad_o @ Wo.T
        grad_htilde = grad_h * (1 - h ** 2)
        grad_Wh = x.T @ grad_htilde
        grad_bh = np.sum(grad_h, axis=0)
        return grad_htilde @ Wh.T, grad_Wh, grad_bh, grad_Wo

    return o, backward


@mistake("https://github.com/Bot-Academy/NeuralNetworkFromScratch/pull/3: the sigmoid of the last layer has no "
         "derivative",
         says=[("missing factor", "o * (1 - o)"), ("missing factor", "delta_o ="), ("wrong path", "o = 1")],
         w_h=(3, 5), w_o=(2, 3), img=(5, 1), label=(2, 1))
def network_whose_last_sigmoid_is_not_differentiated(w_h, w_o, img, label):
    h = 1 / (1 + np.exp(-w_h @ img))
    o = 1 / (1 + np.exp(-w_o @ h))
    e = np.array(0.5 * np.sum((o - label) ** 2))

    def backward(de):
        delta_o = (o - label) * de
        dw_o = delta_o @ h.T
        delta_h = w_o.T @ delta_o * (h * (1 - h))
        return delta_h @ img.T, dw_o, w_h.T @ delta_h, -(o - label) * de

    return e, backward


@mistake("https://github.com/tracel-ai/burn/issues/3864: cumprod's gradient is divided by the input, where it is zero",
         says=[("fault", "NaN"), ("fault", "nan"), ("fault", "finite")],
         x=lambda rng: np.where(np.arange(5) == 1, 0, 0.5 + rng.random(5)))
def cumprod_divided_by_its_input(x):
    output = np.cumprod(x)

    def backward(grad):
        grad_times_output = grad * output
        with np.errstate(all="ignore"):
            return np.cumsum(grad_times_output[::-1])[::-1] / x

    return output, backward
