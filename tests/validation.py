"""What proving the outputs costs: ``python -m tests.benchmark notebooks`` prints it.

Strict nbval over all notebooks takes turns with nbval over as many that do nothing but ``import mailkit``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from tests.execute import METADATA, NOTEBOOKS

ROUNDS = 3


def validation() -> None:
    """Print the table."""
    print("| strict nbval, two processes | s |\n|---|---:|")
    with tempfile.TemporaryDirectory() as room:
        bare = [Path(room, path.name) for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
        for path in bare:
            cell = new_code_cell("import mailkit", id="import", execution_count=1)
            nbformat.write(new_notebook(cells=[cell], metadata=METADATA, nbformat_minor=5), path)
        times = [(seconds([NOTEBOOKS]), seconds(bare)) for _ in range(ROUNDS)]
    lessons, imports = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"| all {len(bare)} notebooks | {lessons:.1f} |")
    print(f"| {len(bare)} notebooks that only import mailkit | {imports:.1f} |")
    print(f"| ratio, the median of {ROUNDS} pairs | {statistics.median(one / other for one, other in times):.2f} |")


def seconds(paths: Iterable[Path]) -> float:
    """Validate these notebooks as README's line does, and return how long it took. Raises if one differs."""
    begin = time.perf_counter()
    line = ["-m", "pytest", "-q", "--nbval", "-n", "2", "--dist", "loadfile", "--rootdir", str(NOTEBOOKS.parent)]
    done = subprocess.run(
        [sys.executable, *line, *map(str, paths)], cwd=NOTEBOOKS.parent, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stdout)
    return time.perf_counter() - begin
