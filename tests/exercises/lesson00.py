"""Wrong answers to lesson 00, one for each mistake that its exercises name."""

_POP = """\
box = exercises["00.1"].start()
pop = poplib.POP3(*box.server.pop3)
pop.user("amy")
pop.pass_("secret")
{line}
pop.quit()
box.check()
"""
_IMAP = """\
box = exercises["00.3"].start()
imap = imaplib.IMAP4(*box.server.imap)
imap.login("amy", "secret")
imap.select()
{lines}
imap.logout()
box.check()
"""


def _pop(line: str) -> str:
    return _POP.format(line=line)


def _throw(line: str) -> str:
    return f'box = exercises["00.2"].start()\n{line}\nbox.check()\n'


def _imap(lines: str) -> str:
    return _IMAP.format(lines=lines)


_DELE = "pop = poplib.POP3(*box.server.pop3)\npop.user('amy')\npop.pass_('secret')\npop.dele(2)\n"
_ALL = 'imap.fetch("1:*", "(BODY.PEEK[])")'
_ONE = _ALL.replace("1:*", "1")
_BOTH = f"for one in (box.laptop, box.phone):\n    one.save({_ALL})"
_TWO_COPIES = "for number in (1, 2, 3):\n    for one in (box.laptop, box.phone):\n        one.save(pop.retr(number))"
_FLAG = r'imap.store("1:*", "+FLAGS", r"(\Deleted)")'

WRONG = {
    "00.1": {
        "taken-away": _pop("box.phone.save(pop.retr(1))\npop.dele(1)"),
        "marked": _pop("box.phone.save(pop.retr(1))\npop.dele(1)").replace("pop.quit()\n", ""),
        "only-a-part": _pop("box.phone.save(pop.top(1, 0))"),
        "other-letter": _pop("box.phone.save(pop.retr(2))"),
        "other-device": _pop("box.laptop.save(pop.retr(1))"),
        "too-many": _pop("for number in (1, 2, 3):\n    box.phone.save(pop.retr(number))"),
    },
    "00.2": {
        "server-too": _throw(f"box.laptop.throw_away(2)\n{_DELE}pop.quit()"),
        "marked": _throw(f"box.laptop.throw_away(2)\n{_DELE}"),
        "counted-from-zero": _throw("box.laptop.throw_away(1)"),
        "too-many": _throw("for number in (1, 2, 3):\n    box.laptop.throw_away(number)"),
        "other-letter": _throw("box.laptop.throw_away(3)"),
    },
    "00.3": {
        "taken-away": _imap(f"{_BOTH}\n{_FLAG}\nimap.expunge()"),
        "marked": _imap(f"{_BOTH}\n{_DELE}"),
        "flagged-deleted": _imap(f"{_BOTH}\n{_FLAG}"),
        "only-a-part": _imap(
            f"for one in (box.laptop, box.phone):\n    one.save({_ALL.replace('PEEK[]', 'PEEK[HEADER]')})"
        ),
        "only-one": _imap(f"box.laptop.save({_ALL})"),
        "too-few": _imap('for one in (box.laptop, box.phone):\n    one.save(imap.fetch("1", "(BODY.PEEK[])"))'),
        "same-device": _imap(f"box.laptop.save({_ALL})\nbox.laptop.save({_ALL})"),
        "twice": _imap(f"for one in (box.laptop, box.phone, box.phone):\n    one.save({_ALL})"),
    },
}

OTHERS = {
    "00.2": [
        ("not right", _throw("box.laptop.throw_away(1)\nbox.laptop.throw_away(3)")),
        ("too-many", _throw("box.laptop.throw_away(2)\nbox.laptop.throw_away(3)")),
        ("not right", _throw("box.laptop.throw_away(2)\nbox.laptop.save(box.laptop.letters()[0])"), "1 new, 1 gone"),
        ("right", _throw(f"box.laptop.throw_away(2)\n{_DELE}pop.rset()")),
        (
            "right",  # a slip, mended: the lunch stands last now
            _throw(
                "lunch, *_ = box.laptop.letters()\nfor number in (1, 2):\n    box.laptop.throw_away(number)\n"
                "box.laptop.save(lunch)"
            ),
        ),
    ],
    "00.3": [
        ("taken-away", _imap(f"{_BOTH}\n{_FLAG.replace('1:*', '1')}\nimap.expunge()")),
        ("too-few", _imap(f"box.laptop.save({_ONE})")),
        ("too-few", _imap(f"for one in (box.laptop, box.phone):\n    one.save({_ALL}[1][0][1])"), "whole answer"),
        ("too-few", _imap(f"box.laptop.save({_ALL})\nbox.phone.save({_ALL.replace('1:*', '1:2')})")),
        ("twice", _imap(f"box.laptop.save({_ALL})\nfor _ in (1, 2, 3):\n    box.phone.save({_ONE})")),
        ("right", _pop(_TWO_COPIES).replace("00.1", "00.3"), "Did you do it by IMAP?"),
        ("only-one", _imap(f"box.laptop.save({_ALL})\nphone = Device('phone')\nphone.save({_ALL})"), "`box.phone`"),
    ],
}
