"""The loops against plain NumPy: to the bit, however the bars are cut."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_ndtr

from liveopt.promotion.compiled import kernels
from liveopt.promotion.signs import signs
from liveopt.promotion.terms import SEASON_MAX
from liveopt.promotion.units import BURN, CAP, FLOOR, NOTHING, QUANTUM
from liveopt.stats.evidence import log_mixture
from tests.unit.promotion.drive import noise

Array = npt.NDArray[np.float64]
TOTAL, SQUARES, COUNT, MET, HEAT, AGE, SIZE = range(7)
RHO = 97.65625
WORLDS = 65


# One evidence bar.


def tallied(
    bars: Array,
    ratios: Array,
    there: npt.NDArray[np.bool_] | None = None,
    least: float = 0.0,
) -> tuple[Array, Array]:
    """The sums after all bars, and what the shadow worlds see of each."""
    floors = np.full(bars.shape[1], least)
    present = np.ones(bars.shape, np.bool_) if there is None else there
    sums, seen = np.zeros((7, bars.shape[1])), np.empty(bars.shape)
    for t, row in enumerate(bars):
        kernels().tally(row, present[t], float(ratios[t]), floors, sums, seen[t])
    return sums, seen


def test_a_unit_is_never_less_than_the_least() -> None:
    bars = np.full((30, 2), 0.01)
    bars[:, 1] = 0.1
    _, seen = tallied(bars, np.ones(30), least=0.04)
    assert set(seen[10:, 0]) == {0.25}
    assert set(seen[10:, 1]) == {1.0}


def plain_tally(column: Array, ratios: Array) -> list[float]:
    """One variant's evidence bar by bar, from all that came before each."""
    found = []
    for t, d in enumerate(column):
        units = [x / r for x, r in zip(column[:t], ratios[:t], strict=True) if abs(x) >= NOTHING]
        if abs(d) < NOTHING or len(units) < BURN:
            found.append(0.0)
            continue
        unit = math.sqrt(sum(x * x for x in units) / len(units))
        y = max(FLOOR, min(CAP, d / ratios[t] / unit))
        found.append(math.floor(y * 256.0 + 0.5) / 256.0)
    return found


@st.composite
def markets(draw: st.DrawFn) -> tuple[Array, Array]:
    """Differences, some large, some nothing, and how wild the market is."""
    seed, bars, variants = draw(st.integers(0, 2**32)), draw(st.integers(1, 60)), 3
    rng = np.random.default_rng(seed)
    found = noise(seed, bars, variants) * 10.0 ** rng.integers(-1, 2, (bars, variants))
    found[rng.random((bars, variants)) < 0.1] = 0.9 * NOTHING
    return found, np.exp(rng.normal(0.0, 0.5, bars))


@given(markets())
def test_evidence_is_in_units_of_the_root_mean_square_of_what_came_before(
    market: tuple[Array, Array],
) -> None:
    bars, ratios = market
    sums, seen = tallied(bars, ratios)
    for i in range(bars.shape[1]):
        assert seen[:, i].tolist() == plain_tally(bars[:, i], ratios)
    met = np.abs(bars) >= NOTHING
    assert sums[TOTAL].tolist() == seen.sum(axis=0).tolist()
    assert sums[SQUARES].tolist() == (seen * seen).sum(axis=0).tolist()
    assert sums[MET].tolist() == met.sum(axis=0).tolist()
    assert sums[COUNT].tolist() == np.maximum(met.sum(axis=0) - BURN, 0.0).tolist()
    heat = (np.where(met, bars / ratios[:, None], 0.0) ** 2).sum(axis=0)
    assert sums[HEAT] == pytest.approx(heat, rel=1e-12)
    assert sums[AGE].tolist() == [len(bars)] * bars.shape[1]


@given(markets(), st.data())
def test_a_bar_changes_nothing_that_was_before_it(
    market: tuple[Array, Array], data: st.DataObject
) -> None:
    bars, ratios = market
    bar = data.draw(st.integers(0, len(bars) - 1))
    other = bars.copy()
    other[bar] = data.draw(st.floats(-1.0, 1.0))
    assert np.array_equal(tallied(bars, ratios)[1][:bar], tallied(other, ratios)[1][:bar])


@given(markets(), st.integers(-12, 12))
def test_the_unit_of_the_differences_does_not_matter(
    market: tuple[Array, Array], power: int
) -> None:
    bars, ratios = market
    bars = np.where(np.abs(bars) < 1e-7, 0.0, bars)
    sums, seen = tallied(bars, ratios)
    other, same = tallied(bars * 2.0**power, ratios)
    assert np.array_equal(seen, same)
    rows = [TOTAL, SQUARES, COUNT, MET, AGE]
    assert np.array_equal(sums[rows], other[rows])
    assert np.array_equal(sums[HEAT] * 4.0**power, other[HEAT])


@given(markets())
def test_a_wild_market_is_smaller_differences_in_a_calm_one(market: tuple[Array, Array]) -> None:
    bars, ratios = market
    bars = np.where(np.abs(bars) < 1e-7, 0.0, bars)
    calm = tallied(bars / ratios[:, None], np.ones(len(bars)))
    for one, other in zip(tallied(bars, ratios), calm, strict=True):
        assert np.array_equal(one, other)


@given(markets())
def test_evidence_is_counted_in_quanta_between_its_bounds(market: tuple[Array, Array]) -> None:
    seen = tallied(*market)[1]
    assert np.array_equal(seen, np.round(seen / QUANTUM) * QUANTUM)
    assert seen.min() >= FLOOR
    assert seen.max() <= CAP


@pytest.mark.parametrize(("jump", "counted"), [(1e6, CAP), (-1e6, FLOOR), (-50.0, -50.0)])
def test_one_jump_counts_no_more_than_its_bound(jump: float, counted: float) -> None:
    bars = np.ones((12, 1))
    bars[11] = jump
    assert tallied(bars, np.ones(12))[1][11, 0] == counted


def test_the_first_ten_differences_only_tell_how_large_one_is() -> None:
    sums, seen = tallied(np.full((11, 1), -0.004), np.ones(11))
    assert seen[:, 0].tolist() == [0.0] * 10 + [-1.0]
    assert sums[[TOTAL, SQUARES, COUNT, MET, AGE], 0].tolist() == [-1.0, 1.0, 1.0, 11.0, 11.0]


@pytest.mark.parametrize("tiny", [0.0, 0.999e-12, -0.999e-12])
def test_a_difference_of_rounding_is_none(tiny: float) -> None:
    sums, _ = tallied(np.full((30, 1), tiny), np.ones(30))
    assert sums[:SIZE, 0].tolist() == [0.0, 0.0, 0.0, 0.0, 0.0, 30.0]


def test_the_least_difference_is_one() -> None:
    assert tallied(np.full((30, 1), -NOTHING), np.ones(30))[0][MET, 0] == 30.0


@given(markets(), st.integers(0, 2**32))
def test_who_was_absent_has_lived_only_the_other_bars(
    market: tuple[Array, Array], seed: int
) -> None:
    bars, ratios = market
    there = np.random.default_rng(seed).random(bars.shape) < 0.6
    sums, seen = tallied(bars, ratios, there)
    assert not seen[~there].any()
    for i in range(bars.shape[1]):
        alone, without = tallied(bars[there[:, i], i : i + 1].copy(), ratios[there[:, i]])
        assert np.array_equal(sums[:, i], alone[:, 0])
        assert np.array_equal(seen[there[:, i], i], without[:, 0])


# The shadow worlds.


@dataclass
class Look:
    """What `turn` is given."""

    worlds: npt.NDArray[np.float32]
    signs: npt.NDArray[np.float32]
    bars: npt.NDArray[np.float32]
    spread: Array

    def turned(self) -> tuple[npt.NDArray[np.float32], Array]:
        """The worlds afterwards, and the best of each."""
        worlds, best = self.worlds.copy(), np.full(self.worlds.shape[1], np.nan)
        kernels().turn(worlds, self.signs, self.bars, self.spread, RHO, best)
        return worlds, best

    def totals(self) -> Array:
        """[variant, world] in plain arithmetic."""
        more = self.bars.T.astype(np.float64) @ self.signs.astype(np.float64)
        return np.asarray(self.worlds + more, np.float64)


@st.composite
def looks(draw: st.DrawFn) -> Look:
    """Variants of every kind: none yet, all lost, equal ones, ones that win everywhere."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    variants, bars = draw(st.integers(0, 6)), draw(st.integers(0, 20))
    steps = rng.choice([1, 256, 2048, 32_768], (1, variants))
    seen = np.clip(rng.integers(-steps, steps + 1, (bars, variants)), -32_768, 2_048) / 256.0
    worlds = rng.integers(-4, 5, (variants, WORLDS)) * rng.choice([0, 1, 64, 2_560], (variants, 1))
    kind = np.array(draw(st.lists(st.sampled_from("nlew "), min_size=variants, max_size=variants)))
    for i in np.flatnonzero(kind == "e"):
        worlds[i], seen[:, i] = worlds[0], seen[:, 0]
    seen[:, kind == "n"] = 0.0
    worlds[kind == "n"] = 0
    worlds[kind == "l"] = -100_000
    worlds[kind == "w"] = 400_000
    spread = rng.uniform(0.1, 40.0, variants) + (seen * seen).sum(axis=0)
    spread[kind == "e"] = spread[:1] if variants else 0.0
    spread[kind == "n"] = 0.0
    return Look(
        (worlds / 256.0).astype(np.float32), signs((3, 1), 5, bars, WORLDS),
        seen.astype(np.float32), spread,
    )  # fmt: skip


@given(looks())
def test_the_worlds_are_the_plain_sums(look: Look) -> None:
    counts = look.spread > 0.0
    assert np.array_equal(look.turned()[0][counts], look.totals()[counts].astype(np.float32))


@given(looks())
def test_the_best_of_each_world_is_that_of_the_formula_in_full(look: Look) -> None:
    found, totals = look.turned()[1], look.totals()
    full = np.where(totals.T > 0.0, log_mixture(totals.T, look.spread, RHO), -1e300)
    full = np.where(look.spread > 0.0, full, -1e300)
    assert found.tolist() == full.max(axis=1, initial=-1e300).tolist()


@given(looks())
def test_evidence_above_nought_is_that_of_another_normal_distribution(look: Look) -> None:
    q = look.spread + RHO
    z = look.totals().T / np.sqrt(q)
    full = math.log(2.0) + 0.5 * np.log(RHO / q) + 0.5 * z * z + log_ndtr(z)
    best = full.max(axis=1, initial=0.0)
    assert np.maximum(look.turned()[1], 0.0) == pytest.approx(best, rel=1e-12, abs=1e-12)


@given(looks(), st.integers(0, 2**32))
def test_the_order_of_the_variants_does_not_matter(look: Look, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(look.spread))
    other = Look(
        look.worlds[order], look.signs, np.ascontiguousarray(look.bars[:, order]),
        look.spread[order],
    )  # fmt: skip
    assert other.turned()[1].tobytes() == look.turned()[1].tobytes()


@given(looks(), st.data())
def test_any_cut_of_the_bars_gives_the_same_bits(look: Look, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(look.bars)))
    first = Look(look.worlds, look.signs[:cut], look.bars[:cut], look.spread)
    second = Look(first.turned()[0], look.signs[cut:], look.bars[cut:], look.spread)
    worlds, best = look.turned()
    assert second.turned()[0].tobytes() == worlds.tobytes()
    assert second.turned()[1].tobytes() == best.tobytes()


def test_the_worst_of_the_longest_season_adds_up_exactly() -> None:
    bars = np.full((SEASON_MAX, 2), FLOOR, np.float32)
    bars[:, 1] += np.float32(QUANTUM)
    shadows = -np.ones((SEASON_MAX, 1), np.float32)
    worlds, _ = Look(np.zeros((2, 1), np.float32), shadows, bars, np.ones(2)).turned()
    assert worlds[:, 0].tolist() == [512.0 * 128.0, 512.0 * (128.0 - QUANTUM)]


@given(st.integers(1, 2**24), st.floats(0.01, 1e6))
def test_no_evidence_is_too_large_to_be_found(quanta: int, spread: float) -> None:
    total = quanta * QUANTUM
    nothing = np.zeros((0, 1), np.float32)
    look = Look(np.array([[total]], np.float32), nothing, nothing, np.array([spread]))
    assert look.turned()[1][0] == log_mixture(total, spread, RHO)


def test_the_quick_bound_is_no_less_than_log_two() -> None:
    assert math.log(2.0) <= kernels().LOG2_MORE


def test_a_world_in_which_all_have_lost_has_no_evidence() -> None:
    nothing = np.zeros((0, 2), np.float32)
    worlds = np.array([[-1.0, 1.0], [0.0, -1.0]], np.float32)
    best = Look(worlds, nothing, nothing, np.ones(2)).turned()[1]
    assert best[0] < -1e299
    assert best[1] == log_mixture(1.0, 1.0, RHO)
