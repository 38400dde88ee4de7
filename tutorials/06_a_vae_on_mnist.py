# %% [markdown]
# # 6. A VAE on MNIST
#
# Now everything comes together: a decoder that turns noise into data (chapter 1),
# derivatives (2), a network that turns data into codes (3), the bound that trains both (4),
# and a draw that has a gradient (5). The whole model is a page of code. We train it on
# handwritten digits for half a minute, watch closely what happens in the first hundred
# steps, and then look at what it has learned.
#
# After this chapter you can
#
# - write the loss of a VAE, and train it;
# - read its learning curves: why the KL shoots up, falls to nothing and rises again while
#   the loss falls;
# - say what reconstructions, samples, interpolations and a latent picture show, and what
#   they do not;
# - count which latent dimensions are used;
# - recognize the usual failures.
#
# You need: chapters 2 to 5. The symbols are on [one page](notation.md).

# %%
import textwrap

import matplotlib.pyplot as plt
import numpy as np

from npvae import datasets, figures
from npvae.autodiff import no_grad
from npvae.models import VAE, Autoencoder
from npvae.nn import Dense, Module, ReLU, Sequential, optim
from npvae.probability import KLTerm
from npvae.probability.bernoulli import bernoulli_log_likelihood
from npvae.probability.gaussian import kl_to_standard_normal, reparameterize
from npvae.training import Training
from npvae.training.evaluation import mean_loss, share_outside
from npvae.training.warnings import warnings_about

data = datasets.load("mnist")
x_train, x_test = data.x_train, data.x_test      # 60,000 and 10,000 rows of 784


def as_images(x):
    return x.reshape(-1, *data.image_shape)


def train(model, steps):
    """The training of a model after `steps` steps of Adam, with minibatches of 100."""
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    training = Training(model, optimizer, x_train, 100, np.random.default_rng(0))
    for _ in range(steps):
        training.take_step()
    return training


# %% [markdown]
# ## 6.1 The model on one page
#
# $$ p(z) = \mathcal N(0, I), \qquad p(x \mid z) = \mathrm{Bernoulli}\big(x;\, \mathrm{decoder}(z)\big), \qquad
# q(z \mid x) = \mathcal N\big(\mu(x),\, \mathrm{diag}\, e^{\mathrm{logvar}(x)}\big). $$
#
# The decoder gives one **logit** $l$ for each pixel, and $\sigma(l) = 1 / (1 + e^{-l})$ is
# the probability that it is white: $\ln p(x \mid z) = \sum_d [x_d l_d - \ln(1 + e^{l_d})]$.
# The encoder gives $\mu$ and $\mathrm{logvar}$. One draw of $z$ for each image, and the
# loss is minus the bound:
#
# $$ \text{loss} = \underbrace{-\ln p(x \mid z)}_{\text{rec}} \;+\; \underbrace{\tfrac12 \textstyle\sum_j \big[\mu_j^2 + \sigma_j^2 - 1 - \ln \sigma_j^2\big]}_{\text{kl}}, \qquad z = \mu + \sigma \odot \varepsilon. $$

# %%
class PlainVAE(Module):
    """784-512-384-256, 10 latent dimensions, and the way back."""

    def __init__(self, rng):
        self.encoder = Sequential(
            Dense(784, 512, rng), ReLU(), Dense(512, 384, rng), ReLU(),
            Dense(384, 256, rng), ReLU(),
        )
        self.mu, self.logvar = Dense(256, 10, rng), Dense(256, 10, rng)
        self.decoder = Sequential(
            Dense(10, 256, rng), ReLU(), Dense(256, 384, rng), ReLU(),
            Dense(384, 512, rng), ReLU(), Dense(512, 784, rng),
        )

    def encode(self, x):
        h = self.encoder(x)
        return self.mu(h), self.logvar(h)

    def loss(self, x, rng, step=None, rows=None):    # x (N, 784); step, rows: not used here
        mu, logvar = self.encode(x)
        eps = rng.standard_normal(mu.shape, dtype=np.float32)
        z = reparameterize(mu, logvar, eps)          # chapter 5
        rec = -bernoulli_log_likelihood(self.decoder(z), x).mean()
        kl = kl_to_standard_normal(mu, logvar).mean()                      # chapter 4
        loss = rec + kl
        return loss, {"loss": float(loss), "rec": float(rec), "kl": float(kl)}


model = PlainVAE(np.random.default_rng(0))
count = sum(p.data.size for p in model.parameters())
decoder_count = sum(p.data.size for p in model.decoder.parameters())
print(f"{count:,} parameters, {decoder_count:,} of them in the decoder")

# %% [markdown]
# That is a complete VAE. [VAE](../npvae/models/vae.py) in `npvae` is the same with a choice
# of likelihoods, estimators and KL terms.
#
# Before training, think of three models that need none; they are the landmarks for reading
# the loss:
#
# - **all logits 0**: every pixel is white with probability ½. Loss: $784 \ln 2$;
# - **the best constant image**: every pixel's logit fits its mean over the training set,
#   whatever the code says;
# - **a perfect copy**: $\sigma(l) = x$. Its loss is *not* zero for grey pixels, because the
#   Bernoulli distribution describes black and white ones. On grey ones, it is a convention
#   and not a log-likelihood.
#
# > **Predict.** $784 \ln 2 \approx 543$. Where are the other two, roughly?

# %%
def bernoulli_loss(x, p):
    """−Σ_d [x ln p + (1 − x) ln(1 − p)], averaged over the rows."""
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return -np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=1).mean()


landmarks = {
    "all logits 0": 784 * np.log(2),
    "best constant": bernoulli_loss(x_test, x_train[:].mean(axis=0)),
    "perfect copy": bernoulli_loss(x_test.astype(float), x_test.astype(float)),
}
for name, value in landmarks.items():
    print(f"{name:14} {value:6.1f} nats")

# %% [markdown]
# ## 6.2 Train
#
# Adam with a rate of $10^{-3}$, minibatches of 100 images. Before each of the first hundred
# steps we also look at 500 test images, and ask two questions of their codes. How much of
# the KL do all images *share*? (That is the KL of one Gaussian with the mean $\mu$ and the
# mean $\mathrm{logvar}$ of all.) And what is the reconstruction if every image is given
# *the code of another image*? If it is no worse, the codes say nothing about the images.

# %%
model = PlainVAE(np.random.default_rng(0))       # from its beginning, whenever this is run
training = train(model, steps=0)
probe, watched = x_test[:500], []


def look():
    """On the probe: loss, rec, kl, what all share of it, rec with codes of other images."""
    with no_grad():
        mu, logvar = model.encode(probe)
        eps = np.random.default_rng(1).standard_normal(mu.shape, dtype=np.float32)
        z = reparameterize(mu, logvar, eps).data
        swapped = np.roll(z, 1, axis=0)
        rec, others = (-bernoulli_log_likelihood(model.decoder(codes), probe).data.mean()
                       for codes in (z, swapped))
        kl = kl_to_standard_normal(mu, logvar).data.mean()
        average = (a.data.mean(axis=0, keepdims=True) for a in (mu, logvar))
        shared = kl_to_standard_normal.raw(*average)[0][0]
    return rec + kl, rec, kl, shared, others


while training.step < 100:
    watched.append(look())
    training.take_step()
watched = np.array(watched)
print("step    loss =   rec +   kl   of which shared   rec with other codes")
for step in (0, 2, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 60, 99):
    print("{:4} {:7.1f} {:7.1f} {:6.2f} {:12.2f} {:20.1f}".format(step, *watched[step]))
constant = bernoulli_loss(probe, x_train[:].mean(axis=0))
print(f"best constant image, for these 500: {constant:.1f}")

# %% [markdown]
# > **Predict.** Look at the KL column. At step 7 the encoder pays over 30 nats for codes
# > far from the prior, and twenty steps later almost nothing. What did it buy, and why did
# > it stop?

# %%
while training.step < 2500:
    training.take_step()
loss, rec, kl = np.array(training.history).T
steps = np.arange(1, len(loss) + 1)
fig, (top, bottom) = plt.subplots(2, 1, figsize=(6, 5), sharex=True, layout="constrained")
top.plot(steps, loss, color="black", linewidth=0.8, label="loss")
top.plot(steps, rec, color="0.6", linewidth=0.8, label="rec")
for name, style in [("best constant", "--"), ("perfect copy", ":")]:
    top.axhline(landmarks[name], color="black", linestyle=style, linewidth=1, label=name)
top.set(xscale="log", ylabel="nats", ylim=(0, 560))
top.legend(frameon=False)
bottom.plot(steps, kl, color="black", linewidth=0.8)
for place, text in [(4, "I"), (19, "II"), (600, "III")]:
    bottom.annotate(text, (place, 30), fontsize=13, ha="center")
bottom.set(xlabel="step, counted from 1 (logarithmic)", ylabel="KL in nats")
figures.show(fig, "Loss, reconstruction and KL of the minibatches against the step, "
             "logarithmic. The loss falls from 544 to a plateau at the level of the best "
             "constant image near step 30, and then on to about 110. The KL jumps to "
             "almost 40 near step 8 (I), falls to below 1 near step 25 (II), and rises "
             "slowly to 15 (III).")
print(f"KL: peak {kl[:15].max():.1f}, valley {kl[15:60].min():.2f}, "
      f"mean of the last 100 steps {kl[-100:].mean():.1f}")

early = watched[4:11]                            # act I
assert early[:, 3].sum() > 0.7 * early[:, 2].sum()
assert early[:, 4].mean() < early[:, 1].mean() + 3
assert kl[:15].max() > 15 and abs(watched[25:31, 0].mean() - constant) < 10
assert kl[15:60].min() < 2 < 10 < kl[-100:].mean()
assert watched[99, 4] - watched[99, 1] > 5 * watched[99, 2]

# %% [markdown]
# Three acts, in which the loss goes down and the KL goes up, down and up again:
#
# **I. Everything gets darker (to step 7).** At first all logits are near 0, and the loss is
# nearly $784 \ln 2$. Most pixels of MNIST are black, so all gradients say the same: darker!
# They push the biases of the decoder, its weights, *and the codes*: a code that is far out
# in a good direction makes all logits more negative at once. So the encoder sends **all**
# images there: some nine tenths of the KL are shared by all, and an image is decoded no
# better from its own code than from another's. It is a detour for a bias.
#
# **II. The code is worth nearly nothing (to about step 20).** Now weights and biases have
# learned to be dark by themselves, and the loss is that of the best constant image. A code
# that says next to nothing about the image buys next to nothing, and costs. So the KL falls
# to almost zero, and $q(z \mid x)$ is nearly the prior for every $x$. The model is a
# constant with noise at its input.
#
# **III. Information pays (from about step 20).** Gradually the decoder finds that *some*
# direction of $z$ could distinguish a 0 from a 1. Now an image is decoded much better from
# its own code than from another's: each nat of code buys more than a nat of reconstruction,
# and the encoder begins to spend. The KL rises, the reconstruction falls by more, and their
# sum falls. It goes on until the next nat of code buys less than one nat of reconstruction;
# there the KL settles. (If it stays in act II, the posterior has *collapsed*: see the end.)
#
# How do we know that it is right? Another program's log of this network is known
# (784-512-384-256-10, ReLU, batches of 100, Adam $10^{-3}$). It shows single minibatches,
# which scatter by several nats; beside it stands the mean of 50 of ours. (Whole runs, also
# of PyTorch's own example, are compared in [the results](results.md).)

# %%
published = {0: (545.4, 0.23), 500: (130.9, 11.6), 1000: (126.7, 13.2), 2000: (111.7, 15.2)}
print("step   loss: published    here    KL: published    here")
for step, (their_loss, their_kl) in published.items():
    around = slice(step - 25, step + 25) if step else slice(1)
    our_loss, our_kl = loss[around].mean(), kl[around].mean()
    print(f"{step:4} {their_loss:17.1f} {our_loss:7.1f} {their_kl:16.2f} {our_kl:7.2f}")
    assert abs(our_loss - their_loss) < 12 and abs(our_kl - their_kl) < 3


def report(name, result):
    loss, rec, kl = (result[part] for part in ("loss", "rec", "kl"))
    print(f"{name}: loss {loss:.1f} = rec {rec:.1f} + kl {kl:.1f}")


result = mean_loss(model, x_test, np.random.default_rng(0))
report(f"test set after {training.step} steps", result)

assert result["loss"] < 118

# %% [markdown]
# After 10,000 steps it is 104 to 105 on the test set: `npvae train` goes on for as long, in
# one to two minutes, and writes all the pictures.
#
# ## 6.3 There and back: reconstructions
#
# Encode a test image, take the mean of its posterior, decode.
#
# > **Predict.** Compared with the autoencoder of chapter 3, will the copies be sharper or
# > more blurred?

# %%
def encode_mean(x):
    with no_grad():
        return model.encode(x)[0].data


def decode_mean(z):
    with no_grad():
        return 1 / (1 + np.exp(-model.decoder(z.astype(np.float32)).data))


rows = np.concatenate([x_test[:10], decode_mean(encode_mean(x_test[:10]))])
figures.show(
    figures.image_sheet(as_images(rows), 10, row_names=["original", "copy"]),
    "Ten test digits and their reconstructions, legible and smoother than the "
    "originals; a carelessly written one becomes a neater or another digit.",
)
error = np.square(decode_mean(encode_mean(x_test)) - x_test).sum(axis=1).mean()
print(f"squared error of the copies: {error:.1f}")

# %% [markdown]
# Smoother. Fine detail costs more nats than it saves, so it is not encoded, and what the
# decoder returns is the *mean* over everything that it was not told. The squared error is
# larger than that of an autoencoder with as many dimensions (after 10,000 steps,
# `npvae experiment copies` finds 11.8 and 10.5). The VAE pays for being able to do this:
#
# ## 6.4 From noise to data: samples
#
# > **Predict.** In chapter 3, with 32 dimensions, hardly any sample was a digit. Here the
# > prior was fixed before training. We take ten dimensions for both. What share of random
# > codes is farther from the codes of digits than 95 % of digits are, for an autoencoder?
# > For the VAE?

# %%
rng = np.random.default_rng(0)
samples = decode_mean(rng.standard_normal((40, 10)))
figures.show(
    figures.image_sheet(as_images(samples), 10),
    "Forty images decoded from random codes: most can be read as a digit, some "
    "are in between two.",
)


def draw_codes(x):
    """A draw from the cloud of each image."""
    with no_grad():
        mu, logvar = model.encode(x)
    return reparameterize.raw(mu.data, logvar.data, rng.standard_normal(mu.shape))[0]


plain = Autoencoder(784, 10, [512, 384, 256], np.random.default_rng(0))
train(plain, steps=1000)
seen = x_train[:20_000]
plain.fit_prior(seen)
eps = rng.standard_normal((1000, 10))
outside = {
    "autoencoder": share_outside(
        plain.from_noise(eps), plain.codes(x_test[:1000]), plain.codes(seen)
    ),
    "VAE": share_outside(eps, draw_codes(x_test[:1000]), draw_codes(seen)),
}
for name, share in outside.items():
    print(f"{name:11}: {100 * share:.0f} % of the random codes are far from all digits")

assert outside["VAE"] < 0.5 * outside["autoencoder"]

# %% [markdown]
# The measure is that of 3.5, with 20,000 training images. (The autoencoder had 1,000 steps;
# longer training changes little.) For the VAE we compare the random codes with draws from
# the clouds, and not with their means, because the decoder was trained on such draws. A
# perfect fit would give 5 %. The random codes fall mostly where codes of digits are, because
# the KL made the clouds fit the prior (4.4: *pairs made in either way should look alike*).
# Not all do, and not all samples are digits. The decoder must give *some* mixture between
# two classes, and the fit is not perfect.
#
# ## 6.5 Which dimensions are used?
#
# > **Predict.** The network has ten latent dimensions. Are all used?

# %%
with no_grad():
    mu, logvar = model.encode(x_test)
kl_of_each = 0.5 * (mu.data**2 + np.exp(logvar.data) - 1 - logvar.data)    # (10000, 10)
per_dimension = kl_of_each.mean(axis=0)
order = np.argsort(-per_dimension)
used = per_dimension > 0.1
fig, ax = plt.subplots(figsize=(5, 2.8), layout="constrained")
ax.bar(range(10), per_dimension[order], color="0.4")
ax.set_xticks(range(10), [f"z{j + 1}" for j in order])
ax.set(ylabel="KL in nats", xlabel="latent dimension, sorted")
figures.show(fig, "Bars: the KL of each latent dimension, averaged over the test set: "
             "most cost between 1 and 2.5 nats, and two cost nothing.")
print(f"{used.sum()} of 10 dimensions are used")
print("KL of each:", *(f"{value:.2f}" for value in per_dimension[order]))

assert abs(per_dimension.sum() - result["kl"]) < 0.01
assert np.all(per_dimension[~used] < 0.05)       # there is nothing in between

# %% [markdown]
# A dimension whose code does not pay is switched off: its $q$ is nearly the prior for every
# image, it costs nearly nothing, and the decoder ignores it. (We called a dimension used if
# its KL is more than 0.1 nats.) Nobody told the model how many to use. (Another seed may
# switch off another number.)
#
# ## 6.6 From one digit to another
#
# > **Predict.** Between an image of a 7 and one of a 2, there is a straight line in the
# > space of pixels, and one in the space of codes. What do they look like half-way?

# %%
a, b = x_test[0], x_test[1]
t = np.linspace(0, 1, 9)[:, None]
za, zb = encode_mean(np.stack([a, b]))
in_pixels = (1 - t) * a + t * b
in_codes = decode_mean((1 - t) * za + t * zb)
figures.show(
    figures.image_sheet(as_images(np.concatenate([in_pixels, in_codes])), 9,
                        row_names=["pixels", "codes"]),
    "Two rows from a 7 to a 2. Through pixels, the 7 fades out while the 2 fades in, and "
    "both are seen at once. Through codes, one shape bends into the other.",
)

# %% [markdown]
# Through pixels, one image fades while the other appears: two faint digits at once, which
# is no digit. Through codes, every step is one shape, blurred half-way, where it might be a
# 3. The line in the latent space runs through places that the decoder knows.
#
# ## 6.7 Two dimensions: the map of all digits
#
# With two latent dimensions, the whole latent space can be drawn. The reconstructions get
# worse, and everything can be seen.

# %%
flat = VAE(784, 2, [400, 200], np.random.default_rng(0))
train(flat, steps=2500)
flat_result = mean_loss(flat, x_test, np.random.default_rng(0))
report("test set, two dimensions", flat_result)

some = np.random.default_rng(1).permutation(10_000)[:3000]
codes = flat.codes(x_test[some])
figures.show(
    figures.latent_scatter(codes, data.y_test[some]),
    "The codes of 3,000 test digits in two dimensions: one cloud about the origin, most of "
    "it within three. 0, 1 and 7 have separate regions around the edge, the 6s two; "
    "2, 3, 5 and 8 crowd in the middle, 4 and 9 lie on each other.",
)
mean, spread = codes.mean(axis=0), codes.std(axis=0)
print("mean of the codes:", mean.round(2), "  spread:", spread.round(2))

assert flat_result["loss"] > result["loss"] + 20
assert np.all((spread > 0.6) & (spread < 1.4)) and np.all(np.abs(mean) < 0.3)

# %%
SIDE = 15
decoded = flat.generate(figures.manifold_codes(SIDE))
figures.show(
    figures.manifold(as_images(decoded), SIDE),
    "A grid of 15 by 15 digits decoded from the plane of codes: neighbours are alike, and "
    "the digits turn into one another from region to region.",
)

# %% [markdown]
# Compare with the latent space in chapter 3, which had the same two dimensions: there rays
# as far as 18, here one cloud of the size of the prior. This is what the price on codes
# does: it takes the free space away. The map shows what is decoded from it, on a grid that
# is equally spaced in *probability*, so that each picture stands for the same share of all
# samples. Walk through it: every neighbour is a small change.
#
# Nobody gave the axes a meaning. Turning the latent space changes neither $p(z)$ nor
# $p(x)$. It can change the bound a little, because $q$ has no correlations, so the axes are
# not quite arbitrary; but "the axis of slant" is something that we see into them.
#
# ## What can go wrong
#
# **The posterior collapses.** Act II never ends: the KL stays at zero, and every sample is
# the same grey blob. It happens with too much weight on the KL, a decoder that can do
# without codes, or a bad start. Put a weight of 1,000 on it:

# %%
heavy = VAE(784, 10, [200], np.random.default_rng(0), kl_term=KLTerm(beta=1000.0))
train(heavy, steps=300)
parts = mean_loss(heavy, x_test, np.random.default_rng(0))
report("weight 1000, test set", parts)
for warning in warnings_about(heavy, x_test[:500]).values():
    print(textwrap.fill(warning, 80))

assert parts["kl"] < 0.1 and abs(parts["rec"] - landmarks["best constant"]) < 10

# %% [markdown]
# The report shows the true KL, whatever its weight was: never report a weighted loss as the
# bound.
#
# **A sigmoid too many.** The log-likelihood takes *logits*. A network that ends in a
# sigmoid, before a function that applies another one, can only give probabilities between
# 0.5 and 0.73, trains, and stays far above the best constant image. The landmarks of 6.1
# catch it in a minute.
#
# **Mean instead of sum.** The mean over 784 pixels makes the reconstruction 784 times
# smaller than the KL beside it. The codes collapse, as above.
#
# **Pictures of means.** What is shown are the *probabilities* of white. Draws from the
# Bernoulli distribution would be speckled. Means are prettier than the model is.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | the model and its loss | [VAE](../npvae/models/vae.py), [VAE.loss](../npvae/models/vae.py) | [Kingma and Welling 2014](https://arxiv.org/abs/1312.6114), eq. 7 and 10, section 3 |
# | the likelihood from logits | [bernoulli_log_likelihood](../npvae/probability/bernoulli.py) | the same, appendix C.1, eq. 11 |
# | a training step, Adam | [training_step](../npvae/training/loop.py), [Adam](../npvae/nn/optim.py) | [Kingma and Ba 2015](https://arxiv.org/abs/1412.6980), algorithm 1 |
# | used dimensions, by the variance of $\mu$ in place of the KL | [active_units](../npvae/probability/bounds.py) | [Burda and others 2016](https://arxiv.org/abs/1509.00519), section 5.2 |
# | the grid of the map | [manifold_codes](../npvae/figures/plots.py) | Kingma and Welling 2014, appendix A and figure 4 |
# | a warning of collapse | [warnings_about](../npvae/training/warnings.py) | |
#
# ## Exercises
#
# 1. [`bernoulli`](exercises/13_bernoulli.py), [`adam`](exercises/14_adam.py) and
#    [`training_step`](exercises/15_training_step.py): after the last,
#    `npvae learn check training_step` trains 300 steps on MNIST with *your* functions.
# 2. The museum of bugs: `npvae learn check bug_2`. How many do you find by reading alone?
# 3. Train the network for 10,000 steps with `npvae train` and look at `runs/mnist/`. Which
#    pictures changed most?
# 4. Train with `--latent-dim 2`, `5`, `20` and `50`. How do the loss, the KL and the number
#    of used dimensions change?
# 5. In 6.2, start the biases of the decoder's last layer,
#    `model.decoder.layers[-1].b.data`, at the logits of the mean image (clipped to
#    $[0.001, 0.999]$), and remove the asserts. Which act disappears?
#
# Before: [5. Reparameterization](05_reparameterization.ipynb). All chapters:
# [contents](README.md).
