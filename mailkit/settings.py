"""What a server can be told: which capabilities it offers, and the limits that keep it standing."""

from __future__ import annotations

from dataclasses import dataclass

CHUNK = 65536  # octets: a long answer is sent in pieces of about this size


@dataclass(frozen=True, slots=True)
class Settings:
    """Switches, and limits. Sizes are octets, times are seconds.

    The standards want at least ten minutes of patience for POP3 (RFC 1939 §3), thirty for IMAP (RFC 3501 §5.4)
    and five for SMTP (RFC 5321 §4.5.3.2.7); here it is an hour, because a learner reads a page between two
    commands. ``expire`` is the argument of the EXPIRE capability, in days or "NEVER" (RFC 2449 §6.7);
    ``None`` leaves it out. It is only announced: this server removes nothing of itself.
    """

    host_name: str = "mail.example.org"
    uidl: bool = True
    top: bool = True
    expire: int | str | None = "NEVER"
    plaintext_login: bool = True  # False: a password is refused until TLS is on (RFC 2595 §2.3)
    check_password: bool = True  # False: lesson 01's box without a lock, any password opens it
    smtp_login: bool = False  # True: no mail is taken before AUTH (RFC 6409 §4.3)
    max_line: int = 8192  # of SMTP; POP3's commands are shorter (RFC 2449 §4), and a login's responses may be longer
    max_imap_line: int = 65_536  # a client may list its UIDs one by one; RFC 2683 §3.2.1.5 asks for 8,000
    max_message: int = 25_000_000  # and the largest literal of APPEND; any other is bound by max_imap_line
    max_failed_logins: int = 3  # then the line is closed; SMTP's at its next command, so that 535 is read
    max_mistakes: int = 50  # of POP3 and IMAP, refused before a login; then the line is closed
    max_connections: int = 100  # for SMTP, for POP3 with IMAP, and for each in handshakes; Windows takes no more
    handshake: float = 10.0  # for TLS; a client that is silent then, or speaks in the clear, is dropped
    pop3_idle: float = 3600.0
    imap_idle: float = 3600.0
    smtp_idle: float = 3600.0
