"""A certificate authority made for one server, and the contexts that TLS on loopback needs."""

from __future__ import annotations

import ssl


class Tls:
    """Both sides of TLS: the server's context, one for clients that trusts our CA alone, the CA as PEM.

    Makes a CA of this server's own, and a certificate for loopback and for the host's name.
    """

    def __init__(self, host_name: str) -> None:
        import trustme  # brings the cryptography package along: 60 ms that most lessons do not need

        ca = trustme.CA(organization_name="mailkit", organization_unit_name="a course's own authority")
        self.server, self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # RFC 8314 §4.1; not every Python says so
        self.server.minimum_version = self.client.minimum_version = ssl.TLSVersion.TLSv1_2
        names = ("localhost", "127.0.0.1", host_name)
        # fetchmail wants a common name; people read the organization when they are asked whether to trust it
        ca.issue_cert(*names, common_name="localhost", organization_name="mailkit").configure_cert(self.server)
        ca.configure_trust(self.client)
        self.authority = ca.cert_pem.bytes().decode()
