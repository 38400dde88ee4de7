"""The loss in the program for PyTorch: the methods of the class, by likelihood and estimator.

The formulas are those of npvae/probability; `log_p` is ln p(x | z) of L samples of each of N examples.
"""

from . import pieces

LOG_LIKELIHOODS = {  # the lines that compute log_p (L, N)
    "bernoulli": """\
log_p = -F.binary_cross_entropy_with_logits(output, x.expand_as(output), reduction="none").sum(dim=-1)""",
    "continuous-bernoulli": """\
near = output.abs() < (0.6 if output.dtype == torch.float32 else 0.03)  # there, a series
m, l2 = torch.where(near, 1, output.abs()), torch.where(near, output, 0).square()
log_normalizer = output.clamp(min=0) + torch.log(-torch.expm1(-m) / m)
series = output / 2 + l2 / 24 - l2**2 / 2880 + l2**3 / 181440
log_p = (x * output - torch.where(near, series, log_normalizer)).sum(dim=-1)""",
    "gaussian": """\
noise = self.likelihood["logvar"]  # ln of the variance
log_p = -0.5 * ((x - output).square() / noise.exp() + noise + np.log(2 * np.pi)).sum(dim=-1)""",
    "squared-error": """\
log_p = -((x - output).square() + 0.5 * np.log(np.pi)).sum(dim=-1)  # a Gaussian with variance 1/2""",
    "discretized-logistic": """\
r, half = torch.exp(-self.likelihood["log_scale"]), 0.5 / 255
below, above = F.logsigmoid((x + half - output) * r), F.logsigmoid((output - x + half) * r)
width = torch.where((x > 0) & (x < 1), torch.log(-torch.expm1(-2 * half * r)), 0)
log_p = (torch.where(x < 1, below, 0) + torch.where(x > 0, above, 0) + width).sum(dim=-1)""",
}

LOG_W = "log_w = log_p + 0.5 * (eps.square() - z.square() + logvar).sum(dim=-1)  # ln p(x, z) - ln q(z | x)"
LOG_Q = """\
log_q = -0.5 * ((z - mu).square() / logvar.exp() + logvar).sum(dim=-1)  # without its constant
f = (log_p - 0.5 * z.square().sum(dim=-1) - log_q).detach()"""
OBJECTIVES = {
    "iwae": f"""\
{LOG_W}
objective, rec = -(torch.logsumexp(log_w, dim=0) - np.log(len(eps))).mean(), -log_w.mean() - kl""",
    "analytic-kl": "objective = rec + $KL_TERM",
    "monte-carlo-kl": f"""\
{LOG_W}
objective = -log_w.mean()""",
    "sticking-the-landing": """\
away = (z - mu.detach()).square() / logvar.detach().exp()  # ln q(z | x) with mu and logvar held fixed
objective = -(log_p + 0.5 * (away - z.square() + logvar.detach()).sum(dim=-1)).mean()""",
    "naive": """\
away = (z - mu).square() / logvar.exp()
objective = -(log_p + 0.5 * (away - z.square() + logvar).sum(dim=-1)).mean()""",
    "score-function": f"""\
{LOG_Q}
objective = -(log_p + f * log_q).mean()""",
    "score-function-baseline": f"""\
{LOG_Q}
objective = -(log_p + (f - (f.sum(dim=0) - f) / (len(f) - 1)) * log_q).mean()""",
}
HOLD_Z = ("naive", "score-function", "score-function-baseline")  # estimators without a path through z

BOUND = '''\
def encode(self, $XY):
    """Return mu and logvar of q(z | x), for x (N, $D)."""
    h = self.encoder($SEEN)
    return self.mu(h), self.logvar(h)

def decode(self, $ZY):
    """Return the output of the decoder, for z (M, $LATENT)."""
    return self.decoder($CODE)

def forward(self, $XY, eps=None, step=np.inf):
    """Return the objective and the parts of the loss, in nats per example; eps ($SAMPLES, N, $LATENT) is the noise."""
    mu, logvar = self.encode($XY)
    eps = torch.randn($SAMPLES, *mu.shape, dtype=x.dtype, device=x.device) if eps is None else eps
    z = $Z
    output = self.decode(z.flatten(0, 1)$Y).unflatten(0, z.shape[:2])
    $RESCALE
    $LOG_LIKELIHOOD
    kl_j = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).mean(dim=0)  # of each latent dimension
    rec, kl = -log_p.mean(), kl_j.sum()
    $OBJECTIVE
    return $MINIMISED, {"loss": rec + kl, "rec": rec, "kl": kl}'''

COPY = '''\
def forward(self, x, noise=None, step=np.inf):
    """Return the squared error of the copies, summed over the numbers of an example, averaged over the examples."""
    $RESCALE
    $NOISE
    error = (self.decoder(self.encoder($SEEN)) - x).square().sum(dim=-1).mean()
    return error, {"loss": error}'''
NOISES = {  # of a denoising autoencoder: the noise, and what its encoder sees
    "gaussian": ("torch.randn_like(x)", "x + $LEVEL * noise"),
    "masking": ("torch.rand_like(x)", "x * (noise >= $LEVEL)"),
}

ONE_HOT = """\
LABELS = $LABELS


def one_hot(y, a):
    return (y[:, None] == torch.tensor(LABELS, device=y.device)).to(a.dtype)"""


def methods(run):
    """Return the methods of the class, as text."""
    model, chosen = run.model, run.settings
    rescale = "x = 2 * x - 1" if model.rescales else ""
    if not model.has_bound:
        if model.noise is None:
            return pieces.filled(COPY, SEEN="x", NOISE="", RESCALE=rescale)
        drawn, seen = NOISES[chosen["noise"]]
        seen = pieces.filled(seen, LEVEL=pieces.number(chosen["noise_level"]))
        return pieces.filled(COPY, SEEN=seen, NOISE=f"noise = {drawn} if noise is None else noise", RESCALE=rescale)
    labels, estimator = model.needs_labels, "iwae" if chosen["model"] == "iwae" else chosen["estimator"]
    z = "mu + torch.exp(0.5 * logvar) * eps"
    objective = pieces.filled(OBJECTIVES[estimator], KL_TERM=pieces.kl_term(model.kl_term, "torch.relu"))
    is_plain = estimator == "analytic-kl" and model.kl_term.is_plain
    return pieces.filled(
        BOUND,
        XY="x, y" if labels else "x", ZY="z, y" if labels else "z", Y=", y" if labels else "",
        SEEN="torch.cat([x, one_hot(y, x)], dim=1)" if labels else "2 * x - 1" if model.rescales else "x",
        CODE="torch.cat([z, one_hot(y.repeat(len(z) // len(y)), z)], dim=1)" if labels else "z",
        D=model.data_dim, LATENT=model.latent_dim, SAMPLES=model.samples,
        Z=f"({z}).detach()" if estimator in HOLD_Z else z,
        RESCALE=rescale, LOG_LIKELIHOOD=LOG_LIKELIHOODS[chosen["likelihood"]],
        OBJECTIVE="" if is_plain else objective, MINIMISED="rec + kl" if is_plain else "objective",
    )  # fmt: skip
