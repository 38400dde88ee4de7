"""Table 1 of Burda, Grosse and Salakhutdinov (2016): VAE and IWAE on binarized MNIST, by the number of samples k.

Their protocol, section 5: one stochastic layer of 50 units, encoder and decoder with two hidden layers of 200 tanh
units, minibatches of 20, Adam with β₁ = 0.9, β₂ = 0.999, ε = 1e-4, and the rate 0.001 · 10^(−i/7) for 3^i epochs,
i = 0, …, 7, which is 3,280 epochs in all. Training pixels are binarized anew whenever a network sees them. They report
the negative log-likelihood of the test set, estimated with 5,000 samples for each image.

By default the stages are i = 0, …, 4, which is 121 epochs; with `--full`, all of them.

Their published numbers come from their program (github.com/yburda/iwae), so the networks start and step as it does. It
departs from the paper, or adds to it, in four ways: see `Details`. It also sums the gradients over the minibatch, where
ours are means: their ε of 1e-4 is 5e-6 here. `npvae experiment burda-details` shows what the biases change, what the
estimator does, and what the two details of Adam do together.

Not taken over: their encoder returns ln σ, ours ln σ²; they hold out 400 training images, and take the others in the
same order in every epoch; their ε stands beside √v, ours beside √v̂; they round the rates to multiples of 10⁻⁵.
"""

import dataclasses
import json

import numpy as np

from .. import figures
from ..errors import UserError
from ..probability import active_units
from ..training import Run
from ..training.evaluation import codes_of, evaluate
from ..training.folder import CHECKPOINT
from ..training.replacing import replacing
from .experiment import table

NETWORKS = {"VAE, k = 1": ("vae", 1), "VAE, k = 5": ("vae", 5), "VAE, k = 50": ("vae", 50),
            "IWAE, k = 5": ("iwae", 5), "IWAE, k = 50": ("iwae", 50)}  # fmt: skip
PUBLISHED = dict(zip(NETWORKS, (86.76, 86.47, 86.35, 85.54, 84.78)))  # NLL after 3,280 epochs; with k = 1, both are one
ACTIVE = dict(zip(NETWORKS, (19, 20, 20, 22, 25)))  # published: latent dimensions that are used, of 50
STAGES, ALL_STAGES = 5, 8
BATCH, EPOCH = 20, 3000  # minibatches of an epoch
EPS = 1e-4 / BATCH  # their gradients are sums over the minibatch, and ours are means
IMPORTANCE_SAMPLES = 5000
CURVE_IMAGES = 1000  # the first images of the test set, measured after each stage


@dataclasses.dataclass(frozen=True)
class Details:
    """What the paper does not say, or says otherwise than the authors' program does; the defaults are the paper's.

    estimator   of a VAE's gradient. The program averages ln w over the samples, which is a KL by Monte Carlo; so with
                k = 1, VAE and IWAE are the same
    biases      whether the last biases of the decoder start at the logits of the mean training image
    beta1       Adam's β₁
    v           where Adam's second moments start, for gradients that are sums over the minibatch
    """

    estimator: str = "analytic-kl"
    biases: bool = False
    beta1: float = 0.9
    v: float = 0.0


PAPER, PROGRAM = Details(), Details("monte-carlo-kl", True, 0.99, 1.0)
DETAILS = {  # from the one to the other
    "as in the paper": PAPER,
    "+ biases": dataclasses.replace(PAPER, biases=True),
    "+ KL by Monte Carlo": dataclasses.replace(PROGRAM, beta1=0.9, v=0.0),
    "+ β₁ = 0.99, v from 1": PROGRAM,
}
DETAILS_STAGES = 3  # 13 epochs


def rate(i):
    """Return the learning rate of stage i."""
    return 0.001 * 10 ** (-i / 7)


def epochs_until(i):
    """Return the number of epochs until the end of stage i: Σ_{j ≤ i} 3^j = (3^(i+1) − 1) / 2."""
    return (3 ** (i + 1) - 1) // 2


def _start(run, details):
    """Give a new network the first biases of its decoder, and its optimiser ε, β₁ and the first second moments."""
    run.optimizer.eps, run.optimizer.beta1 = EPS, details.beta1
    if details.biases:
        mean = run.x_train.mean(axis=0).clip(0.001, 0.999)
        run.model.decoder.layers[-1].b.data[...] = np.log(mean / (1 - mean))
    for V in run.optimizer.state["V"]:  # v / (1 − β₂)
        V[...] = details.v / BATCH**2 / (1 - run.optimizer.beta2)


def _trained(folder, stage, model, k, details=PROGRAM):
    """Return the run in the folder at the end of a stage; continue it if an earlier call was interrupted."""
    chosen = {"model": model, "samples": k, "hidden": [200, 200], "activation": "tanh", "latent_dim": 50}
    chosen |= {"batch_size": BATCH, "binarization": "dynamic", "lr": rate(stage)}
    if model == "vae":
        chosen["estimator"] = details.estimator
    if (folder / CHECKPOINT).exists():
        run = Run.load(folder, chosen, to_train=True, may_change=("lr",))
    else:
        run = Run.create(folder, chosen)
        _start(run, details)
    steps = epochs_until(stage) * EPOCH
    if run.step > steps:
        found = f"{folder} has been trained for {run.step} steps"
        raise UserError(f"{found}, expected at most {steps}: choose another --out")
    run.training.run(steps, run.save, every=EPOCH)
    return run


def _nll(run, images):
    """Return [−ln p(x), its standard error] of the first images of the test set, with IMPORTANCE_SAMPLES samples."""
    found = evaluate(run.model, run.x_test[:images], np.random.default_rng(0), IMPORTANCE_SAMPLES)
    return [-found["log_likelihood"], float(found["standard_error"])]


def _kept(path):
    """Return what earlier calls measured of a network: {"curve": [], "test": {}} for none.

    curve   −ln p(x) of CURVE_IMAGES images after each stage
    test    from STAGES and ALL_STAGES to [−ln p(x) of the whole test set, its standard error]
    """
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"curve": [], "test": {}}


def _measured(folder, stages, model, k, details=PROGRAM):
    """Train a network stage by stage; return what was measured, and keep it for the next call: see `_kept`."""
    path = folder.with_suffix(".json")
    found = _kept(path)
    for stage in range(len(found["curve"]), stages):
        run = _trained(folder, stage, model, k, details)
        found["curve"].append(_nll(run, CURVE_IMAGES)[0])
        if stage + 1 in (STAGES, ALL_STAGES):
            found["test"][str(stage + 1)] = _nll(run, len(run.x_test))
        with replacing(path) as file:
            file.write(json.dumps(found).encode())
        del run  # releases the folder
    return found


def extrapolated(curve, stage):
    """Return what a curve would reach at a later stage if its differences went on shrinking by the same factor.

    With the last two differences d₁ and d₂ and r = d₂ / d₁, the next ones are d₂ r, d₂ r², …
    """
    d1, d2 = np.diff(curve)[-2:]
    r = min(max(d2 / d1, 0.0), 1.0) if d1 else 0.0
    return curve[-1] + d2 * sum(r**n for n in range(1, stage - len(curve) + 2))


def burda(folder, stages=STAGES):
    """Train the five networks of table 1 through these stages, and measure each stage.

    If an earlier call with `--full` went further, this one continues it through all stages.
    """
    folders = {name: folder / f"{model}-{k}" for name, (model, k) in NETWORKS.items()}
    if any(len(_kept(each.with_suffix(".json"))["curve"]) > stages for each in folders.values()):
        stages = ALL_STAGES
    found = {name: _measured(folders[name], stages, *NETWORKS[name]) for name in NETWORKS}
    rows, units, curves, last = [], [], {}, ALL_STAGES - 1
    for name, each in found.items():
        curve = each["curve"]
        nll, error = each["test"][str(stages)]
        beyond = nll - curve[-1]  # from the first test images to all of them
        ahead = extrapolated(curve, last) + beyond if len(curve) >= 3 else np.nan
        rows.append(
            [name, *(f"{value:.2f}" for value in curve), f"{nll:.2f} ± {error:.2f}", f"{ahead:.2f}", PUBLISHED[name]]
        )
        curves[name] = ([epochs_until(i) for i in range(stages)], curve)
        run = Run.load(folders[name])
        units.append([name, active_units(codes_of(run.model, run.x_test)).sum(), ACTIVE[name]])
    figures.lines(curves, "epochs", "−ln p(x) in nats per example", log_x=True).savefig(folder / "burda.png")
    epochs = [epochs_until(i) for i in range(stages)]
    return [
        f"MNIST, binarized anew in training, the test set once; 200-200 tanh, 50 latent, batch {BATCH}, seed 0;",
        f"Adam (ε {EPS:g}), rate 0.001 · 10^(−i/7) for 3^i epochs; −ln p(x) in nats by {IMPORTANCE_SAMPLES:,} samples.",
        f"After each stage: the first {CURVE_IMAGES:,} test images. Then the whole test set ± its standard error, and",
        f"the same extrapolated to {epochs_until(last):,} epochs from the last two differences: no measurement.",
        *table(["epochs", *epochs, "test set", f"to {epochs_until(last):,}", "published"], rows),
        "",
        *table(["active units of 50", "ours", "published"], units),
    ]


def full(folder):
    """Train the five networks through all stages."""
    return burda(folder, ALL_STAGES)


def burda_details(folder):
    """Train the VAE with k = 1 as the paper says, and with one more detail of the authors' program each time."""
    rows, curves = [], {}
    for i, (name, each) in enumerate(DETAILS.items()):
        curve = _measured(folder / str(i), DETAILS_STAGES, "vae", 1, each)["curve"]
        run = Run.load(folder / str(i))
        used = active_units(codes_of(run.model, run.x_test)).sum()
        rows.append([name, *(f"{value:.2f}" for value in curve), used])
        curves[name] = ([epochs_until(i) for i in range(DETAILS_STAGES)], curve)
    figures.lines(curves, "epochs", "−ln p(x) in nats per example", log_x=True).savefig(folder / "burda-details.png")
    epochs = [epochs_until(i) for i in range(DETAILS_STAGES)]
    return [
        "The VAE with k = 1 of `npvae experiment burda`, seed 0, from the paper to the authors' program:",
        "each line adds to the one above. −ln p(x) in nats of the first",
        f"{CURVE_IMAGES:,} test images, by {IMPORTANCE_SAMPLES:,} samples.",
        *table(["after epochs", *epochs, "active units of 50"], rows),
    ]
