"""On a machine with a CUDA device: the same bits as the CPU, whatever the strategy."""

import numpy as np
import pytest

from liveopt.core.account import Rule
from liveopt.core.bars import MINUTE_NS
from liveopt.core.instrument import Instrument
from liveopt.data.market import synthetic_bars
from liveopt.engine.batch import Batch, Setup, open_batch
from liveopt.engine.cpu import Cpu
from liveopt.engine.gpu import Gpu
from liveopt.engine.rows import rows_of
from liveopt.optimize.parameters import random_variants
from liveopt.strategies import load
from tests.contracts.oracle import EVERYTHING

pytestmark = pytest.mark.gpu

ROWS = rows_of(synthetic_bars(3_000, 9, MINUTE_NS, 0), MINUTE_NS, 5 * MINUTE_NS)
RISK = {"fraction": 0.5, "leverage": 5.0, "stop": 0.05, "take": 0.1, "trail": 0.04, "arm": 0.02}
HOLD = {"min_hold": 120.0, "max_hold": 36_000.0}


def batches(name: str) -> list[tuple[Batch, Batch]]:
    strategy = load()[name]
    found = []
    for variants in random_variants(strategy, 700, 3, {**RISK, **HOLD}):
        setup = Setup(
            strategy,
            EVERYTHING,
            Instrument("perpetual", tick=0.01, lot=0.001),
            choices=variants.choices,
            pessimistic=True,
        )
        one, two = (open_batch(setup, variants.knobs, variants.risk) for _ in range(2))
        found.append((one, two))
    return found


@pytest.mark.parametrize("name", load())
def test_the_gpu_gives_the_bits_of_the_cpu(name: str) -> None:
    for one, two in batches(name):
        Cpu().advance(one, ROWS)
        Gpu().advance(two, ROWS)
        for cell in one.program.state:
            assert one.cell(cell).tobytes() == two.cell(cell).tobytes(), cell


def test_the_gpu_may_stop_and_go_on_anywhere() -> None:
    (one, two), *_ = batches("ma_crossover")
    Gpu().advance(one, ROWS)
    for first in range(0, len(ROWS), 700):
        Gpu().advance(two, ROWS.part(first, first + 700))
    assert np.array_equal(one.blocks, two.blocks)


def test_the_rich_step_fits_into_128_registers_without_local_memory() -> None:
    setup = Setup(
        load()["ma_crossover"],
        Rule("perpetual", "both", stop=True, take=True, trail=True),
        choices={"kind": "ema"},
    )
    batch = open_batch(setup, {"fast": np.array([5.0]), "slow": np.array([20.0])})
    kernel = Gpu().kernel(batch.program)
    assert kernel.num_regs <= 128
    assert kernel.local_size_bytes == 0
