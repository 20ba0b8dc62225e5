"""What tests need to know of a notebook: its cells by id, its prose, its exercises."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
LESSONS = [name for name in NAMES if re.match(r"\d\d-", name)]
EXERCISE = re.compile(r"ex-(\d\d)-(\d+)")
_HEADING = re.compile(r"^(#+) (.+)", re.MULTILINE)


@functools.cache
def load(name: str) -> NotebookNode:
    """Return a notebook by its name without ``.ipynb``; it is read once, so leave it as it is."""
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def as_page(name: str) -> str:
    """Return the HTML that ``nbconvert --to html`` makes of a notebook."""
    from nbconvert import HTMLExporter  # not while tests are only collected: a third of a second

    return str(HTMLExporter().from_notebook_node(load(name))[0])


def code_cells(name: str) -> list[NotebookNode]:
    """Return the code cells in order."""
    return [cell for cell in load(name).cells if cell.cell_type == "code"]


def markdown_cells(name: str) -> list[NotebookNode]:
    """Return the markdown cells in order."""
    return [cell for cell in load(name).cells if cell.cell_type == "markdown"]


def cell(name: str, cell_id: str) -> NotebookNode:
    """Return one cell. Raises `LookupError`, naming those there are."""
    for one in load(name).cells:
        if one.id == cell_id:
            return one
    raise LookupError(f"{name} has no cell {cell_id!r}; it has: {', '.join(one.id for one in load(name).cells)}")


def tags(one: NotebookNode) -> list[str]:
    """Return a cell's tags."""
    return list(one.metadata.get("tags", []))


def exercise_keys(name: str) -> dict[str, str]:
    """Return the exercises of a notebook: key (``03.1``) → id of its cell (``ex-03-1``), in order."""
    matches = [EXERCISE.fullmatch(one.id) for one in code_cells(name)]
    return {f"{match[1]}.{match[2]}": match[0] for match in matches if match}


def without_code(markdown: str) -> str:
    """Leave out fenced code."""
    return re.sub(r"^```.*?^```", "", markdown, flags=re.DOTALL | re.MULTILINE)


def without_folds(markdown: str) -> str:
    """Leave out everything inside ``<details>``, however nested."""
    while (shorter := re.sub(r"<details>(?:(?!<details>).)*?</details>", "", markdown, flags=re.DOTALL)) != markdown:
        markdown = shorter
    return markdown


def words(markdown: str) -> int:
    """Count the words a reader reads: no link targets, no tags, no tables' rules."""
    text = re.sub(r"\]\([^)]*\)|<[^>]*>", " ", without_code(markdown))
    return len(re.findall(r"[^\W_]+(?:['’.-][^\W_]+)*", text))


def headings(markdown: str) -> list[tuple[int, str]]:
    """Return (level, words) of the headings in a markdown text."""
    return [(len(marks), title.strip()) for marks, title in _HEADING.findall(without_code(markdown))]


def core_cells(name: str) -> list[NotebookNode]:
    """Return the cells outside folded "Further" parts.

    Such a part begins at a heading tagged ``further`` and ends before the next one of its level or higher.
    """
    core, folded = [], 0
    for one in load(name).cells:
        found = headings(one.source) if one.cell_type == "markdown" else []
        if found and (not folded or found[0][0] <= folded):
            folded = found[0][0] if "further" in tags(one) else 0
        if not folded:
            core.append(one)
    return core


def minutes(name: str, *, exercises: bool = True, until: str = "") -> float:
    """Estimate how long the core takes: 150 words a minute, half a minute a code cell, 3 an exercise.

    Or of a part of it, to the end of the section ``until``. Raises `LookupError` if there is none.
    """
    total, titles = 0.0, []
    for one in core_cells(name):
        titles += [title for level, title in headings(one.source) if one.cell_type == "markdown" and level <= 2]
        if until in titles[:-1]:
            break
        if one.id.startswith("ex-") and not exercises:
            continue
        if one.cell_type == "code":
            total += 3 if EXERCISE.fullmatch(one.id) else 0.5
        elif not one.id.endswith("-help"):
            total += words(without_folds(one.source)) / 150
    if until and until not in titles:
        raise LookupError(f"{name} has no section {until!r}; it has: {', '.join(titles)}")
    return total
