"""`liveopt init`: four questions, then a commented liveopt.toml in this folder."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from liveopt.cli.fit import misfits
from liveopt.cli.show import Failure
from liveopt.config import Loaded, Settings, as_toml, find

FILE = Path("liveopt.toml")
QUESTIONS = {
    "symbols": "symbols (futures such as XBTUSDTM, or spot such as BTC-USDT)",
    "variants": "variants",
    "strategies": "strategies",
    "feed": "prices from (kucoin, or sim: a simulated exchange)",
}
"""What is asked, all of [live]; every answer has a default that cannot hurt."""
LISTS = ("symbols", "strategies")
NEXT = """next:
  liveopt doctor   is this machine ready?
  liveopt run      start paper trading
No .env file is needed. PAPER ONLY: this release cannot place real orders."""


def init(
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing, take the defaults.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the liveopt.toml that is here.")
    ] = False,
) -> None:
    """Write liveopt.toml in this folder, with a comment beside every key.

    Example: `liveopt init --yes`
    """
    if FILE.exists() and not force:
        raise Failure(f"{FILE} is here already; edit it, or replace it with --force")
    answers: dict[str, Any] = {}
    for key, question in () if yes else QUESTIONS.items():
        _ask(answers, key, question)
    try:
        _write(as_toml(_settings(answers)))
    except OSError as error:
        raise Failure(f"{FILE} cannot be written: {error.strerror}") from error
    typer.echo(f"wrote {FILE}; every key is in it, with a comment")
    if (read := find()) != FILE:
        typer.echo(f"LIVEOPT_CONFIG names {read}: this file is not read while it does", err=True)
    typer.echo(NEXT)


def _ask(answers: dict[str, Any], key: str, question: str) -> None:
    """Until the answer can be used; what went before stays."""
    usual = getattr(Settings().live, key)
    shown = ", ".join(usual) if key in LISTS else str(usual)
    while True:
        text = str(typer.prompt(question, default=shown)).strip()
        parts = [part for piece in text.split(",") if (part := piece.strip())]
        answer = parts if key in LISTS else text
        wrong = _complaint(answers | {key: answer}, key)
        if wrong is None:
            answers[key] = answer
            return
        typer.echo(f"  {wrong}", err=True)


def _complaint(answers: dict[str, Any], key: str) -> str | None:
    try:
        settings = _settings(answers)
    except ValidationError as error:
        field = type(Settings().live).model_fields[key]
        return f"{error.errors()[0]['msg']}. {field.description}"
    found = misfits(Loaded(settings, None, {}))
    return found[0].removeprefix(f"default: live.{key}: ") if found else None


def _settings(answers: dict[str, Any]) -> Settings:
    return Settings.model_validate({"live": answers})


def _write(text: str) -> None:
    """Whole or not at all."""
    beside = FILE.with_name(f".{FILE.name}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(FILE)
    finally:
        beside.unlink(missing_ok=True)
