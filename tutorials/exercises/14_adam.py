"""Exercise 14: adam, one step of Adam, in place.

Adam keeps a running mean m of the gradient g, and another, v, of its square. In step
t = 1, 2, … it updates them and a parameter p:

    m ← β₁ m + (1 − β₁) g,             m̂ = m / (1 − β₁ᵗ),
    v ← β₂ v + (1 − β₂) g²,            v̂ = v / (1 − β₂ᵗ),
    p ← p − lr · m̂ / (√v̂ + ε).

You write the method `update` of the class Adam: self.beta1, self.beta2 and self.eps
are β₁, β₂ and ε, and t counts from 1. In each step, `update` runs once for every
parameter, and for a large one several times, once for each block of its numbers. So
p, g, M and V, arrays of the same length, are different ones in each call, and nothing
on self can stand for them. M and V start at zero and are yours: what you write *into*
them is still there in the next step. Change p, M and V in place (p -= …,
M[...] = …), and return nothing. scratch, another array of that length, is for
temporary results; it begins with any numbers. (The engine keeps m / (1 − β₁) and
v / (1 − β₂), which saves two passes; you need not.)

Source: Kingma and Ba (2015), Adam: a method for stochastic optimization, algorithm 1.

Predict (npvae learn predict adam):

The first step, lr = 0.001. One parameter has the gradient 1000, another 0.001.
How far does the first one move?
    1  as far as the second
    2  1,000 times as far
    3  a million times as far

When you have it:     npvae learn check adam
If you are stuck:     npvae learn hint adam
"""

import numpy as np


def update(self, lr, t, scratch, p, g, M, V):
    raise NotImplementedError("update: write the function here, in place of this line")
