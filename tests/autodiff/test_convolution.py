"""Proves that a convolution is what its definition says, and that the transposed one is its transpose.

The definitions are loops over every index. These tests would catch a flipped kernel, padding on one side only, a window
that is left out at the edge, and a stride that is applied to the wrong image. tests/gradchecks/test_gradchecks.py
proves that every derivative agrees with finite differences.
"""

import numpy as np
import pytest

from npvae.autodiff.convolution import conv2d, conv_transpose2d, windows_along

KERNEL, CHANNELS, OUTPUTS = 3, 2, 5
SHAPES = [(stride, padding, H, W) for stride in (1, 2, 3) for padding in (0, 1, 2) for H, W in ((7, 6), (6, 7), (8, 5))]
each_shape = pytest.mark.parametrize("stride, padding, H, W", SHAPES)


def conv2d_by_loops(x, W, b, stride, padding):
    """y_nuvo = Σ_ijc x_n,su+i−p,sv+j−p,c W_ijco + b_o."""
    k, _, C, O = W.shape
    N, H, width, _ = x.shape
    y = np.zeros((N, windows_along(H, k, stride, padding), windows_along(width, k, stride, padding), O)) + b
    for n, u, v, o in np.ndindex(y.shape):
        for i, j, c in np.ndindex(k, k, C):
            row, column = stride * u + i - padding, stride * v + j - padding
            if 0 <= row < H and 0 <= column < width:
                y[n, u, v, o] += x[n, row, column, c] * W[i, j, c, o]
    return y


def conv_transpose2d_by_loops(x, W, b, stride, padding, height, width):
    """y_n,su+i−p,sv+j−p,o = Σ_c x_nuvc W_ijoc + b_o, added where patches overlap."""
    k, _, O, _ = W.shape
    y = np.zeros((len(x), height, width, O)) + b
    for n, u, v, c in np.ndindex(x.shape):
        for i, j, o in np.ndindex(k, k, O):
            row, column = stride * u + i - padding, stride * v + j - padding
            if 0 <= row < height and 0 <= column < width:
                y[n, row, column, o] += x[n, u, v, c] * W[i, j, o, c]
    return y


@each_shape
def test_a_convolution_is_its_definition(rng, stride, padding, H, W):
    x, b = rng.standard_normal((3, H, W, CHANNELS)), rng.standard_normal(OUTPUTS)
    weights = rng.standard_normal((KERNEL, KERNEL, CHANNELS, OUTPUTS))
    y = conv2d(x, weights, b, stride=stride, padding=padding).data
    assert np.allclose(y, conv2d_by_loops(x, weights, b, stride, padding), atol=1e-12)


@each_shape
@pytest.mark.parametrize("output_padding", range(3))
def test_a_transposed_convolution_is_its_definition(rng, stride, padding, H, W, output_padding):
    if output_padding >= stride:
        return
    x, b = rng.standard_normal((3, H, W, CHANNELS)), rng.standard_normal(OUTPUTS)
    weights = rng.standard_normal((KERNEL, KERNEL, OUTPUTS, CHANNELS))
    y = conv_transpose2d(x, weights, b, stride=stride, padding=padding, output_padding=output_padding).data
    height, width = ((n - 1) * stride - 2 * padding + KERNEL + output_padding for n in (H, W))
    assert y.shape == (3, height, width, OUTPUTS)
    assert np.allclose(y, conv_transpose2d_by_loops(x, weights, b, stride, padding, height, width), atol=1e-12)


@each_shape
def test_the_transpose_is_the_adjoint(rng, stride, padding, H, W):
    """⟨conv2d(a, W), x⟩ = ⟨a, conv_transpose2d(x, W)⟩, with output_padding equal to the remainder of the division."""
    a = rng.standard_normal((3, H, W, CHANNELS))
    weights = rng.standard_normal((KERNEL, KERNEL, CHANNELS, OUTPUTS))
    y = conv2d(a, weights, np.zeros(OUTPUTS), stride=stride, padding=padding).data
    x = rng.standard_normal(y.shape)
    smallest = [(n - 1) * stride - 2 * padding + KERNEL for n in y.shape[1:3]]
    left_over = [H - smallest[0], W - smallest[1]]
    if left_over[0] != left_over[1]:                        # one output_padding for both sides: make the image square
        return test_the_transpose_is_the_adjoint(rng, stride, padding, H, H)
    back = conv_transpose2d(
        x, weights, np.zeros(CHANNELS), stride=stride, padding=padding, output_padding=left_over[0]
    ).data
    assert back.shape == a.shape
    assert np.sum(y * x) == pytest.approx(np.sum(a * back), rel=1e-12)


def test_a_convolution_by_hand():
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    W = np.zeros((3, 3, 1, 1))
    W[0, 2] = 1                                             # the pixel to the upper right
    y = conv2d(x, W, np.zeros(1), stride=1, padding=1).data[0, :, :, 0]
    assert y.tolist() == [[0, 0, 0, 0], [1, 2, 3, 0], [5, 6, 7, 0], [9, 10, 11, 0]]


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"conv2d cannot take x \(1, 2, 2, 1\).*2 pixels with 0 of padding"):
        conv2d(np.zeros((1, 2, 2, 1)), np.zeros((3, 3, 1, 1)), np.zeros(1))
    with pytest.raises(ValueError, match=r"expected images \(N, H, W, 3\), channels last"):
        conv2d(np.zeros((1, 3, 8, 8)), np.zeros((3, 3, 3, 1)), np.zeros(1))
    with pytest.raises(ValueError, match=r"expected images \(N, H, W, 3\), channels last"):
        conv_transpose2d(np.zeros((1, 3, 8, 8)), np.zeros((3, 3, 1, 3)), np.zeros(1))
    with pytest.raises(ValueError, match="output_padding is 2, expected it from 0 to stride − 1 = 1"):
        conv_transpose2d(np.zeros((1, 4, 4, 1)), np.zeros((3, 3, 1, 1)), np.zeros(1), stride=2, output_padding=2)
    with pytest.raises(ValueError, match="nothing is left of 1 × 1 pixels"):
        conv_transpose2d(np.zeros((1, 1, 1, 1)), np.zeros((3, 3, 1, 1)), np.zeros(1), padding=2)


@pytest.mark.parametrize("kernel", [1, 2, 4])
def test_other_kernels(rng, kernel):
    x, b = rng.standard_normal((2, 6, 7, CHANNELS)), rng.standard_normal(OUTPUTS)
    weights = rng.standard_normal((kernel, kernel, CHANNELS, OUTPUTS))
    assert np.allclose(conv2d(x, weights, b, stride=2, padding=1).data, conv2d_by_loops(x, weights, b, 2, 1))


def test_no_images_give_no_images(rng):
    W, b = rng.standard_normal((3, 3, 2, 5)), rng.standard_normal(5)
    y, dx, dW, db = conv2d.raw(np.zeros((0, 8, 6, 2)), W, b, stride=2, padding=1)
    assert y.shape == (0, 4, 3, 5) and dx(y).shape == (0, 8, 6, 2) and not dW(y).any() and not db(y).any()
    y, backward = conv_transpose2d.raw(np.zeros((0, 4, 3, 5)), W, b[:2], stride=2, padding=1, output_padding=1)
    dx, dW, db = backward(y)
    assert y.shape == (0, 8, 6, 2) and dx.shape == (0, 4, 3, 5) and not dW.any() and not db.any()
