"""Mail to compare servers with: sample letters, CPython's test messages, oddities made by hand, and made by chance."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parent.parent


def crlf(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def letters() -> dict[str, bytes]:
    """The course's own sample letters."""
    return {f"letters/{path.stem}": path.read_bytes() for path in sorted(ROOT.glob("data/letters/*.eml"))}


def cpython() -> dict[str, bytes]:
    """The messages that CPython tests its ``email`` package with; none where its tests are not installed."""
    found = importlib.util.find_spec("test")
    folders = found.submodule_search_locations if found else ()
    paths = [path for folder in folders or () for path in Path(folder, "test_email", "data").glob("*.txt")]
    return {f"cpython/{path.stem}": crlf(path.read_bytes()) for path in sorted(paths)}


# Each becomes a message with this From; those after a name beginning with "broken" break RFC 5322.
ADDRESSES = {
    "one": "amy@example.org",
    "name": "Amy <amy@example.org>",
    "quoted name": '"Amy \\"A.\\" Example" <amy@example.org>',
    "two": "Amy <amy@example.org>, ben@example.net",
    "comment for a name": "amy@example.org (Amy (the one) Example)",
    "comments around": "(x) Amy (y) <(z) amy@example.org (q)> (r)",
    "quoted local part": '"a b"@example.org, <"a@b"@example.org>',
    "literal host": "amy@[192.0.2.1]",
    "route": "<@a.example,@b.example:amy@example.org>",
    "blanks around dots": "amy@example . org",
    "group": "friends: Amy <amy@example.org>, ben@example.net;, carl@example.com",
    "empty group": "undisclosed-recipients:;",
    "empty": "",
    "blank": " ",
    "folded": "Amy\r\n\tExample <amy@example.org>,\r\n ben@example.net",
    "initials": 'J. R. Smith <jr@example.org>, J.R. "Q" Smith <jrq@example.org>',
    "encoded": "=?utf-8?q?Zo=C3=A9?= <zoe@example.org>",
    "null path": "<>",
    "local only": "amy",
    "name only": "Amy Example",
    "dots": "a..b@example.org, .a@example.org, a.@example.org",
    "comment only": "(nobody)",
    "broken: nothing between commas": "amy@example.org,, ben@example.net,",
    "broken: two words before @": "amy example@example.org",
    "broken: no host": "Amy <amy@>",
    "broken: no local part": "Amy <@example.org>",
    "broken: group in a group": "a: b: c@example.org;",
    "broken: semicolons": "amy@example.org; ben@example.net",
    "broken: no comma": "amy@example.org ben@example.net",
    "broken: word after": "<amy@example.org> Amy, ben@example.net",
    "broken: open bracket": "Amy <amy@example.org, ben@example.net",
    "broken: bracket twice": "<<amy@example.org>>",
    "broken: open quote": '"Amy <amy@example.org>',
    "broken: open comment": "amy@example.org (Amy",
    "broken: backslash": "\\Amy <amy@example.org>",
    "broken: trailing dot": "amy@example.org.",
    "broken: scheme": "<mailto:amy@example.org>",
    "broken: brackets for a name": "[Amy] <amy@example.org>",
}

# Each becomes a MIME message with this Content-Type.
TYPES = {
    "charset": 'text/html; charset="utf-8"; format=flowed',
    "capitals": "TEXT/Plain; CharSet=UTF-8",
    "comments": "text (o(o)f) / (the) plain; (c) a=b",
    "blanks": "text / plain ; a = b",
    "folded": 'text/plain;\r\n\tname="a\r\n b"',
    "no value": "text/plain; charset=; a",
    "escapes": 'image/png; name="a\\\\b\\"c"',
    "eight bits": 'text/plain; name="\u00e9"',
    "encoded word": "image/png; name==?utf-8?q?=C3=A9?=; x=y",
    "continued": "image/png; name*0=part; name*1=ly.png; x=y",
    "continued, encoded": "image/png; name*1=100%; name*0*=utf-8''%C3%A9",
    "gap in the numbers": "image/png; name*0=a; name*2=c",
    "encoded": "image/png; name*=utf-8''%C3%A9",
    "encoded, unknown charset": "image/png; name*=x-none''a%2Fb",
    "other case": "image/png; NAME*0=a; name*1=b",
    "twice": "text/plain; a=b; a=c",
    "words": "text/plain; a=b c; d=e",
    "external": 'message/external-body; access-type=URL; url="x"',
    "partial": "message/partial; id=x; number=1",
    "unknown": "x-a/x-b",
    "broken: no subtype": "text",
    "broken: empty subtype": "image/; name=x",
    "broken: empty": "",
    "broken: quoted": '"image"/"png"',
    "broken: comma": "image/png, name=x",
    "broken parameter: open quote": 'image/png; name="x',
    "broken parameter: no name": "image/png; =x; y=z",
    "broken parameter: two semicolons": "image/png;; y=z",
}

FIELDS = {
    "encoding": "Content-Transfer-Encoding: BASE64 (c)",
    "encoding, wrong": "Content-Transfer-Encoding: 7bit; x",
    "id": "Content-ID:  <a>\r\n <b> ",
    "description": 'Content-Description: a\tb  "c"\r\n d',
    "disposition": 'Content-Disposition: attachment; filename="a b"; size=3',
    "disposition, no type": "Content-Disposition: ; filename=x",
    "disposition, encoded": "Content-Disposition: inline; filename*=utf-8''%C3%A9",
    "language": "Content-Language: en, de-AT (c)",
    "location": "Content-Location: http://example.org/\r\n a",
    "md5": "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==",
    "twice": "Content-ID: <a>\r\nContent-ID: <b>",
    "broken: empty disposition": "Content-Disposition: ",
    "broken: quoted language": 'Content-Language: "en"',
    "broken: second disposition": "Content-Disposition: inline\r\nContent-Disposition: attachment; filename=x",
}

HEADERS = {
    "empty values": "Date:\r\nSubject:\r\nFrom:\r\nTo:\r\nMessage-ID:\r\nIn-Reply-To:",
    "folded": "Subject:\r\n a\r\n\tb \r\n  c\r\nDate: x\r\n\ty\r\nIn-Reply-To: <a>\r\n <b>",
    "blank line with blanks": "Subject: a\r\n  \r\nDate: b",
    "before the colon": "Subject : a\r\nDate\t: b",
    "repeated": "Subject: a\r\nSubject: b\r\nFrom: a@b\r\nFrom: c@d\r\nTo: a@b\r\nto: c@d\r\nDate: a\r\nDate: b",
    "sender": "From: a@b\r\nSender: c@d\r\nReply-To: e@f",
    "empty sender": "From: a@b\r\nSender:\r\nReply-To: ",
    "no colon": "not a field\r\nSubject: a",
    "fold first": " folded\r\nSubject: a",
    "eight bits": "Subject: \u00e9\r\nDate: \u00e9\r\nFrom: \u00e9 <\u00e9@\u00e9>\r\nMessage-ID: \u00e9",
    "mailbox line": "From amy@example.org Mon\r\nSubject: a",
    "quotes": 'Subject: "a" \\ b\r\nMessage-ID: "a\\"',
    "bare carriage return": "Subject: a \r b\r\nX: y",
    "colons": ": a\r\n:b\r\nX Y: z\r\nSubject: a:b",
    "long": "Subject: " + "word " * 20_000,
    "long name": "X" * 100_000 + ": y\r\nSubject: a",
    "many": "To: " + ", ".join(f"amy{number}@example.org" for number in range(1000)),
    "no mime version": "Content-ID: <a>\r\nContent-Transfer-Encoding: base64",
}

# What follows a multipart/mixed header with the boundary "b"; "broken" is what no sender should send.
MULTIPARTS = {
    "two": "--b\n\none\n--b\n\ntwo\n--b--\n",
    "preamble, epilogue": "pre\n--b\n\na\n--b--\nepi\n",
    "empty line first": "\n\n--b\n\na\n\n--b--\n\n",
    "blanks after": "--b  \n\na\n--b--  \nepi\n--b\n\nlater\n--b--",
    "empty parts": "--b\n\n--b\n--b\n\n\n--b--\n",
    "header only": "--b\nX: y\n\n--b\nX: y\n--b--\n",
    "not delimiters": "--b\n\na\n --b\nx--b\n-b\n--\n--b--\n",
    "longer than the boundary": "--b\n\na\n--bc\n\nd\n--b--\n",
    "digest": "--b\nContent-Type: multipart/digest; boundary=c\n\n"
    "--c\n\nSubject: d\n\nt\n--c\nContent-Type: text/plain\n\nu\n--c--\n--b--\n",
    "message": "--b\nContent-Type: message/rfc822\n\nSubject: in\nFrom: a@b\n\ntext\n--b--\n",
    "message in a message": "--b\nContent-Type: message/rfc822\n\n"
    "Content-Type: message/rfc822\n\nSubject: in\n\nz\n--b--\n",
    "multipart in a message": "--b\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=c\n\n"
    "--c\n\nx\n--c\n\ny\n--c--\n--b\n\nz\n--b--\n",
    "inner boundary longer": "--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\nt\n--bb\n\nu\n--bb--\n--b--\n",
    "inner boundary ends in dashes": '--b\nContent-Type: multipart/mixed; boundary="b--"\n\n'
    "--b--\n\nt\n--b----\nx\n--b--\n",
    "same boundary inside": "--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nt\n--b--\nx\n--b\n\ny\n--b--\n",
    "broken: nothing": "",
    "broken: no part": "text\n",
    "broken: no end": "--b\n\na\n",
    "broken: no end of line": "--b\n\na",
    "broken: ends in a delimiter": "--b\n\na\n--b",
    "broken: end only": "--b--\n",
    "broken: outer ends inner": "--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nt\n--b--\n--c--\n",
    "broken: no boundary inside": "--b\nContent-Type: multipart/mixed\n\n--c\nx\n--b--\n",
    "broken: no blank line": "--b\nX: y\ntext\n--b--\n",
    "broken: only a header in a message": "--b\nContent-Type: message/rfc822\n\nSubject: in\n--b--\n",
    "broken: only a header, and a blank line": "--b\nContent-Type: message/rfc822\n\nSubject: in\n\n--b--\n",
    "broken: nothing in a message": "--b\nContent-Type: message/rfc822\n\n--b--\n",
    "broken: encoded message": "--b\nContent-Type: message/rfc822\n"
    "Content-Transfer-Encoding: base64\n\nU3ViamVjdA\n--b--\n",
    "broken: type in a digest": "--b\nContent-Type: multipart/digest; boundary=c\n\n"
    "--c\nContent-Type: x\n\nd\n--c--\n--b--\n",
}

WHOLE = {
    "blank line": "\r\n",
    "body only": "\r\nbody\r\n",
    "header only": "Subject: a\r\n",
    "no line end": "Subject: a",
    "no blank line": "Subject: a\r\nbody\r\n",
    "no last line end": "Subject: a\r\n\r\nbody",
    "bare line feeds": "Subject: a\n\nMIME-Version: 1.0\nbody\n",
    "mixed line ends": "Subject: a\n\r\nb\r\nc\n",
    "capital host": "From: Amy@Example.ORG\r\n\r\nbody\r\n",
    "message": "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntext\r\n",
    "capital message": "Content-Type: MESSAGE/RFC822\r\n\r\nSubject: in\r\n\r\ntext\r\n",
    "empty message": "Content-Type: message/rfc822\r\n\r\n",
    "multipart message": "Content-Type: message/rfc822\r\n\r\n"
    "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c\r\n\r\ny\r\n--c--\r\n",
    "no boundary": "MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n\r\n--b\r\n\r\na\r\n--b--\r\n",
    "empty boundary": 'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\na\r\n----\r\n',
    "quoted boundary": 'Content-Type: multipart/mixed; boundary="a b"\r\n\r\n--a b\r\n\r\na\r\n--a b--\r\n',
    "coded boundary": "Content-Type: multipart/mixed; boundary*=us-ascii''b\r\n\r\n--b\r\n\r\na\r\n--b--\r\n",
    "coded charset": "Content-Type: text/plain; charset*=us-ascii''utf-8\r\n\r\na\r\n",
    "deep multiparts": "MIME-Version: 1.0\r\n"
    + "".join(f"Content-Type: multipart/mixed; boundary=x{n}x\r\n\r\n--x{n}x\r\n" for n in range(120)),
    "deep messages": "MIME-Version: 1.0\r\n"
    + "Content-Type: message/rfc822\r\n\r\n" * 120
    + "Subject: deep\r\n\r\nx\r\n",
}


def odd() -> dict[str, bytes]:
    """All the oddities above, as whole messages."""
    multipart = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    texts = {f"from/{name}": f"From: {value}\r\n\r\nx\r\n" for name, value in ADDRESSES.items()}
    parts = {f"type/{name}": f"Content-Type: {value}" for name, value in TYPES.items()}
    parts |= {f"field/{name}": value for name, value in FIELDS.items()}
    texts |= {name: f"MIME-Version: 1.0\r\n{value}\r\n\r\nx\r\n" for name, value in parts.items()}
    texts |= {f"header/{name}": f"{value}\r\n\r\nx\r\n" for name, value in HEADERS.items()}
    texts |= {f"multipart/{name}": multipart + value.replace("\n", "\r\n") for name, value in MULTIPARTS.items()}
    texts |= {f"whole/{name}": value for name, value in WHOLE.items()}
    return {name: text.encode() for name, text in texts.items()}


WORDS = st.sampled_from(
    ["letter", "Zoé", "“quoted”", "a", "lunch at one", "=?utf-8?q?=C3=A9?=", "x" * 90, "1 + 1", "日本"]
)
WHOLESOME = [
    name for name in ADDRESSES if not name.startswith("broken") and name not in ("empty", "blank", "comment only")
]
ADDRESS = st.sampled_from([ADDRESSES[name] for name in WHOLESOME])
ADDRESS_LISTS = st.lists(ADDRESS, min_size=1, max_size=3).map(", ".join)
TYPE = st.sampled_from([value for name, value in TYPES.items() if not name.startswith("broken")])
CONTENT_FIELD = st.sampled_from([value for name, value in FIELDS.items() if not name.startswith("broken")])
HEADER_FIELD = st.one_of(
    st.builds("{}: {}".format, st.sampled_from(["Subject", "Comments", "subject", "X-Word"]), WORDS),
    st.builds("{}: {}".format, st.sampled_from(["From", "To", "Cc", "Bcc", "Sender", "Reply-To"]), ADDRESS_LISTS),
    st.sampled_from(["Date: Mon, 2 Mar 2026 09:00:00 +0100", "Message-ID: <a@example.org>", "In-Reply-To:\r\n <b@c>"]),
)
LINES = st.lists(st.sampled_from(["", "text", "--", "--none", "From me", ".", "é" * 40, " "]), max_size=6)
TEXT = LINES.map("\r\n".join)
CONTENT = st.lists(CONTENT_FIELD, max_size=2)


def _leaf(kind: str, fields: list[str], text: str) -> str:
    return "\r\n".join([f"Content-Type: {kind}", *fields]) + "\r\n\r\n" + text


def _message(fields: list[str], part: str) -> str:
    return "\r\n".join([*fields, "MIME-Version: 1.0", part])


def _multipart(kind: str, boundary: str, parts: list[str], around: str) -> str:
    inside = "".join(f"\r\n--{boundary}\r\n{part}" for part in parts)
    return (
        f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n{around}{inside}\r\n--{boundary}--\r\n{around}'
    )


HEADERS_OF_A_MESSAGE = st.lists(HEADER_FIELD, max_size=5)
LEAVES = st.builds(_leaf, TYPE, CONTENT, TEXT)
PARTS = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.builds(
            _multipart,
            st.sampled_from(["mixed", "alternative", "digest", "related"]),
            st.sampled_from(["b", "c", "bb", "b--", "b c", "outer", "outer2"]),
            st.lists(parts, min_size=1, max_size=3),
            TEXT,
        ),
        st.builds("Content-Type: message/rfc822\r\n\r\n{}".format, st.builds(_message, HEADERS_OF_A_MESSAGE, parts)),
    ),
    max_leaves=5,
)
MESSAGES = st.builds(_message, HEADERS_OF_A_MESSAGE, PARTS).map(str.encode)
