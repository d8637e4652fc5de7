"""A batch at its start, what can be read from it, and what fills its last block up."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from liveopt.core.account import Risk, Rule
from liveopt.core.bars import MINUTE_NS
from liveopt.core.instrument import Instrument
from liveopt.core.metrics import METRICS
from liveopt.core.strategy import BadKnobs, Choice, Columns, Highest, Knob, Strategy
from liveopt.data.market import synthetic_bars
from liveopt.engine.batch import Setup, open_batch, take, vars_of
from liveopt.engine.cpu import Cpu
from liveopt.engine.program import LANES, TERM_FIELDS
from liveopt.engine.reference import Lone, differences
from liveopt.engine.rows import rows_of

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
