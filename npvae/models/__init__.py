"""One file a model. All have `loss(x, rng)`, which is what the training loop asks for."""

from .vae import VAE

__all__ = ["VAE"]
