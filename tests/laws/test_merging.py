"""Groups become one and nobody notices: no variant, not the gate, no recovery and no replay."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from operator import itemgetter
from pathlib import Path

import msgspec
import pytest

from liveopt.live.recover import recover_run
from liveopt.live.replay import Replay
from liveopt.promotion.admission import Backtest
from liveopt.walk import merging
from liveopt.walk.events import (
    Add,
    Halt,
    Input,
    Pause,
    Proposal,
    Propose,
    Reopen,
    Resume,
    Retire,
)
from liveopt.walk.group import Group
from liveopt.walk.image import image, restored
from liveopt.walk.lines import written
from liveopt.walk.records import Entered, Out, Standing, Trade, VariantStopped
from liveopt.walk.seat import GONE
from liveopt.walk.variant import Variant
from liveopt.walk.verdicts import Looked, Promoted, Verdict
from tests import contest
from tests.run import (
    GATE,
    TERMS,
    Folded,
    Live,
    folded,
    opening,
    strategies,
    ticks,
    variant,
    variants,
)

pytestmark = pytest.mark.timeout(180)

YEAR = 525_600.0
Event = tuple[int, Input]
"""Before so many ticks, this happens."""


SOON = msgspec.structs.replace(TERMS, gate=msgspec.structs.replace(GATE, bars_min=5))
"""Whoever has been there for 15 signal bars may be replaced, and merged."""
GOOD = Backtest(
    bars=5_000, trades=200, sharpe=0.06, skewness=-0.2, kurtosis=5.0, trials=400,
    trials_deviation=0.012,
)  # fmt: skip


def worded(name: str, kind: str, fast: float, slow: float) -> Variant:
    """One whose averages are running sums."""
    plain = variant(name, fast=fast, slow=slow, fraction=0.05, leverage=3.0)
    return msgspec.structs.replace(plain, parameters=plain.parameters | {"kind": kind})


SUMS = [
    worded(f"{kind}{n}", kind, fast=2.0 + n % 3, slow=6.0 + n)
    for n in range(8)
    for kind in ("sma", "wma")
]
DRAWN = [msgspec.structs.replace(one, origin="random") for one in variants(24, reckless=0.3)]
WAVES = [[*SUMS[4 * n : 4 * n + 4], *DRAWN[6 * n : 6 * n + 6]] for n in range(4)]
"""Ten in each, of four keys."""
MARKET = ticks(1_100, step_s=20.0)
"""367 signal bars: every running sum is added up anew, each at a bar of its own."""
HAPPENS: list[Event] = [
    (61, Add(1, tuple(WAVES[1]), "me")),
    (160, Pause(1, ("v000", "sma1"), "me", "lunch")),
    (302, Add(1, tuple(WAVES[2]), "me")),
    (330, Resume(1, ("v000",), "me")),
    (460, Halt(1, 2, "halt_and_flatten")),
    (473, Reopen(1, 3)),
    (500, Retire(1, ("v007", "wma2"), "me", "enough")),
    (535, Add(1, tuple(WAVES[3]), "me")),
]


def proposed(number: int) -> Variant:
    """One unlike all others."""
    fast, slow, fraction = 2.0 + number % 5, 8.0 + number, 0.01 + 0.02 * number
    one = variant(f"new{number}", fast=fast, slow=slow, fraction=fraction, leverage=1.0 + number)
    return msgspec.structs.replace(one, origin="optimizer")


def among(happens: Sequence[Event], market: Sequence[Input]) -> list[Input]:
    found: list[Input] = []
    done = 0
    for at, event in happens:
        found += [*market[done:at], event]
        done = at
    return [*found, *market[done:]]


WAVES_RUN = [*opening(WAVES[0], SOON), *among(HAPPENS, MARKET)]
PROPOSED: list[Event] = [
    (at, Propose(1, (Proposal(proposed(n), GOOD),), "optimizer"))
    for n, at in enumerate(sorted({*range(70, 1_000, 45), 99, 102, 578, 580}))
]
CONTEST_RUN: list[Input] = [
    *contest.opening(),
    *among(
        [
            (90, Add(1, (variant("fresh", **(contest.QUICK | {"slow": 6.0})),), "me")),
            (280, Add(1, (variant("keen", **(contest.QUICK | {"fast": 3.0})),), "me")),
        ],
        contest.turned(150, 150),
    ),
]
"""Somebody is promoted, and goes again, while others join."""
ROUNDS_RUN = [
    *opening(WAVES[0], SOON),
    *among(sorted([*HAPPENS, *PROPOSED], key=itemgetter(0)), MARKET),
]
"""An optimizer proposes one after the other, and each takes the place of the weakest."""
RUNS = {"waves": WAVES_RUN, "contest": CONTEST_RUN, "rounds": ROUNDS_RUN}


@contextmanager
def never() -> Iterator[None]:
    """A run in which no group is merged."""
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(merging, "EVERY", 10**9)
        yield


def steps(events: Sequence[Input]) -> tuple[Folded, list[list[Out]], list[int]]:
    """A run, the records of each event, and how many groups there were after it."""
    run, outs, groups = Folded(), list[list[Out]](), list[int]()
    for event in events:
        before = len(run.outs)
        run.take([event])
        outs.append(run.outs[before:])
        groups.append(sum(1 for _ in run.state.groups()))
    return run, outs, groups


Steps = tuple[Folded, list[list[Out]], list[int]]


@cache
def merged(name: str) -> Steps:
    return steps(RUNS[name])


@cache
def apart(name: str) -> Steps:
    with never():
        return steps(RUNS[name])


def merges(name: str) -> list[int]:
    """The events at which groups became one."""
    _, _, groups = merged(name)
    _, _, others = apart(name)
    fewer = [other - own for own, other in zip(groups, others, strict=True)]
    return [n for n in range(1, len(fewer)) if fewer[n] > fewer[n - 1]]


every_run = pytest.mark.parametrize("name", RUNS)


def plain(outs: Sequence[Out]) -> list[bytes]:
    """Records of one event, in no order; the digest is of everybody in the order of the groups."""
    found = []
    for journal, record in outs:
        same = (
            msgspec.structs.replace(record, digest="") if isinstance(record, Standing) else record
        )
        found.append(journal.encode() + written(same))
    return sorted(found)


def find(run: Folded, name: str) -> tuple[Group, int]:
    found = run.state.find(name)
    assert found is not None, name
    return found[1], found[2]


def metrics_of(run: Folded, name: str) -> dict[str, bytes]:
    group, place = find(run, name)
    both = {late: group.batch.metrics(YEAR, late) for late in (False, True)}
    return {f"{n} {late}": v[place].tobytes() for late, m in both.items() for n, v in m.items()}


def running(run: Folded) -> set[str]:
    return {s.id for _, group in run.state.groups() for s in group.seats if s.status not in GONE}


# nobody notices ---------------------------------------------------------------------------------


@every_run
def test_every_record_is_the_one_of_a_run_without_merging(name: str) -> None:
    one, outs, groups = merged(name)
    other, others, many = apart(name)
    assert len(merges(name)) >= 2
    assert groups[-1] < many[-1]
    for number, (mine, theirs) in enumerate(zip(outs, others, strict=True)):
        assert plain(mine) == plain(theirs), number
    kinds = {type(record) for _, record in one.outs}
    assert {Entered, Trade, Looked} <= kinds
    assert {Verdict, Promoted} <= kinds or name != "contest"
    assert sum(s.reason == "replaced" for s in one.of(VariantStopped)) > 5 or name != "rounds"  # type: ignore[attr-defined]
    assert len(running(one)) > 5 or name == "contest"
    assert running(one) == running(other)
    for who in running(one):
        assert metrics_of(one, who) == metrics_of(other, who)


def test_groups_of_four_waves_become_one_for_each_key() -> None:
    run, _, groups = merged("waves")
    rivals = [group for _, group in run.state.groups() if not group.champion]
    keys = [group.seats[0].key for group in rivals]
    assert len(keys) == len(set(keys)) == 4
    assert max(groups) > 2 * 4
    late = [group for group in rivals if group.batch.inputs.late.any()]
    assert len(late) == 4
    assert any(len(set(a.tolist())) == 3 for g in late for a in g.batch.inputs.ages)


def of_one(one: Variant) -> list[Input]:
    """The run of the waves with nobody but him and the champion."""
    happens: list[Event] = []
    for at, event in HAPPENS:
        match event:
            case Add(variants=joining) if one in joining:
                happens.append((at, Add(1, (one,), "me")))
            case Add():
                pass
            case Pause(ids=ids) | Resume(ids=ids) | Retire(ids=ids):
                if one.id in ids:
                    happens.append((at, msgspec.structs.replace(event, ids=(one.id,))))
            case _:
                happens.append((at, event))
    return [*opening([one] if one in WAVES[0] else [], SOON), *among(happens, MARKET)]


@pytest.mark.parametrize("wave", range(4))
def test_every_variant_trades_as_it_would_alone(wave: int) -> None:
    """Alone with the champion, having joined at the same tick."""
    run, _, _ = merged("waves")
    for one in WAVES[wave]:
        alone = folded(of_one(one))
        assert alone.by_variant()[one.id] == run.by_variant()[one.id]
        if one.id in running(run):  # who is out is forgotten early or late
            assert metrics_of(alone, one.id) == metrics_of(run, one.id)


# what is kept -----------------------------------------------------------------------------------


@every_run
@pytest.mark.parametrize("after", [0, 1, 2])
def test_who_recovers_just_before_or_after_a_merge_goes_on_as_if_nothing_had_been(
    name: str, after: int
) -> None:
    whole, outs, _ = merged(name)
    events = RUNS[name]
    for at in merges(name):
        before = folded(events[: at + after])
        packed = image(before.state)
        again = restored(packed, strategies())
        assert image(again) == packed
        on = Folded(again).take(events[at + after :])
        assert on.outs == [out for own in outs[at + after :] for out in own]
        assert image(on.state) == image(whole.state)


def test_a_run_on_the_disk_recovers_and_replays_through_its_merges(tmp_path: Path) -> None:
    whole, _, _ = merged("waves")
    at = merges("waves")[1]
    for number, cut in enumerate((at, at + 1)):
        live = Live(tmp_path / str(number))
        live.take(WAVES_RUN[:cut])
        live.snapshot()
        live.take(WAVES_RUN[cut:])
        live.close()
        found = recover_run(live.folder, strategies())
        assert found.folded == len(WAVES_RUN) - cut
        assert image(found.state) == image(whole.state)
        replay = Replay(live.folder, strategies())
        assert sum(1 for _ in replay.steps()) > 0
        assert (replay.difference, replay.damage, replay.missing) == (None, "", 0)
        assert image(replay.state) == image(whole.state)
