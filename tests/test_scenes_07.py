"""What lessons 02 and 07 compute: a letter's way, and who reads what on the line."""

import asyncio
import doctest
import imaplib
import poplib

import pytest

from mailkit import MailServer, Wiretap, letters
from mailkit.samples import letter
from mailkit.scenes import lesson02, lesson07
from mailkit.scenes.programs import by_pop
from mailkit.scenes.wire import all_ways, attempt, overheard, show_ways, show_wire, try_words

BOTH = "the password and the letter"


@pytest.fixture(scope="module")
def server():
    with MailServer(letters("spare-key"), password="secret") as server:
        yield server


def test_doctests():
    assert doctest.testmod(lesson02).failed == 0


def test_the_way_of_a_letter_that_lies_is_told_as_it_is_written():
    assert [name for name, _, _ in lesson02.hops(letter("prize"))] == [
        "mail.example.net", "winner.example.com", "mx.example.org",
    ]  # fmt: skip


def test_who_does_not_say_how_a_letter_came_is_no_msa():
    way = lesson02.hops(b"Received: from laptop.example.org by mail.example.org; Tue\r\n\r\n")
    assert way[1:] == [("mail.example.org", "MTA", "")]


def test_the_roles_of_a_long_way():
    assert [role for _, role, _ in lesson02.hops(letter("long-way"))] == ["MUA", "MSA", "MTA", "MTA", "MDA"]


@pytest.mark.parametrize("octets", [letter("lunch"), b"Received: by somebody\r\n\r\n", b""])
def test_no_way_without_received_lines(octets):
    with pytest.raises(ValueError, match="pass a message as it came out of a box"):
        lesson02.hops(octets)


@pytest.mark.parametrize("protocol", ["POP3", "IMAP", "SMTP"])
@pytest.mark.parametrize(
    ("beginning", "attack", "checked", "arrived", "read"),
    [
        ("in the clear", "listens", True, True, BOTH),
        ("STARTTLS", "listens", True, True, "nothing"),
        ("STARTTLS if offered", "listens", True, True, "nothing"),
        ("TLS from the start", "listens", True, True, "nothing"),
        ("STARTTLS", "swaps the certificate", True, False, "nothing"),
        ("STARTTLS", "swaps the certificate", False, True, BOTH),
        ("TLS from the start", "swaps the certificate", True, False, "nothing"),
        ("TLS from the start", "swaps the certificate", False, True, BOTH),
        ("STARTTLS", "takes the offer out", True, False, "nothing"),
        ("STARTTLS if offered", "takes the offer out", True, True, BOTH),
    ],
)
def test_who_reads_what(server, caplog, protocol, beginning, attack, checked, arrived, read):
    outcome = attempt(server, beginning, attack, checked=checked, protocol=protocol)
    assert (outcome.arrived, outcome.overheard) == (arrived, read)
    assert bool(outcome.refusal) != arrived
    assert outcome.refusal != "OSError", "what the client says of a broken line hides what broke it"
    assert f"reads: {read}" in outcome.picture.words
    if (beginning, attack) == ("STARTTLS", "takes the offer out"):
        assert "<- hung up: no TLS ->" in outcome.picture.words
    assert not caplog.records, "a client that does not trust us is no error of the server's"


@pytest.mark.parametrize(
    ("wrong", "known"),
    [
        ({"beginning": "tls"}, "STARTTLS if offered, STARTTLS, TLS from the start"),
        ({"beginning": "STARTTLS", "attack": "reads"}, "listens, swaps the certificate"),
        ({"beginning": "STARTTLS", "protocol": "pop3"}, "POP3, IMAP, SMTP"),
    ],
)
def test_what_an_attempt_does_not_know_is_named(server, wrong, known):
    with pytest.raises(LookupError, match=known):
        attempt(server, **wrong)


def test_the_table_of_all_ways(server):
    words = str(show_ways(all_ways(server)))
    assert words.count(BOTH) == 3
    assert words.count("nothing\n") + words.endswith("nothing") == 4


def test_a_wiretap_can_be_made_where_a_loop_runs(server):
    async def cell():
        return Wiretap(server.pop3)

    with asyncio.run(cell()) as tap:
        assert (overheard(tap), show_wire(tap).alt[:10]) == ("nothing", "A listener")


def test_three_lines_tell_how_each_of_them_ended(capsys):
    box, opened = lesson07.exercises["07.4"].start(), []

    def collect(line, laptop):
        opened.append(pop := poplib.POP3(*line))
        pop.stls(context=box.context)
        pop.user("amy")
        pop.pass_("secret")
        laptop.save(pop.retr(1))
        pop.quit()

    box.three_lines(collect)
    opened[0].close()  # `poplib` closes the others
    cafe, station, library = capsys.readouterr().out.splitlines()
    assert cafe.startswith("Café: error_proto: ")
    assert station.startswith("Station: SSLCertVerificationError: ")
    assert "_ssl.c" not in station
    assert library == "Library: collected"
    box.three_lines(lambda line, laptop: None)
    assert capsys.readouterr().out.count(": nothing collected\n") == 3
    box.stop()


def test_a_picture_of_two_servers_names_sessions_by_the_whole_address(server):
    with MailServer(accounts=("ben",), password="secret", domain="example.net") as net:
        pop, imap = by_pop(server), imaplib.IMAP4(*net.imap)
        assert {one.account for one in lesson02.both(server, net).sessions} == {"amy@example.org", None}
        pop.quit()
        imap.logout()


def test_trying_words_ends_with_the_line(server):
    assert len(try_words(server.pop3, "abcdef")) == 3
    assert try_words(server.pop3, ["wrong", "secret", "never"])[-1].startswith("+OK")
