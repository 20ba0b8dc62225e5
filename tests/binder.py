"""What Binder makes of the course, without Docker: ``python -m tests.binder`` builds its environment and weighs it.

Binder's image begins with an environment of its own, JupyterLab included, whose versions repo2docker writes
down; pip then adds what ``.binder/requirements.txt`` asks for. The same is done here in a virtual environment,
with this Python.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from tests.notebooks import ROOT

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".*_cache", ".hypothesis", ".ipynb_checkpoints", "*.egg-info",
                                  "__pycache__", ".progress.json", "screenshots")  # fmt: skip
LOCKED = re.compile(r"/([\w.-]+)-(\d[\w.]*)-[^/]*$", re.MULTILINE)
JUPYTER = re.compile(r"jupyter|ip|nb|tornado|traitlets|pyzmq|comm")  # of those, what JupyterLab is made of
NOBODY = "65534"
LOOPBACK_UP = 'ip link set lo up && exec "$@"'
AND_BE_MYSELF = 'ip link set lo up && exec unshare --user --map-user={} --map-group={} -- "$@"'
POWERLESS = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]
# reading stays allowed wherever this Python lies, or a user could not run what root keeps in its home
MAY_READ = [f"--{which}=-all,+dac_read_search" for which in ("inh-caps", "ambient-caps", "bounding-set")]


def dockerfile() -> str:
    """Return what repo2docker would have Docker do with the course; it builds nothing."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "--user-id=1000", "--user-name=jovyan"]
    done = subprocess.run([*command, "."], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"repo2docker does not understand the course; it said:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def base_versions() -> dict[str, str]:
    """Return the versions that Binder's image begins with; none where repo2docker is not installed."""
    spec = find_spec("repo2docker")
    if spec is None or spec.origin is None:
        return {}
    lock = Path(spec.origin).parent / "buildpacks/conda" / f"environment.py-{python_version()}-linux-64.lock"
    return {canonical(name): version for name, version in LOCKED.findall(lock.read_text("utf-8"))}


def canonical(name: str) -> str:
    """Return a package's name as it is compared; conda has one of its own for nbconvert."""
    return re.sub(r"[-_.]+", "-", name).lower().replace("nbconvert-core", "nbconvert")


def python_version() -> str:
    """Return the Python that ``.binder/runtime.txt`` asks for, as ``3.12``."""
    return (ROOT / ".binder/runtime.txt").read_text("utf-8").strip().removeprefix("python-")


@dataclass(frozen=True)
class Image:
    """A copy of the course, the environment it runs in, and a home that is elsewhere."""

    course: Path
    prefix: Path
    home: Path

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.prefix / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Where its packages lie."""
        return next(self.prefix.glob("lib/python3*/site-packages"))

    def forbid_writing(self, forbidden: bool = True) -> None:
        """Take the right to write in the environment from everybody, or give it back to its owner."""
        for path in (self.prefix, *self.prefix.rglob("*")):
            if not path.is_symlink():
                mode = stat.S_IMODE(path.stat().st_mode)
                path.chmod(mode & ~0o222 if forbidden else mode | stat.S_IWUSR)


@contextmanager
def built() -> Iterator[Image]:
    """Build what Binder would build, in a place of its own. Raises `RuntimeError` with what pip says."""
    with tempfile.TemporaryDirectory() as room:
        os.chmod(room, 0o755)
        image = Image(Path(room, "course"), Path(room, "environment"), Path(room, "home"))
        image.home.mkdir()
        shutil.copytree(ROOT, image.course, ignore=LEFT_OUT)
        constraints = Path(room, "base.txt")
        locked = [f"{name}=={version}\n" for name, version in base_versions().items() if JUPYTER.match(name)]
        constraints.write_text("".join(locked))
        pip = [sys.executable, "-m", "pip", "-q", "--python", str(image.python), "install"]
        try:
            for command in (
                [sys.executable, "-m", "venv", "--without-pip", str(image.prefix)],
                [*pip, "--constraint", str(constraints), "jupyterlab", "ipykernel", "ipywidgets"],
                [*pip, "-r", ".binder/requirements.txt"],
                ["bash", ".binder/postBuild"],
            ):
                _run(command, image)
            yield image
        finally:
            image.forbid_writing(False)


def _run(command: list[str], image: Image) -> None:
    """Run one step of the build, with the environment first on the path."""
    path = f"{image.prefix / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(command, cwd=image.course, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def as_learner() -> tuple[list[str], str]:
    """Return what to put before a command to run it as Binder's user, and why the network is open ("" if it is not).

    That user is nobody in particular, root being nobody else, in a network that has only a loopback interface.
    Raises `RuntimeError` where root cannot become an ordinary user.
    """
    if os.geteuid() == 0:
        user = [*POWERLESS, *MAY_READ, "--"]
        closed = ["unshare", "--net", "--", "sh", "-c", LOOPBACK_UP, "sh", *user]
    else:
        user = []
        myself = AND_BE_MYSELF.format(os.geteuid(), os.getegid())
        closed = ["unshare", "--net", "--map-root-user", "--", "sh", "-c", myself, "sh"]
    if works(closed):
        return closed, ""
    if works(user):
        return user, "this system does not let a process have a network of its own"
    raise RuntimeError("root cannot become an ordinary user here; run the tests as one")


def hand_over(*folders: Path) -> None:
    """Give folders to the user that `as_learner` makes; what belongs to an ordinary user stays as it is."""
    if os.geteuid() == 0:
        for folder in folders:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, int(NOBODY), int(NOBODY), follow_symlinks=False)


def works(before: list[str]) -> bool:
    """Tell whether a command can be run this way."""
    try:
        return subprocess.run([*before, sys.executable, "-c", "pass"], capture_output=True).returncode == 0
    except OSError:  # no such program
        return False


def weights(image: Image) -> tuple[Counter[str], set[str]]:
    """Return how much each package weighs, in octets, and which ones the course adds or replaces."""
    weight: Counter[str] = Counter()
    added = set()
    base = base_versions()
    for package in distributions(path=[str(image.packages)]):
        name = canonical(package.name)
        files = [Path(package.locate_file(file)) for file in package.files or ()]
        weight[name] = sum(file.stat().st_size for file in files if file.is_file())
        if name not in base or (JUPYTER.match(name) and package.version != base[name]):
            added.add(name)
    return weight, added


def main(shown: int = 12) -> None:
    """Print the table."""
    with built() as image:
        weight, added = weights(image)
    ours = sum(weight[name] for name in added)
    print("| package | MB | who brings it |\n|---|---:|---|")
    print(f"| all {len(weight)} | {weight.total() / 1e6:.1f} | |")
    print(f"| {len(added)} of them | {ours / 1e6:.1f} | the course |")
    for name, size in weight.most_common(shown):
        print(f"| {name} | {size / 1e6:.1f} | {'the course' if name in added else 'Binder'} |")


if __name__ == "__main__":
    main()
