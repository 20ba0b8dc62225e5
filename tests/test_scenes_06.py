"""Lesson 06's mail program: what it says at a poll, what its settings make of the box, and the thirty days."""

from __future__ import annotations

import dataclasses
import poplib

import pytest

from mailkit import Device, MailServer, letters
from mailkit.pop3 import Pop3Session
from mailkit.samples import table
from mailkit.scenes import lesson09
from mailkit.scenes.lesson06 import exercises, history
from mailkit.scenes.popclient import NEW_ACCOUNT, Clock, LeavingProgram, PollRefused, PopClient, PopSettings
from mailkit.scenes.thirtydays import OCTETS, daily_letter, thirty_days

LEAVE, TAKE = PopSettings(days=None), PopSettings(leave=False)
HEADERS = PopSettings(leave=False, headers_only=True)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def server(clock):
    with MailServer(letters("three-letters"), password="secret", clock=clock) as server:
        yield server


@pytest.fixture
def laptop():
    return Device("laptop")


def on_server(server):
    return [letter.uid for letter in server.snapshot().mailbox("amy").letters]


def commands(server, which=-1):
    """Return the first words of what the client said in a POP3 session."""
    lines = str(server.transcript("POP3", which)).splitlines()
    return [line.split()[1] for line in lines if line.startswith("C: ")]


def test_a_poll_says_what_thunderbird_says_in_its_order(server, laptop, clock):
    program = PopClient(server, laptop, LEAVE, clock)
    program.poll()
    assert commands(server) == ["CAPA", "USER", "PASS", "STAT", "LIST", "UIDL", "RETR", "RETR", "RETR", "QUIT"]
    program.poll()
    assert commands(server) == ["CAPA", "USER", "PASS", "STAT", "LIST", "UIDL", "QUIT"]


def test_an_empty_box_ends_the_poll_after_stat_and_clears_the_ledger(laptop, clock):
    with MailServer(password="secret") as server:
        laptop.seen_uidls["1.1"] = clock.now
        assert PopClient(server, laptop, LEAVE, clock).poll().left == 0
        assert commands(server) == ["CAPA", "USER", "PASS", "STAT", "QUIT"]
    assert laptop.seen_uidls == {}


def test_without_leave_each_letter_is_deleted_after_it_was_fetched(server, laptop, clock):
    done = PopClient(server, laptop, TAKE, clock).poll()
    assert (done.fetched, done.deleted, done.left) == (3, 3, 0)
    assert commands(server)[6:] == ["RETR", "DELE"] * 3 + ["QUIT"]
    assert on_server(server) == []
    assert laptop.seen_uidls == {}


def test_the_age_is_the_copys_and_must_be_more_than_so_many_days(server, laptop, clock):
    program = PopClient(server, laptop, PopSettings(days=3), clock)
    clock.turn_to(10)  # the letters lie there since day 1
    assert program.poll().deleted == 0
    clock.turn_to(13)
    assert program.poll().deleted == 0
    clock.turn_to(13, 20)
    assert program.poll().deleted == 3
    assert len(laptop.letters()) == 3


def test_a_copy_thrown_away_goes_on_the_server_at_the_next_poll(server, laptop, clock):
    program = PopClient(server, laptop, LEAVE, clock)
    program.poll()
    program.delete(2)
    assert on_server(server) == [1, 2, 3]
    assert program.poll().deleted == 1
    assert on_server(server) == [1, 3]
    assert len(laptop.seen_uidls) == 2


def test_a_copy_thrown_away_stays_on_the_server_if_so_told(server, laptop, clock):
    program = PopClient(server, laptop, PopSettings(days=None, until_deleted=False), clock)
    program.poll()
    program.delete(2)
    assert (program.poll().deleted, program.poll().left) == (0, 3)
    assert on_server(server) == [1, 2, 3]
    assert len(laptop.letters()) == 2


def test_headers_only_takes_the_rest_when_asked(server, laptop, clock):
    program = PopClient(server, laptop, PopSettings(headers_only=True), clock)
    assert str(program.poll()).startswith("fetched 3, 3 of them only the header;")
    assert commands(server)[6:] == ["TOP"] * 3 + ["QUIT"]
    with pytest.raises(LookupError, match="letter 9 on laptop"):
        program.want_the_rest(9)
    program.want_the_rest(3)
    assert program.poll().octets == len(letters("photos")[0])
    assert letters("photos")[0] in laptop.letters()
    assert len(laptop.letters()) == 3
    with pytest.raises(LookupError, match="no header that waits for its letter"):
        program.want_the_rest(max(letter.uid for letter in laptop.snapshot().letters))


def test_a_header_alone_is_not_deleted_by_age(server, laptop, clock):
    program = PopClient(server, laptop, PopSettings(headers_only=True), clock)
    program.poll()
    clock.turn_to(30)
    assert program.poll().deleted == 0


@pytest.mark.parametrize(
    ("settings", "going"),
    [
        (TAKE, True),
        (LEAVE, True),
        (PopSettings(until_deleted=False), False),
        (PopSettings(leave=False, until_deleted=False), True),
    ],
)
def test_a_header_thrown_away(server, laptop, clock, settings, going):
    program = PopClient(server, laptop, dataclasses.replace(settings, headers_only=True), clock)
    program.poll()
    program.delete(1)
    assert program.poll().deleted == going


def test_a_lost_ledger_brings_everything_again(server, laptop, clock):
    program = PopClient(server, laptop, LEAVE, clock)
    program.poll()
    program.delete(1)  # a wish that is lost with the ledger
    program.ledger.clear()
    assert program.poll().fetched == 3
    assert len(laptop.letters()) == 5
    assert on_server(server) == [1, 2, 3]


def test_a_device_that_is_emptied_has_no_header_to_make_way(server, laptop, clock):
    program = PopClient(server, laptop, PopSettings(headers_only=True), clock)
    program.poll()
    program.want_the_rest(3)
    laptop.empty()
    program.settings = LEAVE
    assert program.poll().fetched == len(laptop.letters()) == 3


def test_a_setting_that_was_set_wrongly_stops_the_next_poll(server, laptop, clock):
    program = PopClient(server, laptop, PopSettings(), clock)
    program.settings.days = 0
    with pytest.raises(ValueError, match="days is 1 or more"):
        program.poll()
    assert laptop.letters() == []


def test_a_letter_that_another_program_removed_leaves_the_ledger(server, laptop, clock):
    program = PopClient(server, laptop, LEAVE, clock)
    program.poll()
    PopClient(server, Device("other"), TAKE, clock).poll()
    server.deliver(letters("walk")[0])
    assert program.poll().fetched == 1
    assert len(laptop.seen_uidls) == 1


def test_leave_unticked_later_deletes_what_was_left(server, laptop, clock):
    PopClient(server, laptop, LEAVE, clock).poll()
    done = PopClient(server, laptop, TAKE, clock).poll()
    assert (done.fetched, done.deleted) == (0, 3)


@pytest.mark.parametrize(
    ("settings", "words"),
    [(LEAVE, "untick “Leave messages on server”"), (HEADERS, "untick “Fetch headers only”")],
)
def test_without_uidl_leaving_is_refused(laptop, settings, words):
    with MailServer(letters("three-letters"), password="secret", uidl=False) as server:
        with pytest.raises(PollRefused, match=words):
            PopClient(server, laptop, settings).poll()
        assert len(on_server(server)) == 3
        assert laptop.letters() == []
        done, all_three = PopClient(server, laptop, TAKE).poll(), letters("three-letters")
        assert (done.fetched, done.deleted, done.octets) == (3, 3, sum(map(len, all_three)))
        assert laptop.letters() == all_three
        assert on_server(server) == []


def test_uidl_that_is_refused_for_once_is_no_reason_to_take_all(server, laptop, monkeypatch):
    monkeypatch.setattr(Pop3Session, "do_uidl", lambda session: b"-ERR not now\r\n")
    with pytest.raises(PollRefused, match="offers UIDL but refused it this time"):
        PopClient(server, laptop, TAKE).poll()
    assert on_server(server) == [1, 2, 3]


def test_a_poll_that_fails_removes_nothing_and_fetches_no_letter_twice(server, laptop, clock, monkeypatch):
    program = PopClient(server, laptop, TAKE, clock)
    save = laptop.save

    def disk_full(answer):
        if laptop.letters():
            raise OSError("disk full")
        save(answer)

    monkeypatch.setattr(laptop, "save", disk_full)
    with pytest.raises(OSError, match="disk full"):
        program.poll()
    server.wait_for_hang_up()
    assert on_server(server) == [1, 2, 3]
    monkeypatch.undo()
    assert program.poll().fetched == 2
    assert len(laptop.letters()) == 3
    assert on_server(server) == []


def test_a_wrong_password_ends_the_poll(server, laptop):
    with pytest.raises(poplib.error_proto, match=r"\[AUTH\]"):
        PopClient(server, laptop, password="wrong").poll()
    server.wait_for_hang_up()


def test_the_settings_are_those_of_the_table():
    assert PopSettings.from_table("new_account") == NEW_ACCOUNT == PopSettings(True, 14, True, False)
    assert PopSettings.from_table("fallback") == PopSettings(False, None, False, False)
    panel = NEW_ACCOUNT.panel()
    assert [row["english"].replace("…", "14") in panel for row in table("thunderbird")].count(False) == 1  # the number
    assert "[x] Pendant au maximum 14 jours" in NEW_ACCOUNT.panel("french")
    assert "[ ] For at most … days" in LEAVE.panel()
    with pytest.raises(ValueError, match="1 or more"):
        PopSettings(days=0)


def test_the_clock_goes_forward_only():
    clock = Clock()
    assert [f"{clock.day} {time:%H}" for time in clock.twice_a_day(until=2)] == ["1 20", "2 08", "2 20"]
    with pytest.raises(ValueError, match="cannot be turned back"):
        clock.turn_to(2, 8)
    assert repr(clock) == "<Clock: day 2, 20:00>"
    assert list(clock.twice_a_day(until=2)) == []


def test_a_program_for_lesson_05s_events(server, laptop):
    program = LeavingProgram(server, laptop)
    program.look()
    program.mark("Lunch on Thursday", "\\Seen")
    program.file("Photos of the lake", "Trips")
    program.delete("Invoice 2026-114")
    program.on_line = False
    program.look()
    assert on_server(server) == [1, 2, 3]
    program.on_line = True
    program.look()
    assert on_server(server) == [1, 3]
    assert len(laptop.letters()) == len(laptop.letters("Trips")) == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"days": "14"}, "days is 1 or more, or None"),
        ({"days": 0}, "days is 1 or more, or None"),
        ({"days": True}, "days is 1 or more, or None"),
        ({"leave": "no"}, "leave='no' is neither"),
        ({"phone_every": 0}, "phone_every=31 is never"),
    ],
)
def test_settings_that_thunderbird_has_not_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        thirty_days(**wrong)


@pytest.mark.slow
@pytest.mark.parametrize(("wrong", "said"), [({"until_deleted": 1}, ValueError), ({"uidl": 1}, TypeError)])
def test_days_that_were_lived_make_no_wrong_setting_right(wrong, said):
    thirty_days()
    with pytest.raises(said, match="=1 is n"):
        thirty_days(**wrong)


def test_daily_letters_fill_the_box_evenly():
    assert {len(daily_letter(day)) for day in range(1, 31)} == {OCTETS}


@pytest.mark.slow
def test_thirty_days_by_default():
    month = thirty_days()
    assert [one.day for one in month.evenings] == list(range(1, 31))
    assert [one.server for one in month.evenings[13:16]] == [10, 9, 9]  # day 15: the first letter goes
    assert (month.last.laptop, month.last.phone, month.last.refused) == (20, 20, 0)
    assert month.octets == 30 * OCTETS
    assert "on the phone" in month.picture.words
    assert "quota 35,000" in month.box.words


@pytest.mark.slow
def test_a_full_box_refuses():
    month = thirty_days(days=None, until_deleted=False)
    assert (month.last.server, month.last.refused) == (17, 13)
    assert all(one.used <= 35_000 for one in month.evenings)


@pytest.mark.slow
def test_the_age_counts_from_the_download():
    late = thirty_days(away_until=10, until_deleted=False, quota=None, phone_every=99)
    servers = [one.server for one in late.evenings]
    assert servers[23:25] == [24, 25 - 11]
    assert late.last.phone == 0


def test_thirty_days_without_uidl_are_refused():
    with pytest.raises(PollRefused):
        thirty_days(uidl=False)


def test_the_ledger_says_when(server, laptop, clock):
    PopClient(server, laptop, LEAVE, clock).poll()
    assert set(laptop.seen_uidls.values()) == {clock.now}


@pytest.mark.parametrize("told", [{"leave": True}, "leave", None, PopSettings])
def test_settings_are_pop_settings(server, laptop, told):
    program = PopClient(server, laptop)
    with pytest.raises(TypeError, match="settings takes PopSettings, such as"):
        program.settings = told
    assert program.settings == NEW_ACCOUNT


def test_who_asks_for_another_history_is_told_which_there_are():
    with pytest.raises(LookupError, match="no family 'SMTP' in the table; it has: POP, "):
        history("SMTP")


def test_thirty_days_do_not_come_twice():
    box = exercises["06.1"].start()
    box.live(leave=True, days=10)
    with pytest.raises(RuntimeError, match="from its first line for a new month"):
        box.live(leave=True, days=12)
    box.stop()


def test_the_ledger_to_be_mended_is_empty():
    box = exercises["06.4"].start()
    assert (len(box.laptop.letters()), box.laptop.seen_uidls) == (3, {})
    box.stop()


def test_three_days_do_not_come_twice():
    box = exercises["06.3"].start()
    box.three_visits(lambda pop, ledger, laptop: pop.quit())
    with pytest.raises(RuntimeError, match="from its first line"):
        box.three_visits(lambda pop, ledger, laptop: pop.quit())


@pytest.mark.parametrize(("key", "visits"), [("06.3", "three_visits"), ("09.10", "one_week")])
def test_a_visit_that_is_not_ended_locks_the_next_one_out(key, visits):
    box = {**exercises, **lesson09.exercises}[key].start()
    with pytest.raises(poplib.error_proto, match="IN-USE"):
        getattr(box, visits)(lambda pop, *things: pop.stat())
    verdict = box.check()
    box.stop()
    assert verdict.mistake == "half-way"
    assert "did not end" in verdict.advice


@pytest.mark.parametrize(("key", "visits"), [("06.3", "three_visits"), ("09.10", "one_week")])
def test_who_logs_in_once_more_reads_that_the_maildrop_is_in_use(key, visits):
    """The red box's last line is the refusal, not how long one then waits for the line that was left open."""
    box = {**exercises, **lesson09.exercises}[key].start()
    lines = []

    def poll(pop, *things):
        lines.append(poplib.POP3(pop.host, pop.port))
        lines[0].user("amy")
        lines[0].pass_("secret")

    with pytest.raises(poplib.error_proto, match="IN-USE"):
        getattr(box, visits)(poll)
    lines[0].close()
