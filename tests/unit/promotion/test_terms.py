"""What a promotion takes: the shipped terms, and how the worlds' error is spent."""

import math
from dataclasses import FrozenInstanceError
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.promotion.terms import SEASON_MAX, GateTerms, spent
from liveopt.promotion.units import FLOOR, QUANTUM

seasons = st.integers(1, SEASON_MAX)


def test_the_two_tracks_share_one_chance_in_twenty() -> None:
    assert GateTerms(1).alpha == pytest.approx(0.05, abs=1e-15)


@pytest.mark.parametrize(("prior", "bars"), [(0.032, 10), (0.1, 1), (0.01, 240)])
def test_the_prior_of_an_evidence_bar_grows_with_the_root_of_its_bars(
    prior: float, bars: int
) -> None:
    terms = GateTerms(1, prior=prior, bars=bars)
    assert terms.rho == pytest.approx(1.0 / (prior * math.sqrt(bars)) ** 2, rel=1e-14)


@given(seasons, st.integers(0, 2 * SEASON_MAX))
def test_what_is_spent_is_the_share_of_the_season_to_the_power_of_three_halves(
    season: int, bar: int
) -> None:
    share = min(float(Fraction(bar, season)), 1.0)
    assert spent(GateTerms(1, season=season), bar) == pytest.approx(share**1.5, rel=1e-15)


@given(seasons, st.integers(0, SEASON_MAX))
def test_spending_never_falls_and_ends_with_the_season(season: int, bar: int) -> None:
    terms = GateTerms(1, season=season)
    assert spent(terms, bar) <= spent(terms, bar + 1)
    assert spent(terms, 0) == 0.0
    assert spent(terms, season) == spent(terms, season + 1) == 1.0


def test_the_sums_of_the_longest_season_are_exact_in_single_precision() -> None:
    assert SEASON_MAX * -FLOOR / QUANTUM <= 2.0**24


def test_terms_stay_as_they_are_and_survive_a_journal() -> None:
    terms = GateTerms(9, score_min=0.7, auto=True)
    with pytest.raises((AttributeError, FrozenInstanceError)):
        terms.worlds = 1  # type: ignore[misc]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(terms), type=GateTerms) == terms
