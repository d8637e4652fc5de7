"""House rules that no linter knows: sizes, words, and documents that keep up with the code."""

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "liveopt").rglob("*.py"))
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

# Modules that may catch whatever comes: each logs and counts what it caught.
CATCHES_ALL: frozenset[str] = frozenset(
    {
        "liveopt/guard/attempt.py",  # an emergency stop goes on whatever fails
        "liveopt/journal/writer.py",  # what ends the writer ends the service
        "liveopt/live/rounds.py",  # a search is no part of the run: its faults are told
        "liveopt/portfolio/queue/aside.py",  # raised again where it is waited for
        "liveopt/portfolio/queue/task.py",  # what one job brings about ends no other
        "liveopt/portfolio/queue/worker.py",  # the queue goes on, and says what is wrong
        "liveopt/logs/redaction.py",  # what cannot say what it is costs no line of the log
        "liveopt/live/supervise.py",  # what crashes is started again
        "liveopt/web/security.py",  # a bug in a handler costs one answer
        "liveopt/slow/worker.py",  # the user's code may raise anything
    }
)

# The paths of somebody's machine, as they slip into examples and logs.
MACHINE_PATH = re.compile(r"(?<![\w.~)}\]-])/(?:work|root)\b")

every_module = pytest.mark.parametrize(
    "module", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def docstring_lines(tree: ast.Module) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        match node:
            case (
                ast.Module(body=[first, *_])
                | ast.ClassDef(body=[first, *_])
                | ast.FunctionDef(body=[first, *_])
                | ast.AsyncFunctionDef(body=[first, *_])
            ) if ast.get_docstring(node) is not None:
                lines.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
            case _:
                pass
    return lines


def code_lines(source: str) -> int:
    """Lines with code on them: no blanks, no comments, no docstrings."""
    silent = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in silent:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstring_lines(ast.parse(source)))


def catches_all(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return bool(names & {"Exception", "BaseException"})


def files_of_the_repository() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [file for name in listed.stdout.split("\0") if name and (file := ROOT / name).is_file()]


def documents() -> str:
    files = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return "\n".join(file.read_text() for file in files if file.exists())


def commands(command: object, path: str) -> Iterator[str]:
    """Every command below this one, with the words one types to reach it."""
    inner: dict[str, object] = getattr(command, "commands", {})
    for name, child in inner.items():
        yield from commands(child, f"{path} {name}")
    if not inner:
        yield path


def settings_keys() -> list[str]:
    from liveopt.config import Settings

    keys = []
    for section, field in Settings.model_fields.items():
        assert isinstance(field.annotation, type)
        assert issubclass(field.annotation, BaseModel), f"{section} is not a section"
        keys += [f"{section}.{key}" for key in field.annotation.model_fields]
    return keys


@every_module
def test_a_module_fits_in_the_head(module: Path) -> None:
    source = module.read_text()
    lines = code_lines(source)
    assert lines <= MODULE_LINES_MAX, f"{lines} lines of code: it wants to be two modules"


@every_module
def test_a_function_fits_a_screen(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= FUNCTION_LINES_MAX, f"{node.name} has {lines} lines"


@every_module
def test_a_module_says_what_it_is_for(module: Path) -> None:
    docstring = ast.get_docstring(ast.parse(module.read_text()), clean=False)
    assert docstring, "no docstring"
    assert docstring.splitlines()[0].strip(), "the first line says what the module is for"


@every_module
def test_an_error_is_caught_by_its_name(module: Path) -> None:
    name = module.relative_to(ROOT).as_posix()
    handlers = [
        node.lineno
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ExceptHandler) and catches_all(node)
    ]
    assert not handlers or name in CATCHES_ALL, f"lines {handlers} catch everything"


def test_every_command_is_documented() -> None:
    from liveopt.cli.app import app

    text = documents()
    paths = list(commands(typer.main.get_command(app), "liveopt"))
    assert [path for path in paths if not re.search(rf"{re.escape(path)}\b", text)] == []


def test_every_setting_is_documented() -> None:
    text = documents()
    assert [key for key in settings_keys() if f"`{key}`" not in text] == []


def test_the_shipped_settings_are_complete_and_commented() -> None:
    text = (ROOT / "config" / "liveopt.toml").read_text()
    tables = tomllib.loads(text)
    assert [f"{section}.{key}" for section in tables for key in tables[section]] == settings_keys()
    lines = text.splitlines()
    keys = [number for number, line in enumerate(lines) if re.match(r"\w+ *=", line)]
    assert [lines[number] for number in keys if not lines[number - 1].startswith("# ")] == []


def test_no_file_names_somebodys_machine() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in files_of_the_repository()
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), start=1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


def test_the_lock_holds_every_dependency_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = [re.split(r"[^\w.-]", line, maxsplit=1)[0].lower() for line in wanted]
    assert [name for name in names if f"\n{name}==" not in lock] == []
    assert "://" not in lock
    assert not re.search(r"^--", lock, re.MULTILINE)


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
        if not (page.parent / link).exists()
    ]
    assert broken == []


def test_the_command_line_starts_without_a_compiler() -> None:
    code = "import sys, liveopt.cli.app; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
