"""Proves that the network of chapter 12 is the published one: with its weights, PyTorch's own layers give its numbers.

These tests take the functions of the chapter, so they would catch a page on which a block, an exchange of axes or the
order of flattening is wrong. They compare outputs and the gradients of all parameters, in training mode, and outputs in
evaluation mode. They need PyTorch; the chapter itself compares with loops.
"""

import ast
import itertools
import pathlib

import numpy as np
import pytest

import npvae
from npvae import nn
from npvae.autodiff import no_grad
from npvae.models import ConvolutionalVAE

torch = pytest.importorskip("torch")
CHAPTER = pathlib.Path(npvae.__file__).parents[1] / "tutorials" / "12_convolutions.py"
CHANNELS, LATENT, N = [32, 64, 128, 256, 512], 7, 3


@pytest.fixture(scope="module")
def page():
    """The functions of the chapter, without running it."""
    tree = ast.parse(CHAPTER.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    names = {"np": np, "nn": nn, "itertools": itertools, "no_grad": no_grad, "ConvolutionalVAE": ConvolutionalVAE}
    exec(compile(tree, str(CHAPTER), "exec"), names)
    return names


class Published(torch.nn.Module):
    """The published network for images (N, 3, 64, 64), with its names of layers."""

    def __init__(self):
        super().__init__()
        sizes, up = [3, *CHANNELS], CHANNELS[::-1]
        down = [self.block(torch.nn.Conv2d(a, b, 3, 2, 1), b) for a, b in itertools.pairwise(sizes)]
        self.encoder = torch.nn.Sequential(*down)
        self.fc_mu, self.fc_var = torch.nn.Linear(2048, LATENT), torch.nn.Linear(2048, LATENT)
        self.decoder_input = torch.nn.Linear(LATENT, 2048)
        self.decoder = torch.nn.Sequential(*(self.up(a, b) for a, b in itertools.pairwise(up)))
        end = torch.nn.Conv2d(32, 3, 3, padding=1), torch.nn.Tanh()
        self.final_layer = torch.nn.Sequential(*self.up(32, 32), *end)

    @staticmethod
    def block(layer, channels):
        return torch.nn.Sequential(layer, torch.nn.BatchNorm2d(channels), torch.nn.LeakyReLU())

    def up(self, a, b):
        return self.block(torch.nn.ConvTranspose2d(a, b, 3, 2, 1, output_padding=1), b)

    def forward(self, x, eps):
        h = self.encoder(x).flatten(1)
        mu, logvar = self.fc_mu(h), self.fc_var(h)
        h = self.decoder_input(mu + torch.exp(0.5 * logvar) * eps).view(-1, 512, 2, 2)
        return mu, logvar, self.final_layer(self.decoder(h))


@pytest.fixture
def both(page):
    rng = np.random.default_rng(1)
    vae = page["randomised"](page["published_vae"]((64, 64, 3), CHANNELS, LATENT, rng), rng)
    network = Published().double()
    weights = {name: torch.tensor(np.ascontiguousarray(a)) for name, a in page["to_published"](vae).items()}
    missing, unexpected = network.load_state_dict(weights, strict=False)
    assert not unexpected and all("running" in name or "tracked" in name for name in missing)
    x = rng.random((N, 64, 64, 3))
    return vae, network, x, rng.standard_normal((N, LATENT))


def to_torch(x):
    return torch.tensor((2 * x - 1).transpose(0, 3, 1, 2))


def channels_last(y):
    return y.detach().numpy().transpose(0, 2, 3, 1).reshape(N, -1)


def test_the_network_has_the_published_number_of_parameters(page):
    vae = page["published_vae"]((64, 64, 3), CHANNELS, LATENT, np.random.default_rng(0))
    assert sum(p.data.size for p in vae.parameters()) == sum(p.numel() for p in Published().parameters())


def test_outputs_agree_in_training_and_in_evaluation_mode(page, both):
    vae, network, x, eps = both
    for _ in range(3):                                       # the running statistics move, in both by as much
        found = page["ours"](vae, x.reshape(N, -1), eps)
        mu, logvar, image = network(to_torch(x), torch.tensor(eps))
    pairs = zip(found, (mu.detach().numpy(), logvar.detach().numpy(), channels_last(image)), strict=True)
    assert all(np.allclose(a, b, atol=1e-10) for a, b in pairs)
    network.eval()
    with vae.evaluating():
        found = page["ours"](vae, x.reshape(N, -1), eps)
    mu, _, image = network(to_torch(x), torch.tensor(eps))
    assert np.allclose(found[0], mu.detach().numpy(), atol=1e-10)
    assert np.allclose(found[2], channels_last(image), atol=1e-10)


def test_the_loops_of_the_page_agree(page, both):
    vae, network, x, eps = both
    found = page["published_by_loops"](page["to_published"](vae), to_torch(x).numpy(), eps)
    for a, b in zip(found, network(to_torch(x), torch.tensor(eps)), strict=True):
        assert np.allclose(a, b.detach().numpy(), atol=1e-10)


def test_gradients_agree_for_every_parameter(page, both):
    """Of mean squared error plus a weighted KL, the published loss."""
    vae, network, x, eps = both
    mu, logvar, image = network(to_torch(x), torch.tensor(eps))
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
    (torch.nn.functional.mse_loss(image, to_torch(x)) + 0.00025 * kl).backward()

    q = vae.encode(x.reshape(N, -1))
    z = q.mu + npvae.autodiff.ops.exp(q.logvar * 0.5) * eps
    error = vae.decoder(z) - (2 * x.reshape(N, -1) - 1)
    loss = (error * error).mean() + q.kl_divergence().mean() * 0.00025
    loss.backward()
    for p in vae.parameters():
        p.data = p.grad                                      # so that gradients take the way of the weights
    gradients = page["to_published"](vae)
    theirs = dict(network.named_parameters())
    assert gradients.keys() == theirs.keys()
    for name, gradient in gradients.items():
        g = theirs[name].grad.numpy()
        assert g.shape == gradient.shape, name
        assert np.allclose(gradient, g, rtol=1e-6, atol=1e-12 + 1e-7 * np.abs(g).max()), name
