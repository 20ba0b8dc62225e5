"""A certificate authority made for one server, and the contexts that TLS on loopback needs."""

from __future__ import annotations

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tls:
    """Both sides of TLS: the server's context, one for clients that trusts our CA alone, the CA as PEM."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    authority: str


def make_tls(host_name: str) -> Tls:
    """Make a CA of this server's own, and a certificate for loopback and for the host's name."""
    import trustme  # brings the cryptography package along: 60 ms that most lessons do not need

    authority = trustme.CA(organization_name="mailkit", organization_unit_name="a course's own authority")
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.minimum_version = client.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8314 §4.1; not every Python says so
    names = ("localhost", "127.0.0.1", "::1", host_name)
    # fetchmail wants a common name; people who are asked whether to trust it, the other
    authority.issue_cert(*names, common_name="localhost", organization_name="mailkit").configure_cert(server)
    authority.configure_trust(client)
    return Tls(server, client, authority.cert_pem.bytes().decode())
