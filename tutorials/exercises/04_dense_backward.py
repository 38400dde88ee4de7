"""Exercise 4: dense_backward, the gradients of a layer.

The same layer, y = x W + b. The loss ℓ depends on y, and you know dy = ∂ℓ/∂y, (N, O):
it comes from the layer above. Find

    dx = ∂ℓ/∂x (N, I),     dW = ∂ℓ/∂W (I, O),     db = ∂ℓ/∂b (O,).

Write the sum for a single element first, by the chain rule: for example
∂ℓ/∂W_io = Σ_n ∂ℓ/∂y_no · ∂y_no/∂W_io. Over which index does each sum run? Then
find the matrix product that equals this sum. The shapes allow only one. The forward
pass calls `product(a, b)`: that is a @ b, shared out among threads.

Source: Goodfellow, Bengio, Courville (2016), Deep learning, section 6.5.6.

Networks are trained in float32 and checked in float64, so the result must have the
dtype of the inputs: write np.zeros(…, dtype=x.dtype), and float(np.log(2.0)).

Predict (npvae learn predict dense_backward):

x is (3, 5) and W is (5, 7). The batch grows from 3 to 300 examples. What
happens to dW?
    1  its shape stays, and its numbers are sums over 300 examples
    2  it becomes (300, 5, 7)
    3  its shape stays, and its numbers are means over 300 examples

When you have it:     npvae learn check dense_backward
If you are stuck:     npvae learn hint dense_backward
"""

import numpy as np

from npvae.runtime import product


def dense(x, W, b):                          # x (N, I)   W (I, O)   b (O,)   ->   y (N, O)
    """A layer of O linear units: y = x W + b, one example in each row."""
    if not (np.ndim(x) == np.ndim(W) == 2 and np.shape(b) == (W.shape[1],)):
        raise ValueError("expected x (N, I), W (I, O) and b (O,)")
    y = product(x, W)                        # y_no = Σ_i x_ni W_io + b_o
    y += b
    def dx(dy):
        raise NotImplementedError("dx: return the gradient of the loss with respect to x")
    def dW(dy):
        raise NotImplementedError("dW: return the gradient of the loss with respect to W")
    def db(dy):
        raise NotImplementedError("db: return the gradient of the loss with respect to b")
    return y, dx, dW, db
