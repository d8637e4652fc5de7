"""`liveopt doctor`: every check against the real thing, whole and broken."""

import asyncio
import json
import os
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from numba.core.errors import NumbaError

from liveopt.cli import front
from liveopt.cli.doctor import machine
from liveopt.config import Settings
from liveopt.engine.batch import Batch
from liveopt.engine.cpu import Cpu
from liveopt.engine.device import Choice, Device
from liveopt.engine.gpu import Gpu, NoGpu
from liveopt.engine.rows import Rows
from liveopt.exchange_sim.server import Setup, Simulator
from liveopt.guard.latch import Change, Latch
from liveopt.guard.lock import Lock
from liveopt.journal.appender import Ground
from liveopt.journal.folder import new_run
from liveopt.journal.recovery import FRESH, recover
from liveopt.journal.snapshots import save
from liveopt.journal.writer import Writer
from liveopt.live.clock import Clock

Call = Callable[..., tuple[int, str, str]]
Found = dict[str, dict[str, Any]]
OURS = re.compile(r"LIVEOPT_|OPTIMIZER_|KUCOIN_|DEMO_MODE|PORT$|.*_PROXY$", re.IGNORECASE)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if OURS.match(n) and n != "LIVEOPT_CACHE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LIVEOPT__CONTROL__PORT", "0")
    monkeypatch.setenv("LIVEOPT__WEB__PORT", "0")


@contextmanager
def simulator(**options: Any) -> Iterator[str]:
    """An exchange with its own thread and loop, for the command has its own."""
    ready, address = threading.Event(), ""
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        nonlocal address
        start_ns = Clock().wall() + int(options.pop("ahead_s", 0.0) * 1e9)
        async with Simulator(Setup(start_ns, markets=("XBTUSDTM",), **options)) as sim:
            address = sim.futures_url
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(20)
        yield address
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()


def rows(call: Call, *options: str) -> tuple[int, Found]:
    code, out, _ = call("doctor", "--json", *options)
    said = json.loads(out)
    assert said["ok"] is (code == 0)
    return code, {row["check"]: row for row in said["checks"]}


def offline(call: Call) -> tuple[int, Found]:
    return rows(call, "--offline")


def test_a_good_machine_passes_and_nothing_is_left_behind(call: Call, tmp_path: Path) -> None:
    code, out, err = call("doctor", "--offline")
    assert code == 0, out + err
    words = [line.split()[:2] for line in out.splitlines() if "->" not in line]
    slow = words[5] == ["warn", "sync"]  # a disk may be slow; that is no fault
    names = ["settings", "python", "packages", "engine", "disk", "sync"]
    names += ["journal", "latch", "process", "port"]
    names += ["dashboard", "web"]
    words[5] = ["ok", "sync"] if slow else words[5]
    not_built = words[10] == ["warn", "dashboard"]  # a checkout has none until `make ui`
    words[10] = ["ok", "dashboard"] if not_built else words[10]
    assert words == [*(["ok", name] for name in names), ["skip", "exchange"]]
    assert list(tmp_path.iterdir()) == []


def test_the_engine_is_compared_with_plain_python(call: Call) -> None:
    engine = offline(call)[1]["engine"]
    assert engine["text"].startswith("cpu (") or engine["text"].startswith("gpu (")
    assert "equals plain Python" in engine["text"]


class Sloppy:
    """A machine on which the first cell comes out wrong."""

    name = "sloppy"

    def advance(
        self, batch: Batch, rows: Rows, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        Cpu(1).advance(batch, rows, progress)
        batch.cell(batch.program.state[0])[0] += 1e-9


class Broken:
    """A machine on which nothing compiles."""

    name = "broken"

    def advance(
        self, batch: Batch, rows: Rows, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        raise NumbaError("no LLVM\nand more")


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (Sloppy(), "differs from plain Python: sloppy: "),
        (Broken(), "does not compile: no LLVM"),
    ],
)
def test_an_engine_that_miscalculates_or_does_not_compile_fails(
    monkeypatch: pytest.MonkeyPatch, device: Device, words: str
) -> None:
    monkeypatch.setattr(machine, "choose", lambda *_: Choice(device, "to be tried"))
    found = machine.engine(Settings())
    assert found.status == "fail"
    assert found.text.startswith(words)
    assert found.mend


def test_a_gpu_that_is_insisted_upon_and_missing_fails() -> None:
    found = machine.engine(Settings.model_validate({"engine": {"device": "gpu"}}))
    try:
        Gpu()
    except NoGpu:
        assert found.status == "fail"
        assert 'engine.device = "auto"' in found.mend
    else:
        assert found.text.startswith("gpu (")


def test_bad_settings_fail_and_the_rest_is_looked_at(call: Call, tmp_path: Path) -> None:
    (tmp_path / "liveopt.toml").write_text("[live]\nvariant = 5\n")
    code, found = offline(call)
    assert code == 1
    assert found["settings"]["status"] == "fail"
    assert found["settings"]["text"].startswith("liveopt.toml:2: live.variant")
    assert found["engine"]["status"] == "ok"


def test_settings_that_do_not_fit_fail(call: Call, tmp_path: Path) -> None:
    (tmp_path / "liveopt.toml").write_text('[live]\nchampion = "zzz"\n')
    code, found = offline(call)
    assert code == 1
    assert "no strategy zzz" in found["settings"]["text"]


def test_packages_that_are_missing_or_old_are_named() -> None:
    found = machine.packages(["numpy>=99.1", "surely-not-there>=1", "typer", "x; extra == 'dev'"])
    assert found.status == "fail"
    assert re.search(r"numpy [\d.]+ is older than 99.1, surely-not-there is missing$", found.text)
    assert machine.packages(["numpy>=1.0", "typer"]).status == "ok"


def test_a_folder_that_cannot_be_written_to_fails(call: Call, tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    code, found = offline(call)
    assert code == 1
    assert found["disk"]["status"] == "fail"
    assert "sync" not in found
    assert found["folder"]["text"].endswith("cannot be read: Not a directory")


@pytest.mark.parametrize(
    ("free_mib", "status"), [(271, "fail"), (273, "warn"), (2047, "warn"), (2049, "ok")]
)
def test_a_disk_needs_room_for_every_journal_and_the_ballast(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free_mib: int, status: str
) -> None:
    def usage(_: Path) -> SimpleNamespace:
        return SimpleNamespace(free=free_mib << 20)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    found, _ = machine.disk(Settings.model_validate({"journal": {"folder": str(tmp_path)}}))
    assert (found.check, found.status) == ("disk", status)


def test_a_disk_that_is_full_when_it_must_keep_a_record_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)
    journal = {"folder": str(tmp_path)}
    *_, found = machine.disk(Settings.model_validate({"journal": journal}))
    assert (found.check, found.status) == ("sync", "fail")
    assert "No space left" in found.text


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that ended well, with 20 inputs."""
    folder = new_run(tmp_path / "logs", "20261121-083000")
    ground = Ground(folder, {"run": folder.name}, Clock().wall)
    troubles: list[object] = []
    writer = Writer(ground, {"inputs": FRESH, "decisions": FRESH}, lambda *t: troubles.append(t))
    for number in range(20):
        writer.append("inputs", b'{"number":%d}' % number)
    writer.close()
    assert not troubles
    return folder


def test_sound_journals_pass(call: Call, run: Path) -> None:
    code, out, _ = call("doctor", "--offline")
    assert code == 0
    assert re.search(r"ok +journal +20261121-083000/inputs: 2\d records sound from the start", out)
    assert "20261121-083000/decisions: " in out


def test_a_journal_that_was_changed_fails_with_its_place(call: Call, run: Path) -> None:
    file = run / "inputs-000001.jsonl"
    file.chmod(0o600)
    file.write_bytes(file.read_bytes().replace(b'"number":3', b'"number":4', 1))
    before = file.read_bytes()
    code, out, _ = call("doctor", "--offline")
    assert code == 1
    assert re.search(r"fail +journal +.*inputs-000001.jsonl: line \d+, byte \d+: ", out)
    assert file.read_bytes() == before


def test_a_torn_journal_is_a_warning_for_the_start_mends_it(call: Call, run: Path) -> None:
    file = run / "inputs-000001.jsonl"
    with file.open("ab") as opened:
        opened.write(b'{"number":')
    before = file.read_bytes()
    code, out, _ = call("doctor", "--offline")
    assert code == 0
    assert re.search(r"warn +journal +.*inputs: .* then torn", out)
    assert file.read_bytes() == before


def test_what_lies_before_a_snapshot_is_not_read_again(call: Call, run: Path) -> None:
    save(run, {name: recover(run, name).position for name in ("inputs", "decisions")}, b"state")
    code, out, _ = call("doctor", "--offline")
    assert code == 0
    assert "20261121-083000/inputs: 0 records sound since record 20" in out


def test_a_snapshot_that_is_off_the_chain_is_not_trusted(call: Call, run: Path) -> None:
    place = recover(run, "inputs").position
    save(run, {"inputs": msgspec.structs.replace(place, head="0" * 64)}, b"state")
    assert "records sound from the start" in call("doctor", "--offline")[1]


def test_a_halt_latch_is_a_warning_with_the_way_out(call: Call, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    latch = Latch(tmp_path / "logs" / "latch")
    latch.set(Change("too hot", "me", 1))
    latch.close()
    code, found = offline(call)
    assert code == 0
    assert found["latch"]["status"] == "warn"
    assert "too hot" in found["latch"]["text"]
    assert "liveopt resume --reason" in found["latch"]["mend"]


def test_a_latch_that_cannot_be_read_fails(call: Call, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "latch").write_bytes(b"x" * 4096)
    code, found = offline(call)
    assert code == 1
    assert found["latch"]["status"] == "fail"


def test_a_run_is_told_and_one_that_ended_badly_too(call: Call, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "control.json").write_text('{"port": 1, "pid": 2, "token": "hunter2"}')
    with Lock(tmp_path / "logs" / "lock"):
        assert f"process {os.getpid()} runs here" in offline(call)[1]["process"]["text"]
    code, found = offline(call)
    assert code == 0
    assert found["process"]["status"] == "warn"
    assert "ended badly" in found["process"]["text"]
    assert "hunter2" not in json.dumps(found)


def test_a_port_that_is_taken_fails_unless_by_the_run_itself(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("LIVEOPT__CONTROL__PORT", str(port))
        code, found = offline(call)
        assert code == 1
        assert found["port"]["status"] == "fail"
        assert "control.port" in found["port"]["mend"]
        (tmp_path / "logs").mkdir()
        (tmp_path / "logs" / "control.json").write_text(
            json.dumps({"port": port, "token": "t", "pid": 1})
        )
        with Lock(tmp_path / "logs" / "lock"):
            assert offline(call)[1]["port"]["status"] == "ok"
    assert offline(call)[1]["port"]["text"] == f"127.0.0.1:{port} is free"


def test_the_port_of_the_dashboard_is_looked_at_unless_a_run_goes_on(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert offline(call)[1]["web"]["text"] == "any free port (web.port = 0)"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("LIVEOPT__WEB__PORT", str(port))
        code, found = offline(call)
        assert code == 1
        assert found["web"]["status"] == "fail"
        assert f"port {port} (web.port) is taken" in found["web"]["text"]
        assert "LIVEOPT__WEB__PORT=0" in found["web"]["mend"]
        (tmp_path / "logs").mkdir()
        with Lock(tmp_path / "logs" / "lock"):
            assert offline(call)[1]["web"]["status"] == "skip"
    assert offline(call)[1]["web"]["text"] == f"127.0.0.1:{port} is free"


def test_a_dashboard_that_is_not_built_costs_no_run(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(front, "STATIC", tmp_path)
    code, found = offline(call)
    assert (code, found["dashboard"]["status"]) == (0, "warn")
    assert "make ui" in found["dashboard"]["mend"]
    (tmp_path / "index.html").write_text("<!doctype html>")
    assert offline(call)[1]["dashboard"]["status"] == "ok"
    monkeypatch.setenv("LIVEOPT__WEB__ENABLED", "false")
    found = offline(call)[1]
    assert found["dashboard"]["status"] == "skip"
    assert "web" not in found


def test_doors_to_the_network_fail_without_what_they_take(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEOPT__WEB__HOST", "0.0.0.0")
    monkeypatch.setenv("LIVEOPT__WEB__EXPOSE", "true")
    monkeypatch.setenv("LIVEOPT__WEB__CERTIFICATE", "gone.pem")
    code, found = offline(call)
    assert code == 1
    assert found["web"]["status"] == "fail"
    assert "gone.pem" in found["web"]["text"]


def test_an_exchange_that_answers_passes(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with simulator() as address:
        monkeypatch.setenv("LIVEOPT__KUCOIN__FUTURES_URL", address)
        code, found = rows(call)
    assert code == 0, found
    for name in ("rest", "clock", "symbols", "socket"):
        assert found[name]["status"] == "ok", found[name]


def test_a_symbol_that_is_not_listed_fails(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with simulator() as address:
        monkeypatch.setenv("LIVEOPT__KUCOIN__FUTURES_URL", address)
        monkeypatch.setenv("LIVEOPT__LIVE__SYMBOLS", "XBTUSDTMM")
        code, found = rows(call)
    assert code == 1
    assert "did you mean XBTUSDTM?" in found["symbols"]["text"]


def test_a_clock_that_is_off_is_a_warning(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with simulator(ahead_s=60.0) as address:
        monkeypatch.setenv("LIVEOPT__KUCOIN__FUTURES_URL", address)
        code, found = rows(call)
    assert code == 0
    assert found["clock"]["status"] == "warn"
    assert found["clock"]["text"].startswith(("-59", "-60"))
    assert "NTP" in found["clock"]["mend"]


def test_a_socket_that_is_refused_fails(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with simulator(faults=[("connect-http", {"status": 503.0})]) as address:
        monkeypatch.setenv("LIVEOPT__KUCOIN__FUTURES_URL", address)
        code, found = rows(call)
    assert code == 1
    assert found["rest"]["status"] == "ok"
    assert found["socket"]["status"] == "fail"
    assert "WebSocket" in found["socket"]["mend"]


def test_someone_else_at_the_address_fails(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with simulator(faults=[("rest-html", {"status": 404.0})]) as address:
        monkeypatch.setenv("LIVEOPT__KUCOIN__FUTURES_URL", address)
        code, found = rows(call)
    assert code == 1
    assert found["rest"]["status"] == "fail"
    assert "futures_url" in found["rest"]["mend"]


def test_an_exchange_that_has_enough_of_us_is_a_warning(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulator(faults=[("rest-429", {"reset": 100.0})]) as address:
        monkeypatch.setenv("LIVEOPT__KUCOIN__FUTURES_URL", address)
        code, found = rows(call)
    assert code == 0
    assert found["rest"]["status"] == "warn"
    assert "wait" in found["rest"]["mend"]


def test_an_address_that_would_be_asked_in_the_clear_fails(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEOPT__KUCOIN__FUTURES_URL", "http://example.com")
    code, found = rows(call)
    assert code == 1
    assert "neither https nor on this machine" in found["exchange"]["text"]


def test_without_a_network_the_rest_is_skipped_with_the_reason(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("LIVEOPT__KUCOIN__FUTURES_URL", f"http://127.0.0.1:{port}")
    code, found = rows(call)
    assert code == 0
    assert found["rest"]["status"] == "warn"
    assert "liveopt demo" in found["rest"]["mend"]
    for name in ("clock", "symbols", "socket"):
        assert (found[name]["status"], found[name]["text"]) == ("skip", "REST did not answer")


@pytest.mark.parametrize("feed", ["sim", "a-recording"])
def test_a_feed_without_a_network_asks_nobody(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, feed: str
) -> None:
    (tmp_path / "a-recording").mkdir()
    monkeypatch.setenv("LIVEOPT__LIVE__FEED", feed)
    code, found = rows(call)
    assert code == 0
    assert found["exchange"]["status"] == "skip"
    assert feed in found["exchange"]["text"]


def test_the_help_has_an_example(call: Call) -> None:
    assert "Example" in call("doctor", "--help")[1]
