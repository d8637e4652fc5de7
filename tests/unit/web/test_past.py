"""The history of the share: what is read of it, and when."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from liveopt.portfolio.queue.books import ENTRIES_MAX, HISTORY
from liveopt.web.past import BYTES_MAX, Past, entries
from tests.unit.portfolio.queue.share import share

ROOT = Path("/srv/desk")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "job_id": JSON,
        "status": st.sampled_from(["queued", "processing", "completed", "failed"]) | JSON,
        "timestamp": JSON,
        "details": JSON | st.fixed_dictionaries(
            {}, optional={"execution_time": JSON, "error": JSON, "input_file": JSON}
        ),
    },
)  # fmt: skip


def entry(job: str, status: str, **details: Any) -> dict[str, Any]:
    return {"job_id": job, "status": status, "timestamp": "2026-11-21", "details": details}


@given(st.lists(JSON | ENTRY))
def test_whatever_is_in_the_file_comes_to_entries_that_can_be_told(found: list[Any]) -> None:
    assert len(msgspec.json.decode(msgspec.json.encode(entries(found, ROOT)))) <= len(found)


def test_a_job_that_has_ended_says_of_which_table_and_not_of_one_before() -> None:
    found = entries(
        [
            entry("a", "processing", input_file="old.csv", output_dir="output/run_1"),
            entry("b", "processing", input_file="b.csv", output_dir="output/run_2"),
            entry("a", "queued", why="its worker ended"),
            entry("a", "failed", error="its table is gone"),
            entry("b", "completed", execution_time=2, output_dir="output/run_2"),
        ],
        ROOT,
    )
    told = [(e.job_id, e.status, e.input_file, e.output_dir, e.why) for e in found[:3]]
    assert told == [
        ("b", "completed", "b.csv", "output/run_2", ""),
        ("a", "failed", "", "", "its table is gone"),
        ("a", "queued", "", "", "its worker ended"),
    ]
    assert found[0].execution_time == 2.0


def test_no_more_is_told_than_the_queue_keeps() -> None:
    found = entries([entry(str(n), "completed") for n in range(ENTRIES_MAX + 5)], ROOT)
    assert len(found) == ENTRIES_MAX
    assert found[0].job_id == str(ENTRIES_MAX + 4)


def test_it_is_read_again_only_when_it_is_another(tmp_path: Path) -> None:
    places, past = share(tmp_path / "desk"), Past()
    file = places.status / HISTORY
    assert past.read(places.root) == ((), "")
    file.write_text(json.dumps([entry("a", "failed")]))
    first, damage = past.read(places.root)
    assert (first[0].job_id, damage) == ("a", "")
    assert past.read(places.root)[0] is first
    file.write_text(json.dumps([entry("b", "failed")]))
    os.utime(file, ns=(1, 1))
    assert past.read(places.root)[0][0].job_id == "b"
    file.unlink()
    assert past.read(places.root) == ((), "")


def test_a_link_and_a_giant_are_not_read(tmp_path: Path) -> None:
    places, past = share(tmp_path / "desk"), Past()
    file, other = places.status / HISTORY, tmp_path / "secret.json"
    other.write_text(json.dumps([entry("secret", "failed")]))
    file.symlink_to(other)
    found, damage = past.read(places.root)
    assert (found, "symbolic link" in damage) == ((), True)
    file.unlink()
    with file.open("wb") as giant:
        giant.truncate(BYTES_MAX + 1)
    found, damage = past.read(places.root)
    assert (found, str(BYTES_MAX) in damage) == ((), True)
