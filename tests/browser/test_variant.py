"""A variant's page: its curve with a band, its bars with its position, what can be taken away."""

import csv
import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.browser.desk import Desk, desk
from tests.browser.eyes import SERVICE_AWAY, Eyes
from tests.browser.replayed import replayed, rival
from tests.kill.stage import wait_for

Look = Callable[..., Eyes]


@pytest.fixture(scope="module")
def room(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A market in which everybody trades much."""
    with replayed(tmp_path_factory.mktemp("variant")) as found:
        yield found


def numbers(text: str) -> list[float]:
    """Those of a row."""
    plain = text.replace("\u202f", "").replace("\u2212", "-")
    return [float(one) for one in re.findall(r"-?\d+\.\d+", plain)]


def test_equity_has_a_band_and_says_what_it_is_not(look: Look, room: Desk) -> None:
    eyes = look(room, f"/v/{rival(room)}")
    caption = eyes.part("band-caption")
    caption.wait_for()
    if "n too small" in caption.inner_text():
        assert "30 steps" in caption.inner_text()
    caption.get_by_text(re.compile("Gap .* band ± .* \\(n = ")).wait_for(timeout=90_000)
    words = caption.inner_text()
    assert "at each moment by itself" in words
    assert "not the gate's judgement" in words
    chart = eyes.page.locator("figure.chart", has_text="Equity beside")
    assert "95 % band" in chart.locator(".legend").inner_text()
    chart.get_by_role("button", name="Show as table").click()
    rows = [numbers(row) for row in chart.locator("tbody tr").all_inner_texts()]
    full = [row for row in rows if len(row) == 4]
    assert len(full) > 10, rows
    for _, champion, high, low in full:
        assert low <= champion <= high
    assert full[0][2] - full[0][3] > full[-1][2] - full[-1][3], "it grows with time"
    assert eyes.violations() == []


def holding(of: Desk) -> str | None:
    """Somebody with an open position and a stop."""
    for one in of.get("/api/v1/variants?limit=20")["variants"]:
        found = of.get(f"/api/v1/variants/{one['id']}")["position"]
        if found is not None and found["stop"] is not None:
            return str(one["id"])
    return None


def test_bars_carry_entries_and_exits_and_an_open_position_its_lines(
    look: Look, room: Desk
) -> None:
    eyes = look(room, None)
    label = ""

    def shown() -> bool:
        """In this market positions are open for seconds: another one is as good."""
        nonlocal label
        one = wait_for(lambda: holding(room), 30.0, every_s=0.1)
        eyes.go(f"/v/{one}")
        chart = eyes.page.locator("figure.chart", has_text="Signal bars")
        chart.locator("canvas").first.wait_for()
        label = chart.locator("[role=img]").get_attribute("aria-label") or ""
        return "; stop at" in label and eyes.part("holding").is_visible()

    assert any(shown() for _ in range(8)), label
    assert re.search(r"\d+ bars?, the last closed at .*; \d+ marks? of entries and exits", label)
    assert "entry at" in label
    words = eyes.part("holding").inner_text()
    assert re.search("position\n(long|short)", words), words
    assert "entry" in words
    assert "stop" in words


def test_what_is_taken_away_is_what_the_service_says(look: Look, room: Desk) -> None:
    name = wait_for(lambda: next((n for n in traded(room)), None), 30.0)
    eyes = look(room, f"/v/{name}")
    eyes.is_("live")
    before = room.get(f"/api/v1/trades?variant={name}&limit=1000")["trades"]
    with eyes.page.expect_download() as coming:
        eyes.page.get_by_role("button", name="Export CSV of the trades").click()
    file = coming.value
    assert file.suggested_filename == f"{name}.csv"
    with file.path().open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) >= len(before) > 0
    for row, trade in zip(rows, reversed(before), strict=False):
        assert row["variant"] == name
        assert int(row["at_ns"]) == pytest.approx(trade["at_ns"], rel=1e-15)
        assert float(row["net"]) == trade["net"]
        assert row["reason"] == trade["reason"]
    with eyes.page.expect_download() as coming:
        eyes.page.get_by_role("button", name="Export JSON of the variant").click()
    said = json.loads(coming.value.path().read_text())
    detail = room.get(f"/api/v1/variants/{name}")
    assert said["parameters"] == detail["variant"]["parameters"]
    assert said["variant"]["id"] == name
    assert said["variant"]["trades"] <= detail["variant"]["trades"]
    assert said["made"]["by"] == "liveopt"


def traded(of: Desk) -> Iterator[str]:
    """Those with a closed trade."""
    for one in of.get("/api/v1/variants?limit=20&sort=trades")["variants"]:
        if one["trades"] > 1:
            yield str(one["id"])


def test_sure_figures_say_how_sure_and_dots_what_the_gate_asks_for(look: Look, room: Desk) -> None:
    terms = room.get("/api/v1/run")["report"]["terms"]
    assert terms["bars_per_year"] > 0
    eyes = look(room, f"/v/{rival(room)}")
    eyes.is_("live")
    ledger = eyes.page.locator(".ledger").first
    ledger.wait_for()
    least = [
        f"trades ≥ {terms['gate']['trades_min']:g}",
        f"Sharpe of its bars > {terms['gate']['sharpe_min']:g}",
    ]
    assert all(text in ledger.inner_text() for text in least), ledger.inner_text()
    sharpe = eyes.page.locator("dl.facts div", has_text="Sharpe of its bars [95 %]").first
    wait_for(lambda: re.search(r"\[.+, .+\]|n too small", sharpe.inner_text()), every_s=0.1)


def test_evidence_is_said_in_one_wording(look: Look, room: Desk) -> None:
    eyes = look(room, f"/v/{rival(room)}")
    eyes.is_("live")
    gate = eyes.page.locator("section.panel", has=eyes.page.get_by_role("heading", name="Gate"))
    takes = gate.locator("dl.facts div", has_text="evidence").first.locator("dd")
    takes.wait_for()

    def same() -> bool:
        """The dot and the table, of one answer of the engine."""
        table, dot = takes.inner_text(), gate.locator(".ledger li").last.inner_text()
        return f"evidence {table}" in dot

    eyes.waits_for(same)
    text = takes.inner_text()
    assert re.search(r"alone|beside the shadow worlds|passed before", text), text
    assert not re.search(r"\d,\d{3}", gate.inner_text()), "thousands are grouped as everywhere"


def test_a_promotion_by_hand_says_what_it_would_be_without(look: Look, room: Desk) -> None:
    unearned = wait_for(lambda: without_verdict(room), 30.0)
    eyes = look(room, f"/v/{unearned}")
    eyes.is_("live")
    eyes.page.get_by_role("button", name="Promote…").click()
    dialog = eyes.page.get_by_role("dialog", name=f"Make {unearned} the champion?")
    words = dialog.get_by_test_id("unearned")
    words.wait_for()
    assert "marked NOT EARNED for ever" in " ".join(words.inner_text().split())
    told = words.inner_text()
    assert re.search(r"[Ee]vidence \S+; |No evidence is counted", told), told
    assert words.locator("li").count() > 0, "what is missing"
    assert dialog.get_by_role("button", name="Promote", exact=True).is_disabled()
    assert eyes.violations() == []


def without_verdict(of: Desk) -> str | None:
    """Somebody whom the gate has not passed, and who is not the champion."""
    for one in of.get("/api/v1/variants?limit=20")["variants"]:
        said = of.get(f"/api/v1/variants/{one['id']}")["explain"]
        if not one["champion"] and said and not said["verdict"] and said["status"] == "active":
            return str(one["id"])
    return None


def test_a_curve_that_began_with_the_dashboard_says_so(look: Look, tmp_path: Path) -> None:
    with desk(tmp_path) as own:
        wait_for(lambda: bars(own) >= ENOUGH, 60.0, every_s=0.5)
        os.kill(own.pid("web"), signal.SIGKILL)
        wait_for(lambda: heard(own), 60.0, every_s=0.5)
        eyes = look(own, f"/v/{rival(own)}", allowed=SERVICE_AWAY)
        since = eyes.part("known-since")
        since.wait_for()
        said = " ".join(since.inner_text().split())
        assert re.search(r"known since .*\d\d:\d\d \(the dashboard's process began then\)", said), (
            said
        )
        drawn = (
            eyes.page.locator("figure.chart", has_text="Drawdown").locator("strong").inner_text()
        )
        assert re.match(r"Drawdown since .*\d\d:\d\d, from the peak since then", drawn), drawn
        assert eyes.violations() == []


ENOUGH = 12
"""Signal bars, a second each: what is missing of the curve then is more than a slack."""


def bars(of: Desk) -> int:
    """How many a variant has been through."""
    return int(of.get(f"/api/v1/variants/{rival(of)}")["variant"]["bars"] or 0)


def heard(of: Desk) -> bool:
    """Whether a new web process has a curve of a few points."""
    with suppress(OSError, AssertionError, KeyError, IndexError, HTTPException):
        return len(of.get(f"/api/v1/variants/{rival(of)}")["equity"]) > 2
    return False
