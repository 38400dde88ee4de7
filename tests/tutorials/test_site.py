"""Proves that the site is readable when a browser opens it from disk without a network, on a desktop and on a phone.

These tests would catch a formula that stays raw TeX, a picture that is missing or has no alternative text, an error on
the console, a request to the outside, a dead link, and a page that scrolls sideways on a phone.

`python tutorials/build.py site` builds the site, and `pytest -m tutorial` runs these tests, which need Chromium.
"""

import html.parser
import pathlib
import re
import sys
import urllib.parse

import pytest

pytestmark = pytest.mark.tutorial

SITE = pathlib.Path(__file__).parents[2] / "tutorials" / "site" / "html"
PAGES = sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html"))
LOUD = ("error", "warning")
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}

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
    for (const part of document.querySelectorAll("details")) part.open = true;
    for (const formula of document.querySelectorAll("mjx-container[display=true] > svg"))
        if (formula.getBoundingClientRect().width > formula.parentElement.clientWidth + 1)
            found.push("a formula that is cut: " + formula.parentElement.parentElement.id);
    const levels = [...document.querySelectorAll("article :is(h1, h2, h3, h4)")].map((h) => +h.tagName[1]);
    levels.forEach((level, i) => {
        if (i && level > levels[i - 1] + 1) found.push(`a heading of level ${level} is out of order`);
    });
    for (const block of document.querySelectorAll("article p")) {
        const style = getComputedStyle(block), letter = parseFloat(style.fontSize) / 2;
        if (!block.closest("td, th") && block.clientWidth > 80 * letter) found.push("lines of over 75 characters");
    }
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth)
        found.push(`${root.scrollWidth} pixels wide on a screen of ${root.clientWidth}`);
    return found;
}"""


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
    page.wait_for_selector("#search-results p.context")
    said = page.inner_text("#search-results")
    assert "bounds" in said and "Return the evidence lower bound of ln p(x)" in said     # the summary of the function
    page.close()


@pytest.mark.parametrize("width, is_beside", [(1200, True), (1280, True), (1400, True), (390, False)])
def test_the_contents_of_a_page_are_beside_it(browser, width, is_beside):
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto((SITE / "01_from_noise_to_data.html").as_uri())
    box, article = (page.locator(part).bounding_box() for part in (".toc-tree", "article"))
    is_there = box is not None and article["x"] + article["width"] <= box["x"] < width and box["width"] > 100
    assert is_there == is_beside
    page.close()


def test_the_side_bar_folds(browser):
    page = browser.new_page(viewport=dict(zip(("width", "height"), WIDTHS["desktop"])))
    page.goto((SITE / "index.html").as_uri())
    chapter = page.locator(".sidebar-tree a", has_text="1. From noise to data")
    assert not chapter.is_visible()
    page.locator(".sidebar-tree label").first.click()
    assert chapter.is_visible()
    page.close()


@pytest.mark.parametrize("path", sorted(SITE.glob("exercises/*.html")), ids=lambda path: path.stem)
def test_an_exercise_leads_to_its_chapter_and_its_prediction_can_be_pressed(path):
    text = path.read_text(encoding="utf-8")
    assert "npvae learn init" in re.sub("<[^>]*>", "", text) and "<summary>Answer</summary>" in text
    assert [target for target in Links(path).targets if target.startswith("../0") or target.startswith("../1")]


def test_the_page_for_teachers_is_reached_and_offers_slides_and_answers():
    assert "teaching.html" in Links(SITE / "index.html").targets
    offered = [target for target in Links(SITE / "teaching.html").targets if target.endswith(".pdf")]
    assert offered == [f"slides/{path.stem}.pdf" for path in sorted(SITE.parents[1].glob("[0-9][0-9]_*.py"))]
    assert all((SITE / pdf).read_bytes().startswith(b"%PDF") for pdf in offered)
    assert sum(path.stat().st_size for path in SITE.glob("slides/*.pdf")) < 10e6
    text = (SITE / "teaching.html").read_text(encoding="utf-8")
    assert text.count("<summary>The answer to the prediction of") == len(list(SITE.glob("exercises/*.html"))) > 20


def test_a_chapter_offers_its_notebook():
    for chapter in SITE.parents[1].glob("[0-9][0-9]_*.ipynb"):
        targets = Links(SITE / f"{chapter.stem}.html").targets
        (offered,) = [target for target in targets if target.endswith(".ipynb") and "://" not in target]
        assert (SITE / offered).read_bytes() == chapter.read_bytes()


def test_where_the_repository_is_known_a_button_opens_the_notebook_in_colab():
    sys.path.insert(0, str(SITE.parents[1]))
    from build import in_colab

    address = "https://colab.research.google.com/github/me/npvae/blob/main/tutorials/01_a.ipynb"
    assert in_colab("01_a", "[metadata]\nurl = https://github.com/me/npvae\n") == f", or [open it in Colab]({address})"
    assert in_colab("01_a", "[metadata]\nname = npvae\n") == ""


def test_the_first_page_has_a_card_for_each_chapter():
    text, chapters = (SITE / "index.html").read_text(encoding="utf-8"), sorted(SITE.glob("[0-9][0-9]_*.html"))
    assert len(chapters) == len(list(SITE.parents[1].glob("[0-9][0-9]_*.py")))
    assert text.count("minutes to read") == len(chapters) == text.count('src="_images/') - 1
    kinds = re.findall(r'<img [^>]*class="(drawing|pictures)"[^>]*src="_images/', text)      # how it looks in the dark
    assert len(kinds) == len(chapters) and kinds.count("drawing") > len(chapters) / 2
    assert "PCA, linear, deep and denoising" in text and "The whole model, its learning curves" in text


def test_the_reference_has_summaries_and_links_and_no_stray_asterisk():
    text = (SITE / "reference" / "models.html").read_text(encoding="utf-8")
    assert "autosummary" in text and re.search(r'<a class="reference internal" href="\S+"[^>]*><code class="xref', text)
    for page in SITE.glob("reference/*.html"):
        words = re.sub(r"<pre>.*?</pre>|<[^>]+>", " ", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"(?<![\w*(\[])\*[a-zA-Z][\w -]*\w\*(?!\w)", words), page.name


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
    "a formula that is cut": "<mjx-container display=true style='display: block'><svg width=3e3 /></mjx-container>",
    "out of order": "<article><h1>a</h1><h3>b</h3></article>",
    "over 75 characters": "<article><p>a</p></article>",
}


@pytest.mark.parametrize("complaint", PLANTED)
def test_what_is_planted_is_found(browser, tmp_path, complaint):
    (tmp_path / "page.html").write_text(f"<!doctype html><body>{PLANTED[complaint]}</body>")
    assert any(complaint.split(": \\")[0] in found for found in complaints(browser, tmp_path / "page.html"))


def test_a_page_without_faults_has_no_complaints(browser, tmp_path):
    (tmp_path / "page.html").write_text("<!doctype html><body><p>It is round and costs <code>$5</code>.</p></body>")
    assert complaints(browser, tmp_path / "page.html") == []
