"""Wrong answers to lesson 08, one for each mistake that its exercises name."""

from textwrap import indent

from tests.exercises import stumble


def _week(ada: str, bruno: str, chloe: str) -> str:
    return f'box = exercises["08.1"].start()\nbox.live(ada="{ada}", bruno="{bruno}", chloe="{chloe}")\nbox.check()\n'


_LOG_IN = """\
imap = imaplib.IMAP4(*box.server.imap)
imap.login("amy", "secret")
imap.select()
"""


def _switch(lines: str) -> str:
    return f"""\
box = exercises["08.2"].start()
{_LOG_IN}\
on_server = [part[1] for part in imap.fetch("1:*", "(BODY.PEEK[])")[1] if isinstance(part, tuple)]
{lines}
box.check()
"""


def _carry(folder: str = "INBOX", mailbox: str = "INBOX", flags: str = r'r"(\Seen)"', ask: bool = True) -> str:
    create = f'imap.create("{mailbox}")\n' if mailbox != "INBOX" else ""
    condition = "octets not in on_server" if ask else "True"
    return f"""\
{create}for octets in box.laptop.letters("{folder}"):
    if {condition}:
        imap.append("{mailbox}", {flags}, None, octets)
"""


def _room(loop: str, end: str = "imap.expunge()", search: str = 'None, "LARGER", "10000"') -> str:
    return f"""\
box = exercises["08.3"].start()
{_LOG_IN}\
numbers = imap.search({search})[1][0].decode().split()
for number in numbers:
{loop}
{end}
box.check()
"""


_SAVE = '    box.laptop.save(imap.fetch(number, "(BODY.PEEK[])"), "Archive")\n'
_FLAG = r'    imap.store(number, "+FLAGS", r"(\Deleted)")' + "\n"

_EMPTY = 'imap.store("1:*", "+FLAGS", r"(\\Deleted)")\nimap.expunge()\n'

WRONG = {
    "08.1": {
        "ada-pop": _week("POP", "POP", "IMAP"),
        "ada-left": _week("POP (leaves mail)", "POP", "IMAP"),
        "bruno-full": _week("IMAP", "IMAP", "IMAP"),
        "chloe-filed": _week("IMAP", "POP", "POP"),
    },
    "08.2": {
        "laptop-emptied": _switch(_carry() + _carry("Trips", "Trips") + "box.laptop.empty()"),
        "emptied-first": _switch(_EMPTY + _carry(ask=False) + _carry("Trips", "Trips")),
        "not-as-it-was": _switch(_carry().replace("None, octets", "None, octets[:100]") + _carry("Trips", "Trips")),
        "inbox-differs": _switch(_carry("Trips", "Trips")),
        "twice": _switch(_carry(ask=False) + _carry("Trips", "Trips")),
        "one-heap": _switch(_carry() + _carry("Trips")),
        "folder-forgotten": _switch(_carry()),
        "flagged-deleted": _switch(_carry() + _carry("Trips", "Trips", flags=r'r"(\Seen \Deleted)"')),
        "unread": _switch(_carry(flags="None") + _carry("Trips", "Trips", flags="None")),
    },
    "08.3": {
        "only-a-part": _room(_SAVE.replace("[]", "[TEXT]") + _FLAG),
        "elsewhere": _room(_SAVE.replace("Archive", "archive") + _FLAG),
        "lost": _room(_FLAG),
        "moved": _room(_SAVE + 'imap.create("Archive")\nimap.uid("MOVE", ",".join(numbers), "Archive")\n', ""),
        "expunged-in-the-loop": _room(indent(stumble(f"if True:\n{_SAVE}{_FLAG}    imap.expunge()"), "    ")),
        "flagged-only": _room(_SAVE + _FLAG, ""),
        "copied-only": _room(_SAVE),
        "twice": _room(_SAVE.replace("(number,", '(",".join(numbers),') + _FLAG),
        "small-ones-too": _room(_SAVE + _FLAG, search='None, "ALL"'),
        "left-a-mark": _room(_SAVE + _FLAG, 'imap.fetch("1", "(BODY[])")\nimap.expunge()'),
    },
}

OTHERS = {
    "08.2": [
        ("folder-forgotten", _switch(_carry() + _carry("Trips", "Trips").partition("\n")[2])),
        ("flagged-deleted", _switch(_EMPTY.partition("\n")[0] + "\n" + _carry() + _carry("Trips", "Trips"))),
        ("inbox-differs", _switch(_carry(mailbox="Trips") + _carry("Trips", "Trips"))),
        ("not right", _switch('imap.create("Trips")')),
        (
            "right",
            _switch(
                _carry(flags="None")
                + _carry("Trips", "Trips", flags="None")
                + """\
for mailbox in ("INBOX", "Trips"):
    imap.select(mailbox)
    imap.store("1:*", "+FLAGS", r"(\\Seen)")"""
            ),
        ),
        ("right", _switch(_carry() + _carry("Trips") + 'imap.create("Trips")\nimap.uid("MOVE", "4,5", "Trips")')),
        ("twice", _switch(_carry() + _carry("Trips", "Trips") + _carry("Trips", "Old"))),
        ("emptied-first", _switch(_EMPTY)),
        ("unread", _switch(_carry() + _carry("Trips", "Trips", flags="None"))),
        (
            "laptop-emptied",
            _switch(
                _carry()
                + _carry("Trips", "Trips")
                + 'box.laptop.save(octets)\nimap.append("INBOX", r"(\\Seen)", None, octets)'
            ),
        ),
        ("right", _switch(_carry(ask=False) + _carry("Trips", "Trips") + _EMPTY.replace("1:*", "1"))),
        (
            "not-as-it-was",
            _switch(
                """\
import smtplib
with smtplib.SMTP(*box.server.smtp, local_hostname="laptop.example.org") as smtp:
    for octets in box.laptop.letters("INBOX"):
        smtp.sendmail("amy@example.org", ["amy@example.org"], octets)"""
            ),
        ),
    ],
    "08.3": [
        (
            "right",
            _room(
                "    pass",
                (_SAVE + _FLAG).replace("    ", "").replace("(number,", '(",".join(numbers),') + "imap.close()",
            ),
        ),
        ("right", _room(_SAVE + _FLAG + "    imap.expunge()", "").replace("in numbers:", "in reversed(numbers):")),
        ("flagged-only", _room(_SAVE + _FLAG, 'imap.expunge()\nimap.store("1", "+FLAGS", r"(\\Deleted)")')),
        ("not right", _room('    imap.fetch(number, "(BODY[])")', "")),
        ("elsewhere", _room(_SAVE.replace(', "Archive"', "") + _FLAG)),
        ("twice", _room(_SAVE.replace(', "Archive"', "") + _SAVE + _FLAG), "on the laptop twice"),
        ("expunged-in-the-loop", _room(_SAVE, f"{_FLAG.strip()}\nimap.expunge()"), "`store` stand inside"),
        ("lost", _room(_SAVE.replace("box.laptop", 'Device("laptop")') + _FLAG), "`box.laptop.save`"),
        ("not yet", _room(_SAVE.replace("box.laptop", 'Device("laptop")')), "`box.laptop.save`"),
        ("elsewhere", _room("    pass", 'imap.create("Archive")\nimap.uid("MOVE", "2,4", "Archive")')),
    ],
}
