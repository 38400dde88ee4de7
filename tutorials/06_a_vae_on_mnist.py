# %% [markdown]
# # 6. A VAE on MNIST
#
# Now everything comes together: a decoder that turns noise into data (chapter 1),
# derivatives (2), a network that turns data into codes (3), the bound that trains both (4),
# and a draw that has a gradient (5). The whole model is a page of code. We train it on
# handwritten digits, watch its first hundred steps closely, and then find out what it has
# learned.
#
# After this chapter you can
#
# - write the loss of a VAE, and train it;
# - read its learning curves: why the KL shoots up, falls to almost nothing and rises again,
#   while the loss falls;
# - say what reconstructions, samples, interpolations and a latent picture show, and what
#   they do not;
# - count the latent dimensions that the model uses;
# - recognize the usual failures.
#
# You need: chapters 2 to 5. The symbols are on [one page](notation.md).

# %%
import textwrap

import matplotlib.pyplot as plt
import numpy as np

from npvae import datasets, figures, learn
from npvae.autodiff import no_grad
from npvae.figures import diagrams
from npvae.models import VAE, Autoencoder
from npvae.nn import Dense, Module, ReLU, Sequential, optim
from npvae.probability import KLTerm, bernoulli
from npvae.probability.gaussian import kl_to_standard_normal, reparameterize
from npvae.training import Training
from npvae.training.evaluation import mean_loss, nearest, share_outside
from npvae.training.warnings import warnings_about

data = datasets.load("mnist")
x_train, x_test = data.x_train, data.x_test      # 60,000 and 10,000 rows of 784


def sheet(x, columns, names=()):
    """A sheet of pictures from an array (N, 784), row by row."""
    return figures.image_sheet(x.reshape(-1, *data.image_shape), columns, row_names=names)


def train(model, steps):
    """Take `steps` steps of Adam with minibatches of 100; return the training."""
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    training = Training(model, optimizer, x_train, 100, np.random.default_rng(0))
    for _ in range(steps):
        training.take_step()
    return training

# %% [markdown]
# ## 6.1 The model on one page
#
# The prior, the likelihood and the encoder's posterior are
#
# $$ \begin{aligned}
# p(z) &= \mathcal N(0, I), \\
# p(x \mid z) &= \mathrm{Bernoulli}\big(x;\, \sigma(\mathrm{decoder}(z))\big), \\
# q(z \mid x) &= \mathcal N\big(\mu(x),\, \mathrm{diag}\, e^{\mathrm{logvar}(x)}\big).
# \end{aligned} $$

# %% tags=["hide-input"]
figures.show(diagrams.latent_variable_model(with_encoder=True), "6.1")

# %% tags=["hide-input"]
figures.show(diagrams.autoencoder_with_noise(), "6.2")

# %% [markdown]
# *Figure 6.1. The model as a graph. A frame with the letter N holds an open circle z above
# a shaded circle x. A solid arrow for the decoder leads from z to x, and a dashed, bent one
# for the encoder from x to z. From outside the frame, a solid arrow leads from θ to x,
# and a dashed one from φ to z.*
#
# *Figure 6.2. The model as a program, a chain of arrows from left to right: an image x, the
# encoder, two boxes μ and σ, the code z = μ + σ ε, the decoder, and the distribution of the
# image, p(x | z). The noise ε enters the code from below.*
#
# Figure 6.1 says what depends on what: $\theta$ are the parameters of the decoder, and
# $\varphi$ those of the encoder. Figure 6.2 says in which order the program computes. The
# decoder gives one **logit** $l$ for each pixel, and $\sigma(l) = 1 / (1 + e^{-l})$ is the
# probability that the pixel is white. So
# $\ln p(x \mid z) = \sum_d [x_d l_d - \ln(1 + e^{l_d})]$.
#
# Write this for a minibatch, with its derivative
# ([the page of the exercise](exercises/13_bernoulli.py)). Large logits must not overflow:
# `np.logaddexp(0, l)` is $\ln(1 + e^l)$.

# %%
def bernoulli_log_likelihood(logits, x):     # logits, x (N, D)  ->  y (N,)
    raise NotImplementedError("y: compute the value here, in place of this line")
    def dlogits(dy):
        raise NotImplementedError("dlogits: return the gradient with respect to logits")
    return y, dlogits, None


learn.check(bernoulli_log_likelihood)
bernoulli_log_likelihood = bernoulli.bernoulli_log_likelihood    # the engine's from here on

# %% [markdown]
# The encoder gives $\mu$ and $\mathrm{logvar}$. With one draw
# $z = \mu + \sigma \odot \varepsilon$ for each image, the loss is minus the bound:
#
# $$ \text{loss} = \underbrace{-\ln p(x \mid z)}_{\text{rec}} + \underbrace{\tfrac12 \textstyle\sum_j \big[\mu_j^2 + \sigma_j^2 - 1 - \ln \sigma_j^2\big]}_{\text{kl}}. $$

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
# That is a complete VAE. [VAE](../npvae/models/vae.py) in `npvae` is the same, with a
# choice of likelihoods, estimators and KL terms.
#
# Three models that need no training are landmarks for reading the loss:
#
# - **all logits 0**: every pixel is white with probability ½. The loss is $784 \ln 2$;
# - **the best constant image**: whatever the code says, every pixel is white with a
#   probability that equals its mean over the training set;
# - **a perfect copy**: $\sigma(l) = x$. Its loss is *not* zero for grey pixels, because the
#   Bernoulli distribution describes black and white ones. For grey pixels, the loss is a
#   convention and not a log-likelihood.
#
# > **Predict.** $784 \ln 2 \approx 543$. Where are the other two, roughly?

# %% tags=["hide-output"]
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

# %% tags=["hide-input", "hide-output"]
assert abs(landmarks["best constant"] - 206) < 1 and abs(landmarks["perfect copy"] - 46) < 1

# %% [markdown]
# <details><summary>Answer</summary>
#
# The best constant image is at about 206 nats, because most pixels are nearly always black.
# A perfect copy is at about 46 nats: the grey pixels at the edges of strokes cost that much
# in every model.
#
# </details>
#
# ## 6.2 Train
#
# We use Adam (3.2) with a learning rate of $10^{-3}$ and minibatches of 100 images. Before
# each of the first hundred steps, we also ask two questions about 500 test images:
#
# - How much of the KL do all images *share*? That is the KL of a single Gaussian, with the
#   mean of all $\mu$ and the mean of all $\mathrm{logvar}$.
# - What is the reconstruction term if the decoder gets *the code of another image*? If it
#   is no worse, the codes say nothing about their images.

# %%
model = PlainVAE(np.random.default_rng(0))       # a new one, if you run the cell again
training = train(model, steps=0)
probe, watched = x_test[:500], []


def look():
    """Of the probe: loss, rec, kl, its shared part, and rec with codes of other images."""
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
# > **Predict.** Look at the column kl. After 7 steps the encoder pays over 30 nats for
# > codes far from the prior, and twenty steps later almost nothing. What did it buy for so
# > many nats, and why did it stop? (The last two columns are clues.)

# %%
while training.step < 2500:
    training.take_step()
loss, rec, kl = np.array(training.history).T     # of the minibatches

# %% tags=["hide-input", "hide-output"]
steps = np.arange(1, len(loss))                  # done before the loss was measured
fig, (top, bottom) = plt.subplots(2, 1, figsize=(6, 5.6), sharex=True, layout="constrained")
top.plot(steps, loss[1:], color="black", linewidth=1, label="loss")
top.plot(steps, rec[1:], color="tab:orange", linewidth=1, linestyle="--", label="rec")
for name, style in [("best constant", "-."), ("perfect copy", ":")]:
    top.axhline(landmarks[name], color="0.5", linestyle=style, label=name)
top.set(xscale="log", ylabel="nats", ylim=(0, 560))
top.legend(frameon=False)
bottom.plot(steps, kl[1:], color="black", linewidth=1)
for place, text in [(2.5, "I"), (11.8, "II"), (300, "III")]:
    bottom.annotate(text, (place, 30), fontsize=13, ha="center")
for step in (7, 20):
    for ax in (top, bottom):
        ax.axvline(step, color="tab:red", linestyle=":", linewidth=1.5)
bottom.set_xticks([1, 7, 20, 100, 1000], ["1", "7", "20", "100", "1,000"])
bottom.minorticks_off()
bottom.set(xlabel="steps done (logarithmic)", ylabel="KL in nats")
figures.show(fig, "6.3")
print(f"KL: peak {kl[:15].max():.1f}, valley {kl[15:60].min():.2f}, "
      f"mean of the last 100 steps {kl[-100:].mean():.1f}")

act_I = watched[4:8]
assert act_I[:, 3].sum() > 0.7 * act_I[:, 2].sum()           # shared
assert act_I[:, 4].mean() < act_I[:, 1].mean() + 3           # with codes of other images
assert kl[:15].max() > 15 and abs(watched[25:31, 0].mean() - constant) < 10
assert kl[15:60].min() < 2 < 10 < kl[-100:].mean()
assert watched[99, 4] - watched[99, 1] > 5 * watched[99, 2]

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 6.3. Loss, reconstruction (above) and KL (below) of the minibatches against the
# number of steps, on a logarithmic axis. Dotted lines at steps 7 and 20 divide three acts.
# In act I the loss falls steeply and the KL jumps to almost 40. In act II the KL falls to
# about 1, and the loss reaches the level of the best constant image. In act III the KL
# rises slowly to 15, and the loss falls to about 110.*
#
# It bought darkness. Most pixels of MNIST are black, and a code far out in the right
# direction makes all logits more negative at once. Most of the KL is shared, here nearly
# nine tenths: the encoder sends *all* images the same way, and the codes of other images do
# as well as an image's own. It stopped because the biases and weights of the decoder
# learned to be dark without the code. Then the code cost nats and bought none.
#
# </details>
#
# Figure 6.3 shows three acts. The loss falls in all of them, and the KL goes up, down and up
# again.
#
# **I. Everything gets darker (to step 7).** At first all logits are near 0, and the loss is
# nearly $784 \ln 2$. All gradients say the same: darker! They push the biases of the
# decoder, its weights, *and the codes*. The KL of this act is not the price of information.
# It is a detour: the codes do the work of a bias.
#
# After 7 steps the table shows something odd: an image's own code does *worse* than the
# code of another image. The next cell takes the network at this moment, and correlates the
# ink of each image (the sum of its pixels) with its KL, and with the ink of its copy,
# decoded from the mean $\mu$ and from a drawn $z$.

# %%
early = PlainVAE(np.random.default_rng(0))
train(early, steps=7)
with no_grad():
    mu, logvar = early.encode(probe)
    eps = np.random.default_rng(1).standard_normal(mu.shape, dtype=np.float32)
    logits = {"μ": early.decoder(mu).data,
              "z": early.decoder(reparameterize(mu, logvar, eps)).data}
    kl_of_image = kl_to_standard_normal(mu, logvar).data
ink = probe.sum(axis=1)
ink_of_copy = {code: (1 / (1 + np.exp(-l))).sum(axis=1) for code, l in logits.items()}
with_kl = np.corrcoef(ink, kl_of_image)[0, 1]
with_copy = {code: np.corrcoef(ink, copy)[0, 1] for code, copy in ink_of_copy.items()}
print(f"correlation of an image's ink with its KL: {with_kl:.2f}")
for code, correlation in with_copy.items():
    print(f"with the ink of the copy decoded from {code}:  {correlation:.2f}")
own, other = watched[7, 1], watched[7, 4]
print(f"rec with an image's own drawn code {own:.1f}, with another's {other:.1f}")

# %% tags=["hide-input"]
assert with_kl > 0.8 and with_copy["μ"] < -0.8 and with_copy["z"] < -0.4 and other < own - 3

# %% [markdown]
# An image with more ink has larger inputs, so the activations of the encoder are larger,
# and its code lies further out. But further out means darker. So the images with the *most*
# ink get the *darkest* copies. The noise of the draw weakens this connection, from −0.93 to
# −0.60. Still, exchanging the drawn codes improves the reconstruction by ten nats.
#
# **II. The code is worth nearly nothing (to about step 20).** Now the weights and biases
# make the images dark by themselves, and the loss is that of the best constant image. A
# code that says next to nothing about its image buys next to nothing, and costs nats. So
# the encoder gives it up: the KL falls to about 1, and soon below. For every $x$,
# $q(z \mid x)$ is nearly the prior. The model is a constant with noise at its input.
#
# **III. Information pays (from about step 20).** Gradually the decoder finds that *some*
# direction of $z$ could tell a 0 from a 1. In the last rows of the table, an image's own
# code does much better than another's. Each nat of KL buys more than a nat of
# reconstruction, so the encoder begins to spend. The KL rises, the reconstruction term
# falls by more, and their sum falls. This ends when the next nat of KL would buy less than
# a nat of reconstruction. (If a model stays in act II, its posterior has *collapsed*: see
# *What can go wrong*.)
#
# You will often read a shorter explanation: the KL is a regulariser, and training trades it
# for reconstruction. That describes act III. It does not explain why the KL rises *first*,
# before the codes say anything about their images, and falls again.
#
# Is our program right? For this network (784-512-384-256-10, ReLU, batches of 100, Adam
# with $10^{-3}$), we have the numbers of a published run of another program, without its
# name. They are of single minibatches, which scatter by several nats; beside them we print
# the mean over 50 of ours. ([The results](results.md) compare whole runs, also of
# PyTorch's own example.)

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
# `npvae train` takes 10,000 steps, and writes all the pictures. It reaches 104 to 105 nats
# on the test set ([results](results.md)).
#
# ## 6.3 There and back: reconstructions
#
# Encode a test image, take the mean of its posterior, and decode it.
#
# > **Predict.** Compare with an autoencoder that has as many dimensions. Will the copies of
# > the VAE be sharper or more blurred?

# %% tags=["hide-output"]
def encode_mean(x):
    with no_grad():
        return model.encode(x)[0].data


def decode_mean(z):
    with no_grad():
        return 1 / (1 + np.exp(-model.decoder(z.astype(np.float32)).data))


rows = np.concatenate([x_test[:10], decode_mean(encode_mean(x_test[:10]))])
figures.show(sheet(rows, 10, names=["original", "copy"]), "6.4")
error = np.square(decode_mean(encode_mean(x_test)) - x_test).sum(axis=1).mean()
print(f"squared error of the copies: {error:.1f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 6.4. Ten test digits, and below them their copies: legible, and smoother than the
# originals. The carelessly written digits become neater, or turn into another digit.*
#
# More blurred: the copies in Figure 6.4 are smoother than the originals. Fine detail costs
# more nats than it saves, so the encoder leaves it out. The decoder then returns the *mean*
# over everything that the code leaves open. The squared error is larger than that of an
# autoencoder with as many dimensions: 11.8 against 10.5 after 10,000 steps (`npvae
# experiment copies`).
#
# </details>
#
# In return, the VAE can do what the autoencoder could not: draw.
#
# ## 6.4 From noise to data: samples
#
# In chapter 3, with 32 dimensions, hardly any sample was a digit. Here the prior is fixed
# before training. We measure as in 3.5, with ten dimensions for both models and 20,000
# training images: what share of random codes is further from all codes of digits than 95 %
# of test digits are? For the VAE, we compare random codes with *draws* from the posteriors,
# since the decoder was trained on such draws. A perfect fit would give 5 %.
#
# > **Predict.** What share do you expect for an autoencoder? And for the VAE?

# %% tags=["hide-output"]
rng = np.random.default_rng(0)
samples = decode_mean(rng.standard_normal((100, 10)))
figures.show(sheet(samples, 10), "6.5")


def draw_codes(x):
    """A draw from the posterior of each image."""
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

# %% tags=["hide-input", "hide-output"]
assert 0.05 < outside["VAE"] < 0.5 * outside["autoencoder"]

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 6.5. A hundred images decoded from random codes, ten by ten. You can read most of
# them as digits; some are blurred shapes between two digits.*
#
# More than half for the autoencoder, and about a fifth for the VAE, whose random codes
# mostly fall among the codes of digits. The KL made the posteriors fit the prior (4.4:
# *codes drawn from the prior look like codes of data*). But the fit is not perfect, and not
# all samples in Figure 6.5 are digits. Between the codes of two digits, the decoder must
# return *some* mixture.
#
# </details>
#
# ## 6.5 Which dimensions does the model use?
#
# > **Predict.** The network has ten latent dimensions. Does it use them all?

# %%
with no_grad():
    mu, logvar = model.encode(x_test)
kl_of_each = 0.5 * (mu.data**2 + np.exp(logvar.data) - 1 - logvar.data)    # (10000, 10)
per_dimension = kl_of_each.mean(axis=0)
order = np.argsort(-per_dimension)

# %% tags=["hide-input", "hide-output"]
fig, ax = plt.subplots(figsize=(5, 2.8), layout="constrained")
ax.bar(range(10), per_dimension[order], color="0.4")
ax.set_xticks(range(10), [f"z{j + 1}" for j in order])
ax.set(ylabel="KL in nats", xlabel="latent dimension, sorted")
figures.show(fig, "6.6")
used = per_dimension > 0.5
print("KL of each:", *(f"{value:.2f}" for value in per_dimension[order]))
print(f"more than 0.5 nats: {used.sum()} of 10 dimensions")

assert abs(per_dimension.sum() - result["kl"]) < 0.01
assert used.sum() < 10 and per_dimension[used].min() > 1
assert per_dimension.min() < 0.05

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 6.6. Ten bars, sorted: the KL of each latent dimension, averaged over the test
# set. Eight cost between 1.3 and 2.4 nats each, and the last two cost almost nothing.*
#
# No: Figure 6.6 shows eight that it uses and two that it has switched off. If a dimension
# does not pay, its $q$ stays nearly the prior for every image. It costs almost nothing and
# tells the decoder almost nothing.
#
# </details>
#
# Nobody told the model how many dimensions to use. With another seed, the number may
# differ. In one of six runs, two dimensions were still undecided after 2,000 steps, at 0.2
# nats each.
#
# ## 6.6 From one digit to another
#
# > **Predict.** Between an image of a 7 and one of a 2, there is a straight line in the
# > space of pixels, and another in the space of codes. What do you see half-way on each?

# %% tags=["hide-output"]
a, b = x_test[0], x_test[1]
t = np.linspace(0, 1, 9)[:, None]
za, zb = encode_mean(np.stack([a, b]))
in_pixels = (1 - t) * a + t * b
in_codes = decode_mean((1 - t) * za + t * zb)
both = np.concatenate([in_pixels, in_codes])
figures.show(sheet(both, 9, names=["pixels", "codes"]), "6.7")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 6.7. Two rows of nine images from a 7 to a 2. In the row of pixels, the 7 fades
# out while the 2 fades in, and half-way you see both at once. In the row of codes, one
# shape bends into the other, blurred half-way.*
#
# Half-way through pixels, Figure 6.7 shows two faint digits at once, which is no digit.
# Through codes, every step is a single shape; half-way it might be a blurred 3.
#
# </details>
#
# Does the line between two codes stay where the decoder was trained? Take 500 pairs of test
# images. How far is the midpoint of their codes from the nearest code of a training image,
# and how far is the code of a test image?

# %%
codes_train, codes_test = encode_mean(x_train[:20_000]), encode_mean(x_test[:1000])
midpoints = (codes_test[:500] + codes_test[500:]) / 2
far, usual = (np.median(nearest(c, codes_train)[1]) for c in (midpoints, codes_test))
length = [np.linalg.norm(c, axis=1).mean() for c in (midpoints, codes_test)]
contrast = [np.abs(decode_mean(c) - 0.5).mean() for c in (midpoints, codes_test)]
print(f"distance to the nearest code: midpoints {far:.2f}, images {usual:.2f}")
print(f"length of the code:           midpoints {length[0]:.2f}, images {length[1]:.2f}")
grey = "distance of pixels from ½:"
print(f"{grey:29} midpoints {contrast[0]:.3f}, images {contrast[1]:.3f}")

# %% tags=["hide-input"]
assert far < 1.35 * usual and length[0] < 0.8 * length[1] and contrast[0] < contrast[1]

# %% [markdown]
# Nearly: for a midpoint, the nearest training code is hardly further away than for the code
# of a test image. But midpoints are shorter, 2.0 against 2.9, because two codes that have
# nothing to do with each other partly cancel. And their pictures are blurrier: their pixels
# lie closer to ½.
#
# ## 6.7 Two dimensions: the map of all digits
#
# With two latent dimensions, we can draw the whole latent space. The reconstructions get
# worse, but we see everything.

# %%
flat = VAE(784, 2, [400, 200], np.random.default_rng(0))
train(flat, steps=2500)
flat_result = mean_loss(flat, x_test, np.random.default_rng(0))
report("test set, two dimensions", flat_result)

with no_grad():
    q = flat.encode(x_test)
mu, logvar = q.mu.data, q.logvar.data            # (10000, 2)
square, variance = np.square(mu).mean(), np.exp(logvar).mean()
print(f"E μ² = {square:.2f}, E σ² = {variance:.3f}, together {square + variance:.2f}")

assert flat_result["loss"] > result["loss"] + 20

# %%
some = np.random.default_rng(1).permutation(10_000)[:3000]
figures.show(figures.latent_scatter(mu[some], data.y_test[some]), "6.8")

# %% [markdown]
# *Figure 6.8. The codes of 3,000 test digits in two dimensions: one cloud about the origin,
# most of it within three units. The 0s, 1s and 7s have regions of their own around the
# edge, and the 6s have two. The 2s, 3s, 5s and 8s crowd in the middle. The 4s and 9s cover
# the same region below it.*
#
# Compare Figure 6.8 with Figure 3.5, which had two dimensions too. There, rays reached out
# beyond 15; here, the codes form a single cloud. It is somewhat larger than the prior: in
# each dimension the prior has $\mathbb E z^2 = 1$, and the draws from all posteriors have
# $\mathbb E \mu^2 + \mathbb E \sigma^2 \approx 1.46$. The price of codes keeps the cloud
# that small.
#
# > **Predict.** Each code is the mean of a posterior. How wide are the posteriors, compared
# > with the cloud? Do they leave gaps, places that the prior can draw and no image claims?

# %% tags=["hide-input", "hide-output"]
few, sigma = some[:250], np.exp(logvar / 2)
ellipses = figures.posterior_ellipses(mu[few], logvar[few], data.y_test[few], mu[some])
figures.show(ellipses, "6.9")
drawn = np.random.default_rng(2).standard_normal((1000, 2))
within = np.array([np.any(np.sum(((z - mu) / sigma) ** 2, axis=1) < 1) for z in drawn])
print(f"median σ {np.median(sigma):.2f}, spread of the codes {mu.std():.2f}")
print(f"{100 * within.mean():.0f} % of draws from the prior lie within σ of some image")

is_outer = np.linalg.norm(mu, axis=1) > np.median(np.linalg.norm(mu, axis=1))
assert 5 * np.median(sigma) < mu.std() and 1.2 < square + variance < 1.9
assert np.median(sigma[is_outer]) > np.median(sigma[~is_outer])
assert 0.8 < within.mean()

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 6.9. The posteriors of 250 test digits, drawn as ellipses of one standard
# deviation over the grey codes of 3,000. The ellipses are small beside the cloud, and
# larger at its edge than in its middle.*
#
# They are narrow, less than a fifth of the spread of the codes, and wider at the edge of
# Figure 6.9, where the codes are sparse. The posteriors of all 10,000 test images leave few
# gaps: most draws from the prior lie within one standard deviation of some image.
#
# </details>
#
# What does the decoder make of each place? Figure 6.10 decodes a grid that is equally
# spaced in *probability*, so each picture stands for the same share of all samples.

# %%
SIDE = 15
decoded = flat.generate(figures.manifold_codes(SIDE))
figures.show(figures.manifold(decoded.reshape(-1, *data.image_shape), SIDE), "6.10")

# %% [markdown]
# *Figure 6.10. A grid of 15 by 15 digits decoded from the plane of codes. Neighbours look
# alike, and from region to region the digits turn into one another: 0s at the upper left,
# 6s above, 1s on the right, 9s and 7s below, 2s, 3s and 8s in the middle.*
#
# Walk through Figure 6.10: every step is a small change. Nobody gave the axes a meaning. If
# you turn the latent space, neither $p(z)$ nor $p(x)$ changes. The bound changes a little,
# because $q$ has no correlations, so the axes are not quite arbitrary. But "the axis of
# slant" is something that we read into them.
#
# To move through a latent space with your finger, draw digits of your own, and see their
# posteriors and their nats: `npvae train --latent-dim 2 --out runs/plane`, and then
# `npvae explore runs/plane`, which writes one page that opens from disk.
#
# ## What can go wrong
#
# **The posterior collapses.** Act II never ends: the KL stays at zero, and every sample is
# the same grey blob. Too much weight on the KL can do that, or a decoder that can do
# without codes, or a bad start. Put a weight of 1,000 on the KL:

# %%
heavy = VAE(784, 10, [200], np.random.default_rng(0), kl_term=KLTerm(beta=1000.0))
train(heavy, steps=300)
parts = mean_loss(heavy, x_test, np.random.default_rng(0))
report("weight 1000, test set", parts)
for warning in warnings_about(heavy, x_test[:500]).values():
    print(textwrap.fill(warning, 80))

assert parts["kl"] < 0.1 and abs(parts["rec"] - landmarks["best constant"]) < 10

# %% [markdown]
# The report shows the KL itself, without its weight, and so should you: a weighted loss is
# not the bound.
#
# **A sigmoid too many.** The log-likelihood takes *logits*. If the network ends in a
# sigmoid and the log-likelihood applies another one, the probabilities lie between 0.5 and
# 0.73. The program trains, and its loss stays far above that of the best constant image.
# The landmarks of 6.1 tell you after a minute.
#
# **Mean instead of sum.** Averaging over 784 pixels makes the KL weigh 784 times as much,
# and the codes collapse as above.
#
# **Pictures of means.** All pictures show the *probability* of white for each pixel. Draws
# from the Bernoulli distribution would be speckled. The means are prettier than the model's
# own samples.
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
# Before: [5. Reparameterization](05_reparameterization.ipynb). Next: [7. Backward by hand,
# and nine bugs](07_backward_by_hand.ipynb).
