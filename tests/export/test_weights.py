"""Proves that weights come back from every layout as they were, and that those of other layers are refused."""

import numpy as np
import pytest

from npvae.errors import UserError
from npvae.export import weights
from tests.export import cases


@pytest.mark.parametrize("layout", [weights.to_torch, weights.to_jax], ids=["PyTorch", "JAX"])
@pytest.mark.parametrize("name", cases.CASES)
def test_there_and_back(name, layout):
    model = cases.run_of(name).model
    state = weights.from_saved(layout(model), model)
    assert state.keys() == model.state_dict().keys()
    assert all(np.array_equal(a, state[key]) for key, a in model.state_dict().items())


def test_the_weights_of_other_layers_are_refused():
    model = cases.run_of("vae, bernoulli").model
    other = weights.to_torch(cases.run_of("conv-vae, bernoulli").model)
    with pytest.raises(UserError, match=r"holds 'decoder\.0\.bias', which the run does not have: expected"):
        weights.from_saved(other, model)
    fewer = weights.to_torch(model)
    del fewer["mu.bias"]
    with pytest.raises(UserError, match=r"has no 'mu\.bias'"):
        weights.from_saved(fewer, model)


def published(model):
    """Return the weights of a VanillaVAE by PyTorch-VAE's names: blocks, and a last block with another name."""
    names = {"mu": "fc_mu", "logvar": "fc_var", "decoder.0.0": "decoder_input"}
    names |= {f"encoder.{1 + 3 * i + j}": f"encoder.{i}.{j}" for i in range(2) for j in range(2)}
    names |= {f"decoder.0.{2 + j}": f"decoder.0.{j}" for j in range(2)}
    names |= {f"decoder.0.{5 + j}": f"final_layer.{j}" for j in (0, 1, 3)}
    return {".".join([names[key.rpartition(".")[0]], key.rpartition(".")[2]]): a for key, a in
            weights.to_torch(model).items()}  # fmt: skip


def test_the_published_names_of_vanilla_vae():
    model = cases.run_of("vanilla-vae").model
    saved = published(model)
    assert {"encoder.0.0.weight", "encoder.1.1.running_var", "final_layer.3.bias"} <= saved.keys()
    state = weights.from_saved(saved, model)
    assert all(np.array_equal(a, state[key]) for key, a in model.state_dict().items())


SPOILT = {
    r"holds 'encoder\.5\.0\.bias', which the run does not have": ("encoder.5.0.bias", [0, 0, 0]),
    r"holds 'encoder\.weight', which the run does not have": ("encoder.weight", [0, 0, 0]),
    r"'fc_var\.bias' has shape \(5,\) in the file, and \(3,\) in the run": ("fc_var.bias", [0, 0, 0, 0, 0]),
    r"'final_layer\.3\.bias' holds NaN or infinity in float32": ("final_layer.3.bias", [1e39]),
}


@pytest.mark.parametrize("message", SPOILT)
def test_a_message_names_the_array_as_the_file_does(message):
    model, (name, numbers) = cases.run_of("vanilla-vae", "float32").model, SPOILT[message]
    with pytest.raises(UserError, match=message):
        weights.from_saved(published(model) | {name: np.array(numbers)}, model)
