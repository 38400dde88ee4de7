"""Reads the submissions of others, in the folder VICTIM, and prints them."""

import os
import pathlib

print(os.listdir("VICTIM"))
print([path.read_text() for path in pathlib.Path("VICTIM").glob("**/*.py")])
