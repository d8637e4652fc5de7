"""Who gets in: a link that works once, a prompt for everybody else; what `liveopt demo` shows."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.desk import Desk, desk
from tests.browser.eyes import Eyes

Look = Callable[..., Eyes]
REFUSED = (r"status of 401",)


@pytest.fixture(scope="module")
def room(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """`liveopt demo` as it is typed; its link has not been used."""
    with desk(tmp_path_factory.mktemp("demo"), demo=True) as found:
        yield found


def test_the_printed_link_opens_once_and_signing_out_keeps_the_page(look: Look, room: Desk) -> None:
    eyes = look(room, None, signed_in=False, allowed=REFUSED)
    eyes.page.goto(room.link)
    eyes.live()
    assert eyes.page.url == f"{room.base}/", "the address forgets the token"
    cookie = eyes.context.cookies()[0]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert eyes.page.evaluate("document.cookie") == ""
    band = eyes.part("band").inner_text()
    assert band.startswith("DEMO")
    assert "speed" in band
    assert "violet" not in band
    eyes.part("stop").click()
    assert "This is a demo" in eyes.page.get_by_role("dialog").inner_text()
    eyes.page.keyboard.press("Escape")
    again = look(room, None, signed_in=False, allowed=REFUSED)
    again.page.goto(room.link)
    again.part("token").wait_for()
    again.is_("unauthorised")
    assert again.ids() == []
    eyes.page.keyboard.press("g")
    eyes.page.keyboard.press("s")
    eyes.page.get_by_role("heading", name="Clocks").wait_for()
    eyes.go("/settings")
    eyes.is_("live")
    eyes.page.get_by_role("button", name="Sign out").click()
    eyes.part("token").wait_for()
    eyes.is_("unauthorised")
    assert eyes.page.url == f"{room.base}/settings", "the page is kept"
    eyes.page.reload()
    eyes.part("token").wait_for()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_without_a_session_there_is_a_prompt_and_a_wrong_word_is_refused(
    look: Look, room: Desk, theme: str
) -> None:
    eyes = look(room, "/", signed_in=False, allowed=REFUSED, color_scheme=theme)
    eyes.is_("unauthorised")
    assert eyes.part("token").locator("code").all_inner_texts() == [
        "liveopt run", "liveopt link", "liveopt keys create NAME",
    ]  # fmt: skip
    assert eyes.part("stop").is_enabled()
    eyes.page.get_by_label("Token, or the whole address").fill("not-the-word-that-was-printed")
    eyes.page.get_by_role("button", name="Sign in").click()
    eyes.page.get_by_text("Not signed in:").wait_for()
    assert eyes.violations() == []
