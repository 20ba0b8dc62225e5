"""POP3 as the server speaks it: one session, without a socket.

Read it beside RFC 1939. `COMMANDS` is the protocol's state machine, one method is one command, and the
rest cuts input into lines and lines into arguments. RFC 2449 adds CAPA and response codes, RFC 2595 STLS,
RFC 5034 AUTH, RFC 3206 ``[AUTH]`` and ``[SYS/TEMP]``. Two options are left out: APOP, because MD5 protects
nobody any more (TLS does), and LOGIN-DELAY, because a course has no reason to make a client wait.
"""

from __future__ import annotations

import binascii
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum

from mailkit.mailbox import Account, Mailbox, Store
from mailkit.message import Message
from mailkit.settings import Settings
from mailkit.snapshot import SessionView

log = logging.getLogger(__name__)

MAX_COMMAND = 255  # octets, CRLF included (RFC 2449 §4)
CHUNK = 65536  # octets: a long answer is sent in pieces of about this size
BLANK_LINE = re.compile(rb"(?:\A|\n)\r?\n")


class State(Enum):
    """Where a session is (RFC 1939 §3)."""

    AUTHORIZATION = "AUTHORIZATION"
    TRANSACTION = "TRANSACTION"
    UPDATE = "UPDATE"
    CLOSED = "closed"  # not the RFC's name: the session is over and nothing was removed


_BEFORE_LOGIN = {State.AUTHORIZATION: State.AUTHORIZATION}
_LOGIN = {State.AUTHORIZATION: State.TRANSACTION}
_AFTER_LOGIN = {State.TRANSACTION: State.TRANSACTION}

COMMANDS: Mapping[str, Mapping[State, State]] = {
    "USER": _BEFORE_LOGIN,
    "PASS": _LOGIN,
    "AUTH": _LOGIN,
    "STLS": _BEFORE_LOGIN,
    "CAPA": _BEFORE_LOGIN | _AFTER_LOGIN,
    "STAT": _AFTER_LOGIN,
    "LIST": _AFTER_LOGIN,
    "RETR": _AFTER_LOGIN,
    "DELE": _AFTER_LOGIN,
    "NOOP": _AFTER_LOGIN,
    "RSET": _AFTER_LOGIN,
    "TOP": _AFTER_LOGIN,
    "UIDL": _AFTER_LOGIN,
    "QUIT": {State.AUTHORIZATION: State.CLOSED, State.TRANSACTION: State.UPDATE},
}
"""For each command, the states where it is legal, and the state after it has succeeded."""

ARGUMENTS: Mapping[str, str] = {  # as in the summary of RFC 1939 §9; a command not named here takes none
    "USER": "name",
    "PASS": "string",
    "AUTH": "mechanism [initial-response]",
    "LIST": "[msg]",
    "RETR": "msg",
    "DELE": "msg",
    "TOP": "msg n",
    "UIDL": "[msg]",
}
REMEDY = {
    State.AUTHORIZATION: "send USER and PASS first",
    State.TRANSACTION: "you are logged in already; to begin again, QUIT and connect anew",
}


class Refusal(Exception):
    """A command that is answered ``-ERR``; its words are the answer."""


class Pop3Session:
    """One POP3 session over the INBOX of one account.

    Takes the store; the settings; ``secure``: TLS is on from the start; ``can_upgrade``: offer STLS;
    ``wake``: never called, for a POP3 server speaks only when spoken to.
    What `receive` yields is to be sent; when ``closed`` is set, hang up after that; when ``upgrade`` is
    set, begin the TLS handshake and then call `tls_started`.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        secure: bool = False,
        can_upgrade: bool = False,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self.state = State.AUTHORIZATION
        self.closed = False
        self.upgrade = False
        self._store = store
        self._settings = settings
        self._secure = secure
        self._can_upgrade = can_upgrade
        self._input = bytearray()
        self._too_long = False  # the line now coming in is over the limit, its beginning thrown away
        self._user: str | None = None  # named by the USER just before
        self._challenged = False  # AUTH waits for its response line
        self._failed_logins = 0
        self._account: Account | None = None
        self._messages: list[Message] = []  # the maildrop as it was at login; message 1 is the first
        self._marked: set[int] = set()  # message-numbers; nobody but this session knows of them

    def greeting(self) -> bytes:
        """Return the one line that opens the session (§4); without a timestamp: APOP is not offered."""
        return ok(f"{self._settings.host_name} POP3 server ready")

    def receive(self, octets: bytes) -> Iterator[bytes]:
        """Take what came in, however it was cut, and yield what to send, command by command.

        A command is carried out only when the answers before it were taken from the iterator, and what it
        does has happened when its own answer comes out.
        """
        self._input += octets
        while not self.closed and not self.upgrade and (line := self._next_line()) is not None:
            yield from self._answer(line)
        if self.closed or self.upgrade:
            self._input.clear()  # what came before a handshake could have been put there by anybody

    def pending(self) -> bytes:
        """Return what the server has to say unasked: in POP3, nothing ever."""
        return b""

    def tls_started(self) -> None:
        """Begin afresh under TLS (RFC 2595 §4): nothing said before it counts."""
        self.upgrade, self._secure, self._user, self._challenged = False, True, None, False
        self._input.clear()

    def autologout(self) -> bytes:
        """End a session that was idle for too long: without UPDATE, and without a word (§3)."""
        self.end()
        return b""

    def end(self) -> None:
        """Let go of the maildrop; unless QUIT came before, nothing is removed (§6). May be called again."""
        if self._account is not None:
            self._account.unlock_maildrop(self)
        if self.state is not State.UPDATE:
            self.state = State.CLOSED
        self.closed = True
        self._account, self._messages = None, []
        self._marked.clear()

    def snapshot(self) -> SessionView:
        """Return this session as pictures show it."""
        name = self._account.name if self._account else None
        marks = frozenset(self._messages[number - 1].uid for number in self._marked)
        return SessionView("POP3", self.state.value, name, "INBOX" if name else None, marks)

    # From octets to commands

    def _next_line(self) -> bytes | None:
        """Cut off one line without its end; None while it is incomplete, ``b""`` for one that was too long."""
        end = self._input.find(b"\n") + 1
        limit = self._settings.max_line if self._challenged else MAX_COMMAND
        if (end or len(self._input)) > limit:
            self._too_long = True
        if not end:
            if self._too_long:
                self._input.clear()
            return None
        line = bytes(self._input[:end])
        del self._input[:end]
        return line.removesuffix(b"\n").removesuffix(b"\r")

    def _answer(self, line: bytes) -> Iterator[bytes]:
        """Yield the answer to one line; an error that no command foresaw ends the session, and only it."""
        begun = False
        try:
            for chunk in self._obey(line):
                begun = True
                yield chunk
        except Refusal as refusal:
            yield f"-ERR {refusal}\r\n".encode("ascii", "backslashreplace")
        except Exception:
            log.exception("POP3 session of %s ended by an error", self._account and self._account.name)
            self.end()
            if not begun:  # within a message it would be read as part of it
                yield b"-ERR [SYS/TEMP] the server made an error and ends this session; connect again\r\n"

    def _obey(self, line: bytes) -> Iterable[bytes]:
        challenged, self._challenged = self._challenged, False
        if self._too_long:
            self._too_long = False
            raise Refusal(f"line too long; a command has at most {MAX_COMMAND} octets with its CRLF")
        if challenged:
            if line == b"*":
                raise Refusal("AUTH given up")
            return self._run("AUTH", ["PLAIN", line.decode("ascii", "replace")])
        word, _, rest = line.partition(b" ")
        keyword = word.upper().decode("ascii", "backslashreplace")
        return self._run(keyword, self._arguments(keyword, rest.decode("utf-8", "surrogateescape")))

    def _arguments(self, keyword: str, rest: str) -> list[str]:
        """Split what follows the keyword; raise `Refusal` unless the command is known and takes so many."""
        if keyword not in COMMANDS:
            raise Refusal(self._not_offered(keyword))
        form = ARGUMENTS.get(keyword, "").split()
        least = sum(not name.startswith("[") for name in form)
        given = rest.split(" ") if keyword != "PASS" else [rest]  # a password may contain spaces (§7 PASS)
        given = [argument for argument in given if argument]
        if not least <= len(given) <= len(form):
            raise Refusal(f"{keyword} takes no argument" if not form else f"say {keyword} {' '.join(form)}")
        return given

    def _not_offered(self, keyword: str) -> str:
        if keyword == "APOP":
            return "APOP is not offered here; log in with USER and PASS, or AUTH PLAIN"
        return f"no command {keyword[:20]!a}; these are known: {' '.join(COMMANDS)}"

    def _run(self, keyword: str, arguments: list[str]) -> Iterable[bytes]:
        """Carry out one command, if the table allows it now, and go to the state that the table names."""
        after = COMMANDS[keyword].get(self.state)
        if after is None:
            raise Refusal(f"{keyword} is not valid in the {self.state.value} state; {REMEDY[self.state]}")
        if keyword != "PASS":
            self._user = None  # PASS must follow USER immediately (§7 PASS)
        answer: bytes | Iterable[bytes] = getattr(self, f"do_{keyword.lower()}")(*arguments)
        if not self._challenged:
            self.state = after
        return (answer,) if isinstance(answer, bytes) else answer

    # The AUTHORIZATION state (§4, §7 USER and PASS)

    def do_user(self, name: str) -> bytes:
        """Note who wants to log in; whether there is such an account is not told (§13)."""
        self._password_allowed()
        self._user = name
        return ok("now send PASS")

    def do_pass(self, password: str) -> bytes:
        """Check the password and open the maildrop."""
        self._password_allowed()
        user, self._user = self._user, None
        if user is None:
            raise Refusal("PASS must come right after USER; send USER first")
        return self._log_in(user, password)

    def do_auth(self, mechanism: str, response: str | None = None) -> bytes:
        """Log in by SASL PLAIN, the response in the same line or the next one (RFC 5034 §4)."""
        self._password_allowed()
        if mechanism.upper() != "PLAIN":
            raise Refusal("the only mechanism offered is PLAIN; say AUTH PLAIN")
        if response is None:
            self._challenged = True
            return b"+ \r\n"
        try:
            decoded = binascii.a2b_base64("" if response == "=" else response, strict_mode=True)
            acting_for, user, password = decoded.decode("utf-8", "surrogateescape").split("\0")
        except ValueError:
            raise Refusal("PLAIN wants base64 of NUL, name, NUL, password; send AUTH again") from None
        if acting_for and self._store.account_for(acting_for) is not self._store.account_for(user):
            raise self._failed_login("one account cannot log in for another; leave out the first name")
        return self._log_in(user, password)

    def _password_allowed(self) -> None:
        if not (self._secure or self._settings.plaintext_login):
            raise Refusal("a password is accepted only under TLS here; send STLS first")

    def _log_in(self, user: str, password: str) -> bytes:
        account = self._store.authenticate(user, password)
        if account is None:
            raise self._failed_login("wrong name or password; send USER and PASS again")
        if not account.lock_maildrop(self):
            raise Refusal(
                "[IN-USE] another POP3 session holds this maildrop; end it with QUIT, or drop its line"
                " (in this course: server.hang_up())"
            )
        self._account = account
        self._messages = list(account.inbox.messages)
        return ok(f"{account.name}'s maildrop has {self._contents()}")

    def _failed_login(self, words: str) -> Refusal:
        self._failed_logins += 1
        if self._failed_logins < self._settings.max_failed_logins:
            return Refusal(f"[AUTH] {words}")
        self.end()
        return Refusal(f"[AUTH] {words.partition(';')[0]}, for the {self._failed_logins}. time; goodbye")

    def do_stls(self) -> bytes:
        """Go over to TLS (RFC 2595 §4)."""
        if self._secure:
            raise Refusal("TLS is already on")
        if not self._can_upgrade:
            raise Refusal("STLS is not offered here")
        self.upgrade = True
        return ok("begin TLS now")

    def do_capa(self) -> Iterator[bytes]:
        """List what this server can do beyond RFC 1939's minimum (RFC 2449 §5)."""
        told, password_allowed = self._settings, self._secure or self._settings.plaintext_login
        capabilities = {
            "TOP": told.top,
            "UIDL": told.uidl,
            "USER": password_allowed,
            "SASL PLAIN": password_allowed,
            "STLS": self._can_upgrade and not self._secure,
            "RESP-CODES": True,
            "AUTH-RESP-CODE": True,
            "PIPELINING": True,
            f"EXPIRE {told.expire}": told.expire is not None,
            "IMPLEMENTATION mailkit": True,
        }
        return multi_line("capabilities follow", (name for name, offered in capabilities.items() if offered))

    # The TRANSACTION state (§5, §7)

    def do_stat(self) -> bytes:
        """Say how many messages there are, and how many octets; marked ones do not count."""
        sizes = [message.size for _, message in self._unmarked()]
        return ok(f"{len(sizes)} {sum(sizes)}")

    def do_list(self, number: str | None = None) -> bytes | Iterator[bytes]:
        """Say how long a message is, or each of them."""
        return self._listing(number, lambda message: f"{message.size}")

    def do_uidl(self, number: str | None = None) -> bytes | Iterator[bytes]:
        """Say the unique-id of a message, or of each: UIDVALIDITY and UID, as IMAP knows them."""
        if not self._settings.uidl:
            raise Refusal("UIDL is switched off on this server")
        uidvalidity = self._inbox().uidvalidity
        return self._listing(number, lambda message: f"{uidvalidity}.{message.uid}")

    def do_retr(self, number: str) -> Iterator[bytes]:
        r"""Send a message. Its flags stay as they are: POP3 knows none, so ``\Seen`` is not set."""
        message = self._present(number)
        return multi_line(f"{message.size} octets", message.octets)

    def do_top(self, number: str, count: str) -> Iterator[bytes]:
        """Send a message's header, the blank line, and so many lines of its body."""
        if not self._settings.top:
            raise Refusal("TOP is switched off on this server")
        if not is_number(count):
            raise Refusal("TOP takes a message-number and a number of lines, 0 or more")
        return multi_line("top of message follows", top(self._present(number).octets, int(count)))

    def do_dele(self, number: str) -> bytes:
        """Mark a message; it stays where it is until QUIT."""
        self._present(number)
        self._marked.add(int(number))
        return ok(f"message {int(number)} marked as deleted")

    def do_noop(self) -> bytes:
        """Do nothing."""
        return ok("nothing done")

    def do_rset(self) -> bytes:
        """Take all marks back."""
        self._marked.clear()
        return ok(f"maildrop has {self._contents()}")

    def _unmarked(self) -> Iterator[tuple[int, Message]]:
        return (pair for pair in enumerate(self._messages, 1) if pair[0] not in self._marked)

    def _contents(self) -> str:
        sizes = [message.size for _, message in self._unmarked()]
        return f"{len(sizes)} message{'s' * (len(sizes) != 1)} ({sum(sizes)} octets)"

    def _listing(self, number: str | None, told: Callable[[Message], str]) -> bytes | Iterator[bytes]:
        if number is not None:
            message = self._message(number)
            return ok(f"{int(number)} {told(message)}")
        return multi_line(self._contents(), (f"{number} {told(message)}" for number, message in self._unmarked()))

    def _message(self, number: str) -> Message:
        """Return the message of this number, which was given at login and never changes (§4)."""
        if not is_number(number):
            raise Refusal("a message-number consists of digits; LIST tells which there are")
        if not 1 <= int(number) <= len(self._messages):
            raise Refusal(f"no message {int(number)}; the maildrop had {len(self._messages)} at login")
        if int(number) in self._marked:
            raise Refusal(f"message {int(number)} is marked as deleted; RSET takes all marks back")
        return self._messages[int(number) - 1]

    def _present(self, number: str) -> Message:
        """Return the message of this number, if nobody removed it meanwhile by IMAP."""
        message = self._message(number)
        if self._inbox().by_uid(message.uid) is None:
            raise Refusal(f"message {int(number)} was removed by an IMAP client after you logged in")
        return message

    # The UPDATE state (§6)

    def do_quit(self) -> bytes:
        """Remove the messages this session marked, and no others; say goodbye."""
        left = ""
        if self._account is not None:
            inbox = self._account.inbox
            inbox.expunge([self._messages[number - 1].uid for number in self._marked])
            left = f" ({len(inbox)} messages left)" if len(inbox) else " (maildrop empty)"
        self.end()
        return ok(f"{self._settings.host_name} POP3 server signing off{left}")

    def _inbox(self) -> Mailbox:
        assert self._account is not None, "COMMANDS lets nothing that needs a maildrop run before login"
        return self._account.inbox


def ok(words: str) -> bytes:
    r"""Return a positive answer of one line (§3).

    >>> ok("2 320")
    b'+OK 2 320\r\n'
    """
    return f"+OK {words}\r\n".encode("ascii", "backslashreplace")


def is_number(text: str) -> bool:
    """Tell whether this is a number as POP3 writes one: decimal digits, no sign (§4)."""
    return text.isascii() and text.isdigit()


def multi_line(words: str, body: bytes | Iterable[str]) -> Iterator[bytes]:
    r"""Yield a multi-line answer (§3), a message or lines, in chunks of about `CHUNK` octets.

    >>> list(multi_line("capabilities follow", ["TOP", "UIDL"]))
    [b'+OK capabilities follow\r\nTOP\r\nUIDL\r\n.\r\n']
    """
    parts = dot_stuffed(body) if isinstance(body, bytes) else (f"{line}\r\n".encode() for line in body)
    pack, size = [ok(words)], 0
    for part in parts:
        pack.append(part)
        size += len(part)
        if size >= CHUNK:
            yield b"".join(pack)
            pack, size = [], 0
    yield b"".join((*pack, b".\r\n"))


def dot_stuffed(octets: bytes) -> Iterator[bytes]:
    r"""Yield a message so that no line of it looks like the end of the answer (§3), cut at line ends.

    A dot after a bare LF is doubled too: many clients take that for a line end.

    >>> b"".join(dot_stuffed(b"a\r\n.b\r\n..\r\nc"))
    b'a\r\n..b\r\n...\r\nc\r\n'
    """
    start = 0
    while start < len(octets):
        after = start + CHUNK
        end = octets.rfind(b"\n", start, after) + 1 or octets.find(b"\n", after) + 1 or len(octets)
        part = octets[start:end].replace(b"\n.", b"\n..")
        yield b"." + part if part.startswith(b".") else part
        start = end
    if octets and not octets.endswith(b"\r\n"):
        yield b"\r\n"


def top(octets: bytes, count: int) -> bytes:
    r"""Return a message's header, the blank line, and ``count`` lines of its body (§7 TOP).

    >>> top(b"Subject: x\r\n\r\n1\r\n2\r\n", 1)
    b'Subject: x\r\n\r\n1\r\n'
    """
    blank = BLANK_LINE.search(octets)
    end = blank.end() if blank else len(octets)
    while count > 0 and end < len(octets):
        end = octets.find(b"\n", end) + 1 or len(octets)
        count -= 1
    return octets[:end]
