"""Sends what is nearly a result: a description that claims a terabyte, after a deep one."""

import json
import os

deep = b"[" * 100_000
huge = json.dumps([{"status": "passed", "lines": []}, [["y", "float64", [10**12]]]]).encode()
for data in (deep, huge):
    for descriptor in range(3, 30):
        try:
            os.write(descriptor, len(data).to_bytes(8, "big") + data)
        except OSError:
            pass
os._exit(0)
