"""Wrong answers to lesson 03, one for each mistake that its exercises name."""

from tests.exercises import moved, stumble

_START = """\
box = exercises["{key}"].start()
pop = poplib.POP3(*box.server.pop3)
pop.user("amy")
pop.pass_("secret")
{lines}
box.check()
"""

_VISITS = "box.two_visits(collect)"


def _first(lines: str) -> str:
    return _START.format(key="03.1", lines=lines)


def _hunt(body: str) -> str:
    return f"""\
box = exercises["03.2"].start()

def collect(pop, laptop):
{body}
{_VISITS}
box.check()
"""


def _stopped(*steps: str) -> str:
    """Let a red box end the first visit, for a word is mistyped in one of these steps."""
    within = "\n".join(f"            {step}" for step in steps)
    body = f"""\
    try:
        for number in range(1, pop.stat()[0] + 1):
{within}
    finally:
        pop.quit()
"""
    return _hunt(body).replace(_VISITS, stumble(_VISITS))


def _change(lines: str) -> str:
    return f'box = exercises["03.3"].start()\npop = box.pop\n{lines}\nbox.check()\n'


def _small(lines: str) -> str:
    return _START.format(key="03.4", lines=f"answer, lines, octets = pop.list()\n{lines}")


_HOME = "box.laptop.save(pop.retr(1))\npop.dele(1)\npop.quit()"
_AGAIN = 'pop = poplib.POP3(*box.server.pop3)\npop.user("amy")\npop.pass_("secret")\n'
_TWICE = "for n in (1, 3, 5):\n" + "    box.laptop.save(pop.retr(n))\n" * 2

_ELSEWHERE = 'pop = poplib.POP3(*server.pop3)\npop.user("amy")\npop.pass_("secret")\npop.dele(1)\npop.quit()'
_DELE_OUTSIDE = "for n in (1, 3, 5):\n    box.laptop.save(pop.retr(n))\npop.dele(n)\npop.quit()"

_FIRST_MARKED = """\
    try:
        for number in range(1, pop.stat()[0] + 1):
            answer = pop.retr(number)
            pop.dele(number)
            laptop.save(answer)
    finally:
        pop.quit()
"""
_SAVED_FIRST = """\
    try:
        for number in range(1, pop.stat()[0] + 1):
            laptop.save(pop.retr(number))
            pop.dele(number)
    finally:
        pop.quit()
"""

WRONG = {
    "03.1": {
        "marked-unsaved": _first("pop.dele(1)"),
        "marked-others": _first("box.laptop.save(pop.retr(2))\npop.dele(2)"),
        "another-lost": _first("box.laptop.save(pop.retr(1))\npop.dele(2)\npop.quit()"),
        "twice": _first(f"{_HOME}\n{_AGAIN}{_HOME}"),
        "no-quit": _first("box.laptop.save(pop.retr(1))\npop.dele(1)"),
        "deleted-unsaved": _first("pop.retr(1)\npop.dele(1)\npop.quit()"),
        "everything": _first("for n in (1, 2, 3):\n    box.laptop.save(pop.retr(n))\n    pop.dele(n)\npop.quit()"),
        "other-letter": _first("box.laptop.save(pop.retr(2))\npop.dele(2)\npop.quit()"),
        "refiled": _first(f"box.laptop.save(pop.retr(1))\npop.quit()\n{moved('1')}"),
        "copied-only": _first("box.laptop.save(pop.retr(1))\npop.quit()"),
        "not-one-whole": _first("box.laptop.save(pop.top(1, 0))\npop.dele(1)\npop.quit()"),
    },
    "03.2": {
        "half-way": _stopped("answer = pop.retr(number)", "pop.dele(number)", "laptop.save(anser)"),
        "lost": _hunt("""\
    try:
        letters = []
        for number in range(1, pop.stat()[0] + 1):
            letters.append(pop.retr(number))
            pop.dele(number)
        for letter in letters:
            laptop.save(letter)
    finally:
        pop.quit()
"""),
        "left-open": _hunt("""\
    for number in range(1, pop.stat()[0] + 1):
        laptop.save(pop.retr(number))
        pop.dele(number)
    pop.quit()
"""),
        "by-hand": _hunt(_FIRST_MARKED).replace(_VISITS, f"{_AGAIN}collect(pop, box.laptop)"),
        "not-all": _hunt(_SAVED_FIRST.replace(" + 1", "")),
        "never-deletes": _hunt(_SAVED_FIRST.replace("quit", "close")),
    },
    "03.3": {
        "all-gone": _change("pop.quit()"),
        "other-letter": _change("pop.rset()\npop.dele(1)\npop.dele(2)\npop.quit()"),
        "dropped": _change("pop.close()\nbox.server.wait_for_hang_up()"),
        "marked-wrong": _change("pop.rset()\npop.dele(1)"),
        "no-quit": _change("pop.rset()\npop.dele(2)"),
        "no-marks": _change("pop.rset()"),
        "refiled": _change(f"pop.rset()\npop.quit()\n{moved('2')}"),
    },
    "03.4": {
        "only-a-part": _small("for n in (1, 3, 5):\n    box.laptop.save(pop.top(n, 0))\npop.quit()"),
        "too-few": _small("n = 1\nbox.laptop.save(pop.retr(n))\npop.dele(n)\npop.quit()"),
        "everything": _small(
            "for n in range(1, len(lines) + 1):\n    box.laptop.save(pop.retr(n))\n    pop.dele(n)\npop.quit()"
        ),
        "marked-wrong": _small("for n in (2, 4):\n    box.laptop.save(pop.retr(n))\n    pop.dele(n)"),
        "marked-unsaved": _small("for n in (1, 3, 5):\n    pop.dele(n)"),
        "no-quit": _small("for n in (1, 3, 5):\n    box.laptop.save(pop.retr(n))\n    pop.dele(n)"),
        "large-ones": _small("for n in (2, 4):\n    box.laptop.save(pop.retr(n))\n    pop.dele(n)\npop.quit()"),
        "large-lost": _small(
            "for n in (1, 3, 5):\n    box.laptop.save(pop.retr(n))\nfor n in range(1, 6):\n    pop.dele(n)\npop.quit()"
        ),
        "unsaved": _small("for n in (1, 3, 5):\n    pop.dele(n)\npop.quit()"),
        "twice": _small(f"{_TWICE}    pop.dele(n)\npop.quit()"),
        "refiled": _small(f"for n in (1, 3, 5):\n    box.laptop.save(pop.retr(n))\npop.quit()\n{moved('1,3,5')}"),
        "copied-only": _small("for n in (1, 3, 5):\n    box.laptop.save(pop.retr(n))\npop.quit()"),
    },
}

_EXPUNGED = r"""\
import imaplib
imap = imaplib.IMAP4(*box.server.imap)
imap.login("amy", "secret")
imap.select()
imap.store("2", "+FLAGS", r"(\Deleted)")
imap.expunge()"""

_IN_TURN = """\
for line in lines:
    n, size = map(int, line.split())
    if size <= 10_000:
        box.laptop.save(pop.retr(n))
        pop.dele(n)
pop.quit()"""

OTHERS = {
    "03.3": [
        ("not right", _change(_EXPUNGED), "1 gone"),  # by IMAP, and the other two are still marked
        ("refiled", _change(f"pop.rset()\npop.quit()\n{moved('1:*')}"), "mark what is to go"),
    ],
    "03.2": [
        ("right", _hunt(_SAVED_FIRST)),
        (
            "half-way",
            _hunt(_SAVED_FIRST.replace("    finally", "        pop.quit()\n    finally")).replace(
                _VISITS, stumble(_VISITS)
            ),
            "a line ends once",
        ),
        ("right", _hunt(_FIRST_MARKED.replace("    finally", "    except OSError:\n        pop.rset()\n    finally"))),
        ("not-all", _hunt(_SAVED_FIRST.replace("retr(number)", "retr(1)")), "the loop's `number`"),
        ("lost", _hunt(_FIRST_MARKED.replace("    try:", "    laptop.room = 3\n    try:"))),
        (
            "half-way",
            _stopped("answer = pop.retr(number)", "laptop.save(anser)", "pop.dele(number)"),
        ),
        (
            "half-way",
            _stopped("laptop.save(pop.retr(number))", "pop.dele(number)", "pop.quit()"),
            "`NoneType`",
        ),
        (
            "never-deletes",
            _hunt("""\
    try:
        for number in range(1, pop.stat()[0] + 1):
            laptop.save(pop.retr(number))
        pop.dele(number)
    finally:
        pop.quit()
"""),
            "letters are left",
        ),
        (
            "not yet",
            _hunt("    try:\n        laptop.save(pop.retr(0))\n    finally:\n        pop.close()\n"),
            "what that prints",
        ),
        ("not yet", _hunt("    pop.quit()\n")),
        ("not-all", _hunt(_SAVED_FIRST.replace("retr(number)", "top(number, 0)").replace("pop.dele(number)", "pass"))),
        ("not yet", 'box = exercises["03.2"].start()\nbox.check()'),
        (
            "lost",  # which is worse than that the second visit is left open
            _hunt("""\
    try:
        for number in range(1, pop.stat()[0] + 1):
            answer = pop.retr(number)
            pop.dele(number)
            laptop.save(answer)
    except OSError:
        pop.quit()
"""),
        ),
        (
            "never-deletes",
            _hunt("""\
    try:
        for number in range(1, pop.stat()[0] + 1):
            laptop.save(pop.retr(number))
            pop.dele(number)
    except OSError:
        pop.close()
"""),
            "`pop.quit()`",
        ),
        (
            "left-open",
            _hunt("""\
    pop = poplib.POP3(*box.server.pop3)
    try:
        pop.user("amy")
        pop.pass_("secret")
        for number in range(1, pop.stat()[0] + 1):
            laptop.save(pop.retr(number))
            pop.dele(number)
    finally:
        pop.quit()
"""),
            "open no other",
        ),
        (
            "lost",
            _hunt("""\
    try:
        for number in range(1, pop.stat()[0] + 1):
            letter = pop.retr(number)
            pop.dele(number)
            if letter not in laptop.letters():
                box.laptop.save(letter)
    finally:
        pop.quit()
"""),
        ),
    ],
    "03.1": [
        ("marked-others", _first(f"{_HOME}\n{_AGAIN}pop.dele(1)")),
        ("not-one-whole", _first("box.laptop.save(pop.top(1, 0))\npop.quit()")),
        ("marked-others", _first("box.laptop.save(pop.retr(1))\npop.dele(2)")),
        ("copied-only", _first(f"box.laptop.save(pop.retr(1))\npop.quit()\n{_ELSEWHERE}"), "You wrote `server`"),
        ("deleted-unsaved", _first("box.laptop.save(pop.retr(2))\npop.dele(1)\npop.quit()"), "the number 1"),
        ("not yet", _first("laptop.save(pop.retr(1))\npop.quit()"), "`box.laptop`"),
        (
            "copied-only",
            _first("box.laptop.save(pop.retr(1))\npop.dele(1)\npop.close()\nbox.server.wait_for_hang_up()"),
        ),
        ("not-one-whole", _first("for n in (1, 2, 3):\n    box.laptop.save(pop.retr(n))\npop.dele(1)\npop.quit()")),
    ],
    "03.4": [
        ("marked-wrong", _small(f"{_IN_TURN}\n{_AGAIN}pop.dele(1)")),
        ("copied-only", _small(_DELE_OUTSIDE), "under the `if`"),
        ("too-few", _small(_IN_TURN.replace("10_000", "1_000")), "`10_000`"),
        ("too-few", _small(_IN_TURN.replace("    if", "if").replace("        ", "    ")), "inside the loop"),
        ("right", _small(_IN_TURN)),
        ("too-few", _small("for n in (1, 3):\n    box.laptop.save(pop.retr(n))\n    pop.dele(n)\npop.quit()")),
        ("not yet", _small("for n in (1, 3, 5):\n    laptop.save(pop.retr(n))\npop.quit()"), "`box.laptop.save`"),
        ("not yet", _small("if int(lines[0].split()[1]) <= 10.000:\n    pop.dele(1)\npop.quit()"), "`10.000` is ten"),
        ("unsaved", _small("for n in (1, 3, 5):\n    box.laptop.save(pop.top(n, 1))\n    pop.dele(n)\npop.quit()")),
    ],
}
