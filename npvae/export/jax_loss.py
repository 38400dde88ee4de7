"""The loss in the program for JAX: the function `loss`, and the noise that it takes, by likelihood and estimator.

They are the pieces of torch_loss.py, written for JAX.
"""

from . import pieces

LOG_LIKELIHOODS = {  # the lines that compute log_p (L, N)
    "bernoulli": "log_p = (x * output - jax.nn.softplus(output)).sum(axis=-1)",
    "continuous-bernoulli": """\
near = abs(output) < (0.6 if output.dtype == jnp.float32 else 0.03)  # there, a series
m, l2 = jnp.where(near, 1, abs(output)), jnp.where(near, output, 0) ** 2
series = output / 2 + l2 / 24 - l2**2 / 2880 + l2**3 / 181440
log_p = (x * output - jnp.where(near, series, jnp.maximum(output, 0) + jnp.log(-jnp.expm1(-m) / m))).sum(axis=-1)""",
    "gaussian": """\
noise = params["likelihood.logvar"]  # ln of the variance
log_p = -0.5 * ((x - output) ** 2 / jnp.exp(noise) + noise + jnp.log(2 * jnp.pi)).sum(axis=-1)""",
    "squared-error": """\
log_p = -((x - output) ** 2 + 0.5 * jnp.log(jnp.pi)).sum(axis=-1)  # a Gaussian with variance 1/2""",
    "discretized-logistic": """\
r, half = jnp.exp(-params["likelihood.log_scale"]), 0.5 / 255
below, above = jax.nn.log_sigmoid((x + half - output) * r), jax.nn.log_sigmoid((output - x + half) * r)
width = jnp.where((x > 0) & (x < 1), jnp.log(-jnp.expm1(-2 * half * r)), 0)
log_p = (jnp.where(x < 1, below, 0) + jnp.where(x > 0, above, 0) + width).sum(axis=-1)""",
}

LOG_W = "log_w = log_p + 0.5 * (eps**2 - z**2 + logvar).sum(axis=-1)  # ln p(x, z) - ln q(z | x)"
LOG_Q = """\
log_q = -0.5 * ((z - mu) ** 2 / jnp.exp(logvar) + logvar).sum(axis=-1)  # without its constant
f = jax.lax.stop_gradient(log_p - 0.5 * (z**2).sum(axis=-1) - log_q)"""
OBJECTIVES = {
    "iwae": f"""\
{LOG_W}
objective, rec = jnp.log(len(eps)) - jax.nn.logsumexp(log_w, axis=0).mean(), -log_w.mean() - kl""",
    "analytic-kl": "objective = rec + $KL_TERM",
    "monte-carlo-kl": f"""\
{LOG_W}
objective = -log_w.mean()""",
    "sticking-the-landing": """\
fixed_mu, fixed_logvar = jax.lax.stop_gradient((mu, logvar))
objective = -(log_p + 0.5 * ((z - fixed_mu) ** 2 / jnp.exp(fixed_logvar) - z**2 + fixed_logvar).sum(axis=-1)).mean()""",
    "naive": """\
away = (z - mu) ** 2 / jnp.exp(logvar)
objective = -(log_p + 0.5 * (away - z**2 + logvar).sum(axis=-1)).mean()""",
    "score-function": f"""\
{LOG_Q}
objective = -(log_p + f * log_q).mean()""",
    "score-function-baseline": f"""\
{LOG_Q}
objective = -(log_p + (f - (f.sum(axis=0) - f) / (len(f) - 1)) * log_q).mean()""",
}
HOLD_Z = ("naive", "score-function", "score-function-baseline")  # estimators without a path through z

BOUND = '''\
@jax.jit
def loss(params, $XY, eps, step=jnp.inf, seen=None):
    """Return the objective, and the parts of the loss in nats per example; eps ($SAMPLES, N, $LATENT) is the noise."""
    mu, logvar = encode(params, $XY, seen)
    z = $Z
    output = decode(params, z.reshape(-1, $LATENT)$Y, seen).reshape(*z.shape[:2], -1)
    $RESCALE
    $LOG_LIKELIHOOD
    kl_j = 0.5 * (mu**2 + jnp.exp(logvar) - 1 - logvar).mean(axis=0)  # of each latent dimension
    rec, kl = -log_p.mean(), kl_j.sum()
    $OBJECTIVE
    return $MINIMISED, ({"loss": rec + kl, "rec": rec, "kl": kl}, seen)'''

COPY = '''\
@jax.jit
def loss(params, x, noise=None, step=jnp.inf, seen=None):
    """Return the squared error of the copies, summed over the numbers of an example, averaged over the examples."""
    output = decode(params, encode(params, $SEEN, seen), seen)
    $RESCALE
    error = ((output - x) ** 2).sum(axis=-1).mean()
    return error, ({"loss": error}, seen)'''
SEEN = {"gaussian": "x + $LEVEL * noise", "masking": "x * (noise >= $LEVEL)"}  # what a denoising encoder sees

ONE_HOT = """\
LABELS = np.array($LABELS)


def one_hot(y):
    return (y[:, None] == LABELS).astype(jnp.float32)"""


def loss(run):
    """Return the function `loss`, as text."""
    model, chosen = run.model, run.settings
    rescale = "x = 2 * x - 1" if model.rescales else ""
    if not model.has_bound:
        seen = pieces.filled(SEEN[chosen["noise"]], LEVEL=pieces.number(chosen["noise_level"])) if model.noise else "x"
        return pieces.filled(COPY, SEEN=seen, RESCALE=rescale)
    labels, estimator = model.needs_labels, "iwae" if chosen["model"] == "iwae" else chosen["estimator"]
    z = "mu + jnp.exp(0.5 * logvar) * eps"
    is_plain = estimator == "analytic-kl" and model.kl_term.is_plain
    term = pieces.kl_term(model.kl_term, "jax.nn.relu", "jnp.minimum")
    return pieces.filled(
        BOUND,
        XY="x, y" if labels else "x", Y=", y" if labels else "", LATENT=model.latent_dim, SAMPLES=model.samples,
        Z=f"jax.lax.stop_gradient({z})" if estimator in HOLD_Z else z,
        RESCALE=rescale, LOG_LIKELIHOOD=LOG_LIKELIHOODS[chosen["likelihood"]],
        OBJECTIVE="" if is_plain else pieces.filled(OBJECTIVES[estimator], KL_TERM=term),
        MINIMISED="rec + kl" if is_plain else "objective",
    )  # fmt: skip


def noise(run, number):
    """Return the noise of the minibatch `batch` with this number, as an expression."""
    model, key = run.model, f"jax.random.fold_in(keys, {number})"
    if model.has_bound:
        return f"jax.random.normal({key}, ({model.samples}, len(batch[0]), {model.latent_dim}))"
    if model.noise is None:
        return "None"
    return f"jax.random.{'normal' if run.settings['noise'] == 'gaussian' else 'uniform'}({key}, batch[0].shape)"
