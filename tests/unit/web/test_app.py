"""The service as a whole: the thin path from a request to the run and back."""

import io
from pathlib import Path

import pytest

from liveopt.config import Web
from liveopt.web.app import rates_of
from liveopt.web.limits import Rates
from liveopt.web.picture import Picture
from tests.unit.web.house import house


async def test_status_variants_promote_and_stop(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        said = await home.ask("GET", "/api/optimizer/status")
        assert (said.status, said.body["running"], said.body["variants"]) == (200, True, 4)
        listed = (await home.ask("GET", "/api/v1/variants?limit=9")).body
        assert listed["total"] == 5
        name = next(one["id"] for one in listed["variants"] if not one["champion"])
        promoted = await home.ask("POST", "/api/optimizer/promote", {"variantId": name})
        assert promoted.status == 200, promoted.raw
        assert promoted.body["record"]["variant"] == name
        assert promoted.body["record"]["by"].startswith("key ")
        stopped = await home.ask("POST", "/api/optimizer/stop")
        assert (stopped.status, stopped.body["latched"]) == (200, True), stopped.raw
        assert home.live.latch.read().halted


async def test_a_fault_of_ours_costs_one_answer_and_is_told_to_the_log_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = io.StringIO()

    def broken(_: Picture, limit: int, sort: str) -> None:
        raise ZeroDivisionError(f"secret detail {limit} {sort}")

    async with house(tmp_path, lines=lines) as home:
        monkeypatch.setattr(Picture, "variants", broken)
        said = await home.ask("GET", "/api/v1/variants")
        assert (said.status, said.body["error_code"]) == (500, "INTERNAL_ERROR")
        assert b"secret detail" not in said.raw
        assert b"ZeroDivision" not in said.raw
        assert "Content-Security-Policy" in said.headers
        assert (await home.ask("GET", "/api/v1/alerts")).status == 200
    assert "secret detail" in lines.getvalue()
    assert said.body["request_id"] in lines.getvalue()


def test_the_limits_are_seed_001s_unless_the_settings_say_otherwise() -> None:
    assert rates_of(Web()) == Rates(general=100, optimization=10, data=1_000, export=50)
    assert rates_of(Web(searches_an_hour=7)).optimization == 7
