"""What the commands print: lines of at most 80 columns, and errors of one line."""

import sys
import textwrap

from ..datasets.files import shown

WIDTH = 80  # columns of what is printed
LONGEST = 290  # characters of an error


def print_wrapped(text):
    """Print a text in lines of at most 80 columns."""
    print(textwrap.fill(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))


def say(error, status=2):
    """Print an error as one line, without its middle if it is too long; return the exit status."""
    text = shown(error, 10_000)
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 120]} … {text[-117:]}"
    print(f"npvae: {text}", file=sys.stderr)
    return status
