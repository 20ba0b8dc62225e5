"""README's picture: ``python -m tests.readme`` draws it anew."""

from __future__ import annotations

import poplib

from mailkit import Device, MailServer, letters, show_change
from tests.notebooks import FOLDER

PICTURE = FOLDER / "images" / "collected.svg"


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


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(), "utf-8", newline="\n")
