"""On a machine with a CUDA device: portfolios have the CPU's bits, correlations its figures."""

from dataclasses import fields

import numpy as np
import pytest

from liveopt.config.portfolio import Portfolio
from liveopt.engine.gpu import Gpu
from liveopt.portfolio.aim import Aim
from liveopt.portfolio.correlation import Correlations, correlate
from liveopt.portfolio.correlation_gpu import correlate as correlate_there
from liveopt.portfolio.gather import CpuGather, GpuGather
from liveopt.portfolio.likeness import likeness
from liveopt.portfolio.optimize import Means, optimize
from liveopt.portfolio.steps import Steps
from tests.unit.portfolio.panels import MONEY, PANELS, SIZES, panel_of, sets_of

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize("name", PANELS)
def test_portfolios_have_the_same_bits(name: str, method: str) -> None:
    pnl = PANELS[name]
    like = likeness(pnl, method)
    here, there = CpuGather(pnl, like), GpuGather(Gpu(), pnl, like)
    for size in SIZES:
        for one, other in zip(here(sets_of(name, size)), there(sets_of(name, size)), strict=True):
            assert one.tobytes() == other.tobytes(), size


@pytest.mark.parametrize("sessions", [1, 127, 128, 129, 1_000, 6_144, 6_145, 20_000])
def test_any_number_of_sessions_has_the_same_bits(sessions: int) -> None:
    """More than 6,144 need more shared memory than a block has unasked."""
    rng = np.random.default_rng(sessions)
    pnl = 100.0 * rng.standard_t(3, (60, sessions))
    like = likeness(pnl, "pearson")
    sets = np.array([rng.permutation(60)[:35] for _ in range(50)], np.int32)
    for one, other in zip(
        CpuGather(pnl, like)(sets), GpuGather(Gpu(), pnl, like)(sets), strict=True
    ):
        assert one.tobytes() == other.tobytes()


def test_a_large_batch_and_none_have_the_same_bits() -> None:
    rng = np.random.default_rng(1)
    pnl = 100.0 * rng.standard_t(3, (20_000, 250))
    like = likeness(pnl, "pearson")
    here, there = CpuGather(pnl, like), GpuGather(Gpu(), pnl, like)
    sets = rng.integers(0, 20_000, (10_000, 35)).astype(np.int32)
    for batch in (sets, sets[:0]):
        for one, other in zip(here(batch), there(batch), strict=True):
            assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("kind", ["legacy", "enhanced", "hybrid"])
def test_a_fitness_has_the_same_bits(kind: str) -> None:
    pnl = PANELS["heavy tails"]
    like = likeness(pnl, "pearson")
    aim = Aim(Portfolio.model_validate({"fitness": kind}), MONEY, 0.9)
    sets = sets_of("heavy tails", 12)
    one, other = (aim.fitness(sets, g) for g in (CpuGather(pnl, like), GpuGather(Gpu(), pnl, like)))
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("count", [1, 2, 5, 40, 3_000])
def test_correlations_are_the_cpus_within_rounding(count: int) -> None:
    pnl = np.random.default_rng(count).standard_normal((count, 60))
    pnl[count // 2] = 3.0  # one that never moves
    like = likeness(pnl, "pearson")
    here, there = correlate(like, 0.4), correlate_there(Gpu(), like, 0.4)
    for field in fields(Correlations):
        one, other = getattr(here, field.name), getattr(there, field.name)
        if field.name == "bins":
            assert np.abs(np.cumsum(one) - np.cumsum(other)).max() <= 2
        elif field.name != "partner":
            np.testing.assert_allclose(one, other, atol=1e-12, err_msg=field.name)
    assert (here.partner >= 0).tolist() == (there.partner >= 0).tolist()


def test_twins_reach_a_threshold_of_1_there_too() -> None:
    pnl = np.random.default_rng(6).standard_normal((12, 37))
    pnl[6:] = pnl[:6]
    found = correlate_there(Gpu(), likeness(pnl, "pearson"), 1.0)
    assert found.reached.tolist() == [1] * 12


def test_a_search_there_finds_what_a_search_here_finds() -> None:
    pnl = np.round(1_000.0 * np.random.default_rng(3).standard_t(4, (200, 120)))
    terms = Portfolio(size=10, algorithms=("ga", "sa"), evaluations=1_000, workers=1)
    here, there = (
        optimize(panel_of(pnl), terms, Means(device, None), Steps()) for device in ("cpu", "gpu")
    )
    assert [(one.members, one.fitness, one.history) for one in here.tried] == [
        (one.members, one.fitness, one.history) for one in there.tried
    ]
    assert {one.device for one in there.tried} == {"gpu"}
