"""A batch at its start, what can be read from it, and what fills its last block up."""

from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.core.account import Risk, Rule
from liveopt.core.bars import MINUTE_NS
from liveopt.core.instrument import Instrument
from liveopt.core.metrics import METRICS
from liveopt.core.strategy import BadKnobs, Choice, Columns, Highest, Knob, Strategy
from liveopt.data.market import synthetic_bars
from liveopt.engine.batch import Batch, Image, Setup, alike, join, open_batch, take, vars_of
from liveopt.engine.cpu import Cpu
from liveopt.engine.program import LANES, TERM_FIELDS
from liveopt.engine.reference import Lone, differences
from liveopt.engine.rows import Rows, rows_of
from liveopt.strategies import load
from tests.contracts.oracle import EVERYTHING, choices_of, draw_knobs, draw_risk, market

Array = npt.NDArray[np.float64]


@dataclass(slots=True)
class Memory:
    target: float = 0.0
    last: float = 5.0


def step(bar: Any, k: Any, x: Any, m: Any) -> float:
    """Long when the highest of the window has been reached, short from a share below it."""
    m.last = bar.close
    near = x.top * k.share
    if k.kind == "both":
        wanted = 1.0 if bar.close >= x.top else (-1.0 if bar.close < near else m.target)
    else:
        wanted = 1.0 if bar.close >= x.top else (0.0 if bar.close < near else m.target)
    return wanted


def derive(k: Columns) -> dict[str, Array]:
    return {"share": 1.0 - k["percent"] / 100.0}


STRATEGY = Strategy(
    "",
    step,
    Memory,
    {"window": Knob(2, 50, 10, "", whole=True), "percent": Knob(0.0, 5.0, 0.1, "")},
    warmup=lambda k: k["window"],
    choices={"kind": Choice(("both", "one"), "both", "")},
    inputs={"top": Highest("close", "window", skip=1)},
    derive=derive,
    name="breaker",
)
SETUP = Setup(
    STRATEGY,
    Rule("perpetual", "both", stop=True),
    Instrument("perpetual", tick=0.5, lot=0.001, slippage=0.001),
    capital=5_000.0,
    choices={"kind": "both"},
    pessimistic=True,
    log_trades=40,
)
ROWS = rows_of(synthetic_bars(300, 4, MINUTE_NS, 0), MINUTE_NS, MINUTE_NS)


def knobs(size: int) -> dict[str, Array]:
    return {"window": np.arange(size) % 20 + 2.0, "percent": np.full(size, 0.05)}


RISK = {"stop": np.array([0.01]), "leverage": np.array([3.0])}


def test_variants_begin_with_the_capital_and_their_parameters() -> None:
    batch = open_batch(SETUP, knobs(70), {"stop": np.linspace(0.01, 0.08, 70)})
    assert (batch.size, batch.signals, batch.blocks.shape[0]) == (70, 0, 2)
    for name, value in {
        "a_cash": 5_000.0,
        "b_cash": 5_000.0,
        "p_equity": 5_000.0,
        "q_inv_peak": 1.0 / 5_000.0,
        "a_side": 0.0,
        "a_low_exit": -np.inf,
        "k_fraction": Risk().fraction,
        "k_leverage": Risk().leverage,
    }.items():
        assert batch.cell(name).tolist() == [value] * 70
    assert batch.cell("k_warmup").tolist() == knobs(70)["window"].tolist()
    assert batch.cell("k_share").tolist() == derive(knobs(70))["share"].tolist()
    assert batch.cell("k_stop").tolist() == np.linspace(0.01, 0.08, 70).tolist()
    assert batch.shared("bar_n") == 0.0


def test_one_risk_may_hold_for_all_variants() -> None:
    batch = open_batch(SETUP, knobs(3), RISK)
    assert batch.cell("k_leverage").tolist() == [3.0] * 3


@pytest.mark.parametrize(
    ("rule", "leverage", "why"),
    [
        (Rule("perpetual", "both"), 100.0, "leverage must stay below 50"),
        (Rule("spot", "both"), 1.0, "spot cannot be sold short"),
        (Rule("spot", "short"), 1.0, "spot cannot be sold short"),
        (Rule("spot"), 2.0, "spot has no leverage"),
    ],
)
def test_what_a_market_does_not_offer_is_refused(rule: Rule, leverage: float, why: str) -> None:
    setup = Setup(STRATEGY, rule, Instrument(maintenance=0.02))
    with pytest.raises(BadKnobs, match=why):
        open_batch(setup, knobs(2), {"leverage": np.full(2, leverage)})


def test_a_feature_that_is_on_needs_its_value() -> None:
    with pytest.raises(BadKnobs, match="the rule has stop on"):
        open_batch(SETUP, knobs(1))


def test_each_account_has_its_terms_and_the_pessimist_twice_the_slippage() -> None:
    main, late = open_batch(SETUP, knobs(1), RISK).terms
    limits = {"loss_limit": SETUP.loss_limit, "drawdown_limit": SETUP.drawdown_limit}
    wanted = vars_of(SETUP.instrument) | {"capital": 5_000.0} | limits
    assert main.tolist() == [wanted[name] for name in TERM_FIELDS]
    doubled = wanted | {"slippage": 0.002}
    assert late.tolist() == [doubled[name] for name in TERM_FIELDS]


@pytest.mark.parametrize(
    ("knobs_", "risk", "why"),
    [
        ({"window": [2.0, 3.0]}, {}, "breaker has the knobs window, percent; see percent"),
        ({"window": [2.0, 51.0], "percent": [1.0, 1.0]}, {}, "variant 1: window=51 is not"),
        ({"window": [2.5], "percent": [1.0]}, {}, "variant 0: window=2.5 is not a whole number"),
        ({"window": [2.0], "percent": [1.0]}, {"stop": [-1.0]}, "variant 0: stop=-1 is not within"),
        ({"window": [2.0], "percent": [1.0]}, {"hope": [1.0]}, "there is no hope"),
    ],
)
def test_variants_that_make_no_sense_are_refused_whole(
    knobs_: dict[str, list[float]], risk: dict[str, list[float]], why: str
) -> None:
    columns = [{n: np.array(v) for n, v in part.items()} for part in (knobs_, risk)]
    with pytest.raises(BadKnobs, match=why):
        open_batch(SETUP, columns[0], columns[1])


def test_spot_takes_no_leverage() -> None:
    with pytest.raises(BadKnobs, match="spot has no leverage"):
        open_batch(Setup(STRATEGY, Rule()), knobs(2), {"leverage": np.array([1.0, 2.0])})


def test_choices_left_out_are_the_usual_ones_on_every_path() -> None:
    said, silent = (
        open_batch(Setup(STRATEGY, Rule("perpetual", "both"), choices=choices), knobs(2))
        for choices in ({"kind": "both"}, {})
    )
    assert said.program is silent.program
    alone = Lone(silent, 1)
    alone.advance(ROWS)
    Cpu(1).advance(silent, ROWS)
    assert silent.cell("a_trades").min() > 0.0
    assert differences(silent, 1, alone) == []


def test_the_lanes_that_fill_the_last_block_up_never_trade() -> None:
    """They used to trade like the last variant and crowd the log of the block."""
    batch = open_batch(SETUP, knobs(66), RISK)
    Cpu(1).advance(batch, ROWS)
    assert batch.cell("a_trades").min() > 0.0
    at = batch.program.cells.index("a_trades") * LANES
    assert batch.blocks[1, at : at + LANES].tolist()[2:] == [0.0] * 62
    assert int(batch.logged[1]) == int(batch.cell("a_trades")[64:].sum())


def test_a_lone_variant_remembers_as_many_trades_as_asked_for_oldest_first() -> None:
    batch = open_batch(SETUP, knobs(1), RISK)
    Cpu(1).advance(batch, ROWS)
    total = int(batch.cell("a_trades")[0])
    found = batch.trades(0)
    assert total > SETUP.log_trades == len(found)
    times = [trade["time_s"] for trade in found]
    assert times == sorted(times)
    assert list(found[0]) == [
        "since_s", "time_s", "was_side", "entry", "leave", "was_qty", "paid", "funded", "net",
        "roi", "reason", "side", "qty", "margin",
    ]  # fmt: skip
    assert batch.trades(1) == []


def test_trades_are_told_apart_by_their_variant() -> None:
    setup = Setup(STRATEGY, SETUP.rule, choices={"kind": "both"}, log_trades=64 * 300)
    batch = open_batch(setup, knobs(70), RISK)
    Cpu(1).advance(batch, ROWS)
    counts = [float(len(batch.trades(v))) for v in range(70)]
    assert counts == batch.cell("a_trades").tolist()


def test_without_a_log_no_trade_is_remembered() -> None:
    setup = Setup(STRATEGY, SETUP.rule, choices={"kind": "one"})
    batch = open_batch(setup, knobs(2), RISK)
    Cpu(1).advance(batch, ROWS.part(0, 100))
    assert batch.cell("a_trades").max() > 0.0
    assert (batch.trades(0), batch.logged.tolist()) == ([], [0])


def test_metrics_are_read_for_every_variant_from_either_account() -> None:
    batch = open_batch(SETUP, knobs(70), RISK)
    Cpu(1).advance(batch, ROWS)
    main, late = batch.metrics(525_600.0), batch.metrics(525_600.0, pessimistic=True)
    assert set(main) == set(late) == set(METRICS)
    assert {value.shape for value in main.values()} == {(70,)}
    assert main["equity"].tolist() == batch.cell("p_equity").tolist()
    assert late["trades"].tolist() == batch.cell("b_trades").tolist()
    assert np.allclose(main["roi"], batch.cell("p_equity") / 5_000.0 - 1.0)
    assert np.mean(late["roi"]) < np.mean(main["roi"])
    assert main["bar_sharpe"].tolist() != batch.metrics(8_760.0)["bar_sharpe"].tolist()


def test_entries_that_are_remembered_are_no_trades() -> None:
    steered = replace(SETUP, rule=replace(SETUP.rule, steered=True), log_trades=600)
    batch = open_batch(replace(steered, loss_limit=1.0, drawdown_limit=1.0), knobs(2), RISK)
    Cpu(1).advance(batch, ROWS)
    found = batch.trades(1)
    assert len(found) == batch.cell("a_trades")[1] > 10.0
    assert int(batch.logged[0]) >= 2 * int(batch.cell("a_trades").sum())
    assert {trade["side"] for trade in found} == {0.0}
    for trade in found:
        value = abs(trade["was_qty"]) * trade["entry"]
        assert trade["margin"] == pytest.approx(value / 3.0)


@pytest.mark.parametrize("name", ["loss_limit", "drawdown_limit"])
@pytest.mark.parametrize("limit", [0.0, -0.1, 1.01, np.nan])
def test_a_limit_is_a_fraction(name: str, limit: float) -> None:
    limits = {"loss_limit": 0.5, "drawdown_limit": 0.5} | {name: limit}
    setup = replace(SETUP, loss_limit=limits["loss_limit"], drawdown_limit=limits["drawdown_limit"])
    with pytest.raises(ValueError, match=f"{name} is .*; give a fraction"):
        open_batch(setup, knobs(1), RISK)


# from outside -----------------------------------------------------------------------------------


def test_a_cell_may_be_put_for_some_variants() -> None:
    batch = open_batch(SETUP, knobs(70), RISK)
    before = batch.blocks.copy()
    batch.put("a_cash", [0, 69, 64], [1.0, 2.0, 3.0])
    batch.put("a_cash", 5, 4.0)
    assert batch.cell("a_cash")[[0, 5, 64, 69]].tolist() == [1.0, 4.0, 3.0, 2.0]
    assert np.count_nonzero(batch.blocks != before) == 4
    for outside in (-1, 70):
        with pytest.raises(AssertionError, match="no such variant"):
            batch.put("a_cash", outside, 0.0)


def test_an_image_of_something_else_is_refused_and_changes_nothing() -> None:
    batch = open_batch(SETUP, knobs(70), RISK)
    before = batch.blocks.copy()
    others = {
        "another program": (replace(SETUP, pessimistic=False), knobs(70)),
        "a number": (SETUP, knobs(140)),
        "other variants": (SETUP, knobs(70) | {"percent": np.full(70, 0.1)}),
    }
    for setup, values in others.values():
        with pytest.raises(ValueError, match="the image is of"):
            batch.restore(open_batch(setup, values, RISK).image())
    assert np.array_equal(batch.blocks, before)


def test_an_image_is_restored_in_place() -> None:
    one, two = open_batch(SETUP, knobs(70), RISK), open_batch(SETUP, knobs(70), RISK)
    Cpu(1).advance(one, ROWS)
    arrays = (two.blocks, two.inputs.history["close"], two.log)
    two.logged[:] = 7
    two.restore(replace(one.image(), before=3))
    assert np.array_equal(one.blocks, two.blocks)
    assert (two.signals, two.before, two.logged.tolist()) == (300, 3, [0, 0])
    assert all(
        now is then
        for now, then in zip(
            (two.blocks, two.inputs.history["close"], two.log), arrays, strict=True
        )
    )


def test_variants_that_are_taken_leave_the_log_behind() -> None:
    batch = open_batch(SETUP, knobs(70), RISK)
    Cpu(1).advance(batch, ROWS)
    some = take(batch, [69, 3])
    assert (some.size, some.signals) == (2, 300)
    assert some.cell("k_warmup").tolist() == batch.cell("k_warmup")[[69, 3]].tolist()
    assert some.trades(0) == []
    assert len(batch.trades(69)) > 0
    assert np.array_equal(some.terms, batch.terms)
    with pytest.raises(ValueError, match="at least one"):
        take(batch, [])


def test_metrics_of_a_batch_that_has_seen_nothing_are_undefined() -> None:
    found = open_batch(SETUP, knobs(2), RISK).metrics(525_600.0)
    assert found["roi"].tolist() == [0.0, 0.0]
    assert np.isnan(found["bar_sharpe"]).all()


# several in one ---------------------------------------------------------------------------------

COMBINATIONS = {
    " ".join([name, *choices.values()]): (strategy, choices)
    for name, strategy in load().items()
    for choices in choices_of(strategy)
}
NEVER = ("obv_trend", "weighted_signal")
"""On-balance volume counts from a batch's first bar: two that began apart never have the same."""
DIFFERENT = (
    *("ma_crossover sma", "ma_crossover wma", "bollinger_reversion", "vwap_reversion"),
    *("donchian_breakout channel", "macd", "supertrend"),
)
"""With inputs of every kind, with none, and with the market's ATR."""
COUNT = 1_600
STARTS, SIZES = (0, 100, 251), (70, 3, 1)
WARMUP_MOST = 150.0
every_combination = pytest.mark.parametrize("label", COMBINATIONS)


def real(first: int, last: int) -> Rows:
    return market("real", COUNT)[0].part(first, last)


@cache
def drawn(label: str, size: int) -> tuple[dict[str, Array], dict[str, Array]]:
    """Variants that are warm early."""
    strategy, _ = COMBINATIONS[label]
    rng = np.random.default_rng([sorted(COMBINATIONS).index(label), size])
    many = draw_knobs(strategy, rng, 20 * size)
    full = many | dict(strategy.derive(many))
    early = np.flatnonzero(np.asarray(strategy.warmup(full)) <= WARMUP_MOST)[:size]
    assert len(early) == size
    return {name: values[early] for name, values in many.items()}, draw_risk(rng, size)


def begun(label: str, *sizes: int) -> Batch:
    strategy, choices = COMBINATIONS[label]
    columns = [
        {n: np.concatenate([some[n] for some in parts]) for n in parts[0]}
        for parts in zip(*(drawn(label, size) for size in sizes), strict=True)
    ]
    setup = Setup(
        strategy,
        EVERYTHING,
        Instrument("perpetual", tick=0.01, liquidation_fee=0.0006),
        choices=choices,
        pessimistic=choices == {n: c.default for n, c in strategy.choices.items()},
        log_trades=64,
    )
    return open_batch(setup, columns[0], columns[1])


def waves(label: str, at: int, starts: tuple[int, ...] = STARTS) -> list[Batch]:
    """Batches that began one after the other, as they are at a row."""
    found = [begun(label, size) for size in SIZES]
    for batch, first in zip(found, starts, strict=True):
        Cpu(1).advance(batch, real(first, at))
    return found


def as_it_was(one: Batch, several: list[Batch]) -> None:
    """Whoever is in the one batch is as he is in his own, to the bit."""
    for name in one.program.cells:
        apart = b"".join(batch.cell(name).tobytes() for batch in several)
        assert one.cell(name).tobytes() == apart, name
    assert one.bars().tolist() == [bars for batch in several for bars in batch.bars()]
    for late in (False, True)[: len(one.program.accounts)]:
        metrics = [batch.metrics(525_600.0, late) for batch in several]
        for name, values in one.metrics(525_600.0, late).items():
            assert values.tobytes() == b"".join(own[name].tobytes() for own in metrics), name


@every_combination
def test_batches_that_are_joined_go_on_as_if_they_had_not_been(label: str) -> None:
    """Through bars at which each adds its sums up anew, and those are not the same bars.

    The average true range of two batches is the same to the last bit after some 500 bars.
    """
    several = waves(label, 900)
    if label.split(maxsplit=1)[0] in NEVER:
        assert alike(several) == [[0], [1], [2]]
        with pytest.raises(ValueError, match="is the same"):
            join(several)
        return
    assert alike(several) == [[0, 1, 2]]
    one = join(several)
    as_it_was(one, several)
    for batch in (one, *several):
        Cpu(1).advance(batch, real(900, COUNT))
    as_it_was(one, several)
    assert sum(float(batch.cell("a_trades").sum()) for batch in several) > 20.0
    own = take(one, [73])  # the youngest alone
    assert own.signals - own.before == COUNT - 251
    as_it_was(own, [several[2]])


@settings(max_examples=25, deadline=None)
@given(
    label=st.sampled_from(DIFFERENT),
    starts=st.tuples(*[st.integers(0, 300)] * 3),
    cuts=st.lists(st.integers(400, COUNT), min_size=2, max_size=4).map(sorted),
)
def test_whatever_is_alike_may_be_joined_kept_and_parted_again(
    label: str, starts: tuple[int, int, int], cuts: list[int]
) -> None:
    several = waves(label, cuts[0], starts)
    groups = [[several[n] for n in own] for own in alike(several)]
    for own in groups:
        one = join(own)
        for first, last in pairwise(cuts):
            for batch in (one, *own):
                Cpu(1).advance(batch, real(first, last))
            kept = msgspec.msgpack.decode(msgspec.msgpack.encode(one.image()), type=Image)
            again = begun(label, *(batch.size for batch in own))
            again.restore(kept)
            assert again.image() == one.image()
            one = again
            as_it_was(one, own)
        backwards = np.arange(one.size)[::-1]
        parted = take(one, backwards)
        for batch in (parted, *own):
            Cpu(1).advance(batch, real(cuts[-1], COUNT))
        as_it_was(take(parted, backwards), own)


def test_who_is_still_warming_up_or_saw_another_market_is_not_alike() -> None:
    label = "ma_crossover ema"
    several = waves(label, 500)  # 249 bars for the youngest
    assert alike(several) == [[0, 1, 2]]
    several[2].put("k_warmup", 0, 250.0)  # that is the next bar, and one may not be asked today
    assert alike(several) == [[0, 1]]
    several[1].put("k_slow_inv", 2, 0.001)
    assert alike(several) == [[0]]
    back = begun("ma_crossover sma", 1).inputs.depth
    for more, found in ((-1, [[0, 1]]), (0, [[0, 1, 2]])):  # enough bars to look back on
        hasty = waves("ma_crossover sma", STARTS[2] + back + more)
        for name in ("k_warmup", "k_slow"):
            hasty[2].put(name, 0, 1.0)
        assert alike(hasty) == found
    other, _ = market("gaps", COUNT)
    two = waves("ma_crossover sma", 500)
    Cpu(1).advance(two[0], real(500, 501))
    Cpu(1).advance(two[1], real(500, 501))
    Cpu(1).advance(two[2], other.part(500, 501))
    assert alike(two) == [[0, 1]]
    with pytest.raises(ValueError, match="is the same"):
        join(two)
    with pytest.raises(ValueError, match="one set-up"):
        alike([two[0], begun("macd", 3)])
