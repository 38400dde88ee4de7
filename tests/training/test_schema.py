"""Proves that a checkpoint with a right checksum and a wrong content is refused in one sentence, before it does harm.

These tests would catch a setting of another type, an array of another shape, NaN among the weights, a network that is
built because a file asks for it, and a pipe that hangs the program. Bytes are damaged in test_checkpoint.py.
"""

import copy
import hashlib
import io
import json
import os
import random
import sys
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from npvae.errors import UserError
from npvae.training import Run, checkpoint


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return the arrays and the settings of runs of three models, by the name of the model."""
    found = {}
    for model in ("vae", "vem", "ae"):
        folder = tmp_path_factory.mktemp(model) / "run"
        chosen = {"data": "bars", "model": model, "hidden": [4], "latent_dim": 3, "validation": 1500, "patience": 2}
        run = Run.create(folder, chosen)
        run.training.run(4, run.save, every=2)
        run.finish()
        found[model] = checkpoint.load(folder / "model.npz")
    return found


@pytest.fixture
def refuse(tmp_path, saved):
    """refuse(edit) asserts that the run of a VAE is refused after edit(arrays, settings); returns the sentence."""

    def refuse(edit=None, model="vae"):
        if edit:
            arrays, settings = dict(saved[model][0]), copy.deepcopy(saved[model][1])
            edit(arrays, settings)
            checkpoint.save(tmp_path / "model.npz", arrays, settings)
        tracemalloc.start()
        start = time.perf_counter()
        try:
            with pytest.raises(UserError) as raised:
                Run.load(tmp_path)
            assert tracemalloc.get_traced_memory()[1] < 30e6
        finally:
            tracemalloc.stop()
        assert time.perf_counter() - start < 5
        message = str(raised.value)
        assert len(message) <= 300 and message.isprintable(), message
        return message

    return refuse


def set_run(**values):
    return lambda arrays, settings: settings["run"].update(values)


def test_the_unchanged_checkpoint_is_loaded(tmp_path, saved):
    for arrays, settings in saved.values():
        checkpoint.save(tmp_path / "model.npz", arrays, settings)
        assert Run.load(tmp_path, to_train=True).training.step == 4


SETTINGS = {
    "lr": ("0.1", None, [0.1], 1e10, -1, True, float("nan"), {}), "latent_dim": (3.0, "3", 0, 4, True),
    "hidden": (4, [4.0], ["4"], [4] * 101, [[4]], [], [5], {"a": 4}), "activation": ("rulu", 3, None, ["relu"]),
    "batch_size": (0, 2.5), "validation": (-1, 2000, 3), "patience": (0, "2"), "model": ("vea", None, ["vae"], 3, {}),
    "optimizer": ("sgd", 0), "likelihood": ([], "gaussian"), "seed": (-1, 0.5, "0"), "data": (3, None, ["bars"]),
    "unknown": (1,), "beta": (-1, "1"), "capacity": ([1],),
}  # fmt: skip


@pytest.mark.parametrize("name, values", SETTINGS.items())
def test_settings_that_do_not_fit(refuse, name, values):
    for value in values:
        assert "was not written by this version" in refuse(set_run(**{name: value})), value


def put(path, value):
    def edit(arrays, settings):
        *way, last = path.split(".")
        for part in way:
            settings = settings[part]
        settings[last] = value

    return edit


FIELDS = {
    "run": ([], None, 3), "training": ([], None), "fingerprint": (None, 3), "changes": (3, [3], [{"step": 1}]),
    "data": ([], {}, 3), "data.N": (0, 2.0, 10**12, 1999), "data.data_dim": (0, 63, 10**9), "data.name": (3, None),
    "data.image_shape": ([8, 8], [8, 8, 2], [64, 0, 1], [8.0, 8, 1], "8x8"), "data.relative": (3,),
    "training.step": (-1, 3, 10**10, "4", 4.0, True), "training.columns": (["a"], "abc", [1, 2, 3], None, ["a"] * 3),
    "training.validations": ([[2]], [[2, "x"]], [[2, float("nan")]], {}, [2], [[2, None]]),
    "training.rng": (None, {}, {"bit_generator": "MT19937"}, 3, {"bit_generator": "PCG64", "state": {"state": -1}}),
}


@pytest.mark.parametrize("path, values", FIELDS.items())
def test_fields_that_do_not_fit(refuse, path, values):
    for value in values:
        assert "was not written by this version" in refuse(put(path, value)), value


def in_array(name, change):
    def edit(arrays, settings):
        arrays[name] = change(arrays[name].copy())

    return edit


def with_value(value):
    def change(a):
        a.reshape(-1)[0] = value
        return a

    return change


def test_arrays_of_another_shape_or_type(refuse):
    for name in ("model/mu.W", "optimizer/M.0", "best/mu.b", "history", "batches/order"):
        for change in (lambda a: a[:-1], lambda a: a[..., None], lambda a: a.astype(complex), lambda a: a.astype("U5")):
            assert "was not written by this version" in refuse(in_array(name, change))
        assert "was not written" in refuse(lambda arrays, settings, name=name: arrays.pop(name))
    assert "the array x" not in refuse(lambda arrays, settings: arrays.update(x=np.zeros(3)))
    assert "was not written" in refuse(in_array("model/mu.W", lambda a: a.astype(int)))


@pytest.mark.parametrize("name", ["model/mu.W", "model/logvar.b", "optimizer/V.1", "best/mu.W", "history"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_by_every_command(refuse, tmp_path, npvae_, name, value):
    assert "holds NaN or infinity" in refuse(in_array(name, with_value(value)))
    for command in (["evaluate", tmp_path], ["draw", tmp_path], ["train", "--out", tmp_path, "--resume"]):
        status, _, error = npvae_(*command)
        assert status == 2 and "holds NaN or infinity" in error and error.count("\n") == 1
    assert npvae_("encode", tmp_path, "--out", "codes.npz")[0] == 2


def test_tables_and_priors_too(refuse):
    assert "holds NaN" in refuse(in_array("model/mu_table", with_value(np.nan)), "vem")
    assert "holds NaN" in refuse(in_array("prior/code_std", with_value(np.inf)), "ae")
    assert "1 of the 2 arrays prior" in refuse(lambda arrays, settings: arrays.pop("prior/code_mean"), "ae")


def test_an_order_that_is_none(refuse):
    assert "each example once" in refuse(in_array("batches/order", lambda a: np.zeros_like(a)))
    assert "counts" in refuse(in_array("batches/order", with_value(-1)))
    assert "position" in refuse(in_array("batches/position", with_value(501)))
    assert "counts" in refuse(in_array("optimizer/steps", with_value(-1)))


def test_a_network_is_not_built_because_a_file_asks_for_it(refuse):
    for chosen in ({"latent_dim": 10**8}, {"hidden": [10**9]}, {"hidden": [10**9, 10**9]}, {"hidden": [10**6] * 100}):
        assert "they are different networks" in refuse(set_run(**chosen))
    assert "they are different networks" in refuse(set_run(latent_dim=10**7), "vem")
    assert "they are different networks" in refuse(put("data.N", 10**9), "vem")
    assert "order of minibatches has shape" in refuse(put("data.N", 10**9))


def signed(path, members, method=zipfile.ZIP_STORED):
    """Write a zip archive with a right checksum."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as packed:
        for name, content in members.items():
            if not isinstance(content, bytes):
                file = io.BytesIO()
                np.save(file, content)
                content = file.getvalue()
            packed.writestr(f"{name}.npy", content)
        packed.comment = b"0" * 64
    content = bytearray(buffer.getvalue())
    content[-64:] = hashlib.sha256(content[:-64]).hexdigest().encode()
    path.write_bytes(content)


def test_settings_that_are_not_json(refuse, tmp_path):
    for text in ("", "{", "[" * 10**5, "[" * 10**5 + "]" * 10**5, '{"a":' * 10**5, "9" * 10**5, "\0", "nan"):
        signed(tmp_path / "model.npz", {"settings": np.array(text)})
        assert "not JSON" in refuse()
    for text in ("[" * 900 + "]" * 900, "3", "null", "NaN", '"x"'):
        signed(tmp_path / "model.npz", {"settings": np.array(text)})
        assert "was not written by this version" in refuse()
    for value in (np.array(3), np.array(["{}"]), np.array(b"{}")):
        signed(tmp_path / "model.npz", {"settings": value})
        assert "holds no settings" in refuse()
    signed(tmp_path / "model.npz", {"x": np.zeros(3)})
    assert "holds no settings" in refuse()


def test_bombs(refuse, tmp_path):
    signed(tmp_path / "model.npz", {"settings": np.array("{}"), "x": np.zeros(10**7)}, zipfile.ZIP_DEFLATED)
    assert "is damaged" in refuse()
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (10000000, 10000000), }\n"
    bomb = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    signed(tmp_path / "model.npz", {"settings": np.array("{}"), "model/mu.W": bomb})
    assert "is damaged" in refuse()
    with open(tmp_path / "model.npz", "wb") as file:
        file.truncate(2**42)
    assert "of memory" in refuse()


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes and devices")
def test_what_is_no_file(refuse, tmp_path):
    path = tmp_path / "model.npz"
    os.mkfifo(path)
    assert "is a pipe or a device" in refuse()
    for target in ("/dev/zero", "model.npz", "nowhere"):
        path.unlink()
        path.symlink_to(target)
        refuse()


def test_names_are_cut_and_escaped(refuse):
    name = "\n\x1b[2J" + "x" * 5000
    refuse(lambda arrays, settings: arrays.update({name: np.zeros(3)}))
    refuse(set_run(**{name: 1}))
    refuse(set_run(model=name))
    refuse(set_run(activation=name))
    refuse(put("training.rng", {"bit_generator": name}))


def values_in(value, at=()):
    """Return the paths of everything in nested dicts and lists."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, each in items for path in values_in(each, (*at, key)))]


HOSTILE = [None, True, 0, -1, 0.5, 1e308, float("nan"), 10**9, 10**30, "", "\0", "a" * 5000, [], [0], [10**9] * 3, {}]


def test_three_hundred_random_changes(saved, tmp_path):
    """Each is loaded, or refused in one sentence; a larger version of this test is for an afternoon."""
    choose, loaded = random.Random(5), 0
    for _ in range(300):
        arrays, settings = saved[choose.choice([*saved])]
        arrays, settings = dict(arrays), json.loads(json.dumps(settings))
        if choose.random() < 0.6:
            *way, last = choose.choice(values_in(settings)[1:])
            part = settings
            for key in way:
                part = part[key]
            part[last] = choose.choice(HOSTILE)
        else:
            name = choose.choice([*arrays])
            a = arrays[name].copy()
            new = [a[..., None], a.astype("f8"), a.astype("U3"), -a, a * np.nan, np.zeros(3), a.reshape(-1)[:-1]]
            arrays[name] = choose.choice(new)
        checkpoint.save(tmp_path / "model.npz", arrays, settings)
        try:
            Run.load(tmp_path).model.sample(3, 0)
            loaded += 1
        except UserError as error:
            assert len(str(error)) <= 300 and str(error).isprintable()
    assert loaded < 100


def test_the_arrays_of_another_model(saved, tmp_path):
    run = Run.create(tmp_path / "pca", {"data": "bars", "model": "pca", "latent_dim": 3})
    run.training.run(0, run.save)
    closed = checkpoint.load(tmp_path / "pca/model.npz")
    for arrays, _ in (*saved.values(), closed):
        for _, settings in (*saved.values(), closed):
            if (arrays is closed[0]) != (settings is closed[1]):
                checkpoint.save(tmp_path / "model.npz", arrays, settings)
                with pytest.raises(UserError, match="was not written by this version"):
                    Run.load(tmp_path)
