"""Proves that encoder.onnx and decoder.onnx compute what npvae computes in evaluation mode."""

import numpy as np
import pytest

from npvae.autodiff import no_grad
from tests.export import cases
from tests.export.comparison import same

pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


def computed(content, **inputs):
    """Return the outputs of a graph: a dict from names to arrays."""
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(names, {name: a for name, a in inputs.items() if a is not None})))


@pytest.mark.parametrize("name", cases.CASES)
def test_the_encoder_and_the_decoder(name):
    from npvae.export import with_onnx

    run = cases.run_of(name, "float32")
    x, y = cases.examples(run)
    model = run.model if y is None else run.model.given(y)
    files = with_onnx.files(run)
    with model.evaluating(), no_grad():
        if model.has_bound:
            q, found = model.encode(x), computed(files["encoder.onnx"], x=x, y=y)
            same(q.mu.data, found["mu"], 1e-5), same(q.logvar.data, found["logvar"], 1e-5)
        else:
            same(model.codes(x), computed(files["encoder.onnx"], x=x)["z"], 1e-5)
        z = 2 * np.random.default_rng(5).standard_normal((cases.N, model.latent_dim), dtype=np.float32)
        found = computed(files["decoder.onnx"], z=z, y=y)
        output = run.model.decoder(z if y is None else model._with_labels(z))
        same(output.data, found["output"], 1e-5), same(model.generate(z), found["mean"], 1e-5)
