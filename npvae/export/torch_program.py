"""The program of a run in PyTorch: as text, made of the pieces that its model, its likelihood and its objective need.

What `$NAMES` in the pieces stand for is chosen in `source`, at the end of this file: see `pieces.filled`.
"""

from ..nn import Activation, BatchNorm, Conv2d, ConvTranspose2d, Dense, Module, Reshape, Sequential
from . import pieces

PROGRAM = '''\
"""$TITLE

    python $FILE evaluate
    python $FILE train --steps 1000
    torchrun --nproc-per-node 2 $FILE train --steps 1000     # on two processes, with half a minibatch each

`train` continues from model.safetensors, or from its own checkpoint.pt, and writes trained.safetensors.
$NOTE
"""

import argparse
import itertools
import math
import os
import pathlib

import numpy as np
import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch import nn
$IMPORT_F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

HERE = pathlib.Path(__file__).parent
BATCH_SIZE, SEED, STEP = $BATCH_SIZE, $SEED, $STEP  # STEP: what the run had taken
$LABELS


class $CLASS(nn.Module):
    def __init__(self):
        super().__init__()
        $LAYERS

    $METHODS


def load(path=HERE / "model.safetensors"):
    """Return the model with the weights of a file."""
    model = $CLASS()
    model.load_state_dict(load_file(path))
    return model


def examples(part):
    """Return one part of data.npz, "train" or "test", as a data set."""
    with np.load(HERE / "data.npz") as arrays:
        x = torch.from_numpy(arrays[f"x_{part}"])
        return TensorDataset($TENSORS)


@torch.no_grad()
def evaluate(model, part="test"):
    """Return the parts of the loss, averaged over the examples."""
    model.eval()
    data, total = examples(part), {}
    for batch in DataLoader(data, 200):
        for name, value in model(*batch)[1].items():
            total[name] = total.get(name, 0) + value.item() * len(batch[0]) / len(data)
    return total


def train(steps, path):
    """Train until step STEP + steps, on all processes of torchrun; rank 0 saves."""
    rank, world, cuda = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1)), torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
    if world > 1:
        dist.init_process_group("nccl" if cuda else "gloo")
    torch.manual_seed(SEED + rank)
    model, step, checkpoint, new = load(path).to(device), STEP, HERE / "checkpoint.pt", HERE / "checkpoint.partial"
    optimizer = $OPTIMIZER
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
    $SYNCHRONIZED
    wrapped = DistributedDataParallel($SHARED) if world > 1 else model
    sampler = DistributedSampler(examples("train"), world, rank, seed=SEED)
    loader = DataLoader(sampler.dataset, max(1, BATCH_SIZE // world), sampler=sampler)
    wrapped.train()
    while step < STEP + steps:
        sampler.set_epoch(step)  # a new order
        for batch in itertools.islice(loader, STEP + steps - step):
            $PREPARE
            objective, parts = wrapped(*(a.to(device) for a in batch), step=step)
            optimizer.zero_grad()
            objective.backward()
            optimizer.step()
            step += 1
            if step % 500 == 0 or step == STEP + steps:
                means = torch.stack([part.detach() for part in parts.values()]) / world
                if world > 1:
                    dist.all_reduce(means)  # the sum over the ranks
                if rank == 0:
                    print(f"step {step:6}", *(f" {name} {mean:8.2f}" for name, mean in zip(parts, means)))
                    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, new)
                    os.replace(new, checkpoint)
                    save_file(model.state_dict(), HERE / "trained.safetensors")
    if world > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["evaluate", "train"])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--weights", default=HERE / "model.safetensors")
    options = parser.parse_args()
    if options.action == "train":
        train(options.steps, options.weights)
    else:
        print(*(f"{name} {value:.2f}" for name, value in evaluate(load(options.weights)).items()))
'''


# --- the layers -------------------------------------------------------------------------------------------------------

ACTIVATIONS = {"relu": "nn.ReLU()", "sigmoid": "nn.Sigmoid()", "tanh": "nn.Tanh()", "softplus": "nn.Softplus()"}


def layer(module):
    """Return a layer as an expression. PyTorch has the channels of an image first."""
    if isinstance(module, Dense):
        return f"nn.Linear({module.W.shape[0]}, {module.W.shape[1]})"
    if isinstance(module, Conv2d):
        k, _, channels_in, channels_out = module.W.shape
        return f"nn.Conv2d({channels_in}, {channels_out}, {k}, {module.stride}, padding={module.padding})"
    if isinstance(module, ConvTranspose2d):
        k, _, channels_out, channels_in = module.W.shape
        sizes = f"{channels_in}, {channels_out}, {k}, {module.stride}, padding={module.padding}"
        return f"nn.ConvTranspose2d({sizes}, output_padding={module.output_padding})"
    if isinstance(module, BatchNorm):
        return f"nn.BatchNorm2d({len(module.gamma.data)})"
    if isinstance(module, Reshape):
        H_W_C = module.shape
        return "nn.Flatten()" if len(H_W_C) == 1 else f"nn.Unflatten(1, ({H_W_C[2]}, {H_W_C[0]}, {H_W_C[1]}))"
    if module.label() == "leaky_relu":
        slope = module.options["slope"]
        return "nn.LeakyReLU()" if slope == 0.01 else f"nn.LeakyReLU({pieces.number(slope)})"
    return ACTIVATIONS[module.label()]


def sequential(network):
    """Return a Sequential as an expression of several lines: a line ends after an activation or a change of shape."""
    lines, line = [], []
    for module in network.layers:
        line.append(sequential(module) if isinstance(module, Sequential) else layer(module))
        if isinstance(module, (Activation, Reshape)):
            lines, line = [*lines, line], []
    lines = [", ".join(line) + "," for line in [*lines, line] if line]
    return "\n".join(["nn.Sequential(", *(pieces.indented(line) for line in lines), ")"])


def layers(model):
    """Return the lines of the constructor that make the layers of a model, and the parameter of its likelihood."""
    parts = {name: part for name, part in vars(model).items() if isinstance(part, Module) and name != "likelihood"}
    made = {name: sequential(part) if isinstance(part, Sequential) else layer(part) for name, part in parts.items()}
    if "mu" in made:  # one line for both
        both = f"{made['mu']}, {made['logvar']}"
        made = {"encoder": made["encoder"], "mu, self.logvar": both, "decoder": made["decoder"]}
    lines = [f"self.{name} = {made_layer}" for name, made_layer in made.items()]
    learned = model.likelihood.state_dict() if model.has_bound else {}
    lines += [f'self.likelihood = nn.ParameterDict({{"{name}": nn.Parameter(torch.zeros(()))}})' for name in learned]
    return "\n".join(lines)


# --- the loss ---------------------------------------------------------------------------------------------------------

LOG_LIKELIHOODS = {  # what gives log_p (L, N)
    "bernoulli": """\
log_p = -F.binary_cross_entropy_with_logits(output, x.expand_as(output), reduction="none").sum(dim=-1)""",
    "continuous-bernoulli": """\
near = output.abs() < (0.6 if output.dtype == torch.float32 else 0.03)  # near 0, the formula is 0/0: take its series
m, l2 = torch.where(near, 1, output.abs()), torch.where(near, output, 0).square()
log_normalizer = output.clamp(min=0) + torch.log(-torch.expm1(-m) / m)
series = output / 2 + l2 / 24 - l2**2 / 2880 + l2**3 / 181440
log_p = (x * output - torch.where(near, series, log_normalizer)).sum(dim=-1)""",
    "gaussian": """\
noise = self.likelihood["logvar"]  # ln of the variance
log_p = -0.5 * ((x - output).square() / noise.exp() + noise + math.log(2 * math.pi)).sum(dim=-1)""",
    "squared-error": """\
log_p = -((x - output).square() + 0.5 * math.log(math.pi)).sum(dim=-1)  # a Gaussian with variance 1/2""",
    "discretized-logistic": """\
r, half = torch.exp(-self.likelihood["log_scale"]), 0.5 / 255
below, above = F.logsigmoid((x + half - output) * r), F.logsigmoid((output - x + half) * r)
width = torch.where((x > 0) & (x < 1), torch.log(-torch.expm1(-2 * half * r)), 0)
log_p = (torch.where(x < 1, below, 0) + torch.where(x > 0, above, 0) + width).sum(dim=-1)""",
}

LOG_W = "log_w = log_p + 0.5 * (eps.square() - z.square() + logvar).sum(dim=-1)  # ln p(x, z) - ln q(z | x)"
LOG_Q = """\
log_q = -0.5 * ((z - mu).square() / logvar.exp() + logvar).sum(dim=-1)  # without its constant
f = (log_p - 0.5 * z.square().sum(dim=-1) - log_q).detach()"""
OBJECTIVES = {
    "iwae": f"""\
{LOG_W}
objective, rec = math.log(len(eps)) - torch.logsumexp(log_w, dim=0).mean(), -log_w.mean() - kl""",
    "analytic-kl": "objective = rec + $KL_TERM",
    "monte-carlo-kl": f"""\
{LOG_W}
objective = -log_w.mean()""",
    "sticking-the-landing": """\
away = (z - mu.detach()).square() / logvar.detach().exp()  # ln q(z | x) with mu and logvar held fixed
objective = -(log_p + 0.5 * (away - z.square() + logvar.detach()).sum(dim=-1)).mean()""",
    "naive": """\
away = (z - mu).square() / logvar.exp()
objective = -(log_p + 0.5 * (away - z.square() + logvar).sum(dim=-1)).mean()""",
    "score-function": f"""\
{LOG_Q}
objective = -(log_p + f * log_q).mean()""",
    "score-function-baseline": f"""\
{LOG_Q}
objective = -(log_p + (f - (f.sum(dim=0) - f) / (len(f) - 1)) * log_q).mean()""",
}
HOLD_Z = ("naive", "score-function", "score-function-baseline")  # estimators without a path through z

BOUND = '''\
def encode(self, $XY):
    """Return mu and logvar of q(z | x), for x (N, $D)."""
    h = self.encoder($SEEN)
    return self.mu(h), self.logvar(h)

def decode(self, $ZY):
    """Return the output of the decoder, for z (M, $LATENT)."""
    return self.decoder($CODE)

def forward(self, $XY, eps=None, step=math.inf):
    """Return the objective and the parts of the loss, in nats per example; eps ($SAMPLES, N, $LATENT) is the noise."""
    mu, logvar = self.encode($XY)
    eps = torch.randn($SAMPLES, *mu.shape, dtype=x.dtype, device=x.device) if eps is None else eps
    z = $Z
    output = self.decode(z.flatten(0, 1)$Y).unflatten(0, z.shape[:2])
    $RESCALE
    $LOG_LIKELIHOOD
    kl_j = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).mean(dim=0)  # of each latent dimension
    rec, kl = -log_p.mean(), kl_j.sum()
    $OBJECTIVE
    return $MINIMISED, {"loss": rec + kl, "rec": rec, "kl": kl}'''

COPY = '''\
def forward(self, x, noise=None, step=math.inf):
    """Return the squared error of the copies, summed over the numbers of an example, averaged over the examples."""
    $RESCALE
    $NOISE
    error = (self.decoder(self.encoder($SEEN)) - x).square().sum(dim=-1).mean()
    return error, {"loss": error}'''
NOISES = {  # of a denoising autoencoder: the noise, and what its encoder sees
    "gaussian": ("torch.randn_like(x)", "x + $LEVEL * noise"),
    "masking": ("torch.rand_like(x)", "x * (noise >= $LEVEL)"),
}

ONE_HOT = """\
LABELS = $LABELS


def one_hot(y, a):
    return (y[:, None] == torch.tensor(LABELS, device=y.device)).to(a.dtype)"""


def methods(run):
    """Return the methods of the class."""
    model, chosen = run.model, run.settings
    rescale = "x = 2 * x - 1" if model.rescales else ""
    if not model.has_bound:
        if model.noise is None:
            return pieces.filled(COPY, SEEN="x", NOISE="", RESCALE=rescale)
        drawn, seen = NOISES[chosen["noise"]]
        seen = pieces.filled(seen, LEVEL=pieces.number(chosen["noise_level"]))
        return pieces.filled(COPY, SEEN=seen, NOISE=f"noise = {drawn} if noise is None else noise", RESCALE=rescale)
    labels, estimator = model.needs_labels, "iwae" if chosen["model"] == "iwae" else chosen["estimator"]
    z = "mu + torch.exp(0.5 * logvar) * eps"
    objective = pieces.filled(OBJECTIVES[estimator], KL_TERM=pieces.kl_term(model.kl_term, "F.relu"))
    is_plain = estimator == "analytic-kl" and model.kl_term.is_plain
    return pieces.filled(
        BOUND,
        XY="x, y" if labels else "x", ZY="z, y" if labels else "z", Y=", y" if labels else "",
        SEEN="torch.cat([x, one_hot(y, x)], dim=1)" if labels else "2 * x - 1" if model.rescales else "x",
        CODE="torch.cat([z, one_hot(y.repeat(len(z) // len(y)), z)], dim=1)" if labels else "z",
        D=model.data_dim, LATENT=model.latent_dim, SAMPLES=model.samples,
        Z=f"({z}).detach()" if estimator in HOLD_Z else z,
        RESCALE=rescale, LOG_LIKELIHOOD=LOG_LIKELIHOODS[chosen["likelihood"]],
        OBJECTIVE="" if is_plain else objective, MINIMISED="rec + kl" if is_plain else "objective",
    )  # fmt: skip


# --- the whole --------------------------------------------------------------------------------------------------------

PIXELS = "x / 255 if x.dtype == torch.uint8 else x"
OPTIMIZERS = {"adam": "Adam", "sgd": "SGD", "adagrad": "Adagrad"}
APART = "On several processes, each normalizes its own part of a minibatch; on GPUs, they share means and variances."
SYNCHRONIZED = "shared = nn.SyncBatchNorm.convert_sync_batchnorm(model) if cuda else model"


def source(run, file):
    """Return the program of a run, as text; `file` is its name."""
    model, chosen = run.model, run.settings
    normalizes = any(isinstance(part, BatchNorm) for _, part in model.named_modules())
    optimizer, lr = OPTIMIZERS[chosen["optimizer"]], pieces.number(chosen["lr"])
    prepare, factor = [], pieces.schedule_factor(run)
    if chosen.get("binarization") == "dynamic":
        prepare.append("batch[0] = torch.bernoulli(batch[0])")
    if factor:
        prepare.append(f'optimizer.param_groups[0]["lr"] = {lr} * {factor}')
    made, defined = layers(model), methods(run)
    return pieces.filled(
        PROGRAM,
        TITLE=pieces.title(run, "PyTorch"), FILE=file, CLASS=type(model).__name__, NOTE=APART if normalizes else "",
        IMPORT_F="from torch.nn import functional as F" if "F." in defined else "",
        BATCH_SIZE=chosen["batch_size"], SEED=chosen["seed"], STEP=run.step,
        LABELS=pieces.filled(ONE_HOT, LABELS=model.labels.tolist()) if model.needs_labels else "",
        LAYERS=made, METHODS=defined,
        TENSORS=f'{PIXELS}, torch.from_numpy(arrays[f"y_{{part}}"])' if model.needs_labels else PIXELS,
        OPTIMIZER=f"torch.optim.{optimizer}(model.parameters(), lr={lr})", PREPARE="\n".join(prepare),
        SYNCHRONIZED=SYNCHRONIZED if normalizes else "", SHARED="shared" if normalizes else "model",
    )  # fmt: skip
