"""What an operator may say to a run: journalled like a tick, answered once it is on the disk."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from liveopt.core.strategy import BadKnobs, Strategy
from liveopt.engine.program import Program
from liveopt.guard.latch import REASON_MAX
from liveopt.guard.link import Refused
from liveopt.journal.writer import JournalBroken
from liveopt.live.board import listing, position
from liveopt.live.compile import compile_all
from liveopt.live.pump import HalfDone, Pump
from liveopt.live.rounds import Rounds
from liveopt.live.service import additions
from liveopt.walk.events import (
    ACT_TEXT_MAX,
    ACTS_MAX,
    Deed,
    Demote,
    Noted,
    Pause,
    Promote,
    Resume,
    Retire,
)
from liveopt.walk.explain import explain
from liveopt.walk.group import programs
from liveopt.walk.records import Out, Refusal
from liveopt.walk.variant import Variant, check_variant
from liveopt.walk.verdicts import Demoted, Promoted

IDS_MAX: Final = 1_000
LISTED_MAX: Final = 500
NAME_MAX: Final = 200
VERBS: Final[dict[str, type[Pause | Resume | Retire]]] = {
    "pause": Pause,
    "resume": Resume,
    "retire": Retire,
}
KINDS: Final = ("variants", "explain", "add", *VERBS, "promote", "demote", "reoptimize", "note")
WALL_MS_MAX: Final = 1 << 53
NOTED_MAX: Final = 10 * ACTS_MAX


@dataclass(frozen=True, slots=True)
class Commands:
    """The answering end. `answer` raises `Refused` with what the operator should read."""

    pump: Pump
    strategies: Mapping[str, Strategy]
    rounds: Callable[[], Rounds | None] = lambda: None
    """The search beside the run, once the run has begun."""
    noted: dict[Deed, None] = field(default_factory=dict)
    """The newest acts: one whose answer was lost is told again."""

    async def answer(self, command: Mapping[str, Any]) -> object:
        """Does one command; nothing that goes wrong with one is the end of the run."""
        try:
            return await self._done(command)
        except (JournalBroken, HalfDone, OSError) as error:
            raise Refused(f"the engine is about to start again ({error}); try again") from error

    async def _done(self, command: Mapping[str, Any]) -> object:
        kind = str(command.get("kind"))
        handlers: dict[str, Callable[[Mapping[str, Any]], Awaitable[object]]] = {
            **dict.fromkeys(VERBS, self._change),
            "variants": self._variants,
            "explain": self._explain,
            "add": self._add,
            "promote": self._promote,
            "demote": self._demote,
            "reoptimize": self._reoptimize,
            "note": self._note,
        }
        if kind not in handlers:
            raise Refused(f"no command {kind!r}; there are {', '.join(KINDS)}")
        return await handlers[kind](command)

    async def _variants(self, command: Mapping[str, Any]) -> object:
        limit = command.get("limit", 20)
        if not isinstance(limit, int) or not 0 < limit <= LISTED_MAX:
            raise Refused(f"limit is a number from 1 to {LISTED_MAX}")
        name = str(command.get("id", ""))
        found: dict[str, Any] = {"variants": listing(self.pump.state, limit, name)}
        return found | ({"position": position(self.pump.state, name)} if name else {})

    async def _reoptimize(self, command: Mapping[str, Any]) -> object:
        """A round begins as soon as it can; of the one under way the next is told."""
        rounds = self.rounds()
        if rounds is None:
            raise Refused("the run has not begun yet")
        if self.pump.state.halt is not None:
            raise Refused("the run is halted; `liveopt resume` first")
        began = rounds.ask(str(command.get("by", "")))
        number = rounds.progress.number + (1 if began else 0)
        return {"began": began, "number": number}

    async def _note(self, command: Mapping[str, Any]) -> object:
        """What was done beside the run; one that has not begun has no journal to keep it in."""
        acts = _acts(command)
        if self.pump.state.terms is None:
            raise Refused("the run has not begun yet")
        fresh = tuple(act for act in dict.fromkeys(acts) if act not in self.noted)
        if fresh:
            self.pump.take(Noted(self.pump.state.at_ns, fresh))
            self.noted.update(dict.fromkeys(fresh))
            while len(self.noted) > NOTED_MAX:
                del self.noted[next(iter(self.noted))]
        await self._written()
        return {"noted": len(fresh)}

    async def _explain(self, command: Mapping[str, Any]) -> object:
        found = explain(self.pump.state, str(command.get("id", "")))
        if found.status == "unknown":
            raise Refused(found.text)
        return msgspec.to_builtins(found)

    async def _promote(self, command: Mapping[str, Any]) -> object:
        """A person makes somebody champion: consent where a verdict holds, else his own word."""
        by, why = _whose(command)
        variant = _name(command, "variant")
        return await self._changed(Promote(self.pump.state.at_ns, variant, by, why))

    async def _demote(self, command: Mapping[str, Any]) -> object:
        """The predecessor is to be champion again."""
        by, why = _whose(command)
        there = list(self.pump.state.markets)
        if len(there) != 1 and not command.get("symbol"):
            raise Refused(f"symbol is one of {', '.join(there) or 'none yet'}")
        symbol = _name(command, "symbol") if command.get("symbol") else there[0]
        return await self._changed(Demote(self.pump.state.at_ns, symbol, by, why))

    async def _changed(self, event: Promote | Demote) -> object:
        """Another champion, or why there is none; said once it is on the disk."""
        outs = self.pump.take(event)
        await self._written()
        return _change_of(outs)

    async def _change(self, command: Mapping[str, Any]) -> object:
        verb = VERBS[str(command["kind"])]
        ids = command.get("ids")
        if not isinstance(ids, list) or not 0 < len(ids) <= IDS_MAX:
            raise Refused(f"ids is a list of 1 to {IDS_MAX} names of variants")
        by, why = str(command.get("by", "")), str(command.get("why", ""))
        names = tuple(map(str, ids))
        outs = self.pump.take(verb(self.pump.state.at_ns, names, by or "operator", why))
        refused = {r.variant: r.why for _, r in outs if isinstance(r, Refusal)}
        await self._written()
        return {"done": [name for name in names if name not in refused], "refused": refused}

    async def _add(self, command: Mapping[str, Any]) -> object:
        try:  # as a replay would read them: a whole number in JSON is a float here
            variants = msgspec.convert(command.get("variants"), tuple[Variant, ...])
        except msgspec.ValidationError as error:
            raise Refused(f"variants: {error}") from error
        if not variants:
            raise Refused("variants is a list of one at least")
        for variant in variants:
            self._check(variant)
        await self._compile(variants)
        refused: dict[str, str] = {}
        by = str(command.get("by", "")) or "operator"
        for part in additions(self.pump.state.at_ns, variants, by):
            outs = self.pump.take(part)
            refused |= {r.variant: r.why for _, r in outs if isinstance(r, Refusal)}
        await self._written()
        return {"done": [v.id for v in variants if v.id not in refused], "refused": refused}

    async def _compile(self, variants: Sequence[Variant]) -> None:
        """What takes seconds is done before they join, while the run goes on."""
        state = self.pump.state
        if state.terms is None:
            raise Refused("the run has not begun yet")
        wanted: list[Program] = []
        for market in tuple(state.markets.values()):
            own = [v for v in variants if v.symbol == market.symbol]
            wanted += programs(own, self.strategies, market.instrument, state.terms)
        await compile_all(wanted, lambda _done, _of: None)

    def _check(self, variant: Variant) -> None:
        """What is refused before anybody joins."""
        if variant.lane != "fast":
            raise Refused(f"{variant.id}: strategies of the slow lane are given at the start")
        if variant.strategy not in self.strategies:
            raise Refused(f"{variant.id}: no strategy {variant.strategy!r}")
        try:
            check_variant(variant, self.strategies[variant.strategy])
        except BadKnobs as error:
            raise Refused(f"{variant.id}: {error}") from error

    async def _written(self) -> None:
        try:
            await self.pump.written()
        except TimeoutError as error:
            raise Refused("taken, but the disk has not confirmed it yet") from error


def _acts(command: Mapping[str, Any]) -> tuple[Deed, ...]:
    try:
        acts = msgspec.convert(command.get("acts"), tuple[Deed, ...])
    except msgspec.ValidationError as error:
        raise Refused(f"acts: {error}") from error
    if not 0 < len(acts) <= ACTS_MAX:
        raise Refused(f"acts is a list of 1 to {ACTS_MAX}")
    for act in acts:
        if max(len(act.what), len(act.by), len(act.detail)) > ACT_TEXT_MAX:
            raise Refused(f"an act's texts have {ACT_TEXT_MAX} characters at most")
        if not 0 <= act.wall_ms <= WALL_MS_MAX:
            raise Refused("wall_ms is in milliseconds since 1970")
    return acts


def _name(command: Mapping[str, Any], key: str) -> str:
    found = command.get(key)
    if not isinstance(found, str) or not 0 < len(found) <= NAME_MAX:
        raise Refused(f"{key} is a name of 1 to {NAME_MAX} characters")
    return found


def _whose(command: Mapping[str, Any]) -> tuple[str, str]:
    """Who wants it, and why: a change of champion is never without a reason."""
    why = str(command.get("why", "")).strip()
    if not 0 < len(why) <= REASON_MAX:
        raise Refused(f"why is the reason, in 1 to {REASON_MAX} characters: the change keeps it")
    return str(command.get("by", "")) or "operator", why


def _change_of(outs: Sequence[Out]) -> object:
    """The record of it as plain data; `variant` is champion now, or was until now."""
    for _, record in outs:
        if isinstance(record, Refusal):
            raise Refused(f"{record.variant}: {record.why}")
        if isinstance(record, Promoted | Demoted):
            return msgspec.to_builtins(record)
    raise AssertionError("a change of champion has a record")
