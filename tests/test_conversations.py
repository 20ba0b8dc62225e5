"""Conversations with the server, written as the RFCs write theirs: see `tests/conversations/README.md`."""

import contextlib

import pytest

import tests.dovecot
from tests.conversation import FOLDER, Answer, Direct, OverDovecot, OverMailServer, Play, read

FILES = sorted(FOLDER.glob("*/*.txt"))


def every(files):
    return pytest.mark.parametrize("path", files, ids=[f"{path.parent.name}/{path.stem}" for path in files])


@pytest.mark.parametrize(
    ("version", "said"),
    [("", "S"), ("2.3.19.1", "D"), ("2.3.21", "D"), ("2.4.1", "D 2.4"), ("2.4.2", "D 2.4.2"), ("2.4.10", "D 2.4.2")],
)
def test_what_dovecot_says_from_a_version_on(version, said):
    answer = Answer(1, ["S"], 1, {"": ["D"], "2.4.2": ["D 2.4.2"], "2.4": ["D 2.4"]})
    assert answer.by(version) == [said]


@pytest.mark.parametrize(
    "piece", [pytest.param(1 << 30, id="whole"), pytest.param(1, id="by-octets", marks=pytest.mark.slow)]
)
@every([path for path in FILES if path.stem != "too-many-connections"])  # of which one session knows nothing
def test_straight_into_the_session(path, piece):
    conversation = read(path)
    Play(conversation, Direct(conversation, piece)).run()


@pytest.mark.slow
@every(FILES)
def test_over_a_socket_in_small_pieces(path):
    conversation = read(path)
    with contextlib.closing(OverMailServer(conversation)) as server:
        Play(conversation, server).run()


@every([path for path in FILES if path.parent.name != "smtp"])
def test_with_dovecot(path, dovecot, request):
    conversation = read(path)
    known = conversation.without_dovecot
    if reason := known.get("") or known.get(dovecot.version[:3]):
        pytest.skip(reason)
    if conversation.slow_with_dovecot and not request.config.getoption("--slow"):
        pytest.skip(f"{conversation.slow_with_dovecot}; played with --slow")
    with contextlib.closing(OverDovecot(conversation, dovecot)) as server:
        Play(conversation, server, dovecot.version).run()


def test_dovecot_tells_dates_in_utc_wherever_it_runs(dovecot, monkeypatch):
    """Else a machine in another zone would find five faults that are none."""
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    conversation = read(FOLDER / "imap" / "copy.txt")
    with contextlib.ExitStack() as stack:
        abroad = tests.dovecot.start()
        stack.callback(abroad.stop)
        server = stack.enter_context(contextlib.closing(OverDovecot(conversation, abroad)))
        Play(conversation, server, abroad.version).run()
