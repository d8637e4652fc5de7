"""A run's rounds are read whatever state they are in, and old ones take little room."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt import whole
from liveopt.optimize.rounds.folder import (
    LASTING,
    MARKETS,
    OUTCOME,
    RESULT,
    TASK,
    Brief,
    Outcome,
    Round,
    Symbol,
    Unreadable,
    brief_of,
    numbers_of,
    outcome_of,
    place,
    result_of,
    round_of,
    task_of,
    thin_out,
)
from liveopt.optimize.rounds.task import Finalist, Result, Searched
from liveopt.promotion.conditions import Condition
from liveopt.walk.events import Proposal
from tests.run import SYMBOL, variant
from tests.seeking import GOOD
from tests.seeking import task_of as told

FINALISTS = tuple(
    Finalist(variant(f"v{n}"), 0.1, 0.05, 40, (Condition("no_profit", 1.0, 0.0, n > 0),), ())
    for n in range(3)
)
FOUND = Searched(SYMBOL, 900, 300, ("round_1",), (Proposal(variant("v1"), GOOD),), FINALISTS)
SKIPPED = Searched("ETHUSDTM", 7, 0, (), (), (), "7 signal bars are known, and 150 are needed")
ENDED = Outcome("ended", 1, "asked", "key 1a2b", 60, 60, 1, 1, 1, 0)


def begun(run: Path, number: int = 1, why: str = "asked", by: str = "") -> Path:
    """A round that was begun."""
    folder = place(run, number)
    folder.mkdir(parents=True)
    whole.write(folder / TASK, msgspec.json.encode(told(run, number=number, why=why, by=by)))
    return folder


def ended(run: Path, number: int = 1) -> Path:
    """One that went well."""
    folder = begun(run, number, by="key 1a2b")
    whole.write(folder / RESULT, msgspec.json.encode(Result(number, (FOUND, SKIPPED))))
    whole.write(folder / OUTCOME, msgspec.json.encode(ENDED))
    return folder


def test_a_round_is_what_its_files_say(tmp_path: Path) -> None:
    begun(tmp_path, 3, "regime")
    assert round_of(tmp_path, 3) == Round(3, "regime", "", None, None)
    ended(tmp_path)
    assert round_of(tmp_path, 1) == Round(1, "asked", "key 1a2b", ENDED, (FOUND, SKIPPED))


def test_a_brief_says_the_same_in_numbers(tmp_path: Path) -> None:
    begun(tmp_path, 3, "regime")
    assert brief_of(tmp_path, 3) == Brief(3, "regime", "", None, None)
    ended(tmp_path)
    symbols = (
        Symbol(SYMBOL, 900, 300, 3, 1, ""),
        Symbol("ETHUSDTM", 7, 0, 0, 0, SKIPPED.skipped),
    )
    assert brief_of(tmp_path, 1) == Brief(1, "asked", "key 1a2b", ENDED, symbols)


def test_who_asked_is_nobody_in_a_task_of_an_earlier_version(tmp_path: Path) -> None:
    folder = ended(tmp_path)
    old = msgspec.json.decode((folder / TASK).read_bytes())
    del old["by"]
    whole.write(folder / TASK, msgspec.json.encode(old))
    for found in (task_of(tmp_path, 1), round_of(tmp_path, 1), brief_of(tmp_path, 1)):
        assert (found.why, found.by) == ("asked", "")


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[:-9],
    "empty": lambda _: b"",
    "binary": lambda _: b"\xff\xfe{}",
    "of another kind": lambda _: b"[]",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("name", [TASK, RESULT, OUTCOME])
def test_a_damaged_file_is_told_and_no_more_is_lost_than_it(
    tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    file = ended(tmp_path) / name
    whole.write(file, damage(file.read_bytes()))
    with pytest.raises(Unreadable, match=name) as caught:
        {TASK: task_of, RESULT: result_of, OUTCOME: outcome_of}[name](tmp_path, 1)
    assert str(caught.value) == f"{place(tmp_path, 1)}/{caught.value.told}"
    for found in (round_of(tmp_path, 1), brief_of(tmp_path, 1)):
        assert found.why == (None if name == TASK else "asked")
        assert found.outcome is not None
        assert found.outcome.phase == "unreadable"
        assert found.outcome.trouble.startswith(f"{name}: ")
        assert str(tmp_path) not in found.outcome.trouble, "the folder is nobody's business"
        there = found.searched if isinstance(found, Round) else found.symbols
        assert (there is None) == (name != OUTCOME)


def test_a_file_that_may_not_be_read_is_damaged_as_well(tmp_path: Path) -> None:
    (ended(tmp_path) / RESULT).unlink()
    (place(tmp_path, 1) / RESULT).mkdir()
    outcome = round_of(tmp_path, 1).outcome
    assert outcome is not None
    assert outcome.trouble == f"{RESULT}: Is a directory"


@given(st.binary(max_size=300))
def test_no_bytes_in_a_file_are_the_end_of_a_list(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as room:
        run = Path(room)
        folder = ended(run)
        for name in (TASK, RESULT, OUTCOME):
            before = (folder / name).read_bytes()
            (folder / name).write_bytes(content)
            assert round_of(run, 1).number == brief_of(run, 1).number == 1
            (folder / name).write_bytes(before)


def test_rounds_are_folders_with_a_task_whose_names_are_numbers(tmp_path: Path) -> None:
    assert numbers_of(tmp_path) == []
    for number in (10, 1, 12_345, 9):
        begun(tmp_path, number)
    place(tmp_path, 4).mkdir()
    task = (place(tmp_path, 1) / TASK).read_bytes()
    for name in ("notes", "0009 (copy)", "-3", "3.5", ".tmp", "²"):
        odd = place(tmp_path, 1).with_name(name)
        odd.mkdir()
        (odd / TASK).write_bytes(task)
    assert numbers_of(tmp_path) == [1, 9, 10, 12_345]


def test_markets_of_old_rounds_go_and_what_is_known_of_them_stays(tmp_path: Path) -> None:
    for number in range(1, MARKETS + 4):
        folder = ended(tmp_path, number)
        for name in (f"{SYMBOL}.parquet", f"{SYMBOL}-ma_crossover.json", ".x.parquet.7.tmp"):
            (folder / name).write_bytes(b"x" * 1_000)
    (place(tmp_path, 1) / "notes").mkdir()
    before = [round_of(tmp_path, number) for number in numbers_of(tmp_path)]
    thin_out(tmp_path)
    for number in numbers_of(tmp_path):
        names = {path.name for path in place(tmp_path, number).iterdir() if path.is_file()}
        assert names == LASTING if number <= 3 else len(names) == 6, number
    assert [round_of(tmp_path, number) for number in numbers_of(tmp_path)] == before
    assert (place(tmp_path, 1) / "notes").is_dir()
    thin_out(tmp_path)


def test_few_rounds_keep_all_they_have(tmp_path: Path) -> None:
    for number in range(1, MARKETS + 1):
        (begun(tmp_path, number) / f"{SYMBOL}.parquet").write_bytes(b"x")
    thin_out(tmp_path)
    assert all((place(tmp_path, n) / f"{SYMBOL}.parquet").exists() for n in range(1, MARKETS + 1))
