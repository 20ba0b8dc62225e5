"""What a conversation cannot show of `ImapSession`: pieces, TLS, limits, failures, memory."""

import gc
import logging
import os
import tracemalloc
import weakref
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkit.imap import fetch, mailboxes, messages, mime, structure
from mailkit.imap import session as session_module
from mailkit.imap.session import COMMANDS, ImapSession, State
from mailkit.imap.states import ARGUMENTS
from mailkit.imap.syntax import encode_name
from mailkit.settings import Settings
from mailkit.snapshot import SessionView
from mailkit.store import MAX_NAME, Store
from tests.effort import calls_of

LETTER = b"From: ben@example.org\r\nSubject: Lunch\r\n\r\nSee you.\r\n"


def a_store(letters=1):
    store = Store("example.org", lambda: datetime(2026, 3, 2, 9, tzinfo=UTC))
    amy = store.add_account("amy", "secret")
    for _ in range(letters):
        amy.inbox.append(LETTER)
    return store


def a_session(store=None, script=b"", **options):
    session = ImapSession(store or a_store(), options.pop("settings", Settings()), **options)
    session.greeting()
    say(session, script)
    return session


def say(session, octets):
    return b"".join(session.receive(octets))


LOGGED_IN = b"l1 LOGIN amy secret\r\n"
SELECTED = LOGGED_IN + b"l2 SELECT INBOX\r\n"


def test_every_command_of_the_table_has_a_method_and_no_other_method_is_a_command():
    places = (ImapSession, mailboxes.MailboxCommands, messages.MessageCommands)
    methods = [name for place in places for name in vars(place) if name.startswith("do_")]
    assert sorted(methods) == sorted(f"do_{name.lower()}" for name in COMMANDS)
    assert ARGUMENTS.keys() <= COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("state", [State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED])
def test_the_session_obeys_the_table(name, state):
    scripts = {State.NOT_AUTHENTICATED: b"", State.AUTHENTICATED: LOGGED_IN, State.SELECTED: SELECTED}
    session = a_session(script=scripts[state])
    assert session.state is state
    answer = say(session, f"a1 {name}\r\n".encode())
    assert (f"is not valid in the {state.value} state; ".encode() in answer) is (state not in COMMANDS[name])


def test_commands_sent_with_starttls_are_forgotten():
    session = a_session()
    assert say(session, b"a1 STARTTLS\r\na2 LOGIN amy secret\r\n") == b"a1 OK STARTTLS completed\r\n"
    assert session.upgrade
    session.tls_started()
    assert session.state is State.NOT_AUTHENTICATED
    assert say(session, b"a3 NOOP\r\n") == b"a3 OK NOOP completed\r\n"
    assert b"STARTTLS" not in say(session, b"a4 CAPABILITY\r\n").replace(b"a4", b"")


def test_starttls_where_tls_is_on():
    assert say(a_session(secure=True), b"a1 STARTTLS\r\n").startswith(b"a1 BAD TLS is already on; ")


def test_an_effect_is_in_the_store_before_its_answer_is_taken():
    store = a_store()
    session = a_session(store, SELECTED)
    answers = session.receive(b"a1 STORE 1 +FLAGS.SILENT (\\Deleted)\r\na2 EXPUNGE\r\na3 LOGOUT\r\n")
    assert next(answers) == b"a1 OK STORE completed\r\n"
    assert len(store.accounts["amy"].inbox) == 1, "what is not yet asked for has not happened"
    assert next(answers) == b"* 1 EXPUNGE\r\n* 0 RECENT\r\na2 OK EXPUNGE completed\r\n"
    assert not session.closed
    assert next(answers).startswith(b"* BYE")
    assert session.closed
    assert session.snapshot() == SessionView("IMAP", "logout")


def test_snapshot():
    session = a_session()
    assert session.snapshot() == SessionView("IMAP", "not authenticated")
    say(session, SELECTED)
    assert session.snapshot() == SessionView("IMAP", "selected", "amy", "INBOX")


def test_a_session_is_not_shown_on_the_namesake_of_its_deleted_mailbox():
    store = a_store()
    amy = store.accounts["amy"]
    amy.create("Archive")
    session = a_session(store, b"a LOGIN amy secret\r\nb SELECT Archive\r\n")
    assert session.snapshot().mailbox == "Archive"
    amy.delete("Archive")
    amy.create("Archive")
    assert session.snapshot() == SessionView("IMAP", "selected (deleted meanwhile)", "amy")


def test_an_ended_session_hears_nothing_more():
    store, woken = a_store(), []
    session = a_session(store, SELECTED + b"a1 IDLE\r\n", wake=lambda: woken.append(1))
    store.accounts["amy"].inbox.append(LETTER)
    assert woken
    assert session.pending() == b"* 2 EXISTS\r\n* 2 RECENT\r\n"
    assert session.pending() == b""
    session.end()
    session.end()
    del woken[:]
    store.accounts["amy"].inbox.append(LETTER)
    assert not woken
    assert session.pending() == b""
    assert say(session, b"a2 NOOP\r\n") == b""


def test_news_comes_unasked_in_idle_only():
    store = a_store()
    session = a_session(store, SELECTED)
    store.accounts["amy"].inbox.append(LETTER)
    assert session.pending() == b""


def test_autologout():
    store = a_store()
    session = a_session(store, SELECTED + b"a1 STORE 1 +FLAGS (\\Deleted)\r\n")
    assert session.dismiss("idle") == b"* BYE idle\r\n"
    assert session.closed
    assert len(store.accounts["amy"].inbox) == 1


def test_an_error_of_ours_is_answered_and_logged(monkeypatch, caplog):
    session = a_session(script=SELECTED)
    monkeypatch.setattr(messages.Search, "answer", lambda search, by_uid: 1 / 0)
    with caplog.at_level(logging.ERROR, "mailkit.imap.session"):
        assert say(session, b"a1 SEARCH ALL\r\n").startswith(b"a1 NO [SERVERBUG] ")
    assert "SEARCH of amy" in caplog.text
    assert say(session, b"a2 NOOP\r\n") == b"a2 OK NOOP completed\r\n"


def test_an_error_within_an_answer_ends_this_session_alone(monkeypatch, caplog):
    store = a_store()
    session, other = a_session(store, SELECTED), a_session(store, SELECTED)
    monkeypatch.setitem(fetch.PLAIN_ITEMS, "ENVELOPE", lambda message: 1 / 0)
    assert say(session, b"a1 FETCH 1 (UID ENVELOPE)\r\n") == b""
    assert session.closed
    assert "FETCH of amy failed" in caplog.text
    assert say(other, b"a1 NOOP\r\n") == b"a1 OK NOOP completed\r\n"


def test_a_nul_is_not_sent():
    store = a_store(0)
    store.accounts["amy"].inbox.append(b"Subject: x\r\n\r\na\0b")
    answer = say(a_session(store, SELECTED), b"a1 FETCH 1 BODY.PEEK[]\r\n")
    assert answer.startswith(b"* 1 FETCH (BODY[] {17}\r\nSubject: x\r\n\r\na\x80b)\r\n")


def test_long_answers_come_in_chunks():
    session = a_session(a_store(4000), SELECTED)
    chunks = list(session.receive(b"a1 FETCH 1:* BODY.PEEK[]\r\n"))
    assert len(chunks) > 2
    assert max(map(len, chunks)) < 70_000


def test_selecting_costs_no_copy():
    inbox = (store := a_store(3)).accounts["amy"].inbox
    session = a_session(store, SELECTED)
    assert session._view.messages is inbox.messages


def test_the_first_unseen_is_found_again_after_every_change():
    store = a_store(5)
    inbox = store.accounts["amy"].inbox
    for seen in ([], [1, 2], [1, 2, 3, 4, 5], [1, 3, 4, 5], [1, 2, 3, 4, 5], [2, 3]):
        for message in inbox.messages:
            inbox.set_flags(message, ["\\Seen"] if message.uid in seen else [])
        unseen = [place for place, message in enumerate(inbox.messages) if not message.flags]
        assert inbox.first_unseen() == (unseen[0] if unseen else 5)
    inbox.expunge([1])
    assert inbox.first_unseen() == 2


# ---- octets as they come

SCRIPT = (
    b'a1 LOGIN {3}\r\namy "secret"\r\na2 SELECT INBOX\r\na3 APPEND INBOX (\\Seen) {5+}\r\nhello\r\n'
    b"a4 FETCH 1:* (UID FLAGS BODY[])\r\na5 IDLE\r\nDONE\r\na6 NOOP " + b"x" * 300 + b"{3+}\r\nabc\r\n"
    b"a7 APPEND INBOX {600+}\r\n" + b"y" * 600 + b"\r\na8 APPEND INBOX {600}\r\n"
    b"a9 STORE 1 +FLAGS (\\Deleted)\r\nb1 EXPUNGE\r\nb2 AUTHENTICATE PLAIN\r\nb3 LOGOUT\r\n"
)  # fmt: skip
TIGHT = Settings(max_imap_line=200, max_message=500)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
@settings(max_examples=25, deadline=None)
def test_the_answer_does_not_depend_on_how_the_network_cuts(sizes):
    whole = say(a_session(settings=TIGHT), SCRIPT)
    session, at, said = a_session(settings=TIGHT), 0, b""
    while at < len(SCRIPT):
        size = sizes[at % len(sizes)]
        said += say(session, SCRIPT[at : at + size])
        at += size
    assert said == whole
    assert session.closed


WORDS = st.sampled_from(
    [name.encode() for name in COMMANDS]
    + rb'a1 * + ( ) [ ] {3} {3+} {99999999999} {0+} " \ \Seen $Kw INBOX "INBOX" Work/2026 &AOk- & % "" NIL'.split()
    + rb"1 1:* *:* 0 4294967296 2,1 FLAGS +FLAGS -FLAGS.SILENT (\Deleted) (FLAGS UID) ALL FULL ENVELOPE".split()
    + rb"BODY[] BODY.PEEK[1.2.MIME]<0.5> BODY[HEADER.FIELDS (TO)] RFC822.TEXT BODYSTRUCTURE UNSEEN OR NOT".split()
    + rb"SUBJECT TEXT HEADER BEFORE SENTON 1-Feb-2026 CHARSET UTF-8 KLINGON UID (MESSAGES UNSEEN) secret DONE".split()
    + [b" ", b" ", b" ", b"\r\n", b"\r\n", b"\n", b"\0", b"\xff", b'"1-Feb-2026 10:00:00 +0000"', b"x" * 300, b"(" * 99]
)
LINES = st.lists(WORDS, max_size=8).map(lambda words: b"a " + b" ".join(words) + b"\r\n")
JUNK = st.one_of(LINES, st.lists(WORDS, max_size=12).map(b"".join), st.binary(max_size=40))


@pytest.mark.slow
@given(st.sampled_from([b"", LOGGED_IN, SELECTED]), st.lists(JUNK, max_size=12), st.integers(1, 50))
@settings(max_examples=100_000 if os.environ.get("MAILKIT_LONG") else 150, deadline=None)  # weekly: a million inputs
def test_no_octets_bring_it_down(script, junk, piece):
    store = a_store(2)
    session, octets = a_session(store, script, settings=TIGHT), b"".join(junk)
    said = b""
    for at in range(0, len(octets), piece):
        if not (session.closed or session.upgrade):  # nor does a line ask then
            said += say(session, octets[at : at + piece])
    assert b"SERVERBUG" not in said
    assert said == b"" or said.endswith(b"\r\n")
    assert len(session._reader._buffer) <= 600, "what waits for more is bounded"
    inbox = store.accounts["amy"].inbox
    assert inbox.unseen == sum("\\Seen" not in message.flags for message in inbox.messages)
    assert store.accounts["amy"].used == sum(
        message.size for box in store.accounts["amy"].mailboxes.values() for message in box.messages
    )


@pytest.mark.parametrize("flood", [b"x" * 65536, b"a1 NOOP {1+}\r\n", b"{9999999+}\r\n", b"(" * 65536, b"\r\n" * 200])
def test_a_flood_is_not_kept(flood):
    session = a_session(settings=Settings(max_message=100_000))
    for _ in session.receive(flood):
        pass
    tracemalloc.start()
    try:
        for _ in range(50):
            for _ in session.receive(flood):
                pass
        assert tracemalloc.get_traced_memory()[0] < 600_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("command", ["FETCH 1 BODY.PEEK[]", "FETCH 1 (FLAGS BODY[])", "SEARCH TEXT x FROM y"])
def test_a_command_that_is_done_holds_on_to_nothing(command):
    """Not until Python looks for cycles, that is: the view, and with it the mailbox, could be as large as any."""
    session = a_session(a_store(), SELECTED)
    view = weakref.ref(session._view)
    gc.disable()
    try:
        assert b"a1 OK" in say(session, f"a1 {command}\r\na2 UNSELECT\r\n".encode())
        assert view() is None
    finally:
        gc.enable()


TINY = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 2_000


@pytest.mark.slow
def test_what_is_kept_of_tiny_parts_does_not_outgrow_the_letter():
    store = a_store(0)
    store.accounts["amy"].inbox.append(TINY)
    session = a_session(store, SELECTED + b"l3 COPY 1 INBOX\r\n" * 2)
    tracemalloc.start()
    try:
        for command in (b"FETCH 1:3 BODYSTRUCTURE", b"FETCH 1:3 ENVELOPE", b"SEARCH TEXT x", b"SEARCH TO x"):
            for _ in session.receive(b"a1 %b\r\n" % command):
                pass
        assert tracemalloc.get_traced_memory()[0] < 3 * len(TINY)
    finally:
        tracemalloc.stop()


def test_tiny_parts_are_worked_out_once_for_all_that_one_command_asks(monkeypatch):
    scans = []
    scanner = mime._Scanner
    monkeypatch.setattr(mime, "_Scanner", lambda octets: scans.append(octets) or scanner(octets))
    store = a_store(0)
    store.accounts["amy"].inbox.append(TINY)
    said = say(a_session(store, SELECTED), b"a1 FETCH 1 (BODYSTRUCTURE BODY[1.MIME] BODY[2.MIME] BODY[1999])\r\n")
    assert said.endswith(b"a1 OK FETCH completed\r\n")
    assert len(scans) == 1


def test_a_flag_set_while_an_answer_is_on_its_way_is_told_after_it():
    """RFC 3501 §5.2; the flags that were written are not those that the message has by then."""
    store = a_store()
    inbox = store.accounts["amy"].inbox
    inbox.append(b"x" * 200_000)
    session = a_session(store, SELECTED)
    answer = session.receive(b"a FETCH 2 (FLAGS BODY.PEEK[] UID)\r\n")
    said = next(answer)
    assert said.startswith(b"* 2 FETCH (FLAGS (\\Recent) BODY[] {200000}")
    inbox.set_flags(inbox.messages[1], ["\\Flagged"])
    said = b"".join(answer)
    assert said.endswith(b" UID 2)\r\n* 2 FETCH (FLAGS (\\Flagged \\Recent))\r\na OK FETCH completed\r\n")


def test_what_others_do_while_a_store_is_answered_is_told_after_it(monkeypatch):
    """RFC 3501 §5.2, §7.4.1; a message that one of them expunges meanwhile is not stored any more (RFC 2180 §4.2)."""
    monkeypatch.setattr(session_module, "PIECE_TIME", -1.0)  # a piece for each message
    store = a_store(letters=3)
    inbox = store.accounts["amy"].inbox
    answer = a_session(store, SELECTED).receive(b"a STORE 1:3 +FLAGS (\\Seen)\r\n")
    assert next(answer) == b"* 1 FETCH (FLAGS (\\Seen \\Recent))\r\n"
    inbox.set_flags(inbox.messages[0], ["\\Flagged"])
    inbox.expunge([3])
    assert next(answer) == b"* 2 FETCH (FLAGS (\\Seen \\Recent))\r\n"
    assert b"".join(answer).startswith(b"* 1 FETCH (FLAGS (\\Flagged \\Recent))\r\na NO [EXPUNGEISSUED] ")
    assert inbox.unseen == 1


def test_what_a_copy_tells_is_never_cut():
    """RFC 4315 §3: only the words of a refusal are; a set of many numbers is as long as it must be."""
    session = a_session(a_store(800), SELECTED)
    odd = b",".join(b"%d" % number for number in range(1, 800, 2))
    assert say(session, b"a COPY %b INBOX\r\n" % odd).endswith(b"a OK [COPYUID 1 %b 801:1200] COPY completed\r\n" % odd)


def test_of_a_literal_that_is_refused_nothing_is_kept():
    session = a_session(script=LOGGED_IN, settings=TIGHT)
    assert say(session, b"a1 APPEND INBOX {600+}\r\n" + b"x" * 599) == b""
    assert not session._reader._buffer
    assert say(session, b"x\r\n").startswith(b"a1 NO [TOOBIG] ")


def test_a_command_has_its_bound_however_many_literals_are_in_it():
    session = a_session(settings=TIGHT)
    assert b"a1 BAD this command is longer than 200 octets" in say(session, b"a1 NOOP" + b" {1+}\r\nx" * 60 + b"\r\n")


@pytest.mark.parametrize("mailbox", [b"INBOX", b"{5+}\r\nINBOX"])
def test_an_append_has_one_message_and_no_more(mailbox):
    """Else each literal could be as large as a message, and there is room for 10,000 of them in a line."""
    session = a_session(script=SELECTED, settings=Settings(max_message=1000, max_imap_line=500))
    assert say(session, b"a APPEND %b {900+}\r\n" % mailbox + b"x" * 900 + b"\r\n").startswith(b"* 2 EXISTS")
    answer = say(session, b"b APPEND %b" % mailbox + (b" {900+}\r\n" + b"x" * 900) * 3 + b"\r\n")
    assert answer.startswith(b"b NO [TOOBIG]")


@pytest.mark.parametrize("length", [64, 65, 900])
def test_a_command_too_long_is_answered_with_its_whole_tag(length):
    """RFC 3501 §2.2.2; where the tag is longer than all that is kept, with none (§7.1.3)."""
    session = a_session(script=SELECTED)
    tag = b"t" * length
    assert say(session, tag + b" NOOP " + b"x" * 70_000 + b"\r\n").startswith(tag + b" BAD this command is longer")
    assert say(session, b"t" * 70_000 + b" NOOP\r\n").startswith(b"* BAD this command is longer")


def test_an_answer_is_given_in_pieces_when_its_turn_is_over(monkeypatch):
    monkeypatch.setattr(session_module, "PIECE_TIME", -1.0)
    session = a_session(a_store(100), SELECTED)
    assert len(list(session.receive(b"b FETCH 1:100 UID\r\n"))) == 101
    assert len(list(session.receive(b"c STORE 1:100 +FLAGS.SILENT (\\Seen)\r\n"))) == 2
    assert say(session, b"d STATUS INBOX (MESSAGES MESSAGES)\r\n").startswith(b"* STATUS INBOX (MESSAGES 100)\r\n")


def test_a_silent_store_lets_others_have_their_turn_whichever_messages_it_is_for():
    session = a_session(a_store(1000), SELECTED)
    chosen = b",".join(b"%d:%d" % (first, first + 98) for first in range(1, 1000, 100))  # but no hundredth
    assert len(list(session.receive(b"a STORE " + chosen + b" +FLAGS.SILENT \\Seen\r\n"))) == 10


def test_a_search_reads_a_field_once_for_all_its_keys(monkeypatch):
    read = []
    values = structure.envelope_values

    def envelope_values(message, name):
        read.append(name)
        return values(message, name)

    monkeypatch.setattr(structure, "envelope_values", envelope_values)
    session = a_session(a_store(2), SELECTED)
    assert say(session, b"a SEARCH FROM ben FROM example OR FROM amy FROM org SUBJECT x\r\n").startswith(
        b"* SEARCH\r\n"
    )
    assert read == ["FROM", "SUBJECT"] * 2


@pytest.mark.parametrize("charset", ["punycode", "IDNA", "x" * 5000])
def test_a_letter_cannot_choose_a_codec_that_takes_its_time(charset):
    store = a_store(0)
    store.accounts["amy"].inbox.append(b"Content-Type: text/plain; charset=%b\r\n\r\nbcher-kva\r\n" % charset.encode())
    assert say(a_session(store, SELECTED), b"a SEARCH BODY bcher-kva\r\n").startswith(b"* SEARCH 1\r\n")
    assert b"a NO [BADCHARSET" in say(a_session(store, SELECTED), b"a SEARCH CHARSET %b ALL\r\n" % charset.encode())


def test_part_numbers_have_32_bits():
    session = a_session(script=SELECTED)
    assert b"BODY[4294967295] NIL)" in say(session, b"a FETCH 1 BODY.PEEK[4294967295]\r\n")
    assert say(session, b"b FETCH 1 BODY.PEEK[4294967296]\r\n").startswith(b"b BAD")
    assert b"BODY[]<0> {5}\r\nFrom:" in say(session, b"c FETCH 1 BODY.PEEK[]<00000000000.5>\r\n")


def test_a_long_search_lets_others_have_their_turn():
    session = a_session(a_store(letters=5), SELECTED)
    answers = list(session.receive(b"s1 SEARCH BODY you\r\n"))
    assert answers == [b""] * 5 + [b"* SEARCH 1 2 3 4 5\r\ns1 OK SEARCH completed\r\n"]


@pytest.mark.parametrize("key", [b"SUBJECT %d", b"HEADER X-%d a", b"BODY %d"])
def test_many_keys_to_one_large_message_let_others_have_their_turn(key):
    """One message may be as large as 25,000,000 octets, and a command may look for thousands of texts in it."""
    store = a_store(0)
    store.accounts["amy"].inbox.append(b"Subject: x\r\n\r\n" + b"a" * 400_000)
    criteria = b"".join(b" NOT " + key % number for number in range(100))
    answers = list(a_session(store, SELECTED).receive(b"b SEARCH" + criteria + b"\r\n"))
    assert b"".join(answers) == b"* SEARCH 1\r\nb OK SEARCH completed\r\n"
    assert len(answers) > 25  # three keys, or what they need, at once


def test_a_search_reads_the_date_once_for_all_its_keys(monkeypatch):
    asked = []
    monkeypatch.setattr(structure, "sent_date", lambda message: asked.append(message))
    session = a_session(a_store(2), SELECTED)
    assert say(session, b"b SEARCH" + b" NOT SENTON 1-Jan-2000" * 99 + b"\r\n").startswith(b"* SEARCH 1 2\r\n")
    assert len(asked) == 2


def test_a_search_looks_for_so_many_texts_and_no_more():
    session = a_session(script=SELECTED)
    assert b"s1 OK" in say(session, b"s1 SEARCH" + b" BODY you" * 100 + b"\r\n")
    assert say(session, b"s2 SEARCH" + b" TEXT you" * 101 + b"\r\n").startswith(b"s2 NO [LIMIT] ")


def test_a_keyword_too_many_is_refused_with_all_that_came_with_it():
    store = a_store()
    store.accounts["amy"].inbox.flag_set([f"k{number}" for number in range(64)])
    session = a_session(store, LOGGED_IN)
    assert b" k63)] flags that stay\r\n" in say(session, b"s1 SELECT INBOX\r\n")
    assert say(session, b"s2 STORE 1 +FLAGS (\\Seen more)\r\n").startswith(b"s2 NO [LIMIT] ")
    assert store.accounts["amy"].inbox.messages[0].flags == frozenset()


@pytest.mark.parametrize(
    "mistake", [b"GET / HTTP/1.1\r\n", b"\r\n", b"a1 LOGIN {99999999}\r\n", b"a1 SELECT INBOX\r\n"]
)
def test_too_many_mistakes_before_a_login_end_the_session(mistake):
    session = a_session(settings=Settings(max_mistakes=3))
    assert b"BYE" not in say(session, mistake * 2)
    assert say(session, mistake).endswith(b"* BYE 3 mistakes before a login; connect again\r\n")
    assert session.closed


def test_mistakes_after_a_login_are_borne_with():
    session = a_session(script=LOGGED_IN, settings=Settings(max_mistakes=3))
    assert b"BYE" not in say(session, b"a1 GET\r\n" * 10)


def test_no_literal_is_too_large_to_be_refused():
    answer = say(a_session(script=LOGGED_IN), b"a1 APPEND INBOX {%d+}\r\na2 NOOP\r\n" % 10**50)
    assert answer.startswith(b"a1 NO [TOOBIG] ")
    assert answer.endswith(b"* BYE that literal is beyond all bounds; connect again\r\n")


@pytest.mark.parametrize("command", [
    b"NOOP", b"ID NIL", b"LOGOUT", b"CHECK", b"CLOSE", b"UNSELECT", b"EXPUNGE", b"IDLE", b"NAMESPACE",
    b'LIST "" *', b'LSUB "" *', b"STATUS INBOX (MESSAGES)",
    b'GETQUOTA ""', b"STORE 1 FLAGS (\\Seen)", b"APPEND INBOX {1+}\r\nx",
])  # fmt: skip
def test_nothing_may_follow_the_last_argument(command):
    store = a_store()
    store.accounts["amy"].quota = 10_000
    session = a_session(store, SELECTED + b"d1 STORE 1 +FLAGS.SILENT (\\Deleted)\r\n")
    assert b"a1 BAD expected the end of the line" in say(session, b"a1 " + command + b" 1\r\n")
    assert not session.closed
    assert len(store.accounts["amy"].inbox) == 1


@pytest.mark.parametrize("command", [b"STARTTLS", b"LOGIN amy secret", b"AUTHENTICATE PLAIN AGFteQBzZWNyZXQ="])
def test_nothing_may_follow_the_last_argument_before_login(command):
    session = a_session()
    assert say(session, b"a1 " + command + b" 1\r\n").startswith(b"a1 BAD expected the end of the line")


def test_an_append_whose_name_is_a_literal():
    session = a_session(script=SELECTED, settings=Settings(max_imap_line=1000))
    octets = b"x" * 3000
    assert b"a1 OK [APPENDUID" in say(session, b"a1 APPEND {5+}\r\nINBOX {3000+}\r\n" + octets + b"\r\n")
    assert say(session, b"a2 APPEND {3+}\r\nNot {3}\r\n").startswith(b"a2 NO [TRYCREATE] ")


def test_the_same_part_is_told_once():
    said = say(a_session(a_store(), SELECTED), b"a1 FETCH 1 (BODY.PEEK[]<0.2> BODY.PEEK[]<0.2>)\r\n")
    assert said.count(b"BODY[]<0>") == 1


def test_new_is_recent_and_unseen():
    store = a_store()
    a_session(store, SELECTED)
    assert say(a_session(store, SELECTED), b"a1 SEARCH NEW\r\n").startswith(b"* SEARCH\r\n")


def test_of_what_is_gone_nothing_is_recent():
    store = a_store(0)
    first, second = (a_session(store, SELECTED) for _ in range(2))
    for number in range(20):
        store.accounts["amy"].inbox.append(LETTER)
        say((first, second)[number % 2], b"n NOOP\r\n")
    say(first, b"a STORE 1:15 +FLAGS.SILENT (\\Deleted)\r\n")
    say(first, b"c EXPUNGE\r\n")
    assert len(first._view.recent) == 2
    assert say(first, b"d SEARCH RECENT\r\n").startswith(b"* SEARCH 2 4\r\n")


def test_recent_has_holes():
    store = a_store()
    inbox, (one, other) = store.accounts["amy"].inbox, [a_session(store, SELECTED) for _ in "12"]
    for session in (other, one):
        inbox.append(b"x")
        say(session, b"n1 NOOP\r\n")
    assert say(one, b"a1 SEARCH RECENT\r\n").startswith(b"* SEARCH 1 3\r\n")


def test_news_costs_the_same_however_often_recent_went_to_another():
    def calls(letters):
        store = a_store(0)
        sessions = [a_session(store, SELECTED) for _ in range(2)]
        for number in range(letters):
            store.accounts["amy"].inbox.append(LETTER)
            say(sessions[number % 2], b"a NOOP\r\n")
        store.accounts["amy"].inbox.append(LETTER)
        return calls_of(lambda: say(sessions[0], b"b NOOP\r\n"))

    assert calls(200) < calls(20) + 20


@pytest.mark.parametrize("change", [b"+FLAGS.SILENT (\\Deleted)", b"+FLAGS.SILENT (\\Seen)"])
def test_news_of_many_takes_a_few_steps_for_each(change):
    store = a_store(1000)
    one, other = a_session(store, SELECTED), a_session(store, SELECTED)
    say(one, b"a STORE 1:* " + change + b"\r\nb EXPUNGE\r\n")
    assert calls_of(lambda: say(other, b"c NOOP\r\n")) < 6 * 1000


def test_what_came_and_went_untold_is_not_kept():
    store = a_store()
    session, inbox = a_session(store, SELECTED), store.accounts["amy"].inbox
    for _ in range(9):
        inbox.expunge([inbox.append(b"2").uid])
    assert session._view.watcher.expunged == set()
    assert say(session, b"a1 NOOP\r\n") == b"a1 OK NOOP completed\r\n"


def test_what_arrives_behind_a_removal_is_told_at_once_to_each_by_its_own_numbers():
    store = a_store()
    sessions = [a_session(store, SELECTED) for _ in range(3)]
    inbox = store.accounts["amy"].inbox
    inbox.append(b"2")
    say(sessions[0], b"a1 FETCH 1 UID\r\n")
    say(sessions[1], b"a1 FETCH 1 UID\r\n")  # these two know of 2, and have one list
    inbox.expunge([1, 2])
    for uid in range(3, 6):
        inbox.append(b"x")
        for session, gone in zip(sessions, (2, 2, 1), strict=True):
            exists = b"* %d EXISTS\r\n" % (uid - 2 + gone)
            assert exists in say(session, b"a2 FETCH 1 UID\r\n")
            assert b"(UID %d)" % uid in say(session, b"a3 FETCH * UID\r\n")
    for session in sessions:
        say(session, b"a4 NOOP\r\n")
        assert b"* 1 FETCH (UID 3)\r\n* 2 FETCH (UID 4)\r\n* 3 FETCH" in say(session, b"a5 FETCH 1:3 UID\r\n")


def test_charset_counts_and_so_do_small_letters():
    store = a_store(0)
    store.accounts["amy"].inbox.append("Subject: Café\r\n\r\n".encode())
    session = a_session(store, SELECTED)
    found = say(session, b"a1 search charset iso-8859-1 subject {4+}\r\ncaf\xe9\r\n")
    assert found.startswith(b"* SEARCH 1\r\n")


def test_a_group_has_no_host():
    store = a_store(0)
    store.accounts["amy"].inbox.append(b"To: undisclosed-recipients:;\r\n\r\n")
    assert say(a_session(store, SELECTED), b"a1 SEARCH TO nobody\r\n").startswith(b"* SEARCH\r\na1 OK")


def test_status_of_everything_and_sizes_that_differ():
    store = a_store()
    store.accounts["amy"].inbox.append(b"short", ["\\Deleted"])
    items = b"(MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN DELETED DELETED-STORAGE)"
    assert b"DELETED 1 DELETED-STORAGE 5)" in say(a_session(store, LOGGED_IN), b"a1 STATUS INBOX " + items + b"\r\n")


def test_mailbox_names_keep_their_case():
    store = a_store()
    store.accounts["amy"].create("WORK")
    assert say(a_session(store, LOGGED_IN), b'a1 LIST "" work\r\n') == b"a1 OK LIST completed\r\n"


def test_a_level_without_mailbox_has_no_use():
    store = a_store()
    store.accounts["amy"].create("Archive/2025")
    store.accounts["amy"].delete("Archive")
    assert say(a_session(store, LOGGED_IN), b'a1 LIST (SPECIAL-USE) "" *\r\n') == b"a1 OK LIST completed\r\n"


def test_no_new_keywords_are_promised_where_there_is_no_room():
    store = a_store()
    store.accounts["amy"].inbox.flag_set([f"k{number}" for number in range(64)])
    assert b"\\*" not in say(a_session(store, SELECTED), b"a1 SELECT INBOX\r\n")


def test_a_keyword_that_no_message_got_is_told():
    store = a_store()
    one, other = (a_session(store, SELECTED) for _ in "12")
    say(one, b"a1 UID STORE 99 +FLAGS (New)\r\n")
    assert say(other, b"b1 NOOP\r\n").startswith(b"* FLAGS (")


def test_the_longest_name_serves_as_reference_and_as_pattern():
    """RFC 3501 §7.2.2: a name that LIST told must be valid as a reference."""
    session = a_session(script=LOGGED_IN)
    name = encode_name("\U0001f600" * MAX_NAME)
    assert say(session, b'a1 CREATE "%b"\r\n' % name).startswith(b"a1 OK")
    for arguments in (b'"" "%b"' % name, b'"%b" *' % name, b'"%b" "%b"' % (name, name)):
        found = b'* LIST () "/" %b\r\n' % name
        assert (
            say(session, b"a2 LIST " + arguments + b"\r\n")
            == found * (arguments.count(name) < 2) + b"a2 OK LIST completed\r\n"
        )
        assert say(session, b"a3 LSUB " + arguments + b"\r\n") == b"a3 OK LSUB completed\r\n"


@pytest.mark.parametrize(
    ("command", "end"),
    [
        (b"SELECT {60000+}\r\n" + b"\xff" * 60_000, b"; write a lone & as &-\r\n"),
        (b"SELECT {60000+}\r\n" + b"a" * 60_000, b"; these exist: 'INBOX'\r\n"),
        (b"SEARCH " + b"A" * 60_000, b"; a text with a space in it goes in double quotes\r\n"),
        (b"FETCH 1 " + b"A" * 60_000, b" BODY[...] BODY.PEEK[...]\r\n"),
        (b"UID " + b"A" * 60_000, b"; say UID FETCH, STORE, SEARCH, COPY, MOVE or EXPUNGE, and its arguments\r\n"),
        (b"STORE 1 " + b"A" * 60_000, b"; say STORE set FLAGS (flags), or +FLAGS, or -FLAGS\r\n"),
        (b"SEARCH CHARSET " + b"A" * 60_000 + b" ALL", b" in imaplib\r\n"),
    ],
)
def test_a_refusal_is_short_however_long_the_words_were(command, end):
    answer = say(a_session(script=SELECTED), b"a1 " + command + b"\r\n")
    assert len(answer) < 1100
    assert answer.endswith(end)
