"""The one door where the device is chosen, and where a run too large for its memory is cut up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from liveopt.engine.batch import Batch, Setup, open_batch, program_of
from liveopt.engine.cpu import Cpu
from liveopt.engine.gpu import Gpu, NoGpu
from liveopt.engine.program import LANES
from liveopt.engine.rows import Rows

Array = npt.NDArray[np.float64]
Columns = Mapping[str, Array]
MIB = 1024 * 1024
HALVINGS_MAX = 3
GPU_SHARE = 0.8


class Device(Protocol):
    """Something that folds rows into a batch."""

    @property
    def name(self) -> str:
        """`cpu` or `gpu`."""

    def advance(self, batch: Batch, rows: Rows, progress: Callable[[int], None] = ...) -> None:
        """Fold the rows into the batch's state; `progress` hears how many rows were done."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The device a run gets, and why."""

    device: Device
    reason: str


def choose(wanted: Literal["auto", "cpu", "gpu"], threads: int = 0) -> Choice:
    """The device for a wish. `auto` takes a GPU where there is one; `gpu` insists and may raise."""
    cpu = Cpu(threads)
    if wanted == "cpu":
        return Choice(cpu, f"asked for; {cpu.threads} threads")
    try:
        gpu = Gpu()
    except NoGpu as error:
        if wanted == "gpu":
            raise
        return Choice(cpu, f"{error}; {cpu.threads} threads")
    return Choice(gpu, f"{gpu.model}" + ("" if wanted == "auto" else ", asked for"))


def memory_bytes(device: Device, memory_mib: int) -> int:
    """What a run may use: the setting on the CPU, most of what is free on a GPU."""
    return int(GPU_SHARE * device.memory_free()) if isinstance(device, Gpu) else memory_mib * MIB


def batch_size(setup: Setup, variants: int, room_bytes: int) -> int:
    """How many variants fit into a memory at once, in whole blocks, by the program's own count."""
    program = program_of(setup)
    # State and parameters, the index of the inputs, and the knobs they are made from.
    each = 8 * (program.width / LANES + len(program.inputs) + 2 * len(program.params) + 8)
    return max(LANES, min(variants + -variants % LANES, int(room_bytes / each) // LANES * LANES))


@dataclass(frozen=True, slots=True)
class Run:
    """What all variants of a run have in common: its set-up, its bars, and how long a year is."""

    setup: Setup
    rows: Rows
    periods_per_year: float


@dataclass(slots=True)
class Evaluation:
    """The metrics of many variants after one run, and how they were come by."""

    metrics: dict[str, Array]
    notes: list[str]


def evaluate(
    run: Run,
    columns: tuple[Columns, Columns],
    choice: tuple[Device, int],
    progress: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Run all variants (knobs, risk) over all rows; `choice` is the device and its memory in bytes.

    Variants go in batches that fit. A batch that runs out of memory all the same is halved up to
    three times and then taken to the CPU: the bits are the same, and a note says what happened.
    `progress` hears of variant-bars done.
    """
    order = _neighbours(run.setup, columns[0])
    knobs, risk = ({n: v[order] for n, v in c.items()} for c in columns)
    device, room = choice
    total = len(next(iter(knobs.values())))
    size, halvings = batch_size(run.setup, total, room), 0
    parts: list[dict[str, Array]] = []
    notes: list[str] = []
    first = 0
    while first < total:
        last = min(first + size, total)
        done = 0

        def heard(count: int, width: int = last - first) -> None:
            nonlocal done
            done += count * width
            progress(count * width)

        try:
            batch = open_batch(run.setup, _cut(knobs, first, last), _cut(risk, first, last))
            device.advance(batch, run.rows, heard)
        except MemoryError:
            progress(-done)
            if isinstance(device, Gpu):
                device.release()
            if halvings < HALVINGS_MAX:
                halvings += 1
                size = max(LANES, size // 2 // LANES * LANES)
                notes.append(f"out of memory on the {device.name}: {size} variants at a time")
            elif isinstance(device, Cpu):
                raise
            else:
                device = Cpu()
                notes.append("out of memory four times: went on with the cpu")
            continue
        parts.append(batch.metrics(run.periods_per_year))
        first = last
    back = np.argsort(order)
    return Evaluation({n: np.concatenate([p[n] for p in parts])[back] for n in parts[0]}, notes)


def _neighbours(setup: Setup, knobs: Columns) -> npt.NDArray[np.int64]:
    """An order in which variants that read the same inputs lie together; it changes no result."""
    program = program_of(setup)
    names = {setup.strategy.inputs[n.removeprefix("x_")].knob for n in program.inputs}
    keys = sorted(
        (knobs[n] for n in sorted(names & knobs.keys())), key=lambda v: -len(np.unique(v))
    )
    size = len(next(iter(knobs.values())))
    return np.lexsort(keys) if keys else np.arange(size)


def _cut(columns: Columns, first: int, last: int) -> dict[str, Array]:
    return {name: values[first:last] for name, values in columns.items()}
