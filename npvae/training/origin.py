"""Where the data of a run comes from: what the run remembers of it, and how it finds it again.

A run remembers the shape of its data, which is enough to build the model, and the fingerprint. Data with the same
fingerprint is the same data, wherever it is. So a run searches for it: at its old absolute path, at its old path
relative to the run, then beside itself. And you can say where the data is now.
"""

import dataclasses
import os
import pathlib
import re

from .. import datasets
from ..datasets.files import shown, shown_path
from ..errors import UserError


class MissingData(UserError):
    """The data of a run is not where it was, or has changed. What needs no data still works."""


@dataclasses.dataclass(frozen=True)
class Origin:
    """What a run remembers of its data.

    place         the name of the set, or the absolute path of a file
    relative      the path as seen from the run's folder; None for a name
    name          the name of the data set
    data_dim      D, the numbers in an example
    image_shape   (H, W, C), or None for vectors
    N             the number of training examples, with those that are held out for validation
    labels        the labels that occur, a tuple of whole numbers, for a model that needs them; otherwise None
    fingerprint   of the dataset
    """

    place: str
    relative: str | None
    name: str
    data_dim: int
    image_shape: tuple | None
    N: int
    labels: tuple | None
    fingerprint: str

    @classmethod
    def of(cls, dataset, place, folder, needs_labels=False):
        """Return the origin of a `Dataset` that was loaded from `place`, for a run in `folder`.

        needs_labels   whether the origin includes the labels
        """
        relative = None
        if datasets.is_path(place):
            place = os.path.abspath(place)
            try:
                relative = os.path.relpath(place, folder)
            except ValueError:  # on Windows, for another drive
                pass
        N, data_dim = len(dataset.x_train), dataset.data_dim
        labels = tuple(dataset.labels.tolist()) if needs_labels and dataset.labels is not None else None
        fingerprint = dataset.fingerprint(needs_labels)
        return cls(place, relative, dataset.name, data_dim, dataset.image_shape, N, labels, fingerprint)


def find(place, relative, fingerprint, folder, given=None, needs_labels=False):
    """Return the `Dataset` of a run and the place where it is.

    folder         the folder of the run
    given          the place where the user says that the data is; None to search
    needs_labels   whether the labels must be the same, too
    The other arguments are fields of `Origin`.

    Raises MissingData if no place has the data, and UserError if the user's place has other data.
    """
    if given is not None:
        dataset = datasets.load(given)
        if dataset.fingerprint(needs_labels) != fingerprint:
            run = shown_path(folder, 80)
            raise UserError(f"{shown_path(given, 80)} is not the data that {run} was trained on, or has changed since")
        return dataset, given
    failures = []
    for candidate in _candidates(place, relative, folder):
        try:
            dataset = datasets.load(candidate)
        except UserError as error:
            failures.append(str(error))
            continue
        if dataset.fingerprint(needs_labels) == fingerprint:
            return dataset, candidate
        failures.insert(0, f"{shown_path(candidate, 80)} has changed since {shown_path(folder, 80)} was trained on it")
    raise MissingData(f"{shown(failures[0], 200)}: restore it, or say with --data where it is now")


def _candidates(place, relative, folder):
    """Return the places to search, in this order, each once."""
    if not datasets.is_path(place):
        return [place]
    folder, name = pathlib.Path(folder), re.split(r"[\\/]", place)[-1]  # the path may be another system's
    beside = [folder / name, folder.parent / name, name]
    return [*dict.fromkeys(map(str, [place, *([folder / relative] if relative else []), *beside]))]
