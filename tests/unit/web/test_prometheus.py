"""Figures for Prometheus: its grammar, the names that were promised, and no more than fit."""

import re
from pathlib import Path

import pytest

from liveopt.web import prometheus
from liveopt.web.prometheus import _family
from tests.unit.web.house import House, house

LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(
    rf"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?[0-9][0-9.e+-]*)"
)
ENDINGS = {
    "counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count"),
}  # fmt: skip
PROMISED = (
    # of seed 001, as far as there is what they count
    "api_requests_total", "api_request_duration_seconds", "api_errors_total",
    "api_rate_limit_hits_total", "optimization_jobs_in_progress", "optimization_queue_size",
    "optimization_job_duration_seconds", "strategy_performance_score", "system_cpu_usage_percent",
    "system_memory_usage_bytes", "health_check_status",
    # variants, trades, returns, errors, lags, memory, the feed, the gate
    "liveopt_variants", "liveopt_trades_total", "liveopt_roi_ratio", "liveopt_variant_error_ratio",
    "liveopt_web_loop_lag_seconds", "liveopt_link_age_seconds", "liveopt_frame_delay_seconds",
    "liveopt_journal_lag_seconds", "liveopt_memory_used_ratio", "liveopt_feed_age_seconds",
    "liveopt_gate_bar", "liveopt_eligible", "liveopt_halted", "liveopt_journals_read",
)  # fmt: skip


def read(text: str) -> dict[str, list[tuple[str, float]]]:
    """Every sample by its family; what is not in the format fails."""
    kinds: dict[str, str] = {}
    found: dict[str, list[tuple[str, float]]] = {}
    name = ""
    assert text.endswith("\n")
    seen: set[tuple[str, str | None]] = set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, about = line.split(" ", 3)
            assert name not in kinds, "a family comes once"
            assert about
        elif line.startswith("# TYPE "):
            _, _, own, kind = line.split(" ")
            assert own == name
            kinds[name] = kind
            found[name] = []
        else:
            match = SAMPLE.fullmatch(line)
            assert match is not None, line
            assert match[1] in {name + end for end in ENDINGS[kinds[name]]}, line
            assert (match[1], match[2]) not in seen, "a sample comes once"
            seen.add((match[1], match[2]))
            found[name].append((line.rpartition(" ")[0], float(match[3])))
    for name, kind in kinds.items():
        assert found[name], f"{name} has a sample"
        assert name.endswith("_total") == (kind == "counter"), name
    return found


async def scraped(home: House) -> dict[str, list[tuple[str, float]]]:
    return read((await home.ask("GET", "/metrics")).raw.decode())


async def test_every_name_that_was_promised_is_there_in_the_format(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.ask("GET", "/nothing")
        home.service.counts.jobs.add(3.0)
        found = await scraped(home)
        assert set(PROMISED) <= set(found)
        assert found["optimization_job_duration_seconds"][-1][1] == 1.0
        buckets = [(n, v) for n, v in found["api_request_duration_seconds"] if "_bucket" in n]
        own = [v for n, v in buckets if 'endpoint="(none)"' in n]
        assert own == sorted(own)
        assert own[-1] == 1.0
        requests = sum(v for _, v in found["api_requests_total"])
        counted = [v for n, v in found["api_request_duration_seconds"] if "_count" in n]
        assert sum(counted) == requests
        assert found["liveopt_trades_total"][0][1] == home.live.pump.board.trades
        assert found["liveopt_variant_error_ratio"] == [("liveopt_variant_error_ratio", 0.0)]


async def test_what_the_exchange_is_asked_is_told_where_there_is_one(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        assert "liveopt_budget_used_ratio" not in await scraped(home), "a file has no quota"
        pools = {"futures": {"limit": 2000, "used": 50}, "spot": {"limit": 4000, "used": 0}}
        counts = {"calls": 7, "retries": 1, "quota_429": 0, "overloads": 2, "edge_blocks": 0}
        told = {"budget": {"pools": pools} | counts, "feed": {"a": "quiet", "b": "stale"}}
        home.service.picture.report = home.service.picture.report | told
        found = read(prometheus.text(home.service))
        assert [v for _, v in found["liveopt_budget_used_ratio"]] == [0.025, 0.0]
        assert found["liveopt_exchange_calls_total"][0][1] == 7.0
        assert [v for _, v in found["liveopt_exchange_refused_total"]] == [0.0, 2.0, 0.0]
        assert [v for _, v in found["liveopt_feed_up"]] == [1.0, 0.0]


async def test_no_path_that_somebody_invents_makes_a_series(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.ask("GET", "/nothing")
        await home.ask("GET", "/v/x", scope="")
        await home.ask("GET", "/api/v1/variants/x")
        before = sum(map(len, (await scraped(home)).values()))
        for n in range(30):
            await home.ask("GET", f"/nothing/{n}")
            await home.ask("GET", f"/v/{n}", scope="")
            await home.ask("GET", f"/api/v1/variants/{n}")
        found = await scraped(home)
        own = len(found["api_request_duration_seconds"]) // 12
        assert sum(map(len, found.values())) <= before + 13, "the scrape itself is one more"
        assert own < 10


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\nb", "\u20ac", ""])
def test_labels_are_escaped(text: str) -> None:
    said = _family("x", "gauge", "about", [({"variant": text}, 1.0)])
    (sample,) = read(said)["x"]
    assert sample[1] == 1.0


def test_a_family_without_a_number_is_left_out() -> None:
    assert _family("x", "gauge", "about", [({}, None), ({}, float("nan"))]) == ""
