"""Warnings about a trained model: a posterior that has collapsed, and codes that have left the prior.

Averaged over the data, a good q(z | x) is close to the prior: in every dimension E[μ² + σ²] is about 1.
"""

import numpy as np

COLLAPSED = 0.1  # nats of information about x
SPREAD = 4.0  # the second moment of the codes, where the prior has 1


def warnings_about(model, x):
    """Return what is wrong with a model's posteriors of the examples x (N, D): a dict from a word to a sentence."""
    q = model.posteriors(x)
    return {} if q is None else warnings_about_posteriors(q)


def warnings_about_posteriors(q):
    """Return what is wrong with the posteriors q of many examples, a DiagonalGaussian of arrays (N, latent_dim).

    The word is "collapsed" or "no prior", and its sentence says what to do; for good posteriors the dict is empty.
    """
    kl = float(q.kl_divergence().data.mean())
    sigma = np.exp(0.5 * np.broadcast_to(q.logvar, q.mean.shape))
    second_moment = float((q.mean**2 + sigma**2).mean())
    if kl < COLLAPSED:
        return {
            "collapsed": f"the posterior has collapsed: q(z | x) is the prior for every x (KL {kl:.3f} nats), so z "
            "says nothing about x, and all samples look alike; give the KL a warm-up, free bits, or a smaller beta"
        }
    if second_moment > SPREAD:
        return {
            "no prior": f"the codes have left the prior: their mean square is {second_moment:.3g} where the prior has "
            f"1, with a median width of {np.median(sigma):.2g}, so samples from the prior meet no code, and will not "
            "look like data; the KL term is missing or too weak: raise beta"
        }
    return {}
