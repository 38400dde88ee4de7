"""The exhibits: a correct program, with one line replaced, and the tests that run on it.

The programs are real ones (by_hand.py, with_autodiff.py, importance_weighted.py). An exhibit is made from the program's
own source, so the repaired exhibit is that program. Real programs have shipped with each kind of defect. The student
must find the defect, name it by its letter, and repair it.
"""

import dataclasses
import inspect
import textwrap
import types

import numpy as np

from ..answers import is_alike, is_right, right_answers
from ..exercise import Exercise, Prediction
from . import battery, by_hand, importance_weighted, with_autodiff

DEFECTS = {
    "A": "the logarithm of the variance is mistaken for that of the standard deviation",
    "B": "the KL is averaged over the latent dimensions instead of summed",
    "C": "the sigmoid is applied twice",
    "D": "the derivative of ReLU is taken from the wrong array",
    "E": "the KL has the wrong sign",
    "F": "pixels are averaged in one place, and summed in another",
    "G": "the gradient also goes through weights that should be constants",
    "H": "the backward pass draws new noise",
    "I": "the program trains on the test set",
}

TESTS = {  # of each program: a name, and the test
    by_hand: {
        "gradients against finite differences": battery.gradients_by_hand,
        "loss against the engine's ELBO": battery.loss_by_hand,
    },
    with_autodiff: {
        "gradients against finite differences": battery.gradients,
        "moments of a million samples": battery.moments,
        "KL against a Monte Carlo estimate": battery.monte_carlo_kl,
        "probabilities of all images sum to 1": battery.sums_to_one,
        "a decoder can be certain": battery.certainty,
        "another test set, the same training": battery.unseen_test_set,
    },
    importance_weighted: {
        "value of the bound against the engine's": battery.bound_value,
        "gradients against the bound's finite differences": battery.gradient_of_the_bound,
    },
}


@dataclasses.dataclass(eq=False)
class Exhibit(Exercise):
    """A program with a defect.

    defect     its letter
    right      the line or lines of the program that were replaced
    wrong_line what replaces them
    lesson     what this kind of defect teaches, shown after the repair
    """

    defect: str = ""
    right: str = ""
    wrong_line: str = ""
    lesson: str = ""

    @property
    def tests(self):
        """The tests of its program: a dict from names to functions."""
        return TESTS[self.solution]

    def source(self, repaired=False):
        """Return the program's source without its docstring; with the defect, unless it is repaired."""
        source = inspect.getsource(self.solution)
        source = source[source.index('"""', 3) + 3 :].strip() + "\n"
        assert source.count(self.right) == 1, (
            f"{self.name}: the line to be replaced occurs {source.count(self.right)} times"
        )
        return source if repaired else source.replace(self.right, self.wrong_line)

    def answers(self, program, seed=0):
        """Return the arrays that the tests ask for, and the letter in DEFECT as a code point."""
        found = {f"{name}: {key}": a for name, test in self.tests.items() for key, a in test.ask(program, seed).items()}
        return found | {"DEFECT": np.array(ord(named_defect(program) or " "))}

    def wrong_answers(self, answers, seed=0):
        right = right_answers(self, seed)
        wrong = [name for name in right if name not in answers or not is_alike(answers[name], right[name])]
        if wrong:
            return wrong
        for name, test in self.tests.items():
            found = {key.removeprefix(f"{name}: "): a for key, a in answers.items() if key.startswith(f"{name}: ")}
            is_exact = all(is_right(found[key], right[f"{name}: {key}"]) for key in test.exact)
            if test.judge(found, seed) or not is_exact:
                wrong.append(name)
        return wrong if answers["DEFECT"] == ord(self.defect) else [*wrong, "DEFECT"]

    def reference(self):
        """Return the repaired program, a module."""
        program = module_of(self.source(repaired=True))
        program.DEFECT = self.defect
        return program

    def run_tests(self, program, seed=0):
        """Return every test's sentence about the program, a module: a dict, with empty ones where nothing is wrong."""
        return {name: sentence_of(test, program, seed) for name, test in self.tests.items()}


def named_defect(program):
    """Return the letter that a program names as its defect; "" if it names none."""
    named = str(getattr(program, "DEFECT", "")).strip().upper()
    return named if named in DEFECTS else ""


def sentence_of(test, program, seed=0):
    """Return what a test says about the program, also where it returns something that cannot be tested."""
    try:
        return test(program, seed)
    except battery.Unusable as error:
        return error.args[0]


def exhibit(number, title, program, defect, right, wrong_line, hints, lesson, prediction):
    """Return an `Exhibit` whose file says only that there is one defect."""
    kinds = "\n".join(f"    {letter}  {kind}" for letter, kind in DEFECTS.items())
    begin = f"{title} It has one defect, of a kind that real programs have had. Find it, name it, and repair it:"
    end = (
        "Write its letter into DEFECT below, and repair the program so that all tests pass. Read the tests that "
        "fail, and also those that pass."
    )
    text = "\n\n".join([textwrap.fill(begin, 80), kinds, textwrap.fill(end, 80)])
    return Exhibit(
        name=f"bug_{number}",
        title=f"bug museum: {title[0].lower()}{title[1:].rstrip('.')}",
        solution=program,
        text=text,
        prediction=prediction,
        hints=hints,
        wrong={},
        defect=defect,
        right=right,
        wrong_line=wrong_line,
        lesson=lesson,
    )


BY_HAND, WITH_AUTODIFF = "A VAE, forward and backward by hand.", "A VAE with automatic differentiation."


def sees(number):
    """Return the prediction: does a check of its gradients see the defect of this exhibit? Index 0 is yes."""
    question = "Read the program. Does a check of its gradients against finite differences see the defect?"
    because = "A gradient check sees when a gradient does not belong to its loss. It cannot see when the loss is wrong."

    def measure():
        exhibit = EXHIBITS[number - 1]
        program = module_of(exhibit.source())
        test = battery.own_gradient if exhibit.solution is importance_weighted else next(iter(exhibit.tests.values()))
        return 0 if test(program) else 1

    return Prediction(question, ["yes", "no"], measure, because)


def module_of(source, name="program"):
    """Return a module made from its source."""
    module = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
    return module


EXHIBITS = [
    exhibit(
        1,
        BY_HAND,
        by_hand,
        "D",
        "dc = dg * (c > 0)",
        "dc = dg * (dg > 0)",
        [
            "The table says which gradients are wrong. Which are right? Go backward from the loss to the first "
            "that is wrong.",
            "dW4 and db4 are right, dW3 and db3 are not. Which line lies between them?",
            "The mask of a ReLU says where its input was positive, in the forward pass.",
        ],
        "A gradient check finds this at once, because the loss and its gradient no longer fit. The mistake is where "
        "the gradients begin to be wrong.",
        sees(1),
    ),
    exhibit(
        2,
        WITH_AUTODIFF,
        with_autodiff,
        "A",
        "ops.exp(logvar * 0.5) * eps",
        "ops.exp(logvar) * eps",
        [
            "All gradients are right. Which test fails, and which function does it call?",
            "The samples are too wide: 4 instead of 2. What is 4, if the variance is 4?",
            "The KL takes logvar for the logarithm of the variance, and is right. What does the other function take "
            "it for?",
        ],
        "No gradient check can see this: the derivative of the wrong sampler is right. It also trains, and its "
        "pictures look only a little worse. Only a test of the samples' moments sees it.",
        sees(2),
    ),
    exhibit(
        3,
        WITH_AUTODIFF,
        with_autodiff,
        "B",
        "0.5 * (mu * mu + ops.exp(logvar) - 1.0 - logvar).sum(axis=1)",
        "0.5 * (mu * mu + ops.exp(logvar) - 1.0 - logvar).mean(axis=1)",
        [
            "Which test fails? By which factor do its two numbers differ?",
            "By 3. What is there three of, in that test?",
            "The latent dimensions are independent. How does the KL of all of them follow from that of each?",
        ],
        "The loss is a smooth function with the right gradient, but it is not the ELBO: with 20 latent dimensions the "
        "KL counts for a twentieth. This is a β-VAE by accident. Samples from the prior will look bad, and nobody "
        "knows why.",
        sees(3),
    ),
    exhibit(
        4,
        BY_HAND,
        by_hand,
        "E",
        "dmu = dz + mu / N",
        "dmu = dz - mu / N",
        [
            "Which gradients are right, and where do they begin to be wrong?",
            "Those of the decoder are right. So dz is, and dmu or dlogvar is not.",
            "The loss has + KL. If mu moves away from 0, does its KL rise or fall? Compare the sign with that in the "
            "code.",
        ],
        "The gradient pushes mu away from the prior, while the printed loss is right. In a program with "
        "automatic differentiation the same slip would be in the loss, where no gradient check sees it, and the loss "
        "would keep falling.",
        sees(4),
    ),
    exhibit(
        5,
        WITH_AUTODIFF,
        with_autodiff,
        "C",
        "return self.logits(ops.tanh(self.decoder(z)))",
        "return ops.sigmoid(self.logits(ops.tanh(self.decoder(z))))",
        [
            "Which test fails? What must a decoder be able to do that this one cannot?",
            "Logits run from −∞ to ∞. What is the range of this decoder's?",
            "log_likelihood expects logits: it already contains the sigmoid, in the form of softplus.",
        ],
        "A probability used as a logit lies between 0 and 1, so its σ lies between 0.5 and 0.73: no pixel can be "
        "black. The gradients are right, the loss falls a little, and then it stays where it is.",
        sees(5),
    ),
    exhibit(
        6,
        BY_HAND,
        by_hand,
        "F",
        "reconstruction = np.sum(x * logits - np.logaddexp(0, logits), axis=1)",
        "reconstruction = np.mean(x * logits - np.logaddexp(0, logits), axis=1)",
        [
            "Both tests fail: the gradients do not fit the loss. So which of the two is wrong? The other test knows.",
            "The loss is wrong. It has two parts. Which of them is too small by a factor?",
            "Given z, the pixels are independent. How does ln p(x | z) follow from the logarithms of all pixels?",
        ],
        "With a mean over the pixels in the gradient as well, a gradient check would see nothing, and the KL would "
        "weigh 784 times too much: the posterior collapses. It is the most common cause of grey samples.",
        sees(6),
    ),
    exhibit(
        7,
        "The importance-weighted bound.",
        importance_weighted,
        "G",
        "weights = Tensor(relative.data / relative.data.sum(axis=0))",
        "weights = relative / relative.sum(axis=0)",
        [
            "The bound is right, and the gradient is not. Which function makes the gradient?",
            "The gradient of the bound is Σ w̃ ∇ ln w. By the product rule, what is the gradient of Σ w̃ ln w?",
            "w̃ must be a constant, which remembers nothing of how it was made. How do you get at the values of a "
            "Tensor alone?",
        ],
        "A check of the surrogate against its own finite differences passes for the wrong program, and fails for the "
        "right one. A gradient check is only as good as the function that it compares with: here, the bound.",
        sees(7),
    ),
    exhibit(
        8,
        BY_HAND,
        by_hand,
        "H",
        "    dlogvar = dz * 0.5 * sigma * eps + 0.5 * (sigma**2 - 1) / N",
        "    eps = rng.standard_normal(mu.shape)\n    dlogvar = dz * 0.5 * sigma * eps + 0.5 * (sigma**2 - 1) / N",
        [
            "Where do the gradients begin to be wrong?",
            "Everything up to dz is right. What does dlogvar need from the forward pass?",
            "Which noise made z? Which one does the gradient with respect to logvar meet?",
        ],
        "On average over the noise, the part of the gradient that goes through σ is zero: the encoder never learns how "
        "wide q should be. The loss falls all the same.",
        sees(8),
    ),
    exhibit(
        9,
        WITH_AUTODIFF,
        with_autodiff,
        "I",
        "test_loss = evaluate(model, x_test, rng)",
        "test_loss = train_epoch(model, optimizer, x_test, rng)",
        [
            "Each function does what its docstring says. Which of them is called where another should be?",
            "How can the parameters know anything about the test set? Follow x_test.",
            "Which function moves the parameters, and which only looks? Find all their calls.",
        ],
        "No test of a function sees this: every function is right. A test must change the test set and watch what must "
        "not change. The published number would be too good.",
        sees(9),
    ),
]
