"""JupyterLab in Chromium, as a learner meets it: a private copy of the course, and nothing that leaves the machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Route, sync_playwright

from tests.notebooks import FOLDER, ROOT
from tests.plugin import PROGRAMS

CURRENT = ".jp-NotebookPanel:not(.lm-mod-hidden)"
WIDGET = ".jp-OutputArea-output:has(> .jupyter-widgets)"  # as JupyterLab embeds one
PANEL = "const panel = jupyterapp.shell.currentWidget;"
QUIET = (  # Chromium by itself asks its maker for this and that
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LAPTOP = {"width": 1024, "height": 768}
LOCAL = re.compile(r"(https?|wss?)://127\.0\.0\.1[:/]|(data|blob|about|file|chrome):")
NEWS = "@jupyterlab/apputils-extension/notification.jupyterlab-settings"


@dataclass
class Lab:
    """A running JupyterLab on one page of a browser; what a page wanted from elsewhere is refused and written down."""

    page: Page
    notebooks: Path
    strayed: list[str]

    @contextmanager
    def lesson(self, name: str) -> Iterator[Lesson]:
        """Open a notebook as it is committed and not yet trusted; close it with its kernel."""
        self.page.set_viewport_size(LAPTOP)
        shutil.copy(FOLDER / f"{name}.ipynb", self.notebooks)
        opened = (
            "await jupyterapp.commands.execute('docmanager:open', {path: " + repr(f"notebooks/{name}.ipynb") + "});"
        )
        self.page.evaluate(f"async () => {{ {opened} }}")
        lesson = Lesson(name, self.page)
        lesson.script("await panel.context.ready; await panel.revealed; await panel.sessionContext.ready")
        lesson.page.locator(f"{CURRENT} .jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(state="attached")
        try:
            yield lesson
        finally:
            lesson.close()

    def choose(self, theme: str) -> None:
        """Change to the theme "Light" or "Dark"."""
        change = f"jupyterapp.commands.execute('apputils:change-theme', {{theme: 'JupyterLab {theme}'}})"
        self.page.evaluate(f"async () => {{ await {change} }}")
        light = str(theme == "Light").lower()
        self.page.locator(f"body[data-jp-theme-light={light}]").wait_for(state="attached")


@dataclass
class Lesson:
    """One open notebook."""

    name: str
    page: Page

    def script(self, javascript: str) -> Any:
        """Run JavaScript to which the notebook is ``panel``."""
        return self.page.evaluate(f"async () => {{ {PANEL} {javascript} }}")

    def close(self) -> None:
        """Close it, and end its kernel."""
        self.script("await panel.sessionContext.ready; await panel.sessionContext.shutdown(); panel.dispose()")

    def run_all(self) -> None:
        """Run all cells, as the menu does, and wait for the last."""
        self.script("await jupyterapp.commands.execute('notebook:run-all-cells')")

    def unfold(self) -> None:
        """Open the folded parts."""
        self.script("await jupyterapp.commands.execute('notebook:expand-all-headings')")
        self.page.wait_for_function("jupyterapp.shell.currentWidget.content.widgets.every(cell => cell.isAttached)")
        self.script("panel.node.querySelectorAll('details').forEach(one => one.open = true)")

    def list_files(self, shown: bool) -> None:
        """Show the list of files at the left, or close it, as Ctrl+B does."""
        self.script(f"if (jupyterapp.shell.leftCollapsed === {str(shown).lower()}) "
                    "await jupyterapp.commands.execute('application:toggle-left-area')")  # fmt: skip

    def failed(self) -> dict[str, str]:
        """Return the cells that hold an error: id → its last words."""
        return dict(
            self.script("""
                return panel.content.widgets.filter(cell => cell.model.type === 'code').flatMap(cell =>
                    cell.model.outputs.toJSON().filter(output => output.output_type === 'error')
                        .map(output => [cell.model.id, `${output.ename}: ${output.evalue}`]))""")
        )

    def unrun(self) -> list[str]:
        """Return the code cells that have not been run."""
        return list(
            self.script("""
                return panel.content.widgets.filter(cell => cell.model.type === 'code' && cell.model.source
                    && !cell.model.executionCount).map(cell => cell.model.id)""")
        )

    def cells(self) -> list[str]:
        """Return all cells' ids in order."""
        return list(self.script("return panel.content.widgets.map(cell => cell.model.id)"))

    def cell(self, cell_id: str) -> Locator:
        """Return one cell, by its id, in view."""
        at = self.cells().index(cell_id)
        self.script(f"await panel.content.scrollToItem({at}, 'start')")
        return self.page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{at}']")

    def ask(self, expression: str) -> str:
        """Return what an expression gives in the lesson's kernel, printed."""
        code = json.dumps(f"print({expression})")
        return str(
            self.page.evaluate(f"""async () => {{
                {PANEL}
                const future = panel.sessionContext.session.kernel.requestExecute({{code: {code}}});
                let said = '';
                future.onIOPub = message => said += message.content.text ?? message.content.evalue ?? '';
                await future.done;
                return said.trim();
            }}""")
        )

    def photograph(self, folder: Path, theme: str) -> None:
        """Save the whole page, in pieces as high as a screen, and each widget."""
        folder.mkdir(parents=True, exist_ok=True)
        number = self.name[:2]
        for count, widget in enumerate(self.page.locator(WIDGET).all()):
            widget.screenshot(path=folder / f"{number}-{theme.lower()}-widget-{count}.png")
        height = int(self.script("return panel.content.outerNode?.scrollHeight ?? panel.content.node.scrollHeight"))
        for count, top in enumerate(range(0, height, 1200)):
            self.page.set_viewport_size({"width": LAPTOP["width"], "height": 1300})
            self.script(f"(panel.content.outerNode ?? panel.content.node).scrollTop = {top}")
            self.page.screenshot(path=folder / f"{number}-{theme.lower()}-{count}.png")
        self.page.set_viewport_size(LAPTOP)


def chromium() -> str | None:
    """Return the path of the browser, or None where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS["browser"])), None)


@contextmanager
def start_lab(room: Path) -> Iterator[Lab]:
    """Start JupyterLab the way README does, in a copy of the course, and a browser."""
    course = room / "course"
    shutil.copytree(ROOT, course, ignore=shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "screenshots"))
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",  # here JupyterLab keeps which notebooks it trusts: none
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
        "MAILKIT_PROGRESS": "progress.json",
    }
    private = {name: str(room / place) for name, place in places.items()}
    news = room / "settings" / NEWS  # JupyterLab's question, answered beforehand
    news.parent.mkdir(parents=True)
    news.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}), "utf-8")
    line = next(one for one in (ROOT / "README.md").read_text("utf-8").splitlines() if "-m jupyterlab" in one)
    command = line[line.index("-m jupyterlab") :] + " --no-browser --allow-root --port=0 --expose-app-in-browser"
    environment = os.environ | private | {"PYTHONPATH": str(course)}
    with subprocess.Popen(
        [sys.executable, *command.split()], cwd=course, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            address = _address(process)
            assert process.stderr
            threading.Thread(target=process.stderr.read, daemon=True).start()  # so that it can talk on
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
                page, strayed = quiet_page(browser)
                page.goto(address.replace("/lab?", "/lab/tree/notebooks/00-start-here.ipynb?"))
                page.locator(f"{CURRENT} .jp-Cell").first.wait_for()
                Lesson("00-start-here", page).close()
                yield Lab(page, course / "notebooks", strayed)
                browser.close()
        finally:
            process.terminate()


def quiet_page(browser: Browser) -> tuple[Page, list[str]]:
    """Open a page of a small laptop's size that reaches this machine only; return also what else it asked for."""
    strayed = []

    def refuse(route: Route) -> None:
        strayed.append(route.request.url)
        route.abort()

    page = browser.new_page(viewport=LAPTOP)
    page.set_default_timeout(120_000)  # a kernel's start takes long on a busy machine
    page.route(lambda url: not LOCAL.match(url), refuse)
    return page, strayed


def _address(process: subprocess.Popen[str]) -> str:
    """Read where JupyterLab says it is."""
    assert process.stderr
    said = []
    for line in process.stderr:
        said.append(line)
        if match := re.search(r"http://127\.0\.0\.1:\d+/\S*token=\w+", line):
            return match[0]
    raise RuntimeError(f"JupyterLab did not start; it said:\n{''.join(said)}")
