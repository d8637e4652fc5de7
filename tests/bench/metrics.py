"""How long one batch of metrics takes: all of them and the classic score, from the engine's sums.

    python -m tests.bench.metrics

Prints JSON. The sums come from a real run over made-up candles; reading them and scoring them has
happened once before, so that nothing is first allocated in the measured time.
"""

import argparse
import json
import os
import statistics
import time

import numpy as np

from liveopt.cli.bench import made, rich_setup
from liveopt.core.bars import MINUTE_NS
from liveopt.core.score import SCORES, ranking
from liveopt.data.market import synthetic_bars
from liveopt.engine.cpu import Cpu
from liveopt.engine.rows import rows_of

YEAR_MINUTES = 525_600.0


def measure(variants: int, bars: int, turns: int) -> dict[str, float]:
    """Milliseconds for the metrics, the score and the ranking of one batch."""
    batch = made(rich_setup(), variants)
    Cpu().advance(batch, rows_of(synthetic_bars(bars, 42, MINUTE_NS, 0), MINUTE_NS, MINUTE_NS))
    metrics = batch.metrics(YEAR_MINUTES)
    scores = SCORES["classic"].of(metrics, np)
    took: list[tuple[float, float]] = []
    for _ in range(turns):
        began = time.perf_counter()
        metrics = batch.metrics(YEAR_MINUTES)
        scores = SCORES["classic"].of(metrics, np)
        scored = time.perf_counter()
        ranking(scores, np)
        took.append((scored - began, time.perf_counter() - scored))
    metrics_s, ranking_s = zip(*took, strict=True)
    return {
        "load_average": os.getloadavg()[0],
        "variants": variants,
        "metrics": len(metrics),
        "with_a_score": int(np.count_nonzero(~np.isnan(scores))),
        "metrics_and_score_ms": round(1e3 * statistics.median(metrics_s), 2),
        "worst_ms": round(1e3 * max(metrics_s), 2),
        "ranking_ms": round(1e3 * statistics.median(ranking_s), 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=100_000)
    parser.add_argument("--bars", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=20)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.variants, asked.bars, asked.turns), indent=2))


if __name__ == "__main__":
    main()
