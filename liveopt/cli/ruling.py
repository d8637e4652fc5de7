"""Verdicts and changes of champion in words and tables: what they rest on, what became of them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from liveopt.live.recount import Check
from liveopt.live.rulings import Became, Ruling
from liveopt.live.told import facts
from liveopt.promotion.watch import LENGTH
from liveopt.walk.explain import e_value, grouped, number
from liveopt.walk.verdicts import Demoted, Promoted, SeasonEnded, Verdict, Warned

SECOND_NS: Final = 1_000_000_000
LEAST: Final = 1e-6
"""A p-value is kept in so many parts."""
BECAME: Final[Mapping[Became, str]] = {
    "": "",
    "falls_short": "falls short",
    "waits": "WAITS FOR YOUR CONSENT",
    "promoted": "promoted",
    "overtaken": "overtaken",
    "withdrawn": "withdrawn: it holds no longer",
    "paused": "the variant is paused",
    "gone": "the variant is gone",
    "ended": "waited for consent when the run ended",
}
SIGNS: Final[Mapping[str, str]] = {
    "low_sharpe": ">",
    "not_better_than_champion": ">",
    "tail_risk": "<=",
}
"""How a condition compares, where that is not "at least"."""
TRACKS: Final[Mapping[str, str]] = {
    "each": "by its own evidence alone",
    "worlds": "beside the shadow worlds",
}


def row(one: Ruling) -> tuple[object, ...]:
    """One for the table."""
    said = facts(one)
    evidence = "" if said["evidence"] is None else number(said["evidence"])
    return (
        said["id"], when(said["at_ns"]), said["symbol"], said["variant"] or said["champion"] or "",
        said["track"] or "", evidence, "" if said["n"] is None else said["n"], _outcome(one),
    )  # fmt: skip


def _outcome(one: Ruling) -> str:
    """What it says, or what became of it."""
    record = one.record
    match record:
        case Verdict():
            why = f": {', '.join(record.stopped_by)}" if record.stopped_by else ""
            return f"{BECAME[one.became]}{why}"
        case Promoted():
            earned = f"earned by {record.verdict}" if record.earned else "NOT EARNED"
            return f"PROMOTED for {record.predecessor} by {record.by}, {earned}"
        case Demoted():
            return f"RESTORED for {record.variant} by {record.by}"
        case Warned():
            return f"WARNING: less than half as good as promised beside {record.predecessor}"
        case SeasonEnded():
            after = "another begins" if record.renewed else "only own evidence counts from here on"
            return f"the season of epoch {record.epoch} is over; {after}"


def lines(one: Ruling) -> Iterator[str]:
    """One in full."""
    record = one.record
    if isinstance(record, Verdict):
        yield from _verdict(one, record)
        return
    yield f"{one.id}: {_outcome(one)} ({record.symbol}, {when(record.at_ns)})"
    if isinstance(record, Promoted | Demoted):
        yield f"  reason      {record.why}"
    if isinstance(record, Promoted) and not record.earned:
        yield f"  NOT EARNED  no verdict held: it was the word of {record.by} alone"
    if isinstance(record, Demoted):
        how = "the evidence against it sufficed" if record.earned else f"{record.by} wanted it"
        sum_ = f"{record.evidence:.4g} of {grouped(LENGTH)}"
        yield f"  evidence    {sum_} in {record.bars} evidence bars; {how}"


def _verdict(one: Ruling, record: Verdict) -> Iterator[str]:
    own = record.evidence
    holds = "holds" if record.holds else "does not hold"
    yield f"{one.id}: {record.variant} against {record.champion} on {record.symbol}, {holds}"
    yield f"  when        {when(record.at_ns)}, epoch {record.epoch}, evidence bar {record.bar}"
    yield f"  became      {BECAME[one.became]}"
    if record.stopped_by:
        yield f"  stopped by  {', '.join(record.stopped_by)}"
    yield f"  passed      {TRACKS.get(record.track, 'no track')}"
    yield (
        f"  evidence    {number(e_value(own.log_evidence))} (log {own.log_evidence:.6g}) from"
        f" S {own.total:.6g}, V {own.spread:.6g}, n {own.count:.0f}, rho {record.rho:.6g}"
    )
    yield f"  needed      {_needed(record)}"
    yield (
        f"  confidence  {_sure(own.p_value)} at any time, with all {record.admitted} that ever"
        " took part counted"
    )
    low, high = (_or_none(value) for value in (own.low, own.high))
    yield (
        f"  edge        {own.edge:.4g} standard deviations an evidence bar, {low} to {high} with"
        f" 95 % at any time; one is {own.unit:.4g} of log equity"
    )
    for condition in record.conditions:
        word = "ok" if condition.ok else "NOT MET"
        yield _condition(condition.code, condition.has, condition.needs, word)
    worst = ", ".join(f"{value:+.2%}" for value in record.worst_trades)
    yield f"  worst trades on margin    {worst or 'none'}"
    for other in record.runners_up:
        lacks = ", ".join(other.stopped_by) or "nothing"
        evidence = number(e_value(other.log_evidence))
        yield f"  beside it   {other.variant}: evidence {evidence}, lacks {lacks}"


def _needed(record: Verdict) -> str:
    weight = record.evidence.log_weight
    alone = "nothing would do"
    if weight is not None:
        alone = f"{number(e_value(-weight) / record.alpha_each)} alone"
    worlds = "nothing to be spent at this look"
    if record.threshold is not None:
        worlds = f"more than {number(e_value(record.threshold))}"
    return (
        f"{alone}; beside the worlds {worlds} ({record.crossed} of {record.allowed} allowed ones"
        " crossed)"
    )


def recount(checks: Sequence[Check], left_out: Sequence[str]) -> Iterator[str]:
    """Whether the figures come out once more; what does not is not to be overlooked."""
    wrong = [check for check in checks if not check.agrees]
    for check in wrong:
        yield (
            f"DIFFERENT   {check.name}: recorded {check.recorded}, recomputed {check.recomputed}"
        )
    if checks:
        yield f"recomputed  {len(checks) - len(wrong)} of {len(checks)} figures agree"
    if left_out:
        how = "`liveopt replay --check` makes them again from the inputs"
        yield f"not done    {', '.join(left_out)}: {how}"


def explained(said: Mapping[str, Any]) -> Iterator[str]:
    """The figures below the line of an explanation."""
    if said["evidence"] is None:
        return
    if said["rank"] is not None:
        yield f"  rank        {said['rank']} of {said['ranked']} with evidence"
    yield (
        f"  confidence  {_sure(said['p_value'])} at any time, as of the last look; evidence of"
        f" {said['evidence_bars']} evidence bars"
    )
    yield (
        f"  edge        {said['edge']:.4g} standard deviations an evidence bar,"
        f" {_or_none(said['low'])} to {_or_none(said['high'])} with 95 % at any time"
    )
    for one in said["conditions"]:
        word = "ok" if one["ok"] else "NOT MET"
        yield _condition(one["code"], one["has"], one["needs"], word)


def _condition(code: str, has: float | None, needs: float, word: str) -> str:
    """What it has, and how that must stand to what it takes."""
    own = "-" if has is None else f"{has:.6g}"
    return f"  {code:<26}{own} (needs {SIGNS.get(code, '>=')} {needs:.6g})  {word}"


def _sure(p_value: float) -> str:
    """Confidence is never whole."""
    return f"{1.0 - p_value:.4%}" if p_value >= LEAST else f"more than {1.0 - LEAST:.4%}"


def _or_none(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"


def when(at_ns: int) -> str:
    """A time of the market."""
    return datetime.fromtimestamp(at_ns // SECOND_NS, UTC).strftime("%Y-%m-%d %H:%M:%S")
