"""How long an evidence bar and a look at everybody's evidence take.

python -m tests.bench.looks
"""

import time

import numpy as np

from liveopt.promotion.epoch import Epoch
from liveopt.promotion.terms import GateTerms, worlds_for

BARS = 200
WANTED_MS = {1_000: 60.0, 10_000: 400.0}


def measured(variants: int) -> tuple[float, float, float]:
    """Medians in milliseconds: an evidence bar, a look; and the longest look."""
    terms = GateTerms(seed=1, worlds=worlds_for(variants))
    epoch = Epoch(terms, 1)
    epoch.admit([f"v{n}" for n in range(variants)])
    rng, there = np.random.default_rng(1), np.ones(variants, np.bool_)
    bars, looks = [], []
    for _ in range(BARS):
        if epoch.work is not None:
            began = time.perf_counter()
            epoch.settle()
            looks.append(time.perf_counter() - began)
        difference = rng.standard_normal(variants)
        began = time.perf_counter()
        epoch.tally(difference, there)
        bars.append(time.perf_counter() - began)
    return 1e3 * float(np.median(bars)), 1e3 * float(np.median(looks)), 1e3 * max(looks[1:])


def main() -> None:
    """Both sizes, beside what is wanted of them."""
    for variants, wanted in WANTED_MS.items():
        bar, look, most = measured(variants)
        print(
            f"{variants:>6,} variants, {worlds_for(variants)} worlds: evidence bar {bar:.3f} ms"
            f" (wanted 1), look {look:.1f} ms, longest {most:.1f} (wanted {wanted:.0f})"
        )


if __name__ == "__main__":
    main()
