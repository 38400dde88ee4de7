"""Exercise 15: training_step, one training step, and then 300 of them on MNIST.

Training repeats one step: compute the loss of a minibatch and its gradient with
respect to all parameters, and move them a little.

    model.loss(x, rng, step, rows)   returns the objective, a Tensor, and its parts,
                                     a dict of numbers; step counts the steps, and
                                     rows says which examples of the training set
                                     these are: some losses depend on them
    objective.backward()             adds the gradient to p.grad of every parameter
    optimizer.zero_grad()            clears the old gradients
    optimizer.step()                 moves every parameter along its gradient

Put them in order, and return float(objective) and the parts. When your step is right,
it trains the reference network on MNIST for 300 steps, with your own functions in
place of the engine's (dense, relu, bernoulli, reparameterize, kl, adam: those that you
have solved), and draws what the network has learned.

Source: Goodfellow, Bengio, Courville (2016), Deep learning, algorithm 8.1.

Predict (npvae learn predict training_step):

p = 1, the loss is p². Three times, you compute it and call backward(), and
never clear p.grad. What does it hold?
    1  2, the gradient
    2  6, three times the gradient
    3  0

When you have it:     npvae learn check training_step
If you are stuck:     npvae learn hint training_step
"""

import math

import numpy as np


def training_step(model, optimizer, x, rng, step=math.inf, rows=None):
    """Forward, backward, update, on the minibatch x (N, D): return the objective, a
    float, and the parts of the loss."""
    raise NotImplementedError("training_step: write the function here, in place of this line")
