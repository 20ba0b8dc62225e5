"""The states of a session, which command is legal in which, how each is written, what it answers (RFC 3501 §3, §6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

OTHERS_TURN = b""  # a piece that says nothing: here the server may answer others first


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command has to say before its tagged OK, piece by piece; the response code in that OK; whose OK it is.

    ``name`` is empty, for the command that was sent, or ``UID FETCH`` and the like.
    """

    pieces: Iterable[bytes] = ()
    code: str = ""
    name: str = ""


class State(Enum):
    """Where a session is (RFC 3501 §3)."""

    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"


_ANY = {state: state for state in (State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED)}
_LOGIN = {State.NOT_AUTHENTICATED: State.AUTHENTICATED}
_LOGGED_IN = {State.AUTHENTICATED: State.AUTHENTICATED, State.SELECTED: State.SELECTED}
_SELECT = {State.AUTHENTICATED: State.SELECTED, State.SELECTED: State.SELECTED}
_SELECTED = {State.SELECTED: State.SELECTED}
_DESELECT = {State.SELECTED: State.AUTHENTICATED}

COMMANDS: Mapping[str, Mapping[State, State]] = {
    "CAPABILITY": _ANY,
    "NOOP": _ANY,
    "ID": _ANY,
    "LOGOUT": dict.fromkeys(_ANY, State.LOGOUT),
    "STARTTLS": {State.NOT_AUTHENTICATED: State.NOT_AUTHENTICATED},
    "AUTHENTICATE": _LOGIN,
    "LOGIN": _LOGIN,
    "SELECT": _SELECT,
    "EXAMINE": _SELECT,
    "CREATE": _LOGGED_IN,
    "DELETE": _LOGGED_IN,
    "RENAME": _LOGGED_IN,
    "SUBSCRIBE": _LOGGED_IN,
    "UNSUBSCRIBE": _LOGGED_IN,
    "LIST": _LOGGED_IN,
    "LSUB": _LOGGED_IN,
    "STATUS": _LOGGED_IN,
    "APPEND": _LOGGED_IN,
    "NAMESPACE": _LOGGED_IN,
    "GETQUOTA": _LOGGED_IN,
    "GETQUOTAROOT": _LOGGED_IN,
    "IDLE": _LOGGED_IN,
    "CHECK": _SELECTED,
    "CLOSE": _DESELECT,
    "UNSELECT": _DESELECT,
    "EXPUNGE": _SELECTED,
    "SEARCH": _SELECTED,
    "FETCH": _SELECTED,
    "STORE": _SELECTED,
    "COPY": _SELECTED,
    "MOVE": _SELECTED,
    "UID": _SELECTED,
}
"""For each command, the states where it is legal, and the state after it has succeeded."""

ARGUMENTS: Mapping[str, str] = {  # a command not named here takes none
    "ID": "NIL",
    "AUTHENTICATE": "PLAIN [initial-response]",
    "LOGIN": "user password",
    "SELECT": "mailbox",
    "EXAMINE": "mailbox",
    "CREATE": "mailbox",
    "DELETE": "mailbox",
    "RENAME": "mailbox new-name",
    "SUBSCRIBE": "mailbox",
    "UNSUBSCRIBE": "mailbox",
    "LIST": "reference pattern",
    "LSUB": "reference pattern",
    "STATUS": "mailbox (MESSAGES UNSEEN ...)",
    "APPEND": "mailbox [(flags)] [date-time] literal",
    "GETQUOTA": "quota-root",
    "GETQUOTAROOT": "mailbox",
    "SEARCH": "[CHARSET charset] criteria",
    "FETCH": "set items",
    "STORE": "set FLAGS (flags), or +FLAGS, or -FLAGS",
    "COPY": "set mailbox",
    "MOVE": "set mailbox",
    "UID": "FETCH, STORE, SEARCH, COPY, MOVE or EXPUNGE, and its arguments",
}
REMEDY = {
    State.NOT_AUTHENTICATED: "send LOGIN first",
    State.AUTHENTICATED: "SELECT a mailbox first",
}
