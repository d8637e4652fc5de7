"""`liveopt run` and `demo` up to the moment in which they become the guard."""

import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from liveopt.cli import front
from liveopt.cli.run import demo, run
from liveopt.config import ConfigError
from liveopt.guard.spec import Spec, read_spec
from liveopt.guard.web import TOKEN

OURS = re.compile(r"LIVEOPT_|OPTIMIZER_|KUCOIN_|DEMO_MODE|PORT$|MALLOC_", re.IGNORECASE)
LINK = re.compile(r"^  dashboard http://127\.0\.0\.1:(\d+)/#t=([A-Za-z0-9_-]{43}) ", re.MULTILINE)


class _Became(Exception):
    """The process would be the guard from here on."""


@dataclass
class Machine:
    """What `os.execv` was called with, and the environment that the guard would have."""

    folder: Path
    words: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def spec(self) -> Spec:
        return read_spec(self.words[-1])


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """Becoming another program is the one thing that a test cannot let happen."""
    found = Machine(tmp_path)

    def become(_program: str, words: list[str]) -> None:
        found.words, found.environment = words, dict(os.environ)
        raise _Became

    before = dict(os.environ)
    for name in [n for n in before if OURS.match(n) and n != "LIVEOPT_CACHE"]:
        del os.environ[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "execv", become)
    built = tmp_path / "static"
    built.mkdir()
    (built / "index.html").touch()
    monkeypatch.setattr(front, "STATIC", built)
    os.environ["LIVEOPT__WEB__PORT"] = "0"
    try:
        yield found
    finally:
        os.environ.clear()
        os.environ.update(before)
        if found.words and found.spec.web_socket is not None:
            with suppress(OSError):
                os.close(found.spec.web_socket)


def begin(command: Any, **options: Any) -> None:
    usual = {"speed": "1", "seconds": None, "headless": False}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        with pytest.raises(_Became):
            command(**(usual | options))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def test_the_address_is_where_the_inherited_socket_listens(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(demo, variants=10)
    said = LINK.search(capsys.readouterr().out)
    assert said is not None
    number = machine.spec.web_socket
    assert number is not None
    assert os.get_inheritable(number)
    with socket.socket(fileno=os.dup(number)) as listening:
        assert listening.getsockname() == ("127.0.0.1", int(said[1]))
    with socket.create_connection(("127.0.0.1", int(said[1])), 5.0):
        pass
    assert machine.environment[TOKEN] == said[2]


def test_the_word_of_the_link_is_on_no_command_line_and_in_no_file(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(demo, variants=10)
    word = machine.environment[TOKEN]
    out, err = capsys.readouterr()
    assert out.count(word) == 1
    assert word not in err
    assert word not in " ".join(machine.words)
    assert [p for p in machine.folder.rglob("*") if p.is_file() and word in p.read_text()] == []


def test_headless_keeps_the_process_and_says_nothing_and_makes_no_word(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(demo, variants=10, headless=True)
    assert capsys.readouterr().out == ""
    assert machine.spec.web is not None
    assert TOKEN not in machine.environment


def test_one_that_is_not_wanted_is_not_kept(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    os.environ["LIVEOPT__WEB__ENABLED"] = "false"
    begin(demo, variants=10)
    assert (machine.spec.web, machine.spec.web_socket) == (None, None)
    assert TOKEN not in machine.environment
    assert "dashboard" not in capsys.readouterr().out


def test_without_a_built_dashboard_it_says_how_to_build_it(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    (machine.folder / "static" / "index.html").unlink()
    begin(demo, variants=10)
    out = capsys.readouterr().out
    assert "`make ui`" in out
    assert "the API is at http://127.0.0.1:" in out
    assert "#t=" not in out
    assert machine.spec.web is not None


@pytest.mark.parametrize(
    ("feed", "mode", "speed"),
    [("sim", "demo", "20"), ("http://127.0.0.1:1", "paper", "1"), ("ticks.csv", "replay", "5")],
)
def test_it_knows_what_kind_of_market_it_shows(
    machine: Machine, feed: str, mode: str, speed: str
) -> None:
    Path("ticks.csv").touch()
    words = {"symbol": None, "variants": 5, "fresh": True, "real_orders": False}
    begin(run, feed=feed, speed=speed, **words)
    web = machine.spec.web
    assert web is not None
    assert web[:4] == [sys.executable, "-m", "liveopt", "web"]
    told = dict(zip(web[4::2], web[5::2], strict=True))
    assert (told["--mode"], told["--speed"]) == (mode, speed)
    engine = dict(zip(machine.spec.engine[4:8:2], machine.spec.engine[5:8:2], strict=True))
    assert {name: told[name] for name in ("--state", "--run")} == engine


def test_a_taken_port_ends_a_run_with_the_mend_and_moves_a_demo(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        os.environ["LIVEOPT__WEB__PORT"] = str(port)
        with pytest.raises(ConfigError, match=rf"port {port} .*LIVEOPT__WEB__PORT=0"):
            run(feed="http://127.0.0.1:1", variants=5)
        assert not machine.words
        begin(demo, variants=5)
    said = LINK.search(capsys.readouterr().out)
    assert said is not None
    assert int(said[1]) != port


def test_doors_to_the_network_are_refused_before_anything_listens(machine: Machine) -> None:
    os.environ |= {
        "LIVEOPT__WEB__HOST": "0.0.0.0",
        "LIVEOPT__WEB__EXPOSE": "true",
        "LIVEOPT__WEB__CERTIFICATE": "gone.pem",
    }
    with pytest.raises(ConfigError, match=r"gone\.pem"):
        demo(variants=5)
    assert not machine.words
