"""Writes until it may not."""

for i in range(2000):
    with open(f"file{i}", "wb") as file:
        file.write(b"0" * 2**20)
