"""Walk-forward: what is tested was not seen."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.bars import Bars
from liveopt.engine.batch import open_batch
from liveopt.engine.cpu import Cpu
from liveopt.optimize.objective import enriched
from liveopt.optimize.parameters import BadParameter, Variants
from liveopt.optimize.walkforward import (
    Fold,
    Kind,
    ends,
    examine,
    folds,
    longest_lookback,
    returns,
    stitched,
    usual_embargo,
)
from liveopt.strategies import load
from tests.studies import YEAR, candles, run_of


def one(fast: float = 5.0, slow: float = 20.0) -> Variants:
    knobs = {"fast": np.array([fast]), "slow": np.array([slow])}
    return Variants({"kind": "ema"}, knobs, {"fraction": np.array([1.0])}, 0)


@given(
    st.integers(500, 10_000), st.integers(1, 8), st.sampled_from(["anchored", "rolling"]),
    st.integers(0, 30),
)  # fmt: skip
def test_tests_follow_each_other_to_the_last_bar_behind_the_embargo(
    bars: int, count: int, kind: Kind, embargo: int
) -> None:
    found = folds(bars, count, kind, embargo)
    assert [f.begin - f.last for f in found] == [embargo] * count
    assert [f.begin for f in found[1:]] == [f.end for f in found[:-1]]
    assert found[-1].end == bars
    assert len({f.end - f.begin for f in found}) == 1
    if kind == "anchored":
        assert {f.first for f in found} == {0}
    else:
        assert len({f.last - f.first for f in found}) == 1


def test_too_few_bars_are_refused() -> None:
    with pytest.raises(BadParameter, match="too few"):
        folds(100, 4, "anchored", 0)
    with pytest.raises(BadParameter, match="embargo"):
        folds(600, 4, "anchored", 190)


def test_the_embargo_is_the_longest_look_back_and_holding_time() -> None:
    assert usual_embargo(601.0, 30.0, 100_000, 4) == (631, "")
    short, said = usual_embargo(601.0, 0.0, 1_200, 4)
    assert short == 100
    assert "601" in said
    assert longest_lookback(load()["ma_crossover"], [one(slow=20.0), one(slow=50.0)]) == 51.0


def test_a_test_is_blind_to_what_comes_after_it() -> None:
    bars = candles(900, swing=0.01)
    fold = Fold(0, 400, 420, 600)
    column = [np.array(c) for c in bars.floats()]
    for values in column[:4]:
        values[600:] *= 3.0
    other = Bars(bars.at_ns, *column)
    (a,), (b,) = examine(run_of(bars), one(), fold), examine(run_of(other), one(), fold)
    assert a.returns[0].tobytes() == b.returns[0].tobytes()
    assert a.sums == b.sums
    assert a.sums[0]["trades"] > 0  # it did something


def test_a_test_begins_flat_and_its_strategy_knows_the_past() -> None:
    bars = candles(900, swing=0.01)
    fold = Fold(0, 400, 420, 440)
    (found,) = examine(run_of(bars), one(slow=400.0, fast=200.0), fold)
    assert found.bars == 20
    assert np.count_nonzero(found.returns[0][:1]) == 0
    (warm,) = examine(run_of(bars), one(), Fold(0, 400, 420, 900))
    cold_part = replace(run_of(bars), rows=run_of(bars).rows.part(420, 900))
    batch = open_batch(cold_part.setup, one().knobs, one().risk)
    Cpu(1).advance(batch, cold_part.rows)
    assert warm.sums[0]["trades"] >= float(batch.cell("a_trades")[0])


def test_stitched_tests_of_one_variant_are_the_run_where_nothing_is_open_at_the_seam() -> None:
    bars = candles(1_000, swing=0.01)
    run = run_of(bars)
    (whole,) = examine(run, one(), Fold(0, 480, 500, 1_000))
    parts = [
        *examine(run, one(), Fold(0, 480, 500, 750)),
        *examine(run, one(), Fold(0, 480, 750, 1_000)),
    ]
    seen = returns(parts, 0)
    assert len(seen) == 500
    assert seen[:250].tobytes() == whole.returns[0][:250].tobytes()
    found = stitched(parts, 0, 1e4, YEAR)
    assert found["roi"] == pytest.approx(np.prod(1.0 + seen) - 1.0)
    assert found["trades"] == parts[0].sums[0]["trades"] + parts[1].sums[0]["trades"]
    assert found["fees"] == pytest.approx(sum(p.sums[0]["fees"] for p in parts))
    mean, deviation = seen.mean(), seen.std(ddof=1)
    assert found["bar_sharpe"] == pytest.approx(mean / deviation * YEAR**0.5)


def test_one_test_stitched_is_its_own_run() -> None:
    run = run_of(candles(600, swing=0.01))
    batch = open_batch(run.setup, one().knobs, one().risk)
    Cpu(1).advance(batch, run.rows)
    direct = enriched(batch.metrics(YEAR), 600 / YEAR)
    found = stitched(examine(run, one(), Fold(0, 0, 0, 600)), 0, 1e4, YEAR)
    for name in ("roi", "trades", "win_rate", "bar_sharpe", "sortino", "max_drawdown"):
        assert found[name] == pytest.approx(float(direct[name][0]), rel=1e-9), name


def test_variants_examined_together_are_as_alone() -> None:
    run, fold = run_of(candles(700, swing=0.01)), Fold(0, 400, 420, 700)
    alone = [examine(run, one(slow=slow), fold)[0] for slow in (9.0, 30.0, 80.0)]
    wide = one()
    together = Variants(
        wide.choices,
        {n: np.full(3, v[0]) for n, v in wide.knobs.items()}
        | {"slow": np.array([9.0, 30.0, 80.0])},
        {n: np.full(3, v[0]) for n, v in wide.risk.items()},
        0,
    )
    for found, expected in zip(examine(run, together, fold), alone, strict=True):
        assert found.sums == expected.sums
        assert [r.tobytes() for r in found.returns] == [r.tobytes() for r in expected.returns]


def test_ends_are_the_rows_after_signal_bars() -> None:
    assert ends(run_of(candles(5)).rows).tolist() == [0, 1, 2, 3, 4, 5]
