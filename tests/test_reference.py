"""The glossary and the cheat sheet are what the tables say, and whatever a lesson links is there."""

from __future__ import annotations

import ast
import imaplib
import inspect
import poplib
import re
import ssl

import pytest

import mailkit
from mailkit.samples import table
from tests import reference
from tests.notebooks import FOLDER, NAMES, markdown_cells

PAGES = {name: write() for name, write in reference.PAGES.items()}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_tables_give(name):
    assert (FOLDER / name).read_text("utf-8") == PAGES[name], "run: python -m tests.reference"


def test_every_row_has_a_cell_for_each_head():
    for grid in re.findall(r"(?:^\|.*\n)+", PAGES["cheat-sheet.md"], re.MULTILINE):
        lines = [len(re.findall(r"(?<!\\)\|", line)) for line in grid.splitlines()]
        assert set(lines) == {lines[0]}, grid.splitlines()[0]


def test_every_term_has_an_anchor_its_lesson_and_its_source():
    lines = {found[1]: found[0] for found in re.finditer(r'^<a id="([\w-]+)"></a>.*$', PAGES["glossary.md"], re.M)}
    assert sorted(lines) == sorted(row["id"] for row in table("terms"))
    for row in table("terms"):
        assert f"[lesson {row['lesson']}]({row['lesson']}-" in lines[row["id"]]
        assert row["source"].partition(",")[0].split(" §")[0] in lines[row["id"]]


def test_every_command_is_named_in_a_row_of_the_cheat_sheet():
    for row in table("commands"):
        for call in filter(None, (row["poplib"], row["imaplib"])):
            assert f"<br>`{call}`" in PAGES["cheat-sheet.md"], row["task"]


def test_a_command_links_its_source_and_says_what_it_changes():
    cells = {line.split(" | ")[0]: line for line in PAGES["cheat-sheet.md"].splitlines()}
    for row in table("commands"):
        line = cells[f"| {row['task']}"]
        sources = [reference._address(source) for source in row["source"].split("; ")]
        assert re.findall(r"\]\((https[^)]*)\)", line) == sources, "one for each protocol that has the command"
        changes = [words for words in (row["pop3_changes"], row["imap_changes"]) if words not in ("", "nothing")]
        assert re.findall(r"<br>→ (.*?) \|", line) == [reference._safe(words) for words in changes], row["task"]


def test_no_call_is_too_wide_for_a_page_beside_a_lesson():
    """Half a window of 1400 pixels leaves the table 468; JupyterLab breaks code at spaces only."""
    wide = {"poplib": 19, "imaplib": 26}  # at 7.8 pixels a letter, with a first column of 72
    for row in table("commands"):
        for library, room in wide.items():
            assert max(map(len, row[library].split(" "))) <= room, row[library]


def calls(page):
    """Return the calls that a page's fenced code and its words in backticks make, each parsed."""
    code = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S) + re.findall(r"(?<!`)`([^`\n]+\))`", page)
    return [node for one in code for node in ast.walk(ast.parse(one)) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("name", PAGES)
def test_every_call_is_one_that_python_takes(name):
    """An argument's name differs from library to library, so who copies a line must be able to trust it."""
    things = {"pop": poplib.POP3, "imap": imaplib.IMAP4, "poplib": poplib, "imaplib": imaplib, "ssl": ssl}
    for call in calls(PAGES[name]):
        thing, _, method = ast.unparse(call.func).partition(".")
        function = getattr(things.get(thing, mailkit), method)
        given = [one for arg in call.args for one in (("host", "port") if isinstance(arg, ast.Starred) else (arg,))]
        itself = [thing] if isinstance(things.get(thing), type) else []
        try:
            inspect.signature(function).bind(*itself, *given, **{one.arg: one.value for one in call.keywords})
        except TypeError as error:
            pytest.fail(f"{ast.unparse(call)}: {error}")
    assert len(calls(PAGES["cheat-sheet.md"])) > 50


def test_close_removes_nothing_where_the_mailbox_was_opened_read_only():
    """RFC 3501 §6.4.2; the row of EXAMINE is two above."""
    with mailkit.MailServer(mailkit.letters("lunch"), password="secret") as server:
        imap = imaplib.IMAP4(*server.imap)
        imap.login("amy", "secret")
        imap.select()
        imap.store("1", "+FLAGS", r"(\Deleted)")
        left = []
        for read_only in (True, False):
            imap.select(readonly=read_only)
            imap.close()
            left.append(len(server.snapshot().mailbox("amy").letters))
        imap.logout()
    assert left == [1, 0]
    (changes,) = (row["imap_changes"] for row in table("commands") if row["imap"] == "CLOSE")
    assert changes.endswith("unless it was opened read only")


def test_status_is_asked_of_a_mailbox_that_is_not_open():
    """RFC 3501 §6.3.10: it SHOULD NOT be used on the selected one, which the page's first lines make INBOX."""
    (call,) = (row["imaplib"] for row in table("commands") if row["imap"].startswith("STATUS"))
    assert "imap.select()" in PAGES["cheat-sheet.md"]
    assert "INBOX" not in call


@pytest.mark.parametrize("name", [name for name in NAMES if name[:2] in ("02", "03")])  # 03: the short route's first
def test_who_meets_the_first_rfc_can_look_up_what_that_is(name):
    lines = (line for cell in markdown_cells(name) for line in cell.source.splitlines())
    assert "[RFC](glossary.md#rfc)" in next(line for line in lines if "RFC" in line)


def test_what_markdown_would_swallow_is_shown():
    assert r"**\\Seen**" in PAGES["glossary.md"]
    assert r"beginning with \*" in PAGES["glossary.md"]
    assert r"[FETCH … BODY\[\]](" in PAGES["cheat-sheet.md"]


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
