"""Transcripts read like the RFCs, the same at every run, and keep passwords to themselves."""

import pytest

from mailkit.pop3 import COMMANDS
from mailkit.smtpsyntax import FORMS
from mailkit.transcript import MASK, OVERHEAD, Recorder, shown


def spoken(protocol, *pieces, mask=True):
    """Return the transcript without SMTP's greeting."""
    recorder = Recorder(protocol)
    if protocol == "SMTP":
        recorder.add("S", b"220 mail.example.org ESMTP\r\n")
    for who, octets in pieces:
        recorder.add(who, octets)
    return str(recorder.transcript(mask)).removeprefix("S: 220 mail.example.org ESMTP\n")


def test_lines_are_marked_with_who_said_them():
    text = spoken("POP3", ("S", b"+OK hello\r\n"), ("C", b"STAT\r\n"), ("S", b"+OK 1 10\r\n"))
    assert text == "S: +OK hello\nC: STAT\nS: +OK 1 10"


def test_a_line_in_pieces_is_one_line():
    assert spoken("POP3", ("C", b"ST"), ("C", b"AT\r"), ("C", b"\n")) == "C: STAT"


def test_random_tags_are_renumbered_on_both_sides():
    text = spoken(
        "IMAP",
        ("C", b"KJFD0 CAPABILITY\r\n"),
        ("S", b"* CAPABILITY IMAP4rev1\r\nKJFD0 OK done\r\n"),
        ("C", b"KJFD1 NOOP\r\n"),
        ("S", b"KJFD1 OK done\r\n"),
    )
    assert text.splitlines() == [
        "C: a1 CAPABILITY",
        "S: * CAPABILITY IMAP4rev1",
        "S: a1 OK done",
        "C: a2 NOOP",
        "S: a2 OK done",
    ]


def test_a_literal_is_no_command():
    text = spoken(
        "IMAP",
        ("C", b"X1 APPEND INBOX {16}\r\n"),
        ("S", b"+ go on\r\n"),
        ("C", b"X1 hello there\r\n"),
        ("C", b"\r\n"),
        ("S", b"X1 OK done\r\n"),
    )
    assert "C: X1 hello there" in text
    assert text.endswith("S: a1 OK done")


def test_a_literal_goes_on_whatever_the_server_says_of_earlier_commands():
    pieces = [
        ("C", b"X1 IDLE\r\nDONE\r\nX2 APPEND INBOX {16+}\r\nX3 one\r\n"),
        ("S", b"+ idling\r\nX1 OK done\r\n"),
        ("C", b"X4 two\r\n\r\nX5 NOOP\r\n"),
    ]
    said = [line for line in spoken("IMAP", *pieces).splitlines() if line.startswith("C:")]
    assert said == ["C: a1 IDLE", "C: DONE", "C: a2 APPEND INBOX {16+}", "C: X3 one", "C: X4 two", "C:", "C: a3 NOOP"]


def test_a_literal_of_the_servers_is_no_answer():
    pieces = [
        ("C", b"X1 FETCH 1 BODY[]\r\n"),
        ("S", b"* 1 FETCH (BODY[] {10}\r\nX1 hello\r\n)\r\nX1 OK done\r\n"),
    ]
    assert spoken("IMAP", *pieces).splitlines()[2:] == ["S: X1 hello", "S: )", "S: a1 OK done"]


def test_a_literal_that_is_refused_is_none():
    """RFC 3501 §7.5: the client sends it only after the server's +."""
    text = spoken(
        "IMAP",
        ("C", b"X1 LOGIN {70000}\r\n"),
        ("S", b"X1 NO [TOOBIG] too large\r\n"),
        ("C", b"X2 LOGIN amy secret\r\n"),
        ("S", b"X2 OK done\r\n"),
    )
    assert text.splitlines()[2:] == ["C: a2 LOGIN amy ********", "S: a2 OK done"]


def test_a_letter_announces_no_literal():
    letter = b"Subject: x\r\n\r\n{3000}\r\n"
    text = spoken(
        "IMAP",
        ("C", b"X1 APPEND INBOX {%d}\r\n" % len(letter)),
        ("S", b"* 1 EXISTS\r\n+ go on\r\n"),
        ("C", letter + b"\r\n"),
        ("S", b"X1 OK done\r\n"),
        ("C", b"X2 FETCH 1 BODY[TEXT]\r\n"),
        ("S", b"* 1 FETCH (BODY[TEXT] {6}\r\n{3000})\r\nX2 OK done\r\n"),
        ("C", b"X3 APPEND INBOX {6+}\r\n{3000}\r\nX4 NOOP\r\n"),
    )
    assert text.splitlines()[-4:] == ["S: a2 OK done", "C: a3 APPEND INBOX {6+}", "C: {3000}", "C: a4 NOOP"]
    text = spoken(
        "SMTP", ("C", b"DATA\r\n"), ("S", b"354 go on\r\n"), ("C", letter + b".\r\nAUTH PLAIN AGFteQBzZWNyZXQ=\r\n")
    )
    assert text.endswith("C: AUTH PLAIN ********")


def test_a_letter_of_which_more_is_to_come_is_no_command():
    pieces = ("C", b"X1 APPEND INBOX {99}\r\n"), ("S", b"+ go on\r\n"), ("C", b"xyz PASS two words")
    assert spoken("IMAP", *pieces).endswith("C: xyz PASS two words")


def test_a_number_without_end_announces_nothing():
    assert spoken("IMAP", ("C", b"X1 NOOP {%s}\r\n" % (b"9" * 5000))).startswith("C: a1 NOOP {999")


def test_passwords_are_masked_in_every_form():
    for protocol, line in [
        ("POP3", b"PASS secret\r\n"),
        ("POP3", b"pass se cret\r\n"),
        ("POP3", b"AUTH PLAIN AGFteQBzZWNyZXQ=\r\n"),
        ("IMAP", b"X1 LOGIN amy secret\r\n"),
        ("IMAP", b'X1 LOGIN "amy" "secret"\r\n'),
        ("IMAP", b"X1 AUTHENTICATE PLAIN AGFteQBzZWNyZXQ=\r\n"),
        ("IMAP", b"X1  LOGIN  amy  secret\r\n"),
        ("IMAP", b"X1 AUTHENTICATE  PLAIN  AGFteQBzZWNyZXQ=\r\n"),
        ("SMTP", b"AUTH PLAIN AGFteQBzZWNyZXQ=\r\n"),
        ("SMTP", b"AUTH\tPLAIN AGFteQBzZWNyZXQ=\r\n"),
        ("SMTP", b"AUTH PLAIN\tAGFteQBzZWNyZXQ=\r\n"),
        ("SMTP", b" AUTH PLAIN AGFteQBzZWNyZXQ=\r\n"),
        ("IMAP", b"LOGIN amy secret\r\n"),
        ("IMAP", b" X1 LOGIN amy secret\r\n"),
        ("IMAP", b"X1 LOGIN\tamy secret\r\n"),
        ("IMAP", b"login LOGIN amy secret\r\n"),
        ("IMAP", b"AUTHENTICATE PLAIN AGFteQBzZWNyZXQ=\r\n"),
        ("IMAP", b"X1 LOGIN {5+}\r\nx\r\nyz {6+}\r\nsecret\r\n"),
        ("IMAP", b"X1 LOGIN amy {" + b"0" * 26 + b"6+}\r\nsecret\r\n"),
        ("IMAP", b"X1 AUTHENTICATE CRAM-MD5\r\nX2 AUTHENTICATE PLAIN\r\nAGFteQBzZWNyZXQ=\r\n"),
        ("IMAP", b"X1 LOGIN {3}\r\namy {7}\r\nse cret\r\n"),
        ("IMAP", b"X1 AUTHENTICATE PLAIN\r\namy {7}\r\nse cret\r\n"),
        ("IMAP", b"X1 AUTHENTICATE LOGIN\r\namy\r\nse cret\r\n"),
        ("POP3", b"AUTH CRAM-MD5\r\nAUTH PLAIN\r\nAGFteQBzZWNyZXQ=\r\n"),
        ("SMTP", b"AUTH LOGIN\r\n*\r\nAUTH PLAIN\r\nAGFteQBzZWNyZXQ=\r\n"),
        ("POP3", b" PASS secret\r\n"),
        ("POP3", b"PASS\tsecret\r\n"),
    ]:
        text = spoken(protocol, ("C", line))
        assert MASK in text, line
        assert "cret" not in text, line
        assert "AGFte" not in text, line


@pytest.mark.parametrize(
    ("protocol", "asked", "answers", "secret"),
    [
        ("POP3", b"CAPA\r\nAUTH PLAIN\r\n", b"+OK yes\r\nUIDL\r\n.\r\n+ \r\n", b"AGFteQBzZWNyZXQ="),
        (
            "IMAP",
            b"X CAPABILITY\r\nY AUTHENTICATE PLAIN\r\n",
            b"* CAPABILITY x\r\nX OK done\r\n+ \r\n",
            b"AGFteQBzZWNyZXQ=",
        ),
        ("IMAP", b"X NOOP\r\nY LOGIN amy {6}\r\n", b"X OK done\r\n+ go on\r\n", b"secret"),
        ("IMAP", b"Y NOOP\r\nY LOGIN amy {6}\r\n", b"Y OK done\r\n+ go on\r\n", b"secret"),
        ("IMAP", b"X NOOP\r\nY LOGIN {3}\r\n", b"X OK done\r\n+ go on\r\n", b"amy secret"),
        ("SMTP", b"NOOP\r\nAUTH  LOGIN \r\n", b"250 OK\r\n334 VXNlcm5hbWU6\r\n", b"c2VjcmV0"),
    ],
)
def test_it_is_masked_whatever_was_asked_before(protocol, asked, answers, secret):
    verdict = {"POP3": b"+OK in\r\n", "IMAP": b"Y OK in\r\n", "SMTP": b"235 in\r\n"}[protocol]
    after = ("C", b"Z NOOP\r\n" if protocol == "IMAP" else b"NOOP\r\n")
    text = spoken(protocol, ("C", asked), ("S", answers), ("C", secret + b"\r\n"), ("S", verdict), after)
    assert secret.decode() not in text
    assert text.splitlines()[-3] == f"C: {MASK}"
    assert text.endswith(" NOOP")


@pytest.mark.parametrize(
    ("protocol", "pieces"),
    [
        ("IMAP", ["C: a+1 AUTHENTICATE PLAIN", "S: * BAD expected a tag", "C: b SELECT INBOX"]),
        ("IMAP", ["C: a AUTHENTICATE PLAIN AGFteQBzZWNyZXQ=", "C: b SELECT INBOX"]),
        ("IMAP", ["C: a LOGIN {3+}", "C: amy {6+}", "C: secret", "C: b SELECT INBOX"]),
        ("IMAP", ["C: a LOGIN amy {99999999}", "S: a NO [TOOBIG] no", "C: b SELECT INBOX"]),
        ("IMAP", ["C: a AUTHENTICATE LOGIN", "S: + ", "C: *", "C: b SELECT INBOX"]),
        ("IMAP", ["C: * AUTHENTICATE PLAIN", "S: * BAD no", "S: * 1 EXISTS", "C: b SELECT INBOX"]),
        ("POP3", ["C: STLS", "C: CAPA", "S: +OK begin", "C: AUTH PLAIN", "S: + ", "C: QUJD", "S: +OK in", "C: STAT"]),
        ("POP3", ["C: AUTH PLAIN AGFteQBzZWNyZXQ=", "C: STAT"]),
        ("POP3", ["C: AUTH PLAIN", "C: AGFteQBzZWNyZXQ=", "C: STAT"]),
        ("POP3", ["C: AUTH FOO", "S: -ERR no", "C: STAT"]),
        ("POP3", ["C: AUTH FOO", "C: QUJD", "S: -ERR no", "S: -ERR no", "C: STAT"]),
        ("SMTP", ["C: AUTH LOGIN YW15", "S: 334 UGFzc3dvcmQ6", "C: c2VjcmV0", "S: 235 in", "C: NOOP"]),
        ("SMTP", ["C: AUTH LOGIN", "C: YW15", "C: c2VjcmV0", "C: NOOP"]),
        ("SMTP", ["C: AUTH LOGIN", "C: *", "C: RSET"]),
        ("SMTP", ["C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: *", "S: 501 given up", "C: NOOP"]),
    ],
)
def test_what_is_no_secret_is_shown(protocol, pieces):
    lines = spoken(protocol, *((piece[0], piece[3:].encode() + b"\r\n") for piece in pieces)).splitlines()
    assert lines[-1].split()[-1] == pieces[-1].split()[-1]
    assert "EXISTS" not in "".join(lines) or "S: * 1 EXISTS" in lines
    assert not any(secret in "".join(lines) for secret in ("secret", "AGFteQ", "c2VjcmV0", "QUJD"))


def test_every_command_is_shown():
    for protocol, words in (("POP3", COMMANDS), ("SMTP", FORMS)):
        assert spoken(protocol, ("C", "\n".join(words).encode())).replace("C: ", "").split() == [*words]


@pytest.mark.parametrize(
    ("protocol", "login", "challenge", "answer"),
    [
        ("POP3", b"AUTH PLAIN\r\n", b"+ \r\n", b"quit secret\r\n"),
        ("SMTP", b"AUTH LOGIN\r\n", b"334 UGFzc3dvcmQ6\r\n", b"noop secret\r\n"),
        ("IMAP", b"X1 AUTHENTICATE PLAIN\r\n", b"+ \r\n", b"X2 SUBSCRIBE secret\r\n"),
        ("IMAP", b"X1 AUTHENTICATE PLAIN\r\n", b"+ \r\n* OK news\r\n", b"X2 SUBSCRIBE secret\r\n"),
    ],
)
def test_an_answer_to_a_challenge_that_reads_like_a_command_is_none(protocol, login, challenge, answer):
    assert spoken(protocol, ("C", login), ("S", challenge), ("C", answer)).splitlines()[-1] == f"C: {MASK}"


def test_an_answer_to_a_challenge_is_masked_until_the_verdict():
    pieces = [
        ("C", b"X1 AUTHENTICATE PLAIN\r\n"),
        ("S", b"+ \r\n"),
        ("C", b"AGFteQBzZWNyZXQ=\r\n"),
        ("S", b"X1 OK welcome\r\n"),
        ("C", b"X2 NOOP\r\n"),
    ]
    assert spoken("IMAP", *pieces).splitlines()[2:] == [f"C: {MASK}", "S: a1 OK welcome", "C: a2 NOOP"]


@pytest.mark.parametrize("at_once", [True, False])
def test_an_answer_sent_after_a_refusal_is_masked_in_the_reply_too(at_once):
    asked, answer = b"X1 AUTHENTICATE FOO\r\n", b"AGFteQBzZWNyZXQ=\r\n"
    no, bad = b"X1 NO none of ours\r\n", b"AGFteQBzZWNyZXQ= BAD no such command\r\n"
    one_by_one = [("C", asked), ("S", no), ("C", answer), ("S", bad)]
    pieces = [("C", asked + answer), ("S", no + bad)] if at_once else one_by_one
    lines = spoken("IMAP", *pieces, ("C", b"X2 NOOP\r\n"), ("S", b"X2 OK\r\n")).splitlines()
    assert {f"C: {MASK}", f"S: {MASK} BAD no such command"} < set(lines)
    assert lines[-2:] == ["C: a2 NOOP", "S: a2 OK"]


def test_a_word_alone_is_no_command_of_imap_and_masked():
    pieces = [
        ("C", b"secret\r\n"),
        ("S", b"secret BAD expected a space\r\n"),
        ("C", b"X1 IDLE\r\n"),
        ("S", b"+ go\r\n"),
    ]
    lines = spoken("IMAP", *pieces, ("C", b"done\r\n"), ("S", b"X1 OK\r\n")).splitlines()
    assert lines == [f"C: {MASK}", f"S: {MASK} BAD expected a space", "C: a1 IDLE", "S: + go", "C: done", "S: a1 OK"]


def test_a_login_given_up_masks_nothing_of_the_servers():
    pieces = [("C", b"X1 AUTHENTICATE PLAIN\r\n"), ("S", b"+ \r\n"), ("C", b"*\r\n"), ("S", b"* OK news\r\nX1 BAD\r\n")]
    assert spoken("IMAP", *pieces).splitlines()[3:] == ["S: * OK news", "S: a1 BAD"]


def test_a_password_in_a_literal_is_masked():
    pieces = [("C", b"X1 LOGIN amy {6}\r\n"), ("S", b"+ go on\r\n"), ("C", b"secret\r\n"), ("S", b"X1 OK hello\r\n")]
    assert "secret" not in spoken("IMAP", *pieces)


def test_pop3_has_no_literals():
    """Else a password would pass for a letter's line."""
    assert spoken("POP3", ("C", b"USER {13+}\r\nPASS secret\r\n")).splitlines()[-1] == f"C: PASS {MASK}"


def test_only_after_data_comes_a_letter():
    assert spoken("SMTP", ("C", b"NOOP\r\nsecret\r\n"), ("S", b"354 go on\r\n")).splitlines()[1] == f"C: {MASK}"


def test_masking_is_a_choice():
    assert spoken("POP3", ("C", b"PASS secret\r\n"), mask=False) == "C: PASS secret"


def test_what_exceeds_the_limit_is_counted():
    recorder = Recorder("POP3", limit=2 * OVERHEAD + 10)
    recorder.add("C", b"NOOP\r\n")
    recorder.add("S", b"+OK\r\n")  # 6 octets and 5, with what either takes beside its own
    recorder.add("C", b"A\r\n")  # would have room, but not in its place
    assert str(recorder.transcript()) == "C: NOOP\nS: (… 8 octets more, not recorded)"


def test_smtp_is_spelled_alike_by_every_python():
    text = spoken(
        "SMTP",
        ("C", b"ehlo laptop\r\nmail FROM:<Ben@example.net> size=9\r\nrcpt to:<amy@example.org>\r\ndata\r\n"),
        ("S", b"250-hello\r\n250 HELP\r\n250 ok\r\n250 ok\r\n354 go on\r\n"),
        ("C", b"mail from: my heart\r\n.\r\nquit\r\n"),
    )
    assert [line for line in text.splitlines() if line.startswith("C")] == [
        "C: EHLO laptop",
        "C: MAIL FROM:<Ben@example.net> size=9",
        "C: RCPT TO:<amy@example.org>",
        "C: DATA",
        "C: mail from: my heart",
        "C: .",
        "C: QUIT",
    ]


def test_words_are_found_whatever_their_case():
    recorder = Recorder("POP3")
    recorder.add("C", b"STAT\r\nQUIT\r\n")
    assert recorder.transcript().find("quit").said("C") == ("QUIT",)


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("early", [True, False], ids=["with DATA", "after 354"])
def test_a_letter_that_speaks_of_auth_is_shown(early, mask):
    """However early it is sent (RFC 2920 §3.1)."""
    said = ["pass me the salt", "the auth server is down", "auth is hard, too", "please", "."]
    letter = "C", "".join(f"{line}\r\n" for line in said).encode()
    answer = "S", b"250-ok\r\n250 ok\r\n354 go on\r\n"
    pieces = [letter, answer] if early else [answer, letter]
    text = spoken("SMTP", ("C", b"MAIL FROM:<>\r\nDATA\r\n"), *pieces, mask=mask)
    assert [line[3:] for line in text.splitlines() if line.startswith("C")] == ["MAIL FROM:<>", "DATA", *said]


def test_a_letter_whose_data_is_refused_is_no_letter():
    text = spoken("SMTP", ("C", b"DATA\r\nhello\r\nPASS secret\r\n.\r\nquit\r\n"), ("S", b"503 no\r\n500 no\r\n"))
    assert text.splitlines()[:5] == ["C: DATA", f"C: {MASK}", f"C: PASS {MASK}", f"C: {MASK}", "C: QUIT"]


def test_what_answers_a_challenge_is_not_respelled():
    """RFC 4648 §4: base64 knows capitals from others; this says ben, and lea. What looks like a command may be it."""
    asked = [("C", b"auth LOGIN\r\n"), ("S", b"334 VXNlcm5hbWU6\r\n")]
    answers = ("C", b"YmVu\r\nbGVh\r\n")
    assert spoken("SMTP", *asked, answers, mask=False).splitlines()[2:] == ["C: YmVu", "C: bGVh"]
    assert spoken("SMTP", *asked, ("C", b"noop\r\n"), mask=False).endswith("C: noop")


def test_what_is_not_found_is_named():
    recorder = Recorder("POP3")
    recorder.add("C", b"STAT\r\n")
    assert repr(recorder.transcript().find("zzz")) == "(no line contains 'zzz')"


def test_an_empty_transcript_says_so():
    assert repr(Recorder("IMAP").transcript()) == "(nothing was said by IMAP yet)"


@pytest.mark.parametrize(
    ("protocol", "command", "words"),
    [
        ("POP3", b"PASS my secret", f"PASS {MASK}"),
        ("POP3", b"AUTH PLAIN AGFteQBzZWNyZXQ=", f"AUTH PLAIN {MASK}"),
        ("POP3", b"PASS !!!", f"PASS {MASK}"),
        ("POP3", b"PASSsecret", MASK),
        ("SMTP", b"<ben@example.net> to amy@example.org", "<ben@example.net> to amy@example.org"),
        ("POP3", "PASS пароль".encode(), f"PASS {MASK}"),
        ("IMAP", b'X2 LOGIN amy "my secret"', f"LOGIN amy {MASK}"),
        ("IMAP", b"X2 APPEND Sent {7}\r\n", "APPEND Sent"),
        ("IMAP", b"X2 LOGIN {3+}\r\n {6+}\r\n", "LOGIN"),
        ("IMAP", b"X1 UID STORE 3 +FLAGS (\\Deleted)", "UID STORE 3 +FLAGS (\\Deleted)"),
        ("IMAP", b"", ""),
    ],
)
def test_a_command_is_shown_without_tag_literal_and_password(protocol, command, words):
    assert shown(protocol, command) == words


def test_what_answers_a_second_challenge_is_masked():
    recorder = Recorder("SMTP")
    spoken = [
        ("C", b"AUTH LOGIN YW1teQ==\r\n"), ("S", b"334 UGFzc3dvcmQ6\r\n"), ("C", b"c2VjcmV0\r\n"),
        ("S", b"535 5.7.8 wrong name or password\r\n"), ("C", b"NOOP\r\n"),
    ]  # fmt: skip
    for who, octets in spoken:
        recorder.add(who, octets)
    assert recorder.transcript().said("C") == (f"AUTH LOGIN {MASK}", MASK, "NOOP")
