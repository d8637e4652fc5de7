"""Where nothing runs, every command that needs a run says how to get one."""

from pathlib import Path

import pytest

from tests.run import opening, run_of, variants
from tests.unit.cli.conftest import Call


@pytest.mark.parametrize("words", [("variants", "list"), ("variants", "show", "main"), ("status",)])
def test_where_nothing_runs_it_is_said_how_to_begin(call: Call, words: tuple[str, ...]) -> None:
    code, _, err = call(*words)
    assert code == 3
    assert "`liveopt run` or `liveopt demo` starts a run" in err
    assert "replay" not in err


@pytest.mark.parametrize("words", [("variants", "list"), ("status",)])
def test_a_run_that_has_ended_can_be_replayed(
    call: Call, tmp_path: Path, words: tuple[str, ...]
) -> None:
    made = run_of(tmp_path / "logs", opening(variants(2)))
    made.rename(made.with_name("20261121-083000"))
    code, _, err = call(*words)
    assert code == 3
    assert "`liveopt replay logs/20261121-083000` shows what the last one did" in err
    (tmp_path / "logs" / "latest").symlink_to("20261121-083000")
    assert "`liveopt replay logs/latest`" in call(*words)[2]


def test_a_health_check_that_is_quiet_stays_quiet(call: Call) -> None:
    assert call("status", "-q") == (3, "", "")
