"""What goes wrong on purpose: the board that says which faults are on, and when they strike."""

import difflib
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from liveopt.exchange_sim.kinds import KINDS, BadFault, Group, Kind, Params, Value, check

NAMED: Final = re.compile(r"/(?!v\d/)[^/]*\d[^/]*")
"""A part of a path that names one thing of many."""


@dataclass(slots=True)
class Active:
    """A fault that is on."""

    kind: Kind
    params: dict[str, Value]
    until_s: float
    left: float
    due_s: float
    """When one that comes `every` so many seconds is next due."""
    clock: Callable[[], float]
    """What its seconds are counted by."""


class Faults:
    """The board: who asks whether a fault strikes asks here, and gets its parameters or None."""

    def __init__(
        self, seed: int, clock: Callable[[], float], market_s: Callable[[], float] | None = None
    ) -> None:
        """Faults that are switched on by market time need that clock too."""
        self.kinds = {kind.name: kind for kind in KINDS}
        self.clock = clock
        self.struck: Counter[str] = Counter()
        self.changed: list[Callable[[], None]] = []
        """Told whenever a fault goes on or off."""
        self._market_s = market_s or clock
        self._seed = seed
        self._luck: dict[tuple[str, str], random.Random] = {}
        self._on: dict[str, list[Active]] = {}

    def turn_on(self, name: str, params: Params, *, by_market: bool = False) -> Active:
        """Switch a fault on; it replaces itself at the same topic, symbol, venue, path.

        Its seconds (`for`, `every`) are the server's own, or those of the market.
        """
        kind = self.check(name, params)
        full = {"chance": 1.0, **kind.usual, **params}
        clock = self._market_s if by_market else self.clock
        now_s, ever = clock(), float("inf")
        active = Active(
            kind,
            full,
            until_s=now_s + float(full.get("for", ever)),
            left=float(full.get("count", ever)),
            due_s=now_s + float(full.get("every", ever)),
            clock=clock,
        )
        self._on[kind.name] = [
            one for one in self._on.get(kind.name, []) if _place(one) != _place(active)
        ] + [active]
        self._tell()
        return active

    def check(self, name: str, params: Params) -> Kind:
        """The fault of that name, if it takes these parameters."""
        kind = self.kind(name)
        check(kind, params)
        return kind

    def turn_off(self, name: str) -> None:
        """Switch a fault off, wherever it was on."""
        self._on.pop(self.kind(name).name, None)
        self._tell()

    def clear(self) -> None:
        """Switch all faults off."""
        self._on.clear()
        self._tell()

    def kind(self, name: str) -> Kind:
        """The fault of that name; dashes and underscores are the same."""
        plain = name.strip().lower().replace("_", "-")
        if plain not in self.kinds:
            near = difflib.get_close_matches(plain, self.kinds, 1)
            hint = f"did you mean {near[0]}?" if near else "liveopt sim --list-faults names them"
            raise BadFault(f"no fault {name!r}; {hint}")
        return self.kinds[plain]

    def now(self, group: Group | None = None) -> list[Active]:
        """The faults that are on (of a group); those whose time is over go off."""
        self._expire()
        return [
            one
            for actives in self._on.values()
            for one in actives
            if group is None or one.kind.group == group
        ]

    def strike(self, name: str, **where: str) -> Params | None:
        """Whether the fault strikes here and now, by its chance; counts it."""
        active = self._find(name, where)
        if active is None:
            return None
        chance = float(active.params.get("chance", 1.0))
        if chance < 1.0 and self.luck(name, **where).random() >= chance:
            return None
        self._count(active)
        return active.params

    def due(self, *names: str) -> list[Active]:
        """Faults that come every so often and whose time has come; they are counted."""
        found = [one for one in self.now() if one.kind.name in names and one.clock() >= one.due_s]
        for one in found:
            one.due_s = one.clock() + float(one.params["every"])
            self._count(one)
        return found

    def holds(self, name: str, **where: str) -> Params | None:
        """The parameters of a state that is on, without counting or luck."""
        active = self._find(name, where)
        return None if active is None else active.params

    def on(self, name: str) -> bool:
        """Whether the fault is on, wherever."""
        return any(one.clock() < one.until_s for one in self._on.get(name, ()))

    def luck(self, name: str, **where: str) -> random.Random:
        """What decides for a fault at a topic or path: when others come and go changes nothing."""
        place = where.get("topic") or NAMED.sub("/*", where.get("path", "")) or where.get("symbol")
        key = name, f"{where.get('venue', '')} {place or ''}"
        if key not in self._luck:
            self._luck[key] = random.Random(f"{self._seed} {key}")  # noqa: S311 - not secrets
        return self._luck[key]

    def _count(self, active: Active) -> None:
        name = active.kind.name
        self.struck[name] += 1
        active.left -= 1
        if active.left <= 0:
            self._on[name] = [one for one in self._on[name] if one is not active]
            self._tell()

    def _find(self, name: str, where: Mapping[str, str]) -> Active | None:
        actives = self._on.get(name)
        if not actives:
            return None
        for one in actives:
            if one.clock() < one.until_s and _here(one.params, where):
                return one
        return None

    def _expire(self) -> None:
        over = False
        for name, actives in list(self._on.items()):
            alive = [one for one in actives if one.clock() < one.until_s]
            over = over or len(alive) < len(actives)
            self._on[name] = alive
        if over:
            self._tell()

    def _tell(self) -> None:
        for told in self.changed:
            told()


def _place(active: Active) -> tuple[Value, ...]:
    return tuple(active.params.get(key, "") for key in ("topic", "symbol", "venue", "path"))


def _here(params: Params, where: Mapping[str, str]) -> bool:
    for key in ("symbol", "venue"):
        if key in params and where.get(key, params[key]) != params[key]:
            return False
    if "topic" in params and not where.get("topic", "").startswith(str(params["topic"])):
        return False
    return "path" not in params or str(params["path"]) in where.get("path", "")


def parse_faults(text: str) -> list[tuple[str, Params]]:
    """Faults as the command line spells them: `pong-stall,ws-cut:every=30:code=1001`."""
    found: list[tuple[str, Params]] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, *pairs = re.split(r":(?=\w+=)", part)
        if ":" in name or not name:
            raise BadFault(f"{part!r} is no fault; write name:key=value:key=value")
        found.append((name, {k: number(v) for k, _, v in (p.partition("=") for p in pairs)}))
    return found


def number(text: str) -> Value:
    """A value as a number where it is one."""
    try:
        return float(text)
    except ValueError:
        return text
