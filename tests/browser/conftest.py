"""A real Chromium, pages that keep account of their errors, and a service for each module."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from liveopt.cli import front
from tests.browser.desk import Desk, desk
from tests.browser.eyes import Eyes

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HERE = Path(__file__).parent
USUAL = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
NO_CHROMIUM = "no Chromium: name one in LIVEOPT_CHROMIUM, or install the package chromium"
NO_PLAYWRIGHT = "playwright is not installed (the extra dev has it)"
NOT_BUILT = "the dashboard is not built: make ui"
OUT = Path(__file__).parents[2] / "build" / "screenshots"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is in this folder is marked, one worker runs a module, and each has time."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group(f"browser-{item.path.stem}"))
            item.add_marker(pytest.mark.timeout(180), append=False)


def lacking() -> str:
    """What a browser's test cannot do without and is not here; empty if all is."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        return NO_PLAYWRIGHT
    if not chromium():
        return NO_CHROMIUM
    return "" if front.is_built() else NOT_BUILT


def chromium() -> str:
    """The program; a name that leads nowhere is no reason to take another."""
    wanted = os.environ.get("LIVEOPT_CHROMIUM")
    return (shutil.which(wanted) or "") if wanted else (shutil.which(USUAL) or "")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Of one module: Playwright's loop must be gone before a test with a loop of its own runs."""
    if why := lacking():
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            yield found
        finally:
            found.close()


@pytest.fixture(scope="module")
def room(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The service of this module, which somebody has signed in to."""
    with desk(tmp_path_factory.mktemp("desk")) as found:
        yield found


@pytest.fixture
def look(browser: "Browser") -> Iterator[Callable[..., Eyes]]:
    """Opens pages; those that complained of anything unexpected fail the test at its end."""
    opened: list[Eyes] = []

    def one(at: Desk, path: str | None = "/", **how: object) -> Eyes:
        eyes = Eyes(browser, at, how)
        opened.append(eyes)
        if path is not None:
            eyes.go(path)
        return eyes

    yield one
    wrong = [line for eyes in opened for line in eyes.close()]
    assert not wrong, wrong
