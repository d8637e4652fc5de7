"""A whole run: zones each on their own and together, regimes, what is held back, what is said."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from liveopt.config.portfolio import Portfolio
from liveopt.data.panel.panel import Float64, Panel, Sessions
from liveopt.portfolio.figures import Money
from liveopt.portfolio.optimize import Means, TooFew
from liveopt.portfolio.regimes import NoSessions
from liveopt.portfolio.result import Report, Source, Zoning
from liveopt.portfolio.run import Stamp, figures_of, run, warnings
from liveopt.portfolio.steps import Progress, Steps
from liveopt.portfolio.zones import NoZones
from tests import portfolio_reference as reference
from tests.unit.portfolio.panels import MONEY, PANELS, panel_of

pytestmark = pytest.mark.xdist_group("portfolio run")
MEANS = Means("cpu", None, correlations=False)
DAYS = 45


def terms(**others: Any) -> Portfolio:
    """A quick search."""
    usual = {"size": 10, "algorithms": ("ga",), "evaluations": 100, "workers": 1, "capital": 1e5}
    return Portfolio(**{**usual, **others})


def zoned() -> Panel:
    """Zone A of every day, B of every second one, C of nine whose regime nobody is sure of."""
    rng = np.random.default_rng(5)
    rows = [
        (day, zone)
        for day in range(DAYS)
        for zone in "ABC"
        if day % {"A": 1, "B": 2, "C": 5}[zone] == 0
    ]
    dates = np.datetime64("2024-01-01") + np.array([day for day, _ in rows])
    sessions = Sessions(
        dates,
        zone=np.array([zone for _, zone in rows]),
        start_min=np.array([{"A": 560, "B": 800, "C": 1000}[zone] for _, zone in rows]),
        confidence=np.array([0.2 if zone == "C" else 0.9 for _, zone in rows]),
    )
    return panel_of(np.round(1_000.0 * rng.standard_normal((24, len(rows)))), sessions)


ZONED = zoned()


def reported(panel: Panel, own: Portfolio, told: list[Progress] | None = None) -> Report:
    """A run."""
    source = Source(["x.csv"], "hash", len(panel.names), panel.sessions, ["a note"])
    hear = told.append if told is not None else lambda _: None
    return run(panel, source, own, MEANS, Stamp("run_1", "2024-03-01T00:00:00Z"), Steps(hear))


def zoning_of(report: Report) -> Zoning:
    """Which is there."""
    assert report.zoning is not None
    return report.zoning


@pytest.fixture(scope="module")
def by_zone() -> dict[str, Report]:
    """In each of the ways to combine."""
    found = {
        way: reported(ZONED, terms(mode="zones", zone_combine=way)) for way in ("best", "equal")
    }
    own = terms(mode="zones", zone_combine="weighted", zone_weights=(3.0, 1.0, 4.0))
    return {**found, "weighted": reported(ZONED, own)}


def test_each_zone_is_searched_on_its_own_sessions(by_zone: dict[str, Report]) -> None:
    for report in by_zone.values():
        a, b, c = zoning_of(report).zones
        assert (a.name, a.sessions, b.name, b.sessions, c.name, c.sessions) == (
            "A", 45, "B", 23, "C", 0
        )  # fmt: skip
        for zone in (a, b):
            assert zone.outcome is not None
            at = ZONED.sessions.zone == zone.name
            assert zone.outcome.sessions.date.tolist() == ZONED.sessions.date[at].tolist()
            pnl = ZONED.pnl[:, at]
            assert zone.outcome.ulta.inverted.tolist() == [
                reference.turned(row.tolist()) is not None for row in pnl
            ]
            rows = []
            for i in zone.outcome.best.members:
                name = zone.outcome.names[i]
                row = pnl[int(name.removesuffix("_inv")[1:])]
                rows.append(-row if name.endswith("_inv") else row)
            wanted = reference.figures(np.array(rows), terms(), 100_000.0)
            assert dict(zone.figures) == pytest.approx(wanted, rel=1e-9)
            assert zone.why == ""


def test_a_zone_that_has_nothing_left_says_why_and_the_others_go_on(
    by_zone: dict[str, Report],
) -> None:
    for report in by_zone.values():
        c = zoning_of(report).zones[2]
        assert c.outcome is None
        assert c.why.startswith("C: no session has a regime confidence of 0.7 or more; the highest")
        assert (c.weight, dict(c.figures)) == (0.0, {})


@pytest.mark.parametrize("way", ["weighted", "equal", "best"])
def test_zones_are_combined_day_by_day(way: str, by_zone: dict[str, Report]) -> None:
    report = by_zone[way]
    found = zoning_of(report)
    parts = [zone for zone in found.zones if zone.outcome is not None]
    fitness = [zone.outcome.best.fitness for zone in parts if zone.outcome]
    best = fitness.index(max(fitness))
    wanted = {
        "weighted": [0.75, 0.25],
        "equal": [0.5, 0.5],
        "best": [float(i == best) for i in range(2)],
    }[way]
    assert [zone.weight for zone in parts] == pytest.approx(wanted)
    days: dict[Any, float] = dict.fromkeys(np.unique(ZONED.sessions.date).tolist(), 0.0)
    table = np.zeros((3, len(days)))
    for i, zone in enumerate(parts):
        assert zone.outcome is not None
        outcome = zone.outcome
        for date, profit in zip(outcome.sessions.date.tolist(), outcome.best.series, strict=True):
            days[date] += wanted[i] * profit
            table[i, list(days).index(date)] += profit
    assert found.dates.tolist() == list(days)
    np.testing.assert_allclose(found.series, list(days.values()), rtol=1e-12, atol=1e-12)
    whole = reference.figures(np.array([list(days.values())]), terms(), 100_000.0)
    whole |= {"correlation": np.nan}
    assert dict(found.figures) == pytest.approx(whole, rel=1e-9, nan_ok=True)
    assert found.fitness == pytest.approx(np.dot(wanted, fitness))
    both = table[:2][:, (table[:2] != 0.0).all(axis=0)]
    np.testing.assert_allclose(found.matrix[:2, :2], reference.correlations(both), atol=1e-12)
    assert np.isnan(found.matrix[2]).all(), "C has no day"
    assert report.outcome is parts[best].outcome
    assert found.combine == way


def test_capital_goes_by_a_zones_profit_but_never_to_nothing(by_zone: dict[str, Report]) -> None:
    for report in by_zone.values():
        found = zoning_of(report).zones
        profits = [max(zone.figures.get("roi", 0.0), 0.01) for zone in found]
        assert [zone.allocation for zone in found] == pytest.approx(
            [one / sum(profits) for one in profits]
        )


def test_zones_by_the_clock_leave_out_what_lies_in_none() -> None:
    free = terms(
        mode="zones", zone_method="freeform", zone_bounds=("09:00", "12:00", "14:00", "15:00"),
        regime_confidence=0.0,
    )  # fmt: skip
    found = zoning_of(reported(ZONED, free))
    assert found.outside == 9
    assert [zone.sessions for zone in found.zones] == [45, 23, 0]
    assert found.zones[2].why == "Zone 3 (14:00-15:00) has no session"
    assert len(found.dates) == DAYS


def test_a_full_run_is_looked_at_zone_by_zone() -> None:
    report = reported(ZONED, terms())
    found, best = zoning_of(report), report.outcome.best
    kept = np.array(ZONED.sessions.zone) != "C"
    assert report.outcome.regimes.kept.tolist() == kept.tolist()
    zone = np.array(ZONED.sessions.zone)[kept]
    for part in found.zones[:2]:
        own = best.series[zone == part.name]
        rate = len(own) / len(set(ZONED.sessions.date[kept][zone == part.name].tolist()))
        wanted = reference.figures(own[None], terms(days_per_year=252.0 * rate), 100_000.0)
        wanted |= {"correlation": np.nan}
        assert dict(part.figures) == pytest.approx(wanted, rel=1e-9, nan_ok=True)
        assert (part.outcome, part.sessions, part.weight) == (None, len(own), len(own) / len(zone))
    assert dict(found.zones[2].figures) == {}
    assert sum(part.figures["roi"] for part in found.zones[:2]) == pytest.approx(
        best.figures["roi"]
    )
    assert found.series.sum() == pytest.approx(best.figures["roi"])
    assert found.fitness == best.fitness


def test_a_report_says_what_was_read_and_how_it_was_done() -> None:
    told: list[Progress] = []
    panel = panel_of(ZONED.pnl)
    report = reported(panel, terms(), told)
    assert report.zoning is None
    assert (report.run, report.started, report.device) == ("run_1", "2024-03-01T00:00:00Z", "cpu")
    assert report.source.notes[0] == "a note"
    assert (report.source.files, report.source.data_hash, report.source.strategies) == (
        ["x.csv"], "hash", 24
    )  # fmt: skip
    assert list(report.steps)[:5] == ["validate", "ulta", "correlation", "algorithms", "select"]
    shares = [one.share for one in told]
    assert shares == sorted(shares)
    assert report.memory_peak_mib > 50.0


def test_what_is_unusual_is_said() -> None:
    def said(count: int, days: int, **others: Any) -> str:
        return " ".join(warnings(panel_of(np.ones((count, days))), terms(**others)))

    assert said(12, 60) == ""
    assert "49 sessions are few" in said(12, 49)
    assert "9 strategies are few" in said(9, 60)
    assert "61 strategies and 60 sessions" in said(61, 60)
    assert said(61, 60, holdout=0.25) == ""


def test_what_is_held_back_is_not_searched_and_judges_the_leaders() -> None:
    pnl = np.round(1_000.0 * np.random.default_rng(6).standard_normal((24, 60)))
    own = terms(holdout=0.25)
    report = reported(panel_of(pnl), own)
    assert len(report.outcome.sessions) == 45
    assert report.held is not None
    assert len(report.held.sessions) == 15
    rows = _traded(report, pnl[:, 45:])
    wanted = reference.figures(rows, own, 100_000.0)
    assert dict(report.held.figures) == pytest.approx(wanted, rel=1e-9)
    assert report.held.fitness == pytest.approx(reference.fitness(wanted, own), rel=1e-9)
    assert set(report.held.leaders) == {one.origin for one in report.outcome.leaders}
    again = pnl.copy()
    again[:, 45:] *= -3.0  # what was not seen changes nothing of what is chosen
    other = reported(panel_of(again), own)
    assert other.outcome.best.members == report.outcome.best.members


def _traded(report: Report, pnl: Float64) -> Float64:
    """The best one's members by their names."""
    names = [report.outcome.names[i] for i in report.outcome.best.members]
    return np.array(
        [
            -pnl[int(n.removesuffix("_inv")[1:])] if n.endswith("_inv") else pnl[int(n[1:])]
            for n in names
        ]
    )


def test_what_cannot_be_done_is_refused_with_its_reason() -> None:
    unsure = replace(ZONED.sessions, confidence=np.full(len(ZONED.sessions), 0.1))
    with pytest.raises(NoSessions, match=r"lower portfolio\.regime_confidence"):
        reported(replace(ZONED, sessions=unsure), terms())
    with pytest.raises(TooFew, match=r"A: no session .*; B: no session .*; C: no session"):
        reported(replace(ZONED, sessions=unsure), terms(mode="zones"))
    with pytest.raises(TooFew, match="a portfolio of 35 needs as many strategies"):
        reported(ZONED, terms(mode="zones", size=35))
    with pytest.raises(ValueError, match="has 2 weights, and there are 3 zones: A, B, C"):
        reported(ZONED, terms(mode="zones", zone_weights=(1.0, 2.0)))
    with pytest.raises(NoZones, match="no column Zone"):
        reported(panel_of(ZONED.pnl), terms(mode="zones"))


@pytest.mark.parametrize("name", PANELS)
def test_figures_of_one_series_are_those_of_the_definition(name: str) -> None:
    row = PANELS[name][3]
    money = Money(MONEY.capital, MONEY.periods_per_year, MONEY.risk_free)
    wanted = reference.figures(row[None], terms(), MONEY.capital) | {"correlation": np.nan}
    found = figures_of(row, money).row(0)
    scale = float(np.abs(row).max())
    assert found == pytest.approx(wanted, rel=1e-5, abs=1e-12 * scale, nan_ok=True)
