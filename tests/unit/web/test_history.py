"""Curves are dense lately, thinner before, and never heavier than when full."""

import numpy as np
import pytest

from liveopt.web import history as module
from liveopt.web.history import DENSE, SPARSE, SPARSE_EVERY, History


def filled(points: int, names: tuple[str, ...] = ("a", "b")) -> History:
    found = History()
    found.people(names)
    for number in range(points):
        found.see(float(number), number * 1_000, np.array([number, -number][: len(names)], float))
    return found


def test_a_point_is_taken_when_a_second_is_over() -> None:
    found = History()
    found.people(["a"])
    taken = [found.see(0.25 * number, number, np.array([1.0])) for number in range(12)]
    assert taken == [True, False, False, False] * 3
    assert found.see(60.0, 60, np.array([1.0]))  # after a break there is no catching up
    assert not found.see(60.25, 61, np.array([1.0]))


@pytest.mark.parametrize("points", [0, 1, 599, 600, 601, 1_234, 10_000, 30_000])
def test_the_last_ten_minutes_are_dense_and_the_rest_reaches_back_to_the_beginning(
    points: int,
) -> None:
    found = filled(points)
    times, values = found.equity("a")
    assert values == [time / 1_000 for time in times]
    assert found.equity("b") == (times, [-value for value in values])
    dense = list(range(max(0, points - DENSE), points))
    assert times[-len(dense) :] == [1_000 * number for number in dense] if dense else not times
    assert times == sorted(set(times))
    if points:
        assert times[0] == 0
        assert len(times) <= DENSE + SPARSE
    old = np.diff(times[: len(times) - len(dense)])
    if len(old):
        assert set(old.tolist()) == {old[0]}
        assert old[0] >= SPARSE_EVERY * 1_000


def test_it_never_gets_heavier() -> None:
    assert filled(20_000).nbytes() == filled(10).nbytes() < 2_000_000


def test_who_leaves_gives_the_track_away_clean_and_who_comes_late_has_no_past() -> None:
    found = filled(50)
    found.people(["b", "c"])
    for number in range(50, 60):
        found.see(float(number), number * 1_000, np.array([-number, 7.0]))
    assert found.equity("a") == ([], [])
    times, values = found.equity("c")
    assert (times[0], values) == (50_000, [7.0] * 10)
    assert len(found.equity("b")[0]) == 60


def test_many_come_and_go_without_end() -> None:
    found = History()
    for number in range(100):
        found.people([f"v{number}-{n}" for n in range(100)])
        found.see(float(number), number, np.zeros(100))
    assert found.nbytes() == filled(1).nbytes()


def test_of_those_beyond_the_most_no_curve_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRACKS_MAX", 2)
    found = History()
    found.people(["a", "b", "c"])
    found.see(0.0, 1, np.array([1.0, 2.0, 3.0]))
    assert [found.equity(name)[1] for name in "abc"] == [[1.0], [2.0], []]
    found.people(["c", "a", "b"])
    found.see(1.0, 2, np.array([3.0, 1.0, 2.0]))
    assert [found.equity(name)[1] for name in "abc"] == [[1.0, 1.0], [2.0, 2.0], []]


def test_a_point_that_is_no_number_is_left_out() -> None:
    found = History()
    found.people(["a"])
    for number, value in enumerate([1.0, np.nan, 3.0]):
        found.see(float(number), number, np.array([value]))
    assert found.equity("a") == ([0, 2], [1.0, 3.0])


@pytest.mark.parametrize("points", [0, 5, DENSE + 5])
def test_when_very_many_come_the_past_of_the_others_stays(points: int) -> None:
    found = filled(points)
    before = found.equity("a")
    many = [f"v{n}" for n in range(3 * module.GROWTH)]
    found.people(["a", *many, "b"])
    assert found.equity("a") == before
    assert found.equity("v7") == ([], [])
    found.see(1e9, 10**9, np.arange(len(many) + 2, dtype=float))
    assert found.equity("v7") == ([10**9], [8.0])
    assert [found.equity(name)[1][-1] for name in ("a", "b")] == [0.0, len(many) + 1]
