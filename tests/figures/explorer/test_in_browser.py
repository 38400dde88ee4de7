"""Proves that the page of the explorer works when a browser opens it from disk, without a network.

These tests would catch JavaScript that computes other pictures or nats than NumPy, a request to the outside, a control
that the keyboard does not reach or that a finger misses, letters that cannot be read, a name that becomes markup, a
place that the address does not hold, and a page that is not usable at once.

They need Chromium: `pytest -m tutorial` runs them.
"""

import re

import numpy as np
import pytest

from npvae import datasets
from npvae.figures import explorer
from npvae.training import Run

pytestmark = pytest.mark.tutorial

KINDS = {
    "vae": {}, "iwae": {"model": "iwae"}, "ae": {"model": "ae"},
    "linear-ae": {"model": "linear-ae"}, "pca": {"model": "pca"}, "cvae": {"model": "cvae"},
    "line": {"latent_dim": 1}, "tanh": {"activation": "tanh"},
    "leaky": {"activation": "leaky-relu"}, "sigmoid": {"activation": "sigmoid"}, "softplus": {"activation": "softplus"},
    "continuous": {"likelihood": "continuous-bernoulli"}, "gaussian": {"likelihood": "gaussian"},
    "squared": {"likelihood": "squared-error"}, "logistic": {"likelihood": "discretized-logistic"},
    "colour": {"data": "shapes", "hidden": [20]}, "conv-ae": {"model": "conv-ae"}, "conv-vae": {"model": "conv-vae"},
    "conv-bernoulli": {"model": "conv-vae", "likelihood": "bernoulli", "data": "mnist"},
}  # fmt: skip
CONTRAST = r"""() => {
    const light = (colour) => {
        const [r, g, b] = colour.match(/[\d.]+/g).map((v) => v / 255)
            .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (part) => {
        for (; part; part = part.parentElement) {
            const colour = getComputedStyle(part).backgroundColor;
            if (!/, 0\)|transparent/.test(colour)) return colour;
        }
    };
    const found = [];
    const words = "h1, h2, h3, p, label, button, summary, th, td, figcaption, caption";
    for (const part of document.querySelectorAll(words)) {
        if (!part.checkVisibility() || part.closest(".unseen")) continue;
        const [a, b] = [getComputedStyle(part).color, behind(part)].map(light).sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) found.push(part.outerHTML.slice(0, 60));
    }
    for (let k = 0; k < 36; k++) {
        const span = document.body.appendChild(document.createElement("span"));
        span.style.color = colour(k);
        const sign = getComputedStyle(span).color;
        const [a, b] = [sign, getComputedStyle(document.body).backgroundColor].map(light).sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) found.push(`the sign of class ${k}`);
        span.remove();
    }
    return found;
}"""


def make_run(folder, data="bars", steps=20, **chosen):
    run = Run.create(folder, {"data": data, "latent_dim": 3} | chosen)
    run.training.run(steps if run.optimizer else 0, run.save)
    return run


@pytest.fixture(scope="module")
def page_of(tmp_path_factory):
    """Return a function from the name of a kind to the path of its page. The images are bytes, so every model fits."""
    made = {}

    def get(kind):
        if kind not in made:
            folder = tmp_path_factory.mktemp("explorer")
            data = datasets.load("bars")
            bytes_ = (255 * data.x_train).astype(np.uint8).reshape(-1, *data.image_shape)
            np.savez(folder / "bytes.npz", x=bytes_, y=data.y_train)
            chosen = {"data": str(folder / "bytes.npz")} | KINDS[kind]
            explorer.write([make_run(folder / kind, **chosen)], folder / "explorer.html")
            made[kind] = folder / "explorer.html"
        return made[kind]

    return get


class Opened:
    """A page in the browser, without a network, and everything that went wrong on it."""

    def __init__(self, browser, path, hash="", size=(1280, 900), **options):
        self.wrong = []
        self.page = browser.new_page(viewport=dict(zip(("width", "height"), size)), offline=True, **options)
        self.page.on("console", self.note)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda r: None if r.url.startswith(("file:", "blob:")) else self.wrong.append(r.url))
        self.page.on("dialog", lambda dialog: self.wrong.append("a dialog") or dialog.dismiss())
        self.page.goto(path.as_uri() + hash)

    def note(self, message):
        """Keep what the console says, except a remark about the tests' own reading of pixels."""
        if message.type in ("error", "warning") and "getImageData" not in message.text:
            self.wrong.append(message.text)

    def __enter__(self):
        self.page.wait_for_selector("html[data-whole]")      # the policy of the page forbids `wait_for_function`
        return self.page

    def __exit__(self, *error):
        self.page.close()
        if error == (None, None, None):
            assert self.wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_computes_what_numpy_does(browser, page_of, kind):
    with Opened(browser, page_of(kind)) as page:
        found = page.evaluate("check()")
        assert found["most"] <= 0.05 and found["mean"] <= 0.002 and found["nats"] <= 0.005
        assert page.evaluate("shown.picture.every(Number.isFinite)")
        ledger = page.inner_text("#ledger")
        assert "NaN" not in ledger and "Infinity" not in ledger
        assert ("KL" in ledger) == (kind not in ("ae", "linear-ae", "pca", "conv-ae"))


def test_a_wrong_number_is_seen(browser, page_of):
    """The check on the page can fail."""
    with Opened(browser, page_of("vae")) as page:
        page.evaluate("run().decoder.at(-1).b[0] += 1")
        assert page.evaluate("check()")["most"] > 0.05


def test_arrows_move_by_a_step_and_with_shift_by_ten(browser, page_of):
    with Opened(browser, page_of("vae"), "#z=0,0,0") as page:
        page.focus("#x")
        axis = page.evaluate("state.axes[0]")
        for key, expected in (("ArrowRight", 0.05), ("Shift+ArrowRight", 0.55), ("Shift+ArrowLeft", 0.05)):
            page.keyboard.press(key)
            page.wait_for_timeout(100)
            assert page.evaluate(f"state.z[{axis}]") == pytest.approx(expected, abs=1e-6)
        text = page.get_attribute("#x", "aria-valuetext")
        assert text.startswith(f"z{axis + 1} is 0.05, near ")


def test_what_is_shown_is_said_once(browser, page_of):
    with Opened(browser, page_of("vae")) as page:
        page.wait_for_timeout(800)
        page.evaluate("""() => {
            window.times = 0;
            new MutationObserver(() => window.times++).observe(document.getElementById("said"), { childList: true });
        }""")
        page.focus("#x")
        for _ in range(15):
            page.keyboard.press("ArrowRight")
        page.wait_for_timeout(900)
        assert page.evaluate("window.times") == 1 and "Near test image" in page.inner_text("#said")


def test_the_keyboard_alone_draws_an_image(browser, page_of):
    with Opened(browser, page_of("vae")) as page:
        page.click("#clear")
        before = page.evaluate("Array.from(state.x)")
        page.focus("#paper")
        for key in ("Space", "ArrowDown", "ArrowRight", "Space"):
            page.keyboard.press(key)
        page.wait_for_timeout(100)
        after = page.evaluate("Array.from(state.x)")
        assert max(before) == 0 and max(after) > 0.5 and page.inner_text("#paper-words") == "your image"


def test_a_finger_on_the_plane_moves_the_point(browser, page_of):
    with Opened(browser, page_of("vae")) as page:
        box = page.locator("#plane").bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(100)
        a, b = page.evaluate("state.axes")
        z = page.evaluate("Array.from(state.z)")
        assert abs(z[a]) < 0.05 and abs(z[b]) < 0.05
        page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
        page.wait_for_timeout(100)
        z, half = page.evaluate("Array.from(state.z)"), page.evaluate("plane.half[0]")
        assert z[a] == pytest.approx(half / 2, rel=0.02) and z[b] == pytest.approx(half / 2, rel=0.02)


def test_the_noise_ends_at_its_z(browser, page_of):
    with Opened(browser, page_of("vae"), reduced_motion="reduce") as page:
        page.click("#draw-noise")
        page.wait_for_timeout(100)
        said = re.search(r"\((.*)\)", page.inner_text("#noise-words"))[1].replace("−", "-")
        eps = np.array([float(e) for e in said.split(", ")])
        q = page.evaluate("({ mu: Array.from(q.mu), logvar: Array.from(q.logvar) })")
        expected = np.array(q["mu"]) + np.exp(np.array(q["logvar"]) / 2) * eps
        assert np.allclose(page.evaluate("Array.from(state.z)"), expected, atol=0.02)


def test_both_paths_begin_and_end_at_the_codes(browser, page_of):
    with Opened(browser, page_of("vae"), "#from=3&to=5") as page:
        for path in ("straight", "sphere"):
            page.check(f"input[value={path}]")
            at = "Array.from(between(codeOf(3), codeOf(5), {}, '{}'))"
            a, b, middle = (page.evaluate(at.format(t, path)) for t in (0, 1, 0.5))
            codes = [page.evaluate(f"Array.from(codeOf({n}))") for n in (3, 5)]
            assert np.allclose([a, b], codes, atol=1e-5)
            if path == "straight":
                assert np.allclose(middle, np.mean(codes, axis=0), atol=1e-5)
        lengths = np.linalg.norm(codes, axis=1)
        assert min(lengths) * 0.99 < np.linalg.norm(middle) or np.dot(*codes) < 0


def test_runs_are_compared_at_the_same_place(browser, tmp_path):
    runs = [make_run(tmp_path / f"beta-{beta}", beta=float(beta), hidden=[30]) for beta in (0, 1)]
    explorer.write(runs, tmp_path / "page.html")
    with Opened(browser, tmp_path / "page.html", "#z=0.5,-0.5,1") as page:
        before = page.evaluate("Array.from(shown.picture)")
        page.check("label:has-text('beta-1') input")
        page.wait_for_timeout(100)
        assert np.allclose(page.evaluate("Array.from(state.z)"), [0.5, -0.5, 1])
        right = runs[1].model.generate(np.array([[0.5, -0.5, 1.0]]))[0]
        assert np.allclose(page.evaluate("Array.from(shown.picture)"), right, atol=0.05)
        words = page.inner_text("#changed")
        moved = np.mean(np.abs(np.array(before) - right))
        assert "At the same z, from beta-0 to beta-1" in words and f"{moved:.2f}" in words


def test_the_address_holds_the_place(browser, page_of):
    with Opened(browser, page_of("vae"), "#z=0.5,-1,0.25&axes=2,0&image=7&path=sphere") as page:
        assert page.evaluate("[Array.from(state.z), state.axes, state.image, state.path]") == [
            [0.5, -1, 0.25], [2, 0], 7, "sphere"]  # fmt: skip
        page.focus("#x")
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(600)
        address = page.url
    with Opened(browser, page_of("vae"), address[address.index("#"):]) as page:
        assert page.evaluate("Array.from(state.z)") == pytest.approx([0.5, -1, 0.3], abs=1e-3)


@pytest.mark.parametrize("hash", ["#z=1,2", "#z=NaN,0,0&run=9&image=-1&axes=0,7", "#%%%=<script>", "#run=1e9&z=,,"])
def test_a_broken_address_shows_the_usual_place(browser, page_of, hash):
    with Opened(browser, page_of("vae"), hash) as page:
        assert page.evaluate("state.run") == 0 and page.evaluate("state.image") == 0
        assert page.evaluate("state.z.every(Number.isFinite)")


def test_names_are_text(browser, tmp_path):
    data = datasets.load("bars")
    classes = np.array(["<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", *"cdefghijklmnop"])
    x, y = data.x_train.reshape(-1, *data.image_shape), data.y_train - data.y_train.min()
    np.savez(tmp_path / "bars.npz", x=x, y=classes[y])
    run = make_run(tmp_path / "<script>alert(2)<", str(tmp_path / "bars.npz"), hidden=[11])
    explorer.write([run], tmp_path / "page.html")
    with Opened(browser, tmp_path / "page.html") as page:
        assert page.inner_text("h1") == "The latent space of <script>alert(2)<"
        assert "onerror=alert(1)>" in page.inner_text("#legend")


@pytest.mark.parametrize("cut", ["first", "rest"])
def test_a_damaged_page_says_so(browser, page_of, tmp_path, cut):
    text = page_of("vae").read_text(encoding="utf-8")
    broken = re.sub(rf'(<div id="{cut}" hidden><!--.{{400}}).*?-->', r"\1-->", text, flags=re.DOTALL)
    (tmp_path / "broken.html").write_text(broken, encoding="utf-8")
    page = Opened(browser, tmp_path / "broken.html").page
    page.wait_for_selector("#broken:not([hidden])")
    assert "write it again with npvae explore" in page.inner_text("#broken")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["vae", "cvae", "ae"])
def test_everything_can_be_read(browser, page_of, kind, scheme):
    with Opened(browser, page_of(kind), color_scheme=scheme) as page:
        assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("width", [320, 390, 800, 1280])
def test_fingers_hit_and_nothing_scrolls_sideways(browser, page_of, width):
    with Opened(browser, page_of("cvae"), size=(width, 800)) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        small = page.evaluate("""() => [...document.querySelectorAll("button, select, input, summary")]
            .filter((part) => part.checkVisibility())
            .map((part) => [part, (part.closest("label") || part).getBoundingClientRect()])
            .filter(([part, box]) => box.height < 43.5 || box.width < 43.5).map(([part]) => part.outerHTML)""")
        assert small == []


def test_it_is_usable_at_once(browser, tmp_path):
    """Three times the limits: 0.3 s, and 16 ms for a frame, since the machine may be busy. The reference network."""
    path = tmp_path / "page.html"
    size = explorer.write([make_run(tmp_path / "run", "mnist", steps=1, latent_dim=10)], path)
    assert size == path.stat().st_size <= 3_500_000
    with Opened(browser, path) as page:
        assert float(page.evaluate("document.documentElement.dataset.ready")) < 900
        times = page.evaluate("""() => Array.from({ length: 21 }, (_, i) => {
            const start = performance.now();
            state.z[0] = i / 10; look();
            return performance.now() - start;
        })""")
        assert np.median(times) < 48


def numbers_of(run):
    """Return μ, logvar and labels of all test images."""
    with run.model.evaluating():
        q = run.model.encode(run.model.examples(run.x_test))
    return q.mean, q.logvar.data


@pytest.fixture(scope="module")
def opened_run(browser, tmp_path_factory):
    """A run that was trained until its codes mean something, and the path of its page."""
    folder = tmp_path_factory.mktemp("trained")
    run = make_run(folder / "run", steps=600, hidden=[30])
    explorer.write([run], folder / "page.html")
    return run, folder / "page.html"


def test_nearest_spread_used_and_round_trip_are_numpys(browser, opened_run):
    run, path = opened_run
    mu, logvar = numbers_of(run)
    spread = np.sqrt(mu.var(axis=0) + np.exp(logvar).mean(axis=0))
    used = np.flatnonzero(mu.var(axis=0) > 0.01)
    rng = np.random.default_rng(0)
    with Opened(browser, path) as page:
        found = {name: page.evaluate(f"run().{name}") for name in ("spread", "used", "knownWithin", "worth")}
        assert np.allclose(found["spread"], spread, rtol=1e-3) and np.array_equal(found["used"], used)
        assert np.allclose(found["worth"], (0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)).mean(axis=0), rtol=1e-3)
        z = mu[:1000] + np.exp(logvar[:1000] / 2) * rng.standard_normal(mu[:1000].shape)
        moved = (run.model.codes(run.model.generate(z)) - z)[:, used] / spread[used]
        assert found["knownWithin"] == pytest.approx(np.quantile(np.sqrt(np.mean(moved**2, axis=1)), 0.95), rel=0.1)
        for z in rng.standard_normal((5, 3)).astype(np.float32):
            page.evaluate(f"placeAt({z.tolist()})")
            near, trip = page.evaluate("[nearest(state.z), roundTrip(state.z, mean(output(state.z)))]")
            distance = np.sum((((mu - z) / spread)[:, used]) ** 2, axis=1)[:3000]
            assert distance[near] <= distance.min() * 1.01 + 1e-4
            back = run.model.codes(run.model.generate(z[None]))[0]
            expected = np.sqrt(np.mean(((back - z) / spread)[used] ** 2)) / found["knownWithin"]
            assert trip == pytest.approx(expected, rel=0.05, abs=0.05)


def test_the_landmarks_are_numpys(browser, opened_run):
    run, path = opened_run
    x = run.x_test[4].astype(np.float64)
    def loss(p):
        p = np.clip(p, 1e-7, 1 - 1e-7)
        return -np.sum(x * np.log(p) + (1 - x) * np.log(1 - p))
    expected = [loss(np.full(len(x), 0.5)), loss(run.x_test.mean(axis=0)), loss(x)]
    with Opened(browser, path, "#image=4") as page:
        rows = [line.split("\t") for line in page.inner_text("#ledger").splitlines() if "landmark" in line]
        assert [float(value.replace("−", "-")) for _, value in rows] == pytest.approx(expected, abs=0.06)


def test_real_numbers_keep_their_nats(browser, tmp_path):
    """Pixels that are not levels of bytes, far outside of [0, 1]."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "images.npz", x=rng.normal(3, 5, (300, 6, 5)))
    run = make_run(tmp_path / "run", str(tmp_path / "images.npz"), steps=50, likelihood="gaussian", hidden=[20])
    explorer.write([run], tmp_path / "page.html")
    with Opened(browser, tmp_path / "page.html") as page:
        assert page.evaluate("check()")["nats"] < 0.005
        assert np.allclose(page.evaluate("Array.from(image(3))"), run.x_test[3], atol=2e-3)
        copy = [float(line.split("\t")[1].replace("−", "-")) for line in page.inner_text("#ledger").splitlines()
                if "perfect copy" in line]  # fmt: skip
        logvar = float(run.model.likelihood.logvar.data)
        assert copy[0] == pytest.approx(15 * (np.log(2 * np.pi) + logvar), abs=0.06)


@pytest.mark.parametrize("kind", ["bernoulli", "continuous-bernoulli", "gaussian", "discretized-logistic"])
def test_draws_have_the_mean_and_the_spread_of_the_likelihood(browser, page_of, kind):
    """With ln σ² or ln s = −1.2, so that a σ that is σ², or a square root too many, is seen."""
    with Opened(browser, page_of("vae")) as page:
        for output in (0.1, 0.5, 0.8) if kind == "discretized-logistic" else (-1.5, 0.2, 2.0):
            draws = page.evaluate(f"""() => Array.from({{ length: 20000 }}, () =>
                LIKELIHOODS["{kind}"]({{ number: -1.2 }}).draw({output}, Math.random(), standardNormal()))""")
            if kind == "bernoulli":
                p = 1 / (1 + np.exp(-output))
                mean, spread = p, np.sqrt(p * (1 - p))
            elif kind == "continuous-bernoulli":
                x = (np.arange(20_000) + 0.5) / 20_000
                weights = np.exp(output * x) / np.exp(output * x).sum()
                mean = weights @ x
                spread = np.sqrt(weights @ x**2 - mean**2)
            elif kind == "gaussian":
                mean, spread = output, np.exp(-0.6)
            else:
                s = np.exp(-1.2)
                x = np.arange(256) / 255
                edges = 1 / (1 + np.exp(-(np.arange(255) / 255 + 0.5 / 255 - output) / s))
                weights = np.diff(np.concatenate([[0], edges, [1]]))
                mean = weights @ x
                spread = np.sqrt(weights @ x**2 - mean**2)
            assert np.mean(draws) == pytest.approx(mean, abs=5 * spread / np.sqrt(20_000) + 1e-3)
            assert np.std(draws) == pytest.approx(spread, rel=0.06, abs=2e-3)


def test_normal_numbers_are_normal(browser, page_of):
    with Opened(browser, page_of("vae")) as page:
        found = page.evaluate("Array.from({ length: 50000 }, standardNormal)")
    assert abs(np.mean(found)) < 0.03 and np.std(found) == pytest.approx(1, abs=0.03)
    assert np.mean(np.abs(found) > 2) == pytest.approx(0.0455, abs=0.006)


def test_the_path_along_the_sphere_is_slerp(browser, page_of):
    a, b = np.array([1.0, 2.0, 0.5]), np.array([-1.0, 0.3, 2.0])
    angle = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    with Opened(browser, page_of("vae")) as page:
        for t in (0.25, 0.5):
            found = page.evaluate(f"between({a.tolist()}, {b.tolist()}, {t}, 'sphere')")
            expected = (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)
            assert np.allclose(found, expected)


def test_pictures_stand_upright_and_in_their_colours(browser, tmp_path):
    """Three by five pixels of three colours: a picture that is turned, mirrored or of other colours differs."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (60, 3, 5, 3), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", x=x)
    run = make_run(tmp_path / "run", str(tmp_path / "images.npz"), hidden=[5])
    explorer.write([run], tmp_path / "page.html")
    pixels = """(id) => { const c = document.getElementById(id);
        return [c.width, c.height, Array.from(c.getContext("2d").getImageData(0, 0, c.width, c.height).data)]; }"""
    with Opened(browser, tmp_path / "page.html", "#image=2") as page:
        width, height, data = page.evaluate(pixels, "paper")
        assert (width, height) == (5, 3)
        shown = np.array(data).reshape(3, 5, 4)[..., :3]
        assert np.abs(shown - 255 * run.x_test[2].reshape(3, 5, 3)).max() <= 1
        width, height, data = page.evaluate(pixels, "strip")
        first = np.array(data).reshape(height, width, 4)[:, :5, :3]
        assert (width, height) == (55, 3) and np.abs(first - 255 * run.x_test[0].reshape(3, 5, 3)).max() <= 1


def test_the_map_shows_the_plane_and_follows_the_other_dimensions(browser, opened_run):
    run, path = opened_run
    with Opened(browser, path, "#z=0,0,0&axes=0,1") as page:
        page.check("#show-map")
        page.wait_for_timeout(800)
        half = page.evaluate("plane.half[0]")
        for column, row in ((0, 0), (14, 0), (3, 12)):
            z = [half * ((2 * column + 1) / 15 - 1), half * (1 - (2 * row + 1) / 15), 0]
            expected = 255 * run.model.generate(np.array([z]))[0]
            found = page.evaluate(f"""() => Array.from(plane.map.getContext("2d").getImageData(
                {column} * W, {row} * H, W, H).data).filter((_, i) => i % 4 === 0)""")
            assert np.abs(np.array(found) - expected).max() < 13
        before = page.evaluate("plane.mapOf")
        page.click("#to-sample")
        page.wait_for_timeout(800)
        assert page.evaluate("plane.mapOf") != before
        page.uncheck("#show-map")
        assert page.evaluate("plane.map") is None


def test_the_label_of_a_conditional_model_is_that_of_the_image(browser, tmp_path):
    run = make_run(tmp_path / "run", model="cvae", steps=200, hidden=[20])
    plain = make_run(tmp_path / "plain", hidden=[20])
    explorer.write([plain, run], tmp_path / "page.html")
    labels = run.dataset.labels
    with Opened(browser, tmp_path / "page.html", "#run=1&image=7") as page:
        def expect(image, label):
            q = run.model.given([label]).encode(run.x_test[[image]])
            assert np.allclose(page.evaluate("Array.from(q.mu)"), q.mean[0], atol=0.03)
            assert page.evaluate("state.label") == np.searchsorted(labels, label)
            assert page.input_value("#label") == str(np.searchsorted(labels, label))
        expect(7, run.dataset.y_test[7])
        page.evaluate("document.getElementById('image').value = 8")
        page.dispatch_event("#image", "input")
        page.wait_for_timeout(100)
        expect(8, run.dataset.y_test[8])
        other = labels[labels != run.dataset.y_test[8]][0]
        page.select_option("#label", str(np.searchsorted(labels, other)))
        page.wait_for_timeout(100)
        expect(8, other)
        page.check("label:has-text('plain') input")
        assert not page.is_visible("#label")
        page.check("label:has-text('run: cvae') input")
        assert page.is_visible("#label")


def test_draws_from_the_prior_are_as_wide_as_the_prior(browser, opened_run):
    with Opened(browser, opened_run[1]) as page:
        drawn = page.evaluate("""() => Array.from({ length: 300 }, () => {
            document.getElementById("to-sample").click();
            return Array.from(state.z);
        })""")
    assert np.std(drawn) == pytest.approx(1, abs=0.1) and abs(np.mean(drawn)) < 0.15


def test_the_ellipse_has_the_radius_of_sigma(browser, opened_run):
    """The pixel at μ + 2σ along an axis is blue, and so is that at μ + σ."""
    with Opened(browser, opened_run[1]) as page:
        page.uncheck("#show-codes")
        page.evaluate("""() => { q = { mu: Float32Array.of(0.5, 0.5, 0.5), logvar: Float32Array.of(-2, -2, -2) };
            placeAt([-2, -2, -2]); }""")
        page.wait_for_timeout(50)
        for sigmas in (1, 2):
            red, _, blue, _ = page.evaluate(f"""() => Array.from(plane.canvas.getContext("2d").getImageData(
                plane.toX(0.5 + {sigmas} * Math.exp(-1)), plane.toY(0.5), 1, 1).data)""")
            assert blue > 150 and red < 120


def test_a_dimension_is_used_if_its_mean_varies(browser, tmp_path):
    """β = 1000 leaves none, and the page says so."""
    run = make_run(tmp_path / "run", steps=400, beta=1000.0, hidden=[20])
    explorer.write([run], tmp_path / "page.html")
    with Opened(browser, tmp_path / "page.html") as page:
        assert page.evaluate("run().used") == [] and "say nothing about the images" in page.inner_text("#known")


def test_an_autoencoder_shows_its_squared_error(browser, page_of):
    with Opened(browser, page_of("ae"), "#image=2") as page:
        x, picture = page.evaluate("[Array.from(state.x), Array.from(shown.picture)]")
        first = page.inner_text("#ledger").splitlines()[1].split("\t")[1]
        assert float(first) == pytest.approx(np.sum((np.array(x) - picture) ** 2), abs=0.06)


def test_many_classes_are_dots(browser, tmp_path):
    data = datasets.load("bars")
    y = np.arange(len(data.x_train)) % 40
    np.savez(tmp_path / "bars.npz", x=data.x_train.reshape(-1, *data.image_shape), y=y)
    run = make_run(tmp_path / "run", str(tmp_path / "bars.npz"), model="cvae", hidden=[8])
    explorer.write([run], tmp_path / "page.html")
    with Opened(browser, tmp_path / "page.html") as page:
        assert "Dots" in page.inner_text("#legend") and page.locator("#label option").count() == 40


@pytest.mark.parametrize("hash", ["#z=1e39,0,0", "#z=-1e300,1,1"])
def test_a_place_far_away_stays_finite(browser, page_of, hash):
    with Opened(browser, page_of("vae"), hash) as page:
        assert page.evaluate("state.z.every(Number.isFinite)") and "e+" not in page.inner_text("#known")


def test_another_address_in_an_open_page_moves_there(browser, page_of):
    with Opened(browser, page_of("vae"), "#z=0,0,0") as page:
        page.evaluate("location.hash = '#z=0.5,0.25,-1&image=3&path=sphere'")
        page.wait_for_timeout(300)
        assert page.evaluate("[Array.from(state.z), state.image]") == [[0.5, 0.25, -1], 3]
        assert page.input_value("#image") == "3" and page.inner_text("#image-value").startswith("test image 3")
        assert page.is_checked("input[value=sphere]")


def test_every_slider_has_a_name(browser, page_of):
    with Opened(browser, page_of("vae")) as page:
        for slider in page.get_by_role("slider").all():
            assert slider.evaluate("part => part.labels[0].textContent.trim().length") > 3
            assert slider.evaluate("part => part.ariaValueText")
        assert page.locator("output").count() == 0           # each would be a live region of its own


def test_a_drag_from_outside_changes_nothing(browser, page_of):
    with Opened(browser, page_of("vae")) as page:
        for part in ("plane", "paper"):
            page.locator(f"#{part}").scroll_into_view_if_needed()
            box = page.locator(f"#{part}").bounding_box()
            before = page.evaluate("[Array.from(state.z), Array.from(state.x)]")
            page.mouse.move(box["x"] - 8, box["y"] + 20)
            page.mouse.down()
            page.mouse.move(box["x"] + 60, box["y"] + 60, steps=5)
            page.mouse.up()
            page.wait_for_timeout(50)
            assert page.evaluate("[Array.from(state.z), Array.from(state.x)]") == before
