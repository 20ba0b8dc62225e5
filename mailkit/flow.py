"""What leads to what: a session's states with the commands between them, and a letter's way from hop to hop."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, TypeVar

from mailkit import render
from mailkit.layout import new_page, place
from mailkit.render import Picture, bold, clean, label, svg_from_dot, svg_size

State = TypeVar("State", bound=Enum)
_Ways = dict[State, dict[State, list[str]]]
_ROW, _WIDE, _BETWEEN, _LINE = 4, 160, 80, 15  # hops in a row; px: a hop, from hop to hop, a line of text


def show_states(table: Mapping[str, Mapping[State, State]], now: State | None = None, protocol: str = "") -> Picture:
    """Draw a session's states and the commands that are legal in each, from the table that the session obeys.

    Takes a ``COMMANDS`` table (command → state where it is legal → state after it succeeded), the state to
    point out, and the protocol's name. Raises `ValueError` for a state that the table does not have.
    """
    first = next(state for states in table.values() for state in states)
    used = {state for states in table.values() for pair in states.items() for state in pair}
    states = [state for state in type(first) if state in used]
    now = next((state for state in states if now in (state, state.value)), now)
    if now is not None and now not in states:
        raise ValueError(f"{now} is not a state of this table; these are: {', '.join(str(s.value) for s in states)}")
    ways = {state: _ways(table, state, states) for state in states}
    title = f"States of a{'n' * protocol.startswith('I')} {protocol or 'mail'} session"
    words = [f"{title}, each with its commands:"]
    for state, leads in ways.items():
        words.append(f"{'*' if state is now else ' '} {state.value}{' (now)' if state is now else ''}")
        for to, commands in leads.items():
            said = f"{_verb(state, to)}: {', '.join(commands) or 'by itself'}"
            words += textwrap.wrap(said, 60, initial_indent="    ", subsequent_indent="      ")
    pointed = f", now {now.value}" if now else ""
    alt = f"{title}{pointed}: {', '.join(str(state.value) for state in states)}."
    return Picture("\n".join(words), _draw_states(ways, now), alt)


def _ways(table: Mapping[str, Mapping[State, State]], state: State, order: Sequence[State]) -> dict[State, list[str]]:
    """Return where the commands lead from a state: the state after → commands, staying first.

    A state without commands passes to the next by itself.
    """
    targets = {states[state] for states in table.values() if state in states}
    ordered = sorted(targets, key=lambda to: (to is not state, order.index(to)))
    following = order[order.index(state) + 1 :][:1]
    leads = {to: [command for command, states in table.items() if states.get(state) is to] for to in ordered}
    return leads or {to: [] for to in following}


def _verb(state: Enum, to: Enum) -> str:
    return "stays" if to is state else f"to {to.value}"


def _draw_states(ways: _Ways[State], now: State | None) -> str:
    across = svg_from_dot(_states_dot(ways, now, "LR", 26))
    return across if svg_size(across)[0] <= render.WIDEST else svg_from_dot(_states_dot(ways, now, "TB", 44))


def _states_dot(ways: _Ways[State], now: State | None, direction: str, room: int) -> str:
    import graphviz

    page = graphviz.Digraph(
        graph_attr={"rankdir": direction, "pad": "0.14", "nodesep": "0.35", "ranksep": "0.35"},
        node_attr={"fontname": "Arial", "fontsize": "12", "shape": "box", "style": "rounded,filled",
                   "color": render.RIM, "fillcolor": render.SERVER_FILL, "margin": "0.12,0.09"},
        edge_attr={"fontname": "Arial", "fontsize": "11", "arrowsize": "0.8", "color": "#444444"},
    )  # fmt: skip
    page.node("start", "", shape="circle", width="0.13", fixedsize="true", color="black", fillcolor="black")
    names = {state: f"state{at}" for at, state in enumerate(ways)}
    order = list(ways)
    page.edge("start", names[next(iter(ways))])
    for state, leads in ways.items():
        stays = textwrap.wrap(f"stays: {', '.join(leads[state])}", room) if state in leads else []
        title = bold(f"{state.value} (now)" if state is now else str(state.value))
        style = {"class": "state now", "penwidth": "3", "color": render.BLUE} if state is now else {"class": "state"}
        page.node(names[state], label(title, *stays, justify="n"), **style)
        for to, commands in leads.items():
            if to is not state:
                lines = [f"  {line}  " for line in textwrap.wrap(", ".join(commands), 18)]
                # Room between the words and their line; at an empty line of an xlabel the renderer goes astray.
                if direction == "LR" and order.index(to) > order.index(state) + 1:  # beneath the states between
                    words = {"xlabel": label(*["\u00a0"] * bool(lines), *lines, justify="n")}
                else:
                    words = {"label": label(*lines, *[""] * bool(lines), justify="n")}
                page.edge(names[state], names[to], **words)
    return str(page.source)


def show_route(hops: Sequence[tuple[str, str, str]]) -> Picture:
    """Draw a letter's way. An arrow starts at the program that opens the connection: push, then pull.

    Takes the hops in the letter's order, each a name, a role (MUA, MSA, MTA, MDA, store: RFC 5598 §4) and a
    note; one "with LMTP" was reached so, all others by SMTP. What comes after the store pulls from it with POP or
    IMAP. Raises `ValueError` where there is no hop.
    """
    if not hops:
        raise ValueError("no hops to draw; pass a list of (name, role, note)")
    links = list(_links(hops))
    words = []
    for at, (name, role, note) in enumerate(hops):
        words += [f"  {links[at - 1]}"] if at else []
        words.append(f"{clean(role)} {clean(name)}{f': {clean(note)}' if note else ''}")
    alt = f"The way of a letter: {', '.join(clean(role) for _, role, _ in hops)}."
    return Picture("\n".join(words), _draw_route(hops, links), alt)


def _links(hops: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    for (_, role, _), (_, following, note) in itertools.pairwise(hops):
        if role.lower() == "store":
            yield "↑ pull: POP or IMAP"
        else:
            spoken = "LMTP" if "LMTP" in note.split() else "SMTP"
            yield "↓ into the store" if following.lower() == "store" else f"↓ push: {spoken}"


def _draw_route(hops: Sequence[tuple[str, str, str]], links: Sequence[str]) -> str:
    page = new_page(0.14, splines="line", color=render.RIM)
    cards = [_card(*hop) for hop in hops]
    tall = 14 + _LINE * max(map(len, cards))
    for at, card in enumerate(cards):
        x, y = _where(at, tall)
        fill = render.DEVICE_FILL if hops[at][1].upper() == "MUA" else render.SERVER_FILL
        place(page, f"hop{at}", (x, y, x + _WIDE, y + tall), card, style="rounded,filled", fillcolor=fill)
        if at:
            _link(page, at, tall, links[at - 1])
    return svg_from_dot(page.source, "nop")


def _card(name: str, role: str, note: str) -> list[str]:
    return [bold(clean(role)), *textwrap.wrap(clean(name), 25)[:2], *textwrap.wrap(clean(note), 25)[:4]]


def _where(at: int, tall: int) -> tuple[int, int]:
    """Return a hop's left and top: rows of four, there and back like a furrow."""
    row, column = divmod(at, _ROW)
    return (_ROW - 1 - column if row % 2 else column) * (_WIDE + _BETWEEN), row * (tall + 44)


def _link(page: Any, at: int, tall: int, words: str) -> None:
    """Draw the arrow between a hop and the one before it, with its words beside it."""
    pull, text = words[0] == "↑", words[2:].split(": ")
    (x, y), turned = _where(at, tall), at % _ROW == 0
    before, after = ("s", "n") if turned else ("w", "e") if at // _ROW % 2 else ("e", "w")
    page.edge(f"hop{at - 1}:{before}", f"hop{at}:{after}", dir="back" if pull else "forward")
    left = x + _WIDE // 2 + 10 if turned else x + _WIDE + 4 if at // _ROW % 2 else x - _BETWEEN + 4
    top = y - 42 if turned else y + tall // 2 - 36
    place(page, f"link{at}", (left, top, left + 70, top + 34), text, shape="none", fontsize="11", margin="0,0")
