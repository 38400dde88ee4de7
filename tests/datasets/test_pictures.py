"""Proves that a folder of pictures is read as it looks, with its subfolders as labels, or refused in one sentence.

These tests would catch a grey picture of 16 bits that turns white, a bomb that is unpacked, and an EPS that runs.
"""

import os
import struct
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from npvae.datasets import files, load
from npvae.datasets.pictures import read_pictures
from npvae.errors import UserError

GREY = np.random.default_rng(0).integers(0, 256, (12, 5, 7)).astype(np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (12, 5, 7, 3)).astype(np.uint8)


def write(folder, arrays, names="{}.png", mode=None):
    for i, array in enumerate(arrays):
        path = folder / names.format(f"{i:02}")
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(array)
        (picture.convert(mode) if mode else picture).save(path)


@pytest.mark.parametrize("extension", ["png", "PNG", "bmp", "tif", "gif", "pgm"])
def test_grey_pictures(tmp_path, extension):
    write(tmp_path, GREY, "{}." + extension)
    arrays, decided = read_pictures(tmp_path)
    assert arrays.keys() == {"x_train"} and arrays["x_train"].shape == GREY.shape
    assert np.array_equal(arrays["x_train"], GREY)
    assert decided == (["the three channels are equal: kept one of them"] if extension == "gif" else [])


@pytest.mark.parametrize("mode", [None, "RGBA", "CMYK"])
def test_colours(tmp_path, mode):
    write(tmp_path, COLOUR, "{}.tif", mode)
    arrays, _ = read_pictures(tmp_path)
    assert np.array_equal(arrays["x_train"], COLOUR)
    data = load(tmp_path)
    assert data.image_shape == (5, 7, 3) and len(data.x_test) == 1 and "divided by 255" in data.notes[0]


def test_grey_among_colours_and_jpeg(tmp_path):
    write(tmp_path, COLOUR, "a{}.png")
    write(tmp_path, GREY, "b{}.jpg")
    x = read_pictures(tmp_path)[0]["x_train"]
    assert np.array_equal(x[:12], COLOUR) and (x[12:, ..., 0] == x[12:, ..., 1]).all()


def test_other_depths(tmp_path):
    write(tmp_path / "deep", GREY.astype(np.uint16) * 257)
    assert np.array_equal(read_pictures(tmp_path / "deep")[0]["x_train"], GREY.astype(np.uint16) * 257)
    assert np.allclose(np.sort(np.unique(load(tmp_path / "deep").x_train)), np.unique(load(tmp_path / "deep").x_train))
    assert load(tmp_path / "deep").x_train.max() <= 1
    write(tmp_path / "fractions", GREY / np.float32(255), "{}.tif")
    assert np.allclose(read_pictures(tmp_path / "fractions")[0]["x_train"], GREY / 255)
    write(tmp_path / "masks", GREY > 99)
    assert np.array_equal(read_pictures(tmp_path / "masks")[0]["x_train"], (GREY > 99) * np.uint8(255))
    write(tmp_path / "integers", GREY.astype(np.int32) * 1000, "{}.tif")
    with pytest.raises(UserError, match="pixels of more than 16 bits"):
        read_pictures(tmp_path / "integers")
    write(tmp_path / "deep", GREY[:1], "another.png")
    with pytest.raises(UserError, match="mixes pictures of 8 and of 16 or 32 bits"):
        read_pictures(tmp_path / "deep")


def test_subfolders_are_labels(tmp_path):
    write(tmp_path, GREY[:5], "cats/{}.png")
    write(tmp_path, GREY[5:], "ants/more/{}.png")
    (tmp_path / "cats" / "readme.txt").write_text("no picture")
    (tmp_path / "cats" / "._00.png").write_bytes(b"no picture")
    (tmp_path / ".hidden").mkdir()
    write(tmp_path, GREY[:5], ".hidden/{}.png")
    arrays, decided = read_pictures(tmp_path)
    assert arrays["y_train"].tolist() == ["ants"] * 7 + ["cats"] * 5
    assert np.array_equal(arrays["x_train"], np.concatenate([GREY[5:], GREY[:5]]))
    assert decided == ["the labels are the names of the subfolders"]
    assert load(tmp_path).classes == ("ants", "cats")
    write(tmp_path, GREY[:1], "top.png")
    arrays, decided = read_pictures(tmp_path)
    assert "y_train" not in arrays and decided == ["without labels: only some of the pictures are in subfolders"]


def test_one_subfolder_is_no_label(tmp_path):
    write(tmp_path, GREY, "images/{}.png")
    arrays, decided = read_pictures(tmp_path)
    assert arrays.keys() == {"x_train"} and decided == []


@pytest.mark.parametrize("test", ["test", "val"])
@pytest.mark.parametrize("has_labels", [True, False])
def test_two_parts(tmp_path, test, has_labels):
    for part, pictures in (("Train", GREY[:8]), (test, GREY[8:]), ("unused", GREY[:3])):
        write(tmp_path, pictures[::2], f"{part}/{'cats/' if has_labels else ''}a{{}}.png")
        write(tmp_path, pictures[1::2], f"{part}/{'dogs/' if has_labels else ''}b{{}}.png")
    arrays, decided = read_pictures(tmp_path)
    assert np.array_equal(arrays["x_test"], [*GREY[8::2], *GREY[9::2]]) and len(arrays["x_train"]) == 8
    assert decided[0] == "left out 3 pictures that are in neither train nor test"
    if has_labels:
        assert arrays["y_test"].tolist() == ["cats", "cats", "dogs", "dogs"]
    else:
        assert arrays.keys() == {"x_train", "x_test"}
    assert len(load(tmp_path).x_test) == 4


def test_the_folder_where_you_are_has_a_name(tmp_path, monkeypatch):
    write(tmp_path / "faces", GREY)
    monkeypatch.chdir(tmp_path / "faces")
    assert load(".").name == load("../faces/").name == "faces"


def test_a_training_folder_alone(tmp_path):
    write(tmp_path, GREY, "train/{}.png")
    assert len(load(tmp_path).x_test) == 1


def refuse(folder, message):
    tracemalloc.start()
    with pytest.raises(UserError, match=message) as raised:
        load(folder)
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()
    assert len(str(raised.value)) <= 300 and str(raised.value).isprintable()


def test_what_is_no_folder_of_pictures(tmp_path):
    refuse(tmp_path, "holds no pictures: expected .png, .jpg")
    (tmp_path / "1.png").write_bytes(b"")
    refuse(tmp_path, r"1\.png cannot be read as a picture")
    write(tmp_path, GREY[:1])
    refuse(tmp_path / "00.png", "unknown format, expected .npz, .npy, .csv, IDX, or a folder of pictures")


def test_pictures_of_different_sizes(tmp_path):
    write(tmp_path, GREY)
    write(tmp_path, [GREY[0, :, :4]], "zzz.png")
    refuse(tmp_path, r"zzz.png has 4 × 5 pixels, and 00.png 7 × 5, expected one size: resize or crop them")


@pytest.mark.parametrize("extension", ["png", "jpg", "gif", "tif", "bmp", "webp", "ppm"])
def test_damaged_pictures(tmp_path, extension):
    write(tmp_path, COLOUR, "{}." + extension)
    path = tmp_path / f"05.{extension}"
    content = path.read_bytes()
    for damaged in (content[:-40], content[:30], content[:9], b"", b"hello" * 9, content[: len(content) // 2]):
        path.write_bytes(damaged)
        refuse(tmp_path, rf"05\.{extension} cannot be read as a picture|different|expected one size")


def test_nothing_but_the_sentence_is_printed(tmp_path, capfd, caplog):
    write(tmp_path, COLOUR, "{}.tif")
    path = tmp_path / "05.tif"
    samples = struct.pack("<HHIH", 277, 3, 1, 3)            # the tag with the number of samples per pixel
    assert samples in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(samples, struct.pack("<HHIH", 277, 3, 1, 259)))
    refuse(tmp_path, r"05\.tif cannot be read as a picture")
    assert capfd.readouterr() == ("", "") and not caplog.records


def test_formats_that_run_programs_are_not_opened(tmp_path):
    (tmp_path / "1.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 5 5\n%%EndComments\nshowpage\n")
    refuse(tmp_path, "cannot be read as a picture")


def png(width, height, content=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(content)) + chunk(b"IEND", b"")


def test_bombs(tmp_path):
    path = tmp_path / "1.png"
    path.write_bytes(png(100_000, 100_000))
    refuse(tmp_path, "cannot be read as a picture|unpacks to")
    path.write_bytes(png(12_000, 12_000))                   # small enough for Pillow
    for i in range(2, 9):
        (tmp_path / f"{i}.png").write_bytes(path.read_bytes())
    refuse(tmp_path, "unpacks to 1,152 MB, more than 200 times its own size")


def test_pictures_larger_than_the_memory(tmp_path, monkeypatch):
    write(tmp_path, GREY)
    monkeypatch.setattr(files, "available_memory", lambda: 1000)
    refuse(tmp_path, "of memory")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pipe")
def test_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "1.png")
    refuse(tmp_path, "is a pipe or a device")


def test_names_are_shown_on_one_short_line(tmp_path):
    folder = tmp_path / ("a\n" * 60)
    folder.mkdir()
    for name in ("b\n" * 60 + ".png", "c\x1b[2J" * 20 + ".png"):
        (folder / name).write_bytes(b"")
        refuse(folder, "cannot be read as a picture")
