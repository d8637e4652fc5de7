"""What was recorded follows from the inputs, byte for byte, wherever a crash cut it off."""

import json
import os
import random
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.journal.places import segment_path
from liveopt.journal.reader import Reader
from liveopt.live.ledger import read_ledger
from liveopt.live.recover import JOURNALS, recover_run
from liveopt.live.replay import Replay
from liveopt.walk.events import Deed, Halt, Input, Noted, Pause, Reopen, Retire, Time
from liveopt.walk.image import image, restored
from liveopt.walk.lines import read_input, written
from liveopt.walk.records import OUTPUTS
from tests.run import (
    CHAMPION,
    SYMBOL,
    Folded,
    Live,
    appended,
    contents,
    opening,
    run_of,
    strategies,
    ticks,
    variants,
)

pytestmark = pytest.mark.timeout(180)

PEOPLE = variants(12, reckless=0.4)
examples = settings(max_examples=12, deadline=None)


@cache
def events() -> tuple[Input, ...]:
    """A run with something of everything."""
    market = ticks(400, step_s=20.0)
    end_ns = market[-1].at_ns + 90_000_000_000
    return (
        *opening(PEOPLE), *market[:150], Pause(1, ("v003", "nobody"), "me", "why not"),
        Noted(1, (Deed("POST /api/v1/optimize/single", "key 1a", "job_id opt_2b", 3),) * 2),
        *market[150:200], Halt(1, 2, "halt_and_flatten"), *market[200:220], Reopen(1, 3),
        *market[220:300], Retire(1, ("v005",), "me", "enough"), *market[300:], Time(end_ns, SYMBOL),
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_of(tmp_path_factory.mktemp("run"), events())


def copied(run: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(run, to / "run")
    return to


def done(folder: Path, **options: object) -> Replay:
    found = Replay(folder, strategies(), **options)  # type: ignore[arg-type]
    for _ in found.steps():
        pass
    return found


# replay ---------------------------------------------------------------------------------------


def test_the_past_is_the_past(run: Path) -> None:
    found = done(run)
    assert found.difference is None
    assert found.damage == ""
    assert (found.inputs, found.ticks) == (len(events()), 400)
    assert found.missing == 0
    assert found.compared == sum(len(appended(run, name)) for name in OUTPUTS) > 200
    assert read_ledger(run).faults == []


def test_no_byte_depends_on_the_hash_seed(run: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from liveopt.live.replay import Replay\n"
        "from liveopt.strategies import load\n"
        "r = Replay(Path(sys.argv[1]), load())\n"
        "for _ in r.steps(): pass\n"
        "print(r.digest, r.compared, r.difference)"
    )
    said = set()
    for seed in ("0", "1", "4711"):
        found = subprocess.run(
            [sys.executable, "-c", program, str(run)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        said.add(found.stdout.strip())
    whole = done(run)
    assert said == {f"{whole.digest} {whole.compared} None"}


def test_until_stops_before_an_input(run: Path) -> None:
    found = done(run, until=lambda seq, _: seq > 100)
    assert found.stopped
    assert found.inputs == 100
    assert found.difference is None
    assert image(found.state) == image(Folded().take(events()[:100]).state)


def rewritten(run: Path, to: Path, name: str, place: int, content: bytes) -> Path:
    """The run with another record in that place, and every checksum as it should be."""
    whole = {n: [r.content for r in appended(run, n)] for n in JOURNALS}
    whole[name][place] = content
    live = Live(to)
    for journal in JOURNALS:
        for one in whole[journal]:
            live.writer.append(journal, one)
    live.close()
    return live.folder


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(OUTPUTS), st.randoms(use_true_random=False))
def test_a_record_that_does_not_follow_is_shown_beside_what_does(
    run: Path, tmp_path_factory: pytest.TempPathFactory, name: str, r: random.Random
) -> None:
    records = appended(run, name)
    place = r.randrange(len(records))
    said = json.loads(records[place].content)
    said["at_ns"] += 1
    other = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    found = done(rewritten(run, tmp_path_factory.mktemp("other"), name, place, other))
    assert found.difference is not None
    assert (found.difference.journal, found.difference.seq) == (name, place + 1)
    assert found.difference.recorded == other
    assert found.difference.replayed == records[place].content


def test_a_tick_that_was_changed_shows_in_the_first_record_that_follows_from_it(
    run: Path, tmp_path: Path
) -> None:
    inputs = appended(run, "inputs")
    place = 200
    said = json.loads(inputs[place].content)
    assert said["type"] == "Tick"
    said["price"] = "29000.0"
    other = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    found = done(rewritten(run, tmp_path, "inputs", place, other))
    assert found.difference is not None
    assert found.difference.input >= place + 1
    assert found.difference.recorded != found.difference.replayed


@pytest.mark.parametrize("name", JOURNALS)
def test_a_byte_that_was_changed_on_the_disk_is_told(run: Path, tmp_path: Path, name: str) -> None:
    """An output journal that cannot be read to its end is not one that ends there."""
    there = copied(run, tmp_path / "there") / "run"
    path = segment_path(there, name, 1)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    found = done(there)
    assert path.name in found.damage
    assert (read_ledger(there).faults != []) == (name in OUTPUTS[:2])


def test_a_segment_that_is_missing_is_told(run: Path, tmp_path: Path) -> None:
    there = copied(run, tmp_path / "there") / "run"
    path = segment_path(there, "experimental-trades", 1)
    path.rename(segment_path(there, "experimental-trades", 2))
    assert "experimental-trades" in done(there).damage


def test_a_torn_end_is_no_damage_but_the_records_are_missing(run: Path, tmp_path: Path) -> None:
    there = copied(run, tmp_path / "there") / "run"
    whole = len(appended(run, "trades"))
    truncate(there, "trades", 0.6)
    found = done(there)
    assert found.damage == ""
    assert found.difference is None
    assert found.missing == whole - len(appended(there, "trades"))
    assert read_ledger(there).faults == []


def test_a_halt_at_the_end_of_one_journal_is_none_at_the_start_of_the_next(tmp_path: Path) -> None:
    market = ticks(300, step_s=20.0)
    there = run_of(tmp_path, [*opening(PEOPLE), *market, Halt(1, 2, "halt")])
    ledger = read_ledger(there)
    assert ledger.accounts[CHAMPION.id].trades > 3
    assert ledger.faults == []


# recovery -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fine_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run in many small batches, with snapshots on the way."""
    live = Live(tmp_path_factory.mktemp("fine"))
    for number, event in enumerate(events()):
        live.take([event])
        if number % 5 == 0:
            while live.writer.backlog:
                pass
        if number in {120, 250, 330}:
            live.snapshot()
    live.close()
    return live.folder


@examples
@given(st.floats(0.0, 1.0), st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3))
def test_what_recovers_is_the_fold_of_the_inputs_that_are_left(
    fine_run: Path, tmp_path_factory: pytest.TempPathFactory, cut: float, others: list[float]
) -> None:
    """Inputs cut anywhere, outputs behind them anywhere before; then the journals are whole."""
    home = copied(fine_run, tmp_path_factory.mktemp("torn") / "home")
    folder = home / "run"
    truncate(folder, "inputs", cut)
    left = len(appended(folder, "inputs"))
    expected = Folded().take(events()[:left])
    made = {name: [written(r) for j, r in expected.outs if j == name] for name in OUTPUTS}
    for name, share in zip(OUTPUTS, others, strict=True):
        keep(folder, name, int(share * len(made[name])))
    live = Live(home)
    assert live.recovered.seq == left
    assert image(live.state) == image(expected.state)
    live.close()
    found = contents(folder)
    assert {name: found[name] for name in OUTPUTS} == made
    assert done(folder).missing == 0
    going_on = Live(home)
    if expected.state.halt is not None:  # the gate is the truth: open, it would reopen the run
        assert going_on.gate.shut(2) == expected.state.halt.number
    going_on.take(events()[left:])
    going_on.close()
    assert contents(folder) == contents(fine_run)
    assert image(going_on.state) == image(Folded().take(events()).state)


def truncate(folder: Path, name: str, share: float) -> None:
    """A file that ends anywhere behind its first line."""
    path = segment_path(folder, name, 1)
    data = path.read_bytes()
    first = data.index(b"\n") + 1
    path.write_bytes(data[: int(first + share * (len(data) - first))])


def keep(folder: Path, name: str, most: int) -> None:
    """At most so many records."""
    reader = Reader(folder, name)
    end = 0
    for _ in reader:
        if reader.records > most:
            break
        end = reader.position.offset
    path = segment_path(folder, name, 1)
    path.write_bytes(path.read_bytes()[:end])


@pytest.mark.parametrize("which", ["newest", "all", "none"])
@pytest.mark.parametrize("how", ["missing", "flipped", "empty", "of another run"])
def test_a_snapshot_that_cannot_be_used_costs_time_only(
    fine_run: Path, tmp_path: Path, which: str, how: str
) -> None:
    home = copied(fine_run, tmp_path / "home")
    found = sorted((home / "run" / "snapshots").glob("*.snap"))
    assert len(found) == 3
    for path in {"newest": found[-1:], "all": found, "none": []}[which]:
        data = bytearray(path.read_bytes())
        match how:
            case "missing":
                path.unlink()
            case "flipped":
                data[len(data) // 2] ^= 4
                path.write_bytes(data)
            case "empty":
                path.write_bytes(b"")
            case _:
                other = Live(tmp_path / f"other-{path.name}")
                other.take([*opening(PEOPLE[:3]), *ticks(60, seed=9)])
                other.snapshot()
                other.close()
                (alien,) = (other.folder / "snapshots").glob("*.snap")
                path.unlink()
                shutil.copy(alien, path.with_name(alien.name))
    recovered = recover_run(home / "run", strategies())
    assert image(recovered.state) == image(Folded().take(events()).state)
    whole = len(events())
    assert recovered.folded == {"newest": whole - 251, "all": whole, "none": whole - 331}[which]


@examples
@given(st.integers(0, len(events())))
def test_an_image_is_the_state_whatever_led_to_it(at: int) -> None:
    """Also of inputs that were written and read: what is applied live is what is replayed."""
    run = Folded().take(events()[:at])
    packed = image(run.state)
    again = restored(packed, strategies())
    assert image(again) == packed
    read = Folded().take(read_input(written(event)) for event in events()[:at])
    assert image(read.state) == packed
    assert [written(r) for _, r in read.outs] == [written(r) for _, r in run.outs]
    on = Folded(again).take(events()[at:])
    whole = Folded().take(events())
    assert image(on.state) == image(whole.state)
    assert run.outs + on.outs == whole.outs
