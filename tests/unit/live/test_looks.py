"""Looks in a thread: the loop goes on meanwhile, and what comes of them is the same."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from liveopt.live.looks import looks_apart
from liveopt.promotion.compiled import kernels
from liveopt.promotion.epoch import Epoch
from liveopt.promotion.terms import GateTerms
from liveopt.walk.image import image
from liveopt.walk.verdicts import Looked, Promoted
from tests.contest import TICKS_A_BAR, opening, waves
from tests.run import SYMBOL, Live, contents, folded

MARKET = waves(250)
EVENTS = [*opening(), *MARKET]
MANY = 10_000


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    found = Live(tmp_path)
    yield found
    found.close()


def under_way(live: Live) -> Epoch:
    """Takes events until a look has begun."""
    market = iter(EVENTS)
    while True:
        live.pump.take(next(market))
        contest = live.state.markets[SYMBOL].contest
        if contest is not None and contest.epoch.work is not None:
            return contest.epoch


def test_a_run_is_the_same_whoever_does_its_looks(tmp_path: Path) -> None:
    alone, apart = Live(tmp_path / "alone"), Live(tmp_path / "apart")
    alone.take(EVENTS)
    with looks_apart(apart.pump):
        apart.take(EVENTS)
    assert image(apart.state) == image(alone.state) == image(folded(EVENTS).state)
    alone.close()
    apart.close()
    assert contents(apart.folder) == contents(alone.folder)
    found = folded(EVENTS)
    assert found.of(Promoted)
    assert len(found.of(Looked)) > 20


def test_a_look_is_taken_as_soon_as_it_has_begun(live: Live) -> None:
    with looks_apart(live.pump) as looks:
        epoch = under_way(live)
        assert not isinstance(epoch.work, partial)
        assert epoch.work is not None
        assert epoch.work().bar == epoch.bar
        assert not looks.busy


def test_a_snapshot_amid_a_look_holds_what_comes_of_it(live: Live, tmp_path: Path) -> None:
    with looks_apart(live.pump):
        under_way(live)
        taken = image(live.state)
    other = Live(tmp_path / "other")
    under_way(other)
    assert taken == image(other.state)
    other.close()


def test_a_look_that_began_before_is_taken_too(live: Live) -> None:
    epoch = under_way(live)
    assert isinstance(epoch.work, partial)
    with looks_apart(live.pump):
        assert not isinstance(epoch.work, partial)


def test_a_look_under_way_at_the_end_is_ended_and_nobody_takes_the_next(live: Live) -> None:
    with looks_apart(live.pump):
        epoch = under_way(live)
    assert epoch.work is not None
    assert epoch.work().bar == epoch.bar
    assert live.pump.listeners == []


def test_a_look_that_fails_is_the_runs_failure(live: Live) -> None:
    def failing() -> None:
        raise ArithmeticError("the look has failed")

    with looks_apart(live.pump) as looks:
        epoch = under_way(live)
        epoch.work = partial(failing)  # type: ignore[assignment]
        looks.take()
        left = MARKET[live.pump.seq - len(EVENTS) + len(MARKET) :]
        with pytest.raises(ArithmeticError, match="the look has failed"):
            live.take(left[: 10 * TICKS_A_BAR])
        assert not live.pump.sound


async def test_the_loop_goes_on_while_ten_thousand_variants_are_looked_at(live: Live) -> None:
    """Turns of the loop between the begin of a look and its end; on its own thread: none."""
    kernels()
    live.take(EVENTS[:10])
    contest = live.state.markets[SYMBOL].contest
    assert contest is not None
    terms = GateTerms(seed=1, look_every=5)
    epoch = contest.epoch = Epoch(terms, 1)
    epoch.admit([f"v{number}" for number in range(MANY)])
    rng, present = np.random.default_rng(1), np.ones(MANY, bool)
    epoch.sums[3:5] = 20.0  # how large their differences are is known
    for _ in range(terms.look_every):
        epoch.tally(rng.standard_normal(MANY), present)
    with looks_apart(live.pump) as looks:
        turns = 0
        while looks.busy:
            await asyncio.sleep(0)
            turns += 1
        assert turns > 10
        assert epoch.work is not None
        outcome = epoch.work()
    assert np.count_nonzero(outcome.spread) == MANY
