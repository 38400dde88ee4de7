"""Exercise 8: pca, principal components, and the linear autoencoder.

Which `count` directions keep most of the variance? With the mean m of the examples
x (N, D), the covariance is

    S = 1/N Σ_n (x_n − m) (x_n − m)ᵀ,     (D, D),

and the directions are its eigenvectors with the largest eigenvalues. Return

    mean          (D,)
    components    (count, D), one eigenvector in each row, largest eigenvalue first
    eigenvalues   (D,), all of them, largest first

in float64, also where x is float32: sums of many numbers need the digits, so convert
x first. The sign of an eigenvector is arbitrary, and the check ignores it. (With
fewer examples than dimensions the engine uses a smaller matrix; you need not: N > D
here.) When you have solved this, gradient descent trains a linear autoencoder on the
same data.

Source: Bishop (2006), Pattern recognition and machine learning, section 12.1.2.

Predict (npvae learn predict pca):

Gradient descent trains a linear autoencoder with two hidden units. What does it
find, compared with PCA?
    1  another subspace
    2  the same subspace, and the principal axes in it
    3  the same subspace, but other axes

When you have it:     npvae learn check pca
If you are stuck:     npvae learn hint pca
"""

import numpy as np


def principal_components(x, count):
    """Return the mean (D,), the first components (count, D) and all eigenvalues (min(N,
    D),) of x (N, D), in float64."""
    raise NotImplementedError("principal_components: write the function here, in place of this line")
