"""How late the disk confirms, as it is seen from the frames alone."""

from hypothesis import given
from hypothesis import strategies as st

from liveopt.web.owed import WINDOW_MS, Owed

FRAME_MS = 250


def seen(lags: list[int]) -> Owed:
    """An input a frame, confirmed so many frames later."""
    owed = Owed()
    for at, lag in enumerate(lags):
        owed.see(FRAME_MS * at, at, at - lag)
    return owed


def test_a_disk_that_keeps_up_owes_nothing() -> None:
    assert (seen([0] * 50).ms, seen([0] * 50).worst_ms()) == (0, 0)
    assert Owed().worst_ms() == 0


def test_what_stays_unconfirmed_is_owed_for_ever_longer() -> None:
    owed = Owed()
    for at in range(9):
        owed.see(FRAME_MS * at, 5, 5)
        assert owed.ms == 0
    for at in range(9, 13):
        owed.see(FRAME_MS * at, 6, 5)
        assert owed.ms == FRAME_MS * (at - 9), "it is there since then at the latest"
    owed.see(FRAME_MS * 13, 6, 6)
    assert owed.ms == 0


def test_the_worst_is_remembered_for_ten_seconds_and_no_longer() -> None:
    owed = seen([4] * 8)
    assert owed.worst_ms() == 3 * FRAME_MS
    last = 7 * FRAME_MS
    owed.see(last + WINDOW_MS - 2 * FRAME_MS, 99, 99)
    assert owed.worst_ms() == 3 * FRAME_MS
    owed.see(last + WINDOW_MS, 99, 99)
    assert owed.worst_ms() == 0


@given(st.lists(st.integers(0, 30), max_size=200))
def test_nothing_is_said_that_was_not_so_and_little_is_kept(lags: list[int]) -> None:
    owed = Owed()
    most = 0
    for at, lag in enumerate(lags):
        owed.see(FRAME_MS * at, at, at - lag)
        most = max(most, FRAME_MS * lag)
        assert 0 <= owed.ms <= owed.worst_ms() <= most
        assert len(owed._seen) <= WINDOW_MS // FRAME_MS + 1


def test_a_clock_that_is_set_back_is_no_delay() -> None:
    owed = seen([4] * 8)
    owed.see(-3_600_000, 8, 4)
    assert owed.ms == 0
    owed.see(-3_600_000 + FRAME_MS, 9, 9)
    assert owed.worst_ms() == 0
