"""Proves that the site is readable when a browser opens it from disk without a network, on a desktop and on a phone.

These tests would catch a formula that stays raw TeX, a picture that is missing or has no alternative text, an error on
the console, a request to the outside, a dead link, and a page that scrolls sideways on a phone.

`python tutorials/build.py site` builds the site, and `pytest -m tutorial` runs these tests, which need Chromium.
"""

import html.parser
import pathlib
import shutil
import sys
import urllib.parse

import pytest

pytestmark = pytest.mark.tutorial
playwright = pytest.importorskip("playwright.sync_api")

SITE = pathlib.Path(__file__).parents[2] / "tutorials" / "site" / "html"
PAGES = sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html"))
LOUD = ("error", "warning")
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

LOOK = r"""() => {
    const found = [];
    const text = document.body.cloneNode(true);
    for (const part of text.querySelectorAll("pre, code, script, style, mjx-container")) part.remove();
    for (const block of text.querySelectorAll("p, li, td, th, dt, dd, h1, h2, h3, figcaption")) {
        const tex = block.textContent.match(/\$[^$]+\$|\\[a-zA-Z(\[]/);
        if (tex) found.push("raw TeX: " + block.textContent.trim().slice(0, 60));
    }
    for (const part of document.querySelectorAll("link[href], script[src], img[src], iframe[src]"))
        if (/^(https?:)?\/\//.test(part.getAttribute(part.tagName === "LINK" ? "href" : "src")))
            found.push("something from outside: " + part.outerHTML.slice(0, 80));
    for (const error of document.querySelectorAll("mjx-merror, [data-mjx-error]"))
        found.push("a formula with an error: " + error.textContent.slice(0, 60));
    for (const formula of document.querySelectorAll(".math"))
        if (!formula.querySelector("mjx-container svg")) found.push("a formula that was not drawn");
    for (const image of document.images) {
        if (!image.naturalWidth) found.push("a missing picture: " + image.getAttribute("src"));
        if (!image.alt) found.push("a picture without alternative text: " + image.getAttribute("src"));
    }
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth)
        found.push(`${root.scrollWidth} pixels wide on a screen of ${root.clientWidth}`);
    return found;
}"""


@pytest.fixture(scope="module")
def browser():
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("there is no Chromium on this machine: install Debian's package chromium, for instance")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


def complaints(browser, path, size=WIDTHS["desktop"], query=""):
    """Return what is wrong with a page, as a list of sentences."""
    found = []
    page = browser.new_page(viewport=dict(zip(("width", "height"), size)))
    page.on("console", lambda m: found.append(f"the console says: {m.text}") if m.type in LOUD else None)
    page.on("pageerror", lambda error: found.append(f"an error in a script: {error}"))
    page.on("requestfailed", lambda request: found.append(f"a request that failed: {request.url}"))
    def note_request(request):
        if urllib.parse.urlparse(request.url).scheme not in ("file", "data", "blob"):
            found.append(f"a request to the outside: {request.url}")
    page.on("request", note_request)
    page.goto(path.as_uri() + (f"?q={query}" if query else ""))
    page.wait_for_load_state("networkidle")
    page.evaluate("() => window.MathJax && MathJax.startup && MathJax.startup.promise")
    found += page.evaluate(LOOK)
    page.close()
    return found


def test_the_site_has_been_built_of_what_is_here_now():
    sys.path.insert(0, str(SITE.parents[1]))
    from build import digest

    assert "index.html" in PAGES and (SITE / "sources").read_text() == digest(), "python tutorials/build.py site"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", [page for page in PAGES if not page.startswith("_modules")])
def test_a_page_is_whole_and_keeps_to_itself(browser, page, width):
    assert complaints(browser, SITE / page, WIDTHS[width]) == []


def test_the_search_works_from_disk(browser):
    path = SITE / "search.html"
    assert complaints(browser, path, query="elbo") == []
    page = browser.new_page()
    page.goto(path.as_uri() + "?q=elbo")
    page.wait_for_selector("#search-results li a")
    assert "bounds" in page.inner_text("#search-results")
    page.close()


class Links(html.parser.HTMLParser):
    """The targets of all links on a page, and all its anchors."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.anchors = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            self.anchors.add(attributes["id"])
        if tag == "a" and "href" in attributes:
            self.targets.append(attributes["href"])


def test_every_link_within_the_site_leads_somewhere():
    links = {SITE / page: Links(SITE / page) for page in PAGES}
    dead = []
    for path, page in links.items():
        for target in page.targets:
            url = urllib.parse.urlparse(target)
            if url.scheme:
                continue
            file = (path.parent / urllib.parse.unquote(url.path)).resolve() if url.path else path
            anchor = urllib.parse.unquote(url.fragment)
            if not file.exists() or (anchor and file in links and anchor not in links[file].anchors):
                dead.append(f"{path.relative_to(SITE)}: {target}")
    assert dead == []


PLANTED = {
    "raw TeX": r"<p>The prior is $p(z)$.</p>",
    "raw TeX: \\(": r"<p>The prior is \(p(z)\).</p>",
    "raw TeX: The $": "<p>The $a<em>i b</em>i$ is.</p>",
    "raw TeX: $$": "<ul><li>$$ x = y<br>+ z $$</li></ul>",
    "something from outside": '<link rel="preconnect" href="https://example.org">',
    "a formula that was not drawn": '<p class="math">p(z)</p>',
    "a missing picture": '<img src="nothing.png" alt="nothing">',
    "without alternative text": '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAAC">',
    "the console says": "<script>console.error('no')</script>",
    "an error in a script": "<script>nothing.at.all()</script>",
    "a request to the outside": '<img src="http://127.0.0.1:9/x.png" alt="x">',
    "pixels wide": '<div style="width: 2000px">wide</div>',
}


@pytest.mark.parametrize("complaint", PLANTED)
def test_what_is_planted_is_found(browser, tmp_path, complaint):
    (tmp_path / "page.html").write_text(f"<!doctype html><body>{PLANTED[complaint]}</body>")
    assert any(complaint.split(": \\")[0] in found for found in complaints(browser, tmp_path / "page.html"))


def test_a_page_without_faults_has_no_complaints(browser, tmp_path):
    (tmp_path / "page.html").write_text("<!doctype html><body><p>It is round and costs <code>$5</code>.</p></body>")
    assert complaints(browser, tmp_path / "page.html") == []
