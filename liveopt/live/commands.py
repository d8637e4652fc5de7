"""What an operator may say to a run: journalled like a tick, answered once it is on the disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from liveopt.core.strategy import BadKnobs, Strategy
from liveopt.guard.link import Refused
from liveopt.live.board import listing
from liveopt.live.pump import Pump
from liveopt.live.service import additions
from liveopt.walk.events import Pause, Resume, Retire
from liveopt.walk.records import Refusal
from liveopt.walk.variant import Variant, check_variant

IDS_MAX: Final = 1_000
LISTED_MAX: Final = 500
VERBS: Final[dict[str, type[Pause | Resume | Retire]]] = {
    "pause": Pause,
    "resume": Resume,
    "retire": Retire,
}


@dataclass(frozen=True, slots=True)
class Commands:
    """The answering end. `answer` raises `Refused` with what the operator should read."""

    pump: Pump
    strategies: Mapping[str, Strategy]

    async def answer(self, command: Mapping[str, Any]) -> object:
        """Does one command."""
        kind = command.get("kind")
        if kind == "variants":
            limit = command.get("limit", 20)
            if not isinstance(limit, int) or not 0 < limit <= LISTED_MAX:
                raise Refused(f"limit is a number from 1 to {LISTED_MAX}")
            return {"variants": listing(self.pump.state, limit, str(command.get("id", "")))}
        if kind == "add":
            return await self._add(command)
        if kind in VERBS:
            return await self._change(str(kind), command)
        raise Refused(f"no command {kind!r}; there are variants, add, {', '.join(VERBS)}")

    async def _change(self, kind: str, command: Mapping[str, Any]) -> object:
        ids = command.get("ids")
        if not isinstance(ids, list) or not 0 < len(ids) <= IDS_MAX:
            raise Refused(f"ids is a list of 1 to {IDS_MAX} names of variants")
        by, why = str(command.get("by", "")), str(command.get("why", ""))
        names = tuple(map(str, ids))
        outs = self.pump.take(VERBS[kind](self.pump.state.at_ns, names, by or "operator", why))
        refused = {r.variant: r.why for _, r in outs if isinstance(r, Refusal)}
        await self.pump.written()
        return {"done": [name for name in names if name not in refused], "refused": refused}

    async def _add(self, command: Mapping[str, Any]) -> object:
        added: list[str] = []
        refused: dict[str, str] = {}
        for one in command.get("variants", []):
            variant = self._variant(one)
            for part in additions(self.pump.state.at_ns, [variant], str(command.get("by", ""))):
                outs = self.pump.take(part)
                refused |= {r.variant: r.why for _, r in outs if isinstance(r, Refusal)}
            added.append(variant.id)
        await self.pump.written()
        return {"done": [name for name in added if name not in refused], "refused": refused}

    def _variant(self, given: Mapping[str, Any]) -> Variant:
        try:
            variant = Variant(
                str(given["id"]), str(given["strategy"]), str(given["symbol"]),
                dict(given["parameters"]), str(given.get("origin", "manual")),
            )  # fmt: skip
            check_variant(variant, self.strategies[variant.strategy])
        except KeyError as error:
            raise Refused(f"a variant lacks or has an unknown {error}") from error
        except BadKnobs as error:
            raise Refused(str(error)) from error
        return variant
