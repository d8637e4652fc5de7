"""`liveopt replay`: where it stops."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from liveopt.core.bars import MINUTE_NS, SECOND_NS
from liveopt.core.events import Bar, Candle
from tests.run import START_NS, SYMBOL, opening, run_of, ticks, variants
from tests.unit.cli.conftest import Call

CANDLES = [
    Candle(SYMBOL, MINUTE_NS, Bar(START_NS + n * MINUTE_NS, 100.0, 101.0, 99.0, 100.0, 1.0))
    for n in range(20)
]


@pytest.mark.parametrize("market", [CANDLES, ticks(20, step_s=60.0)], ids=["candles", "ticks"])
def test_it_stops_before_a_time(call: Call, tmp_path: Path, market: list[Candle]) -> None:
    start = opening(variants(2))
    run = run_of(tmp_path, [*start, *market])
    until = datetime.fromtimestamp((START_NS + 5 * MINUTE_NS) / SECOND_NS, UTC).isoformat()
    code, out, _ = call("replay", run, "--until", until, "--json")
    assert code == 0
    assert json.loads(out)["decisions"]["inputs"] == len(start) + 5
