"""The status of a run is plain data whose keys stay."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from liveopt.core.bars import MINUTE_NS
from liveopt.core.events import FeedState
from liveopt.guard.gate import FLATTEN
from liveopt.live.report import report
from liveopt.live.service import Service, World
from liveopt.live.supervise import Supervisor
from liveopt.walk.events import Promote
from tests import contest
from tests.run import SYMBOL, TERMS, Live, opening, ticks, variants

KEYS = {
    "phase", "run", "terms", "folder", "seq", "durable_seq", "backlog", "journal_ok", "halted",
    "variants", "tick_age_ms",
    "positions", "ticks", "entries", "trades", "stopped", "restarts", "standstills", "markets",
    "standing", "feed", "rss_mib", "eligible", "eligible_reason", "gate", "promotions", "demotions",
}  # fmt: skip


def reported(live: Live) -> dict[str, object]:
    def closed(_: object) -> object:
        raise AssertionError("a report opens no feed")

    world = World(closed, None, None)  # type: ignore[arg-type]
    boss = Supervisor(np.random.default_rng(1), print)
    board = live.pump.board
    service = Service(live.folder, live.state, live.writer, live.pump, board, world, boss)
    return msgspec.json.decode(msgspec.json.encode(report(service, board)))  # type: ignore[no-any-return]


def test_a_run_that_is_still_to_begin_has_a_report(tmp_path: Path) -> None:
    live = Live(tmp_path)
    said = reported(live)
    live.close()
    assert said.keys() >= KEYS
    assert said["phase"] == "starting"
    assert (said["seq"], said["markets"], said["positions"]) == (0, {}, 0)


def test_it_says_what_is_going_on(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take([*opening(variants(16, reckless=0.6)), *ticks(400, step_s=20.0)])
    live.pump.feed(FeedState(1, "trades", "stale", 5))
    live.stop(FLATTEN)
    live.take(ticks(401, step_s=20.0, first=400))
    said = reported(live)
    live.close()
    assert said["halted"] == "halt_and_flatten"
    assert said["positions"] == 0
    assert said["feed"] == {"trades": "stale"}
    assert said["stopped"] == {"safety_loss_limit": live.pump.board.stopped["safety_loss_limit"]}
    assert sum(said["variants"].values()) <= 16  # type: ignore[attr-defined]
    assert said["markets"].keys() == {SYMBOL}  # type: ignore[attr-defined]


async def test_it_says_how_long_ago_the_newest_tick_was_taken_in(tmp_path: Path) -> None:
    live = Live(tmp_path)
    assert reported(live)["tick_age_ms"] is None
    live.pump.board.ticked_s = asyncio.get_running_loop().time() - 25.0
    age_ms = reported(live)["tick_age_ms"]
    live.close()
    assert isinstance(age_ms, int)
    assert 25_000 <= age_ms < 35_000


def test_it_says_how_the_contest_stands(tmp_path: Path) -> None:
    live = Live(tmp_path)
    gate = msgspec.structs.replace(contest.GATE, auto=False)
    live.take([*contest.opening(gate), *contest.waves(200)])
    said: Any = reported(live)
    one = said["gate"][SYMBOL]
    assert (said["eligible"], said["eligible_reason"]) == (1, "")
    assert one["eligible"] == {"quick": "XBTUSDTM-1-2"}
    assert (one["phase"], one["champion"], one["predecessor"]) == ("found", "main", None)
    own = live.state.markets[SYMBOL].contest
    assert own is not None
    assert (one["epoch"], one["bar"]) == (1, own.epoch.bar)
    assert own.epoch.bar > 50
    assert (one["season"], one["auto"]) == (500, False)
    assert one["leaders"][0]["variant"] == "quick"
    assert one["leaders"][0]["stopped_by"] == []
    live.take([Promote(live.state.at_ns, "quick", "me", "it passed")])
    said = reported(live)
    one = said["gate"][SYMBOL]
    assert (said["promotions"], said["eligible"], one["champion"]) == (1, 0, "quick")
    assert (one["predecessor"], one["phase"], one["leaders"]) == ("main", "cooling", [])
    assert one["against_champion"] == 0.0
    live.close()


def test_a_run_without_a_gate_has_none_to_tell_of(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take([*contest.opening(None), *contest.waves(3)])
    said: Any = reported(live)
    live.close()
    assert said["gate"] == {SYMBOL: None}
    assert said["eligible_reason"] == "this run has no promotion gate"


def test_it_says_what_everybody_is_measured_by_once_the_run_has_begun(tmp_path: Path) -> None:
    live = Live(tmp_path)
    assert reported(live)["terms"] is None
    live.take(opening(variants(2)))
    said: Any = reported(live)["terms"]
    live.close()
    assert said == {
        "capital": TERMS.capital,
        "bars_per_year": 365 * 24 * 60,
        "gate": {"trades_min": 50, "confidence_min": 0.95, "sharpe_min": 0.0},
    }


def test_a_year_has_fewer_bars_where_bars_are_longer_and_no_gate_asks_for_nothing(
    tmp_path: Path,
) -> None:
    live = Live(tmp_path)
    terms = msgspec.structs.replace(TERMS, signal_ns=5 * MINUTE_NS, gate=None)
    live.take(opening(variants(2), terms))
    said: Any = reported(live)["terms"]
    live.close()
    assert (said["bars_per_year"], said["gate"]) == (365 * 24 * 12, None)
