"""Every statement is proved by mutation: when the world is wrong, the cell that claims the statement fails.

A lesson's code cells run here in one namespace, as in a notebook, while one rule of `tests/mutations.py` is broken.
A cell has noticed when its own ``assert`` fails, or its prediction is revealed to be something else; a picture or a
line that merely looks different (`nbval` sees those) does not prove a statement.
"""

from __future__ import annotations

import ast
import functools
import gc
import io
import sys
import warnings
from collections import defaultdict
from contextlib import redirect_stdout
from types import TracebackType
from typing import Any

import pytest
from IPython.lib.pretty import pretty
from nbformat import NotebookNode

from mailkit.widgets import twin
from tests import mutations as wrong
from tests import notebooks
from tests.garbage import set_aside
from tests.test_exercises import stop_all
from tests.test_notebooks import STATEMENTS

pytestmark = pytest.mark.slow

PROOFS = {  # statement → the cell that claims it → what it must notice
    "S1": {  # the way of a mail; what an MTA is
        "02 send": [wrong.the_first_server_keeps_the_letter],
        "02 heard": [wrong.the_laptop_delivers_itself],
        "02 whole-way": [wrong.the_second_server_leaves_no_trace],
    },
    "S2": {  # delivering and collecting paper mail
        "01 delivery": [wrong.the_postman_comes_into_the_house, wrong.the_postman_loses_letters],
    },
    "S3": {  # take it home
        "01 way-1-out": [wrong.quit_removes_nothing],
    },
    "S4": {  # read it at the box
        "01 way-2-sorted": [wrong.copy_and_move_lose_the_letter],
    },
    "S5": {  # take it home: the box is emptied, read in peace, keep it where you like
        "01 way-1-out": [wrong.quit_removes_nothing],
        "01 road": [wrong.home_has_no_folders],
        "03 read-in-peace": [wrong.quit_removes_nothing],
    },
    "S6": {  # take it home: room at home, you must go home to read, fire
        "01 fire": [wrong.fire_spares_the_home, wrong.quit_removes_nothing],
        "01 travelling": [wrong.quit_removes_nothing],
        "01 twice": [wrong.a_device_keeps_no_letter_twice],
        "03 phone": [wrong.quit_removes_nothing],
        "03 stolen": [wrong.fire_spares_the_home, wrong.quit_removes_nothing],
    },
    "S7": {  # read it at the box: one place, simple, safe from trouble at home
        "01 fire": [wrong.copy_and_move_lose_the_letter],
        "01 second-home": [wrong.copy_and_move_lose_the_letter],
        "04 phone": [wrong.flags_stay_in_their_session],
    },
    "S8": {  # read it at the box: you must go there, and it must be locked
        "01 lock": [wrong.without_a_key_the_box_looks_empty],
        "01 road": [wrong.the_road_is_never_closed],
        "04 price": [wrong.any_password_opens],
        "04 no-line": [wrong.no_line_is_ever_cut],
        "07 lock": [wrong.any_password_opens],
        "07 wire": [wrong.pop3_begins_with_tls],
        "07 ways": [wrong.certificates_are_not_checked],
    },
    "S9": {  # both serve to get at received mail; a mail program speaks to a POP server or an IMAP server
        "03 two-steps": [wrong.pop3_has_a_box_of_its_own],
        "04 two-steps": [wrong.pop3_has_a_box_of_its_own],
    },
    "S10": {  # what POP and POP3 mean
        "03 connect": [wrong.pop3_does_not_say_its_name],
    },
    "S11": {  # POP is way 1
        "03 read-in-peace": [wrong.quit_removes_nothing],
    },
    "S12": {  # why dial-up made it useful
        "03 dial": [wrong.calls_cost_the_same_however_long, wrong.a_modem_is_as_fast_as_fibre],
    },
    "S13": {  # POP: one device; device lost, mail lost
        "03 phone": [wrong.quit_removes_nothing],
        "03 stolen": [wrong.fire_spares_the_home],
        "05 lost": [wrong.quit_removes_nothing, wrong.fire_spares_the_home],
        "05 mixed": [wrong.quit_removes_nothing],
    },
    "S14": {  # what IMAP means
        "04 seen": [wrong.peek_marks_as_read, wrong.nothing_marks_as_read, wrong.fetch_takes_the_letter_out],
        "05 new": [wrong.the_server_is_lost_with_the_laptop],
    },
    "S15": {  # IMAP is way 2; reach it from anywhere
        "04 seen": [wrong.fetch_takes_the_letter_out],
        "05 new": [wrong.the_server_is_lost_with_the_laptop],
    },
    "S16": {  # every device shows the same
        "04 phone": [wrong.flags_stay_in_their_session],
        "05 read": [wrong.flags_stay_in_their_session],
        "05 table": [wrong.append_stores_nothing, wrong.flags_stay_in_their_session],
    },
    "S17": {  # IMAP needs a connection; offline views exist
        "05 offline": [wrong.imap_works_without_a_line, wrong.imap_keeps_no_cache],
    },
    "S18": {  # in two steps: a client connects, the client retrieves; POP beside IMAP
        "03 two-steps": [wrong.quit_removes_nothing, wrong.fetch_takes_the_letter_out],
        "04 two-steps": [wrong.quit_removes_nothing, wrong.fetch_takes_the_letter_out],
        "08 two-steps": [wrong.quit_removes_nothing, wrong.fetch_takes_the_letter_out],
    },
    "S19": {  # POP3 can leave mail on the server
        "06 first-poll": [wrong.retr_takes_the_letter_out, wrong.retr_deletes_at_quit],
    },
    "S20": {  # the mail program must be told
        "06 four-programs": [wrong.pop_leaves_mail_whatever_is_ticked, wrong.letters_never_grow_old],
    },
    "S21": {  # the two can look alike; IMAP fits several devices
        "05 table": [wrong.append_stores_nothing],
        "08 two-steps": [wrong.retr_takes_the_letter_out],
        "08 devices": [wrong.flags_stay_in_their_session],
    },
    "S22": {  # IMAP if you have the choice
        "08 devices": [wrong.flags_stay_in_their_session],
        "08 decide-none": [wrong.the_helper_prefers_pop],
    },
}

BEYOND = {  # what lessons show besides the statements
    "00 pop-phone": [wrong.quit_removes_nothing],
    "02 stranger": [wrong.open_relay],
    "02 envelope": [wrong.the_header_decides_who_gets_it],
    "03 retr": [wrong.retr_takes_the_letter_out],
    "03 dele": [wrong.dele_removes_at_once],
    "03 cable": [wrong.a_dropped_line_commits],
    "03 in-use": [wrong.no_maildrop_lock],
    "04 deleted": [wrong.flags_stay_in_their_session],
    "04 riddle": [wrong.expunge_tells_the_old_numbers],
    "04 leaving": [wrong.logout_expunges],
    "04 wrong": [wrong.removals_are_never_told],
    "04 right": [wrong.a_uid_is_a_number],
    "05 live": [wrong.idle_never_pushes],
    "05 backup": [wrong.a_cache_is_a_backup],
    "06 day-15": [wrong.letters_never_grow_old],
    "06 ledger-poll": [wrong.uidls_change_at_each_login],
    "06 lose": [wrong.a_device_keeps_no_letter_twice],
    "06 full": [wrong.quota_is_not_kept],
    "06 no-news": [wrong.a_session_sees_new_mail],
    "06 age": [wrong.letters_are_old_at_once],
    "07 tls": [wrong.tls_hides_nothing],
    "07 man": [wrong.certificates_are_not_checked],
    "07 door": [wrong.guessing_is_never_stopped],
    "08 count-both": [wrong.append_stores_nothing],
}

LOOKS = {  # what only looks different; `nbval` compares the page
    "03 retr": [wrong.retr_marks_as_read],
}

NOTICED = {**{f"{one} {where}": broken for one, cells in PROOFS.items() for where, broken in cells.items()}, **BEYOND}
CASES = [(label, mutation) for label, broken in NOTICED.items() for mutation in broken]


def place(label: str) -> tuple[str, str]:
    """Return lesson and cell: ``S8 01 road`` → ``01``, ``road``."""
    number, cell_id = label.split()[-2:]
    return number, cell_id


def full_name(number: str) -> str:
    """Return a lesson's name by its number."""
    return next(name for name in notebooks.LESSONS if name.startswith(number))


def cells_of_interest() -> dict[tuple[str, Any], set[str]]:
    """Return for each lesson and mutation the cells that must notice it; with None, all that must not."""
    wanted = defaultdict(set)
    for label, broken in [*NOTICED.items(), *LOOKS.items()]:
        number, cell_id = place(label)
        for mutation in (*broken, None):
            wanted[number, mutation].add(cell_id)
    return wanted


@functools.cache
def run(number: str, mutation: Any = None) -> dict[str, str]:
    """Run a lesson up to its last cell of interest; return how each cell has noticed that something is wrong.

    "" nothing; "assert …" or "revealed …", as a proof needs it; "looks different"; else the error's class and words.
    """
    name, wanted = full_name(number), cells_of_interest()[number, mutation]
    cells = [one for one in notebooks.code_cells(name) if not notebooks.EXERCISE.fullmatch(one.id)]
    last = max(at for at, one in enumerate(cells) if one.id in wanted)
    with pytest.MonkeyPatch.context() as patch, set_aside(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # a world gone wrong leaves lines open
        patch.setattr(twin, "display", lambda bundle, **_: print(bundle["text/plain"]))
        forget_scenes()
        if mutation:
            mutation(patch)
        namespace: dict[str, Any] = {"__name__": "__main__"}
        try:
            return {one.id: noticed(one, namespace) for one in cells[: last + 1]}
        finally:
            stop_all(namespace.values())
            namespace.clear()
            forget_scenes()
            gc.collect()


def forget_scenes() -> None:
    """Let scenes play anew what they remember to have played."""
    for name, module in list(sys.modules.items()):
        if name.startswith("mailkit.scenes."):
            for thing in vars(module).values():
                if hasattr(thing, "cache_clear"):
                    thing.cache_clear()


def noticed(one: NotebookNode, namespace: dict[str, Any]) -> str:
    """Run a cell; say how it fails, or differs from what is committed."""
    tree = ast.parse(one.source)
    last = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None
    page = io.StringIO()
    try:
        with redirect_stdout(page):
            exec(compile(tree, one.id, "exec"), namespace)
            if last and (value := eval(compile(last, one.id, "eval"), namespace)) is not None:
                print(in_words(value))
    except AssertionError as error:
        return f"assert: {error}" if raised_in(error.__traceback__, one.id) else f"AssertionError: {error}"
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        return f"revealed: {error}" if isinstance(error, ValueError) and "the experiment gave" in words else words
    found, committed = page.getvalue(), committed_words(one)
    if answers(found) != answers(committed):
        return f"revealed: {answers(found)}, not {answers(committed)}"
    return "" if found == committed else "looks different"


def in_words(value: Any) -> str:
    """Return what a page shows of a cell's last expression."""
    return value._repr_mimebundle_()["text/plain"] if hasattr(value, "_repr_mimebundle_") else pretty(value)


def committed_words(one: NotebookNode) -> str:
    """Return what the committed page shows, in words."""
    shown = [output for output in one.outputs if output.output_type != "error"]
    return "".join(output.get("text") or output.data["text/plain"] + "\n" for output in shown)


def answers(page: str) -> list[str]:
    """Return the answers that predictions got."""
    return [line for line in page.splitlines() if line.startswith("It is: ")]


def raised_in(trace: TracebackType | None, place: str) -> bool:
    """Tell whether an error comes from a cell's own line."""
    while trace and trace.tb_next:
        trace = trace.tb_next
    return bool(trace) and trace.tb_frame.f_code.co_filename == place


@pytest.mark.parametrize(("label", "mutation"), CASES, ids=lambda one: getattr(one, "__name__", one))
def test_a_wrong_world_is_noticed(label, mutation):
    number, cell_id = place(label)
    assert run(number, mutation)[cell_id].startswith(("assert: ", "revealed: ")), run(number, mutation)


@pytest.mark.parametrize("label", LOOKS)
def test_a_wrong_world_looks_different(label):
    number, cell_id = place(label)
    for mutation in LOOKS[label]:
        assert run(number, mutation)[cell_id], mutation.__doc__


@pytest.mark.parametrize("number", sorted({number for number, _ in cells_of_interest()}))
def test_the_right_world_is_as_committed(number):
    assert not {cell_id: words for cell_id, words in run(number).items() if words}


def test_every_claim_is_proved():
    claims = {
        (tag, f"{name[:2]} {cell.id}")
        for name in notebooks.LESSONS
        for cell in notebooks.code_cells(name)
        for tag in notebooks.tags(cell)
        if tag in STATEMENTS
    }
    assert claims == {(statement, where) for statement, cells in PROOFS.items() for where in cells}
    assert set(PROOFS) == STATEMENTS
    assert all(broken for cells in PROOFS.values() for broken in cells.values())


def test_every_mutation_is_used():
    made = {name for name, thing in vars(wrong).items() if getattr(thing, "__module__", "") == wrong.__name__}
    used = {mutation for _, mutation in CASES} | {mutation for broken in LOOKS.values() for mutation in broken}
    assert {name for name in made if name[0] != "_"} == {mutation.__name__ for mutation in used}
    assert all(mutation.__doc__ for mutation in used)
