"""Files and positions of a journal, and the records of its own."""

from pathlib import Path

import msgspec
import pytest

from liveopt.journal.places import (
    START,
    Own,
    Position,
    journals,
    own,
    parse_own,
    parse_segment,
    segment_path,
)


def test_a_segments_name_says_journal_and_number() -> None:
    path = segment_path(Path("run"), "experimental-trades", 12)
    assert path.name == "experimental-trades-000012.jsonl"
    assert parse_segment(path.name) == ("experimental-trades", 12)
    assert parse_segment("inputs-1234567.jsonl") == ("inputs", 1_234_567)


@pytest.mark.parametrize(
    "name",
    ["inputs.jsonl", "inputs-1.jsonl", "inputs-000001.jsonl.torn-5", "-000001.jsonl", "ballast"],
)
def test_no_other_name_is_a_segment(name: str) -> None:
    assert parse_segment(name) is None


def test_the_journals_of_a_folder_have_their_segments_in_order(tmp_path: Path) -> None:
    for name in ("trades-000002.jsonl", "trades-000001.jsonl", "inputs-000001.jsonl", "latest"):
        (tmp_path / name).touch()
    assert journals(tmp_path) == {"inputs": [1], "trades": [1, 2]}


def test_a_position_survives_json() -> None:
    place = Position(7, "ab" * 32, 2, 1_024, 5)
    assert msgspec.json.decode(msgspec.json.encode(place), type=Position) == place
    assert START.offset == START.seq == 0


def test_a_record_of_the_journals_own_is_sorted_and_read_back() -> None:
    content = own("Genesis", 5, {"run": "r", "journal": "trades", "format": 1})
    assert content == b'{"at_ns":5,"format":1,"journal":"trades","run":"r","type":"Genesis"}'
    assert parse_own(content) == Own("Genesis", 5, "trades")


@pytest.mark.parametrize("content", [b"", b"{}", b'{"type":"Fill"}', b'{"type":1}', b"\xff"])
def test_nothing_else_is_one(content: bytes) -> None:
    assert parse_own(content) is None
