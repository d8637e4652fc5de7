"""What the engine tells its guard, four times a second: the status of the run."""

import asyncio
import os
from functools import cache
from typing import Any, Final

from liveopt.core.bars import SECOND_NS
from liveopt.engine.cpu import Cpu
from liveopt.kucoin.budget import Budget
from liveopt.live.board import Board, eligible, variants_by_status, why_none_is_eligible
from liveopt.live.rounds import facts
from liveopt.live.service import Service
from liveopt.walk.events import Terms
from liveopt.walk.explain import e_value
from liveopt.walk.standings import YEAR_S
from liveopt.walk.state import Market
from liveopt.walk.verdicts import Leader

PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def report(service: Service, board: Board) -> dict[str, Any]:
    """Plain data with stable keys; docs/prompts says what each means."""
    state, pump = service.state, service.pump
    counts = variants_by_status(state)
    newest = {
        symbol: {
            "bar_at_ns": standing.bar.at_ns,
            "close": standing.bar.close,
            "mean_equity": standing.mean_equity,
            "best": standing.best,
            "best_equity": standing.best_equity,
        }
        for symbol, standing in board.newest.items()
    }
    return {
        "phase": board.phase,
        "run": state.run,
        "terms": _terms(state.terms),
        "folder": str(service.folder),
        "seq": pump.seq,
        "durable_seq": service.durable,
        "backlog": service.writer.backlog,
        "journal_ok": service.writer.failed is None,
        "halted": None if state.halt is None else state.halt.mode,
        "variants": counts,
        "eligible": sum(len(eligible(market)) for market in state.markets.values()),
        "eligible_reason": why_none_is_eligible(state, board),
        "gate": {market.symbol: _gate(market, board) for market in state.markets.values()},
        "search": None if service.rounds is None else facts(service.rounds.progress),
        "promotions": board.promotions,
        "demotions": board.demotions,
        "positions": state.positions(),
        "ticks": board.ticks,
        "tick_age_ms": _tick_age_ms(board),
        "late_ticks": sum(market.builder.late for market in state.markets.values()),
        "holes": board.holes,
        "entries": board.entries,
        "trades": board.trades,
        "stopped": dict(board.stopped),
        "restarts": dict(board.restarts),
        "standstills": service.watchdog.standstills,
        "markets": {
            market.symbol: {
                "at_ns": 0 if market.last is None else market.last.at_ns,
                "price": None if market.last is None else market.last.price,
                "bars": market.bars,
            }
            for market in state.markets.values()
        },
        "standing": newest,
        "feed": {topic: event.state for topic, event in board.feed.items()},
        "device": Cpu.name,
        "budget": None if service.world.budget is None else _budget(service.world.budget),
        "rss_mib": _rss_mib(),
    }


def _tick_age_ms(board: Board) -> int | None:
    """Since the newest tick was taken in, at whatever speed the market's clock goes."""
    if board.ticked_s is None:
        return None
    return round(1e3 * (asyncio.get_running_loop().time() - board.ticked_s))


def _terms(terms: Terms | None) -> dict[str, Any] | None:
    """What everybody of this run is measured by; None until it has begun."""
    if terms is None:
        return None
    gate = terms.gate
    asked = ("trades_min", "confidence_min", "sharpe_min")
    return {
        "capital": terms.capital,
        "bars_per_year": YEAR_S * SECOND_NS / terms.signal_ns,
        "gate": None if gate is None else {name: getattr(gate, name) for name in asked},
    }


def _budget(budget: Budget) -> dict[str, Any]:
    """What has been asked of the exchange; of each pool, what of its quota the last 30 s took."""
    pools = budget.use(int(asyncio.get_running_loop().time() * SECOND_NS))
    used = {name: {"limit": pool.limit, "used": pool.used} for name, pool in pools.items()}
    return {"pools": used} | budget.counts()._asdict()


def _gate(market: Market, board: Board) -> dict[str, Any] | None:
    """How the contest for a champion's place stands; None in a run without a gate."""
    contest = market.contest
    if contest is None:
        return None
    looked, watch = board.looked.get(market.symbol), contest.watch
    threshold = None if looked is None else looked.threshold
    return {
        "phase": contest.phase,
        "champion": next(g.seats[0].id for g in market.groups if g.champion),
        "predecessor": market.predecessor or None,
        "epoch": contest.epoch.number,
        "bar": contest.epoch.bar,
        "season": contest.terms.season,
        "variants": 0 if looked is None else looked.variants,
        "threshold": None if threshold is None else e_value(threshold),
        "leaders": [] if looked is None else [_leader(one) for one in looked.leaders],
        "eligible": eligible(market),
        "auto": contest.terms.auto,
        "warned": watch is not None and watch.warned,
        "against_champion": None if watch is None else watch.evidence,
    }


def _leader(leader: Leader) -> dict[str, Any]:
    return {
        "variant": leader.variant,
        "evidence": e_value(leader.log_evidence),
        "trades": leader.trades,
        "stopped_by": list(leader.stopped_by),
    }


@cache
def _statm() -> int:
    """Opened once: later there may be no descriptor left."""
    return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)


def _rss_mib() -> float:
    pages = int(os.pread(_statm(), 200, 0).split()[1])
    return round(pages * PAGE / (1 << 20), 1)
