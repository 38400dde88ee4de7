"""Who takes part: npvae, the peers in each of their forms, and the matrix products alone."""

import contextlib
import dataclasses
import importlib
import importlib.metadata


@dataclasses.dataclass(frozen=True)
class Contender:
    """A name for the table, the library that it needs (None for ours), and the module and class that run it."""

    name: str
    library: str | None
    module: str
    kind: str


OURS, PRODUCTS = "npvae", "its products alone"
CONTENDERS = [
    Contender(OURS, None, "npvae.bench.ours", "Ours"),
    Contender(PRODUCTS, None, "npvae.bench.products", "Products"),
    Contender("torch", "torch", "npvae.bench.with_torch", "Torch"),
    Contender("torch, fused Adam", "torch", "npvae.bench.with_torch", "FusedTorch"),
    Contender("torch, compiled", "torch", "npvae.bench.with_torch", "CompiledTorch"),
    Contender("jax, jit", "jax", "npvae.bench.with_jax", "Jax"),
    Contender("autograd", "autograd", "npvae.bench.with_autograd", "Autograd"),
]
BY_NAME = {contender.name: contender for contender in CONTENDERS}
PEERS = ("torch", "jax", "autograd")


def installed(libraries=PEERS):
    """Return which of these libraries are installed: a dict from names to versions."""
    found = {}
    for name in libraries:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def taking_part(workload, libraries):
    """Return the contenders for a workload that need only these libraries, ours first."""
    chosen = [contender for contender in CONTENDERS if contender.library is None or contender.library in libraries]
    if workload.model == "conv-vae":                         # autograd has no strided convolution
        chosen = [contender for contender in chosen if contender.library != "autograd"]
    if not workload.trains:                                  # without training there is no Adam to fuse
        chosen = [contender for contender in chosen if contender.kind != "FusedTorch"]
    return chosen


def build(contender, workload, dtype):
    """Return the contender's runner for this workload, ready to take steps in this precision."""
    model = workload.build().astype(dtype)
    network = model if contender.library is None else [p.data for p in model.parameters()]
    kind = getattr(importlib.import_module(contender.module), contender.kind)
    return kind(workload, network, [x.astype(dtype) for x in workload.minibatches()])
