"""What the programs for PyTorch and JAX have in common: pieces of text, and what fills them."""

import string
import textwrap

FACTORS = {"constant": "", "polynomial": "(1 + step / 1000) ** -0.75"}  # of the learning rate, by schedule
MAIN = '''\
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["evaluate", "train"])
    parser.add_argument("--steps", type=int, default=1000, help="counted from the exported step")
    parser.add_argument("--weights", default=HERE / "model.safetensors", help="to evaluate, or to start from")
    options = parser.parse_args()
    if options.action == "train":
        train(options.steps, options.weights)
    else:
        print(*(f"{name} {value:.2f}" for name, value in evaluate($LOAD(options.weights)).items()))'''


def filled(template, **parts):
    """Return a text with every $NAME replaced by the part of that name.

    A line that holds only $NAME becomes all lines of that part, indented like it; an empty part removes the line.
    """
    lines = []
    for line in template.split("\n"):
        part = parts.get(line.strip()[1:]) if line.strip().startswith("$") else None
        if part is None:
            lines.append(string.Template(line).substitute(parts))
        elif part:
            lines += textwrap.indent(part, line[: line.index("$")]).split("\n")
    return "\n".join(lines)


def indented(text):
    """Return the lines of a text, indented by four spaces."""
    return textwrap.indent(text, " " * 4)


def number(value):
    """Return a number as you would type it: 0.001, 4, 61.44."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def hyperparameters(run):
    """Return the hyperparameters of the run's optimiser: a dict from names in capitals to texts."""
    optimizer = run.optimizer
    return {name.upper(): number(getattr(optimizer, name)) for name in optimizer.hyperparameters}


def title(run, library):
    """Return the first line of a program's docstring."""
    model, name = run.settings["model"], run.folder.resolve().name
    name = "".join(c for c in name if c.isprintable() and c not in '\\"')  # what would end the docstring
    return f"The {model} of {name} in {library}: the same layers under the same names, and the same loss."


def schedule_factor(run):
    """Return the factor of the learning rate, as an expression of `step`; for a constant rate, an empty text."""
    return FACTORS[run.settings["schedule"]]


def kl_term(term, relu, minimum="min"):
    """Return the KL term of the objective, as an expression of `kl`, `kl_j` and `step`.

    term            a `KLTerm`
    relu, minimum   the names of the functions max(·, 0) and min(·, ·) in the library
    """
    risen = f"{minimum}(1, step / {term.warm_up})" if term.warm_up else ""
    weight = "" if term.beta == 1 else number(term.beta)
    if term.capacity is not None:
        target = " * ".join(filter(None, [risen, number(term.capacity)]))
        return " * ".join(filter(None, [weight, f"abs(kl - {target})"]))
    paid = f"({relu}(kl_j - {number(term.free_bits)}) + {number(term.free_bits)}).sum()" if term.free_bits else "kl"
    return " * ".join(filter(None, [risen, weight, paid]))
