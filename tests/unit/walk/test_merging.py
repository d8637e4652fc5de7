"""When groups become one, and when they do not."""

from collections.abc import Sequence

import msgspec
import numpy as np

from liveopt.walk.events import Add, Halt, Input, Pause, Resume, Retire, Target
from liveopt.walk.group import Group
from liveopt.walk.merging import EVERY
from liveopt.walk.variant import Variant
from tests.run import GATE, SYMBOL, TERMS, Folded, folded, opening, ticks, variant

TICKS_A_BAR = 3
MARKET = ticks(TICKS_A_BAR * (8 * EVERY) + 3, step_s=20.0)
QUICK = msgspec.structs.replace(TERMS, gate=msgspec.structs.replace(GATE, bars_min=0))
"""Nobody is too young to be replaced."""


def calm(name: str, strategy: str = "ma_crossover", **knobs: float) -> Variant:
    """One that trades often and is never put out."""
    risk = {"fraction": 0.01, "leverage": 2.0, "stop": 0.5, "take": 0.5}
    return variant(name, strategy, **{**knobs, **risk})


OLD = [calm("old0"), calm("old1", slow=9.0)]
SLOW_LANE = [
    Variant(name, "mine", SYMBOL, {"fraction": 0.1, "leverage": 2.0}, lane="slow")
    for name in ("slow0", "slow1")
]


def at(bars: int) -> int:
    """Ticks after which so many signal bars have closed."""
    return TICKS_A_BAR * bars + 1


def joined(
    newcomers: Sequence[Variant], after: int, terms: object = QUICK, others: Sequence[Input] = ()
) -> Folded:
    """A run in which some join after so many signal bars."""
    run = folded([*opening(OLD, terms), *MARKET[: at(after)]])  # type: ignore[arg-type]
    return run.take([Add(1, tuple(newcomers), "me"), *others])


def go_on(run: Folded, until: int) -> Folded:
    """To the tick that closes this signal bar."""
    (market,) = run.state.markets.values()
    return run.take(MARKET[market.ticks : at(until)])


def rivals(run: Folded) -> list[list[str]]:
    """Who sits with whom."""
    return [[s.id for s in g.seats] for _, g in run.state.groups() if not g.champion]


def test_who_joins_sits_alone_until_it_is_tried_again() -> None:
    run = joined([calm("new")], 20)
    assert rivals(go_on(run, EVERY - 1)) == [["old0", "old1"], ["new"]]
    assert rivals(go_on(run, EVERY)) == [["old0", "old1", "new"]]
    assert [g.champion for _, g in run.state.groups()] == [True, False]


def test_those_of_one_step_only_and_where_the_first_of_them_was() -> None:
    others = [calm("d0", "donchian_breakout"), calm("d1", "donchian_breakout")]
    run = joined([others[0], calm("new")], 5)
    go_on(run, 9).take([Add(1, (others[1],), "me")])
    assert rivals(go_on(run, EVERY)) == [["old0", "old1", "new"], ["d0", "d1"]]


def test_who_is_still_warming_up_stays_alone_for_another_round() -> None:
    """There are 20 bars of the past, and the average wants 60."""
    run = joined([calm("long", fast=5.0, slow=60.0), calm("short")], 20)
    assert rivals(go_on(run, EVERY)) == [["old0", "old1"], ["long", "short"]]
    assert rivals(go_on(run, 2 * EVERY - 1)) == [["old0", "old1"], ["long", "short"]]
    assert rivals(go_on(run, 2 * EVERY)) == [["old0", "old1", "long", "short"]]


def test_what_counts_from_the_first_bar_is_never_the_same() -> None:
    """On-balance volume, which is nothing without the bar that it began at."""
    obv = [calm(f"obv{n}", "obv_trend", window=5.0 + n) for n in range(3)]
    run = folded([*opening(obv[:1], QUICK), *MARKET[: at(60)], Add(1, (obv[1],), "me")])
    go_on(run, 61).take([Add(1, (obv[2],), "me")])
    assert rivals(go_on(run, 5 * EVERY)) == [["obv0"], ["obv1"], ["obv2"]]


def test_nobody_is_merged_before_a_slot_is_his_own() -> None:
    """Or the order of the groups would say who gets which."""
    run = joined([calm("new")], EVERY - 1, QUICK)
    assert rivals(go_on(run, EVERY)) == [["old0", "old1"], ["new"]]
    assert rivals(go_on(run, 2 * EVERY)) == [["old0", "old1", "new"]]
    (slots,) = [g.slots.tolist() for _, g in run.state.groups() if not g.champion]
    assert sorted(slots) == [0, 1, 2]


def test_who_is_paused_before_it_has_a_slot_keeps_its_group_apart() -> None:
    run = joined([calm("new")], 21, QUICK)
    go_on(run, 22).take([Pause(1, ("new",), "me")])
    assert rivals(go_on(run, 2 * EVERY)) == [["old0", "old1"], ["new"]]
    run.take([Resume(1, ("new",), "me")])
    assert rivals(go_on(run, 3 * EVERY)) == [["old0", "old1", "new"]]


def test_those_who_are_gone_need_no_slot_and_go_with_their_group() -> None:
    run = joined([calm("new"), calm("gone")], 20, QUICK)
    go_on(run, 21).take([Retire(1, ("gone",), "me")])
    assert rivals(go_on(run, EVERY)) == [["old0", "old1", "new", "gone"]]
    assert run.state.running() == 3
    assert run.state.find("gone") is not None


def test_a_slow_variant_is_found_in_its_new_seat() -> None:
    run = joined(SLOW_LANE[:1], 5)
    go_on(run, 10).take([Add(1, (SLOW_LANE[1],), "me"), Target(1, "slow0", 1)])
    go_on(run, EVERY)
    assert rivals(run)[1] == ["slow0", "slow1"]
    run.take([Target(1, "slow1", -1), *MARKET[at(EVERY) : at(EVERY) + 2]])
    (sides,) = [g.batch.cell("a_side").tolist() for _, g in run.state.groups() if g.slow]
    assert sides == [1.0, -1.0]


def test_all_that_a_group_knows_of_its_places_goes_with_them() -> None:
    run = joined([calm("new", fast=3.0), calm("shut")], 20, QUICK)
    go_on(run, EVERY - 1)
    before = {s.id: known(g, n) for _, g in run.state.groups() for n, s in enumerate(g.seats)}
    run.take([Halt(1, 1, "halt_and_flatten")])
    flattened = [g.closing.tolist() for _, g in run.state.groups()]
    assert flattened == [[True], [True, True], [True, True]]
    go_on(run, EVERY)
    (group,) = [g for _, g in run.state.groups() if not g.champion]
    assert group.closing.tolist() == [True] * 4
    for place, seat in enumerate(group.seats):
        slot, bars, count, returns = known(group, place)
        assert (slot, bars) == (before[seat.id][0], before[seat.id][1] + 1)
        assert count >= before[seat.id][2]
        assert returns[: before[seat.id][2]] == before[seat.id][3][: before[seat.id][2]]
    assert before["old0"][2] > before["new"][2] > 0
    assert before["old0"][1] > before["new"][1]


def known(group: Group, place: int) -> tuple[int, int, int, list[float]]:
    count = int(group.traded_n[place])
    returns = np.asarray(group.returns[place], np.float64).tolist()
    return int(group.slots[place]), int(group.batch.bars()[place]), count, returns
