r"""The course's world made wrong on purpose, one rule at a time.

Each function breaks one rule of a protocol, of a mail program or of the world around them, for as long as the
`pytest.MonkeyPatch` that it is given lasts. Its docstring says what is then true instead. What must notice it, and
which statement it contradicts, is in `tests/test_mutations.py`.
"""

from __future__ import annotations

import poplib
import ssl
from collections import defaultdict
from collections.abc import Callable
from email import message_from_bytes
from email.utils import getaddresses

from mailkit.delivery import Delivery
from mailkit.device import Device, letters_in
from mailkit.idle import idle
from mailkit.imap.fetch import Request
from mailkit.imap.session import ImapSession
from mailkit.imap.view import View
from mailkit.line import Line
from mailkit.mailbox import Mailbox, Watcher
from mailkit.message import DELETED, SEEN
from mailkit.pop3 import Pop3Session, Refusal, State, ok
from mailkit.scenes import advice, dialup, events
from mailkit.scenes.popclient import PopClient
from mailkit.scenes.programs import ImapProgram
from mailkit.server import MailServer
from mailkit.smtp import SmtpSession
from mailkit.store import Account, Store

# ---- POP3 (RFC 1939)


def pop3_does_not_say_its_name(patch):
    """The greeting is just +OK."""
    patch.setattr(Pop3Session, "greeting", lambda self: ok("ready"))


def pop3_has_a_box_of_its_own(patch):
    """What came by SMTP and is seen by IMAP is not in the maildrop."""
    log_in = Pop3Session._log_in

    def without_mail(self, user, password):
        answer = log_in(self, user, password)
        self._messages = []
        return answer

    patch.setattr(Pop3Session, "_log_in", without_mail)


def retr_takes_the_letter_out(patch):
    """RETR moves a letter instead of copying it."""
    retr = Pop3Session.do_retr

    def and_expunge(self, msg):
        answer = retr(self, msg)
        self._inbox.expunge([self._messages[int(msg) - 1].uid])
        return answer

    patch.setattr(Pop3Session, "do_retr", and_expunge)


def retr_marks_as_read(patch):
    r"""RETR sets \Seen, though POP3 knows no flags."""
    patch.setattr(Pop3Session, "do_retr", _and_flag(Pop3Session.do_retr, SEEN))


def retr_deletes_at_quit(patch):
    r"""RETR sets \Deleted, and QUIT removes whatever has that flag, whoever set it."""
    quit_ = Pop3Session.do_quit

    def and_expunge(self):
        if self._account:
            self._inbox.expunge(self._inbox.deleted_uids())
        return quit_(self)

    patch.setattr(Pop3Session, "do_retr", _and_flag(Pop3Session.do_retr, DELETED))
    patch.setattr(Pop3Session, "do_quit", and_expunge)


def _and_flag(retr: Callable, flag: str) -> Callable:
    def and_flag(self, msg):
        answer = retr(self, msg)
        message = self._messages[int(msg) - 1]
        self._inbox.set_flags(message, message.flags | {flag})
        return answer

    return and_flag


def dele_removes_at_once(patch):
    """DELE does not mark, it removes (against §5)."""
    dele = Pop3Session.do_dele

    def and_expunge(self, msg):
        answer = dele(self, msg)
        self._inbox.expunge([self._messages[int(msg) - 1].uid])
        return answer

    patch.setattr(Pop3Session, "do_dele", and_expunge)


def quit_removes_nothing(patch):
    """QUIT forgets the marks (against §6)."""
    quit_ = Pop3Session.do_quit

    def without_marks(self):
        self._marked.clear()
        return quit_(self)

    patch.setattr(Pop3Session, "do_quit", without_marks)


def a_dropped_line_commits(patch):
    """A session that ends without QUIT removes what it marked (against §6)."""
    end = Pop3Session.end

    def and_update(self):
        if self._account and self.state is State.TRANSACTION:
            self._inbox.expunge([self._messages[number - 1].uid for number in self._marked])
        end(self)

    patch.setattr(Pop3Session, "end", and_update)


def no_maildrop_lock(patch):
    """Two POP3 sessions share one maildrop (against §4)."""
    patch.setattr(Account, "lock_maildrop", lambda self, holder: True)


def uidls_change_at_each_login(patch):
    """A letter gets another unique-id in every session (against §7)."""
    visits: dict[Pop3Session, int] = {}

    def uidl(self, msg=None):
        number = visits.setdefault(self, len(visits) + 1)
        return self._listing(msg, lambda message: f"{number}.{message.uid}")

    patch.setattr(Pop3Session, "do_uidl", uidl)


def a_session_sees_new_mail(patch):
    """STAT counts what arrived after the login (against §4)."""
    patch.setattr(Pop3Session, "do_stat", lambda self: ok(f"{len(self._inbox)} {self._account.used}"))


# ---- IMAP (RFC 3501)


def fetch_takes_the_letter_out(patch):
    """FETCH BODY[] moves a letter instead of copying it, as a collecting protocol might."""
    answers = Request.answers

    def and_expunge(self, places):
        uids = [message.uid for _, message in self._view.numbered(places)]
        yield from answers(self, places)
        if self._sets_seen:
            self._view.mailbox.expunge(uids)

    patch.setattr(Request, "answers", and_expunge)


def peek_marks_as_read(patch):
    r"""BODY.PEEK[] sets \Seen, too (against §6.4.5)."""
    answers = Request.answers

    def having_read(self, places):
        self._sets_seen = True
        return answers(self, places)

    patch.setattr(Request, "answers", having_read)


def nothing_marks_as_read(patch):
    r"""BODY[] does not set \Seen either (against §6.4.5)."""
    patch.setattr(Request, "_mark_seen", lambda self, message: False)


def flags_stay_in_their_session(patch):
    """What one session sets, it alone sees (against §2.3.2); the mailbox keeps no flags."""
    own: dict[Watcher, dict[int, frozenset[str]]] = {}
    set_flags, shown = Mailbox.set_flags, View.flags

    def set_privately(self, message, flags, by=None):
        if by is None:
            set_flags(self, message, flags)
        else:
            own.setdefault(by, {})[message.uid] = frozenset(flags)

    def show_privately(self, message):
        private = own.get(self.watcher, {}).get(message.uid)
        return shown(self, message) if private is None else f"({' '.join(sorted(private))})".encode()

    patch.setattr(Mailbox, "set_flags", set_privately)
    patch.setattr(View, "flags", show_privately)


def copy_and_move_lose_the_letter(patch):
    """COPY and MOVE answer OK, and the copy is nowhere."""
    patch.setattr("mailkit.imap.messages.target", _nowhere)


def append_stores_nothing(patch):
    """APPEND answers OK, and the letter is nowhere."""
    patch.setattr("mailkit.imap.mailboxes.target", _nowhere)


def _nowhere(account: Account, name: str) -> Mailbox:
    account.get(name)
    return Mailbox(name, 1, Store("example.org", account.store.clock).add_account("nobody", ""))


def logout_expunges(patch):
    r"""LOGOUT removes what is flagged \Deleted, as CLOSE does."""
    logout = ImapSession.do_logout

    def and_expunge(self, arguments):
        if self._view:
            self._view.mailbox.expunge(self._view.mailbox.deleted_uids())
        return logout(self, arguments)

    patch.setattr(ImapSession, "do_logout", and_expunge)


def expunge_tells_the_old_numbers(patch):
    """The numbers in EXPUNGE answers are those before the command (against §7.4.1)."""
    lines = View._expunged_lines

    def unshifted(self):
        for told, line in enumerate(lines(self)):
            yield b"* %d EXPUNGE\r\n" % (int(line.split()[1]) + told)

    patch.setattr(View, "_expunged_lines", unshifted)


def removals_are_never_told(patch):
    """A session keeps its numbers for ever: NOOP tells of no EXPUNGE (against §7.4.1)."""
    news = View.news
    patch.setattr(View, "news", lambda self, may_expunge, with_uid=False: news(self, False, with_uid))


def a_uid_is_a_number(patch):
    """UID commands take their numbers for sequence numbers (against §2.3.1)."""
    pick = View.pick
    patch.setattr(View, "pick", lambda self, numbers, by_uid: pick(self, numbers, False))


def idle_never_pushes(patch):
    """The server says nothing during IDLE (against RFC 2177); clients wait a moment only, so that the test ends."""
    patch.setattr(ImapSession, "pending", lambda self: b"")
    patch.setattr(idle, "__defaults__", (0.1,))


# ---- SMTP (RFC 5321)


def the_second_server_leaves_no_trace(patch):
    """Whoever takes mail from another server adds no Received: line (against §4.4)."""
    received = SmtpSession._received

    def unless_from_a_server(self, envelope):
        return "" if self._client.startswith("mail.") else received(self, envelope)

    patch.setattr(SmtpSession, "_received", unless_from_a_server)


def the_laptop_delivers_itself(patch):
    """It is not Amy's server that speaks to Ben's."""
    from mailkit.delivery import next_hop

    def as_the_laptop(domain, address, own_name, *rest):
        return next_hop(domain, address, "laptop.example.org", *rest)

    patch.setattr("mailkit.delivery.next_hop", as_the_laptop)


def the_first_server_keeps_the_letter(patch):
    """Mail for another domain is not passed on, but put into the sender's own box."""

    def at_home(self, addresses):
        return [next(iter(self._store.accounts.values()))], {}

    patch.setattr(Delivery, "_destinations", at_home)


def open_relay(patch):
    """The server takes mail for any domain from anybody."""
    patch.setattr(Delivery, "check_recipient", lambda self, address, size, first: None)


def the_header_decides_who_gets_it(patch):
    """Not the recipients of the envelope get a letter, but those of its To: line (against §3.3)."""
    deliver = Delivery.deliver

    async def by_header(self, envelope, octets):
        envelope.recipients = [address for _, address in getaddresses([message_from_bytes(octets)["To"]])]
        await deliver(self, envelope, octets)

    patch.setattr(Delivery, "deliver", by_header)


# ---- the lock, and the wire


def any_password_opens(patch):
    """Who knows the name is let in."""
    patch.setattr(Store, "authenticate", lambda self, user, password, acting_for: self.account_for(user))


def without_a_key_the_box_looks_empty(patch):
    """A wrong password opens a box, but an empty one."""
    strangers = defaultdict(lambda: Store("example.org", lambda: None).add_account("stranger", ""))

    def authenticate(self, user, password, acting_for):
        account = self.account_for(user)
        return account if account and account.password == password else strangers[user]

    patch.setattr(Store, "authenticate", authenticate)


def guessing_is_never_stopped(patch):
    """A line stays open, however many passwords were wrong."""
    patch.setattr(Pop3Session, "_failed_login", lambda self: Refusal("[AUTH] wrong name or password"))


def tls_hides_nothing(patch):
    """The ports for TLS, and the clients of POP3 that use them, speak in the clear."""
    in_the_clear = lambda engine, protocol, tls: Line(engine, protocol, False)  # noqa: E731
    patch.setattr("mailkit.server.Line", in_the_clear)
    patch.setattr(poplib, "POP3_SSL", lambda host, port, context=None: poplib.POP3(host, port))


def pop3_begins_with_tls(patch):
    """A client of POP3 goes over to TLS without being asked."""
    connect = poplib.POP3.__init__

    def and_stls(self, *args, **kwargs):
        connect(self, *args, **kwargs)
        if type(self) is poplib.POP3:
            self.stls(context=ssl._create_unverified_context())

    patch.setattr(poplib.POP3, "__init__", and_stls)


def certificates_are_not_checked(patch):
    """No context looks at a certificate."""
    patch.setattr(ssl.SSLContext, "wrap_socket", _unchecked(ssl.SSLContext.wrap_socket))


def _unchecked(wrap_socket: Callable) -> Callable:
    def unchecked(self, sock, server_side=False, **more):
        if not server_side:
            self.check_hostname, self.verify_mode = False, ssl.CERT_NONE
        return wrap_socket(self, sock, server_side=server_side, **more)

    return unchecked


# ---- the postman, the road, the home


def the_postman_comes_into_the_house(patch):
    """What is delivered lies on the devices as well."""
    homes: list[Device] = []
    deliver, snapshot = MailServer.deliver, MailServer.snapshot

    def photograph(self, *devices):
        homes.extend(device for device in devices if device not in homes)
        return snapshot(self, *devices)

    def come_in(self, letter, account=None):
        deliver(self, letter, account)
        for home in homes:
            home.save(letter)

    patch.setattr(MailServer, "snapshot", photograph)
    patch.setattr(MailServer, "deliver", come_in)


def the_postman_loses_letters(patch):
    """What is delivered does not arrive."""
    patch.setattr(MailServer, "deliver", lambda self, letter, account=None: None)


def the_road_is_never_closed(patch):
    """A server that was stopped answers all the same."""
    patch.setattr(MailServer, "stop", lambda self: None)


def no_line_is_ever_cut(patch):
    """Whoever is connected stays so."""
    patch.setattr(MailServer, "hang_up", lambda self: 0)


def fire_spares_the_home(patch):
    """A device that is burnt, stolen or lost keeps its letters."""
    patch.setattr(Device, "empty", lambda self: None)


def the_server_is_lost_with_the_laptop(patch):
    """Losing the laptop empties the mailboxes on the server."""
    lost = events.Household._lost

    def lose_all(self):
        lost(self)
        engine = self.server._engine
        for box in engine.store.accounts["amy"].mailboxes.values():
            engine.call(lambda box=box: box.expunge([message.uid for message in box.messages]))

    patch.setattr(events.Household, "_lost", lose_all)


def home_has_no_folders(patch):
    """At home nothing can be put in order: what is filed is gone."""
    save = Device.save

    def into_the_inbox_alone(self, answer, folder="INBOX", flags=()):
        if folder == "INBOX":
            save(self, answer, folder, flags)

    patch.setattr(Device, "save", into_the_inbox_alone)


def a_device_keeps_no_letter_twice(patch):
    """A copy knows its twin."""
    save = Device.save

    def once(self, answer, folder="INBOX", flags=()):
        for octets in letters_in(answer):
            if octets not in [message.octets for message in self._folders.get(folder, ())]:
                save(self, octets, folder, flags)

    patch.setattr(Device, "save", once)


# ---- the telephone of 1999


def calls_cost_the_same_however_long(patch):
    """A call has one price."""
    patch.setattr(dialup, "_price", lambda minutes, peak: 6.35)


def a_modem_is_as_fast_as_fibre(patch):
    """Every modem of the table brings 100 Mbit/s."""
    table = dialup.table

    def fast(name):
        rows = table(name)
        return [{**row, "real_kbit_s": "100000"} for row in rows] if name == "modems" else rows

    patch.setattr(dialup, "table", fast)


# ---- mail programs


def imap_works_without_a_line(patch):
    """A program that has no line reaches the server all the same."""
    look = ImapProgram.look

    def look_anyway(self):
        on_line, self.on_line = self.on_line, True
        look(self)
        self.on_line = on_line

    patch.setattr(ImapProgram, "look", look_anyway)


def imap_keeps_no_cache(patch):
    """A program that has no line shows nothing."""
    look = ImapProgram.look

    def look_or_forget(self):
        look(self)
        if not self.on_line:
            self.device.empty()

    patch.setattr(ImapProgram, "look", look_or_forget)


def a_cache_is_a_backup(patch):
    """Synchronising keeps on the device what is gone from the server."""
    replace = Device.replace

    def unless_less(self, folder, copies):
        copies = list(copies)
        if len(copies) >= len(self._folders.get(folder, ())):
            replace(self, folder, copies)

    patch.setattr(Device, "replace", unless_less)


def pop_leaves_mail_whatever_is_ticked(patch):
    """The program leaves letters on the server without being told."""
    commands = PopClient._commands
    patch.setattr(
        PopClient, "_commands", lambda self, uidl: tuple(one for one in commands(self, uidl) if one != "DELE")
    )


def letters_never_grow_old(patch):
    """The setting "For at most … days" deletes nothing."""
    patch.setattr(PopClient, "_is_old", lambda self, uidl: False)


def letters_are_old_at_once(patch):
    """The setting "For at most … days" deletes at the next poll."""
    patch.setattr(PopClient, "_is_old", lambda self, uidl: True)


def the_helper_prefers_pop(patch):
    """Where nothing decides, POP is advised."""
    patch.setattr(advice, "WAYS", ("POP", advice.LEFT, "IMAP"))


def quota_is_not_kept(patch):
    """A box has room for everything."""
    patch.setattr(Account, "need_room", lambda self, octets: None)
