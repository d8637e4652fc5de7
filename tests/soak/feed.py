"""The feed against everything that goes wrong with a connection, in virtual time, seeded.

`python -m tests.soak.feed` runs it all; `--share 0.1` a tenth of it, which is what the tests do.
Each part runs the product's feed against the product's exchange simulator over a network in memory
and compares what was handed on, tick by tick, with everything that the exchange traded.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import msgspec
import numpy as np

from liveopt import logs
from liveopt.core.bars import MINUTE_NS, SECOND_NS
from liveopt.core.events import Disagreement, FeedEvent, FeedState, Hole, Late, Tick
from liveopt.exchange_sim.kinds import Params
from liveopt.exchange_sim.server import Setup
from liveopt.kucoin.topics import Kind, Topic
from liveopt.kucoin.watch import Silence
from liveopt.live.feed import Options
from tests.stage import SYMBOL, Show, cut, show, until
from tests.virtual import World, run


async def cuts(world: World, count: int) -> dict[str, object]:
    """Cut after cut, a few seconds apart."""
    back_s: list[float] = []
    async with show(world, Options(settle_ns=2_000_000)) as stage:
        for _ in range(count):
            await asyncio.sleep(world.random.uniform(2.0, 14.0))
            cut(world, world.random)
            await until(lambda: not stage.feed.keepers[0].ready.is_set())
            back_s.append(await stage.whole())
        minutes = world.elapsed_s / 60.0
        opened = stage.feed.keepers[0].number
    told, untold = stage.lost()
    assert untold == 0, f"{untold} ticks lost without a word"
    return {
        "cuts": count,
        "ticks": len(stage.ticks()),
        "lost_in_holes": told,
        "lost_silently": untold,
        "holes": len(stage.of(Hole)),
        "late": len(stage.of(Late)),
        "back_s_p50": float(np.median(back_s)),
        "back_s_p99": float(np.quantile(back_s, 0.99)),
        "back_s_max": max(back_s),
        "connects_per_min": opened / minutes,
        "differences": len(stage.of(Disagreement)),
    }


async def rotations(world: World, count: int) -> dict[str, object]:
    """Connections replaced before their end, over and over: nobody may notice."""
    options = Options(settle_ns=2_000_000, rotate_s=(4.0, 10.0))
    async with show(world, options) as stage:
        stage.sim.faults.turn_on("token-life", {"seconds": 3.0})  # an old token is of no use
        while stage.feed.keepers[0].connections <= count:
            for connection in world.network.find(websocket=True):
                slow_s = world.random.choice((0.01, 0.05, 0.1, 0.25))
                connection.down.latency_s = (slow_s / 2, slow_s)  # no two ways are the same
            await asyncio.sleep(1.0)
        minutes = world.elapsed_s / 60.0
        connections = stage.feed.keepers[0].connections
    told, untold = stage.lost()
    assert (told, untold) == (0, 0), f"{told} and {untold} ticks lost"
    assert not stage.of(Hole)
    assert not [s for s in stage.of(FeedState) if s.state != "quiet" and s.state != "live"]
    return {
        "rotations": connections - 1,
        "ticks": len(stage.ticks()),
        "lost": 0,
        "duplicates_dropped": sum(t.sequencer.duplicates for t in stage.feed.intake.tapes()),
        "connects_per_min": connections / minutes,
    }


CANDLES_MORE_NS = 3_500_000_000
KINDS: tuple[Kind, ...] = ("trades", "quotes", "candles", "depth5", "depth")
STALLED = ("XBTUSDTM", "ETHUSDTM", "SOLUSDTM")


async def stalls(world: World, count: int) -> dict[str, object]:
    """One topic after the other falls silent while all else goes on; each must be found."""
    topics = [
        Topic("futures", kind, symbol, MINUTE_NS if kind == "candles" else 0)
        for symbol in STALLED
        for kind in KINDS
    ]
    found_s: list[float] = []
    over: list[str] = []

    def setup(plain: Setup) -> Setup:
        return replace(plain, markets=STALLED, activity=3.0)

    async with show(world, Options(settle_ns=2_000_000), setup, topics) as stage:
        await asyncio.sleep(60.0)  # what is usual has to be learnt
        for number in range(count):
            topic = topics[number % len(topics)]
            silence = stage.feed.intake.channels[topic.text].silence
            stage.sim.faults.turn_on("freeze", {"topic": topic.text})
            mark, struck = len(stage.events), stage.sim.faults.struck["freeze"]
            await until(partial(_has_struck, stage, struck))  # from the first push that is missed
            began_ns = int(asyncio.get_running_loop().time() * SECOND_NS)
            allowed_ns = silence.allowed_ns
            if topic.kind == "candles":  # whose pushes are late by a second: so is the evidence
                allowed_ns += CANDLES_MORE_NS
            await until(partial(_is_stale, stage, mark, topic.text))
            silent_ns = _stale(stage.events[mark:], topic.text)[0].at_ns - began_ns
            found_s.append(silent_ns / SECOND_NS)
            if silent_ns > allowed_ns:
                over.append(f"{topic.text} after {found_s[-1]:.2f} s")
            stage.sim.faults.turn_off("freeze")
            await until(partial(_is_live, silence))
            await asyncio.sleep(world.random.uniform(4.0, 12.0))
    losses = [stage.lost(symbol) for symbol in STALLED]
    assert not any(untold for _, untold in losses), losses
    assert not over, over
    return {
        "stalls": count,
        "topics": len(topics),
        "found_s_p50": float(np.median(found_s)),
        "found_s_max": max(found_s),
        "found_too_late": 0,
        "lost_silently": 0,
    }


def _stale(events: list[FeedEvent], topic: str) -> list[FeedState]:
    states = [event for event in events if isinstance(event, FeedState)]
    return [state for state in states if (state.topic, state.state) == (topic, "stale")]


def _is_stale(stage: Show, mark: int, topic: str) -> bool:
    return bool(_stale(stage.events[mark:], topic))


def _has_struck(stage: Show, before: int) -> bool:
    return stage.sim.faults.struck["freeze"] > before


def _is_live(silence: Silence) -> bool:
    return silence.state == "live"


async def thin(world: World, hours: float) -> dict[str, object]:
    """A market that hardly trades: no connection may be given up for that."""
    topics = [
        Topic("futures", kind, SYMBOL, MINUTE_NS if kind == "candles" else 0) for kind in KINDS
    ]

    def setup(plain: Setup) -> Setup:
        return replace(plain, activity=0.01, regime="quiet")

    async with show(world, Options(), setup, topics) as stage:
        await asyncio.sleep(hours * 3600.0)
        keeper = stage.feed.keepers[0]
    told, untold = stage.lost()
    assert (told, untold) == (0, 0)
    assert not [s for s in stage.of(FeedState) if s.state in ("stale", "reconnecting")]
    rotated = int(hours // 22)
    assert keeper.connections <= 1 + rotated
    return {"hours": hours, "ticks": len(stage.ticks()), "false_recycles": 0,
            "quiet_told": len([s for s in stage.of(FeedState) if s.state == "quiet"]),
            "bars_compared": stage.feed.audit.compared,
            "differences": len(stage.of(Disagreement))}  # fmt: skip


async def shuffled(world: World, minutes: float) -> dict[str, object]:
    """Pushes out of order and up to five times: the ticks are those of a clean run, to the byte."""
    async with show(world, Options(settle_ns=20_000_000)) as stage:
        for _ in range(max(1, int(minutes))):
            chance = world.random
            stage.sim.faults.turn_on("reorder", {"window": float(chance.randint(2, 8))})
            stage.sim.faults.turn_on("duplicate", {"copies": float(chance.randint(1, 5))})
            await asyncio.sleep(60.0)
        stage.sim.faults.turn_off("reorder")
        stage.sim.faults.turn_off("duplicate")
        await asyncio.sleep(5.0)
    spec = stage.sim.exchange.markets[SYMBOL].spec
    ticks = stage.ticks()
    clean = [
        Tick(
            t.at_ns,
            spec.price(t.ticks),
            float(t.lots),
            SYMBOL,
            t.sequence,
            1 if t.side == "buy" else -1,
        )
        for t in stage.traded[SYMBOL]
        if ticks[0].sequence <= t.sequence <= ticks[-1].sequence
    ]
    encode = msgspec.json.Encoder().encode
    assert encode(ticks) == encode(clean)
    assert not stage.of(Late)
    dropped = sum(tape.sequencer.duplicates for tape in stage.feed.intake.tapes())
    assert dropped > 0
    return {"ticks": len(ticks), "identical": True, "duplicates_dropped": dropped}


async def jumps(world: World, count: int) -> dict[str, object]:
    """The machine's clock jumps by seconds and by years, and nothing else happens."""
    async with show(world, Options()) as stage:
        for _ in range(count):
            await asyncio.sleep(world.random.uniform(0.5, 3.0))
            size = 10.0 ** world.random.uniform(0.0, 8.5)
            world.jump(size * world.random.choice((-1, 1)))
        keeper = stage.feed.keepers[0]
    assert stage.lost() == (0, 0)
    assert keeper.connections == 1
    assert not [s for s in stage.of(FeedState) if s.state in ("stale", "reconnecting")]
    return {"jumps": count, "ticks": len(stage.ticks()), "reconnects": 0, "lost": 0}


CHAOS: dict[str, Params] = {
    "bullet-error": {"status": 503.0},
    "bullet-slow": {"seconds": 4.0},
    "token-life": {"seconds": 0.01},
    "token-expired": {"as": "http"},
    "connect-http": {"status": 503.0},
    "connect-509": {},
    "connect-close": {"code": 1001.0},
    "welcome-late": {"seconds": 3.0},
    "welcome-never": {},
    "session-life": {"seconds": 8.0},
    "ws-cut": {"every": 10.0, "code": 1012.0},
    "ws-reset": {"every": 7.0},
    "half-open": {},
    "pong-stall": {},
    "data-stop": {},
    "ack-late": {"seconds": 4.0},
    "ack-never": {},
    "ack-after-data": {},
    "duplicate": {"copies": 3.0},
    "reorder": {"window": 4.0},
    "burst": {"seconds": 2.0},
    "replay": {"frames": 50.0},
    "unknown-fields": {},
    "unknown-topic": {"chance": 0.2},
    "binary": {"chance": 0.2},
    "rest-429": {"headers": 1.0, "reset": 2000.0},
    "rest-1015": {"for": 5.0},
    "rest-html": {"status": 502.0},
    "rest-slow": {"seconds": 3.0},
    "rest-timeout": {"seconds": 60.0},
    "rest-bad-json": {},
    "trades-stale": {"seconds": 5.0},
    "clock-skew": {"ms": 6000.0},
}
"""Faults after which no tick may be missing that is not in a hole."""


async def chaos(world: World, count: int) -> dict[str, object]:
    """Faults of all kinds, up to three at a time, and cuts between them."""
    async with show(world, Options(settle_ns=20_000_000)) as stage:
        faults, chance = stage.sim.faults, world.random
        for _ in range(count):
            names = chance.sample(sorted(CHAOS), chance.randint(1, 3))
            for name in names:
                faults.turn_on(name, CHAOS[name])
            await asyncio.sleep(chance.uniform(1.0, 20.0))
            if chance.random() < 0.3:
                cut(world, chance)
            for name in names:
                faults.turn_off(name)
            await asyncio.sleep(chance.uniform(0.0, 10.0))
        for name in CHAOS:
            faults.turn_off(name)
        await asyncio.sleep(180.0)
        after = len(stage.ticks())
        await asyncio.sleep(30.0)
        assert len(stage.ticks()) > after, "the feed did not come back"
    told, untold = stage.lost()
    assert untold == 0, f"{untold} ticks lost without a word"
    return {"faults": count, "ticks": len(stage.ticks()), "lost_in_holes": told,
            "lost_silently": 0, "holes": len(stage.of(Hole)), "late": len(stage.of(Late)),
            "connections": stage.feed.keepers[0].number}  # fmt: skip


Part = Callable[[World, int], Awaitable[dict[str, object]]]
PARTS: dict[str, tuple[Part, int]] = {
    "cuts": (cuts, 10_000),
    "rotations": (rotations, 2_000),
    "stalls": (stalls, 300),
    "thin": (thin, 24),
    "shuffled": (shuffled, 600),
    "jumps": (jumps, 10_000),
    "chaos": (chaos, 2_000),
}


def play(name: str, share: float, seed: int) -> dict[str, object]:
    """One part, or a share of it, in a world of its own."""
    part, size = PARTS[name]
    began_s = time.perf_counter()

    async def act(world: World) -> dict[str, object]:
        found = await part(world, max(1, round(size * share)))
        return {"part": name, **found, "virtual_hours": round(world.elapsed_s / 3600.0, 2)}

    return run(act, seed) | {"took_s": round(time.perf_counter() - began_s, 1)}


def main() -> None:
    """Run the parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="how much of the whole")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}; all without one")
    options = parser.parse_args()
    logs.setup(level="error")
    for name in options.part or PARTS:
        print(json.dumps(play(name, options.share, options.seed)), flush=True)


if __name__ == "__main__":
    main()
