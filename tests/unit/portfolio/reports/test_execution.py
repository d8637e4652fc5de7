"""The run for programs."""

import dataclasses
import json
from typing import Any

import pytest

from liveopt.portfolio.reports import gist
from liveopt.portfolio.reports.execution import content
from liveopt.portfolio.result import Report


def of(report: Report, **failed: str) -> Any:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(content(report, ["a.csv"], failed), parse_constant=refuse)


@pytest.mark.parametrize("which", ["plain", "zoned", "tested"])
def test_what_the_platforms_clients_read_is_there(
    which: str, request: pytest.FixtureRequest
) -> None:
    report: Report = request.getfixturevalue(which)
    found, outcome = of(report), report.outcome
    assert list(found)[:5] == [
        "execution_metadata", "best_result", "gpu_utilization", "individual_results",
        "failed_algorithms",
    ]  # fmt: skip
    assert list(found["execution_metadata"]) == [
        "timestamp", "execution_time", "algorithms_executed", "success_rate",
        "parallel_efficiency",
    ]  # fmt: skip
    assert found["execution_metadata"]["algorithms_executed"] == 3
    assert found["execution_metadata"]["success_rate"] == 1.0
    best = found["best_result"]
    assert best["algorithm"] == outcome.best.origin
    assert best["fitness"] == outcome.best.fitness
    assert best["portfolio"] == list(outcome.best.members)
    assert best["strategies"] == [outcome.names[i] for i in outcome.best.members]
    assert {one["status"] for one in found["individual_results"].values()} == {"done"}
    assert found["failed_algorithms"] == []
    assert (found["zones"] is None) == (report.zoning is None)
    assert (found["held_back"] is None) == (report.held is None)
    assert found["settings"] == report.terms.model_dump(mode="json", exclude={"share"})
    money = outcome.money
    assert found["returns"] == {
        "capital": money.capital, "capital_from": gist.capital_from(report) or None,
        "periods_per_year": money.periods_per_year, "risk_free": money.risk_free,
    }  # fmt: skip


def test_what_failed_is_said(plain: Report) -> None:
    failed = [
        dataclasses.replace(one, status="failed", members=(), fitness=float("-inf"), error="dead")
        if one.algorithm == "ga"
        else one
        for one in plain.outcome.tried
    ]
    outcome = dataclasses.replace(plain.outcome, tried=failed)
    found = of(dataclasses.replace(plain, outcome=outcome), **{"x.png": "OSError: full"})
    assert found["failed_algorithms"] == ["ga"]
    assert found["execution_metadata"]["success_rate"] == pytest.approx(2 / 3)
    assert found["individual_results"]["ga"]["best_fitness"] is None
    assert found["individual_results"]["ga"]["sizes"][0]["error"] == "dead"
    assert found["reports"] == {"files": ["a.csv"], "failed": {"x.png": "OSError: full"}}


def test_what_json_does_not_know_is_null_or_a_word(plain: Report) -> None:
    best = plain.outcome.best
    figures = {**best.figures, "sortino": float("nan"), "profit_factor": float("inf")}
    outcome = dataclasses.replace(
        plain.outcome, best=dataclasses.replace(best, figures=figures), correlations=None
    )
    found = of(dataclasses.replace(plain, outcome=outcome))
    assert found["best_result"]["figures"]["sortino"] is None
    assert found["best_result"]["figures"]["profit_factor"] == "infinite"
    assert found["correlation"] is None


def test_a_gpu_is_told_by_who_used_it(plain: Report) -> None:
    assert of(plain)["gpu_utilization"]["share_of_search"] == 0.0
    tried = [dataclasses.replace(one, device="gpu") for one in plain.outcome.tried]
    outcome = dataclasses.replace(plain.outcome, tried=tried)
    used = of(dataclasses.replace(plain, outcome=outcome))["gpu_utilization"]
    assert used["share_of_search"] == pytest.approx(1.0)
    assert sorted(used["algorithms"]) == ["ga", "hc", "random"]
