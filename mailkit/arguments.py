"""What `MailServer` is told, judged before anything starts; each refusal says what is allowed, and the remedy."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from difflib import get_close_matches
from email.message import Message
from io import IOBase
from typing import Any

from mailkit.message import with_crlf
from mailkit.settings import Settings
from mailkit.store import in_small_letters

ACCOUNT = "(?=.{1,248}$)[a-z0-9]+([.-][a-z0-9]+)*"  # as much as POP3's USER has room for (RFC 2449 §4)
PASSWORD = r"[^\x00-\x1f\x7f\ud800-\udfff]{1,60}"  # POP3's PASS has room for no more (RFC 2449 §4)
MAX_SETTING = 2**31 - 1  # octets, seconds, days: more is a slip, and too much for patterns, timers and RFC 1870's SIZE
LABEL = "(?!-|..--)[a-z0-9-]{1,63}(?<!-)"  # no "xn--": beyond ASCII is not ours (RFC 5321 §4.1.2, RFC 5891 §4.2.3.1)
HOST = rf"(?=.{{,253}}$){LABEL}(\.{LABEL})*"


def check_domain(domain: object) -> None:
    """Raise `ValueError` for what is no domain, or one to which ``mail.`` cannot be put."""
    if not (isinstance(domain, str) and re.fullmatch(HOST, domain)) or len(domain) > 248:
        raise ValueError(f'{domain!r} is no domain; write it in lower case, such as domain="example.org"')


def check_quota(quota: object) -> None:
    """Raise `ValueError` for a quota that is no number of 63 bits (RFC 9208 §3.1.2), nor None."""
    if quota is not None and not _is_number(quota, 2**63 - 1):
        raise ValueError(f"a quota is a number of octets, such as quota=35_000, not {quota!r:.40}")


def check_clock(clock: Callable[[], datetime]) -> None:
    """Raise `TypeError` for what is no function, or returns no time with a zone."""
    now = clock() if callable(clock) else clock
    if not callable(clock) or not isinstance(now, datetime) or now.tzinfo is None:
        words = "a clock is a function that returns a datetime with a time zone"
        raise TypeError(f"{words}, not {now!r:.60}; write clock=lambda: datetime.now().astimezone()")


def check_uidvalidity(uidvalidity: object) -> None:
    """Raise `ValueError` for what is no number of 32 bits from which others can count up (RFC 3501 §2.3.1.1)."""
    if type(uidvalidity) is not int or not 1 <= uidvalidity < 2**32 - 2**16:
        raise ValueError(f"uidvalidity is a number from 1 to {2**32 - 2**16 - 1}, not {uidvalidity!r}")


def octets_of(letter: object) -> bytes:
    """Return a letter's octets, its lines ended by CRLF. Raises `TypeError` for what is no ``bytes``."""
    if isinstance(letter, (bytes, bytearray)):
        return with_crlf(bytes(letter))
    if isinstance(letter, list):
        raise TypeError("a letter is bytes, not list; take one out of the list, such as letters('lunch')[0]")
    kind, remedy = type(letter).__name__, "letters('three-letters') or text.encode()"
    remedy = "message.as_bytes()" if isinstance(letter, Message) else remedy
    raise TypeError(f"a letter is bytes, not {kind}; use {remedy}")


def listed(what: str, items: Iterable[Any]) -> list[Any]:
    """Return the items of an argument, ``what`` its name. Raises `TypeError` for one thing alone, or one of no use."""
    if what == "letters" and (isinstance(items, str) or callable(items)):
        raise TypeError("""letters takes a list of letters; write for example MailServer(letters("three-letters"))""")
    if isinstance(items, (str, bytes, IOBase)) or not isinstance(items, Iterable):
        shown = f"[{items!r:.40}]" if isinstance(items, (str, bytes)) else f"{what}=[…]"
        raise TypeError(f"{what} takes a list, not one {type(items).__name__}; write {shown}")
    found = list(items)
    if what != "letters" and not all(isinstance(item, str) for item in found):
        raise TypeError(f"{what} are names, each in quotes; not {found!r:.60}")
    return found


def passwords_of(accounts: Iterable[str] | Mapping[str, str], password: str | None) -> dict[str, str]:
    """Return every account's password, made where none is given. Raises `TypeError`, `ValueError`."""
    if isinstance(accounts, Mapping) and password is not None:
        raise TypeError("accounts says each password already; leave password out")
    if isinstance(accounts, Mapping):
        found = dict(accounts)
    else:
        names = listed("accounts", accounts)
        found = {name: secrets.token_urlsafe(9) if password is None else password for name in names}
    wrong = [name for name in found if not (isinstance(name, str) and re.fullmatch(ACCOUNT, name))]
    if wrong or not found:
        words = "account names are lower-case ASCII letters, digits, . and - within, 248 at most; at least one account"
        raise ValueError(f"{words}; not {wrong}")
    if not all(isinstance(word, str) and re.fullmatch(PASSWORD, word) for word in found.values()):
        words = "a password is text, 1 to 60 characters in one line"
        raise TypeError(f'{words}; put it in quotes, such as "secret"')
    return found


def _is_number(value: object, most: int = MAX_SETTING) -> bool:
    return type(value) is int and 0 <= value <= most


def settings_of(domain: str, given: dict[str, Any], others: Iterable[str]) -> Settings:
    """Return the settings with those given; ``others`` are names of arguments that one may have meant.

    Raises `TypeError` for a setting that is not there, or of another type, and `ValueError` for its value.
    """
    usual: dict[str, Any] = {field.name: field.default for field in fields(Settings)}
    unknown = sorted(set(given) - set(usual))
    if unknown:
        known = [*usual, *others]
        close = get_close_matches(unknown[0], known, n=1)
        guess = f"; did you mean {close[0]}?" if close else "."
        raise TypeError(f"MailServer takes no {', '.join(unknown)}{guess} Settings are: {', '.join(usual)}")
    expire = given.pop("expire", usual["expire"])
    if expire not in ("NEVER", None) and not _is_number(expire):
        raise ValueError(f'expire is a number of days, "NEVER" or None, not {expire!r:.40}')
    for name, value in given.items():
        kind = type(usual[name])
        if type(value) not in ((int, float) if kind is float else (kind,)):  # True is no number
            raise TypeError(f"{name}={value!r} is no {kind.__name__}; if left out, it is {usual[name]!r}")
        if kind in (int, float) and not 0 < value <= MAX_SETTING:  # SIZE 0 would mean that there is none (RFC 1870 §4)
            raise ValueError(f"{name} is more than 0, and at most {MAX_SETTING}; if left out, it is {usual[name]!r}")
    settings = Settings(**{"host_name": f"mail.{domain}", "expire": expire, **given})
    if not re.fullmatch(HOST, in_small_letters(settings.host_name)):
        raise ValueError(f'{settings.host_name!r} is no name of a host; write for example host_name="mail.{domain}"')
    return settings
