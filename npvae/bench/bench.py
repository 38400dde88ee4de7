"""What `npvae bench` does: measure what you name, print tables, and return every number."""

from .. import figures, runtime
from ..errors import UserError, choose_name
from . import contenders, costs, growth, programs, tables
from .race import race
from .workloads import BY_NAME

NAMES = (*BY_NAME, "busy", "import", "memory", "growth", "programs")
BUSY = (0, 1, 2)  # how many other programs run beside the step
SECONDS = {"import": 10, "memory": 60, "growth": 300, "programs": 1200}  # how long they take on a quiet machine
DEFAULT = NAMES[:-2]  # without those that take longest


def chosen_libraries(against):
    """Return the requested peers, or the installed ones if `against` is None: a dict from names to versions.

    Raises UserError for a peer that is unknown or not installed.
    """
    installed = contenders.installed()
    against = against and [choose_name("peer", name, contenders.PEERS) for name in against]
    for name in against or ():
        if name not in installed:
            raise UserError(f"{name} is not installed: pip install {name}, or leave it out of --against")
    return installed if against is None else {name: installed[name] for name in against}


def run(names, against, threads, seconds, folder, say, save=lambda measured: None):
    """Measure, and pass the results to `say`, line by line.

    names     from NAMES; an empty list means DEFAULT
    against   names of peers, or None for the installed ones
    threads   the number for each contender; None for two, or for one on a single core
    seconds   how long each contender takes steps, in total
    folder    a pathlib.Path for the figure of growth
    say       a function that takes a line
    save      a function that takes all numbers so far, called after each measurement

    Returns all numbers as a dict that JSON can hold, with times in seconds and memory in MB. Raises UserError for
    unknown names and for more threads than cores, before it measures anything.
    """
    names = dict.fromkeys(choose_name("workload", name, NAMES) for name in names or DEFAULT)
    versions = chosen_libraries(against)
    cores = runtime.cores()
    threads = threads or min(2, cores)
    if threads > cores:
        raise UserError(f"{threads} threads would get in each other's way here, with {cores} at most: ask for fewer")
    if "growth" in names:
        folder.mkdir(parents=True, exist_ok=True)
    measured = {"machine": tables.machine(threads, versions), "seconds": seconds}
    for line in tables.machine_lines(measured["machine"]):
        say(line)
    say(f"measures {', '.join(names)}: about {_minutes(names, versions, seconds)} on a quiet machine")
    for name in names:
        say("")
        if name == "busy":
            workload = BY_NAME["reference"]
            chosen = contenders.taking_part(workload, versions)
            found = {n: race(workload, chosen, seconds, threads, n) for n in BUSY}
            measured[name] = {n: tables.as_dict(workload, results) for n, results in found.items()}
            lines = tables.busy_lines(found)
        elif name == "import":
            measured[name] = costs.time_imports()
            lines = [tables.import_line(measured[name])]
        elif name == "memory":
            taking_part = contenders.taking_part(BY_NAME["reference"], versions)
            measured[name] = costs.peak_memory([c.name for c in taking_part if c.name != contenders.PRODUCTS], threads)
            lines = tables.memory_lines(measured[name])
        elif name == "growth":
            measured[name] = growth.measure(versions, threads)
            lines = [*tables.growth_lines(measured[name]), f"wrote to {folder}: growth.png"]
        elif name == "programs":
            measured[name] = programs.measure(versions)
            lines = tables.programs_lines(measured[name])
        else:
            workload = BY_NAME[name]
            results = race(workload, contenders.taking_part(workload, versions), seconds, threads)
            measured[name] = tables.as_dict(workload, results)
            lines = tables.lines(workload, results)
        save(measured)
        if name == "growth":
            figures.growth(measured[name], growth.title()).savefig(folder / "growth.png")
        for line in lines:
            say(line)
    return measured


def _minutes(names, versions, seconds):
    """Return about how long the measurements take on a quiet machine, such as "2 minutes"."""
    total = 0
    for name in names:
        workload = BY_NAME.get(name, BY_NAME["reference"])
        each = 10 + seconds if workload.trains else 10 + 40  # it takes at least 24 steps
        races = len(BUSY) if name == "busy" else 1
        total += SECONDS.get(name, races * each * len(contenders.taking_part(workload, versions)))
    minutes = max(1, round(total / 60))
    return f"{minutes} minute{'s' * (minutes > 1)}"
