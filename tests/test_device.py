"""A device keeps copies of what a client fetched, and says clearly when there is nothing to keep."""

import pytest

from mailkit import snapshot
from mailkit.device import Device
from mailkit.server import MailServer
from mailkit.snapshot import MailboxView, SessionView, Snapshot, compare

LETTER = b"Subject: hi\r\nFrom: ben@example.net\r\n\r\ntext\r\n"


def subjects(device):
    return [letter.subject for letter in device.snapshot().letters]


def test_keeps_what_poplib_returned():
    laptop = Device("laptop")
    laptop.save((b"+OK 44 octets", LETTER.split(b"\r\n")[:-1], 44))
    assert laptop.letters() == [LETTER]


def test_a_letter_may_have_lines_as_list_has_them_and_no_end():
    laptop = Device("laptop")
    laptop.save((b"+OK", [b"Subject: sums", b"", b"1 439"], 23))
    laptop.save(b"Subject: sums\r\n\r\n1 439")
    assert laptop.letters() == [b"Subject: sums\r\n\r\n1 439\r\n"] * 2


def test_keeps_octets_as_they_are():
    laptop = Device("laptop")
    laptop.save(LETTER)
    assert laptop.letters() == [LETTER]


def test_keeps_what_imaplib_returned():
    phone = Device("phone")
    phone.save(("OK", [(b"1 (BODY[] {44}", LETTER), b")"]))
    assert subjects(phone) == ["hi"]


def test_a_copy_has_the_digest_of_the_original():
    one, other = Device("one"), Device("other")
    one.save(LETTER)
    other.save(LETTER.replace(b"\r\n", b"\n"))
    assert one.snapshot().letters[0].digest == other.snapshot().letters[0].digest


def test_folders_are_kept_apart():
    laptop = Device("laptop")
    laptop.save(LETTER, folder="Sent")
    assert repr(laptop) == "<Device laptop: 1 letter>"
    assert repr(Device("phone")) == "<Device phone: 0 letters>"
    assert [(name, len(kept)) for name, kept in laptop.snapshot().folders] == [("INBOX", 0), ("Sent", 1)]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (("NO", [b"no such message"]), ValueError, "nothing is saved"),
        (("OK", [None]), ValueError, "holds no letter"),
        ("text", TypeError, "pop.retr"),
        (None, TypeError, "pop.retr"),
    ],
)
def test_an_answer_without_a_letter_is_refused_with_the_remedy(answer, error, words):
    laptop = Device("laptop")
    with pytest.raises(error, match=words):
        laptop.save(answer)
    assert laptop.letters() == []


def test_a_letter_can_be_thrown_away_once():
    laptop = Device("laptop")
    laptop.save(LETTER)
    laptop.throw_away(1)
    with pytest.raises(LookupError, match="it has: none"):
        laptop.throw_away(1)
    laptop.save(LETTER)
    laptop.save(LETTER)
    with pytest.raises(LookupError, match="it has: 2, 3"):
        laptop.throw_away(1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("2", r"without quotes: throw_away\(2\)"),
        (" 2", r"without quotes: throw_away\(2\)"),
        ("Lunch", r"such as throw_away\(1\)"),
        (None, r"such as throw_away\(1\)"),
    ],
)
def test_a_letter_is_thrown_away_by_its_number(given, words):
    laptop = Device("laptop")
    laptop.save(LETTER)
    with pytest.raises(TypeError, match=words):
        laptop.throw_away(given)
    assert subjects(laptop) == ["hi"]


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"answer": b"+OK message 1 is marked"}, ValueError, "is what the server said, not a letter"),
        ({"answer": (b"+OK", [b"1 439", b"2 332"], 14)}, ValueError, "is what LIST or UIDL says"),
        ({"answer": (b"+OK", [b"1 00000001-1"], 14)}, ValueError, "is what LIST or UIDL says"),
        ({"answer": [LETTER]}, TypeError, "take one letter out of it"),
        (
            {"answer": LETTER, "folder": 3},
            ValueError,
            'first comes the letter, then its folder, a text such as "Trips", not 3',
        ),
        ({"answer": LETTER, "folder": ""}, ValueError, 'such as "Trips"'),
        ({"answer": LETTER, "folder": " "}, ValueError, 'such as "Trips"'),
        ({"answer": 3}, TypeError, "cannot save int;"),
        ({"answer": "Backup", "folder": ("OK", [(b"1 (BODY[] {9999}", b"x" * 9999)])}, ValueError, "xxx...xxx"),
        ({"answer": LETTER, "flags": "\\Seen"}, TypeError, "takes a list"),
        ({"answer": LETTER, "flags": [5]}, TypeError, r"flags takes a list of texts, such as .*Seen"),
        ({"answer": LETTER, "flags": None}, TypeError, "flags takes a list of texts"),
        ({"answer": LETTER, "flags": ["Seen"]}, ValueError, r'begins with a backslash; write r"\\Seen"'),
        ({"answer": LETTER, "flags": ["/Seen"]}, ValueError, r'begins with a backslash; write r"\\Seen"'),
        ({"answer": b""}, ValueError, "it is empty"),
        ({"answer": (b"+OK", [], 0)}, ValueError, "it is empty"),
    ],
)
def test_what_is_no_letter_is_not_kept(wrong, error, words):
    laptop = Device("laptop")
    with pytest.raises(error, match=words):
        laptop.save(**wrong)
    assert laptop.letters() == []


def test_an_unknown_folder_names_those_there():
    with pytest.raises(LookupError, match="it has: INBOX"):
        Device("laptop").letters("Sent")


def test_a_lost_device_has_lost_its_ledger_too():
    laptop = Device("laptop")
    laptop.save(LETTER)
    laptop.seen_uidls["1.1"] = None
    laptop.empty()
    assert (laptop.letters(), laptop.seen_uidls) == ([], {})


def test_a_cache_is_replaced_as_a_whole():
    phone = Device("phone")
    phone.save(b"Subject: old\r\n\r\n")
    phone.replace("INBOX", [(7, LETTER, frozenset({"\\Seen"}))])
    assert [(one.uid, one.subject, one.flags) for one in phone.snapshot().letters] == [(7, "hi", {"\\Seen"})]
    phone.save(LETTER)
    assert [one.uid for one in phone.snapshot().letters] == [7, 8]


@pytest.mark.parametrize("field", [b"Subject", b"From"])
def test_a_picture_shows_the_beginning_of_an_endless_field(field):
    laptop = Device("laptop")
    laptop.save(field + b": " + b"amy@example.org, " * 100_000 + b"\r\n\r\n")
    letter = laptop.snapshot().letters[0]
    assert 900 < len(letter.subject + letter.sender) < 1100


@pytest.mark.parametrize("name", ["", " ", 3, None])
def test_a_device_needs_a_name(name):
    with pytest.raises(ValueError, match=r"such as Device\(\"laptop\"\)"):
        Device(name)


@pytest.mark.parametrize("names", [("amy",), ("laptop", "laptop")])
def test_what_has_one_name_is_not_photographed_together(names):
    with (
        MailServer(password="secret") as server,
        pytest.raises(ValueError, match=rf"'{names[0]}' names two things here.*such as Device\(\"Amy's laptop\"\)"),
    ):
        server.snapshot(*map(Device, names))


def test_a_field_is_read_however_it_is_written():
    laptop = Device("laptop")
    laptop.save(b"SUBJECT:  hi \r\nfrom:ben@example.net\r\n\r\n")
    assert [(letter.subject, letter.sender) for letter in laptop.snapshot().letters] == [("hi", "ben@example.net")]


def test_a_letter_without_a_header_shows_nothing_of_its_body():
    laptop = Device("laptop")
    laptop.save(b"\r\nSubject: only quoted\r\n\r\nx\r\n")
    assert subjects(laptop) == ["(no subject)"]


def test_a_field_that_the_library_cannot_read_is_shown_as_written(monkeypatch):
    monkeypatch.setattr(snapshot, "_headers", None)  # which fields those are depends on Python's version
    laptop = Device("laptop")
    laptop.save(b'From: "Zoe\r\nSubject: =?broken\r\n  for the library\r\n\r\nx\r\n')
    (letter,) = laptop.snapshot().letters
    assert (letter.sender, letter.subject) == ('"Zoe', "=?broken for the library")


def test_what_no_picture_has_is_told_with_what_it_has():
    with pytest.raises(LookupError, match="it has: none"):
        Snapshot().mailbox("amy")
    with pytest.raises(LookupError, match=r"it has: none; pass it: server\.snapshot\(laptop\)$"):
        Snapshot().device("laptop")
    with pytest.raises(LookupError, match="no device 'tablet' in this snapshot; it has: laptop, phone"):
        Snapshot(devices=(Device("laptop").snapshot(), Device("phone").snapshot())).device("tablet")


def test_of_marks_those_set_and_those_taken_back_are_told():
    one, two = (Snapshot(sessions=(SessionView("POP3", "TRANSACTION", "amy", "INBOX", of),)) for of in ({1, 2}, {2, 3}))
    assert compare(one, two).marks == (("amy", {3}, {1}),)
    assert compare(one, Snapshot()).marks == (("amy", set(), {1, 2}),)


def test_a_session_without_a_login_beside_one_with():
    open_ = SessionView("IMAP", "not authenticated")
    marked = SessionView("POP3", "TRANSACTION", "amy", "INBOX", frozenset({1}))
    assert compare(Snapshot(), Snapshot(sessions=(open_, marked))).marks == (("amy", frozenset({1}), frozenset()),)
    assert Snapshot(sessions=(marked,)).marks("ben") == frozenset()
    with pytest.raises(LookupError, match=r"it has: amy/INBOX$"):
        Snapshot((MailboxView("amy", "INBOX", 1, ()),)).mailbox("amy", "Sent")
    laptop = Device("laptop")
    laptop.save(b"Subject: x\r\n\r\n")
    assert laptop.snapshot().letters[0].sender == "(no sender)"
