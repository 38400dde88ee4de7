"""Proves that the page about a run holds the run's own numbers, and that what cannot be explored gets one sentence.

These tests would catch weights that are rounded too coarsely, a layer or an activation that is left out, a page that
asks for something from outside, a name that becomes markup, and an existing file that is lost.
"""

import base64
import gzip
import json
import re

import numpy as np
import pytest

from npvae import datasets
from npvae.errors import UserError
from npvae.figures import explorer
from npvae.figures.explorer import contents, networks, page
from npvae.training import Run

MODELS = ["vae", "iwae", "ae", "linear-ae", "dae", "pca", "cvae", "conv-vae", "conv-ae"]


def make_run(folder, data="bars", steps=3, **chosen):
    run = Run.create(folder, {"data": data, "latent_dim": 3} | chosen)
    run.training.run(steps if run.optimizer else 0, run.save)
    return run


@pytest.mark.parametrize("bits", [8, 16])
def test_rounded_weights_are_near(bits):
    W = np.random.default_rng(0).standard_normal((31, 7)).astype(np.float32)
    W[:, 3] = 0
    q, scale = networks.quantized(W, bits)
    assert q.itemsize == bits // 8 and np.all(np.abs(q * scale - W) <= 0.5001 * scale)
    assert np.all(np.abs(q).max(axis=0)[[0, 1, 2, 4, 5, 6]] == 2 ** (bits - 1) - 1)


@pytest.mark.parametrize("activation", ["relu", "leaky-relu", "sigmoid", "tanh", "softplus"])
@pytest.mark.parametrize("model", MODELS)
def test_the_layers_compute_what_the_model_does(tmp_path, model, activation):
    more = {"hidden": [11, 7], "activation": activation} if model in ("vae", "iwae", "ae", "dae", "cvae") else {}
    run = make_run(tmp_path / "run", model=model, **more)
    encoder, decoder = networks.encoder_and_decoder(run.model)
    x, given = run.x_test[:5], run.given(slice(5))
    mu = given.codes(x)
    seen = contents._inputs(run, mu, 5)
    assert np.allclose(networks.compute(encoder, seen[0])[:, :3], mu, atol=1e-5)
    output = networks.compute(decoder, seen[1])
    assert np.allclose(contents._mean(run, output), given.generate(mu), atol=1e-5)


def test_coarse_weights_are_not_used_where_they_would_be_seen(tmp_path):
    """The smallest layers get 16 bits, as many as are needed, and no more."""
    run = make_run(tmp_path / "run", hidden=[300, 200])
    encoder, decoder = networks.encoder_and_decoder(run.model)
    layers, mu = encoder + decoder, run.model.codes(run.x_test)
    decoder[0].W[0, 0] = 1000                                # a large weight makes the others of its column coarse
    assert not contents._is_precise(run, encoder, decoder, mu)
    networks.refine(layers, lambda: contents._is_precise(run, encoder, decoder, mu))
    assert contents._is_precise(run, encoder, decoder, mu)
    sizes = {bits: [layer.W.size for layer in layers if layer.bits == bits] for bits in (8, 16)}
    assert sizes[16] and sizes[8] and max(sizes[16]) <= min(sizes[8])


def about(text):
    return json.loads(re.search(r'id="about">(.*?)</script>', text, re.DOTALL)[1])


def array(text, place):
    packed = re.search(rf'<div id="{place["block"]}" hidden><!--(.*?)-->', text, re.DOTALL)[1]
    kinds = {kind: dtype for dtype, kind in page.KINDS.items()}
    numbers = gzip.decompress(base64.b64decode(packed))
    count = int(np.prod(place["shape"]))
    return np.frombuffer(numbers, kinds[place["kind"]], count, place["at"]).reshape(place["shape"])


def test_the_page_holds_the_run(tmp_path):
    run = make_run(tmp_path / "run", hidden=[11])
    text = page.page([run])
    found = about(text)
    one = found["runs"][0]
    x, y = run.x_test[: contents.SHOWN], run.dataset.y_test[: contents.SHOWN]
    assert np.allclose(array(text, found["images"]) / 255, x, atol=0.002)
    assert np.array_equal(run.dataset.labels[array(text, found["labels"])], y)
    assert found["names"] == [str(k) for k in run.dataset.labels]
    codes = array(text, one["codes"]) * array(text, one["codeScale"])
    with run.model.evaluating():
        q = run.model.encode(run.x_test)
        kl = 0.5 * (q.mean**2 + np.exp(q.logvar.data) - 1 - q.logvar.data)
    assert np.allclose(codes, q.mean[: len(x)], atol=1e-3)
    assert np.allclose(one["worth"], kl.mean(axis=0), rtol=1e-3)
    assert one["latent"] == 3 and one["hasBound"] and len(one["decoder"]) == 2


def test_a_page_is_the_same_each_time(tmp_path):
    run = make_run(tmp_path / "run", hidden=[11])
    assert page.page([run]) == page.page([Run.load(tmp_path / "run")])


def test_nothing_comes_from_outside_and_names_are_text(tmp_path):
    data = datasets.load("bars")
    classes = np.array(["<script>alert(1)</script>", "</script>", "[[about]]", *"defghijklmnopqrstuvwxyz"])
    y = np.minimum(data.y_train, 2)
    np.savez(tmp_path / "bars.npz", x=data.x_train.reshape(-1, *data.image_shape), y=classes[y])
    run = make_run(tmp_path / "<b>[[first]]", str(tmp_path / "bars.npz"), hidden=[11])
    text = page.page([run])
    assert not re.search(r"https?:|//cdn|<link|src=|@import|url\(", text)
    assert "default-src 'none'" in text and "alert(1)</script>" not in text and "<b>" not in text
    assert set(about(text)["names"]) == set(classes[np.unique(y)])
    assert text.count("<script") == 3 and "&lt;b&gt;[[first]]" in text


def refusal(runs, path, **options):
    with pytest.raises(UserError) as error:
        explorer.write(runs, path, **options)
    return str(error.value)


def test_what_cannot_be_explored_is_said(tmp_path, monkeypatch):
    out = tmp_path / "page.html"
    np.savez(tmp_path / "vectors.npz", x=np.random.default_rng(0).random((50, 7)))
    vectors = make_run(tmp_path / "vectors", str(tmp_path / "vectors.npz"), hidden=[5])
    vem = make_run(tmp_path / "vem", model="vem", hidden=[5])
    bars, shapes = make_run(tmp_path / "bars", hidden=[5]), make_run(tmp_path / "shapes", "shapes", hidden=[5])
    assert "vectors, not images" in refusal([vectors], out)
    assert "no encoder" in refusal([vem], out)
    assert "see different images" in refusal([bars, shapes], out)
    monkeypatch.setattr(page, "LARGEST", 1000)
    assert "expected at most" in refusal([bars], out)
    assert not out.exists()


def test_an_existing_file_is_replaced_only_with_force(tmp_path):
    run, out = make_run(tmp_path / "run", hidden=[5]), tmp_path / "page.html"
    out.write_text("precious")
    assert "already exists" in refusal([run], out) and out.read_text() == "precious"
    assert explorer.write([run], out, force=True) == out.stat().st_size > 1000


def test_without_labels_there_are_no_classes(tmp_path):
    data = datasets.load("bars")
    np.savez(tmp_path / "bars.npz", x=data.x_train.reshape(-1, *data.image_shape))
    found = about(page.page([make_run(tmp_path / "run", str(tmp_path / "bars.npz"), hidden=[5])]))
    assert found["names"] is None and found["labels"] is None
