"""SMTP as the server speaks it: one session, without a socket.

Read it beside RFC 5321 (a § without a number of its own is of that one): `FORMS` lists the commands, one method is one
command, `delivery` says what becomes of a message. RFC 1870 adds SIZE, RFC 2034 ENHANCEDSTATUSCODES, RFC 2920
PIPELINING, RFC 3207 STARTTLS, RFC 4954 AUTH, RFC 6152 8BITMIME, RFC 6531 SMTPUTF8. Left out: EXPN; there are no lists.
"""

from __future__ import annotations

import logging
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from email.utils import format_datetime
from enum import IntEnum
from functools import partial

from mailkit.delivery import Delivery, Envelope, as_message, check_hops
from mailkit.incoming import Incoming
from mailkit.linebuffer import LineBuffer
from mailkit.sasl import MAX_RESPONSE, from_plain
from mailkit.settings import Settings
from mailkit.smtpsyntax import FORMS, Refusal, check_ascii, check_host, decoded, parse_path, reply_line
from mailkit.snapshot import SessionView
from mailkit.sockets import IDLE, Address
from mailkit.store import Account, Store, in_small_letters

log = logging.getLogger(__name__)

MAX_RECIPIENTS = 100  # the least that §4.5.3.1.8 allows
MAX_FOR = 600  # octets; a line of a header has 998 at most (RFC 5322 §2.1.1), and the names may be long, too
MAX_UNKNOWN = 5  # lines that are no commands; most likely the client speaks another protocol


class State(IntEnum):
    """How far a session has come towards a message (§4.1.4)."""

    CONNECTED = 0
    GREETED = 1
    SENDER = 2
    RECIPIENT = 3


_NEEDS = {"AUTH": State.GREETED, "MAIL": State.GREETED, "RCPT": State.SENDER, "DATA": State.RECIPIENT}
_MISSING = {
    State.CONNECTED: "503 5.5.1 who are you? Send EHLO first",
    State.GREETED: "503 5.5.1 nobody sends this yet; send MAIL first",
    State.SENDER: "503 5.5.1 nobody to send to; send RCPT first",
}


class SmtpSession:
    """One SMTP session.

    Takes the store and the settings; ``secure``: TLS is on from the start, else STARTTLS is offered; ``peer``: the
    client's IP address; ``routes``: domain → address of the server that takes its mail, which may still grow.
    Send what `receive` yields; then, if ``closed`` is set, hang up; if ``upgrade`` is set, do the TLS handshake and
    call `tls_started`; if ``errand`` is set, await it, send what it returns, and call `receive` again. With
    ``timeout`` set, wait for so many seconds only.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        secure: bool = False,
        peer: str = "127.0.0.1",
        routes: Mapping[str, Address] | None = None,
    ) -> None:
        self.asked = b""  # for what history() notes: from whom and to whom the last message is
        self.closed = self.upgrade = False
        self.errand: Callable[[], Awaitable[bytes]] | None = None
        self._store, self._settings, self._secure, self._peer = store, settings, secure, peer
        self._delivery = Delivery(store, settings.host_name, {} if routes is None else routes)
        self._input = LineBuffer()
        self._resume: Callable[[str], str] | None = None  # takes the answer to a challenge
        self._incoming: Incoming | None = None  # since DATA
        self._unknown = self._failed_logins = self._delivered = 0
        self._begin()

    def _begin(self) -> None:
        self._client = ""  # the name in EHLO or HELO
        self._extended = False
        self._account: Account | None = None
        self._envelope: Envelope | None = None

    def greeting(self) -> bytes:
        """Return the line that opens the session (§3.1)."""
        return reply_line(f"220 {self._settings.host_name} ESMTP")

    def receive(self, octets: bytes) -> Iterator[bytes]:
        """Take what came in, however it was cut; yield what to send, command by command (RFC 2920 §3.2).

        A command runs when the answers before it have been taken; what it does is done when its own comes out.
        """
        self._input += octets
        while not (self.closed or self.upgrade or self.errand):
            if self._incoming:
                rest = self._incoming.take(bytes(self._input))
                self._input[:] = rest or b""
                if rest is None:
                    return
                yield from self._answer(self._accept)
            elif (line := self._input.cut_line(MAX_RESPONSE if self._resume else self._settings.max_line)) is not None:
                yield from self._answer(partial(self._obey, line))
            else:
                return

    @property
    def timeout(self) -> float | None:
        """For how many seconds to wait for what comes next; None: as long as ever."""
        return self._incoming.timeout if self._incoming else None

    def pending(self) -> bytes:
        """Return what the server has to say unasked: in SMTP, nothing ever."""
        return b""

    def tls_started(self) -> None:
        """Begin afresh under TLS: nothing said before counts (RFC 3207 §4.2)."""
        self.upgrade, self._secure = False, True
        self._input.clear()  # what came together with STARTTLS could have been put there by anybody
        self._begin()

    def dismiss(self, why: str) -> bytes:
        """End a session that was idle for too long, or because the server stops (§3.8); return its last words."""
        incoming = self._incoming
        words = self._leave("421 4.4.2" if why == IDLE else "421 4.3.2", why)
        if incoming and incoming.timeout:  # a client that thinks its message over reads its reply, or nothing
            return reply_line(incoming.refusal) if incoming.refusal else b""
        return reply_line(words)

    def end(self) -> None:
        """Let go of everything; a message that was not delivered before is not delivered any more (§4.1.1.10)."""
        self.closed, self.errand, self._incoming = True, None, None

    def snapshot(self) -> SessionView:
        """Return a view whose ``state`` only counts deliveries, so that history() notes each, a relayed one too."""
        return SessionView("SMTP", f"messages so far: {self._delivered}")

    outline = snapshot  # POP3's differ

    # ---- from octets to commands (§4.1.1)

    def _answer(self, work: Callable[[], str | list[str]]) -> Iterator[bytes]:
        """Yield the reply that some work gives; an error that nobody foresaw ends this command, and no more."""
        try:
            reply = work()
        except Exception as error:
            reply = _refusal(error)
        if reply:
            yield b"".join(map(reply_line, [reply] if isinstance(reply, str) else reply))

    def _obey(self, line: bytes) -> str | list[str]:
        resume, self._resume = self._resume, None
        if resume and self._input.too_long:
            return f"500 5.5.6 the response is too long; {MAX_RESPONSE} octets is the most"
        if resume:
            return "501 5.7.0 AUTH given up, as you wished" if line == b"*" else resume(decoded(line))
        if self._input.too_long:
            return f"500 5.5.2 a line is too long; {self._settings.max_line} octets is the most"
        word, _, rest = line.rstrip(b" \t").partition(b" ")
        keyword = word.upper().decode("utf-8", "surrogateescape")
        argument = rest.strip(b" \t").decode("utf-8", "surrogateescape")
        if self._failed_logins >= self._settings.max_failed_logins and keyword != "QUIT":
            return self._leave("421 4.7.0", f"wrong name or password, {self._failed_logins} times; connect again")
        if keyword == "EXPN":
            return "502 5.5.1 EXPN is not offered here; send to each address itself"
        if keyword not in FORMS:
            self._unknown += bool(word)  # an empty line is a slip
            if self._unknown == MAX_UNKNOWN:
                return self._leave("421 4.7.0", f"{MAX_UNKNOWN} lines are no commands; connect again")
            return "500 5.5.2 no such command; send HELP for the list"  # it may be a password: do not repeat it
        if " " not in FORMS[keyword] and argument:
            return f"501 5.5.4 say {keyword}: nothing after it"
        if self.state < _NEEDS.get(keyword, State.CONNECTED):
            return _MISSING[self.state]
        reply: str | list[str] = getattr(self, f"do_{keyword.lower()}")(argument)
        return reply

    @property
    def state(self) -> State:
        """How far the session has come."""
        if not self._envelope:
            return State.GREETED if self._client else State.CONNECTED
        return State.RECIPIENT if self._envelope.recipients else State.SENDER

    def _leave(self, code: str, why: str = "") -> str:
        """End the session, and return its last words; the first is the server's name (§4.3.1)."""
        self.end()
        return f"{code} {self._settings.host_name} signing off{': ' * bool(why)}{why}"

    # ---- session

    def do_helo(self, name: str) -> str:
        """Greet (§4.1.1.1)."""
        self._greet(name, extended=False)
        return f"250 {self._settings.host_name}"

    def do_ehlo(self, name: str) -> list[str]:
        """Greet, and say what is on offer (§4.1.1.1)."""
        self._greet(name, extended=True)
        offers = [self._settings.host_name, f"SIZE {self._settings.max_message}", "8BITMIME", "SMTPUTF8", "PIPELINING"]
        offers += [] if self._secure else ["STARTTLS"]
        offers += ["AUTH PLAIN LOGIN"] if self._may_log_in else []
        return [f"250-{offer}" for offer in [*offers, "ENHANCEDSTATUSCODES"]] + ["250 HELP"]

    def _greet(self, name: str, extended: bool) -> None:
        check_host(name, "EHLO" if extended else "HELO")  # before anything is changed by it (§4.1.4)
        self._client, self._extended, self._envelope = name, extended, None

    def do_starttls(self, _: str) -> str:
        """Go over to TLS (RFC 3207 §4)."""
        if self._secure:
            raise Refusal("503 5.5.1 TLS is already on; go on without STARTTLS")
        self.upgrade = True
        return "220 2.0.0 Ready to start TLS"

    def do_noop(self, _: str) -> str:
        """Do nothing (§4.1.1.9)."""
        return "250 2.0.0 OK"

    def do_rset(self, _: str) -> str:
        """Forget sender and recipients (§4.1.1.5)."""
        self._envelope = None
        return "250 2.0.0 OK"

    def do_quit(self, _: str) -> str:
        """Say goodbye (§4.1.1.10)."""
        return self._leave("221 2.0.0")

    def do_vrfy(self, address: str) -> str:
        """Neither confirm nor deny an address (§3.5.3, §7.3)."""
        return "252 2.5.0 send mail to it, and you will see" if address else "501 5.5.4 VRFY takes an address or a name"

    def do_help(self, command: str) -> str:
        """List what may be said now, or how a command is said (§4.1.1.8)."""
        missing = {"STARTTLS": self._secure, "AUTH": not self._may_log_in}
        known = {name: form for name, form in FORMS.items() if not missing.get(name)}
        if command and command.upper() not in known:
            return f"504 5.5.4 no help for that; these are known: {' '.join(known)}"
        return f"214 2.0.0 {known[command.upper()] if command else ' '.join(known)}"

    # ---- login (RFC 4954)

    @property
    def _may_log_in(self) -> bool:
        return self._secure or self._settings.plaintext_login

    def do_auth(self, argument: str) -> str:
        """Log in by PLAIN (RFC 4616) or LOGIN; the response is in this line or, asked for, in the next."""
        mechanism, *initial = argument.split(" ")
        resume = {"plain": self._plain, "login": self._login}.get(in_small_letters(mechanism))
        if not self._extended:
            raise Refusal("503 5.5.1 AUTH is not valid after HELO; send EHLO first")
        if self._account:
            raise Refusal(f"503 5.5.1 you are logged in already, as {self._account.name}; go on with MAIL")
        if self._envelope:
            raise Refusal("503 5.5.1 AUTH is not valid inside a mail transaction; send RSET first")
        if not mechanism:
            raise Refusal("501 5.5.4 AUTH takes a mechanism; this server knows PLAIN and LOGIN")
        if len(initial) > 1:
            raise Refusal("501 5.5.4 AUTH takes a mechanism and one response at most")
        if resume is None:
            raise Refusal("504 5.5.4 no such mechanism; this server knows PLAIN and LOGIN")
        if initial == ["="] and resume == self._login:
            raise Refusal("501 5.7.0 LOGIN asks for a name first; send AUTH LOGIN alone")
        if not self._may_log_in:
            raise Refusal("538 5.7.11 no password in the clear; send STARTTLS first")
        if initial:
            return resume("" if initial == ["="] else decoded(initial[0].encode("utf-8", "surrogateescape")))
        return self._challenge("" if resume == self._plain else "Username:", resume)

    def _challenge(self, words: str, resume: Callable[[str], str]) -> str:
        self._resume = resume
        return f"334 {b64encode(words.encode()).decode()}"

    def _plain(self, response: str) -> str:
        try:
            acting_for, user, password = from_plain(response)
        except ValueError:
            wants = "PLAIN wants the base64 of NUL, name, NUL, password"
            raise Refusal(f"501 5.5.2 {wants}; send AUTH PLAIN again") from None
        return self._log_in(user, password, acting_for)

    def _login(self, user: str) -> str:
        return self._challenge("Password:", partial(self._log_in, user))

    def _log_in(self, user: str, password: str, acting_for: str = "") -> str:
        self._account = self._store.authenticate(user, password, acting_for)
        if self._account:
            return f"235 2.7.0 welcome, {self._account.name}"
        self._failed_logins += 1
        return "535 5.7.8 wrong name or password; send AUTH again"

    # ---- a message (§3.3)

    def do_mail(self, argument: str) -> str:
        """Take the reverse-path (§4.1.1.2); AUTH= is to be allowed (RFC 4954 §5), and believed of nobody."""
        sender, told = self._path("MAIL", argument, ("SIZE", "BODY", "SMTPUTF8", "AUTH"))
        size, most = told.get("SIZE", "1"), self._settings.max_message
        if self._envelope:
            raise Refusal("503 5.5.1 there is a sender already; send RSET to begin anew")
        if not re.fullmatch("[0-9]{1,20}", size):  # RFC 1870 §3
            raise Refusal("501 5.5.4 SIZE takes a number of octets, such as SIZE=1000")
        if not re.fullmatch(r"([!-*,-~]|\+[0-9A-F]{2})+", told.get("AUTH", "<>")):  # xtext (RFC 3461 §4)
            raise Refusal("501 5.5.4 AUTH takes an address, with +3D for = and +2B for +; or <>")
        if told.get("BODY", "7BIT") not in ("7BIT", "8BITMIME"):
            raise Refusal("501 5.5.4 write BODY=7BIT or BODY=8BITMIME")
        if told.get("SMTPUTF8"):
            raise Refusal("501 5.5.4 write SMTPUTF8 alone, without =")
        if int(size) > most:
            raise Refusal(f"552 5.3.4 the message is too large; {most} octets is the most")
        if self._settings.smtp_login and not self._account:
            raise Refusal(f"530 5.7.0 this server takes mail only after a login; send {self._login_command} first")
        check_ascii(argument, "SMTPUTF8" in told, 550)
        self._envelope = Envelope(sender, max(1, int(size)), "SMTPUTF8" in told)  # RCPT then tells of a full mailbox
        return "250 2.1.0 sender accepted"

    def do_rcpt(self, argument: str) -> str:
        """Take one forward-path, or say why not (§4.1.1.3)."""
        address, _ = self._path("RCPT", argument)
        envelope = self._envelope
        assert envelope is not None
        if len(envelope.recipients) >= MAX_RECIPIENTS:
            raise Refusal(f"452 4.5.3 {MAX_RECIPIENTS} recipients is the most; send the message again for the others")
        check_ascii(argument, envelope.utf8, 553)
        self._delivery.check_recipient(address, envelope.size, "" if self._account else self._login_command)
        envelope.recipients.append(address)
        return "250 2.1.5 recipient accepted"

    def _path(self, command: str, argument: str, known: Collection[str] = ()) -> tuple[str, dict[str, str]]:
        """Return address and parameters, which only EHLO has offered (§4.1.1.11)."""
        address, parameters = parse_path(command, argument, self._store.domain)
        if unknown := [name for name in parameters if not (self._extended and name in known)]:
            offered = "the answer to EHLO lists what there is" if self._extended else "send EHLO first, it lists them"
            remedy = offered if known else f"{command} takes none here"
            raise Refusal(f"555 5.5.4 no such parameter: {', '.join(unknown)}; {remedy}")
        return address, parameters

    @property
    def _login_command(self) -> str:
        """Return the command that a login begins with here: AUTH, or STARTTLS before it."""
        return "AUTH" if self._may_log_in else "STARTTLS"

    def do_data(self, _: str) -> str:
        """Ask for the message (§4.1.1.4)."""
        self._incoming = Incoming(self._settings)
        return "354 go on; end with a dot on a line of its own"

    def _accept(self) -> str:
        """Stamp the message that has come, and have it delivered: `errand` will answer."""
        incoming, self._incoming = self._incoming, None
        envelope, self._envelope = self._envelope, None
        assert incoming is not None
        assert envelope is not None
        if incoming.refusal:
            raise Refusal(incoming.refusal)
        octets = as_message(incoming.octets)
        check_hops(octets)
        self.errand = partial(self._deliver, envelope, self._received(envelope).encode() + octets)
        return ""

    async def _deliver(self, envelope: Envelope, octets: bytes) -> bytes:
        try:
            await self._delivery.deliver(envelope, octets)
            self.asked = f"<{envelope.sender}> to {', '.join(envelope.recipients)}".encode()
            self._delivered += 1
            reply = "250 2.6.0 message accepted"
        except Exception as error:
            reply = _refusal(error)
        self.errand = None
        return reply_line(reply)

    def _received(self, envelope: Envelope) -> str:
        """Return the time stamp line (§4.4); ``for`` only where it betrays no other recipient (§7.2)."""
        protocol = "UTF8SMTP" if envelope.utf8 else "ESMTP"  # the names are IANA's (RFC 3848, RFC 6531 §4.3)
        protocol += "S" * self._secure + "A" * bool(self._account)
        first, *more = envelope.recipients
        recipient = "" if more or len(first.encode()) > MAX_FOR else f" for <{first}>"
        return (
            f"Received: from {self._client} ([{self._peer}])\r\n"
            f"\tby {self._settings.host_name} with {protocol if self._extended else 'SMTP'}{recipient};\r\n"
            f"\t{format_datetime(self._store.clock())}\r\n"
        )


def _refusal(error: Exception) -> str:
    """Return the reply to an error; one that nobody foresaw is logged."""
    if isinstance(error, Refusal):
        return str(error)
    log.error("an SMTP command failed", exc_info=error)
    return "451 4.3.0 this server made a mistake; try again"
