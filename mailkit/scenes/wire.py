"""Somebody sits on the line: what he reads, with and without TLS; every way to begin against every way to listen."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import ssl
from base64 import b64encode
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Literal, get_args

from mailkit.render import DEVICE_FILL, GREEN, GROUND, INK, RIM, SERVER_FILL, VERMILLION, Picture, framed, svg_text
from mailkit.samples import letter
from mailkit.scenes.tables import Table
from mailkit.server import MailServer
from mailkit.sockets import Address
from mailkit.transcript import Transcript
from mailkit.wiretap import Wiretap

Beginning = Literal["in the clear", "STARTTLS if offered", "STARTTLS", "TLS from the start"]
Attack = Literal["listens", "swaps the certificate", "takes the offer out"]
Protocol = Literal["POP3", "IMAP", "SMTP"]

PASSWORD, SECRET = "secret", "blue flowerpot"  # what is to be kept: the one to the box, the other in the letter
_LAPTOP = "laptop.example.org"  # otherwise `smtplib` would give the machine's own name


def overheard(tap: Wiretap) -> str:
    """Say what whoever holds the wiretap has read: the password, the letter, both, or nothing."""
    hidden = b64encode(f"\0amy\0{PASSWORD}".encode())  # as SMTP's AUTH PLAIN sends it (RFC 4616)
    found = {"the password": PASSWORD in tap or hidden in tap, "the letter": SECRET in tap}
    return " and ".join(what for what, read in found.items() if read) or "nothing"


def try_words(address: Address, words: Iterable[str]) -> list[str]:
    """Try passwords for Amy's box on one POP3 line; return the server's answers, until it hangs up or one is right."""
    answers: list[str] = []
    pop = poplib.POP3(*address)
    for word in words:
        try:
            pop.user("amy")
            answers.append(pop.pass_(word).decode())
        except OSError:  # the line is down
            break
        except poplib.error_proto as refusal:
            if not isinstance(refusal.args[0], bytes):  # `poplib`'s own words, not the server's: it is down, too
                break
            answers.append(refusal.args[0].decode())
        else:
            break
    with suppress(OSError):
        pop.close()
    return answers


# ---- every way to begin, every way to listen


@dataclass(frozen=True)
class Attempt:
    """One visit to the server over a tapped line: did it succeed, or which error ended it, and what was read."""

    arrived: bool
    refusal: str  # the class of the error; empty where there was none
    overheard: str
    heard: Transcript
    picture: Picture


def attempt(
    server: MailServer,
    beginning: Beginning,
    attack: Attack = "listens",
    *,
    checked: bool = True,
    protocol: Protocol = "POP3",
) -> Attempt:
    """Let Amy's program visit the server while somebody sits on the line; by SMTP it hands in the letter.

    Takes a server with the letter ``spare-key`` and the password ``secret``; how the program begins; what the
    other one does; whether the certificate is checked (otherwise the library is left to itself); and the protocol.
    Raises `LookupError`, naming what there is.
    """
    for given, known in ((beginning, Beginning), (attack, Attack), (protocol, Protocol)):
        if given not in get_args(known):
            raise LookupError(f"there is no {given!r} here; there are: {', '.join(get_args(known))}")
    visit, plain, secure = {
        "POP3": (_by_pop3, server.pop3, server.pop3s),
        "IMAP": (_by_imap, server.imap, server.imaps),
        "SMTP": (_by_smtp, server.smtp, server.smtps),
    }[protocol]
    own: Literal["its own"] | None = "its own" if attack == "swaps the certificate" else None
    target = secure if beginning == "TLS from the start" else plain
    refusal = ""
    with Wiretap(target, certificate=own, strip_tls=attack == "takes the offer out") as tap:
        try:
            visit(tap.address, beginning, server.ssl_context if checked else None)
        except (OSError, poplib.error_proto, imaplib.IMAP4.error, smtplib.SMTPException) as error:
            refusal = type(error).__name__
        return Attempt(not refusal, refusal, overheard(tap), tap.heard(), show_wire(tap))


def _by_pop3(address: Address, beginning: Beginning, context: ssl.SSLContext | None) -> None:
    at_once = beginning == "TLS from the start"
    pop = poplib.POP3_SSL(*address, context=context) if at_once else poplib.POP3(*address)
    try:
        if beginning == "STARTTLS" or (beginning == "STARTTLS if offered" and "STLS" in pop.capa()):
            pop.stls(context=context)
        pop.user("amy")
        pop.pass_(PASSWORD)
        pop.retr(1)
        pop.quit()
    finally:
        with suppress(OSError):  # a line that broke in the handshake cannot be shut down
            pop.close()


def _by_imap(address: Address, beginning: Beginning, context: ssl.SSLContext | None) -> None:
    at_once = beginning == "TLS from the start"
    imap = imaplib.IMAP4_SSL(*address, ssl_context=context) if at_once else imaplib.IMAP4(*address)
    try:
        if beginning == "STARTTLS" or (beginning == "STARTTLS if offered" and "STARTTLS" in imap.capabilities):
            imap.starttls(ssl_context=context)
        imap.login("amy", PASSWORD)
        imap.select(readonly=True)
        imap.fetch("1", "(BODY.PEEK[])")
        imap.logout()
    except BaseException:
        with suppress(OSError):
            imap.shutdown()
        raise


def _by_smtp(address: Address, beginning: Beginning, context: ssl.SSLContext | None) -> None:
    at_once = beginning == "TLS from the start"
    smtp = smtplib.SMTP_SSL(*address, _LAPTOP, context=context) if at_once else smtplib.SMTP(*address, _LAPTOP)
    with closing(smtp):
        smtp.ehlo()
        if beginning == "STARTTLS" or (beginning == "STARTTLS if offered" and smtp.has_extn("STARTTLS")):
            smtp.starttls(context=context)
        smtp.login("amy", PASSWORD)
        smtp.sendmail("amy@example.org", ["amy@example.org"], letter("spare-key"))
        smtp.quit()


Way = tuple[Beginning, Attack, bool]
WAYS: tuple[Way, ...] = (
    ("in the clear", "listens", True),
    ("STARTTLS", "listens", True),
    ("TLS from the start", "listens", True),
    ("TLS from the start", "swaps the certificate", False),
    ("TLS from the start", "swaps the certificate", True),
    ("STARTTLS if offered", "takes the offer out", True),
    ("STARTTLS", "takes the offer out", True),
)


def all_ways(server: MailServer) -> list[tuple[Way, Attempt]]:
    """Try every way of `WAYS` by POP3; return each with what came of it."""
    return [(way, attempt(server, *way[:2], checked=way[2])) for way in WAYS]


def show_ways(attempts: Iterable[tuple[Way, Attempt]]) -> Table:
    """Return what came of each way, as a table."""
    rows = []
    for (beginning, attack, checked), outcome in attempts:
        program = beginning if checked or beginning == "in the clear" else f"{beginning}, nothing checked"
        rows.append((program, attack, "yes" if outcome.arrived else "no: refused", outcome.overheard))
    return Table(["Amy's program: …", "The one on the line …", "Does Amy get her letter?", "What does he read?"], rows)


# ---- the picture of a tapped line


def show_wire(tap: Wiretap) -> Picture:
    """Draw Amy's laptop, whoever holds the wiretap, and the server; how they speak, and what he reads."""
    heard, reads = str(tap.heard()), overheard(tap)
    has_own, refused, spoils = (words in heard for words in ("certificate of its own", "hangs up", "takes the offer"))
    who = "A man in the middle" if has_own or spoils else _LISTENER
    spoken = any(line.text[:1] not in ("(", "") for line in tap.heard().lines)
    passing = "TLS" if tap.encrypted else "in the clear"
    if tap.encrypted and spoken:
        passing = "in the clear, then TLS"
    left, right = ("TLS, with him", "TLS") if has_own else (passing, passing)
    if refused:
        left, right = "refused", "not used"
    elif spoils and reads == "nothing" and not tap.encrypted:
        left, right = "hung up: no TLS", "not used any more"
    words = f"Amy's laptop <- {left} -> {who} <- {right} -> Mail server\n{who} reads: {reads}"
    alt = f"{who} between Amy's laptop and the mail server reads {reads}. Towards the laptop: {left}."
    return Picture(words, _draw_wire(who, left, right, reads), alt)


_LISTENER = "A listener"
_OVER = ("refused", "not used", "hung up: no TLS", "not used any more")  # drawn as a broken line


def _draw_wire(who: str, left: str, right: str, reads: str) -> str:
    edge = GREEN if reads == "nothing" else VERMILLION
    beside = who == _LISTENER  # he opens nothing: the line goes on past him, from end to end
    y = 68 if beside else 16
    boxes = (
        (12, 16, "Amy's laptop", DEVICE_FILL, f'stroke="{RIM}"'),
        (548, 16, "Mail server", SERVER_FILL, f'stroke="{RIM}"'),
        (280, y, who, GROUND, f'stroke="{edge}" stroke-width="2" stroke-dasharray="7 4"'),
    )
    drawn = [f'<path d="M350,{y + 52}v18" stroke="{edge}" stroke-width="2"/>']
    if beside:
        drawn.append(f'<path d="M350,42v26" stroke="{edge}" stroke-width="2"/>')
        drawn.append(f'<circle cx="350" cy="42" r="4" fill="{edge}"/>')
    for x, top, name, fill, rim in boxes:
        drawn.append(f'<rect x="{x}" y="{top}" width="140" height="52" rx="8" fill="{fill}" {rim}/>')
        drawn.append(svg_text(x + 70, top + 31, name, 13, "middle", strong=True))
    for x, long, how in [(156, 388, left)] if beside else [(156, 120, left), (424, 120, right)]:
        dash = ' stroke-dasharray="3 5"' if how in _OVER else ""
        drawn.append(f'<path d="M{x},42h{long}" stroke="{INK}" stroke-width="2"{dash}/>')
        drawn.append(svg_text(x + long // 2, 34, how, 11, "middle"))
    drawn.append(svg_text(350, y + 88, f"reads: {reads}", 13, "middle", strong=True))
    return framed("\n".join(drawn), 700, y + 102)
