"""The choice of device, and what happens when a run does not fit into its memory."""

from collections.abc import Callable

import numpy as np
import pytest

from liveopt.core.account import Rule
from liveopt.core.bars import MINUTE_NS
from liveopt.data.market import synthetic_bars
from liveopt.engine.batch import Batch, Setup
from liveopt.engine.cpu import Cpu
from liveopt.engine.device import MIB, Run, batch_size, choose, evaluate, memory_bytes
from liveopt.engine.gpu import Gpu, NoGpu
from liveopt.engine.rows import Rows, rows_of
from liveopt.strategies import load

ROWS = rows_of(synthetic_bars(300, 5, MINUTE_NS, 0), MINUTE_NS, MINUTE_NS)
SETUP = Setup(load()["ma_crossover"], Rule(), choices={"kind": "ema"})
KNOBS = {"fast": np.arange(2.0, 302.0) % 20 + 2, "slow": np.arange(300.0) % 40 + 25}


class Cramped:
    """A device that runs out of memory on its first so many batches."""

    name = "cramped"

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.sizes: list[int] = []
        self.cpu = Cpu(1)

    def advance(
        self, batch: Batch, rows: Rows, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        self.sizes.append(batch.size)
        if self.failures:
            self.failures -= 1
            progress(10)
            raise MemoryError
        self.cpu.advance(batch, rows, progress)


def has_gpu() -> bool:
    try:
        Gpu()
    except NoGpu:
        return False
    return True


def test_a_wish_for_the_cpu_is_granted_with_its_threads() -> None:
    choice = choose("cpu", threads=2)
    assert choice.device.name == "cpu"
    assert "2 threads" in choice.reason


def test_without_a_gpu_auto_says_why_it_takes_the_cpu_and_gpu_is_refused_with_the_mend() -> None:
    if has_gpu():
        assert choose("auto").device.name == choose("gpu").device.name == "gpu"
        return
    assert choose("auto").device.name == "cpu"
    assert "CuPy" in choose("auto").reason
    with pytest.raises(NoGpu, match="CuPy"):
        choose("gpu")


def test_the_memory_of_the_cpu_is_the_setting() -> None:
    assert memory_bytes(Cpu(1), 100) == 100 * MIB


def test_a_batch_is_whole_blocks_that_fit() -> None:
    assert batch_size(SETUP, 300, 64 * MIB) == 320
    assert batch_size(SETUP, 10**6, MIB) % 64 == 0
    assert 64 <= batch_size(SETUP, 10**6, MIB) < 10**4
    assert batch_size(SETUP, 10**6, 1) == 64


def metrics(failures: int, room: int = 64 * MIB) -> tuple[dict[str, bytes], list[str], list[int]]:
    device, heard = Cramped(failures), list[int]()
    found = evaluate(Run(SETUP, ROWS, 525_600.0), (KNOBS, {}), (device, room), heard.append)
    assert sum(heard) == 300 * len(ROWS)
    return {n: v.tobytes() for n, v in found.metrics.items()}, found.notes, device.sizes


def test_however_a_run_is_cut_up_the_bits_are_the_same() -> None:
    whole, notes, sizes = metrics(0)
    assert notes == []
    assert sizes == [300]
    pieces, _, small = metrics(0, room=100_000)
    assert len(small) > 1
    assert pieces == whole


def test_out_of_memory_halves_the_batch_and_goes_on() -> None:
    whole, _, _ = metrics(0)
    found, notes, sizes = metrics(2)
    assert found == whole
    assert sizes[:3] == [300, 128, 64]
    assert len(notes) == 2
    assert "128 variants at a time" in notes[0]


def test_out_of_memory_a_fourth_time_goes_to_the_cpu() -> None:
    whole, _, _ = metrics(0)
    found, notes, sizes = metrics(4)
    assert found == whole
    assert len(sizes) == 4
    assert notes[-1] == "out of memory four times: went on with the cpu"


class Full(Cpu):
    """A CPU without room for any batch."""

    def advance(
        self, batch: Batch, rows: Rows, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        raise MemoryError


def test_a_cpu_that_never_has_room_says_so_instead_of_trying_for_ever() -> None:
    with pytest.raises(MemoryError):
        evaluate(Run(SETUP, ROWS, 525_600.0), (KNOBS, {}), (Full(1), 64 * MIB))


def test_neighbours_may_read_windows_that_are_no_knobs() -> None:
    """weighted_signal's kdj window is derived; a sweep of it used to end in a KeyError."""
    strategy = load()["weighted_signal"]
    knobs = {n: np.full(70, k.default) for n, k in strategy.knobs.items()}
    found = evaluate(Run(Setup(strategy, Rule()), ROWS, 525_600.0), (knobs, {}), (Cpu(1), 64 * MIB))
    assert len(set(found.metrics["equity"])) == 1
