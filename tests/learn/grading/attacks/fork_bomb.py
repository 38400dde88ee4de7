"""A small one, so that a test of a grader without limits ends as well."""

import os

for _ in range(8):
    os.fork()
while True:
    pass
