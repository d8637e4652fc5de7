"""What a candidate must show besides evidence: every code, its edge, and nothing assumed."""

import math
from collections.abc import Mapping

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.promotion.conditions import (
    RESAMPLES,
    TRADES_MOST,
    Condition,
    confidence,
    judge,
    stopped_by,
)
from liveopt.promotion.terms import GateTerms

TERMS = GateTerms(seed=7, score_min=0.5, win_rate_min=0.4, roi_min=0.05)
GOOD: Mapping[str, float] = {
    "trades": 50, "trade_sharpe": 0.25, "win_rate": 0.6, "roi": 0.10, "max_drawdown": 0.05,
}  # fmt: skip
SCORE = 0.30 * 0.5 + 0.35 + 0.20 * 0.6 + 0.15 * 0.75
"""Of GOOD: its Sharpe of .25 sqrt(252) = 3.97 is a full mark."""


def judged(
    changed: Mapping[str, float] | None = None,
    sure: float | None = 0.95,
    ahead: float = 1.0,
    crash: float = 0.2,
) -> tuple[Condition, ...]:
    return judge(TERMS, {**GOOD, **(changed or {})}, sure, ahead, (crash, 0.2))


def of(code: str, found: tuple[Condition, ...]) -> Condition:
    return next(one for one in found if one.code == code)


def test_who_is_good_is_stopped_by_nothing() -> None:
    assert stopped_by(judged()) == ()
    assert [one.code for one in judged()] == [
        "insufficient_samples", "low_confidence", "low_sharpe", "not_better_than_champion",
        "tail_risk", "low_score", "low_win_rate", "low_roi",
    ]  # fmt: skip
    assert of("low_score", judged()).has == pytest.approx(SCORE, rel=1e-14)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("insufficient_samples", judged({"trades": 49})),
        ("low_confidence", judged(sure=0.949)),
        ("low_sharpe", judged({"trade_sharpe": 0.0, "roi": 0.2})),
        ("not_better_than_champion", judged(ahead=0.0)),
        ("tail_risk", judged(crash=0.2000001)),
        ("low_score", judged({"trade_sharpe": 0.01})),
        ("low_win_rate", judged({"win_rate": 0.399})),
        ("low_roi", judged({"roi": 0.0499})),
    ],
)
def test_each_condition_stops_alone(code: str, found: tuple[Condition, ...]) -> None:
    assert stopped_by(found) == (code,)


@pytest.mark.parametrize(
    "found",
    [
        judged({"trades": 50}),
        judged(sure=0.95),
        judged({"win_rate": 0.4}),
        judged({"roi": 0.05}),
        judged(crash=0.2),
        judged({"trade_sharpe": 0.2}),
        judged(ahead=1 / 256),
    ],
)
def test_what_is_just_enough_is_enough(found: tuple[Condition, ...]) -> None:
    assert stopped_by(found) == ()


@pytest.mark.parametrize(
    ("metric", "codes"),
    [
        ("trade_sharpe", ("low_sharpe", "low_score")),
        ("win_rate", ("low_score", "low_win_rate")),
        ("roi", ("low_score", "low_roi")),
    ],
)
def test_what_is_undefined_is_not_enough(metric: str, codes: tuple[str, ...]) -> None:
    found = judged({metric: math.nan})
    assert stopped_by(found) == codes
    assert all(of(code, found).has is None for code in codes)


def test_no_trade_is_no_confidence_and_no_number_no_lead() -> None:
    assert stopped_by(judged(sure=None)) == ("low_confidence",)
    assert stopped_by(judged(ahead=math.nan)) == ("not_better_than_champion",)
    assert stopped_by(judged(crash=math.nan)) == ("tail_risk",)


def test_a_variant_without_a_drawdown_is_scored_as_calm() -> None:
    found = of("low_score", judged({"max_drawdown": math.nan}))
    assert found.has == pytest.approx(SCORE + 0.15 * 0.25, rel=1e-14)


@pytest.mark.parametrize("trades", [0, 49])
def test_what_is_not_asked_for_stops_nobody(trades: int) -> None:
    found = judge(GateTerms(seed=7), {**GOOD, "win_rate": 0.0, "roi": -0.5}, 1.0, 1.0, (0.0, 0.2))
    assert [one.code for one in found] == [
        "insufficient_samples", "low_confidence", "low_sharpe", "not_better_than_champion",
        "tail_risk",
    ]  # fmt: skip
    assert stopped_by(found) == ()


def test_a_condition_says_what_there_is_and_what_it_takes() -> None:
    assert of("insufficient_samples", judged({"trades": 3})) == Condition(
        "insufficient_samples", 3.0, 50.0, ok=False
    )
    assert of("tail_risk", judged(crash=0.1)) == Condition("tail_risk", 0.1, 0.2, ok=True)
    text = msgspec.json.encode(judged({"roi": math.nan}))
    assert b"NaN" not in text
    assert msgspec.json.decode(text, type=tuple[Condition, ...]) == judged({"roi": math.nan})


# The bootstrap.

trades = st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=40).map(np.array)


@pytest.mark.parametrize("count", [0, 1])
def test_of_no_trade_or_one_nothing_is_known(count: int) -> None:
    assert confidence(np.full(count, 0.01), 7) is None


@pytest.mark.parametrize(("value", "share"), [(0.001, 1.0), (-0.001, 0.0), (0.0, 0.0)])
def test_trades_that_are_all_the_same_leave_no_doubt(value: float, share: float) -> None:
    assert confidence(np.full(30, value), 7) == share


@given(trades, st.integers(0, 2**32))
def test_it_is_the_share_of_the_resamples_that_gain(
    returns: npt.NDArray[np.float64], seed: int
) -> None:
    rng = np.random.Generator(np.random.Philox(key=seed))
    table = rng.random((RESAMPLES, TRADES_MOST))[:, : len(returns)]
    draws = np.floor(table * len(returns)).astype(int)
    gains = [math.fsum(returns[draw]) for draw in draws]
    sure, unsure = sum(g > 1e-12 for g in gains), sum(-1e-12 <= g <= 1e-12 for g in gains)
    found = confidence(returns, seed)
    assert found is not None
    assert sure <= found * RESAMPLES <= sure + unsure


@given(trades)
def test_better_trades_are_never_less_sure(returns: npt.NDArray[np.float64]) -> None:
    before, now = confidence(returns, 7), confidence(returns + 0.01, 7)
    assert before is not None
    assert now is not None
    assert now >= before


def test_the_same_seed_gives_the_same_figure_and_another_one_of_its_own() -> None:
    returns = np.random.default_rng(3).normal(0.002, 0.02, 60)
    shares = [confidence(returns, seed) for seed in (7, 7, 8, 9)]
    assert shares[0] == shares[1]
    assert len(set(shares)) > 1
    assert confidence(returns.astype(np.float32), 7) == pytest.approx(shares[0], abs=0.003)
