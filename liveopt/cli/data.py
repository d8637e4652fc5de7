"""`liveopt data fetch`: candles of the exchange into a Parquet file, resumable at any moment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from liveopt import config
from liveopt.cli import exchange
from liveopt.cli.data_import import import_
from liveopt.cli.progress import Meter
from liveopt.cli.show import Failure, as_json, note, table
from liveopt.core.bars import SECOND_NS, Bars, check, floor_ns, interval_ns
from liveopt.core.events import Gap
from liveopt.data.candle_file import Part, read_about, write_candles
from liveopt.data.candles import read_candles
from liveopt.data.tables import DataError, parse_time
from liveopt.kucoin.budget import Counts
from liveopt.kucoin.history import filled, gaps, pages
from liveopt.kucoin.rest import Rest, RestError
from liveopt.kucoin.words import INTERVALS_OF, Venue, no_interval, venue_of
from liveopt.optimize.parameters import BadParameter

data = typer.Typer(no_args_is_help=True, help="Candles and panels of strategies, as files.")
data.command("import")(import_)

GRACE_NS: Final = 5 * SECOND_NS
"""How long after its end a candle may still change over REST."""
GAPS_SHOWN: Final = 10
GAPS_IN_JSON: Final = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options ask for."""

    out: Path
    symbol: str
    timeframe: str
    interval_ns: int
    from_ns: int
    to_ns: int | None
    feed: str
    fill: bool

    @property
    def venue(self) -> Venue:
        """Where the symbol trades."""
        return venue_of(self.symbol)

    @property
    def part(self) -> Path:
        """The file of the unfinished download."""
        return self.out.with_name(self.out.name + ".part")

    def about(self) -> dict[str, str]:
        """What makes it this download and no other; only its end may move."""
        return {
            "symbol": self.symbol,
            "timeframe": self.timeframe,
            "from": _utc(self.from_ns),
            "feed": self.feed,
            "fill": "yes" if self.fill else "no",
        }


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of it."""

    bars: Bars
    to_ns: int
    new_rows: int
    invented: int
    counts: Counts


@data.callback()
def root() -> None:
    """Candles for `backtest` and `sweep`; panels of strategies for `portfolio`."""


@data.command()
def fetch(
    out: Annotated[Path, typer.Argument(help="The Parquet file to write.", show_default=False)],
    symbol: Annotated[str, typer.Option("--symbol", "-s", help="BTC-USDT, XBTUSDTM ...")],
    from_: Annotated[str, typer.Option("--from", help="First time, such as 2024-01-31.")],
    to: Annotated[
        str | None, typer.Option("--to", help="First time that is left out; without it, now.")
    ] = None,
    timeframe: Annotated[
        str, typer.Option("--timeframe", "-t", help="Length of a candle: 1m, 5m, 1h ...")
    ] = "1m",
    feed: Annotated[
        str, typer.Option("--feed", help="kucoin, sim, or the address of a simulator.")
    ] = "kucoin",
    fill: Annotated[
        bool, typer.Option("--fill", help="Flat candles of volume 0 where nothing was traded.")
    ] = False,
    resume: Annotated[
        bool, typer.Option(help="Continue the file where it is the beginning of this download.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace the file, begin anew.")] = False,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Download candles into a Parquet file; stopped halfway, the same command continues.

    Example: `liveopt data fetch btc.parquet --symbol BTC-USDT --timeframe 1m --from 2024-01-01`
    """
    wanted = _wanted(out, symbol, timeframe, (from_, to), feed, fill=fill)
    if force or feed == "sim":  # whose market is another one each time
        wanted.part.unlink(missing_ok=True)
    held = None if force else _held(wanted, resume=resume and feed != "sim")
    try:
        fetched = exchange.run(_fetch(wanted, held))
    except KeyboardInterrupt:
        if wanted.part.exists():
            note(f"what came so far is in {wanted.part}; the same command continues there")
        raise
    _report(wanted, fetched, json=json)


def _wanted(
    out: Path, symbol: str, timeframe: str, span: tuple[str, str | None], feed: str, *, fill: bool
) -> Wanted:
    """The options, each refused where it makes no sense."""
    if out.suffix.lower() != ".parquet":
        raise BadParameter(f"{out}: give the file a name that ends with .parquet")
    if not out.parent.is_dir():
        raise BadParameter(f"{out.parent}: there is no such folder")
    try:
        venue = venue_of(symbol)
        step_ns = interval_ns(timeframe)
        from_ns, to_ns = parse_time(span[0]), None if span[1] is None else parse_time(span[1])
    except ValueError as error:
        raise BadParameter(str(error)) from error
    if step_ns not in INTERVALS_OF[venue]:
        raise BadParameter(f"--timeframe: {no_interval(venue, step_ns)}")
    if feed not in {"kucoin", "sim"} and not feed.startswith(("http://", "https://")):
        raise BadParameter(
            f"--feed {feed}: give kucoin, sim, or an address like http://127.0.0.1:8000"
        )
    first_ns = floor_ns(from_ns + step_ns - 1, step_ns)
    last_ns = None if to_ns is None else floor_ns(to_ns + step_ns - 1, step_ns)
    if last_ns is not None and last_ns <= first_ns:
        raise BadParameter(f"--from {span[0]} is not before --to {span[1]}")
    return Wanted(out, symbol, timeframe, step_ns, first_ns, last_ns, feed, fill)


def _held(wanted: Wanted, *, resume: bool) -> tuple[Bars, int] | None:
    """What the file has already and up to where, if it is the beginning of what is wanted."""
    if not wanted.out.exists():
        return None
    if not resume:
        raise DataError(wanted.out, None, None, "exists; --force replaces it")
    about = read_about(wanted.out)
    until = about.pop("to", None)
    ours = wanted.about()
    if until is None or about != ours:
        theirs = ", ".join(f"{n} {about[n]}" for n in ours if n in about and about[n] != ours[n])
        why = (
            f"exists and is not this download ({theirs or 'none of liveopt'}); --force replaces it"
        )
        raise DataError(wanted.out, None, None, why)
    return read_candles(wanted.out), parse_time(until)


async def _fetch(wanted: Wanted, held: tuple[Bars, int] | None) -> Fetched:
    """Fetch what is missing, put the file in place, and take the part away."""
    from_ns = wanted.from_ns if held is None else held[1]
    with Part(wanted.part, wanted.about(), from_ns) as part:
        async with exchange.reach(wanted.feed, [wanted.symbol], config.load()) as there:
            await exchange.check_listed(there.rest, [wanted.symbol])
            try:
                to_ns = await _end_ns(there.rest, wanted)
                await _download(there.background, wanted, part, to_ns)
            except RestError as error:
                why = exchange.unreachable(error)
                raise Failure(f"{why}. What came is kept: the same command continues") from error
            counts = there.budget.counts()
        if held is not None and part.done_ns <= from_ns:
            return Fetched(held[0], from_ns, 0, 0, counts)
        fetched = _finish(wanted, held, part, counts)
        part.remove()
        return fetched


async def _end_ns(rest: Rest, wanted: Wanted) -> int:
    """Where the last candle ends that is wanted and closed."""
    closed_ns = floor_ns(await rest.server_now_ns() - GRACE_NS, wanted.interval_ns)
    if closed_ns <= wanted.from_ns:
        raise BadParameter(f"no candle has closed since --from {_utc(wanted.from_ns)}")
    return closed_ns if wanted.to_ns is None else min(closed_ns, wanted.to_ns)


async def _download(rest: Rest, wanted: Wanted, part: Part, to_ns: int) -> None:
    """Page after page into the part."""
    rows = max(0, to_ns - part.done_ns) // wanted.interval_ns
    with Meter(rows, f"{wanted.symbol} {wanted.timeframe}") as meter:
        for page in pages(wanted.venue, wanted.interval_ns, part.done_ns, to_ns):
            bars = await rest.candles(wanted.symbol, wanted.interval_ns, *page)
            part.add(Bars.of(bars), page[1])
            meter.add((page[1] - page[0]) // wanted.interval_ns)


def _finish(wanted: Wanted, held: tuple[Bars, int] | None, part: Part, counts: Counts) -> Fetched:
    """The part behind what the file had, checked and put in place."""
    fresh, to_ns = part.bars(), part.done_ns
    if wanted.to_ns is not None and wanted.to_ns < to_ns:  # it was begun with a later end
        to_ns = wanted.to_ns
        fresh = fresh.part(0, int(np.searchsorted(fresh.at_ns, to_ns)))
    bars = fresh if held is None else _joined(held[0], fresh)
    if len(bars) == 0:
        part.remove()
        raise Failure(_nothing(wanted))
    traded = len(bars)
    if wanted.fill:
        bars = filled(bars, wanted.interval_ns)
    check(bars)
    write_candles(wanted.out, bars, wanted.about() | {"to": _utc(to_ns)})
    return Fetched(bars, to_ns, len(fresh), len(bars) - traded, counts)


def _joined(first: Bars, second: Bars) -> Bars:
    columns = zip((first.at_ns, *first.floats()), (second.at_ns, *second.floats()), strict=True)
    return Bars(*(np.concatenate(pair) for pair in columns))


def _nothing(wanted: Wanted) -> str:
    return (
        f"there is no candle of {wanted.symbol} {wanted.timeframe} since {_utc(wanted.from_ns)};"
        " of futures the exchange keeps short candles for a limited time only (1m perhaps a day),"
        " so try a later --from or a longer --timeframe"
    )


def _report(wanted: Wanted, fetched: Fetched, *, json: bool) -> None:
    bars = fetched.bars
    holes = gaps(bars, wanted.interval_ns, wanted.from_ns, fetched.to_ns)
    missing = sum(hole.to_ns - hole.from_ns for hole in holes) // wanted.interval_ns
    facts: dict[str, Any] = {
        "file": str(wanted.out),
        "symbol": wanted.symbol,
        "timeframe": wanted.timeframe,
        "from": _utc(wanted.from_ns),
        "to": _utc(fetched.to_ns),
        "rows": len(bars),
        "new_rows": fetched.new_rows,
        "first": _utc(int(bars.at_ns[0])),
        "last": _utc(int(bars.at_ns[-1])),
        "missing": missing,
        "filled": fetched.invented,
        "gaps": len(holes),
        "volume_in": "lots" if wanted.venue == "futures" else "base currency",
        "calls": fetched.counts.calls,
        "retries": fetched.counts.retries,
        "refused_429": fetched.counts.quota_429,
    }
    if json:
        spans = [_span(hole, wanted) for hole in holes[:GAPS_IN_JSON]]
        as_json(facts | {"gap_spans": spans})
        return
    table(("what", "value"), list(facts.items()))
    for hole in sorted(holes, key=lambda hole: hole.from_ns - hole.to_ns)[:GAPS_SHOWN]:
        span = _span(hole, wanted)
        note(f"missing from {span['from']} to {span['to']}: {span['candles']} candles")
    if len(holes) > GAPS_SHOWN:
        note(f"and {len(holes) - GAPS_SHOWN} shorter ones")


def _span(hole: Gap, wanted: Wanted) -> dict[str, Any]:
    candles = (hole.to_ns - hole.from_ns) // wanted.interval_ns
    return {"from": _utc(hole.from_ns), "to": _utc(hole.to_ns), "candles": candles}


def _utc(at_ns: int) -> str:
    return f"{np.datetime64(at_ns, 'ns')}"[:19] + "Z"
