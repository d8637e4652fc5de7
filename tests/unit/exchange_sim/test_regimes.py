"""The moods of a market."""

import pytest

from liveopt.exchange_sim.regimes import REGIMES, regime_named


def test_moods_are_found_by_name_and_others_refused() -> None:
    assert {"normal", "up", "down", "reversion", "quiet", "crash"} == set(REGIMES)
    assert all(regime_named(name).name == name for name in REGIMES)
    with pytest.raises(ValueError, match="no regime 'boom'; there are normal, up"):
        regime_named("boom")


def test_over_all_moods_the_price_is_not_expected_to_go_anywhere() -> None:
    moods = REGIMES.values()
    assert sum(mood.drift * mood.share * mood.length_s for mood in moods) == pytest.approx(0.0)
