"""How else the program with_autodiff.py could be written: the tables of style.py."""

NAMES = """
    data_dim hidden latent_dim: n_pixels n_hidden n_latent | dim_x units dim_z | D H J | x_size width z_size
    h: features | act | activations | hidden_out
    mu logvar: mean log_var | m lv | mu_q logvar_q | loc log_variance
    eps: noise | epsilon | xi | normal
    sigma var: std variance | sd sd2 | stddev v | scale scale2
    z: latent | zs | z_sample | sampled
    logits: out | scores | eta | logit
    model: vae | net | network | autoencoder
    optimizer: opt | adam | optimiser | solver
    losses: values | per_batch | batch_losses | parts
    rows: chosen | index | picked | minibatch
    value: objective | cost | batch_loss | neg_elbo
    history: curve | trace | record | log
    train_loss test_loss: loss_train loss_test | on_train on_test | seen unseen | training_loss held_out_loss
    x_train x_test: train_x test_x | X_train X_test | train_images test_images | training_set test_set
    epochs: n_epochs | num_epochs | passes | rounds
"""

STATEMENTS = '''
"""An encoder and a decoder with one hidden layer each."""
or
"""A VAE whose encoder and decoder have one hidden layer each."""
or
"""Encoder and decoder, with a hidden layer of tanh units in each."""

"""The mean and the log-variance of q(z | x): two Tensors (N, latent_dim)."""
h = ops.tanh(self.encoder(x))
return self.mu(h), self.logvar(h)
or
"""Return the parameters of q(z | x), the mean and ln σ²: two Tensors (N, latent_dim)."""
h = ops.tanh(self.encoder(x))
mu, logvar = self.mu(h), self.logvar(h)
return mu, logvar
or
"""From pixels to q(z | x): its mean and its log-variance, Tensors (N, latent_dim)."""
h = self.encoder(x)
h = ops.tanh(h)
return self.mu(h), self.logvar(h)

"""The logits of the pixels: a Tensor (N, D)."""
or
"""From codes to the logits of p(x | z), a Tensor (N, D)."""
or
"""Return a Tensor (N, D): a logit for every pixel."""

return self.logits(ops.tanh(self.decoder(z)))
or
h = ops.tanh(self.decoder(z))
return self.logits(h)
or
h = self.decoder(z)
return self.logits(ops.tanh(h))

"""A reparameterized draw of N(mu, exp(logvar)): a Tensor (N, latent_dim)."""
eps = rng.standard_normal(mu.shape).astype(mu.dtype)
or
"""Draw from N(mu, exp(logvar)) by reparameterization: a Tensor (N, latent_dim)."""
eps = rng.standard_normal(logvar.shape).astype(logvar.dtype)
or
"""One sample of q for each example, through which gradients flow: a Tensor (N, latent_dim)."""
eps = rng.standard_normal(mu.shape)
eps = eps.astype(mu.dtype)

return mu + ops.exp(logvar * 0.5) * eps
or
sigma = ops.exp(0.5 * logvar)
return mu + sigma * eps
or
return mu + eps * ops.exp(logvar / 2.0)
or
sigma = ops.sqrt(ops.exp(logvar))
return mu + eps * sigma

"""KL(q ‖ N(0, I)) of every example: a Tensor (N,), in nats."""
or
"""In nats, how far q is from the prior N(0, I): a Tensor (N,)."""
or
"""The KL divergence of q from N(0, I), a Tensor (N,): one number of nats for each example."""

return 0.5 * (mu * mu + ops.exp(logvar) - 1.0 - logvar).sum(axis=1)
or
var = ops.exp(logvar)
return 0.5 * (mu**2 + var - logvar - 1.0).sum(axis=1)
or
return 0.5 * ops.sum(ops.square(mu) + ops.exp(logvar) - logvar - 1.0, axis=1)
or
return -0.5 * (1.0 + logvar - mu * mu - ops.exp(logvar)).sum(axis=1)

"""ln p(x | z) of every example, for pixels x (N, D): a Tensor (N,), in nats."""
or
"""In nats, ln p(x | z) of pixels x (N, D): a Tensor (N,)."""
or
"""The Bernoulli log-likelihood of pixels x (N, D), a Tensor (N,): one number of nats for each example."""

return (logits * x - ops.softplus(logits)).sum(axis=1)
or
return ops.sum(x * logits - ops.softplus(logits), axis=1)
or
return (logits * x).sum(axis=1) - ops.softplus(logits).sum(axis=1)
or
return ops.sum(x * logits, axis=1) - ops.sum(ops.softplus(logits), axis=1)
or
return -(ops.softplus(logits) - x * logits).sum(axis=1)

"""−ELBO in nats per example: a Tensor ()."""
mu, logvar = model.encode(x)
logits = model.decode(sample(mu, logvar, rng))
return (kl_divergence(mu, logvar) - log_likelihood(x, logits)).mean()
or
"""A Tensor (): minus the ELBO, in nats per example."""
mu, logvar = model.encode(x)
z = sample(mu, logvar, rng)
logits = model.decode(z)
elbo = log_likelihood(x, logits) - kl_divergence(mu, logvar)
return -elbo.mean()
or
"""The loss, −ELBO, averaged over the examples x: a Tensor (), in nats."""
mu, logvar = model.encode(x)
z = sample(mu, logvar, rng)
reconstruction = log_likelihood(x, model.decode(z))
return ops.mean(kl_divergence(mu, logvar) - reconstruction)

"""One pass through the examples x (N, D): the mean loss."""
losses = []
for rows in np.split(rng.permutation(len(x)), range(batch_size, len(x), batch_size)):
    value = loss(model, x[rows], rng)
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    losses.append(float(value))
return np.mean(losses)
or
"""Go once through the examples x (N, D), in minibatches. Returns the mean loss."""
losses, order = [], rng.permutation(len(x))
for start in range(0, len(x), batch_size):
    optimizer.zero_grad()
    value = loss(model, x[order[start : start + batch_size]], rng)
    value.backward()
    optimizer.step()
    losses.append(float(value))
return np.mean(losses)
or
"""Train for one epoch on x (N, D), and return the mean loss of its minibatches."""
order = rng.permutation(len(x))
losses = []
for start in range(0, len(x), batch_size):
    rows = order[start : start + batch_size]
    optimizer.zero_grad()
    value = loss(model, x[rows], rng)
    losses.append(float(value))
    value.backward()
    optimizer.step()
return sum(losses) / len(losses)

"""The loss of the examples x (N, D), a number."""
with no_grad():
    return float(loss(model, Tensor(x), rng))
or
"""Return the loss of examples x (N, D), a number, without a gradient."""
with no_grad():
    value = loss(model, Tensor(x), rng)
return float(value)
or
"""A number: −ELBO of the examples x (N, D). The model stays as it is."""
with no_grad():
    value = float(loss(model, Tensor(x), rng))
    return value

"""Train on x_train, and return the losses on the training set and the test set after every epoch."""
optimizer, history = optim.Adam(model.parameters(), 1e-2), []
or
"""Train on x_train. Returns pairs of losses, training set and test set, one for each epoch."""
history = []
optimizer = optim.Adam(model.parameters(), lr=1e-2)
or
"""Return the losses of both sets after each epoch of training on x_train."""
optimizer = optim.Adam(model.parameters(), lr=0.01)
history = []

train_loss = train_epoch(model, optimizer, x_train, rng)

test_loss = evaluate(model, x_test, rng)

history.append((train_loss, test_loss))
or
history += [(train_loss, test_loss)]
'''

ORDERS = [
    ["VAE", "sample", "kl_divergence", "log_likelihood", "loss", "train_epoch", "evaluate", "train"],
    ["kl_divergence", "log_likelihood", "sample", "VAE", "loss", "evaluate", "train_epoch", "train"],
    ["VAE", "log_likelihood", "kl_divergence", "sample", "loss", "train", "train_epoch", "evaluate"],
    ["log_likelihood", "kl_divergence", "VAE", "sample", "loss", "train_epoch", "evaluate", "train"],
    ["sample", "VAE", "kl_divergence", "log_likelihood", "loss", "evaluate", "train_epoch", "train"],
]
