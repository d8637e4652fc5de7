"""`liveopt journal`: says what is there, names what is wrong, and never writes to a journal."""

import csv
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest

from liveopt.cli.app import main
from liveopt.cli.journal import journal
from liveopt.journal.appender import Ground, Limits
from liveopt.journal.folder import new_run
from liveopt.journal.places import segment_path
from liveopt.journal.recovery import recover
from liveopt.journal.snapshots import save
from liveopt.journal.writer import Writer

Call = Callable[..., tuple[int, str, str]]
NAMES = ("inputs", "trades")
LIMITS = Limits(segment_bytes=2_000, batch_records=7, ballast_bytes=0)


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Call:
    """Run `liveopt journal` with arguments; exit code, stdout, stderr. It may write to no run."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["liveopt journal", *map(str, arguments)])
        before = {path: path.read_bytes() for path in tmp_path.glob("logs/*/*.jsonl")}
        with pytest.raises(SystemExit) as end:
            main(journal)
        assert all(path.read_bytes().startswith(data) for path, data in before.items())
        assert not list(tmp_path.glob("logs/*/*.torn-*"))
        out = capsys.readouterr()
        return int(end.value.code or 0), out.out, out.err

    return run


def _writer(run: Path) -> Writer:
    starts = {name: recover(run, name, repair=True) for name in NAMES}
    return Writer(Ground(run, {}, lambda: 1, LIMITS), starts, lambda *_: None)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of 60 inputs and 20 trades, with a snapshot in the middle."""
    there = new_run(tmp_path / "logs", "20261121-083000")
    writer = _writer(there)
    for number in range(1, 61):
        writer.append("inputs", b'{"price":%d.5,"type":"Tick"}' % number)
        if number % 3 == 0:
            writer.append("trades", b'{"note":"=%d","pnl":"-%d.25"}' % (number, number))
        if number == 30:
            writer.mark(lambda places: save(there, places, b"state"))
    writer.close()
    return there


def test_a_sound_run_is_called_sound(call: Call, run: Path) -> None:
    code, out, _ = call("verify", run)
    assert code == 0
    assert [line.split("\t")[:3] for line in out.splitlines()] == [
        ["journal", "verdict", "records"],
        ["inputs", "clean", "60"],
        ["trades", "clean", "20"],
    ]


def test_verify_says_in_json_what_it_found(call: Call, run: Path) -> None:
    code, out, _ = call("verify", run, "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["live"], found["verdict"]) == (False, "sound")
    assert [one["holds"] for one in found["snapshots"]] == [True]
    trades = found["journals"][1]
    assert trades["head"] == recover(run, "trades").position.head
    sizes = [path.stat().st_size for path in run.glob("trades-*.jsonl")]
    assert (trades["segments"], trades["bytes"]) == (len(sizes), sum(sizes))
    assert {trades[key] for key in ("file", "line", "byte", "why")} == {None}


def test_corruption_is_named_by_file_line_and_byte(call: Call, run: Path) -> None:
    path = segment_path(run, "inputs", 2)
    path.chmod(0o600)
    lines = path.read_bytes().splitlines(keepends=True)
    at = len(lines[0]) + len(lines[1])
    path.write_bytes(b"".join(lines).replace(lines[2][:20], lines[2][:9] + b"9" + lines[2][10:20]))
    code, _, err = call("verify", run)
    assert code == 1
    assert f"inputs is corrupt: {path}: line 3, byte {at}: is damaged" in err
    code, out, _ = call("verify", path, "--json")
    found = json.loads(out)
    assert (code, found["verdict"], len(found["journals"])) == (1, "corrupt", 1)
    wrong = found["journals"][0]
    assert (wrong["file"], wrong["line"], wrong["byte"]) == (str(path), 3, at)
    code, _, err = call("verify", segment_path(run, "trades", 1))
    assert (code, err) == (0, "")
    code, _, err = call("export", run, "--out", run.parent / "a.json")
    assert code == 1
    assert "only what lies before the damage is there" in err


def _second(run: Path) -> Path:
    """A later run beside the first, with inputs alone."""
    later = new_run(run.parent, "20261121-083001")
    starts = {"inputs": recover(later, "inputs", repair=True)}
    writer = Writer(Ground(later, {}, lambda: 1, LIMITS), starts, lambda *_: None)
    writer.append("inputs", b'{"price":1}')
    writer.close()
    return later


def _damage(run: Path) -> None:
    path = segment_path(run, "inputs", 1)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"price", b"pricf", 1))


def test_a_folder_of_runs_is_checked_run_by_run(call: Call, run: Path) -> None:
    later = _second(run)
    new_run(run.parent, "20261121-083002")  # killed before it wrote a line
    logs = run.parent
    code, out, err = call("verify", logs)
    assert code == 0
    assert [line.split("\t")[:4] for line in out.splitlines()] == [
        ["run", "journal", "verdict", "records"],
        [later.name, "inputs", "clean", "1"],
        [run.name, "inputs", "clean", "60"],
        [run.name, "trades", "clean", "20"],
    ]
    assert "20261121-083002 has no journals" in err
    _damage(run)  # the older one
    code, _, err = call("verify", logs)
    assert code == 1
    assert f"{run.name}: inputs is corrupt" in err
    code, out, _ = call("verify", logs, "--json")
    found = json.loads(out)
    assert (code, found["verdict"]) == (1, "corrupt")
    assert [one["verdict"] for one in found["runs"]] == ["sound", "corrupt"]
    assert call("verify", later)[0] == 0


def test_one_journal_of_all_runs_can_be_checked(call: Call, run: Path) -> None:
    _second(run)
    _damage(run)
    assert call("verify", run.parent, "-j", "trades")[0] == 0
    code, _, err = call("verify", run.parent, "-j", "decisions")
    assert (code, "a journal decisions" in err) == (1, True)


def test_the_way_to_the_latest_run_means_that_run_alone(call: Call, run: Path) -> None:
    _second(run)
    _damage(run)
    assert call("verify", run.parent / "latest")[0] == 0


def _tear(run: Path) -> Path:
    last = max(run.glob("inputs-*.jsonl"))
    last.write_bytes(last.read_bytes()[:-10])
    return last


def test_a_tear_is_no_error_and_the_next_start_mends_it(call: Call, run: Path) -> None:
    _tear(run)
    code, out, err = call("verify", run)
    assert code == 0
    assert "inputs\ttorn\t60" in out
    assert "inputs was torn by a crash" in err


def test_half_a_batch_of_a_living_writer_is_being_written(call: Call, run: Path) -> None:
    writer = _writer(run)
    try:
        _tear(run)
        code, out, _ = call("verify", run, "--json")
    finally:
        writer.close()
    found = json.loads(out)
    assert (code, found["live"], found["verdict"]) == (0, True, "sound")
    assert found["journals"][0]["verdict"] == "being written"


def test_a_run_that_is_being_written_is_never_called_corrupt(call: Call, run: Path) -> None:
    writer = _writer(run)
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            for _ in range(5):
                writer.append("inputs", b'{"price":1,"note":"%b"}' % (b"x" * 300))
            time.sleep(0.0002)

    thread = threading.Thread(target=write)
    thread.start()
    verdicts = [json.loads(call("verify", run, "--json")[1])["verdict"] for _ in range(10)]
    code, _, err = call("export", run, "--out", run.parent / "a.parquet")
    over.set()
    thread.join()
    writer.close()
    assert verdicts == ["sound"] * 10
    assert (code, err.split()[1:3]) == (0, ["records", "in"])


def test_the_last_records_are_shown_with_the_name_before_each_of_several(
    call: Call, run: Path
) -> None:
    assert call("tail", run, "-n", 1)[1].splitlines() == [
        'inputs\t{"price":60.5,"type":"Tick"}',
        'trades\t{"note":"=60","pnl":"-60.25"}',
    ]
    code, out, _ = call("tail", run, "-n", 2, "--journal", "inputs")
    assert code == 0
    assert [json.loads(line)["price"] for line in out.splitlines()] == [59.5, 60.5]


def test_nothing_in_a_journal_moves_the_cursor(call: Call, run: Path) -> None:
    writer = _writer(run)
    writer.append("trades", b'{"note":"\x1b[2J\xc2\x9b"}')
    writer.close()
    assert call("tail", run, "-n", 1, "-j", "trades")[1] == '{"note":"\\u001b[2J\\u009b"}\n'


def test_what_is_appended_is_followed(run: Path) -> None:
    command = [sys.executable, "-c", "from liveopt.cli.app import main\n"
               "from liveopt.cli.journal import journal\nmain(journal)",
               "tail", str(run), "-j", "trades", "-n", "1", "-f"]  # fmt: skip
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None
        try:
            assert json.loads(process.stdout.readline())["note"] == "=60"
            writer = _writer(run)
            writer.append("trades", b'{"note":"new"}')
            assert json.loads(process.stdout.readline())["note"] == "new"
            writer.close()
        finally:
            process.kill()


def test_trades_become_a_table_without_live_formulas(call: Call, run: Path) -> None:
    out = run.parent / "trades.csv"
    code, _, err = call("export", run, "-j", "trades", "--out", out)
    assert (code, err) == (0, f"20 records in {out}\n")
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {"~journal": "trades", "~n": "1", "note": "'=3", "pnl": "-3.25"}
    assert len(rows) == 20


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A run whose trades lie among other records, as those of variants do."""
    there = new_run(tmp_path / "logs", "20261121-090000")
    writer = _writer(there)
    for number in range(1, 6):
        at_ns = 1_700_000_000_000_000_000 + number * 1_000_000
        writer.append("trades", b'{"type":"VariantStarted","at_ns":%d,"knobs":{"a":1}}' % at_ns)
        record = b'{"type":"Trade","at_ns":%d,"bar_ns":60000000000,"net":%d.5}'
        writer.append("trades", record % (at_ns, number))
    writer.append("inputs", b'{"type":"Tick"}')
    writer.close()
    return there


def test_records_of_one_kind_are_a_table_of_nothing_else_with_times_to_read(
    call: Call, mixed: Path
) -> None:
    out = mixed.parent / "trades.csv"
    assert call("export", mixed, "--only", "Trade", "--out", out)[0] == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "at_ns": "1700000000001000000", "at_utc": "2023-11-14T22:13:20.001Z",
        "bar_ns": "60000000000", "net": "1.5",
    }  # fmt: skip
    assert [row["net"] for row in rows] == ["1.5", "2.5", "3.5", "4.5", "5.5"]
    table = mixed.parent / "trades.parquet"
    assert call("export", mixed, "--only", "Trade", "--out", table)[0] == 0
    assert pyarrow.parquet.read_table(table).column_names == ["at_ns", "bar_ns", "net"]
    kept = mixed.parent / "trades.json"
    assert call("export", mixed, "-j", "trades", "--only", "Trade", "--out", kept)[0] == 0
    assert [one["~n"] for one in json.loads(kept.read_text())] == [2, 4, 6, 8, 10]


def test_a_kind_that_is_not_there_is_refused_with_those_that_are(call: Call, mixed: Path) -> None:
    out = mixed.parent / "trades.csv"
    code, _, err = call("export", mixed, "--only", "trade", "--out", out)
    assert (code, out.exists()) == (1, False)
    assert err.endswith("no record of the kind trade; there is Tick, Trade, VariantStarted\n")


def test_each_journal_of_a_run_is_a_table_of_its_own(call: Call, run: Path) -> None:
    code, _, err = call("export", run, "--out", run.parent / "a.parquet")
    assert code == 0
    assert [line.split()[0] for line in err.splitlines()] == ["60", "20"]
    inputs = pyarrow.parquet.read_table(run.parent / "a-inputs.parquet")
    assert (inputs.num_rows, inputs.column_names) == (60, ["~journal", "~n", "price", "type"])
    trades = pyarrow.parquet.read_table(run.parent / "a-trades.parquet")
    assert (trades.num_rows, trades.column_names) == (20, ["~journal", "~n", "note", "pnl"])
    assert not (run.parent / "a.parquet").exists()
    assert call("export", run, "--out", run.parent / "a.json")[0] == 0
    found = json.loads((run.parent / "a-trades.json").read_text())
    assert {one["~journal"] for one in found} == {"trades"}
    assert found[-1]["record"] == {"note": "=60", "pnl": "-60.25"}
    assert len(json.loads((run.parent / "a-inputs.json").read_text())) == 60


def test_a_segment_is_its_journal(call: Call, run: Path) -> None:
    out = run.parent / "a.csv"
    assert call("export", segment_path(run, "trades", 1), "--out", out)[0] == 0
    assert len(out.read_text().splitlines()) == 21


def test_a_file_is_replaced_only_when_told(call: Call, run: Path) -> None:
    out = run.parent / "a-trades.csv"
    out.write_text("mine")
    code, _, err = call("export", run, "--out", run.parent / "a.csv")
    assert (code, out.read_text()) == (1, "mine")
    assert not (run.parent / "a-inputs.csv").exists(), "all of them or none"
    assert "--force replaces it" in err
    assert call("export", run, "--out", run.parent / "a.csv", "--force")[0] == 0
    assert out.read_text().startswith("~journal,")
    assert [path.name for path in run.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("verify", "{}/none"), 1, "there is no such file"),
        (("verify", "/"), 1, "there are no journals here"),
        (("verify", "{}", "-j", "decisions"), 1, "it has inputs, trades"),
        (("export", "{}", "--out", "{}/a.jsonl"), 2, ".csv, .parquet or .json"),
        (("export", "{}", "--out", "{}/none/a.csv"), 1, "there is no such folder"),
        (("tail", "{}", "-n", "-1"), 2, "Usage"),
    ],
)
def test_what_cannot_be_done_is_said(
    call: Call, run: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    found, _, err = call(*(argument.format(run) for argument in arguments))
    assert found == code
    assert said in err


def test_a_record_that_is_no_json_stops_the_export_and_leaves_no_file(
    call: Call, run: Path
) -> None:
    writer = _writer(run)
    writer.append("trades", b'{"a":x}')
    writer.close()
    code, _, err = call("export", run, "-j", "trades", "--out", run.parent / "a.csv")
    assert code == 1
    assert "record 21 is no JSON" in err
    assert not (run.parent / "a.csv").exists()
