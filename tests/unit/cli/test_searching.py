"""The process beside a run: it says how far it is, keeps what it finds, ends with the engine."""

import json
import shlex
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from liveopt import whole
from liveopt.cli.searching import proposals_of
from liveopt.live.rounds import Said
from liveopt.optimize.rounds.folder import RESULT, TASK, place, result_of
from liveopt.optimize.rounds.task import Result, Task
from liveopt.optimize.studies.store import Store
from tests.run import SYMBOL, variant
from tests.seeking import effort_of, recorded, sought_of, task_of, waves
from tests.unit.cli.conftest import Call

pytestmark = pytest.mark.timeout(180)  # a process with only the time nobody else wants
MARKET = waves(2_400, half=15, drift=0.001, noise=0.0007)
EVALS = 120
TIMES = ("study", "elapsed_s", "engine_s")
OLD = variant(
    "old", fast=3.0, slow=8.0, stop=0.5, take=5.0, arm=0.1, trail=0.05, min_hold=60.0,
    max_hold=1_800.0,
)  # fmt: skip


def prepared(home: Path, **changes: Any) -> tuple[Task, Path]:
    """A run's record, and a round of it that is to be done; studies are kept where `opt` looks."""
    run = recorded(home / "logs", MARKET)
    usual = {
        "studies": str(home / "logs"), "fixed": ("kind=ema", "stop=0.5", "take=5", "fast=3"),
        "effort": effort_of(evals=EVALS),
    }  # fmt: skip
    task = task_of(run, (sought_of(living=(OLD,)),), **(usual | changes))
    folder = place(run, task.number)
    folder.mkdir(parents=True)
    whole.write(folder / TASK, msgspec.json.encode(task))
    return task, folder


def process(folder: Path) -> "subprocess.Popen[bytes]":
    """As the engine starts it."""
    words = [sys.executable, "-m", "liveopt", "search-round", "--folder", str(folder)]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def heard(one: "subprocess.Popen[bytes]") -> list[Said]:
    """All that a process says, to its end."""
    assert one.stdout is not None
    found = [msgspec.json.decode(line, type=Said) for line in one.stdout]
    assert one.wait(120) == 0
    one.stdout.close()
    assert one.stdin is not None
    one.stdin.close()
    return found


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Said]]:
    """A round that was done, and what was said meanwhile."""
    home = tmp_path_factory.mktemp("done")
    _, folder = prepared(home)
    return home, heard(process(folder))


def folder_of(home: Path) -> Path:
    return place(home / "logs" / "run", 1)


def test_it_says_how_far_it_is_and_at_its_end_what_it_proposes(
    done: tuple[Path, list[Said]],
) -> None:
    home, said = done
    assert [(one.done, one.wanted) for one in said[:-1]] == [(60, EVALS), (120, EVALS)]
    assert all(one.proposals is None for one in said[:-1])
    result = result_of(home / "logs" / "run", 1)
    assert result is not None
    assert said[-1].proposals
    assert said[-1].proposals == proposals_of(result.searched)
    assert {f.variant.symbol for f in result.searched[0].finalists} == {SYMBOL}


def test_a_round_that_was_done_is_said_again_without_a_search(
    done: tuple[Path, list[Said]],
) -> None:
    home, said = done
    store = Store(home / "logs")
    before = [(one.id, one.evaluated) for one in store.entries()]
    kept = (folder_of(home) / RESULT).read_bytes()
    assert heard(process(folder_of(home))) == said[-1:]
    assert [(one.id, one.evaluated) for one in store.entries()] == before
    assert (folder_of(home) / RESULT).read_bytes() == kept


def test_one_that_is_killed_goes_on_where_it_was_and_ends_the_same(
    done: tuple[Path, list[Said]], tmp_path: Path
) -> None:
    _, folder = prepared(tmp_path)
    first = process(folder)
    assert first.stdout is not None
    assert first.stdout.readline()
    first.kill()
    first.communicate()
    assert not (folder / RESULT).exists()
    said = heard(process(folder))
    assert said[-1] == done[1][-1]
    assert Store(tmp_path / "logs").tally("round_*").count == EVALS


def test_it_ends_with_the_engine(tmp_path: Path) -> None:
    _, folder = prepared(tmp_path, effort=effort_of(evals=1_000_000, algorithm="de"))
    one = process(folder)
    assert one.stdout is not None
    assert one.stdin is not None
    assert one.stdout.readline(), "it is at work"
    with suppress(BrokenPipeError):
        one.stdin.close()
    assert one.wait(120) == 1
    one.stdout.close()
    assert not (folder / RESULT).exists()


def test_every_symbol_is_searched_one_after_the_other(tmp_path: Path) -> None:
    few = sought_of(symbol="ETHUSDTM", trials_before=5)
    task, folder = prepared(tmp_path)
    whole.write(folder / TASK, msgspec.json.encode(replace(task, sought=(few, *task.sought))))
    said = heard(process(folder))
    assert [(one.done, one.wanted) for one in said[:-1]] == [(60, 2 * EVALS), (120, 2 * EVALS)]
    result = result_of(tmp_path / "logs" / "run", 1)
    assert isinstance(result, Result)
    none, some = result.searched
    assert (none.skipped, none.trials) == ("0 signal bars are known, and 150 are needed", 5)
    assert (some.symbol, some.skipped) == (SYMBOL, "")


def test_its_studies_are_listed_shown_and_done_again_by_their_own_command(
    call: Call, tmp_path: Path
) -> None:
    _, folder = prepared(tmp_path)
    heard(process(folder.relative_to(tmp_path)))
    code, out, err = call("opt", "list", "--json")
    assert (code, json.loads(out)) == (0, [])
    assert err.startswith("left out: 2 of the searches beside runs; --all shows them")
    code, out, _ = call("opt", "list", "--all", "--json")
    assert code == 0
    listed = json.loads(out)
    names = [f"round_run_1_{SYMBOL}_ma_crossover_{half}" for half in ("scratch", "around")]
    assert [one["study"] for one in listed] == names
    assert {one["status"] for one in listed} == {"completed"}
    for name in names:
        code, out, _ = call("opt", "show", name, "--json")
        assert code == 0
        shown = json.loads(out)
        assert shown["evaluated"] == EVALS // 2
        words = shlex.split(shown["reproduce"])
        assert ("--around" in words) == name.endswith("around")
        code, out, err = call(*words[1:], "--json")
        assert code == 0, err
        again = json.loads(out)
        assert {n: v for n, v in again.items() if n not in TIMES} == {
            n: v for n, v in shown.items() if n not in TIMES
        }
        assert call("opt", "show", name)[0] == 0
