"""The commands about messages in the mailbox that is open: FETCH, STORE, SEARCH and their like (RFC 3501 §6.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from mailkit.imap.fetch import Request
from mailkit.imap.mailboxes import target
from mailkit.imap.search import Search
from mailkit.imap.states import OTHERS_TURN, Reply
from mailkit.imap.syntax import Arguments, BadSyntax, number_set
from mailkit.imap.view import View
from mailkit.mailbox import Mailbox, MailboxError
from mailkit.message import Message
from mailkit.store import Account

BY_UID = ("FETCH", "STORE", "SEARCH", "COPY", "MOVE", "EXPUNGE")
Change = Callable[[frozenset[str], frozenset[str]], frozenset[str]]
CHANGES: Mapping[str, Change] = {  # of STORE: old flags, those given → new ones
    "FLAGS": lambda old, given: given,
    "+FLAGS": lambda old, given: old | given,
    "-FLAGS": lambda old, given: old - given,
}


class MessageCommands:
    """The commands that need an open mailbox; those that UID can precede take ``by_uid`` (RFC 3501 §6.4).

    A message that another session expunged is in this session's numbers until it is told (§7.4.1). Until then
    FETCH still gives it, which RFC 2180 §4.1.1 allows; COPY and MOVE refuse it (EXPUNGEISSUED), and so
    does STORE once the others have their flags, for there is nothing left to change; STORE with .SILENT passes
    over it, as UID commands do over every UID that is not there (§6.4.8).
    """

    def __init__(self, account: Account, view: View) -> None:
        self._account = account
        self._view = view

    def do_check(self, _: Arguments) -> None:
        """Do as NOOP does; memory needs no checkpoint."""

    def do_uid(self, arguments: Arguments) -> Reply:
        """Carry out another command with UIDs in the place of numbers."""
        arguments.space()
        name = arguments.word("a command")
        if name not in BY_UID:
            raise BadSyntax(f"UID cannot precede {name}, but these: {' '.join(BY_UID)}")
        method: Callable[[Arguments, bool], Reply | None] = getattr(self, f"do_{name.lower()}")
        return replace(method(arguments, True) or Reply(), name=f"UID {name}")

    def do_expunge(self, arguments: Arguments, by_uid: bool = False) -> None:
        r"""Remove messages flagged ``\Deleted``; with UID, those of a set only (RFC 4315 §2.1)."""
        uids = set(self._view.mailbox.deleted_uids())
        if by_uid:
            uids &= {message.uid for _, message in self._view.numbered(self._set(arguments, by_uid))}
            arguments.end()
        self._need_writing()
        self._view.mailbox.expunge(uids)  # the EXPUNGE lines come as news, to this session as to the others

    def do_search(self, arguments: Arguments, by_uid: bool = False) -> Reply:
        """Tell which messages meet all criteria."""
        return Reply(Search(arguments, self._view).answer(by_uid))

    def do_fetch(self, arguments: Arguments, by_uid: bool = False) -> Reply:
        """Tell items of messages."""
        places = self._set(arguments, by_uid)
        arguments.space()
        return Reply(Request(arguments, self._view, by_uid).answers(places))

    def do_store(self, arguments: Arguments, by_uid: bool = False) -> Reply:
        """Set, add or remove flags."""
        places = self._set(arguments, by_uid)
        arguments.space()
        name = arguments.word("FLAGS, +FLAGS or -FLAGS")
        action, silent = name.removesuffix(".SILENT"), name.endswith(".SILENT")
        if action not in CHANGES:
            raise BadSyntax(f"STORE knows {', '.join(CHANGES)}, each also with .SILENT, but not {action}")
        arguments.space()
        flags = arguments.flags()
        arguments.end()
        self._need_writing()
        given = self._view.mailbox.flag_set(flags, new=action != "-FLAGS")
        return Reply(self._store(places, CHANGES[action], given, silent, by_uid))

    def _store(
        self, places: list[range], change: Change, given: frozenset[str], silent: bool, by_uid: bool
    ) -> Iterator[bytes]:
        view, gone = self._view, False
        if news := view.keyword_news():
            yield news
        for done, (number, message) in enumerate(view.numbered(places), 1):
            if view.is_gone(message):
                gone = True
                continue
            view.mailbox.set_flags(message, change(message.flags, given), view.watcher)
            if not silent:
                view.watcher.changed.discard(message.uid)
                uid = b"UID %d " % message.uid if by_uid else b""
                yield b"* %d FETCH (%bFLAGS %b)\r\n" % (number, uid, view.flags(message))
            elif not done % 100:
                yield OTHERS_TURN
        if gone and not (silent or by_uid):
            raise _expunged_meanwhile()

    def do_copy(self, arguments: Arguments, by_uid: bool = False) -> Reply:
        """Copy messages to another mailbox: all, or none."""
        messages, mailbox = self._messages_and_target(arguments, by_uid)
        copies = self._account.copy(messages, mailbox)
        return Reply(code=_copyuid(mailbox, messages, copies))

    def do_move(self, arguments: Arguments, by_uid: bool = False) -> Reply:
        """Move messages to another mailbox; new UIDs are told before the EXPUNGE lines (RFC 6851 §4.3)."""
        messages, mailbox = self._messages_and_target(arguments, by_uid)
        self._need_writing()
        code = _copyuid(mailbox, messages, self._account.move(self._view.mailbox, messages, mailbox))
        return Reply([f"* OK [{code}] moved\r\n".encode()] if code else [])

    def _messages_and_target(self, arguments: Arguments, by_uid: bool) -> tuple[list[Message], Mailbox]:
        places = self._set(arguments, by_uid)
        mailbox = target(self._account, arguments.only_mailbox())
        picked = [message for _, message in self._view.numbered(places)]
        there = [message for message in picked if not self._view.is_gone(message)]
        if len(there) < len(picked) and not by_uid:
            raise _expunged_meanwhile()
        return there, mailbox

    def _set(self, arguments: Arguments, by_uid: bool) -> list[range]:
        arguments.space()
        return self._view.pick(arguments.sequence_set(), by_uid)

    def _need_writing(self) -> None:
        if self._view.read_only:
            raise MailboxError("this mailbox is open for reading only; SELECT it to change it", "READ-ONLY")


def _copyuid(mailbox: Mailbox, originals: list[Message], copies: list[Message]) -> str:
    """Return the response code that pairs old and new UIDs (RFC 4315 §3); empty where nothing was copied."""
    if not copies:
        return ""
    old, new = (number_set([message.uid for message in messages]).decode() for messages in (originals, copies))
    return f"COPYUID {mailbox.uidvalidity} {old} {new}"


def _expunged_meanwhile() -> MailboxError:
    words = "some of these messages have been deleted by an EXPUNGE in another session; NOOP tells which"
    return MailboxError(words, "EXPUNGEISSUED")
