"""Money is neither made nor lost by the book-keeping, and no position outlives its levels."""

from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from liveopt.core.account import REASONS
from liveopt.core.instrument import Instrument
from liveopt.engine.batch import Batch, Setup, open_batch
from liveopt.engine.cpu import Cpu
from liveopt.engine.program import ROW_CELLS
from liveopt.strategies import load
from tests.contracts.oracle import RULES, draw_knobs, draw_risk, fresh, market

pytestmark = pytest.mark.timeout(180)

Array = npt.NDArray[np.float64]

VARIANTS = 70
ROWS = 300
CAPITAL = 10_000.0
BAR_S = 60.0
INSTRUMENT = Instrument("perpetual", tick=0.01, lot=0.001, liquidation_fee=0.0006)
MARKETS = ("real", "gaps")

every_rule = pytest.mark.parametrize("rule", RULES)
every_market = pytest.mark.parametrize("name", MARKETS)


@cache
def start(rule: str) -> Batch:
    strategy = load()["macd"]
    rng = np.random.default_rng(7)
    leverage = 1.0 if RULES[rule].market == "spot" else 50.0
    setup = Setup(strategy, RULES[rule], INSTRUMENT, CAPITAL, log_trades=64 * ROWS)
    risk = draw_risk(rng, VARIANTS, leverage)
    return open_batch(setup, draw_knobs(strategy, rng, VARIANTS), risk)


@cache
def run(rule: str, name: str) -> Batch:
    found, tick = market(name, ROWS)
    batch = fresh(start(rule), tick)
    Cpu(1).advance(batch, found)
    assert batch.cell("a_trades").sum() > VARIANTS
    return batch


def row_cell(name: str, cell: str) -> Array:
    found, _ = market(name, ROWS)
    return found.table[:, ROW_CELLS.index(cell)]


def logged(batch: Batch, name: str) -> list[Array]:
    """One column of the log for each variant."""
    return [np.array([t[name] for t in batch.trades(v)]) for v in range(batch.size)]


def sums(batch: Batch, name: str) -> Array:
    return np.array([values.sum() for values in logged(batch, name)])


def leverages(batch: Batch) -> Array:
    """Spot has none, and its programs do not carry one."""
    has = "k_leverage" in batch.program.params
    return batch.cell("k_leverage") if has else np.ones(batch.size)


def grain(batch: Batch) -> Array:
    """What rounding may cost: a billionth of the largest sum of money that was moved."""
    moved = [
        max([CAPITAL, *(abs(t["was_qty"]) * t["entry"] for t in batch.trades(v))])
        for v in range(batch.size)
    ]
    return 1e-9 * np.array(moved)


@every_rule
@every_market
def test_capital_and_all_net_results_are_the_cash_of_a_flat_account(rule: str, name: str) -> None:
    batch = run(rule, name)
    flat = batch.cell("a_side") == 0.0
    off = batch.cell("a_cash") - (CAPITAL + sums(batch, "net"))
    assert flat.any()
    assert np.all(np.abs(off[flat]) <= grain(batch)[flat])


@every_rule
@every_market
def test_equity_is_capital_and_what_was_and_is_being_earned(rule: str, name: str) -> None:
    batch = run(rule, name)
    cell = {n: batch.cell(f"a_{n}") for n in ("qty", "entry", "paid", "side")}
    funded = batch.cell("a_funded")
    close = row_cell(name, "fine_close")[-1]
    held = cell["side"] != 0.0
    gross = cell["qty"] * (close - cell["entry"])
    unrealised = np.where(held, gross - cell["paid"] - funded, 0.0)
    equity = CAPITAL + sums(batch, "net") + unrealised
    alive = equity > 1.0
    assert held.any()
    off = batch.cell("p_equity") - equity
    assert np.all(np.abs(off[alive]) <= grain(batch)[alive])


@every_rule
@every_market
def test_a_net_result_is_the_move_less_fees_and_funding(rule: str, name: str) -> None:
    batch = run(rule, name)
    for variant in range(VARIANTS):
        for t in batch.trades(variant):
            net = t["was_qty"] * (t["leave"] - t["entry"]) - t["paid"] - t["funded"]
            assert t["net"] == pytest.approx(
                net, abs=1e-9 * max(CAPITAL, abs(t["was_qty"]) * t["entry"])
            )


@every_rule
@every_market
def test_fees_in_the_log_and_of_the_open_position_are_the_fees_metric(rule: str, name: str) -> None:
    batch = run(rule, name)
    open_fees = np.where(batch.cell("a_side") != 0.0, batch.cell("a_paid"), 0.0)
    fees = batch.metrics(525_600.0)["fees"]
    assert np.allclose(sums(batch, "paid") + open_fees, fees, rtol=1e-9, atol=0.0)


@every_rule
@every_market
def test_the_log_and_the_tallies_tell_the_same(rule: str, name: str) -> None:
    batch = run(rule, name)
    nets = logged(batch, "net")
    assert [float(len(n)) for n in nets] == batch.cell("a_trades").tolist()
    assert [float((n > 0.0).sum()) for n in nets] == batch.cell("a_wins").tolist()
    assert np.allclose(sums(batch, "roi"), batch.cell("a_roi_sum"), rtol=1e-9, atol=1e-12)
    gained = np.array([n[n > 0.0].sum() for n in nets])
    assert np.allclose(gained, batch.cell("a_gained"), rtol=1e-9)


@every_rule
@every_market
def test_positions_follow_one_another_and_respect_the_clock(rule: str, name: str) -> None:
    batch, features = run(rule, name), RULES[rule]
    longest, shortest = (
        (batch.cell("k_max_hold") if features.max_hold else np.full(VARIANTS, np.inf)),
        (batch.cell("k_min_hold") if features.min_hold else np.zeros(VARIANTS)),
    )
    for variant in range(VARIANTS):
        before = 0.0
        for t in batch.trades(variant):
            held = t["time_s"] - t["since_s"]
            assert t["since_s"] >= before
            assert held < longest[variant] + BAR_S
            assert held >= shortest[variant] or REASONS[int(t["reason"])] != "signal"
            before = t["time_s"]


@every_rule
@every_market
def test_margin_and_entry_fee_are_paid_from_the_balance(rule: str, name: str) -> None:
    batch = run(rule, name)
    for variant in range(VARIANTS):
        balance = CAPITAL
        leverage = float(leverages(batch)[variant])
        for t in batch.trades(variant):
            value = abs(t["was_qty"]) * t["entry"]
            cost = value / leverage + INSTRUMENT.taker_fee * value
            assert cost <= balance * (1.0 + 1e-9) + 1e-9
            balance += t["net"]


def test_a_liquidation_takes_the_margin_and_no_more() -> None:
    batch = run("everything", "gaps")
    taken = 0
    for variant in range(VARIANTS):
        leverage = float(batch.cell("k_leverage")[variant])
        for t in batch.trades(variant):
            if REASONS[int(t["reason"])] == "liquidation":
                value = abs(t["was_qty"]) * t["entry"]
                assert t["net"] == pytest.approx(-value / leverage - t["paid"] - t["funded"])
                assert t["paid"] == pytest.approx(INSTRUMENT.taker_fee * value)
                taken += 1
    assert taken > 0


@every_rule
@every_market
def test_no_position_survives_a_bar_that_reached_its_levels(rule: str, name: str) -> None:
    if not RULES[rule].guarded:
        assert "a_low_exit" not in start(rule).program.state
        return
    found, tick = market(name, ROWS)
    batch = fresh(start(rule), tick)
    low, high = row_cell(name, "fine_low"), row_cell(name, "fine_high")
    times = row_cell(name, "fine_time_s")
    held_bars = 0
    for row in range(ROWS):
        levels = batch.cell("a_low_exit").copy(), batch.cell("a_high_exit").copy()
        Cpu(1).advance(batch, found.part(row, row + 1))
        held = (batch.cell("a_side") != 0.0) & (batch.cell("a_since_s") < times[row])
        assert np.all(low[row] > levels[0][held])
        assert np.all(high[row] < levels[1][held])
        held_bars += int(held.sum())
    assert held_bars > ROWS


def test_no_account_ever_owes_money() -> None:
    """Slippage beyond the bankruptcy price used to leave a debt that equity's floor hid."""
    strategy, rng = load()["macd"], np.random.default_rng(8)
    setup = Setup(
        strategy, RULES["everything"], Instrument("perpetual", slippage=0.04), pessimistic=True
    )
    risk = draw_risk(rng, VARIANTS, 50.0) | {"fraction": np.ones(VARIANTS)}
    batch = open_batch(setup, draw_knobs(strategy, rng, VARIANTS), risk)
    rows, _ = market("gaps", ROWS)
    Cpu(1).advance(batch, rows)
    for account in ("a", "b"):
        flat = batch.cell(f"{account}_side") == 0.0
        assert flat.any()
        assert np.all(batch.cell(f"{account}_cash")[flat] >= -1e-9 * CAPITAL)
        assert np.any(batch.cell(f"{account}_cash")[flat] < 1e-3 * CAPITAL)
