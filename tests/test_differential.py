"""The same mail, the same questions: `mailkit` beside Dovecot. Whatever differs stands here with its reason.

Answers are compared after parsing, so that a quoted string and a literal are the same. The tables ``DIFFERENCES``,
``BY_VERSION`` and ``SEARCH_DIFFERENCES`` are the whole list; an entry that nothing needs any more fails.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
from collections import ChainMap
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import decode_rfc2231
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mailkit import MailServer
from tests import corpus
from tests.dovecot import reaches
from tests.patience import PATIENCE

pytestmark = [pytest.mark.dovecot, pytest.mark.slow]

Answer = Any  # None, int, bytes, or a list of these
BOX = "Compared"
DATE = '" 2-Mar-2026 09:00:00 +0100"'


class Case(NamedTuple):
    """One question about one message, with both answers; ``theirs`` are those of a version of Dovecot."""

    name: str
    octets: bytes
    item: str
    ours: Answer
    theirs: Answer
    dovecot: str


# ------------------------------------------------------------------------------------- asking


class Client:
    """An IMAP client that sends and gets octets as they are; `imaplib` changes line ends and cuts long lines."""

    def __init__(self, address: tuple[str, int], version: str = "") -> None:
        self.version = version
        self.imap = imaplib.IMAP4(*address, timeout=PATIENCE)
        self.imap.login("amy", "secret")

    def ask(self, *pieces: bytes) -> list[bytes]:
        """Send a command, its literals in the pieces; return the untagged answers, or fail."""
        self.imap.send(b"x " + b"".join(pieces) + b"\r\n")
        answers = []
        while not (answer := self.answer()).startswith(b"x "):
            answers.append(answer)
        assert answer.startswith(b"x OK"), (pieces[0][:80], answer)
        return answers

    def answer(self) -> bytes:
        """Read one answer, its literals included."""
        answer = line = self.imap.readline()
        while announced := re.search(rb"\{(\d+)\}\r\n\Z", line):
            octets = self.imap.read(int(announced[1]))
            line = self.imap.readline()
            answer += octets + line
        assert line, "the server hung up"
        return answer.removesuffix(b"\r\n")

    def fill(self, messages: list[bytes], box: str = BOX) -> None:
        """Make a mailbox anew that holds these messages, and select it."""
        self.ask(b"SELECT INBOX")  # Dovecot hangs up when the selected mailbox is deleted
        with contextlib.suppress(AssertionError):
            self.ask(f"DELETE {box}".encode())
        self.ask(f"CREATE {box}".encode())
        for octets in messages:
            self.ask(f"APPEND {box} () {DATE} {{{len(octets)}+}}\r\n".encode(), octets)
        self.ask(f"SELECT {box}".encode())

    def fetch(self, items: str, number: str = "1:*") -> list[dict[str, Answer]]:
        """Fetch items of messages; a dictionary for each of them."""
        found = []
        for answer in self.ask(f"FETCH {number} ({items})".encode()):
            if match := re.match(rb"\* \d+ FETCH ", answer):
                pairs = read_answer(answer[match.end() :])
                found.append({key.decode().upper(): value for key, value in zip(pairs[::2], pairs[1::2], strict=True)})
        return found

    def search(self, keys: bytes) -> list[int]:
        (answer,) = (line for line in self.ask(b"SEARCH " + keys) if line.startswith(b"* SEARCH"))
        return [int(number) for number in answer.split()[2:]]


TOKEN = re.compile(rb'(\()|(\))|"((?:[^"\\]|\\.)*)"|\{(\d+)\}\r\n|((?:[^\s()"\[]|\[[^\]]*\])+)', re.S)


def read_answer(text: bytes) -> Answer:
    """Read what follows FETCH: lists as lists, strings as bytes, numbers as numbers, NIL as None."""
    stack: list[list[Answer]] = [[]]
    at = 0
    while found := TOKEN.search(text, at):
        at = found.end()
        opened, closed, quoted, size, atom = found.groups()
        if opened:
            stack.append([])
        elif closed:
            inner = stack.pop()
            stack[-1].append(inner)
        elif quoted is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", quoted, flags=re.S))
        elif size:
            stack[-1].append(text[at : at + int(size)])
            at += int(size)
        else:
            stack[-1].append(None if atom == b"NIL" else int(atom) if atom.isdigit() else atom)
    return stack[0][0]


@pytest.fixture(scope="module")
def clients(dovecot):
    """A client of `mailkit` and one of Dovecot."""
    with MailServer(password="secret") as server:
        pair = Client(server.imap), Client(dovecot.imap, dovecot.version)
        yield pair
        for client in pair:
            client.imap.logout()


# ------------------------------------------------------------------------------------- FETCH

WHOLE = (
    "RFC822.SIZE INTERNALDATE ENVELOPE BODY BODYSTRUCTURE BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT] RFC822.HEADER "
    "BODY.PEEK[HEADER.FIELDS (Subject FROM x-none)] BODY.PEEK[HEADER.FIELDS.NOT (subject Received)] "
    "BODY.PEEK[]<0.20> BODY.PEEK[]<7.5> BODY.PEEK[TEXT]<1.1000000> BODY.PEEK[]<100000000.1>"
)
OF_PART = "BODY.PEEK[{0}] BODY.PEEK[{0}.MIME] BODY.PEEK[{0}]<2.7>"
OF_MESSAGE = (
    "BODY.PEEK[{0}.HEADER] BODY.PEEK[{0}.TEXT] BODY.PEEK[{0}.HEADER.FIELDS (SUBJECT)] "
    "BODY.PEEK[{0}.HEADER.FIELDS.NOT (SUBJECT)]"
)


def part_numbers(body: Answer, path: str = "", whole: bool = True) -> Iterator[str]:
    """Yield the numbers of all parts that a BODY tells of."""
    before = path and path + "."
    if isinstance(body[0], list):
        parts = [part for part in body if isinstance(part, list)]
        for number, part in enumerate(parts, 1):
            yield f"{before}{number}"
            yield from part_numbers(part, f"{before}{number}", whole=False)
    elif whole:
        yield f"{before}1"
        yield from part_numbers(body, f"{before}1", whole=False)
    elif isinstance(body[0], bytes) and body[0].lower() == b"message" and len(body) > 8:
        yield from part_numbers(body[8], path, whole=True)


def sections(body: Answer) -> str:
    """Return the items that ask for every part, and for some that are not there."""
    numbers = list(part_numbers(body))[:30]
    items = [OF_PART.format(number) + " " + OF_MESSAGE.format(number) for number in numbers]
    return " ".join([*items, "BODY.PEEK[9]", f"BODY.PEEK[{numbers[-1]}.1]"])


def compare(clients: tuple[Client, Client], messages: dict[str, bytes]) -> list[Case]:
    """Fetch everything of all messages from both servers; return where they differ."""
    for client in clients:
        client.fill(list(messages.values()))
    differing = []
    all_ours, all_theirs = (client.fetch(WHOLE) for client in clients)
    for number, (name, octets) in enumerate(messages.items(), 1):
        ours, theirs = all_ours[number - 1], all_theirs[number - 1]
        items = sections(ours["BODY"])
        ours |= clients[0].fetch(items, str(number))[0]
        theirs |= clients[1].fetch(items, str(number))[0]
        assert ours.keys() == theirs.keys(), name
        differing += [
            Case(name, octets, key, ours[key], theirs[key], clients[1].version)
            for key in ours
            if ours[key] != theirs[key]
        ]
    return differing


def lower(answer: Answer) -> Answer:
    if isinstance(answer, list):
        return [lower(inner) for inner in answer]
    return answer.lower() if isinstance(answer, bytes) else answer


def without_numbers(answer: Answer) -> Answer:
    if isinstance(answer, list):
        return [without_numbers(inner) for inner in answer]
    return 0 if isinstance(answer, int) else answer


def in_structure(case: Case) -> bool:
    return case.item in ("BODY", "BODYSTRUCTURE")


def named(start: str | tuple[str, ...], *items: str) -> Callable[[Case], bool]:
    """Return a test for cases by the beginning of their name, or some, and by item where given."""
    return lambda case: case.name.startswith(start) and (not items or case.item in items)


def is_nil_for_empty(case: Case) -> bool:
    return case.ours is None and case.theirs == b""


def is_part_of_a_leaf(case: Case) -> bool:
    return case.ours is None and bool(re.search(r"\.1\]", case.item))


def with_single_blanks(answer: Answer) -> Answer:
    if isinstance(answer, list):
        return [with_single_blanks(inner) for inner in answer]
    return b" ".join(answer.split()) if isinstance(answer, bytes) else answer


def is_blanks_made_one(case: Case) -> bool:
    return case.item == "ENVELOPE" and with_single_blanks(case.ours) == with_single_blanks(case.theirs)


def is_spelled_otherwise(case: Case) -> bool:
    return in_structure(case) and lower(case.ours) == lower(case.theirs)


def is_same_moment(case: Case) -> bool:
    if case.item != "INTERNALDATE":
        return False
    ours, theirs = (
        datetime.strptime(said.decode().strip(), "%d-%b-%Y %H:%M:%S %z") for said in (case.ours, case.theirs)
    )
    return ours == theirs


def is_line_end_of_delimiter(case: Case) -> bool:
    """A header that a delimiter cuts short: who has the CRLF before it, and what do its fields end with?"""
    if in_structure(case):
        return without_numbers(case.ours) == without_numbers(case.theirs)
    return "FIELDS" in case.item or case.theirs == case.ours + b"\r\n" or "<" in case.item


def is_blank_line_added(case: Case) -> bool:
    is_without = b"\n\r\n" not in corpus.crlf(case.octets)
    return is_without and "FIELDS" in case.item and case.theirs.removeprefix(case.ours) in (b"\r\n", b"\r\n\r\n")


LINE_END = "the CRLF before a delimiter is the delimiter's (RFC 2046 §5.1.1), also after a header"
CUT = (
    "cpython/msg_38",
    "multipart/broken: only a header",
    "multipart/broken: encoded message",
    "multipart/broken: nothing in a message",
)
DIFFERENCES: dict[str, Callable[[Case], bool]] = {
    "INTERNALDATE is told in the zone that APPEND gave; Dovecot tells it in its own": is_same_moment,
    "a section that is not there is NIL; Dovecot says it is empty": is_nil_for_empty,
    "a part that is no message has no part 1; Dovecot takes it for the part itself": is_part_of_a_leaf,
    "blanks in a subject or in quotes stay (RFC 5322 §2.2.1, §3.2.4); Dovecot makes them one": is_blanks_made_one,
    "types are spelled as the sender did; Dovecot writes message/rfc822 small": is_spelled_otherwise,
    "a Content-Type that is none means text/plain (RFC 2045 §5.2); Dovecot shows empty strings": lambda case: (
        in_structure(case) and case.name.startswith(("type/broken:", "cpython/msg_14", "multipart/broken: type in"))
    ),
    "what can be read of broken parameters is; Dovecot stops at the first": named(
        "type/broken parameter", "BODY", "BODYSTRUCTURE"
    ),
    "broken disposition or language: the first that says something counts": named("field/broken", "BODYSTRUCTURE"),
    "address lists that break RFC 5322 keep what can be read; Dovecot stops, or says SYNTAX_ERROR": named(
        "from/broken", "ENVELOPE"
    ),
    LINE_END: lambda case: case.name.startswith(CUT) and is_line_end_of_delimiter(case),
    "where no blank line is, none is told (RFC 3501 §6.4.5); Dovecot adds it to chosen fields": is_blank_line_added,
}


BY_VERSION: dict[str, dict[str, Callable[[Case], bool]]] = {
    "2.3": {
        "a boundary in RFC 2231's coding is one; Dovecot 2.3 does not know it, and finds no parts": named(
            ("cpython/msg_33", "whole/coded boundary")
        ),
        "a charset in RFC 2231's coding is one; Dovecot 2.3 tells the default beside it": named(
            ("cpython/msg_32", "whole/coded charset"), "BODY", "BODYSTRUCTURE"
        ),
    },
    "2.4": {
        "what RFC 2231 continues is joined (its §6), no more; Dovecot 2.4 decodes it, too": lambda case: (
            in_structure(case) and decoded(case.ours) == case.theirs
        ),
        "a parameter that comes twice is told twice; Dovecot 2.4 tells the first": lambda case: (
            in_structure(case) and decoded(told_once(case.ours)) == case.theirs
        ),
    },
    "2.4.5": {
        "a host is told as it was written; Dovecot since 2.4.5 makes its letters small": lambda case: (
            case.item == "ENVELOPE" and lower(case.ours) == lower(case.theirs)
        ),
    },
}


def decoded(answer: Answer) -> Answer:
    """Return the answer with its parameters in RFC 2231's coding decoded, as far as Dovecot knows their charset."""
    if not isinstance(answer, list):
        return answer
    coded = {at for at, name in enumerate(answer[:-1]) if isinstance(name, bytes) and name.endswith(b"*")}
    found = [decoded(inner) for inner in answer]
    for at in coded:
        charset, _, text = decode_rfc2231(answer[at + 1].decode("ascii"))
        found[at] = answer[at].removesuffix(b"*")
        known = charset in ("us-ascii", "utf-8")
        found[at + 1] = unquote_to_bytes(text).decode(charset).encode() if known else text.encode()
    return found


def told_once(answer: Answer) -> Answer:
    """Return the answer with the first of each parameter's values alone."""
    if not isinstance(answer, list):
        return answer
    if len(answer) % 2 == 0 and all(isinstance(one, bytes) for one in answer):
        pairs = dict(reversed(list(zip(answer[::2], answer[1::2], strict=True))))
        return [one for name in dict.fromkeys(answer[::2]) for one in (name, pairs[name])]
    return [told_once(inner) for inner in answer]


def differences(version: str) -> dict[str, Callable[[Case], bool]]:
    """Return what differs from this version of Dovecot."""
    known = [differing for since, differing in BY_VERSION.items() if reaches(version, since)]
    return dict(ChainMap(*known, DIFFERENCES))


def reason(case: Case) -> str | None:
    return next((words for words, fits in differences(case.dovecot).items() if fits(case)), None)


def unexplained(cases: list[Case]) -> list[Case]:
    return [case._replace(octets=case.octets[:500]) for case in cases if not reason(case)]


def test_fetch(clients):
    """Every item of FETCH agrees, but for the differences listed; and all these are still there."""
    messages = corpus.letters() | corpus.cpython() | corpus.odd()
    cases = compare(clients, messages)
    assert unexplained(cases) == []
    expected = differences(clients[1].version).keys()
    assert {reason(case) for case in cases} == expected, "a difference that nothing shows any more"
    cut_short = {case.name for case in cases if reason(case) == LINE_END}
    assert cut_short == {name for name in messages if name.startswith(CUT)}


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(corpus.MESSAGES, min_size=4, max_size=12))
def test_fetch_of_chance(clients, messages):
    """So it is with mail that nobody thought of."""
    cases = compare(clients, {f"chance/{number}": octets for number, octets in enumerate(messages)})
    assert unexplained(cases) == []


# ------------------------------------------------------------------------------------- what goes in comes out


def test_append_and_copy_keep_every_octet(clients):
    """APPEND stores what was sent, bare line feeds made CRLF; COPY keeps text, date and flags."""
    messages = corpus.letters() | corpus.odd()
    for client in clients:
        client.fill([], "Copied")
        client.fill(list(messages.values()))
        client.ask(b"STORE 1:5 +FLAGS.SILENT (\\Flagged $Label)")
        client.ask(b"COPY 1:* Copied")
        items = "INTERNALDATE RFC822.SIZE BODY.PEEK[]"
        originals = client.fetch(items)
        assert [one["BODY[]"] for one in originals] == [corpus.crlf(octets) for octets in messages.values()]
        client.ask(b"SELECT Copied")
        assert client.fetch(items) == originals
        assert client.search(b"FLAGGED KEYWORD $Label") == [1, 2, 3, 4, 5]


# ------------------------------------------------------------------------------------- SEARCH

SEARCHES = """
ALL | 1:10 | *:3 | 999 | UID 2:4 | NOT 1:5 | OR 1 2 | (1:9 NOT (3 OR 4 5)) | 1,3,5:7 2:6
ANSWERED | DELETED | DRAFT | FLAGGED | SEEN | UNANSWERED | UNDELETED | UNDRAFT | UNFLAGGED | UNSEEN
KEYWORD $Label | KEYWORD $Other | UNKEYWORD $Label | FLAGGED NOT KEYWORD $Label
LARGER 500 | SMALLER 500 | LARGER 0 SMALLER 100000 | NOT LARGER 500
BEFORE 2-Mar-2026 | BEFORE 3-Mar-2026 | ON 2-Mar-2026 | SINCE 2-Mar-2026 | SINCE 3-Mar-2026
SENTBEFORE 1-Jan-2002 | SENTON 20-Apr-2001 | SENTSINCE 1-Jan-2001 | SENTSINCE 1-Jan-2026 | NOT SENTSINCE 1-Jan-2000
FROM amy | FROM "example.org" | FROM Barry | TO ben | TO python | CC "@" | BCC "@" | SUBJECT a | SUBJECT "test"
SUBJECT "" | HEADER Subject "" | HEADER X-None "" | HEADER MIME-Version 1.0 | HEADER content-type multipart
HEADER Message-ID "<" | HEADER Received "by" | HEADER Date 2001
BODY hello | BODY "the" | BODY "Content-Type" | BODY zzzz | TEXT amy | TEXT python | TEXT "Subject:" | TEXT 2001
CHARSET US-ASCII TEXT the | CHARSET UTF-8 SUBJECT e | FROM amy SUBJECT a UNSEEN | OR FROM amy BODY the | NOT TEXT the
"""
UTF8_SEARCHES = ["é", "É", "ß", "日本", "Zoé", "ü"]

# Reason → does it explain that only one server finds the message of this name, with these octets, by these keys?
SEARCH_DIFFERENCES: dict[str, Callable[[str, str, bytes], bool]] = {
    "what has no Date was sent on no day (RFC 3501 §6.4.4); Dovecot takes 1970": lambda keys, name, octets: (
        keys.startswith("SENTBEFORE") and b"\nDate:" not in octets
    ),
    "a Date that is almost one is read; Dovecot takes 1970": lambda keys, name, octets: (
        "SENT" in keys and name == "cpython/msg_47"
    ),
    "a is not à; Dovecot takes that for an a with an accent, and finds the a": lambda keys, name, octets: (
        keys == "SUBJECT a" and name == "letters/unlabelled"
    ),
    "a Content-Type that is none means text, which is looked in": lambda keys, name, octets: (
        keys.startswith("BODY") and name == "cpython/msg_14"
    ),
}


def search_keys() -> Iterator[bytes]:
    yield from (key.strip().encode() for key in re.split(r" \| |\n", SEARCHES.strip()))
    for word in UTF8_SEARCHES:
        octets = word.encode()
        for key in (b"SUBJECT", b"BODY", b"TEXT", b"FROM"):
            yield b"CHARSET UTF-8 %b {%d+}\r\n%b" % (key, len(octets), octets)


def test_search(clients):
    """Every key of SEARCH finds the same messages."""
    messages = corpus.letters() | corpus.cpython()
    for client in clients:
        client.fill(list(messages.values()))
        client.ask(b"STORE 1:9 +FLAGS.SILENT (\\Flagged)")
        client.ask(b"STORE 4:12 +FLAGS.SILENT (\\Seen $Label)")
        client.ask(b"STORE 8:20 +FLAGS.SILENT (\\Answered \\Draft)")
        client.ask(b"STORE 3 +FLAGS.SILENT (\\Deleted)")
    unexplained, needed = [], set()
    for keys in map(bytes.decode, search_keys()):
        ours, theirs = (set(client.search(keys.encode())) for client in clients)
        for name, octets in (list(messages.items())[number - 1] for number in ours ^ theirs):
            fitting = [reason for reason, fits in SEARCH_DIFFERENCES.items() if fits(keys, name, octets)]
            needed |= set(fitting)
            if not fitting:
                unexplained.append((keys, name))
    assert unexplained == []
    assert needed == SEARCH_DIFFERENCES.keys() or not corpus.cpython()
