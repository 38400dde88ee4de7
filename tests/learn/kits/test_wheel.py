"""Proves that the wheel of the kits is npvae: all of its files, and what setup.cfg says about it.

These tests would catch a file that the wheel lacks, a wrong checksum, and a requirement that has changed in setup.cfg.
"""

import base64
import configparser
import csv
import hashlib
import io
import pathlib
import subprocess
import zipfile

import npvae
from npvae.learn.kits.wheel import NAME, PYTHON, REQUIRES, wheel

SOURCE = pathlib.Path(npvae.__file__).parent


def test_the_record_lists_every_file_with_its_checksum():
    archive = zipfile.ZipFile(io.BytesIO(wheel()))
    (record,) = [name for name in archive.namelist() if name.endswith("RECORD")]
    rows = list(csv.reader(io.StringIO(archive.read(record).decode())))
    assert [name for name, *_ in rows] == archive.namelist()
    for name, checksum, size in rows[:-1]:
        content = archive.read(name)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        assert (checksum, size) == (f"sha256={digest}", str(len(content))), name
    assert rows[-1] == [record, "", ""]


def test_it_holds_the_package_and_no_data():
    names = zipfile.ZipFile(io.BytesIO(wheel())).namelist()
    kinds = (".py", ".js", ".css", ".html")
    expected = {f"npvae/{path.relative_to(SOURCE).as_posix()}" for path in SOURCE.rglob("*") if path.suffix in kinds}
    assert {name for name in names if name.startswith("npvae/")} == expected
    assert len(wheel()) < 2**20 and wheel() == wheel()


def test_it_says_what_setup_cfg_says():
    setup = configparser.ConfigParser()
    setup.read(SOURCE.parent / "setup.cfg", encoding="utf-8")
    options = setup["options"]
    assert options["install_requires"].split() == REQUIRES and options["python_requires"] == PYTHON
    assert setup["metadata"]["version"] == npvae.__version__
    archive = zipfile.ZipFile(io.BytesIO(wheel()))
    text = archive.read(f"npvae-{npvae.__version__}.dist-info/entry_points.txt").decode()
    assert setup["options.entry_points"]["console_scripts"].strip() in text


def test_pip_installs_it_and_the_command_runs(machine, tmp_path):
    folder, environment = machine
    says = subprocess.run(
        [folder / "bin" / "npvae", "--version"], cwd=tmp_path, env=environment, capture_output=True, text=True,
        encoding="utf-8",
    )  # fmt: skip
    assert says.stdout == f"npvae {NAME.split('-')[1]}\n", says.stderr
