"""Searches as a person sees them: by order and beside the run, to their end and halfway."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.desk import Desk
from tests.browser.eyes import Eyes
from tests.browser.replayed import completed, replayed, searched, submitted
from tests.kill.stage import wait_for

Look = Callable[..., Eyes]
LONG = 200_000
"""Evaluations: it is still at them when the test looks."""


@pytest.fixture(scope="module")
def room(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A run with rounds of search, and candles to search on."""
    with replayed(tmp_path_factory.mktemp("jobs")) as found:
        yield found


@pytest.fixture(scope="module")
def job(room: Desk) -> str:
    """One with a result."""
    return completed(room)


def test_a_job_says_in_and_out_of_sample_and_warns_of_luck(
    look: Look, room: Desk, job: str
) -> None:
    result = room.get(f"/api/v1/jobs/{job}")["result"]
    assert not result["passes"], "ten evaluations on noise: or the warning is not seen"
    eyes = look(room, "/jobs")
    row = eyes.page.locator("tr", has_text=job)
    row.get_by_text("fails").wait_for()
    assert "completed" in row.inner_text()
    row.get_by_role("link", name=job).click()
    assert "Do not use it" in eyes.part("verdict").inner_text()
    assert "is below 0.95" in eyes.part("deflated").inner_text()
    walk = eyes.page.get_by_role("region", name="walk forward")
    assert walk.locator("tbody tr").count() == len(result["walk_forward"]["folds"])
    for title in ("Each fold, in sample and out", "Parameters of each fold"):
        chart = eyes.page.locator("figure.chart", has_text=title)
        chart.get_by_role("button", name="Show as table").click()
        assert chart.locator("tbody tr").count() == len(result["walk_forward"]["folds"])
    assert eyes.violations() == []


def test_validation_shows_windows_and_the_stitched_tests(look: Look, room: Desk, job: str) -> None:
    walk = room.get(f"/api/v1/jobs/{job}")["result"]["walk_forward"]
    eyes = look(room, f"/jobs/{job}")
    eyes.page.get_by_role("link", name="Validation").click()
    eyes.page.wait_for_url(f"**/jobs/{job}/validation")
    strip = eyes.page.locator(".windows tbody tr")
    strip.first.wait_for()
    assert strip.count() == len(walk["folds"])
    boxes = [one.bounding_box() for one in strip.first.locator(".window").all()]
    assert all(box is not None and box["width"] > 3 for box in boxes), boxes
    chart = eyes.page.locator("figure.chart", has_text="stitched together")
    chart.locator("canvas").first.wait_for()
    chart.get_by_role("button", name="Show as table").click()
    newest = chart.locator("tbody tr").first.inner_text()
    equity = 10_000.0
    for fold in walk["folds"]:
        equity *= 1.0 + fold["out_of_sample"]["metrics"]["roi"]
    assert f"{equity:,.2f}".replace(",", "\u202f") in newest, newest
    eyes.page.reload()
    eyes.page.get_by_role("heading", name=f"Validation of {job}").wait_for()
    assert eyes.violations() == []


def test_without_a_share_nothing_is_said_of_portfolio_jobs(look: Look, room: Desk) -> None:
    assert room.get("/api/v1/portfolio")["share"] is False
    eyes = look(room, None)
    with eyes.page.expect_response("**/api/v1/portfolio?*"):
        eyes.go("/jobs")
    eyes.page.get_by_role("heading", name="Searches by order").wait_for()
    eyes.page.wait_for_timeout(500)  # to show what it has heard
    assert eyes.part("portfolio").count() == 0


def test_a_search_that_is_refused_says_why_and_what_mends_it(look: Look, room: Desk) -> None:
    order = {"strategy_name": "ma_crossover", "asset": "NOWHERE", "timeframe": "1h"}
    _, _, refused = room.ask("POST", "/api/v1/optimize/single", order)
    eyes = look(room, "/jobs", allowed=[r"status of 404"])
    eyes.is_("live")
    eyes.page.get_by_text("Submit a search").click()
    eyes.page.get_by_label("Strategy").select_option("ma_crossover")
    eyes.page.get_by_label("Asset").fill("NOWHERE")
    eyes.page.get_by_role("button", name="Submit", exact=True).click()
    said = eyes.part("submitted")
    said.get_by_text(refused["error_message"]).wait_for()
    assert refused["details"].get("mend", "") in said.inner_text()
    assert eyes.violations() == []


def test_a_search_is_cancelled_and_gone_on_with(look: Look, room: Desk) -> None:
    name = submitted(room, LONG)
    path = f"/api/v1/jobs/{name}"
    wait_for(lambda: room.get(path)["done"] > 0, 60.0, every_s=0.2)
    eyes = look(room, f"/jobs/{name}")
    eyes.page.get_by_role("button", name="Cancel…").click()
    dialog = eyes.page.get_by_role("dialog", name=f"Cancel {name}?")
    assert eyes.violations() == [], "the dialog"
    dialog.get_by_role("button", name="Cancel", exact=True).click()
    again = eyes.page.get_by_role("button", name=f"Resume {name}")
    again.wait_for(timeout=60_000)
    wait_for(lambda: room.get(path)["status"] == "cancelled", 60.0, every_s=0.2)
    kept = room.get(path)["done"]
    assert 0 < kept < LONG
    again.click()
    wait_for(lambda: room.get(path)["done"] > kept, 60.0, every_s=0.2)
    assert room.get(path)["status"] == "running"
    eyes.page.get_by_role("button", name="Cancel…").wait_for()
    status, _, body = room.ask("DELETE", f"/api/v1/optimize/cancel/{name}")
    assert status == 200, body


def test_a_round_shows_whom_it_tested_and_what_stopped_each(look: Look, room: Desk) -> None:
    number = searched(room)
    told = room.get(f"/api/v1/rounds/{number}")
    eyes = look(room, "/jobs")
    section = eyes.part("rounds")
    section.get_by_role("link", name=re.compile(rf"^{number}$")).first.press("Enter")
    eyes.page.wait_for_url(f"**/rounds/{number}")
    eyes.until(f"document.activeElement.matches('h1') && "  # which is what is read out
               f"document.activeElement.textContent === 'Round {number}'")  # fmt: skip
    finalists = [one for symbol in told["searched"] for one in symbol["finalists"]]
    assert finalists
    for one in finalists[:5]:
        row = eyes.page.locator("tr", has_text=one["variant"]["id"]).first
        row.wait_for()
        words = [code.replace("_", " ") for code in one["stopped_by"]] or ["proposed"]
        assert all(word in row.inner_text() for word in words), row.inner_text()
    eyes.page.locator("summary", has_text="conditions").first.click()
    eyes.page.get_by_role("columnheader", name="needs").first.wait_for()
    assert eyes.violations() == []


def test_somebody_searches_now(look: Look, room: Desk) -> None:
    eyes = look(room, "/jobs")
    eyes.is_("live")
    button = eyes.part("rounds").get_by_role("button", name="Search now")
    eyes.waits_for(button.is_enabled, 60_000)
    button.click()
    said = eyes.part("rounds").get_by_text(re.compile(r"Round \d+ (begins|goes on already)"))
    said.wait_for()
    found = re.search(r"Round (\d+)", said.inner_text())
    assert found is not None
    number = int(found[1])
    wait_for(lambda: room.get("/api/v1/rounds")["total"] >= number, 30.0, every_s=0.2)
    link = eyes.part("rounds").get_by_role("link", name=re.compile(rf"^{number}$"))
    link.first.wait_for(timeout=30_000)


@pytest.mark.parametrize("wide", [390, 320])
def test_searches_fit_a_telephone(look: Look, room: Desk, job: str, wide: int) -> None:
    eyes = look(room, None, viewport={"width": wide, "height": 844}, has_touch=True, is_mobile=True)
    for path in ("/jobs", f"/jobs/{job}", f"/jobs/{job}/validation", f"/rounds/{searched(room)}"):
        eyes.go(path)
        eyes.page.locator("main h1").wait_for()
        eyes.page.get_by_text("Loading…").first.wait_for(state="hidden")
        eyes.page.wait_for_timeout(300)
        assert eyes.overflow() <= 0, f"{path} is {eyes.overflow()} px too wide"
        assert eyes.part("stop").is_visible()
    cards = eyes.page.get_by_role("list", name="finalists").first.get_by_role("listitem")
    assert cards.count() > 0
    assert re.search(r"Stopped by|proposed", cards.first.inner_text()), "seen without a scroll"
    for link in eyes.page.get_by_role("navigation").get_by_role("link").all():
        box = link.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= wide, f"{link.inner_text()} cannot be reached"
        assert box["y"] + box["height"] <= 844
        assert box["height"] >= 44
    assert eyes.violations() == []
