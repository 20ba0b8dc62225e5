"""``python -m mailkit``: help; ``python -m mailkit serve``: the course's server for one's own mail program."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from email.utils import parseaddr
from pathlib import Path
from time import sleep, time

from mailkit import MailServer, letters

SETTINGS = """\
A mail server of your own is running, on this computer only. Type these into your mail program:

  e-mail address     {user}@{server.domain}
  user name          {user}
  password           {password}
  POP3 server        {server.pop3[0]}   port {server.pop3[1]}   security: none, or STARTTLS
  IMAP server        {server.imap[0]}   port {server.imap[1]}   security: none, or STARTTLS
  outgoing (SMTP)    {server.smtp[0]}   port {server.smtp[1]}   security: none, or STARTTLS

With TLS from the start: POP3 port {server.pop3s[1]}, IMAP port {server.imaps[1]}, SMTP port {server.smtps[1]}.
The certificate comes from an authority made for this run; your program will ask whether to trust it, perhaps
for each server, and perhaps only after a first failure: then try again.

Write to yourself, or answer those who wrote to you: their servers run here, too, though nobody reads there.
Everything is forgotten when the server stops; the next one has other ports. Press Ctrl-C to stop it.
"""


def serve(password: str | None, names: list[str], authority: Path | None = None) -> None:
    """Run a server with sample letters until interrupted; print the settings to type in, save its authority's PEM.

    Raises `LookupError` for a letter that is not there, `TypeError` for a password that cannot be one, `ValueError` for
    one that cannot be printed here, `OSError` where the PEM cannot be written, and what interrupts.
    """
    with ExitStack() as running:
        server = running.enter_context(
            MailServer(
                letters(*names),
                password=password,
                mailboxes=("Drafts", "Sent", "Trash"),
                clock=_now,
                uidvalidity=int(time()),  # a mail program remembers it between runs, so it must not come again
                handshake=600.0,  # some programs wait in it while their user ponders the certificate
            )
        )
        for neighbour in neighbours(server):
            server.relay_to(running.enter_context(neighbour))
        if authority:
            authority.write_text(server.authority, encoding="ascii")
        print(
            SETTINGS.format(user="amy", password=server.password(), server=server),
            flush=True,  # it may be piped to a file
        )
        while True:  # not one wait without end: on Windows no Ctrl-C interrupts that
            sleep(1)


def neighbours(server: MailServer) -> Iterator[MailServer]:
    """Make a server for each other domain from which somebody wrote, so that an answer arrives."""
    people: dict[str, set[str]] = {}
    for letter in server.snapshot().mailbox("amy").letters:
        name, _, domain = parseaddr(letter.sender)[1].partition("@")
        people.setdefault(domain, set()).add(name)
    for domain in sorted(people.keys() - {server.domain}):
        yield MailServer(domain=domain, accounts=sorted(people[domain]), clock=_now)


def _now() -> datetime:
    """Return the time of day: the letters have come today, and not when the lessons' clock says."""
    return datetime.now().astimezone()


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and obey it."""
    parser = argparse.ArgumentParser(prog="python -m mailkit", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    serving = commands.add_parser("serve", help="run the course's mail server on loopback for your own mail program")
    serving.add_argument("letters", nargs="*", default=["week"], help="sample letters or sets (default: week)")
    serving.add_argument("--password", help="amy's password (default: a new one, not guessable)")
    serving.add_argument("--authority", type=Path, metavar="FILE", help="write the authority's certificate (PEM) there")
    chosen = parser.parse_args(arguments)
    if chosen.command == "serve":
        try:
            serve(chosen.password, chosen.letters, chosen.authority)
        except (LookupError, OSError, TypeError, ValueError) as error:
            serving.error(str(error))
        except KeyboardInterrupt:
            print("The server has stopped; its mail is gone.", file=sys.stderr)  # a pipe may have heard Ctrl-C, too
    else:
        parser.print_help()


if __name__ == "__main__":
    main()
