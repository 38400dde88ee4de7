"""The program of a run in PyTorch: as text, made of the pieces that its model, its likelihood and its objective need.

`source`, at the end of this file, chooses what each `$NAME` in the pieces stands for: see `pieces.filled`.
"""

from ..nn import Activation, BatchNorm, Conv2d, ConvTranspose2d, Dense, Module, Reshape, Sequential
from . import pieces
from .torch_loss import ONE_HOT, methods

PROGRAM = '''\
"""$TITLE

    python $FILE evaluate
    python $FILE train --steps 1000     # on two processes: torchrun --nproc-per-node 2 in place of python

`train` continues from checkpoint.pt; where there is none, it starts from --weights. It writes trained.safetensors.
$NOTE
"""

import argparse
import os
import pathlib

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import distributed, nn
$IMPORT_F
from torch.utils.data import BatchSampler, DataLoader, DistributedSampler, TensorDataset

HERE = pathlib.Path(__file__).parent
BATCH_SIZE, LR, SEED, STEP = $BATCH_SIZE, $LR, $SEED, $STEP  # STEP: the steps of the run
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
    x = torch.from_numpy(np.load(HERE / "data.npz")[f"x_{part}"])
    $Y
    return TensorDataset($TENSORS)


@torch.no_grad()
def evaluate(model, part="test"):
    """Return the parts of the loss, averaged over the examples."""
    model.eval()
    torch.manual_seed(SEED)
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
        distributed.init_process_group("nccl" if cuda else "gloo", device_id=device if cuda else None)
    model, step, checkpoint, new = load(path).to(device), STEP, HERE / "checkpoint.pt", HERE / "checkpoint.partial"
    torch.set_flush_denormal(True)  # moments of rarely seen pixels shrink until they slow a processor down
    optimizer = torch.optim.$OPTIMIZER
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step, path = saved["step"], checkpoint
    torch.manual_seed((SEED + step) * world + rank)  # other noise for each process, and after each interruption
    $SYNCHRONIZED
    wrapped = nn.parallel.DistributedDataParallel($SHARED) if world > 1 else model
    sampler = DistributedSampler(examples("train"), world, rank, seed=SEED)
    batches = BatchSampler(sampler, max(1, min(BATCH_SIZE // world, len(sampler))), drop_last=True)
    loader = DataLoader(sampler.dataset, sampler=batches, batch_size=None)  # gathers a whole minibatch at once
    print(f"process {rank + 1} of {world}: from step {step} of {path} to step {STEP + steps}")
    while step < STEP + steps:
        sampler.set_epoch(step)  # a new order
        for _, batch in zip(range(STEP + steps - step), loader):
            $PREPARE
            objective, parts = wrapped(*(a.to(device) for a in batch), step=step)
            optimizer.zero_grad()
            objective.backward()
            optimizer.step()
            step += 1
            if step % 500 == 0 or step == STEP + steps:
                means = torch.stack([part.detach() for part in parts.values()]) / world
                if world > 1:
                    distributed.all_reduce(means)  # the sum over the ranks
                if rank == 0:
                    print(f"step {step:6}", *(f" {name} {mean:8.2f}" for name, mean in zip(parts, means)))
                    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, new)
                    os.replace(new, checkpoint)
                    save_file(model.state_dict(), HERE / "trained.safetensors")
    if world > 1:
        distributed.destroy_process_group()


$MAIN
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


LONGEST = 105  # the most columns of a line of layers


def sequential(network):
    """Return a Sequential as an expression of several lines.

    A line holds as many blocks of layers as fit; a block ends after an activation or a change of shape. In a decoder,
    the first module is a Sequential too: the hidden layers.
    """
    if not network.layers:
        return "nn.Sequential()"
    first, *others = network.layers
    if isinstance(first, Sequential):
        return f"nn.Sequential({sequential(first)}, {', '.join(map(layer, others))})"
    lines, block = [""], ""
    for module in network.layers:
        block += f"{layer(module)}, "
        if isinstance(module, (Activation, Reshape)) or module is network.layers[-1]:
            if lines[-1] and len(lines[-1] + block) > LONGEST:
                lines.append("")
            lines[-1], block = lines[-1] + block, ""
    return "\n".join(["nn.Sequential(", *(pieces.indented(line.rstrip()) for line in lines), ")"])


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


# --- the whole --------------------------------------------------------------------------------------------------------

PIXELS = "x / 255 if x.dtype == torch.uint8 else x"
OPTIMIZERS = {
    "adam": "Adam(model.parameters(), LR, betas=($BETA1, $BETA2), eps=$EPS, fused=True)",  # fused: one pass over memory
    "sgd": "SGD(model.parameters(), LR, momentum=$MOMENTUM)",
    "adagrad": "Adagrad(model.parameters(), LR, eps=$EPS)",
}
APART = "On several processes, each normalizes its own part of a minibatch; on GPUs, they share means and variances."
NOT_LINEAR = "On several processes, each compares the KL of its own part of a minibatch with $WHAT."
SYNCHRONIZED = "shared = nn.SyncBatchNorm.convert_sync_batchnorm(model) if cuda else model"


def source(run, file):
    """Return the program of a run, as text; `file` is its name."""
    model, chosen = run.model, run.settings
    normalizes = any(isinstance(part, BatchNorm) for _, part in model.named_modules())
    notes = [APART] if normalizes else []
    for name in ("free_bits", "capacity"):
        if chosen.get(name):
            notes.append(pieces.filled(NOT_LINEAR, WHAT=f"the {name.replace('_', ' ')}"))
    optimizer = pieces.filled(OPTIMIZERS[chosen["optimizer"]], **pieces.hyperparameters(run))
    prepare, factor = [], pieces.schedule_factor(run)
    if chosen.get("binarization") == "dynamic":
        prepare.append("batch[0] = torch.bernoulli(batch[0])")
    if factor:
        prepare.append(f'optimizer.param_groups[0]["lr"] = LR * {factor}')
    made, defined = layers(model), methods(run)
    return pieces.filled(
        PROGRAM,
        TITLE=pieces.title(run, "PyTorch"), FILE=file, CLASS=type(model).__name__, NOTE="\n".join(notes),
        IMPORT_F="from torch.nn import functional as F" if "F." in defined else "",
        BATCH_SIZE=chosen["batch_size"], SEED=chosen["seed"], STEP=run.step,
        LABELS=pieces.filled(ONE_HOT, LABELS=model.labels.tolist()) if model.needs_labels else "",
        LAYERS=made, METHODS=defined, MAIN=pieces.filled(pieces.MAIN, LOAD="load"),
        Y='y = torch.from_numpy(np.load(HERE / "data.npz")[f"y_{part}"])' if model.needs_labels else "",
        TENSORS=f"{PIXELS}, y" if model.needs_labels else PIXELS,
        LR=pieces.number(chosen["lr"]), OPTIMIZER=optimizer, PREPARE="\n".join(prepare),
        SYNCHRONIZED=SYNCHRONIZED if normalizes else "", SHARED="shared" if normalizes else "model",
    )  # fmt: skip
