"""The page of an exercise on the site: its text with set formulas, and its question with an answer to press.

The texts are plain, because students read them in an editor. In a text, what is indented is a formula, a table of names
or code.
"""

import re

TEX = {
    "y_n = ln N(x_n; μ_n, σ_n²) = −½ Σ_d [ ln 2π + ln σ² + (x − μ)² / σ² ]":
        r"\begin{aligned} y_n &= \ln \mathcal N(x_n; \mu_n, \sigma_n^2) \\ "
        r"&= -\tfrac12 \sum_d \Bigl[ \ln 2\pi + \ln \sigma^2 + \frac{(x - \mu)^2}{\sigma^2} \Bigr] \end{aligned}",
    "p(x) = E_q [w]  ≈  1/K Σ_k w_k": r"p(x) = \mathbb E_q[w] \approx \frac1K \sum_k w_k",
    "w_k = p(x | z_k) p(z_k) / q(z_k | x)": r"w_k = \frac{p(x \mid z_k)\, p(z_k)}{q(z_k \mid x)}",
    "y_no = Σ_i x_ni W_io + b_o": r"y_{no} = \sum_i x_{ni} W_{io} + b_o",
    "dx = ∂ℓ/∂x (N, I)": r"\mathrm{dx} = \frac{\partial \ell}{\partial x} \quad (N, I)",
    "dW = ∂ℓ/∂W (I, O)": r"\mathrm{dW} = \frac{\partial \ell}{\partial W} \quad (I, O)",
    "db = ∂ℓ/∂b (O,)": r"\mathrm{db} = \frac{\partial \ell}{\partial b} \quad (O,)",
    "y = max(x, 0)": r"y = \max(x, 0)",
    "y = σ(x) = 1 / (1 + e⁻ˣ)": r"y = \sigma(x) = \frac{1}{1 + e^{-x}}",
    "y = ζ(x) = ln(1 + eˣ)": r"y = \zeta(x) = \ln(1 + e^x)",
    "S = 1/N Σ_n (x_n − m) (x_n − m)ᵀ": r"S = \frac1N \sum_n (x_n - m)(x_n - m)^{\mathsf T}",
    "y_n = KL(q_n ‖ p) = ½ Σ_d [ μ² + σ² − 1 − ln σ² ]":
        r"y_n = \mathrm{KL}(q_n \Vert p) = \tfrac12 \sum_d \bigl[ \mu^2 + \sigma^2 - 1 - \ln \sigma^2 \bigr]",
    "ELBO = E_q [ln p(x | z)] − KL(q ‖ p)  ≈  1/L Σ_l ln p(x | z_l) − KL(q ‖ p)":
        r"\begin{aligned} \mathrm{ELBO} &= \mathbb E_q[\ln p(x \mid z)] - \mathrm{KL}(q \Vert p) \\ "
        r"&\approx \frac1L \sum_l \ln p(x \mid z_l) - \mathrm{KL}(q \Vert p) \end{aligned}",
    "mu, logvar  ←  argmax Σ_n ELBO(x_n; mu_n, logvar_n)":
        r"\mathrm{mu}, \mathrm{logvar} \leftarrow \arg\max \sum_n \mathrm{ELBO}(x_n; \mathrm{mu}_n, \mathrm{logvar}_n)",
    "z = μ + σ ⊙ ε": r"z = \mu + \sigma \odot \varepsilon",
    "y_n = ln p(x_n | l_n) = Σ_d [ x ln σ(l) + (1 − x) ln(1 − σ(l)) ]":
        r"\begin{aligned} y_n &= \ln p(x_n \mid l_n) \\ "
        r"&= \sum_d \bigl[ x \ln \sigma(l) + (1 - x) \ln(1 - \sigma(l)) \bigr] \end{aligned}",
    "y_n = Σ_d [ x l − ζ(l) ]": r"y_n = \sum_d \bigl[ x\, l - \zeta(l) \bigr]",
    "ζ(l) = ln(1 + eˡ) = max(l, 0) + ln(1 + e^−|l|)":
        r"\begin{aligned} \zeta(l) &= \ln(1 + e^l) \\ &= \max(l, 0) + \ln(1 + e^{-|l|}) \end{aligned}",
    "m ← β₁ m + (1 − β₁) g": r"m \leftarrow \beta_1 m + (1 - \beta_1)\, g",
    "m̂ = m / (1 − β₁ᵗ)": r"\hat m = m / (1 - \beta_1^t)",
    "v ← β₂ v + (1 − β₂) g²": r"v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2",
    "v̂ = v / (1 − β₂ᵗ)": r"\hat v = v / (1 - \beta_2^t)",
    "p ← p − lr · m̂ / (√v̂ + ε)": r"p \leftarrow p - \mathrm{lr} \cdot \hat m / (\sqrt{\hat v} + \varepsilon)",
    "y = ln Σ_k exp x_k": r"y = \ln \sum_k \exp x_k",
    "y = r · W.reshape(k·k·C, O) + b": r"y = r \cdot W\mathtt{.reshape}(k \cdot k \cdot C,\, O) + b",
}  # fmt: skip

PAGE = """\
# {name}: {title}

*Exercise {number}, for {chapter}.* `npvae learn init my-vae` makes a folder with all exercises; in it, this one is the
file `{number:02}_{name}.py`.

{text}

> **Predict.** {question}
>
{choices}

<details><summary>Answer</summary>

{answer}

</details>

## The file

```python
{code}```

`npvae learn check {name}` says whether it is right, and if not, what is wrong. `npvae learn hint {name}` gives a hint.
"""


def page(exercise, number, chapter, code):
    """Return the page of an exercise in Markdown.

    chapter   a link to the chapter that it belongs to, in Markdown
    code      of the student's file, without the text
    """
    prediction = exercise.prediction
    right = prediction.measure()
    return PAGE.format(
        name=exercise.name, title=exercise.title, number=number, chapter=chapter, code=code,
        text=_markdown(exercise.text), question=prediction.question,
        choices="\n".join(f"> {i}. {choice}" for i, choice in enumerate(prediction.choices, start=1)),
        answer=f"{right + 1}. {prediction.choices[right]}\n\n{prediction.because}",
    )  # fmt: skip


def _markdown(text):
    """Return the plain text of an exercise as Markdown."""
    blocks = re.split(r"((?:^    .*\n?)+)", text, flags=re.MULTILINE)
    return "".join(block if i % 2 == 0 else _indented(block.splitlines()) for i, block in enumerate(blocks))


def _indented(lines):
    pieces = [re.split(r" {3,}", line.strip()) for line in lines]
    if any(piece.rstrip(",. ") in TEX for piece in pieces[0]):
        return "".join(map(_formula, pieces))
    if len(lines) > 1 and re.match(r"    \S.*?  +\S", lines[0]):
        return _table(lines)
    return "```python\n" + "\n".join(line[4:] for line in lines) + "\n```\n"


def _formula(pieces):
    """Return a line of formulas, set one below the other, with the words that stand behind them."""
    formulas = [f"$$ {TEX[piece.rstrip(',. ')]} $$\n" for piece in pieces if piece.rstrip(",. ") in TEX]
    words = [piece for piece in pieces if piece.rstrip(",. ") not in TEX]
    if any("=" in piece for piece in words):
        raise ValueError(f"a formula has no TeX: {words}; add it to {__file__}")
    return "\n".join([*formulas, ", ".join(words), ""])


def _table(lines):
    """Return a table of names and what they are; a line that is indented further continues the one before it."""
    rows = []
    for line in lines:
        found = re.match(r"    (\S.*?)  +(\S.*)", line)
        if found:
            rows.append([found[1], found[2]])
        else:
            rows[-1][1] += " " + line.strip()
    cells = [f"| `{name}` | {what.replace('|', chr(92) + '|')} |" for name, what in rows]
    return "\n".join(["| | |", "| --- | --- |", *cells]) + "\n"
