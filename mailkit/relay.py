"""The sending half of a relay: an SMTP client that hands one message to the server of another domain."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from mailkit.smtpsyntax import Refusal
from mailkit.sockets import Address

Send = Callable[[], Awaitable[None]]
Reply = tuple[str, list[str]]  # the code; the text of each line

REPLY_TIMEOUT = 20.0  # seconds for each reply; our own client waits meanwhile
QUIT_TIMEOUT = 2.0  # and for the last, when the message is gone (RFC 5321 §6.1)
REPLY_LINES = 100  # of one reply; a server that says more does not stop


@asynccontextmanager
async def next_hop(
    domain: str, address: Address, own_name: str, sender: str, recipients: Sequence[str], octets: bytes, utf8: bool
) -> AsyncIterator[Send]:
    """Offer a message to a domain's server, and give the function that sends it once all agreed (RFC 5321 §3.3).

    Nothing is delivered before that function is called, so several hops can be asked first.

    Args:
        domain: whose server it is, for the words of a refusal.
        address: host and port.
        own_name: what we say in EHLO.
        sender: the reverse-path, without its brackets; empty for the null one.
        recipients: forward-paths, without their brackets; all must be accepted.
        octets: the message.
        utf8: our own client asked for SMTPUTF8 (RFC 6531).

    Raises:
        Refusal: a reply was not the one hoped for, or none came, or what the message needs is not offered.

    """
    try:
        async with asyncio.timeout(REPLY_TIMEOUT):
            reader, writer = await asyncio.open_connection(*address)
    except OSError as error:  # a TimeoutError is one, too
        raise Refusal(f"451 4.4.1 the server for {domain} does not answer; try again later") from error

    async def say(line: str, hoped: str = "2") -> list[str]:
        if line:
            writer.write(line.encode() + b"\r\n")
        code, texts = await _reply(reader, domain)
        if line.startswith("EHLO") and code in ("500", "502"):  # it is older than extensions
            return (await say(f"HELO {own_name}"))[:1]
        if not code.startswith(hoped):
            raise Refusal(_passed_on(code, texts, domain))
        return texts

    async def send() -> None:
        await say("DATA", "3")
        writer.write(octets.replace(b"\r\n.", b"\r\n.."))  # transparency, RFC 5321 §4.5.2
        await say(".")

    try:
        await say("")
        lines = [text.upper().partition(" ") for text in (await say(f"EHLO {own_name}"))[1:]]
        offers = {keyword: parameters for keyword, _, parameters in lines}
        parameters = _parameters(offers, domain, "".join((sender, *recipients)), octets, utf8)
        await say(f"MAIL FROM:<{sender}>{parameters}")
        for recipient in recipients:
            await say(f"RCPT TO:<{recipient}>")
        yield send
    finally:
        writer.write(b"QUIT\r\n")
        leaving = asyncio.get_running_loop().create_task(_leave(reader))  # our own client need not wait for that
        leaving.add_done_callback(lambda _: writer.transport.abort())  # not `close`: it may not read what was sent


async def _leave(reader: asyncio.StreamReader) -> None:
    """Wait a moment for the answer to QUIT (RFC 5321 §4.1.1.10)."""
    with suppress(Refusal, TimeoutError):
        async with asyncio.timeout(QUIT_TIMEOUT):
            await _reply(reader, "")


def _parameters(offers: Mapping[str, str], domain: str, addresses: str, octets: bytes, utf8: bool) -> str:
    """Return the parameters of MAIL, of those on offer (RFC 5321 §4.1.1.2, §4.1.1.3). Raises `Refusal` for one missing.

    >>> _parameters({"8BITMIME": "", "SIZE": "99"}, "example.net", "amy@example.org", b"Subject: x", utf8=True)
    ' SIZE=10 BODY=8BITMIME'
    """
    refusing = f"the server for {domain} takes"
    if "SMTPUTF8" not in offers and not addresses.isascii():
        raise Refusal(f"550 5.6.7 {refusing} no address beyond ASCII; use one in ASCII")
    if "SMTPUTF8" not in offers and utf8 and not octets.isascii():  # the headers of parts count, too (RFC 6531 §3.2)
        raise Refusal(f"554 5.6.9 {refusing} no SMTPUTF8; write all headers in ASCII, and send without it")
    if "8BITMIME" not in offers and not octets.isascii():
        raise Refusal(f"554 5.6.3 {refusing} nothing beyond ASCII; encode it as quoted-printable")
    most = int(offers["SIZE"]) if re.fullmatch("[0-9]{1,20}", offers.get("SIZE", "")) else 0
    if 0 < most < len(octets):  # 0: no limit that is known (RFC 1870 §4)
        raise Refusal(f"552 5.3.4 {refusing} {most} octets at most, and these are {len(octets)}; send less")
    wanted = {
        f"SIZE={len(octets)}": "SIZE" in offers,
        "BODY=8BITMIME": "8BITMIME" in offers,
        "SMTPUTF8": "SMTPUTF8" in offers and utf8,
    }
    return "".join(f" {parameter}" for parameter, is_said in wanted.items() if is_said)


async def _reply(reader: asyncio.StreamReader, domain: str) -> Reply:
    """Read one reply, of one line or several (RFC 5321 §4.2.1)."""
    texts: list[str] = []
    with suppress(OSError, EOFError, asyncio.LimitOverrunError):
        async with asyncio.timeout(REPLY_TIMEOUT):
            while len(texts) < REPLY_LINES:
                line = (await reader.readuntil(b"\r\n")).decode("ascii", "backslashreplace").rstrip()
                if not re.fullmatch(r"[2-5][0-9]{2}([ -].*)?", line):
                    raise Refusal(f"554 5.5.0 the server for {domain} says what is no reply: {line[:80]}")
                texts.append(line[4:])
                if line[3:4] != "-":
                    return line[:3], texts
    raise Refusal(f"451 4.4.2 the line to the server for {domain} broke; try again later")


def _passed_on(code: str, texts: list[str], domain: str) -> str:
    """Turn the next server's refusal into ours, of one line: for good or for now, and in whose words.

    >>> _passed_on("550", ["5.1.1 no account zoe"], "example.net")
    '550 5.1.1 the server for example.net says: 550 5.1.1 no account zoe'
    >>> _passed_on("421", ["closing", "for now"], "example.net")
    '451 4.0.0 the server for example.net says: 421 closing for now'
    """
    ours = "550" if code.startswith("5") else "451"
    kind = re.match(ours[0] + r"\.[0-9]{1,3}\.[0-9]{1,3}(?![^ ])", texts[0])
    return f"{ours} {kind[0] if kind else ours[0] + '.0.0'} the server for {domain} says: {code} {' '.join(texts)}"
