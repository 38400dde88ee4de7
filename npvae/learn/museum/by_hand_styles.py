"""How else the program by_hand.py could be written: the tables of style.py."""

NAMES = """
    data_dim hidden latent_dim: n_pixels n_hidden n_latent | dim_x units dim_z | D H J | x_size width z_size
    sizes: shapes | dims | layers | layer_sizes
    params p: theta t | weights w | arrays array | values value
    N: n | batch_size | n_rows | rows
    a h c g: u h1 v h2 | s act1 r act2 | pre1 out1 pre2 out2 | enc_in enc dec_in dec
    mu logvar: mean log_var | m lv | mu_q logvar_q | loc log_variance
    eps: noise | epsilon | xi | normal
    sigma: std | sd | stddev | scale
    z: latent | zs | z_sample | sampled
    logits: out | scores | eta | logit
    pixels: probs | p_x | prob | pixel_mean
    reconstruction kl: rec kld | log_px divergence | log_lik kl_term | recon kl_q
    loss losses: objective history | cost costs | neg_elbo trace | total curve
    dcode: dencoder | dstats | dmoments | dq
    gradients: grads | gs | derivatives | grad_list
"""

STATEMENTS = '''
"""Return the weights and biases of four layers, a list of eight arrays."""
or
"""A list of eight arrays: weights and bias of each of the four layers."""
or
"""Draw the weights of four layers; the biases are zeros. Returns a list of eight arrays."""

sizes = [(data_dim, hidden), (hidden, 2 * latent_dim), (latent_dim, hidden), (hidden, data_dim)]
return [a for i, o in sizes for a in (rng.standard_normal((i, o)) / np.sqrt(i), np.zeros(o))]
or
sizes = [(data_dim, hidden), (hidden, 2 * latent_dim), (latent_dim, hidden), (hidden, data_dim)]
params = []
for i, o in sizes:
    params += [rng.standard_normal((i, o)) / np.sqrt(i), np.zeros(o)]
return params
or
params = []
for i, o in ((data_dim, hidden), (hidden, 2 * latent_dim), (latent_dim, hidden), (hidden, data_dim)):
    params.append(rng.standard_normal((i, o)) / i**0.5)
    params.append(np.zeros(o))
return params

"""−ELBO of a batch x (N, D) of pixels in [0, 1], in nats per example, and its gradient for every parameter."""
or
"""Minus the ELBO of a batch x (N, D) in nats per example, and the gradients. All pixels lie in [0, 1]."""
or
"""The loss, −ELBO in nats per example, of pixels x (N, D) in [0, 1], and a list of its eight gradients."""

W1, b1, W2, b2, W3, b3, W4, b4 = params
N = len(x)
or
N = len(x)
W1, b1, W2, b2, W3, b3, W4, b4 = params
or
W1, b1, W2, b2, W3, b3, W4, b4 = params
N = x.shape[0]

# the encoder
a = x @ W1 + b1
h = np.maximum(a, 0)
or
# encode: the mean and the log-variance of q(z | x)
a = np.dot(x, W1) + b1
h = np.maximum(0, a)
or
# forward: the encoder
a = x @ W1 + b1
h = np.where(a > 0, a, 0)
or
# q(z | x)
a = b1 + x @ W1
h = a * (a > 0)

mu, logvar = np.split(h @ W2 + b2, 2, axis=1)
or
mu, logvar = np.hsplit(h @ W2 + b2, 2)
or
code = h @ W2 + b2
mu, logvar = np.split(code, 2, axis=1)
or
both, half = np.dot(h, W2) + b2, len(W3)
mu, logvar = both[:, :half], both[:, half:]

# the sample
eps = rng.standard_normal(mu.shape)
or
# reparameterize
eps = rng.standard_normal(mu.shape)
or
# a sample of q
eps = rng.standard_normal(logvar.shape)
or
# z ~ q(z | x)
eps = rng.standard_normal((N, mu.shape[1]))

sigma = np.exp(0.5 * logvar)
or
sigma = np.exp(logvar / 2)
or
sigma = np.sqrt(np.exp(logvar))

z = mu + sigma * eps
or
z = mu + eps * sigma
or
z = sigma * eps + mu

# the decoder
c = z @ W3 + b3
g = np.maximum(c, 0)
or
# decode: the logits of p(x | z)
c = np.dot(z, W3) + b3
g = np.maximum(0, c)
or
# forward: the decoder
c = z @ W3 + b3
g = np.where(c > 0, c, 0)
or
# p(x | z)
c = b3 + z @ W3
g = c * (c > 0)

logits = g @ W4 + b4
or
logits = np.dot(g, W4) + b4
or
logits = b4 + g @ W4

# the loss
or
# −ELBO: the KL minus the reconstruction
or
# one number for each example, then their mean

reconstruction = np.sum(x * logits - np.logaddexp(0, logits), axis=1)
or
reconstruction = (x * logits - np.logaddexp(0, logits)).sum(axis=1)
or
softplus = np.logaddexp(0, logits)
reconstruction = np.sum(logits * x - softplus, axis=1)
or
reconstruction = np.sum(logits * x, axis=1) - np.sum(np.logaddexp(0, logits), axis=1)

kl = 0.5 * np.sum(mu**2 + sigma**2 - 1 - logvar, axis=1)
or
kl = 0.5 * (mu * mu + sigma * sigma - logvar - 1).sum(axis=1)
or
kl = np.sum(np.square(mu) + np.square(sigma) - 1 - logvar, axis=1) / 2
or
kl = -0.5 * np.sum(1 + logvar - mu**2 - sigma**2, axis=1)

loss = np.mean(kl - reconstruction)
or
loss = (kl - reconstruction).mean()
or
loss = np.mean(kl) - np.mean(reconstruction)
or
elbo = reconstruction - kl
loss = -elbo.mean()

# and back: the decoder
or
# backward, from the logits to z
or
# gradients of the decoder

dlogits = (1 / (1 + np.exp(-logits)) - x) / N
or
pixels = 1 / (1 + np.exp(-logits))
dlogits = (pixels - x) / N
or
pixels = 1.0 / (1.0 + np.exp(-logits))
dlogits = pixels / N - x / N

dW4, db4 = g.T @ dlogits, dlogits.sum(axis=0)
dg = dlogits @ W4.T
or
dg = dlogits @ W4.T
dW4 = g.T @ dlogits
db4 = np.sum(dlogits, axis=0)
or
dW4 = np.dot(g.T, dlogits)
db4 = dlogits.sum(axis=0)
dg = np.dot(dlogits, W4.T)

dc = dg * (c > 0)
or
dc = np.where(c > 0, dg, 0)
or
dc = (g > 0) * dg

dW3, db3 = z.T @ dc, dc.sum(axis=0)
dz = dc @ W3.T
or
dz = dc @ W3.T
dW3 = z.T @ dc
db3 = np.sum(dc, axis=0)
or
dW3 = np.dot(z.T, dc)
db3 = dc.sum(axis=0)
dz = np.dot(dc, W3.T)

# the sample, and the KL
or
# through z, and from the KL
or
# the two paths to q: the sample and the KL

dmu = dz + mu / N
or
dmu = mu / N + dz
or
dmu = dz + (1 / N) * mu

dlogvar = dz * 0.5 * sigma * eps + 0.5 * (sigma**2 - 1) / N
or
dlogvar = 0.5 * (dz * eps * sigma + (sigma**2 - 1) / N)
or
dsigma = dz * eps + (sigma - 1 / sigma) / N
dlogvar = 0.5 * sigma * dsigma

dcode = np.concatenate([dmu, dlogvar], axis=1)
or
dcode = np.hstack([dmu, dlogvar])
or
dcode = np.concatenate((dmu, dlogvar), axis=-1)

# the encoder
dW2, db2 = h.T @ dcode, dcode.sum(axis=0)
dh = dcode @ W2.T
or
# gradients of the encoder
dh = dcode @ W2.T
dW2 = h.T @ dcode
db2 = np.sum(dcode, axis=0)
or
# from q back to x
dW2 = np.dot(h.T, dcode)
db2 = dcode.sum(axis=0)
dh = np.dot(dcode, W2.T)

da = dh * (a > 0)
or
da = np.where(a > 0, dh, 0)
or
da = (h > 0) * dh

dW1, db1 = x.T @ da, da.sum(axis=0)
return loss, [dW1, db1, dW2, db2, dW3, db3, dW4, db4]
or
dW1 = x.T @ da
db1 = np.sum(da, axis=0)
gradients = [dW1, db1, dW2, db2, dW3, db3, dW4, db4]
return loss, gradients
or
db1 = da.sum(axis=0)
dW1 = np.dot(x.T, da)
return loss, [dW1, db1, dW2, db2, dW3, db3, dW4, db4]

"""Plain gradient descent on the examples x (N, D): the parameters, and the loss of each step."""
params, losses = parameters(x.shape[1], 16, 2, rng), []
for _ in range(steps):
    loss, gradients = loss_and_gradients(params, x[rng.choice(len(x), 20)], rng)
    for p, dp in zip(params, gradients):
        p -= lr * dp
    losses.append(loss)
return params, losses
or
"""Gradient descent on minibatches of x (N, D). Returns the parameters, and the loss of each step."""
losses = []
params = parameters(x.shape[1], 16, 2, rng)
for _ in range(steps):
    minibatch = x[rng.choice(len(x), 20)]
    loss, gradients = loss_and_gradients(params, minibatch, rng)
    losses.append(loss)
    for p, dp in zip(params, gradients):
        p -= lr * dp
return params, losses
or
"""Return the parameters after some steps of gradient descent on x (N, D), and the losses."""
params = parameters(x.shape[1], 16, 2, rng)
losses = []
for _ in range(steps):
    chosen = rng.choice(len(x), 20)
    loss, gradients = loss_and_gradients(params, x[chosen], rng)
    losses.append(loss)
    for i in range(len(params)):
        params[i] -= lr * gradients[i]
return params, losses
'''

ORDERS = [
    ["parameters", "loss_and_gradients", "train"],
    ["loss_and_gradients", "parameters", "train"],
    ["train", "parameters", "loss_and_gradients"],
    ["parameters", "train", "loss_and_gradients"],
]
