"""What the routes say: the seeds' shapes, the dashboard's reads, and that they are true."""

import asyncio
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from liveopt.walk.records import Trade
from liveopt.web import picture as pictures
from liveopt.web.routes import ROUTES
from tests import contest
from tests.run import ticks
from tests.unit.web.house import House, house


def some(home: House) -> str:
    return next(one.id for one in home.service.picture.who if not one.champion)


async def test_seed_004_gets_what_it_knows(tmp_path: Path) -> None:
    async with house(tmp_path, moves=400) as home:
        results = (await home.ask("GET", "/api/optimizer/results?limit=2")).body
        aged = {"as_of_ms", "stale"}
        assert set(results) == {"results", "topPerformers", "timestamp"} | aged
        assert len(results["results"]) == 2
        assert set(results["results"][0]) == {"id", "config", "metrics", "trades", "status"}
        assert len(results["topPerformers"]) == 3
        found = (await home.ask("GET", "/api/trades/experimental?limit=5")).body
        assert set(found) == {"trades", "summary"}
        whole = found["summary"]
        assert {"total", "byVariant", "performance"} <= set(whole)
        assert whole["total"] == sum(one["trades"] for one in whole["byVariant"].values())
        assert (whole["variants"], whole["complete"]) == (len(whole["byVariant"]), True)
        champions = {one.id for one in home.service.picture.who if one.champion}
        assert champions
        assert not champions & set(whole["byVariant"])
        last_ms = found["trades"][0]["timestamp"]
        later = await home.ask("GET", f"/api/trades/experimental?startTime={last_ms + 1}")
        assert later.body["trades"] == []
        assert (later.body["summary"]["total"], later.body["summary"]["byVariant"]) == (0, {})
        name = found["trades"][0]["variant"]
        own = (await home.ask("GET", f"/api/trades/experimental?variantId={name}")).body
        assert {one["variant"] for one in own["trades"]} == {name}
        assert own["summary"]["byVariant"][name]["trades"] == len(own["trades"])
        signals = (await home.ask("GET", f"/api/signals/history?variantId={name}")).body
        assert signals["count"] == len(signals["signals"]) > 0
        at_ms = signals["signals"][0]["timestamp"]
        early = await home.ask("GET", f"/api/signals/history?variantId={name}&endTime={at_ms - 1}")
        assert early.body["count"] == signals["count"] - 1


async def test_what_an_engine_told_long_ago_is_not_told_as_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = ("/api/v1/run", "/api/v1/variants", "/api/optimizer/status", "/api/optimizer/results")
    async with house(tmp_path) as home:
        picture = home.service.picture
        for path in paths:
            body = (await home.ask("GET", path)).body
            assert body["stale"] is False
            assert 0 < body["as_of_ms"] <= picture.as_of_ms
        monkeypatch.setattr(pictures, "SILENT_S", -1.0)  # no word is young enough
        told = [(await home.ask("GET", path)).body for path in paths]
        assert all(one["stale"] for one in told)
        assert told[2]["running"] is False
        for one in told[2:]:
            at = datetime.fromisoformat(one["timestamp"])
            assert at.timestamp() * 1e3 == pytest.approx(one["as_of_ms"], abs=1.0)
        step = (await home.ask("GET", "/status")).body
        assert (step["status"], step["current_step"]) == ("idle", "the engine says nothing")


async def test_of_lists_that_are_cut_each_is_the_beginning_of_the_longer(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for path, name in (("/api/v1/variants", "variants"), ("/api/optimizer/results", "results")):
            whole = (await home.ask("GET", f"{path}?limit=1000")).body[name]
            assert len(whole) > 2
            for limit in (1, 2, len(whole)):
                part = (await home.ask("GET", f"{path}?limit={limit}")).body[name]
                assert part == whole[:limit]
        by = {
            sort: (await home.ask("GET", f"/api/v1/variants?sort={sort}")).body["variants"]
            for sort in ("equity", "log_evidence", "trades")
        }
        for sort, rows in by.items():
            known = [row[sort] for row in rows if row[sort] is not None]
            assert known == sorted(known, reverse=True)


async def test_seed_000_gets_a_status_with_progress(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        said = (await home.ask("GET", "/status")).body
        assert (set(said), said["status"]) == ({"status", "progress", "current_step"}, "running")
        assert 0.0 <= said["progress"] <= 100.0
        await home.ask("POST", "/api/optimizer/stop")
        async with asyncio.timeout(5):
            while (await home.ask("GET", "/status")).body["status"] != "halted":  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_start_stop_and_resume_are_the_latchs(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        said = await home.ask("POST", "/api/optimizer/start")
        assert (said.status, said.body["error_code"]) == (400, "ALREADY_RUNNING")
        stop = await home.ask("POST", "/api/optimizer/stop", {"mode": "halt_and_flatten"})
        assert (stop.status, stop.body["mode"]) == (200, "halt_and_flatten")
        assert (await home.ask("POST", "/api/optimizer/start")).body["status"] == "started"
        assert not home.live.latch.read().halted
        odd = await home.ask("POST", "/api/optimizer/stop", b"not json at all")
        assert (odd.status, odd.body["latched"]) == (207, True)
        assert (await home.ask("POST", "/api/optimizer/start")).status == 200
        deep = b'{"mode":"halt","x":' + b"[" * 4_000
        odd = await home.ask("POST", "/api/optimizer/stop", deep)
        assert (odd.status, odd.body["latched"]) == (207, True)
        assert home.live.latch.read().halted
        shown = (await home.ask("GET", "/api/optimizer/status")).body["halt"]
        assert odd.body["halt"] == shown == home.live.latch.read().number
        other = {"reason": "all is well", "number": odd.body["halt"] - 1}
        refused = await home.ask("POST", "/api/optimizer/resume", other)
        assert (refused.status, refused.body["halt"]) == (409, odd.body["halt"])
        assert (await home.ask("POST", "/api/optimizer/resume", {})).status == 400
        home.guard.green = False
        refused = await home.ask("POST", "/api/optimizer/resume", {"reason": "is it well?"})
        assert (refused.status, refused.body["resumed"]) == (409, False)
        assert refused.body["checks"][0]["ok"] is False
        home.guard.green = True
        own = other | {"number": odd.body["halt"]}
        resumed = await home.ask("POST", "/api/optimizer/resume", own)
        assert (resumed.status, resumed.body["resumed"]) == (200, True)


async def test_a_stop_needs_no_door(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.guard.door.close()
        said = await home.ask("POST", "/api/optimizer/stop", {"reason": "the door is dead"})
        assert said.body["latched"] is True
        assert said.body["via"] == "files"
        assert home.live.latch.read().halted
        for path in ("/api/optimizer/promote", "/api/optimizer/start"):
            body = {"variantId": some(home)} if path.endswith("promote") else {}
            refused = await home.ask("POST", path, body)
            assert (refused.status, refused.body["error_code"]) == (503, "NOT_RUNNING")
        assert (await home.ask("GET", f"/api/v1/variants/{some(home)}")).status == 200


async def test_promote_and_roll_back_leave_their_records(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        name = some(home)
        said = (await home.ask("POST", "/api/optimizer/promote", {"variantId": name})).body
        assert (said["status"], said["variantId"]) == ("promotion queued", name)
        assert said["record"]["earned"] is False
        unknown = await home.ask("POST", "/api/optimizer/promote", {"variantId": "nobody"})
        assert (unknown.status, unknown.body["error_code"]) == (409, "REFUSED")
        await home.until(lambda: home.service.tail.rulings.all)
        listed = (await home.ask("GET", "/api/v1/promotions")).body
        one = listed["promotions"][0]
        assert (one["kind"], one["variant"], one["earned"]) == ("promotion", name, False)
        full = (await home.ask("GET", f"/api/v1/promotions/{one['id']}")).body
        assert full["record"]["by"].startswith("key ")
        assert (await home.ask("GET", "/api/v1/promotions/nothing")).status == 404
        back = await home.ask("POST", "/api/optimizer/rollback", {"reason": "a test"})
        assert (back.status, back.body["record"]["variant"]) == (200, name)


async def test_a_verdict_comes_with_its_evidence_computed_once_more(tmp_path: Path) -> None:
    events = [*contest.opening(msgspec.structs.replace(contest.GATE, auto=False)),
              *contest.waves(330)]  # fmt: skip
    async with house(tmp_path, events=events) as home:
        await home.until(lambda: home.service.tail.caught_up)
        listed = (await home.ask("GET", "/api/v1/promotions?limit=1000")).body
        verdict = next(one for one in listed["promotions"] if one["kind"] == "verdict")
        full = (await home.ask("GET", f"/api/v1/promotions/{verdict['id']}")).body
        assert full["agrees"] is True
        assert len(full["recomputed"]) > 5
        assert full["record"]["variant"] == verdict["variant"]
        assert full["not_recomputed"]
        asked = await home.ask("GET", f"/api/v1/variants/{verdict['variant']}")
        assert asked.body["explain"]["evidence"] is not None


async def test_a_variant_in_full_paused_and_retired(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        name = some(home)
        said = (await home.ask("GET", f"/api/v1/variants/{name}")).body
        assert said["variant"]["parameters"]
        assert said["explain"]["variant"] == name
        for verb in ("pause", "resume", "retire"):
            done = await home.ask("POST", f"/api/v1/variants/{name}/{verb}", {"reason": "a test"})
            assert (done.status, done.body["done"]) == (200, [name]), done.raw
        assert (await home.ask("GET", "/api/v1/variants/nobody")).status == 404
        assert (await home.ask("POST", "/api/v1/variants/nobody/pause")).status == 404


async def test_trades_come_in_pages_and_new_ones_go_to_the_stream(tmp_path: Path) -> None:
    async with house(tmp_path, moves=300) as home:
        found: list[str] = []
        query = "limit=4"
        while True:
            page = (await home.ask("GET", f"/api/v1/trades?{query}")).body
            found += [one["id"] for one in page["trades"]]
            if page["next"] is None:
                break
            query = f"limit=4&before={page['next']}"
        assert len(found) == len(set(found)) == page["total"] == home.service.tail.total > 4
        assert {f.name for f in msgspec.structs.fields(Trade)} <= set(
            (await home.ask("GET", "/api/v1/trades?limit=1")).body["trades"][0]
        )
        home.live.take(ticks(900, first=300))
        await home.live.pump.written()
        await home.until(lambda: home.service.tail.total > len(found))


async def test_strategies_and_their_parameters(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        listed = (await home.ask("GET", "/api/v1/strategies")).body
        assert listed["count"] == len(listed["strategies"]) > 3
        one = (await home.ask("GET", "/api/v1/strategies/ma_crossover")).body
        assert {"fast", "slow"} <= set(one["knobs"])
        path = "/api/v1/strategies/ma_crossover/validate"
        good = (await home.ask("POST", path, {"parameters": {"fast": 5, "slow": 20}})).body
        assert (good["valid"], good["errors"]) == (True, [])
        for wrong in ({"fast": 50, "slow": 5}, {"fast": 1e9}, {"nothing": 1}, {"fast": "x"}):
            said = await home.ask("POST", path, {"parameters": wrong})
            assert (said.status, said.body["valid"]) == (200, False), wrong
        missing = await home.ask("GET", "/api/v1/strategies/nothing")
        assert (missing.status, missing.body["error_code"]) == (404, "STRATEGY_NOT_FOUND")


async def test_health_says_what_is_missing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        assert (await home.ask("GET", "/api/v1/health/live", scope="")).body == {"status": "alive"}
        ready = await home.ask("GET", "/api/v1/health/ready")
        assert (ready.status, set(ready.body["checks"].values())) == (200, {True})
        deep = (await home.ask("GET", "/api/v1/health/deep")).body
        assert deep["status"] == "healthy", deep["checks"]
        assert "folder" not in deep["engine"], "no path of this machine"
        home.service.picture.connected = False
        home.service.tail.damage = "a line"
        gone = await home.ask("GET", "/api/v1/health/ready")
        assert gone.status == 503
        assert gone.body["checks"]["journals_read"] is False


async def test_alerts_are_acknowledged_by_name(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.ask("POST", "/api/optimizer/stop")
        await home.until(lambda: "emergency_stop" in home.service.alerts.lines)
        path = "/api/v1/alerts/emergency_stop/acknowledge"
        said = await home.ask("POST", path, {"by": "night shift"})
        assert said.body["acknowledged_by"].startswith("night shift [key ")
        listed = (await home.ask("GET", "/api/v1/alerts")).body["alerts"]
        assert said.body["id"] in [one["id"] for one in listed]


async def test_log_lines_are_told_to_admins_with_their_requests(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        missed = await home.ask("GET", "/nothing")
        lines = (await home.ask("GET", "/api/v1/logs?limit=5")).body["logs"]
        own = next(line for line in lines if line["event"] == "request")
        assert own["request_id"] == missed.headers["X-Request-ID"]
        assert (own["route"], own["status"]) == ("(none)", 404)
        key = next(line for line in lines if line["event"] == "an API key")
        assert (key["status"], key["scopes"]) == ("valid", ["admin"])


async def test_the_description_is_of_this_table(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        said = (await home.ask("GET", "/api/openapi.json")).body
        told = {(m.upper(), p) for p, ops in said["paths"].items() for m in ops}
        assert told == {(route.method, route.path) for route in ROUTES}
        names = [one["operationId"] for ops in said["paths"].values() for one in ops.values()]
        assert len(names) == len(set(names))
        for ref in set(_references(said)):
            assert ref.removeprefix("#/components/schemas/") in said["components"]["schemas"], ref
        page = await home.ask("GET", "/api/docs")
        assert page.headers["Content-Type"].startswith("text/html")
        for word in (b"<script", b" style=", b"http://", b"https://", b" onclick"):
            assert word not in page.raw
        assert (await home.ask("GET", "/api/docs.css")).status == 200


def _references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for inner in value.values() for ref in _references(inner)]
    return [ref for inner in value for ref in _references(inner)] if isinstance(value, list) else []


@pytest.mark.parametrize("path", ["/", "/v/x", "/jobs/opt_1/validation", "/settings"])
async def test_the_dashboards_addresses_lead_to_one_page(tmp_path: Path, path: str) -> None:
    async with house(tmp_path) as home:
        said = await home.ask("GET", path, scope="")
        assert said.status in {200, 404}
        assert said.headers["Content-Type"].startswith("text/html")


async def test_the_guards_facts_have_starts_and_ends_and_no_numbers_of_processes(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        guard = (await home.ask("GET", "/api/v1/run")).body["guard"]
        assert guard["engine"] == {"starts": 1, "last_exit": None}
        assert guard["web"] == {"starts": 3, "last_exit": -9}


async def test_a_curve_says_since_when_it_is_known(tmp_path: Path) -> None:
    async with house(tmp_path, moves=400) as home:
        found = (await home.ask("GET", f"/api/v1/variants/{some(home)}")).body
        assert found["known_from_ms"] == found["equity"][0][0]
