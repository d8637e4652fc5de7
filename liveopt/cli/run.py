"""`liveopt run` and `liveopt demo`: from settings to the guard, which starts the rest."""

import os
import signal
import socket
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from liveopt import config
from liveopt.cli import exchange, front, frozen, plan
from liveopt.cli.fit import is_recording, misfits
from liveopt.cli.show import Failure, note
from liveopt.config import ConfigError, Settings
from liveopt.core.bars import SECOND_NS
from liveopt.guard import lock
from liveopt.guard.spec import Limits, Spec
from liveopt.journal import folder
from liveopt.kucoin.words import venue_of
from liveopt.live.clock import Clock
from liveopt.strategies import load

PYTHON: Final = (sys.executable, "-m", "liveopt")
ALLOCATOR: Final = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "131072"}
"""The C library keeps freed memory in an arena a thread; what is large goes back to the system."""
COMMAND_S: Final = 30.0
"""Newcomers may have to be compiled first."""
DEMO_SPEED: Final = "20"
DEMO_VARIANTS: Final = 1000
DEMO_SETTINGS: Final = {
    "REOPTIMIZE__EVERY": "20",
    "LIVE__SET": "kind=ema",
    "ACCOUNT__FRACTION": "0.1",
    "ACCOUNT__LEVERAGE": "5",
}
"""Positions one can follow; one kind of average, for there is less to compile before it moves; a
search every minute of the clock."""

VariantsOption = Annotated[
    int | None, typer.Option("--variants", min=1, help="How many; live.variants if not given.")
]
ForOption = Annotated[
    float | None, typer.Option("--for", min=0.5, help="End in order after so many seconds.")
]
FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Begin a new run instead of going on with the latest.")
]


def run(
    symbol: Annotated[
        list[str] | None,
        typer.Option("--symbol", "-s", help="Instead of live.symbols. Repeatable."),
    ] = None,
    feed: Annotated[
        str | None,
        typer.Option("--feed", help="kucoin, sim, the address of a `liveopt sim`, or a recording."),
    ] = None,
    variants: VariantsOption = None,
    speed: Annotated[str, typer.Option("--speed", help="Of sim or a file.")] = "1",
    fresh: FreshOption = False,
    seconds: ForOption = None,
    headless: Annotated[
        bool,
        typer.Option("--headless", help="Say nothing on stdout, the dashboard's address neither."),
    ] = False,
    real_orders: Annotated[
        bool, typer.Option("--real-orders", help="One of three switches; refused in this release.")
    ] = False,
) -> None:
    """Trade the variants on paper, all on one feed, until Ctrl-C. No real order is ever placed.

    A run that was cut off goes on where it was. Example: `liveopt run --feed sim --variants 100`
    """
    wanted = {"SYMBOLS": ",".join(symbol or ()), "FEED": feed, "VARIANTS": variants}
    settings = _settings({f"LIVE__{k}": v for k, v in wanted.items() if v}, real_orders)
    if not settings.live.enabled:
        raise Failure("the optimizer is switched off: live.enabled (OPTIMIZER_ENABLED) is false")
    is_table = exchange.is_file(settings.live.feed)
    start(settings, Start(speed, fresh or is_table, seconds, headless))


def demo(
    variants: Annotated[int, typer.Option("--variants", min=1, help="How many.")] = DEMO_VARIANTS,
    speed: Annotated[str, typer.Option("--speed", help="Of the market's time.")] = DEMO_SPEED,
    seconds: ForOption = None,
    headless: Annotated[
        bool,
        typer.Option("--headless", help="Say nothing on stdout, the dashboard's address neither."),
    ] = False,
) -> None:
    """See it work now: an exchange simulated on this machine, no keys, no network, paper only.

    Example: `liveopt demo --variants 5000 --for 60`
    """
    settings = _settings(
        {"LIVE__FEED": "sim", "LIVE__VARIANTS": variants, "LIVE__MODE": "paper"} | DEMO_SETTINGS
    )
    if not headless:
        _say(
            f"liveopt demo: {variants} variants on a simulated exchange at {speed} times the speed"
            f" of the clock.\nPAPER ONLY - this command cannot place real orders. The market is"
            f" made up.\n  search    for better variants every {settings.reoptimize.every} signal"
            " bars (reoptimize.every; 240 outside a demo)"
        )
    start(settings, Start(speed, fresh=True, seconds=seconds, headless=headless))


@dataclass(frozen=True, slots=True)
class Start:
    """How a run is started."""

    speed: str
    fresh: bool
    seconds: float | None
    headless: bool


def start(settings: Settings, how: Start) -> None:
    """Check what can be checked, then become the guard; this process does nothing else after."""
    exchange.speed_of(how.speed)
    strategies = load()
    plan.champions(settings, strategies)  # what they refuse is refused now
    plan.variants(settings, strategies)
    state = Path(settings.journal.folder)
    pid = lock.holder(state / lock.NAME) if state.is_dir() else None
    if pid is not None:
        raise lock.Locked(state / lock.NAME, pid)
    name = _run_name(settings, state, fresh=how.fresh)
    listening = _front(settings, state, how)
    spec = Spec(
        state=str(state),
        engine=[
            *PYTHON,
            "serve",
            "--state",
            str(state),
            "--run",
            str(state / name),
            *_engine(settings, how),
        ],
        sim=_sim(settings, how),
        web=None if listening is None else _web(settings, state / name, how),
        web_socket=None if listening is None else listening.detach(),
        port=settings.control.port,
        port_fallback=settings.live.feed == "sim",
        limits=Limits(
            answer_s=settings.control.answer_ms / 1000.0,
            heartbeat_s=settings.control.heartbeat_s,
            command_s=COMMAND_S,
        ),
        seed=settings.live.seed % (1 << 31),
    )
    for variable, value in ALLOCATOR.items():
        os.environ.setdefault(variable, value)
    sys.stdout.flush()
    text = msgspec.json.encode(spec).decode()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the guard listens to it
    os.execv(sys.executable, [sys.executable, "-m", "liveopt.guard", text])  # noqa: S606


def _engine(settings: Settings, how: Start) -> list[str]:
    feed = settings.live.feed
    if feed == "sim":
        feed = "{spot}" if venue_of(settings.live.symbols[0]) == "spot" else "{futures}"
    parts = ["--feed", feed]
    if feed == settings.live.feed:
        parts += ["--speed", how.speed]
    if how.seconds is not None:
        parts += ["--for", str(how.seconds)]
    return [*parts, *(["--headless"] if how.headless else [])]


def _sim(settings: Settings, how: Start) -> list[str] | None:
    """The simulated exchange is a process of its own: it outlives an engine that is restarted."""
    if settings.live.feed != "sim":
        return None
    symbols = ",".join(settings.live.symbols)
    seed = str(settings.live.seed)
    return [*PYTHON, "sim", "--json", "--symbols", symbols, "--seed", seed, "--speed", how.speed]


def _front(settings: Settings, state: Path, how: Start) -> socket.socket | None:
    """Where the dashboard will be, said to whoever is to open it; None if none is wanted."""
    wanted = settings.web
    if not wanted.enabled:
        return None
    front.refuse_open_doors(wanted, state)
    listening = front.listening(settings, fallback=settings.live.feed == "sim")
    listening.set_inheritable(True)
    if not how.headless:
        where = front.address(wanted, listening.getsockname()[1])
        if front.is_built():
            _say(f"  dashboard {where}/#t={front.link()} (the link works once)")
        else:
            _say(f"  dashboard not built here (`make ui` builds it); the API is at {where}")
    return listening


def _say(text: str) -> None:
    """Whoever reads stdout may be gone already, which ends no run."""
    try:
        typer.echo(text)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # what is left in the buffer goes there
        os.close(nowhere)


def _web(settings: Settings, run: Path, how: Start) -> list[str]:
    """The process of dashboard and API."""
    feed = settings.live.feed
    mode = "demo" if feed == "sim" else "replay" if is_recording(feed) else "paper"
    words = ["--state", settings.journal.folder, "--run", str(run)]
    return [*PYTHON, "web", *words, "--mode", mode, "--speed", how.speed]


def _run_name(settings: Settings, state: Path, *, fresh: bool) -> str:
    """The run to go on with, or a name that no run has.

    A run goes on with the market it began with. A market made up for one run ends with it.
    """
    if not fresh and settings.live.feed != "sim":
        for run in folder.runs(state):  # newest first
            began = frozen.began_with(run)
            if began is not None and began.get("feed") == settings.live.feed:
                _refuse_other_terms(settings, run, began)
                if aside := frozen.left_aside(run, settings):
                    note(
                        f"{run} goes on under the settings it began with; changed since, and not"
                        f" taken up before a --fresh run: {', '.join(aside)}"
                    )
                return run.name
    now = datetime.fromtimestamp(Clock().wall() / SECOND_NS, UTC)
    stamp = now.strftime("%Y%m%d-%H%M%S")
    names = [stamp, *(f"{stamp}-{number}" for number in range(2, 100))]
    return next(name for name in names if not (state / name).exists())


def _refuse_other_terms(settings: Settings, run: Path, began: dict[str, Any]) -> None:
    """A run goes on under the terms and by the program it began with, or not at all."""
    frozen.refuse_other_code(run, began)
    if began.get("config") != plan.config_hash(settings):
        raise ConfigError(
            f"{run} was begun with other settings{_changes(settings, run)}; put that back, or"
            " begin a new run with --fresh"
        )


def _changes(settings: Settings, run: Path) -> str:
    """Which settings are not what they were, where the run's folder says."""
    before = frozen.kept(run)
    if before is None:
        return ""
    found = [
        f"{section}.{key} was {was}, is {now}"
        for section in plan.DECIDING_SECTIONS
        for key, was in getattr(before, section).model_dump(mode="json").items()
        if was != (now := getattr(settings, section).model_dump(mode="json")[key])
    ]
    return f" ({'; '.join(found)})" if found else ""


def _settings(wanted: dict[str, Any], real_orders: bool = False) -> Settings:
    """The settings with what the command line says on top; the engine's process reads the same."""
    for name, value in wanted.items():
        os.environ[f"LIVEOPT__{name}"] = str(value)
    try:
        loaded = _fitting(real_orders)
    except ConfigError as error:
        text = str(error)
        for name in wanted:  # as it was typed
            text = text.replace(f"environment LIVEOPT__{name}: {_dotted(name)}", _option(name))
        raise ConfigError(text) from error
    return loaded.settings


def _fitting(real_orders: bool) -> config.Loaded:
    loaded = config.examine(real_orders=real_orders)
    if problems := misfits(loaded):
        raise ConfigError("\n".join(problems))
    return loaded


def _dotted(name: str) -> str:
    return name.replace("__", ".").lower()


def _option(name: str) -> str:
    return {"LIVE__SYMBOLS": "--symbol"}.get(name, f"--{name.rpartition('__')[2].lower()}")
