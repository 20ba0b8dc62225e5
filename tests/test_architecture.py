"""The design's table of rooms, held: who may import whom, how long things are, what lies at the top."""

from __future__ import annotations

import ast
import doctest
import functools
import importlib
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "mailkit"
TOP = {"README.md", "requirements.txt", "pyproject.toml", "LICENSE", "notebooks", "mailkit", "data", "tests"}
HIDDEN = {".binder", ".ci", ".github", ".gitignore", ".gitattributes"}

# Room → its modules, and the rooms it may import from. A room stands below all that it imports.
ROOMS: dict[str, tuple[set[str], set[str]]] = {
    "message": ({"message"}, set()),
    "settings": ({"settings"}, set()),
    "linebuffer": ({"linebuffer"}, set()),
    "sasl": ({"sasl"}, set()),
    "sockets": ({"sockets", "loopthread"}, set()),
    "transcript": ({"transcript"}, set()),
    "samples": ({"samples"}, set()),
    "progress": ({"progress"}, set()),
    "render": ({"render"}, set()),
    "idle": ({"idle"}, set()),
    "mailbox": ({"mailbox", "store"}, {"message"}),
    "snapshot": ({"snapshot"}, {"message"}),
    "pop3": ({"pop3", "pop3answers"}, {"linebuffer", "sasl", "message", "mailbox", "settings", "snapshot"}),
    "imap": ({"imap"}, {"sasl", "message", "mailbox", "settings", "snapshot"}),
    "smtp": (
        {"smtp", "smtpsyntax", "incoming", "delivery", "relay"},
        {"linebuffer", "sasl", "message", "mailbox", "settings", "sockets", "snapshot"},
    ),
    "server": (
        {"server", "arguments", "engine", "line", "tls"},
        {"message", "mailbox", "settings", "sockets", "snapshot", "transcript", "pop3", "imap", "smtp", "render"},
    ),
    "device": ({"device"}, {"message", "snapshot"}),
    "wiretap": ({"wiretap"}, {"sockets", "transcript"}),
    "diagram": ({"diagram", "flow", "layout", "plot"}, {"render", "snapshot"}),
    "exercise": ({"exercise", "cells"}, {"progress", "render", "snapshot"}),
    "widgets": (
        {"widgets"},
        {"device", "diagram", "exercise", "progress", "render", "samples", "snapshot", "transcript"},
    ),
    "face": (
        {"__init__"},
        {"device", "diagram", "idle", "samples", "server", "snapshot", "transcript", "wiretap"},
    ),
    "command": ({"__main__"}, {"face"}),
}
ROOMS["scenes"] = ({"scenes"}, set(ROOMS) - {"command"})
NOT_COUNTED = {"scenes", "widgets"}  # content and surface: many small things side by side

MODULES = sorted(PACKAGE.rglob("*.py"))


def module_id(path: Path) -> str:
    """Return a path as a test shows it."""
    return path.relative_to(PACKAGE).as_posix()


each_module = pytest.mark.parametrize("path", MODULES, ids=module_id)


@functools.cache
def tree(path: Path) -> ast.Module:
    """Return a module's syntax."""
    return ast.parse(path.read_text("utf-8"))


def room_of(module: str) -> str:
    """Return the room of ``mailkit.imap.session`` (imap), or of ``mailkit`` itself (face)."""
    name = module.split(".")[1] if "." in module else "__init__"
    for room, (modules, _) in ROOMS.items():
        if name in modules:
            return room
    raise AssertionError(f"{module} is in no room; give it one in the table of tests/test_architecture.py, and say why")


def imports(path: Path) -> set[str]:
    """Return the rooms that a module imports from, wherever the import stands."""
    modules = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            modules |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write imports in full: from mailkit.… import …"
            modules |= {origin(str(node.module), name.name) for name in node.names}
    return {room_of(module) for module in modules if module.split(".")[0] == "mailkit"}


def origin(module: str, name: str) -> str:
    """Return where a name comes from: ``from mailkit import`` may mean a module, or a name of the face."""
    if module != "mailkit":
        return module
    is_module = name in {one.stem for one in PACKAGE.iterdir()}  # a file system may take Device.py for device.py
    return f"{module}.{name}" if is_module else module


@each_module
def test_imports_go_up_the_table_only(path):
    room = room_of("mailkit." + path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", "."))
    allowed = ROOMS[room][1] | {room}
    assert imports(path) <= allowed, f"the room {room} may import from {sorted(allowed)}"


def test_the_table_has_no_circle():
    known: set[str] = set()
    for room, (_, allowed) in ROOMS.items():
        assert allowed <= known, f"{room} stands above what it imports"
        known.add(room)


def test_every_room_is_lived_in():
    names = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}
    assert {name for modules, _ in ROOMS.values() for name in modules} == names


@pytest.mark.parametrize("path", [path for path in MODULES if ">>> " in path.read_text("utf-8")], ids=module_id)
def test_examples_in_docstrings_are_true(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    assert doctest.testmod(importlib.import_module(name)) == (0, path.read_text("utf-8").count(">>> "))


@each_module
def test_modules_fit_in_a_head(path):
    lines = path.read_text("utf-8").count("\n")
    assert lines <= 400, "find the second idea in it, and give that a module of its own"


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function without its signature and docstring."""
    body = function.body[ast.get_docstring(function) is not None :]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def functions() -> dict[str, int]:
    """Return the functions of the helper package, with their length."""
    return {
        f"{module_id(path)}:{node.name}": body_lines(node)
        for path in MODULES
        if path.relative_to(PACKAGE).parts[0] not in NOT_COUNTED
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_functions_are_short():
    lengths = functions()
    assert statistics.median(lengths.values()) <= 6
    assert not {name: lines for name, lines in lengths.items() if lines > 40}


@functools.cache
def classes() -> list[ast.ClassDef]:
    """Return all classes of the package."""
    return [node for path in MODULES for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)]


def test_no_class_inherits_from_ours():
    ours = {node.name for node in classes() if not node.name.endswith("Error")}
    for node in classes():
        assert not {ast.unparse(base) for base in node.bases} & ours, node.name


def test_the_face_has_at_most_ten_names():
    import mailkit

    assert 1 <= len(mailkit.__all__) <= 10
    assert all(hasattr(mailkit, name) for name in mailkit.__all__)


@pytest.mark.slow
def test_importing_the_face_is_light():
    """Drawing and widgets are imported when first needed: a notebook that only talks to the server starts at once."""
    code = "import sys, mailkit; print(*{'ipywidgets', 'graphviz', 'wasmtime', 'IPython'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


def tracked() -> list[str]:
    """Return the files that git knows; skip where this is no checkout."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]  # a folder that is another's, too
    listed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def test_the_top_level_holds_only_what_the_design_lists():
    assert {name.split("/")[0] for name in tracked()} == TOP | HIDDEN


def test_no_file_names_a_machine():
    """Look for paths and hosts that mean something on one machine only."""
    hosts = "|".join(map(re.escape, ("pypi" + ".org", "python" + "hosted", "registry" + ".npmjs")))
    forbidden = re.compile(rf"(?<![\w.])/(?:work|root|opt)/|{hosts}")
    for name in tracked():
        if Path(name).suffix in {".py", ".md", ".toml", ".txt", ".yml", ".csv", ".ipynb", ".eml", ""} and (
            name != "tests/test_notebooks.py"
        ):
            found = forbidden.search((ROOT / name).read_bytes().decode("utf-8", "replace"))
            assert not found, f"{name}: {found and found[0]}"
