"""The spec: read whole or refused."""

from pathlib import Path

import pytest

from liveopt.guard.spec import BadSpec, Limits, read_spec

TEXT = '{"state": "logs", "engine": ["a", "b"], "limits": {"heartbeat_s": 2}}'


def test_it_is_read_from_text_and_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    file.write_text(TEXT)
    spec = read_spec(TEXT)
    assert spec == read_spec(str(file))
    assert (spec.folder, spec.engine, spec.port) == (Path("logs"), ["a", "b"], 0)
    assert spec.limits == Limits(heartbeat_s=2)


@pytest.mark.parametrize(
    "text",
    [
        '{"state": "logs"}',
        '{"state": "logs", "engine": []}',
        '{"state": "logs", "engine": ["a"], "port": 70000}',
        '{"state": "logs", "engine": ["a"], "prot": 1}',
        '{"state": "logs", "engine": "a"}',
        '{"state": "logs", "engine": ["a"], "web": []}',
        '{"state": "logs", "engine": ["a"], "web": ["b"], "web_socket": -1}',
        '{"state": "logs", "engine": ["a"], "level": "loud"}',
        "no-such-file",
    ],
)
def test_one_that_is_wrong_is_refused(text: str) -> None:
    with pytest.raises(BadSpec, match="spec"):
        read_spec(text)
