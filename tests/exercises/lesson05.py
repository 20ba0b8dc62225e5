"""Wrong answers to the exercises of lesson 05, one for each misconception."""

from tests.exercises import stumble

_LOG_IN = """imap = imaplib.IMAP4(*box.server.imap)
imap.login("amy", "secret")
imap.select()
"""


def _cell(key: str, lines: str) -> str:
    return f'box = exercises["{key}"].start()\n{_LOG_IN}{lines}\nbox.check()'


_SEND_AGAIN = """smtp = smtplib.SMTP(*box.server.smtp, local_hostname="laptop.example.org")
smtp.sendmail("amy@example.org", ["ben@example.org"], box.note)
smtp.quit()"""
_KEEP = r'imap.append("Sent", r"(\Seen)", None, box.note)'
_REPLAY = 'for name, flag in box.notes:\n    imap.uid("STORE", name, "+FLAGS", {})\nimap.expunge()'

WRONG = {
    "05.1": {
        "sent-again": _cell("05.1", _SEND_AGAIN),
        "into-inbox": _cell("05.1", _KEEP.replace("Sent", "INBOX")),
        "twice": _cell("05.1", f"{_KEEP}\n{_KEEP}"),
        "unread": _cell("05.1", 'imap.append("Sent", None, None, box.note)'),
        "other-spelling": _cell("05.1", 'imap.create("SENT")\nimap.append("SENT", None, None, box.note)'),
        "too-many-flags": _cell("05.1", r'imap.append("Sent", r"(\Seen \Answered)", None, box.note)'),
        "not-as-sent": _cell("05.1", r'imap.append("Sent", r"(\Seen)", None, box.note[:80])'),
        "laptop-only": _cell("05.1", 'box.laptop.save(box.note, "Sent")'),
    },
    "05.2": {
        "on-the-server": _cell(
            "05.2",
            """imap.create("Backup")
imap.copy("1:*", "Backup")
box.accident()""",
        ),
        "in-the-cache": _cell(
            "05.2",
            """box.laptop.save(imap.fetch("1:*", "(BODY.PEEK[])"))
box.accident()""",
        ),
        "in-the-inbox": _cell("05.2", 'box.laptop.save(imap.fetch("1:*", "(BODY.PEEK[])"))'),
        "only-a-part": _cell(
            "05.2",
            """box.laptop.save(imap.fetch("1:*", "(BODY.PEEK[TEXT])"), "Backup")
box.accident()""",
        ),
        "too-late": _cell(
            "05.2",
            """answer = imap.fetch("1:*", "(BODY.PEEK[])")
box.laptop.save(answer)
box.accident()
box.laptop.save(answer, "Backup")""",
        ),
        "incomplete": _cell(
            "05.2",
            """box.laptop.save(imap.fetch("1", "(BODY.PEEK[])"), "Backup")
box.accident()""",
        ),
        "never-tested": _cell("05.2", 'box.laptop.save(imap.fetch("1:*", "(BODY.PEEK[])"), "Backup")'),
    },
    "05.3": {
        "into-trash": _cell(
            "05.3",
            r"""imap.uid("STORE", "2", "+FLAGS", r"(\Flagged)")
imap.create("Trash")
imap.uid("MOVE", "3", "Trash")""",
        ),
        "mixed-up": _cell(
            "05.3",
            r"""imap.uid("STORE", "2", "+FLAGS", r"(\Deleted)")
imap.uid("STORE", "3", "+FLAGS", r"(\Flagged)")
imap.expunge()""",
        ),
        "removed-another": _cell(
            "05.3",
            """for number, flag in box.notes:
    imap.store(number, "+FLAGS", f"({flag})")
imap.expunge()""",
        ),
        "by-number": _cell(
            "05.3",
            """for number, flag in box.notes:
    imap.store(number, "+FLAGS", f"({flag})")""",
        ),
        "only-marked": _cell(
            "05.3",
            """for name, flag in box.notes:
    imap.uid("STORE", name, "+FLAGS", f"({flag})")
imap.logout()""",
        ),
        "flag-in-words": _cell("05.3", _REPLAY.format("'(flag)'")),
        "half-replayed": _cell("05.3", r'imap.uid("STORE", "2", "+FLAGS", r"(\Flagged)")'),
    },
}

OTHERS = {
    "05.1": [
        ("into-inbox", _cell("05.1", _SEND_AGAIN.replace("ben@", "amy@")), "do not send it"),
        ("into-inbox", _cell("05.1", f"{_KEEP}\n{_KEEP.replace('Sent', 'INBOX')}")),
        ("sent-again", _cell("05.1", f"{_SEND_AGAIN}\n{_KEEP}")),
        ("sent-again", _cell("05.1", _SEND_AGAIN.replace('["ben@', '["amy@example.org", "ben@'))),
        ("other-spelling", _cell("05.1", f"imap.create('Drafts')\n{_KEEP.replace('Sent', 'Drafts')}")),
        ("other-spelling", _cell("05.1", f"imap.create('sent')\n{_KEEP.replace('Sent', 'INBOX')}")),
        ("other-spelling", _cell("05.1", f"imap.create('sent')\n{_KEEP}\n{_KEEP.replace('Sent', 'sent')}")),
        ("unread", _cell("05.1", 'imap.create("sent")\nimap.append("Sent", None, None, box.note)')),
        ("right", _cell("05.1", f"imap.create('sent')\n{_KEEP}")),
        ("into-inbox", _cell("05.1", f"{_KEEP}\n{_KEEP}\n{_KEEP.replace('Sent', 'INBOX')}")),
        ("twice", _cell("05.1", 'for _ in (1, 2):\n    imap.append("Sent", None, None, box.note)')),
    ],
    "05.2": [
        (
            "incomplete",
            _cell(
                "05.2",
                """status, data = imap.fetch("1:*", "(BODY.PEEK[])")
box.laptop.save(data[0][1], "Backup")
box.accident()""",
            ),
            "`data[0][1]`",
        ),
        ("incomplete", _cell("05.2", 'box.laptop.save(imap.fetch("1:2", "(BODY.PEEK[])"), "Backup")\nbox.accident()')),
        ("only-a-part", _cell("05.2", 'box.laptop.save(imap.fetch("1:*", "(BODY.PEEK[HEADER])"), "Backup")')),
        ("right", _cell("05.2", 'box.laptop.save(imap.fetch("1:*", "(RFC822)"), "Stick")\nbox.accident()')),
        (
            "right",
            _cell(
                "05.2",
                """box.laptop.save(imap.fetch("1:*", "(BODY.PEEK[])"))
for number, octets in enumerate(box.laptop.letters()):
    box.laptop.save(octets, f"Backup {number}")
box.accident()""",
            ),
        ),
        (
            "right",
            _cell(
                "05.2",
                """box.laptop.save(imap.fetch("1:*", "(BODY.PEEK[])"), "Backup")
box.accident()
for octets in box.laptop.letters("Backup"):
    imap.append("INBOX", None, None, octets)""",
            ),
        ),
    ],
    "05.3": [
        ("right", _cell("05.3", 'imap.fetch("1:*", "(BODY[])")\n' + _REPLAY.format('f"({flag})"'))),
        (
            "by-number",
            _cell(
                "05.3",
                r"""imap.uid("STORE", "2", "+FLAGS", r"(\Flagged)")
imap.store("3", "+FLAGS", r"(\Deleted)")""",
            ),
        ),
        ("flag-in-words", _cell("05.3", _REPLAY.format("'(Flagged)'")), "You wrote the flag `Flagged`"),
        ("not yet", _cell("05.3", stumble(_REPLAY.format("'({flag})'"))), "an `f` is missing"),
        ("mixed-up", _cell("05.3", r'imap.store("1:*", "+FLAGS", r"(\Deleted)")' + "\nimap.expunge()")),
        ("by-number", _cell("05.3", r'imap.store("2", "+FLAGS", r"(\Flagged)")')),
    ],
}
