"""Wrong answers to lesson 09: fifteen complaints, and how a helper makes each of them worse."""


def _cell(key: str, lines: str) -> str:
    return f'box = exercises["{key}"].start()\n{lines}\nbox.check()'


def _imap(key: str, lines: str) -> str:
    return _cell(key, f'imap = imaplib.IMAP4(*box.server.imap)\nimap.login("amy", "secret")\nimap.select()\n{lines}')


def _pop(key: str, lines: str) -> str:
    return _cell(key, f'pop = poplib.POP3(*box.server.pop3)\npop.user("amy")\npop.pass_("secret")\n{lines}')


def _posted(octets: str) -> str:
    """Send letters to Amy once more."""
    return f"""\
with smtplib.SMTP(*box.server.smtp, local_hostname="laptop.example.org") as smtp:
    for octets in {octets}:
        smtp.sendmail("amy@example.org", ["amy@example.org"], octets)"""


_APPEND_ALL = 'for octets in box.laptop.letters():\n    imap.append("INBOX", None, None, octets)'
_COLLECT = """\
def collect(pop, device):
{lines}
    pop.quit()

box.one_week(collect)"""


def _collect(lines: str, before: str = "") -> str:
    return _cell("09.10", before + _COLLECT.format(lines=lines))


def _switched(lines: str) -> str:
    return _imap("09.14", lines)


WRONG = {
    "09.1": {
        "taken-again": _imap("09.1", f"{_APPEND_ALL}\nbox.program.poll()"),
        "posted-again": _cell("09.1", _posted("box.laptop.letters()")),
        "not-all": _imap("09.1", 'imap.append("INBOX", None, None, box.laptop.letters()[0])'),
        "not-tried": _imap("09.1", _APPEND_ALL),
    },
    "09.2": {
        "on-line-first": _imap("09.2", "box.laptop_goes_on_line()"),
        "posted-again": _cell("09.2", _posted("box.laptop.letters()[2:]")),
        "everything": _imap("09.2", f"{_APPEND_ALL}\nbox.laptop_goes_on_line()"),
        "still-off-line": _imap("09.2", 'imap.append("INBOX", None, None, box.laptop.letters()[2])'),
    },
    "09.3": {
        "walk-gone": _imap("09.3", "imap.expunge()"),
        "all-unflagged": _imap("09.3", r'imap.store("1:*", "-FLAGS", r"(\Deleted)")'),
        "not-expunged": _imap("09.3", r'imap.store("2", "-FLAGS", r"(\Deleted)")'),
        "still-a-wish": _imap("09.3", 'imap.uid("EXPUNGE", "1,4")'),
    },
    "09.4": {
        "lost": _pop("09.4", "for number in (1, 2, 3):\n    pop.dele(number)\npop.quit()"),
        "twice": _pop(
            "09.4",
            "for number in (1, 2, 3):\n    box.laptop.save(pop.retr(number))\n    pop.dele(number)\npop.quit()",
        ),
        "no-quit": _pop("09.4", "box.laptop.save(pop.retr(3))\nfor number in (1, 2, 3):\n    pop.dele(number)"),
        "not-removed": _pop("09.4", "box.laptop.save(pop.retr(3))\npop.dele(3)\npop.quit()"),
    },
    "09.5": {
        "sent-again": _cell(
            "09.5",
            """\
with smtplib.SMTP(*box.server.smtp, local_hostname="phone.example.org") as smtp:
    smtp.sendmail("amy@example.org", ["ben@example.org"], box.phone.letters("Sent")[0])""",
        ),
        "into-inbox": _imap("09.5", r'imap.append("INBOX", r"(\Seen)", None, box.phone.letters("Sent")[0])'),
        "unread": _imap("09.5", 'imap.append("Sent", None, None, box.phone.letters("Sent")[0])'),
    },
    "09.6": {
        "emptied": _pop("09.6", "for number in (1, 2, 3):\n    pop.dele(number)\npop.quit()\nbox.program.poll()"),
        "again": _pop("09.6", "box.laptop.save(pop.retr(4))\npop.quit()\nbox.program.poll()"),
        "noted-all": _pop(
            "09.6",
            """\
for line in pop.uidl()[1]:
    number, name = line.decode().split()
    box.laptop.seen_uidls[name] = box.now
pop.quit()
box.program.poll()""",
        ),
    },
    "09.7": {
        "lost": _pop("09.7", "for number in (1, 2, 3, 4):\n    pop.dele(number)\npop.quit()\nbox.postman_comes_back()"),
        "no-quit": _pop("09.7", "for number in (1, 2, 3):\n    pop.dele(number)\nbox.postman_comes_back()"),
        "too-little": _pop("09.7", "pop.dele(1)\npop.quit()\nbox.postman_comes_back()"),
        "not-called": _pop("09.7", "for number in (1, 2, 3):\n    pop.dele(number)\npop.quit()"),
    },
    "09.8": {
        "quit-it": _cell("09.8", "box.phone_line.quit()"),
        "took-all": _cell(
            "09.8",
            """\
box.server.hang_up()
pop = poplib.POP3(*box.server.pop3)
pop.user("amy")
pop.pass_("secret")
for number in (1, 2, 3):
    box.laptop.save(pop.retr(number))
    pop.dele(number)
pop.quit()""",
        ),
        "only-unlocked": _cell("09.8", "box.phone_line.close()\nbox.server.wait_for_hang_up()"),
    },
    "09.9": {
        "never-fetched": _pop("09.9", "for number in (1, 2, 4):\n    pop.dele(number)\npop.quit()"),
        "by-its-date": _pop("09.9", "for number in (1, 2, 3):\n    pop.dele(number)\npop.quit()"),
        "no-quit": _pop("09.9", "for number in (1, 2):\n    pop.dele(number)"),
        "not-both": _pop("09.9", "pop.dele(1)\npop.quit()"),
    },
    "09.10": {
        "again-and-again": _collect(
            "    for number in range(1, pop.stat()[0] + 1):\n        device.save(pop.retr(number))"
        ),
        "one-ledger": _collect(
            """\
    for line in pop.uidl()[1]:
        number, name = line.decode().split()
        if name not in ledger:
            device.save(pop.retr(number))
            ledger.add(name)""",
            before="ledger = set()\n",
        ),
        "first-takes-all": _collect(
            """\
    for number in range(1, pop.stat()[0] + 1):
        device.save(pop.retr(number))
        pop.dele(number)"""
        ),
    },
    "09.11": {
        "star-lost": _imap("09.11", r'imap.store("1,3", "FLAGS", r"(\Seen)")'),
        "all-read": _imap("09.11", r'imap.store("1:*", "+FLAGS", r"(\Seen)")'),
        "one-missing": _imap("09.11", r'imap.store("1", "+FLAGS", r"(\Seen)")'),
    },
    "09.12": {
        "saved-by-hand": _imap(
            "09.12", 'imap.select("School")\nbox.laptop.save(imap.fetch("1", "(BODY.PEEK[])"))\nbox.program.poll()'
        ),
        "copied": _imap("09.12", 'imap.select("School")\nimap.copy("1", "INBOX")\nbox.program.poll()'),
        "not-collected": _imap("09.12", 'imap.select("School")\nimap.uid("MOVE", "1", "INBOX")'),
    },
    "09.13": {
        "posted-again": _cell("09.13", _posted("box.laptop.letters()[:2]")),
        "twice": _imap("09.13", _APPEND_ALL),
        "wrong-half": _imap("09.13", 'imap.append("INBOX", None, None, box.laptop.letters()[0])'),
    },
    "09.14": {
        "not-created": _switched(
            r"""for folder in ("INBOX", "Bills"):
    for octets in box.laptop.letters(folder):
        imap.append(folder, r"(\Seen)", None, octets)"""
        ),
        "one-heap": _switched(
            r"""for folder in ("INBOX", "Bills"):
    for octets in box.laptop.letters(folder):
        imap.append("INBOX", r"(\Seen)", None, octets)"""
        ),
        "unread": _switched(
            """imap.create("Bills")
for folder in ("INBOX", "Bills"):
    for octets in box.laptop.letters(folder):
        imap.append(folder, None, None, octets)"""
        ),
    },
    "09.15": {
        "emptied": _imap(
            "09.15",
            r"""imap.select("Family")
box.stick.save(imap.fetch("1:*", "(BODY.PEEK[])"), "Family")
imap.store("1:*", "+FLAGS", r"(\Deleted)")
imap.close()""",
        ),
        "heap": _imap(
            "09.15",
            """\
imap.select("Family")
box.stick.save(imap.fetch("1:*", "(BODY.PEEK[])"))
for octets in box.stick.letters():
    imap.append("INBOX", None, None, octets)""",
        ),
        "left-a-mark": _imap("09.15", 'imap.select("Family")\nbox.stick.save(imap.fetch("1:*", "(BODY[])"), "Family")'),
        "not-saved": _imap("09.15", 'for octets in box.stick.letters():\n    imap.append("INBOX", None, None, octets)'),
        "not-restored": _imap(
            "09.15", 'imap.select("Family")\nbox.stick.save(imap.fetch("1:*", "(BODY.PEEK[])"), "Family")'
        ),
    },
}
