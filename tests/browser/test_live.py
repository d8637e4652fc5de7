"""The Live page with a market that moves: its board, its order, the keyboard, the address."""

import re
from collections.abc import Callable

import pytest

from tests.browser.desk import VARIANTS, Desk
from tests.browser.eyes import Eyes

Look = Callable[..., Eyes]
CELL = ".board tbody:not(.pinned) tr[data-id] td:nth-child({})"
STRATEGY, EQUITY, RETURN, BETTER = 3, 5, 6, 8
CARDS = ".board ol li.card"


def column(eyes: Eyes, number: int) -> list[str]:
    return eyes.page.locator(CELL.format(number)).all_inner_texts()


def numbers(texts: list[str]) -> list[float]:
    return [float(re.sub(r"[^\d.+-]", "", text.replace("\u2212", "-"))) for text in texts]


def moving(eyes: Eyes) -> None:
    """Once two variants differ: from then on there is an order to look at."""
    eyes.waits_for(lambda: len(set(column(eyes, EQUITY))) > 2)


def test_live_says_how_old_everything_is(look: Look, room: Desk) -> None:
    eyes = look(room).live()
    assert eyes.part("state").inner_text().split() == ["●", "LIVE"]
    ages = eyes.page.locator(".clocks > span").all_inner_texts()
    assert [text.split()[0] for text in ages] == ["market", "engine", "link"]
    assert all(re.search(r"\d", text) for text in ages), ages
    assert "0 eligible:" in eyes.page.locator(".one-line").inner_text(), "a zero has its reason"
    assert eyes.page.locator(".board .pinned tr").count() == 1
    assert len(room.get("/api/v1/variants?limit=500")["variants"]) == VARIANTS + 1


def test_the_board_is_sorted_as_asked_and_keeps_up(look: Look, room: Desk) -> None:
    eyes = look(room).live()
    moving(eyes)
    head = eyes.page.get_by_role("button", name="Equity")
    head.click()
    way = eyes.page.locator("th[aria-sort]")
    assert (way.inner_text().strip("▴▾ "), way.get_attribute("aria-sort")) == (
        "Equity",
        "descending",
    )
    found = numbers(column(eyes, EQUITY))
    assert found == sorted(found, reverse=True)
    head.click()
    assert way.get_attribute("aria-sort") == "ascending"
    found = numbers(column(eyes, EQUITY))
    assert found == sorted(found)
    before = column(eyes, EQUITY)
    eyes.waits_for(lambda: column(eyes, EQUITY) != before)
    eyes.waits_for(lambda: set(eyes.states()) == {"connecting", "live"})


def test_whoever_is_ahead_comes_first_where_nobody_has_evidence(look: Look, room: Desk) -> None:
    eyes = look(room).live()
    moving(eyes)

    def ordered() -> bool:
        """By P(better) as it is shown, and by return where that is the same."""
        rows = eyes.page.evaluate(
            "() => [...document.querySelectorAll('.board tbody:not(.pinned) tr[data-id]')].map("
            f"(row) => [row.cells[{BETTER - 1}].innerText, row.cells[{RETURN - 1}].innerText])"
        )
        found = [(shown(better), numbers([gain])[0]) for better, gain in rows]
        return len(found) > 3 and found == sorted(found, reverse=True)

    eyes.waits_for(ordered)
    strategies = column(eyes, STRATEGY)
    assert all(name and "_" not in name for name in strategies), strategies
    assert "in this order: trades" in eyes.part("dots-legend").inner_text()


def shown(better: str) -> float:
    """In order of what is shown; what is undefined comes last."""
    marks = {"< 0.001": 0.0005, "> 0.999": 0.9995, "\u2013": -1.0}
    return marks[better] if better in marks else float(better)


def test_what_is_searched_for_is_what_is_shown(look: Look, room: Desk) -> None:
    eyes = look(room).live()
    one = eyes.ids()[5]
    eyes.page.locator("#search").fill(one)
    eyes.page.get_by_text("1 shown").wait_for()
    assert eyes.ids() == ["main", one]
    eyes.page.locator("#search").fill("nobody is called so")
    eyes.page.get_by_text("No variant but the champion matches").wait_for()
    eyes.page.locator("#search").fill("")
    assert eyes.ids()[1:]


def test_the_order_stands_still_under_the_pointer_and_numbers_do_not(
    look: Look, room: Desk
) -> None:
    eyes = look(room).live()
    moving(eyes)
    eyes.page.get_by_role("button", name="Equity").click()
    eyes.page.locator(".board tr[data-id]").nth(4).hover()
    eyes.page.get_by_text("order frozen (pointer inside)").wait_for()
    held, before = eyes.ids(), column(eyes, EQUITY)

    def out_of_order() -> bool:
        assert eyes.ids() == held
        found = numbers(column(eyes, EQUITY))
        return column(eyes, EQUITY) != before and found != sorted(found, reverse=True)

    eyes.waits_for(out_of_order, 60_000)
    eyes.page.mouse.move(5, 5)
    eyes.waits_for(lambda: eyes.part("frozen").inner_text() == "")
    eyes.waits_for(lambda: eyes.ids() != held)


def test_hands_never_leave_the_keyboard(look: Look, room: Desk) -> None:
    eyes = look(room).live()
    press = eyes.page.keyboard.press
    press("f")
    eyes.page.get_by_text("order frozen").wait_for()
    order = eyes.ids()
    chosen = eyes.page.locator(".board tr[aria-current=true]")
    assert chosen.get_attribute("data-id") == order[0], "the first is shown without being asked for"
    for key in ("j", "ArrowDown", "k"):
        press(key)
    assert chosen.get_attribute("data-id") == order[1]
    press("c")
    press("j")
    press("c")
    eyes.page.get_by_role("link", name="Compare 2").wait_for()
    press("/")
    assert eyes.focus() == "search"
    press("j")
    assert eyes.page.locator("#search").input_value() == "j", "a letter is text where one types"
    press("Backspace")
    eyes.page.evaluate("document.activeElement.blur()")
    press("Enter")
    eyes.page.wait_for_url(f"**/v/{order[2]}")
    press("Shift+C")
    eyes.page.wait_for_url(f"**/compare?ids={order[1]},{order[2]}")
    for letter, path in zip(
        "ptjsal", ("promotions", "trades", "jobs", "system", "alerts", ""), strict=True
    ):
        press("g")
        press(letter)
        eyes.page.wait_for_url(f"{room.base}/{path}")
        eyes.until("document.activeElement.matches('h1')")  # which is what is read out
        assert eyes.focus().lower() == (path or "live")
    press("?")
    eyes.page.get_by_role("dialog", name="Keys").wait_for()
    press("Escape")
    eyes.page.get_by_role("dialog", name="Keys").wait_for(state="hidden")


def test_tab_reaches_everything_and_shows_where_it_is(look: Look, room: Desk) -> None:
    eyes = look(room).live()
    seen = []
    for _ in range(40):
        eyes.page.keyboard.press("Tab")
        seen.append(eyes.focus())
        assert eyes.page.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement);"
            " return document.activeElement === document.body ||"
            " (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2) })()"
        ), f"the focus cannot be seen on {seen[-1]}"
    assert seen[0] == "To the page"
    assert {"stop", "search", "Freeze order", "Live", "Settings"} <= set(seen), seen


def test_addresses_survive_a_reload_and_the_back_button(look: Look, room: Desk) -> None:
    eyes = look(room).live()
    one, other = eyes.ids()[1:3]
    eyes.page.locator(f"tr[data-id='{one}'] a").click()
    eyes.page.get_by_role("heading", name=f"Variant {one}").wait_for()
    assert one in eyes.page.title()
    eyes.page.get_by_role("link", name="Trades").click()
    eyes.page.get_by_label("Side").select_option("long")
    eyes.page.wait_for_url("**/trades?side=long")
    eyes.page.reload()
    assert eyes.page.get_by_label("Side").input_value() == "long"
    eyes.page.go_back()
    eyes.page.get_by_role("heading", name=f"Variant {one}").wait_for()
    eyes.page.go_back()
    eyes.live()
    eyes.page.go_forward()
    eyes.page.get_by_role("heading", name=f"Variant {one}").wait_for()
    eyes.go(f"/compare?ids={one},{other}")
    eyes.page.get_by_role("columnheader", name=one).first.wait_for()


def test_a_screen_reader_is_told_what_is_asked_for_and_no_ticks(look: Look, room: Desk) -> None:
    eyes = look(room).live()
    table = eyes.page.locator("table.leaders")
    assert int(table.get_attribute("aria-rowcount") or 0) == VARIANTS + 2
    eyes.page.keyboard.press("j")
    eyes.page.keyboard.press("j")
    spoken = eyes.page.locator(".selected [role=status].sr")
    assert spoken.inner_text() == ""
    eyes.page.get_by_role("button", name="Read summary").click()
    eyes.waits_for(lambda: "gates met" in (spoken.text_content() or ""))
    live = eyes.page.locator(".board :is([role=status], [role=alert], [aria-live])")
    assert live.count() == 0


@pytest.mark.parametrize("wide", [390, 320])
def test_a_telephone_reads_and_stops(look: Look, room: Desk, wide: int) -> None:
    eyes = look(room, viewport={"width": wide, "height": 844}, has_touch=True, is_mobile=True)
    eyes.live()
    one = eyes.ids()[1]
    assert eyes.page.locator("li.card").count() > 1
    card = eyes.page.locator(CARDS).first
    assert re.search(r"P\(better\)\s+([<>] )?\d", card.inner_text()), card.inner_text()
    eyes.page.get_by_label("Sort by").select_option(label="by Return")
    turn = eyes.page.get_by_role("button", name="Turn the order, now descending")

    def by_return(way: int) -> bool:
        found = numbers(eyes.page.locator(f"{CARDS} > :nth-child(4)").all_inner_texts())
        return len(found) > 1 and found == sorted(found, reverse=way < 0)

    eyes.waits_for(lambda: by_return(-1))
    turn.tap()
    eyes.waits_for(lambda: by_return(1))
    paths = ("/", f"/v/{one}", f"/compare?ids={one},main", "/promotions", "/trades", "/jobs")
    for path in (*paths, "/system", "/alerts", "/settings"):
        eyes.go(path)
        eyes.is_("live")
        eyes.page.locator("main h1").wait_for(state="attached")
        eyes.page.wait_for_timeout(300)
        assert eyes.overflow() <= 0, f"{path} is {eyes.overflow()} px too wide"
        place = eyes.part("stop").bounding_box()
        assert place is not None
        assert place["height"] >= 44, place
        assert place["x"] >= 0, place
        assert place["x"] + place["width"] <= wide, place
        assert 0 <= place["y"] <= 844 - place["height"], place
    eyes.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    eyes.part("stop").tap()
    assert eyes.focus() == "halt"
