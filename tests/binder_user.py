"""Be a learner on Binder: ``python -m tests.binder_user LESSON…`` prints as JSON what there was to find.

Runs in the environment that Binder builds, without test tools. JupyterLab is started behind a base URL, as a
hub starts it; each lesson is opened, run from top to bottom and closed by the interfaces a browser uses.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import nbformat
import websocket
from nbformat import NotebookNode

from tests.execute import clean

BASE_URL = "/user/amy/"
NEWS = "lab/api/settings/@jupyterlab/apputils-extension:notification"
SECONDS = 120
TOOLS = ("pytest", "nbval", "playwright", "ruff", "mypy", "hypothesis")


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address, base URL included, and the token that opens it."""

    address: str
    token: str

    def ask(self, path: str, method: str = "GET", body: object = None) -> Any:
        """Ask its REST interface, and return what it answers."""
        with self.open(path, method, body) as answer:
            return json.loads(answer.read() or "null")

    def open(self, path: str, method: str = "GET", body: object = None) -> Any:
        headers = {"Authorization": f"token {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        return urlopen(Request(self.address + path, data, headers, method=method), timeout=SECONDS)

    @contextmanager
    def kernel(self, notebook: str) -> Iterator[websocket.WebSocket]:
        """Start a kernel for a notebook, and yield its line."""
        model = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": "python3"}}
        session = self.ask("api/sessions", "POST", model)
        channels = f"api/kernels/{session['kernel']['id']}/channels?token={self.token}"
        line = connect(self.address.replace("http", "ws", 1) + channels)
        try:
            yield line
        finally:
            line.close()
            self.ask(f"api/sessions/{session['id']}", "DELETE")


@contextmanager
def start_lab() -> Iterator[Lab]:
    """Start JupyterLab in this directory, and stop it."""
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={free_port()}"]
    process = subprocess.Popen([*command, f"--ServerApp.base_url={BASE_URL}"], stderr=subprocess.PIPE, text=True)
    try:
        address, token = where(process)
        wait_for(urlsplit(address).port)
        yield Lab(address, token)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:  # it was told before it could hear
            process.kill()
            process.wait()


def where(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Read the address and the token that JupyterLab says, and let it talk on."""
    assert process.stderr
    said = []
    for text in process.stderr:
        said.append(text)
        if found := re.search(rf"(http://127\.0\.0\.1:\d+{BASE_URL})\S*token=(\w+)", text):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found[1], found[2]
    raise RuntimeError(f"JupyterLab did not start; it said:\n{''.join(said)}")


def wait_for(port: int | None) -> None:
    """Return when somebody listens: JupyterLab says where it is a moment before it does."""
    for _ in range(SECONDS * 10):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            threading.Event().wait(0.1)
    raise RuntimeError(f"JupyterLab does not listen on port {port}, where it says it is")


def free_port() -> int:
    """Return a port that is free now: Binder's JupyterLab says port 0 when it was asked to choose one itself."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def run(lab: Lab, name: str) -> list[str]:
    """Run a lesson from top to bottom; return what differs from what is committed."""
    content = lab.ask(f"api/contents/notebooks/{name}.ipynb")["content"]
    trusted = [cell["id"] for cell in content["cells"] if cell["metadata"].pop("trusted", False) and cell["outputs"]]
    theirs = nbformat.from_dict(content)
    mine = nbformat.from_dict(content)
    with lab.kernel(f"notebooks/{name}.ipynb") as line:
        for cell in mine.cells:
            if cell.cell_type == "code":
                cell.outputs = execute(line, cell.source)
    clean(mine)
    clean(theirs)
    problems = [f"cell {cell_id} is trusted before anybody has run it" for cell_id in trusted]
    for ours, committed in zip(mine.cells, theirs.cells, strict=True):
        if ours.get("outputs") != committed.get("outputs"):
            problems.append(f"cell {ours.id} gives {[summary(output) for output in ours.outputs]}")
    return problems


def connect(address: str) -> websocket.WebSocket:
    """Open a line to a kernel and ask who it is, as JupyterLab does; a first request that is lost is asked again.

    ipykernel 7 may leave it lying until somebody else connects (its issue 1554).
    """
    for _ in range(3):
        line = websocket.create_connection(address, timeout=SECONDS)
        with contextlib.suppress(TimeoutError):
            ask(line, "kernel_info_request", {}, 10)
            return line
        line.close()
    raise RuntimeError("a new kernel does not answer")


def execute(line: websocket.WebSocket, source: str) -> list[NotebookNode]:
    """Run a cell, and return its outputs."""
    content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
    outputs: list[NotebookNode] = []
    for message in ask(line, "execute_request", content, SECONDS):
        if message["msg_type"] in ("stream", "display_data", "execute_result", "error"):
            add(outputs, nbformat.v4.output_from_msg(message))
    return outputs


def ask(line: websocket.WebSocket, what: str, content: dict[str, Any], seconds: float) -> list[dict[str, Any]]:
    """Send a request, and return what the kernel publishes until it is idle. Raises `TimeoutError`."""
    header = {"msg_id": uuid.uuid4().hex, "msg_type": what, "username": "", "session": "", "version": "5.3"}
    request = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
    line.send(json.dumps(request | {"channel": "shell"}))
    published: list[dict[str, Any]] = []
    latest = time.monotonic() + seconds
    while (left := latest - time.monotonic()) > 0:
        line.settimeout(left)
        try:
            opcode, heard = line.recv_data(control_frame=True)  # pings, too, so that waiting comes to an end
        except websocket.WebSocketTimeoutException:
            break
        message = json.loads(heard) if opcode == websocket.ABNF.OPCODE_TEXT else {"parent_header": {}}
        if message["parent_header"].get("msg_id") == header["msg_id"] and message["channel"] == "iopub":
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return published
            published.append(message)
    raise TimeoutError(f"no end within {seconds} s of {what} {content}")


def add(outputs: list[NotebookNode], output: NotebookNode) -> None:
    """Put an output behind the others, or to the end of the last one if both are of one stream."""
    if outputs and output.output_type == "stream" and outputs[-1].get("name") == output.name:
        outputs[-1].text += output.text
    else:
        outputs.append(output)


def summary(output: NotebookNode) -> str:
    """Say an output in a line."""
    return str(output.get("text") or output.get("evalue") or output.get("data", {}).get("text/plain"))[:500]


def may_bind(port: int) -> bool:
    """Tell whether this user may open a port."""
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except PermissionError:
            return False
    return True


def look_around(lab: Lab) -> dict[str, Any]:
    """Return what a user may do here, and what the session begins with."""
    package = Path(nbformat.__file__).parent
    return {
        "root": os.geteuid() == 0,
        "interfaces": [name for _, name in socket.if_nameindex()],
        "mail ports": [port for port in (25, 110, 143, 993, 995) if may_bind(port)],
        "writable": [str(path) for path in (package, package.parent, Path(sys.prefix)) if os.access(path, os.W_OK)],
        "tools": [name for name in TOOLS if (package.parent / name).exists()],
        "begins": lab.open("").geturl().removeprefix(lab.address),
        "news": lab.ask(NEWS)["schema"]["properties"]["fetchNews"]["default"],
        "lessons": {},
    }


def main(lessons: list[str]) -> None:
    """Print the findings."""
    with start_lab() as lab:
        found = look_around(lab)
        for name in lessons:
            found["lessons"][name] = run(lab, name)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
