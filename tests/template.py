"""Begin a lesson of one's own: ``python -m tests.template 10-your-title`` copies the template's three files."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from tests.notebooks import ROOT

FILES = {
    "notebooks/template.ipynb": "notebooks/{name}.ipynb",
    "mailkit/scenes/template.py": "mailkit/scenes/lesson{number}.py",
    "tests/exercises/template.py": "tests/exercises/lesson{number}.py",
}


def begin(name: str, folder: Path = ROOT) -> list[Path]:
    """Copy the template under a lesson's number and title; return the new files.

    Raises `ValueError` for a name that is no lesson's, and `FileExistsError` rather than write over anything.
    """
    if not re.fullmatch(r"\d\d-[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"{name!r} is no lesson's name: two digits, then words joined by '-', as 10-your-title")
    number = name[:2]
    copies = {old: folder / new.format(name=name, number=number) for old, new in FILES.items()}
    for copy in copies.values():
        if copy.exists():
            raise FileExistsError(f"{copy.name} is there already; choose another number than {number}")
    for old, copy in copies.items():
        text = (ROOT / old).read_text("utf-8").replace("scenes.template", f"scenes.lesson{number}")
        text = text.replace("99.1", f"{number}.1").replace("ex-99-", f"ex-{number}-")
        text = text.replace("# 99 · ", f"# {number} · ").replace("Template:", f"Lesson {number}:")
        copy.write_text(text, "utf-8", newline="\n")
    return list(copies.values())


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; return 1 if the lesson could not be begun."""
    parser = argparse.ArgumentParser(prog="python -m tests.template", description=__doc__)
    parser.add_argument("name", help="the new lesson's name: 10-your-title")
    try:
        for path in begin(parser.parse_args(arguments).name):
            print(path.relative_to(ROOT))
    except (ValueError, FileExistsError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
