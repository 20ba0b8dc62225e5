"""Wrong answers to lesson 01, one for each mistake that its exercises name."""

from tests.exercises import stumble

_POP = """\
box = exercises["{key}"].start()
pop = poplib.POP3(*box.server.pop3)
pop.user("amy")
pop.pass_("secret")
{lines}
box.check()
"""
_IMAP = """\
box = exercises["01.2"].start()
imap = imaplib.IMAP4(*box.server.imap)
imap.login("amy", "secret")
imap.select()
{lines}
box.check()
"""


def _pop(key: str, lines: str) -> str:
    return _POP.format(key=key, lines=lines)


def _imap(lines: str) -> str:
    return _IMAP.format(lines=lines)


_SAVE = "for number in range(1, {end}):\n    box.home.save(pop.retr(number))\n"
_TAKE = _SAVE + "    pop.dele(number)\n"
_LOST_LINE = stumble(_SAVE.format(end=6) + "    pop.quit()")
_MARKED_BY_LETTER = stumble(
    "for number in (1, 2):\n    box.home.save(letter := pop.retr(number))\n    pop.dele(letter)"
)
_LEAFLET = 'imap.store("3", "+FLAGS", r"(\\Deleted)")\nimap.expunge()'
_STRUCK = """\
with imaplib.IMAP4(*box.server.imap) as imap:
    imap.login("amy", "secret")
    imap.select()
    imap.store("1:*", "+FLAGS", r"(\\Deleted)")"""
_BY_POP = 'pop = poplib.POP3(*box.server.pop3)\npop.user("amy")\npop.pass_("secret")'

_REFILED = _IMAP.replace("01.2", "01.1").format(
    lines='box.home.save(imap.fetch("1:*", "(BODY[])"))\nimap.create("Old")\nimap.uid("MOVE", "1:*", "Old")'
)
_EXPUNGED = (
    _REFILED.partition("imap.create")[0] + 'imap.store("1:*", "+FLAGS", r"(\\Deleted)")\nimap.expunge()\nbox.check()'
)

WRONG = {
    "01.1": {
        "marked-unsaved": _pop(
            "01.1", "for number in range(1, 6):\n    letter = pop.retr(number)\n    pop.dele(number)"
        ),
        "only-a-part": _pop("01.1", _TAKE.format(end=6).replace("retr(number)", "top(number, 0)") + "pop.quit()"),
        "not-all-marked": _pop(
            "01.1",
            "try:\n    for number in range(1, 6):\n        box.home.save(pop.retr(number))\n        pop.dele(1)\n"
            "except poplib.error_proto:\n    pass",
        ),
        "no-goodbye": _pop("01.1", _TAKE.format(end=6)),
        "refiled": _REFILED,
        "thrown-away": _pop("01.1", "for number in range(1, 6):\n    pop.dele(number)\npop.quit()"),
        "twice": _pop("01.1", _SAVE.format(end=6) + _TAKE.format(end=6) + "pop.quit()"),
        "copied-only": _pop("01.1", _SAVE.format(end=6) + "pop.quit()"),
        "some-left": _pop("01.1", _TAKE.format(end=5) + "pop.quit()"),
    },
    "01.2": {
        "only-marked": _imap(r'imap.store("3", "+FLAGS", r"(\Deleted)")'),
        "wrong-mark": _imap(r'imap.store("2", "+FLAGS", r"(\Deleted)")'),
        "marked": _imap(f"{_LEAFLET}\n{_BY_POP}\npop.dele(1)"),
        "filed-away": _imap('imap.create("Bin")\nimap.uid("MOVE", "3", "Bin")'),
        "other-letter": _imap('imap.store("2", "+FLAGS", r"(\\Deleted)")\nimap.expunge()'),
        "carried-home": _imap(f'box.home.save(imap.fetch("3", "(BODY[])"))\n{_LEAFLET}'),
        "too-many": _imap('imap.store("1:*", "+FLAGS", r"(\\Deleted)")\nimap.expunge()'),
    },
    "01.3": {
        "only-a-part": _pop("01.3", _SAVE.format(end=6).replace("retr(number)", "top(number, 0)") + "pop.quit()"),
        "box-emptied": _pop("01.3", _TAKE.format(end=6) + "pop.quit()"),
        "twice": _pop("01.3", _SAVE.format(end=6) + _SAVE.format(end=6) + "pop.quit()"),
        "some-missing": _pop("01.3", _SAVE.format(end=5) + "pop.quit()"),
        "marked": _pop("01.3", _TAKE.format(end=6)),
        "flagged-deleted": _pop("01.3", _SAVE.format(end=6) + "pop.quit()\n" + _STRUCK),
        "line-open": _pop("01.3", _SAVE.format(end=6)),
    },
}

OTHERS = {
    "01.1": [
        ("copied-only", _pop("01.1", _MARKED_BY_LETTER), "the number, not `letter`"),
        ("not-all-marked", _pop("01.1", _TAKE.format(end=5))),
        ("right", _EXPUNGED),
        (
            "thrown-away",
            _pop("01.1", _TAKE.format(end=6).replace("retr(number)", "retr(max(number, 2))") + "pop.quit()"),
        ),
        ("twice", _pop("01.1", _SAVE.format(end=2) + _TAKE.format(end=6) + "pop.quit()")),
        ("some-left", _pop("01.1", _TAKE.format(end=2) + "pop.quit()")),
        ("not yet", _pop("01.1", _SAVE.format(end=6).replace("box.", "") + "pop.quit()"), "`box.home.save`"),
    ],
    "01.2": [
        ("right", _imap(f"{_LEAFLET}\n{_BY_POP}\npop.quit()")),
        ("not right", _imap(f"{_BY_POP}\npop.dele(3)")),
        ("too-many", _imap(_LEAFLET.replace("3", "2,3"))),
        ("right", _imap(f'imap.create("Bin")\nimap.copy("3", "Bin")\n{_LEAFLET}\nimap.delete("Bin")')),
        ("wrong-mark", _imap(f"{_LEAFLET}\n" + r'imap.store("1", "+FLAGS", r"(\Deleted)")')),
        ("filed-away", _imap(f'imap.create("Bin")\nimap.copy("3", "Bin")\n{_LEAFLET}')),
    ],
    "01.3": [
        ("right", _pop("01.3", _TAKE.format(end=6) + "pop.rset()\npop.quit()")),
        (
            "right",
            _IMAP.replace("01.2", "01.3").format(lines='box.home.save(imap.fetch("1:*", "(BODY[])"))\nimap.logout()'),
        ),
        ("some-missing", _pop("01.3", _LOST_LINE), "`pop.quit()` comes after it"),
        (
            "not right",
            _IMAP.replace("01.2", "01.3").format(
                lines='box.home.save(imap.fetch("1:*", "(BODY[])"))\n'
                'imap.append("INBOX", None, None, box.home.letters()[0])'
            ),
        ),
        ("box-emptied", _pop("01.3", _SAVE.format(end=6) + "pop.dele(1)\npop.quit()")),
        ("twice", _pop("01.3", _SAVE.format(end=6).replace("retr(number)", "retr(1)") + "pop.quit()")),
        ("twice", _pop("01.3", _SAVE.format(end=2) + _SAVE.format(end=6) + "pop.quit()")),
    ],
}
