"""Terms of variational autoencoders, normalising flows and densities: threads in the trackers of VAE-Torch, of Flux's
model zoo, Autoencoders, PyTorch Geometric, BVAE-tf, pytorch-flows, normalizing-flows, flowjax, PyTorch and others.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/FluxML/model-zoo/pull/76: (ln σ)² for 2 ln σ in the value",
         says=[("power", "log_sigma"), ("other function", "log_sigma ** 2"), ("missing factor", "log_sigma")],
         mu=(3, 5), log_sigma=(3, 5))
def kl_with_a_squared_logarithm(mu, log_sigma):
    kl = 0.5 * np.sum(np.exp(2 * log_sigma) + mu ** 2 - 1 - log_sigma ** 2, axis=1)
    def dmu(dy): return mu * dy[:, None]
    def dlog_sigma(dy): return (np.exp(2 * log_sigma) - 1) * dy[:, None]
    return kl, dmu, dlog_sigma


@mistake("https://github.com/FluxML/model-zoo/pull/147: the sign of ln σ in the value",
         says=[("wrong sign", "log_sigma"), ("other function", "+", "-"), ("wrong sign", "var - 1")],
         mu=(5,), log_sigma=(5,))
def kl_with_plus_log_sigma(mu, log_sigma):
    var = np.exp(log_sigma) ** 2
    kl = np.array(0.5 * (var + mu ** 2 - 1 + 2 * log_sigma).sum())
    return kl, lambda g: g * mu, lambda g: g * (var - 1)


@mistake("https://github.com/VincentStimper/normalizing-flows/issues/27: log_det -= where += belongs, over a stack of "
         "layers",
         says=[("wrong sign", "log_det"), ("wrong sign", "sum(s)"), ("other function", "log_det -"),
               ("wrong sign", "dlog")],
         z=(5,), s1=(5,), s2=(5,))
def stack_of_scalings_that_subtracts_a_determinant(z, s1, s2):
    log_det = 0.0
    x = z
    for s in (s1, s2):
        x = x * np.exp(s)
        log_det = log_det - np.sum(s)
    y = np.append(x, log_det)

    def back(dy):
        dx, dlog = dy[:-1], dy[-1]
        ds = dx * x + dlog
        return dx * np.exp(s1 + s2), ds, ds

    return y, back


@mistake("https://github.com/wohlert/semi-supervised-pytorch/issues/21: log-determinants are summed twice, also over "
         "the batch",
         says=[("extra sum", "log_det"), ("missing sum", "dy")],
         log_var=(3, 5), z=(3, 5))
def flow_whose_determinants_are_summed_over_the_batch(log_var, z):
    log_det = log_var.sum(axis=1)
    qz = -0.5 * np.sum(z ** 2, axis=1) - np.sum(log_det)
    def dlog_var(dy): return -np.ones_like(log_var) * dy[:, None]
    def dz(dy): return -z * dy[:, None]
    return qz, dlog_var, dz
