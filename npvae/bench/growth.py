"""How the time of a step grows with the minibatch and with the width of the network: 784-width-20."""

from .contenders import BY_NAME, OURS
from .race import race
from .workloads import Workload

BATCHES = tuple(2**i for i in range(13))                     # 1 to 4,096, with WIDTH
WIDTHS = tuple(2**i for i in range(6, 13))                   # 64 to 4,096, with BATCH
BATCH, WIDTH = 128, 512
FASTEST = ("torch, fused Adam", "jax, jit")                  # of each peer, without the form that compiles for a minute
SECONDS = 1.0


def sizes():
    """Return the workloads: a dict from "batch" and "width" to dicts from a number to a `Workload`."""
    def of(batch, width):
        return Workload(f"batch {batch}, width {width}", "vae", "mnist", batch, 20, (width,))

    return {"batch": {n: of(n, WIDTH) for n in BATCHES}, "width": {n: of(BATCH, n) for n in WIDTHS}}


def title():
    """Return the title of the figure."""
    return f"one step of a VAE 784-width-20: width {WIDTH} on the left, batch {BATCH} on the right"


def measure(libraries, threads):
    """Return the seconds of a step: {"batch" or "width": {contender's name: (sizes, medians)}}."""
    chosen = [BY_NAME[OURS]] + [BY_NAME[name] for name in FASTEST if BY_NAME[name].library in libraries]
    grown = {}
    for axis, workloads in sizes().items():
        curves = grown[axis] = {contender.name: ([], []) for contender in chosen}
        for n, workload in workloads.items():
            for result in race(workload, chosen, SECONDS, threads):
                if result.failure is None:
                    curves[result.name][0].append(n)
                    curves[result.name][1].append(result.median)
    return grown
