"""The places in the program with_autodiff.py where a defect fits, with their hints and lessons."""

from . import with_autodiff, with_autodiff_styles
from .style import Place, Program, changes_of, names_of, statements_of

FOLLOW_X_TEST = "How can the parameters know anything about the test set? Follow {x_test}."
TOO_GOOD = (
    "No test of a function sees this: every function is right. A test must change the test set and watch what must "
    "not change. The published number would be too good."
)
SURE = "Which test fails? What must a decoder be able to do that this one cannot?"

PLACES = [
    Place(
        "A",
        changes_of("""
return mu + ops.exp(logvar * 0.5) * eps
becomes
return mu + ops.exp(logvar) * eps

sigma = ops.exp(0.5 * logvar)
return mu + sigma * eps
becomes
sigma = ops.exp(logvar)
return mu + sigma * eps

return mu + eps * ops.exp(logvar / 2.0)
becomes
return mu + eps * ops.exp(logvar)

sigma = ops.sqrt(ops.exp(logvar))
return mu + eps * sigma
becomes
sigma = ops.exp(logvar)
return mu + eps * sigma
"""),
        [
            "All gradients are right. Which test fails, and which function does it call?",
            "The samples are too wide: 4 instead of 2. What is 4, if the variance is 4?",
            "The KL takes {logvar} for the logarithm of the variance, and is right. What does the other function take "
            "it for?",
        ],
        "No gradient check can see this: the derivative of the wrong sampler is right. It also trains, and its "
        "pictures look only a little worse. Only a test of the samples' moments sees it.",
    ),
    Place(
        "A",
        changes_of("""
return 0.5 * (mu * mu + ops.exp(logvar) - 1.0 - logvar).sum(axis=1)
becomes
return 0.5 * (mu * mu + ops.exp(2.0 * logvar) - 1.0 - 2.0 * logvar).sum(axis=1)

return 0.5 * ops.sum(ops.square(mu) + ops.exp(logvar) - logvar - 1.0, axis=1)
becomes
return 0.5 * ops.sum(ops.square(mu) + ops.exp(2.0 * logvar) - 2.0 * logvar - 1.0, axis=1)

return -0.5 * (1.0 + logvar - mu * mu - ops.exp(logvar)).sum(axis=1)
becomes
return -0.5 * (1.0 + 2.0 * logvar - mu * mu - ops.exp(2.0 * logvar)).sum(axis=1)
"""),
        [
            "All gradients are right, and so are the samples. Which test fails, and which function does it call?",
            "The sampler takes {logvar} for the logarithm of the variance, and is right. What does this function take "
            "it for?",
            "The KL needs the variance and its logarithm. If {logvar} is ln 4, which variance does this function use?",
        ],
        "No gradient check can see this: the derivative of the wrong KL is right. Its minimum is still the prior, so "
        "it also trains, with a price for the width that is too high. Only a second way to compute the KL sees it.",
    ),
    Place(
        "B",
        changes_of("""
return 0.5 * (mu * mu + ops.exp(logvar) - 1.0 - logvar).sum(axis=1)
becomes
return 0.5 * (mu * mu + ops.exp(logvar) - 1.0 - logvar).mean(axis=1)

var = ops.exp(logvar)
return 0.5 * (mu**2 + var - logvar - 1.0).sum(axis=1)
becomes
var = ops.exp(logvar)
return 0.5 * (mu**2 + var - logvar - 1.0).mean(axis=1)

return 0.5 * ops.sum(ops.square(mu) + ops.exp(logvar) - logvar - 1.0, axis=1)
becomes
return 0.5 * ops.mean(ops.square(mu) + ops.exp(logvar) - logvar - 1.0, axis=1)

return -0.5 * (1.0 + logvar - mu * mu - ops.exp(logvar)).sum(axis=1)
becomes
return -0.5 * (1.0 + logvar - mu * mu - ops.exp(logvar)).mean(axis=1)
"""),
        [
            "Which test fails? By which factor do its two numbers differ?",
            "By 3. What is there three of, in that test?",
            "The latent dimensions are independent. How does the KL of all of them follow from that of each?",
        ],
        "The loss is a smooth function with the right gradient, but it is not the ELBO: with 20 latent dimensions the "
        "KL counts for a twentieth. This is a β-VAE by accident. Samples from the prior will look bad, and nobody "
        "knows why.",
    ),
    Place(
        "C",
        changes_of("""
return self.logits(ops.tanh(self.decoder(z)))
becomes
return ops.sigmoid(self.logits(ops.tanh(self.decoder(z))))

h = ops.tanh(self.decoder(z))
return self.logits(h)
becomes
h = ops.tanh(self.decoder(z))
return ops.sigmoid(self.logits(h))

h = self.decoder(z)
return self.logits(ops.tanh(h))
becomes
h = self.decoder(z)
return ops.sigmoid(self.logits(ops.tanh(h)))
"""),
        [
            SURE,
            "Logits run from −∞ to ∞. What is the range of this decoder's?",
            "log_likelihood expects logits: it already contains the sigmoid, in the form of softplus.",
        ],
        "A probability used as a logit lies between 0 and 1, so its σ lies between 0.5 and 0.73: no pixel can be "
        "black. The gradients are right, the loss falls a little, and then it stays where it is.",
    ),
    Place(
        "C",
        changes_of("""
return (logits * x - ops.softplus(logits)).sum(axis=1)
becomes
logits = ops.sigmoid(logits)
return (logits * x - ops.softplus(logits)).sum(axis=1)

return ops.sum(x * logits - ops.softplus(logits), axis=1)
becomes
logits = ops.sigmoid(logits)
return ops.sum(x * logits - ops.softplus(logits), axis=1)

return (logits * x).sum(axis=1) - ops.softplus(logits).sum(axis=1)
becomes
logits = ops.sigmoid(logits)
return (logits * x).sum(axis=1) - ops.softplus(logits).sum(axis=1)

return ops.sum(x * logits, axis=1) - ops.sum(ops.softplus(logits), axis=1)
becomes
logits = ops.sigmoid(logits)
return ops.sum(x * logits, axis=1) - ops.sum(ops.softplus(logits), axis=1)

return -(ops.softplus(logits) - x * logits).sum(axis=1)
becomes
logits = ops.sigmoid(logits)
return -(ops.softplus(logits) - x * logits).sum(axis=1)
"""),
        [
            SURE,
            "The decoder is right: its logits run from −∞ to ∞. What arrives where ln p(x | z) is computed?",
            "ln p(x | z), written with softplus, expects a logit and already contains the sigmoid.",
        ],
        "A probability used as a logit lies between 0 and 1, so its σ lies between 0.5 and 0.73: no pixel can be "
        "black. The probabilities of all images still sum to 1, so that test does not see it.",
    ),
    Place(
        "E",
        changes_of("""
return 0.5 * (mu * mu + ops.exp(logvar) - 1.0 - logvar).sum(axis=1)
becomes
return -0.5 * (mu * mu + ops.exp(logvar) - 1.0 - logvar).sum(axis=1)

var = ops.exp(logvar)
return 0.5 * (mu**2 + var - logvar - 1.0).sum(axis=1)
becomes
var = ops.exp(logvar)
return -0.5 * (mu**2 + var - logvar - 1.0).sum(axis=1)

return 0.5 * ops.sum(ops.square(mu) + ops.exp(logvar) - logvar - 1.0, axis=1)
becomes
return -0.5 * ops.sum(ops.square(mu) + ops.exp(logvar) - logvar - 1.0, axis=1)

return -0.5 * (1.0 + logvar - mu * mu - ops.exp(logvar)).sum(axis=1)
becomes
return 0.5 * (1.0 + logvar - mu * mu - ops.exp(logvar)).sum(axis=1)
"""),
        [
            "Which test fails? Compare its two numbers.",
            "A KL is never negative. Which term of it grows if {mu} moves away from 0, and with which sign?",
            "Two forms are in use, ½ Σ (… − 1 − …) and −½ Σ (1 + … − …). Does the factor fit the terms?",
        ],
        "The gradient is that of the wrong loss, so no gradient check sees this. The loss falls without end, because "
        "every step away from the prior is rewarded. It looks like very good training.",
    ),
    Place(
        "F",
        changes_of("""
return (logits * x).sum(axis=1) - ops.softplus(logits).sum(axis=1)
becomes
return (logits * x).sum(axis=1) - ops.softplus(logits).mean(axis=1)

return ops.sum(x * logits, axis=1) - ops.sum(ops.softplus(logits), axis=1)
becomes
return ops.sum(x * logits, axis=1) - ops.mean(ops.softplus(logits), axis=1)
"""),
        [
            "All gradients are right. Which test fails, and which function does it call?",
            "The probabilities do not sum to 1, so ln p(x | z) is wrong. It has two terms. Which of them is too small?",
            "Given z, the pixels are independent. How does ln p(x | z) follow from the logarithms of all pixels?",
        ],
        "The loss is smooth and its gradient is right, so a gradient check sees nothing. But exp of it is no "
        "probability, so no loss is the best one: the brighter all pixels are, the lower it gets.",
    ),
    Place(
        "I",
        changes_of("""
test_loss = evaluate(model, x_test, rng)
becomes
test_loss = train_epoch(model, optimizer, x_test, rng)
"""),
        [
            "Each function does what its docstring says. Which of them is called where another should be?",
            FOLLOW_X_TEST,
            "Which function moves the parameters, and which only looks? Find all their calls.",
        ],
        TOO_GOOD,
    ),
    Place(
        "I",
        changes_of("""
train_loss = train_epoch(model, optimizer, x_train, rng)
becomes
train_loss = train_epoch(model, optimizer, x_test, rng)
"""),
        [
            "Each function does what its docstring says. Which of them is called with the wrong examples?",
            FOLLOW_X_TEST,
            "Which function moves the parameters? Look at what each of its calls hands to it.",
        ],
        TOO_GOOD,
    ),
    Place(
        "I",
        changes_of("""
train_loss = train_epoch(model, optimizer, x_train, rng)
becomes
train_loss = train_epoch(model, optimizer, np.concatenate([x_train, x_test]), rng)
"""),
        [
            "Each function does what its docstring says. Which of them is called with the wrong examples?",
            FOLLOW_X_TEST,
            "Which function moves the parameters? Look at what each of its calls hands to it.",
        ],
        TOO_GOOD,
    ),
]

WITH_AUTODIFF = Program(
    with_autodiff,
    "A VAE with automatic differentiation.",
    names_of(with_autodiff_styles.NAMES),
    statements_of(with_autodiff_styles.STATEMENTS),
    with_autodiff_styles.ORDERS,
    PLACES,
)
