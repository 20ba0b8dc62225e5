"""Re-execute notebooks in place: ``python -m tests.execute [NOTEBOOK…]``, all of them by default.

What is written depends on the sources alone, so a second run changes no file: cell ids stay, times,
versions, paths and saved widget states are left out, and progress begins with an empty file.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
SECONDS_PER_CELL = 120


class ExecutionProblem(Exception):
    """A notebook that must not be committed as it is; says where, what and the remedy."""


def execute(path: Path) -> bool:
    """Run a notebook from top to bottom and write it back; return whether the file changed.

    Raises `ExecutionProblem`; the file is then as it was.
    """
    before = path.read_text("utf-8")
    notebook = nbformat.reads(before, as_version=4)
    run(notebook, path)
    _check(notebook, path)
    clean(notebook)
    after = nbformat.writes(notebook, indent=1).rstrip("\n") + "\n"
    if after == before:
        return False
    path.write_text(after, "utf-8", newline="\n")
    return True


def run(notebook: NotebookNode, path: Path) -> None:
    """Run a notebook held in memory, in a kernel with a `fresh_home`. Raises `ExecutionProblem`."""
    running = "(the first)"

    def note(cell: NotebookNode, cell_index: int) -> None:
        nonlocal running
        running = cell.id
        _show_bar(path, cell_index + 1, len(notebook.cells))

    try:
        with tempfile.TemporaryDirectory() as room:
            NotebookClient(
                notebook,
                km=AsyncKernelManager(kernel_name="python3", **private_line(room)),
                timeout=SECONDS_PER_CELL,
                resources={"metadata": {"path": str(path.parent)}},
                record_timing=False,
                coalesce_streams=True,
                on_cell_execute=note,
            ).execute(cleanup_kc=True, env=os.environ | fresh_home(room))
    except CellExecutionError as error:
        remedy = "mend the cell, or tag it raises-exception if it is meant to"
        raise ExecutionProblem(f"{path.name}, cell {running}: {error.ename}: {error.evalue}; {remedy}") from None
    except CellTimeoutError:
        words = f"did not end within {SECONDS_PER_CELL} s; is it waiting for a line that nobody closes?"
        raise ExecutionProblem(f"{path.name}, cell {running}: {words}") from None
    except DeadKernelError:
        words = "the kernel died; run the notebook in JupyterLab up to this cell to see why"
        raise ExecutionProblem(f"{path.name}, cell {running}: {words}") from None


def fresh_home(room: str) -> dict[str, str]:
    """Return what to tell kernels in their environment: that progress is empty, and IPython's folder another.

    What somebody has told their own IPython would change what cells show, and no cell run here belongs to its history.
    """
    profile = Path(room, "ipython", "profile_default")
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text("c.HistoryManager.enabled = False\n", "utf-8")
    return {"MAILKIT_PROGRESS": str(Path(room, "progress.json")), "IPYTHONDIR": str(profile.parent)}


def private_line(room: str) -> dict[str, str]:
    """Return how to reach a kernel without TCP, where the system can: kernels that start at once race for ports."""
    return {"transport": "ipc", "ip": str(Path(room, "kernel"))} if os.name == "posix" else {}


def _check(notebook: NotebookNode, path: Path) -> None:
    """Refuse what would differ elsewhere, or hide an error."""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        where = f"{path.name}, cell {cell.id}"
        kinds = {output.output_type for output in cell.outputs}
        if "raises-exception" in cell.metadata.get("tags", []) and "error" not in kinds:
            raise ExecutionProblem(f"{where}: is tagged raises-exception, but raises nothing; untag it")
        for output in cell.outputs:
            if output.get("name") == "stderr":
                raise ExecutionProblem(f"{where}: writes to stderr; mend what it warns of:\n{output.text}")
            if WIDGET_VIEW in output.get("data", {}) and "text/html" not in output.data:
                words = "shows a widget without its static twin; use mailkit.widgets.twin.show(widget, words)"
                raise ExecutionProblem(f"{where}: {words}")


def clean(notebook: NotebookNode) -> None:
    """Leave only what is the same on every machine.

    A widget's view is a handle into a running kernel, so only its static twin stays; of a deliberate
    error's traceback only the last line stays, because the others name files of this machine. A heading
    tagged ``further`` opens folded.
    """
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat_minor = 5
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        folded = {"jp-MarkdownHeadingCollapsed": True} if "further" in tags else {}
        cell.metadata = nbformat.from_dict(folded | ({"tags": tags} if tags else {}))
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
            if "metadata" in output:
                output.metadata = nbformat.from_dict({})
            if output.output_type == "error":
                output.traceback = [f"{output.ename}: {output.evalue}"]


def _show_bar(path: Path, done: int, cells: int) -> None:
    if sys.stderr.isatty():
        filled = 30 * done // cells
        bar = "█" * filled + "·" * (30 - filled)
        print(f"\r{path.name:<42} {bar} {done}/{cells}", end="", file=sys.stderr, flush=True)


def _named(paths: Iterable[str]) -> Iterator[Path]:
    for path in [Path(one) for one in paths] or sorted(NOTEBOOKS.glob("*.ipynb")):
        if not path.is_file():
            known = ", ".join(sorted(one.name for one in NOTEBOOKS.glob("*.ipynb"))) or "none yet"
            raise ExecutionProblem(f"there is no notebook {path}; in {NOTEBOOKS.name}/ there are: {known}")
        yield path


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; return 1 if a notebook could not be executed."""
    parser = argparse.ArgumentParser(prog="python -m tests.execute", description="Re-execute notebooks in place.")
    parser.add_argument("notebook", nargs="*", help="a file; all of notebooks/ if none is named")
    failed = 0
    try:
        for path in _named(parser.parse_args(arguments).notebook):
            try:
                words = "changed" if execute(path) else "unchanged"
            except ExecutionProblem as problem:
                failed, words = 1, f"FAILED\n{problem}"
            print(f"\r\033[K{path.name}: {words}" if sys.stderr.isatty() else f"{path.name}: {words}", flush=True)
    except ExecutionProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
