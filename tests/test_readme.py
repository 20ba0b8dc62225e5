"""README keeps its word: its picture, its links, its lines, and the versions it installs."""

from __future__ import annotations

import ast
import contextlib
import imaplib
import io
import itertools
import poplib
import re
import signal
import smtplib
import ssl
import subprocess
import sys
from datetime import datetime, timedelta
from email.utils import parseaddr
from importlib.metadata import version

import pytest

from mailkit import MailServer, letters
from mailkit.__main__ import main, neighbours
from tests import readme
from tests.notebooks import LESSONS, ROOT
from tests.patience import PATIENCE

README = (ROOT / "README.md").read_text("utf-8")
LINES = re.findall(r"^```(?:sh|powershell)\n(.+)\n```$", README, re.MULTILINE)


def pins(name):
    """Return the exact versions that a requirements file asks for."""
    return dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / name).read_text("utf-8"), re.MULTILINE))


def test_the_picture_is_what_the_code_draws():
    assert readme.PICTURE.read_text("utf-8") == readme.draw(), "run: python -m tests.readme"


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#\s]+)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("https://github.com/amy/mail-course", "gh/amy/mail-course"),
        ("https://github.com/amy/mail-course.git", "gh/amy/mail-course"),
        ("https://gitlab.com/school/amy/course", "gl/school%2Famy%2Fcourse"),
        ("https://git.example.org/amy/course.git", "git/https%3A%2F%2Fgit.example.org%2Famy%2Fcourse.git"),
    ],
)
def test_a_badge_opens_each_lesson_on_binder(address, where):
    page = readme.with_badges(README, "https://github.com/somebody/else")
    page = readme.with_badges(page, address)
    assert page == readme.with_badges(page, address)
    begin = f"https://mybinder.org/v2/{where}/HEAD?urlpath=lab/tree/"
    opened = re.findall(r"^\| .*?\]\((https://mybinder\.org/v2[^)]*)\)", page, re.MULTILINE)
    assert opened == [f"{begin}notebooks/{name}.ipynb" for name in LESSONS]


def test_no_badge_leads_to_nowhere():
    """The repository's address is not known here: whoever publishes it puts the badges in."""
    assert not re.search(r"\]\([^)]*(OWNER|REPOSITORY|HUB)", README)


def test_every_lesson_is_listed_in_order():
    listed = re.findall(r"^\| \[.*?\]\(notebooks/(.+?)\.ipynb\)", README, re.MULTILINE)
    assert listed == LESSONS


def test_the_two_lines_in_both_forms():
    """One sets up and opens, one sets up and proves; Windows differs in how a path and a sequence are written."""
    unix = [LINES[0], LINES[2]]
    windows = [LINES[1], LINES[3]]
    for line, other in zip(unix, windows, strict=True):
        assert line.startswith("python3 -m venv .venv && .venv/bin/python -m pip install -q -r requirements.txt && ")
        same = line.replace("python3", "py", 1).replace(" &&", ";").replace(".venv/bin/", ".venv\\Scripts\\")
        assert other == same.replace("notebooks/", "notebooks\\")
    assert re.search(r" -m jupyterlab --ServerApp\.root_dir=\. .* notebooks/00-start-here\.ipynb$", unix[0])
    assert " -m pytest --nbval" in unix[1]


def test_ci_runs_readmes_own_line():
    assert "line=$(grep -m1 '^python3 -m venv .*pytest' README.md)\n" in (ROOT / ".ci/run").read_text("utf-8")
    assert re.findall(r"^python3 -m venv .*pytest.*$", README, re.MULTILINE) == [LINES[2]]
    assert re.findall(r"^py -m venv .*pytest.*$", README, re.MULTILINE) == [LINES[3]]


def test_binder_installs_the_same_versions_and_no_test_tool():
    whole, binder = pins("requirements.txt"), pins(".binder/requirements.txt")
    assert binder.items() <= whole.items()
    assert not {"pytest", "nbval", "playwright", "mypy", "ruff", "hypothesis", "codespell"} & set(binder)
    assert (ROOT / ".binder/runtime.txt").read_text("utf-8") == "python-3.12\n"


@pytest.mark.parametrize("name", pins("requirements.txt"))
def test_what_is_installed_is_what_is_pinned(name):
    assert version(name) == pins("requirements.txt")[name]


@pytest.mark.slow
def test_windows_can_import_all():
    """What only POSIX systems have is imported where it is used."""
    for path in [*(ROOT / "mailkit").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        for node in ast.parse(path.read_text("utf-8")).body:
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert not {"fcntl", "grp", "pty", "pwd", "resource", "termios"} & set(names), path.name


@pytest.mark.slow
def test_the_command_line_helps_itself():
    done = subprocess.run([sys.executable, "-m", "mailkit", "--help"], capture_output=True, text=True, check=True)
    assert "serve" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lunhc"], "did you mean 'lunch'?"),
        (["--authority", "nowhere/authority.pem"], "nowhere"),
        (["--password", ""], "a password is text, 1 to 60 characters"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_line(capsys, arguments, words):
    with pytest.raises(SystemExit):
        main(["serve", *arguments])
    assert words in capsys.readouterr().err.splitlines()[-1]


def test_a_password_that_cannot_be_printed_is_told_in_a_line(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    with pytest.raises(SystemExit):
        main(["serve", "--password", "pé€"])
    assert "can't encode" in capsys.readouterr().err.splitlines()[-1]


def test_whoever_wrote_can_be_answered():
    with MailServer(letters("all")) as server, contextlib.ExitStack() as running:
        people = {
            f"{account}@{one.domain}"
            for one in map(running.enter_context, neighbours(server))
            for account in {view.account for view in one.snapshot().mailboxes}
        }
        senders = {parseaddr(letter.sender)[1] for letter in server.snapshot().mailbox("amy").letters}
    assert {"ben@example.net", "box-office@example.com"} < people
    assert people == {address for address in senders if not address.endswith("@example.org")}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process alone")
def test_ones_own_mail_program_is_served_until_ctrl_c(tmp_path):
    authority = tmp_path / "authority.pem"
    command = [sys.executable, "-m", "mailkit", "serve", "--password", "secret", "--authority", str(authority)]

    def hear_ctrl_c():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # to a shell's background job it is deaf

    with contextlib.ExitStack() as ends:
        serving = ends.enter_context(
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                cwd=ROOT,
                preexec_fn=hear_ctrl_c,
            )
        )
        ends.callback(serving.kill)
        lines = iter(serving.stdout.readline, "")
        said = "".join(itertools.takewhile(lambda line: "Ctrl-C" not in line, lines))
        pop3, imaps = re.search(r"POP3 server .* port (\d+)", said)[1], re.search(r"IMAP port (\d+)", said)[1]
        smtp = re.search(r"\(SMTP\) .* port (\d+)", said)[1]
        pop = poplib.POP3("127.0.0.1", int(pop3), timeout=PATIENCE)
        pop.user("amy")
        pop.pass_("secret")
        assert pop.stat()[0] > 0
        pop.quit()
        trusting = ssl.create_default_context(cafile=authority)
        with imaplib.IMAP4_SSL("127.0.0.1", int(imaps), ssl_context=trusting, timeout=PATIENCE) as imap:
            imap.login("amy", "secret")
            assert imap.select("Sent")[0] == "OK"
            assert imap.append("Sent", None, None, b"Subject: today\r\n\r\n")[0] == "OK"
            since = (datetime.now() - timedelta(days=1)).strftime("%d-%b-%Y")
            assert imap.search(None, "SINCE", since) == ("OK", [b"1"])
        with smtplib.SMTP("127.0.0.1", int(smtp), local_hostname="laptop", timeout=PATIENCE) as client:
            client.login("amy", "secret")
            assert client.sendmail("amy@example.org", ["ben@example.net"], "Subject: Re: Walk\r\n\r\nYes!\r\n") == {}
        serving.stdout.close()  # as by `tee`, which the same Ctrl+C ends
        serving.send_signal(signal.SIGINT)
        assert serving.stderr.read() == "The server has stopped; its mail is gone.\n"
        assert serving.wait(PATIENCE) == 0
