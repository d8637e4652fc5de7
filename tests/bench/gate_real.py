"""The promotion gate on real candles, where nobody has an edge: how often it is taken in.

    python -m tests.bench.gate_real FOLDER [--seeds 100]

FOLDER holds candles of real symbols (.feather, .parquet, .csv). For each and for each seed, 200
variants and a champion hold random signs for random times, drawn alike for all, so that none is
better but by luck; the engine's pessimistic accounts pay fees and slippage. The gate watches the
differences of their log returns, ten signal bars at a time, over one season. Prints JSON; exit code
1 if more runs than the gate's error allows had a promotion, by the lower end of the interval.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from liveopt.core.account import Rule
from liveopt.core.bars import Bars, infer_interval_ns
from liveopt.core.instrument import Instrument
from liveopt.data.candles import read_candles
from liveopt.data.tables import DataError
from liveopt.engine.batch import Setup, open_batch
from liveopt.engine.cpu import Cpu
from liveopt.engine.rows import Rows, rows_of
from liveopt.optimize.gate_study.report import wilson
from liveopt.optimize.gate_study.rivals import bound
from liveopt.promotion.epoch import Epoch
from liveopt.promotion.scale import Scale
from liveopt.promotion.terms import GateTerms
from liveopt.walk.told import TOLD

Array = npt.NDArray[np.float64]
VARIANTS = 200
TOGETHER = 10
"""Seeds that share a batch of the engine."""
HELD = (10.0, 30.0, 100.0)
"""Signal bars that a sign is held on average; seeds are dealt to them in turns."""
SUFFIXES = (".feather", ".parquet", ".csv")
SETUP = Setup(
    TOLD, Rule("perpetual", "both", limit_targets=False), Instrument("perpetual"), pessimistic=True
)


def signs(rng: np.random.Generator, bars: int, held: float) -> Array:
    """[bar, account] of -1, 0 and 1: a new one is drawn with a chance of one in `held`."""
    drawn = rng.integers(-1, 2, (bars, VARIANTS + 1)).astype(np.float64)
    stays = rng.random((bars, VARIANTS + 1)) >= 1.0 / held
    stays[0] = False
    last = np.where(stays, 0, np.arange(bars)[:, None])
    np.maximum.accumulate(last, axis=0, out=last)
    return np.take_along_axis(drawn, last, axis=0)


def equities(rows: Rows, targets: Array, every: int) -> Array:
    """[evidence bar, account]: the pessimistic equity at the start and after each."""
    count = targets.shape[1]
    batch, cpu = open_batch(SETUP, {"place": np.zeros(count)}), Cpu(threads=1)
    everyone = np.arange(count)
    found = [batch.cell("q_equity").copy()]
    for n, wanted in enumerate(targets):
        batch.put("m_told", everyone, wanted)
        cpu.advance(batch, rows.part(n, n + 1))
        if (n + 1) % every == 0:
            found.append(batch.cell("q_equity").copy())
    return np.array(found)


def ratios(close: Array, every: int) -> Array:
    """How wild the market was before each evidence bar."""
    scale, moves = Scale(), np.diff(np.log(close[every - 1 :: every]))
    found = [scale.ratio]
    for move in moves:
        found.append(scale.ratio)
        scale.see(float(move))
    return np.array(found)


def contest(terms: GateTerms, gains: Array, wild: Array) -> tuple[bool, bool]:
    """Whether the gate, and a t at every look, let anybody through. The champion comes first."""
    differences = np.ascontiguousarray(gains[:, 1:] - gains[:, :1])
    epoch, crowd = Epoch(terms, 1), np.ones(VARIANTS, bool)
    epoch.admit([f"v{n}" for n in range(VARIANTS)])
    naive = False
    for n, difference in enumerate(differences):
        epoch.tally(difference, crowd, float(wild[n]))
        if epoch.settle() is not None and n >= 5:
            so_far = differences[: n + 1]
            t = so_far.mean(axis=0) / (so_far.std(axis=0, ddof=1) + 1e-300) * sqrt(n + 1)
            naive = naive or bool((t > bound(1)).any())
    return bool(epoch.passed.any()), naive


def symbol(bars: Bars, number: int, seeds: Sequence[int]) -> list[tuple[bool, bool]]:
    """All seeds over one symbol's candles."""
    width = infer_interval_ns(bars)
    usual = GateTerms(seed=0)
    season = min(usual.season, len(bars) // usual.bars) // usual.look_every * usual.look_every
    count = season * usual.bars
    bars = bars.part(0, count)
    rows, wild = rows_of(bars, width, width), ratios(bars.close, usual.bars)
    found = []
    for first in range(0, len(seeds), TOGETHER):
        chosen = seeds[first : first + TOGETHER]
        drawn = [
            signs(np.random.default_rng((seed, number)), count, HELD[seed % len(HELD)])
            for seed in chosen
        ]
        equity = equities(rows, np.concatenate(drawn, axis=1), usual.bars)
        gains = np.diff(np.log(equity), axis=0)
        for n, seed in enumerate(chosen):
            terms = GateTerms(seed=seed, season=season)
            own = gains[:, n * (VARIANTS + 1) : (n + 1) * (VARIANTS + 1)]
            found.append(contest(terms, own, wild))
    return found


def main() -> int:
    """All symbols of a folder."""
    parser = argparse.ArgumentParser(description="The promotion gate on real candles.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=100)
    options = parser.parse_args()
    facts: dict[str, Any] = {"variants": VARIANTS, "seeds": options.seeds, "symbols": {}}
    promoted = naive = runs = 0
    files = sorted(p for p in options.folder.iterdir() if p.suffix in SUFFIXES)
    for number, path in enumerate(files):
        try:
            bars = read_candles(path)
        except DataError as error:
            print(f"passed over: {error}", file=sys.stderr)
            continue
        found = symbol(bars, number, range(options.seeds))
        hits = (sum(one for one, _ in found), sum(other for _, other in found))
        facts["symbols"][path.name] = {
            "bars": len(bars), "promotions": hits[0], "naive_promotions": hits[1],
        }  # fmt: skip
        promoted, naive, runs = promoted + hits[0], naive + hits[1], runs + len(found)
        print(f"{path.name}: {hits[0]} of {len(found)} (naive {hits[1]})", file=sys.stderr)
    if not runs:
        print(f"{options.folder} has no candles", file=sys.stderr)
        return 2
    low, high = wilson(promoted, runs) or (0.0, 1.0)
    facts |= {
        "runs": runs,
        "gate_false_promotion_rate": promoted / runs,
        "gate_false_promotion_interval": (low, high),
        "naive_false_promotion_rate": naive / runs,
        "naive_false_promotion_interval": wilson(naive, runs),
    }
    print(json.dumps(facts, indent=2))
    return int(low > GateTerms(seed=0).alpha)


if __name__ == "__main__":
    sys.exit(main())
