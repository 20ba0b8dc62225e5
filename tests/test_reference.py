"""The glossary and the cheat sheet are what the tables say, and whatever a lesson links is there."""

from __future__ import annotations

import re

import pytest

from mailkit.samples import table
from tests import reference
from tests.notebooks import FOLDER, NAMES, markdown_cells

PAGES = {name: write() for name, write in reference.PAGES.items()}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_tables_give(name):
    assert (FOLDER / name).read_text("utf-8") == PAGES[name], "run: python -m tests.reference"


@pytest.mark.parametrize("name", PAGES)
def test_every_row_has_a_cell_for_each_head(name):
    for grid in re.findall(r"(?:^\|.*\n)+", PAGES[name], re.MULTILINE):
        lines = [len(re.findall(r"(?<!\\)\|", line)) for line in grid.splitlines()]
        assert set(lines) == {lines[0]}, grid.splitlines()[0]


def test_every_term_has_an_anchor_its_lesson_and_its_source():
    lines = {found[1]: found[0] for found in re.finditer(r'^\| <a id="([\w-]+)"></a>.*$', PAGES["glossary.md"], re.M)}
    assert sorted(lines) == sorted(row["id"] for row in table("terms"))
    for row in table("terms"):
        assert f"[{row['lesson']}]({row['lesson']}-" in lines[row["id"]]
        assert row["source"].partition(",")[0].split(" §")[0] in lines[row["id"]]


def test_every_command_is_named_in_a_row_of_the_cheat_sheet():
    for row in table("commands"):
        for call in filter(None, (row["poplib"], row["imaplib"])):
            assert f"<br>`{call}`" in PAGES["cheat-sheet.md"], row["task"]


def test_what_markdown_would_swallow_is_shown():
    assert r"**\\Seen**" in PAGES["glossary.md"]
    assert r"beginning with \*" in PAGES["glossary.md"]
    assert r"FETCH … BODY\[\]<br>" in PAGES["cheat-sheet.md"]


def test_sources_are_links():
    assert reference._source("RFC 2449 §8.1.2; RFC 1733") == (
        "[RFC 2449 §8.1.2](https://www.rfc-editor.org/rfc/rfc2449#section-8.1.2); "
        "[RFC 1733](https://www.rfc-editor.org/rfc/rfc1733)"
    )
    assert reference._source("A page: its title, https://example.org/a") == "[A page: its title](https://example.org/a)"
    assert reference._source("this course") == "this course"


def test_a_term_of_no_lesson_is_refused():
    with pytest.raises(LookupError, match=r"README\.md lists no lesson 99"):
        reference._lesson("99")


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_lists_its_terms_by_their_names(name):
    """Under ``## Terms`` the words of a link are those of the table."""
    terms = {row["id"]: row["term"].casefold() for row in table("terms")}
    for cell in markdown_cells(name):
        if "## Terms" in cell.source:
            links = re.findall(r"\[([^\]]+)\]\(glossary\.md#([\w-]+)\)", cell.source)
            for words, term in links:
                assert re.sub(r"`|\\(?=\\)", "", words).casefold() == terms[term], cell.id
