"""What the header says, and what may be done, when something between market and page fails."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.browser.desk import Desk, desk
from tests.browser.eyes import SERVICE_AWAY, Eyes
from tests.browser.wire import Message, Wire
from tests.kill.stage import wait_for

Look = Callable[..., Eyes]
SLACK_S = 6.0
"""What a machine that is busy with other tests may take more."""


@pytest.fixture(scope="module")
def room(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Its guard is patient with an engine that stands still."""
    with desk(tmp_path_factory.mktemp("states"), settings={"CONTROL__HEARTBEAT_S": "60"}) as found:
        yield found


def opacity(eyes: Eyes, what: str) -> float:
    js = "(what) => parseFloat(getComputedStyle(document.querySelector(what)).opacity)"
    return float(eyes.page.evaluate(js, what))


def acts_are_off(eyes: Eyes) -> bool:
    """Nothing can be changed but by a stop."""
    assert eyes.part("stop").is_enabled()
    return eyes.page.get_by_role("button", name="Pause").is_disabled()


def test_connecting_shows_the_shape_and_no_figure(look: Look, room: Desk) -> None:
    eyes = look(room, None)
    held: list[Any] = []
    eyes.page.route("**/api/ticket", lambda route: held.append(route))  # noqa: PLW0108 - it is named
    eyes.go("/")
    eyes.is_("connecting")
    eyes.part("skeleton").wait_for()
    assert eyes.part("state").inner_text().split() == ["…", "CONNECTING"]
    assert eyes.ids() == []
    assert not any(letter.isdigit() for letter in eyes.page.locator("main").inner_text())
    assert eyes.part("stop").is_enabled()
    held[0].continue_()
    eyes.live()
    assert eyes.states() == ["connecting", "live"]


def test_a_run_without_variants_says_what_to_do(look: Look, room: Desk) -> None:
    eyes = look(room, None)

    def nobody(said: Message) -> Message:
        return said | {"who": [], "rows": []} if said["type"] in ("snap", "d") else said

    Wire(eyes.page, nobody)
    eyes.go("/")
    eyes.part("empty").wait_for()
    assert "liveopt variants add" in eyes.part("empty").inner_text()
    eyes.context.grant_permissions(["clipboard-read", "clipboard-write"])
    eyes.page.get_by_role("button", name="Copy command").click()
    eyes.page.get_by_text("Copied").wait_for()
    assert eyes.page.evaluate("navigator.clipboard.readText()") == "liveopt demo"
    assert eyes.page.get_by_role("button", name="Load demo").is_enabled()
    assert eyes.violations() == []


def test_load_demo_begins_one_beside_the_run_and_ends_it(look: Look, room: Desk) -> None:
    eyes = look(room, None, allowed=(r"status of (401|409)", r"WebSocket connection to .* failed"))

    def nobody(said: Message) -> Message:
        return said | {"who": [], "rows": []} if said["type"] in ("snap", "d") else said

    Wire(eyes.page, nobody)
    eyes.go("/")
    eyes.part("empty").wait_for()
    eyes.page.get_by_role("button", name="Load demo").click()
    try:
        eyes.page.wait_for_url(lambda url: not url.startswith(room.base), timeout=60_000)
        assert eyes.page.url.startswith("http://127.0.0.1:"), "a run of its own, of the same host"
        eyes.part("band").get_by_text("DEMO").wait_for(timeout=90_000)
        assert "#" not in eyes.page.url, "the address forgets the token"
        eyes.is_("live", 60_000)
        eyes.go("/")
        eyes.part("empty").wait_for()
        eyes.is_("live")
        eyes.page.get_by_role("button", name="Load demo").click()
        eyes.page.get_by_text("A demo runs already").wait_for()
        assert eyes.violations() == []
        eyes.page.get_by_role("button", name="End the demo that runs").click()
        eyes.page.get_by_text("The demo has ended").wait_for()
    finally:
        status, _, _ = room.ask("DELETE", "/api/v1/demo")
    assert status == 404, "it was ended by its button"
    assert room.get("/api/v1/run")["connected"], "the run beside it goes on"


def test_a_market_that_falls_silent_is_stale_and_the_link_is_not(look: Look, room: Desk) -> None:
    assert room.sim is not None
    eyes = look(room).live()
    for fault in ("freeze", "rest-code"):  # else the feed asks for what is not pushed
        room.sim.turn_on(fault)
    began_s = time.monotonic()
    try:
        eyes.is_("stale market", (6 + SLACK_S) * 1000)
        took_s = time.monotonic() - began_s
        assert took_s <= 6 + SLACK_S, f"asked for: 6 s; it took {took_s:.1f} s"
        assert "MARKET STALE" in eyes.part("state").inner_text()
        assert "stale link" not in eyes.states()
        assert opacity(eyes, ".board canvas") < 1
        eyes.go("/v/main")
        eyes.is_("stale market")
        assert not acts_are_off(eyes), "the engine answers"
        eyes.page.locator("[data-testid=alert-strip]").wait_for()
    finally:
        room.sim.clear()
    eyes.is_("live", 60_000)


def test_an_engine_that_hangs_makes_the_board_stale_and_stop_stays(look: Look, room: Desk) -> None:
    eyes = look(room).live()
    there = eyes.ids()
    other = look(room, f"/v/{there[1]}")
    other.is_("live")
    other.page.get_by_role("button", name="Pause").wait_for()
    engine = room.pid("engine")
    os.kill(engine, signal.SIGSTOP)
    began_s = time.monotonic()
    try:
        eyes.is_("stale link", (4 + SLACK_S) * 1000)
        took_s = time.monotonic() - began_s
        assert took_s <= 4 + SLACK_S, f"asked for: 4 s; it took {took_s:.1f} s"
        kept = eyes.ids()
        assert len(kept) == len(there), "what was known is kept"
        assert eyes.page.locator(".app.dim").count() == 1
        assert "STALE" in eyes.part("state").inner_text()
        ages = eyes.page.locator(".clocks b").all_inner_texts()
        seconds = re.fullmatch(r"([\d.]+) s", ages[1])
        assert seconds is not None, ages
        assert float(seconds[1]) >= 3, "the engine's age grows while it says nothing"
        other.is_("stale link")
        assert acts_are_off(other)
        assert eyes.violations() == []
    finally:
        os.kill(engine, signal.SIGCONT)
    eyes.is_("live")
    other.is_("live")
    assert not acts_are_off(other)


def test_a_service_that_hangs_makes_it_stale_too(look: Look, room: Desk) -> None:
    eyes = look(room).live()
    web = room.pid("web")
    os.kill(web, signal.SIGSTOP)
    try:
        eyes.is_("stale link", (4 + SLACK_S) * 1000)
    finally:
        os.kill(web, signal.SIGCONT)
    eyes.is_("live")


def test_the_page_comes_back_after_its_service_was_killed(look: Look, room: Desk) -> None:
    eyes = look(room, "/system", allowed=SERVICE_AWAY)
    eyes.is_("live")
    boot = room.get("/api/v1/run")["web"]
    web, engine = room.pid("web"), room.pid("engine")
    os.kill(web, signal.SIGKILL)
    eyes.until("window.states.includes('reconnecting')")
    eyes.is_("live", 60_000)
    assert room.pid("web") != web
    assert room.pid("engine") == engine, "the engine has not noticed"
    assert eyes.states()[-1] == "live"
    assert fact(eyes, "reconnects") >= 1
    assert fact(eyes, "gaps healed") == 0
    assert boot != room.get("/api/v1/run")["web"]
    first = fact(eyes, "frame")
    eyes.until(f"parseInt({FACT % 'frame'}) > {first}")


def test_promotions_say_why_nobody_is_promoted_yet(look: Look, room: Desk) -> None:
    eyes = look(room, "/promotions")
    eyes.is_("live")
    said = eyes.part("nobody")
    (symbol, gate), *_ = room.get("/api/v1/run")["report"]["gate"].items()
    said.get_by_text(f"{symbol}: {gate['champion']} is champion").wait_for()
    bars = said.get_by_role("progressbar")
    assert bars.get_attribute("max") == str(gate["season"])
    assert 0 <= float(bars.get_attribute("value") or -1) <= gate["season"]

    def led() -> bool:
        return bool(room.get("/api/v1/run")["report"]["gate"][symbol]["leaders"])

    wait_for(led, 60.0, every_s=0.3)
    said.get_by_text("leads with evidence").wait_for()
    said.get_by_text("It lacks:").wait_for()
    assert said.locator(".lacks li").count() > 0
    assert (said.get_by_role("link").first.get_attribute("href") or "").startswith("/v/")
    assert eyes.violations() == []
    eyes.go("/jobs")
    eyes.page.get_by_text("Submit a search").click()
    asset = eyes.page.get_by_label("Asset")
    assert asset.get_attribute("placeholder") == symbol, "one of this run"


def test_system_says_first_whether_it_is_well_and_what_was_started_again(
    look: Look, room: Desk
) -> None:
    starts = room.get("/api/v1/run")["guard"]["engine"]["starts"]
    os.kill(room.pid("engine"), signal.SIGKILL)
    wait_for(
        lambda: room.get("/api/v1/run")["guard"]["engine"]["starts"] > starts, 30.0, every_s=0.2
    )
    room.seen()
    eyes = look(room, "/system")
    eyes.is_("live", 60_000)
    said = eyes.part("health")
    said.get_by_text(f"started {starts + 1} times").first.wait_for()
    assert "signal 9 (killed)" in said.inner_text()
    first = eyes.page.locator("main h2").first.inner_text()
    assert first == said.locator("h2").inner_text(), "it comes first"
    assert "engine" not in first, "it runs again: once is not for ever"
    words = eyes.page.locator("main").inner_text()
    assert "journal_ok" not in words
    assert "Nothing crashed" not in words
    assert "Counted since the engine's last start" in words
    assert (
        eyes.page.get_by_role("region", name="markets").locator("td").last.inner_text()[0].isdigit()
    )
    stopped = eyes.page.locator("section", has_text="Variants stopped, by reason").last
    assert re.search(r"\d+ stand stopped now", stopped.inner_text())
    assert eyes.violations() == []


FACT = (
    "[...document.querySelectorAll('dl.facts div')].find((one) =>"
    " one.querySelector('dt').textContent === '%s').querySelector('dd').textContent"
)


def fact(eyes: Eyes, name: str) -> int:
    """A number of the System page."""
    return int("".join(filter(str.isdigit, eyes.page.evaluate(FACT % name))))


def test_a_lost_frame_is_asked_for_again_and_nobody_is_bothered(look: Look, room: Desk) -> None:
    eyes = look(room, None)
    deltas = 0

    def third_is_lost(said: Message) -> Message | None:
        nonlocal deltas
        deltas += said["type"] == "d"
        return None if said["type"] == "d" and deltas == 3 else said

    wire = Wire(eyes.page, third_is_lost)
    eyes.go("/system")
    eyes.is_("live")
    eyes.until(f"{FACT % 'gaps healed'} !== '0'")
    before = fact(eyes, "frame")
    eyes.until(f"parseInt({FACT % 'frame'}.replace(/\\D/g, '')) > {before + 4}")
    assert {"resync": True} in wire.asked
    assert fact(eyes, "reconnects") == 0
    assert eyes.states() == ["connecting", "live"]
    assert fact(eyes, "gaps healed") <= 2, "what follows until the snapshot comes fits no better"


def test_trades_that_were_lost_on_the_way_are_in_the_tape_after_all(look: Look, room: Desk) -> None:
    eyes = look(room, None)
    lost: list[Message] = []

    def first_trades_are_lost(said: Message) -> Message | None:
        if lost or not said.get("trades"):
            return said
        lost.extend(said["trades"])
        return None

    def told(one: Message) -> list[str]:
        return [f"{datetime.fromtimestamp(one['at_ns'] / 1e9, UTC):%H:%M:%S}", one["variant"]]

    def tape() -> list[list[str]]:
        js = "all => all.map((row) => [row.cells[0].innerText, row.cells[1].innerText])"
        found: list[list[str]] = eyes.page.locator(".tape tbody tr").evaluate_all(js)
        return found

    wire = Wire(eyes.page, first_trades_are_lost)
    eyes.go("/")
    eyes.live()
    eyes.waits_for(lambda: lost, 60_000)
    eyes.waits_for(lambda: all(told(one) in tape() for one in lost))
    assert {"resync": True} in wire.asked
    assert eyes.states() == ["connecting", "live"]
    wire.cut()
    eyes.until("window.states.includes('reconnecting')")
    eyes.is_("live")
    newest = "/api/v1/trades?limit=40"
    eyes.waits_for(lambda: tape() == [told(one) for one in room.get(newest)["trades"]])


def test_an_answer_that_takes_longer_than_the_page_waits_is_waited_for(
    look: Look, room: Desk
) -> None:
    eyes = look(room, None)
    held: list[Any] = []
    eyes.page.route("**/api/v1/run", lambda route: held.append(route))  # noqa: PLW0108 - it is named
    eyes.go("/system")
    eyes.is_("live")
    eyes.waits_for(lambda: held)
    eyes.page.wait_for_timeout(2500)
    assert len(held) == 1, "asked once more while nobody has answered"
    held[0].continue_()
    eyes.part("health").wait_for()
    eyes.waits_for(lambda: len(held) == 2)


def test_a_newer_service_asks_for_a_reload_and_takes_no_changes(look: Look, room: Desk) -> None:
    eyes = look(room, None)
    hellos = 0

    def newer(said: Message) -> Message:
        nonlocal hellos
        hellos += said["type"] == "hello"
        return said | {"version": "999.0"} if said["type"] == "hello" and hellos > 1 else said

    wire = Wire(eyes.page, newer)
    eyes.go("/v/main")
    eyes.is_("live")
    assert not acts_are_off(eyes)
    wire.cut()
    eyes.page.get_by_role("button", name="Reload to update").wait_for()
    eyes.is_("live")
    assert acts_are_off(eyes)
    assert eyes.violations() == []
    eyes.page.get_by_role("button", name="Reload to update").click()
    eyes.page.get_by_role("button", name="Reload to update").wait_for(state="hidden")


def test_what_works_worse_than_it_should_is_named(look: Look, room: Desk) -> None:
    eyes = look(room, None)

    def worse(said: Message) -> Message:
        status = said.get("status")
        return said if status is None else said | {"status": status | {"journal_ok": False}}

    Wire(eyes.page, worse)
    eyes.go("/")
    eyes.live()
    eyes.part("degraded").wait_for()
    words = " ".join(eyes.part("degraded").inner_text().split())
    assert words.startswith("▲ DEGRADED the journal cannot be written"), words
    assert eyes.violations() == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("gpu_fallback", "steps its variants on the CPU"),
        ("journal_slow", "the disk takes a second"),
    ],
)
def test_a_fallback_is_a_banner_until_it_is_over(
    look: Look, room: Desk, code: str, words: str
) -> None:
    eyes = look(room, None)
    active = True

    def fallen_back(said: Message) -> Message:
        """In place of every heartbeat an alert, as the service words it."""
        if said["type"] != "hb":
            return said
        now_ms = said["server_ms"]
        return {
            "type": "alert", "id": code, "code": code, "severity": "warning", "text": words,
            "first_ms": now_ms, "last_ms": now_ms, "count": 1, "active": active,
            "acknowledged_by": None,
        }  # fmt: skip

    Wire(eyes.page, fallen_back)
    eyes.go("/")
    eyes.live()
    eyes.part("degraded").wait_for()
    assert f"▲ DEGRADED {words}" in " ".join(eyes.part("degraded").inner_text().split())
    assert eyes.violations() == []
    active = False
    eyes.part("degraded").wait_for(state="hidden")


def test_a_run_that_is_told_to_use_a_gpu_and_does_not_says_so(look: Look, tmp_path: Path) -> None:
    with desk(tmp_path, settings={"ENGINE__DEVICE": "gpu"}) as own:
        eyes = look(own, allowed=SERVICE_AWAY).live()
        eyes.part("degraded").get_by_text("on the CPU").wait_for(timeout=30_000)


def test_jobs_say_that_they_cannot_be_had_while_the_service_is_away(look: Look, room: Desk) -> None:
    eyes = look(room, None, allowed=[r"ERR_FAILED"])
    eyes.page.route("**/api/v1/jobs**", lambda route: route.abort())
    eyes.go("/jobs")
    eyes.page.locator("main .bad").get_by_text("does not answer").wait_for()
    eyes.page.unroute_all()
    eyes.page.locator("main .bad").wait_for(state="hidden")
    eyes.page.get_by_text("No search yet").wait_for()


def test_a_page_that_cannot_be_fetched_says_so_and_a_reload_keeps_the_address(
    look: Look, room: Desk
) -> None:
    eyes = look(room, "/", allowed=[r"ERR_FAILED"]).live()
    eyes.page.route("**/assets/system-*.js", lambda route: route.abort())
    eyes.page.get_by_role("link", name="System").click()
    eyes.page.get_by_text("This page could not be fetched").wait_for()
    assert eyes.violations() == []
    eyes.page.unroute_all()
    eyes.page.get_by_role("button", name="Reload").click()
    eyes.page.get_by_role("heading", name="Clocks").wait_for()
