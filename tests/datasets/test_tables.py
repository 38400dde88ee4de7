"""Proves that a table is read as it was written, whatever its separators and names, or refused with the row at fault.

These tests would catch labels that are taken for pixels, an index that is taken for data, and a row that is too short.
"""

import gzip
import tracemalloc

import numpy as np
import pytest

from npvae.datasets import files, load
from npvae.datasets.tables import read_table
from npvae.errors import UserError

ROWS = np.random.default_rng(0).random((20, 3)).round(4)
LABELS = np.arange(20) % 3


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def table(rows, separator=",", header=None, end="\n"):
    lines = [header] if header is not None else []
    return "".join(line + end for line in [*lines, *(separator.join(map(str, row)) for row in rows)])


def read(path):
    return read_table(path, lambda name: name.lower() in ("label", "class"))


@pytest.mark.parametrize("separator", [",", ";", "\t", " ", "   ", ", "])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("header", [None, "a,b,c", "0,1,2"])
def test_separators_and_names(write, separator, end, header):
    text = table(ROWS, separator, header and header.replace(",", separator), end)
    for content in (text, b"\xef\xbb\xbf" + text.encode(), gzip.compress(text.encode()), "# a comment\n" + text):
        x, labels, decided = read(write(content))
        assert np.allclose(x, ROWS) and x.dtype == np.float32 and labels is None and decided == []


@pytest.mark.parametrize(
    "header, place, words",
    [
        ("label,a,b,c", 0, "the labels are column 1, 'label'"), ("a,b,Class,c", 2, "the labels are column 3, 'Class'"),
        ("label,0,1,2", 0, "column 1, 'label'"), ('"label","a","b","c"', 0, "column 1, 'label'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("labels", [LABELS, np.array(["ant", "bee", "große Hummel"])[LABELS], LABELS + 0.5])
def test_labels_with_a_name(write, header, place, words, labels):
    rows = [[*row[:place], label, *row[place:]] for row, label in zip(ROWS.tolist(), labels.tolist())]
    x, found, decided = read(write(table(rows, header=header)))
    assert np.allclose(x, ROWS) and found.tolist() == labels.tolist() and words in decided[0]


def test_a_column_y_beside_a_column_x_is_a_coordinate(write):
    data = load(write(table(ROWS[:, :2], header="x,y")))
    assert data.x_train.shape == (18, 2) and data.y_train is None
    data = load(write(table(np.column_stack([ROWS, LABELS]), header="a,b,c,y")))
    assert data.x_train.shape == (18, 3) and len(np.unique(data.y_train)) == 3


def test_labels_as_text_need_no_name(write):
    rows = [[*row, f"Iris-{label}"] for row, label in zip(ROWS.tolist(), LABELS)]
    for header in (None, "a,b,c,species"):
        x, labels, decided = read(write(table(rows, header=header)))
        assert np.allclose(x, ROWS) and labels[:3].tolist() == ["Iris-0", "Iris-1", "Iris-2"]
        assert decided[0].startswith("the labels are column 4")


def test_the_index_that_pandas_writes_is_left_out(write):
    rows = [[i, *row, label] for i, (row, label) in enumerate(zip(ROWS.tolist(), LABELS))]
    x, labels, decided = read(write(table(rows, header=",a,b,c,label")))
    assert np.allclose(x, ROWS) and np.array_equal(labels, LABELS)
    assert decided[0] == "left out the first column, which has no name and numbers the rows"
    assert read(write(table([row[:-1] for row in rows], header=",0,1,2")))[0].shape == (20, 3)


@pytest.mark.parametrize("column", [0, 49])
def test_mnist_without_names(write, rng, column):
    pixels = rng.integers(0, 256, (30, 49)) * (np.arange(49) % 48 > 0)           # black at the corners
    rows = np.insert(pixels, column, np.arange(30) % 10, axis=1)
    x, labels, decided = read(write(table(rows)))
    assert np.array_equal(x, pixels) and labels.tolist() == (np.arange(30) % 10).tolist()
    assert decided == [f"the labels are column {column + 1}, beside 49 pixels"]
    data = load(write(table(rows)))
    assert data.image_shape == (7, 7, 1) and data.x_train[:].max() <= 1 and len(np.unique(data.y_train)) == 10


def test_what_is_no_label_stays(write, rng):
    pixels = rng.integers(0, 256, (30, 50))                                      # the first and the last could be it
    for rows in (pixels, pixels[:, :49], np.hstack([pixels, pixels])[:, :97], pixels[:, :17] + 0.5):
        x, labels, decided = read(write(table(rows)))
        assert x.shape == rows.shape and labels is None and decided == []


@pytest.mark.parametrize(
    "low, high, dtype",
    [(0, 1, np.uint8), (0, 255, np.uint8), (0, 256, np.uint16), (-1, 1, np.int32), (0, 2**20, "i4"), (0, 2**40, "f4")],
)
def test_whole_numbers_have_a_whole_type(write, low, high, dtype):
    x = read(write(f"{low},{low}\n{high}.0,{low}\n"))[0]
    assert x.dtype == dtype and x.tolist() == [[low, low], [high, low]]


def test_tables_are_data(write):
    data = load(write(table([[*row, label] for row, label in zip(ROWS, LABELS)], header="a,b,c,target")))
    assert data.x_train.shape == (18, 3) and len(np.unique(data.y_test)) >= 1
    assert "the labels are column 4, 'target'" in data.notes
    with pytest.raises(UserError, match=r"holds 1 numbers that are NaN"):
        load(write(table(ROWS[:10]) + "nan,1,2\n" + table(ROWS[10:])))


def test_a_table_of_tests_beside_it(write):
    train = write(table([[label, *row] for label, row in zip(LABELS, ROWS)], header="label,a,b,c"), "digits_train.csv")
    write(table([[2, *row] for row in ROWS[:5] / 2], header="label,a,b,c"), "digits_test.csv")
    data = load(train)
    assert np.allclose(data.x_test, ROWS[:5] / 2) and data.y_test.tolist() == [2] * 5 and len(data.y_train) == 20


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "holds no row of numbers"),
        ("a,b,c\n", "holds no row of numbers"),
        ("\n\n# nothing\n", "holds no row of numbers"),
        ("1,2,3\n4,5\n", "row 2 of .* has 2 columns, expected 3"),
        ("a,b,c\n\n1,2,3,4\n", "row 3 of .* has 4 columns, expected 3"),
        ("1,2,3\n4,,6\n", "row 2 of .* holds an empty field, expected a number"),
        ("1,2,3\n4,?,6\n", "row 2 of .* holds '[?]', expected a number"),
        ("1,2,3\n4," + "y" * 10_000 + ",6\n", "row 2 of .* holds 'y+…', expected a number"),
        ("0,5;1,5\n0,5;2,5\n", "columns 1, 2 of .* hold text, such as '0,5', expected at most one"),
        ("a,b,1\nc,d,2\n", "columns 1, 2 of .* hold text, such as 'c', expected at most one"),
        ("label,class,a\n1,2,3\n", "columns 1, 2 of .* have names of labels"),
        (b"\xff\xfe1,2", "is not text in UTF-8"),
        ("1," + "9" * 200_000 + "\n", "field larger than field limit"),
        ('"1,2\n3,4\n', "row 2 of .* has 2 columns, expected 1"),
    ],
)
def test_what_does_not_fit_is_named(write, text, message):
    path = write(text)
    with pytest.raises(UserError, match=message) as raised:
        read(path)
    assert len(str(raised.value)) <= 300 and str(raised.value).isprintable() and str(path) in str(raised.value)


def test_numbers_without_end(write):
    assert np.isinf(read(write("1e999,0.5\n-1e999,2\n" + "9" * 1000 + ",3\n"))[0][:, 0]).all()
    with pytest.raises(UserError, match="infinite or too large"):
        load(write("1e999,0.5\n" * 20))


@pytest.mark.parametrize(
    "content, message",
    [
        (b"1," * 10**7, "more than 1,048,576 columns"),
        (b"1" * 10**8, "or 33,554,432 characters"),
        (gzip.compress(b"1,2,3\n" * 60_000, mtime=0), "unpacks to 0 MB, more than 200 times its own size"),
        (gzip.compress(b" \n" * 150_000, mtime=0), "unpacks to 0 MB, more than 200 times its own size"),
    ],
    ids=["columns", "a line without end", "gzip", "gzip of nothing"],
)
def test_bombs(write, monkeypatch, content, message):
    monkeypatch.setattr(files, "HARMLESS", 2 * 10**5)
    path = write(content)
    tracemalloc.start()
    with pytest.raises(UserError, match=message):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 150e6
    tracemalloc.stop()


def test_an_empty_field_is_no_label(write):
    with pytest.raises(UserError, match=r"row 1 of .* holds an empty field, expected a number"):
        read(write("0.5,2.5,\n1.5,2.5,\n"))
    with pytest.raises(UserError, match=r"row 3 of .* has no label: add it, or remove the row"):
        read(write("x,label\n1,2\n3,\n"))
