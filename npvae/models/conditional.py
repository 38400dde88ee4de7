"""The conditional VAE: both networks see a label y of each example, so you can ask for a digit of a chosen kind.

    prior     p(z)        = N(0, I), for every label
    decoder   p(x | z, y) = likelihood(decoder(z, y))
    encoder   q(z | x, y) = N(μ(x, y), diag σ²(x, y))

The label enters each network beside its input, as a one-hot vector: K numbers, 1 in the place of the label and 0
elsewhere. Everything about the VAE holds given y. Training maximises a lower bound of ln p(x | y),

    ln p(x | y) ≥ E_q [ln p(x | z, y)] − KL(q(z | x, y) ‖ p(z)).

So `model.given(y)` is a VAE: its methods are those of `VAE`, for examples with the labels y. The code need not say
which digit x is, only how it is written: the same z gives digits of every kind in the same handwriting.

Sources: Sohn, Lee, Yan (2015), Learning structured output representation using deep conditional generative models;
Kingma, Rezende, Mohamed, Welling (2014), Semi-supervised learning with deep generative models, eq. 6 (their M2 when the
label is observed, without the term ln p(y)).
"""

import copy

import numpy as np

from ..arguments import check_sizes, check_widths, generator
from ..autodiff import ops
from ..errors import UserError
from ..nn import Dense, ReLU
from ..nn.init import xavier_uniform
from .networks import dense_decoder, mlp
from .vae import PLAIN, VAE

MOST_SHOWN = 12  # labels that an error lists


class ConditionalVAE(VAE):
    """A VAE of dense layers, given the labels of its examples: `model.given(y).loss(x, rng)`.

    labels   the K labels that occur, whole numbers in any order
    data_dim, latent_dim, hidden, rng, likelihood, init, activation, samples, estimator, kl_term   as for `VAE`

    Raises UserError for no labels, labels that are not whole numbers, and whatever `VAE` refuses.
    """

    needs_labels = True
    _one_hot = None  # of the labels of the examples, an array (N, K) of bool; only in what `given` returns

    def __init__(
        self, data_dim, latent_dim, hidden, labels, rng, likelihood="bernoulli", init=xavier_uniform, activation=ReLU,
        samples=1, estimator="analytic-kl", kl_term=PLAIN,
    ):  # fmt: skip
        self._set_bound(latent_dim, likelihood, samples, estimator, kl_term)
        check_sizes(data_dim=data_dim), check_widths("hidden", hidden)
        if not hidden:
            raise UserError("a VAE needs at least one hidden layer, found none")
        self.data_dim, rng = data_dim, generator(rng)
        if np.ndim(labels) == 0:
            raise UserError(f"labels is {labels}, expected a list of the labels that occur, such as range(10)")
        self.labels = np.unique(_whole_numbers(labels))
        K = len(self.labels)
        self.encoder = mlp([data_dim + K, *hidden], rng, init, activation)
        self.mu = Dense(hidden[-1], latent_dim, rng, init)
        self.logvar = Dense(hidden[-1], latent_dim, rng, init)
        self.decoder = dense_decoder(latent_dim + K, hidden, data_dim, rng, init, activation)

    def given(self, y):
        """Return the VAE of examples with the labels y, an array (N,), or one label for all. The networks are shared.

        `sample` and `generate` repeat the labels: with N labels, the codes N, N + 1, … have the first labels again.
        Raises UserError for labels that the model does not know.
        """
        y = np.atleast_1d(_whole_numbers(y))
        unknown = y[~np.isin(y, self.labels)]
        if len(unknown):
            known = [*map(str, self.labels[:MOST_SHOWN]), "…"][: len(self.labels)]
            raise UserError(f"there is no label {unknown[0]}: expected one of {', '.join(known)}")
        conditioned = copy.copy(self)
        conditioned._one_hot = y[:, None] == self.labels
        return conditioned

    def encode(self, x):
        """Return q(z | x, y) of the examples x, an array (N, D): a DiagonalGaussian (N, latent_dim)."""
        if self._one_hot is not None and len(self._one_hot) not in (1, len(x)):
            raise UserError(f"{len(self._one_hot)} labels for {len(x)} examples: expected as many, or a single label")
        return super().encode(self._with_labels(x))

    def decode(self, z):
        """Return p(x | z, y) of the codes z (M, latent_dim), a distribution (M, D). M may be several times N."""
        return super().decode(self._with_labels(z))

    def _with_labels(self, a):
        """Return a (M, ·) with the one-hot labels beside it: they repeat, as K samples of z fill M = K N rows."""
        if self._one_hot is None:
            raise UserError("this model needs the labels y of its examples: call the methods of model.given(y)")
        times, rest = divmod(len(a), len(self._one_hot))
        if rest:
            raise UserError(f"{len(self._one_hot)} labels for {len(a)} codes: expected a multiple")
        return ops.concatenate(a, np.tile(self._one_hot, (times, 1)).astype(a.dtype), axis=1)


def _whole_numbers(labels):
    array = np.asarray(labels)
    if array.ndim > 1 or array.size == 0 or array.dtype.kind not in "iu":
        found = f"an array {array.shape} of {array.dtype}"
        raise UserError(f"the labels are {found}, expected whole numbers, one for each example")
    return array
