"""A round's studies: two of each strategy, each knowing what came before it."""

from dataclasses import replace as replace_plain
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from liveopt.optimize.parameters import BadParameter
from liveopt.optimize.rounds.plans import Draft, names, plans
from liveopt.optimize.rounds.task import Sought, Task
from liveopt.optimize.studies.embargo import embargo_of
from liveopt.optimize.studies.plan import Data, Span, decode, encode
from liveopt.optimize.studies.space import checked_span
from tests.run import INSTRUMENT, SYMBOL, strategies, variant
from tests.seeking import effort_of, sought_of, task_of

DATA = Data("logs/run/rounds/0001/XBTUSDTM.parquet", None, None, None, "hash")
BOTH = ("ma_crossover", "donchian_breakout")
LIVING = (variant("a"), variant("b", "donchian_breakout"), variant("c", fast=3.0))
SPOT = replace_plain(INSTRUMENT, market="spot")


def drafts(sought: Sought | None = None, **changes: Any) -> list[Draft]:
    sought = sought or sought_of(strategies=BOTH, living=LIVING)
    return list(plans(task(sought, **changes), sought, strategies(), DATA, 3_000))


def task(sought: Sought, **changes: Any) -> Task:
    return task_of(Path("logs/20261121-083000"), [sought], **changes)


def test_each_strategy_has_one_around_the_living_and_one_from_scratch() -> None:
    found = drafts()
    assert [one.name for one in found] == [
        f"round_20261121-083000_1_{SYMBOL}_{strategy}_{half}"
        for strategy in BOTH
        for half in ("around", "scratch")
    ]
    assert [one.plan.strategy for one in found] == [one.strategy.name for one in found]
    begins = [LIVING[0].parameters, LIVING[2].parameters]
    assert [one.plan.around for one in found] == [begins, [], [LIVING[1].parameters], []]


def test_where_those_around_whom_it_searches_are_kept_is_said() -> None:
    around = [one.plan.around_file for one in drafts()]
    folder = "logs/run/rounds/0001/"
    assert around == [
        f"{folder}{SYMBOL}-ma_crossover.json", "", f"{folder}{SYMBOL}-donchian_breakout.json", "",
    ]  # fmt: skip
    assert [one.plan.around_file for one in drafts(sought_of())] == ["", ""]


@pytest.mark.parametrize("evals", [2, 3, 60, 2_001])
def test_trials_of_earlier_rounds_strategies_and_halves_add_up(evals: int) -> None:
    sought = sought_of(strategies=BOTH, trials_before=1_000)
    found = drafts(sought, effort=effort_of(evals=evals))
    each = evals // 2
    assert [one.plan.evals for one in found] == [each] * 4
    assert [one.plan.trials_before for one in found] == [1_000 + n * each for n in range(4)]


def test_how_far_luck_spread_before_is_known_to_every_study() -> None:
    found = drafts(sought_of(strategies=BOTH, trials_before=1_000, deviation_before=3.5))
    assert [one.plan.deviation_before for one in found] == [3.5] * 4


def test_the_names_of_all_rounds_of_a_run_and_symbol_begin_alike() -> None:
    sought = sought_of()
    own, later = (task(sought, number=n) for n in (1, 12))
    for one in (*drafts(sought), *drafts(sought, number=12)):
        assert fnmatchcase(one.name, names(own, SYMBOL) + "*")
        assert not fnmatchcase(one.name, names(own, "ETHUSDTM") + "*")
    other = replace(later, run="logs/20261121-083001")
    assert not fnmatchcase(drafts(sought)[0].name, names(other, SYMBOL) + "*")


def test_chance_differs_by_half_strategy_symbol_round_and_seed_and_by_nothing_else() -> None:
    cases = [
        drafts(), drafts(number=2), drafts(seed=8),
        drafts(sought_of(strategies=BOTH, living=LIVING, symbol="ETHUSDTM")),
    ]  # fmt: skip
    seeds = {one.plan.seed for case in cases for one in case}
    assert len(seeds) == 16
    assert [one.plan for one in drafts()] == [one.plan for one in cases[0]]


def test_what_every_variant_of_the_run_has_alike_is_not_searched() -> None:
    fixed = ("kind=sma", "stop=0.02", "entry=20", "trail=0.05")
    crossing, _, breakout, _ = (one.plan for one in drafts(fixed=fixed))
    assert crossing.fixed == {"kind": "sma", "stop": 0.02, "trail": 0.05}
    assert breakout.fixed == {"stop": 0.02, "entry": 20.0, "trail": 0.05}
    assert not crossing.fixed.keys() & crossing.ranges.keys()
    assert crossing.ranges.keys() == {
        "fast", "slow", "fraction", "leverage", "take", "arm", "min_hold", "max_hold"
    }  # fmt: skip


@pytest.mark.parametrize("text", ["fast=1000000", "fast=many", "kind=best"])
def test_what_cannot_be_fixed_is_refused(text: str) -> None:
    with pytest.raises(BadParameter):
        drafts(fixed=(text,))


def test_every_range_lies_within_that_of_its_parameter() -> None:
    for one in drafts(sought_of(strategies=tuple(strategies())), fixed=()):
        for name, span in one.plan.ranges.items():
            if isinstance(span, Span):
                assert checked_span(one.strategy, name, span) == span


def test_spot_is_long_without_leverage_and_funding() -> None:
    for fixed in ((), ("leverage=1", "stop=0.02")):
        for one in drafts(sought_of(instrument=SPOT, funding=0.0001), fixed=fixed):
            assert "leverage" not in one.plan.ranges.keys() | one.plan.fixed.keys()
            trading = one.plan.trading
            assert (trading.market, trading.sides) == ("spot", "long")
            assert (trading.funding, trading.maintenance, trading.liquidation_fee) == (None,) * 3


def test_a_perpetual_costs_what_it_costs_in_the_run() -> None:
    own = replace_plain(INSTRUMENT, taker_fee=0.0007, slippage=0.0003, maintenance=0.006)
    for one in drafts(sought_of(instrument=own, funding=-0.0002)):
        trading = one.plan.trading
        assert (trading.sides, trading.taker_fee, trading.slippage) == ("both", 0.0007, 0.0003)
        assert (trading.tick, trading.lot) == (own.tick, own.lot)
        assert (trading.maintenance, trading.funding) == (0.006, -0.0002)
        assert isinstance(one.plan.ranges["leverage"], Span)


def test_between_train_and_test_lies_the_embargo_of_what_is_searched() -> None:
    sought = sought_of(strategies=BOTH)
    terms = task(sought).terms
    for one in plans(task(sought), sought, strategies(), DATA, 100_000):
        bare = replace(one.plan, embargo=0)
        wanted = embargo_of(bare, one.strategy, 100_000, terms.signal_ns)
        assert (one.plan.embargo, "") == wanted
        assert one.plan.embargo >= 60  # the longest holding time that is searched is an hour


def test_a_plan_is_as_it_will_be_read_again() -> None:
    for one in drafts():
        again = decode(encode(one.plan))
        assert again == one.plan
        assert list(again.ranges) == list(one.plan.ranges)
