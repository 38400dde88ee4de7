"""The results as tables of at most 80 columns, and as a dict for a JSON file."""

import ctypes
import os
import platform

import numpy as np

from .. import __version__, runtime
from .contenders import OURS, PRODUCTS
from .race import ROUNDS

PEER_GOAL = 1.0
PRODUCTS_GOAL = 1.6  # for the reference network only
IMPORT_GOAL, MEMORY_GOAL = 1.25, 0.4
SMALL = 0.03  # an operation that takes less than this part of a step has no separate line
NOISY = 2.0  # if the third quartile is this many times the first, we do not say whether a goal is reached


def blas():
    """Return one line about what computes the matrix products: OpenBLAS's version, its kernels, and who chose them."""
    config, kernels = runtime.openblas("get_config"), runtime.openblas("get_corename")
    if not config:
        return "not OpenBLAS: npvae leaves its kernels and threads as they are"
    config.restype = kernels.restype = ctypes.c_char_p
    asked = os.environ.get("OPENBLAS_CORETYPE")
    who = "chosen by npvae" if runtime.chosen_kernels else f"OPENBLAS_CORETYPE={asked}" if asked else "its own choice"
    return f"{' '.join(config().decode().split()[:2])}, kernels {kernels().decode()} ({who})"


def machine(threads, versions):
    """Return a dict that describes where the measurement ran."""
    return {
        "processor": processor(), "cores": runtime.cores(), "threads": threads, "precision": "float32",
        "blas": blas(), "python": platform.python_version(),
        "versions": {"npvae": __version__, "numpy": np.__version__} | versions,
    }  # fmt: skip


def machine_lines(machine):
    """Yield the same description as lines of text."""
    threads = f"{machine['threads']} thread{'s' if machine['threads'] > 1 else ''}"
    yield f"{machine['processor']}, {threads}, {machine['precision']}"
    yield machine["blas"]
    yield f"Python {machine['python']}, " + ", ".join(f"{name} {v}" for name, v in machine["versions"].items())
    if len(machine["versions"]) == 2:
        yield "no peer takes part: pip install 'npvae[bench]' installs all three"


def processor():
    """Return the name of the processor, as far as the system reports it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def ratios(results):
    """Return (the fastest peer, our median divided by its, our median divided by our products'), None where missing."""
    medians = {result.name: result.median for result in results if result.failure is None}
    ours, products = medians.pop(OURS), medians.pop(PRODUCTS, None)
    peer = min(medians, key=medians.get, default=None)
    return peer, ours / medians[peer] if peer else None, ours / products if products else None


def lines(workload, results):
    """Yield the lines of one workload's table."""
    seconds = next(result.median for result in results if result.name == OURS)
    unit, scale = ("s", 1) if seconds > 1 else ("ms", 1000)
    yield f"{workload.name}: {workload.title()}"
    yield f"  {'':<19} {'median':>8} {unit:<2}  {'middle half':>15}  {'ours : it':>9}  {'differs by':>10}"
    for result in results:
        if result.failure is not None:
            yield f"  {result.name:<19} {result.failure}"
            continue
        half = f"{result.low * scale:.2f} to {result.high * scale:.2f}"
        line = f"  {result.name:<19} {result.median * scale:8.2f} {unit:<2}  {half:>15}"
        if result.name != OURS:
            line += f"  {seconds / result.median:9.2f}"
        if result.difference is not None:
            line += f"  {result.difference:10.0e}"
        yield line
    peer, ratio, products_ratio = ratios(results)
    is_quiet = all(result.high < NOISY * result.low for result in results if result.failure is None)
    if not is_quiet:
        yield "  The times vary a lot: something else kept the machine busy. Measure again."
    if peer:
        yield f"  {ratio:.2f} times the fastest peer, {peer}{_goal(ratio, PEER_GOAL if is_quiet else None)}"
    if products_ratio:
        goal = PRODUCTS_GOAL if workload.name == "reference" and is_quiet else None
        yield f"  {products_ratio:.2f} times its own products{_goal(products_ratio, goal)}"
    if min(result.rounds for result in results if result.failure is None) < ROUNDS:
        yield "  The time was up before all rounds were run: the machine was busy."
    yield from profile_lines(next(result.profile for result in results if result.name == OURS), unit, scale)


def busy_lines(measured):
    """Yield the table of steps beside busy programs; measured: a dict from their number to a list of `Result`."""
    yield "busy: a step of the reference network, alone and beside other programs"
    yield f"  {'median ms, beside':<19}" + "".join(f"{n or 'none':>12}" for n in measured) + f"{'slower':>12}"
    for results in zip(*measured.values()):
        failure = next((result.failure for result in results if result.failure), None)
        medians = [] if failure else [1000 * result.median for result in results]
        cells = failure or "".join(f"{m:12.2f}" for m in medians) + f"{medians[-1] / medians[0]:10.1f} x"
        yield f"  {results[0].name:<19}{cells}"


def profile_lines(profile, unit, scale):
    """Yield where the time of our step goes: the operations that take most of it, then everything else in one line."""
    if profile is None:
        yield "  Where our time goes is left out: its parts add up to more than the step."
        return
    total = profile["step"]
    parts = {name: times for name, times in profile.items() if name != "step" and sum(times) >= SMALL * total}
    parts = dict(sorted(parts.items(), key=lambda item: -sum(item[1])))
    parts["everything else"] = [total - sum(map(sum, parts.values())), 0]
    yield f"  {'where our time goes':<26} {'forward':>10}  {'backward':>10}  {'of all':>7}"
    for name, times in parts.items():
        cells = "  ".join(f"{t * scale:7.2f} {unit:<2}" if t else " " * 10 for t in times)
        yield f"    {name:<24} {cells}  {sum(times) / total:7.0%}"


def as_dict(workload, results):
    """Return all numbers of one workload."""
    peer, ratio, products_ratio = ratios(results)
    return {
        "title": workload.title(), "results": [result._asdict() for result in results],
        "fastest_peer": peer, "ratio": ratio, "ratio_to_products": products_ratio,
    }  # fmt: skip


def growth_lines(grown):
    """Yield the lines of two tables, one for each axis: milliseconds for a step."""
    for axis, curves in grown.items():
        yield f"{axis:>7}" + "".join(f"{name:>20}" for name in curves)
        medians = {name: dict(zip(*curve)) for name, curve in curves.items()}
        for n in medians[OURS]:
            cells = (f"{1000 * times[n]:17.2f} ms" if n in times else f"{'failed':>20}" for times in medians.values())
            yield f"{n:7}" + "".join(cells)


def programs_lines(measured):
    """Yield the table of whole programs: steps per second by batch size. measured: {program: {batch size: seconds}}."""
    yield "programs: steps per second, trained here and by what npvae export writes"
    yield f"  {'batch size':<22}" + "".join(f"{n:>12,}" for n in measured[OURS])
    for name, seconds in measured.items():
        yield f"  {name:<22}" + "".join(f"{1 / s:12.3g}" for s in seconds.values())


def import_line(times):
    """Return one line about the time of the import."""
    ratio = times["npvae"] / times["numpy"]
    words = f"import npvae {times['npvae'] * 1e3:.0f} ms, numpy {times['numpy'] * 1e3:.0f} ms"
    return f"{words}: {ratio:.2f} times{_goal(ratio, IMPORT_GOAL)}"


def memory_lines(peaks):
    """Yield lines with the peak memory of each contender, and with ours against PyTorch's."""
    yield "peak memory of a process that trains the reference network on MNIST"
    for name, peak in peaks.items():
        yield f"  {name:<19} {peak}" if isinstance(peak, str) else f"  {name:<19} {peak:8.0f} MB"
    torch = [peak for name, peak in peaks.items() if name.startswith("torch") and not isinstance(peak, str)]
    if torch and not isinstance(peaks[OURS], str):
        ratio = peaks[OURS] / min(torch)
        yield f"  {ratio:.2f} times PyTorch's{_goal(ratio, MEMORY_GOAL)}"


def _goal(ratio, goal):
    if goal is None:
        return ""
    return f" (goal: at most {goal:g}, {'reached' if ratio <= goal else 'missed'})"
