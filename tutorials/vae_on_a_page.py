"""A variational autoencoder on one page: the bound as formulas, its gradient by the tape, Adam, the loop, a picture.

    python tutorials/vae_on_a_page.py            trains on MNIST and draws samples
    python tutorials/vae_on_a_page.py --check    proves the gradient of the loss, for every parameter

The model is that of Kingma and Welling (2014), Auto-encoding variational Bayes, appendix C:

    prior p(z) = N(0, I),    decoder p(x | z) = Bernoulli(σ(logits(z))),    encoder q(z | x) = N(mu(x), diag σ²(x)),
    −ELBO = −E_q ln p(x | z) + KL(q(z | x) ‖ p(z)).

The check compares the gradient with finite differences of this very loss. So it proves that the gradient belongs to
the loss, and not that the loss is the right one: read the formulas for that.
"""

import sys

import numpy as np
from tqdm import tqdm

from npvae import Tensor, datasets, figures, gradcheck
from npvae.autodiff import no_grad, ops
from npvae.nn import optim

STEPS, BATCH, HIDDEN, LATENT = 5000, 100, 400, 10


def parameters(pixels, hidden, latent, rng, dtype):
    """The weights and biases of four layers: two of the encoder, whose output is mu and logvar, two of the decoder."""
    sizes = {"1": (pixels, hidden), "2": (hidden, 2 * latent), "3": (latent, hidden), "4": (hidden, pixels)}
    weights = {f"W{i}": rng.normal(0, np.sqrt(2 / (n + m)), (n, m)) for i, (n, m) in sizes.items()}
    biases = {f"b{i}": np.zeros(m) for i, (_, m) in sizes.items()}
    return {name: Tensor(a.astype(dtype), requires_grad=True) for name, a in (weights | biases).items()}


def encode(p, x):                            # x (N, D)   ->   mu, logvar (N, latent): logvar = ln σ²
    h = ops.relu(x @ p["W1"] + p["b1"])
    code = h @ p["W2"] + p["b2"]
    latent = code.shape[1] // 2
    return code[:, :latent], code[:, latent:]


def reparameterize(mu, logvar, eps):         # z = μ + σ ⊙ ε, a sample of q for ε ~ N(0, I)
    return mu + ops.exp(logvar * 0.5) * eps


def decode(p, z):                            # z (N, latent)   ->   the logits of the pixels (N, D)
    return ops.relu(z @ p["W3"] + p["b3"]) @ p["W4"] + p["b4"]


def log_likelihood(x, logits):               # ln p(x | z) = Σ_d [x l − ζ(l)] with ζ(l) = ln(1 + eˡ), in nats
    return (logits * x - ops.softplus(logits)).sum(axis=1)


def kl(mu, logvar):                          # KL(q ‖ N(0, I)) = ½ Σ_d [μ² + σ² − 1 − ln σ²], in nats
    return 0.5 * (mu * mu + ops.exp(logvar) - 1.0 - logvar).sum(axis=1)


def loss(p, x, eps):                         # −ELBO, averaged over the minibatch
    mu, logvar = encode(p, x)
    logits = decode(p, reparameterize(mu, logvar, eps))
    return (kl(mu, logvar) - log_likelihood(x, logits)).mean()


def train(steps, rng):
    """Train on MNIST; return the parameters and the loss of every step."""
    data = datasets.load("mnist")
    p = parameters(784, HIDDEN, LATENT, rng, np.float32)
    optimizer = optim.Adam(p.values(), lr=1e-3)
    losses = []
    for step in tqdm(range(1, steps + 1), unit="step", disable=None):
        x = data.x_train[rng.integers(len(data.x_train), size=BATCH)]
        minus_elbo = loss(p, x, rng.standard_normal((BATCH, LATENT), dtype=np.float32))
        optimizer.zero_grad()
        minus_elbo.backward()
        optimizer.step()
        losses.append(float(minus_elbo))
        if step % 500 == 0 or step == steps:
            tqdm.write(f"step {step:5}   -ELBO {np.mean(losses[-500:]):6.1f} nats per image")
    return p, losses


def check(rng):
    """Compare the gradient with finite differences, for every parameter, in float64, with the noise ε held fixed."""
    p, x, eps = parameters(7, 5, 3, rng, np.float64), rng.random((11, 7)), rng.standard_normal((11, 3))
    return gradcheck(lambda: loss(p, x, eps), parameters=p.items(), name="-ELBO")


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    if "--check" in sys.argv:
        report = check(rng)
        print(report)
        sys.exit(0 if report.ok else 1)
    p, _ = train(STEPS, rng)
    with no_grad():
        images = ops.sigmoid(decode(p, rng.standard_normal((100, LATENT), dtype=np.float32))).data
    sheet = figures.image_sheet(images.reshape(-1, 28, 28, 1), columns=10)
    sheet.savefig("samples.png")
    print("samples.png shows one hundred digits decoded from codes of the prior")
