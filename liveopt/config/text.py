"""Settings as text: a commented `liveopt.toml`, and which line of one says what."""

import json
import textwrap
import tomllib
from collections.abc import Iterator
from typing import Final

from liveopt.config.sections import Settings

WIDTH: Final = 98
HEAD: Final = (
    "What an operator may change. Every key is here with what it is for, its unit and its range.",
    "An environment variable wins over this file: LIVEOPT__ACCOUNT__CAPITAL=25000 for [account]"
    " capital. LIVEOPT_CONFIG names another file. A key that liveopt does not know is refused.",
)


def as_toml(settings: Settings) -> str:
    """The settings as a file that says the same, with a comment beside every key."""
    lines = [line for text in HEAD for line in _comment(text)]
    for name, section in settings:
        lines += ["", *_comment(type(section).__doc__ or ""), f"[{name}]"]
        for key, field in type(section).model_fields.items():
            lines += _comment(field.description or "")
            lines.append(f"{key} = {toml_value(getattr(section, key))}")
    return "\n".join(lines) + "\n"


def toml_value(value: object) -> str:
    """One value as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case tuple() | list():
            return f"[{', '.join(map(toml_value, value))}]"
        case _:
            return repr(value)


def lines_of(text: str) -> dict[tuple[str, str], int]:
    """The line on which each key of each table of a valid TOML file begins.

    What is one statement is for the TOML reader to say: lines are added until it takes them.
    """
    found: dict[tuple[str, str], int] = {}
    for line, header, statement in _statements(text):
        for section, keys in tomllib.loads(f"{header}\n{statement}").items():
            found.setdefault((section, ""), line)
            for key in keys if isinstance(keys, dict) else ():
                found.setdefault((section, key), line)
    return found


def _statements(text: str) -> Iterator[tuple[int, str, str]]:
    """Each statement with the number of its first line and the table's header above it."""
    header, first = "", 1
    parts: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        parts.append(line.removesuffix("\r"))
        statement = "\n".join(parts)
        try:
            tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue  # it goes on
        if statement.strip().startswith("["):
            header = statement
            yield first, "", statement
        elif statement.strip():
            yield first, header, statement
        first, parts = number + 1, []


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ")
