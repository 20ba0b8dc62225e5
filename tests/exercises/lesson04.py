"""Wrong answers to the exercises of lesson 04, one for each misconception."""

_LOG_IN = """imap = imaplib.IMAP4(*box.server.imap)
imap.login("amy", "secret")
imap.select()
"""


def _cell(key: str, lines: str) -> str:
    return f'box = exercises["{key}"].start()\n{_LOG_IN}{lines}\nbox.check()'


_NO_ADVERTISING = 'imap.store("2,6,7", "+FLAGS", r"(\\Deleted)")\nimap.expunge()'

_ASIDE = r"""imap.create("Aside")
imap.uid("MOVE", "3", "Aside")
imap.store("3", "+FLAGS", r"(\Deleted)")
imap.expunge()
imap.select("Aside")
imap.uid("MOVE", "1", "INBOX")"""
_PRIZE_GONE = 'imap.store("4", "+FLAGS", r"(\\Deleted)")\nimap.uid("EXPUNGE", "4")'
_INVOICE = 'box.laptop.save(imap.fetch("2", "(BODY.PEEK[])"))'
_RFC822 = 'box.laptop.save(imap.fetch("2", "(RFC822)"))'

WRONG = {
    "04.1": {
        "left-a-mark": _cell("04.1", 'box.laptop.save(imap.fetch("2", "(BODY[])"))'),
        "wrong-letter": _cell("04.1", 'box.laptop.save(imap.fetch("1", "(BODY.PEEK[])"))'),
        "twice": _cell("04.1", 'for _ in (1, 2):\n    box.laptop.save(imap.fetch("2", "(BODY.PEEK[])"))'),
        "removed": _cell("04.1", f'{_INVOICE}\nimap.store("2", "+FLAGS", r"(\\Deleted)")\nimap.expunge()'),
        "other-traces": _cell("04.1", f'{_INVOICE}\nimap.store("2", "+FLAGS", r"(\\Deleted)")'),
        "only-a-part": _cell("04.1", 'box.laptop.save(imap.fetch("2", "(BODY.PEEK[TEXT])"))'),
    },
    "04.2": {
        "lost-a-letter": _cell(
            "04.2",
            r"""imap.create("Bills")
imap.uid("MOVE", "1,4", "Bills")
imap.store("2,6", "+FLAGS", r"(\Deleted)")
imap.expunge()""",
        ),
        "other-spelling": _cell("04.2", 'imap.create("bills")\nimap.uid("MOVE", "1,4", "bills")'),
        "more-than-bills": _cell("04.2", 'imap.create("Bills")\nimap.uid("MOVE", "1:4", "Bills")'),
        "advertising-kept": _cell(
            "04.2",
            """imap.create("Bills")
imap.uid("MOVE", "1,4", "Bills")
imap.create("Trash")
imap.uid("MOVE", "2,6,7", "Trash")""",
        ),
        "bills-unfiled": _cell("04.2", _NO_ADVERTISING),
        "bills-empty": _cell("04.2", 'imap.create("Bills")'),
        "copied-only": _cell("04.2", 'imap.create("Bills")\nimap.copy("1,4", "Bills")'),
        "wrong-mark": _cell("04.2", r'imap.store("2,3", "+FLAGS", r"(\Deleted)")'),
        "only-marked": _cell(
            "04.2",
            r"""imap.create("Bills")
imap.uid("MOVE", "1,4", "Bills")
imap.uid("STORE", "2,6,7", "+FLAGS", r"(\Deleted)")
imap.logout()""",
        ),
        "friend-filed": _cell("04.2", 'imap.create("Bills")\nimap.uid("MOVE", "1,3,4", "Bills")'),
        "filed-twice": _cell(
            "04.2", 'imap.create("Bills")\nimap.copy("1,4", "Bills")\nimap.uid("MOVE", "1,4", "Bills")'
        ),
        "one-bill": _cell("04.2", 'imap.create("Bills")\nimap.uid("MOVE", "1", "Bills")'),
        "marked-copies": _cell(
            "04.2",
            r"""imap.create("Bills")
imap.store("1,2,4,6,7", "+FLAGS", r"(\Deleted)")
imap.copy("1,4", "Bills")
imap.expunge()""",
        ),
        "half-done": _cell("04.2", 'imap.create("Bills")\nimap.uid("MOVE", "1,4", "Bills")'),
    },
    "04.3": {
        "by-number": _cell(
            "04.3",
            r"""status, data = imap.search(None, "SUBJECT", "pizzas")
box.phone_deletes_the_bill()
imap.noop()
imap.store(data[0].decode(), "+FLAGS", r"(\Deleted)")
imap.expunge()""",
        ),
        "filed-away": _cell(
            "04.3",
            """box.phone_deletes_the_bill()
imap.create("Trash")
imap.uid("MOVE", "3", "Trash")""",
        ),
        "wrong-mark": _cell(
            "04.3", 'box.phone_deletes_the_bill()\nimap.noop()\nimap.store("2", "+FLAGS", r"(\\Deleted)")'
        ),
        "too-early": _cell("04.3", 'imap.store("2", "+FLAGS", r"(\\Deleted)")\nimap.expunge()'),
        "only-marked": _cell(
            "04.3",
            r"""status, data = imap.uid("SEARCH", "SUBJECT", "pizzas")
box.phone_deletes_the_bill()
imap.noop()
imap.uid("STORE", data[0].decode(), "+FLAGS", r"(\Deleted)")""",
        ),
        "phone-only": _cell("04.3", "box.phone_deletes_the_bill()\nimap.noop()"),
    },
    "04.4": {
        "expunged-all": _cell("04.4", 'imap.store("4", "+FLAGS", r"(\\Deleted)")\nimap.expunge()'),
        "left-a-mark": _cell("04.4", f'imap.fetch("1:*", "(BODY[])")\n{_PRIZE_GONE}'),
        "filed-away": _cell("04.4", 'imap.create("Trash")\nimap.uid("MOVE", "4", "Trash")'),
        "put-back": _cell("04.4", _ASIDE),
        "took-the-mark-away": _cell(
            "04.4",
            r"""imap.store("3", "-FLAGS", r"(\Deleted)")
imap.store("4", "+FLAGS", r"(\Deleted)")
imap.expunge()""",
        ),
        "only-marked": _cell("04.4", 'imap.store("4", "+FLAGS", r"(\\Deleted)")\nimap.logout()'),
    },
}

_TIDY = """{note}
box.phone_deletes_the_bill()
imap.noop()
{remove}
imap.expunge()"""
_BY_UID = 'noted = imap.uid("SEARCH", "SUBJECT", "pizzas")[1][0].decode()'
_BY_NUMBER = 'noted = imap.search(None, "SUBJECT", "pizzas")[1][0].decode()'
_STORE_UID = r'imap.uid("STORE", noted, "+FLAGS", r"(\Deleted)")'
_STORE_NUMBER = r'imap.store(noted, "+FLAGS", r"(\Deleted)")'

_MARK_BY_POP = """import poplib
pop = poplib.POP3(*box.server.pop3)
pop.user("amy")
pop.pass_("secret")
pop.dele(1)"""

_SORT = r"""imap.create("Bills")
imap.uid("MOVE", "1,4", "Bills")
imap.uid("STORE", "2,6,7", "+FLAGS", r"(\Deleted)")
imap.expunge()"""

_APPENDED = r"""imap.create("Bills")
for number in "14":
    imap.append("Bills", None, None, imap.fetch(number, "(BODY.PEEK[])")[1][0][1])
imap.store("1,2,4,6,7", "+FLAGS", r"(\Deleted)")
imap.expunge()"""

_TRASH = """imap.create("Bills")
imap.uid("MOVE", "1,4", "Bills")
imap.create("Trash")
imap.uid("MOVE", "2,6,7", "Trash")
imap.delete("Trash")"""

OTHERS = {
    "04.1": [
        ("left-a-mark", _cell("04.1", _RFC822), "`RFC822`"),
        ("right", _cell("04.1", f'{_RFC822}\nimap.store("2", "-FLAGS", r"(\\Seen)")')),
        ("other-traces", _cell("04.1", f'{_INVOICE}\nimap.create("Mine")\nimap.copy("2", "Mine")')),
        ("other-traces", _cell("04.1", f"{_INVOICE}\n{_MARK_BY_POP}")),
        ("right", _cell("04.1", f'{_INVOICE}\nimap.create("Mine")\nimap.copy("2", "Mine")\nimap.delete("Mine")')),
    ],
    "04.4": [
        ("expunged-all", _cell("04.4", f"{_PRIZE_GONE}\nimap.close()\nimap.logout()"), "and so does `imap.close()`"),
        (
            "not right",
            _cell("04.4", 'imap.uid("STORE", "4", "+FLAGS", "Deleted")\nimap.uid("EXPUNGE", "4")'),
            "You wrote the flag `Deleted`",
        ),
        (
            "not right",
            _cell("04.4", f'{_PRIZE_GONE}\nimap.create("Aside")\nimap.uid("MOVE", "1,2", "Aside")'),
            "amy/Aside: 2 new",
        ),
        ("not right", _cell("04.4", f'{_PRIZE_GONE}\nimap.store("1", "+FLAGS", r"(\\Deleted)")')),
        ("not right", _cell("04.4", f'{_PRIZE_GONE}\nimap.copy("3", "INBOX")'), "1 new"),  # they never went away
        (
            "only-marked",
            _cell("04.4", 'imap.store("4", "+FLAGS", r"(\\Deleted)")'),
            'takes no number, `imap.uid("EXPUNGE", "4")` does',
        ),
    ],
    "04.2": [
        (
            "other-spelling",
            _cell("04.2", 'imap.create("INBOX/Bills")\nimap.uid("MOVE", "1,4", "INBOX/Bills")'),
        ),
        ("other-spelling", _cell("04.2", f'{_NO_ADVERTISING}\nimap.create("Bill")\nimap.uid("MOVE", "1,4", "Bill")')),
        (
            "lost-a-letter",
            _cell(
                "04.2",
                r"""imap.create("Bills")
imap.uid("MOVE", "1,4", "Bills")
imap.select("Bills")
imap.uid("STORE", "2,6,7", "+FLAGS", r"(\Deleted)")
imap.expunge()""",
            ),
            "whose UIDs are others",
        ),
        ("lost-a-letter", _cell("04.2", _APPENDED.replace("PEEK[]", "PEEK[HEADER]")), "not as a whole"),
        ("right", _cell("04.2", _APPENDED)),
        ("right", _cell("04.2", _TRASH)),
        ("other-spelling", _cell("04.2", 'imap.create("BILLS")')),
        ("friend-filed", _cell("04.2", f'{_SORT}\nimap.create("Friends")\nimap.uid("MOVE", "3", "Friends")')),
        ("wrong-mark", _cell("04.2", f'{_SORT}\nimap.uid("STORE", "3", "+FLAGS", r"(\\Deleted)")')),
        ("wrong-mark", _cell("04.2", 'imap.store("1", "+FLAGS", r"(\\Deleted)")')),
        ("one-bill", _cell("04.2", 'imap.create("Bills")\nimap.create("Old")\nimap.uid("MOVE", "1", "Old")')),
        ("half-done", _cell("04.2", 'imap.create("Bills")\nimap.uid("MOVE", "1,4", "Bills")'), "by UID"),
        ("bills-unfiled", _cell("04.2", f'{_NO_ADVERTISING}\nimap.create("Bills")')),
    ],
    "04.3": [
        ("phone-only", _cell("04.3", _TIDY.format(note=_BY_NUMBER, remove=_STORE_UID))),
        ("by-number", _cell("04.3", _TIDY.format(note=_BY_UID, remove=_STORE_NUMBER))),
        ("too-early", _cell("04.3", f"{_BY_UID}\n{_STORE_UID}\nimap.expunge()\nbox.phone_deletes_the_bill()")),
        ("too-early", _cell("04.3", f"{_BY_UID}\n{_STORE_UID}\nbox.phone_deletes_the_bill()\nimap.expunge()")),
        ("too-early", _cell("04.3", f"{_BY_UID}\n{_STORE_UID}\nbox.phone_deletes_the_bill()")),
        (
            "by-number",
            _cell("04.3", 'imap.store("1:*", "+FLAGS", r"(\\Deleted)")\nimap.expunge()\nbox.phone_deletes_the_bill()'),
        ),
        (
            "wrong-mark",
            _cell(
                "04.3",
                _TIDY.format(
                    note=f"{_BY_UID}\nnumber = {_BY_NUMBER[8:]}", remove=_STORE_NUMBER.replace("noted", "number")
                ).replace("imap.expunge()", _STORE_UID + '\nimap.uid("EXPUNGE", noted)'),
            ),
        ),
        ("not yet", _cell("04.3", _BY_UID)),
        ("right", _cell("04.3", f"box.phone_deletes_the_bill()\n{_BY_UID}\n{_STORE_UID}\nimap.expunge()")),
    ],
}
