"""Settings in words."""

from liveopt.config.portfolio import Portfolio
from liveopt.portfolio.reports.terms import aim_brief, aim_words, listed


def test_a_fitness_is_told_as_a_formula() -> None:
    say = aim_words
    assert say(Portfolio()) == "ratio - 10 x mean correlation"
    mild = Portfolio(penalty="multiplicative", penalty_weight=0.1)
    assert say(mild) == "ratio x (1 - 0.1 x mean correlation)"
    assert say(Portfolio(fitness="hybrid")).startswith(
        "0.3 x (ratio - 10 x mean correlation) + 0.7"
    )
    assert say(Portfolio(balance_penalty=1.0)).endswith("balance of groups")


def test_the_drawdown_is_sought_small_and_where_it_halves_the_fitness_that_is_said() -> None:
    terms = Portfolio(metric="drawdown", drawdown_threshold=50.0)
    assert aim_words(terms) == (
        "-drawdown - 10 x mean correlation, half of it where the drawdown is below 50"
    )
    assert "half" not in aim_words(Portfolio(metric="roi", drawdown_threshold=50.0))


def test_where_there_is_little_room_a_long_fitness_has_its_name() -> None:
    assert aim_brief(Portfolio()) == aim_words(Portfolio())
    for name in ("enhanced", "hybrid"):
        told = aim_brief(Portfolio.model_validate({"fitness": name}))
        assert told.startswith(name)
        assert len(told) < 60


def test_every_setting_is_text() -> None:
    found = listed(Portfolio())
    assert found.keys() == Portfolio.model_fields.keys() - {"share"}
    assert found["terms"] == "none"
    assert found["algorithms"] == "ga, pso, sa, de, aco, hc, bo, random"
