"""What an SMTP command and a reply look like (RFC 5321 §4.1.1, §4.1.2, §4.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address

from mailkit.sasl import from_base64
from mailkit.store import in_small_letters

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

_ATOM = r'[^\x00- <>()\[\]:;,.\\"@\x7f\ud800-\udfff]+'  # beyond ASCII all that UTF-8 can say (RFC 6531 §3.3)
_ATOMS = rf"{_ATOM}(?:\.{_ATOM})*"
_QUOTED = r'"(?:[^\x00-\x1f"\\\x7f\ud800-\udfff]|\\[ -~])*"'
_ROUTE = rf"@{_ATOMS}(?:,@{_ATOMS})*:"  # passed over (appendix C)
_PATH = re.compile(
    rf"(?:FROM|TO): *<(?:(?:{_ROUTE})?((?:{_ATOMS}|{_QUOTED})(?:@(?:{_ATOMS}|\[[!-Z^-~]+\]))?)|)>(?: +(.*))?",
    re.IGNORECASE | re.ASCII,
)
_ADDRESS = re.compile(rf"({_QUOTED}|[^@]*)(?:@(.*))?")
_PARAMETER = re.compile(r"([A-Z0-9][A-Z0-9-]*)(?:=([!-<>-~]+))?", re.IGNORECASE | re.ASCII)
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,255}}$){_LABEL}(?:\.{_LABEL})*\.?")  # with "_", or a dot at the end, as met in the wild
_LITERAL = re.compile(r"\[(IPv6:)?([0-9A-F.:]+)\]", re.IGNORECASE | re.ASCII)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class Refusal(Exception):
    """What was asked for will not be done; the text is a whole reply."""


def check_ascii(argument: str, utf8: bool, code: int) -> None:
    """Raise `Refusal` for a path beyond ASCII where MAIL has not said SMTPUTF8 (RFC 6531 §3.5)."""
    if not (argument.isascii() or utf8):
        raise Refusal(f"{code} 5.6.7 an address beyond ASCII needs the SMTPUTF8 parameter of MAIL")


def check_host(name: str, command: str) -> None:
    """Raise `Refusal` for a name that is none, and would break Received: (RFC 5321 §4.1.4)."""
    if not name:
        raise Refusal(f"501 5.5.4 say {FORMS[command]}")
    if not _is_host(name):
        raise Refusal("501 5.5.4 this is not the name of a host; send for example EHLO laptop.example.org")


def _is_host(name: str) -> bool:
    """Tell whether this is a domain, or an IP address in brackets (RFC 5321 §4.1.2, §4.1.3): no other is registered."""
    # numbers there may begin with zeros, which `ip_address` refuses
    found = _LITERAL.fullmatch(re.sub(r"\b0{1,2}(?=[0-9]{1,2}\b)", "", name, flags=re.ASCII))
    try:
        return bool(_HOST.fullmatch(name) or (found and ip_address(found[2]).version == (6 if found[1] else 4)))
    except ValueError:
        return False


def split_address(address: str) -> tuple[str, str]:
    """Return what stands before the @, as it is, and the domain, in small letters; "" where there is none.

    >>> split_address('"a@b"@Example.org'), split_address("amy")
    (('"a@b"', 'example.org'), ('amy', ''))
    """
    cut = _ADDRESS.fullmatch(address)
    assert cut is not None
    return cut[1], in_small_letters(cut[2] or "")


def parse_path(command: str, argument: str, domain: str) -> tuple[str, dict[str, str]]:
    """Return an address without brackets, and the parameters after it, in capitals; one without a value has "".

    Takes MAIL or RCPT, what was said after it, and our domain, with which an address that has none is completed: what
    we write into a trace, or pass on, must have one. Raises `Refusal` where that is none, or a parameter comes twice.

    >>> parse_path("MAIL", "FROM:<amy> size=100 SMTPUTF8", "example.org")
    ('amy@example.org', {'SIZE': '100', 'SMTPUTF8': ''})
    """
    if not argument.upper().startswith("FROM:" if command == "MAIL" else "TO:"):
        raise Refusal(f"501 5.5.4 say {FORMS[command]}")
    cut = _PATH.fullmatch(argument)
    address = (cut and cut[1]) or ""
    if address and not split_address(address)[1]:
        address += f"@{domain}"
    status = "5.1.7" if command == "MAIL" else "5.1.3"
    host = re.sub("[^\0-\x7f]", "x", split_address(address)[1])  # beyond ASCII all goes (RFC 6531 §3.3)
    if not cut or not (address or command == "MAIL") or (host and not _is_host(host)):
        raise Refusal(f"553 {status} this is not an address; write it as <amy@example.org>")
    if len(address.encode()) > MAX_PATH:
        raise Refusal(f"501 {status} the path is too long; {MAX_PATH} octets is the most")
    words = [word for word in (cut[2] or "").split(" ") if word]
    found = [_PARAMETER.fullmatch(word) for word in words]
    named = {one[1].upper(): (one[2] or "").upper() for one in found if one}
    if len(named) < len(words):
        raise Refusal("501 5.5.4 write each parameter once, as NAME or NAME=value")
    return address, named


def decoded(response: bytes) -> str:
    """Return what a response to a challenge says (RFC 4954 §4). Raises `Refusal`."""
    try:
        return from_base64(response)
    except ValueError:
        raise Refusal("501 5.5.2 this is not base64; send AUTH again") from None


def reply_line(reply: str) -> bytes:
    r"""Return a line of a reply, in ASCII and not too long.

    >>> reply_line("550 no zoé\x00 here")
    b'550 no zo\\xe9? here\r\n'
    """
    return _CONTROLS.sub("?", reply).encode("ascii", "backslashreplace")[: MAX_REPLY - len("\r\n")] + b"\r\n"
