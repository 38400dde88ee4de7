"""How else the program importance_weighted.py could be written: the tables of style.py."""

NAMES = """
    latent_dim: n_latent | dim_z | J | z_size
    mu logvar: mean log_var | m lv | mu_q logvar_q | loc log_variance
    eps: noise | epsilon | xi | normal
    sigma: std | sd | stddev | scale
    z: latent | zs | z_sample | sampled
    flat: codes | stacked | rows | z_rows
    logits: out | scores | eta | logit
    log_likelihood: log_px | log_lik | ll | reconstruction
    prior q: p_z q_z | standard_normal posterior | unit_normal approximate | prior_z q_zx
    log_w: lw | log_ratio | log_weight | ln_w
    largest: top | peak | highest | shift
    relative total: ratio ratio_sum | unnormalized normalizer | scaled sum_scaled | w_rel w_sum
    weights: w_tilde | w_norm | normalized | shares
"""

STATEMENTS = '''
"""ln w = ln p(x | z) + ln p(z) − ln q(z | x) for K samples of each example, a Tensor (K, N).
or
"""The logarithms of the importance weights, ln p(x | z) + ln p(z) − ln q(z | x): a Tensor (K, N).
or
"""ln p(x, z) − ln q(z | x) of K samples for each of N examples: a Tensor (K, N).

z = mu + ops.exp(logvar * 0.5) * eps
or
sigma = ops.exp(0.5 * logvar)
z = mu + sigma * eps
or
z = mu + ops.sqrt(ops.exp(logvar)) * eps

logits = (z.reshape(K * N, latent_dim) @ W + b).reshape(K, N, -1)
or
flat = z.reshape(K * N, latent_dim)
logits = (flat @ W + b).reshape(K, N, -1)
or
flat = ops.dense(z.reshape(K * N, latent_dim), W, b)
logits = flat.reshape(K, N, -1)

log_likelihood = (logits * x - ops.softplus(logits)).sum(axis=-1)
or
log_likelihood = (x * logits - ops.softplus(logits)).sum(axis=2)
or
log_likelihood = (logits * x).sum(axis=-1) - ops.softplus(logits).sum(axis=-1)
or
log_likelihood = ops.sum(logits * x, axis=2) - ops.sum(ops.softplus(logits), axis=2)

prior = DiagonalGaussian(np.zeros((N, latent_dim)), 0.0)
return log_likelihood + prior.log_prob(z) - DiagonalGaussian(mu, logvar).log_prob(z)
or
q = DiagonalGaussian(mu, logvar)
prior = DiagonalGaussian(np.zeros((N, latent_dim)), 0.0)
return log_likelihood + prior.log_prob(z) - q.log_prob(z)
or
prior = DiagonalGaussian(np.zeros((N, latent_dim)), 0.0)
q = DiagonalGaussian(mu, logvar)
return log_likelihood - (q.log_prob(z) - prior.log_prob(z))

"""ln (1/K) Σ_k w_k, averaged over the examples: a number to report."""
or
"""The bound to report: ln (1/K) Σ_k w_k, the mean over the examples."""
or
"""A number: the mean of ln (1/K) Σ_k w_k over the examples."""

log_w = log_weights(x, mu, logvar, W, b, eps).data
largest = log_w.max(axis=0)
return float(np.mean(largest + np.log(np.mean(np.exp(log_w - largest), axis=0))))
or
log_w = log_weights(x, mu, logvar, W, b, eps).data
largest = np.max(log_w, axis=0)
relative = np.exp(log_w - largest)
return float((largest + np.log(relative.mean(axis=0))).mean())
or
log_w = log_weights(x, mu, logvar, W, b, eps).data
largest = log_w.max(axis=0)
total = np.exp(log_w - largest).sum(axis=0)
return float(np.mean(largest + np.log(total / len(log_w))))

"""A Tensor () whose gradient is that of the bound: Σ_k w̃_k ln w_k, where w̃ = w / Σ w are only weights."""
or
"""Σ_k w̃_k ln w_k, with w̃ = w / Σ w only as weights: a Tensor () whose gradient is that of the bound."""
or
"""A Tensor () with the gradient of the bound. Its value means nothing: Σ_k w̃_k ln w_k, where w̃ = w / Σ w."""

relative = ops.exp(log_w - log_w.data.max(axis=0))
weights = Tensor(relative.data / relative.data.sum(axis=0))
or
relative = ops.exp(log_w - log_w.data.max(axis=0))
total = relative.data.sum(axis=0)
weights = Tensor(relative.data / total)
or
relative = ops.exp(log_w - log_w.data.max(axis=0))
weights = (relative / relative.sum(axis=0)).detach()

return (weights * log_w).sum(axis=0).mean()
or
return ops.mean((log_w * weights).sum(axis=0))
or
per_example = (weights * log_w).sum(axis=0)
return per_example.mean()
'''

ORDERS = [
    ["log_weights", "bound", "surrogate"],
    ["log_weights", "surrogate", "bound"],
    ["bound", "surrogate", "log_weights"],
    ["surrogate", "bound", "log_weights"],
]
