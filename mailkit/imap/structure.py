"""What FETCH and SEARCH say of a message: ENVELOPE, BODYSTRUCTURE, sections, text (RFC 3501 §6.4.5, §7.4.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial

from mailkit.imap import mime
from mailkit.imap.address import addresses
from mailkit.imap.decode import characters, header_text, read_day, without_encoding
from mailkit.imap.mime import Fields, Parameters, Part, remembered
from mailkit.imap.syntax import quote
from mailkit.message import Message, end_of_header

_WHOLE_FIELD = re.compile(rb"^([^\s:][^:\n]*+):[^\n]*+(?:\n[ \t][^\n]*+)*+\n?", re.M)
_BLANK_LINES = (b"\n\r\n", b"\n\n")  # at a header's end, and the line end before


def nstring(octets: bytes | None) -> bytes:
    r"""Write a string as IMAP sends it: quoted where that is allowed, else a literal; None is NIL (RFC 3501 §9).

    A NUL, which IMAP cannot carry, becomes U+FFFD.

    >>> nstring(b'say "ah"'), nstring("é".encode()), nstring(None)
    (b'"say \\"ah\\""', b'{2}\r\n\xc3\xa9', b'NIL')
    """
    return b"NIL" if octets is None else quote(octets.replace(b"\0", b"\xef\xbf\xbd"))


def envelope(message: Message) -> bytes:
    """Return the ENVELOPE of a message, parentheses included (RFC 3501 §7.4.2); kept once built."""
    return _kept(message, "ENVELOPE", _envelope)


def body(message: Message, extensible: bool) -> bytes:
    """Return BODYSTRUCTURE, or BODY where not ``extensible`` (RFC 3501 §7.4.2); kept once built."""
    return _kept(message, "BODYSTRUCTURE" if extensible else "BODY", partial(_describe, extensible=extensible))


def _kept(message: Message, item: str, build: Callable[[bytes, Part], bytes]) -> bytes:
    """Build an answer, or return it as it was built before.

    Fields go when two are built, for few ask for a third: 100,000 messages must fit into memory.
    """
    root = mime.parse(message)
    if item not in root.answers:
        root.answers[item] = build(message.octets, root)
        if len(root.answers) > 1:
            _drop_fields(root)
    return root.answers[item]


def _drop_fields(part: Part) -> None:
    part.fields = None
    for child in part.children:
        _drop_fields(child)


def _fields(octets: bytes, part: Part) -> Fields:
    return mime.known_fields(octets, part.start, part.body) if part.fields is None else part.fields


def _envelope(octets: bytes, part: Part) -> bytes:
    found = _fields(octets, part)
    subject = _last(found, b"subject")
    joined = (b", ".join(found.get(name, ())) for name in mime.ADDRESS_FIELDS)  # of repeated fields all addresses
    listed = map(_addresses, _within(part.room, joined))
    lists = {name: some and b"(%b)" % some for name, some in zip(mime.ADDRESS_FIELDS, listed, strict=True)}
    said = (
        nstring(_last(found, b"date")),
        nstring(subject and subject.strip()),
        lists[b"from"] or b"NIL",
        lists[b"sender"] or lists[b"from"] or b"NIL",
        lists[b"reply-to"] or lists[b"from"] or b"NIL",
        lists[b"to"] or b"NIL",
        lists[b"cc"] or b"NIL",
        lists[b"bcc"] or b"NIL",
        nstring(_last(found, b"in-reply-to")),
        nstring(_last(found, b"message-id")),
    )
    return b"(%b)" % b" ".join(said)


def _within(room: int, values: Iterable[bytes]) -> Iterator[bytes]:
    """Cut values where all together have more octets than there is room for."""
    for value in values:
        yield value[: max(0, room)]
        room -= len(value)


def _last(found: Fields, name: bytes) -> bytes | None:
    """Return a field; of repeated ones an envelope tells the last, as Dovecot's does."""
    return found[name][-1] if name in found else None


@remembered
def _addresses(value: bytes) -> bytes:
    return b"".join(
        b"(%b %b %b %b)" % (nstring(person), nstring(route), nstring(mailbox), nstring(host))
        for person, route, mailbox, host in addresses(value)
    )


def _describe(octets: bytes, part: Part, extensible: bool) -> bytes:
    found = _fields(octets, part) if part.is_mime else {}
    said = _multipart(octets, part, extensible) if part.is_multipart else _single(octets, part, extensible, found)
    if extensible:
        own = _parameter_list(part.parameters) if part.is_multipart else nstring(_first(found, b"content-md5"))
        said += [own, _disposition(found), _languages(found), nstring(_first(found, b"content-location"))]
    return b"(%b)" % b" ".join(said)


def _multipart(octets: bytes, part: Part, extensible: bool) -> list[bytes]:
    inner = b"".join(_describe(octets, child, extensible) for child in part.children)
    return [inner, nstring(part.subtype)]


def _single(octets: bytes, part: Part, extensible: bool, found: Fields) -> list[bytes]:
    is_text = part.type.lower() == b"text"
    parameters = part.parameters
    if is_text and part.parameter(b"charset") is None:  # the default (RFC 2046 §4.1.2); a charset* is one (RFC 2231 §4)
        parameters += ((b"charset", b"us-ascii"),)
    encoding = _first(found, b"content-transfer-encoding")
    said = [
        nstring(part.type),
        nstring(part.subtype),
        _parameter_list(parameters),
        nstring(_first(found, b"content-id")),
        nstring(_first(found, b"content-description")),
        nstring((mime.token(encoding) if encoding else None) or b"7bit"),
        b"%d" % (part.end - part.body),
    ]
    if part.children:
        inner = part.children[0]
        said += [_envelope(octets, inner), _describe(octets, inner, extensible)]
    if is_text or part.children:
        said.append(b"%d" % part.lines)
    return said


def _first(found: Fields, name: bytes) -> bytes | None:
    """Return a field; of repeated ones a body structure tells the first, as Dovecot's does."""
    return found[name][0] if name in found else None


def _parameter_list(parameters: Parameters) -> bytes:
    said = [b"%b %b" % (nstring(name), nstring(value)) for name, value in parameters]
    return b"(%b)" % b" ".join(said) if said else b"NIL"


def _disposition(found: Fields) -> bytes:
    value = _first(found, b"content-disposition")
    read = mime.disposition(value) if value else None
    return b"(%b %b)" % (nstring(read[0]), _parameter_list(read[1])) if read else b"NIL"


def _languages(found: Fields) -> bytes:
    tags = mime.languages(_first(found, b"content-language") or b"")
    return b"(%b)" % b" ".join(nstring(tag) for tag in tags) if tags else b"NIL"


def section(message: Message, path: tuple[int, ...], kind: str, names: tuple[str, ...] = ()) -> bytes | None:
    """Return the octets that ``BODY[section]`` names, or None where the message has no such section (RFC 3501 §6.4.5).

    ``path`` is the part number, ``(4, 2)`` for ``4.2``; ``kind`` one of ``""``, ``HEADER``, ``TEXT``, ``MIME``,
    ``HEADER.FIELDS``, ``HEADER.FIELDS.NOT``, the last two with field ``names``.
    """
    found = _span(message, path, kind.partition(".")[0])
    if found is None:
        return None
    text = message.octets[slice(*found)]
    return _subset(text, names, kind == "HEADER.FIELDS") if kind.startswith("HEADER.") else text


def _span(message: Message, path: tuple[int, ...], kind: str) -> tuple[int, int] | None:
    """Return from where to where a section goes; the message's own parts need no knowledge of MIME."""
    if not path:
        end = len(message.octets)
        text = end_of_header(message.octets, 0, end) if kind else 0
        return {"": (0, end), "HEADER": (0, text), "TEXT": (text, end)}.get(kind)
    part = _find(mime.parse(message), path)
    if part is None:
        return None
    if kind in ("HEADER", "TEXT"):  # of an encapsulated message only
        if not part.is_message or not part.children:
            return None
        part = part.children[0]
    return (part.start, part.body) if kind in ("HEADER", "MIME") else (part.body, part.end)


def _find(root: Part, path: tuple[int, ...]) -> Part | None:
    """Follow part numbers: a multipart's count its parts, of any other message 1 is the whole body."""
    part, is_whole = root, True
    for number in path:
        if not is_whole and part.is_message and part.children:
            part, is_whole = part.children[0], True
        if part.is_multipart:
            if not 0 < number <= len(part.children):
                return None
            part, is_whole = part.children[number - 1], False
        elif is_whole and number == 1:
            is_whole = False
        else:
            return None
    return part


def _subset(header: bytes, names: tuple[str, ...], wanted: bool) -> bytes:
    """Keep the named fields, or all the rest; and the blank line, where there is one."""
    asked = {name.encode("latin-1", "replace").lower() for name in names}
    if not wanted:
        return _WHOLE_FIELD.sub(lambda field: b"" if field[1].rstrip().lower() in asked else field[0], header)
    kept = b"".join(field[0] for field in _WHOLE_FIELD.finditer(header) if field[1].rstrip().lower() in asked)
    return kept + b"\r\n" if header.endswith(_BLANK_LINES) or header in (b"\r\n", b"\n") else kept


def _unfold(header: bytes) -> bytes:
    """Unfold a header to search in: who looks for words with a blank between them need not know of a tab there."""
    return header.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").replace(b"\n ", b" ").replace(b"\n\t", b" ")


def header_values(message: Message, name: str) -> list[str]:
    """Return the decoded values of every field of this name in the message's own header (RFC 2047)."""
    return [header_text(value) for value in _values(message, name)]


def _values(message: Message, name: str) -> Iterator[bytes]:
    wanted = name.encode("latin-1", "replace").lower()  # in this order: beyond ASCII, case counts
    own = mime.fields(_unfold((section(message, (), "HEADER") or b"")[: mime.MAX_HEADER]))
    return (value for field, value in own if field.lower() == wanted)


def envelope_values(message: Message, name: str) -> Iterator[str]:
    """Yield what SEARCH finds a field of ENVELOPE by (RFC 3501 §6.4.4): its values, decoded, and as ENVELOPE has them.

    ENVELOPE knows neither line ends nor comments. Who searches need not either, nor know how many blanks there are.
    """
    values = _fields(message.octets, mime.parse(message)).get(name.lower().encode(), ())
    for value, listed in zip(values, _within(mime.MAX_VALUE, values), strict=True):
        text = header_text(value)
        yield text
        yield _people(listed) if name != "SUBJECT" else " ".join(text.split())


@remembered
def _people(value: bytes) -> str:
    """Write an address list as ENVELOPE has it, one ``name <mailbox@host>`` a line."""
    return "\n".join(
        f"{header_text(b' '.join((person or b'').split()))} <{characters(mailbox or b'')}@{characters(host or b'')}>"
        for person, _, mailbox, host in addresses(value)
    )


def sent_date(message: Message) -> date | None:
    """Return the day of the Date field, its time and zone disregarded (RFC 3501 §6.4.4), or None if it has none."""
    return next((read_day(value) for value in _values(message, "Date")), None)


def searchable(message: Message) -> tuple[str, str]:
    """Return the text that SEARCH looks in, decoded: the headers, its own and its parts', and the texts of the parts.

    TEXT looks in both, BODY in the texts only, as with Dovecot. What is no text counts by its header alone: nobody
    looks for words in an image's base64.
    """
    headers: list[str] = []
    texts: list[str] = []
    parts = [mime.parse(message)]
    while parts:
        part = parts.pop()
        header = _unfold(message.octets[part.start : part.body])
        headers += map(header_text, header.splitlines() if b"=?" in header else (header,))  # a word ends in its line
        if not part.children and part.type.lower() in (b"text", b"message"):
            texts.append(_decoded_text(message.octets, part))
        parts += reversed(part.children)
    return "\n".join(headers), "\n".join(texts)


def _decoded_text(octets: bytes, part: Part) -> str:
    text = octets[part.body : part.end]
    if part.is_mime:
        encoding = mime.token(_first(_fields(octets, part), b"content-transfer-encoding") or b"")
        text = without_encoding(text, (encoding or b"7bit").lower())
    return characters(text, part.parameter(b"charset") or b"utf-8")
