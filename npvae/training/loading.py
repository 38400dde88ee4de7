"""From a checkpoint to a run: what was saved is validated, and what is requested compared with it.

Settings that differ are refused, unless they may change; then the run takes the new value and records the change.
"""

from ..datasets.files import shown, shown_path
from ..errors import UserError
from . import checkpoint, schema, settings
from .folder import CHECKPOINT
from .loop import part_of
from .origin import Origin, find


def load(make, folder, chosen, may_change):
    """Return the run in this folder. `make` is the class `Run`; the other arguments are those of `Run.load`."""
    path, given = folder / CHECKPOINT, chosen.pop("data", None)
    arrays, saved = checkpoint.load(path)
    with schema.reading(path):
        saved = schema.complete(saved)
    changed = _changed(folder, saved, chosen, may_change)
    place = saved["run"]["data"]
    if saved["data"] is None:  # a checkpoint of version 0.1.0
        dataset, place = find(place, None, saved["fingerprint"], folder, given)
        origin = Origin.of(dataset, place, folder)
    else:
        origin = Origin(place=place, fingerprint=saved["fingerprint"], **saved["data"])
    wanted = settings.complete(saved["run"] | {each["setting"]: each["after"] for each in changed})
    with schema.reading(path):
        schema.require_size(arrays, wanted, origin)
        run = make(folder, wanted, origin)
        N = origin.N - saved["run"].get("validation", 0)
        schema.require_arrays(arrays, run.model, run.optimizer, saved["training"], N)
        run.model.load_state_dict(part_of(arrays, "model"))
        if run.optimizer is not None:
            run.optimizer.load_state_dict(part_of(arrays, "optimizer"))
            for name in run.optimizer.hyperparameters:  # from now on it has them, and you may set others
                arrays.pop(f"optimizer/{name}", None)
    run.changes, run._given, run._saved = saved["changes"] + changed, given, (arrays, saved["training"])
    for name, array in part_of(arrays, "prior").items():
        setattr(run.model, name, array)
        run._prior_step = run.step
    return run


def _changed(folder, saved, chosen, may_change):
    """Return the changes that the chosen settings make to the saved ones. Raises UserError for any that may not."""
    changed = []
    for name, value in chosen.items():
        before, value = saved["run"].get(name), settings.valid_setting(name, value)
        if value != before and name not in may_change:
            raise UserError(
                f"{shown_path(folder, 80)} was trained with {name} = {before}, but {shown(value)} is requested: leave "
                "it out to continue, or start a new run with another --out"
            )
        if value != before:
            changed.append({"step": saved["training"]["step"], "setting": name, "before": before, "after": value})
    return changed
