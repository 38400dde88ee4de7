"""The program of a run in JAX: as text, made of the pieces that its model, its likelihood and its objective need.

The parameters are a dict from names to arrays, and every layer is a line. `source`, at the end of this file, chooses
what each `$NAME` in the pieces stands for: see `pieces.filled`.
"""

from ..nn import BatchNorm, Conv2d, ConvTranspose2d, Dense, Reshape, Sequential
from . import pieces
from .jax_loss import ONE_HOT, loss, noise
from .weights import has_images, plain

PROGRAM = '''\
"""$TITLE

    python $FILE evaluate
    python $FILE train --steps 1000

Training starts from model.safetensors (or --weights), and writes trained.safetensors. All devices share a minibatch.
"""

import argparse
import functools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from safetensors.numpy import load_file, save_file

HERE = pathlib.Path(__file__).parent
BATCH_SIZE, LR, SEED, STEP = $BATCH_SIZE, $LR, $SEED, $STEP  # STEP: the steps of the run
$LAYOUT
$LABELS


def dense(params, name, x):
    return x @ params[f"{name}.W"] + params[f"{name}.b"]


$IMAGES
$NETWORKS


$LOSS


$UPDATE


@functools.partial(jax.jit, donate_argnums=(0, 1))
def train_step(params, moments, batch, noise, step):
    """Take a step; return the parameters, the optimizer's moments, and the parts of the loss."""
    (_, (parts, $SEEN)), grads = jax.value_and_grad(loss, has_aux=True)(params, *batch, noise, step, {})
    new = {name: update(p, grads[name], moments[name], step) for name, p in params.items()}
    params, moments = ({name: pair[i] for name, pair in new.items()} for i in (0, 1))
    $RUNNING
    return params, moments, parts


def examples(part):
    """Return one part of data.npz, "train" or "test", as a list of arrays."""
    x = np.load(HERE / "data.npz")[f"x_{part}"]
    $Y
    return [$ARRAYS]


def evaluate(params, part="test", size=200):
    """Return the parts of the loss, averaged over the examples."""
    data, total$KEYS = examples(part), {}$KEY
    for i in range(0, len(data[0]), size):
        batch = [a[i : i + size] for a in data]
        noise = $NOISE_I
        for name, value in loss(params, *batch, noise)[1][0].items():
            total[name] = total.get(name, 0) + float(value) * len(batch[0]) / len(data[0])
    return total


def train(steps, path):
    """Train until step STEP + steps."""
    data, rng, step$KEYS = examples("train"), np.random.default_rng(SEED), STEP$KEY
    mesh = Mesh(jax.devices()[: len(data[0])], ("batch",))
    everywhere, divided = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("batch"))
    params = jax.device_put(load_file(path), everywhere)
    moments = {name: [jnp.zeros_like(p) for _ in range($MOMENTS)] for name, p in params.items()}
    size = max(1, min(BATCH_SIZE, len(data[0])) // mesh.size) * mesh.size
    while step < STEP + steps:
        order = rng.permutation(len(data[0]))
        for i in range(0, len(order) - size + 1, size)[: STEP + steps - step]:
            batch = [a[order[i : i + size]] for a in data]
            $PREPARE
            noise = $NOISE_STEP
            params, moments, parts = train_step(params, moments, jax.device_put(batch, divided), noise, step)
            step += 1
            if step % 500 == 0 or step == STEP + steps:
                print(f"step {step:6}", *(f" {name} {value:8.2f}" for name, value in parts.items()))
                save_file({name: np.asarray(p) for name, p in params.items()}, HERE / "trained.safetensors")


$MAIN
'''


# --- the layers -------------------------------------------------------------------------------------------------------

LAYOUT = 'LAYOUT = ("NHWC", "HWIO", "NHWC")'
IMAGES = '''\
def conv(params, name, x, stride, padding):
    W, b = params[f"{name}.W"], params[f"{name}.b"]
    return jax.lax.conv_general_dilated(x, W, (stride, stride), [(padding, padding)] * 2, dimension_numbers=LAYOUT) + b


def conv_transpose(params, name, x, stride, padding, output_padding):
    W, b = params[f"{name}.W"], params[f"{name}.b"]  # W (k, k, out, in)
    pads = [(len(W) - 1 - padding, len(W) - 1 - padding + output_padding)] * 2
    return jax.lax.conv_transpose(x, W, (stride, stride), pads, dimension_numbers=LAYOUT, transpose_kernel=True) + b


def batch_norm(params, name, x, seen):
    """Normalize by the minibatch, and record its mean and variance in `seen`; if that is None, by the running ones."""
    mean, variance = params[f"{name}.running_mean"], params[f"{name}.running_variance"]
    if seen is not None:
        mean, variance, M = x.mean((0, 1, 2)), x.var((0, 1, 2)), x.size // x.shape[-1]
        seen |= {f"{name}.running_mean": mean, f"{name}.running_variance": variance * M / (M - 1)}
    return (x - mean) / jnp.sqrt(variance + 1e-5) * params[f"{name}.gamma"] + params[f"{name}.beta"]

'''
RUNNING = """\
params |= {name: params[name] + 0.1 * (value - params[name]) for name, value in seen.items()}  # running statistics"""

ACTIVATIONS = {"relu": "jax.nn.relu", "sigmoid": "jax.nn.sigmoid", "tanh": "jnp.tanh", "softplus": "jax.nn.softplus"}


def line(module, name, h):
    """Return a layer as an expression of its input h, an expression too."""
    if isinstance(module, Dense):
        return f'dense(params, "{name}", {h})'
    if isinstance(module, Conv2d):
        return f'conv(params, "{name}", {h}, {module.stride}, {module.padding})'
    if isinstance(module, ConvTranspose2d):
        sizes = f"{module.stride}, {module.padding}, {module.output_padding}"
        return f'conv_transpose(params, "{name}", {h}, {sizes})'
    if isinstance(module, BatchNorm):
        return f'batch_norm(params, "{name}", {h}, seen)'
    if isinstance(module, Reshape):
        return f"{h}.reshape(-1, {', '.join(map(str, module.shape))})"
    if module.label() == "leaky_relu":
        slope = module.options["slope"]
        return f"jax.nn.leaky_relu({h})" if slope == 0.01 else f"jax.nn.leaky_relu({h}, {pieces.number(slope)})"
    return f"{ACTIVATIONS[module.label()]}({h})"


def in_order(network, name):
    """Yield pairs of name and layer, in the order of the computation."""
    if not isinstance(network, Sequential):
        yield plain(name), network
        return
    for i, module in enumerate(network.layers):
        yield from in_order(module, f"{name}.{i}")


LONGEST = 112  # the most columns of an expression


def lines(network, name, first):
    """Return a network as lines that compute h from the expression `first`, and the expression of its last layers.

    A line ends before the next layer with weights, or where it would become too long.
    """
    found, h = [], first
    for path, module in in_order(network, name):
        is_long = len(line(module, path, h)) > LONGEST
        if (is_long or isinstance(module, (Dense, Conv2d, ConvTranspose2d))) and h not in (first, "h"):
            found, h = [*found, f"h = {h}"], "h"
        h = line(module, path, h)
    return found, h


NETWORKS = '''\
def encode(params, $XY, seen=None):
    """Return $CODES, for x (N, $D)."""
    $LABELLED_X
    $ENCODER
    return $CODE


def decode(params, $ZY, seen=None):
    """Return the output of the decoder, for z (M, $LATENT)."""
    $LABELLED_Z
    $DECODER
    return $OUTPUT'''


def networks(model):
    """Return the functions `encode` and `decode`."""
    labels = model.needs_labels
    encoder, h = lines(model.encoder, "encoder", "(2 * x - 1)" if model.rescales else "x")
    decoder, output = lines(model.decoder, "decoder", "z")
    if model.has_bound:
        encoder.append(f"h = {h}")
        h = ", ".join(line(part, name, "h") for name, part in (("mu", model.mu), ("logvar", model.logvar)))
    return pieces.filled(
        NETWORKS,
        XY="x, y" if labels else "x", ZY="z, y" if labels else "z", D=model.data_dim, LATENT=model.latent_dim,
        CODES="mu and logvar of q(z | x)" if model.has_bound else "the codes z",
        LABELLED_X="x = jnp.concatenate([x, one_hot(y)], axis=1)" if labels else "",
        LABELLED_Z="z = jnp.concatenate([z, jnp.tile(one_hot(y), (len(z) // len(y), 1))], axis=1)" if labels else "",
        ENCODER="\n".join(encoder), CODE=h, DECODER="\n".join(decoder), OUTPUT=output,
    )  # fmt: skip


# --- the whole --------------------------------------------------------------------------------------------------------

UPDATES = {  # by optimizer: how many moments it keeps, and the step of one parameter
    "adam": (2, '''\
def update(p, g, moments, step):
    """Return a parameter and its moments after a step of Adam."""
    t, rate = step - STEP + 1, $RATE
    m, v = $BETA1 * moments[0] + (1 - $BETA1) * g, $BETA2 * moments[1] + (1 - $BETA2) * g**2
    return p - rate * (m / (1 - $BETA1**t)) / (jnp.sqrt(v / (1 - $BETA2**t)) + $EPS), [m, v]'''),
    "adagrad": (1, '''\
def update(p, g, moments, step):
    """Return a parameter and its moments after a step of Adagrad."""
    squares = moments[0] + g**2
    return p - $RATE * g / (jnp.sqrt(squares) + $EPS), [squares]'''),
    "sgd": (1, '''\
def update(p, g, moments, step):
    """Return a parameter and its velocity after a step of stochastic gradient descent."""
    velocity = $MOMENTUM * moments[0] + g
    return p - $RATE * velocity, [velocity]'''),
}  # fmt: skip
PIXELS = "x / np.float32(255) if x.dtype == np.uint8 else x"


def source(run, file):
    """Return the program of a run, as text; `file` is its name."""
    model, chosen = run.model, run.settings
    prepare = ""
    if chosen.get("binarization") == "dynamic":
        prepare = "batch[0] = (rng.random(batch[0].shape) < batch[0]).astype(np.float32)"
    moments, update = UPDATES[chosen["optimizer"]]
    rate = " * ".join(filter(None, ["LR", pieces.schedule_factor(run)]))
    update = pieces.filled(update, RATE=rate, **pieces.hyperparameters(run))
    labels, images, is_random = model.needs_labels, has_images(model), noise(run, "i") != "None"
    return pieces.filled(
        PROGRAM,
        TITLE=pieces.title(run, "JAX"), FILE=file, BATCH_SIZE=chosen["batch_size"],
        LR=pieces.number(chosen["lr"]), SEED=chosen["seed"], STEP=run.step,
        LAYOUT=LAYOUT if images else "", LABELS=pieces.filled(ONE_HOT, LABELS=model.labels.tolist()) if labels else "",
        IMAGES=IMAGES if images else "", NETWORKS=networks(model), LOSS=loss(run), UPDATE=update,
        SEEN="seen" if images else "_", RUNNING=RUNNING if images else "", MOMENTS=moments, PREPARE=prepare,
        KEYS=", keys" if is_random else "", KEY=", jax.random.key(SEED)" if is_random else "",
        NOISE_I=noise(run, "i"), NOISE_STEP=noise(run, "step"), MAIN=pieces.filled(pieces.MAIN, LOAD="load_file"),
        ARRAYS=f"{PIXELS}, y" if labels else PIXELS, Y='y = np.load(HERE / "data.npz")[f"y_{part}"]' if labels else "",
    )  # fmt: skip
