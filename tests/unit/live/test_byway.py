"""The slow lane and the run: who finds no place there is stopped, and nobody else."""

import asyncio
from pathlib import Path

from liveopt.live.byway import Byway
from liveopt.slow.lane import Limits, SlowLane
from liveopt.walk.events import Add
from liveopt.walk.records import VariantStopped
from liveopt.walk.variant import Variant
from tests.run import SYMBOL, Live, opening, ticks, variants

OWN: dict[str, float | str] = {"fraction": 0.1, "leverage": 2.0}
MARKET = ticks(60, step_s=20.0)


def slow(name: str) -> Variant:
    return Variant(name, "mine", SYMBOL, dict(OWN), lane="slow")


async def test_a_lane_that_is_full_at_a_restart_costs_those_without_a_place_only(
    tmp_path: Path,
) -> None:
    live = Live(tmp_path)
    live.take([*opening([*variants(2), slow("s1"), slow("s2"), slow("s3")]), *MARKET[:10]])
    lane = SlowLane([], Limits(variants_max=1))
    Byway(lane, live.pump).join()
    heard = live.pump.listeners
    stopped: list[str] = []
    heard.append(
        lambda _, outs: stopped.extend(r.variant for _, r in outs if isinstance(r, VariantStopped))
    )
    await asyncio.sleep(0.01)
    assert lane.variants() == ["s1"]
    assert stopped == ["s2", "s3"]
    live.take([Add(1, (slow("s4"),), "me"), *MARKET[10:]])
    await asyncio.sleep(0.01)
    assert stopped == ["s2", "s3", "s4"]
    live.close()
