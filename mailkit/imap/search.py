"""SEARCH: criteria become one test, which is put to every message (RFC 3501 §6.4.4)."""

from __future__ import annotations

import codecs
import operator
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from typing import Any, TypeVar

from mailkit.imap import structure
from mailkit.imap.mime import let_go
from mailkit.imap.states import OTHERS_TURN
from mailkit.imap.syntax import Arguments, BadSyntax, spans
from mailkit.imap.view import View
from mailkit.mailbox import MailboxError
from mailkit.message import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN, Message

Read = TypeVar("Read")
Test = Callable[[int, Message], bool]  # place in the view, message → whether it is found

CHARSETS = {  # as Python's codecs are called → as they are registered
    "ascii": "US-ASCII",
    "utf-8": "UTF-8",
    "koi8-r": "KOI8-R",
    "koi8-u": "KOI8-U",
    **{f"iso8859-{number}": f"ISO-8859-{number}" for number in (*range(1, 12), *range(13, 17))},
    **{f"cp{number}": f"windows-{number}" for number in range(1250, 1259)},
}
MAX_CHARSET = 40  # characters of a name; Python remembers each that it was asked for
MAX_TEXTS = 100  # BODY and TEXT keys in one command: each looks through the whole message
EFFORT = 1_000  # keys put to messages, a BODY or TEXT counting as so many, before others have their turn
OCTETS = 1_000_000  # of messages that keys looked through, each for itself; then others have their turn, too
MAX_DEPTH = 50  # of parentheses, NOT and OR in one another
FLAG_KEYS = {"ANSWERED": ANSWERED, "DELETED": DELETED, "DRAFT": DRAFT, "FLAGGED": FLAGGED, "SEEN": SEEN}
FIELD_KEYS = frozenset({"BCC", "CC", "FROM", "SUBJECT", "TO"})
DATE_KEYS: Mapping[str, Callable[[date, date], bool]] = {"BEFORE": operator.lt, "ON": operator.eq, "SINCE": operator.ge}


class Search:
    """The criteria of one SEARCH command.

    Takes the command's arguments, which stand behind the command's name, and the session's view.
    Raises `BadSyntax`, and `MailboxError`: BADCHARSET for a charset that is not known, CANNOT for a day that no
    calendar has, LIMIT for too many BODY and TEXT keys, or too deep a nesting.
    """

    def __init__(self, arguments: Arguments, view: View) -> None:
        self._arguments = arguments
        self._view = view
        self._keys_read = self._texts_read = 0
        self._texts = _Texts()  # the keys hold this and not `self`: no cycle outlives the answer
        self._charset = self._read_charset()
        arguments.space()
        self._test = self._keys(0)
        arguments.end()

    def answer(self, by_uid: bool) -> Iterator[bytes]:
        """Yield the answer: numbers, or UIDs, of messages that meet all criteria and are not already expunged.

        The work may be long: before the answer, others may have their turn from time to time.
        """
        view, test, found = self._view, self._test, []
        at_once = max(1, EFFORT // (self._keys_read + EFFORT * self._texts_read))
        for number, message in view.numbered([range(view.count)]):
            fits = None
            while fits is None:
                try:
                    fits = test(number - 1, message)
                except _OthersTurn:
                    yield OTHERS_TURN
            if fits and not view.is_gone(message):
                found.append(b" %d" % (message.uid if by_uid else number))
            let_go(message)
            if not number % at_once:
                yield OTHERS_TURN
        yield b"* SEARCH%b\r\n" % b"".join(found)

    def _read_charset(self) -> str | None:
        if not self._arguments.take(b" CHARSET "):
            return None
        name = self._arguments.astring().decode("latin-1")
        with suppress(LookupError, ValueError):
            if name.isascii() and len(name) <= MAX_CHARSET and codecs.lookup(name).name in CHARSETS:
                return name
        remedy = "use UTF-8, or none at all, which is search(None, 'UNSEEN') in imaplib"
        code = f"BADCHARSET ({' '.join(CHARSETS.values())})"
        raise MailboxError(f"the charset {name!a} is not known; {remedy}", code)

    def _keys(self, depth: int) -> Test:
        """Read keys, a space between two; all of them must hold."""
        tests = [self._key(depth)]
        while self._arguments.take(b" "):
            tests.append(self._key(depth))
        return tests[0] if len(tests) == 1 else lambda place, message: all(test(place, message) for test in tests)

    def _key(self, depth: int) -> Test:
        """Read one search key."""
        arguments = self._arguments
        self._keys_read += 1
        if depth > MAX_DEPTH:
            raise MailboxError(f"criteria are nested more than {MAX_DEPTH} deep; say it more simply", "LIMIT")
        if arguments.take(b"("):
            group = self._keys(depth + 1)
            arguments.need(b")")
            return group
        if arguments.starts_set():
            return self._among(by_uid=False)
        name = arguments.word("a search key, such as UNSEEN")
        if name == "NOT":
            inner = self._nested(depth)
            return lambda place, message: not inner(place, message)
        if name == "OR":
            one, other = self._nested(depth), self._nested(depth)
            return lambda place, message: one(place, message) or other(place, message)
        if name == "UID":
            arguments.space()
            return self._among(by_uid=True)
        test = self._flag_key(name) or self._text_key(name) or self._date_or_size_key(name)
        if test is None:
            remedy = "these are some: UNSEEN, FROM Ben; a text with a space in it goes in double quotes"
            raise BadSyntax(f"{name} is no search key; {remedy}")
        return test

    def _nested(self, depth: int) -> Test:
        self._arguments.space()
        return self._key(depth + 1)

    def _among(self, by_uid: bool) -> Test:
        chosen, view = self._arguments.sequence_set(), self._view
        # a number that is not there is no error here as it is in FETCH: it is asked for, and not found
        numbers = (range(low - 1, high) for low, high in spans(chosen, view.count))
        places = view.pick(chosen, by_uid) if by_uid else list(numbers)
        starts = [place.start for place in places]

        def test(place: int, message: Message) -> bool:
            at = bisect_right(starts, place) - 1
            return at >= 0 and place in places[at]

        return test

    def _flag_key(self, name: str) -> Test | None:
        is_recent = self._view.is_recent
        wanted = not name.startswith("UN")
        if name == "ALL":
            return lambda place, message: True
        if name == "NEW":
            return lambda place, message: SEEN not in message.flags and is_recent(message)
        if name in ("RECENT", "OLD"):
            return lambda place, message: is_recent(message) is (name == "RECENT")
        if name in ("KEYWORD", "UNKEYWORD"):
            self._arguments.space()
            quoted = self._arguments.next_is(b'"')  # against the grammar, but KMail's library does so
            keyword = (self._arguments.string().decode("latin-1") if quoted else self._arguments.flag()).lower()
            if keyword.startswith("\\"):
                raise BadSyntax(f"{keyword} is no keyword; a flag is a key of its own, such as SEEN or UNSEEN")
            flag = self._view.mailbox.keywords.get(keyword, keyword)
        elif name.removeprefix("UN") in FLAG_KEYS:
            flag = FLAG_KEYS[name.removeprefix("UN")]
        else:
            return None
        return lambda place, message: (flag in message.flags) is wanted

    def _text_key(self, name: str) -> Test | None:
        if name == "HEADER":
            return self._in_field(structure.header_values, self._arguments.next_astring().decode("latin-1"))
        if name in FIELD_KEYS:
            return self._in_field(structure.envelope_values, name)
        if name not in ("BODY", "TEXT"):
            return None
        texts, wanted, header_too = self._texts, self._string(), name == "TEXT"
        self._texts_read += 1
        if self._texts_read > MAX_TEXTS:
            raise MailboxError(f"one SEARCH takes {MAX_TEXTS} BODY and TEXT keys; send several", "LIMIT")

        def look(message: Message) -> bool:
            header, body = texts.of(message, _small_texts, structure.searchable)
            return wanted in body or (header_too and wanted in header)

        return lambda place, message: texts.of(message, look)

    def _in_field(self, values: Callable[[Message, str], Iterable[str]], field: str) -> Test:
        texts, wanted = self._texts, self._string()

        def look(message: Message) -> bool:
            return any(wanted in value for value in texts.of(message, _small_texts, values, field))

        return lambda place, message: texts.of(message, look)

    def _string(self) -> str:
        octets = self._arguments.next_astring()
        try:
            return _small(octets.decode(self._charset or "utf-8"))
        except ValueError:
            raise BadSyntax(f"the text to search for is not in {self._charset or 'UTF-8'}; name its CHARSET") from None

    def _date_or_size_key(self, name: str) -> Test | None:
        if name in ("LARGER", "SMALLER"):
            self._arguments.space()
            limit = self._arguments.number()
            beyond = operator.gt if name == "LARGER" else operator.lt
            return lambda place, message: beyond(message.size, limit)
        if name.removeprefix("SENT") not in DATE_KEYS:
            return None
        self._arguments.space()
        day, fits = self._arguments.date(), DATE_KEYS[name.removeprefix("SENT")]
        if name.startswith("SENT"):
            sent, texts = structure.sent_date, self._texts
            return lambda place, message: (on := texts.of(message, sent)) is not None and fits(on, day)
        return lambda place, message: fits(message.internaldate.date(), day)


class _OthersTurn(Exception):
    """Much work was done; the message is to be tried again when others had their turn. What is known stays known."""


class _Texts:
    """What keys asked of one message, worked out once: its texts in small letters, and what was found in them."""

    def __init__(self) -> None:
        self._message: Message | None = None
        self._known: dict[object, Any] = {}
        self._octets = 0

    def of(self, message: Message, work: Callable[..., Read], *arguments: object) -> Read:
        """Return what ``work`` says of the message. Raises `_OthersTurn`."""
        if self._message is not message:
            self._message, self._known = message, {}
        key = work, arguments
        if key not in self._known:
            if self._octets > OCTETS:
                self._octets = 0
                raise _OthersTurn
            self._known[key] = work(message, *arguments)
            self._octets += message.size  # not before, for work may itself ask for other work
        found: Read = self._known[key]
        return found


def _small_texts(message: Message, read: Callable[..., Iterable[str]], *field: str) -> list[str]:
    return [_small(text) for text in read(message, *field)]


def _small(text: str) -> str:
    """Return a text in small letters, a Σ always the same: Python writes it otherwise at the end of a word.

    >>> _small("ΟΔΟΣ") in _small("ΟΔΟΣΑΝ")
    True
    """
    return text.lower() if text.isascii() else text.lower().replace("ς", "σ")
