"""README's picture and Binder badges: ``python -m tests.readme [ADDRESS]``.

Draws the picture anew; with the address of a repository, as https://github.com/OWNER/REPOSITORY, puts a badge
beside each lesson that opens it on Binder.
"""

from __future__ import annotations

import argparse
import poplib
import re
from urllib.parse import quote

from mailkit import Device, MailServer, letters, show_change
from tests.notebooks import FOLDER, ROOT

README = ROOT / "README.md"
PICTURE = FOLDER / "images" / "collected.svg"
BADGE = "https://mybinder.org/badge_logo.svg"
HOSTS = {"https://github.com/": "gh/", "https://gitlab.com/": "gl/"}
ROW = re.compile(r"^(\| \[(.+?)\]\(notebooks/(\d\d-.+?)\.ipynb\))(?: \[!.+?\)\]\(.+?\))?", re.MULTILINE)


def draw() -> str:
    """Collect one letter with POP3 from a real server, and return the SVG of what changed."""
    laptop = Device("laptop")
    with MailServer(letters("three-letters"), password="secret") as server:
        before = server.snapshot(laptop)
        pop = poplib.POP3(*server.pop3)
        pop.user("amy")
        pop.pass_("secret")
        laptop.save(pop.retr(1))
        pop.dele(1)
        pop.quit()
        return show_change(before, server.snapshot(laptop)).svg


def binder(address: str, lesson: str) -> str:
    """Return the address that opens a lesson in JupyterLab on Binder, from a public repository's address."""
    where = "git/" + quote(address, safe="")
    for host, short in HOSTS.items():
        if address.startswith(host):
            path = address.removeprefix(host).removesuffix(".git").strip("/")
            where = short + (path if short == "gh/" else quote(path, safe=""))
    return f"https://mybinder.org/v2/{where}/HEAD?urlpath=lab/tree/notebooks/{lesson}.ipynb"


def with_badges(text: str, address: str) -> str:
    """Return README with a badge beside each lesson, in place of those that may be there."""

    def badge(row: re.Match[str]) -> str:
        return f"{row[1]} [![Open {row[2]} on Binder]({BADGE})]({binder(address, row[3])})"

    return ROW.sub(badge, text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.readme", description=__doc__)
    parser.add_argument("address", nargs="?", help="of the public repository that Binder is to open")
    if chosen := parser.parse_args().address:
        README.write_text(with_badges(README.read_text("utf-8"), chosen), "utf-8", newline="\n")
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(), "utf-8", newline="\n")
