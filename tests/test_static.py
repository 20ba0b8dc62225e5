"""The lessons as pages without a kernel, by nbconvert: whole, pictures and words for them, no widget that waits.

Needs no browser; test_browser.py looks at the same pages with Chromium.
"""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from tests.execute import WIDGET_VIEW
from tests.notebooks import FOLDER, NAMES, as_page, code_cells

pytestmark = pytest.mark.slow
SVG = "data:image/svg+xml;base64,"
NAMESPACE = "{http://www.w3.org/2000/svg}"


class Reader(HTMLParser):
    """Reads a page: its pictures, the text outside scripts and styles, and whether the folds close."""

    def __init__(self, page):
        super().__init__()
        self.pictures: list[dict[str, str]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.pictures.append({name: value or "" for name, value in attrs})
        if tag in ("script", "style", "details", "main"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in ("script", "style", "details", "main"):
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "main" in self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)


@pytest.fixture(scope="module", params=NAMES)
def page(request):
    """A notebook's name, and what there is to read on its page."""
    html = as_page(request.param)
    return request.param, html, Reader(html)


def test_every_picture_is_there_and_said_in_words(page):
    _, _, reader = page
    assert reader.pictures or page[0] == "template"
    for picture in reader.pictures:
        assert len(picture.get("alt", "")) >= 10, picture["src"][:80]
        if picture["src"].startswith(SVG):
            octets = base64.b64decode(picture["src"].removeprefix(SVG), validate=True)
        else:
            assert not re.match(r"\w+:", picture["src"]), "a picture from elsewhere is not there off line"
            octets = (FOLDER / picture["src"]).read_bytes()
        assert ElementTree.fromstring(octets).tag == f"{NAMESPACE}svg"


def test_no_widget_waits_for_a_kernel(page):
    _, html, _ = page
    assert WIDGET_VIEW not in html
    assert "widget-state+json" not in html


def test_the_page_is_whole(page):
    """Folds close, and the words of every output are on it: nothing was lost in the rendering."""
    name, _, reader = page
    assert reader.open == []
    there = re.sub(r"\s+", " ", "".join(reader.words))
    for cell in code_cells(name):
        for output in cell.outputs:
            if output.output_type == "stream":
                assert re.sub(r"\s+", " ", output.text).strip() in there, cell.id
