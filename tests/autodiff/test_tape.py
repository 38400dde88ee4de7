"""Proves that the tape, printed and drawn, says what ran, on which shapes, what is kept, and which line called it.

These tests would catch a derivative that keeps an array it does not need, which costs memory in every step; and a
picture with overlapping boxes, a missing line, or a gradient that differs from the one of `backward`.
"""

import itertools
import re
import xml.etree.ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npvae import Tensor, tape
from npvae.autodiff import op, ops
from npvae.models import VAE
from npvae.nn import Dense


def test_the_tape_of_a_small_loss():
    x = np.ones((3, 5))
    W, b = Tensor(np.ones((5, 7)), requires_grad=True), Tensor(np.ones(7), requires_grad=True)
    text = str(tape(ops.relu(ops.dense(x, W, b)).sum()))
    lines = text.splitlines()
    assert lines[0].startswith("   0 dense        (3,5) (5,7) (7) -> (3,7)    autodiff/test_tape.py:")
    assert [line.strip() for line in lines[1:4]] == ["dx: not needed", "dW: keeps x (3,5)", "db: keeps nothing"]
    assert lines[5].strip() == "dx: keeps y (3,7)"
    assert lines[6].split()[1] == "sum" and lines[7].strip() == "dx: keeps nothing"
    assert all(len(line) <= 80 for line in lines)


def test_a_call_from_a_notebook_is_shown_by_its_line_alone():
    place = {"np": np, "Tensor": Tensor, "ops": ops}
    source = "\nloss = ops.exp(Tensor(np.ones(3), requires_grad=True))"
    exec(compile(source, "/tmp/ipykernel_4711/2718281828.py", "exec"), place)
    assert str(tape(place["loss"])).splitlines()[0].endswith("  cell:2")


def test_derivatives_that_share_their_work():
    a, b = Tensor(np.ones(2), requires_grad=True), Tensor(np.ones(3))
    assert "dall inputs: keeps" in str(tape(ops.concatenate(a, b)))


def test_derivatives_that_are_no_functions_or_do_not_exist():
    @op
    def negate(x):
        return -x, np.negative

    @op
    def noise(x, eps):
        return x + eps, lambda dy: dy, None

    x = Tensor(np.ones(2), requires_grad=True)
    assert "dx: is not a plain function" in str(tape(negate(x)))
    assert "deps: does not exist" in str(tape(noise(x, x)))


def test_a_name_that_the_operation_never_set_is_no_array():
    @op
    def double(x):
        if x is None:
            factor = x
        return 2 * x, lambda dy: factor * dy

    assert "dx: keeps nothing" in str(tape(double(Tensor(np.ones(2), requires_grad=True))))


def test_lines_fit_a_screen_whatever_the_number_of_inputs():
    x = Tensor(np.ones((3, 5)), requires_grad=True)
    text = str(tape(ops.concatenate(*[x] * 30)))
    assert max(map(len, text.splitlines())) <= 80 and text.count("(3,5)") == 30 and "(90,5)" in text


def test_an_empty_tape():
    assert "empty" in str(tape(Tensor(np.ones(2))))


def test_what_is_no_loss_and_parameters_without_names_are_refused():
    b = Tensor(np.ones(2), requires_grad=True)               # two elements, so that it unpacks like a pair
    for y in (2.0, np.ones(2), None):
        with pytest.raises(TypeError, match=f"takes a Tensor, such as a loss, found {type(y).__name__}"):
            tape(y)
    for parameters in ([b], [Tensor(np.ones(3))], Dense(2, 2, np.random.default_rng(0)), {"b": b.data}):
        with pytest.raises(TypeError, match=r"tape takes parameters by name: pass model.named_parameters\(\)"):
            tape(b.sum(), parameters)
    assert ">b<" in tape(b.sum(), {"b": b})._repr_svg_()


# --- the picture ------------------------------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"


def parsed(picture):
    """Return the root of the SVG, and for every box its kind, its lines of text, and its x, y, width and height."""
    root = xml.etree.ElementTree.fromstring(picture._repr_svg_())
    boxes = []
    for group in root.iter(f"{SVG}g"):
        border = group.find(f"{SVG}rect").attrib
        place = [float(border[name]) for name in ("x", "y", "width", "height")]
        boxes.append((group.attrib["class"], [text.text for text in group.iter(f"{SVG}text")], place))
    return root, boxes


def overlap(a, b):
    return all(a[i] < b[i] + b[i + 2] and b[i] < a[i] + a[i + 2] for i in range(2))


def well_placed(root, boxes):
    """Assert that no two boxes overlap, and that all lie within the picture."""
    width, height = (float(n) for n in root.attrib["viewBox"].split()[2:])
    assert not any(overlap(a, b) for (_, _, a), (_, _, b) in itertools.combinations(boxes, 2))
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for _, _, (x, y, w, h) in boxes)


def test_the_picture_of_a_vae_has_every_operation_parameter_and_data_array_once(rng):
    model = VAE(20, 3, [11, 7], rng)
    picture = tape(model.loss(rng.random((5, 20)).astype(np.float32), rng)[0], model.named_parameters())
    root, boxes = parsed(picture)
    well_placed(root, boxes)
    drawn = [lines for kind, lines, _ in boxes if kind == "operation"]
    shapes = [f"({','.join(map(str, record.shape))})" for record in picture.records]
    assert drawn == [[record.operation, shape] for record, shape in zip(picture.records, shapes)]
    named = {lines[0]: lines[1] for kind, lines, _ in boxes if kind == "parameter"}
    assert named.keys() == dict(model.named_parameters()).keys() and named["mu.W"] == "(7,3)"
    data = [lines[0] for kind, lines, _ in boxes if kind == "data"]
    assert len(data) == 4                                                      # x, ε, x again, and the weight of the KL
    assert "data x" in data and "data eps" in data                             # so that no parameter has the same name
    inputs = sum(len({*record.names}) for record in picture.records)
    assert len([*root.iter(f"{SVG}path")]) == inputs                           # a line for every input
    assert root.attrib["role"] == "img" and root.find(f"{SVG}title") is not None
    assert "bernoulli_log_likelihood (5)" in root.find(f"{SVG}desc").text


def test_a_line_joins_the_lower_edge_of_an_input_with_the_upper_edge_of_its_operation():
    a, b = (Tensor(v, requires_grad=True) for v in (2.0, -3.0))
    root, boxes = parsed(tape(ops.square(a * b), [("a", a), ("b", b)]))
    place = {lines[0]: box for _, lines, box in boxes}
    found = set()
    for path in root.iter(f"{SVG}path"):
        numbers = [float(n) for n in re.findall(r"-?[0-9.]+", path.attrib["d"])]
        x1, y1, x2, y2 = numbers[0], numbers[1], *numbers[-2:]
        at = lambda x, y, up: next(  # noqa: E731
            name for name, (bx, by, w, h) in place.items()
            if abs(bx + w / 2 - x) < 0.2 and abs((by if up else by + h) - y) < 0.2
        )  # fmt: skip
        found.add((at(x1, y1, False), at(x2, y2, True)))
    assert found == {("a", "mul"), ("b", "mul"), ("mul", "square")}


def test_values_and_gradients_are_those_of_backward_and_nobodys_gradient_changes():
    x = Tensor(3.0, requires_grad=True)
    y = ops.square(x)
    loss = y * x + y                                         # x³ + x²: dx is 33, dy is x + 1
    _, boxes = parsed(tape(loss, [("x", x)], values=True))
    numbers = {lines[0]: lines[2:] for _, lines, _ in boxes}
    assert numbers == {
        "x": ["value 3", "grad 33"], "square": ["value 9", "grad 4"], "mul": ["value 27", "grad 1"],
        "add": ["value 36", "grad 1"],
    }  # fmt: skip
    assert x.grad is None
    loss.backward()
    assert x.grad == 33
    assert "square       () -> ()" in str(tape(y)) and "released by backward" in str(tape(loss))
    assert len(parsed(tape(loss))[1]) > 1                    # the last operation and its inputs are still known
    with pytest.raises(ValueError, match="needs the upstream gradient"):
        tape(ops.exp(Tensor(np.ones(2), requires_grad=True)), values=True)._repr_svg_()
    loss = ops.square(x)
    for _ in range(60):
        loss = loss + 1.0
    with pytest.raises(ValueError, match="found 61 operations, expected at most 40"):
        tape(loss, values=True)._repr_svg_()


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=15))
def test_boxes_never_overlap_whatever_the_graph_is(uses):
    values = [Tensor(1.0, requires_grad=True), Tensor(2.0, requires_grad=True)]
    for i, j in uses:
        values.append(values[i % len(values)] * values[j % len(values)])
    well_placed(*parsed(tape(values[-1], values=True)))


def test_the_picture_is_saved_and_another_name_refused(tmp_path):
    picture = tape(ops.exp(Tensor(1.0, requires_grad=True)))
    picture.save(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == picture._repr_svg_()
    with pytest.raises(ValueError, match=r"found '.*graph.png': give a name that ends in .svg"):
        picture.save(str(tmp_path / "graph.png"))
    assert [path.name for path in tmp_path.iterdir()] == ["graph.svg"]
    well_placed(*parsed(tape(Tensor(1.0))))                  # an empty tape gives an empty picture
