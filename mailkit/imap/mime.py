"""Where the parts of a message are: an octet-exact scanner (RFC 2045, RFC 2046), and its header fields.

Nothing is decoded and no text is copied here: a `Part` says from where to where, so that what FETCH answers
is what was received. Broken mail gets the reading that loses least, which is mostly Dovecot's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, wraps
from heapq import heappop, heappush, heapreplace
from typing import TypeVar
from urllib.parse import unquote_to_bytes

from mailkit.message import Message, end_of_header

MAX_DEPTH = 99  # parts inside parts; a part deeper than this is shown as it is, unopened
MAX_VALUE = 200_000  # octets of parameters, or of all a message's address lists, that are read; honest mail has less
MAX_HEADER = 1_000_000  # octets of one header that ENVELOPE, BODYSTRUCTURE and SEARCH know the fields of
MAX_PARTS = 10_000  # in one message, 100 octets of their fields counting as one; what follows is the last one's text
MAX_EFFORT = 20  # times that a message of some size is looked through; then no part is opened any more
MIN_KEPT = 100  # octets of a part on average, the first ten left out: structures of smaller ones are not kept
ADDRESS_FIELDS = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")
Parameters = tuple[tuple[bytes, bytes], ...]
Fields = dict[bytes, list[bytes]]  # name in lower case → unfolded values
Read = TypeVar("Read")

_FIELD = re.compile(rb"^([^\s:][^:\n]*+):[ \t]*+([^\n]*+)", re.M)
_KNOWN_FIELD = re.compile(
    rb"^(date|subject|from|sender|reply-to|to|cc|bcc|in-reply-to|message-id|mime-version|content-[a-z0-9-]+)"
    rb"[ \t]*+:[ \t]*+([^\n]*+(?:\n[ \t][^\n]*+)*+)",
    re.M | re.I,
)
_TOKEN = rb'[^\x00-\x20\x7f()<>@,;:\\"/\[\]?=]'  # RFC 2045 §5.1, and octets above 127
_MEDIA_TYPE = re.compile(rb"\s*(" + _TOKEN + rb"++)\s*/\s*(" + _TOKEN + rb"++)")
_PARAMETER = re.compile(
    rb";\s*(" + _TOKEN + rb'++)\s*=\s*(?:"((?:[^"\\]++|\\.)*+)"?|(=[^;\s]*+|' + _TOKEN + rb"*+))", re.S
)
_WORD = re.compile(_TOKEN + rb"+")
_DISPOSITION = re.compile(rb'\s*"?(' + _TOKEN + rb"*+)")
_LANGUAGE = re.compile(rb'(?:^|,)\s*"?([^\s,;"]++)')
_QUOTED_OR_COMMENT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|\(', re.S)
_COMMENT_MARK = re.compile(rb"\\.|[()]", re.S)
_CONTINUATION = re.compile(rb"([^*]+)\*(?:(\d{1,9})(\*)?)?")


def remembered(read: Callable[[bytes], Read]) -> Callable[[bytes], Read]:
    """Keep what short values were read as: the same people write to each other, with the same programs."""
    kept = lru_cache(maxsize=1024)(read)

    @wraps(read)
    def remembering(value: bytes) -> Read:
        return kept(value) if len(value) <= 200 else read(value)

    return remembering


class Part:
    """One body part, or a whole message: where it lies in the octets, and what it says it is.

    ``octets[start:body]`` is the header with its blank line, ``octets[body:end]`` the body. The type is as
    written; it is ``text/plain``, or in a digest ``message/rfc822``, where none is given (RFC 2046 §5.1.5).
    ``children``: the parts of a multipart, or the one message inside a ``message/rfc822``.
    ``room``: octets of its address lists, and of those after it, that are taken apart.
    ``answers`` keeps what IMAP was told of it, ``fields`` what that is made of, for as long as it may be needed.
    """

    __slots__ = (
        "answers", "body", "children", "end", "fields", "is_bulky", "is_message", "is_mime", "is_multipart",
        "lines", "parameters", "room", "start", "subtype", "type",
    )  # fmt: skip

    def __init__(self, start: int, body: int, end: int) -> None:
        self.start, self.body, self.end = start, body, end
        self.lines = 0  # of the body
        self.room = MAX_VALUE
        self.type, self.subtype = b"text", b"plain"
        self.parameters: Parameters = ()
        self.is_mime = False  # else its Content- fields mean nothing (RFC 2045 §4)
        self.is_multipart = self.is_message = self.is_bulky = False
        self.children: list[Part] = []
        self.fields: Fields | None = None
        self.answers: dict[str, bytes] = {}

    def set_type(self, kind: bytes, subtype: bytes, parameters: Parameters = ()) -> None:
        """Give the part its type: a multipart's children are parts, a message/rfc822's is a message (RFC 2046 §5)."""
        self.type, self.subtype, self.parameters = kind, subtype, parameters
        self.is_multipart = kind.lower() == b"multipart"
        self.is_message = kind.lower() == b"message" and subtype.lower() == b"rfc822"

    def parameter(self, name: bytes) -> bytes | None:
        """Return the value of a Content-Type parameter, its name in lower case, or None; decoded by RFC 2231 §4."""
        given = {key.lower(): value for key, value in reversed(self.parameters)}  # of repeated ones the first
        if name in given or name + b"*" not in given:
            return given.get(name)
        return unquote_to_bytes(given[name + b"*"].split(b"'", 2)[-1])  # behind charset'language'


def parse(message: Message) -> Part:
    """Return the message's root `Part`, worked out once and kept in ``message.structure``."""
    root = message.structure
    if not isinstance(root, Part):
        scanner = _Scanner(message.octets)
        message.structure = root = scanner.scan(0, 0)
        root.is_bulky = scanner.parts > 10 + message.size // MIN_KEPT
    return root


def let_go(message: Message) -> None:
    """Keep parts no longer that are so tiny that they take many times the room of the message."""
    if isinstance(message.structure, Part) and message.structure.is_bulky:
        message.structure = None


def fields(header: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield every field of an unfolded header in order: name, value."""
    return ((found[1].rstrip(), found[2].removesuffix(b"\r")) for found in _FIELD.finditer(header))


def known_fields(octets: bytes, start: int, body: int) -> Fields:
    """Return those fields between two offsets that ENVELOPE and BODYSTRUCTURE are made of."""
    found: Fields = {}
    for name, value in _KNOWN_FIELD.findall(octets, start, min(body, start + MAX_HEADER)):
        found.setdefault(name.lower(), []).append(unfold(value.removesuffix(b"\r")))
    return found


def unfold(value: bytes) -> bytes:
    """Take the line ends out of a folded value; the blanks after them stay (RFC 5322 §2.2.3)."""
    return value.replace(b"\r\n", b"").replace(b"\n", b"")


@remembered
def media_type(value: bytes) -> tuple[bytes, bytes, Parameters] | None:
    """Read a Content-Type: type, subtype, parameters; None where it is not one (RFC 2045 §5.1).

    >>> media_type(b'Text/HTML; charset="utf-8" (in a comment)')
    (b'Text', b'HTML', ((b'charset', b'utf-8'),))
    """
    value = without_comments(value[:MAX_VALUE])
    found = _MEDIA_TYPE.match(value)
    return (found[1], found[2], _parameters(value, found.end())) if found else None


@remembered
def disposition(value: bytes) -> tuple[bytes, Parameters] | None:
    """Read a Content-Disposition: type, parameters (RFC 2183 §2); None where it says nothing."""
    value = without_comments(value[:MAX_VALUE])
    found = _DISPOSITION.match(value)
    kind, parameters = (found[1], _parameters(value, found.end())) if found else (b"", ())
    return (kind, parameters) if kind or parameters else None


def languages(value: bytes) -> list[bytes]:
    """Read the tags of a Content-Language (RFC 3282 §2)."""
    return _LANGUAGE.findall(without_comments(value[:MAX_VALUE]))


def token(value: bytes) -> bytes | None:
    """Read a value that is one token, like Content-Transfer-Encoding's (RFC 2045 §6.1); None for anything else."""
    value = without_comments(value[:MAX_VALUE]).strip()
    return value if _WORD.fullmatch(value) else None


def without_comments(value: bytes) -> bytes:
    """Put a blank for every comment outside quotes (RFC 5322 §3.2.2)."""
    if b"(" not in value:
        return value
    kept, at = [], 0
    while found := _QUOTED_OR_COMMENT.search(value, at):
        is_comment = found[0] == b"("
        kept.append(value[at : found.start()] + b" " if is_comment else value[at : found.end()])
        at = end_of_comment(value, found.end()) if is_comment else found.end()
    return b"".join(kept) + value[at:]


def end_of_comment(value: bytes, at: int) -> int:
    """Return the place after the parenthesis that closes the comment around ``at``; comments nest."""
    depth = 1
    for mark in _COMMENT_MARK.finditer(value, at):
        depth += {b"(": 1, b")": -1}.get(mark[0], 0)
        if not depth:
            return mark.end()
    return len(value)


def _parameters(value: bytes, at: int) -> Parameters:
    given = _PARAMETER.finditer(value, at)
    return tuple(_join_continuations((one[1], unquote(one[2]) if one[3] is None else one[3]) for one in given))


def unquote(text: bytes) -> bytes:
    r"""Take the backslashes out of a quoted string's inside (RFC 5322 §3.2.4)."""
    return re.sub(rb"\\(.)", rb"\1", text, flags=re.S) if b"\\" in text else text


def _join_continuations(given: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """Join ``name*0``, ``name*1`` … to one parameter, as RFC 2231 §6 asks of IMAP servers; nothing is decoded."""
    pieces: dict[bytes, list[tuple[int, bool, bytes, bytes]]] = {}
    for name, text in given:
        if found := _CONTINUATION.fullmatch(name):
            piece = (int(found[2] or 0), found[2] is None or bool(found[3]), name, text)
            pieces.setdefault(found[1].lower(), []).append(piece)
        else:
            yield name, text
    for numbered in pieces.values():
        numbered.sort()
        if [number for number, *_ in numbered] == list(range(len(numbered))):
            yield _joined(numbered)
        else:
            yield from ((name, text) for _, _, name, text in numbered)


def _joined(pieces: list[tuple[int, bool, bytes, bytes]]) -> tuple[bytes, bytes]:
    """Join the pieces of one parameter; where one is percent-encoded, the plain ones must become so."""
    _, first_encoded, name, _ = pieces[0]
    name = name.partition(b"*")[0]
    if not any(encoded for _, encoded, *_ in pieces):
        return name, b"".join(text for *_, text in pieces)
    texts = (text if encoded else text.replace(b"%", b"%25") for _, encoded, _, text in pieces)
    return name + b"*", (b"" if first_encoded else b"''") + b"".join(texts)


class _Boundary:
    """The delimiter of an open multipart, and where it comes next; ``number``: how many were opened before it."""

    __slots__ = ("at", "closed", "line", "number")

    def __init__(self, boundary: bytes, number: int) -> None:
        self.line = b"\n--" + boundary
        self.number = number
        self.at = -2  # not looked for yet
        self.closed = False

    def rank(self) -> tuple[int, int, int, _Boundary]:
        """Order delimiters as they are meant: the first; of two in one place the longer, of equal ones the inner."""
        return self.at, -len(self.line), -self.number, self


class _Scanner:
    """One pass over a message. Every open boundary ends what is inside; the longest that fits is meant."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.ranked: list[tuple[int, int, int, _Boundary]] = []  # a heap: boundaries that are open, or were
        self.opened = self.parts = self.lines = self.counted = 0
        self.room = MAX_VALUE
        self.effort = 0  # octets looked through for delimiters
        self.enough = MAX_EFFORT * (len(octets) + 1_000_000)  # below a million octets no nesting takes long

    def scan(self, start: int, depth: int, *, inside: bool = False, digest: bool = False) -> Part:
        """Read the part or message that begins at ``start``."""
        delimiter = self.next_delimiter(start)
        body = end_of_header(self.octets, start, delimiter.at + 1 if delimiter else len(self.octets))
        part = Part(start, body, self.end_of(start))
        self.parts += 1
        self.read_type(part, inside, digest)
        above = self.lines_above(part.body)
        if part.is_multipart or part.is_message:
            self.scan_inside(part, depth + 1)
        part.body = min(part.body, part.end)
        part.lines = max(0, self.lines_above(part.end) - above)
        return part

    def lines_above(self, at: int) -> int:
        """Return how many lines end before this place; asked from place to place, it counts no line again."""
        self.lines += self.octets.count(b"\n", self.counted, at) - self.octets.count(b"\n", at, self.counted)
        self.counted = at
        return self.lines

    def read_type(self, part: Part, inside: bool, digest: bool) -> None:
        """Take the type from the header; one that is no type counts as text (RFC 2045 §5.2)."""
        found = part.fields = known_fields(self.octets, part.start, part.body)
        part.room = self.room
        self.room -= sum(len(value) for name in ADDRESS_FIELDS for value in found.get(name, ()))
        self.parts += sum(len(value) for values in found.values() for value in values) // 100
        part.is_mime = inside or b"mime-version" in found or b"content-type" in found
        if b"content-type" in found:
            if kind := media_type(found[b"content-type"][0]):
                part.set_type(*kind)
        elif digest:
            part.set_type(b"message", b"rfc822")

    def scan_inside(self, part: Part, depth: int) -> None:
        """Read the parts of a multipart, or the message in a message; the part ends where they do."""
        if depth > MAX_DEPTH or self.parts >= MAX_PARTS or self.effort > self.enough:
            part.set_type(b"application", b"octet-stream", part.parameters)
        elif part.is_message:
            part.body = min(part.body, part.end)
            part.children = [self.scan(part.body, depth)]
            part.end = part.children[0].end
        elif (boundary := part.parameter(b"boundary")) is not None:  # an empty one is none of RFC 2046's, and met
            # The blank line may already be before "--abc", which an outer boundary "ab" would claim as its own.
            own = _Boundary(boundary, self.opened)
            self.opened += 1
            heappush(self.ranked, own.rank())
            if self.next_delimiter(part.body) is not own:
                part.body = min(part.body, part.end)
            part.end = self.scan_children(part, own, depth)
        if part.is_multipart and not part.children:  # BODYSTRUCTURE must tell one (RFC 3501 §9, body-type-mpart)
            part.children.append(Part(part.end, part.end, part.end))

    def scan_children(self, parent: Part, own: _Boundary, depth: int) -> int:
        """Read the parts of a multipart, and return where it ends: before its parent's delimiter, or at the end."""
        digest = parent.subtype.lower() == b"digest"
        at = parent.body
        while self.next_delimiter(at) is own:
            after = own.at + len(own.line)
            at = self.octets.find(b"\n", after) + 1
            if self.octets.startswith(b"--", after) or not at or self.parts >= MAX_PARTS:
                break
            child = self.scan(at, depth, inside=True, digest=digest)
            parent.children.append(child)
            at = child.end
        own.closed = True
        return self.end_of(at or len(self.octets))

    def next_delimiter(self, at: int) -> _Boundary | None:
        """Return the open boundary whose line comes first from ``at`` on, the beginning of a line."""
        while self.ranked:
            first = self.ranked[0][-1]
            if first.closed:
                heappop(self.ranked)
            elif first.at < at - 1:
                found = self.octets.find(first.line, at - 1)
                first.at = found if found >= 0 else len(self.octets)
                self.effort += first.at - at
                heapreplace(self.ranked, first.rank())
            else:
                return first if first.at < len(self.octets) else None
        return None

    def end_of(self, at: int) -> int:
        """Return where the text from ``at`` on ends; the line end before a delimiter is the delimiter's."""
        delimiter = self.next_delimiter(at)
        if delimiter is None:
            return len(self.octets)
        cr = self.octets.startswith(b"\r", delimiter.at - 1)
        return max(at, delimiter.at - cr)
