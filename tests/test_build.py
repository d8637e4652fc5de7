"""What is packed: a wheel or an sdist has the built dashboard in it, or is none."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import hatch_build

ROOT = Path(__file__).parents[1]
STATIC, UI = Path("liveopt/web/static"), Path("liveopt/web/ui")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """As little of the project as can be packed."""
    found = tmp_path / "tree"
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        (found / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, found / name)
    for name in ("liveopt/__init__.py", "liveopt/web/__init__.py"):
        (found / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, found / name)
    return found


def with_sources(tree: Path) -> None:
    (tree / UI / "src").mkdir(parents=True)
    (tree / UI / "package-lock.json").write_text("{}")
    (tree / UI / "src" / "main.tsx").write_text("export {};")


def with_built(tree: Path, sources: str) -> None:
    (tree / STATIC / "assets").mkdir(parents=True)
    (tree / STATIC / "index.html").write_text("<!doctype html>")
    (tree / STATIC / "assets" / "index-3f2a91bc.js").write_text("1")
    (tree / STATIC / ".sources").write_text(sources)


def fingerprint(tree: Path) -> str:
    code = "import hatch_build; print(hatch_build.fingerprint())"
    return subprocess.check_output([sys.executable, "-c", code], cwd=tree, text=True).strip()


def pack(tree: Path, target: str) -> "subprocess.CompletedProcess[str]":
    """Without Node, as most who install something have none."""
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(tree / "dist")],
        cwd=tree,
        env={name: text for name, text in os.environ.items() if name != "PATH"},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def packed(tree: Path) -> list[str]:
    (file,) = (tree / "dist").iterdir()
    if file.suffix == ".whl":
        return zipfile.ZipFile(file).namelist()
    with tarfile.open(file) as archive:
        return [name.partition("/")[2] for name in archive.getnames()]


def test_a_wheel_has_the_built_dashboard_and_not_its_sources(tree: Path) -> None:
    with_sources(tree)
    with_built(tree, fingerprint(tree))
    ended = pack(tree, "wheel")
    assert ended.returncode == 0, ended.stderr
    names = packed(tree)
    assert {"liveopt/web/static/index.html", "liveopt/web/static/assets/index-3f2a91bc.js"} <= {
        *names
    }
    assert [name for name in names if name.startswith(f"{UI}/")] == []


def test_an_sdist_has_both_and_a_wheel_of_it_needs_no_node(tree: Path, tmp_path: Path) -> None:
    with_sources(tree)
    with_built(tree, fingerprint(tree))
    (tree / UI / "node_modules").mkdir()
    (tree / UI / "node_modules" / "large.js").touch()
    assert pack(tree, "sdist").returncode == 0
    names = packed(tree)
    assert {f"{STATIC}/index.html", f"{UI}/src/main.tsx", "hatch_build.py"} <= {*names}
    assert not [name for name in names if "node_modules" in name]
    (file,) = (tree / "dist").iterdir()
    with tarfile.open(file) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (inner,) = (tmp_path / "unpacked").iterdir()
    ended = pack(inner, "wheel")
    assert ended.returncode == 0, ended.stderr
    assert f"{STATIC}/index.html" in packed(inner)


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_one_without_a_dashboard_is_refused(tree: Path, target: str) -> None:
    ended = pack(tree, target)
    assert ended.returncode != 0
    assert "index.html is missing" in ended.stderr
    assert not list((tree / "dist").glob("*")) if (tree / "dist").exists() else True


def test_one_built_of_other_sources_is_built_anew_or_refused(tree: Path) -> None:
    with_sources(tree)
    with_built(tree, fingerprint(tree))
    (tree / UI / "src" / "main.tsx").write_text("export const changed = 1;")
    (tree / ".venv-node" / "bin").mkdir(parents=True)
    node = tree / ".venv-node" / "bin" / "python"
    node.write_text("#!/bin/sh\necho /nonexistent\n")  # a Node that is gone, and no network
    node.chmod(0o755)
    ended = pack(tree, "wheel")
    assert ended.returncode != 0
    assert "NotBuilt" in ended.stderr
    assert (tree / STATIC / "index.html").exists(), "what is there is kept"


def test_an_editable_install_needs_none(tree: Path) -> None:
    ended = pack(tree, "wheel:editable")
    assert ended.returncode == 0, ended.stderr


def test_every_source_counts_and_nothing_that_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_sources(tmp_path)
    monkeypatch.setattr(hatch_build, "UI", tmp_path / UI)
    monkeypatch.setattr(hatch_build, "LOCK", tmp_path / UI / "package-lock.json")
    seen = [hatch_build.fingerprint()]
    (tmp_path / UI / "node_modules").mkdir()
    (tmp_path / UI / "node_modules" / "x.js").touch()
    assert hatch_build.fingerprint() == seen[0]
    for name, text in [("src/a.ts", ""), ("src/a.ts", "1"), ("index.html", "1"), ("b.ts", "1")]:
        (tmp_path / UI / name).write_text(text)
        seen.append(hatch_build.fingerprint())
    (tmp_path / UI / "src" / "a.ts").rename(tmp_path / UI / "src" / "c.ts")
    seen.append(hatch_build.fingerprint())
    assert len(set(seen)) == len(seen)
    (tmp_path / UI / "package-lock.json").unlink()
    assert hatch_build.fingerprint() == ""


def test_what_npm_installs_is_pinned_and_comes_from_wherever_npm_is_told() -> None:
    lock = json.loads((ROOT / UI / "package-lock.json").read_text())
    installed = {name: one for name, one in lock["packages"].items() if name}
    assert installed
    assert [name for name, one in installed.items() if "resolved" in one] == []
    assert [name for name, one in installed.items() if "integrity" not in one] == []
