"""A diffusion model: a VAE with many layers of latent variables, whose encoder adds noise and has no parameters.

Every example x_0 has T latent variables x_1, …, x_T of its own shape. Each step of the encoder shrinks the variable
before it a little and adds noise:

    q(x_t | x_{t−1}) = N(√(1 − β_t) x_{t−1}, β_t I).

All steps from x_0 to x_t together are one such step. With ᾱ_t = Π_{i ≤ t} (1 − β_i), the part of the variance that
comes from x_0,

    q(x_t | x_0) = N(√ᾱ_t x_0, (1 − ᾱ_t) I).

If we know both ends, x_0 and x_t, then Bayes' rule gives the distribution of x_{t−1} for t ≥ 2, a Gaussian
again:

    q(x_{t−1} | x_t, x_0) = N(c_t x_0 + d_t x_t, v_t I),
    c_t = √ᾱ_{t−1} β_t / (1 − ᾱ_t),
    d_t = √(1 − β_t) (1 − ᾱ_{t−1}) / (1 − ᾱ_t),
    v_t = β_t (1 − ᾱ_{t−1}) / (1 − ᾱ_t).

The decoder does not know x_0. It starts from the prior p(x_T) = N(0, I), and in each step a network guesses x̂_0 from
x_t and t:

    p(x_{t−1} | x_t) = N(c_t x̂_0 + d_t x_t, β_t I).

The bound is that of every VAE, with a KL divergence for each layer:

    −ELBO = KL(q(x_T | x_0) ‖ p(x_T)) + Σ_{t ≥ 2} E KL(q(x_{t−1} | x_t, x_0) ‖ p(x_{t−1} | x_t)) − E ln p(x_0 | x_1).

Sources: Sohl-Dickstein and others (2015), Deep unsupervised learning using nonequilibrium thermodynamics; Ho, Jain,
Abbeel (2020), Denoising diffusion probabilistic models, eq. 2 to 7, where v_t is β̃_t; for what the network computes,
Salimans and Ho (2022), Progressive distillation for fast sampling of diffusion models, section 4.
"""

import numpy as np

from ..arguments import check_sizes, check_widths, generator
from ..errors import UserError
from ..nn import Dense, Module, ReLU, Sequential
from ..nn.init import xavier_uniform
from ..probability import DiagonalGaussian
from .networks import mlp

LOG_RATIO = 6.0  # ln(ᾱ_t / (1 − ᾱ_t)), of signal to noise, is LOG_RATIO · (1 − 2 t/T) for t ≥ 1


class Diffusion(Module):
    """A diffusion model for examples of D numbers.

    data_dim   D
    steps      T, the number of layers
    hidden     the widths of the hidden layers of its one network, which serves all T steps
    rng        the numpy Generator that draws the initial weights, or its seed

    It is not a LatentModel: the code of an example is a path of T points. Its methods take arrays x and x_t (N, D), and
    t, a whole number from 1 to T, or an array (N,) with one for each example. They raise UserError for anything else;
    only `guess` is inside the model, and checks nothing. For more than 1,000 steps, use float64.

    alpha_bar, beta   ᾱ_t and β_t as arrays (T + 1,), with t as the index; ᾱ_0 = 1 and β_0 = 0. The state dict contains
                      ᾱ, so that a model with another number of steps refuses it.
    """

    buffers = ("alpha_bar",)

    def __init__(self, data_dim, steps, hidden, rng):
        check_sizes(data_dim=data_dim, steps=steps), check_widths("hidden", hidden)
        self.data_dim, self.steps, rng = data_dim, steps, generator(rng)
        log_ratio = np.linspace(LOG_RATIO, -LOG_RATIO, steps + 1)[1:]
        self.alpha_bar = a = np.concatenate([[1.0], 1 / (1 + np.exp(-log_ratio))])
        before = np.concatenate([[1.0], a[:-1]])             # ᾱ_{t−1}
        self.beta = beta = 1 - a / before
        noise = 1 - a
        noise[0] = 1.0                                       # any number but 0, for the divisions: no step ends in x_0
        self._c = np.sqrt(before) * beta / noise
        self._d = np.sqrt(1 - beta) * (1 - before) / noise
        self._v = v = beta * (1 - before) / noise
        self._rest = np.zeros(steps + 1)                     # what a term has without parameters; see `terms`
        self._rest[2:] = data_dim / 2 * (v[2:] / beta[2:] - 1 - np.log(2 * np.pi * v[2:]))
        sizes = [data_dim + 3, *hidden]
        self.network = Sequential(mlp(sizes, rng, xavier_uniform, ReLU), Dense(sizes[-1], data_dim, rng))

    # --- the encoder --------------------------------------------------------------------------------------------------

    def encode(self, x, t):
        """Return q(x_t | x_0 = x): a DiagonalGaussian (N, D)."""
        x = self._rows(t, x=x)
        a = self._column(self.alpha_bar, t)
        return DiagonalGaussian(np.sqrt(a) * x, np.log1p(-a))

    def posterior(self, x, x_t, t):
        """Return q(x_{t−1} | x_t, x_0 = x), for t from 2 on: a DiagonalGaussian (N, D)."""
        x, x_t = self._rows(t, 2, x=x, x_t=x_t)
        return DiagonalGaussian(self._one_step_before(x, x_t, t), np.log(self._column(self._v, t)))

    def _one_step_before(self, x, x_t, t):
        """Return c_t x_0 + d_t x_t, which is x_0 for t = 1; x may be a Tensor."""
        return x * self._column(self._c, t) + x_t * self._column(self._d, t)

    # --- the decoder --------------------------------------------------------------------------------------------------

    def decode(self, x_t, t):
        """Return p(x_{t−1} | x_t): a DiagonalGaussian (N, D)."""
        x_t = self._rows(t, x_t=x_t)
        return DiagonalGaussian(self._one_step_before(self.guess(x_t, t), x_t, t), np.log(self._column(self.beta, t)))

    def guess(self, x_t, t):
        """Return x̂_0 = √ᾱ_t x_t + √(1 − ᾱ_t) network(x_t, t), a Tensor (N, D).

        With little noise, the guess is near x_t, and the network corrects it by about as much as there is noise. It
        sees t as three numbers, u = t / T, cos πu and sin πu.
        """
        a, u = self._column(self.alpha_bar, t), self._column(np.arange(self.steps + 1) / self.steps, t)
        u = np.broadcast_to(u, (len(x_t), 1))
        output = self.network(np.concatenate([x_t, u, np.cos(np.pi * u), np.sin(np.pi * u)], axis=1))
        return output * np.sqrt(1 - a) + np.sqrt(a) * x_t

    def sample(self, n, rng):
        """Draw n examples (n, D): a path from the prior back to x_1, then the mean of p(x_0 | x_1)."""
        check_sizes(n=n)
        rng = generator(rng)
        x = rng.standard_normal((n, self.data_dim), dtype=self.dtype)
        with self.evaluating():
            for t in range(self.steps, 1, -1):
                x = self.decode(x, t).rsample(rng).data
            return self.decode(x, 1).mean

    # --- the bound ----------------------------------------------------------------------------------------------------

    def terms(self, x, t, rng):
        """Return the term of −ELBO that belongs to step t, with a draw of x_t: a Tensor (N,), in nats.

        For t ≥ 2 it is the KL divergence of q = N(m, v_t I) from p(x_{t−1} | x_t), whose variance is β_t:

            KL = −E_q ln p − H(q) = [−ln p(m) + D v_t / (2 β_t)] − D/2 (1 + ln 2π v_t).

        Apart from ln p(m), it depends on t alone. For t = 1, q is the point m = x_0, and the term is −ln p(m).
        """
        x, rng = self._rows(t, x=x), generator(rng)
        x_t = self.encode(x, t).rsample(rng).data
        m = self._one_step_before(x, x_t, t)
        return self._rest[t].astype(self.dtype) - self.decode(x_t, t).log_prob(m)

    def loss(self, x, rng):
        """Return an estimate of −ELBO, averaged over the examples, from one step of each: a Tensor (), in nats.

        The step t is uniform on 1, …, T, so T times its term is an unbiased estimate of the sum of all.
        """
        x, rng = self._rows(x=x), generator(rng)
        t = rng.integers(1, self.steps + 1, size=len(x))
        return self.terms(x, t, rng).mean() * float(self.steps) + self._prior_kl(x).mean()

    def all_terms(self, x, rng):
        """Return all terms of −ELBO, an array (N, T + 1), in nats: column t is step t, column 0 the prior's KL."""
        x, rng = self._rows(x=x), generator(rng)
        with self.evaluating():
            steps = (self.terms(x, t, rng).data for t in range(1, self.steps + 1))
            return np.stack([self._prior_kl(x), *steps], axis=1)

    def _prior_kl(self, x):
        """Return KL(q(x_T | x_0) ‖ N(0, I)), an array (N,): it has no parameters."""
        return self.encode(x, self.steps).kl_divergence().data

    # --- arrays -------------------------------------------------------------------------------------------------------

    @property
    def dtype(self):
        """The dtype of the parameters: float32, or float64 after `astype`."""
        return self.network.parameters()[0].dtype

    def _column(self, values, t):
        """Return values[t] as a column (N, 1) of the model's dtype, or (1, 1) if t is a number."""
        return values[t].astype(self.dtype).reshape(-1, 1)

    def _rows(self, t=1, first=1, **arrays):
        """Return one or two arrays (N, D) in the model's dtype; UserError unless t holds steps from `first` on."""
        rows = [self._row(name, x) for name, x in arrays.items()]
        N, t = len(rows[0]), np.asarray(t)
        if len(rows[-1]) != N:
            raise UserError(f"x holds {N} examples and x_t {len(rows[-1])}, expected the same number")
        is_whole = t.dtype.kind in "iu" and t.shape in ((), (N,))
        if not is_whole or t.min() < first or t.max() > self.steps:
            found = f"an array of {t.dtype} of shape {t.shape}" if t.ndim else repr(t.item())
            if is_whole and t.ndim:
                found = f"an array of numbers from {t.min()} to {t.max()}"
            raise UserError(f"t is {found}, expected a whole number from {first} to {self.steps}, or {N} of them")
        return rows if len(rows) > 1 else rows[0]

    def _row(self, name, x):
        x = np.asarray(x)
        if x.ndim != 2 or len(x) == 0 or x.shape[1] != self.data_dim or x.dtype.kind not in "buif":
            raise UserError(f"{name} is {x.dtype} of shape {x.shape}, expected numbers (N, {self.data_dim})")
        with np.errstate(over="ignore"):                     # what float32 cannot hold becomes infinite
            x = x.astype(self.dtype)
        if not np.isfinite(x).all():
            raise UserError(f"{name} holds NaN or infinity, expected finite numbers: remove or replace them")
        return x
