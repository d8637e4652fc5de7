"""Between the unit cube and values."""

import numpy as np
import pytest

from liveopt.search.space import BadSpace
from liveopt.search.spaces.coordinates import Number, Shares, Word
from liveopt.search.spaces.frame import count, frame


def test_every_level_gets_the_same_room() -> None:
    table = frame({"n": Number(3.0, 6.0, 1.0)})
    values = table.values(np.linspace(0.0, 1.0, 4001)[:, None])[:, 0]
    assert [int((values == v).sum()) for v in (3.0, 4.0, 5.0, 6.0)] == [1000, 1000, 1000, 1001]


def test_the_ends_of_a_logarithmic_range_get_their_room() -> None:
    table = frame({"n": Number(1.0, 4.0, 1.0, log=True)})
    values = table.values(np.linspace(0.0, 1.0, 40_001)[:, None])[:, 0]
    edges = np.log([0.5, 1.5, 2.5, 3.5, 4.5])
    for v, room in zip((1, 2, 3, 4), np.diff(edges) / (edges[-1] - edges[0]), strict=True):
        assert (values == v).mean() == pytest.approx(room, abs=1e-3)


def test_bounds_are_met_exactly() -> None:
    table = frame(
        {"x": Number(-0.1, 0.3), "s": Number(0.003, 0.7, log=True), "k": Number(7.0, 7.0)}
    )
    found = table.values(np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]))
    assert found.tolist() == [[-0.1, 0.003, 7.0], [0.3, 0.7, 7.0]]


def test_there_is_no_negative_nought() -> None:
    table = frame({"x": Number(-1.0, 1.0)})
    assert not np.signbit(table.values(np.array([[0.5]]))).any()


def test_weights_at_the_corners() -> None:
    table = frame({"w": Shares(("a", "b"))})
    found = table.values(np.array([[0.0, 0.5], [0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]))
    assert found.tolist() == [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0], [0.5, 0.5]]


def test_names_stand_once_and_nothing_is_no_space() -> None:
    with pytest.raises(BadSpace, match="one coordinate at least"):
        frame({})
    with pytest.raises(BadSpace, match="every name stands once"):
        frame({"a": Number(0.0, 1.0), "w": Shares(("a", "b"))})


def test_combinations_are_counted() -> None:
    assert count(frame({"n": Number(0.0, 9.0, 1.0), "w": Word(("a", "b"))})) == 20.0
    assert np.isinf(count(frame({"n": Number(0.0, 9.0, 1.0), "x": Number(0.0, 1.0)})))
