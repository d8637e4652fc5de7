"""`liveopt variants`: who trades in the run that goes on here, and how to change that."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from msgspec import structs

from liveopt.cli import plan
from liveopt.cli.ask import ask
from liveopt.cli.show import Exit, as_json, note, table
from liveopt.cli.stop import StateOption
from liveopt.config import load as load_settings
from liveopt.core.strategy import Strategy
from liveopt.live.clock import Clock
from liveopt.optimize.generate import METHODS, generate, mutate
from liveopt.optimize.parameters import BadParameter, parse_fixed
from liveopt.strategies import load
from liveopt.walk.variant import Variant

variants = typer.Typer(no_args_is_help=True, help="The variants of the run that goes on here.")

ADDED_MAX: Final = 500
COLUMNS: Final = ("id", "symbol", "strategy", "status", "position")
NUMBERS: Final = ("roi", "trades", "win_rate", "bar_sharpe", "max_drawdown")

JsonOption = Annotated[bool, typer.Option("--json", help="The result as JSON.")]
IdsArgument = Annotated[list[str], typer.Argument(help="Names of variants.", metavar="ID...")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Kept in the journal.")]


@variants.command("list")
def list_variants(
    top: Annotated[int, typer.Option("--top", min=1, max=500, help="How many.")] = 20,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """The champion, then the best by return. In-sample: the best of many looks good by luck.

    Exit code 3 if nothing runs. Example: `liveopt variants list --top 50`
    """
    found = ask(state, {"kind": "variants", "limit": top})["variants"]
    if json:
        as_json(found)
        return
    rows = [
        (*(one[name] for name in COLUMNS), *(_number(one["metrics"].get(n)) for n in NUMBERS))
        for one in found
    ]
    table((*COLUMNS, *NUMBERS), rows)


@variants.command()
def show(
    variant: Annotated[str, typer.Argument(help="A variant's name.", metavar="ID")],
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """One variant: its parameters, its state, its metrics.

    Example: `liveopt variants show main`
    """
    one = _one(state, variant)
    if json:
        as_json(one)
        return
    for name in (*COLUMNS, "lane", "why"):
        if one[name]:
            typer.echo(f"{name:<16}{one[name]}")
    for title in ("parameters", "metrics"):
        note(title)
        for name, value in one[title].items():
            typer.echo(f"  {name:<16}{'undefined' if value is None else value}")


@variants.command()
def add(
    strategy: Annotated[
        str, typer.Argument(help="A strategy; `liveopt strategies` lists them.")
    ] = "",
    count: Annotated[int, typer.Option("--count", min=1, max=ADDED_MAX, help="How many.")] = 1,
    method: Annotated[str, typer.Option("--method", help=f"{', '.join(METHODS)}.")] = "random",
    fixed: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Alike in all.")
    ] = None,
    mutation_of: Annotated[
        str, typer.Option("--mutate", metavar="ID", help="Children of this variant instead.")
    ] = "",
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Of the draws.")] = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Add variants while the run goes on; those that do not fit wait for a place.

    Examples: `liveopt variants add rsi_reversion --count 50 --method conservative`,
    `liveopt variants add --mutate 1c4f... --count 10`
    """
    strategies = load()
    seed = Clock().wall() % (1 << 32) if seed is None else seed
    if bool(strategy) == bool(mutation_of):
        raise BadParameter("name a strategy, or a variant with --mutate; one of the two")
    if mutation_of:
        made = _children(_one(state, mutation_of), strategies, count, seed)
    else:
        chosen = plan.known(strategies, strategy)
        symbol = load_settings().live.symbols[0]
        given = parse_fixed(chosen, fixed or [])
        made = generate(chosen, method, count, seed, given, symbol)
    words = [structs.asdict(variant) for variant in made]
    _changed(ask(state, {"kind": "add", "variants": words, "by": "cli"}), json=json)


@variants.command()
def pause(
    ids: IdsArgument, reason: ReasonOption = "", state: StateOption = None, json: JsonOption = False
) -> None:
    """Let them open no new positions; exits go on. Example: `liveopt variants pause main`."""
    _change("pause", ids, reason, state, json=json)


@variants.command()
def resume(
    ids: IdsArgument, reason: ReasonOption = "", state: StateOption = None, json: JsonOption = False
) -> None:
    """Let paused variants open positions again. Example: `liveopt variants resume main`."""
    _change("resume", ids, reason, state, json=json)


@variants.command()
def retire(
    ids: IdsArgument, reason: ReasonOption = "", state: StateOption = None, json: JsonOption = False
) -> None:
    """Close what they hold and let them go for good. Example: `liveopt variants retire 1c4f...`."""
    _change("retire", ids, reason, state, json=json)


def _change(kind: str, ids: list[str], reason: str, state: Path | None, *, json: bool) -> None:
    _changed(ask(state, {"kind": kind, "ids": ids, "by": "cli", "why": reason}), json=json)


def _changed(said: Mapping[str, Any], *, json: bool) -> None:
    if json:
        as_json(said)
    else:
        if said["done"]:
            typer.echo("\n".join(said["done"]))
        for name, why in said["refused"].items():
            typer.echo(f"liveopt: {name}: {why}", err=True)
    if said["refused"]:
        raise typer.Exit(Exit.ERROR)


def _children(
    parent: Mapping[str, Any], strategies: Mapping[str, Strategy], count: int, seed: int
) -> list[Variant]:
    variant = Variant(
        parent["id"], parent["strategy"], parent["symbol"], dict(parent["parameters"])
    )
    strategy = plan.known(strategies, variant.strategy)
    return [mutate(variant, strategy, seed=seed + number) for number in range(count)]


def _one(state: Path | None, variant: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = ask(state, {"kind": "variants", "id": variant})["variants"]
    if not found:
        raise BadParameter(f"{variant}: the run has no such variant; see `liveopt variants list`")
    return found[0]


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
