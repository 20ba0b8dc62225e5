"""What a listener hears, what TLS hides from it, and what a man in the middle can do."""

import asyncio.selector_events
import contextlib
import gc
import imaplib
import poplib
import smtplib
import socket
import ssl
import struct
import threading

import pytest

from mailkit.server import MailServer
from mailkit.wiretap import Wiretap
from tests.garbage import set_aside
from tests.patience import PATIENCE, wait_until
from tests.tls import said_with_goodbye

LETTER = b"Subject: Plans\r\n\r\nMeet at the bridge. STARTTLS\r\nSTLS\r\n"


@pytest.fixture(scope="module")
def server():
    with MailServer([LETTER], accounts=("amy", "ben"), password="secret") as server:
        yield server


@pytest.fixture(params=["careful", "careless"])
def careless(request):
    return request.param == "careless"


def context(server, careless):
    """Return what a client trusts: this server's authority, or, as `poplib` does if not told, anybody."""
    return ssl._create_unverified_context() if careless else server.ssl_context


def collect(pop, number=1):
    pop.user("amy")
    pop.pass_("secret")
    letter = pop.retr(number)[1]
    pop.quit()
    return letter


def plain_pop3(server, tap):
    collect(poplib.POP3(*tap.address, timeout=PATIENCE))


def pop3_by_stls(server, tap, careless=False):
    pop = poplib.POP3(*tap.address, timeout=PATIENCE)
    with contextlib.closing(pop.sock), contextlib.closing(pop.file):
        pop.stls(context=context(server, careless))
        collect(pop)


def pop3s(server, tap, careless=False):
    collect(poplib.POP3_SSL(*tap.address, context=context(server, careless), timeout=PATIENCE))


def read(imap):
    imap.login("amy", "secret")
    imap.select(readonly=True)
    assert b"bridge" in imap.fetch("1", "(BODY.PEEK[])")[1][0][1]
    imap.logout()


def plain_imap(server, tap):
    read(imaplib.IMAP4(*tap.address, timeout=PATIENCE))


def imap_by_starttls(server, tap, careless=False):
    imap = imaplib.IMAP4(*tap.address, timeout=PATIENCE)
    try:
        imap.starttls(context(server, careless))
        read(imap)
    finally:
        with contextlib.suppress(OSError):  # a line that has ended, or broke in the handshake, cannot be shut down
            imap.shutdown()


def imaps(server, tap, careless=False):
    read(imaplib.IMAP4_SSL(*tap.address, ssl_context=context(server, careless), timeout=PATIENCE))


def send(smtp):
    smtp.login("amy", "secret")
    smtp.sendmail("amy@example.org", ["ben@example.org"], LETTER.decode())
    smtp.quit()


def plain_smtp(server, tap):
    send(smtplib.SMTP(*tap.address, local_hostname="laptop", timeout=PATIENCE))


def smtp_by_starttls(server, tap, careless=False):
    with smtplib.SMTP(*tap.address, local_hostname="laptop", timeout=PATIENCE) as smtp:
        smtp.starttls(context=context(server, careless))
        send(smtp)


def smtps(server, tap, careless=False):
    send(smtplib.SMTP_SSL(*tap.address, local_hostname="laptop", context=context(server, careless), timeout=PATIENCE))


PLAIN = [("pop3", plain_pop3), ("imap", plain_imap), ("smtp", plain_smtp)]
UNDER_TLS = [
    ("pop3", pop3_by_stls),
    ("imap", imap_by_starttls),
    ("smtp", smtp_by_starttls),
    ("pop3s", pop3s),
    ("imaps", imaps),
    ("smtps", smtps),
]
names = [use.__name__ for _, use in UNDER_TLS]


# ---- who listens


@pytest.mark.parametrize(("port", "use"), PLAIN)
def test_in_the_clear_everything_is_heard(server, port, use):
    with Wiretap(getattr(server, port)) as tap:
        use(server, tap)
        assert "Meet at the bridge" in tap
        assert b"secret" in tap or b"AGFteQBzZWNyZXQ=" in tap  # base64 hides nothing
        assert "Meet at the bridge." in str(tap.heard())
        assert tap.encrypted == 0


def test_heard_is_the_conversation(server):
    with Wiretap(server.pop3) as tap:
        pop = poplib.POP3(*tap.address, timeout=PATIENCE)
        pop.user("amy")
        pop.pass_("secret")
        pop.quit()
        assert str(tap.heard()).splitlines() == [
            "S: +OK mail.example.org POP3 server ready",
            "C: USER amy",
            "S: +OK now send PASS",
            "C: PASS secret",
            "S: +OK amy's maildrop has 1 message (54 octets)",
            "C: QUIT",
            "S: +OK mail.example.org POP3 server signing off (1 left)",
        ]
        assert tap.octets.startswith(b"+OK mail.example.org POP3 server ready\r\nUSER amy\r\n")


@pytest.mark.parametrize(("port", "use"), UNDER_TLS, ids=names)
def test_tls_hides_all_but_that_it_is_there(server, port, use):
    with Wiretap(getattr(server, port)) as tap:
        use(server, tap)
        heard = str(tap.heard())
        assert "bridge" not in tap
        assert b"bridge" not in tap.octets
        assert "LOGIN" not in heard.replace("AUTH PLAIN LOGIN", "")
        assert heard.splitlines()[-2:] == [
            "C: (TLS: handshake, change cipher spec, application data)",
            "S: (TLS: handshake, change cipher spec, application data)",
        ]
        assert tap.encrypted > 1000


# ---- who sits in the middle


@pytest.mark.parametrize(("port", "use"), UNDER_TLS, ids=names)
def test_a_client_that_speaks_first_waits_for_the_server(server, port, use, monkeypatch):
    """Python before 3.11.4 begins to read after `connection_made`, whether it was told to pause there or not."""

    def add_reader(transport, descriptor, callback, *arguments):
        if not transport.is_closing():
            transport._loop._add_reader(descriptor, callback, *arguments)

    monkeypatch.setattr(asyncio.selector_events._SelectorTransport, "_add_reader", add_reader)
    test_tls_hides_all_but_that_it_is_there(server, port, use)


@pytest.mark.parametrize(("port", "use"), UNDER_TLS, ids=names)
def test_with_another_certificate(server, port, use, careless):
    with Wiretap(getattr(server, port), certificate="its own") as tap:
        if careless:
            use(server, tap, careless)
            assert "Meet at the bridge" in tap
            assert b"bridge" not in tap.octets  # on the wire it is ciphertext all the same
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                use(server, tap)
            assert "bridge" not in tap
            said = [line.text for line in tap.heard().lines]
            assert said[-1] == "(the client does not trust it, and hangs up)"
        assert "S: (here the wiretap answers with a certificate of its own)" in str(tap.heard())


def test_the_middle_hears_the_same_every_time(server):
    def hear():
        with Wiretap(server.imap, certificate="its own") as tap:
            imap_by_starttls(server, tap, careless=True)
            return str(tap.heard())

    assert hear() == hear()
    assert 'C: a4 LOGIN amy "secret"' in hear()


@pytest.mark.slow
@pytest.mark.parametrize("how", [None, {}, {"certificate": "its own"}], ids=str)
def test_who_speaks_in_the_clear_where_tls_begins_at_once_does_not_wait_for_ever(how):
    with MailServer([LETTER], password="secret", handshake=0.3) as server:
        tap = None if how is None else Wiretap(server.pop3s, **how)
        with (
            socket.create_connection(tap.address if tap else server.pop3s, timeout=PATIENCE) as client,
            contextlib.suppress(ConnectionResetError),
        ):
            assert client.recv(1) == b""


def test_a_client_that_goes_in_the_handshake(server):
    with Wiretap(server.pop3s, certificate="its own") as tap:
        with socket.create_connection(tap.address, timeout=PATIENCE) as line:
            line.sendall(b"\x16\x03\x01")
        with socket.create_connection(tap.address, timeout=PATIENCE) as line:
            line.sendall(b"\x16 nonsense of some length")
            assert line.recv(100)[:1] in (b"", b"\x15")
        assert "server ready" not in str(tap.heard())


# ---- who takes the offer away


@pytest.mark.parametrize(
    ("port", "use", "refusal"),
    [
        ("pop3", pop3_by_stls, poplib.error_proto),
        ("imap", imap_by_starttls, imaplib.IMAP4.abort),
        ("smtp", smtp_by_starttls, smtplib.SMTPNotSupportedError),
    ],
)
def test_without_the_offer_clients_cannot_start_tls(server, port, use, refusal):
    with Wiretap(getattr(server, port), strip_tls=True) as tap, pytest.raises(refusal):
        use(server, tap)


def test_who_goes_on_without_is_read_and_his_letter_left_alone(server):
    with Wiretap(server.pop3, strip_tls=True) as tap:
        pop = poplib.POP3(*tap.address, timeout=PATIENCE)
        assert "STLS" not in pop.capa()
        assert collect(pop) == LETTER.splitlines()
        heard = str(tap.heard())
    assert heard.count("S: (the wiretap takes the offer out)") == 1
    assert "secret" in tap


def test_who_insists_gets_an_error(server):
    with Wiretap(server.imap, strip_tls=True) as tap:
        imap = imaplib.IMAP4(*tap.address, timeout=PATIENCE)
        with pytest.raises(imaplib.IMAP4.error, match="BAD"):
            imap.xatom("STARTTLS")
        imap.logout()
        assert "C: a2 STARTTLS\nS: (the wiretap spoils this)\nS: a2 BAD" in str(tap.heard())


# ---- as a part of a lesson


@pytest.mark.parametrize("strip_tls", [False, True])
def test_who_has_said_all_still_hears_the_answers(strip_tls):
    with MailServer([LETTER], password="secret") as server, Wiretap(server.pop3, strip_tls=strip_tls) as tap:
        heard = []
        for address in (server.pop3, tap.address):
            with socket.create_connection(address, timeout=PATIENCE) as line, line.makefile("rb") as answers:
                line.sendall(b"USER amy\r\nPASS secret\r\nRETR 1\r\nTOP 1 0\r\nDELE 1\r\nCAP")
                line.shutdown(socket.SHUT_WR)
                heard.append(answers.read())
        assert heard[0] == heard[1]
        assert heard[0].count(LETTER) == 1
        assert "C: CAP\n" in f"{tap.heard()}\n"
        assert len(server.snapshot().mailbox("amy").letters) == 1  # without QUIT nothing is removed


@pytest.mark.slow
@pytest.mark.parametrize("how", [{}, {"certificate": "its own"}, {"strip_tls": True}], ids=str)
def test_a_large_letter_goes_through(how):
    letter = b"Subject: Large\r\n\r\n" + (b"x" * 998 + b"\r\n") * 3_000
    with (
        MailServer([letter], password="secret") as server,
        Wiretap(server.imap if "strip_tls" in how else server.imaps, **how) as tap,
    ):
        if "strip_tls" in how:
            imap = imaplib.IMAP4(*tap.address, timeout=PATIENCE)
        else:
            imap = imaplib.IMAP4_SSL(*tap.address, ssl_context=context(server, bool(how)), timeout=PATIENCE)
        imap.login("amy", "secret")
        imap.select()
        assert imap.fetch("1", "(BODY[])")[1][0][1] == letter
        assert imap.append("INBOX", None, None, letter)[0] == "OK"
        assert server.snapshot().mailbox("amy").letters[1].size == len(letter)
        imap.logout()


def test_half_a_line_that_may_have_become_an_offer_is_passed_on(server):
    with Wiretap(server.pop3, strip_tls=True) as tap, socket.create_connection(tap.address, timeout=PATIENCE) as line:
        line.sendall(b"CAP")
        line.shutdown(socket.SHUT_WR)
        with line.makefile("rb") as answers:
            answers.read()
    assert server.transcript("POP3", mask=False).said("C") == ("CAP",)


def test_line_after_line(server):
    with Wiretap(server.pop3) as tap:
        for name in ("amy", "ben"):
            pop = poplib.POP3(*tap.address, timeout=PATIENCE)
            pop.user(name)
            pop.quit()
        assert tap.heard().said("C") == ("USER amy", "QUIT", "USER ben", "QUIT")
        assert repr(tap) == "<Wiretap, listening: 2 lines>"
    assert repr(tap) == "<Wiretap, stopped: 2 lines>"


def test_what_was_heard_stays_after_the_end(server):
    tap = Wiretap(server.pop3)
    plain_pop3(server, tap)
    tap.stop()
    tap.stop()
    assert "secret" in tap
    assert "C: PASS secret" in str(tap.heard())
    assert repr(tap) == "<Wiretap, stopped: 1 lines>"
    with pytest.raises(ConnectionRefusedError):
        poplib.POP3(*tap.address, timeout=PATIENCE)


def _is_full(tap):
    """Tell whether a listener waits for its client to read; asked on the listener's thread."""
    transports = [line.client.transport for line in tap._lines]
    return any(transport and transport.get_write_buffer_size() for transport in transports)


@contextlib.contextmanager
def _asking_for_a_large_letter():
    """Give a wiretap, a line through it that has asked and read nothing yet, and the letter."""
    letter = LETTER + b"A line of a letter.\r\n" * 500_000
    with (
        MailServer([letter], password="secret") as server,
        Wiretap(server.pop3) as tap,
        socket.create_connection(tap.address, timeout=PATIENCE) as line,
    ):
        line.sendall(b"USER amy\r\nPASS secret\r\nRETR 1\r\n")
        yield tap, line, letter


@pytest.mark.slow
def test_a_large_answer_waits_for_who_reads_late():
    with _asking_for_a_large_letter() as (tap, line, letter):
        line.sendall(b"QUIT\r\n")
        assert line.recv(3) == b"+OK"
        wait_until(lambda: tap._ask(lambda: not tap._lines[0].server.transport.is_reading()))
        answer = bytearray()
        while octets := line.recv(1_000_000):
            answer += octets
        assert letter + b".\r\n+OK" in answer


def test_stopping_amid_a_large_answer_hangs_up():
    with _asking_for_a_large_letter() as (tap, line, _):
        wait_until(lambda: tap._ask(lambda: _is_full(tap)))
        tap.stop()
        with contextlib.suppress(ConnectionResetError):
            while line.recv(1_000_000):
                pass


def test_who_ends_tls_is_let_go(server):
    with (
        Wiretap(server.pop3s, certificate="its own") as tap,
        socket.create_connection(tap.address, timeout=PATIENCE) as raw,
    ):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(raw) as line:
            assert line.recv(999).startswith(b"+OK")
            line.unwrap()


@pytest.mark.parametrize("greeted", [True, False])
def test_what_is_said_with_a_goodbye_arrives_and_is_answered(greeted):
    """RFC 8446 §6.1: it ends one direction, behind what came before it; the other side says goodbye as well."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    words = b"USER amy\r\nPASS secret\r\nDELE 1\r\nQUIT\r\n"
    with (
        MailServer([LETTER], password="secret") as server,
        Wiretap(server.pop3s, certificate="its own") as tap,
        said_with_goodbye(tap.address, anybody, words, greeted) as rest,
    ):
        assert rest().endswith(b"(0 left)\r\n" if greeted else b"")  # asyncio answers nobody who leaves so early
        assert not server.snapshot().mailbox("amy").letters


def test_a_server_that_goes_amid_the_handshake_ends_the_line():
    with (
        MailServer([LETTER], password="secret", handshake=0.2) as server,
        Wiretap(server.pop3, certificate="its own") as tap,
        socket.create_connection(tap.address, timeout=PATIENCE) as line,
    ):
        line.recv(999)
        line.sendall(b"STLS\r\n")
        line.recv(999)
        line.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert line.recv(999) == b""
        wait_until(lambda: "(the server hangs up)" in str(tap.heard()))


def test_a_client_that_speaks_no_tls_is_not_said_to_distrust(server):
    with (
        Wiretap(server.pop3s, certificate="its own") as tap,
        socket.create_connection(tap.address, timeout=PATIENCE) as line,
    ):
        line.sendall(b"\x16\x03\x01\x00\x05hello")
        wait_until(lambda: "(the handshake fails: " in str(tap.heard()))
        assert "trust" not in str(tap.heard())


@pytest.mark.parametrize("has_answer", [True, False])
def test_a_client_whose_alert_is_lost_distrusts_all_the_same(server, has_answer):
    """A line closed with something unread is reset, and Windows forgets then what came on it before."""
    hello = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        server.ssl_context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
    with Wiretap(server.pop3s, certificate="its own") as tap:
        with socket.create_connection(tap.address, timeout=PATIENCE) as line:
            line.sendall(hello.read(-1 if has_answer else 99))
            assert not has_answer or line.recv(1) == b"\x16"
            wait_until(lambda: tap.octets)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_until(lambda: tap._ask(lambda: tap._lines[0].client.transport.is_closing()))
        assert str(tap.heard()).count("(the client does not trust it, and hangs up)") == has_answer


def test_stopping_hangs_up_both_sides(server):
    before = set(threading.enumerate())
    tap = Wiretap(server.pop3)
    pop = poplib.POP3(*tap.address, timeout=PATIENCE)
    (its_own,) = set(threading.enumerate()) - before
    tap.stop()
    with pytest.raises((poplib.error_proto, OSError)):
        pop.stat()
    pop.close()
    server.wait_for_hang_up()
    assert not its_own.is_alive()


def test_losing_its_name_stops_it(server):
    before = set(threading.enumerate())
    with set_aside():
        tap = Wiretap(server.pop3)
        (its_own,) = {one for one in set(threading.enumerate()) - before if one.name == "mailkit wiretap"}
        del tap
        gc.collect()
    assert not its_own.is_alive()


def test_a_server_that_is_gone():
    with MailServer(password="secret") as server:
        tap = Wiretap(server.pop3)
    with tap, socket.create_connection(tap.address, timeout=PATIENCE) as line:
        assert line.recv(100) == b""


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("server",), TypeError, r"not 'server'; write for example Wiretap\(server.pop3\)"),
        ((("192.0.2.1", 110),), ValueError, "192.0.2.1 is not on this machine"),
    ],
)
def test_wrong_targets_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        Wiretap(*arguments)


def test_wrong_certificates_are_refused(server):
    with pytest.raises(ValueError, match='write certificate="its own", or leave it out'):
        Wiretap(server.pop3, certificate="mine")
    with pytest.raises(TypeError, match="strip_tls is True or False, not 'no'"):
        Wiretap(server.pop3, strip_tls="no")
    for port in (0, 99999, "pop3", None, True):
        with pytest.raises(ValueError, match="is no port, which is 1 to 65535; write"):
            Wiretap(("127.0.0.1", port))


HARD = b"Subject: hard\r\n\r\na1 STARTTLS\r\nSTARTTLS\r\n* CAPABILITY IMAP4rev1 STARTTLS\r\n250-STARTTLS\r\nSTLS\r\n"


def test_letters_that_speak_of_tls_pass_as_they_are():
    """RFC 3501 §4.3: a literal has as many octets as were announced."""
    with MailServer(password="secret") as server:
        with Wiretap(server.imap, strip_tls=True) as tap, imaplib.IMAP4(*tap.address, timeout=PATIENCE) as imap:
            imap.login("amy", "secret")
            assert imap.append("INBOX", None, None, HARD)[0] == "OK"
            imap.select()
            assert imap.fetch("1", "(BODY.PEEK[])")[1][0][1] == HARD
        with (
            Wiretap(server.smtp, strip_tls=True) as tap,
            smtplib.SMTP(*tap.address, local_hostname="laptop", timeout=PATIENCE) as smtp,
        ):
            smtp.sendmail("ben@example.org", ["amy@example.org"], HARD)
        with Wiretap(server.pop3, strip_tls=True) as tap:
            assert b"\r\n".join([*collect(poplib.POP3(*tap.address, timeout=PATIENCE), 2), b""]).endswith(HARD)


@pytest.mark.parametrize("said", [b"CAPA\r\nUSER amy\r\n", b"CAPA\r\nSTLS \r\n", b"CAPA\r\nSTLS\n"])
def test_the_offer_is_taken_out_whatever_else_is_said(server, said):
    with Wiretap(server.pop3, strip_tls=True) as tap, socket.create_connection(tap.address, timeout=PATIENCE) as line:
        line.sendall(said + b"QUIT\r\n")
        with line.makefile("rb") as answers:
            said = answers.read()
    assert b"\r\nSTLS\r\n" not in said
    assert b"begin TLS" not in said


def test_no_offer_is_taken_that_comes_in_pieces(server):
    with Wiretap(server.pop3, strip_tls=True) as tap, socket.create_connection(tap.address, timeout=PATIENCE) as line:
        line.recv(999)
        for piece in (b"ST", b"LS"):
            line.sendall(piece)
            wait_until(lambda piece=piece: tap.octets.endswith(piece))
        line.sendall(b"\r\nQUIT\r\n")
        with line.makefile("rb") as answers:
            assert answers.readline().startswith(b"-ERR no such command")
        assert "C: STLS\nS: (the wiretap spoils this)\n" in str(tap.heard())


def test_a_line_that_never_ends_is_not_held_back(server):
    """Each piece of it was put behind all that came before, which took longer and longer."""
    with Wiretap(server.pop3, strip_tls=True) as tap, socket.create_connection(tap.address, timeout=PATIENCE) as line:
        line.recv(999)
        line.sendall(b"x" * 20_000)
        wait_until(lambda: "xxx" in str(tap.heard()))


@pytest.mark.parametrize("how", [{}, {"certificate": "its own"}], ids=str)
def test_an_octet_of_a_letter_does_not_begin_tls(how):
    with (
        MailServer(password="secret") as server,
        Wiretap(server.smtp, **how) as tap,
        socket.create_connection(tap.address, timeout=PATIENCE) as line,
        line.makefile("rb") as answers,
    ):
        line.sendall(b"HELO laptop\r\nMAIL FROM:<>\r\nRCPT TO:<amy>\r\nDATA\r\nSubject: x\r\n\r\nabc")
        for _ in range(5):
            answers.readline()
        line.sendall(b"\x16def\r\n.\r\n")
        assert answers.readline().startswith(b"250 ")
        assert "def" in tap


@pytest.mark.parametrize(
    ("protocol", "pieces", "letter"),
    [
        ("smtp", [b"EHLO x\r\n", b"MAIL FROM:<>\r\nRCPT TO:<amy>\r\nDATA\r\n", HARD + b".\r\n"], False),
        ("pop3", [b"AUTH PLAIN eA==\r\nFOO\r\nUSER amy\r\nPASS secret\r\n", b"RETR 1\r\n"], True),
        (
            "imap",
            [b"a FOO\r\nb LOGIN amy x\r\nc LOGIN amy secret\r\nd SELECT INBOX\r\n", b"e FETCH 1 BODY[]\r\n"],
            True,
        ),
    ],
)
def test_a_refusal_of_what_was_said_before_alters_no_letter(protocol, pieces, letter):
    with (
        MailServer([HARD] * letter, password="secret") as server,
        Wiretap(getattr(server, protocol), strip_tls=True) as tap,
        socket.create_connection(tap.address, timeout=PATIENCE) as line,
        line.makefile("rb") as answers,
    ):
        for piece in pieces:
            line.sendall(piece)
            server.snapshot()
        line.shutdown(socket.SHUT_WR)
        said = answers.read()
        assert not letter or HARD in said
        assert letter or server._engine.store.accounts["amy"].inbox.messages[0].octets.endswith(HARD)
