"""Experiments on MNIST."""

import time

import numpy as np

from .. import figures
from ..models import principal_angles
from ..probability import ESTIMATORS, active_units
from ..probability import estimators as surrogates
from ..training import settings
from ..training.evaluation import codes_of, evaluate
from ..training.warnings import warnings_about
from . import toys
from .experiment import table, trained

REPETITIONS = 300
IMAGES = 100


def linear(folder):
    """Compare the linear autoencoder with PCA, 10 dimensions: errors on the test set, angles between the subspaces."""
    pca, ae = trained(folder / "pca", 0, model="pca"), trained(folder / "linear-ae", 10_000, model="linear-ae")
    errors = [evaluate(run.model, run.x_test, None)["squared_error"] for run in (pca, ae)]
    angles = principal_angles(pca.model.components, ae.model.decoder.layers[1].W.data)
    return [
        "squared error per image of the MNIST test set, 10 dimensions",
        *table(
            ["", ""],
            [
                ["PCA", f"{errors[0]:.4f}"],
                ["linear autoencoder, 10,000 steps", f"{errors[1]:.4f}"],
                ["ratio", f"{errors[1] / errors[0]:.5f}"],
                ["largest angle between the subspaces", f"{angles[-1]:.3f}°"],
            ],
        ),
    ]


COPIED = (2, 10, 32)  # dimensions


def copies(folder):
    """Compare reconstructions of the test set by squared error: PCA, and three deep networks of the same widths."""
    models, errors, sheets, names = ("pca", "ae", "dae", "vae"), {}, [], ["originals"]
    for latent_dim in COPIED:
        for model in models:
            steps = 0 if model == "pca" else 10_000
            run = trained(folder / f"{model}-{latent_dim}", steps, model=model, latent_dim=latent_dim)
            errors[model, latent_dim] = evaluate(run.model, run.x_test, np.random.default_rng(0))["squared_error"]
            if not sheets:
                sheets.append(run.x_test[:10])
            sheets.append(run.model.reconstruct(run.x_test[:10]))
            names.append(f"{model}, {latent_dim}")
    images = np.concatenate(sheets).reshape(-1, *run.dataset.image_shape)
    figures.image_sheet(images, 10, "copies, by model and latent dimension", names).savefig(folder / "copies.png")
    figures.lines(
        {model: (COPIED, [errors[model, d] for d in COPIED]) for model in models},
        "latent dimensions", "squared error per test image", log_x=True, log_y=True,
    ).savefig(folder / "errors.png")  # fmt: skip
    rows = [[model, *(f"{errors[model, d]:.2f}" for d in COPIED)] for model in models]
    return [
        "squared error per image of the MNIST test set, by the latent dimension",
        *table(["", *COPIED], rows),
        "Networks 784-512-384-256, 10,000 steps of batch 100. The DAE saw Gaussian noise of σ 0.5 in",
        "training and sees clean images here. The VAE (Bernoulli) copies by its posterior mean.",
    ]


def estimators(folder):
    """Compare six estimators on the oracle, where the gradient is known, and on the encoder of a VAE for MNIST."""
    run = trained(folder / "vae", 2000, hidden=[200])
    model, x = run.model, run.x_train[:IMAGES]
    encoder = [p for name, p in model.named_parameters() if not name.startswith(("decoder", "likelihood"))]
    estimates = {}
    for name, surrogate in ESTIMATORS.items():
        rng, estimates[name] = np.random.default_rng(0), []
        for _ in range(REPETITIONS):
            q = model.encode(x)
            fixed = surrogates.hold_fixed(x, q, model.decode, rng, toys.Z_SAMPLES)
            model.zero_grad()
            surrogate(x, q, model.decode, fixed).mean().backward()
            estimates[name].append(np.concatenate([p.grad.ravel() for p in encoder]))
        estimates[name] = np.array(estimates[name])
    signal = np.linalg.norm(estimates["analytic-kl"].mean(axis=0))
    rows = []
    for name, gradients in estimates.items():
        noise = gradients.var(axis=0, ddof=1).sum()
        deviation, variance = toys.on_the_oracle(name)
        rows.append([name, f"{deviation:.1f}", f"{variance:.3g}", f"{noise:.3g}", f"{np.sqrt(noise) / signal:.2f}"])
    return [
        f"{toys.Z_SAMPLES} samples of z. Oracle: 5 latent dimensions, q a little off the posterior; the largest",
        f"deviation of the mean of {toys.ESTIMATES:,} estimates from the exact gradient in standard errors",
        f"(above 4.5: biased), and the variance of one estimate. MNIST: encoder of 784-200-10, {IMAGES} images,",
        f"{REPETITIONS} estimates: the variance, summed over all weights, and noise : signal.",
        *table(["estimator", "oracle: deviation", "variance", "MNIST: variance", "noise : signal"], rows),
    ]


GAP_STEPS = 300
SMOOTHED = 100  # steps for one point of a curve


def with_the_decoder_of_the_vae(run):
    """Give a run of variational EM the initial decoder of a VAE with the same settings and seed."""
    common = {name: value for name, value in run.settings.items() if name in settings.MODELS["vae"].defaults}
    vae = settings.build(settings.complete(common), run.dataset, 0, np.random.default_rng(run.settings["seed"]))
    run.model.decoder.load_state_dict(vae.decoder.state_dict())


def amortization(folder):
    """Compare variational EM with the VAE: the same initial decoder, the same data, the same learning rates."""
    common = {"hidden": [200], "binarization": "static", "schedule": "polynomial"}
    vae = trained(folder / "vae", 10_000, **common)
    vem = trained(folder / "vem", 10_000, with_the_decoder_of_the_vae, model="vem", e_steps=20, **common)
    curves, rows = {}, []
    for name, run in (("VAE", vae), ("variational EM", vem)):
        losses = np.array(run.training.history)[:, 0]
        means = losses.reshape(-1, SMOOTHED).mean(axis=1)
        curves[f"{name}, training"] = (SMOOTHED * np.arange(1, len(means) + 1), -means)
        measured = evaluate(run.model, run.x_test, np.random.default_rng(0), 500, GAP_STEPS)
        rows.append(
            [name, f"{-losses[-1000:].mean():.2f}", f"{-measured['loss']:.2f}"]
            + [f"{measured[key]:.2f}" for key in ("kl", "amortization_gap", "log_likelihood")]
        )
    figures.lines(curves, "step", "ELBO in nats per example", y_range=(-160, -105)).savefig(folder / "amortization.png")
    return [
        "MNIST, static binarization, decoder 10-200-784, 10,000 steps of batch 100; nats per example",
        *table(["", "training ELBO", "test ELBO", "KL", "gap", "ln p(x), K = 500"], rows),
        "training: the mean of the last 1,000 steps. Variational EM finds q of a test image from the prior, in 200",
        f"steps. gap: what the test ELBO gains in {GAP_STEPS} more steps on every q.",
    ]


AEVB = [("adam", 1e-3, 100, 1), ("adam", 1e-3, 100, 10), ("adam", 1e-3, 20, 1), ("adam", 1e-3, 20, 10),
        ("adagrad", 0.03, 100, 1), ("sgd", 0.01, 100, 1)]  # fmt: skip


def aevb(folder):
    """Train a VAE with minibatches of M, L samples of z, and three optimisers: 3,000 steps each.

    Kingma and Welling (2014), section 2.3, found one sample enough if the minibatch is large.
    """
    curves, rows = {}, []
    for optimizer, lr, M, L in AEVB:
        chosen = {"optimizer": optimizer, "lr": lr, "batch_size": M, "samples": L, "hidden": [200]}
        run = trained(folder / f"{optimizer}-M{M}-L{L}", 3000, **chosen)
        measured = evaluate(run.model, run.x_test, np.random.default_rng(0))
        rows.append([optimizer, f"{lr:g}", M, L, *(f"{measured[key]:.1f}" for key in ("loss", "rec", "kl"))])
        if (M, L) == (100, 1):
            losses = np.array(run.training.history)[:, 0].reshape(-1, SMOOTHED).mean(axis=1)
            curves[optimizer] = (SMOOTHED * np.arange(1, len(losses) + 1), losses)
    figures.lines(curves, "step", "loss in nats per example", y_range=(100, 250)).savefig(folder / "aevb.png")
    return [
        "MNIST test set, grey pixels, 784-200-10, 3,000 steps; nats per example",
        *table(["optimiser", "rate", "M", "L", "−ELBO", "rec", "KL"], rows),
    ]


BETAS = (0.0, 0.25, 1.0, 4.0, 1000.0)


def kl(folder):
    """Show what the KL term is for, with five weights: from an autoencoder with noise to a decoder that ignores z."""
    rows, samples = [], []
    for beta in BETAS:
        run = trained(folder / f"beta-{beta:g}", 4000, hidden=[200], beta=beta)
        measured = evaluate(run.model, run.x_test, np.random.default_rng(0))
        q = run.model.encode(run.x_test[:1000]).detach()
        sigma = np.exp(0.5 * q.logvar)
        codes = codes_of(run.model, run.x_test)
        rows.append(
            [f"{beta:g}", *(f"{measured[key]:.1f}" for key in ("loss", "rec", "kl"))]
            + [f"{(q.mu**2 + sigma**2).mean():.2f}", f"{np.median(sigma):.3f}", active_units(codes).sum()]
            + [", ".join(warnings_about(run.model, run.x_test[:1000])) or "none"]
        )
        samples.append(run.model.sample(12, np.random.default_rng(0)))
    images = np.concatenate(samples).reshape(-1, *run.dataset.image_shape)
    figures.image_sheet(images, 12, "samples", [f"beta {beta:g}" for beta in BETAS]).savefig(folder / "kl.png")
    header = ["beta", "−ELBO", "rec", "KL", "E[μ²+σ²]", "median σ", "active", "warning"]
    return ["MNIST test set, grey pixels, 784-200-10, 4,000 steps; nats per example", *table(header, rows)]


def likelihood(folder):
    """Measure the network of Burda et al. (2016): 200-200 tanh, 50 latent dimensions, dynamic binarization; K = 5,000.

    They train for 3,280 epochs with batches of 20 and falling learning rates. Here it is 100 epochs with batches of 100
    and one learning rate.
    """
    run = trained(
        folder / "vae", 60_000, hidden=[200, 200], activation="tanh", latent_dim=50, binarization="dynamic"
    )
    start = time.perf_counter()
    measured = evaluate(run.model, run.x_test, np.random.default_rng(0), 5000)
    minutes = (time.perf_counter() - start) / 60
    return [
        f"MNIST test set, {len(run.x_test):,} images, binarization dynamic (the test set drawn once); nats per example",
        *table(
            ["", ""],
            [
                ["ln p(x), K = 5,000", f"{measured['log_likelihood']:.2f} ± {measured['standard_error']:.2f}"],
                ["ELBO", f"{-measured['loss']:.2f}"],
                ["KL", f"{measured['kl']:.2f}"],
                ["active units", f"{measured['active_units']} of 50"],
                ["effective sample size, median", f"{measured['effective_sample_size']:.0f}"],
                ["minutes for the measurement", f"{minutes:.1f}"],
            ],
        ),
    ]
