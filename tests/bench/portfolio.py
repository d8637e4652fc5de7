"""How fast portfolios are evaluated and strategies correlated, beside pandas in the same run.

    python -m tests.bench.portfolio evaluations
    python -m tests.bench.portfolio correlation

`evaluations`: the legacy fitness of portfolios of 35 out of 100,000 strategies of 250 sessions, by
one process and by two, and by a plain pandas program; pandas has no matrix of 100,000 strategies
(80 GB), so it correlates the members of each portfolio, or, to be kind, looks them up in a matrix
of the first 2,000 that it need not make. `correlation`: statistics of all pairs of 25,000
strategies beside DataFrame.corr(), which makes the matrix and nothing of it, and of 100,000 alone.
Every part is a process of its own, whose peak memory is told. Prints JSON.
"""

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from liveopt.config.portfolio import Portfolio
from liveopt.portfolio.aim import Aim
from liveopt.portfolio.correlation import correlate, kernels
from liveopt.portfolio.figures import Money
from liveopt.portfolio.likeness import likeness
from liveopt.portfolio.seat import Ground, ground_in, lay_out

Array = npt.NDArray[np.float64]
Told = dict[str, float]
SIZE: Final = 35
BATCH: Final = 4096
KNOWN: Final = 2_000
SECONDS: Final = 3.0
"""That an evaluation is repeated for."""
TERMS: Final = Portfolio()
WEIGHT: Final = TERMS.penalty_weight


def pnl_of(strategies: int, sessions: int) -> Array:
    """Heavy-tailed days with something in common."""
    rng = np.random.default_rng(42)
    found = rng.standard_normal((strategies, sessions))
    found += 0.5 * rng.standard_t(3, sessions)
    return np.asarray(1_000.0 * found + 20.0)


def sets_of(count: int, strategies: int, seed: int) -> npt.NDArray[np.int32]:
    """Portfolios drawn evenly."""
    rng = np.random.default_rng(seed)
    rows = [rng.choice(strategies, SIZE, replace=False) for _ in range(count)]
    return np.sort(np.array(rows), axis=1).astype(np.int32)


def alone(do: Callable[..., Told], *args: Any) -> Told:
    """In a process of its own; with its peak memory."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_told, do, args).result()


def _told(do: Callable[..., Told], args: tuple[Any, ...]) -> Told:
    found = do(*args)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    return {**found, "peak_rss_mib": round(peak)}


# evaluations ----------------------------------------------------------------------------------


def ours(folder: Path, seed: int, begin_at: float) -> Told:
    """Portfolios a second of one process, from a common instant on."""
    pnl = np.load(folder / "pnl.npy", mmap_mode="r")
    ground = ground_in(folder)
    aim, gather = ground.aim, ground.gather()
    batches = [sets_of(BATCH, len(pnl), seed + i) for i in range(4)]
    aim.fitness(batches[0], gather)
    time.sleep(max(0.0, begin_at - time.monotonic()))
    rates: list[float] = []
    begun = time.perf_counter()
    while time.perf_counter() - begun < SECONDS:
        since = time.perf_counter()
        aim.fitness(batches[len(rates) % 4], gather)
        rates.append(BATCH / (time.perf_counter() - since))
    return {"per_s": round(statistics.median(rates)), "least_per_s": round(min(rates))}


def legacy(profits: Any, together: Any) -> float:
    """The legacy fitness as a desk writes it."""
    series = profits.mean(axis=1)
    equity = series.cumsum()
    fall = float((equity.cummax() - equity).max())
    total = float(series.sum())
    without = 100.0 * total if total > 0.0 else 10.0 * total
    ratio = total / fall if fall > 1e-6 else without
    above = together.to_numpy()[np.triu_indices(len(together), 1)]
    return float(ratio - WEIGHT * above.mean())


def pandas_evaluations(folder: Path, known: bool) -> Told:
    """The same by pandas; checks a few against ours."""
    pd: Any = import_module("pandas")
    pnl = np.load(folder / "pnl.npy", mmap_mode="r")
    strategies = KNOWN if known else len(pnl)
    frame = pd.DataFrame(np.asfortranarray(pnl[:strategies].T))  # a strategy lies in one piece
    matrix = frame.corr() if known else None
    sets = sets_of(BATCH // 8, strategies, 1)
    ground = ground_in(folder)
    aim, gather = ground.aim, ground.gather()

    def one(members: npt.NDArray[np.int32]) -> float:
        profits = frame.iloc[:, members]
        return legacy(profits, profits.corr() if matrix is None else matrix.iloc[members, members])

    np.testing.assert_allclose(
        [one(members) for members in sets[:16]], aim.fitness(sets[:16], gather), rtol=1e-9
    )
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < SECONDS:
        one(sets[done % len(sets)])
        done += 1
    return {"per_s": round(done / (time.perf_counter() - begun))}


def evaluations(strategies: int, sessions: int) -> dict[str, Any]:
    """One process, two, and pandas."""
    with TemporaryDirectory(prefix="liveopt-bench-") as name:
        folder = Path(name)
        pnl = pnl_of(strategies, sessions)
        aim = Aim(TERMS, Money(100_000.0, 252.0, 0.02), 1.0)
        lay_out(Ground(folder, "cpu", aim, np.ones(len(pnl))), pnl, likeness(pnl, "pearson"))
        del pnl
        kernels()
        one = alone(ours, folder, 1, 0.0)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            at = time.monotonic() + 8.0
            pair = [pool.submit(ours, folder, 10 * i, at) for i in (1, 2)]
            both = [task.result() for task in pair]
        there, kind = (alone(pandas_evaluations, folder, known) for known in (False, True))
    two = sum(told["per_s"] for told in both)
    return {
        "one_process": one,
        "two_processes_per_s": two,
        "pandas": there,
        "pandas_matrix_known": kind,
        "ratio_one_to_pandas": round(one["per_s"] / there["per_s"], 1),
        "ratio_one_to_pandas_matrix_known": round(one["per_s"] / kind["per_s"], 1),
    }


# correlation ----------------------------------------------------------------------------------


def statistics_of(strategies: int, sessions: int) -> Told:
    """All pairs, without the matrix."""
    kernels()
    pnl = pnl_of(strategies, sessions)
    begun = time.perf_counter()
    found = correlate(likeness(pnl, "pearson"), 0.7)
    took_s = time.perf_counter() - begun
    assert found.pairs == strategies * (strategies - 1) // 2
    return {"seconds": round(took_s, 2), "mean": float(found.mean.mean())}


def pandas_correlation(strategies: int, sessions: int) -> Told:
    """The matrix."""
    pd: Any = import_module("pandas")
    frame = pd.DataFrame(pnl_of(strategies, sessions).T)
    begun = time.perf_counter()
    matrix = frame.corr().to_numpy()
    took_s = time.perf_counter() - begun
    mean = (float(matrix.sum()) - strategies) / (strategies * (strategies - 1.0))
    return {"seconds": round(took_s, 2), "mean": mean}


def correlation(strategies: int, sessions: int, many: int) -> dict[str, Any]:
    """Beside pandas, and many alone."""
    here = alone(statistics_of, strategies, sessions)
    there = alone(pandas_correlation, strategies, sessions)
    np.testing.assert_allclose(here["mean"], there["mean"], rtol=1e-9)
    found: dict[str, Any] = {
        "strategies": strategies,
        "ours": here,
        "pandas": there,
        "ratio": round(there["seconds"] / here["seconds"], 1),
    }
    if many:
        found[f"ours_{many}"] = alone(statistics_of, many, sessions)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, default=250)
    parts = parser.add_subparsers(dest="part", required=True)
    one = parts.add_parser("evaluations")
    one.add_argument("--strategies", type=int, default=100_000)
    other = parts.add_parser("correlation")
    other.add_argument("--strategies", type=int, default=25_000)
    other.add_argument("--many", type=int, default=100_000, help="0 for none")
    asked = parser.parse_args()
    found: dict[str, Any] = {"load_average": os.getloadavg()[0]}
    if asked.part == "evaluations":
        found |= evaluations(asked.strategies, asked.sessions)
    else:
        found |= correlation(asked.strategies, asked.sessions, asked.many)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
