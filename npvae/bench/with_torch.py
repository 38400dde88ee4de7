"""PyTorch, with modules in the style of its own examples, channels last: eager, with the fused Adam, or compiled."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn

from .steps import Steps
from .workloads import LEARNING_RATE

LOG_2PI = math.log(2 * math.pi)


class Network(nn.Module):
    """Encoder, mu, logvar and decoder, with the parameters in the order in which the network uses them."""

    def __init__(self, workload):
        super().__init__()
        self.workload, self.is_convolutional = workload, workload.model == "conv-vae"
        latent_dim = workload.latent_dim
        if self.is_convolutional:
            H, W, C = workload.image_shape()
            halvings = len(workload.layers)
            self.small = (H >> halvings, W >> halvings, workload.layers[-1])
            channels, layers = [C, *workload.layers], []
            for a, b in itertools.pairwise(channels):
                layers += [nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.LeakyReLU()]
            self.encoder = nn.Sequential(*layers)
            width = math.prod(self.small)
            self.mu, self.logvar = nn.Linear(width, latent_dim), nn.Linear(width, latent_dim)
            self.first, layers = nn.Linear(latent_dim, width), []
            for a, b in itertools.pairwise(channels[::-1]):
                layers += [nn.BatchNorm2d(a), nn.LeakyReLU(), nn.ConvTranspose2d(a, b, 3, 2, 1, 1)]
            self.decoder = nn.Sequential(*layers, nn.Tanh())
            return
        activation = nn.Tanh if workload.activation == "tanh" else nn.ReLU
        sizes = [784, *workload.layers]
        layers = [layer for a, b in itertools.pairwise(sizes) for layer in (nn.Linear(a, b), activation())]
        self.encoder = nn.Sequential(*layers)
        self.mu, self.logvar = nn.Linear(sizes[-1], latent_dim), nn.Linear(sizes[-1], latent_dim)
        sizes = [latent_dim, *sizes[:0:-1]]
        layers = [layer for a, b in itertools.pairwise(sizes) for layer in (nn.Linear(a, b), activation())]
        self.decoder = nn.Sequential(*layers, nn.Linear(sizes[-1], 784))

    def encode(self, x):
        """Return mu and logvar of q(z | x)."""
        if self.is_convolutional:                            # a view: rows are images, channels last
            x = x.view(len(x), *self.workload.image_shape()).permute(0, 3, 1, 2)
            h = self.encoder(x).permute(0, 2, 3, 1).reshape(len(x), -1)
        else:
            h = self.encoder(x)
        return self.mu(h), self.logvar(h)

    def decode(self, z):
        """Return logits, or means in [−1, 1]."""
        if not self.is_convolutional:
            return self.decoder(z)
        h = self.first(z).view(-1, *self.small).permute(0, 3, 1, 2)
        return self.decoder(h).permute(0, 2, 3, 1).reshape(len(z), -1)

    def log_weights(self, x, mu, logvar, eps):
        """Return ln p(x, z) − ln q(z | x), (K, N)."""
        z = mu + (0.5 * logvar).exp() * eps
        logits = self.decode(z.flatten(0, 1)).view(*z.shape[:2], -1)
        log_likelihood = -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)
        log_p = -0.5 * (LOG_2PI + z * z).sum(-1)
        return log_likelihood + log_p + 0.5 * (LOG_2PI + logvar + eps * eps).sum(-1)

    def forward(self, x, eps):
        """Return the objective."""
        if self.is_convolutional:
            x = 2 * x - 1                                    # the networks see pixels in [−1, 1]
        mu, logvar = self.encode(x)
        if self.workload.model == "iwae":
            return math.log(len(eps)) - self.log_weights(x, mu, logvar, eps).logsumexp(0).mean()
        output = self.decode(mu + (0.5 * logvar).exp() * eps[0])
        kl = -0.5 * (1 + logvar - mu * mu - logvar.exp()).sum()
        if self.is_convolutional:
            rec = F.mse_loss(output, x, reduction="sum") + 0.5 * x.numel() * math.log(math.pi)
        else:
            rec = F.binary_cross_entropy_with_logits(output, x, reduction="sum")
        return (rec + kl) / len(x)


def to_torch(a, layer):
    """Return one of our arrays in the layout of a PyTorch layer."""
    if a.ndim == 4:                                          # (k, k, I, O), or (k, k, O, I) of the transpose
        a = a.transpose(3, 2, 0, 1)
    return torch.tensor(a.T if isinstance(layer, nn.Linear) and a.ndim == 2 else a)


def from_torch(a, layer):
    """Return one of PyTorch's arrays in our layout."""
    if a.ndim == 4:
        return a.numpy().transpose(2, 3, 1, 0)
    return a.numpy().T if isinstance(layer, nn.Linear) else a.numpy()


class Torch(Steps):
    """The eager form, with PyTorch's default Adam."""

    fused, compiled = False, False
    chunk = 20  # samples of z for each image to decode at once: 20 is the fastest of 4, 10, 20, 50 and 100

    def __init__(self, workload, parameters, minibatches):
        torch.set_flush_denormal(True)                       # without it, the IWAE's step takes twice as long
        super().__init__(workload, minibatches)
        self.network = Network(workload).to(torch.from_numpy(parameters[0]).dtype)
        layers = [layer for layer in self.network.modules() if isinstance(getattr(layer, "weight", None), nn.Parameter)]
        self.slots = [(layer, p) for layer in layers for p in (layer.weight, layer.bias)]
        with torch.no_grad():
            for (layer, p), a in zip(self.slots, parameters, strict=True):
                p.copy_(to_torch(a, layer))
        if workload.model == "conv-vae":
            self.network = self.network.to(memory_format=torch.channels_last)
        self.objective = torch.compile(self.network) if self.compiled else self.network
        self.log_weights = torch.compile(self.network.log_weights) if self.compiled else self.network.log_weights
        self.optimizer = torch.optim.Adam(self.network.parameters(), LEARNING_RATE, fused=self.fused or None)

    def convert(self, x):
        """Return the array x as a torch.Tensor that shares its memory."""
        return torch.from_numpy(x)

    def loss_and_gradients(self, x, eps):
        """Return the objective, a number, and its derivatives in the order of the parameters."""
        x, eps = torch.from_numpy(x), torch.from_numpy(eps)
        if not self.workload.trains:
            with torch.no_grad():
                log_w = self.log_weights(x, *self.network.encode(x), eps)
                return float(log_w.logsumexp(0).mean() - math.log(len(eps))), []
        self.optimizer.zero_grad()
        loss = self.objective(x, eps)
        loss.backward()
        return loss.item(), [from_torch(p.grad, layer) for layer, p in self.slots]

    def step(self):
        """Take one step on the next minibatch."""
        x = self.next_minibatch()
        if not self.workload.trains:
            return self._log_likelihood(x)
        loss = self.objective(x, torch.randn(self.workload.samples, len(x), self.workload.latent_dim))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.inference_mode()
    def _log_likelihood(self, x):
        total = torch.full((len(x),), -math.inf)
        mu, logvar = self.network.encode(x)
        count, chunk = self.chunks(self.chunk)
        for _ in range(count):
            eps = torch.randn(chunk, len(x), self.workload.latent_dim)
            total = torch.logaddexp(total, self.log_weights(x, mu, logvar, eps).logsumexp(0))
        return float(total.mean()) - math.log(self.workload.samples)


class FusedTorch(Torch):
    """With the fused Adam."""

    fused = True


class CompiledTorch(Torch):
    """Forward and backward compiled, and the fused Adam."""

    fused, compiled = True, True
    chunk = 100  # the fastest of 4, 20 and 100
