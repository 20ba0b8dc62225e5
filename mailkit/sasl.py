"""A login's response as all three protocols have it: base64 (RFC 4648 §4), and in it PLAIN (RFC 4616 §2)."""

from __future__ import annotations

import binascii
import re

MAX_RESPONSE = 12_288  # octets of a line, whatever the limit of others (RFC 4954 §4, RFC 5034 §4)

_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def from_base64(response: bytes) -> str:
    r"""Return what a response says. Raises `ValueError` for what is not base64 to the letter (RFC 4954 §4).

    >>> from_base64(b"AGFteQBzZWNyZXQ=")
    '\x00amy\x00secret'
    """
    if not _BASE64.fullmatch(response):  # `binascii` takes a "=" too many, in its strict mode, too
        raise ValueError("no base64")
    return binascii.a2b_base64(response).decode("utf-8", "surrogateescape")


def from_plain(response: str) -> tuple[str, str, str]:
    r"""Return for whom, by whom, and the password. Raises `ValueError` where these are not three.

    >>> from_plain("\0amy\0secret")
    ('', 'amy', 'secret')
    """
    acting_for, user, password = response.split("\0")
    return acting_for, user, password
