"""A client that ends TLS in the same piece in which it says its last words, as no socket of Python's lets it."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mailkit.sockets import Address
from tests.patience import PATIENCE


@contextmanager
def said_with_goodbye(
    address: Address, context: ssl.SSLContext, words: bytes, greeted: bool = False
) -> Iterator[Callable[[], bytes]]:
    """Say this under TLS and end that, in one piece; unless ``greeted``, with the end of the handshake, too.

    Gives a function that returns all that is answered, and raises `ssl.SSLEOFError` where no goodbye comes after it
    (RFC 8446 §2, §6.1).
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(address, timeout=PATIENCE) as line:

        def exchange() -> None:
            line.sendall(outgoing.read())
            if octets := line.recv(65536):
                incoming.write(octets)
            else:
                incoming.write_eof()  # the next call raises `ssl.SSLEOFError`

        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                exchange()
        while greeted:
            exchange()
            with contextlib.suppress(ssl.SSLWantReadError):
                greeted = not tls.read(999)
        tls.write(words)
        with contextlib.suppress(ssl.SSLError):
            tls.unwrap()
        line.sendall(outgoing.read())

        def rest() -> bytes:
            while octets := line.recv(65536):
                incoming.write(octets)
            incoming.write_eof()
            answered = b""
            with contextlib.suppress(ssl.SSLZeroReturnError):
                while octets := tls.read(999):
                    answered += octets
            return answered

        yield rest
