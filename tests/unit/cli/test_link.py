"""`liveopt link` where nothing runs; with a service it is in tests/live/test_front.py."""

from tests.unit.cli.conftest import Call


def test_without_a_run_there_is_no_address(call: Call) -> None:
    code, out, err = call("link")
    assert (code, out) == (3, "")
    assert "liveopt run" in err or "nothing runs" in err
