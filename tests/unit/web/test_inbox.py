"""The inbox on the disk: a restart of the web process forgets no alert and no acknowledgement."""

from pathlib import Path

import msgspec
import pytest

from liveopt.web.alerts import Alert, Alerts
from liveopt.web.inbox import FILE, SEEN_S, Inbox, Lines
from tests.unit.web.house import house

ID = "emergency_stop"
pytestmark = pytest.mark.timeout(60)


def line(id_: str = "memory", last_ms: int = 5, *, active: bool = True) -> Alert:
    return Alert(id_, id_.partition(".")[0], "warning", "why", 1, last_ms, 2, active, "somebody")


def named(*lines: Alert) -> Lines:
    return {one.id: one for one in lines}


def test_what_is_closed_is_read_again(tmp_path: Path) -> None:
    lines = named(line(), line("part_failed.jobs", active=False))
    Inbox(tmp_path, lambda: lines).close()
    assert Inbox(tmp_path, dict).read() == lines
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_where_nothing_is_new(tmp_path: Path) -> None:
    Inbox(tmp_path, lambda: named(line())).close()
    again = Inbox(tmp_path, lambda: named(line()))
    again.read()
    (tmp_path / FILE).unlink()
    again.close()
    assert not (tmp_path / FILE).exists()


def test_when_one_was_last_seen_is_written_seldom_and_what_became_of_it_at_once(
    tmp_path: Path,
) -> None:
    now = named(line())
    Inbox(tmp_path, lambda: now).close()
    inbox = Inbox(tmp_path, lambda: now)
    inbox.read()
    now = named(line(last_ms=6))
    assert not inbox._is_new(SEEN_S - 1.0)
    assert inbox._is_new(SEEN_S)
    now = named(line(active=False))
    assert inbox._is_new(1.0)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'[{"id": 1}]'])
def test_a_file_that_cannot_be_read_is_an_empty_inbox(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert Inbox(tmp_path, dict).read() == {}


async def test_alerts_and_who_has_seen_them_survive_a_restart(tmp_path: Path) -> None:
    first = tmp_path / "state"
    first.mkdir()
    async with house(first) as home:
        stop = {"action": "emergency_stop", "reason": "a test"}
        assert (await home.ask("POST", "/api/optimizer/stop", stop)).status == 200
        await home.until(lambda: ID in home.service.alerts.lines)
        said = await home.ask("POST", f"/api/v1/alerts/{ID}/acknowledge", {"by": "me"})
        assert said.status == 200, said.raw
        await home.until(lambda: b"me [" in _content(first))
    kept = msgspec.json.decode((first / FILE).read_bytes(), type=list[Alert])
    assert [one.active for one in kept if one.code == ID] == [True]
    second = tmp_path / "again"
    second.mkdir()
    (second / FILE).write_bytes((first / FILE).read_bytes())
    async with house(second) as home:
        found = (await home.ask("GET", "/api/v1/alerts")).body["alerts"]
        (one,) = [one for one in found if one["code"] == ID]
        assert one["count"] == 1
        assert one["acknowledged_by"].startswith("me [")


def _content(folder: Path) -> bytes:
    path = folder / FILE
    return path.read_bytes() if path.exists() else b""


def test_alerts_are_of_the_inbox_that_was_recalled() -> None:
    alerts = Alerts(lambda: 1)
    alerts.recall(named(line()))
    assert alerts.all() == [line()]
