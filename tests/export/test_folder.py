"""Proves `npvae export` and `npvae import`: what they write, what they refuse, and that nothing on disk is lost."""

import os
import pathlib
import sys

import numpy as np
import pytest

from npvae.export import folder, weights
from npvae.training import Run

pytest.importorskip("safetensors")
TRAIN = ["train", "--data", "bars", "--steps", "20"]


def test_weights_go_out_and_come_back(npvae_, refuse):
    npvae_(*TRAIN, "--hidden", "7", "--out", "run")
    status, out, _ = npvae_("export", "run", "--to", "jax")
    assert status == 0 and "wrote to run-jax: vae.py, model.safetensors, data.npz" in out
    with np.load("run-jax/data.npz") as data:
        assert data["x_train"].shape == (2000, 64)
    state = Run.load("run").model.state_dict()
    status, out, _ = npvae_("import", "run-jax/model.safetensors", "run")
    assert status == 0 and "wrote run-imported" in out
    assert all(np.array_equal(a, state[key]) for key, a in Run.load("run-imported").model.state_dict().items())
    assert npvae_("evaluate", "run-imported")[0] == 0
    assert npvae_(*TRAIN, "--hidden", "7", "--out", "run-imported", "--resume")[0] == 0
    assert "run-imported already holds a run" in refuse("import", "run-jax/model.safetensors", "run")
    assert "run-jax is not empty: choose another folder with --out" in refuse("export", "run", "--to", "jax")


def test_the_folder_of_a_run_may_be_the_current_one(npvae_, monkeypatch):
    npvae_(*TRAIN, "--hidden", "7", "--out", "a run")
    monkeypatch.chdir("a run")
    assert npvae_("export", ".", "--to", "jax")[0] == 0
    assert pathlib.Path("../a run-jax/vae.py").read_text(encoding="utf-8").startswith('"""The vae of a run in JAX')


def test_bytes_are_kept_only_if_nothing_is_lost():
    x = np.arange(256, dtype=np.float32)[None] / np.float32(255)
    assert folder._bytes_if_exact(x).dtype == np.uint8
    x[0, 3] += 1e-4
    assert folder._bytes_if_exact(x) is x and folder._bytes_if_exact(x * 2).dtype == np.float32


def test_what_is_refused(npvae_, refuse):
    npvae_("train", "--data", "bars", "--model", "pca", "--out", "pca")
    npvae_(*TRAIN, "--hidden", "7", "--out", "run")
    npvae_(*TRAIN, "--hidden", "8", "--out", "other")
    npvae_("export", "other", "--to", "jax")
    assert "pca cannot be exported: PCA is one matrix" in refuse("export", "pca", "--to", "torch")
    said = refuse("import", "other-jax/model.safetensors", "run")
    assert "'decoder.0.0.W' has shape (10, 8) in the file, and (10, 7) in the run: choose a run" in said
    assert not pathlib.Path("run-imported").exists()
    assert "there is no file nowhere.safetensors" in refuse("import", "nowhere.safetensors", "run")
    pathlib.Path("bad.safetensors").write_bytes(b"\xff" * 100)
    assert "bad.safetensors is not a readable .safetensors file" in refuse("import", "bad.safetensors", "run")
    spoilt = folder.read("other-jax/model.safetensors") | {"mu.b": np.full(10, np.nan, np.float32)}
    pathlib.Path("nan.safetensors").write_bytes(folder.safetensors(spoilt))
    assert "'mu.b' holds NaN or infinity in float32" in refuse("import", "nan.safetensors", "other")
    assert not pathlib.Path("other-imported").exists()
    assert "other is a folder: expected the weights" in refuse("import", "other", "other")
    assert "other already holds a run: choose another folder" in refuse("import", "x", "run", "--out", "other")
    assert "pca takes no weights of an exported program" in refuse("import", "other-jax/model.safetensors", "pca")
    file = os.path.join("run", "model.npz")
    assert f"{file} is a file, expected the folder of a run, such as run" in refuse("export", file, "--to", "jax")


def test_the_program_of_a_run_with_other_hyperparameters(npvae_, tmp_path):
    """A loaded run has what was set on its optimiser, and trains with what is set after loading."""
    run = Run.create("run", {"data": "bars", "hidden": [7], "model": "vae"})
    run.optimizer.beta1, run.optimizer.eps = 0.5, 1e-3
    run.training.run(3, run.save)
    del run
    assert npvae_("export", "run", "--to", "torch")[0] == npvae_("export", "run", "--to", "jax")[0] == 0
    assert "betas=(0.5, 0.999), eps=0.001" in pathlib.Path("run-torch/vae.py").read_text()
    assert "m, v = 0.5 * moments[0]" in pathlib.Path("run-jax/vae.py").read_text()
    run = Run.load("run", to_train=True)
    assert (run.optimizer.beta1, run.optimizer.steps) == (0.5, 3)
    run.optimizer.beta1 = 0.7
    assert run.training.optimizer.beta1 == 0.7 and run.training.optimizer.eps == 1e-3
    run.training.run(4, run.save)
    assert Run.load("run").optimizer.beta1 == 0.7


@pytest.mark.parametrize("length", [0x0280, 0x4B50])
def test_a_header_whose_length_looks_like_pytorch(tmp_path, length):
    """A .safetensors file begins with the length of its header: these two begin like a pickle and a zip archive."""
    content = folder.safetensors({"mu.b": np.arange(3, dtype=np.float32)})
    header = content[8 : 8 + int.from_bytes(content[:8], "little")]
    path = tmp_path / "weights"
    path.write_bytes(length.to_bytes(8, "little") + header.ljust(length) + content[8 + len(header) :])
    assert folder.read(path)["mu.b"].tolist() == [0, 1, 2]


def test_what_pytorch_saved(npvae_, refuse):
    """A state dict, or a checkpoint of Lightning: its state_dict, with `model.` before each name."""
    torch = pytest.importorskip("torch")
    npvae_(*TRAIN, "--hidden", "7", "--out", "run")
    state = {name: torch.from_numpy(a) for name, a in weights.to_torch(Run.load("run").model).items()}
    torch.save(state, "saved.pth")
    torch.save({"state_dict": {f"model.{name}": a for name, a in state.items()}, "epoch": 3}, "last.ckpt")
    pathlib.Path("bad.pt").write_bytes(b"no")
    torch.save([1, 2], "list.pt")
    torch.save(torch.nn.Linear(2, 3), "module.pt")
    half = {f"module._orig_mod.{name}": torch.nn.Parameter(a.bfloat16()) for name, a in state.items()}
    torch.save({"model": half, "step": 3}, "wrapped.PT")
    torch.save({name: a.double() * 1e300 for name, a in state.items()}, "large.pt")
    ours = Run.load("run").model.state_dict()
    for file in ("saved.pth", "last.ckpt"):
        assert npvae_("import", file, "run", "--out", f"from-{file}")[0] == 0
        assert all(np.array_equal(a, ours[key]) for key, a in Run.load(f"from-{file}").model.state_dict().items())
    assert npvae_("import", "wrapped.PT", "run", "--out", "from-wrapped")[0] == 0
    assert all(np.abs(a - ours[key]).max() < 0.01 for key, a in Run.load("from-wrapped").model.state_dict().items())
    assert "list.pt holds no state dict" in refuse("import", "list.pt", "run")
    for file in ("bad.pt", "module.pt"):
        assert f"PyTorch cannot read {file} as tensors: copy the file again" in refuse("import", file, "run")
    assert "holds NaN or infinity in float32" in refuse("import", "large.pt", "run", "--out", "large")
    assert not pathlib.Path("large").exists()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(folder.UserError, match=r"the package onnx: pip install onnx, or 'npvae\[export\]' for all"):
        folder.require("onnx")
