"""`liveopt bench`: how fast this machine is, as ratios and rates measured in one run."""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import typer

from liveopt.cli.bench_live import live
from liveopt.cli.show import as_json, table
from liveopt.core.account import Rule
from liveopt.core.bars import MINUTE_NS
from liveopt.core.instrument import Instrument
from liveopt.data.candle_file import write_candles
from liveopt.data.market import synthetic_bars
from liveopt.engine.batch import Batch, Setup, open_batch
from liveopt.engine.cpu import Cpu
from liveopt.engine.device import Device, choose
from liveopt.engine.emit_scalar import source as scalar_source
from liveopt.engine.gpu import Gpu
from liveopt.engine.inputs import spool
from liveopt.engine.kernels import load_kernel
from liveopt.engine.rows import Rows, rows_of
from liveopt.strategies import load

bench = typer.Typer(no_args_is_help=True)
bench.command()(live)

SEED = 42
START_NS = 1_735_689_600_000_000_000
ROUNDS = 3
LIVE_VARIANTS = (1_000, 10_000, 100_000)
LIVE_BARS = 200
SCALAR_VARIANTS, SCALAR_BARS = 1_024, 5_000


@bench.callback()
def root() -> None:
    """How fast this machine is, as ratios and rates measured in one run.

    Example: `liveopt bench engine --variants 10000 --bars 100000`
    """


def rich_setup(pessimistic: bool = False) -> Setup:
    """Long and short on a perpetual with stops, targets, trailing stops and liquidation."""
    rule = Rule("perpetual", "both", stop=True, take=True, trail=True)
    return Setup(
        load()["ma_crossover"], rule, Instrument("perpetual", taker_fee=0.001),
        choices={"kind": "ema"}, pessimistic=pessimistic,
    )  # fmt: skip


def lean_setup() -> Setup:
    """The simple-average crossing without stops, all metrics kept."""
    instrument = Instrument(taker_fee=0.001, slippage=0.0)
    return Setup(load()["ma_crossover"], Rule(), instrument, choices={"kind": "sma"})


def made(setup: Setup, variants: int) -> Batch:
    """A batch of a grid of 100 fast by 100 slow windows, with random risk."""
    rng = np.random.default_rng(SEED)
    number = np.arange(variants)
    knobs: dict[str, npt.NDArray[np.float64]] = {
        "fast": (5 + number // 100 % 100).astype(np.float64),
        "slow": (110 + 3 * (number % 100)).astype(np.float64),
    }
    risk = {
        "leverage": np.full(variants, 3.0 if setup.rule.perpetual else 1.0),
        "stop": rng.uniform(0.01, 0.05, variants),
        "take": rng.uniform(0.02, 0.10, variants),
        "trail": rng.uniform(0.01, 0.04, variants),
        "arm": rng.uniform(0.0, 0.04, variants),
    }
    return open_batch(setup, knobs, risk)


@bench.command()
def engine(
    variants: Annotated[int, typer.Option(min=64, help="Variants of the big runs.")] = 10_000,
    bars: Annotated[int, typer.Option(min=1_000, help="Bars of the big runs.")] = 100_000,
    device: Annotated[
        Literal["auto", "cpu", "gpu"], typer.Option("--device", help="Where to run.")
    ] = "cpu",
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Measure the engine: rich step, lean step, against a scalar loop, one bar live, start-up.

    Example: `liveopt bench engine --variants 10000 --bars 100000 --json`
    """
    choice = choose(device)
    rows = rows_of(synthetic_bars(bars, SEED, MINUTE_NS, 0), MINUTE_NS, MINUTE_NS)
    facts: dict[str, Any] = {"device": choice.device.name, "device_reason": choice.reason}
    facts |= {"variants": variants, "bars": bars}
    facts |= start_up()
    facts |= big_runs(choice.device, variants, rows)
    facts["peak_rss_mib"] = peak_rss_mib(variants, bars)
    facts["ratio_to_scalar"] = ratio_to_scalar(rows)
    facts["live_bar_us"] = {str(n): live_bar_us(choice.device, n, rows) for n in LIVE_VARIANTS}
    if json:
        as_json(facts)
        return
    lines = [(k, v) for k, v in facts.items() if not isinstance(v, dict)]
    lines += [
        (f"{k} {n}", w) for k, v in facts.items() if isinstance(v, dict) for n, w in v.items()
    ]
    table(("figure", "value"), lines)


def start_up() -> dict[str, float]:
    """Seconds from the start of a process to its first result, with an empty and a filled cache."""
    with tempfile.TemporaryDirectory() as folder:
        command = _sweep(Path(folder), 64, 1_000)
        environment = os.environ | {"LIVEOPT_CACHE": folder}

        def once() -> float:
            began = time.perf_counter()
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  our own program
            return time.perf_counter() - began

        cold_s = once()
        warm_s = min(once() for _ in range(ROUNDS))
    return {"start_cold_s": cold_s, "start_warm_s": warm_s}


def peak_rss_mib(variants: int, bars: int) -> float:
    """Memory of a whole process that sweeps so many variants over so many bars."""
    with tempfile.TemporaryDirectory() as folder:
        command = _sweep(Path(folder), variants, bars)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  our own program
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def _sweep(folder: Path, variants: int, bars: int) -> list[str]:
    """The command that sweeps a crossover over made-up minutes."""
    made = folder / "made-up.parquet"
    write_candles(made, synthetic_bars(bars, SEED, MINUTE_NS, START_NS), {})
    wanted = ("kind=ema", "stop=0.02", "take=0.04", "trail=0.015")
    fixed = [part for text in wanted for part in ("--set", text)]
    sizes = ["--data", str(made), "--random", str(variants), "--seed", "1", "--json"]
    return [sys.executable, "-m", "liveopt", "sweep", "ma_crossover", *sizes, *fixed]


def big_runs(device: Device, variants: int, rows: Rows) -> dict[str, float]:
    """Variant-bars a second of the rich and the lean step and of two accounts at once."""
    setups = {
        "variant_bars_per_s": rich_setup(),
        "lean_variant_bars_per_s": lean_setup(),
        "pessimistic_variant_bars_per_s": rich_setup(pessimistic=True),
    }
    best: dict[str, float] = {}
    for setup in setups.values():
        device.advance(made(setup, 64), rows.part(0, 10))
    for _ in range(ROUNDS):
        for name, setup in setups.items():
            batch = made(setup, variants)
            seconds = timed(lambda b=batch: device.advance(b, rows))  # type: ignore[misc]
            best[name] = max(best.get(name, 0.0), variants * len(rows) / seconds)
    found = {
        **best,
        "bytes_per_variant": float(
            made(setups["variant_bars_per_s"], 64).program.bytes_per_variant
        ),
    }
    found["pessimistic_cost"] = best["variant_bars_per_s"] / best["pessimistic_variant_bars_per_s"]
    if isinstance(device, Gpu):
        kernel = device.kernel(made(setups["variant_bars_per_s"], 64).program)
        found |= {
            "registers": float(kernel.num_regs),
            "local_bytes": float(kernel.local_size_bytes),
        }
    return found


def ratio_to_scalar(rows: Rows) -> float:
    """How many times faster the blocked kernel is than the scalar loop, both on one thread."""
    part = rows.part(0, SCALAR_BARS)
    scalar = load_kernel(scalar_source(made(rich_setup(), 64).program)).advance
    blocked = Cpu(threads=1)
    times: dict[str, list[float]] = {"scalar": [], "blocked": []}
    blocked.advance(made(rich_setup(), 64), part.part(0, 10))
    for _ in range(ROUNDS):
        one, two = made(rich_setup(), SCALAR_VARIANTS), made(rich_setup(), SCALAR_VARIANTS)
        tape, layout = spool(one.inputs, part, 0), one.inputs.layout
        arguments = (
            np.ascontiguousarray(part.table), part.kinds, one.terms, one.blocks,
            tape.values, tape.offsets, layout.strides, layout.index, layout.runs,
            one.log, one.logged, 0, len(one.blocks),
        )  # fmt: skip
        times["scalar"].append(timed(lambda a=arguments: scalar(*a)))  # type: ignore[misc]
        times["blocked"].append(timed(lambda b=two: blocked.advance(b, part)))  # type: ignore[misc]
        assert np.array_equal(one.cell("p_equity"), two.cell("p_equity"))
    return min(times["scalar"]) / min(times["blocked"])


def live_bar_us(device: Device, variants: int, rows: Rows) -> float:
    """Median microseconds of one call with one bar, on one thread of a CPU."""
    alone = Cpu(threads=1) if isinstance(device, Cpu) else device
    batch = made(rich_setup(), variants)
    alone.advance(batch, rows.part(0, 500))
    singles = [rows.part(i, i + 1) for i in range(500, 500 + LIVE_BARS)]
    taken = [timed(lambda r=row: alone.advance(batch, r)) for row in singles]  # type: ignore[misc]
    return 1e6 * statistics.median(taken)


def timed(work: Callable[[], object]) -> float:
    """Seconds that some work takes."""
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s
