"""Whether settings fit together and to what there is: strategies, symbols, parameters, files."""

import difflib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from liveopt.cli.exchange import is_file
from liveopt.config import Live, Loaded
from liveopt.core.bars import INTERVALS, infer_interval_ns, interval_ns
from liveopt.core.strategy import Strategy
from liveopt.data.candles import read_candles
from liveopt.data.tables import DataError
from liveopt.exchange_sim.specs import BY_SYMBOL
from liveopt.kucoin.words import INTERVALS_OF, Venue, venue_of
from liveopt.live.played import TABLES
from liveopt.optimize.parameters import BadParameter, parse_fixed
from liveopt.strategies import load


def misfits(loaded: Loaded) -> list[str]:
    """Everything that a live run with these settings would stumble over: where, what, the mend."""
    live = loaded.settings.live
    found: list[str] = []
    for key, check in CHECKS.items():
        where = f"{loaded.origin('live', key)}: live.{key}: "
        found += [where + text for text in check(live)]
    leverage = loaded.settings.account.leverage
    if leverage > 1.0 and _venue(live) == "spot":
        where = loaded.origin("account", "leverage")
        found.append(f"{where}: account.leverage: spot has no leverage; set 1.0")
    return found


def _symbols(live: Live) -> Iterator[str]:
    yield from _twice(live.symbols)
    try:
        venues = {venue_of(symbol) for symbol in live.symbols}
    except ValueError as error:
        yield str(error)
        return
    if len(venues) > 1:
        yield "spot and futures symbols together; run one liveopt for each"
    if live.feed == "sim" and (unknown := [s for s in live.symbols if s not in BY_SYMBOL]):
        yield f"the simulated exchange has no {unknown[0]}; it has {', '.join(BY_SYMBOL)}"


def _feed(live: Live) -> Iterator[str]:
    try:
        missing = is_file(live.feed) and not Path(live.feed).exists()
    except BadParameter as error:
        yield str(error).removeprefix(f"--feed {live.feed}: ")
        return
    if missing:
        yield f"{live.feed} is not there; name kucoin, sim, an address or a recording"
    yield from _table(live)


def _table(live: Live) -> Iterator[str]:
    """A table of trades or candles is of one symbol, and its candles are parts of a signal bar."""
    path = Path(live.feed)
    if not is_recording(live.feed) or path.suffix not in TABLES or not path.is_file():
        return
    if len(live.symbols) > 1:
        yield f"{live.feed} is a table, which is of one symbol; live.symbols names several"
    try:
        step_ns = infer_interval_ns(read_candles(path))
    except (DataError, ValueError):
        return  # of trades, or of nothing: who plays it says what is wrong
    if interval_ns(live.signal) % step_ns:
        name = next(name for name, width_ns in INTERVALS.items() if width_ns == step_ns)
        yield (
            f"{live.feed} has candles of {name}, which make no signal bars of"
            f" {live.signal}; set live.signal to a multiple of theirs"
        )


def _signal(live: Live) -> Iterator[str]:
    venue = _venue(live)
    if not live.history_bars or venue is None or is_recording(live.feed):
        return
    if interval_ns(live.signal) not in INTERVALS_OF[venue]:
        yield (
            f"KuCoin {venue} has no candles of {live.signal} to warm up with; set another, or"
            " live.history_bars = 0"
        )


def _strategies(live: Live) -> Iterator[str]:
    yield from _twice(live.strategies)
    for name in live.strategies:
        yield from _unknown(name)


def _champion(live: Live) -> Iterator[str]:
    yield from _unknown(live.champion)


def _champion_set(live: Live) -> Iterator[str]:
    if champion := load().get(live.champion):
        yield from _refused(champion, live.champion_set)


def _set(live: Live) -> Iterator[str]:
    """A parameter is of use if one of the strategies at least has it."""
    chosen = [load()[name] for name in live.strategies if name in load()]
    for text in live.set:
        complaints = [list(_refused(strategy, [text])) for strategy in chosen]
        if complaints and all(complaints):
            yield complaints[0][0]
    yield from _twice([text.partition("=")[0] for text in live.set])


def _slow(live: Live) -> Iterator[str]:
    for name in live.slow:
        if not Path(name).is_file():
            yield f"{name} is no file; mend the path or take it out"


CHECKS: dict[str, Callable[[Live], Iterator[str]]] = {
    "symbols": _symbols,
    "feed": _feed,
    "signal": _signal,
    "strategies": _strategies,
    "champion": _champion,
    "champion_set": _champion_set,
    "set": _set,
    "slow": _slow,
}


def is_recording(feed: str) -> bool:
    """Neither an exchange's name nor an address."""
    try:
        return is_file(feed)
    except BadParameter:
        return False


def _venue(live: Live) -> Venue | None:
    try:
        return venue_of(live.symbols[0])
    except ValueError:
        return None


def _unknown(name: str) -> Iterator[str]:
    if name not in load():
        near = difflib.get_close_matches(name, load(), 1)
        hint = f"did you mean {near[0]}?" if near else "`liveopt strategies` lists them"
        yield f"there is no strategy {name}; {hint}"


def _refused(strategy: Strategy, texts: Sequence[str]) -> Iterator[str]:
    try:
        parse_fixed(strategy, list(texts))
    except BadParameter as error:
        yield str(error)


def _twice(names: Sequence[str]) -> Iterator[str]:
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield f"{name} stands there twice; keep one"
