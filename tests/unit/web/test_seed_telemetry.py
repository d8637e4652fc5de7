"""The first design's message, with its names, in percent and with numbers."""

from math import nan

import msgspec
import pytest

from liveopt.web import seed_telemetry as module
from liveopt.web.picture import Picture
from liveopt.web.seed_telemetry import Recent, message
from tests.unit.web.watching import Engine, people


def picture_of(engine: Engine) -> Picture:
    picture = Picture()
    picture.take(engine.frame(), 1.0, 2_000)
    return picture


def four() -> Engine:
    engine = Engine(people("main", "a", "b", "c", "d"))
    engine.columns["roi"][:] = [0.5, 0.012345, -0.02, 0.03, 0.0]
    engine.columns["bar_sharpe"][:] = [9.0, 1.23456, -0.5, 2.0, nan]
    engine.columns["win_rate"][:] = [1.0, 0.66667, 0.0, 0.5, nan]
    engine.columns["max_drawdown"][:] = [0.0, 0.0123, 0.1, 0.02, 0.0]
    engine.columns["trades"][:] = [1, 3, 4, 2, 0]
    engine.columns["status"][:] = [0, 0, 4, 1, 2]
    return engine


def test_it_has_the_seeds_names_and_units() -> None:
    recent = Recent()
    recent.add([{"variant": "a", "n": n} for n in range(7)])
    said = msgspec.json.decode(msgspec.json.encode(message(picture_of(four()), recent, 123)))
    assert said["type"] == "optimizer_telemetry"
    data = said["data"]
    assert list(data) == ["timestamp", "variants", "topPerformers", "summary"]
    assert data["timestamp"] == 1_001, "the engine's clock: what is old does not look new"
    assert data["variants"][0] == {
        "id": "a",
        "status": "active",
        "metrics": {
            "roi": 1.23, "winRate": 66.67, "sharpe": 1.235, "maxDrawdown": 1.23, "totalTrades": 3,
        },
        "recentTrades": [{"variant": "a", "n": n} for n in range(2, 7)],
    }  # fmt: skip
    assert data["topPerformers"] == [
        {"id": "c", "roi": 3.0, "winRate": 50.0, "sharpe": 2.0, "totalTrades": 2},
        {"id": "a", "roi": 1.23, "winRate": 66.67, "sharpe": 1.235, "totalTrades": 3},
        {"id": "b", "roi": -2.0, "winRate": 0.0, "sharpe": -0.5, "totalTrades": 4},
    ]
    statuses = [one["status"] for one in data["variants"]]
    assert statuses == ["active", "stopped", "active", "paused"]  # who warms up runs
    summary = {"totalVariants": 4, "activeVariants": 2, "avgROI": 0.56, "avgSharpe": 0.912}
    assert data["summary"] == pytest.approx(summary)


def test_of_nobody_there_is_a_message_too() -> None:
    data = message(Picture(), Recent(), 1)["data"]
    assert data["timestamp"] == 1
    assert (data["variants"], data["topPerformers"]) == ([], [])
    assert data["summary"] == {
        "totalVariants": 0, "activeVariants": 0, "avgROI": None, "avgSharpe": None,
    }  # fmt: skip


def test_of_very_many_the_best_are_listed_and_all_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "VARIANTS_MAX", 2)
    data = message(picture_of(four()), Recent(), 1)["data"]
    assert [one["id"] for one in data["variants"]] == ["a", "c"]
    assert data["summary"]["totalVariants"] == 4


def test_trades_are_remembered_of_so_many_variants_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "REMEMBERED_MAX", 2)
    recent = Recent()
    for name in ("a", "b", "a", "c"):
        recent.add([{"variant": name}])
    assert [len(recent.of(name)) for name in "abc"] == [2, 0, 1]
