"""`liveopt sim`: an exchange on loopback that speaks KuCoin, with faults on demand."""

import asyncio
import difflib
import errno
import json as jsonlib
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from liveopt.cli.show import Failure, table
from liveopt.data.tables import DataError, parse_time
from liveopt.exchange_sim.clock import Speed
from liveopt.exchange_sim.edge import Edge, parse_edge
from liveopt.exchange_sim.faults import Faults, parse_faults
from liveopt.exchange_sim.fitted import is_symbol
from liveopt.exchange_sim.kinds import KINDS, BadFault, Params
from liveopt.exchange_sim.market import Market
from liveopt.exchange_sim.plan import BadPlan, Entry, check_plan, read_plan
from liveopt.exchange_sim.played import Recording, open_played
from liveopt.exchange_sim.regimes import REGIMES, regime_named
from liveopt.exchange_sim.server import Setup, Simulator
from liveopt.exchange_sim.specs import BY_SYMBOL, SPECS, Spec, spec_named
from liveopt.live.clock import Clock
from liveopt.optimize.parameters import BadParameter

PLAYED = "BTC-USDT"
"""The symbol a file is played as when none is named."""

PortOption = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")]
PlayOption = Annotated[
    list[str] | None,
    typer.Option("--play", metavar="FILE[:SYMBOL]", help="Trades, candles, frames to play."),
]
RegimeOption = Annotated[
    str | None, typer.Option(help=f"One mood for all: {', '.join(REGIMES)}. Drawn if not given.")
]
PlainOption = Annotated[
    bool,
    typer.Option("--plain-passphrase", help="Take signatures of key version 1 of old clients."),
]


def sim(
    spot_port: PortOption = 0,
    futures_port: PortOption = 0,
    symbols: Annotated[
        str | None, typer.Option("--symbols", help="What is traded, such as BTC-USDT,XBTUSDTM.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed trades the same.")] = 1,
    speed: Annotated[str, typer.Option(help="Market time: 1, 10 ..., or max.")] = "1",
    activity: Annotated[float, typer.Option(min=0.01, max=100_000, help="How busy.")] = 1.0,
    edge: Annotated[
        str | None, typer.Option(help="Something to find, such as momentum:5m:0.0005.")
    ] = None,
    regime: RegimeOption = None,
    play: PlayOption = None,
    lead: Annotated[
        int, typer.Option(min=0, help="Seconds of a played file that are its past at the start.")
    ] = 0,
    faults: Annotated[
        str | None, typer.Option(help="What goes wrong: pong-stall,ws-cut:every=30.")
    ] = None,
    plan: Annotated[Path | None, typer.Option(help="When what goes wrong: TOML, JSON lines.")] = (
        None
    ),
    start: Annotated[
        str | None, typer.Option(help="What the market's clock shows first; now if not given.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--for", min=0.1, help="Stop after so many seconds.")
    ] = None,
    plain_passphrase: PlainOption = False,
    list_faults: Annotated[
        bool, typer.Option("--list-faults", help="Every fault in one line, then stop.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON line when it listens.")] = False,
) -> None:
    """Run a simulated exchange: KuCoin's spot and futures, REST and WebSocket, on 127.0.0.1.

    Example: `liveopt sim --symbols BTC-USDT,XBTUSDTM --faults pong-stall,ws-cut:every=30`
    """
    if list_faults:
        _list(json=json)
        return
    options = _Options(symbols, tuple(play or ()), lead, seed, activity)
    setup = replace(
        _setup(options, _speed(speed), start),
        ports=(spot_port, futures_port),
        edge=_edge(edge),
        regime=_regime(regime),
        faults=_faults(faults),
        plan=_plan(plan),
        plain_passphrase=plain_passphrase,
    )
    try:
        asyncio.run(_serve(setup, seconds, json=json))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise Failure(f"a port is taken ({error.strerror}); 0 takes a free one") from error


@dataclass(frozen=True, slots=True)
class _Options:
    """What the options say about the markets."""

    symbols: str | None
    play: tuple[str, ...]
    lead: int
    seed: int
    activity: float


def _setup(options: _Options, speed: Speed, start: str | None) -> Setup:
    wall = Clock().wall
    try:
        start_ns = wall() if start is None else parse_time(start)
    except ValueError as error:
        raise BadParameter(f"--start: {error}") from error
    foreign = start is not None or speed != 1.0
    return Setup(
        start_ns=start_ns,
        seed=options.seed,
        speed=speed,
        markets=_markets(options, start_ns),
        activity=options.activity,
        wall_ns=wall if foreign else None,
    )


def _speed(text: str) -> Speed:
    if text == "max":
        return "max"
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.01 <= speed <= 10_000:
        raise BadParameter(f"--speed {text}: give a number from 0.01 to 10000, or max")
    return speed


def _edge(text: str | None) -> Edge | None:
    try:
        return None if text is None else parse_edge(text)
    except ValueError as error:
        raise BadParameter(f"--edge: {error}") from error


def _regime(name: str | None) -> str | None:
    try:
        return None if name is None else regime_named(name).name
    except ValueError as error:
        raise BadParameter(f"--regime: {error}") from error


def _faults(text: str | None) -> list[tuple[str, Params]]:
    board = Faults(0, lambda: 0.0)
    try:
        found = parse_faults(text or "")
        for name, params in found:
            board.check(name, params)
    except BadFault as error:
        raise BadParameter(f"--faults: {error}") from error
    return found


def _plan(path: Path | None) -> list[Entry]:
    if path is None:
        return []
    try:
        entries = read_plan(path)
        check_plan(entries, Faults(0, lambda: 0.0))
    except OSError as error:
        raise BadParameter(f"--plan {path}: {error.strerror}") from error
    except (BadPlan, BadFault) as error:
        raise BadParameter(f"--plan: {error}") from error
    return entries


def _markets(options: _Options, start_ns: int) -> list[Spec | str | Market]:
    played: dict[str, Market] = {}
    for text in options.play:
        path, wanted = _file_and_symbol(text)
        market = _open(path, wanted, options, start_ns)
        played[market.spec.symbol] = market
    if options.symbols is None:
        names = list(played) or [spec.symbol for spec in SPECS]
    else:
        names = list(dict.fromkeys(filter(None, options.symbols.split(","))))
        if not names:
            raise BadParameter(f"--symbols {options.symbols}: names none; try BTC-USDT,XBTUSDTM")
    names += [name for name in played if name not in names]
    return [played.get(name) or _spec(name, "--symbols") for name in names]


def _file_and_symbol(text: str) -> tuple[Path, Spec | str]:
    """A symbol that is not built in is taken as it is: the file says the rest about it."""
    path, colon, symbol = text.rpartition(":")
    if not colon or Path(text).exists():
        return Path(text), spec_named(PLAYED)
    if symbol in BY_SYMBOL:
        return Path(path), spec_named(symbol)
    if not is_symbol(symbol):
        raise BadParameter(f"--play: {symbol!r} is no symbol such as XRP-USDT or XRPUSDTM")
    return Path(path), symbol


def _open(path: Path, wanted: Spec | str, options: _Options, start_ns: int) -> Market:
    """A table with an open and a close is one of candles, any other one of trades."""
    content: Literal["frames", "candles"] = "frames" if path.is_dir() else "candles"
    recording = Recording(path, content, lead_s=options.lead)
    try:
        try:
            return open_played(wanted, recording, options.seed, start_ns)
        except DataError:
            if content == "frames":
                raise
            recording = replace(recording, content="trades")
            return open_played(wanted, recording, options.seed, start_ns)
    except ValueError as error:
        raise BadParameter(f"--play: {error}") from error


def _spec(symbol: str, option: str) -> Spec:
    if symbol in BY_SYMBOL:
        return BY_SYMBOL[symbol]
    near = difflib.get_close_matches(symbol.upper(), BY_SYMBOL, 1)
    hint = f"did you mean {near[0]}? there" if near else "there"
    raise BadParameter(f"{option}: no symbol {symbol!r}; {hint} are {', '.join(BY_SYMBOL)}")


def _list(*, json: bool) -> None:
    if json:
        rows = [
            {"name": k.name, "group": k.group, "text": k.text, "parameters": dict(k.usual)}
            for k in KINDS
        ]
        typer.echo(jsonlib.dumps(rows, indent=2))
        return
    lines = []
    for kind in KINDS:
        usual = ":".join(f"{key}={_short(value)}" for key, value in kind.usual.items())
        lines.append((kind.group, kind.name, usual, kind.text))
    table(("group", "fault", "parameters", "what goes wrong"), lines)


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


async def _serve(setup: Setup, seconds: float | None, *, json: bool) -> None:
    async with Simulator(setup) as simulator:
        _introduce(simulator, json=json)
        stop = nullcontext() if seconds is None else asyncio.timeout(seconds)
        try:
            async with stop:
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            return


def _introduce(simulator: Simulator, *, json: bool) -> None:
    said: dict[str, Any] = {
        "spot": simulator.spot_url,
        "futures": simulator.futures_url,
        "symbols": list(simulator.exchange.markets),
        "speed": simulator.setup.speed,
        "seed": simulator.setup.seed,
        "key": simulator.credential.key,
        "secret": simulator.credential.secret,
        "passphrase": simulator.credential.passphrase,
        "faults": [active.kind.name for active in simulator.faults.now()],
    }
    if json:
        typer.echo(jsonlib.dumps(said))
        return
    typer.echo(
        f"spot      {said['spot']}\n"
        f"futures   {said['futures']}\n"
        f"plays     {', '.join(said['symbols'])} at speed {said['speed']}, seed {said['seed']}\n"
        f"faults    {', '.join(said['faults']) or 'none'}"
        f" (on: curl -X POST -d gap:chance=0.1 {said['spot']}/sim/faults,"
        " all off: curl -X DELETE)\n"
        "account   paper money, of no use anywhere else:\n"
        f"          key {said['key']}  secret {said['secret']}  passphrase {said['passphrase']}\n"
        + "".join(f"try       {line}\n" for line in _to_try(said))
        + "Ctrl-C stops it."
    )


def _to_try(said: dict[str, Any]) -> list[str]:
    """A command for each venue that trades something."""
    firsts: dict[str, str] = {}
    for symbol in said["symbols"]:
        firsts.setdefault("spot" if "-" in symbol else "futures", symbol)
    return [
        f"liveopt feed watch --symbol {symbol} --feed {said[venue]}"
        for venue, symbol in firsts.items()
    ]
