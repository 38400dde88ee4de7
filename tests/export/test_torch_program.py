"""Proves that the program for PyTorch computes what npvae computes: outputs, loss, gradients, steps of the optimiser.

These tests would catch a weight that is transposed or of the wrong layer, channels in another order, a running variance
that is taken for a standard deviation, a likelihood without a constant, and an estimator that lets a gradient through.
"""

import copy
import re
import subprocess
import sys

import numpy as np
import pytest

from npvae.autodiff import no_grad
from npvae.export import folder, torch_program, weights
from npvae.training import Run
from tests.export import cases
from tests.export.comparison import before_normalization, require_style, same

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")


def model_of(program, run):
    """Return the model of a program with the weights of a run."""
    made = getattr(program, type(run.model).__name__)().to(getattr(torch, run.model.dtype.name))
    made.load_state_dict({name: torch.from_numpy(a) for name, a in weights.to_torch(run.model).items()})
    return made


def tensors(run, *arrays):
    """Return arrays as PyTorch's; the first one holds examples, in PyTorch's order."""
    x = arrays[0]
    if weights.has_images(run.model):
        x = x[:, weights.channels_first(run.model.image_shape)]
    return [torch.from_numpy(np.ascontiguousarray(a)) for a in (x, *arrays[1:]) if a is not None]


def noise(run, seed=1):
    """Return `cases.noise` as PyTorch's; None if there is none."""
    eps = cases.noise(run, seed)
    return None if eps is None else torch.from_numpy(eps)


@pytest.mark.parametrize("dtype, limit", [("float64", 1e-10), ("float32", 1e-5)])
@pytest.mark.parametrize("name", cases.CASES)
def test_the_loss_its_parts_and_every_gradient(name, dtype, limit):
    run = cases.run_of(name, dtype)
    program = cases.program(torch_program, run)
    model = model_of(program, run)
    x, y = cases.examples(run)
    objective, found = model(*tensors(run, x, y), noise(run), step=cases.STEP)
    objective.backward()
    parts, gradients = cases.loss(run)
    for key in found:
        same(parts[key], found[key], limit)
    if "objective" in parts:
        same(parts["objective"], objective, limit)
    expected = weights.to_torch(gradients)
    largest = max(np.abs(p.data).max() for p in gradients.parameters())    # some gradients are nothing but rounding
    for key, p in model.named_parameters():
        same(expected[key], torch.zeros_like(p) if p.grad is None else p.grad, limit, largest)
    state, surrogate = weights.to_torch(run.model), run.settings.get("estimator", "analytic-kl") != "analytic-kl"
    for key, a in model.named_buffers():        # a surrogate's decoder runs twice here: see VAE._surrogate_loss
        if "running" in key and not (surrogate and key.startswith("decoder")):
            same(state[key], a, limit)


@pytest.mark.parametrize("name", cases.CASES)
def test_the_networks_in_evaluation_mode(name):
    run = cases.run_of(name)
    model = model_of(cases.program(torch_program, run), run).eval()
    x, y = cases.examples(run)
    z = np.random.default_rng(5).standard_normal((cases.N, run.model.latent_dim))
    ours = run.model if y is None else run.model.given(y)
    with ours.evaluating(), no_grad():
        if run.model.has_bound:
            q, (mu, logvar) = ours.encode(x), model.encode(*tensors(run, x, y))
            same(q.mu.data, mu, 1e-12), same(q.logvar.data, logvar, 1e-12)
            output = run.model.decoder(z if y is None else ours._with_labels(z)).data
            found = model.decode(torch.from_numpy(z), *([] if y is None else [torch.from_numpy(y)]))
        else:
            output, found = run.model.decoder(z).data, model.decoder(torch.from_numpy(z))
    same(tensors(run, output)[0].numpy(), found, 1e-12)


@pytest.mark.parametrize("name", ["vae, bernoulli", "conv-vae, gaussian", "vanilla-vae", "cvae, bernoulli", "ae"])
@pytest.mark.parametrize("is_default", [True, False])
@pytest.mark.parametrize("optimizer", cases.OPTIMISERS)
def test_twenty_steps(name, optimizer, is_default):
    run = cases.with_optimiser(name, optimizer, is_default)
    program = cases.program(torch_program, run)
    model = model_of(program, run)
    (made,) = re.findall("optimizer = (.*)", torch_program.source(run, "program.py"))
    theirs = eval(made, vars(program) | {"model": model})
    x, y = cases.examples(run)
    before = copy.deepcopy(run.model.state_dict())
    for seed in range(20):
        theirs.zero_grad()
        model(*tensors(run, x, y), noise(run, seed), step=cases.STEP)[0].backward()
        theirs.step()
        cases.loss(run, seed)
        run.optimizer.step()
    assert any(np.abs(a - before[key]).max() > 1e-3 for key, a in run.model.state_dict().items())
    state = weights.to_torch(run.model)
    without_effect = {weights.torch_name(key) for key in before_normalization(run.model)}
    for key, p in model.named_parameters():
        if key not in without_effect:
            same(state[key], p, 1e-4)


@pytest.mark.parametrize("name", cases.CASES)
def test_it_is_short_and_the_linter_accepts_it(name, tmp_path):
    require_style(torch_program.source(cases.run_of(name), "program.py"), tmp_path)


TWO = """
import os, sys, torch, importlib.util
import torch.distributed as dist
spec = importlib.util.spec_from_file_location("program", sys.argv[1])
program = importlib.util.module_from_spec(spec)
spec.loader.exec_module(program)
rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
if world > 1:
    dist.init_process_group("gloo")
model = program.load().double()
wrapped = torch.nn.parallel.DistributedDataParallel(model) if world > 1 else model
x, = program.examples("train").tensors
x, eps = x[:12].double(), torch.randn(1, 12, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
optimizer = torch.optim.Adam(model.parameters(), 1e-3)
mine = slice(rank * 12 // world, (rank + 1) * 12 // world)
for _ in range(5):
    optimizer.zero_grad()
    wrapped(x[mine], eps[:, mine])[0].backward()
    optimizer.step()
if rank == 0:
    torch.save(model.state_dict(), sys.argv[2])
if world > 1:
    dist.destroy_process_group()
"""


def test_two_processes_equal_one_with_the_joined_minibatch(tmp_path):
    run = cases.run_of("vae, bernoulli", "float32")
    folder.export(run, "torch", tmp_path / "export")
    (tmp_path / "two.py").write_text(TWO)
    arguments = [tmp_path / "two.py", tmp_path / "export/vae.py"]
    states = []
    for start in ([], ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]):
        subprocess.run([sys.executable, *start, *arguments, tmp_path / "state.pt"], check=True, capture_output=True)
        states.append(torch.load(tmp_path / "state.pt", weights_only=True))
    assert all(torch.allclose(a, states[1][key], rtol=0, atol=1e-12) for key, a in states[0].items())
    moved = weights.to_torch(run.model)
    assert any(np.abs(moved[key] - a.numpy()).max() > 1e-3 for key, a in states[0].items())


def test_the_loop_binarizes_anew_and_follows_the_schedule(tmp_path, monkeypatch):
    run = cases.run_of("dynamic, polynomial", "float32")
    folder.export(run, "torch", tmp_path / "export")
    program, seen, rates = cases.program(torch_program, run), [], []
    program.HERE = tmp_path / "export"
    forward, step = program.ConditionalVAE.forward, torch.optim.Adam.step

    def watched_forward(self, x, *rest, **named):
        seen.append(x)
        return forward(self, x, *rest, **named)

    def watched_step(self):
        rates.append(self.param_groups[0]["lr"])
        return step(self)

    monkeypatch.setattr(program.ConditionalVAE, "forward", watched_forward)
    monkeypatch.setattr(torch.optim.Adam, "step", watched_step)
    program.train(45, tmp_path / "export/model.safetensors")                     # more than two epochs
    assert all(((x == 0) | (x == 1)).all() and len(x) == run.settings["batch_size"] for x in seen)
    assert len(seen) == 45 and not torch.equal(seen[0], seen[20])
    assert rates == pytest.approx([run.settings["lr"] * (1 + n / 1000) ** -0.75 for n in range(45)]) and run.step == 0


def test_a_remainder_of_one_example_is_left_out(tmp_path):
    """Batch normalization of a single pixel by itself would divide by zero, and PyTorch refuses it."""
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(0).random((12, 4, 4, 3)))
    chosen = {"model": "vanilla-vae", "data": str(tmp_path / "data.npz"), "channels": [2, 3], "batch_size": 2}
    run = Run.create(tmp_path / "run", chosen)
    assert len(run.x_train) % 2 == 1
    folder.export(run, "torch", tmp_path / "export")
    program = cases.program(torch_program, run)
    program.HERE = tmp_path / "export"
    program.train(7, tmp_path / "export/model.safetensors")
    assert torch.load(tmp_path / "export/checkpoint.pt", weights_only=True)["step"] == 7


@pytest.mark.parametrize("processes", [1, 2])
def test_it_evaluates_trains_and_goes_on(tmp_path, processes):
    run = cases.run_of("dynamic, polynomial", "float32")
    folder.export(run, "torch", tmp_path / "export")
    start = [sys.executable]
    if processes > 1:
        start += ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]

    def call(*arguments):
        found = subprocess.run([*start, "cvae.py", *arguments], cwd=tmp_path / "export", capture_output=True, text=True)
        assert found.returncode == 0, found.stderr
        return found.stdout

    if processes == 1:
        assert call("evaluate").startswith("loss ")
    losses = [float(call("train", "--steps", str(n)).split()[-5]) for n in (300, 600)]
    assert torch.load(tmp_path / "export/checkpoint.pt", weights_only=True)["step"] == 600
    assert losses[1] < losses[0]
    if processes == 1:
        evaluated = call("evaluate", "--weights", "trained.safetensors")
        assert float(evaluated.split()[1]) == pytest.approx(losses[1], rel=0.1)
