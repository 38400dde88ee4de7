"""Proves that the figures that answer compute what their chapters do, from disk, without a network.

These tests would catch a wrong formula in JavaScript, a climb that ends before the top, a gradient that is passed along
the wrong edge, networks that are not those of the chapter, a request to the outside, and a figure that does not fit on
a phone.
"""

import base64
import json
import pathlib
import re
import sys

import numpy as np
import pytest

TUTORIALS = pathlib.Path(__file__).parents[2] / "tutorials"
sys.path.insert(0, str(TUTORIALS / "site"))
import explorables  # noqa: E402

pytestmark = pytest.mark.tutorial


@pytest.fixture
def opened(browser, tmp_path):
    """Return a function that opens a figure alone; at the end, nothing may have gone wrong."""
    wrong, pages = [], []

    def open_(name, size=(700, 900), **options):
        (tmp_path / "page.html").write_text(explorables.page(name), encoding="utf-8")
        page = browser.new_page(viewport=dict(zip(("width", "height"), size)), offline=True, **options)
        pages.append(page)
        page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith("file:") else wrong.append(r.url))
        page.goto((tmp_path / "page.html").as_uri())
        return page

    yield open_
    for page in pages:
        page.close()
    assert wrong == []


def test_there_are_four_and_each_has_its_place_in_its_chapter():
    assert [name[:2] for name in explorables.NAMES] == ["02", "04", "05", "09"]
    for name in explorables.NAMES:
        (chapter,) = TUTORIALS.glob(f"{name[:2]}_*.py")
        assert explorables.MARK.findall(chapter.read_text(encoding="utf-8")) == [name]


@pytest.mark.parametrize("width", [320, 390, 700])
@pytest.mark.parametrize("name", explorables.NAMES)
def test_a_figure_fits_and_fingers_hit(opened, name, width):
    page = opened(name, (width, 800))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate("""() => [...document.querySelectorAll("button, input")]
        .filter((part) => part.getBoundingClientRect().height < 43.5).map((part) => part.outerHTML)""")
    letters = page.evaluate("""() => Math.min(...[...document.querySelectorAll("svg:has(text)")]
        .map((drawing) => 15 * drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width))""")
    assert small == [] and letters >= (7 if width < 390 else 8.5)
    assert page.evaluate("""() => [...document.querySelectorAll("input")].every((input) => input.ariaValueText)""")


def log_normal(value, mu, sigma):
    return -0.5 * np.log(2 * np.pi) - np.log(sigma) - 0.5 * ((value - mu) / sigma) ** 2


Z = np.linspace(-10, 10, 4001)
LOG_JOINT = log_normal(1, Z**2 / 2 + Z / 4, 0.3) + log_normal(Z, 0, 1)
LOG_EVIDENCE = np.log(np.exp(LOG_JOINT).sum() * (Z[1] - Z[0]))


def elbo(mu, sigma):
    q = np.exp(log_normal(Z, mu, sigma))
    return np.sum(q * (LOG_JOINT - log_normal(Z, mu, sigma))) / q.sum()


@pytest.mark.parametrize("mu, sigma", [(0.5, 0.6), (-1.6, 0.2), (0, 1), (2, 0.1)])
def test_the_bound_is_that_of_chapter_4(opened, mu, sigma):
    page = opened("04_bound")
    found = page.evaluate(f"bound({mu}, {sigma})")
    assert found["elbo"] == pytest.approx(elbo(mu, sigma), abs=1e-9)
    assert page.evaluate("logEvidence") == pytest.approx(LOG_EVIDENCE, abs=1e-9)


@pytest.mark.parametrize("start, top", [(0.8, 1.10), (-1.2, -1.60)])
def test_the_climb_ends_on_the_nearest_top(opened, start, top):
    page = opened("04_bound", reduced_motion="reduce")
    page.evaluate(f"mu.set({start}); sigma.set(0.5)")
    page.click("#climb")
    m, s = page.evaluate("[mu.value, sigma.value]")
    grid = [elbo(a, b) for a in np.linspace(top - 0.3, top + 0.3, 61) for b in np.linspace(0.1, 0.4, 61)]
    assert m == pytest.approx(top, abs=0.06) and elbo(m, s) > max(grid) - 0.01


def test_the_finger_moves_the_bell(opened):
    page = opened("04_bound")
    box = page.locator("#plot").bounding_box()
    scale = box["width"] / 640
    x, y = page.evaluate("[plot.toX(-2), plot.toY(1)]")
    page.mouse.click(box["x"] + x * scale, box["y"] + y * scale)
    assert page.evaluate("mu.value") == pytest.approx(-2, abs=0.06)
    assert page.evaluate("sigma.value") == pytest.approx(1 / np.sqrt(2 * np.pi), abs=0.02)


@pytest.mark.parametrize("sigma, L, lift", [(1, 1, 0), (0.5, 1, 0), (1, 16, 0), (1, 1, 10)])
def test_the_variances_are_those_of_the_estimators(opened, sigma, L, lift):
    """With z = σ ε, the path gives −2 (z − 2), of variance 4σ². For the score function, integrate over ε."""
    page = opened("05_gradients")
    found = page.evaluate(f"""() => {{ const {{ score, path }} = estimates({sigma}, {L}, {lift});
        return [mean(score), spread(score) ** 2, mean(path), spread(path) ** 2]; }}""")
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    score = (-((sigma * nodes - 2) ** 2) + lift) * nodes / sigma
    variance = (weights @ score**2 - (weights @ score) ** 2) / L
    assert found[1] == pytest.approx(variance, rel=0.25) and found[3] == pytest.approx(4 * sigma**2 / L, rel=0.12)
    assert found[0] == pytest.approx(4, abs=5 * np.sqrt(variance / 4000))
    assert found[2] == pytest.approx(4, abs=5 * np.sqrt(4 * sigma**2 / L / 4000))


@pytest.mark.parametrize("x, w", [(2, -0.5), (-3, 1), (0, 2)])
def test_the_walk_ends_with_the_gradients(opened, x, w):
    page = opened("02_backward")
    page.evaluate(f"x.set({x}); w.set({w}); show()")
    for _ in range(6):
        page.click("#next")
    assert page.is_disabled("#next")
    known = page.evaluate("walk().steps.at(-1).known")
    a, b = x * w, x * w + x
    assert known == pytest.approx({"l": 1, "b": 2 * b, "a": 2 * b, "x": 2 * b * w + 2 * b, "w": 2 * b * x})
    assert page.evaluate("walk().values")["a"] == a
    after_first_use = page.evaluate("walk().steps.at(-3).known")
    assert after_first_use["x"] == pytest.approx(2 * b) and "w" not in after_first_use


def test_the_networks_are_those_of_chapter_9(opened):
    runs = json.loads((TUTORIALS / "explorables" / "09_rate_distortion.json").read_text(encoding="utf-8"))
    notebook = json.loads((TUTORIALS / "09_what_the_kl_is_for.ipynb").read_text(encoding="utf-8"))
    printed = "".join("".join(o.get("text", "")) for c in notebook["cells"] for o in c.get("outputs", []))
    table = re.search(r"β        D       R.*\n((?: *[\d.]+ .*\n)+)", printed)[1]
    rows = [[float(v) for v in line.split()] for line in table.strip().splitlines()]
    assert [run["beta"] for run in runs] == [row[0] for row in rows]
    for run, row in zip(runs, rows):
        assert [run["D"], run["R"]] == pytest.approx(row[1:3], rel=0.01, abs=0.02)       # as far as processors differ
    page = opened("09_rate_distortion")
    for i in range(len(runs)):
        page.evaluate(f"beta.set({i}); show()")
        assert page.evaluate("decode([0.3, -0.4], RUNS[beta.value]).every(Number.isFinite)")
    assert page.inner_text("#beta-value") == "1000"


def test_a_decoder_in_the_page_is_that_of_the_numbers(opened):
    """By NumPy, from the same whole numbers."""
    run = json.loads((TUTORIALS / "explorables" / "09_rate_distortion.json").read_text(encoding="utf-8"))[4]
    x = np.array([0.3, -0.4])
    for depth, layer in enumerate(run["decoder"]):
        q = np.frombuffer(base64.b64decode(layer["q"]), np.int8).reshape(len(x), -1)
        x = x @ q * layer["scale"] + layer["b"]
        x = np.maximum(x, 0) if depth == 0 else x
    found = opened("09_rate_distortion").evaluate("decode([0.3, -0.4], RUNS[4])")
    assert np.allclose(found, x, atol=1e-6) and len(found) == 196
