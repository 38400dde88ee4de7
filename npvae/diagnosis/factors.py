"""The name of a factor: a number of the source, a plain number, or a function of the sizes of arrays."""

import itertools

import numpy as np

from .changes import literals_of

PLAIN = {"2": 2, "1/2": 0.5, "4": 4, "1/4": 0.25, "3": 3, "1/3": 1 / 3, "2π": 2 * np.pi}
PLAIN |= {"√2": 2**0.5, "1/√2": 2**-0.5}
OF_A_SIZE = {
    "{}": lambda n: n, "1/{}": lambda n: 1 / n, "√{}": lambda n: n**0.5, "1/√{}": lambda n: n**-0.5,
    "({} − 1)": lambda n: n - 1.0, "1/({} − 1)": lambda n: 1 / (n - 1.0) if n > 1 else np.nan,
    "{0}/({0} − 1)": lambda n: n / (n - 1.0) if n > 1 else np.nan, "({0} − 1)/{0}": lambda n: (n - 1.0) / n,
    "{}²": lambda n: n * n, "1/{}²": lambda n: n**-2.0,
}  # fmt: skip


def factor_name(factors, draws):
    """Return the name of a factor with these values, one for each draw; None if it has no name."""
    literals = literals_of(draws[0].graph)
    for c in sorted((c for c in literals if c > 0 or -c not in literals), key=abs):
        called = literals[c] if literals[c].isidentifier() or literals[c][-1].isdigit() else f"({literals[c]})"
        opposite = called[1:] if called.startswith("-") else f"−{called}"
        for value, name in ((c, called), (-c, opposite), (1 / c if c else np.nan, f"1/{called}")):
            if c != int(c) and np.allclose(factors, value, rtol=1e-6, atol=0):
                return name
    for sign, text in ((1, ""), (-1, "−")):
        for name, value in PLAIN.items():
            if np.allclose(factors, sign * value, rtol=1e-6, atol=0):
                return text + name
    numbers = [draw.numbers for draw in draws]
    names = [name for name in numbers[0] if all(n.get(name, 1) > 1 for n in numbers)]
    for (sign, text), (pair, two) in itertools.product(
        ((1, ""), (-1, "−")), (("", 1), ("2 · ", 2), ("½ · ", 0.5))
    ):
        for name in names:
            for form, of in OF_A_SIZE.items():
                if np.allclose(factors, [sign * two * of(n[name]) for n in numbers], rtol=1e-6, atol=0):
                    return text + pair + form.format(_short(name)) + _meaning(name, numbers[0])
        for a, b in itertools.combinations(names, 2):
            for form, power in (("{} · {}", 1), ("1/({} · {})", -1)):
                products = [sign * two * (n[a] * n[b]) ** float(power) for n in numbers]
                if np.allclose(factors, products, rtol=1e-6, atol=0):
                    meanings = _meaning(a, numbers[0]) + _meaning(b, numbers[0])
                    return text + pair + form.format(_short(a), _short(b)) + meanings
    return None


def _short(name):
    return name.split(",")[0].split(" or ")[0]


def _meaning(name, numbers):
    first = name.split(" or ")[0]
    return f" ({first}{',' if ',' in first else ''} is {numbers[name]:g})"
