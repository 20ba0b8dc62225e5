"""Several sessions on one mailbox, against a simple model of what a client may believe."""

import os
import re
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mailkit.imap import session as session_module
from mailkit.imap.session import ImapSession
from mailkit.settings import Settings
from mailkit.store import Store

SESSIONS = st.integers(0, 2)
FLAGS = st.sampled_from(["\\Seen", "\\Deleted", "\\Flagged", "$Work"])
CHANGES = ["EXPUNGE", "UID EXPUNGE 2:4", "UID COPY 1:3 INBOX", "COPY 1 INBOX", "MOVE 1 INBOX", "UID MOVE 2:6 INBOX",
           "RENAME INBOX Old", "DELETE Old"]  # fmt: skip
SETS = st.sampled_from(["1", "3", "2,4", "2:*", "1:*"])
IN_PIECES = ["FETCH 1:* (UID FLAGS)", "UID FETCH 2:* FLAGS", "SEARCH ALL", "STORE 1:* FLAGS (\\Deleted)",
             "UID STORE 1:* -FLAGS (\\Seen)"]  # fmt: skip


class Client:
    """What a client knows: a place for each message, its UID and flags there once it was told; None until then."""

    def __init__(self, store):
        self.session = ImapSession(store, Settings())
        self.uids, self.flags, self.recent, self.idling = [], [], 0, False
        self.answer, self.told = None, b""
        self.say("LOGIN amy secret")
        self.select()

    def select(self, command="SELECT"):
        self.uids, self.flags = [], []
        self.say(f"{command} INBOX")
        self.say("UID FETCH 1:* FLAGS")

    def say(self, command, may_expunge=True):
        self.begin(command, may_expunge)
        return self.hear_the_rest()

    def begin(self, command, may_expunge=True):
        """Say a command; its answer is heard piece by piece, and others may come in between."""
        self.hear_the_rest()
        self.answer, self.told = self.session.receive(f"t {command}\r\n".encode()), b""
        self.command, self.may_expunge = command, may_expunge

    def hear_a_piece(self):
        if self.answer is not None:
            piece = next(self.answer, None)
            self.told += piece or b""
            if piece is None or re.search(rb"^t ", piece, re.M):
                self.answer = None
                self.understand(self.told)

    def hear_the_rest(self):
        while self.answer is not None:
            self.hear_a_piece()
        return self.told

    def understand(self, octets):
        forbidden = not self.may_expunge and b" EXPUNGE\r\n" in octets
        assert not forbidden, f"{self.command} must not be answered with EXPUNGE"
        self.hear(octets)
        refusals = rb"NO \[(?:EXPUNGEISSUED|ALREADYEXISTS|NONEXISTENT)\]|BAD there is no message"
        assert re.search(rb"^t (OK|%b) " % refusals, octets, re.M) or self.idling, octets
        if view := self.session._view:
            awaited = len(view.watcher.expunged)
            assert len(self.uids) == len(view.mailbox) + awaited, "every command tells the size (§5.2)"

    def hear(self, octets):
        for line in octets.decode().splitlines():
            if found := re.fullmatch(r"\* (\d+) EXPUNGE", line):
                del self.uids[int(found[1]) - 1], self.flags[int(found[1]) - 1]
            elif found := re.fullmatch(r"\* (\d+) EXISTS", line):
                added = int(found[1]) - len(self.uids)
                assert added >= 0, "EXISTS takes nothing away; EXPUNGE does (RFC 3501 section 5.2)"
                self.uids += [None] * added
                self.flags += [None] * added
            elif found := re.fullmatch(r"\* (\d+) RECENT", line):
                self.recent = int(found[1])
            elif found := re.fullmatch(r"\* (\d+) FETCH \((?:UID (\d+) ?)?(?:FLAGS \((.*)\))?\)", line):
                self.learn(int(found[1]) - 1, found[2], found[3])

    def learn(self, place, uid, flags):
        if uid:
            assert self.uids[place] in (None, int(uid)), "a number named another message than the client knows"
            self.uids[place] = int(uid)
        if flags is not None:
            self.flags[place] = set(flags.split()) - {"\\Recent"}

    def change_silently(self, messages, sign, flag):
        """Store a flag with .SILENT, and note what became of it, as who says so must (RFC 3501 §6.4.6)."""
        known = list(self.flags)
        octets = self.say(f"STORE {messages} {sign}FLAGS.SILENT ({flag})", may_expunge=False)
        first, _, last = messages.replace("*", str(len(known))).partition(":")
        chosen = range(int(first), int(last) + 1) if last else map(int, messages.split(","))
        for place in [number - 1 for number in chosen if b"t OK" in octets]:
            before = known[place]
            if before is not None and self.flags[place] == before:  # else another changed it, too, and all was told
                self.flags[place] = {"+": before | {flag}, "-": before - {flag}, "": {flag}}[sign]

    def leave_idle(self):
        self.hear_the_rest()
        if self.idling:
            self.idling = False
            self.hear(b"".join(self.session.receive(b"DONE\r\n")))


class Sessions(RuleBasedStateMachine):
    @initialize(letters=st.integers(0, 8))
    def begin_with(self, letters):
        self.store = Store("example.org", lambda: datetime(2026, 3, 2, tzinfo=UTC))
        self.inbox = self.store.add_account("amy", "secret").inbox
        for _ in range(letters):
            self.inbox.append(b"Subject: x\r\n\r\n")
        self.clients = [Client(self.store) for _ in range(3)]

    def client(self, which):
        self.clients[which].leave_idle()
        return self.clients[which]

    @rule(who=SESSIONS)
    def noop(self, who):
        self.client(who).say("NOOP")

    @rule(who=SESSIONS, command=st.sampled_from(["SELECT", "EXAMINE"]))
    def select(self, who, command):
        self.client(who).select(command)

    @rule(who=SESSIONS)
    def idle(self, who):
        client = self.client(who)
        client.idling = True
        client.say("IDLE")

    @rule(who=SESSIONS, messages=SETS, by_uid=st.booleans())
    def fetch(self, who, messages, by_uid):
        self.client(who).say(f"{'UID ' * by_uid}FETCH {messages} (UID FLAGS)", may_expunge=by_uid)

    @rule(who=SESSIONS, messages=SETS, flag=FLAGS, sign=st.sampled_from(["+", "-", ""]), silent=st.booleans())
    def store_flags(self, who, messages, flag, sign, silent):
        client = self.client(who)
        if client.session._view.read_only:
            return
        if silent:
            client.change_silently(messages, sign, flag)
        else:
            client.say(f"STORE {messages} {sign}FLAGS ({flag})", may_expunge=False)

    @rule(who=SESSIONS, command=st.sampled_from(IN_PIECES), pieces=st.integers(1, 3))
    def hear_a_part(self, who, command, pieces):
        """Leave an answer unfinished; the client's next command hears the rest."""
        client = self.client(who)
        if "STORE" not in command or not client.session._view.read_only:
            client.begin(command, may_expunge=command.startswith("UID"))
            for _ in range(pieces):
                client.hear_a_piece()

    @rule(who=SESSIONS, command=st.sampled_from(CHANGES))
    def change(self, who, command):
        client = self.client(who)
        if not client.session._view.read_only:
            client.say(command)

    @rule(who=SESSIONS)
    def append(self, who):
        self.client(who).say("APPEND INBOX (\\Seen) {1+}\r\nx")

    @rule(marks=st.sets(st.integers(0, 5)))
    def removed_by_pop3(self, marks):
        self.inbox.expunge([message.uid for place, message in enumerate(self.inbox.messages) if place in marks])

    @rule()
    def arrives(self):
        self.inbox.append(b"Subject: y\r\n\r\n")

    @invariant()
    def idle_clients_are_told_everything(self):
        for client in getattr(self, "clients", []):
            client.hear(client.session.pending())
            if client.idling:
                assert len(client.uids) == len(self.inbox)

    @invariant()
    def the_mailbox_is_sound(self):
        if not hasattr(self, "inbox"):
            return
        uids = [message.uid for message in self.inbox.messages]
        assert uids == sorted(set(uids))
        assert self.inbox.uidnext > max(uids, default=0)
        assert self.inbox.unseen == sum("\\Seen" not in message.flags for message in self.inbox.messages)
        places = [at for at, message in enumerate(self.inbox.messages) if "\\Seen" not in message.flags]
        assert self.inbox.first_unseen() == (places[0] if places else len(uids))

    def teardown(self):
        """At last every client asks, and believes what is true."""
        for client in getattr(self, "clients", []):
            client.leave_idle()
            client.say("NOOP")
            known = [(uid, flags) for uid, flags in zip(client.uids, client.flags, strict=True)]
            truth = [(message.uid, set(message.flags)) for message in self.inbox.messages]
            assert len(known) == len(truth)
            for (uid, flags), (true_uid, true_flags) in zip(known, truth, strict=True):
                assert uid in (None, true_uid)
                assert flags in (None, true_flags)
            recent = client.say("SEARCH RECENT").decode().splitlines()[0].split()[2:]
            assert client.recent == len(recent), "the last RECENT counts them (§7.3.2)"


EXAMPLES = 10_000 if os.environ.get("MAILKIT_LONG") else 150
Sessions.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None)
TestSessions = pytest.mark.usefixtures("a_piece_a_message")(pytest.mark.slow(Sessions.TestCase))


@pytest.fixture
def a_piece_a_message(monkeypatch):
    monkeypatch.setattr(session_module, "PIECE_TIME", -1.0)
