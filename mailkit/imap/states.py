"""The states of a session, which command is legal in which, how each is written, what it answers (RFC 3501 §3, §6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

OTHERS_TURN = b""  # a piece that says nothing: here the server may answer others first


@dataclass(frozen=True, slots=True)
class Reply:
    """A command's success; one that has nothing to say returns None instead.

    ``pieces`` come before the tagged OK; ``code`` is the response code in it; ``name`` says whose OK it is, as
    ``UID FETCH``, and is empty for the command as it was sent.
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
_SELECTED = {State.SELECTED: State.SELECTED}
_DESELECT = {State.SELECTED: State.AUTHENTICATED}

COMMANDS: Mapping[str, Mapping[State, State]] = {
    **dict.fromkeys(("CAPABILITY", "NOOP", "ID"), _ANY),
    "LOGOUT": dict.fromkeys(_ANY, State.LOGOUT),
    "STARTTLS": {State.NOT_AUTHENTICATED: State.NOT_AUTHENTICATED},
    **dict.fromkeys(("AUTHENTICATE", "LOGIN"), _LOGIN),
    **dict.fromkeys(("SELECT", "EXAMINE"), dict.fromkeys(_LOGGED_IN, State.SELECTED)),
    **dict.fromkeys(("CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE", "LIST", "LSUB", "STATUS"), _LOGGED_IN),
    **dict.fromkeys(("APPEND", "NAMESPACE", "GETQUOTA", "GETQUOTAROOT", "IDLE"), _LOGGED_IN),
    "CHECK": _SELECTED,
    **dict.fromkeys(("CLOSE", "UNSELECT"), _DESELECT),
    **dict.fromkeys(("EXPUNGE", "SEARCH", "FETCH", "STORE", "COPY", "MOVE", "UID"), _SELECTED),
}
"""For each command, the states where it is legal, and the state after it has succeeded."""

ARGUMENTS: Mapping[str, str] = {  # a command not named here takes none, and is refused with any
    "ID": "NIL",
    "AUTHENTICATE": "PLAIN [initial-response]",
    "LOGIN": "user password",
    **dict.fromkeys(("SELECT", "EXAMINE", "CREATE", "DELETE", "SUBSCRIBE", "UNSUBSCRIBE", "GETQUOTAROOT"), "mailbox"),
    "RENAME": "mailbox new-name",
    **dict.fromkeys(("LIST", "LSUB"), "reference pattern"),
    "STATUS": "mailbox (MESSAGES UNSEEN ...)",
    "APPEND": "mailbox [(flags)] [date-time] literal",
    "GETQUOTA": "quota-root",
    "SEARCH": "[CHARSET charset] criteria",
    "FETCH": "set items",
    "STORE": "set FLAGS (flags), or +FLAGS, or -FLAGS",
    **dict.fromkeys(("COPY", "MOVE"), "set mailbox"),
    "UID": "FETCH, STORE, SEARCH, COPY, MOVE or EXPUNGE, and its arguments",
}
REMEDY = {State.NOT_AUTHENTICATED: "send LOGIN first", State.AUTHENTICATED: "SELECT a mailbox first"}
