"""The look at everything: each second, whatever the guard does; and who hears of it outside."""

import asyncio
from pathlib import Path
from typing import Any

from liveopt.web.watch import ASKED_S, LOOK_S
from tests.unit.web.house import house
from tests.unit.web.test_hooks import REFUSED_BY_IDNA, hanging, receiver


async def test_a_stop_and_its_end_are_told_whatever_another_address_does(tmp_path: Path) -> None:
    async with (
        hanging() as slow,
        receiver() as (url, got),
        house(tmp_path, webhooks=(REFUSED_BY_IDNA, slow, url)) as home,
    ):

        def told() -> list[tuple[str, bool]]:
            found: list[dict[str, Any]] = [one["alert"] for one in got]  # type: ignore[misc]
            return [(one["id"], one["active"]) for one in found if one["id"] == "emergency_stop"]

        home.service.hooks.first_s = 0.01
        assert (await home.ask("POST", "/api/optimizer/stop")).status == 200
        await home.until(lambda: told() == [("emergency_stop", True)])
        assert (await home.ask("POST", "/api/optimizer/stop")).status == 200, "again, and no new"
        await asyncio.sleep(2.5 * LOOK_S)
        assert told() == [("emergency_stop", True)]
        said = await home.ask("POST", "/api/optimizer/resume", {"reason": "over"})
        assert said.status == 200, said.raw
        await home.until(lambda: told() == [("emergency_stop", True), ("emergency_stop", False)])
        await home.until(lambda: home.service.hooks.addresses[0].lost > 0)
        assert home.service.parts.failing(asyncio.get_running_loop().time()) == {}


async def test_a_guard_that_hangs_is_known_soon_and_one_that_is_back_as_well(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home, hanging() as url:
        control = tmp_path / "control.json"
        good = control.read_bytes()
        port = url.partition("127.0.0.1:")[2].partition("/")[0]
        control.write_bytes(good.replace(str(home.guard.door.port).encode(), port.encode()))
        began_s = asyncio.get_running_loop().time()
        await home.until(lambda: home.service.guard is None)
        assert asyncio.get_running_loop().time() - began_s < ASKED_S + 2 * LOOK_S

        def silent() -> bool:
            line = home.service.alerts.lines.get("guard_silent")
            return line is not None and line.active

        await home.until(silent)
        control.write_bytes(good)
        await home.until(lambda: not silent())
        assert home.service.guard is not None
