"""Exercises by themselves, in a world of two letters."""

from __future__ import annotations

import errno
import gc
import json
import os
import sys
import tempfile
import weakref
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from mailkit.cells import never_ran
from mailkit.exercise import Box, Exercise, Mistake, Verdict, World
from mailkit.progress import Progress
from mailkit.snapshot import DeviceView, LetterView, MailboxView, SessionView, Snapshot
from mailkit.transcript import Said, Transcript
from tests.execute import run
from tests.garbage import set_aside
from tests.notebooks import ROOT

LETTERS = tuple(LetterView(uid, f"Letter {uid}", "ben@example.org", 100, frozenset(), str(uid)) for uid in (1, 2))


class Server:
    """A stand-in whose inbox is a list."""

    def __init__(self) -> None:
        self.inbox = list(LETTERS)
        self.sessions: tuple[SessionView, ...] = ()
        self.stopped = False

    def snapshot(self, *devices: object) -> Snapshot:
        return Snapshot((MailboxView("amy", "INBOX", 1, tuple(self.inbox)),), self.sessions, tuple(devices))

    def stop(self) -> None:
        self.stopped = True


def count(snapshot: Snapshot) -> int:
    return len(snapshot.mailbox("amy").letters)


@pytest.fixture
def exercise() -> Exercise:
    return Exercise(
        "99.1",
        "Remove one letter",
        world=lambda: World(Server()),
        goal=lambda before, now: count(now) == 1,
        untouched="Log in first.",
        mistakes=(
            Mistake("too-many", lambda before, now: count(now) == 0, "`DELE` one, not all."),
            Mistake("no-mailbox", lambda before, now: bool(now.mailbox("amy", "Bills")), "Never seen."),
        ),
        praise="One is left.",
    )


@pytest.fixture(autouse=True)
def empty_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("MAILKIT_PROGRESS", str(tmp_path / "progress.json"))


def test_right(exercise):
    box = exercise.start()
    box.server.inbox.pop()
    assert box.check() == Verdict("99.1", "Remove one letter", "right", "One is left.")
    assert Progress().of("99.1") == "done"


def test_nothing_done_yet_is_not_a_mistake(exercise):
    verdict = exercise.start().check()
    assert (verdict.status, verdict.advice, verdict.mistake) == ("not yet", "Log in first.", None)
    assert Progress().of("99.1") == "open"


def test_what_the_cell_does_by_itself_is_not_a_mistake(exercise):
    cell_acts = replace(exercise, idle=lambda before, now: count(now) == 0)
    box = cell_acts.start()
    box.server.inbox.clear()
    assert (box.check().status, box.check().advice) == ("not yet", "Log in first.")
    assert Progress().of("99.1") == "open"
    box.server.inbox.append(replace(LETTERS[0], uid=3))
    box.server.inbox.append(replace(LETTERS[0], uid=4))
    assert box.check().status == "not right"


def test_a_look_leaves_nothing_running(exercise):
    servers = []
    looked_at = replace(exercise, world=lambda: servers.append(Server()) or World(servers[0]))
    assert count(looked_at.look()) == 2
    assert servers[0].stopped


def speak(box, *sessions):
    """Let the server have heard these IMAP sessions, each a list of lines."""
    box.server.transcript = lambda protocol, which: Transcript(protocol, tuple(sessions[which]))


def test_what_the_server_refused_is_told(exercise):
    """`imaplib` only returns a NO, and lines that do not look at it go on."""
    said = [Said("S", "a1 NO [ALERT] of old")]
    box = exercise.start()
    speak(box, said)
    box = Box(exercise, box._world)
    assert "refused" not in box.check().advice
    said.append(Said("S", "a1 OK [UIDNEXT 3] done"))
    assert "refused" not in box.check().advice
    said += [Said("S", "* OK ready"), Said("C", "a2 NO command"), Said("S", "a2 NO [TRYCREATE] no `amy/Sent`")]
    assert box.check().advice == (
        exercise.untouched + " The server refused what you sent: `NO [TRYCREATE] no 'amy/Sent'`."
    )
    box.server.inbox.clear()
    assert "The server refused" in box.check().advice  # whatever the mistake
    box.server.inbox.append(LETTERS[0])
    assert box.check().status == "right"
    assert "refused" not in box.check().advice


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("a1 STORE 2 +FLAGS (Deleted)", r'`Deleted`, one of your own; with its backslash it is `r"(\Deleted)"`.'),
        (
            r"a1 UID STORE 2 FLAGS (\Answered seen)",
            r'`seen`, one of your own; with its backslash it is `r"(\Seen)"`.',
        ),
        ("a1 UID STORE 2 +FLAGS Deleted", r'`r"(\Deleted)"`.'),
        ("a1 UID STORE 2 -FLAGS.SILENT /Deleted", r'`r"(\Deleted)"`.'),
        (r"a1 UID STORE 2 +FLAGS \Deleted", ""),
        ("a1 APPEND Deleted (Seen) {17}", r'`r"(\Seen)"`.'),
        (
            "a1 STORE 2 -FLAGS (/Deleted)",
            r'`/Deleted`, one of your own; with its backslash (not a slash) it is `r"(\Deleted)"`.',
        ),
        (r"a1 STORE 2 +FLAGS (\Deleted Seen2)", ""),
        ("a1 APPEND Seen {17}", ""),
    ],
)
def test_a_flag_without_its_backslash_is_told(exercise, command, told):
    box = exercise.start()
    speak(box, [Said("C", command), Said("C", "a2 NOOP")], [Said("C", "a1 STORE 3 +FLAGS (\\Deleted)")])
    assert box.check().advice.partition(" You wrote the flag ")[2].endswith(told)
    assert ("You wrote" in box.check().advice) == bool(told)
    box.server.inbox.pop()
    assert "You wrote" not in box.check().advice


def test_a_flag_that_was_mended_is_not_told(exercise):
    box = exercise.start()
    speak(box, [Said("C", "a1 STORE 2 +FLAGS (Deleted)"), Said("C", r"a2 STORE 2 +FLAGS (\Deleted)")])
    assert box.check().advice == "Log in first."


_START = "box = exercises['99.1'].start()\n"


@pytest.mark.parametrize(
    ("cells", "never_ran"),
    [
        ([f"{_START}box.lost.save(", "box.check()"], True),
        ([f"{_START}box.lost.save(", "box.check()\n"], True),
        (["%time box.check()"], False),
        ([f"  {_START}box.check()", "box.check()\n", "box.check()"], True),
        (["1 / 0", "box.check()"], False),
        ([f"{_START}box.lost.save(", "box.server.inbox", "box.check()"], False),
        ([f"{_START}box.lost.save(", "box.server.inbox\nbox.check()"], False),
        (["print(box.server.inbox", "box.check()"], False),
        (["await server.wait()\n'\\D'", "box.check()"], False),
        (["box.check()"], False),
        ([], False),
    ],
)
def test_what_was_done_before_is_not_taken_for_a_cell_that_never_ran(exercise, monkeypatch, cells, never_ran):
    """After a SyntaxError `box` is still the earlier one, and its state is no answer to what was typed since."""
    ran = ["", "box.check(", _START]
    monkeypatch.setattr(sys.modules["__main__"], "In", ran, raising=False)
    box = exercise.start()
    box.server.inbox.pop()
    ran += cells
    verdict = box.check()
    assert (verdict.status, "Nothing of the cell before ran" in verdict.advice) == (
        ("not yet", True) if never_ran else ("right", False)
    )
    assert Progress().of("99.1") == ("open" if never_ran else "done")


def test_a_cell_that_started_the_box_is_not_taken_for_one_that_never_ran(exercise, monkeypatch):
    ran = ["", f"%%time\n{_START}"]  # which IPython can read, and Python cannot
    monkeypatch.setattr(sys.modules["__main__"], "In", ran, raising=False)
    box = exercise.start()
    ran.append("box.check()")
    assert box.check().advice == "Log in first."


def test_a_line_that_never_ran_is_told_beside_the_verdict(exercise, monkeypatch):
    """The cell that could not be read started nothing: `box` is the present one, and is judged."""
    ran = ["", _START]
    monkeypatch.setattr(sys.modules["__main__"], "In", ran, raising=False)
    box = exercise.start()
    ran += ["box.server.inbox.pop(", "box.check()"]
    verdict = box.check()
    assert (verdict.status, verdict.mistake) == ("not yet", None)
    assert verdict.advice.startswith("Log in first. The cell before did not run. `SyntaxError` or")
    box.server.inbox[0] = replace(LETTERS[0], flags=frozenset({"\\Seen"}))
    assert box.check().advice.endswith(", and run that cell again."), "it may mend the rest, too"
    ran.append("%time box.check()")
    assert "did not run" not in box.check().advice, "this is no bare check, and it runs"


@pytest.mark.slow
def test_a_kernel_tells_what_never_ran():
    page = nbformat.v4.new_notebook()
    for source in (
        "from mailkit.scenes.lesson00 import exercises",
        'box = exercises["00.2"].start()\nbox.laptop.throw_away(2)\nbox.check()',
        'box = exercises["00.3"].start()\nbox.phone.save((\nbox.check()',
        "box.check()",
        'box = exercises["00.3"].start()\nbox.check()',
    ):
        page.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": ["raises-exception"]}))
    run(page, Path("page.ipynb"))
    said = [cell.outputs[0].get("data", {}).get("text/plain", "") for cell in page.cells if cell.outputs]
    assert [words[:1] for words in said] == ["✓", "", "…", "…"]
    assert "Nothing of the cell before ran" in said[2]
    assert "Both are still empty" in said[3]


@pytest.mark.filterwarnings("error")
def test_which_cells_python_can_read():
    for cell, unread in {"await one()": "", "'\\D'": "", "for": "for", "one\0": "one\0"}.items():
        assert never_ran([cell, "box.check()"]) == unread


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("box.server.inbox\nserver.inbox", "You wrote `server`; this exercise has its own: `box.server`."),
        (
            "empty(box)",
            "You wrote `empty`, which takes the lesson's `server`; this exercise has its own: `box.server`.",
        ),
        ("while box.server.inbox:\n    return server", ""),  # which Python cannot read
        ("server = box.server\nserver.inbox", ""),
        ("for server in (box.server,):\n    server.inbox", ""),
        ("with open(box.server) as server:\n    server.inbox", ""),
        ("def empty(server):\n    server.inbox\nempty(box.server)", ""),
        ("def server():\n    return 1\nserver(box.check())", ""),
        ("(lambda server: server.inbox)(box.server)", ""),
        ("[server.inbox for server in (box.server,)]", ""),  # `symtable` calls it the notebook's, from Python 3.12 on
        ("box.server.server(server=1)", ""),
    ],
)
def test_what_was_taken_from_the_lesson_instead_is_told(exercise, monkeypatch, lines, told):
    """The lesson's own `server` and functions are at hand, too, and nothing that is done with them changes the box."""
    page = ModuleType("__main__")
    exec("def empty(box):\n    server.inbox.clear()\nserver = None", vars(page))
    page.In = ["", "server.inbox", _START + lines]
    monkeypatch.setitem(sys.modules, "__main__", page)
    assert exercise.start().check().advice == f"Log in first. {told}".strip()


_LESSON = "def empty():\n    server.inbox.clear()"
_TOLD = "You wrote `server`; this exercise has its own: `box.server`."
_OLD_LINE = "You wrote `pop`, which was connected before this `box` was made: connect anew."
_OUTER = _TOLD.replace("`server`;", "`outer`, which takes the lesson's `server`;")


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ([_START, "one = box.server.inbox[0]", "server.inbox.remove(one)"], _TOLD),
        ([f"mine = {_START}", "mine.server.inbox[0], server.inbox"], _TOLD),
        ([f"{_START}server = type(server)()"], _TOLD),
        ([f"{_START}other = server"], _TOLD),
        (["def go():\n    global box\n    " + _START, "go()", "box.server, server"], _TOLD),
        ([f"{_START}async def look():\n    return server"], _TOLD),
        (["pop.sock = None", _START, "box.server, pop"], _OLD_LINE),
        (["pop.sock = None", _START, "pop = pop", "box.server, pop"], ""),
        ([f"{_START}def go():\n    global pop\n    pop = type(pop)('line')\ngo()\npop.sock = None", "box, pop"], ""),
        ([f"{_START}lines = [type(pop)('line')]\n[pop := line for line in lines]\npop.sock = None", "box, pop"], ""),
        ([_START, "server.inbox", _LESSON, "empty()"], ""),  # cells of the lesson
        ([f"{_START}one = 1", "one = server.inbox", "one, server"], ""),
        ([f"{_START}one = box.server", "one = server\none.inbox"], ""),
        ([f"{_START}import json", "json, server.inbox"], ""),
        ([_LESSON, f"{_START}server = box.server\nempty"], ""),
        (["own = eval('lambda: server', {})", f"{_START}own"], ""),  # a library's function has another `server`
        (["def own():\n    return box.server.inbox", f"{_START}own()"], ""),
        ([_LESSON, "def outer():\n    empty()\n    outer", f"{_START}outer"], _OUTER),
        ([f"{_START}class Mine:\n    server = box.server\n    inbox = server.inbox"], ""),
        (["pop.sock = None", _START, "class Mine:\n    pop = 1\nbox.server, pop"], _OLD_LINE),
        ([f"{_START}for server in (box.server,):\n    pass\nserver"], ""),
        ([f"{_START}for server in (box.server, box.other):\n    pass\nserver"], ""),
        ([f"{_START}try:\n    box.lost\nexcept AttributeError as server:\n    server"], ""),
    ],
)
def test_what_a_name_means_in_the_notebook_decides(exercise, monkeypatch, cells, told):
    """The cells run here, as in a kernel; one of the lesson's that is run meanwhile is none of the exercise's."""
    page = ModuleType("__main__")
    two_servers = replace(exercise, world=lambda: World(Server(), other=Server()))
    vars(page).update(exercises={"99.1": two_servers}, server=Server(), pop=ModuleType("line"), In=[""])
    monkeypatch.setitem(sys.modules, "__main__", page)
    for cell in cells:
        page.In.append(cell)
        exec(cell, vars(page))
    assert page.box.check().advice == f"Log in first. {told}".strip()


def test_what_is_to_be_taken_instead_is_told(exercise, monkeypatch):
    """A function that is handed to the box is given its own, and with the box's things it would be wrong."""
    page = ModuleType("__main__")
    page.In = ["", f"{_START}def poll(line):\n    pop, server"]
    monkeypatch.setitem(sys.modules, "__main__", page)
    instead = dict.fromkeys(("pop", "server"), "what `poll(pop)` is given")
    handed = replace(exercise, untouched="Log in first.\nThen go on.", instead=instead)
    assert handed.start().check().advice.splitlines() == [
        "Log in first.",
        "Then go on.",
        "You wrote `pop`; take what `poll(pop)` is given.",
        "You wrote `server`; take what `poll(pop)` is given.",
    ]


def test_logging_in_alone_changes_nothing(exercise):
    box = exercise.start()
    box.server.sessions = (SessionView("POP3", "TRANSACTION", "amy"),)
    assert box.check().status == "not yet"


def test_a_mistake_gets_its_own_advice(exercise):
    box = exercise.start()
    box.server.inbox.clear()
    verdict = box.check()
    assert (verdict.status, verdict.mistake) == ("not right", "too-many")
    assert Progress().of("99.1") == "tried"
    assert "<code" in verdict._repr_mimebundle_()["text/html"]


def test_a_change_nobody_foresaw_is_told(exercise):
    box = exercise.start()
    box.server.inbox[0] = replace(LETTERS[0], flags=frozenset({"\\Seen"}))
    assert "amy/INBOX: 1 with other flags" in box.check().advice


def test_mailboxes_made_and_removed_are_told_and_nothing_private(exercise):
    inbox = MailboxView("amy", "INBOX", 1, LETTERS)
    marked = SessionView("POP3", "TRANSACTION", "amy", marks=frozenset({1}))
    before, after = (Snapshot((inbox, MailboxView("amy", name, 2, ()))) for name in ("Old", "New"))
    assert "so far: mailbox amy/New made; mailbox amy/Old removed." in exercise.judge(before, after).advice
    before, after = (Snapshot((inbox,), devices=(DeviceView("_notes", (("lines", rows),)),)) for rows in (LETTERS, ()))
    assert "so far: little." in exercise.judge(before, after).advice
    before, after = Snapshot((inbox,), (marked,)), Snapshot((inbox,))
    assert "so far: little." in exercise.judge(before, after).advice, "marks taken back are none"


def test_what_the_server_refused_is_told_with_a_change_nobody_foresaw(exercise):
    box = exercise.start()
    box.server.inbox[0] = replace(LETTERS[0], flags=frozenset({"\\Seen"}))
    speak(box, [Said("S", "a1 NO [TRYCREATE] no Bills")])
    assert "hints are below. The server refused what you sent: `NO [TRYCREATE] no Bills`.\n" in box.check().advice


def test_what_is_not_right_begins_anew(exercise):
    """In the box as it is, many an advice cannot be followed any more."""
    box, anew = exercise.start(), "Mend your lines, and run the cell from its first line: that makes a new box."
    assert anew not in box.check().advice, "nothing has happened in it"
    box.server.inbox[0] = replace(LETTERS[0], flags=frozenset({"\\Seen"}))
    assert box.check().advice.endswith(f"\n{anew}")


def test_marks_of_an_open_session_are_a_change(exercise):
    box = exercise.start()
    box.server.sessions = (SessionView("POP3", "TRANSACTION", "amy", marks=frozenset({1})),)
    assert "amy: 1 marked for deletion" in box.check().advice


def test_starting_again_stops_the_earlier_world(exercise):
    first = exercise.start()
    second = exercise.start()
    assert first.server.stopped
    assert not second.server.stopped


def test_a_forgotten_box_goes_with_its_world(exercise):
    with set_aside():
        gone = weakref.ref(exercise.start().server)
        gc.collect()
    assert gone() is None


def test_a_box_says_what_it_has(exercise):
    box = exercise.start()
    missing = pytest.raises(AttributeError, match="has no 'laptop'; it has: before, check, server")
    with missing:
        _ = box.laptop
    with missing:
        box.laptop = Server()
    for name in ("server", "before"):
        with pytest.raises(AttributeError, match=rf"box\.{name} stays the one it is: change what is in it"):
            setattr(box, name, Server())
    assert "server" in repr(box)


def test_only_devices_are_photographed():
    class Laptop:
        name = "laptop"

        def snapshot(self) -> None: ...

    other, laptop = Server(), Laptop()
    world = World(Server(), laptop=laptop, other=other, script="text")
    assert world.snapshot().devices == (laptop,)
    world.stop()
    assert other.stopped


def test_a_verdict_is_words_before_colour():
    verdict = Verdict("99.1", "A < B", "not right", "Try <b>.\n`EOF`: again.")
    bundle = verdict._repr_mimebundle_()
    assert bundle["text/plain"] == "✗ Not right: exercise 99.1, A < B\nTry <b>.\n`EOF`: again."
    assert bundle["text/html"].startswith('<div role="status" '), "read out by a screen reader"
    assert "✗ Not right" in bundle["text/html"]
    assert "Try &lt;b&gt;.<br><code" in bundle["text/html"]
    assert "background-color:#ffffff;color:#000000" in bundle["text/html"]


def test_what_is_done_stays_done():
    Progress().note("99.1", "done")
    Progress().note("99.1", "tried")
    Progress().note("99.2", "tried")
    assert [Progress().of(key) for key in ("99.1", "99.2", "99.3")] == ["done", "tried", "open"]
    Progress().reset(["99.1"])
    assert [Progress().of(key) for key in ("99.1", "99.2")] == ["open", "tried"]


def test_a_guess_is_remembered():
    Progress().note_guess("How many?", "two")
    assert Progress().guess("How many?") == "two"
    assert Progress().guess("How few?") is None
    Progress().note_guess("How many?", 2)  # as no lesson does, but whoever writes in the file
    assert Progress().guess("How many?") is None


@pytest.mark.parametrize("damaged", ["{", "[]", '{"exercises": 3}', '{"exercises": {}}', "\xff"])
def test_a_damaged_file_is_moved_aside_and_said_so(tmp_path, damaged):
    path = tmp_path / "progress.json"
    path.write_text(damaged, "latin-1")
    with pytest.warns(UserWarning, match="progress starts anew"):
        Progress().note("99.1", "done")
    assert (tmp_path / "progress.json.damaged").read_text("latin-1") == damaged
    assert json.loads(path.read_text("utf-8"))["exercises"] == {"99.1": "done"}


def test_no_place_to_write_stops_nobody(tmp_path, monkeypatch, exercise):
    monkeypatch.setenv("MAILKIT_PROGRESS", str(tmp_path / "missing" / "progress.json"))
    box = exercise.start()
    box.server.inbox.pop()
    with pytest.warns(UserWarning, match="name another file in MAILKIT_PROGRESS") as told:
        assert box.check().status == "right"
    assert told[0].filename == __file__, "it is the learner's cell that is named, and no file of ours"


def test_a_write_leaves_one_file(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "another disk"))  # nothing can be put in place from there
    Progress().note("99.1", "tried")
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]


def test_a_write_that_fails_leaves_no_file(tmp_path, monkeypatch):
    def disk_full(*_args, **_options):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(json, "dump", disk_full)
    with pytest.warns(UserWarning, match="progress is not kept"):
        Progress().note("99.1", "tried")
    assert not [*tmp_path.iterdir()]


def test_progress_goes_where_it_is_told_or_where_it_may(tmp_path, monkeypatch):
    monkeypatch.setenv("MAILKIT_PROGRESS", "~/kept.json")
    assert Progress().path == Path.home() / "kept.json"
    monkeypatch.delenv("MAILKIT_PROGRESS")
    monkeypatch.setattr(os, "access", lambda path, mode: True)
    assert Progress().path == ROOT / "notebooks" / ".progress.json"
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # the course lies where only a teacher writes
    monkeypatch.chdir(tmp_path)
    assert Progress().path == Path.cwd() / ".progress.json"
