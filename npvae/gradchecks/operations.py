"""Every operation, as a bare function of arrays."""

import numpy as np

from .. import probability as p
from ..autodiff import convolution, normalization, ops
from .check import check_of_operation, normal, off_zero, positive


def one(draw):
    """Inputs for an operation of one array (N, D)."""
    return lambda rng, N, D, K: (draw(rng, N, D),)


def broadcast(draw):
    """Inputs for an operation that broadcasts two arrays against each other, (N, D) and (D,)."""
    return lambda rng, N, D, K: (draw(rng, N, D), draw(rng, D))


def gaussians(count, rng, N, D):
    """Draw `count` pairs of mu and logvar, all (N, D)."""
    return [normal(rng, N, D) for _ in range(2 * count)]


def levels(rng, N, D):
    """Draw levels k/255 of pixels (N, D), both ends included."""
    k = rng.integers(256, size=(N, D))
    k[0, 0], k[-1, -1] = 0, 255
    return k / 255


def convolution_inputs(rng, N, D, K):
    """Draw images of D × K pixels, a 3 × 3 kernel and a bias, for conv2d from 2 channels to 3."""
    return normal(rng, N, D, K, 2), normal(rng, 3, 3, 2, 3), normal(rng, 3)


def transposed_inputs(rng, N, D, K):
    """Draw images of D × K pixels, a 3 × 3 kernel and a bias, for conv_transpose2d from 2 channels to 3."""
    return normal(rng, N, D, K, 2), normal(rng, 3, 3, 3, 2), normal(rng, 3)


def norm_inputs(rng, N, D, K):
    """Draw images of K × D pixels and D channels, and γ and β of each channel."""
    return normal(rng, N, K, D, D), normal(rng, D), normal(rng, D)


STRIDED = "(stride 2, padding 1)"
OPERATION_CHECKS = [
    check_of_operation(ops.dense, lambda rng, N, D, K: (normal(rng, N, D), normal(rng, D, K), normal(rng, K))),
    check_of_operation(ops.matmul, lambda rng, N, D, K: (normal(rng, N, D), normal(rng, D, K))),
    check_of_operation(ops.add, broadcast(normal)),
    check_of_operation(ops.add, lambda rng, N, D, K: (normal(rng, N, 1, K), normal(rng, D, 1)), "(stretched)"),
    check_of_operation(ops.sub, broadcast(normal)),
    check_of_operation(ops.mul, broadcast(normal)),
    check_of_operation(ops.div, broadcast(positive)),
    check_of_operation(ops.neg, one(normal)),
    check_of_operation(ops.square, one(normal)),
    check_of_operation(ops.power, one(positive), exponent=-1.5),
    check_of_operation(ops.power, one(normal), "(whole exponent)", exponent=3),
    check_of_operation(ops.exp, one(normal)),
    check_of_operation(ops.log, one(positive)),
    check_of_operation(ops.sqrt, one(positive)),
    check_of_operation(ops.sum, one(normal)),
    check_of_operation(ops.sum, one(normal), "(axis=1)", axis=1),
    check_of_operation(ops.mean, one(normal)),
    check_of_operation(ops.sum, one(normal), "(keepdims)", axis=0, keepdims=True),
    check_of_operation(ops.mean, lambda rng, N, D, K: (normal(rng, N, D, K),), "(axis=(0, -1))", axis=(0, -1)),
    check_of_operation(ops.mean, one(normal), "(keepdims)", axis=1, keepdims=True),
    check_of_operation(ops.logsumexp, one(normal)),
    check_of_operation(ops.logsumexp, one(normal), "(axis=0)", axis=0),
    check_of_operation(ops.reshape, one(normal), shape=(-1, 1)),
    check_of_operation(ops.transpose, one(normal)),
    check_of_operation(
        ops.transpose, lambda rng, N, D, K: (normal(rng, N, D, K),), "(axes=(1, -1, 0))", axes=(1, -1, 0)
    ),
    check_of_operation(ops.concatenate, lambda rng, N, D, K: (normal(rng, N, D), normal(rng, N, K)), axis=1),
    check_of_operation(ops.getitem, one(normal), "(slice)", index=(slice(None, None, 2), 0)),
    check_of_operation(ops.getitem, one(normal), "(repeated rows)", index=np.array([0, 2, 2, 1, 2, 0, 1])),
    check_of_operation(ops.relu, one(off_zero)),
    check_of_operation(ops.leaky_relu, one(off_zero), slope=0.2),
    check_of_operation(ops.sigmoid, one(normal)),
    check_of_operation(ops.tanh, one(normal)),
    check_of_operation(ops.softplus, one(normal)),
    check_of_operation(convolution.conv2d, convolution_inputs, padding=2),
    check_of_operation(convolution.conv2d, convolution_inputs, STRIDED, stride=2, padding=1),
    check_of_operation(convolution.conv_transpose2d, transposed_inputs),
    check_of_operation(convolution.conv_transpose2d, transposed_inputs, STRIDED, stride=2, padding=1, output_padding=1),
    check_of_operation(normalization.batch_norm, norm_inputs),
    check_of_operation(
        normalization.batch_norm, lambda rng, N, D, K: (normal(rng, K, D), normal(rng, D), normal(rng, D)), "(rows)"
    ),
    check_of_operation(p.bernoulli_log_likelihood, lambda rng, N, D, K: (normal(rng, N, D), rng.random((N, D)))),
    check_of_operation(
        p.continuous_bernoulli_log_likelihood, lambda rng, N, D, K: (normal(rng, N, D), rng.random((N, D)))
    ),
    check_of_operation(
        p.continuous_bernoulli_log_likelihood,
        lambda rng, N, D, K: (0.01 * normal(rng, N, D), rng.random((N, D))),
        "(near ½)",
    ),
    check_of_operation(
        p.discretized_logistic_log_likelihood,
        lambda rng, N, D, K: (levels(rng, N, D), rng.random((N, D)), normal(rng, N, D) - 2),
    ),
    check_of_operation(
        p.discretized_logistic_log_likelihood,
        lambda rng, N, D, K: (levels(rng, N, D), rng.random((N, D)), np.array(-2.0)),
        "(one scale)",
    ),
    check_of_operation(p.reparameterize, lambda rng, N, D, K: (*gaussians(1, rng, N, D), normal(rng, N, D))),
    check_of_operation(
        p.reparameterize, lambda rng, N, D, K: (*gaussians(1, rng, N, D), normal(rng, K, N, D)), "(K samples)"
    ),
    check_of_operation(p.gaussian_log_likelihood, lambda rng, N, D, K: (normal(rng, N, D), *gaussians(1, rng, N, D))),
    check_of_operation(
        p.gaussian_log_likelihood,
        lambda rng, N, D, K: (normal(rng, K, N, D), normal(rng, D), np.array(0.3)),
        "(one variance)",
    ),
    check_of_operation(
        p.gaussian_log_likelihood, lambda rng, N, D, K: (normal(rng, N, D), normal(rng, N, D), 0.3), "(fixed variance)"
    ),
    check_of_operation(
        p.reparameterize,
        lambda rng, N, D, K: (normal(rng, N, D), np.array(0.3), normal(rng, N, D)),
        "(one variance)",
    ),
    check_of_operation(p.kl_to_standard_normal, lambda rng, N, D, K: gaussians(1, rng, N, D)),
    check_of_operation(
        p.kl_to_standard_normal, lambda rng, N, D, K: (normal(rng, N, D), np.array(0.3)), "(one variance)"
    ),
    check_of_operation(p.gaussian_kl_divergence, lambda rng, N, D, K: gaussians(2, rng, N, D)),
    check_of_operation(
        p.gaussian_kl_divergence,
        lambda rng, N, D, K: (normal(rng, N, D), np.array(0.3), normal(rng, D), normal(rng, D)),
        "(broadcast)",
    ),
]
