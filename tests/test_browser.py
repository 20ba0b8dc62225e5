"""The lessons in JupyterLab and Chromium: run, looked at, and played with by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbconvert
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser import LAPTOP, WIDGET, Lab, chromium, quiet_page, start_lab
from tests.notebooks import NAMES, code_cells, load, tags

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TROUBLE = r"/error (displaying|creating) widget|loading widget|failed to load model/i"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
ZOOMED = {"width": LAPTOP["width"] // 2, "height": LAPTOP["height"] // 2}  # what 200 % leaves of a small laptop


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if not chromium():
        pytest.skip("no Chromium here; Debian's package chromium brings it")
    with start_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson(lab: Lab, name: str, subtests: pytest.Subtests, request: pytest.FixtureRequest) -> None:
    with lab.lesson(name) as lesson:
        lesson.unfold()
        with subtests.test("a fresh clone, not run"):
            assert_pictures(lesson.page, pictures_in(name))
            assert_no_trouble(lesson.page)
        lesson.run_all()
        with subtests.test("run"):
            meant = {one.id for one in code_cells(name) if "raises-exception" in tags(one)}
            assert set(lesson.failed()) == meant, lesson.failed()
            assert lesson.unrun() == []
            assert_no_trouble(lesson.page)
            assert_pictures(lesson.page)
        for theme in ("Dark", "Light"):
            lab.choose(theme)
            with subtests.test("for everybody", theme=theme):
                assert_accessible(lesson.page)
            if folder := request.config.getoption("screenshots"):
                lesson.photograph(Path(folder), theme)
        with subtests.test("on a small screen, and enlarged"):
            assert_fits(lesson.page)
    assert lab.strayed == [], "the page asked for something outside this machine"


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_as_a_page(lab: Lab, name: str, tmp_path: Path) -> None:
    """What ``nbconvert --to html`` makes of it, without a kernel; its formulas' and scripts' addresses are refused."""
    html, _ = nbconvert.HTMLExporter().from_notebook_node(load(name))
    file = tmp_path / "page.html"
    file.write_text(html, "utf-8")
    page, _ = quiet_page(lab.page.context.browser)
    try:
        page.goto(file.as_uri())
        assert_no_trouble(page)
        drawn = "all => all.filter(one => one.naturalWidth > 0).map(one => one.alt)"
        alts = page.locator("main img").evaluate_all(drawn)
        assert len(alts) >= pictures_in(name)
        assert all(alts)
    finally:
        page.close()


def pictures_in(name: str) -> int:
    """Count the pictures of a notebook as it is committed."""
    texts = [cell.source for cell in load(name).cells if cell.cell_type == "markdown"]
    outputs = [output.get("data", {}).get("text/html", "") for cell in code_cells(name) for output in cell.outputs]
    return sum(text.count("![") for text in texts) + sum(html.count("<img ") for html in outputs)


def assert_pictures(page: Page, at_least: int = 0) -> None:
    pictures = page.locator(".jp-Notebook img").evaluate_all(
        "all => all.map(one => [one.alt, one.complete && one.naturalWidth > 0])"
    )
    assert len(pictures) >= at_least
    assert [alt for alt, drawn in pictures if not drawn] == [], "these pictures are not drawn"
    assert all(alt.strip() for alt, _ in pictures), "a picture has no words for those who cannot see it"


def assert_no_trouble(page: Page) -> None:
    assert page.locator(f"text={TROUBLE}").all_inner_texts() == []


def assert_accessible(page: Page) -> None:
    """Hold every widget to WCAG 2.1, levels A and AA: names of controls, contrast, roles."""
    if page.locator(WIDGET).count():
        found = Axe().run(page, context=WIDGET, options=RULES).response["violations"]
        said = [(one["id"], node["html"], node["failureSummary"]) for one in found for node in one["nodes"]]
        assert said == []


def assert_fits(page: Page) -> None:
    """Nothing that is shown has to be scrolled sideways."""
    for size in (ZOOMED, LAPTOP):
        page.set_viewport_size(size)
        wide = page.locator(f"{WIDGET}, .jp-RenderedHTMLCommon:has(img)").evaluate_all(
            "all => all.filter(one => one.scrollWidth > one.clientWidth + 1)"
            ".map(one => [one.closest('.jp-Cell').innerText.slice(0, 80), one.scrollWidth, one.clientWidth])"
        )
        assert wide == [], f"wider than its place at {size['width']} px"
