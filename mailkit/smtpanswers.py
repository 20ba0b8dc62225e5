"""What `aiosmtpd` answers of its own, said as this server says it: with the kind of reply, and a remedy."""

from __future__ import annotations

import re

from mailkit.settings import Settings

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_BARE_REPLY = re.compile(r"([245]\d\d) (?!\d\.\d)(?:Error: )?(.*)")
_KINDS = {  # RFC 3463: the kind of reply, which aiosmtpd's own words leave out
    "220": "2.0.0", "250": "2.0.0", "252": "2.0.0", "500": "5.5.2", "501": "5.5.4",
    "502": "5.5.1", "503": "5.5.1", "552": "5.3.4", "555": "5.5.4",
}  # fmt: skip
_REMEDIES = {  # how aiosmtpd's reply begins → what we say instead
    "500 Command line too long": "500 5.5.2 a line is too long; {most.max_line} octets is the most",
    "500 Error: bad syntax": "500 5.5.2 this is not a command; send HELP for the list",
    "500 Error: command 'AUTH'": "503 5.5.1 AUTH is not valid after HELO; send EHLO first",
    "501 Not enough value": "501 5.5.4 AUTH takes a mechanism; this server knows PLAIN and LOGIN",
    "501 Too many values": "501 5.5.4 AUTH takes a mechanism and one response at most",
    "503 Error: nested MAIL": "503 5.5.1 there is a sender already; send RSET to begin anew",
    "503 Error: need MAIL": "503 5.5.1 nobody sends this yet; send MAIL first",
    "503 Error: send HELO": "503 5.5.1 who are you? Send EHLO first",
    "504 5.5.4 Unrecognized": "504 5.5.4 no such mechanism; this server knows PLAIN and LOGIN",
    "552 Error": "552 5.3.4 the message is too large; {most.max_message} octets is the most",
    "553 5.1.3 Error": "553 5.1.3 this is not an address; write it as <amy@example.org>",
}


def worded(reply: str, settings: Settings) -> bytes:
    """Give aiosmtpd's own replies their kind (RFC 2034) and a remedy; greetings and ours stay as they are.

    >>> worded("501 Syntax: RSET", Settings()), worded("250 mail.example.org", Settings())
    (b'501 5.5.4 Syntax: RSET', b'250 mail.example.org')
    """
    ours = (words.format(most=settings) for start, words in _REMEDIES.items() if reply.startswith(start))
    reply = _CONTROLS.sub("?", next(ours, reply))
    bare = _BARE_REPLY.fullmatch(reply)
    if bare and bare[1] in _KINDS and not bare[2].startswith((settings.host_name, "HELP")):
        reply = f"{bare[1]} {_KINDS[bare[1]]} {bare[2]}"
    return reply.encode("ascii", "backslashreplace")[: 512 - len("\r\n")]  # RFC 5321 §4.5.3.1.5
