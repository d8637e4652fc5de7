"""Every page in both themes: axe has nothing against it, and charts can be read."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.conftest import OUT
from tests.browser.desk import Desk
from tests.browser.eyes import Eyes
from tests.browser.pixels import background, contrast, decoded, strongest
from tests.browser.replayed import completed, promotion, replayed, rival, searched

Look = Callable[..., Eyes]
THEMES = ("dark", "light")
TEXT, SHAPE = 4.5, 3.0
"""Least contrast of text and of what else carries meaning (WCAG 2.2, 1.4.3 and 1.4.11)."""


@pytest.fixture(scope="module")
def room(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A recording on which somebody is promoted."""
    folder = tmp_path_factory.mktemp("pages")
    with replayed(folder) as found:
        yield found


@pytest.fixture(scope="module")
def pages(room: Desk) -> dict[str, str]:
    """Name and address of each."""
    changed = promotion(room)
    assert changed is not None
    one, other = changed["variant"], changed["champion"]
    job, number = completed(room), searched(room)
    return {
        "live": "/", "variant": f"/v/{one}", "champion": f"/v/{other}",
        "compare": f"/compare?ids={one},{other}", "promotions": "/promotions",
        "promotion": f"/promotions/{changed['id']}", "trades": "/trades", "jobs": "/jobs",
        "job": f"/jobs/{job}", "validation": f"/jobs/{job}/validation",
        "round": f"/rounds/{number}", "system": "/system", "alerts": "/alerts",
        "settings": "/settings", "nobody": "/v/nobody", "lost": "/nowhere/at/all",
    }  # fmt: skip


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_on_any_page(
    look: Look, room: Desk, pages: dict[str, str], theme: str
) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    eyes = look(room, None, color_scheme=theme, allowed=[r"status of 404"])
    wrong = []
    for name, path in pages.items():
        eyes.go(path)
        eyes.is_("live")
        eyes.page.locator("main h1").wait_for(state="attached")
        eyes.page.get_by_text("Loading…").first.wait_for(state="hidden")
        eyes.page.wait_for_load_state("networkidle", timeout=5000)
        eyes.page.wait_for_timeout(200)
        wrong += [f"{name}: {one}" for one in eyes.violations()]
        wrong += [f"{name} is {px} px too wide" for px in [eyes.overflow()] if px > 0]
        wrong += [f"{name}: cut off: {text}" for text in eyes.cut_off()]
        assert eyes.part("band").inner_text().startswith("REPLAY"), name
        eyes.page.screenshot(path=OUT / f"{name}-{theme}.png", full_page=True)
    assert not wrong, "\n".join(wrong)
    paper = eyes.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(14, 17, 22)") == (theme == "dark"), paper


def test_axe_would_find_something(look: Look, room: Desk) -> None:
    eyes = look(room).live()
    js = "document.querySelector('main').append(document.createElement('button'))"
    eyes.page.evaluate(js)
    assert any(one.startswith("button-name") for one in eyes.violations())


def test_nothing_comes_from_elsewhere_and_nothing_inline_is_allowed(look: Look, room: Desk) -> None:
    eyes = look(room, None)
    asked: list[str] = []
    eyes.page.on("request", lambda request: asked.append(request.url))
    answer = eyes.page.goto("/")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src" in policy
    eyes.live()
    assert [url for url in asked if not url.startswith(room.base)] == []


def test_frozen_evidence_opens_from_the_timeline(look: Look, room: Desk) -> None:
    changed = promotion(room)
    assert changed is not None
    eyes = look(room, "/")
    eyes.is_("live")
    eyes.page.get_by_role("link", name="Promotions").click()
    entry = eyes.page.locator(f".timeline a[href='/promotions/{changed['id']}']")
    entry.click()
    eyes.page.wait_for_url(f"**/promotions/{changed['id']}")
    found = eyes.part("evidence")
    found.get_by_text(f"The verdict behind it: {changed['verdict']}").wait_for()
    words = found.inner_text()
    recorded = room.get(f"/api/v1/promotions/{changed['verdict']}")
    for name in ("adjusted p-value", "evidence bars", "comparisons counted", "champion then"):
        assert name in words, words
    assert changed["variant"] in words
    assert f"{recorded['n']}" in words
    assert "liveopt promotions show" in words
    found.get_by_text("Computed once more").click()
    assert "every figure follows from what was recorded" in found.inner_text()
    before = found.inner_text()
    eyes.page.reload()
    found.get_by_text("The verdict behind it").wait_for()
    found.get_by_text("Computed once more").click()
    assert found.inner_text() == before, "it is frozen"
    assert eyes.violations() == []


def test_evidence_says_what_it_rests_on_in_full(look: Look, room: Desk) -> None:
    changed = promotion(room)
    assert changed is not None
    eyes = look(room, f"/promotions/{changed['id']}")
    found = eyes.part("evidence")
    found.get_by_text("The verdict behind it").wait_for()
    record = room.get(f"/api/v1/promotions/{changed['verdict']}")["record"]
    words = found.inner_text()
    assert re.search(r"effect per evidence bar.*\n?.*% \[.*, .*\] of equity", words), words
    assert f"comparisons counted\n{record['admitted']}" in words
    assert "decided by\nthe gate" in words
    assert record["champion"] in words
    for one in record["runners_up"]:
        row = found.locator("tr", has_text=one["variant"])
        stops = [code.replace("_", " ") for code in one["stopped_by"]]
        assert all(stop in row.inner_text() for stop in stops), row.inner_text()
    assert eyes.page.get_by_role("button", name="Roll back").first.is_visible()


def test_an_address_of_no_page_is_answered_by_the_page_with_ways_on(look: Look, room: Desk) -> None:
    eyes = look(room, None, allowed=[r"status of 404"])
    answer = eyes.page.goto("/no/such/page")
    assert answer is not None
    assert answer.status == 404
    eyes.part("lost").get_by_text("There is nothing here").wait_for()
    assert "/no/such/page" in eyes.part("lost").inner_text()
    eyes.part("lost").get_by_role("link", name="Live").click()
    eyes.live()


def test_trades_say_when_why_and_at_what_cost_and_are_filtered_by_a_part(
    look: Look, room: Desk
) -> None:
    newest = room.get("/api/v1/trades?limit=100")["trades"]
    reasons = {one["reason"] for one in newest}
    eyes = look(room, "/trades")
    eyes.is_("live")
    assert "the market's time" in eyes.part("two-clocks").inner_text()
    table = eyes.page.locator("table.trades")
    row = table.locator("tbody tr").first
    row.wait_for()
    heads = table.locator("thead th").all_inner_texts()
    assert heads[:5] == ["Closed (market time)", "Entered", "Held", "Variant", "Strategy"]
    assert "Fees" in heads
    assert "UTC" not in row.inner_text(), "the market's time is nobody's UTC"
    assert "ma crossover" in row.inner_text()
    listed = eyes.page.locator("#reasons option").evaluate_all("all => all.map((o) => o.value)")
    assert set(listed) >= reasons, "those that were seen are offered"
    reason = next(iter(reasons))
    eyes.page.get_by_label("Containing").fill(reason[:3].upper())
    eyes.page.get_by_text('"Containing" looks through').wait_for()
    at = heads.index("Reason") + 1
    found = table.locator(f"tbody td:nth-of-type({at - 1})").all_inner_texts()
    assert found, "a part of the word is enough"
    eyes.page.get_by_label("Containing").fill("nothing is called so")
    eyes.page.get_by_text("No closed trade matches among the").wait_for()
    eyes.page.get_by_label("Containing").fill("")
    eyes.page.get_by_label("Reason").fill(reason)
    eyes.page.wait_for_url(f"**/trades?reason={reason.replace(' ', '+')}")
    assert eyes.violations() == []
    eyes.page.get_by_label("Reason").fill("one that nobody has seen")
    eyes.page.get_by_text("No closed trade matches.").wait_for()


def test_a_page_without_a_match_leads_on_to_older_trades(look: Look, room: Desk) -> None:
    eyes = look(room, None)
    asked: list[str] = []

    def first_is_empty(route: Any) -> None:
        answer = route.fetch()
        said = answer.json()
        if "before" in route.request.url:
            asked.append(route.request.url)
        else:
            said |= {"trades": [], "next": said["trades"][0]["id"]}
        route.fulfill(response=answer, json=said)

    eyes.page.route("**/api/v1/trades?limit=100*", first_is_empty)
    eyes.go("/trades")
    eyes.page.get_by_text("No closed trade matches among what was read so far").wait_for()
    eyes.page.get_by_role("button", name="Older").dblclick()
    eyes.page.locator("table.trades tbody tr").nth(1).wait_for()
    assert len(asked) == 1, "what is fetched already is not fetched twice"


def test_trades_fit_a_telephone_with_their_buttons(look: Look, room: Desk) -> None:
    small = {"width": 390, "height": 844}
    eyes = look(room, "/trades", viewport=small, is_mobile=True)
    button = eyes.page.get_by_role("button", name="Replay command").first
    button.wait_for()
    box = button.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= small["width"]
    assert eyes.overflow() <= 0
    assert eyes.violations() == []


def test_evidence_fits_a_telephone(look: Look, room: Desk) -> None:
    changed = promotion(room)
    assert changed is not None
    small = {"width": 390, "height": 844}
    eyes = look(room, f"/promotions/{changed['id']}", viewport=small, is_mobile=True)
    eyes.part("evidence").get_by_text("The verdict behind it").wait_for()
    eyes.part("evidence").get_by_text("Computed once more").click()
    assert eyes.overflow() <= 0


def test_the_replay_says_so_and_cannot_be_stopped(look: Look, room: Desk) -> None:
    eyes = look(room).live()
    assert "speed" in eyes.part("band").inner_text()
    eyes.page.keyboard.press("Shift+X")
    assert "there is nothing to stop" in eyes.page.get_by_role("dialog").inner_text()
    assert eyes.part("halt").is_disabled()
    assert eyes.violations() == []


@pytest.mark.parametrize("theme", THEMES)
def test_what_a_chart_says_can_be_read(look: Look, room: Desk, browser: Any, theme: str) -> None:
    eyes = look(room, f"/v/{rival(room)}", color_scheme=theme, device_scale_factor=2)
    chart = eyes.page.locator("figure.chart", has_text="Equity beside").first
    chart.locator("canvas").first.wait_for()
    chart.locator(".legend .swatch").nth(1).wait_for()
    eyes.page.wait_for_timeout(500)
    box = chart.locator(".uplot").bounding_box()
    plot = chart.locator(".u-over").bounding_box()
    assert box is not None
    assert plot is not None
    picture = decoded(browser, chart.locator(".uplot").screenshot())
    left, below = 2 * int(plot["x"] - box["x"]), 2 * int(plot["y"] + plot["height"] - box["y"])
    paper = background(picture)
    assert (paper.sum() < 128) == (theme == "dark")
    labels = {"side": picture[: below - 2, : left - 24], "foot": picture[below + 24 :, left:]}
    for name, part in labels.items():
        assert strongest(part) >= TEXT, f"labels at the {name}: {strongest(part):.2f}"
    inside = picture[4 : below - 4, left + 4 : -4].reshape(-1, 3)
    standing_out = contrast(inside, paper) >= SHAPE
    assert standing_out.sum() > 200, "no line can be seen"
    legend = chart.locator(".legend .swatch").all()
    assert len(legend) in (2, 3), "two curves, and the band once there is one"
    for swatch in legend:
        rgb = eyes.page.evaluate(
            "(at) => getComputedStyle(at).backgroundColor", swatch.element_handle()
        )
        wanted = [int(n) for n in rgb.strip("rgb()").split(",")]
        near = abs(inside.astype(int) - wanted).max(axis=1) <= 24
        assert near.sum() > 50, f"no line of {rgb}"


@pytest.mark.parametrize("theme", THEMES)
def test_bars_and_points_can_be_read_too(
    look: Look, room: Desk, pages: dict[str, str], browser: Any, theme: str
) -> None:
    eyes = look(room, pages["variant"], color_scheme=theme, device_scale_factor=2)
    bars = eyes.page.locator("figure.chart", has_text="Signal bars").locator(".canvas")
    bars.locator("canvas").first.wait_for()
    eyes.page.wait_for_timeout(500)
    picture = decoded(browser, bars.screenshot())
    assert (background(picture).sum() < 128) == (theme == "dark")
    assert strongest(picture[-44:, 200:-200]) >= TEXT, "times"
    inside = picture[20:-60, 20:-200].reshape(-1, 3)
    assert (contrast(inside, background(picture)) >= SHAPE).sum() > 200, "no bar can be seen"
    eyes.go(pages["round"])
    points = eyes.page.locator("figure.chart canvas.drawing").first
    points.wait_for()
    eyes.page.wait_for_timeout(300)
    drawn = decoded(browser, points.screenshot())
    assert strongest(drawn[:, :140]) >= TEXT, "figures at the side"
    dots = contrast(drawn[8:-60, 160:-30].reshape(-1, 3), background(drawn)) >= SHAPE
    assert dots.sum() > 100, "no point can be seen"


def test_whoever_is_not_there_is_said_not_to_be(look: Look, room: Desk) -> None:
    eyes = look(room, "/v/nobody", allowed=[r"status of 404"])
    eyes.page.get_by_text("there is no variant").wait_for()
    assert eyes.page.locator("figure.chart").count() == 0, "no empty chart of nobody"
    eyes.go(f"/compare?ids=nobody,{rival(room)}")
    eyes.page.get_by_text("Not there (any more): nobody").wait_for()


def test_a_chart_has_its_numbers_as_a_table(look: Look, room: Desk) -> None:
    one = rival(room)
    eyes = look(room, f"/v/{one}")
    chart = eyes.page.locator("figure.chart", has_text="Equity beside").first
    chart.get_by_role("button", name="Show as table").click()
    chart.locator("tbody tr").nth(5).wait_for()
    label = chart.locator("[role=img]").get_attribute("aria-label") or ""
    assert one in label
    assert eyes.violations() == []
