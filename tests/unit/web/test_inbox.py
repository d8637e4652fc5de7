"""The inbox on the disk: a restart of the web process forgets no alert and no acknowledgement."""

import asyncio
import threading
from pathlib import Path

import msgspec
import pytest

from liveopt import whole
from liveopt.web import inbox as module
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


async def test_a_write_that_hangs_does_not_end_up_over_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, goes_on, ended, plain = threading.Event(), threading.Event(), list[int](), whole.write

    def write(path: Path, content: bytes, *, synced: bool = True) -> None:
        if not began.is_set():  # the disk hangs at the first
            began.set()
            goes_on.wait(20.0)
        try:
            plain(path, content, synced=synced)
        finally:
            ended.append(len(content))

    monkeypatch.setattr(module, "LOOK_S", 0.001)
    monkeypatch.setattr(whole, "write", write)
    now = named(line())
    inbox = Inbox(tmp_path, lambda: now)
    task = asyncio.create_task(inbox.run())
    assert await asyncio.to_thread(began.wait, 20.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    now = named(line(active=False))
    closing = threading.Thread(target=inbox.close)
    closing.start()
    closing.join(0.3)
    goes_on.set()
    closing.join()
    async with asyncio.timeout(20):
        while len(ended) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert Inbox(tmp_path, dict).read() == now


def test_what_was_taken_first_is_not_kept_last(tmp_path: Path) -> None:
    now = named(line())
    inbox = Inbox(tmp_path, lambda: now)
    late = inbox._taken()
    now = named(line(active=False))
    inbox.close()
    inbox._keep(*late)
    assert Inbox(tmp_path, dict).read() == now


def test_a_write_that_failed_is_tried_again(tmp_path: Path) -> None:
    lines = named(line())
    inbox = Inbox(tmp_path, lambda: lines)
    part = tmp_path / f"{FILE}.part"
    part.mkdir()
    inbox.close()
    part.rmdir()
    inbox.close()
    assert Inbox(tmp_path, dict).read() == lines
