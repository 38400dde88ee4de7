"""ASCII in place of characters that an output cannot show: "-" for "−", and "sigma" for "σ".

A pipe on Windows, for instance, may have an encoding without Greek letters. The command line writes with the error
handler PLAIN, and `printable` does the same for what your own program prints.
"""

import codecs
import itertools
import sys
import unicodedata

PLAIN = "npvae.plain"  # the name of the error handler
SIGNS = {
    "−": "-", "·": "*", "×": "x", "⊙": "*", "⁄": "/", "±": "+-", "√": "sqrt ", "∞": "inf", "°": " deg", "≤": "<=",
    "≥": ">=", "≈": "~", "‖": "||", "Σ": "sum", "∫": "int ", "∂": "d", "∇": "grad ", "→": "->", "←": "<-", "─": "-",
    "✓": "+", "✗": "x", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"',
    "\N{COMBINING CIRCUMFLEX ACCENT}": "_hat", "\N{COMBINING TILDE}": "_tilde",
}  # fmt: skip
UTF_8_CHILD = {"PYTHONIOENCODING": "utf-8"}  # the environment of a child process whose output we read


def in_ascii(text):
    """Return the text in ASCII: x^-1 for x⁻¹, mu for μ, and ? for a character that has no such name."""
    runs = itertools.groupby(text, lambda c: unicodedata.decomposition(c).startswith("<super>"))
    return "".join(("^" if is_superscript else "") + "".join(map(_ascii, run)) for is_superscript, run in runs)


def _ascii(c):
    if c.isascii():
        return c
    if c in SIGNS:
        return SIGNS[c]
    parts = unicodedata.normalize("NFKD", c)
    if parts != c:  # a letter and its accents, which go; a fraction; a superscript
        return "".join(_ascii(part) for part in parts if not unicodedata.combining(part))
    kind, _, name = unicodedata.name(c, "").rpartition(" LETTER ")
    return name.split()[-1].lower() if kind.startswith("GREEK") else "?"


codecs.register_error(PLAIN, lambda error: (in_ascii(error.object[error.start : error.end]), error.end))


def printable(text):
    """Return the text as standard output can show it."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, PLAIN).decode(encoding)
