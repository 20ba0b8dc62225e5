"""What an SMTP command and a reply look like (RFC 5321 §4.1.1, §4.1.2, §4.2)."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping

FORMS: Mapping[str, str] = {  # how each command is said
    "AUTH": "AUTH mechanism [initial-response]",
    "DATA": "DATA",
    "EHLO": "EHLO hostname",
    "HELO": "HELO hostname",
    "HELP": "HELP [command]",
    "MAIL": "MAIL FROM:<address> [parameters]",
    "NOOP": "NOOP [anything]",
    "QUIT": "QUIT",
    "RCPT": "RCPT TO:<address>",
    "RSET": "RSET",
    "STARTTLS": "STARTTLS",
    "VRFY": "VRFY address",
}
MAX_PATH = 900  # octets; written into Return-Path:, whose lines have 998 at most (RFC 5322 §2.1.1)
MAX_REPLY = 512  # octets of a line, CRLF included (§4.5.3.1.5)

_ATOM = r'[^\s<>()\[\]:;,.\\"@\x00-\x1f\x7f\ud800-\udfff]+'
_ATOMS = rf"{_ATOM}(?:\.{_ATOM})*"
_PATH = re.compile(  # a source route is passed over (appendix C)
    rf'(?:FROM|TO): *<(?:@[^<>:\s]+:)?((?:{_ATOMS}|"(?:[ !#-\[\]-~]|\\[ -~])*")(?:@(?:{_ATOMS}|\[[!-Z^-~]+\]))?)?>'
    r"(?: +(.*))?",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r"([A-Z0-9][A-Z0-9-]*)(?:=([!-<>-~]+))?")  # in capitals
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST = re.compile(  # Domain or address-literal; and "_", or a dot at the end, as they are met in the wild
    rf"(?=.{{1,255}}$){_LABEL}(?:\.{_LABEL})*\.?|\[[A-Za-z0-9.:-]{{1,255}}\]"
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class Refusal(Exception):
    """What was asked for will not be done; the text is a whole reply."""


def check_ascii(address: str, utf8: bool) -> None:
    """Raise `Refusal` for an address beyond ASCII where MAIL has not said SMTPUTF8 (RFC 6531 §3.5)."""
    if not (address.isascii() or utf8):
        raise Refusal("553 5.6.7 an address beyond ASCII needs the SMTPUTF8 parameter of MAIL")


def check_host(name: str, command: str) -> None:
    """Raise `Refusal` for a name that is none, and would break Received: (RFC 5321 §4.1.4)."""
    if not name:
        raise Refusal(f"501 5.5.4 say {FORMS[command]}")
    if not _HOST.fullmatch(name):
        raise Refusal("501 5.5.4 this is not the name of a host; send for example EHLO laptop.example.org")


def parse_path(command: str, argument: str) -> tuple[str, dict[str, str]]:
    """Return an address without brackets, and the parameters after it, in capitals; one without a value has "".

    Takes MAIL or RCPT, and what was said after it. Raises `Refusal` where that is none, or a parameter comes twice.

    >>> parse_path("MAIL", "FROM:<amy@example.org> size=100 SMTPUTF8")
    ('amy@example.org', {'SIZE': '100', 'SMTPUTF8': ''})
    """
    if not argument.upper().startswith("FROM:" if command == "MAIL" else "TO:"):
        raise Refusal(f"501 5.5.4 say {FORMS[command]}")
    cut = _PATH.fullmatch(argument)
    if not cut or len((cut[1] or "").encode()) > MAX_PATH:
        raise Refusal("553 5.1.3 this is not an address; write it as <amy@example.org>")
    words = (cut[2] or "").upper().split()
    found = [_PARAMETER.fullmatch(word) for word in words]
    named = {one[1]: one[2] or "" for one in found if one}
    if len(named) < len(words):
        raise Refusal("501 5.5.4 write each parameter once, as NAME or NAME=value")
    return cut[1] or "", named


def from_base64(response: bytes) -> str:
    """Return what a response to a challenge says (RFC 4954 §4). Raises `Refusal`."""
    try:
        return b64decode(response, validate=True).decode("utf-8", "surrogateescape")
    except ValueError:
        raise Refusal("501 5.5.2 this is not base64; send AUTH again") from None


def reply_line(reply: str) -> bytes:
    r"""Return a line of a reply, in ASCII and not too long.

    >>> reply_line("550 no zoé\x00 here")
    b'550 no zo\\xe9? here\r\n'
    """
    return _CONTROLS.sub("?", reply).encode("ascii", "backslashreplace")[: MAX_REPLY - len("\r\n")] + b"\r\n"
