"""The emergency stop as hands do it, with all well and with everything dead."""

import os
import re
import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from liveopt.guard import caller, latch
from tests.browser.desk import Desk, desk
from tests.browser.eyes import SERVICE_AWAY, Eyes
from tests.kill.stage import wait_for

Look = Callable[..., Eyes]
STOP_MS, SLACK_MS = 300.0, 2700.0
SILENT_S = 2.0


@pytest.fixture
def going(room: Desk) -> Iterator[Desk]:
    """Not halted, before and after."""
    room.open_again()
    yield room
    room.open_again()


@pytest.fixture
def own(browser: object, tmp_path: Path) -> Iterator[Desk]:
    """A service that a test may ruin."""
    with desk(tmp_path) as found:
        yield found


def latched(of: Desk) -> bool:
    return latch.Latch(of.state / latch.NAME).read(with_file=False).halted


def answered(eyes: Eyes) -> str:
    found = eyes.part("stop-answer")
    found.get_by_text(re.compile("in .* ms")).wait_for()
    return found.inner_text()


def test_one_click_and_one_more_halt_the_run(look: Look, going: Desk) -> None:
    eyes = look(going).live()
    eyes.part("stop").click()
    assert eyes.focus() == "halt"
    assert not latched(going), "opening the dialog stops nothing"
    eyes.part("halt").click()
    took_ms = eyes.mark("halted") - eyes.mark("halt")
    assert took_ms <= STOP_MS + SLACK_MS, f"asked for: {STOP_MS:.0f} ms; it took {took_ms:.0f} ms"
    assert latched(going)
    said = answered(eyes)
    assert re.search(r"Halted in \d+ ms .*: 2\d variants stopped, \d+ positions? open", said), said
    assert "Latched on disk" in said
    assert caller.status(going.state)["halted"]
    eyes.page.keyboard.press("Escape")
    eyes.is_("halted")
    banner = eyes.part("halted").inner_text()
    assert "HALTED" in banner
    assert "dashboard" in banner, "by whom, or why"
    assert eyes.violations() == []


def test_shift_x_and_enter_halt_the_run(look: Look, going: Desk) -> None:
    eyes = look(going, "/trades")
    eyes.is_("live")
    eyes.page.keyboard.press("Shift+X")
    eyes.page.keyboard.press("Enter")
    wait_for(lambda: latched(going), 10.0)
    assert "Halted" in answered(eyes)
    eyes.page.keyboard.press("Escape")
    eyes.is_("halted")
    assert eyes.mark("halted") - eyes.mark("halt") <= STOP_MS + SLACK_MS


def test_escape_and_letters_in_a_field_stop_nothing(look: Look, going: Desk) -> None:
    eyes = look(going).live()
    eyes.page.locator("#search").press("Shift+X")
    assert eyes.page.locator("#search").input_value() == "X"
    eyes.part("stop").click()
    eyes.page.locator("#flatten-word").fill("flatten")
    assert eyes.page.get_by_role("button", name="Halt and flatten").is_disabled()
    assert eyes.violations() == [], "the dialog"
    eyes.page.keyboard.press("Escape")
    eyes.page.get_by_role("dialog").wait_for(state="hidden")
    assert not latched(going)


def test_flatten_wants_its_word_and_leaves_no_position(look: Look, going: Desk) -> None:
    eyes = look(going).live()
    eyes.page.keyboard.press("Shift+X")
    eyes.page.locator("#flatten-word").fill("FLATTEN")
    eyes.page.get_by_role("button", name="Halt and flatten").click()
    assert "Halted" in answered(eyes)
    left = eyes.part("open-now")
    left.get_by_text("0 positions open now: all are closed").wait_for(timeout=30_000)
    eyes.page.keyboard.press("Escape")
    eyes.is_("halted")
    assert "closed at market" in eyes.part("halted").inner_text()
    eyes.waits_for(lambda: not open_positions(eyes), 30_000)


def test_whoever_has_halted_is_told_what_a_second_stop_does_and_may_flatten_by_enter(
    look: Look, going: Desk
) -> None:
    eyes = look(going).live()
    eyes.page.keyboard.press("Shift+X")
    eyes.page.keyboard.press("Enter")
    answered(eyes)
    eyes.page.keyboard.press("Escape")
    eyes.page.get_by_role("button", name="Flatten…").click()
    assert eyes.focus() == "flatten-word"
    eyes.page.get_by_role("dialog", name="Trading is stopped").wait_for()
    assert "opens and closes nothing" in eyes.part("second-stop").inner_text()
    eyes.page.keyboard.type("FLAT")
    eyes.page.keyboard.press("Enter")
    assert eyes.part("stop-answer").inner_text() == "", "half a word flattens nothing"
    eyes.page.keyboard.type("TEN")
    assert eyes.violations() == [], "the dialog"
    eyes.page.keyboard.press("Enter")
    assert "Halted" in answered(eyes)
    eyes.waits_for(lambda: caller.status(going.state)["mode"] == "halt_and_flatten")


def open_positions(eyes: Eyes) -> int:
    return eyes.page.locator(".board .stand small").count()


def test_nobody_resumes_without_saying_why(look: Look, going: Desk) -> None:
    eyes = look(going).live()
    eyes.page.keyboard.press("Shift+X")
    eyes.page.keyboard.press("Enter")
    answered(eyes)
    eyes.page.keyboard.press("Escape")
    eyes.part("resume").click()
    go_on = eyes.page.get_by_role("button", name="Resume", exact=True)
    assert go_on.is_disabled()
    eyes.page.locator(".checks li").first.wait_for()
    assert eyes.violations() == [], "the dialog"
    field = eyes.page.locator("#resume-why")
    field.press("Enter")
    eyes.page.get_by_text("a reason is wanted first").wait_for()
    assert latched(going)
    field.fill("it was a test")
    assert go_on.is_enabled()
    field.press("Enter")
    eyes.part("halted").wait_for(state="hidden")
    eyes.is_("live")
    assert not latched(going)


def test_a_service_that_hangs_is_said_within_two_seconds(look: Look, own: Desk) -> None:
    eyes = look(own, allowed=SERVICE_AWAY).live()
    web = own.pid("web")
    os.kill(web, signal.SIGSTOP)
    eyes.part("stop").click()
    began_s = time.monotonic()
    eyes.part("halt").click()
    eyes.part("stop-answer").get_by_text("liveopt stop").wait_for()
    took_s = time.monotonic() - began_s
    assert took_s <= SILENT_S + 2.0, f"asked for: {SILENT_S:.0f} s; it took {took_s:.1f} s"
    assert "No answer after 2 s" in eyes.part("stop-answer").inner_text()
    os.kill(web, signal.SIGCONT)
    assert "Halted" in answered(eyes), "what was asked for came true when it could"
    assert latched(own)


def test_an_engine_that_hangs_is_named_in_red_and_the_run_is_halted_all_the_same(
    look: Look, tmp_path: Path
) -> None:
    with desk(tmp_path, settings={"CONTROL__HEARTBEAT_S": "60"}) as own:
        eyes = look(own, allowed=SERVICE_AWAY).live()  # it ends before the page does
        engine = own.pid("engine")
        os.kill(engine, signal.SIGSTOP)
        eyes.is_("stale link")
        with eyes.page.expect_response("**/api/optimizer/stop") as coming:
            eyes.page.keyboard.press("Shift+X")
            eyes.page.keyboard.press("Enter")
        assert coming.value.status == 207
        said = answered(eyes)
        assert "NOT fully halted" in said
        assert "No answer from: engine" in said
        assert "Latched on disk" in said
        red = eyes.part("stop-answer").locator("div.bad").first
        assert red.is_visible()
        assert latched(own)
        assert eyes.violations() == []
        eyes.page.keyboard.press("Escape")
        banner = eyes.part("halted")
        banner.get_by_text("NOT acknowledged by the engine yet").wait_for()
        os.kill(engine, signal.SIGCONT)
        banner.get_by_text("NOT acknowledged").wait_for(state="hidden")
        eyes.is_("halted")


def test_a_flatten_is_sent_although_a_halt_is_not_answered_yet(look: Look, tmp_path: Path) -> None:
    with desk(tmp_path, settings={"CONTROL__HEARTBEAT_S": "60"}) as own:
        eyes = look(own, allowed=SERVICE_AWAY).live()
        engine = own.pid("engine")
        os.kill(engine, signal.SIGSTOP)
        eyes.part("stop").click()
        with eyes.page.expect_request(lambda one: "halt_and_flatten" in (one.post_data or "")):
            eyes.part("halt").click()
            eyes.page.locator("#flatten-word").fill("FLATTEN")
            eyes.page.keyboard.press("Enter")
        assert "No answer from: engine" in answered(eyes)
        assert caller.status(own.state)["mode"] == "halt_and_flatten"
        os.kill(engine, signal.SIGCONT)
        left = eyes.part("open-now")
        left.get_by_text("0 positions open now: all are closed").wait_for(timeout=30_000)


def test_whom_a_resume_did_not_reach_is_said_after_the_halt_is_over(
    look: Look, going: Desk
) -> None:
    eyes = look(going).live()
    eyes.page.keyboard.press("Shift+X")
    eyes.page.keyboard.press("Enter")
    answered(eyes)
    eyes.page.keyboard.press("Escape")

    def late(route: Any) -> None:
        """The service's own answer, after the stream's word, as if somebody had not heard."""
        answer = route.fetch()
        eyes.page.wait_for_timeout(1000)
        route.fulfill(status=207, json=answer.json() | {"not_acknowledged": ["engine"]})

    eyes.page.route("**/api/optimizer/resume", late)
    eyes.part("resume").click()
    eyes.page.locator("#resume-why").fill("it was a test")
    eyes.page.keyboard.press("Enter")
    eyes.part("halted").wait_for(state="hidden")
    eyes.part("missed").get_by_text("Resumed; no answer from engine").wait_for()
    assert eyes.violations() == []
    eyes.part("missed").get_by_role("button", name="Dismiss").click()
    eyes.part("missed").wait_for(state="hidden")


def test_with_everything_dead_the_dialog_says_so_and_what_it_says_works(
    look: Look, own: Desk
) -> None:
    eyes = look(own, allowed=SERVICE_AWAY).live()
    own.kill("all")
    began_s = time.monotonic()
    eyes.page.keyboard.press("Shift+X")
    eyes.page.keyboard.press("Enter")
    command = eyes.part("stop-answer").locator("code")
    command.wait_for()
    took_s = time.monotonic() - began_s
    assert took_s <= SILENT_S + 2.0, f"asked for: {SILENT_S:.0f} s; it took {took_s:.1f} s"
    assert "Not confirmed" in eyes.part("stop-answer").inner_text()
    assert command.inner_text() == "liveopt stop"
    own.command(*command.inner_text().split()[1:])
    assert latched(own)
    own.start()
    own.at_work()
    eyes.is_("halted", 60_000)


def test_the_latch_holds_across_a_restart_and_the_page_says_so(look: Look, own: Desk) -> None:
    eyes = look(own, allowed=SERVICE_AWAY).live()
    eyes.page.keyboard.press("Shift+X")
    eyes.page.keyboard.press("Enter")
    answered(eyes)
    eyes.page.keyboard.press("Escape")
    own.kill("all")
    eyes.until("window.states.includes('reconnecting')")
    own.start()
    own.at_work()
    eyes.is_("halted", 60_000)
    assert "dashboard" in eyes.part("halted").inner_text()
    eyes.page.reload()
    eyes.is_("halted")
    assert caller.status(own.state)["halted"]


def test_a_run_whose_journals_cannot_be_written_is_shown_halted(look: Look, own: Desk) -> None:
    eyes = look(own, allowed=SERVICE_AWAY).live()
    none = (0, resource.RLIM_INFINITY)
    resource.prlimit(own.pid("engine"), resource.RLIMIT_FSIZE, none)
    eyes.is_("halted", 60_000)
    eyes.waits_for(lambda: latched(own))  # the engine says so before the guard has put it down
    assert eyes.part("stop").is_enabled()
    eyes.part("alert-strip").wait_for()
