"""The commands that are not about a run: experiment, bench, gradcheck, data and learn."""

import json
import pathlib
import time

from .. import datasets, gradchecks
from ..autodiff.gradcheck import LIMIT
from ..bench import bench as side_by_side
from ..datasets import mnist
from ..diagnosis import diagnose
from ..errors import UserError, choose_name
from ..experiments import EXPERIMENTS
from ..training.folder import refuse_a_file
from ..training.replacing import replacing, require_writable
from .screen import print_wrapped


def experiment(options):
    """npvae experiment: run one, print its table, and write the table and the figures to a folder; or list them all."""
    if options.name is None:
        for name, each in EXPERIMENTS.items():
            print(f"{name:<15} {each.idea}\n{'':<15} ({each.duration})")
        return 0
    name = choose_name("experiment", options.name, EXPERIMENTS)
    run = EXPERIMENTS[name].full if options.full else EXPERIMENTS[name].run
    if run is None:
        raise UserError(f"{name} already follows its whole protocol: leave out --full")
    folder = pathlib.Path(options.out or f"experiments/{name}")
    refuse_a_file(folder)
    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    try:
        lines = run(folder)
    except KeyboardInterrupt:
        print_wrapped("interrupted: repeat the command to continue")
        raise
    lines.append(f"This call took {(time.perf_counter() - start) / 60:.1f} minutes.")
    print("\n".join(lines))
    with replacing(folder / "table.md") as file:
        file.write(("\n".join(lines) + "\n").encode())
    print_wrapped(f"wrote to {folder}: {', '.join(sorted(path.name for path in folder.iterdir() if path.is_file()))}")
    return 0


def bench(options):
    """npvae bench: time steps side by side with other libraries, print tables, and write the numbers to a file."""
    folder = pathlib.Path(options.out)
    refuse_a_file(folder)

    def save(measured):
        if options.json:
            with replacing(options.json) as file:
                file.write((json.dumps(measured, indent=1) + "\n").encode())

    if options.json:
        require_writable(options.json)
    side_by_side.run(options.names, options.against, options.threads, options.seconds, folder, print_wrapped, save)
    if options.json:
        print_wrapped(f"wrote {options.json}")
    return 0


def gradcheck(options):
    """npvae gradcheck: print one line for each check; the whole table if you name one or if it fails."""
    chosen = gradchecks.find(options.operation) if options.operation else gradchecks.ALL
    failed = 0
    is_one = bool(options.operation) and len({check.name.split("(")[0].split(".")[0] for check in chosen}) == 1
    if options.operation and not is_one:
        print(f"no check is called {options.operation!r}: these have it in their names")
    for check in chosen:
        result = check.run()
        failed += not result.ok
        if not result.ok:
            print(f"{result}\n\n{diagnose(result)}\n")
        elif is_one:
            print(result)
        else:
            print(f"{check.kind:<12} {check.name:<54} ok  {result.largest_error:.1e}")
    print(f"{len(chosen) - failed} passed, {failed} failed: central differences in float64, limit {LIMIT:.0e}")
    return 1 if failed else 0


def data(options):
    """npvae data: print which data sets are here, from where, and verified how; with a name, fetch a missing one."""
    if options.name is not None:
        options.name = choose_name("data set", options.name, datasets.LOADERS)
    for name in [options.name] if options.name else datasets.LOADERS:
        if options.name is None and mnist.is_missing(name):
            print(f"{name:<17} not here; npvae data {name} fetches it")
            continue
        dataset = datasets.load(name)
        H, W, C = dataset.image_shape  # every named data set holds images
        verified = "nothing to verify" if dataset.source == "a generator" else "checksums verified"
        print(f"{name:<17} {dataset.source}: {verified}")
        print(f"{'':<17} {len(dataset.x_train)} training and {len(dataset.x_test)} test images, {H} × {W} × {C}")
    return 0


def learn(options):
    """npvae learn: the exercises; without an action, print what to do next."""
    from ..learn import commands  # only here: it imports all the exercises, and no other command needs them

    given = {name: value for name, value in vars(options).items() if name not in ("command", "action", "own")}
    if options.action == "grade":
        from ..learn.grading.grade import grade  # only here, for the same reason

        return grade(**given, own=options.own)
    if options.action == "kit":
        from ..learn.kits.kit import kit  # only here, for the same reason

        return kit(**given, own=options.own)
    action = {None: commands.overview, "list": commands.list_all}.get(options.action)
    return (action or getattr(commands, options.action))(**given, own=options.own)
