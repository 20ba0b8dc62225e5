"""mailkit beside Dovecot, in one run, asked by one client: ``python -m tests.benchmark [--large]``.

Prints a table in Markdown; it is never a test. The two servers take turns, row by row and repeat by
repeat, so that a machine that slows down slows both. A figure is the median of the repeats; what counts
is the ratio, mailkit's time divided by Dovecot's. Without Dovecot the ratio is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import imaplib
import multiprocessing
import selectors
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from tests import dovecot

MESSAGES = 1_000
REPEATS = 5
LINE = b"The noodle place by the station has opened again, and I owe you one.\r\n"
MAIL = (
    b"From: Ben <ben@example.net>\r\nTo: Amy <amy@example.org>\r\nSubject: Lunch on Thursday, number %06d\r\n"
    b"Date: Tue, 01 Sep 2026 09:12:00 +0200\r\nMessage-ID: <lunch.%06d@example.net>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative; boundary="part"\r\n\r\n'
    b"--part\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
    + LINE * 70
    + b"--part\r\nContent-Type: text/html; charset=us-ascii\r\n\r\n"
    + LINE * 70
    + b"--part--\r\n"
)


class Client:
    """A client that does nothing but send and read to the end of the answer: the time is the server's."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, command: bytes) -> None:
        self.socket.sendall(command + b"\r\n")

    def until(self, end: Callable[[bytearray], bool]) -> bytearray:
        """Read until the answer is whole."""
        answer = bytearray()
        while not end(answer):
            octets = self.socket.recv(262_144)
            if not octets:
                raise ConnectionError(f"the server hung up after {bytes(answer[-200:])!r}")
            answer += octets
        return answer

    def close(self) -> None:
        self.socket.close()


class Imap(Client):
    """Commands under the tag ``t``; anything but OK raises."""

    def __init__(self, address: tuple[str, int], user: str = "amy", mailbox: str = "INBOX") -> None:
        super().__init__(address)
        self.until(lambda answer: answer.endswith(b"\r\n"))
        self.ask(b"LOGIN %s secret" % user.encode())
        if mailbox:
            self.ask(b"SELECT %s" % mailbox.encode())

    def ask(self, command: bytes) -> bytearray:
        self.send(b"t " + command)
        answer = self.until(complete)
        if not last_line(answer).startswith(b"t OK"):
            raise RuntimeError(f"{command[:60]!r} was answered {bytes(answer[-200:])!r}")
        return answer

    def append(self, octets: bytes) -> None:
        self.send(b"t APPEND INBOX {%d}" % len(octets))
        self.until(lambda answer: answer.endswith(b"\r\n"))
        self.socket.sendall(octets + b"\r\n")
        self.until(complete)


def last_line(answer: bytearray) -> bytearray:
    """Return the last line of an answer."""
    return answer[answer.rfind(b"\n", 0, -1) + 1 :]


def complete(answer: bytearray) -> bool:
    """Tell whether the tagged line is there, and whole."""
    return answer.endswith(b"\r\n") and last_line(answer).startswith(b"t ")


class Pop(Client):
    """A POP3 client that has logged in as Amy."""

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address)
        self.until(lambda answer: answer.endswith(b"\r\n"))
        for command in (b"USER amy", b"PASS secret"):
            self.ask(command)

    def ask(self, command: bytes, end: bytes = b"\r\n") -> bytearray:
        self.send(command)
        return self.until(lambda answer: answer.endswith(end))

    def retrieve(self, count: int) -> None:
        for number in range(1, count + 1):
            self.ask(b"RETR %d" % number, b"\r\n.\r\n")


@dataclass(frozen=True)
class Server:
    """A server to ask: where, and how to learn the memory it uses (octets), if that can be told."""

    name: str
    imap: tuple[str, int]
    pop3: tuple[str, int]
    memory: Callable[[], int] | None = None


def serve(pipe: Connection) -> None:
    """Be mailkit's process: start a server when told to, say where it is, tell the memory when asked."""
    import mailkit

    mailkit.MailServer().stop()  # what is measured is a start in a process that has imported it
    server = None
    while True:
        order = pipe.recv()
        if order == "start":
            del server
            begin = time.perf_counter()
            server = mailkit.MailServer(accounts=("amy", "ben"), password="secret", max_message=50_000_000)
            pipe.send((server.imap, server.pop3, time.perf_counter() - begin))
        else:
            gc.collect()
            pipe.send(resident())


def answer_ok(pipe: Connection) -> None:
    """Be what no Python server on `asyncio` can be faster than: one that reads nothing and answers OK."""

    class Ok(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport
            transport.write(b"* OK ready\r\n")

        def data_received(self, octets: bytes) -> None:
            self.transport.write(b"t OK done\r\n")

    async def serve_ever() -> None:
        server = await asyncio.get_running_loop().create_server(Ok, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname())
        await server.serve_forever()

    asyncio.run(serve_ever())


def resident() -> int:
    """Return the octets of memory this process has in use (Linux)."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


@contextmanager
def own_process(target: Callable[[Connection], None]) -> Iterator[Connection]:
    """Run a server in a process of its own, as Dovecot has."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours
    finally:
        process.terminate()
        process.join()


class Table:
    """Collects figures, prints rows as they are known."""

    def __init__(self, servers: list[Server]) -> None:
        self.servers = servers
        print("| what | mailkit, ms | Dovecot, ms | ratio | to reach |\n|---|---:|---:|---:|---:|")

    def row(self, what: str, task: Callable[[Server], float], repeats: int = REPEATS, goal: str = "") -> None:
        """Let the servers take turns; ``task`` returns the seconds it took."""
        times: dict[str, list[float]] = {server.name: [] for server in self.servers}
        for _ in range(repeats):
            for server in self.servers:
                times[server.name].append(task(server))
        self.line(what, {name: statistics.median(taken) for name, taken in times.items()}, goal)

    def line(self, what: str, seconds: dict[str, float], goal: str = "") -> None:
        ours, theirs = seconds.get("mailkit"), seconds.get("Dovecot")
        ratio = f"{ours / theirs:.2f}" if ours is not None and theirs else ""
        cells = [f"{value * 1000:.2f}" if value is not None else "" for value in (ours, theirs)]
        print(f"| {what} | {cells[0]} | {cells[1]} | {ratio} | {goal} |", flush=True)


def timed(action: Callable[[], object]) -> float:
    """Return how many seconds an action takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def asks(*commands: bytes, times: int = 1, user: str = "amy") -> Callable[[Server], float]:
    """Return a task: log in and select, then time these commands."""

    def task(server: Server) -> float:
        client = Imap(server.imap, user)
        taken = timed(lambda: [client.ask(command) for _ in range(times) for command in commands])
        client.close()
        return taken / times

    return task


def select(server: Server) -> float:
    """Time SELECT on a new line: a server may keep a mailbox open for the one that asked before."""
    client = Imap(server.imap, "ben", mailbox="")
    taken = timed(lambda: client.ask(b"SELECT INBOX"))
    client.close()
    return taken


def fill(server: Server) -> float:
    """APPEND all messages, and return how long that took."""
    client = Imap(server.imap)
    taken = timed(lambda: [client.append(MAIL % (number, number)) for number in range(MESSAGES)])
    client.close()
    return taken


def by_imaplib(server: Server, count: int = 20) -> float:
    """Time an APPEND as lessons write it: a client that waits for an acknowledgement in the middle."""
    client = imaplib.IMAP4(*server.imap)
    client.login("ben", "secret")
    taken = timed(lambda: [client.append("Filed", None, None, MAIL % (number, number)) for number in range(count)])
    client.logout()
    return taken / count


def grow(server: Server, size: int) -> None:
    """Bring ben's INBOX to this many small messages, by copying."""
    client = Imap(server.imap, "ben")
    have = int(client.ask(b"STATUS INBOX (MESSAGES)").split(b"MESSAGES ")[1].split(b")")[0])
    if not have:
        client.append(b"Subject: small\r\n\r\n" + LINE)
        have = 1
    while have < size:
        step = min(have, size - have)
        client.ask(b"COPY 1:%d INBOX" % step)
        client.ask(b"NOOP")
        have += step
    client.ask(b"STORE 1:* +FLAGS.SILENT (\\Seen)")
    client.close()


def crowd(clients: int, rounds: int = 100) -> Callable[[Server], float]:
    """Return a task: so many clients at once, each fetching one message after the other."""

    def task(server: Server) -> float:
        lines = [Imap(server.imap) for _ in range(clients)]
        taken = timed(lambda: converse(lines, rounds))
        for line in lines:
            line.close()
        return taken / rounds / clients

    return task


def converse(lines: list[Imap], rounds: int) -> None:
    """Keep one FETCH under way on every line until each has had its rounds."""
    selector = selectors.DefaultSelector()
    heard = {line: bytearray() for line in lines}
    left = dict.fromkeys(lines, rounds)
    for number, line in enumerate(lines):
        selector.register(line.socket, selectors.EVENT_READ, line)
        line.send(b"t FETCH %d BODY.PEEK[]" % (number + 1))
    while left:
        for key, _ in selector.select():
            line = key.data
            heard[line] += line.socket.recv(262_144)
            if complete(heard[line]):
                heard[line].clear()
                left[line] -= 1
                if left[line]:
                    line.send(b"t FETCH %d BODY.PEEK[]" % (left[line] + 1))
                else:
                    selector.unregister(line.socket)
                    del left[line]


def compare(servers: list[Server], large: bool) -> Table:
    """Print all rows; the servers are empty at the start."""
    table = Table(servers)
    table.row(f"APPEND of {MESSAGES:,} × 10 kB", fill, 1, "≤ 0.3")
    for server in servers:
        asks(b"CREATE Filed", user="ben")(server)
    table.row("one APPEND of 10 kB by imaplib", by_imaplib)
    structure = asks(b"FETCH 1:* (ENVELOPE BODYSTRUCTURE)")
    table.row(f"FETCH ENVELOPE BODYSTRUCTURE of {MESSAGES:,}, first time", structure, 1, "≤ 3")
    table.row("the same, again", structure, goal="≤ 1")
    table.row(f"FETCH bodies of {MESSAGES:,} × 10 kB", asks(b"FETCH 1:* BODY.PEEK[]"), goal="≤ 1.2")
    table.row(f"FETCH FLAGS of {MESSAGES:,}", asks(b"FETCH 1:* FLAGS", times=5), goal="≤ 3")
    table.row("SEARCH UNSEEN", asks(b"SEARCH UNSEEN", times=20))
    table.row("SEARCH SUBJECT", asks(b'SEARCH SUBJECT "number 000500"'))
    table.row("SEARCH BODY", asks(b'SEARCH BODY "not in there"'))
    table.row(f"STORE of {MESSAGES:,}", asks(b"STORE 1:* +FLAGS (\\Flagged)", b"STORE 1:* -FLAGS (\\Flagged)"))
    table.row("POP3 login", lambda server: timed(lambda: Pop(server.pop3).ask(b"QUIT")))

    def retrieve(server: Server) -> float:
        pop = Pop(server.pop3)
        taken = timed(lambda: pop.retrieve(MESSAGES))
        pop.ask(b"QUIT")
        return taken

    table.row(f"POP3 RETR of {MESSAGES:,} × 10 kB", retrieve, 3, "≤ 1")
    for clients in (1, 8, 32):
        table.row(f"one FETCH of 10 kB, {clients} at once", crowd(clients), 3)
    for size in (1_000, 10_000, 100_000) if large else (1_000, 10_000):
        memory = {server.name: server.memory() for server in servers if server.memory}
        for server in servers:
            grow(server, size)
        goal = "≤ 0.1" if size == 100_000 else ""
        table.row(f"first SELECT at {size:,}", select, goal=goal)
        table.row(f"NOOP at {size:,}", asks(b"NOOP", times=200, user="ben"), goal="≤ 1")
        for server in servers:
            if server.memory and size == 100_000:
                each = (server.memory() - memory[server.name]) / 90_000
                print(f"| memory a message beside its octets, at {size:,} | {each:.0f} octets | | | ≤ 600 |")
    expunge = asks(b"STORE 1:* +FLAGS.SILENT (\\Deleted)", b"EXPUNGE")
    table.row(f"STORE and EXPUNGE of {MESSAGES:,}", expunge, 1)
    return table


def starts(mailkit: Connection) -> dict[str, float]:
    """Return the median time from the start to the first login, of each server."""
    times: dict[str, list[float]] = {"mailkit": [], "Dovecot": []}
    for _ in range(REPEATS):
        mailkit.send("start")
        imap, _, taken = mailkit.recv()
        times["mailkit"].append(taken + timed(lambda imap=imap: Imap(imap, mailbox="").close()))
        if dovecot.installed():
            begin = time.perf_counter()
            other = dovecot.start()
            Imap(other.imap, mailbox="").close()
            times["Dovecot"].append(time.perf_counter() - begin)
            other.stop()
    return {name: statistics.median(taken) for name, taken in times.items() if taken}


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    parser.add_argument("--large", action="store_true", help="with 100,000 messages, too (a minute more)")
    words = "instead: many learners on one machine, or what validating all notebooks costs"
    parser.add_argument("instead", nargs="?", choices=["classroom", "notebooks"], help=words)
    parser.add_argument("learners", nargs="?", type=int, default=30, help="how many of them (default: 30)")
    chosen = parser.parse_args()
    if chosen.instead == "classroom":  # this and the next need the notebook tools, which the table does not
        from tests.classroom import classroom

        classroom(chosen.learners)
    elif chosen.instead == "notebooks":
        from tests.validation import validation

        validation()
    else:
        beside_dovecot(chosen.large)


def beside_dovecot(large: bool) -> None:
    """Start both servers and print the table."""
    with own_process(serve) as pipe, own_process(answer_ok) as floor:
        first = starts(pipe)
        pipe.send("start")
        imap, pop3, _ = pipe.recv()

        def memory() -> int:
            pipe.send("memory")
            return int(pipe.recv())

        servers = [Server("mailkit", imap, pop3, memory if sys.platform == "linux" else None)]
        other = dovecot.start() if dovecot.installed() else None
        if other:
            servers.append(Server("Dovecot", other.imap, other.pop3))
        try:
            table = compare(servers, large)
            table.servers = [Server("mailkit", floor.recv(), pop3), *servers[1:]]
            table.row("in mailkit's place, asyncio that says OK to anything: NOOP", asks(b"NOOP", times=200))
        finally:
            if other:
                other.stop()
        table.line("start to first login", first, "≤ 20 ms")


if __name__ == "__main__":
    main()
