"""Log lines: where they go, how they look, and what must never be in them."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from liveopt import logs


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def structlog_as_found() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def line(stream: io.StringIO) -> dict[str, Any]:
    (only,) = lines(stream)
    return only


def test_a_line_is_json_where_nobody_watches(stream: io.StringIO) -> None:
    logs.setup(stream=stream)
    structlog.get_logger().info("started", variants=3, price=1.5, live=False, note=None)
    found = line(stream)
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "event": "started",
        "level": "info",
        "variants": 3,
        "price": 1.5,
        "live": False,
        "note": None,
    }


def test_a_line_is_for_eyes_on_a_terminal() -> None:
    terminal = Terminal()
    logs.setup(stream=terminal)
    structlog.get_logger().info("started", api_key="hunter2")
    assert "started" in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")
    assert "hunter2" not in terminal.getvalue()


def test_a_terminal_without_colour_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    logs.setup(stream=terminal)
    structlog.get_logger().info("started")
    assert "\x1b" not in terminal.getvalue()


def test_lines_go_to_stderr_unless_told(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup()
    structlog.get_logger().info("started")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["event"] == "started"


@pytest.mark.parametrize(
    ("level", "events"), [("info", ["b"]), ("debug", ["a", "b"]), ("error", [])]
)
def test_lines_below_the_level_are_left_out(
    stream: io.StringIO, level: logs.Level, events: list[str]
) -> None:
    logs.setup(level=level, stream=stream)
    log = structlog.get_logger()
    log.debug("a")
    log.info("b")
    assert [found["event"] for found in lines(stream)] == events


def test_a_logger_made_before_set_up_obeys_it(stream: io.StringIO) -> None:
    log = structlog.get_logger()
    logs.setup(stream=stream)
    log.info("late")
    assert line(stream)["event"] == "late"


@pytest.mark.parametrize(
    "name",
    [
        "key",
        "api_key",
        "apiSecret",
        "TOKEN",
        "passphrase",
        "db_password",
        "Authorization",
        "KC-API-SIGN",
        "kc-api-timestamp",
    ],
)
def test_a_value_with_a_secret_name_is_redacted(stream: io.StringIO, name: str) -> None:
    logs.setup(stream=stream)
    log = structlog.get_logger()
    log.info("flat", **{name: "hunter2"})
    log.info("nested", request={"headers": [{name: {"inner": "hunter2"}}]})
    log.info("pairs", headers=[(name, "hunter2"), (name.encode(), b"hunter2")])
    log.bind(**{name: "hunter2"}).info("bound")
    assert len(lines(stream)) == 4
    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count(logs.REDACTED) == 5


@pytest.mark.parametrize(
    "text",
    [
        "GET wss://host/endpoint?token=hunter2&id=7",
        "headers {'KC-API-KEY': 'hunter2', 'KC-API-SIGN': b'hunter2'}",
        "Authorization: Bearer hunter2",
        "Settings(api_key='hunter2', leverage=1.0)",
    ],
)
def test_a_secret_in_running_text_is_redacted(stream: io.StringIO, text: str) -> None:
    logs.setup(stream=stream)
    log = structlog.get_logger()
    log.info(text, nested=[text], raw=text.encode())
    lost = ConnectionError(text)
    log.error("lost", reason=lost, exc_info=lost)
    assert "ConnectionError" in lines(stream)[1]["exception"]
    assert "hunter2" not in stream.getvalue()


def test_what_is_no_secret_stays(stream: io.StringIO) -> None:
    logs.setup(stream=stream)
    fills = [{"side": "buy", "price": 100.5}, ("buy", 2)]
    structlog.get_logger().info(
        "unknown key: fee", fills=fills, symbols={"XBTUSDTM"}, reason=ValueError("no bars")
    )
    found = line(stream)
    assert found["event"] == "unknown key: fee"
    assert found["fills"] == [{"side": "buy", "price": 100.5}, ["buy", 2]]
    assert found["symbols"] == ["XBTUSDTM"]
    assert found["reason"] == "no bars"


def test_redaction_leaves_the_callers_data_alone(stream: io.StringIO) -> None:
    logs.setup(stream=stream)
    headers = {"KC-API-KEY": "hunter2"}
    structlog.get_logger().info("request", headers=headers)
    assert headers == {"KC-API-KEY": "hunter2"}


def test_a_value_that_holds_itself_ends(stream: io.StringIO) -> None:
    logs.setup(stream=stream)
    ring: list[object] = []
    ring.append(ring)
    structlog.get_logger().info("ring", ring=ring)
    assert "..." in stream.getvalue()
