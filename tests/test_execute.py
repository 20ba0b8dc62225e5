"""Re-executing notebooks: nothing but the sources decides what is written, and a failure says where."""

from __future__ import annotations

import re

import nbformat
import pytest

from tests.execute import METADATA, main

pytestmark = pytest.mark.slow

HONEST = {
    "setup": ("from mailkit.progress import Progress\nfrom mailkit.widgets import predict", []),
    "ask": ("guess = predict('How many?', 'one', 'two')", []),
    "several-outputs": ("print('a')\nguess.reveal('one')\nprint('b')\nProgress().of('99.1')", ["S5"]),
    "failure": ("1 / 0", ["raises-exception"]),
}


def written(path, cells):
    """Write a notebook as an editor would leave it, with what must not stay."""
    notebook = nbformat.v4.new_notebook(
        metadata={"widgets": {"state": {}}, "language_info": {"name": "python", "version": "2.7"}}
    )
    notebook.cells.append(nbformat.v4.new_markdown_cell("### Further: more", metadata={"tags": ["further"]}))
    notebook.cells[0].id = "more"
    for cell_id, (source, tags) in cells.items():
        cell = nbformat.v4.new_code_cell(source, metadata={"tags": tags, "execution": {"iopub.status.busy": "now"}})
        cell.id = cell_id
        notebook.cells.append(cell)
    nbformat.write(notebook, path)
    return path


def test_a_second_run_changes_nothing(tmp_path, capsys):
    path = written(tmp_path / "toy.ipynb", HONEST)
    assert main([str(path)]) == 0
    first = path.read_bytes()
    assert main([str(path)]) == 0
    assert path.read_bytes() == first
    assert capsys.readouterr().out == "toy.ipynb: changed\ntoy.ipynb: unchanged\n"
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata == METADATA
    assert [cell.id for cell in notebook.cells] == ["more", *HONEST]
    assert [cell.get("execution_count") for cell in notebook.cells] == [None, 1, 2, 3, 4]
    assert notebook.cells[0].metadata == {"jp-MarkdownHeadingCollapsed": True, "tags": ["further"]}
    assert notebook.cells[2].outputs[0].data.keys() == {"text/plain", "text/html"}
    assert notebook.cells[4].outputs[0].traceback == ["ZeroDivisionError: division by zero"]
    assert b"widgets" not in first.replace(b"mailkit.widgets", b"")
    assert list(tmp_path.iterdir()) == [path]


def test_what_somebody_told_their_own_ipython_changes_nothing(tmp_path, monkeypatch):
    told = tmp_path / "theirs" / "profile_default"
    (told / "startup").mkdir(parents=True)
    (told / "ipython_config.py").write_text("c.InteractiveShell.ast_node_interactivity = 'all'", "utf-8")
    monkeypatch.setenv("IPYTHONDIR", str(told.parent))
    path = written(tmp_path / "toy.ipynb", {"two-values": ("1\n2", [])})
    assert main([str(path)]) == 0
    assert [output.data["text/plain"] for output in nbformat.read(path, as_version=4).cells[1].outputs] == ["2"]
    assert not list(told.parent.rglob("history*")), "the cells of tests belong to nobody's history"


@pytest.mark.parametrize(
    ("source", "tags", "words"),
    [
        ("1 / 0", [], "toy.ipynb, cell bad: ZeroDivisionError: division by zero; mend the cell, or tag it"),
        ("pass", ["raises-exception"], "toy.ipynb, cell bad: is tagged raises-exception, but raises nothing; untag it"),
        ("import sys; print('x', file=sys.stderr)", [], "toy.ipynb, cell bad: writes to stderr; mend what it warns of"),
        ("import ipywidgets; ipywidgets.HTML('x')", [], "toy.ipynb, cell bad: shows a widget without its static twin"),
        ("import os; os._exit(1)", [], "toy.ipynb, cell bad: the kernel died"),
    ],
)
def test_a_failure_names_the_cell_and_leaves_the_file(tmp_path, capsys, source, tags, words):
    path = written(tmp_path / "toy.ipynb", {"good": ("1", []), "bad": (source, tags), "never-run": ("2", [])})
    before = path.read_bytes()
    assert main([str(path)]) == 1
    assert words in capsys.readouterr().out
    assert path.read_bytes() == before


def test_a_missing_notebook_is_told(tmp_path, capsys):
    assert main([str(tmp_path / "none.ipynb")]) == 1
    assert re.search(r"there is no notebook .*none\.ipynb; in notebooks/ there are: ", capsys.readouterr().err)
