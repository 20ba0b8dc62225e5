"""What the servers here know of sockets: how one is addressed, and what the system must be told."""

from __future__ import annotations

import asyncio
import contextlib
import socket

Address = tuple[str, int]  # host, port
LINGER = 10.0  # seconds that a client has to read our last words and close its end
IDLE = "nothing was said for too long; connect again"  # why a server hangs up
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)  # Linux


def send_at_once(transport: asyncio.BaseTransport) -> None:
    """Let no small answer wait for the last one's acknowledgement (RFC 896).

    asyncio sees to it only where a socket knows its protocol, and on Windows an accepted one does not.
    """
    _switch_on(transport, socket.TCP_NODELAY)


def acknowledge(transport: asyncio.BaseTransport) -> None:
    """Let the system acknowledge what came in now, not together with an answer that will not come yet.

    It holds an acknowledgement back for 40 ms (RFC 1122 §4.2.3.2), and a client that sends a command in two
    pieces, as `imaplib` does with APPEND, keeps the second until it has that for the first (RFC 896).
    """
    if _QUICKACK is not None:
        _switch_on(transport, _QUICKACK)  # the system forgets it soon: each time anew


def _switch_on(transport: asyncio.BaseTransport, option: int) -> None:
    own: socket.socket | None = transport.get_extra_info("socket")
    if own is not None and not transport.is_closing():
        with contextlib.suppress(OSError):  # the other end may have hung up
            own.setsockopt(socket.IPPROTO_TCP, option, 1)
