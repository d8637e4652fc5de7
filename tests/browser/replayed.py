"""A recording on which somebody is promoted, played by a whole service; what tests ask of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser.desk import Desk, desk
from tests.browser.market import PASSES, waves
from tests.kill.stage import wait_for

CANDLES = 4_000
ORDER = {
    "strategy_name": "ma_crossover",
    "asset": "WAVES",
    "timeframe": "1m",
    "optimization_config": {"max_evals": 10},
}


@contextmanager
def replayed(folder: Path) -> Iterator[Desk]:
    """Once there was a promotion."""
    with desk(folder, waves(folder / "waves.csv"), PASSES) as found:
        wait_for(lambda: promotion(found), 60.0, every_s=0.2)
        yield found


def promotion(of: Desk) -> dict[str, Any] | None:
    """The newest change of champion that was earned."""
    all_ = of.get("/api/v1/promotions")["promotions"]
    return next((one for one in all_ if one["kind"] == "promotion" and one["earned"]), None)


def rival(of: Desk) -> str:
    """Somebody who is not the champion, nor is soon: the last of all."""
    all_ = of.get("/api/v1/variants?limit=50&sort=p_value")["variants"]
    others = [one for one in all_ if not one["champion"]]
    judged = [one for one in others if one["bar_sharpe"] is not None]
    return str((judged or others)[-1]["id"])


def candles(of: Desk) -> None:
    """Something to search on."""
    folder = of.state / "data"
    if not folder.exists():
        folder.mkdir()
        waves(folder / "WAVES-1m.csv", CANDLES)


def submitted(of: Desk, evals: int = 10) -> str:
    """A search that was asked for; its name."""
    candles(of)
    order = ORDER | {"optimization_config": {"max_evals": evals}}
    status, _, body = of.ask("POST", "/api/v1/optimize/single", order)
    assert status in (200, 201, 202), body
    found: str = body["job_id"]
    return found


def completed(of: Desk) -> str:
    """A search with a result."""
    name = submitted(of)
    path = f"/api/v1/jobs/{name}"
    wait_for(lambda: of.get(path)["status"] not in ("queued", "running"), 90.0, every_s=0.3)
    assert of.get(path)["status"] == "completed", of.get(path)
    return name


def searched(of: Desk) -> int:
    """The number of a round that has tested somebody."""

    def look() -> int | None:
        rounds = of.get("/api/v1/rounds")["rounds"]
        ended = (one for one in rounds if one["outcome"] is not None)
        return next((o["number"] for o in ended if any(s["tested"] for s in o["symbols"])), None)

    found: int = wait_for(look, 90.0, every_s=0.3)
    return found
