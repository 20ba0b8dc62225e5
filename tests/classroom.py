"""Many learners on one machine: ``python -m tests.benchmark classroom [LEARNERS]`` prints what each costs.

Each learner has a kernel of its own and goes through lesson 03 and then 05; what comes out must be what
is committed. Then servers are counted in one process, and kernels are killed to see what stays behind.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
from jupyter_client.manager import KernelManager

from mailkit import MailServer, letters
from tests.execute import NOTEBOOKS, clean, fresh_home, private_line, run

LESSONS = ("03-pop3-take-the-mail-home", "05-several-devices")
SERVERS = 200
KILLED = 5
MEGABYTE = 1_000_000


def attend(_: int) -> float:
    """Be one learner: go through the lessons, and return the seconds it took. Raises if an output differs."""
    begin = time.perf_counter()
    for name in LESSONS:
        path = NOTEBOOKS / f"{name}.ipynb"
        committed = nbformat.read(path, as_version=4)
        own = nbformat.read(path, as_version=4)
        run(own, path)
        clean(own)
        for mine, theirs in zip(own.cells, committed.cells, strict=True):
            if mine.get("outputs") != theirs.get("outputs"):
                raise AssertionError(f"{name}, cell {mine.id}: not what is committed")
    return time.perf_counter() - begin


@contextmanager
def watched() -> Iterator[dict[str, float]]:
    """Watch this process's children while something runs; the peaks are in the dictionary afterwards."""
    peak = {"kernels": 0.0, "memory": 0.0, "threads": 0.0, "sockets": 0.0}
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            for name, value in measure(psutil.Process().children(recursive=True)).items():
                peak[name] = max(peak[name], value)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def measure(processes: list[psutil.Process]) -> dict[str, float]:
    """Add up what processes hold now."""
    total = {"kernels": 0.0, "memory": 0.0, "threads": 0.0, "sockets": 0.0}
    for process in processes:
        try:
            with process.oneshot():
                total["kernels"] += 1
                total["memory"] += process.memory_info().rss
                total["threads"] += process.num_threads()
                total["sockets"] += len(process.net_connections("inet"))
        except psutil.Error:  # it has ended meanwhile
            continue
    return total


def row(what: str, value: str) -> None:
    print(f"| {what} | {value} |", flush=True)


def classroom(learners: int) -> None:
    """Print the table."""
    if sys.platform != "linux":
        raise SystemExit("a classroom is measured on Linux: elsewhere only root may count what processes hold")
    print("| what | measured |\n|---|---:|")
    alone = attend(0)
    begin = time.perf_counter()
    with watched() as peak, ThreadPoolExecutor(learners) as room:
        list(room.map(attend, range(learners)))
    whole = time.perf_counter() - begin
    row("learners at once, each through lessons 03 and 05, all outputs as committed", str(learners))
    row("time for all, as a multiple of one learner alone on the same machine", f"{whole / alone:.1f}")
    row("processors", str(os.cpu_count()))
    for name, unit, size in (("memory", "MB", MEGABYTE), ("threads", "", 1), ("sockets", "", 1)):
        row(f"peak {name} a kernel", f"{peak[name] / size / max(1.0, peak['kernels']):.1f} {unit}".rstrip())
    many_servers()
    with tempfile.TemporaryDirectory() as room_for_lines:
        killed_kernels(room_for_lines)


def many_servers() -> None:
    """Print what a server costs in a process that already has one, and what remains."""
    process = psutil.Process()
    MailServer().stop()
    with_renderer = [thread for thread in threading.enumerate() if thread.name == "mailkit-warm"]
    for thread in with_renderer:
        thread.join()
    gc.collect()
    before = holdings(process)
    begin = time.perf_counter()
    servers = [MailServer(letters("three-letters")) for _ in range(SERVERS)]
    taken = time.perf_counter() - begin
    held = holdings(process)
    for server in servers:
        server.stop()
    after = holdings(process)
    row(f"{SERVERS} servers in one process: time to start one", f"{taken / SERVERS * 1000:.1f} ms")
    for at, name in enumerate(("memory", "threads", "open files and sockets")):
        each = (held[at] - before[at]) / SERVERS
        row(f"{name} a server", f"{each / 1000:.0f} kB" if name == "memory" else f"{each:.1f}")
    row("threads and open files left after stop()", f"{after[1] - before[1]}, {after[2] - before[2]}")


def holdings(process: psutil.Process) -> tuple[int, int, int]:
    """Return memory in octets, threads, open files."""
    return process.memory_info().rss, process.num_threads(), process.num_fds()


def killed_kernels(room: str) -> None:
    """Kill kernels in the middle of a lesson, and print how many of their ports and processes remain."""
    setup = next(
        one for one in nbformat.read(NOTEBOOKS / f"{LESSONS[0]}.ipynb", as_version=4).cells if one.id == "setup"
    )
    ports: set[int] = set()
    processes = []
    for number in range(KILLED):
        own = Path(room, str(number))
        own.mkdir()
        manager = KernelManager(kernel_name="python3", **private_line(str(own)))
        manager.start_kernel(cwd=str(NOTEBOOKS), env=os.environ | fresh_home(str(own)))
        client = manager.client()
        client.start_channels()
        client.wait_for_ready()
        client.execute_interactive(setup.source, output_hook=lambda message: None)
        process = psutil.Process(manager.provisioner.pid)
        ports |= {one.laddr.port for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN}
        processes.append(process)
        process.send_signal(signal.SIGKILL)
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    listening = {one.laddr.port for one in psutil.net_connections("inet") if one.status == psutil.CONN_LISTEN}
    left = sum(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)
    row(f"after {KILLED} kernels were killed: of their {len(ports)} ports, still open", str(len(ports & listening)))
    row("and processes left", str(left))
