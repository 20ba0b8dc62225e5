"""The letters are what they claim to be, octet for octet, and `data/README.md` knows every file."""

import calendar
import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from functools import cache

import pytest

from mailkit import samples
from mailkit.samples import DATA, SETS, compose, letter, letters, table

README = (DATA / "README.md").read_text(encoding="utf-8")
LETTER = re.compile(r"^\| \[([^]]+)\]\(letters/\1\.eml\) \| (\d+) \| (\S+) \| (.+) \|$", re.M)
ROWS = {row[0]: row for row in LETTER.findall(README)}
TABLES = dict(re.findall(r"^\| \[([^]]+)\]\(\1\.csv\) \| (\d+) \|", README, re.M))
NOT_VALID = {name for name, row in ROWS.items() if row[3].startswith("Not valid on purpose")}
OCTETS = {path.stem: path.read_bytes() for path in sorted((DATA / "letters").iterdir())}
EXAMPLE = re.compile(r"@(?:[\w-]+\.)*example\.(?:org|net|com)(?![\w.-]*\w)")

pytestmark = pytest.mark.slow  # many, and of data alone

every_letter = pytest.mark.parametrize("name", OCTETS)
every_table = pytest.mark.parametrize("name", TABLES)


@cache
def parse(name: str) -> EmailMessage:
    return message_from_bytes(OCTETS[name], policy=policy.default)


def test_the_readme_names_every_file_and_no_other():
    assert set(ROWS) == set(OCTETS)
    assert {path.name for path in DATA.iterdir()} == {"README.md", "letters", *(f"{name}.csv" for name in TABLES)}


@every_letter
def test_octets_and_date_are_those_in_the_readme(name):
    _, size, date, _ = ROWS[name]
    assert (len(OCTETS[name]), f"{parse(name)['Date'].datetime:%Y-%m-%d}") == (int(size), date)


@every_letter
def test_every_line_ends_with_crlf_and_is_not_too_long(name):
    lines = OCTETS[name].split(b"\r\n")
    assert lines.pop() == b""
    assert not any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines)
    assert max(map(len, lines)) <= 78  # RFC 5322 §2.1.1


@every_letter
def test_it_parses_without_defects_unless_it_says_so(name):
    parts = list(parse(name).walk())
    defects = [defect for part in parts for defect in part.defects]
    defects += [defect for part in parts for value in part.values() for defect in getattr(value, "defects", ())]
    assert bool(defects) == (name in NOT_VALID), defects


@every_letter
def test_the_header_has_what_rfc_5322_wants(name):
    message = parse(name)
    assert len(message.get_all("From")) == len(message.get_all("Date")) == len(message.get_all("Message-ID")) == 1
    assert str(message["Date"]).startswith(f"{message['Date'].datetime:%a, %d %b %Y}")  # the weekday is right
    assert datetime(2026, 8, 1, tzinfo=UTC) < message["Date"].datetime < datetime(2026, 10, 1, tzinfo=UTC)


@every_letter
def test_addresses_are_examples_only(name):
    texts = [OCTETS[name].decode("utf-8")]
    texts += [part.get_content() for part in parse(name).walk() if part.get_content_maintype() == "text"]
    for text in texts:
        assert text.count("@") == len(EXAMPLE.findall(text))
        assert not re.search(r"https?://(?!example\.(org|net|com)/)", text)


def test_message_ids_are_all_different():
    assert len({parse(name)["Message-ID"] for name in OCTETS}) == len(OCTETS)


@every_letter
def test_ascii_unless_the_letter_says_otherwise(name):
    declared = b"Content-Transfer-Encoding: 8bit\r\n" in OCTETS[name]
    assert OCTETS[name].isascii() != (declared or name == "unlabelled")


def test_attachments_are_real():
    def first(name: str, kind: str) -> bytes:
        return next(part for part in parse(name).walk() if part.get_content_type() == kind).get_content()

    assert first("invoice", "application/pdf").startswith(b"%PDF-1.4")
    assert first("tickets", "application/pdf").endswith(b"%%EOF\n")
    assert first("photos", "image/png").startswith(b"\x89PNG\r\n\x1a\n")
    assert parse("panorama").get_payload(1).get_filename() == "lake at dusk.png"


def test_each_odd_letter_is_odd_in_its_own_way():
    assert b"\r\n.\r\n" in OCTETS["dots"]
    assert OCTETS["empty"].endswith(b"\r\n\r\n")
    assert parse("empty").get_payload() == ""
    assert "Subject" not in parse("no-subject")
    assert parse("french")["Subject"] == "Déjà la rentrée : on se voit à la crêperie ?"
    assert parse("french")["From"].addresses[0].display_name == "Éloïse Dupré"
    assert "Übung macht den Meister" in parse("eight-bit").get_content()
    assert parse("plum-cake").get_content().count("½") == 1
    assert parse("forwarded").get_payload(1).get_content_type() == "message/rfc822"
    assert parse("invitation").get_payload(1).get_param("method") == "REQUEST"
    assert len(parse("long-way").get_all("Received")) == 4


def test_the_bounce_is_a_delivery_report():
    report = parse("bounce")
    assert (report.get_content_type(), report.get_param("report-type")) == ("multipart/report", "delivery-status")
    kinds = [part.get_content_type() for part in report.get_payload()]
    assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    of_message, of_recipient = report.get_payload(1).get_payload()
    assert of_message["Reporting-MTA"] == "dns; mail.example.org"
    assert (of_recipient["Action"], of_recipient["Status"]) == ("failed", "5.1.1")


def test_the_thread_hangs_together():
    conversation = [parse(name) for name in SETS["thread"]]
    names = [message["Message-ID"] for message in conversation]
    for at, message in enumerate(conversation[1:], 1):
        assert message["In-Reply-To"] == names[at - 1]
        assert str(message["References"]).split() == names[:at]
        assert message["Subject"] == "Re: " + conversation[0]["Subject"]
        written_to = getaddresses([*conversation[at - 1].get_all("To"), *conversation[at - 1].get_all("Cc", [])])
        assert message["From"].addresses[0].addr_spec in dict(map(reversed, written_to))  # one answers what one got


def test_the_three_letters():
    parsed = [message_from_bytes(octets, policy=policy.default) for octets in letters("three-letters")]
    assert [message["Subject"] for message in parsed] == ["Lunch on Thursday", "Invoice 2026-114", "Photos of the lake"]


def test_a_set_is_in_order_of_arrival_and_tabled():
    for name, members in SETS.items():
        dates = [parse(member)["Date"].datetime for member in members]
        assert dates == sorted(dates), name
        assert f"| {name} | {', '.join(members)} |" in README
        assert name not in OCTETS
    assert [f"{parse(name)['Date'].datetime:%a}" for name in SETS["week"]] == list(calendar.day_abbr)


def test_letters_come_as_they_are_in_the_order_asked_for():
    assert letters("walk", "three-letters", "walk") == [letter("walk"), *letters("three-letters"), letter("walk")]
    assert letters("all") == list(OCTETS.values())


@pytest.mark.parametrize("ask", [letters, letter, table])
def test_an_unknown_name_is_told_what_there_is(ask):
    with pytest.raises(LookupError, match=r"there is no .+ 'nowhere'. There are: .+, .+"):
        ask("nowhere")


def test_a_slip_is_told_the_name_that_is_close():
    with pytest.raises(LookupError, match="did you mean 'three-letters'"):
        letters("three-leters")
    with pytest.raises(LookupError, match="did you mean 'providers'"):
        table("provider")
    for wrong in ([], [3], [["lunch"]]):
        with pytest.raises(TypeError, match="takes names, such as letters"):
            letters(*wrong)


def test_without_its_data_the_package_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(samples, "DATA", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"pip install -e \."):
        letters("lunch")


def test_compose_gives_the_same_octets_for_the_same_words():
    assert compose("Tea?") == compose("Tea?") != compose("Coffee?")
    octets = compose("Thé à cinq heures ?", "Zoë <zoe@example.com>", text="À toi\n")
    message = message_from_bytes(octets, policy=policy.default)
    assert octets.isascii()
    assert octets.count(b"\n") == octets.count(b"\r\n")
    assert (message["Subject"], message["From"].addresses[0].display_name) == ("Thé à cinq heures ?", "Zoë")
    assert message.get_content() == "À toi\r\n"
    assert message["Message-ID"].endswith("@example.com>")
    with pytest.raises(ValueError, match="linefeed"):
        compose("Tea?\nBcc: everyone@example.org")


@every_table
def test_every_row_says_where_it_comes_from_and_when(name):
    rows = table(name)
    assert len(rows) == int(TABLES[name])
    for row in rows:
        assert None not in row
        assert None not in row.values()
        assert row["source"]
        when = [*filter(None, row["date"].split("; ")), *filter(None, [row.get("read")])]
        assert when, row
        assert all(re.fullmatch(r"(19|20)\d\d(-\d\d){0,2}", date) for date in when), row


def test_an_rfc_is_cited_with_one_date_everywhere():
    dates = {}
    for row in (row for name in TABLES for row in table(name)):
        rfcs = list(dict.fromkeys(re.findall(r"RFC \d+", row["source"])))
        if len(rfcs) == len(row["date"].split("; ")):
            for rfc, date in zip(rfcs, row["date"].split("; "), strict=True):
                assert dates.setdefault(rfc, date) == date


def test_terms_have_stable_names_and_a_lesson():
    rows = table("terms")
    assert len({row["id"] for row in rows}) == len({row["term"] for row in rows}) == len(rows)
    for row in rows:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row["id"])
        assert row["lesson"] in {f"0{number}" for number in range(10)}
        assert row["means"].endswith(".")
    assert [row["lesson"] for row in rows] == sorted(row["lesson"] for row in rows)


def test_the_dial_up_figures_of_the_course():
    speeds = {row["modem"]: float(row["real_kbit_s"]) for row in table("modems")}
    minutes = {modem: round(5_000_000 * 8 / 1000 / speed / 60) for modem, speed in speeds.items()}
    assert (minutes["28.8"], minutes["56"]) == (23, 15)
    assert next(row["value"] for row in table("phone-tariffs") if row["tariff"] == "local call, peak") == "16.70"
