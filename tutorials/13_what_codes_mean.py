# %% [markdown]
# # 13. What codes mean
#
# A trained VAE gives every picture a handful of numbers. It is tempting to read them: this
# one is the length of the sleeve, that one the width of the sole. This chapter asks how far
# such readings can be trusted. It counts which of 32 numbers are used, walks between
# pictures on straight and on curved paths, and then trains on pictures whose true factors
# are known, so that a reading can be checked. In the end it proves what no amount of data
# can tell us about the axes, and finds what aligns them all the same.
#
# After this chapter you can
#
# - say how many nats each latent dimension costs, and draw what it changes;
# - explain why draws from $\mathcal N(0, I)$ lie near a sphere, and what that does to a
#   straight line between two codes;
# - make and read a table of known factors against latent dimensions;
# - prove that turning the latent space leaves $p(x)$ unchanged;
# - compute what a diagonal $q$ loses when the space is turned, and say when that is
#   nothing.
#
# You need: chapters 4, 6 and 8. The symbols are on [one page](notation.md).

# %%
import matplotlib.pyplot as plt
import numpy as np

from npvae import datasets, figures, learn
from npvae.autodiff import no_grad
from npvae.models import VAE
from npvae.models.pca import principal_components as engines_principal_components
from npvae.nn import optim, schedules
from npvae.probability import DiagonalGaussian, KLTerm, refine
from npvae.training import Training
from npvae.training.evaluation import explained_by, mean_loss, nearest

SEED = 0


def train(model, x, lr, seed=SEED):
    """The model after 1,000 steps of Adam, with minibatches of 100."""
    rng = np.random.default_rng(seed)
    training = Training(model, optim.Adam(model.parameters(), lr=lr), x, 100, rng)
    while training.step < 1000:
        training.take_step()
    return model


def kl_of_each(q):
    """KL of each latent dimension, averaged over the examples: (latent_dim,)."""
    return 0.5 * (q.mu**2 + np.exp(q.logvar) - 1 - q.logvar).mean(axis=0)

# %% [markdown]
# ## 13.1 Thirty-two codes for clothes
#
# Fashion-MNIST has the format of MNIST, but its pictures show clothes: shirts, dresses,
# coats, shoes, bags. Its 10,000 test images come with npvae as a data set of their own:
# 9,000 to train on, 1,000 to test on. We train the same VAE on them and on 9,000 digits,
# with 32 latent dimensions, far more than it needs.

# %%
clothes, digits = datasets.load("fashion-mnist-10k"), datasets.load("mnist")
sets = {
    "clothes": (clothes.x_train, clothes.x_test),
    "digits": (digits.x_train[:9000], digits.x_test[:1000]),
}
models = {}
for name, (x_train, _) in sets.items():
    model = VAE(784, 32, [256, 128], np.random.default_rng(SEED))
    models[name] = train(model, x_train, lr=2e-3)

# %% [markdown]
# > **Predict.** The loss of the clothes is twice that of the digits: about 250 nats per
# > picture, and 120. For which of the two sets does the VAE pay more nats for the codes?

# %% tags=["hide-output"]
def perfect_copy(x):
    """The loss of a copy without error, in nats: the price of grey pixels (6.1)."""
    p = np.clip(x, 1e-7, 1 - 1e-7)
    return -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1).mean()


posteriors, kl, lost = {}, {}, {}
for name, (_, x_test) in sets.items():
    q = posteriors[name] = models[name].posteriors(x_test)
    kl[name] = kl_of_each(q)
    lost[name] = mean_loss(models[name], x_test, np.random.default_rng(0))
    floor, used = perfect_copy(x_test), (kl[name] > 0.1).sum()
    print("{:8} loss {loss:.1f} = rec {rec:.1f} + kl {kl:.1f}".format(name, **lost[name]))
    print(f"{'':8} a perfect copy costs {floor:.1f}; {used} of 32 dimensions are used")

# %% tags=["hide-input"]
assert lost["clothes"]["loss"] > 1.8 * lost["digits"]["loss"]
assert lost["digits"]["kl"] > lost["clothes"]["kl"] + 2
assert perfect_copy(clothes.x_test) > 4 * perfect_copy(digits.x_test[:1000])
assert 4 <= (kl["clothes"] > 0.1).sum() < (kl["digits"] > 0.1).sum() < 25

# %% tags=["hide-input", "hide-output"]
fig, ax = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
for name, marker, colour in [("clothes", "o", "tab:blue"), ("digits", "^", "tab:orange")]:
    ax.plot(np.arange(1, 33), np.sort(kl[name])[::-1], marker, color=colour,
            linestyle="-", markersize=6, linewidth=1, label=name)
ax.set(xlabel="latent dimension, sorted by its KL", ylabel="KL in nats", ylim=(-0.1, None))
ax.legend(frameon=False)
figures.show(fig, "13.1")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 13.1. The KL of each of the 32 latent dimensions, sorted, for clothes (blue
# circles) and digits (orange triangles). Both begin above two nats. The clothes drop to
# nothing after about seven dimensions, the digits after about twelve.*
#
# The digits. Most of the loss of the clothes, 188 of 250 nats, is what even a perfect copy
# would cost, because clothes are grey and the Bernoulli distribution describes black and
# white (6.1). For digits, that is 45 nats. The price of the codes is the KL. In Figure 13.1
# it is spread over fewer dimensions for the clothes: 25 of 32 are switched off.
#
# </details>
#
# So neither the loss nor the number 32 says how much a code holds.
#
# ## 13.2 One dimension at a time
#
# A **traversal** starts from the code of one picture, moves a single dimension from −3 to
# 3, and decodes. We take the four dimensions with the largest KL, and the one with the
# smallest.

# %%
model, x_test, q = models["clothes"], clothes.x_test, posteriors["clothes"]
order = np.argsort(-kl["clothes"])
shown = [*order[:4], order[-1]]
start = q.mu[np.flatnonzero(clothes.y_test == 0)[0]]     # the first T-shirt
walks = np.tile(start, (5, 9, 1))                        # (dimension, step, 32)
for row, j in enumerate(shown):
    walks[row, :, j] = np.linspace(-3, 3, 9)
pictures = model.generate(walks.reshape(-1, 32)).reshape(-1, 28, 28, 1)
names = [f"{kl['clothes'][j]:.1f} nats" for j in shown]
figures.show(figures.image_sheet(pictures, 9, row_names=names), "13.2")


def change_of_picture(j):
    """The mean change, summed over pixels, when dimension j moves from −2 to 2."""
    low, high = q.mu[:200].copy(), q.mu[:200].copy()
    low[:, j], high[:, j] = -2, 2
    return np.abs(model.generate(high) - model.generate(low)).sum(axis=1).mean()


change = np.array([change_of_picture(j) for j in order])
print("change of the picture, by falling KL:", *(f"{c:.0f}" for c in change[:9]), "…")
sorted_kl = kl["clothes"][order]
assert change[sorted_kl > 1].min() > 5 * change[sorted_kl < 0.05].max()

# %% [markdown]
# *Figure 13.2. Five traversals from the code of a T-shirt, one in each row, with the KL of
# the dimension at the left. In the first four rows the picture changes to other kinds of
# clothing; in the last one, with a KL of zero, all nine pictures are the same.*
#
# Look at the rows of Figure 13.2. Is one of them "sleeves", or "a shoe"? Most rows change
# several things at once, and the row that seems to have a name has it for this one T-shirt.
# What can be measured is smaller: a dimension that costs more than a nat changes the
# picture over five times as much as one that costs nothing.
#
# ## 13.3 Where the prior lives
#
# Before we walk *between* codes, look at where codes are. Draw $z \sim \mathcal N(0, I)$ in
# 32 dimensions. The density $p(z)$ is largest at the origin.
#
# > **Predict.** Of 10,000 draws, how near to the origin does the nearest one come? And take
# > the midpoint of two draws: what is its length, and how many of the draws are so short?

# %% tags=["hide-output"]
rng = np.random.default_rng(SEED)
a, b = rng.standard_normal((2, 10_000, 32))
middle = (a + b) / 2


def length(z):
    return np.linalg.norm(z, axis=-1)


def share_below(draws, others):
    """The share of the draws that are shorter than half of the others."""
    return np.mean(length(draws) < np.median(length(others)))


rare = share_below(a, middle)
print(f"draws: length {length(a).mean():.2f} ± {length(a).std():.2f},",
      f"the shortest {length(a).min():.2f}; √32 = {np.sqrt(32):.2f}")
print(f"midpoints: {length(middle).mean():.2f};",
      f"{100 * rare:.1f} % of the draws are shorter than that")

# %% tags=["hide-input"]
assert 2 < length(a).min() < 4 and abs(length(a).mean() - np.sqrt(32)) < 0.1
assert rare < 0.015 and abs(length(a).std() - np.sqrt(0.5)) < 0.03

# %% tags=["hide-input", "hide-output"]
fig, ax = plt.subplots(figsize=(5.5, 3), layout="constrained")
bins = np.linspace(0, 9, 73)
ax.hist(length(a), bins, color="0.6", label="draws")
ax.hist(length(middle), bins, histtype="step", color="tab:orange", linewidth=2,
        linestyle="--", label="midpoints")
ax.axvline(np.sqrt(32), color="tab:blue", linestyle=":", linewidth=2, label="√32")
ax.set(xlabel="distance from the origin", ylabel="of 10,000")
ax.legend(frameon=False)
figures.show(fig, "13.3")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 13.3. Histograms of the distance from the origin, in 32 dimensions. Draws from the
# prior, filled grey, lie mostly between 4 and 7.5, around the dotted line at √32. The
# midpoints of two draws, the dashed outline, lie around 4, where hardly any draw is.*
#
# None of 10,000 comes nearer than 3. $\lVert z \rVert^2$ is the sum of 32 terms $z_j^2$
# with the mean 1 and the variance 2, so it is $32 \pm 8$, and $\lVert z \rVert$ is about
# $\sqrt{32} \pm 0.7$. The density is largest at the origin, but there is no room: the
# volume of a shell at the distance $r$ grows as $r^{31}$. A midpoint has the variance
# $\tfrac14 + \tfrac14 = \tfrac12$ in every dimension, hence a length of about
# $\sqrt{16} = 4$; less than 1 % of the draws are so short.
#
# </details>
#
# So the straight line between two draws runs through places that the prior hardly ever
# visits, as Figure 13.3 shows. There is a way round: **slerp**, interpolation along the
# sphere. With the angle $\omega$ between $a$ and $b$,
#
# $$ z(t) = \frac{\sin((1 - t)\,\omega)}{\sin \omega}\, a + \frac{\sin(t\,\omega)}{\sin \omega}\, b. $$
#
# If $a$ and $b$ are perpendicular, the two weights are $\cos(t \cdot 90°)$ and
# $\sin(t \cdot 90°)$, and their squares add up to 1. Two independent draws are nearly
# perpendicular when there are many dimensions: the cosine of their angle is
# $0 \pm 1/\sqrt{32}$ here. And with these weights, every point of the path has the variance
# 1 in each dimension: it is itself a draw from $\mathcal N(0, I)$.

# %%
def slerp(a, b, t):                      # a, b (N, latent_dim), t a number or (N, 1)
    cosine = (a * b).sum(axis=-1, keepdims=True)
    cosine = cosine / np.expand_dims(length(a) * length(b), -1)
    angle = np.arccos(np.clip(cosine, -1, 1))
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)


cosines = (a * b).sum(axis=1) / (length(a) * length(b))
print(f"cosine of the angle between two draws: {cosines.mean():.2f} ± {cosines.std():.2f}")
print(f"halfway along the sphere: length {length(slerp(a, b, 0.5)).mean():.2f}")

assert abs(cosines.mean()) < 0.02 and abs(cosines.std() - 1 / np.sqrt(32)) < 0.01
assert abs(length(slerp(a, b, 0.5)).mean() - length(a).mean()) < 0.1

# %% [markdown]
# ## 13.4 Straight, or along the sphere?
#
# Decode both kinds of midpoints, and compare how far their pixels are from ½, as in 6.6.
# Then ask another question. For two *test images*, we know where codes of real pictures
# are: at $\mu(x)$. Figure 13.4 shows both paths.

# %%
def contrast(z):
    """How far the pixels of the decoded pictures are from ½."""
    return np.abs(model.generate(z) - 0.5).mean()


c, d = a[:1000], b[:1000]
by_draws = [contrast(z) for z in (c, (c + d) / 2, slerp(c, d, 0.5))]
print("contrast: draws {:.3f}, straight {:.3f}, sphere {:.3f}".format(*by_draws))

assert by_draws[1] < by_draws[0] - 0.01 and abs(by_draws[2] - by_draws[0]) < 0.01

# %% tags=["hide-input"]
boot, dress = (q.mu[np.flatnonzero(clothes.y_test == y)[:1]] for y in (9, 3))
t = np.linspace(0, 1, 9)[:, None]
paths = np.concatenate([(1 - t) * boot + t * dress, slerp(boot, dress, t)])
rows = model.generate(paths).reshape(-1, 28, 28, 1)
figures.show(figures.image_sheet(rows, 9, row_names=["straight", "sphere"]), "13.4")

# %% [markdown]
# *Figure 13.4. Two paths from an ankle boot to a dress, nine pictures each, straight in the
# upper row and along the sphere in the lower. Both begin and end alike; in the middle the
# upper row is fainter.*
#
# > **Predict.** Take 500 pairs of test images. Whose midpoints are nearer to the codes of
# > training images: those of the straight lines, or those of the sphere?

# %% tags=["hide-output"]
known = model.codes(clothes.x_train)
first, second = q.mu[:500], q.mu[500:]
found = {
    "test images": q.mu, "straight": (first + second) / 2,
    "sphere": slerp(first, second, 0.5),
}
far = {name: np.median(nearest(z, known)[1]) for name, z in found.items()}
for name, z in found.items():
    print(f"{name:12} length {length(z).mean():.2f}, contrast {contrast(z):.3f},",
          f"to the nearest code {far[name]:.2f}")
used = kl["clothes"] > 0.1
not_rare = share_below(a[:, used], middle[:, used])
print(f"in the {used.sum()} used dimensions, {100 * not_rare:.0f} % of the draws",
      "are shorter than a midpoint")
drawn = q.rsample(rng).data
in_the_others = length(drawn[:, ~used]).mean(), length(q.mu[:, ~used]).mean()
print(f"draws from q: length {length(drawn).mean():.2f};",
      "in the other dimensions {:.2f}, their means {:.2f}".format(*in_the_others))

# %% tags=["hide-input"]
assert far["test images"] < far["straight"] - 0.1 < far["straight"] < far["sphere"] - 0.1
assert abs(contrast(found["sphere"]) - contrast(q.mu)) < 0.015
assert contrast(found["straight"]) < contrast(q.mu) - 0.02
assert 0.05 < not_rare < 0.3 and in_the_others[1] < 0.25 * in_the_others[0]
assert abs(length(drawn).mean() - np.sqrt(32)) < 0.4
assert in_the_others[0] ** 2 > 0.6 * np.square(length(drawn)).mean()

# %% [markdown]
# <details><summary>Answer</summary>
#
# Those of the straight lines. The sphere keeps the length of the codes, and the pictures
# keep their contrast; but halfway along the sphere, the codes of real pictures are farther
# away.
#
# </details>
#
# Two lessons. *Typical of the prior* is not *near the data*: the first is a question of
# length, and the second of direction too. And the argument of 13.3 is weaker than it looks.
# The length of 5.7 is mostly noise in the unused dimensions, where the mean $\mu$ is short,
# and which the decoder ignores. In the used dimensions alone, about an eighth of all
# draws are shorter than a midpoint. Use slerp for walks between *draws*; between test
# images, look at both.
#
# ## 13.5 Pictures whose factors are known
#
# What do the dimensions mean? For clothes, nobody knows the right answer. For the synthetic
# `shapes` we do: a shape (disc, square, triangle), its hue, its size, and its position
# across and down make up the whole picture. We shrink the pictures to 8 × 8 pixels (Figure
# 13.5), so that four models train quickly: two seeds, and two weights $\beta$ of the KL.
# With $\beta = 1$ the objective is the bound; $\beta = 2$ makes a $\beta$-VAE.

# %%
shapes = datasets.load("shapes")


def smaller(x):
    """Means over blocks of 8 × 8 pixels: (N, 64 · 64 · 3) → (N, 8 · 8 · 3)."""
    return x.reshape(-1, 8, 8, 8, 8, 3).mean(axis=(2, 4)).reshape(len(x), -1)


x_train, x_test = smaller(shapes.x_train), smaller(shapes.x_test)
RUNS = [(1.0, SEED), (1.0, SEED + 1), (2.0, SEED), (2.0, SEED + 1)]
trained = {}
for beta, seed in RUNS:
    model = VAE(192, 10, [128, 64], np.random.default_rng(seed), kl_term=KLTerm(beta=beta))
    trained[beta, seed] = train(model, x_train, lr=3e-3, seed=seed)

# %% tags=["hide-input"]
several = np.concatenate([shapes.x_test[:8].reshape(-1, 64, 64, 3),
                          x_test[:8].reshape(-1, 8, 8, 3).repeat(8, 1).repeat(8, 2)])
figures.show(figures.image_sheet(several, 8, row_names=["64 × 64", "8 × 8"]), "13.5")

# %% [markdown]
# *Figure 13.5. Eight of the shapes, above as they are, discs, squares and triangles of many
# colours on black, and below shrunk to 8 by 8 pixels: colour and place can still be seen,
# size roughly, and the shape hardly.*
#
# How much does a latent dimension follow a factor? Sort the examples into 20 bins by the
# factor, and compare the variance of the bins' means of $\mu_j(x)$ with the whole variance:
#
# $$ \eta^2 = \frac{\mathrm{Var}\big(\mathbb E[\mu_j \mid \text{bin}]\big)}{\mathrm{Var}(\mu_j)}. $$
#
# It is 1 if the factor determines $\mu_j$, and about 0.02 for 1,000 examples if the two are
# independent. [explained_by](../npvae/training/evaluation.py) computes it, and `npvae draw`
# makes a table of it for every run on shapes.

# %%
FACTORS = list(shapes.factors_test)


def table_of(codes):
    """η² of each dimension and factor: (latent_dim, 5)."""
    shares = [explained_by(factor, codes) for factor in shapes.factors_test.values()]
    return np.stack(shares, axis=1)


tables, measured, used, nats = {}, {}, {}, {}
for run, model in trained.items():
    q = model.posteriors(x_test)
    rows = np.argsort(-kl_of_each(q))
    used[run] = rows[kl_of_each(q)[rows] > 0.1]          # those with the largest KL first
    nats[run] = kl_of_each(q)[used[run]]
    tables[run] = table_of(q.mu)[used[run]]
    measured[run] = mean_loss(model, x_test, np.random.default_rng(0))
    loss_and_kl = "loss {loss:.2f}, kl {kl:.2f}".format(**measured[run])
    print("β = {:.0f}, seed {}:".format(*run), loss_and_kl,
          f"in {len(used[run])} dimensions")

losses = np.array([measured[run]["loss"] for run in RUNS])
assert abs(losses[0] - losses[1]) < 0.5 and abs(losses[2] - losses[3]) < 0.5
assert losses[2:].min() > losses[:2].max() + 0.4
assert max(len(used[run]) for run in RUNS[2:]) < min(len(used[run]) for run in RUNS[:2])

# %% [markdown]
# With the same $\beta$, the two seeds reach nearly the same loss, less than half a nat
# apart.
#
# > **Predict.** So have they found the same codes? And does the larger $\beta$ give each
# > factor an axis of its own?

# %% tags=["hide-input", "hide-output"]
fig, axes = plt.subplots(2, 2, figsize=(6.5, 5), layout="constrained", sharex=True)
most = max(map(len, tables.values()))
for ax, run in zip(axes.flat, RUNS):
    shares = tables[run]
    ax.imshow(shares, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        ax.text(column, row, f"{share:.2f}"[1:] if share < 0.995 else "1.0", ha="center",
                va="center", color="white" if share > 0.5 else "black")
    ax.set_xticks(range(5), FACTORS, rotation=45)
    labels = [f"z{j + 1}: {k:.1f}" for j, k in zip(used[run], nats[run])]
    ax.set_yticks(range(len(shares)), labels)
    ax.set_ylim(most - 0.5, -0.5)
    ax.set_title("β = {:.0f}, seed {}".format(*run))
figures.show(fig, "13.6")

# %% tags=["hide-output"]
best = np.array([tables[run].max(axis=0) for run in RUNS])           # (4, 5)
print("largest share of  ", *(f"{name:>6}" for name in FACTORS))
for run, row in zip(RUNS, best):
    print("β = {:.0f}, seed {}:    ".format(*run), *(f"{share:6.2f}" for share in row))

# %% tags=["hide-input"]
apart = best[:, [1, 3, 4]]               # hue, across, down
assert apart.max() > 0.8 and apart.min() < 0.75 and apart.min() > 0.3
size = FACTORS.index("size")
assert all(tables[run][:, size].argmax() >= 2 for run in RUNS[:2])
assert best[:2, size].min() > best[2:, size].max() + 0.05 and best[2:, size].max() < 0.1

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 13.6. Four tables of the share of variance that each factor (columns) explains
# of each used latent dimension (rows, with its KL in nats, largest first), two seeds side
# by side, β of 1 above and β of 2 below. With seed 0 and β of 1, three rows have one dark
# cell each: across, down, hue. With seed 1, the same factors are spread over several
# rows. With β of 2, the fourth row is gone, and with it the size; the seeds still
# differ.*
#
# No, twice. In Figure 13.6, one seed has nearly one axis for each of hue, across and down,
# and the other mixes them. Which one mixes changes from seed to seed, and the loss does not
# tell. The larger $\beta$ took away the dimension that held the size: fewer factors are
# left, and these may be mixed or not.
#
# </details>
#
# Nor does it help to look for the right seed: to see which table is better, you need the
# factors, and if you had those, you would not need to look. Why does the bound not decide?
#
# ## 13.6 Turning the latent space
#
# Take any decoder $f$ and any rotation $R$ ($R^\top R = I$), and let another model have the
# decoder $f'(z') = f(R^\top z')$. Then
#
# $$ \begin{aligned}
# p'(x) &= \int p\big(x \mid f(R^\top z')\big)\, p(z')\, dz' \\
# &= \int p\big(x \mid f(z)\big)\, p(Rz)\, dz \\
# &= \int p\big(x \mid f(z)\big)\, p(z)\, dz = p(x).
# \end{aligned} $$
#
# The second line substitutes $z' = Rz$, whose determinant is 1 or −1. The third holds
# because $p(z)$ depends on the length of $z$ alone, and $\Vert Rz \Vert = \Vert z \Vert$.
#
# The two models give every $x$ the same probability. No data, however much, can say which
# of them made it. If $z_1$ is the hue in one, it may be a mixture of hue, place and size in
# the other. (Rotations are only the simplest case. Locatello
# and others prove that for a prior with independent dimensions there are always maps that
# mix *all* of them and leave $p(x)$ as it was. So without assumptions about the model or
# the data, disentangled codes cannot be learned from $x$ alone.)
#
# The posterior turns with the space. If $\mathcal N(\mu, \Sigma)$ is the best $q$ of an
# example in the first model, $\mathcal N(R\mu, R \Sigma R^\top)$ does as well in the
# second: the draws decode to the same pictures, and the KL, which has only the trace and
# the determinant of the covariance and the length of the mean, is the same. **The bound
# is the same, if $q$ may have any covariance.**
#
# But our $q$ is diagonal, and $R \Sigma R^\top$ need not be.
#
# ## 13.7 What a diagonal q loses
#
# The cleanest case is a linear decoder, $p(x \mid z) = \mathcal N(Wz + b, \sigma^2 I)$,
# where all of it is known (4.7). The posterior has the *same* precision for every $x$
# (that is, the inverse of its covariance): $\Lambda = I + W^\top W / \sigma^2$. A
# diagonal $q$ with the right mean and the variances $v_j$ has
#
# $$ \begin{aligned}
# \mathrm{KL} &= \tfrac12 \textstyle\sum_j \big[\Lambda_{jj} v_j - 1 - \ln v_j\big]
# - \tfrac12 \ln \det \Lambda \\
# &\ge \tfrac12 \textstyle\sum_j \ln \Lambda_{jj} - \tfrac12 \ln \det \Lambda,
# \end{aligned} $$
#
# with equality for $v_j = 1 / \Lambda_{jj}$. By Hadamard's inequality,
# $\det \Lambda \le \prod_j \Lambda_{jj}$, so the last line is never negative. It is zero
# only if $\Lambda$ is diagonal: only if the **columns of $W$ are perpendicular**. Among
# all rotations of the best decoder, which have the same $p(x)$, the bound prefers those
# with perpendicular columns: the principal axes. Write the function that finds them:

# %%
def principal_components(x, count):      # x (N, D)
    raise NotImplementedError("write the function here, in place of this line")
    return mean, components, eigenvalues     # (D,), (count, D), (D,)


learn.check(principal_components)
principal_components = engines_principal_components          # from here on

# %% [markdown]
# Take points in three dimensions, and two latent ones. One cloud has the widths 3, 1 and
# 0.3, the other 2, 2 and 0.3. The decoder that makes the data most likely is
# $W = U (\lambda - \sigma^2)^{1/2} R$, with the first two principal directions $U$, their
# eigenvalues $\lambda$, and any $R$.
#
# > **Predict.** Turn $R$ from 0° to 180°. At which angles does the diagonal $q$ lose
# > nothing, in the first cloud and in the second?

# %% tags=["hide-output"]
def rotation(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s], [s, c]])


def lost_by_diagonal(precision):         # Λ (..., J, J) → (...), the last line above
    diagonal = np.diagonal(precision, axis1=-2, axis2=-1)
    return 0.5 * (np.log(diagonal).sum(axis=-1) - np.linalg.slogdet(precision)[1])


rng = np.random.default_rng(SEED)
angles, curves = np.arange(0, 181, 5), {}
for widths in [(3, 1, 0.3), (2, 2, 0.3)]:
    cloud = rng.standard_normal((2000, 3)) * widths
    _, U, eigenvalues = principal_components(cloud, 2)
    variance = eigenvalues[2]
    W = U.T * np.sqrt(eigenvalues[:2] - variance)
    turned = [W @ rotation(angle) for angle in angles]
    assert all(np.allclose(V @ V.T, W @ W.T) for V in turned)        # p(x) is the same
    curves[widths] = [lost_by_diagonal(np.eye(2) + V.T @ V / variance) for V in turned]

# %% tags=["hide-input", "hide-output"]
fig, ax = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
for (widths, curve), style, marker in zip(curves.items(), ["-", "--"], ["o", "s"]):
    ax.plot(angles, curve, style, marker=marker, markevery=3, markersize=6,
            label=f"widths {widths[0]} and {widths[1]}")
ax.set(xlabel="angle of the rotation", ylabel="nats that a diagonal q loses")
ax.set_xticks(range(0, 181, 45), [f"{angle}°" for angle in range(0, 181, 45)])
ax.set_ylim(-0.03, 0.72)
ax.legend(frameon=False, loc="upper center", ncols=2)
figures.show(fig, "13.7")

# %% tags=["hide-output"]
unlike, equal = map(np.array, curves.values())
print("0°, 45°, 90°:", *(f"{unlike[i]:.3f}" for i in (0, 9, 18)), "nats")
print(f"equal widths, at most: {equal.max():.4f} nats")

# %% tags=["hide-input"]
assert unlike[[0, 18, 36]].max() < 1e-6 and abs(unlike[9] - np.log(5 / 3)) < 0.08
assert equal.max() < 0.01

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 13.7. What the best diagonal q loses, against the angle of the rotation. The solid
# curve, for widths of 3 and 1, is zero at 0, 90 and 180 degrees and has humps of half a nat
# between them; the dashed one, for equal widths, is zero everywhere.*
#
# With unequal widths, only at multiples of 90°, where the axes are the principal ones, up
# to their order and sign. With equal widths, everywhere: every rotation has perpendicular
# columns. (At 45° both $\Lambda_{jj}$ are the mean $m$ of the two eigenvalues of $\Lambda$,
# and the loss is the logarithm of the ratio of $m$ to their geometric mean: here about
# $\ln \tfrac{5}{3} \approx 0.51$.)
#
# </details>
#
# Figure 13.7 is the answer to 13.5. **The diagonal $q$ prefers axes; $p(x)$ does not.** And
# between directions of equal width, not even the diagonal $q$ has a preference. For a
# network, the same holds approximately near each code: what must be perpendicular are the
# columns of the decoder's derivative $\partial f / \partial z$ (Rolinek and others).
#
# Test it on the first of our four models. Its first two dimensions, "across" and "down",
# cost nearly the same: to the data, the two directions are alike. We turn pairs of its
# dimensions by 45°, fit a diagonal $q$ to 200 examples as well as possible, by the E-step
# of chapter 8, and compare the bound.
#
# > **Predict.** What does it lose: if we turn the two dimensions with the largest KL into
# > each other? If we turn the first and an unused one? If we turn all ten at random?

# %% tags=["hide-output"]
model, some = trained[1.0, SEED], x_test[:200]
order = np.argsort(-kl_of_each(model.posteriors(x_test)))


def fit(decode, q):
    falling = schedules.cosine(0.05, 200)
    return refine(some, q, decode, np.random.default_rng(0), 200, falling, samples=4)


def bound(decode, q, R):
    """The bound for draws Rz of q turned by R, 50 of them: the KL is that of q."""
    rng = np.random.default_rng(0)
    with no_grad():
        log_p = [decode(q.rsample(rng).data @ R.T).log_prob(some).data for _ in range(50)]
    return (np.mean(log_p, axis=0) - q.kl_divergence().data).mean()


def pair(i, j):
    R = np.eye(10)
    R[np.ix_([i, j], [i, j])] = rotation(45)
    return R


def turned(R):
    """The decoder f(R⊤ z'), for codes in rows."""
    return lambda z: model.decode(z @ R)


at_random = np.linalg.qr(np.random.default_rng(SEED).standard_normal((10, 10)))[0]
rotations = {
    "the first two": pair(order[0], order[1]), "first, unused": pair(order[0], order[-1]),
    "all at random": at_random,
}
losses = {}
with model.frozen():
    I = np.eye(10, dtype=np.float32)
    own = fit(model.decode, model.posteriors(some))
    reference = bound(model.decode, own, I)
    print(f"as trained:    bound {reference:.2f}")
    for name, R in rotations.items():
        R = R.astype(np.float32)
        decode = turned(R)
        full = bound(decode, own, R)                     # with R Σ R⊤
        precision = R @ (np.exp(-own.logvar)[:, :, None] * R.T)
        variance = 1 / np.diagonal(precision, axis1=1, axis2=2)
        best = fit(decode, DiagonalGaussian(own.mu @ R.T, np.log(variance)))
        losses[name] = reference - bound(decode, best, I)
        formula = lost_by_diagonal(precision).mean()
        print(f"{name}: full q {full:.2f}; diagonal q loses {losses[name]:.2f},",
              f"by the formula {formula:.2f}")
        assert abs(full - reference) < 0.01 and abs(losses[name] - formula) < 0.3

# %% tags=["hide-input"]
assert abs(losses["the first two"]) < 0.15 and losses["all at random"] > 1.5
assert 0.4 < losses["first, unused"] < 1.5

# %% [markdown]
# <details><summary>Answer</summary>
#
# Next to nothing; most of a nat; several nats. A full $q$ loses nothing at all, in any of
# the three. The fitted loss agrees with the formula of the linear case, averaged over the
# examples, each with its own $\Lambda$.
#
# </details>
#
# So the bound of our VAE hardly sees a turn of the two positions, and does see a turn of a
# used dimension into an unused one. Now look at the table of the turned model:

# %%
R = rotations["the first two"]
codes = model.codes(x_test)
columns = [FACTORS.index("across"), FACTORS.index("down"), FACTORS.index("hue")]
for name, z in [("as trained", codes), ("turned by 45°", codes @ R.T)]:
    two = table_of(z)[order[:2]][:, columns]
    print(f"{name:14}", *(f"z{j + 1}: " + " ".join(f"{s:.2f}" for s in row) + "  "
                          for j, row in zip(order, two)), "(across, down, hue)")
turned_table = table_of(codes @ R.T)[order[:2]]
largest = np.abs(turned_table - table_of(codes)[order[:2]]).max()
print(f"largest change of a share: {largest:.2f}")

assert largest > 0.1

# %% [markdown]
# Where each position had an axis of its own, both axes now hold both. The bound lost next
# to nothing, and $p(x)$ is the same. This fits Figure 13.6: hue, across and down, which
# cost nearly the same, came out aligned or mixed as chance would have it, while the size
# stayed in the last dimension, which costs less.
#
# ## What can go wrong
#
# **Names for axes.** A row of pictures invites a name. Train with another seed and look
# whether the row comes back; if you know factors, make the table.
#
# **A disentangled model chosen by its factors.** If you try fifty seeds and ten values of
# $\beta$ and show the best table, you have used the labels. Report all seeds.
#
# **A weighted loss, reported as the bound.** With $\beta \ne 1$ the objective is not the
# bound. `mean_loss` shows the bound itself; the $\beta$-VAE's is worse.
#
# **Empty shares.** $\eta^2$ has a floor of (bins − 1)/N, and with 100 examples the floor is
# 0.19.
#
# **Unused dimensions in slerp.** They enter the angle $\omega$, though the decoder ignores
# them. Leave them out, or interpolate between means, where they are near 0.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | ten thousand pictures of clothes | [load_fashion_10k](../npvae/datasets/mnist.py) | [Xiao, Rasul, Vollgraf 2017](https://arxiv.org/abs/1708.07747) |
# | traversals, straight interpolation | [between](../npvae/figures/pictures.py) | |
# | slerp | | Shoemake 1985; for latent spaces [White 2016](https://arxiv.org/abs/1609.04468) |
# | known factors, $\eta^2$, tables | [render](../npvae/datasets/shapes.py), [explained_by](../npvae/training/evaluation.py), [factors](../npvae/figures/plots.py) | |
# | the weight $\beta$ | [KLTerm](../npvae/probability/kl_term.py) | Higgins and others 2017 |
# | codes cannot be identified (13.6) | | [Locatello and others 2019](https://arxiv.org/abs/1811.12359), theorem 1 |
# | a diagonal $q$ aligns axes (13.7) | [ProbabilisticPCA](../npvae/models/ppca.py) | [Rolinek, Zietlow, Martius 2019](https://arxiv.org/abs/1812.06775); linear: [Lucas and others 2019](https://arxiv.org/abs/1911.02469) |
#
# ## Exercises
#
# 1. [`pca`](exercises/08_pca.py) and [`kl`](exercises/09_kl.py): the two functions behind
#    13.7 and Figure 13.1.
# 2. On paper: $a$ and $b$ are independent draws from $\mathcal N(0, I)$ in 32 dimensions.
#    What is the distribution of $(1 - t)\, a + t\, b$? At which $t$ is it shortest, and
#    about how long is it there?
# 3. On paper: prove Hadamard's inequality for two dimensions. At which angle is the loss of
#    13.7 largest, and how large is it if the eigenvalues of $\Lambda$ are 100 and 1?
# 4. Train the two models with $\beta = 1$ on shapes whose position across varies twice as
#    much as that down (`draw_factors` and `render` of `npvae.datasets.shapes`). Are the
#    positions mixed less often? Take ten seeds.
# 5. `npvae train --model conv-vae --data shapes --beta 20 --warm-up 500 --batch-size 64
#    --steps 1500` draws a factor table in full resolution. Train with three seeds
#    (`--seed`), and compare.
#
# Before: [12. Convolutions: the VanillaVAE, line by line](12_convolutions.ipynb). Next:
# [14. A faster step, then PyTorch and JAX](14_a_faster_step.ipynb).
