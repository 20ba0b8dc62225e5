"""The sending half of a relay: an SMTP client that hands one message to the server of another domain."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

Address = tuple[str, int]
Send = Callable[[bytes], Awaitable[None]]

PATIENCE = 20.0  # seconds for each reply; our own client waits meanwhile
REPLY_LINES = 100


class Refused(Exception):
    """The next server did not take the message; the text is a whole reply for our own client."""


@asynccontextmanager
async def next_hop(
    domain: str, address: Address, own_name: str, sender: str, recipients: Sequence[str], utf8: bool = False
) -> AsyncIterator[Send]:
    """Offer a message to a domain's server, and give the function that sends it once all agreed (RFC 5321 §3.3).

    Nothing is delivered before that function is called, so several hops can be asked first.

    Args:
        domain: whose server it is, for the words of a refusal.
        address: host and port.
        own_name: what we say in EHLO.
        sender: the reverse-path, without its brackets; ``"<>"`` for the null one.
        recipients: forward-paths, without their brackets; all must be accepted.
        utf8: ask for SMTPUTF8 (RFC 6531).

    Raises:
        Refused: a reply was not the one hoped for, or none came.

    """
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(*address), PATIENCE)
    except OSError as error:  # a TimeoutError is one, too
        raise Refused(f"451 4.4.1 the server for {domain} does not answer; try again later") from error

    async def say(line: str, hoped: str = "2") -> None:
        if line:
            writer.write(line.encode() + b"\r\n")
        reply = await _reply(reader, domain)
        if not reply.startswith(hoped):
            raise Refused(_passed_on(reply, domain))

    async def send(octets: bytes) -> None:
        await say("DATA", "3")
        writer.write(re.sub(rb"(?m)^\.", b"..", octets))  # transparency, RFC 5321 §4.5.2
        await say(".")

    try:
        await say("")
        await say(f"EHLO {own_name}")
        await say(f"MAIL FROM:<{sender.strip('<>')}> BODY=8BITMIME" + " SMTPUTF8" * utf8)
        for recipient in recipients:
            await say(f"RCPT TO:<{recipient}>")
        yield send
    finally:
        task = asyncio.current_task()
        if task and not task.cancelling():  # else nobody has the time for a goodbye
            with suppress(Refused):
                await say("QUIT")
        writer.close()


async def _reply(reader: asyncio.StreamReader, domain: str) -> str:
    """Read one reply, of one line or several (RFC 5321 §4.2.1)."""
    cause: Exception | None = None
    try:
        async with asyncio.timeout(PATIENCE):
            for _ in range(REPLY_LINES):
                line = (await reader.readuntil(b"\r\n")).decode("utf-8", "replace").rstrip()
                if line[3:4] != "-":
                    return line
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        cause = error
    raise Refused(f"451 4.4.2 the line to the server for {domain} broke; try again later") from cause


def _passed_on(reply: str, domain: str) -> str:
    """Turn the next server's refusal into ours: for good or for now, and in whose words.

    >>> _passed_on("550 5.1.1 no account zoe", "example.net")
    '550 5.1.1 the server for example.net says: 550 5.1.1 no account zoe'
    >>> _passed_on("421 closing", "example.net")
    '451 4.0.0 the server for example.net says: 421 closing'
    """
    code = "550" if reply.startswith("5") else "451"
    kind = re.match(r"\d{3}[ -](" + code[0] + r"\.\d{1,3}\.\d{1,3}) ", reply)
    return f"{code} {kind[1] if kind else code[0] + '.0.0'} the server for {domain} says: {reply}"
