"""SPA beside that of arch: the same gains, the same number of resamples, in turns in one run.

    python -m tests.bench.spa

Prints JSON. Draws, counts, variances and p-values are all in the time of both; both have run once
before, so that nothing is compiled in the measured time. The product runs on as many threads as
NumPy's BLAS takes (OPENBLAS_NUM_THREADS=1 compares one core with one).
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from arch.bootstrap import SPA

from liveopt.stats.bootstrap import counts_of, stationary_indices
from liveopt.stats.evidence import log_mixture
from liveopt.stats.spa import spa

BLOCK = 10


def seconds(run: Callable[[], Any]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def compare(rows: int, series: int, resamples: int, turns: int) -> dict[str, Any]:
    """Both in turns; the ratio is that of the best turns: what else runs disturbs those least."""
    rng = np.random.default_rng(1)
    gains = rng.standard_t(4, (rows, series)) + rng.standard_t(4, (rows, 1))

    def theirs() -> None:
        SPA(np.zeros(rows), -gains, block_size=BLOCK, reps=resamples, seed=7).compute()

    def ours() -> None:
        drawn = stationary_indices(np.random.default_rng(7), resamples, rows, float(BLOCK))
        spa(gains, counts_of(drawn), float(BLOCK))

    theirs()
    ours()
    took = [(seconds(theirs), seconds(ours)) for _ in range(turns)]
    arch_s, ours_s = (min(column) for column in zip(*took, strict=True))
    return {
        "rows": rows,
        "series": series,
        "resamples": resamples,
        "arch_s": round(arch_s, 4),
        "liveopt_s": round(ours_s, 4),
        "times_faster": round(arch_s / ours_s, 1),
        "median_turn": round(statistics.median(a / b for a, b in took), 1),
    }


def evidence(worlds: int, series: int, turns: int) -> dict[str, Any]:
    """Mixture values a second on one core, into an array that is there already."""
    sums = np.random.default_rng(2).normal(size=(worlds, series)) * 10.0
    variances, out = np.full(series, 100.0), np.empty((worlds, series))
    took = [seconds(lambda: log_mixture(sums, variances, 100.0, out)) for _ in range(turns)]
    median = statistics.median(took)
    return {
        "values": sums.size,
        "ms": round(median * 1e3, 2),
        "millions_per_s": round(sums.size / median / 1e6),
    }


def main() -> None:
    """Measure both."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--turns", type=int, default=9)
    given = options.parse_args()
    facts = {
        "load_average": os.getloadavg(),
        "cpus": os.cpu_count(),
        "spa": compare(1_000, 1_000, 1_000, given.turns),
        "evidence": [evidence(999, 1_000, given.turns), evidence(499, 10_000, given.turns)],
    }
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
