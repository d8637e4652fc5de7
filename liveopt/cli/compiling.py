"""Compiles the steps of a run before it begins, and says that this takes a while."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import typer

from liveopt.core.strategy import Strategy
from liveopt.engine.kernels import cache_folder
from liveopt.engine.program import Program
from liveopt.live.compile import compile_all
from liveopt.walk.events import Begin
from liveopt.walk.group import programs
from liveopt.walk.variant import Variant

CACHE: Final = "liveopt"
"""The folder's name where kernels are kept; one that ends with the process is called otherwise."""
COMPILED: Final = "__pycache__/liveopt_kernel_*.nbi"


async def compile_for(
    strategies: Mapping[str, Strategy],
    begin: Begin,
    variants: Sequence[Variant],
    *,
    headless: bool,
) -> None:
    """Every step that will be needed, so that no tick waits for a compiler."""
    wanted: list[Program] = []
    for listed in begin.listed:
        own = [listed.champion, *(v for v in variants if v.symbol == listed.symbol)]
        wanted += programs(own, strategies, listed.instrument, begin.terms)
    await compile_all(wanted, (lambda _done, _of: None) if headless else telling())


def telling() -> Callable[[int, int], None]:
    """Hears how many of how many are done; asked for before the first of them is."""
    why = _why()

    def said(done: int, of: int) -> None:
        typer.echo(f"  compiling for this processor{why}: {done} of {of}")

    return said


def _why() -> str:
    cache = cache_folder()
    if cache.name != CACHE:
        return " (nothing can be kept: see LIVEOPT_CACHE)"
    if any(cache.glob(COMPILED)):
        return ", what no run has needed before"
    return ", the first time only"
