"""Figure 2 of Kingma and Welling (2014): the bound of MNIST against the training examples that the model has seen.

Their protocol, section 5: encoder and decoder with one hidden layer of 500 units, minibatches of 100, one sample of z,
Adagrad with the rate among 0.01, 0.02 and 0.1 that does best on the training set in the first iterations, all
parameters drawn from N(0, 0.01). They show AEVB beside wake-sleep, for 3, 5, 10, 20 and 200 latent dimensions, up to
10⁸ examples. They conclude that superfluous latent dimensions do not overfit, because the bound regularizes.

The hidden units are tanh, as in their appendix C. We take 0.01 to be the variance of the initial parameters, not their
standard deviation. We train AEVB alone, on grey pixels, without their weight decay, whose gradient θ / N is small.
Their second curve is the test set; ours is 5,000 training images that are held out, and the table adds the test set.
"""

import numpy as np

from ..figures import plots
from ..training.evaluation import mean_loss
from ..training.loop import Diverged
from .experiment import table, trained

LATENT_DIMS = (3, 5, 10, 20, 200)
RATES = (0.01, 0.02, 0.1)
FIRST = 1000  # steps, after which the rate is chosen
BATCH = 100
HELD_OUT = 5000  # training images, for the second curve of each pair


def _draw_all(run):
    """Draw all parameters from N(0, 0.01), where 0.01 is the variance."""
    rng = np.random.default_rng(run.settings["seed"])
    for p in run.model.parameters():
        p.data = rng.normal(0, 0.1, p.shape).astype(p.dtype)


def kingma_welling(folder, examples=10**7):
    """Train a VAE for each number of latent dimensions, on this number of examples; draw figure 2."""
    rows, curves = [], {}
    for latent_dim in LATENT_DIMS:
        chosen = {"hidden": [500], "activation": "tanh", "latent_dim": latent_dim, "optimizer": "adagrad"}
        chosen |= {"batch_size": BATCH, "validation": HELD_OUT}
        first = {}
        for lr in RATES:
            try:
                run = trained(folder / f"rates/{latent_dim}-{lr:g}", FIRST, _draw_all, lr=lr, **chosen)
                first[lr] = np.mean([row[0] for row in run.training.history[-100:]])
            except Diverged:
                first[lr] = np.inf
        lr = min(first, key=first.get)
        run = trained(folder / f"{latent_dim}", examples // BATCH, _draw_all, lr=lr, **chosen)
        losses, held_out = np.array(run.training.history)[:, 0], dict(run.training.validations)
        # Single minibatches are noisy: each point is the mean over the last fifth of the steps so far.
        seen = {step: losses[step - step // 5 : step].mean() for step in held_out}
        curves[latent_dim] = seen, held_out
        training, test = (mean_loss(run.model, x, 0) for x in (run.x_train, run.x_test))
        last = held_out[max(held_out)]
        bounds = (f"{-value:.1f}" for value in (training["loss"], last, test["loss"]))
        lost = last - min(held_out.values())
        rows.append([latent_dim, f"{lr:g}", *bounds, f"{lost:.2f}", f"{test['kl']:.1f}"])
    _figure(curves).savefig(folder / "kingma-welling.png")
    header = ["latent dimensions", "rate", "training", "held out", "test", "below its best", "KL, test"]
    return [
        f"MNIST (grey), 784-500-z tanh, batch {BATCH}, Adagrad, seed 0, {examples:,} examples; the ELBO in nats per",
        f"example, at the end. held out: {HELD_OUT:,} of the training images. below its best: how far the held-out",
        "bound is below its best value, in nats: what a model that overfits loses.",
        *table(header, rows),
        "Published (figure 2, curves without numbers): more latent dimensions do not overfit.",
    ]


def full(folder):
    """Train as long as they did: on 10⁸ examples."""
    return kingma_welling(folder, 10**8)


def _figure(curves):
    """Draw the bound of each model: from the latent dimensions to pairs of dicts from step to loss."""
    figure = plots.new_figure(6, 4)
    axes = figure.add_subplot()
    for (latent_dim, pair), (colour, _, _) in zip(curves.items(), plots.STYLES):
        for losses, style in zip(pair, ("-", ":")):
            examples, bound = BATCH * np.array(list(losses)), [-loss for loss in losses.values()]
            axes.plot(examples, bound, style, color=colour, label=f"{latent_dim}" if style == "-" else None)
    axes.set_xscale("log")
    axes.set_ylim(-160, -95)
    axes.set_xlabel("training examples seen (solid: their bound; dotted: held-out images)")
    axes.set_ylabel("ELBO in nats per example")
    axes.legend(title="latent dimensions", frameon=False)
    return figure
