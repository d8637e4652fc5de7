"""Starting is recovering; what is corrupt is nobody's to mend."""

import shutil
from pathlib import Path

import pytest

from liveopt.journal.places import segment_path
from liveopt.live.pump import INPUTS
from liveopt.live.recover import JOURNALS, CannotApply, Corrupt, recover_run
from liveopt.live.trail import Diverged
from liveopt.walk.events import Past
from liveopt.walk.image import image
from liveopt.walk.lines import written
from liveopt.walk.records import OUTPUTS
from liveopt.walk.state import State
from tests.run import Live, appended, begin, contents, opening, run_of, strategies, ticks, variants

EVENTS = [*opening(variants(8)), *ticks(300, step_s=20.0)]


def test_a_new_folder_is_a_run_that_is_still_to_begin(tmp_path: Path) -> None:
    found = recover_run(tmp_path, strategies())
    assert (found.seq, found.folded, found.missing) == (0, 0, [])
    assert image(found.state) == image(State(strategies()))
    assert found.journals.keys() == set(JOURNALS)


def test_a_run_without_snapshots_is_folded_whole_and_beats_meanwhile(tmp_path: Path) -> None:
    events = [*EVENTS, *ticks(2_000, step_s=20.0, first=300)]
    folder = run_of(tmp_path, events)
    beats: list[int] = []
    found = recover_run(folder, strategies(), lambda: beats.append(1))
    assert (found.seq, found.folded) == (len(events), len(events))
    assert len(beats) == len(events) // 1_000


def test_with_a_snapshot_only_the_tail_is_folded(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take(EVENTS[:200])
    live.snapshot()
    live.take(EVENTS[200:])
    live.close()
    found = recover_run(live.folder, strategies())
    assert (found.seq, found.folded, found.missing) == (len(EVENTS), len(EVENTS) - 200, [])
    assert image(found.state) == image(live.state)


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs_that_no_disk_has_are_made_again(tmp_path: Path, name: str) -> None:
    folder = run_of(tmp_path, EVENTS)
    whole = contents(folder)
    segment_path(folder, name, 1).unlink()
    found = recover_run(folder, strategies())
    assert [content for _, content in found.missing] == whole[name]
    live = Live(tmp_path)
    live.close()
    assert contents(folder) == whole


@pytest.fixture(scope="module")
def in_batches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many that damage in the middle cannot be a tear."""
    live = Live(tmp_path_factory.mktemp("batches"))
    for number, event in enumerate(EVENTS):
        live.take([event])
        while number % 20 == 0 and live.writer.backlog:
            pass
    live.close()
    return live.folder


@pytest.mark.parametrize("name", JOURNALS)
def test_a_journal_that_was_changed_is_corrupt_and_left_alone(
    in_batches: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(in_batches, folder)
    path = segment_path(folder, name, 1)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(Corrupt, match=path.name):
        recover_run(folder, strategies())
    assert path.read_bytes() == data


def test_outputs_of_other_inputs_are_refused(tmp_path: Path) -> None:
    run_of(tmp_path / "one", EVENTS)
    other = run_of(tmp_path / "other", [*opening(variants(8)), *ticks(300, 9, step_s=20.0)])
    mine = tmp_path / "one" / "run"
    path = segment_path(mine, "decisions", 1)
    path.write_bytes(segment_path(other, "decisions", 1).read_bytes())
    with pytest.raises(Diverged, match="of decisions does not follow"):
        recover_run(mine, strategies())


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ([written(begin())], r"input 2 \(Begin\) cannot be applied: a run begins once"),
        ([b'{"type":"Begun"}'], r"input 2 \(no input\) cannot be applied: .*at_ns"),
        ([written(Past("ETHUSDTM", ()))], r"input 2 \(Past\) cannot be applied: 'ETHUSDTM'"),
    ],
)
def test_an_input_that_cannot_be_applied_is_named_with_the_way_on(
    tmp_path: Path, lines: list[bytes], what: str
) -> None:
    live = Live(tmp_path)
    live.take([begin()])
    for line in lines:
        live.writer.append(INPUTS, line)
    live.close()
    with pytest.raises(CannotApply, match=f"{what}.*--fresh"):
        recover_run(live.folder, strategies())


def test_recovering_changes_nothing_in_a_run_that_ended_in_order(tmp_path: Path) -> None:
    folder = run_of(tmp_path, EVENTS)
    before = {path.name: path.read_bytes() for path in folder.glob("*.jsonl")}
    recover_run(folder, strategies())
    assert {path.name: path.read_bytes() for path in folder.glob("*.jsonl")} == before
    assert len(appended(folder)) == len(EVENTS)
