"""Sample letters and tables from the checkout's ``data`` folder; `data/README.md` says what each shows."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from difflib import get_close_matches
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
SETS = {  # named sets, in the order of arrival; "all" is every letter by name
    "three-letters": ("lunch", "invoice", "photos"),
    "postman": ("postcard", "bill", "leaflet", "party", "library-card"),
    "thread": ("thread-1", "thread-2", "thread-3", "thread-4"),
    "week": ("newsletter", "swimming", "school-trip", "parcel", "plum-cake", "tickets", "walk"),
    "sorting": ("bill", "leaflet", "party", "invoice", "photos", "newsletter", "prize", "walk"),
    "odd": (
        *("bounce", "french", "eight-bit", "dots", "empty", "no-subject", "forwarded", "invitation"),
        *("prize", "long-way", "panorama", "broken", "unlabelled"),
    ),
}
DEFAULT_DATE = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)


def letters(*names: str) -> list[bytes]:
    """Return sample letters, octet for octet as in their files, ready for `MailServer`.

    Takes names of letters or of sets: ``letters("three-letters")``, ``letters("lunch", "week")``.
    Raises `LookupError`, naming those that exist; `FileNotFoundError` without a ``data`` folder;
    `TypeError` without a name.

    >>> [len(octets) for octets in letters("lunch", "thread")]
    [439, 332, 511, 556, 616]
    """
    if not names or not all(isinstance(name, str) for name in names):
        raise TypeError('letters() takes names, such as letters("three-letters") or letters("lunch", "invoice")')
    known = _files("letters", ".eml")
    wanted = [letter for name in names for letter in _members(name, known)]
    return [known[name].read_bytes() for name in wanted]


def letter(name: str) -> bytes:
    """Return one sample letter by its name. Raises as `letters` does.

    >>> letter("lunch").splitlines()[2]
    b'Subject: Lunch on Thursday'
    """
    known = _files("letters", ".eml")
    return known[_known(name, known, "letter")].read_bytes()


def compose(
    subject: str,
    sender: str = "ben@example.net",
    to: str = "amy@example.org",
    text: str = "Hello,\n\nsee you soon.\n",
    date: datetime = DEFAULT_DATE,
) -> bytes:
    r"""Write a small letter (RFC 5322 §3.6), the same octets for the same arguments.

    Its Message-ID is made from the rest.
    Raises `ValueError` for a header field that contains a line end.

    >>> compose("Tea?").splitlines()[:3]
    [b'From: ben@example.net', b'To: amy@example.org', b'Subject: Tea?']
    """
    message = EmailMessage(SMTP.clone(cte_type="7bit"))
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = format_datetime(date)
    message["Message-ID"] = _message_id(sender, to, subject, str(message["Date"]), text)
    message.set_content(text)
    return message.as_bytes()


def table(name: str) -> list[dict[str, str]]:
    """Return the rows of ``data/NAME.csv``, each a dictionary from column to text. Raises as `letters` does.

    >>> table("ports")[0]["port"]
    '25'
    """
    known = _files(".", ".csv")
    with known[_known(name, known, "table")].open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _members(name: str, known: dict[str, Path]) -> Iterable[str]:
    if name == "all":
        return known
    return SETS.get(name) or [_known(name, [*known, *SETS, "all"], "letter or set")]


def _known(name: str, known: Iterable[str], kind: str) -> str:
    known = list(known)
    if name in known:
        return name
    close = get_close_matches(name, known, n=1)
    guess = f"; did you mean {close[0]!r}?" if close else "."
    raise LookupError(f"there is no {kind} {name!r}{guess} There are: {', '.join(known)}")


def _files(folder: str, suffix: str) -> dict[str, Path]:
    found = {path.stem: path for path in sorted((DATA / folder).glob("*" + suffix))}
    if not found:
        raise FileNotFoundError(
            f"no {suffix} file in {DATA / folder}: letters and tables live in the course's checkout, beside the "
            "package; install it from there with: pip install -e ."
        )
    return found


def _message_id(sender: str, *others: str) -> str:
    domain = parseaddr(sender)[1].rpartition("@")[2] or "example.net"
    digest = hashlib.blake2s("\0".join((sender, *others)).encode(), digest_size=6).hexdigest()
    return f"<{digest}@{domain}>"
