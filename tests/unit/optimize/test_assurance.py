"""Looking again at chosen variants changes nothing of them and says the same each time."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.account import Rule
from liveopt.core.bars import MINUTE_NS
from liveopt.data.market import synthetic_bars
from liveopt.engine.batch import Batch, Setup, open_batch
from liveopt.engine.cpu import Cpu
from liveopt.engine.device import MIB, Run
from liveopt.engine.program import SIGNAL
from liveopt.engine.rows import rows_of
from liveopt.optimize import assurance
from liveopt.optimize.assurance import (
    ASSURANCE,
    Parameters,
    Trials,
    assure,
    fold,
    pace,
    resampled,
    say,
    trade_returns,
)
from liveopt.optimize.parameters import grid_variants, parse_grid
from liveopt.optimize.sweep import Ranked, sweep
from liveopt.stats import sharpe
from liveopt.strategies import load

Array = npt.NDArray[np.float64]

STRATEGY = load()["ma_crossover"]
BARS = synthetic_bars(1_500, 5, MINUTE_NS, 0)
ROWS = rows_of(BARS, MINUTE_NS, MINUTE_NS)
YEAR = 525_600.0
RUN = Run(Setup(STRATEGY, Rule()), ROWS, YEAR)
TRIALS = Trials(80, 3.0)


def ranked(grid: str, keep: int = 99, run: Run = RUN) -> list[Ranked]:
    variants = grid_variants(STRATEGY, parse_grid(STRATEGY, grid), {})
    return sweep(run, variants, (Cpu(1), 64 * MIB), ("roi", keep)).top


def chosen(top: list[Ranked]) -> list[tuple[Parameters, int]]:
    return [(r.parameters, int(r.metrics["trades"])) for r in top]


def logged(count: int, kept: int) -> Batch:
    """So many variants of unlike windows, run with their trades remembered."""
    setup = replace(RUN.setup, choices={"kind": "ema"}, log_trades=kept)
    number = np.arange(count, dtype=np.float64)
    knobs: dict[str, Array] = {"fast": 3.0 + number % 7.0, "slow": 12.0 + number}
    batch = open_batch(setup, knobs)
    Cpu(1).advance(batch, ROWS)
    return batch


def test_the_trades_returns_are_those_of_each_variants_own_list() -> None:
    batch = logged(70, 50_000)
    returns, lengths = trade_returns(batch)
    assert returns.shape == (lengths.max(), 70)
    for variant in range(70):
        listed = [trade["roi"] for trade in batch.trades(variant)]
        assert returns[: lengths[variant], variant].tolist() == listed
        assert not returns[lengths[variant] :, variant].any()
    assert lengths.tolist() == batch.metrics(YEAR)["trades"].tolist()


def test_of_a_full_list_the_latest_trades_are_read_in_order() -> None:
    batch = logged(3, 20)
    returns, lengths = trade_returns(batch)
    assert lengths.sum() == 20 < int(batch.logged[0])
    for variant in range(3):
        listed = [trade["roi"] for trade in batch.trades(variant)]
        assert returns[: lengths[variant], variant].tolist() == listed


def test_looking_again_finds_the_run_that_was_ranked() -> None:
    top = ranked("fast=3:9:2,slow=20:60:20,kind=ema|sma")
    said = assure(RUN, chosen(top), TRIALS)
    for one, sure in zip(top, said, strict=True):
        assert sure.keys() == ASSURANCE.keys()
        middle = (sure["sharpe_low"] + sure["sharpe_high"]) / 2.0
        assert middle == pytest.approx(one.metrics["bar_sharpe"], rel=1e-9)


def test_what_is_said_of_a_variant_does_not_depend_on_the_others() -> None:
    top = ranked("fast=3:9:2,slow=20|60|600,kind=ema|sma")
    together = assure(RUN, chosen(top), TRIALS)
    for i in (0, 5, len(top) - 1):
        (alone,) = assure(RUN, chosen(top[i : i + 1]), TRIALS)
        np.testing.assert_equal(alone, together[i])
    np.testing.assert_equal(assure(RUN, chosen(top[::-1]), TRIALS), together[::-1])


def test_so_many_trades_that_they_do_not_fit_are_looked_at_in_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    top = ranked("fast=3:9:2,slow=20|60,kind=ema|sma")
    together = assure(RUN, chosen(top), TRIALS)
    monkeypatch.setattr(assurance, "LINES_MOST", 2 * max(t for _, t in chosen(top)))
    np.testing.assert_equal(assure(RUN, chosen(top), TRIALS), together)


def test_more_than_a_block_is_looked_at_block_by_block() -> None:
    top = ranked("fast=3:9,slow=20:30")
    heard: list[int] = []
    assert len(top) == 77
    said = assure(RUN, chosen(top), TRIALS, heard.append)
    assert sum(heard) == 77 * len(ROWS)
    np.testing.assert_equal(assure(RUN, chosen(top[70:]), TRIALS), said[70:])


def test_who_never_trades_is_sure_of_nothing() -> None:
    short = replace(RUN, rows=ROWS.part(0, 200))
    (said,) = assure(short, chosen(ranked("fast=5,slow=300", run=short)), TRIALS)
    assert all(np.isnan(value) for value in said.values())


def test_the_more_were_tried_the_less_the_best_proves() -> None:
    best = chosen(ranked("fast=3:9:2,slow=20:60:20", 1))

    def dsr(trials: Trials) -> float:
        return assure(RUN, best, trials)[0]["dsr"]

    psr = assure(RUN, best, TRIALS)[0]["psr"]
    assert dsr(Trials(1, 0.0)) == psr
    assert 0.0 < dsr(Trials(1_000, 3.0)) < dsr(Trials(10, 3.0)) < psr
    assert dsr(Trials(10, 6.0)) < dsr(Trials(10, 3.0))


def test_without_trials_there_is_no_deflated_ratio() -> None:
    batch = logged(2, 100)
    equity = np.full((10, 2), 10_000.0) + np.arange(20.0).reshape(10, 2) ** 2
    assert "dsr" not in say(batch, equity, (pace(ROWS.part(0, 10)), YEAR))


def test_the_interval_is_that_of_the_returns_from_the_capital_on() -> None:
    batch = logged(2, 100)
    equity = 10_000.0 + np.arange(40.0).reshape(20, 2) ** 1.5
    said = say(batch, equity, (pace(ROWS.part(0, 20)), YEAR))
    for i in range(2):
        course = np.concatenate([[10_000.0], equity[:, i]])
        seen = sharpe.track(np.diff(course) / course[:-1])
        reach = 1.959963984540054 * float(sharpe.standard_error(seen))
        assert said["sharpe_low"][i] == pytest.approx((seen.sharpe - reach) * YEAR**0.5, rel=1e-9)
        assert said["sharpe_high"][i] == pytest.approx((seen.sharpe + reach) * YEAR**0.5, rel=1e-9)


def test_pieces_give_the_equity_of_the_whole_run() -> None:
    setup = replace(RUN.setup, choices={"kind": "sma"})
    knobs = {"fast": np.array([3.0, 5.0]), "slow": np.array([20.0, 30.0])}
    whole, pieces = open_batch(setup, knobs), open_batch(setup, knobs)
    Cpu(1).advance(whole, ROWS)
    equity = fold(pieces, ROWS, np.array([1, 2, 700, len(ROWS)]))
    assert equity[-1].tolist() == whole.cell("p_equity").tolist()
    assert equity[0].tolist() == [10_000.0, 10_000.0]
    np.testing.assert_equal(pieces.metrics(YEAR), whole.metrics(YEAR))


@given(st.integers(1, 60), st.integers(1, 30), st.integers(1, 5))
def test_the_pace_is_every_so_many_signal_bars(length: int, most: int, signal: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assurance, "RETURNS_MOST", most)
        rows = rows_of(synthetic_bars(length, 5, MINUTE_NS, 0), MINUTE_NS, signal * MINUTE_NS)
        looks = pace(rows)
    closes = np.flatnonzero(rows.kinds & SIGNAL) + 1
    assert len(looks.ends) <= most
    assert looks.ends.tolist() == closes[looks.bars - 1 :: looks.bars].tolist()
    assert looks.bars == 1 or -(-len(closes) // (looks.bars - 1)) > most
    assert looks.scale(YEAR) ** 2 * looks.bars == pytest.approx(YEAR)


def test_longer_returns_give_much_the_same_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    best = chosen(ranked("fast=3:9:2,slow=20:60:20", 1))
    (fine,) = assure(RUN, best, TRIALS)
    monkeypatch.setattr(assurance, "RETURNS_MOST", len(ROWS) // 3)
    (coarse,) = assure(RUN, best, TRIALS)
    width = fine["sharpe_high"] - fine["sharpe_low"]
    assert coarse != fine
    assert coarse["sharpe_low"] == pytest.approx(fine["sharpe_low"], abs=0.25 * width)
    assert coarse["sharpe_high"] == pytest.approx(fine["sharpe_high"], abs=0.25 * width)


def test_confidence_is_that_of_the_normal_law_where_there_are_many_trades() -> None:
    rng = np.random.default_rng(3)
    returns = rng.normal(0.05, 1.0, (900, 40))
    found = resampled(returns, np.full(40, 900))
    expected = sharpe.probabilistic(sharpe.Track(returns.mean(0) / returns.std(0), 901, 0.0, 1.0))
    assert np.abs(found - expected).max() < 0.05
    assert np.abs(found - expected).mean() < 0.012


def test_gains_alone_are_certain_and_losses_alone_too() -> None:
    returns = np.array([[0.1, -0.1, 0.1], [0.2, -0.2, 0.0]])
    found = resampled(returns, np.array([2, 2, 1]))
    assert found[:2].tolist() == [1.0, 0.0]
    assert np.isnan(found[2])


@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.integers(0, 20))
def test_draws_do_not_depend_on_which_others_are_resampled(lengths: list[int], more: int) -> None:
    values = np.random.default_rng(1).normal(size=(max(lengths) + more, len(lengths)))
    together = resampled(values, np.array(lengths))
    for i, length in enumerate(lengths):
        (alone,) = resampled(values[:length, [i]], np.array([length]))
        np.testing.assert_equal(alone, together[i])


def test_bars_after_the_last_signal_are_no_return() -> None:
    rows = rows_of(BARS, MINUTE_NS, 7 * MINUTE_NS)
    assert not rows.kinds[-1] & SIGNAL
    run = replace(RUN, rows=rows, periods_per_year=YEAR / 7.0)
    for one in ranked("fast=3:7:2,slow=12|20", run=run):
        (sure,) = assure(run, chosen([one]), TRIALS)
        middle = (sure["sharpe_low"] + sure["sharpe_high"]) / 2.0
        assert middle == pytest.approx(one.metrics["bar_sharpe"], rel=1e-9)


def test_a_trade_that_closes_after_the_last_signal_counts() -> None:
    rule = Rule(stop=True, take=True)
    setup = Setup(STRATEGY, rule, choices={"kind": "ema"}, log_trades=1_000)
    rows = rows_of(BARS, MINUTE_NS, 5 * MINUTE_NS)
    knobs, risk = {"fast": 3.0, "slow": 12.0}, {"stop": 0.002, "take": 0.003}
    columns = [{n: np.array([v]) for n, v in part.items()} for part in (knobs, risk)]
    whole = open_batch(setup, *columns)
    Cpu(1).advance(whole, rows)
    table = np.array([trade["roi"] for trade in whole.trades(0)])[:, None]
    sure = [float(resampled(table[:i], np.array([i]))[0]) for i in range(len(table) + 1)]
    closed = [round(trade["time_s"] / 60.0) for trade in whole.trades(0)]
    telling = [
        i for i, row in enumerate(closed) if i >= 2 and row % 5 < 4 and sure[i + 1] != sure[i]
    ]
    assert len(telling) >= 5
    for i in telling:
        run = Run(setup, rows.part(0, closed[i] + 1), YEAR / 5.0)
        (said,) = assure(run, [({"kind": "ema", **knobs, **risk}, i + 1)], TRIALS)
        assert said["confidence"] == sure[i + 1]
