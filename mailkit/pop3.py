"""POP3 as the server speaks it: one session, without a socket.

Read it beside RFC 1939 (a § without a number of its own is of that one). `COMMANDS` is the protocol's state
machine, one method is one command. RFC 2449 adds CAPA and response codes, RFC 2595 STLS, RFC 5034 AUTH, RFC 3206
``[AUTH]`` and ``[SYS/TEMP]``. Left out: APOP, whose MD5 protects nobody any more; LOGIN-DELAY, which only delays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum

from mailkit.linebuffer import LineBuffer
from mailkit.mailbox import Mailbox
from mailkit.message import Message
from mailkit.pop3answers import multi_line, ok, top
from mailkit.sasl import MAX_RESPONSE, from_base64, from_plain
from mailkit.settings import Settings
from mailkit.snapshot import SessionView
from mailkit.store import Account, Store, in_small_letters

log = logging.getLogger(__name__)

MAX_COMMAND = 255  # octets, CRLF included (RFC 2449 §4)
IN_USE = "another POP3 session has this maildrop; QUIT there, or server.hang_up() (in an exercise box.server.hang_up())"


class State(Enum):
    """Where a session is (§3)."""

    AUTHORIZATION = "AUTHORIZATION"
    TRANSACTION = "TRANSACTION"
    UPDATE = "UPDATE"
    CLOSED = "closed"  # no name of the RFC's: the session is over, and nothing was removed


AUTHORIZATION, TRANSACTION, UPDATE, CLOSED = State

_STAY_OUT, _LOG_IN, _STAY_IN = {AUTHORIZATION: AUTHORIZATION}, {AUTHORIZATION: TRANSACTION}, {TRANSACTION: TRANSACTION}

COMMANDS: Mapping[str, Mapping[State, State]] = {
    "USER": _STAY_OUT,
    "PASS": _LOG_IN,
    "AUTH": _LOG_IN,
    "STLS": _STAY_OUT,
    "CAPA": _STAY_OUT | _STAY_IN,
    **dict.fromkeys(("STAT", "LIST", "RETR", "DELE", "NOOP", "RSET", "TOP", "UIDL"), _STAY_IN),
    "QUIT": {AUTHORIZATION: CLOSED, TRANSACTION: UPDATE},
}
"""For each command, the states where it is legal, each with the state after the command has succeeded."""

FORMS: Mapping[str, list[str]] = {  # how each command may be said (§9); most stand alone
    **{word: [word] for word in COMMANDS},
    "USER": ["USER name"],
    "PASS": ["PASS string"],
    "AUTH": ["AUTH mechanism", "AUTH mechanism initial-response"],
    "LIST": ["LIST", "LIST msg"],
    "RETR": ["RETR msg"],
    "DELE": ["DELE msg"],
    "TOP": ["TOP msg n"],
    "UIDL": ["UIDL", "UIDL msg"],
}


class Refusal(Exception):
    """A command is answered ``-ERR`` and these words; every ``do_`` method may raise it."""


class Pop3Session:
    """One POP3 session over the INBOX of one account.

    Takes the store and the settings; ``secure``: TLS is on from the start, else STLS is offered. Send what `receive`
    yields; then, if ``closed`` is set, hang up; if ``upgrade`` is set, do the TLS handshake and call `tls_started`.
    """

    errand = timeout = None  # a line asks every session; only SMTP's has them

    def __init__(self, store: Store, settings: Settings, *, secure: bool = False) -> None:
        self.state = AUTHORIZATION
        self.asked = b""  # the command that is being answered
        self.closed = self.upgrade = False
        self._store, self._settings, self._secure = store, settings, secure
        self._input = LineBuffer()
        self._named: str | None = None  # by this line, a USER
        self._user: str | None = None  # named by the line just before
        self._challenged = False  # AUTH waits for its response line
        self._failed_logins = self._mistakes = 0
        self._account: Account | None = None
        self._inbox: Mailbox  # since login
        self._messages: list[Message] = []  # the maildrop as it was at login: number 1 is the first (§4)
        self._marked: set[int] = set()  # message-numbers; no other session knows of them

    def greeting(self) -> bytes:
        """Return the line that opens the session (§4); without a timestamp, for APOP is not offered."""
        return ok(f"{self._settings.host_name} POP3 server ready")

    def receive(self, octets: bytes) -> Iterator[bytes]:
        """Take what came in, however it was cut; yield what to send, command by command (RFC 2449 §6.6).

        A command runs when the answers before it have been taken; what it does is done when its own comes out.
        """
        self._input += octets
        while not (self.closed or self.upgrade):
            line = self._input.cut_line(MAX_RESPONSE if self._challenged else MAX_COMMAND)
            if line is None:
                return
            yield from self._answer(line)

    def pending(self) -> bytes:
        """Return what the server has to say unasked: in POP3, nothing ever."""
        return b""

    def tls_started(self) -> None:
        """Begin afresh under TLS: nothing said before counts (RFC 2595 §4; RFC 3207 §4.2)."""
        self.upgrade, self._secure = False, True
        self._input.clear()  # what came together with STLS could have been put there by anybody

    def dismiss(self, why: str) -> bytes:
        """End a session that was idle for too long, or because the server stops: no UPDATE, not a word (§3)."""
        self.end()
        return b""

    def end(self) -> None:
        """Let go of the maildrop; if there was no QUIT, nothing is removed (§6). May be called again."""
        if self._account is not None:
            self._account.unlock_maildrop(self)
        if self.state is not UPDATE:  # QUIT ends the session, too, and enters UPDATE when its answer is ready
            self.state = CLOSED
        self.closed, self._account, self._messages, self._marked = True, None, [], set()

    def snapshot(self) -> SessionView:
        """Return this session as pictures show it."""
        name = self._account.name if self._account else None
        marks = frozenset(self._messages[number - 1].uid for number in self._marked)
        return SessionView("POP3", self.state.value, name, "INBOX" if name else None, marks)

    def outline(self) -> SessionView:
        """Return a view whose ``state`` counts the marks: it changes with `snapshot`, but costs no more for each."""
        name = self._account.name if self._account else None
        return SessionView("POP3", f"{self.state.value}, marks: {len(self._marked)}", name)

    # ---- from octets to commands (§3)

    def _answer(self, line: bytes) -> Iterator[bytes]:
        """Yield the answer to one line; an error that no command foresaw ends this session, and no other."""
        begun = False
        try:
            for chunk in self._obey(line):
                begun = True
                yield chunk
        except Refusal as refusal:
            self._mistakes += self.state is AUTHORIZATION
            said = str(refusal)
            if self._mistakes >= self._settings.max_mistakes:
                self.end()
                said += f". After {self._mistakes} mistakes before a login the server hangs up; connect again"
            words = f"{said}\r\n".encode("ascii", "backslashreplace")
            yield b"-ERR " + words[:1] + words[1:].replace(b"[", b"\\x5b")  # it begins a code, and nothing else
        except Exception:
            log.exception("an error ended the POP3 session of %s", self._account and self._account.name)
            self.end()
            if not begun:  # inside a message it would be taken for a part of it
                yield b"-ERR [SYS/TEMP] the server made an error and ends this session; connect again\r\n"

    def _obey(self, line: bytes) -> Iterable[bytes]:
        challenged, self._challenged = self._challenged, False
        self.asked = b"AUTH PLAIN" if challenged else line
        given_up = challenged and line == b"*"
        if challenged:  # as if the response had come with the command; "=" is an empty one, which PLAIN never is
            line = b"AUTH PLAIN " + (line or b"=")
        word, *rest = line.split(b" ", 1)
        keyword = word.upper().decode("utf-8", "surrogateescape")
        self._user = self._named  # PASS comes right after USER, or not at all (§7)
        if keyword != "AUTH":  # which was not said, if it fails (RFC 5034 §4)
            self._named = None
        if self._input.too_long:
            longest = MAX_RESPONSE if challenged else MAX_COMMAND
            raise Refusal(f"line too long; it has at most {longest} octets, CRLF included")
        if given_up:
            raise Refusal("AUTH given up, as you wished")
        return self._run(keyword, [text.decode("utf-8", "surrogateescape") for text in rest])

    def _run(self, keyword: str, rest: list[str]) -> Iterable[bytes]:
        """Carry out a command, if the table allows it now, and enter the state that the table names."""
        if keyword == "APOP":
            raise Refusal("APOP is not offered here; log in with USER and PASS, or with AUTH PLAIN")
        if keyword not in COMMANDS:
            raise Refusal(f"no such command; these are known: {' '.join(COMMANDS)}")  # not which: it may be a password
        if self.state not in COMMANDS[keyword]:
            remedy = "send USER and PASS first" if self.state is AUTHORIZATION else "QUIT and connect again first"
            raise Refusal(f"{keyword} is not valid in the {self.state.value} state; {remedy}")
        if keyword in ("USER", "PASS", "AUTH") and not (self._secure or self._settings.plaintext_login):
            raise Refusal("a password is taken only under TLS here; send STLS first")
        arguments = rest if keyword == "PASS" else [word for text in rest for word in text.split(" ")]
        if "" in arguments or 1 + len(arguments) not in [len(form.split()) for form in FORMS[keyword]]:
            raise Refusal(f"say {' or '.join(FORMS[keyword])}: nothing more, and one space between words")
        after = COMMANDS[keyword][self.state]
        answer: bytes | Iterator[bytes] = getattr(self, f"do_{keyword.lower()}")(*arguments)
        if not self._challenged:
            self.state = after
        return (answer,) if isinstance(answer, bytes) else answer

    # ---- the AUTHORIZATION state (§4; USER and PASS: §7)

    def do_user(self, name: str) -> bytes:
        """Note who wants to log in; whether there is such an account is not told (§13)."""
        if not (name.isascii() and name.isprintable()):
            raise Refusal("a name has printable ASCII characters only")
        self._named = name
        return ok("now send PASS")

    def do_pass(self, password: str) -> bytes:
        """Check the password and open the maildrop."""
        if self._user is None:
            raise Refusal("PASS comes right after USER; send USER first")
        return self._log_in(self._user, password)

    def do_auth(self, mechanism: str, response: str | None = None) -> bytes:
        """Log in by SASL PLAIN; the response is in this line or, asked for, in the next (RFC 5034 §4)."""
        if in_small_letters(mechanism) != "plain":
            raise Refusal("the one mechanism offered is PLAIN; say AUTH PLAIN")
        if response is None:
            self._challenged = True
            return b"+ \r\n"
        try:
            acting_for, user, password = from_plain(from_base64(response.encode("utf-8", "surrogateescape")))
        except ValueError:
            raise Refusal("PLAIN wants the base64 of NUL, name, NUL, password; send AUTH PLAIN again") from None
        return self._log_in(user, password, acting_for)

    def do_stls(self) -> bytes:
        """Go over to TLS (RFC 2595 §4)."""
        if self._secure:
            raise Refusal("TLS is on already")
        self.upgrade = True
        return ok("begin TLS now")

    def do_capa(self) -> Iterator[bytes]:
        """List what this server does beyond the least that §9 asks for (RFC 2449 §5 and §6)."""
        told = self._settings
        password = self._secure or told.plaintext_login
        capabilities = {
            "TOP": told.top,
            "UIDL": told.uidl,
            "USER": password,
            "SASL PLAIN": password,
            "STLS": not self._secure and self.state is AUTHORIZATION,
            "RESP-CODES": True,
            "AUTH-RESP-CODE": True,
            "PIPELINING": True,
            f"EXPIRE {told.expire}": told.expire is not None,
            "IMPLEMENTATION mailkit": True,
        }
        return multi_line("capabilities follow", (name for name, offered in capabilities.items() if offered))

    def _log_in(self, user: str, password: str, acting_for: str = "") -> bytes:
        account = self._store.authenticate(user, password, acting_for)
        if account is None:
            raise self._failed_login()
        if not account.lock_maildrop(self):
            raise Refusal(f"[IN-USE] {IN_USE}")
        self._account, self._inbox, self._messages = account, account.inbox, list(account.inbox.messages)
        return ok(f"{account.name}'s maildrop has {self._contents()}")

    def _failed_login(self) -> Refusal:
        self._failed_logins += 1
        remedy = "send both again"
        if self._failed_logins >= self._settings.max_failed_logins:
            self.end()
            remedy = "that was one failed login too many; connect again"
        return Refusal(f"[AUTH] wrong name or password; {remedy}")

    # ---- the TRANSACTION state (§5; TOP and UIDL: §7)

    def do_stat(self) -> bytes:
        """Say how many messages there are and how many octets, without those that are marked."""
        return ok("{} {}".format(*self._totals()))

    def do_list(self, msg: str | None = None) -> bytes | Iterator[bytes]:
        """Say how many octets a message has, or each of them."""
        return self._listing(msg, lambda message: f"{message.size}")

    def do_uidl(self, msg: str | None = None) -> bytes | Iterator[bytes]:
        """Say the unique-id of a message, or of each: by UIDVALIDITY and UID, IMAP knows the same one."""
        if not self._settings.uidl:
            raise Refusal(f"UIDL is switched off on this server; go by LIST{' and TOP' * self._settings.top}")
        return self._listing(msg, lambda message: f"{self._inbox.uidvalidity}.{message.uid}")

    def do_retr(self, msg: str) -> Iterator[bytes]:
        r"""Send a message. It does not become ``\Seen``: POP3 knows no flags."""
        _, message = self._message(msg, fetch=True)
        return multi_line(f"{message.size} octets", message.octets)

    def do_top(self, msg: str, n: str) -> Iterator[bytes]:
        """Send a message's header, the blank line, and n lines of its body."""
        if not self._settings.top:
            raise Refusal("TOP is switched off on this server; RETR sends the whole message")
        _, message = self._message(msg, fetch=True)
        return multi_line("top of message follows", top(message.octets, to_number(n)))

    def do_dele(self, msg: str) -> bytes:
        """Mark a message; it stays where it is until QUIT."""
        number, _ = self._message(msg)
        self._marked.add(number)
        return ok(f"message {number} marked as deleted")

    def do_noop(self) -> bytes:
        """Do nothing."""
        return ok("nothing done")

    def do_rset(self) -> bytes:
        """Take all marks back."""
        self._marked.clear()
        return ok(f"maildrop has {self._contents()}")

    def _unmarked(self) -> Iterator[tuple[int, Message]]:
        return (pair for pair in enumerate(self._messages, 1) if pair[0] not in self._marked)

    def _totals(self) -> tuple[int, int]:
        sizes = [message.size for _, message in self._unmarked()]
        return len(sizes), sum(sizes)

    def _contents(self) -> str:
        count, octets = self._totals()
        return f"{count} message{'s' * (count != 1)} ({octets} octets)"

    def _listing(self, msg: str | None, told: Callable[[Message], str]) -> bytes | Iterator[bytes]:
        if msg is None:
            return multi_line(self._contents(), (f"{number} {told(message)}" for number, message in self._unmarked()))
        number, message = self._message(msg)
        return ok(f"{number} {told(message)}")

    def _message(self, msg: str, fetch: bool = False) -> tuple[int, Message]:
        """Return a message with its number, which it was given at login and keeps (§4). Raises `Refusal`."""
        number, last = to_number(msg), len(self._messages)
        if not 1 <= number <= last:
            raise Refusal(f"no message {number}; {f'the last one is {last}' if last else 'the maildrop is empty'}")
        if number in self._marked:
            raise Refusal(f"message {number} is marked as deleted; RSET takes all marks back")
        message = self._messages[number - 1]
        if fetch and self._inbox.by_uid(message.uid) is None:
            words = f"message {number} was removed by another program, over IMAP, since you logged in"
            raise Refusal(f"{words}; QUIT and connect again")
        return number, message

    # ---- the UPDATE state (§6)

    def do_quit(self) -> bytes:
        """Remove the messages that this session marked, and no others; say goodbye."""
        left = ""
        if self._account is not None:
            self._inbox.expunge([self._messages[number - 1].uid for number in self._marked])
            left = f" ({len(self._inbox)} left)"
        self.end()
        return ok(f"{self._settings.host_name} POP3 server signing off{left}")


def to_number(text: str) -> int:
    """Return a decimal number without sign (§4). Raises `Refusal`."""
    if not (text.isascii() and text.isdigit()):
        raise Refusal(f"{text[:20]!a} is not a number; say it in digits")
    return int(text)
