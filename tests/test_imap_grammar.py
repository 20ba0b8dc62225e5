"""IMAP's grammar to the letter (RFC 3501 §9), as `imap.abnf` has it: what the server says, and what it takes."""

import re
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from mailkit.imap.session import ImapSession
from mailkit.settings import Settings
from mailkit.store import Store
from tests import corpus
from tests.abnf import Grammar, answers
from tests.conversation import FOLDER, Direct, Play, read

RULES = (Path(__file__).parent / "imap.abnf").read_text("utf-8")
RIGHT = Grammar(RULES.partition("; ---- more that the server takes")[0])
TAKEN = Grammar(RULES)
ITEMS = (
    "ALL", "BODY", "BODYSTRUCTURE", "(RFC822 RFC822.HEADER RFC822.TEXT)",
    "(BODY.PEEK[] BODY[1]<2.5> BODY[1.1] BODY[2.MIME])",
    '(BODY[HEADER.FIELDS ("a b" Subject {3+}\r\nx]y)] BODY[1.2.HEADER.FIELDS.NOT (nil)]<0.9>)',
)  # fmt: skip
SAMPLES = {  # of rules that are regular expressions, and where a number must be there
    "DQUOTE": ('"',), "CRLF": ("\r\n",),
    "astring": ("INBOX", "Work", "NIL", "a]b", '""', '"a b"', r'"\"\\"', "{0+}\r\n", "{5+}\r\ninbox", "&AOk-", "7"),
    "quoted": ('""', '"a b"', r'"\"\\"'), "atom": ("$Work", "nil"), "list-word": ("*", "%", "In%x", "W*]"),
    "base64": ("AGFteQBzZWNyZXQ=",), "mechanism": ("PLAIN", "X-1"), "tag": ("a1", "]", "-.#"),
    "set-number": ("1", "2", "9", "*"), "nz-number": ("1", "12"), "number": ("0", "007", "4294967295"),
    "partial": ("<0.1>", "<10.4294967295>"), "flag": (r"\Seen", r"\DELETED", "$Work", r"\Other"),
    "date-text": ("1-Feb-1994", "01-jan-0000"),
    "date-time": ('" 7-Feb-1994 21:52:25 -0800"', '"17-JUL-1996 02:44:25 +0530"'),
}  # fmt: skip
STATES = {
    "not-authenticated": b"",
    "authenticated": b"l LOGIN amy secret\r\n",
    "selected": b"l LOGIN amy secret\r\ns SELECT INBOX\r\n",
}
PIECES = (*' ()"{}\\*%a1:,+-.[]<>=\t\r\x7f', "NIL", "  ", "\xe9", "\0")


NO_SYNTAX = re.compile(rb" BAD (there is no message|\d+ is too large|PLAIN wants)")  # but a mistake all the same


def check(octets):
    """Make sure that all the server has said is answers of the grammar."""
    for answer in answers(octets.decode("latin-1")):
        assert RIGHT.fits("answer", answer), answer


def a_session(state, letters=(b"Subject: x\r\n\r\ntext\r\n",) * 12):
    store = Store("example.org", lambda: datetime(2026, 3, 2, 9, tzinfo=UTC))
    amy = store.add_account("amy", "secret")
    for letter in letters:
        amy.inbox.append(letter)
    amy.create("Work")
    session = ImapSession(store, Settings())
    check(b"".join(session.receive(STATES[state])))
    return session


def test_the_grammar_is_no_more_lenient_than_it_should_be():
    right = '* 1 FETCH (BODY ("text" "plain" NIL NIL NIL "7bit" 3 1) UID 2)\r\n'
    changes = (" 3 1", " 3"), ("2)", "2 )"), ("NIL", "()"), ("1 F", "0 F"), (" 1)", "))")
    wrong = [right.replace(*change) for change in changes]
    assert [RIGHT.fits("answer", text) for text in (right, *wrong)] == [True] + [False] * len(wrong)
    body = '* 1 FETCH (BODY ("message" "rfc822" NIL NIL NIL "7bit" 3 %s ("text" "plain" NIL NIL NIL "7bit" 3 1) 1))\r\n'
    assert RIGHT.fits("answer", body % f"({' '.join(['NIL'] * 10)})")
    assert not RIGHT.fits("answer", body % f"({' '.join(['NIL'] * 9)})")
    assert not RIGHT.fits("answer", '* LIST () "/" two words\r\n')
    assert not RIGHT.fits("answer", "* BYE \r\n")


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(FOLDER.glob("imap/*.txt")), ids=lambda path: path.stem)
def test_every_answer_of_a_conversation_is_in_the_grammar(path, monkeypatch):
    for name in ("greeting", "receive", "pending"):
        monkeypatch.setattr(ImapSession, name, heard(getattr(ImapSession, name)))
    conversation = read(path)
    Play(conversation, Direct(conversation)).run()


def heard(method):
    """Return a session's method so that what it says is checked."""

    def checking(session, *arguments):
        said = method(session, *arguments)
        said = said if isinstance(said, bytes) else b"".join(said)
        check(said)
        return iter((said,)) if method.__name__ == "receive" else said

    return checking


@pytest.mark.slow
def test_what_is_told_of_any_letter_is_in_the_grammar():
    chance, letters = Random(1), [*corpus.letters().values(), *corpus.cpython().values(), *corpus.odd().values()]
    letters = [octets for octets in letters if len(octets) < 20_000]
    session = a_session("selected", letters + [spoilt(chance, octets) for octets in letters])
    for number in range(1, 2 * len(letters) + 1):
        for item in ITEMS:
            check(b"".join(session.receive(f"a FETCH {number} {item}\r\n".encode())))


def spoilt(chance, octets):
    """Put something odd into a letter."""
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(octets) + 1)
        odd = chance.choice((*PIECES, ";", "/", "--", "\n", "?=", "{3}")).encode("latin-1")
        octets = octets[:at] + odd + octets[at + 1 :]
    return octets


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("state", STATES)
def test_a_command_is_taken_if_and_only_if_it_is_in_the_grammar(state, seed):
    chance = Random(seed)
    rules = ("any", state, *(("authenticated",) if state == "selected" else ()))
    makes = Grammar(RULES, SAMPLES, chance)
    for _ in range(100):
        command = makes.make(chance.choice((*rules, state, state)))
        if "{" not in command and chance.random() < 0.6:
            at = chance.randrange(len(command) - 2)
            command = command[:at] + chance.choice(PIECES) + command[at + chance.choice((0, 1)) : -2] + "\r\n"
        said = b"".join(a_session(state).receive(command.encode("latin-1")))
        check(said)
        verdict = re.search(rb"^(\+|\S+ (?:OK|NO|BAD)) ", said, re.MULTILINE)
        assert verdict, command
        if any(RIGHT.fits(rule, command) for rule in rules) and not NO_SYNTAX.search(said):
            assert not verdict[1].endswith(b"BAD"), (command, said)
        if not any(TAKEN.fits(rule, command) for rule in rules):
            assert verdict[1].endswith((b"NO", b"BAD")), (command, said)  # NO: what was read so far was refused
