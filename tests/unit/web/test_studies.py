"""What is known of studies: as the store has it, read anew only where something was done."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from liveopt.optimize.studies.store import FILE, Generation, NoStudy, Store
from liveopt.web.studies import RESULTS_MAX, Glance, Studies, Unreadable
from tests.studies import plan_of

RESULT: dict[str, Any] = {
    "passes": True,
    "best": {"in_sample": {"objective": 2.5}, "deflated_sharpe": 0.97, "parameters": {"fast": 3}},
    "walk_forward": {"out_of_sample": {"objective": 1.25}, "folds": []},
}


@asynccontextmanager
async def reading(folder: Path) -> AsyncIterator[Studies]:
    studies = Studies(folder)
    try:
        yield studies
    finally:
        studies.close()


async def looked(studies: Studies) -> Studies:
    studies.stale()
    await studies.look()
    return studies


def generation() -> Generation:
    values = np.arange(4.0)[:, None]
    return Generation(1, values, values[:, 0], 1.0)


async def test_a_completed_study_shows_what_its_verdict_rests_on(tmp_path: Path) -> None:
    store = Store(tmp_path)
    name = store.add(plan_of(), "now")
    store.append(name, (0, 0), generation())
    async with reading(tmp_path) as studies:
        known = (await looked(studies)).known[name]
        assert (known.status, known.evaluated, known.glance) == ("running", 4, Glance())
        store.append(name, (0, 1), generation())
        assert (await looked(studies)).known[name].evaluated == 8
        store.finish(name, "completed", json.dumps({"result": RESULT, "history": []}))
        known = (await looked(studies)).known[name]
        assert (known.status, known.plan) == ("completed", plan_of())
        assert known.glance == Glance("passes", 2.5, 1.25, 0.97)
        assert await studies.result(name) == RESULT


@pytest.mark.parametrize("result", [None, "{}", '{"result": {"passes": 7}}'])
async def test_a_result_of_another_form_is_shown_without_a_verdict(
    tmp_path: Path, result: str | None
) -> None:
    store = Store(tmp_path)
    name = store.add(plan_of(), "now")
    store.finish(name, "completed", result)
    async with reading(tmp_path) as studies:
        assert (await looked(studies)).known[name].glance == Glance()


async def test_what_nobody_works_at_is_read_once_and_again_when_it_is_taken_up(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    names = [store.add(plan_of(seed=n), "now") for n in range(3)]
    for name in names[:2]:
        store.finish(name, "cancelled")
    async with reading(tmp_path) as studies:
        before = dict((await looked(studies)).known)
        after = (await looked(studies)).known
        assert list(after) == names[::-1]
        assert [after[name] is before[name] for name in names] == [True, True, False]
        assert store.take(names[0]) == plan_of(seed=0)
        assert (await looked(studies)).known[names[0]].status == "running"
        store.append(names[0], (0, 0), generation())
        store.finish(names[0], "cancelled")
        known = (await looked(studies)).known[names[0]]
        assert (known.status, known.evaluated) == ("cancelled", 4)


async def test_several_who_ask_share_one_look(tmp_path: Path) -> None:
    store = Store(tmp_path)
    name = store.add(plan_of(), "now")
    async with reading(tmp_path) as studies:
        await asyncio.gather(*(studies.look() for _ in range(50)))
        first = studies.known[name]
        await studies.look()
        assert studies.known[name] is first, "it is fresh enough"


async def test_of_too_many_results_the_oldest_is_read_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    names = [store.add(replace(plan_of(), seed=n), "now") for n in range(RESULTS_MAX + 1)]
    for number, name in enumerate(names):
        store.finish(name, "completed", json.dumps({"result": RESULT | {"study": number}}))
    async with reading(tmp_path) as studies:
        for number, name in enumerate(names):
            assert (await studies.result(name))["study"] == number
        sqlite3.connect(tmp_path / FILE).execute("DELETE FROM studies").connection.commit()
        assert (await studies.result(names[1]))["study"] == 1
        with pytest.raises(NoStudy):
            await studies.result(names[0])


async def test_a_study_that_is_not_there_cannot_be_cancelled(tmp_path: Path) -> None:
    async with reading(tmp_path) as studies:
        with pytest.raises(NoStudy):
            await studies.cancel("opt_00000000")


async def test_a_damaged_store_is_said_and_looked_at_again_when_it_is_mended(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    name = store.add(plan_of(), "now")
    store.close()
    whole = (tmp_path / FILE).read_bytes()
    async with reading(tmp_path) as studies:
        (tmp_path / FILE).write_bytes(b"no database " * 1_000)
        for act in (studies.look(), studies.cancel(name), studies.result(name)):
            with pytest.raises(Unreadable) as refused:
                await act
            assert (refused.value.status, refused.value.code) == (503, "STUDIES_UNREADABLE")
            assert str(tmp_path) not in refused.value.message
        (tmp_path / FILE).write_bytes(whole)
        assert list((await looked(studies)).known) == [name]


async def test_a_store_that_is_damaged_while_it_is_open_is_opened_anew(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add(plan_of(), "now")
    async with reading(tmp_path) as studies:
        await looked(studies)
        with sqlite3.connect(tmp_path / FILE) as base:
            base.execute("ALTER TABLE studies RENAME TO gone")
        with pytest.raises(Unreadable):
            await looked(studies)
        with sqlite3.connect(tmp_path / FILE) as base:
            base.execute("ALTER TABLE gone RENAME TO studies")
        assert len((await looked(studies)).known) == 1


async def test_a_study_that_nobody_understands_does_not_hide_the_others(tmp_path: Path) -> None:
    store = Store(tmp_path)
    odd, plain = store.add(plan_of(), "now"), store.add(plan_of(), "now")
    with sqlite3.connect(tmp_path / FILE) as base:
        base.execute("UPDATE studies SET plan = '{}' WHERE id = ?", (odd,))
    async with reading(tmp_path) as studies:
        assert list((await looked(studies)).known) == [plain]
