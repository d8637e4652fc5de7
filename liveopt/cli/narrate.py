"""What a run says on stdout while it runs: that it moves, and who trades."""

import asyncio
import sys
from typing import Final

from liveopt.core.bars import MINUTE_NS
from liveopt.live.board import Board, eligible, variants_by_status
from liveopt.live.rounds import Progress
from liveopt.live.service import Service
from liveopt.walk.explain import e_value, number
from liveopt.walk.state import Market

FIRST_S: Final = 2.0
EVERY_S: Final = 5.0


async def narrate(service: Service, board: Board) -> None:
    """A line now and then, until it is cancelled."""
    began_s = asyncio.get_running_loop().time()
    while board.phase != "running":  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    sys.stdout.write(f"{opening(service)}\n")  # which the engine has made patient
    try:
        await asyncio.sleep(FIRST_S)
        while True:
            elapsed_s = int(asyncio.get_running_loop().time() - began_s)
            now = f"{elapsed_s // 60:02d}:{elapsed_s % 60:02d}"
            sys.stdout.write(f"  {now}  {line(service, board)}\n")
            await asyncio.sleep(EVERY_S)
    finally:
        sys.stdout.write(f"{closing(service, board)}\n")


def opening(service: Service) -> str:
    """What runs here and where it is written down."""
    state = service.state
    names = ", ".join(state.markets)
    wanted = state.running() + len(state.joining) + len(state.waiting)
    assert state.terms is not None
    warm = min((len(market.past) for market in state.markets.values()), default=0)
    minutes = state.terms.signal_ns / MINUTE_NS
    return (
        f"  market    {names}, signals every {minutes:g} min, {warm} bars of history\n"
        f"  variants  {wanted} and the champion; limits: loss {state.terms.loss_limit:.0%},"
        f" drawdown {state.terms.drawdown_limit:.0%}\n"
        f"  journal   {service.folder}{', which goes on' if service.pump.resumed else ''}\n"
        f"  stop      Ctrl-C once ends it in order; `liveopt stop` is the emergency stop"
    )


def closing(service: Service, board: Board) -> str:
    """What came of it, at the end of a run or of this part of it."""
    state = service.state
    assert state.terms is not None
    capital = state.terms.capital
    results = [
        f"{group.seats[0].id} {float(group.batch.cell('p_equity')[0]) / capital - 1.0:+.2%}"
        for _, group in state.groups()
        if group.champion
    ]
    best = max(board.newest.values(), key=lambda one: one.best_equity or 0.0, default=None)
    if best is not None and best.best_equity is not None:
        results.append(f"the luckiest {best.best} {best.best_equity / capital - 1.0:+.2%}")
    if board.promotions or board.demotions:
        results.append(f"{board.promotions} promotions, {board.demotions} demotions")
    return (
        f"  ended: {board.ticks} ticks, {board.entries} entries, {board.trades} trades;"
        f" {', '.join(results)}\n"
        f"  check it: liveopt replay {service.folder} --check"
    )


def line(service: Service, board: Board) -> str:
    """How it goes, in one line."""
    state = service.state
    counts = variants_by_status(state)
    prices = " ".join(
        f"{market.symbol} {market.last.price:g}"
        for market in state.markets.values()
        if market.last is not None
    )
    parts = [
        prices or "no tick yet",
        f"{board.ticks} ticks",
        f"{counts.get('active', 0)} active"
        + (f" ({counts['warming']} warming up)" if counts.get("warming") else "")
        + f", {state.positions()} in position",
        f"{board.entries} entries, {board.trades} trades",
    ]
    if counts.get("stopped"):
        parts.append(f"{counts['stopped']} stopped at a limit")
    best = max(board.newest.values(), key=lambda one: one.best_equity or 0.0, default=None)
    if best is not None and best.best_equity is not None and state.terms is not None:
        parts.append(f"luckiest {best.best_equity / state.terms.capital - 1.0:+.2%}")
    parts += [told for market in state.markets.values() if (told := gate(market, board))]
    if service.rounds is not None and (told := search(service.rounds.progress)):
        parts.append(told)
    if state.halt is not None:
        parts.append(f"HALTED ({state.halt.mode})")
    return " | ".join(parts)


def search(own: Progress) -> str:
    """The search under way, or what the last one brought; nothing before the first."""
    match own.phase:
        case "searching":
            share = own.done / own.wanted if own.wanted else 0.0
            return f"search {own.number}: {share:.0%}"
        case "ended":
            return f"search {own.number}: {own.proposed} proposed, {own.admitted} joined"
        case _:
            return ""


def gate(market: Market, board: Board) -> str:
    """Who leads in evidence, or has passed; nothing where there is nothing to say yet."""
    if passed := eligible(market):
        assert market.contest is not None
        asks = market.contest.phase == "found" and not market.contest.terms.auto
        waits = ", waiting for your consent" if asks else ""
        return f"{', '.join(passed)} PASSED the gate{waits}"
    looked = board.looked.get(market.symbol)
    if looked is None or not looked.leaders:
        return ""
    leader = looked.leaders[0]
    lacks = f", lacks {leader.stopped_by[0]}" if leader.stopped_by else ""
    return f"gate: {leader.variant} leads, evidence {number(e_value(leader.log_evidence))}{lacks}"
