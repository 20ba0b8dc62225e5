"""The glossary and the cheat sheet: ``python -m tests.reference`` writes both from the tables in ``data``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from mailkit.samples import table
from tests.notebooks import FOLDER, ROOT

Row = dict[str, str]

GLOSSARY = """\
# Glossary

Every term of the course in one sentence, with the standard that defines it and the lesson that brings it in. The
commands of POP3 and IMAP stand side by side in the [cheat sheet](cheat-sheet.md).

{terms}
"""

CHEAT_SHEET = """\
# Cheat sheet: POP3 beside IMAP

What you want, the word each protocol has for it, the Python call, and after an arrow what that changes on the server;
no arrow, no change. A dash: there is no such command. The terms are in the [glossary](glossary.md).

In JupyterLab drag this page's tab to the right edge, and it stays beside the lesson. Too narrow?
**Ctrl + B** (on a Mac **Cmd + B**) closes the list of files.

## Begin

```python
import imaplib, poplib, ssl

# POP3: the one maildrop is open after the password
pop = poplib.POP3(*server.pop3)
pop.user("amy")
pop.pass_("secret")

# IMAP: choose a mailbox first; this is INBOX
imap = imaplib.IMAP4(*server.imap)
imap.login("amy", "secret")
imap.select()
```

`server` is the course's own. With a provider write its host names, and begin with TLS:

```python
context = ssl.create_default_context()
pop = poplib.POP3_SSL("pop.example.org", context=context)

# IMAP has another name for the same argument
imap = imaplib.IMAP4_SSL("imap.example.org", ssl_context=context)
```

Without the context Python (3.11 to 3.15) does not check whom it talks to ([lesson 07](07-lock-the-letterbox.ipynb)).

## Commands

{commands}

In `imap.fetch`, `imap.store` and `imap.copy` the number is a [sequence number](glossary.md#sequence-number), which
shifts when earlier messages go. A [UID](glossary.md#uid) never does: `imap.uid("FETCH", "3", "(BODY.PEEK[])")`, and in
the same way `"STORE"`, `"COPY"`, `"MOVE"`, `"SEARCH"` and `"EXPUNGE"`.

POP3's RETR changes nothing by the standard, which knows no flags; some servers, Dovecot by default, set IMAP's `\\Seen`
all the same (its documentation, `pop3_no_flag_updates`; tried in November 2026).

## Ports

{ports}
"""


def glossary() -> str:
    """Return the text of ``glossary.md``: the terms in alphabetical order, each with an anchor by its id."""
    rows = sorted(table("terms"), key=lambda row: row["term"].lstrip("\\").casefold())
    return GLOSSARY.format(terms="\n\n".join(map(_term, rows)))


def cheat_sheet() -> str:
    """Return the text of ``cheat-sheet.md``: commands in the order of a session, then the ports."""
    return CHEAT_SHEET.format(
        commands=_grid(["task", "POP3", "IMAP"], table("commands"), _command),
        ports=_grid(["port", "protocol", "for", "TLS begins", "source"], table("ports"), _port),
    )


PAGES: dict[str, Callable[[], str]] = {"glossary.md": glossary, "cheat-sheet.md": cheat_sheet}


def _term(row: Row) -> str:
    """A paragraph, not a row: a link to a row's anchor leaves the upper half of the row, and the heads, out of view."""
    head = f'<a id="{row["id"]}"></a>**{_safe(row["term"])}**'
    lesson = f"[lesson {row['lesson']}]({_lesson(row['lesson'])})"
    return f"{head} · {_safe(row['means'])} ({lesson}; {_source(row['source'])})"


def _command(row: Row) -> Iterable[str]:
    """Three columns, so that the page fits beside a lesson: a command links its source, and its change stands below."""
    sources = row["source"].split("; ")
    yield row["task"]
    for protocol, call, source in (("pop3", "poplib", sources[0]), ("imap", "imaplib", sources[-1])):
        changes = row[f"{protocol}_changes"]
        cell = [f"[{_safe(row[protocol])}]({_address(source)})"]
        cell += [f"`{row[call]}`"] * bool(row[call]) + [f"→ {_safe(changes)}"] * (changes != "nothing")
        yield "<br>".join(cell) if row[protocol] else "–"


def _port(row: Row) -> Iterable[str]:
    return row["port"], row["protocol"], row["use"], row["tls"], _source(row["source"])


def _grid(heads: Sequence[str], rows: Iterable[Row], cells: Callable[[Row], Iterable[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *map(cells, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _lesson(number: str) -> str:
    """Return the file of a lesson by its number, as README lists it."""
    found = re.search(rf"\(notebooks/({number}-[\w-]+\.ipynb)\)", (ROOT / "README.md").read_text("utf-8"))
    if not found:
        raise LookupError(f"README.md lists no lesson {number}; data/terms.csv names one")
    return found[1]


def _source(text: str) -> str:
    """Link RFCs to their section, and a page whose address is given."""
    if page := re.fullmatch(r"(.*), (https://\S+)", text):
        return f"[{page[1]}]({page[2]})"
    return re.sub(r"RFC (\d+)(?: §([\d.]*\d))?", _link, text)


def _link(found: re.Match[str]) -> str:
    return f"[{found[0]}]({_address(found[0])})"


def _address(rfc: str) -> str:
    """Return the address of ``RFC 1939`` or of ``RFC 1939 §5``."""
    number, _, section = rfc.removeprefix("RFC ").partition(" §")
    return f"https://www.rfc-editor.org/rfc/rfc{number}{f'#section-{section}' * bool(section)}"


def _safe(text: str) -> str:
    r"""Keep Markdown from reading ``\Seen``, ``*`` or ``BODY[]`` as markup."""
    return re.sub(r"([\\*_\[\]<|])", r"\\\1", text)


if __name__ == "__main__":
    for name, write in PAGES.items():
        (FOLDER / name).write_text(write(), "utf-8", newline="\n")
