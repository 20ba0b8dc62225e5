"""Wrong answers to lesson 02, one for each mistake that its exercises name."""

from tests.exercises import moved, stumble

_START = """\
box = exercises["{key}"].start()
smtp = smtplib.SMTP(*box.org.smtp, local_hostname="laptop.example.org")
letter = box.letter
smtp.login("amy", "secret")
{lines}
box.check()
"""

_READ = """\
box = exercises["02.4"].start()
pop = poplib.POP3(*box.org.pop3)
pop.user("amy")
pop.pass_("secret")
{lines}
box.check()
"""


def _send(key: str, lines: str) -> str:
    return _START.format(key=key, lines=lines)


def _guests(lines: str) -> str:
    return _send("02.3", lines)


def _catching(kind: str, last: str = "") -> str:
    return f"""\
for guest in box.guests:
    try:
        smtp.send_message(letter, to_addrs=[guest]){last}
    except smtplib.{kind} as error:
        print(error)"""


def _delete(*numbers: int, last: str = "pop.quit()") -> str:
    return _READ.format(lines="\n".join([*(f"pop.dele({number})" for number in numbers), last]))


def _text(key: str, text: str = "letter") -> str:
    return _send(key, f"smtp.sendmail('{_AMY}', {_GUESTS}, {text!r})")


_AGAIN = 'pop = poplib.POP3(*box.org.pop3)\npop.user("amy")\npop.pass_("secret")\n'
_STRANGER = stumble('smtp.login("ben", "secret")')
_AMY, _GUESTS = "amy@example.org", ["ben@example.net", "noor@example.net"]

WRONG = {
    "02.1": {
        "another-letter": _text("02.1"),
        "twice": _send("02.1", "smtp.send_message(letter)\nsmtp.send_message(letter)"),
        "only-one": _send("02.1", 'smtp.send_message(letter, to_addrs=["ben@example.net"])'),
        "for-herself-too": _send("02.1", f"smtp.send_message(letter, to_addrs={[_AMY, *_GUESTS]})"),
        "to-herself": _send("02.1", 'smtp.send_message(letter, to_addrs=["amy@example.org"])'),
    },
    "02.2": {
        "another-letter": _text("02.2"),
        "named": _send("02.2", 'letter["Cc"] = "Noor <noor@example.net>"\nsmtp.send_message(letter)'),
        "twice": _send(
            "02.2",
            'smtp.send_message(letter)\nsmtp.send_message(letter, to_addrs=["ben@example.net", "noor@example.net"])',
        ),
        "only-ben": _send("02.2", "smtp.send_message(letter)"),
        "only-noor": _send("02.2", 'smtp.send_message(letter, to_addrs=["noor@example.net"])'),
    },
    "02.3": {
        "another-letter": _guests(
            _catching("SMTPException").replace(
                "send_message(letter, to_addrs=", f"sendmail('{_AMY}', msg='', to_addrs="
            )
        ),
        "twice": _guests(
            """\
for guest in box.guests:
    try:
        smtp.send_message(letter, to_addrs=[guest, "tom@example.org"])
    except smtplib.SMTPException:
        pass"""
        ),
        "stopped": _guests(
            """\
try:
    for guest in box.guests:
        smtp.send_message(letter, to_addrs=[guest])
except smtplib.SMTPException:
    pass"""
        ),
        "stopped-at-lea": _guests(stumble(_catching("SMTPResponseException"))),
        "by-domain": _guests(
            """\
for guest in box.guests:
    try:
        if guest.endswith("@example.net"):
            smtp.send_message(letter, to_addrs=[guest])
    except smtplib.SMTPException:
        pass"""
        ),
    },
    "02.4": {
        "marked-wrong": _delete(2, last=""),
        "no-quit": _delete(1, 3, last=""),
        "deleted-the-true-one": _delete(2),
        "believed-the-lowest": _delete(1),
        "kept-the-plain-one": _delete(3),
        "refiled": _delete(last=f"pop.quit()\n{moved('1,3', 'org')}"),
    },
}

_OWN = """\
mine = email.message.EmailMessage()
mine["From"], mine["To"], mine["Subject"] = "amy@example.org", "{}", "Tea"
smtp.send_message(mine)"""

OTHERS = {
    "02.1": [
        ("not yet", _send("02.1", stumble('smtp.send_message(letter, to_addrs=["Ben", "Noor"])')), "550: an address"),
        ("not yet", _send("02.1", stumble('smtp.send_message("letter")')), "`get_all`"),
        (
            "not right",
            _send("02.1", f"smtp.send_message(letter, to_addrs={[*_GUESTS, 'tom@example.org']})"),
            "so far: tom@example.org/INBOX: 1 new; ben@example.net/INBOX: 1 new; noor@example.net/INBOX: 1 new.",
        ),
        (
            "only-one",
            _send("02.1", 'smtp.send_message(letter, to_addrs=["ben@example.net", "noor@example.org"])'),
            "refused beside a good one raises no error",
        ),
        (
            "not right",
            _send("02.1", 'smtp.send_message(letter, to_addrs=["tom@example.org"])'),
            "so far: tom@example.org/INBOX: 1 new.",
        ),
        ("not yet", _send("02.1", "").replace('smtp.login("amy", "secret")', _STRANGER), "535: the name"),
        ("another-letter", _send("02.1", _OWN.format("ben@example.net, noor@example.net"))),
        ("to-herself", _send("02.1", f"smtp.sendmail('{_GUESTS[0]}', '{_AMY}', letter.as_string())")),
    ],
    "02.2": [
        ("not yet", _send("02.2", stumble(f"smtp.send_message(letter, {_GUESTS})")), "`to_addrs=[…]`"),
        ("not yet", _send("02.2", stumble('letter["To"] = "noor@example.net"')), "`at most 1 To headers`"),
        ("not yet", _send("02.2", stumble(f"smtp.sendmail('{_AMY}', {_GUESTS}, letter.as_bytes())")), "554: "),
        ("right", _send("02.2", 'letter["Bcc"] = "noor@example.net"\nsmtp.send_message(letter)')),
        ("right", _text("02.2", "Subject: Tea on Sunday?\n\nAt four")),
        ("another-letter", _send("02.2", f"smtp.send_message(letter)\n{_OWN.format('noor@example.net')}")),
        *(
            ("only-ben", _send("02.2", f"smtp.send_message(letter, to_addrs={addresses})"))
            for addresses in ('"ben@example.net"', '["ben@example.net", "noor@example.org"]')
        ),
        *(
            ("named", _send("02.2", f"{line}\nsmtp.send_message(letter, to_addrs={_GUESTS})"))
            for line in ('letter["Copy"] = "Noor"', 'letter.set_content("Noor gets a copy of this.")')
        ),
    ],
    "02.3": [
        ("not yet", _guests(stumble('letter["To"] = box.guests[0]')), "`at most 1 To headers`"),
        ("not yet", _guests(stumble("smtp.send_message(letter)")), "`{'': …`"),
        ("right", _guests(_catching("SMTPException"))),
        ("twice", _guests(_catching("SMTPException") + '\nsmtp.send_message(letter, to_addrs=["ben@example.net"])')),
        ("by-domain", _guests('smtp.send_message(letter, to_addrs=["noor@example.net"])')),
        ("stopped", _guests(stumble(_catching("SMTPRecipientsRefused"))), "Are they there already?"),
        ("stopped", _guests(_catching("SMTPException", last="; smtp.quit()")), "`smtp.quit()` comes after the loop"),
    ],
    "02.4": [
        ("no-quit", _delete(1, last="")),
        ("marked-wrong", _delete(1, 3, last=f"pop.quit()\n{_AGAIN}pop.dele(1)")),
        ("refiled", _delete(last=f"pop.quit()\n{moved('2', 'org')}"), "mark what is to go"),  # and nothing is gone
        ("not yet", _delete(last="print(pop.top(1, 0))")),
        (
            "believed-the-lowest",
            _READ.format(lines=stumble("for number in (1, 3):\n    pop.dele(number)\n    pop.quit()")),
            "`NoneType`",
        ),
    ],
}
