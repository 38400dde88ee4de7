"""Networks whose results others have published: the same protocol, their numbers, and ours beside them.

Grey pixels in [0, 1] and a Bernoulli likelihood, which is a convention and not a log-likelihood; nats per example.
"""

import numpy as np

from .. import figures
from ..training.evaluation import evaluate
from .experiment import table, trained

SEEDS = (0, 1, 2, 3, 4)


def beside(name, published, ours):
    """Return a row of a table: what was published, the mean of ours over the seeds, and how far apart they are.

    ours   one number for each seed

    The distance is in standard errors of the difference: sd √(1 + 1/n), because the published number is a single run
    too, and our n runs are all we know about how much such runs vary. If nothing else differs, it follows Student's t
    with n − 1 degrees of freedom: for n = 5, it stays within ±2.8 in 95 % of all cases.
    """
    n, mean, sd = len(ours), np.mean(ours), np.std(ours, ddof=1)
    apart = (mean - published) / (sd * np.sqrt(1 + 1 / n))
    return [name, f"{published:g}", f"{mean:.2f}", f"{sd:.2f}", f"{apart:+.1f}"]


HEADER = ["", "published", "ours, mean", "sd of a run", "standard errors apart"]
EPOCH = 469  # minibatches of 128 in the 60,000 images; the last one has 96


def pytorch_example(folder):
    """Repeat PyTorch's VAE example: 784-400-20, minibatches of 128, Adam 1e-3, ten epochs."""
    chosen = {"hidden": [400], "latent_dim": 20, "batch_size": 128, "init": "pytorch_uniform"}
    train, test, curves = [], [], {}
    for seed in SEEDS:
        run = trained(folder / f"seed-{seed}", 10 * EPOCH, seed=seed, **chosen)
        epochs = np.array(run.training.history)[:, 0].reshape(10, EPOCH).mean(axis=1)
        train.append(epochs[-1])
        test.append(evaluate(run.model, run.x_test, np.random.default_rng(seed))["loss"])
        curves[f"seed {seed}"] = (range(1, 11), epochs)
    figures.lines(curves, "epoch", "loss in nats per example").savefig(folder / "pytorch-example.png")
    return [
        "github.com/pytorch/examples, vae: 784-400-20 ReLU, PyTorch's initialisation, MNIST (grey), batch 128, Adam",
        f"1e-3, 10 epochs; nats per example; ours: seeds {SEEDS[0]} to {SEEDS[-1]}",
        *table(HEADER, [beside("train, epoch 10", 106.31, train), beside("test", 105.59, test)]),
    ]


# step, counted from 0: the loss and the KL of a single minibatch, as published
LOG = {0: (545.4, 0.23), 500: (130.9, 11.6), 1000: (126.7, 13.2), 2000: (111.7, 15.2), 5000: (102.8, 15.8),
       9500: (104.2, 16.8)}  # fmt: skip
AROUND = 50  # our minibatches on each side of a published one


def summary(folder):
    """Repeat the network of the README, 10,000 steps, and compare its log with the published one, line by line."""
    runs = [trained(folder / f"seed-{seed}", 10_000, seed=seed) for seed in SEEDS]
    histories = np.array([run.training.history for run in runs])             # (seeds, steps, [loss, rec, KL])
    rows = []
    for step, published in LOG.items():
        # The first step has only its own minibatch, because the loss falls fast.
        near = histories[:, max(0, step - AROUND) : step + AROUND + 1] if step else histories[:, :1]
        cells = []
        for value, column in zip(published, (0, 2)):
            ours = near[..., column].ravel()
            mean, sd = ours.mean(), ours.std(ddof=1)
            cells += [f"{value:g}", f"{mean:.2f} ± {sd:.2f}", f"{(mean - value) / sd:+.1f}"]
        rows.append([step, *cells])
    means = histories[:, :, 0].reshape(len(SEEDS), -1, 100).mean(axis=2)
    curves = {f"seed {seed}": (100 * np.arange(1, len(each) + 1), each) for seed, each in zip(SEEDS, means)}
    curves["published, single minibatches"] = (list(LOG)[1:], [loss for loss, _ in list(LOG.values())[1:]])
    figures.lines(curves, "step", "loss in nats per example", y_range=(95, 160)).savefig(folder / "summary.png")
    last = histories[:, -1000:].mean(axis=1)
    test = [evaluate(run.model, run.x_test, np.random.default_rng(seed)) for seed, run in zip(SEEDS, runs)]
    return [
        "784-512-384-256-10 ReLU, Xavier, MNIST (grey), batch 100, Adam 1e-3, 10,000 steps; nats per example; ours:",
        f"seeds {SEEDS[0]} to {SEEDS[-1]}. Published: one minibatch. Ours: mean ± standard deviation of minibatches",
        f"up to {AROUND} steps before and after. Apart: in these standard deviations.",
        *table(["step", "loss: published", "ours", "apart", "KL: published", "ours", "apart"], rows),
        "",
        *table(
            ["", "expected", *HEADER[2:]],
            [
                beside("loss, steps 9,001 to 10,000", 102.8, last[:, 0]),
                beside("rec", 86.3, last[:, 1]),
                beside("KL", 16.5, last[:, 2]),
                beside("loss on the test set", 104.2, [each["loss"] for each in test]),
            ],
        ),
    ]


IMPORTANCE_SAMPLES = 1000


def fashion(folder):
    """Train the reference network on Fashion-MNIST, and estimate ln p(x) by importance sampling."""
    measured = []
    for seed in SEEDS[:3]:
        run = trained(folder / f"seed-{seed}", 10_000, data="fashion-mnist", seed=seed)
        measured.append(evaluate(run.model, run.x_test, np.random.default_rng(seed), IMPORTANCE_SAMPLES))
    x = run.x_test[:10]
    images = np.concatenate([x, run.model.reconstruct(x), run.model.sample(10, 0)])
    images = images.reshape(-1, *run.dataset.image_shape)
    names = ["test images", "reconstructions", "samples"]
    figures.image_sheet(images, 10, "Fashion-MNIST", names).savefig(folder / "fashion.png")
    names = {"loss": "−ELBO", "rec": "rec", "kl": "KL", "log_likelihood": f"ln p(x), K = {IMPORTANCE_SAMPLES:,}",
             "active_units": "active units of 10", "squared_error": "squared error"}  # fmt: skip
    rows = []
    for key, name in names.items():
        values = [each[key] for each in measured]
        rows.append([name, f"{np.mean(values):.2f}", f"{np.std(values, ddof=1):.2f}"])
    return [
        "784-512-384-256-10 ReLU, Xavier, Fashion-MNIST (grey), batch 100, Adam 1e-3, 10,000 steps; the test set, nats",
        f"per example; seeds {SEEDS[0]} to {SEEDS[2]}",
        *table(["", "ours, mean", "sd of a run"], rows),
    ]
