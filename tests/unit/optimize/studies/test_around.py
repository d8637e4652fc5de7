"""Parameters to begin with, from a file: both shapes, and what is neither."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.optimize.parameters import BadParameter
from liveopt.optimize.studies.around import read_around, write_around

WANTED = [{"fast": 5.0, "slow": 20.0, "kind": "ema"}, {"fast": 7.5}]
NAMES = st.text(min_size=1, max_size=8).filter(lambda name: name != "parameters")
VALUES = st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)


def file(folder: Path, text: str) -> Path:
    path = folder / "around.json"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        '[{"fast": 5, "slow": 20, "kind": "ema"}, {"fast": 7.5}]',
        '[{"parameters": {"fast": 5, "slow": 20, "kind": "ema"}}, {"parameters": {"fast": 7.5}}]',
        '[{"id": "v1", "status": "active", "metrics": {"roi": null}, "champion": false,'
        ' "parameters": {"fast": 5, "slow": 20, "kind": "ema"}},'
        ' {"id": "v2", "parameters": {"fast": 7.5}}]',
    ],
)
def test_parameters_and_variants_with_them_are_read(tmp_path: Path, text: str) -> None:
    found = read_around(file(tmp_path, text))
    assert found == WANTED
    assert all(isinstance(v, float | str) for one in found for v in one.values())


def test_nobody_to_begin_with_is_no_mistake(tmp_path: Path) -> None:
    assert read_around(file(tmp_path, "[]")) == []


@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=4), max_size=4))
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, float | str]]
) -> None:
    path = tmp_path_factory.mktemp("around") / "around.json"
    write_around(path, records)
    assert read_around(path) == records


@pytest.mark.parametrize(
    "text",
    [
        "", "fast=5", "{}", '{"fast": 5}', "[5]", "[[5]]", '[{"fast": [5]}]', '[{"fast": null}]',
        '[{"fast": true}]', '[{"fast": 5}', '[{"fast": NaN}]',
        '[{"parameters": {"fast": 5}}, {"fast": 5}]',
    ],
)  # fmt: skip
def test_what_is_neither_is_refused_with_an_example(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadParameter, match=r"--around .*around.json: .*such as \[\{\"fast\": 5"):
        read_around(file(tmp_path, text))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "around.json"
    path.write_bytes(b'[{"kind": "\xff\xfe"}]')
    with pytest.raises(BadParameter, match="no JSON list"):
        read_around(path)


def test_a_file_that_is_not_there_or_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="No such file"):
        read_around(tmp_path / "none.json")
    with pytest.raises(BadParameter, match="Is a directory"):
        read_around(tmp_path)
