"""The slow lane and the run: who finds no place there is stopped, and nobody else."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from liveopt.live.byway import Byway
from liveopt.slow.lane import Limits, SlowLane
from liveopt.walk.events import Add
from liveopt.walk.records import VariantStopped
from liveopt.walk.variant import Variant
from tests.run import SYMBOL, Live, opening, ticks, variants

OWN: dict[str, float | str] = {"pace": 1.0, "fraction": 0.1, "leverage": 2.0}
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


FAULTS = '''
"""Errs on every bar."""

import os
from dataclasses import dataclass

from liveopt.core.strategy import Knob, Strategy


@dataclass
class Memory:
    target: float = 0.0


def step(bar, k, x, m):
    {act}


STRATEGY = Strategy(
    text="Wrong.",
    step=step,
    memory=Memory,
    knobs={{"pace": Knob(1, 9, 1, "of nothing")}},
    warmup=lambda k: k["pace"] * 0.0 + 1.0,
)
'''


@pytest.mark.parametrize(("act", "lines"), [("raise ArithmeticError('no')", 3), ("os._exit(5)", 1)])
async def test_a_fault_is_one_line_in_the_log(tmp_path: Path, act: str, lines: int) -> None:
    file = tmp_path / "mine.py"
    file.write_text(FAULTS.format(act=act))
    file.chmod(0o600)
    live = Live(tmp_path / "state")
    live.take(opening([*variants(2), slow("s1")]))
    lane = SlowLane([file])
    with capture_logs() as logged:
        async with asyncio.timeout(40.0), asyncio.TaskGroup() as group:
            lane.start(group)
            await lane.ready()
            assert lane.refused == {}
            way = Byway(lane, live.pump)
            way.join()
            group.create_task(way.run())
            for tick in MARKET:
                live.take([tick])
                await asyncio.sleep(0)
            while lane.variants():  # noqa: ASYNC110  what it waits for is another process
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            lane.close()
    live.close()
    assert [line["event"] for line in logged] == [
        *["a slow variant failed"] * (lines - 1),
        "a slow variant is out",
    ]
    assert {line["variant"] for line in logged} == {"s1"}
