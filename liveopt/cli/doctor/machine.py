"""The machine: Python and its packages, the engine, the disk."""

import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import numpy as np

from liveopt import __version__
from liveopt.cli.doctor.row import Row
from liveopt.config import Settings
from liveopt.core.account import Rule
from liveopt.core.bars import MINUTE_NS
from liveopt.data.market import synthetic_bars
from liveopt.engine.batch import Setup, open_batch
from liveopt.engine.cpu import Cpu
from liveopt.engine.device import Device, choose
from liveopt.engine.gpu import NoGpu
from liveopt.engine.rows import Rows, rows_of
from liveopt.strategies import load

PYTHON_MIN = (3, 11)
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:>=([0-9.]+))?$")
BARS = 300
VARIANTS = 64
RECORD = b"x" * 299 + b"\n"
SYNCS_MAX = 200
SYNC_S_MAX = 2.0
SYNC_MS_SLOW = 100.0
FREE_MIB_LOW = 2048
JOURNALS = 4


def machine_rows(settings: Settings) -> Iterator[Row]:
    """In the order in which one would look."""
    yield python()
    yield packages()
    yield engine(settings)
    yield from disk(settings)


def python() -> Row:
    """The interpreter."""
    text = f"{platform.python_version()}, liveopt {__version__}"
    if sys.version_info[:2] < PYTHON_MIN:
        return Row("python", "fail", text, "install Python 3.11 or later")
    return Row("python", "ok", text)


def packages(names: list[str] | None = None) -> Row:
    """What liveopt needs to be installed, at least in the versions it asks for."""
    try:
        wanted = (requires("liveopt") or []) if names is None else names
    except PackageNotFoundError:
        return Row("packages", "warn", "liveopt itself is not installed", "make setup")
    needed = [found for name in wanted if (found := REQUIREMENT.fullmatch(name))]
    wrong = [text for found in needed if (text := _lacking(found[1], found[2] or "0"))]
    if wrong:
        return Row("packages", "fail", ", ".join(wrong), "make setup, or pip install liveopt")
    return Row("packages", "ok", f"{len(needed)} packages in the versions they should have")


def _lacking(name: str, least: str) -> str:
    try:
        there = version(name)
    except PackageNotFoundError:
        return f"{name} is missing"
    older = _numbers(there) < _numbers(least)
    return f"{name} {there} is older than {least}" if older else ""


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def engine(settings: Settings) -> Row:
    """The engine compiles, and does what plain Python does, to the last bit."""
    from numba.core.errors import NumbaError  # only here: it brings a compiler along

    wanted = settings.engine
    try:
        choice = choose(wanted.device, wanted.threads)
    except NoGpu as error:
        return Row("engine", "fail", str(error), 'set engine.device = "auto"')
    rows = rows_of(synthetic_bars(BARS, 1, MINUTE_NS, 0), MINUTE_NS, MINUTE_NS)
    began_s = time.perf_counter()
    devices: dict[str, Device] = {d.name: d for d in (choice.device, Cpu(wanted.threads))}
    try:
        wrong = [f"{name}: {text}" for name, d in devices.items() for text in _differs(d, rows)]
    except (NumbaError, OSError, RuntimeError) as error:
        mend = "reinstall numba (make clean setup); LIVEOPT_CACHE names a folder it can write"
        return Row("engine", "fail", f"does not compile: {error}".partition("\n")[0], mend)
    took_s = time.perf_counter() - began_s
    if wrong:
        mend = "this machine calculates otherwise than it should: report it"
        return Row("engine", "fail", f"differs from plain Python: {wrong[0]}", mend)
    text = f"{choice.device.name} ({choice.reason}); equals plain Python; ready in {took_s:.1f} s"
    return Row("engine", "ok", text)


def _differs(device: Device, rows: Rows) -> list[str]:
    from liveopt.engine.reference import Lone, differences

    strategy = load()["ma_crossover"]
    knobs = {n: np.full(VARIANTS, k.default) for n, k in strategy.knobs.items()}
    batch = open_batch(Setup(strategy, Rule()), knobs)
    lone = Lone(batch, 0)
    device.advance(batch, rows)
    lone.advance(rows)
    return differences(batch, 0, lone)


def disk(settings: Settings) -> Iterator[Row]:
    """Room and speed where the journals will be; nothing is left there."""
    journal = settings.journal
    folder = Path(journal.folder).absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    where = journal.folder if there == folder else f"{journal.folder} (to be made in {there})"
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        text = f"{where} is no folder that can be written to"
        yield Row("disk", "fail", text, "set journal.folder, or mend its rights")
        return
    free_mib = shutil.disk_usage(there).free >> 20
    needed_mib = journal.ballast_mib + JOURNALS * journal.segment_mib
    text = f"{free_mib / 1024:.1f} GiB free at {where}"
    if free_mib < needed_mib:
        yield Row(
            "disk", "fail", f"{text}; a run needs {needed_mib} MiB at once", "make room there"
        )
    elif free_mib < FREE_MIB_LOW:
        yield Row("disk", "warn", text, "make room there before a long run")
    else:
        yield Row("disk", "ok", text)
    yield _sync(there)


def _sync(folder: Path) -> Row:
    """How long the disk takes to swear that a record is kept."""
    took_ms: list[float] = []
    end_s = time.perf_counter() + SYNC_S_MAX
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".liveopt-doctor-") as file:
            while len(took_ms) < SYNCS_MAX and time.perf_counter() < end_s:
                os.write(file.fileno(), RECORD)
                began_s = time.perf_counter()
                os.fdatasync(file.fileno())
                took_ms.append((time.perf_counter() - began_s) * 1e3)
    except OSError as error:
        text = f"a record cannot be kept in {folder}: {error.strerror}"
        return Row("sync", "fail", text, "mend the disk, or set journal.folder to another")
    p50, p99 = np.percentile(took_ms, [50, 99])
    text = f"fdatasync p50 {p50:.2f} ms, p99 {p99:.2f} ms over {len(took_ms)} records"
    if p99 > SYNC_MS_SLOW:
        return Row("sync", "warn", text, "set journal.folder to a disk that is nearer or idler")
    return Row("sync", "ok", text)
