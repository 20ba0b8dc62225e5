"""Wrong answers to lesson 06, one for each mistake that its exercises name."""

from textwrap import indent

from tests.exercises import NEXT_CELL, moved, stumble

_LOG_IN = """\
pop = poplib.POP3(*box.server.pop3)
pop.user("amy")
pop.pass_("secret")
"""


def _month(settings: str) -> str:
    return f'box = exercises["06.1"].start()\nbox.live({settings})\nbox.check()\n'


def _by_age(condition: str, end: str = "pop.quit()") -> str:
    return f"""\
box = exercises["06.2"].start()
{_LOG_IN}\
for line in pop.uidl()[1]:
    number, name = line.decode().split()
    if {condition}:
        pop.dele(number)
{end}
box.check()
"""


def _typed(lines: str) -> str:
    """Let a red box end the lines of 06.2."""
    return f'box = exercises["06.2"].start()\n{stumble(lines)}\nbox.check()\n'


_DOUBLES_AWAY = "for number in (4, 5, 7, 8, 9):\n    box.laptop.throw_away(number)"
_SAVE = "        box.laptop.save(pop.retr(number))\n"


_VISITS = "box.three_visits(poll)"


def _hunt(body: str) -> str:
    return f"""\
box = exercises["06.3"].start()

def poll(pop, ledger, laptop):
    for line in pop.uidl()[1]:
        number, name = line.decode().split()
{body}
    pop.quit()

{_VISITS}
box.check()
"""


def _stopped(*slip: str) -> str:
    """Let a red box end the visits: one word in place of another."""
    return _hunt(_BY_UIDL).replace(*slip).replace(_VISITS, stumble(_VISITS))


def _mend(body: str) -> str:
    return f"""\
box = exercises["06.4"].start()
{_LOG_IN}\
at_home = b"".join(box.laptop.letters())
for number in range(1, pop.stat()[0] + 1):
    answer, header, octets = pop.top(number, 0)
    name = [line for line in header if line.startswith(b"Message-ID")][0]
{body}
pop.quit()
box.check()
"""


_BY_UIDL = """\
        if name not in ledger:
            laptop.save(pop.retr(number))
            ledger.add(name)
"""

_BY_NUMBER = _BY_UIDL.replace("name", "number")

_THEIR_LOG_IN = f"""\
def log_in():
    pop = poplib.POP3(*server.pop3)
    pop.user("amy")
    pop.pass_("secret")
    return pop
{NEXT_CELL}"""
_THEIR_LEDGER = f"ledger = {{'1.1'}}{NEXT_CELL}"
_OLD = "name in box.ledger and (box.now - box.ledger[name]).days > 14"
_KEY_ERROR = (
    _LOG_IN
    + """\
for line in pop.uidl()[1]:
    number, name = line.decode().split()
    if (box.now - box.ledger[name]).days > 14:
        pop.dele(number)
pop.quit()"""
)

WRONG = {
    "06.1": {
        "emptied": _month("leave=False, days=10, until_deleted=True"),
        "headers": _month("leave=True, days=10, until_deleted=True, headers_only=True"),
        "full": _month("leave=True, days=None, until_deleted=True"),
        "too-short": _month("leave=True, days=3, until_deleted=True"),
    },
    "06.2": {
        "never-fetched": _by_age("name not in box.ledger or (box.now - box.ledger[name]).days > 14"),
        "by-arrival": _by_age("name in box.ledger"),
        "wrong-way": _by_age("name in box.ledger and (box.now - box.ledger[name]).days < 14"),
        "fetched-now": _by_age(f"name not in box.ledger:\n{_SAVE}    if True"),
        "fourteenth-day": _by_age(_OLD.replace(">", ">=")),
        "marked-new": _by_age("name not in box.ledger", "pass"),
        "marked-others": _by_age("name in box.ledger", "pass"),
        "no-quit": _by_age(_OLD, "pass"),
        "one-gone": _by_age("name == '1.3'"),
        "refiled": _by_age("not name", f"pop.quit()\n{moved('1,3')}"),
        "laptop-too": _by_age(f"{_OLD}:\n        box.laptop.throw_away(int(number))\n    if {_OLD}"),
    },
    "06.3": {
        "half-way": _stopped("ledger.add(name)", "ledger.append(name)"),
        "another-line": _THEIR_LOG_IN + _stopped("laptop):\n", "laptop):\n    pop = log_in()\n"),
        "nothing": _hunt("""\
        if name in ledger:
            laptop.save(pop.retr(number))
            ledger.add(name)
"""),
        "not-each": _hunt(f"{_BY_UIDL}            break"),
        "numbers": _hunt(_BY_NUMBER),
        "no-ledger": _hunt("        laptop.save(pop.retr(number))"),
        "header-only": _hunt("""\
        if name not in ledger:
            laptop.save(pop.top(number, 0))
            ledger.add(name)
"""),
        "by-hand": _hunt(_BY_NUMBER).replace(_VISITS, f"{_VISITS}\n{_LOG_IN}box.laptop.save(pop.retr(3))\npop.quit()"),
        "deletes": _hunt("""\
        if name not in ledger:
            laptop.save(pop.retr(number))
            pop.dele(number)
            ledger.add(name)
"""),
    },
    "06.4": {
        "marked": _mend("    pop.dele(number)").replace("pop.quit()\n", ""),
        "deletes": _mend("    if name in at_home:\n        pop.dele(number)"),
        "started-over": _mend(
            """\
    if name in at_home and len(box.laptop.letters()) == 3:
        box.laptop.empty()
    box.laptop.save(pop.retr(number))"""
        ),
        "twice": _mend("    for line in header:\n        if line not in at_home:\n            " + _SAVE.strip()),
        "everything-again": _mend("    box.laptop.save(pop.retr(number))"),
        "had-already": _mend("    if name in at_home:\n        box.laptop.save(pop.retr(number))"),
        "header-only": _mend("    if name not in at_home:\n        box.laptop.save(pop.top(number, 0))"),
    },
}

OTHERS = {
    "06.1": [
        ("full", _month("leave=True, days=25, until_deleted=True")),
        ("full", _month("leave=True, days=17, until_deleted=False")),  # an offer was refused, and nothing else
        ("right", _month("leave=True, days=16, until_deleted=False")),
        ("right", _month("leave=True, days=24, until_deleted=True")),
    ],
    "06.2": [
        ("no-quit", _typed(_KEY_ERROR), "`KeyError`"),
        ("fourteenth-day", _by_age(_OLD.replace("14", "10"))),
        ("one-gone", _by_age(_OLD.replace("14", "15")), "`> 14`"),
        ("right", _by_age(_OLD.replace("> 14", ">= 15"))),
        ("marked-others", _by_age(_OLD, f"pop.quit()\n{_LOG_IN}pop.dele(1)")),
        ("fourteenth-day", _by_age(_OLD.replace(">", ">="), "pass")),
        ("not yet", _typed(_KEY_ERROR.replace(".days", "")), "`.days`"),
        ("not yet", _by_age(_OLD.replace("name", "number")), "text such as `1.1`"),
        ("not yet", _by_age(_OLD.replace("box.now", "clock.now")), "You wrote `clock`; take `box.now`"),
        ("not yet", _THEIR_LOG_IN + _by_age(_OLD).replace(_LOG_IN, "pop = log_in()\n"), "wrote `log_in`, which"),
        ("not yet", _THEIR_LEDGER + _typed(_KEY_ERROR.replace("box.ledger", "ledger")), "own: `box.ledger`"),
        ("right", _by_age(f"name not in box.ledger:\n{_SAVE}    elif {_OLD.partition(' and ')[2]}")),
        ("marked-new", _by_age(f"name not in box.ledger:\n{_SAVE}    if True", "pass")),
    ],
    "06.3": [
        ("half-way", _stopped("pop.retr(number)", "pop.retr(name)")),
        ("half-way", _stopped("laptop):\n", f"laptop):\n{indent(_LOG_IN, '    ')}"), "`[IN-USE]`"),
        ("half-way", _stopped("poll(pop, ledger, laptop)", "poll()")),
        ("half-way", _stopped("    pop.quit()\n", ""), "did not end"),
        ("numbers", _hunt(_BY_UIDL).replace("pop.uidl()", "pop.list()"), "A size is no name"),
        ("not yet", 'box = exercises["06.3"].start()\nbox.check()'),
        ("nothing", _hunt(_BY_UIDL.replace("laptop.save(pop.retr(number))", "pop.dele(number)"))),
        ("not-each", _hunt(_BY_UIDL.replace("    " * 2, "    ", 1).replace("    " * 3, "    " * 2)), "inside the loop"),
        ("deletes", _hunt(f"{_BY_UIDL}            if name == '1.4':\n                pop.dele(number)")),
        ("not-each", _hunt(_BY_UIDL.replace("not in ledger", "not in {*ledger, '1.2'}"))),
        ("nothing", _hunt(_BY_UIDL).replace(", laptop):", ", device):"), "wrote `laptop`; take what `poll("),
        ("right", _hunt(_BY_UIDL)),
        ("right", _hunt(_BY_UIDL.replace("retr(number)", 'retr(number), "Mail"'))),
        ("by-hand", _hunt("        laptop.save(pop.retr(number))").replace(_VISITS, f"{_VISITS}\n{_DOUBLES_AWAY}")),
    ],
    "06.4": [
        (
            "not yet",
            _mend("    if name not in at_home:\n        laptop.save(pop.retr(number))"),
            "You wrote `laptop`",
        ),
        ("twice", _mend("    if number == 4:\n        for _ in (1, 2):\n            box.laptop.save(pop.retr(4))")),
        ("had-already", _mend("    if number == 1:\n        box.laptop.save(pop.retr(1))")),
        ("deletes", _mend("    if name not in at_home:\n        pop.dele(number)")),
        (
            "marked",
            _mend("    if number == 4:\n        box.laptop.save(pop.retr(4))\n        pop.dele(4)").replace(
                "pop.quit()\n", ""
            ),
        ),
        ("right", _mend("    if number == 4:\n        box.laptop.save(pop.retr(number))"), "Did you compare"),
    ],
}
