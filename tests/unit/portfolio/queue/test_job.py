"""What a job file may hold, and what is said of one that may not be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.portfolio.queue.inputs import Refused
from liveopt.portfolio.queue.job import NotADocument, asked_of, content_of, document_of, settings_of

WHOLE = {"job_id": "a", "timestamp": "now", "input_file": "a.csv"}
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False,
              allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3),
                            st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_document_is_read_as_windows_programs_write_it(encoding: str) -> None:
    assert document_of('{"job_id": "größe"}'.encode(encoding)) == {"job_id": "größe"}


@pytest.mark.parametrize(
    "content",
    [b"", b"  ", b"{", b"[1]", b'"a"', b'{"a": NaN}', b"\xff\xfe{", b"\x80", b"[" * 200_000,
     b'{"a": ' + b"9" * 5_000 + b"}", b'{"a": 1e999}', b'{"a": ' + b"[" * 60 + b"]" * 60 + b"}"],
)  # fmt: skip
def test_what_is_no_document_is_refused_with_a_reason(content: bytes) -> None:
    with pytest.raises(NotADocument, match=r"the job file (is|nests)"):
        document_of(content)


@given(st.dictionaries(st.text(), JSON))
def test_what_nobody_knows_is_kept(document: dict[str, Any]) -> None:
    assert document_of(content_of(document)) == document


@given(
    st.dictionaries(st.sampled_from([*WHOLE, "portfolio_size", "job_type", "client_info"]), JSON)
)
def test_a_document_is_a_job_or_refused(document: dict[str, Any]) -> None:
    try:
        asked = asked_of(WHOLE | document)
    except Refused:
        return
    assert 10 <= asked.portfolio_size <= 100


@pytest.mark.parametrize("key", list(WHOLE))
@pytest.mark.parametrize("value", [None, ""])
def test_a_key_that_is_needed_is_asked_for(key: str, value: object) -> None:
    with pytest.raises(Refused, match=f"{key} is missing: .+ such as"):
        asked_of(WHOLE | {key: value})


@pytest.mark.parametrize(
    ("given_size", "size"),
    [(10, 10), (100, 100), ("50", 50), (50.0, 50), (None, 35)],
)
def test_a_size_may_be_written_in_several_ways(given_size: object, size: int) -> None:
    assert asked_of(WHOLE | {"portfolio_size": given_size}).portfolio_size == size


@pytest.mark.parametrize("size", [9, 101, 0, -35, True, 35.5, "many", "9" * 9, [35], 1e300])
def test_a_size_out_of_bounds_is_refused(size: object) -> None:
    with pytest.raises(Refused, match="from 10 to 100"):
        asked_of(WHOLE | {"portfolio_size": size})


def test_a_number_will_do_as_an_id_and_a_control_character_will_not() -> None:
    assert asked_of(WHOLE | {"job_id": 7}).job_id == "7"
    with pytest.raises(Refused, match="job_id"):
        asked_of(WHOLE | {"job_id": "a\nb"})


def test_a_key_that_is_half_a_character_is_kept_and_means_nothing() -> None:
    document = document_of(json.dumps(WHOLE | {"\ud800": 1}).encode())
    assert asked_of(document).job_id == "a"
    assert document_of(content_of(document)) == document


def test_settings_are_text_as_the_command_takes_them() -> None:
    given = {"holdout": 0.25, "evaluations": 500, "algorithms": ["ga", "random"], "x": True}
    assert settings_of(asked_of(WHOLE | {"settings": given})) == {
        "holdout": "0.25", "evaluations": "500", "algorithms": "ga,random", "x": "true",
    }  # fmt: skip
    assert settings_of(asked_of(WHOLE)) == {}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"share": "/x"}, "the worker's own"),
        ({"size": 20}, "portfolio_size"),
        ({"--out": "x"}, "use a-z"),
        ({"a=b": 1}, "use a-z"),
        ({"a": None}, "mend it"),
        ({"a": {"b": 1}}, "mend it"),
        ({"a": [["b"]]}, "mend it"),
        ({"a": ["b,c"]}, "two entries"),
        ({"a": "b\0"}, "control"),
        ({"a": "b" * 5_000}, "too long"),
        ({"bad_cells": "--help"}, "refuse or zero"),
    ],
)
def test_settings_that_cannot_be_handed_on_are_refused(
    settings: dict[str, object], reason: str
) -> None:
    with pytest.raises(Refused, match=reason):
        settings_of(asked_of(WHOLE | {"settings": settings}))


def test_a_usual_clients_file_is_understood_whole() -> None:
    document = WHOLE | {
        "job_type": "complete_optimization", "execution_mode": "server_side_heavydb",
        "input_format": "csv_only",
        "client_info": {"computer_name": "PC", "username": "mia", "drive_letter": "Z:"},
    }  # fmt: skip
    asked = asked_of(json.loads(json.dumps(document)))
    assert (asked.job_type, asked.execution_mode) == (
        "complete_optimization", "server_side_heavydb",
    )  # fmt: skip
