"""Makes folders in folders, deeper than most programs can remove."""

import os

for _ in range(20_000):
    os.mkdir("deeper")
    os.chdir("deeper")
