"""What is kept of all pairs is what the whole matrix says; and what was reckoned once is kept."""

from pathlib import Path

import numpy as np
import pytest

from liveopt.data.panel.panel import Float64
from liveopt.portfolio.correlation import (
    BINS,
    NOBODY,
    TILE,
    TOP,
    Cache,
    Correlations,
    correlate,
)
from liveopt.portfolio.likeness import likeness
from tests import portfolio_reference as reference
from tests.unit.portfolio.panels import FAR, PANELS

THRESHOLD = 0.1
EDGE = 1e-9
"""How near to an edge of the histogram rounding may put a pair on either side."""


def check(found: Correlations, whole: Float64, precise: float) -> None:
    """Against all correlations."""
    count = len(whole)
    others = ~np.eye(count, dtype=bool)
    rest = max(count - 1, 1)
    bare = np.where(others, whole, 0.0)
    np.testing.assert_allclose(found.mean, bare.sum(axis=1) / rest, atol=precise)
    np.testing.assert_allclose(found.size, np.abs(bare).sum(axis=1) / rest, atol=precise)
    clear = np.abs(np.abs(whole) - found.threshold).min() > precise
    reached = (others & (np.abs(whole) >= found.threshold - precise)).sum(axis=1)
    assert not clear or found.reached.tolist() == reached.tolist()
    pairs = whole[np.triu_indices(count, 1)]
    assert found.pairs == len(pairs) == found.bins.sum()
    edges = np.linspace(-1.0, 1.0, BINS + 1)
    under = np.cumsum(found.bins)[:-1]
    assert (under >= np.searchsorted(np.sort(pairs), edges[1:-1] - EDGE - precise)).all()
    assert (under <= np.searchsorted(np.sort(pairs), edges[1:-1] + EDGE + precise)).all()
    top = found.best.shape[1]
    for i in range(count):
        wanted = np.sort(whole[i][others[i]])[::-1][:top]
        assert (found.partner[i, : len(wanted)] >= 0).all()
        np.testing.assert_allclose(found.best[i, : len(wanted)], wanted, atol=precise)
        mine = found.partner[i, : len(wanted)]
        assert i not in mine
        assert len(set(mine.tolist())) == len(mine)
        np.testing.assert_allclose(whole[i, mine], wanted, atol=2.0 * precise)
        assert (found.partner[i, len(wanted) :] == NOBODY).all()
        assert np.isnan(found.best[i, len(wanted) :]).all()


@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize("name", PANELS)
def test_statistics_of_all_pairs_are_those_of_the_definition(name: str, method: str) -> None:
    pnl = PANELS[name][:24]
    found = correlate(likeness(pnl, method), THRESHOLD)
    precise = FAR.get(name, 1e-12) if method == "pearson" else 1e-12
    check(found, reference.correlations(pnl, method), precise)


@pytest.mark.parametrize("count", [1, 2, TOP, TILE - 1, TILE, TILE + 1, 2 * TILE + 70])
def test_tiles_change_nothing(count: int) -> None:
    pnl = np.random.default_rng(count).standard_normal((count, 20))
    pnl[count // 2] = 3.0  # one that never moves
    whole = np.eye(1) if count == 1 else _corrcoef(pnl)
    check(correlate(likeness(pnl, "pearson"), 0.7), whole, 1e-12)


def _corrcoef(pnl: Float64) -> Float64:
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.array(np.corrcoef(pnl))
    found[np.isnan(found)] = 0.0
    np.fill_diagonal(found, 1.0)
    return found


def test_the_number_of_threads_changes_no_bit() -> None:
    like = likeness(np.random.default_rng(5).standard_normal((TILE + 300, 30)), "pearson")
    found = [correlate(like, 0.3, threads=threads) for threads in (1, 2, 3, 7)]
    for one in found[1:]:
        for name in Correlations.__slots__:
            np.testing.assert_array_equal(getattr(one, name), getattr(found[0], name))


def test_twins_reach_a_threshold_of_1() -> None:
    pnl = np.random.default_rng(6).standard_normal((12, 37))
    pnl[6:] = pnl[:6]
    pnl[11] = -pnl[5]
    found = correlate(likeness(pnl, "pearson"), 1.0)
    assert found.reached.tolist() == [1] * 12
    assert found.pairs_reached == 6
    assert found.partner[:5, 0].tolist() == [6, 7, 8, 9, 10]


def test_progress_rises_to_1() -> None:
    heard: list[float] = []
    correlate(likeness(np.ones((TILE + 1, 3)), "pearson"), 0.5, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


def same(one: Correlations, other: Correlations) -> bool:
    """To the last bit."""
    return all(
        np.array_equal(np.asarray(getattr(one, n)), np.asarray(getattr(other, n)), equal_nan=True)
        for n in ("threshold", "mean", "size", "reached", "partner", "bins", "best")
    )


def test_the_cache_knows_the_same_question_and_no_other(tmp_path: Path) -> None:
    cache, pnl = Cache(tmp_path / "c"), np.random.default_rng(7).standard_normal((9, 20))
    like = likeness(pnl, "pearson")
    found, key = correlate(like, 0.7), cache.key(like, 0.7)
    assert cache.get(key) is None
    cache.put(key, found)
    known = cache.get(cache.key(likeness(pnl.copy(), "pearson"), 0.7))
    assert known is not None
    assert same(known, found)
    nudged = pnl.copy()
    nudged[3, 4] = np.nextafter(nudged[3, 4], 9.0)
    keys = [
        cache.key(like, 0.6),
        cache.key(like, 0.7, 6),
        cache.key(likeness(nudged, "pearson"), 0.7),
        cache.key(likeness(pnl, "spearman"), 0.7),
        cache.key(likeness(pnl.reshape(18, 10), "pearson"), 0.7),
    ]
    assert len({key, *keys}) == 6
    assert [cache.get(one) for one in keys] == [None] * 5


def test_a_damaged_file_of_the_cache_is_nothing_or_still_right(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    like = likeness(np.random.default_rng(8).standard_normal((4, 20)), "pearson")
    found, key = correlate(like, 0.7), cache.key(like, 0.7)
    cache.put(key, found)
    (path,) = tmp_path.iterdir()
    whole, rng, lost = path.read_bytes(), np.random.default_rng(9), 0
    for at in range(0, len(whole), 7):
        flipped = whole[:at] + bytes([whole[at] ^ (1 << int(rng.integers(8)))]) + whole[at + 1 :]
        for damaged in (flipped, whole[:at]):
            path.write_bytes(damaged)
            known = cache.get(key)
            assert known is None or same(known, found)
            lost += known is None
    assert lost > len(whole) // 7


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache, like = Cache(tmp_path / "file" / "c"), likeness(np.ones((2, 3)), "pearson")
    cache.put(cache.key(like, 0.7), correlate(like, 0.7))
    assert cache.get(cache.key(like, 0.7)) is None
