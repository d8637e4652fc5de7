"""How a service does, in lines for an operator: what matters most comes first."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

SECOND_NS: Final = 1_000_000_000
Row = tuple[str, str]
"""What it is about, and what there is to say of it."""
Told = Mapping[str, Any]
"""Plain data with the keys that docs/prompts/10-live-run.md names."""


def lines(said: Told, champions: Sequence[Told], now_ns: int) -> list[str]:
    """The guard's word and the engine's last; whatever it has not said is left out."""
    rows = [_headline(said), *_reds(said), _engine(said), *_web(said)]
    own: Told = said["status"] or {}
    if said["status_age_ms"] is not None:
        rows += [*_feed(own, now_ns), *_variants(own), *_gate(own), *_champions(champions)]
        rows += _search(own)
        rows += _late(own)
    return [f"{about:<10}{text}" for about, text in rows]


def _headline(said: Told) -> Row:
    """Running or not, in one word."""
    engine, own = said["engine"], said["status"] or {}
    if said["halted"]:
        latch = said["latch"]
        heard = (engine.get("acknowledged") or 0) >= (said["number"] or 0)
        unheard = "" if heard else "; the engine has NOT ACKNOWLEDGED it"
        return "HALTED", f"{said['mode']} by {latch['by']}: {latch['reason']}{unheard}"
    if engine["pid"] is None:
        return "DOWN", "no engine runs; its guard starts it again"
    if said["status_age_ms"] is None:
        return "STARTING", "the engine has not said anything yet"
    word = "STARTING" if own.get("phase") == "starting" else "RUNNING"
    return word, str(own.get("folder", "entries are let through"))


def _reds(said: Told) -> Iterator[Row]:
    """What would keep a halt from being ended."""
    for check in said["checks"] or ():
        if not check["ok"]:
            yield "FAIL", f"{check['name']}: {check['why']}"


def _engine(said: Told) -> Row:
    engine, guard = said["engine"], f"guard {said['pid']} on port {said['port']}"
    if engine["pid"] is None:
        return "engine", f"not running (last exit code {engine['last_exit']}); {guard}"
    again = f", started {engine['starts']} times" if engine["starts"] > 1 else ""
    memory = (said["status"] or {}).get("rss_mib")
    size = "" if memory is None else f", {memory:g} MiB"
    heard = f"heartbeat {_ago(engine['beat_age_ms'])}, last word {_ago(said['status_age_ms'])}"
    return "engine", f"process {engine['pid']}, {heard}{again}{size}; {guard}"


def _web(said: Told) -> Iterator[Row]:
    """The process of dashboard and API, where one is wanted."""
    one = said.get("web")
    if one is None:
        return
    where = "" if one["port"] is None else f"port {one['port']}, "
    again = f", started {one['starts']} times" if one["starts"] > 1 else ""
    if one["pid"] is None:
        yield "web", f"{where}NOT RUNNING (last exit code {one['last_exit']}){again}"
    else:
        yield "web", f"{where}process {one['pid']}{again}"
    if one.get("trouble"):
        yield "", f"no dashboard: {one['trouble']}; it is tried again, and the run goes on"


def _feed(own: Told, now_ns: int) -> Iterator[Row]:
    """A line a market; then the topics that are not as they should be."""
    for symbol, market in own.get("markets", {}).items():
        if market["price"] is None:
            yield "feed", f"{symbol}, no tick yet"
        else:
            when, bars = _when(market["at_ns"], now_ns), market["bars"]
            yield "feed", f"{symbol} {market['price']:g}, last tick {when}, bars {bars}"
    for topic, state in own.get("feed", {}).items():
        if state != "live":
            yield "feed", f"{topic} is {state}"


def _variants(own: Told) -> Iterator[Row]:
    counts = {status: count for status, count in own.get("variants", {}).items() if count}
    if "variants" in own:
        each = ", ".join(f"{count} {status}" for status, count in counts.items())
        yield "variants", f"{sum(counts.values())}{': ' if each else ''}{each}"
    if stopped := own.get("stopped"):
        yield "", "stopped: " + ", ".join(f"{count} {why}" for why, count in stopped.items())
    if "positions" in own:
        made = f"{own['entries']} entries and {own['trades']} trades since this start"
        yield "", f"{own['positions']} in position, {made}"
    for symbol, one in own.get("standing", {}).items():
        if one["best"] and one["best_equity"] is not None:
            yield "", f"luckiest on {symbol}: {one['best']}, equity {one['best_equity']:.2f}"


def _gate(own: Told) -> Iterator[Row]:
    """Who may become champion, or why nobody may; then what has become of champions."""
    if "eligible" in own:
        why = own.get("eligible_reason")
        yield "gate", f"{own['eligible']} eligible{f': {why}' if why else ''}"
    for symbol, one in (own.get("gate") or {}).items():
        if one is None:
            continue
        for variant, verdict in one["eligible"].items():
            then = _next_step(one, variant, halted=bool(own.get("halted")))
            yield "", f"{variant} has PASSED on {symbol} ({verdict}); {then}"
        if one["warned"]:
            yield "", f"WARNING: {one['champion']} is less than half as good as was promised"
    if own.get("promotions") or own.get("demotions"):
        made = f"{own['promotions']} promotions and {own['demotions']} demotions since this start"
        yield "", made


def _next_step(one: Told, variant: str, *, halted: bool) -> str:
    command = f"liveopt promotions promote {variant} --reason ..."
    if halted:
        return "nobody is promoted in a halt"
    if one["phase"] == "cooling":
        return f"the champion is new and the gate itself waits; by hand: {command}"
    if not one["auto"]:
        return f"it waits for your consent: {command}"
    return "it is promoted with the next look"


def _champions(champions: Sequence[Told]) -> Iterator[Row]:
    for one in champions:
        roi, trades = one["metrics"].get("roi"), one["metrics"].get("trades")
        came = "" if roi is None else f", {roi:+.2%} in {trades or 0:g} trades"
        what = f"{one['id']}, {one['strategy']} on {one['symbol']}"
        yield "champion", f"{what}: {one['status']}, {one['position']}{came}"


def _search(own: Told) -> Iterator[Row]:
    """The search for better variants beside the run."""
    one = own.get("search")
    if not one or one["phase"] == "none":
        return
    head = f"round {one['number']} ({one['why']})"
    died = f"; its process died {one['deaths']} times" if one["deaths"] else ""
    if one["phase"] == "searching":
        yield "search", f"{head}: {one['done']:,} of {one['wanted']:,} trials{died}"
    elif one["phase"] == "given up":
        yield "search", f"{head} was GIVEN UP{died}: {one['trouble'] or 'see the log'}"
    else:
        made = f"{one['proposed']} proposed, {one['admitted']} joined, {one['replaced']} replaced"
        yield "search", f"{head}: {one['done']:,} trials, {made}{died}"


def _late(own: Told) -> Iterator[Row]:
    """How far behind it is, and what it missed."""
    if "durable_seq" in own:
        behind = own["seq"] - own["durable_seq"]
        yield (
            "lateness",
            (
                f"{behind} inputs not yet on the disk; {own['late_ticks']} late ticks,"
                f" {own['holes']} holes, {own['standstills']} standstills"
            ),
        )
    if restarts := own.get("restarts"):
        yield "", "restarts: " + ", ".join(f"{count} of {part}" for part, count in restarts.items())


def _when(at_ns: int, now_ns: int) -> str:
    """A time of the market; a simulated one may be ahead of ours, and then has no age."""
    stamp = datetime.fromtimestamp(at_ns // SECOND_NS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    age_ns = now_ns - at_ns
    return f"{stamp} ({_ago(age_ns / 1e6)})" if age_ns >= 0 else stamp


def _ago(ms: float | None) -> str:
    return "never" if ms is None else f"{ms / 1e3:.1f} s ago"
