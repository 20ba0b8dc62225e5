"""IMAP as the server speaks it: one session, without a socket.

Read it beside RFC 3501. `COMMANDS` is the protocol's state machine and one method is one command; the
grammar is in `syntax`, what the session was told of its mailbox in `view`. Beyond RFC 3501: RFC 2177 IDLE,
RFC 2342 NAMESPACE, RFC 2971 ID, RFC 3691 UNSELECT, RFC 4315 UIDPLUS, RFC 4959 SASL-IR, RFC 5530 response
codes, RFC 6154 SPECIAL-USE, RFC 6851 MOVE, RFC 7888 LITERAL+, RFC 9208 QUOTA.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from time import monotonic, thread_time

from mailkit.imap.mailboxes import MailboxCommands
from mailkit.imap.messages import MessageCommands
from mailkit.imap.reader import CommandReader, Refused
from mailkit.imap.states import ARGUMENTS, COMMANDS, OTHERS_TURN, REMEDY, Reply, State
from mailkit.imap.syntax import Arguments, BadSyntax, Command, decode_name
from mailkit.imap.view import View
from mailkit.mailbox import MailboxError
from mailkit.sasl import from_base64, from_plain
from mailkit.settings import CHUNK, Settings
from mailkit.snapshot import SessionView
from mailkit.store import Account, Store

__all__ = ["COMMANDS", "ImapSession", "State"]

log = logging.getLogger(__name__)

PIECE_TIME = 0.05  # seconds of our own work, whatever else the machine does: then others may have their turn
MAX_REFUSAL = 1000  # characters; of a longer one the middle is left out
KEEPS_NUMBERS = ("FETCH", "STORE", "SEARCH", "")  # while one of these, or no command, is answered: no EXPUNGE (§7.4.1)


class ImapSession:
    """One IMAP session of one account.

    Takes the store; the settings; ``secure``: TLS is on from the start, else STARTTLS is offered;
    ``wake``: called when `pending` may have something to say.
    What `receive` yields is to be sent; when ``closed`` is set, hang up after that; when ``upgrade`` is
    set, begin the TLS handshake and then call `tls_started`.
    """

    errand = timeout = None  # a line asks every session; only SMTP's has them

    def __init__(
        self, store: Store, settings: Settings, *, secure: bool = False, wake: Callable[[], None] = lambda: None
    ) -> None:
        self.state = State.NOT_AUTHENTICATED
        self.asked = b""  # the command that is being answered, without its literals
        self.closed = self.upgrade = False
        self._store, self._settings, self._secure, self._wake = store, settings, secure, wake
        self._reader = CommandReader(settings.max_imap_line, 4 * settings.max_message, self._judge_literal)
        self._tag, self._name = b"*", ""  # of that command; the name only once it is known to be legal
        self._resume: Callable[[bytes], Reply | None] | None = None  # takes the line that a command waits for
        self._idling = False
        self._bye = ""  # why the server hangs up after this answer
        self._failed_logins = self._mistakes = 0
        self._account: Account | None = None
        self._view: View | None = None

    def greeting(self) -> bytes:
        """Return the line that opens the session (§7.1.1); no CAPABILITY code, for newer `imaplib`s would not ask."""
        return f"* OK {self._settings.host_name} IMAP server ready\r\n".encode()

    def receive(self, octets: bytes) -> Iterator[bytes]:
        """Take what came in, however it was cut, and yield what to send, command by command.

        A command is carried out only when the answers before it were taken from the iterator, and what it
        does has happened when its own answer comes out.
        """
        self._reader.feed(octets)
        while not (self.closed or self.upgrade):
            taken = self._reader.command(goes_on=self._resume is not None)
            if taken is None:
                return
            yield from self._answer(taken)

    def pending(self) -> bytes:
        """Return what the server has to say unasked: news of the mailbox, but only during IDLE (RFC 2177)."""
        return self._view.news(may_expunge=True) + self._last_words() if self._idling and self._view else b""

    def tls_started(self) -> None:
        """Begin afresh under TLS (§6.2.1; RFC 9051 §6.2.1): nothing said before it counts."""
        self.upgrade, self._secure = False, True
        self._reader.reset()  # what came before the handshake could have been put there by anybody

    def dismiss(self, why: str) -> bytes:
        """End a session that was idle for too long (§5.4), or because the server stops (§3.4)."""
        self.end()
        return f"* BYE {why}\r\n".encode()

    def end(self) -> None:
        r"""Let go of the mailbox; messages flagged ``\Deleted`` stay (§6.4.2). May be called again."""
        self._deselect()
        self.state, self.closed, self._idling, self._resume = State.LOGOUT, True, False, None
        self._account = None
        self._reader.reset()

    def snapshot(self) -> SessionView:
        """Return this session as pictures show it."""
        if self._account is None or self._view is None:
            return SessionView("IMAP", self.state.value, self._account.name if self._account else None)
        box = self._view.mailbox
        if self._account.mailboxes.get(box.name) is not box:  # its name may be another's by now
            return SessionView("IMAP", "selected (deleted meanwhile)", self._account.name)
        return SessionView("IMAP", self.state.value, self._account.name, box.name)

    outline = snapshot  # POP3's snapshot costs more than its outline

    # From octets to commands

    def _answer(self, taken: Command | Refused | bytes) -> Iterator[bytes]:
        if isinstance(taken, bytes):
            yield taken
        elif isinstance(taken, Refused):
            yield self._refuse(taken)
        elif self._resume:
            resume, self._resume, line = self._resume, None, taken.text
            yield from self._run(lambda: resume(line))
        else:
            arguments, self.asked = Arguments(taken), taken.text
            yield from self._run(lambda: self._begin(arguments))

    def _refuse(self, refusal: Refused) -> bytes:
        if not self._resume:
            self._tag, self._name, self.asked = refusal.tag, "", refusal.tag + b" (refused)"
        self._resume, self._idling = None, False
        self._count_mistake()
        if refusal.fatal:
            self._bye = "that literal is beyond all bounds; connect again"
        return self._tagged(refusal.answer)

    def _judge_literal(self, command: Command, octets: int) -> str | None:
        """Say why literals of so many octets are not taken here, before they are sent (§2.2.1, RFC 7888 §4)."""
        arguments, limit = Arguments(command), self._settings.max_imap_line
        try:
            arguments.tag()
            name = self._read_name(arguments)
            if name == "LOGIN":
                self._need_privacy()
            before = int(arguments.next_is(b" {"))  # literals before APPEND's message: its mailbox, or none
            if name == "APPEND" and self._account and len(command.literals) == before:
                limit, octets = self._settings.max_message, octets - sum(map(len, command.literals))
                MailboxCommands(self._account).foresee_append(arguments, 0 if octets > limit else octets)
            if octets > limit:
                if name in ("SELECT", "EXAMINE"):
                    self._deselect()  # for it has failed
                return f"NO [TOOBIG] a literal of {octets} octets is too large; {name} takes {limit}"
        except BadSyntax as error:
            return f"BAD {error}"
        except MailboxError as error:
            return f"NO [{error.code}] {error}"
        return None

    def _begin(self, arguments: Arguments) -> Reply | None:
        self._tag, self._name = b"*", ""
        self._tag = arguments.tag()
        self._name = self._read_name(arguments)
        if self._name not in ARGUMENTS:
            arguments.end()
        methods = (getattr(commands, f"do_{self._name.lower()}", None) for commands in self._commands())
        method: Callable[[Arguments], Reply | None] = next(filter(None, methods))
        return method(arguments)

    def _commands(self) -> Iterator[object]:
        """Yield what has the methods of this state's commands."""
        yield self
        if self._account:
            yield MailboxCommands(self._account, self._view)
        if self._account and self._view:
            yield MessageCommands(self._account, self._view)

    def _read_name(self, arguments: Arguments) -> str:
        """Read the name of a command that is legal now."""
        arguments.space()
        name = arguments.word("a command")
        if name not in COMMANDS:
            raise BadSyntax(f"no command {name[:20]!a}; these are known: {' '.join(COMMANDS)}")
        if self.state not in COMMANDS[name]:
            too_late = State.NOT_AUTHENTICATED in COMMANDS[name]
            remedy = "it comes before a login: LOGOUT and connect again" if too_late else REMEDY[self.state]
            raise BadSyntax(f"{name} is not valid in the {self.state.value} state; {remedy}")
        return name

    def _run(self, work: Callable[[], Reply | None]) -> Iterator[bytes]:
        """Yield what a command has to say, in large chunks, and its tagged answer at the end."""
        said: list[bytes] = []
        size, begun, until, worked = 0, False, monotonic() + PIECE_TIME, thread_time() + PIECE_TIME
        try:
            reply = work() or Reply()
            for piece in reply.pieces:
                begun = begun or piece != OTHERS_TURN
                said.append(piece)
                size += len(piece)
                late = monotonic() > until and thread_time() > worked  # the cheaper clock is asked first
                if (size >= CHUNK or piece == OTHERS_TURN or late) and not self.closed:  # else it is asked no more
                    yield b"".join(said)
                    said, size, until, worked = [], 0, monotonic() + PIECE_TIME, thread_time() + PIECE_TIME
            if not (self._resume or self._bye):
                said.append(self._completed(reply))
        except BadSyntax as error:
            self._count_mistake()
            said.append(self._tagged(f"BAD {self._with_remedy(error)}"))
        except MailboxError as error:
            said.append(self._tagged(f"NO [{error.code}] {error}"))
        except Exception:
            log.exception("%s of %s failed", self._name, self._account and self._account.name)
            if begun:  # within a literal an answer would be read as part of it
                self.end()
                return
            said.append(self._tagged("NO [SERVERBUG] the server made an error; the session goes on"))
        yield b"".join(said)

    def _count_mistake(self) -> None:
        """Bear with a person's mistakes, but not with a program that speaks another protocol."""
        self._mistakes += self.state is State.NOT_AUTHENTICATED
        if self._mistakes >= self._settings.max_mistakes:
            self._bye = f"{self._mistakes} mistakes before a login; connect again"

    def _with_remedy(self, error: BadSyntax) -> str:
        name, words, found = self._name, str(error), error.found
        if self.state is State.NOT_AUTHENTICATED:
            found = ""  # a password, perhaps
        said = f"{words}, but found {found!r}" if found else words
        if ";" in words or not name:
            return said
        remedy = f"say {name} {ARGUMENTS.get(name, '')}".rstrip()
        if remedy.endswith(("mailbox", "new-name")) and found and words.endswith("the end of the line"):
            remedy += " (a name with a space in it goes in double quotes)"
        return f"{said}; {remedy}"

    def _completed(self, reply: Reply) -> bytes:
        if not self.closed:
            self.state = COMMANDS[self._name].get(self.state, self.state)  # a login has changed it already
        code = f"[{reply.code}] " if reply.code else ""
        return self._tagged(f"OK {code}{reply.name or self._name} completed")

    def _tagged(self, answer: str) -> bytes:
        """Write the news that may be told now, the tagged answer, and a BYE if it is the last."""
        name, view = self._name, self._view
        news = view.news(name not in KEEPS_NUMBERS, with_uid=name == "UID") if view else b""
        if len(answer) > MAX_REFUSAL and not answer.startswith("OK"):  # the client's own words may come back in it
            answer = f"{answer[: MAX_REFUSAL // 2]} ... {answer[-MAX_REFUSAL // 2 :]}"
        answer = f"{self._tag.decode()} {answer}\r\n"
        return news + answer.encode("ascii", "backslashreplace") + self._last_words()

    def _last_words(self) -> bytes:
        """End the session where it cannot go on; return what is said then, nothing where it can."""
        if self._view and self._view.is_outdated():  # RFC 2180 §3.3
            self._bye = "the open mailbox was deleted, or has another UIDVALIDITY since a RENAME; connect again"
        if not self._bye:
            return b""
        self.end()
        return f"* BYE {self._bye}\r\n".encode()

    # Any state (§6.1)

    def do_capability(self, _: Arguments) -> Reply:
        """List what this server can do."""
        return Reply([f"* {self._capabilities()}\r\n".encode()])

    def _capabilities(self) -> str:
        offered = ["IMAP4rev1", "LITERAL+", "SASL-IR", "ID", "IDLE", "NAMESPACE", "UIDPLUS", "MOVE", "UNSELECT"]
        offered += ["SPECIAL-USE", "QUOTA", "QUOTA=RES-STORAGE"]
        if self.state is State.NOT_AUTHENTICATED:
            offered += ["STARTTLS"] if not self._secure else []
            offered += ["AUTH=PLAIN" if self._password_allowed() else "LOGINDISABLED"]
        return f"CAPABILITY {' '.join(offered)}"

    def do_noop(self, _: Arguments) -> None:
        """Do nothing; the news that comes with every answer is the point."""

    def do_id(self, arguments: Arguments) -> Reply:
        """Exchange names of programs, which change nothing (RFC 2971)."""
        arguments.space()
        if not arguments.take(b"NIL"):
            fields = arguments.parenthesized(arguments.nstring, loose=True)  # as Python's aioimaplib writes it
            if len(fields) % 2 or None in fields[::2]:
                raise BadSyntax("ID takes names and values by turns")
        arguments.end()
        return Reply([b'* ID ("name" "mailkit")\r\n'])

    def do_logout(self, _: Arguments) -> Reply:
        """Say goodbye; nothing is expunged."""
        self.end()
        return Reply([f"* BYE {self._settings.host_name} IMAP server signing off\r\n".encode()])

    # The not authenticated state (§6.2)

    def do_starttls(self, _: Arguments) -> None:
        """Go over to TLS."""
        if self._secure:
            raise BadSyntax("TLS is already on; go on without STARTTLS")
        self.upgrade = True

    def do_authenticate(self, arguments: Arguments) -> Reply:
        """Log in by SASL PLAIN, the response in the same line (RFC 4959) or the next one."""
        arguments.space()
        mechanism = arguments.word("a mechanism, such as PLAIN")
        response = arguments.base64() if arguments.take(b" ") else None
        arguments.end()
        self._need_privacy()
        if mechanism != "PLAIN":
            raise MailboxError("the only mechanism offered is PLAIN", "CANNOT")
        if response is not None:
            return self._take_plain(response)
        self._resume = self._take_plain
        return Reply([b"+ \r\n"])

    def _take_plain(self, response: bytes) -> Reply:
        if response == b"*":
            raise BadSyntax("AUTHENTICATE given up; send it again, or LOGIN")
        try:
            acting_for, user, password = from_plain(from_base64(response))
        except ValueError:
            raise BadSyntax("PLAIN wants base64 of NUL, user, NUL, password") from None
        return self._log_in(user, password, acting_for)

    def do_login(self, arguments: Arguments) -> Reply:
        """Log in with user and password."""
        user, password = arguments.next_astring(), arguments.only_astring()
        self._need_privacy()
        return self._log_in(user.decode("utf-8", "surrogateescape"), password.decode("utf-8", "surrogateescape"))

    def _password_allowed(self) -> bool:
        return self._secure or self._settings.plaintext_login

    def _need_privacy(self) -> None:
        if not self._password_allowed():
            raise MailboxError("a password is accepted only under TLS here; send STARTTLS first", "PRIVACYREQUIRED")

    def _log_in(self, user: str, password: str, acting_for: str = "") -> Reply:
        account = self._store.authenticate(user, password, acting_for)
        if account is None:
            self._failed_logins += 1
            if self._failed_logins >= self._settings.max_failed_logins:
                self._bye = f"{self._failed_logins} logins failed; connect again"
            raise MailboxError("wrong name or password", "AUTHENTICATIONFAILED")
        self._account, self.state = account, State.AUTHENTICATED
        return Reply(code=self._capabilities())

    # What changes between the authenticated and the selected state (§6.3, §6.4)

    def do_select(self, arguments: Arguments, read_only: bool = False) -> Reply:
        """Open a mailbox; the one that was open is closed before, without an expunge (§6.3.1, §6.4.2)."""
        assert self._account is not None, "COMMANDS lets nothing that needs an account run before login"
        name = arguments.only_astring()  # a BAD changes nothing (§6)
        self._deselect()  # and after a failure no mailbox is open either
        mailbox = self._account.get(decode_name(name))
        self._view = View(mailbox, read_only, self._wake)
        return Reply([self._view.opening()], "READ-ONLY" if read_only else "READ-WRITE")

    def do_examine(self, arguments: Arguments) -> Reply:
        """Open a mailbox for reading only."""
        return self.do_select(arguments, read_only=True)

    def do_close(self, _: Arguments) -> None:
        r"""Leave the mailbox, and expunge messages flagged ``\Deleted`` without a word about them (§6.4.2)."""
        if self._view and not self._view.read_only:
            self._view.mailbox.expunge(self._view.mailbox.deleted_uids())
        self._deselect()

    def do_unselect(self, _: Arguments) -> None:
        """Leave the mailbox and expunge nothing (RFC 3691)."""
        self._deselect()

    def _deselect(self) -> None:
        if self._view:
            self._view.close()
            self._view, self.state = None, State.AUTHENTICATED

    def do_idle(self, _: Arguments) -> Reply:
        """Wait, and hear news as it happens, until the client says DONE (RFC 2177)."""
        self._idling, self._resume = True, self._take_done
        return Reply([b"+ idling\r\n" + self.pending()])

    def _take_done(self, line: bytes) -> None:
        self._idling = False
        if line.upper() != b"DONE":
            raise BadSyntax("IDLE is over, though only DONE should end it; send the command again")
