"""Real runs on a small seeded market whose strategies have names that strangers give."""

import numpy as np
import pytest

from liveopt.config.portfolio import Portfolio
from liveopt.data.panel.panel import Panel, Sessions
from liveopt.portfolio.optimize import Means
from liveopt.portfolio.result import Report, Source
from liveopt.portfolio.run import Stamp, run
from liveopt.portfolio.steps import Steps

HOSTILE = (
    "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1:A9)", "\t=1+1", "\r=1", "a|b|c", "two\nlines",
    "`code`", "[link](https://example.org)", "<script>alert(1)</script>", 'quote "and", comma',
    "semi;=1+1", "\u202edrawkcab", "long" * 3_000, "'=already", '"=1"', "$x^2$ \\frac{",
    "\uff1dwide", "bell\x07", "https://example.org/a", "策略", "**bold**",
)  # fmt: skip


def panel(zoned: bool) -> Panel:
    """So many strategies that a third has a hostile name, and those are the best."""
    rng = np.random.default_rng(7)
    days, parts = 60, 2 if zoned else 1
    count, sessions = 3 * len(HOSTILE), 60 * parts
    names = [*HOSTILE, *(f"SENSEX {900 + i}-1200 SL{i}%" for i in range(count - len(HOSTILE)))]
    pnl = 1_000.0 * rng.standard_t(4, size=(count, sessions))
    pnl[: len(HOSTILE)] += 250.0 * np.where(np.arange(len(HOSTILE)) % 2, -1.0, 1.0)[:, None]
    date = np.repeat(np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")[:days], parts)
    sessions_of = Sessions(date)
    if zoned:
        sessions_of = Sessions(
            date,
            zone=np.array(["Morning|<b>", "=Evening"] * days),
            regime=rng.choice(np.array(["bull", "=bear"]), sessions),
            confidence=rng.uniform(0.6, 1.0, sessions),
            transition=rng.uniform(0.0, 0.7, sessions),
            capital=np.full(sessions, 500_000.0),
        )
    return Panel(names, np.round(pnl, 2), sessions_of, ["desk"], np.zeros(count, np.int32))


def report_of(zoned: bool, **terms: object) -> Report:
    """A whole run, without reading and writing."""
    found = panel(zoned)
    asked = Portfolio.model_validate(
        {"size": 20, "evaluations": 100, "algorithms": ["random", "hc", "ga"], "workers": 1} | terms
    )
    notes = ["2 empty cells were taken for 0", "a note with\na line | and a bar"]
    source = Source(["desk=1.csv"], "ab12cd", len(found.names), found.sessions, notes)
    stamp = Stamp("run_20260102_030405", "2026-01-02T03:04:05+00:00")
    return run(found, source, asked, Means("cpu", None), stamp, Steps())


@pytest.fixture(scope="session")
def plain() -> Report:
    """Of a file with nothing but dates and strategies; two sizes."""
    return report_of(zoned=False, size_to=25)


@pytest.fixture(scope="session")
def zoned() -> Report:
    """Of a file with zones, regimes and capital, a portfolio each zone."""
    return report_of(zoned=True, mode="zones")


@pytest.fixture(scope="session")
def tested() -> Report:
    """With the last quarter of the days held back."""
    return report_of(zoned=True, holdout=0.25)
