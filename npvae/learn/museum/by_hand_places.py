"""The places in the program by_hand.py where a defect fits, with their hints and lessons."""

from . import by_hand, by_hand_styles
from .style import Place, Program, changes_of, names_of, statements_of

WRONG_LOSS = "Both tests fail: the gradients do not fit the loss. So which of the two is wrong? The other test knows."
WHERE_IT_BEGINS = "Which gradients are right, and where do they begin to be wrong?"
MU_OR_LOGVAR = "Those of the decoder are right. So {dz} is, and {dmu} or {dlogvar} is not."
FIRST_WRONG = (
    "The table says which gradients are wrong. Which are right? Go backward from the loss to the first that is wrong."
)
AT_THE_DECODER = "dW4 and db4 are right, dW3 and db3 are not. Which line lies between them?"
AT_THE_ENCODER = "dW2 and db2 are right, dW1 and db1 are not. Which line lies between them?"
FORWARD = "The mask of a ReLU says where its input was positive, in the forward pass."
OWN_INPUT = "The mask of a ReLU says where its own input was positive. Both hidden layers have the same shape."
SAME_SHAPE = (
    "A gradient check finds this at once. The shapes do not show it: both hidden layers have the same number of units, "
    "so NumPy has nothing to object to. If a program lets you, test it with sizes that are all different."
)
NOISE = [
    "Where do the gradients begin to be wrong?",
    "Everything up to {dz} is right. What does {dlogvar} need from the forward pass?",
    "Which noise made {z}? Which one does the gradient with respect to {logvar} meet?",
]
ON_AVERAGE = (
    "On average over the noise, the part of the gradient that goes through σ is zero: the encoder never learns how "
    "wide q should be. The loss falls all the same."
)
FITS_NO_LONGER = (
    "A gradient check finds this at once, because the loss and its gradient no longer fit. The mistake is where the "
    "gradients begin to be wrong."
)

PLACES = [
    Place(
        "D",
        changes_of("""
dc = dg * (c > 0)
becomes
dc = dg * (dg > 0)

dc = np.where(c > 0, dg, 0)
becomes
dc = np.where(dg > 0, dg, 0)

dc = (g > 0) * dg
becomes
dc = (dg > 0) * dg
"""),
        [FIRST_WRONG, AT_THE_DECODER, FORWARD],
        FITS_NO_LONGER,
    ),
    Place(
        "D",
        changes_of("""
dc = dg * (c > 0)
becomes
dc = dg * (a > 0)

dc = np.where(c > 0, dg, 0)
becomes
dc = np.where(a > 0, dg, 0)

dc = (g > 0) * dg
becomes
dc = (h > 0) * dg
"""),
        [FIRST_WRONG, AT_THE_DECODER, OWN_INPUT],
        SAME_SHAPE,
    ),
    Place(
        "D",
        changes_of("""
da = dh * (a > 0)
becomes
da = dh * (dh > 0)

da = np.where(a > 0, dh, 0)
becomes
da = np.where(dh > 0, dh, 0)

da = (h > 0) * dh
becomes
da = (dh > 0) * dh
"""),
        [FIRST_WRONG, AT_THE_ENCODER, FORWARD],
        FITS_NO_LONGER,
    ),
    Place(
        "D",
        changes_of("""
da = dh * (a > 0)
becomes
da = dh * (c > 0)

da = np.where(a > 0, dh, 0)
becomes
da = np.where(c > 0, dh, 0)

da = (h > 0) * dh
becomes
da = (g > 0) * dh
"""),
        [FIRST_WRONG, AT_THE_ENCODER, OWN_INPUT],
        SAME_SHAPE,
    ),
    Place(
        "E",
        changes_of("""
dmu = dz + mu / N
becomes
dmu = dz - mu / N

dmu = mu / N + dz
becomes
dmu = -mu / N + dz

dmu = dz + (1 / N) * mu
becomes
dmu = dz - (1 / N) * mu
"""),
        [
            WHERE_IT_BEGINS,
            MU_OR_LOGVAR,
            "The loss has + KL. If {mu} moves away from 0, does its KL rise or fall? Compare the sign with that in the "
            "code.",
        ],
        "The gradient pushes {mu} away from the prior, while the printed loss is right. In a program with "
        "automatic differentiation the same slip would be in the loss, where no gradient check sees it, and the loss "
        "would keep falling.",
    ),
    Place(
        "E",
        changes_of("""
dlogvar = dz * 0.5 * sigma * eps + 0.5 * (sigma**2 - 1) / N
becomes
dlogvar = dz * 0.5 * sigma * eps - 0.5 * (sigma**2 - 1) / N

dlogvar = 0.5 * (dz * eps * sigma + (sigma**2 - 1) / N)
becomes
dlogvar = 0.5 * (dz * eps * sigma + (1 - sigma**2) / N)

dsigma = dz * eps + (sigma - 1 / sigma) / N
dlogvar = 0.5 * sigma * dsigma
becomes
dsigma = dz * eps + (1 / sigma - sigma) / N
dlogvar = 0.5 * sigma * dsigma
"""),
        [
            WHERE_IT_BEGINS,
            MU_OR_LOGVAR,
            "The loss has + KL. If {sigma} grows beyond 1, does its KL rise or fall? Compare the sign with that in the "
            "code.",
        ],
        "The gradient pushes {sigma} away from the 1 of the prior, while the printed loss is right. In a program with "
        "automatic differentiation the same slip would be in the loss, where no gradient check sees it.",
    ),
    Place(
        "E",
        changes_of("""
loss = np.mean(kl - reconstruction)
becomes
loss = np.mean(-kl - reconstruction)

loss = (kl - reconstruction).mean()
becomes
loss = -(kl + reconstruction).mean()

loss = np.mean(kl) - np.mean(reconstruction)
becomes
loss = -np.mean(kl) - np.mean(reconstruction)

elbo = reconstruction - kl
loss = -elbo.mean()
becomes
elbo = reconstruction + kl
loss = -elbo.mean()
"""),
        [
            WRONG_LOSS,
            "The loss is wrong, but the gradients of the decoder fit it. Which part of the loss does not depend on the "
            "decoder?",
            "The loss is −ELBO, the price of a code. Does a code cost more or less if its q is further from the prior?",
        ],
        "The backward pass still has the right sign, so the loss and the gradient do not fit, and a gradient check "
        "sees it. With automatic differentiation the gradient would follow the loss, and reward every q that leaves "
        "the prior.",
    ),
    Place(
        "F",
        changes_of("""
reconstruction = np.sum(x * logits - np.logaddexp(0, logits), axis=1)
becomes
reconstruction = np.mean(x * logits - np.logaddexp(0, logits), axis=1)

reconstruction = (x * logits - np.logaddexp(0, logits)).sum(axis=1)
becomes
reconstruction = (x * logits - np.logaddexp(0, logits)).mean(axis=1)

softplus = np.logaddexp(0, logits)
reconstruction = np.sum(logits * x - softplus, axis=1)
becomes
softplus = np.logaddexp(0, logits)
reconstruction = np.mean(logits * x - softplus, axis=1)
"""),
        [
            WRONG_LOSS,
            "The loss is wrong. It has two parts. Which of them is too small by a factor?",
            "Given z, the pixels are independent. How does ln p(x | z) follow from the logarithms of all pixels?",
        ],
        "With a mean over the pixels in the gradient as well, a gradient check would see nothing, and the KL would "
        "weigh 784 times too much: the posterior collapses. It is the most common cause of grey samples.",
    ),
    Place(
        "F",
        changes_of("""
dlogits = (1 / (1 + np.exp(-logits)) - x) / N
becomes
dlogits = (1 / (1 + np.exp(-logits)) - x) / x.size

pixels = 1 / (1 + np.exp(-logits))
dlogits = (pixels - x) / N
becomes
pixels = 1 / (1 + np.exp(-logits))
dlogits = (pixels - x) / x.size

pixels = 1.0 / (1.0 + np.exp(-logits))
dlogits = pixels / N - x / N
becomes
pixels = 1.0 / (1.0 + np.exp(-logits))
dlogits = pixels / x.size - x / x.size
"""),
        [
            "The loss is right, and all gradients are wrong. Where does the backward pass begin?",
            "{dlogits} is too small by a factor. What does the loss do with the examples, and what with the pixels of "
            "each?",
            "How many numbers does an average over the examples divide by, and how many are there in the array x?",
        ],
        "The printed loss is right, while training follows another one, in which the KL weighs as much as if an image "
        "had a single pixel: the posterior collapses. A gradient check sees it only because the loss is separate.",
    ),
    Place(
        "H",
        changes_of("""
dlogvar = dz * 0.5 * sigma * eps + 0.5 * (sigma**2 - 1) / N
becomes
eps = rng.standard_normal(mu.shape)
dlogvar = dz * 0.5 * sigma * eps + 0.5 * (sigma**2 - 1) / N

dlogvar = 0.5 * (dz * eps * sigma + (sigma**2 - 1) / N)
becomes
eps = rng.standard_normal(mu.shape)
dlogvar = 0.5 * (dz * eps * sigma + (sigma**2 - 1) / N)

dsigma = dz * eps + (sigma - 1 / sigma) / N
dlogvar = 0.5 * sigma * dsigma
becomes
eps = rng.standard_normal(mu.shape)
dsigma = dz * eps + (sigma - 1 / sigma) / N
dlogvar = 0.5 * sigma * dsigma
"""),
        NOISE,
        ON_AVERAGE,
    ),
    Place(
        "H",
        changes_of("""
dlogvar = dz * 0.5 * sigma * eps + 0.5 * (sigma**2 - 1) / N
becomes
dlogvar = dz * 0.5 * sigma * rng.standard_normal(mu.shape) + 0.5 * (sigma**2 - 1) / N

dlogvar = 0.5 * (dz * eps * sigma + (sigma**2 - 1) / N)
becomes
dlogvar = 0.5 * (dz * rng.standard_normal(mu.shape) * sigma + (sigma**2 - 1) / N)

dsigma = dz * eps + (sigma - 1 / sigma) / N
dlogvar = 0.5 * sigma * dsigma
becomes
dsigma = dz * rng.standard_normal(mu.shape) + (sigma - 1 / sigma) / N
dlogvar = 0.5 * sigma * dsigma
"""),
        NOISE,
        ON_AVERAGE,
    ),
    Place(
        "A",
        changes_of("""
dlogvar = dz * 0.5 * sigma * eps + 0.5 * (sigma**2 - 1) / N
becomes
dlogvar = dz * sigma * eps + (sigma**2 - 1) / N

dlogvar = 0.5 * (dz * eps * sigma + (sigma**2 - 1) / N)
becomes
dlogvar = dz * eps * sigma + (sigma**2 - 1) / N

dsigma = dz * eps + (sigma - 1 / sigma) / N
dlogvar = 0.5 * sigma * dsigma
becomes
dsigma = dz * eps + (sigma - 1 / sigma) / N
dlogvar = sigma * dsigma
"""),
        [
            WHERE_IT_BEGINS,
            MU_OR_LOGVAR,
            "If {logvar} grows by a little δ, by which factor does {sigma} grow? The forward pass says it, and the "
            "gradient must agree.",
        ],
        "This is the gradient with respect to ln σ, twice that with respect to ln σ². The direction is right and the "
        "loss falls, so only a gradient check sees it. With automatic differentiation the slip would be in the "
        "sampler, where no gradient check sees it.",
    ),
    Place(
        "B",
        changes_of("""
kl = 0.5 * np.sum(mu**2 + sigma**2 - 1 - logvar, axis=1)
becomes
kl = 0.5 * np.mean(mu**2 + sigma**2 - 1 - logvar, axis=1)

kl = 0.5 * (mu * mu + sigma * sigma - logvar - 1).sum(axis=1)
becomes
kl = 0.5 * (mu * mu + sigma * sigma - logvar - 1).mean(axis=1)

kl = np.sum(np.square(mu) + np.square(sigma) - 1 - logvar, axis=1) / 2
becomes
kl = np.mean(np.square(mu) + np.square(sigma) - 1 - logvar, axis=1) / 2

kl = -0.5 * np.sum(1 + logvar - mu**2 - sigma**2, axis=1)
becomes
kl = -0.5 * np.mean(1 + logvar - mu**2 - sigma**2, axis=1)
"""),
        [
            WRONG_LOSS,
            "The loss is wrong, but the gradients of the decoder fit it. Which part of the loss does not depend on the "
            "decoder?",
            "The latent dimensions are independent. How does the KL of all of them follow from that of each?",
        ],
        "The backward pass still belongs to the sum, so a gradient check sees that the two do not fit. With automatic "
        "differentiation the gradient would follow the loss: a β-VAE by accident, which no gradient check sees.",
    ),
    Place(
        "C",
        changes_of("""
pixels = 1 / (1 + np.exp(-logits))
dlogits = (pixels - x) / N
becomes
pixels = 1 / (1 + np.exp(-logits))
dlogits = (1 / (1 + np.exp(-pixels)) - x) / N

pixels = 1.0 / (1.0 + np.exp(-logits))
dlogits = pixels / N - x / N
becomes
pixels = 1.0 / (1.0 + np.exp(-1.0 / (1.0 + np.exp(-logits))))
dlogits = pixels / N - x / N
"""),
        [
            "The loss is right, and all gradients are wrong. Where does the backward pass begin?",
            "The gradient for a logit is a probability minus a pixel. What is the range of a probability, and what is "
            "the range of this one?",
            "σ makes a probability of a logit. What does it make of a probability?",
        ],
        "σ of a probability lies between 0.5 and 0.73, so for a black pixel the gradient never vanishes, however sure "
        "the decoder is. The printed loss is right, and stays high: here only the gradient check says why.",
    ),
    Place(
        "C",
        changes_of("""
logits = g @ W4 + b4
becomes
logits = 1 / (1 + np.exp(-(g @ W4 + b4)))

logits = np.dot(g, W4) + b4
becomes
logits = 1 / (1 + np.exp(-(np.dot(g, W4) + b4)))

logits = b4 + g @ W4
becomes
logits = 1 / (1 + np.exp(-b4 - g @ W4))
"""),
        [
            "Both tests fail, and all gradients are wrong. So the mistake is in what all of them depend on.",
            "Logits run from −∞ to ∞. What is the range of this decoder's?",
            "np.logaddexp in the loss expects logits: the loss already contains the sigmoid.",
        ],
        "A probability used as a logit lies between 0 and 1, so its σ lies between 0.5 and 0.73: no pixel can be "
        "black. By hand, the backward pass knows of one sigmoid only, so the gradient check sees it too.",
    ),
]

BY_HAND = Program(
    by_hand,
    "A VAE, forward and backward by hand.",
    names_of(by_hand_styles.NAMES),
    statements_of(by_hand_styles.STATEMENTS),
    by_hand_styles.ORDERS,
    PLACES,
)
