"""Portfolios and correlations on a CUDA device, beside the CPU in the same run, with equal numbers.

    python -m tests.bench.portfolio_device

10,000 portfolios of 35 a generation, and all pairs of 100,000 strategies, 1,000 sessions each; the
CPU correlates a tenth of the strategies. Needs a device. Prints JSON.
"""

import json
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from liveopt.engine.gpu import Gpu
from liveopt.portfolio.correlation import correlate
from liveopt.portfolio.correlation_gpu import correlate as correlate_there
from liveopt.portfolio.gather import CpuGather, GpuGather, Sets
from liveopt.portfolio.likeness import likeness

STRATEGIES: Final = 100_000
SESSIONS: Final = 1_000
PORTFOLIOS: Final = 10_000
SIZE: Final = 35
TURNS: Final = 5


def best_s(do: Callable[[], object]) -> float:
    """The fastest of some turns, after one to warm up."""
    do()
    found = []
    for _ in range(TURNS):
        begun_s = time.perf_counter()
        do()
        found.append(time.perf_counter() - begun_s)
    return min(found)


def main() -> None:
    """Measure and print."""
    gpu, luck = Gpu(), np.random.default_rng(1)
    pnl = luck.standard_t(4, (STRATEGIES, SESSIONS))
    like = likeness(pnl, "pearson")
    drawn = np.stack([luck.choice(STRATEGIES, SIZE, replace=False) for _ in range(PORTFOLIOS)])
    sets: Sets = np.sort(drawn, axis=1).astype(np.int32)
    here, there = CpuGather(pnl, like), GpuGather(gpu, pnl, like)
    same = all(np.array_equal(a, b) for a, b in zip(here(sets), there(sets), strict=True))
    few = likeness(pnl[: STRATEGIES // 10], "pearson")
    one, other = correlate(few, 0.7), correlate_there(gpu, few, 0.7)
    off = float(np.abs(one.mean - other.mean).max())
    found: dict[str, Any] = {
        "device": gpu.model,
        "portfolios_same_bits": same,
        "portfolios_cpu_s": best_s(lambda: here(sets)),
        "portfolios_device_s": best_s(lambda: there(sets)),
        "correlation_means_differ_by": off,
        "correlation_a_tenth_cpu_s": best_s(lambda: correlate(few, 0.7)),
        "correlation_a_tenth_device_s": best_s(lambda: correlate_there(gpu, few, 0.7)),
        "correlation_device_s": best_s(lambda: correlate_there(gpu, like, 0.7)),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
