"""A plan is all that a result depends on."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from liveopt.optimize.studies.plan import Span, code_version, decode, encode, hash_of
from tests.studies import candles, plan_of


def test_a_plan_comes_back_from_its_text() -> None:
    plan = plan_of(ranges={"fast": Span(2.0, 9.0, 1.0), "kind": ["ema", "sma"]}, terms={"ants": 4})
    assert decode(encode(plan)) == plan
    assert isinstance(decode(encode(plan)).terms["ants"], int)


def test_every_change_makes_another_key_but_what_is_known_of_trials_before() -> None:
    keys = {
        plan_of(**c).key for c in ({}, {"seed": 4}, {"evals": 9}, {"embargo": 1}, {"code": "x"})
    }
    assert len(keys) == 5
    assert plan_of(trials_before=7).key == plan_of().key
    assert plan_of(deviation_before=0.7).key == plan_of().key


@given(st.integers(1, 10_000), st.integers(1, 50))
def test_the_budget_is_dealt_out_whole_and_evenly(evals: int, folds: int) -> None:
    plan = plan_of(evals=evals, folds=folds)
    shares = [plan.budget(i) for i in range(folds)]
    assert sum(shares) == evals
    assert max(shares) - min(shares) <= 1


def test_folds_have_chance_of_their_own() -> None:
    assert len({plan_of(seed=s).fold_seed(f) for s in range(5) for f in range(5)}) == 25


def test_candles_are_known_by_every_value() -> None:
    bars = candles(50)
    first = hash_of(bars)
    assert hash_of(candles(50)) == first
    bars.close[7] = np.nextafter(bars.close[7], 1e9)
    assert hash_of(bars) != first


def test_the_version_of_the_code_is_that_of_its_text() -> None:
    assert code_version() == code_version()
    assert "+" in code_version()
