"""The places in the program importance_weighted.py where a defect fits, with their hints and lessons."""

from . import importance_weighted, importance_weighted_styles
from .style import Place, Program, changes_of, names_of, statements_of

VALUE = "The bound is wrong, and the gradient fits the wrong bound. Which function do both begin with?"
BOTH = "Both take the weights from log_weights. A weight has three parts: ln p(x | z), ln p(z) and ln q(z | x)."
BLIND = (
    "The bound and the surrogate share the mistake, so the gradient fits the bound, and no gradient check can see it. "
    "Only a value that somebody else computed shows it."
)

PLACES = [
    Place(
        "G",
        changes_of("""
relative = ops.exp(log_w - log_w.data.max(axis=0))
weights = Tensor(relative.data / relative.data.sum(axis=0))
becomes
relative = ops.exp(log_w - log_w.data.max(axis=0))
weights = relative / relative.sum(axis=0)

relative = ops.exp(log_w - log_w.data.max(axis=0))
weights = (relative / relative.sum(axis=0)).detach()
becomes
relative = ops.exp(log_w - log_w.data.max(axis=0))
weights = relative / relative.sum(axis=0)
"""),
        [
            "The bound is right, and the gradient is not. Which function makes the gradient?",
            "The gradient of the bound is Σ w̃ ∇ ln w. By the product rule, what is the gradient of Σ w̃ ln w?",
            "w̃ must be a constant, which remembers nothing of how it was made. How do you get at the values of a "
            "Tensor alone?",
        ],
        "A check of the surrogate against its own finite differences passes for the wrong program, and fails for the "
        "right one. A gradient check is only as good as the function that it compares with: here, the bound.",
    ),
    Place(
        "G",
        changes_of("""
relative = ops.exp(log_w - log_w.data.max(axis=0))
weights = Tensor(relative.data / relative.data.sum(axis=0))
becomes
relative = ops.exp(log_w - log_w.data.max(axis=0))
weights = relative / relative.data.sum(axis=0)

relative = ops.exp(log_w - log_w.data.max(axis=0))
total = relative.data.sum(axis=0)
weights = Tensor(relative.data / total)
becomes
relative = ops.exp(log_w - log_w.data.max(axis=0))
total = relative.data.sum(axis=0)
weights = relative / total
"""),
        [
            "The bound is right, and the gradient is not. Which function makes the gradient?",
            "The gradient of the bound is Σ w̃ ∇ ln w. By the product rule, what is the gradient of Σ w̃ ln w?",
            "w̃ must be a constant, above and below the line of the fraction. Which of the two still remembers how it "
            "was made?",
        ],
        "A check of the surrogate against its own finite differences fails for the wrong program, and also for the "
        "right one. A gradient check is only as good as the function that it compares with: here, the bound.",
    ),
    Place(
        "A",
        changes_of("""
z = mu + ops.exp(logvar * 0.5) * eps
becomes
z = mu + ops.exp(logvar) * eps

sigma = ops.exp(0.5 * logvar)
z = mu + sigma * eps
becomes
sigma = ops.exp(logvar)
z = mu + sigma * eps

z = mu + ops.sqrt(ops.exp(logvar)) * eps
becomes
z = mu + ops.exp(logvar) * eps
"""),
        [
            VALUE,
            "Both begin with log_weights. The second input of DiagonalGaussian({mu}, {logvar}) is the logarithm of the "
            "variance. What does the rest of the function take it for?",
            "If the variance is 4, {logvar} is ln 4. How wide are the samples {z}, and how wide is q?",
        ],
        BLIND,
    ),
    Place(
        "C",
        changes_of("""
logits = (z.reshape(K * N, latent_dim) @ W + b).reshape(K, N, -1)
becomes
logits = ops.sigmoid(z.reshape(K * N, latent_dim) @ W + b).reshape(K, N, -1)

flat = z.reshape(K * N, latent_dim)
logits = (flat @ W + b).reshape(K, N, -1)
becomes
flat = z.reshape(K * N, latent_dim)
logits = ops.sigmoid(flat @ W + b).reshape(K, N, -1)

flat = ops.dense(z.reshape(K * N, latent_dim), W, b)
logits = flat.reshape(K, N, -1)
becomes
flat = ops.sigmoid(ops.dense(z.reshape(K * N, latent_dim), W, b))
logits = flat.reshape(K, N, -1)
"""),
        [VALUE, BOTH, "Logits run from −∞ to ∞. What is the range of these? And what does softplus expect?"],
        BLIND,
    ),
    Place(
        "E",
        changes_of("""
prior = DiagonalGaussian(np.zeros((N, latent_dim)), 0.0)
return log_likelihood + prior.log_prob(z) - DiagonalGaussian(mu, logvar).log_prob(z)
becomes
prior = DiagonalGaussian(np.zeros((N, latent_dim)), 0.0)
return log_likelihood - prior.log_prob(z) + DiagonalGaussian(mu, logvar).log_prob(z)

q = DiagonalGaussian(mu, logvar)
prior = DiagonalGaussian(np.zeros((N, latent_dim)), 0.0)
return log_likelihood + prior.log_prob(z) - q.log_prob(z)
becomes
q = DiagonalGaussian(mu, logvar)
prior = DiagonalGaussian(np.zeros((N, latent_dim)), 0.0)
return log_likelihood - prior.log_prob(z) + q.log_prob(z)

prior = DiagonalGaussian(np.zeros((N, latent_dim)), 0.0)
q = DiagonalGaussian(mu, logvar)
return log_likelihood - (q.log_prob(z) - prior.log_prob(z))
becomes
prior = DiagonalGaussian(np.zeros((N, latent_dim)), 0.0)
q = DiagonalGaussian(mu, logvar)
return log_likelihood + (q.log_prob(z) - prior.log_prob(z))
"""),
        [
            VALUE,
            BOTH,
            "With a single sample, the bound is the ELBO: the mean of ln q(z | x) − ln p(z) is the KL. Does the ELBO "
            "reward or punish a large KL?",
        ],
        BLIND,
    ),
    Place(
        "F",
        changes_of("""
log_likelihood = (logits * x).sum(axis=-1) - ops.softplus(logits).sum(axis=-1)
becomes
log_likelihood = (logits * x).sum(axis=-1) - ops.softplus(logits).mean(axis=-1)

log_likelihood = ops.sum(logits * x, axis=2) - ops.sum(ops.softplus(logits), axis=2)
becomes
log_likelihood = ops.sum(logits * x, axis=2) - ops.mean(ops.softplus(logits), axis=2)
"""),
        [
            VALUE,
            BOTH,
            "Given z, the pixels are independent. How does ln p(x | z) follow from the logarithms of all pixels?",
        ],
        BLIND,
    ),
]

IMPORTANCE_WEIGHTED = Program(
    importance_weighted,
    "The importance-weighted bound.",
    names_of(importance_weighted_styles.NAMES),
    statements_of(importance_weighted_styles.STATEMENTS),
    importance_weighted_styles.ORDERS,
    PLACES,
)
