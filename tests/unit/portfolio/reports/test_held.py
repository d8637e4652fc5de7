"""What is said of sessions that were held back."""

import dataclasses

import numpy as np

from liveopt.portfolio.reports.held import held_back, per_session, said
from liveopt.portfolio.reports.words import number
from liveopt.portfolio.result import Report


def test_without_sessions_held_back_it_is_said(plain: Report) -> None:
    assert "No sessions were held back" in " ".join(held_back(plain))


def test_where_none_of_those_held_back_counts_the_reason_is_said(plain: Report) -> None:
    none = dataclasses.replace(plain, held_why="of the sessions held back no session is sure")
    told = " ".join(" ".join(held_back(none)).split())
    assert "Of the sessions held back no session is sure." in told
    assert "No sessions were held back" not in told


def test_every_leader_is_there_with_both_its_figures(tested: Report) -> None:
    held = tested.held
    assert held is not None
    rows = "\n".join(held_back(tested))
    for one in tested.outcome.leaders:
        fitness, figures = held.leaders[one.origin]
        (row,) = [row.split() for row in rows.splitlines() if row.split()[:1] == [one.origin]]
        assert row[1:3] == [number(one.fitness), number(fitness)]
        assert row[4] == number(figures["roi"] / len(held.sessions), "money")


def test_a_loss_is_called_one(tested: Report) -> None:
    held = tested.held
    assert held is not None
    poor = dataclasses.replace(held, figures={**held.figures, "roi": -12.5})
    assert "they lost 12.50 with a maximum drawdown of" in said(poor)
    assert "they earned 12.50 with" in said(
        dataclasses.replace(held, figures={**held.figures, "roi": 12.5})
    )


def test_a_session_of_none_is_undefined() -> None:
    assert np.isnan(per_session({"roi": 1.0}, 0))
    assert per_session({"roi": 6.0}, 4) == 1.5
