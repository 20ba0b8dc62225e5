"""What a learner has run in the notebook: cells that Python cannot read, and names taken from elsewhere than meant."""

from __future__ import annotations

import ast
import dis
import inspect
import sys
import warnings
from collections.abc import Iterator
from types import CodeType
from typing import Any


def cells_run() -> list[str]:
    """Return the notebook's cells in the order in which they were run, the one that runs now among them."""
    return list(getattr(sys.modules["__main__"], "In", ()))  # IPython's own list; elsewhere there is none


def never_ran(cells: list[str]) -> str:
    """Return the last cell that was more than a bare check, if Python cannot read it and this one is a bare check."""
    if not cells or cells[-1].strip() != "box.check()":
        return ""
    source = next((cell for cell in reversed(cells) if cell.strip() != "box.check()"), "")
    return "" if _read(source) else source


def _read(source: str) -> CodeType | None:
    """Read a cell as Python does; None where it cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of a "\D"
        try:
            code: CodeType = compile(source, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except (SyntaxError, ValueError):
            return None
    return code


def taken_elsewhere(cells: list[str], things: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield each name that the exercise's cells take and that is none of the box's things, with those it was taken for.

    It is called as one of them is, or it is a function of the notebook that takes what is called so there; or it is a
    line to a server from before the box, taken for none. The exercise's cells are the first, which makes the box, and
    those that take what another of them has set: no cell of the lesson does.
    """
    page = vars(sys.modules["__main__"])
    taken, own, since = set[str](), {"box"}, set[str]()
    for at, code in enumerate(filter(None, map(_read, cells))):
        takes, sets = _names(code)
        since |= sets
        if at and own.isdisjoint(takes - sets):
            own -= sets
        else:
            taken |= takes
            own |= {name for name in sets if not inspect.ismodule(page.get(name))}

    def is_elsewhere(thing: str) -> bool:
        found = page.get(thing)
        made_anew = hasattr(found, "snapshot")  # a device, and no list of the learner's
        return not any(found is one for one in things.values()) and (thing not in own or made_anew)

    for name in sorted(taken):
        meant = {name} & things.keys() or (set[str]() if name in own else _taken_by(name, page))
        if elsewhere := sorted(filter(is_elsewhere, things.keys() & meant)):
            yield name, elsewhere
        elif name not in since and hasattr(page.get(name), "sock"):
            yield name, []


def _taken_by(name: str, page: dict[str, Any], callers: frozenset[str] = frozenset()) -> set[str]:
    """Return the names that a function of the notebook takes from there, itself or by another such function."""
    found = page.get(name)
    if name in callers or not inspect.isfunction(found) or found.__globals__ is not page:
        return set()
    takes, _ = _names(found.__code__)
    return takes.union(*(_taken_by(one, page, callers | {name}) for one in takes))


def _names(code: CodeType) -> tuple[set[str], set[str]]:
    """Return the notebook's names that code takes, its functions among it, and those that it sets."""
    steps = [(step.opname, step.argval) for step in dis.get_instructions(code)]
    takes = {name for what, name in steps if what in ("LOAD_NAME", "LOAD_GLOBAL")}
    sets = {name for what, name in steps if what in ("STORE_NAME", "STORE_GLOBAL")}
    for inner in filter(inspect.iscode, code.co_consts):
        inner_takes, inner_sets = _names(inner)
        takes |= inner_takes - inner_sets
        if inner.co_flags & inspect.CO_OPTIMIZED:  # a function; what a class sets is its own
            sets |= inner_sets
    return takes, sets
