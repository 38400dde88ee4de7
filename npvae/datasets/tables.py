"""Tables: .csv files, or the same with semicolons, tabs or spaces, one example in each row.

A first row with text in it holds the names of the columns. The labels are in the column whose name says so (label,
class, target, …), or in the only column of text. Without names, MNIST is published as 1 + 784 columns of whole numbers:
if the table has one column more than a square number, the first or the last may hold the labels.
"""

import csv
import io
import math

import numpy as np

from ..errors import UserError
from .files import listed, most_memory, most_unpacked, open_unpacked, require_room, shown, shown_path

MOST_COLUMNS = 2**20
LONGEST_LINE = 2**25  # characters
DELIMITERS = "\t;,"  # the first that occurs; a comma beside another may be decimal
WHOLE_TYPES = (np.uint8, np.uint16, np.int32)
FEWEST_PIXELS = 16  # in a table whose first or last column may hold the labels
MOST_CLASSES = 1000  # in such a column


def read_table(path, is_label):
    """Return the numbers x (N, D), the labels (N,) or None, and what the reader decided, a list of sentences.

    is_label   whether a column of this name holds labels

    If all numbers are whole, x has the first of WHOLE_TYPES that holds them; otherwise it is float32. Raises UserError
    for a file that is missing, unreadable, damaged or too large, and for a row that does not fit.
    """
    called = shown_path(path)
    try:
        x, labels, decided = _read(path, called, is_label)
    except UnicodeDecodeError:
        raise UserError(f"{called} is not text in UTF-8, expected a table of numbers: save it as CSV (UTF-8)") from None
    except csv.Error as error:
        raise UserError(f"{called} cannot be read as a table ({shown(error, 80)}): save it as CSV again") from None
    return x, None if labels is None else _typed(labels, called), decided


def _read(path, called, is_label):
    header, columns, numbers, labels, decided = None, None, bytearray(), [], []
    for row, fields in _rows(path, called):
        if columns is None and header is None and _is_header(fields, is_label):
            header = fields
            continue
        if columns is None:
            columns = len(header or fields)
            label, index = _find_columns(header, fields, is_label, called)
        if len(fields) != columns:
            raise UserError(f"row {row} of {called} has {len(fields)} columns, expected {columns} as in the first row")
        if label is not None:
            if not fields[label]:
                raise UserError(f"row {row} of {called} has no label: add it, or remove the row")
            labels.append(fields[label])
        numbers += _to_numbers([f for i, f in enumerate(fields) if i not in (label, index)], row, called)
    if not numbers:
        raise UserError(f"{called} holds no row of numbers: expected one example in each row")
    if index is not None:
        decided.append("left out the first column, which has no name and numbers the rows")
    if label is not None:
        decided.append(f"the labels are column {label + 1}{f', {shown(header[label])!r}' if header else ''}")
    x = np.frombuffer(numbers, np.float32).reshape(-1, columns - (label is not None) - (index is not None))
    x = _with_whole_type(x)
    if header is None and label is None and (label := _unnamed_labels(x)) is not None:
        decided.append(f"the labels are column {label % columns + 1}, beside {columns - 1} pixels")
        return np.delete(x, label, axis=1), x[:, label].astype(str).tolist(), decided
    return x, labels or None, decided


def _rows(path, called):
    """Yield the number of each line that holds a row, and its fields."""
    delimiter, size = None, 0
    with open_unpacked(path) as (stream, packed):
        text = io.TextIOWrapper(stream, encoding="utf-8-sig")
        most = min(most_unpacked(packed), most_memory())
        for number in range(1, most):
            line = text.readline(LONGEST_LINE)
            size += len(line)
            if size > most:
                require_room(size, packed, called)
            if not line:
                return
            if line.isspace() or line.startswith("#"):
                continue
            delimiter = delimiter or next((d for d in DELIMITERS if d in line), " ")
            if len(line) == LONGEST_LINE or line.count(delimiter) >= MOST_COLUMNS:
                raise UserError(
                    f"row {number} of {called} has more than {MOST_COLUMNS:,} columns or {LONGEST_LINE:,} characters: "
                    "expected one example in each row"
                )
            if delimiter != " ":
                yield number, [field.strip() for field in next(csv.reader([line], delimiter=delimiter))]
            else:
                yield number, line.split()


def _is_number(field):
    try:
        float(field)
    except ValueError:
        return False
    return True


def _is_header(fields, is_label):
    """Return whether the first row holds names: text, a name of the labels or an index, or 0, 1, 2, …"""
    texts = [field for field in fields if not _is_number(field)]
    if len(texts) == 1 and len(fields) > 1:  # perhaps the label of an example, as in 5.1,3.5,1.4,0.2,setosa
        return is_label(texts[0]) or fields[0] == ""
    return bool(texts) or (len(fields) > 2 and fields == [str(i) for i in range(len(fields))])


def _find_columns(header, fields, is_label, called):
    """Return the index of the column of labels and that of the column that numbers the rows, each perhaps None."""
    index = 0 if header and header[0] in ("", "Unnamed: 0") else None
    names = [name.lower() for name in header or ()]
    named = [i for i, name in enumerate(names) if is_label(name) and not (name == "y" and "x" in names)]  # coordinates
    texts = [i for i, field in enumerate(fields) if i != index and field and not _is_number(field)]
    found = named or texts
    if len(found) > 1:
        kind = "have names of labels" if named else f"hold text, such as {shown(fields[found[0]])!r}"
        columns = listed(i + 1 for i in found)
        raise UserError(f"columns {columns} of {called} {kind}, expected at most one: remove the others")
    return found[0] if found else None, index


def _to_numbers(fields, row, called):
    """Return the bytes of the numbers in a row, as float32."""
    try:
        with np.errstate(over="ignore"):
            return np.array(fields, dtype=np.float32).tobytes()
    except ValueError:
        bad = next((field for field in fields if not _is_number(field)), "")
        found = repr(shown(bad)) if bad else "an empty field"
        raise UserError(
            f"row {row} of {called} holds {found}, expected a number: correct it, or remove the row"
        ) from None


def _with_whole_type(x):
    low, high = x.min(), x.max()
    for dtype in WHOLE_TYPES:
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max and all((row == np.rint(row)).all() for row in x):
            return x.astype(dtype)
    return x


def _unnamed_labels(x):
    """Return which column of whole numbers, 0 or -1, holds labels beside a square number of pixels, or None."""
    pixels = x.shape[1] - 1
    if x.dtype.kind == "f" or pixels < FEWEST_PIXELS or math.isqrt(pixels) ** 2 != pixels:
        return None
    likely = [column for column in (0, -1) if 1 < len(np.unique(x[:, column])) <= min(MOST_CLASSES, len(x) // 2)]
    return likely[0] if len(likely) == 1 else None


def _typed(labels, called):
    """Return labels as numbers if all of them are numbers, and as text otherwise."""
    for dtype in (np.int64, np.float64):
        try:
            return np.array(labels, dtype=dtype)
        except (ValueError, OverflowError):
            pass
    size = 4 * len(labels) * max(map(len, labels))
    require_room(size, size, called)
    return np.array(labels)
