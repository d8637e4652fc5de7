"""A plan of faults: what goes wrong when, from a file, the same on every run."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from liveopt.exchange_sim.faults import Faults
from liveopt.exchange_sim.kinds import Value
from liveopt.exchange_sim.view import SECOND_NS

KEYS: Final = frozenset({"at", "market", "fault", "off"})


class BadPlan(ValueError):
    """A plan that cannot be followed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: a fault goes on, or off (`all` of them)."""

    at_s: float
    by_market: bool
    """Whether the time is market time since the start; otherwise it is the server's own."""
    fault: str = ""
    off: str = ""
    params: Mapping[str, Value] = field(default_factory=dict)


class Plan:
    """The entries that are still to come."""

    def __init__(self, entries: list[Entry]) -> None:
        ordered = sorted(entries, key=lambda entry: entry.at_s)
        self._market = [entry for entry in ordered if entry.by_market]
        self._server = [entry for entry in ordered if not entry.by_market]

    @property
    def next_ns(self) -> int | None:
        """Market time since the start at which something is due: trade no further before it."""
        return int(self._market[0].at_s * SECOND_NS) if self._market else None

    def follow(self, faults: Faults, market_ns: int, server_s: float) -> None:
        """Do what is due after so much market time, and so much of the server's own."""
        while self._market and int(self._market[0].at_s * SECOND_NS) <= market_ns:
            _do(self._market.pop(0), faults)
        while self._server and self._server[0].at_s <= server_s:
            _do(self._server.pop(0), faults)


def read_plan(path: Path) -> list[Entry]:
    """The entries of a TOML file (`[[event]]`) or of JSON lines.

    `{"at": 5, "fault": "gap", "chance": 0.1}` switches on after 5 s of the server's clock,
    `{"market": 60, "off": "gap"}` off after 60 s of market time; `off = "all"` ends everything.
    """
    text = path.read_text(encoding="utf-8")
    try:
        if path.suffix == ".toml":
            tables = tomllib.loads(text)
            if set(tables) != {"event"} or not isinstance(tables["event"], list):
                raise BadPlan(f"{path}: write each event as a table [[event]], and nothing else")
            rows = tables["event"]
        else:
            rows = [msgspec.json.decode(line) for line in text.splitlines() if line.strip()]
    except (tomllib.TOMLDecodeError, msgspec.DecodeError) as error:
        raise BadPlan(f"{path}: {error}") from error
    return [_entry(path, number, row) for number, row in enumerate(rows, start=1)]


def check_plan(entries: list[Entry], faults: Faults) -> None:
    """Refuse what the faults would refuse when its time has come."""
    for entry in entries:
        if entry.fault:
            faults.check(entry.fault, entry.params)
        elif entry.off != "all":
            faults.kind(entry.off)


def _entry(path: Path, number: int, row: Any) -> Entry:
    place = f"{path}, event {number}"
    if not isinstance(row, dict) or ("at" in row) == ("market" in row):
        raise BadPlan(f"{place}: give a time, either at (server) or market")
    if ("fault" in row) == ("off" in row):
        raise BadPlan(f"{place}: give either fault or off")
    at_s = row.get("at", row.get("market"))
    if not isinstance(at_s, int | float) or at_s < 0:
        raise BadPlan(f"{place}: {at_s!r} is no time; give seconds since the start")
    params = {key: value for key, value in row.items() if key not in KEYS}
    if any(not isinstance(value, str | int | float) for value in params.values()):
        raise BadPlan(f"{place}: parameters are numbers or texts")
    fault, off = str(row.get("fault", "")), str(row.get("off", ""))
    return Entry(float(at_s), "market" in row, fault, off, params)


def _do(entry: Entry, faults: Faults) -> None:
    if entry.off == "all":
        faults.clear()
    elif entry.off:
        faults.turn_off(entry.off)
    else:
        faults.turn_on(entry.fault, entry.params, by_market=entry.by_market)
