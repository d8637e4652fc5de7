"""Every page in both themes: axe has nothing against it, and charts can be read."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.conftest import OUT
from tests.browser.desk import Desk, desk
from tests.browser.eyes import Eyes
from tests.browser.market import PASSES, waves
from tests.browser.pixels import background, contrast, decoded, strongest
from tests.kill.stage import wait_for

Look = Callable[..., Eyes]
THEMES = ("dark", "light")
TEXT, SHAPE = 4.5, 3.0
"""Least contrast of text and of what else carries meaning (WCAG 2.2, 1.4.3 and 1.4.11)."""


@pytest.fixture(scope="module")
def room(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A recording on which somebody is promoted."""
    folder = tmp_path_factory.mktemp("pages")
    with desk(folder, waves(folder / "waves.csv"), PASSES) as found:
        wait_for(lambda: promotion(found), 60.0, every_s=0.2)
        yield found


def promotion(of: Desk) -> dict[str, Any] | None:
    """The newest change of champion that was earned."""
    all_ = of.get("/api/v1/promotions")["promotions"]
    return next((one for one in all_ if one["kind"] == "promotion" and one["earned"]), None)


def rival(of: Desk) -> str:
    """Somebody who is not the champion now."""
    all_ = of.get("/api/v1/variants?limit=50&sort=p_value")["variants"]
    found: str = next(one["id"] for one in all_ if not one["champion"])
    return found


@pytest.fixture(scope="module")
def pages(room: Desk) -> dict[str, str]:
    """Name and address of each."""
    changed = promotion(room)
    assert changed is not None
    one, other = changed["variant"], changed["champion"]
    (room.state / "data").mkdir()
    waves(room.state / "data" / "WAVES-1m.csv", 4_000)
    status, _, body = room.ask("POST", "/api/v1/optimize/single", ORDER)
    assert status in (200, 201, 202), body
    job = f"/api/v1/jobs/{body['job_id']}"
    wait_for(lambda: room.get(job)["status"] not in ("queued", "running"), 90.0, every_s=0.3)
    assert room.get(job)["status"] == "completed", room.get(job)
    return {
        "live": "/", "variant": f"/v/{one}", "champion": f"/v/{other}",
        "compare": f"/compare?ids={one},{other}", "promotions": "/promotions",
        "promotion": f"/promotions/{changed['id']}", "trades": "/trades", "jobs": "/jobs",
        "job": f"/jobs/{body['job_id']}", "system": "/system", "alerts": "/alerts",
        "settings": "/settings", "nobody": "/v/nobody",
    }  # fmt: skip


ORDER = {
    "strategy_name": "ma_crossover",
    "asset": "WAVES",
    "timeframe": "1m",
    "optimization_config": {"max_evals": 10},
}


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
    assert len(legend) == 2
    for swatch in legend:
        rgb = eyes.page.evaluate(
            "(at) => getComputedStyle(at).backgroundColor", swatch.element_handle()
        )
        wanted = [int(n) for n in rgb.strip("rgb()").split(",")]
        near = abs(inside.astype(int) - wanted).max(axis=1) <= 24
        assert near.sum() > 50, f"no line of {rgb}"


def test_a_chart_has_its_numbers_as_a_table(look: Look, room: Desk) -> None:
    one = rival(room)
    eyes = look(room, f"/v/{one}")
    chart = eyes.page.locator("figure.chart", has_text="Equity beside").first
    chart.get_by_role("button", name="Show as table").click()
    chart.locator("tbody tr").nth(5).wait_for()
    label = chart.locator("[role=img]").get_attribute("aria-label") or ""
    assert one in label
    assert eyes.violations() == []
