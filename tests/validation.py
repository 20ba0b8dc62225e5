"""What proving the outputs costs: ``python -m tests.benchmark notebooks`` prints it.

Strict nbval over all notebooks takes turns with nbval over as many that do nothing but ``import mailkit``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from tests.execute import METADATA, NOTEBOOKS

ROUNDS = 3


def validation() -> None:
    """Print the table."""
    print("| strict nbval, two processes | s |\n|---|---:|")
    with tempfile.TemporaryDirectory() as room:
        lessons = sorted(NOTEBOOKS.glob("*.ipynb"))
        bare = [Path(room, path.name) for path in lessons]
        for path in bare:
            cell = new_code_cell("import mailkit", id="import", execution_count=1)
            nbformat.write(new_notebook(cells=[cell], metadata=METADATA, nbformat_minor=5), path)
        times = [(seconds(lessons), seconds(bare)) for _ in range(ROUNDS)]
    whole, imports = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"| all {len(bare)} notebooks | {whole:.1f} |")
    print(f"| {len(bare)} notebooks that only import mailkit | {imports:.1f} |")
    print(f"| ratio, the median of {ROUNDS} pairs | {statistics.median(one / other for one, other in times):.2f} |")


def seconds(notebooks: Sequence[Path]) -> float:
    """Validate these notebooks as README's line does, and return how long it took. Raises if one differs.

    All of them lie in one folder: pytest takes them for one and the same where they are outside its root.
    """
    folder = notebooks[0].parent
    line = ["-m", "pytest", "-q", "--nbval", "-n", "2", "--dist", "loadfile"]
    line += ["-c", "pyproject.toml", "--rootdir", str(folder)]
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, *line, *notebooks], cwd=NOTEBOOKS.parent, capture_output=True, text=True)
    taken = time.perf_counter() - begin
    cells = sum(cell.cell_type == "code" for path in notebooks for cell in nbformat.read(path, 4).cells)
    if done.returncode or f"{cells} passed" not in done.stdout:
        raise SystemExit(f"of {cells} cells not all passed:\n{done.stdout}")
    return taken
