"""The claims of the tutorials, measured: the tables of tutorials/results.md.

`npvae experiment NAME` runs one, prints its table, and writes its figure. An experiment that trains networks keeps them
in its folder. If you interrupt it, the next call continues; if you repeat it, it only measures again.
"""

from . import burda, kingma_welling, mnist, published, toys, vanilla
from .experiment import Experiment


def _diagnosis(folder):
    from . import diagnosis  # only now: it imports all the exercises, and no other command needs them

    return diagnosis.diagnosis(folder, diagnosis.ROUNDS, diagnosis.UNEXPLAINED)


EXPERIMENTS = {
    "ring": Experiment("noise pushed through a map, and a posterior that is no Gaussian", "seconds", toys.ring),
    "dimension": Experiment("why the marginal likelihood is hard: two estimates of it", "seconds", toys.dimension),
    "estimators": Experiment("bias and variance of six estimators of one gradient", "15 seconds", mnist.estimators),
    "linear": Experiment("the linear autoencoder finds the subspace of PCA", "15 seconds", mnist.linear),
    "copies": Experiment("AE, DAE and VAE beside PCA, with 2, 10 and 32 dimensions", "10 to 30 minutes", mnist.copies),
    "amortization": Experiment("variational EM beside the VAE: what encoders cost", "7 minutes", mnist.amortization),
    "aevb": Experiment("minibatches of M, L samples, and three optimisers", "a minute", mnist.aevb),
    "kl": Experiment("a VAE without its KL term, with it, and with too much of it", "a minute", mnist.kl),
    "diagnosis": Experiment("how often the diagnosis of a planted mistake is right", "half an hour", _diagnosis),
    "likelihood": Experiment("ln p(x) of the MNIST test set with 5,000 samples each", "10 minutes", mnist.likelihood),
    "kingma-welling": Experiment(
        "figure 2 of AEVB (2014): the bound, by latent dimensions", "two hours; 10 times as long "
        "with --full", kingma_welling.kingma_welling, kingma_welling.full,
    ),
    "burda": Experiment(
        "table 1 of IWAE (2016), 121 of its 3,280 epochs", "9 hours; 27 times as long with --full",
        burda.burda, burda.full,
    ),
    "burda-details": Experiment("from IWAE's paper to its authors' program", "20 minutes", burda.burda_details),
    "pytorch-example": Experiment("PyTorch's VAE example, 784-400-20", "5 minutes", published.pytorch_example),
    "summary": Experiment("the network of the README beside a published log", "15 minutes", published.summary),
    "vanilla": Experiment("PyTorch-VAE's loss, in PyTorch and here", "5 minutes", vanilla.vanilla),
    "fashion": Experiment("the same network on Fashion-MNIST", "20 minutes", published.fashion),
}  # fmt: skip

__all__ = ["EXPERIMENTS", "Experiment"]
