"""Wrong answers to lesson 07, one for each mistake that its exercises name."""

from tests.exercises import stumble

_LOCK = """\
box = exercises["07.1"].start()
{connect}
pop.user("amy")
pop.pass_("secret")
{take}
pop.quit()
box.check()
"""

_NETWORKS = """\
box = exercises["07.2"].start()
{lines}
box.check()
"""

_FORGOTTEN = """\
box = exercises["07.3"].start()
tap = Wiretap(box.server.smtp)
box.phone_sends(tap.address)
heard = tap.heard()
{lines}
box.check()
"""

_COLLECT = """\
box = exercises["07.4"].start()

def collect(line, laptop):
    pop = poplib.POP3(*line)
{begin}
    pop.user("amy")
    pop.pass_("secret")
    {take}
    pop.quit()

box.three_lines(collect)
box.check()
"""
_STLS = "    pop.stls(context=box.context)"
_SAVE = "laptop.save(pop.retr(1))"
_HOME = """\
pop = poplib.POP3_SSL({})
pop.user("amy")
pop.pass_("secret")
box.laptop.save(pop.retr(1))
pop.quit()"""


def _stumbling(connect: str, then: str = "", user: str = 'pop.user("amy")', password: str = "secret") -> str:
    """Return lines that an error may stop: connect, say the name and the password, do one thing more, and fetch."""
    lines = [f"pop = {connect}", user, f'pop.pass_("{password}")', then, "box.laptop.save(pop.retr(1))", "pop.quit()"]
    return f"box = exercises['07.1'].start()\n{stumble(chr(10).join(filter(None, lines)))}\nbox.check()\n"


_TLS = "poplib.POP3_SSL(*box.pop3s, context=box.context)"

WRONG = {
    "07.1": {
        "too-late": _stumbling("poplib.POP3(*box.pop3)", "pop.stls(context=box.context)"),
        "in-the-clear": _LOCK.format(connect="pop = poplib.POP3(*box.pop3)", take="box.laptop.save(pop.retr(1))"),
        "not-saved": _LOCK.format(connect="pop = poplib.POP3_SSL(*box.pop3s, context=box.context)", take="pop.retr(1)"),
        "went-round": _LOCK.format(connect="pop = poplib.POP3(*box.server.pop3)", take=f"box.{_SAVE}"),
    },
    "07.2": {
        "no-context": _NETWORKS.format(lines=_HOME.format("*box.lines[0]")),
        "gave-up": _NETWORKS.format(
            lines="""\
try:
    for line in box.lines:
        pop = poplib.POP3_SSL(*line, context=box.context)
        pop.user("amy")
        pop.pass_("secret")
        box.laptop.save(pop.retr(1))
        pop.quit()
except ssl.SSLError:
    pass"""
        ),
        "not-saved": _NETWORKS.format(
            lines="""\
pop = poplib.POP3_SSL(*box.lines[1], context=box.context)
pop.user("amy")
pop.pass_("secret")
print(len(pop.retr(1)[1]))
pop.quit()"""
        ),
        "lucky": _NETWORKS.format(lines=_HOME.format("*box.lines[1]")),
        "went-round": _NETWORKS.format(lines=_HOME.format("*box.server.pop3s, context=box.context")),
    },
    "07.3": {
        "removed": _FORGOTTEN.format(
            lines="""\
line = heard.find("AUTH PLAIN").said("C")[0]
nothing, name, password = base64.b64decode(line.split()[-1]).decode().split(chr(0))
pop = poplib.POP3(*box.server.pop3)
pop.user(name)
pop.pass_(password)
box.laptop.save(pop.retr(1))
pop.dele(1)
pop.quit()"""
        ),
        "marked": _FORGOTTEN.format(
            lines="""\
pop = poplib.POP3(*box.server.pop3)
pop.user("amy")
pop.pass_("violets-by-the-pond")
box.laptop.save(pop.retr(1))
pop.dele(1)"""
        ),
        "flagged-deleted": _FORGOTTEN.format(
            lines="""\
import imaplib

imap = imaplib.IMAP4(*box.server.imap)
imap.login("amy", "violets-by-the-pond")
imap.select()
box.laptop.save(imap.fetch("1", "(BODY.PEEK[])"))
imap.store("1", "+FLAGS", r"(\\Deleted)")"""
        ),
        "went-round": _FORGOTTEN.format(lines=_HOME.format("*server.pop3").replace("POP3_SSL", "POP3")),
        "not-whole": _FORGOTTEN.format(
            lines="""\
pop = poplib.POP3(*box.server.pop3)
pop.user("amy")
pop.pass_("violets-by-the-pond")
box.laptop.save(pop.top(1, 0))
pop.quit()"""
        ),
    },
    "07.4": {
        "if-possible": _COLLECT.format(
            begin='    if "STLS" in pop.capa():\n        pop.stls(context=box.context)', take=_SAVE
        ),
        "no-context": _COLLECT.format(begin="    pop.stls()", take=_SAVE),
        "in-the-clear": _COLLECT.format(begin="    if line != box.lines[2]:\n    " + _STLS, take=_SAVE),
        "not-saved": _COLLECT.format(begin=_STLS, take="pop.retr(1)"),
        "lucky": _COLLECT.format(begin=f"    if line != box.lines[2]:\n        return\n{_STLS}", take=_SAVE),
        "went-round": _COLLECT.format(
            begin="    pop = poplib.POP3(*box.server.pop3)", take="laptop.letters() or " + _SAVE
        ),
    },
}

_BY_STLS = _LOCK.format(
    connect="pop = poplib.POP3(*box.pop3)\npop.stls(context=box.context)", take="box.laptop.save(pop.retr(1))"
)
_SAFELY = _HOME.format("*box.pop3s, context=box.context").removesuffix("\npop.quit()")
_IN_TURN = f"""\
for line in box.lines:
    try:
        pop = poplib.POP3_SSL(*line, context=box.context)
    except ssl.SSLError:
        continue
    pop.user("amy")
    pop.pass_("secret")
    box.{_SAVE}
    pop.quit()"""
_KNOWN = _HOME.format("*box.server.pop3").replace("POP3_SSL", "POP3").replace("secret", "violets-by-the-pond")
_REFUSES = """\
    if "STLS" not in pop.capa():
        raise ValueError("no TLS here")
"""

OTHERS = {
    "07.1": [
        ("right", _BY_STLS),
        ("not yet", _stumbling("poplib.POP3(*box.pop3)", user="pop.capa()\npop.slts(context=box.context)")),
        (
            "in-the-clear",
            _LOCK.format(connect="pop = poplib.POP3(*box.pop3)", take=f"box.{_SAVE}\npop.quit()\n{_SAFELY}"),
        ),
        ("not-saved", _stumbling("poplib.POP3_SSL(*box.pop3, context=box.context)"), "take `*box.pop3s`"),
        ("not-saved", _stumbling(_TLS.replace("box.context", "ssl.create_default_context()")), "take `box.context`"),
        (
            "not-saved",
            _stumbling("poplib.POP3(*box.pop3)", user='pop.user("amy")\npop.stls(context=box.context)'),
            "`PASS comes right after USER`: `stls` comes before `user`",
        ),
        ("not-saved", _stumbling(_TLS, password="geheim"), "it is `secret`"),
        ("not-saved", _stumbling(f"{_TLS}\npop.stls()"), "`TLS session already established`"),
        (
            "not-saved",
            _LOCK.format(connect=f"pop = {_TLS}", take=_SAVE),
            "You wrote `laptop`;",
        ),
        (
            "went-round",
            _LOCK.format(connect="pop = poplib.POP3_SSL(*server.pop3s)", take="box.laptop.save(pop.retr(1))"),
            "You wrote `server`; take one of the café's lines",
        ),
        ("went-round", 'box = exercises["07.1"].start()\nbox.laptop.save(b"x")\nbox.check()\n'),
    ],
    "07.2": [
        (
            "gave-up",
            _NETWORKS.format(
                lines=stumble(
                    """\
for line in box.lines:
    try:
        pop = poplib.POP3_SSL(*line, context=box.context)
    except ssl.SSLError:
        print("bad")
    pop.user("amy")"""
                )
            ),
            "`continue`",
        ),
        ("right", _NETWORKS.format(lines=_IN_TURN)),
        ("not-saved", _NETWORKS.format(lines=_IN_TURN.replace("box.laptop.save", "print"))),
        ("went-round", _NETWORKS.format(lines=_IN_TURN.replace("box.lines", "[box.lines[0], box.server.pop3s]"))),
        ("no-context", _NETWORKS.format(lines=f"{_IN_TURN}\n{_HOME.format('*box.lines[0]')}")),
        ("lucky", _NETWORKS.format(lines=_HOME.format("*box.lines[1], context=box.context"))),
        (
            "not-saved",
            _NETWORKS.format(
                lines=stumble(_HOME.format("*box.lines[1], context=box.context").replace("secret", "geheim"))
            ),
            "It is `secret`",
        ),
    ],
    "07.3": [
        (
            "not yet",
            _FORGOTTEN.format(lines=stumble(_HOME.format("*box.server.pop3").replace("POP3_SSL", "POP3"))),
            "`wrong name or password`",
        ),
        ("went-round", _FORGOTTEN.format(lines='box.laptop.save(letters("spare-key")[0])')),
        ("not yet", _FORGOTTEN.format(lines=_KNOWN.replace("box.laptop", "laptop")), "You wrote `laptop`"),
        ("went-round", _FORGOTTEN.format(lines=f'{_KNOWN}\nbox.laptop.save(letters("spare-key")[0])')),
        ("removed", _FORGOTTEN.format(lines=_KNOWN.replace(f"box.{_SAVE}", "pop.dele(1)"))),
        ("marked", _FORGOTTEN.format(lines=_KNOWN.replace(f"box.{_SAVE}\npop.quit()", "pop.dele(1)"))),
    ],
    "07.4": [
        (
            "in-the-clear",
            _COLLECT.format(begin="    pass", take=f"pop.stls(context=box.context)\n    {_SAVE}"),
            "too late",
        ),
        ("in-the-clear", _COLLECT.format(begin="    pass", take=_SAVE), "no TLS"),
        (
            "if-possible",
            _COLLECT.format(
                begin=f"    try:\n    {_STLS}\n    except poplib.error_proto:\n        print('no TLS')", take=_SAVE
            ),
            "let it",
        ),
        ("right", _COLLECT.format(begin=_REFUSES + _STLS, take=_SAVE)),
        (
            "right",
            _COLLECT.format(begin=_REFUSES.replace('raise ValueError("no TLS here")', "return") + _STLS, take=_SAVE),
        ),
        ("not yet", _COLLECT.format(begin="    pop.slts(context=box.context)", take=_SAVE)),
        ("not yet", _COLLECT.format(begin="    pop.capa()\n    pop.slts(context=box.context)", take=_SAVE)),
    ],
}
