"""The dead man's switch of spot: unless renewed in time, it cancels all orders."""

from dataclasses import dataclass, field
from typing import Any

from liveopt.exchange_sim.amounts import parse
from liveopt.exchange_sim.api import Call
from liveopt.exchange_sim.floor import refuse
from liveopt.exchange_sim.spot_orders import SpotDesk


@dataclass(frozen=True, slots=True)
class Armed:
    """One account's switch."""

    timeout_s: int
    symbols: str
    trigger_s: int


@dataclass(slots=True)
class DeadSwitch:
    """All accounts' switches."""

    desk: SpotDesk
    armed: dict[str, Armed] = field(default_factory=dict)

    def set(self, call: Call) -> Any:
        """Arms or renews the switch of an account; -1 disarms it."""
        timeout = parse(call.body.get("timeout"))
        if timeout is None or (timeout != -1 and not 5 <= timeout <= 86_400):
            raise refuse("400100", "timeout must be -1 or between 5 and 86400")
        now_s = self.desk.floor.now_ns // 10**9
        if timeout == -1:
            self.armed.pop(call.user, None)
            return {"currentTime": now_s, "triggerTime": 0}
        switch = Armed(int(timeout), str(call.body.get("symbols") or ""), now_s + int(timeout))
        self.armed[call.user] = switch
        return {"currentTime": now_s, "triggerTime": switch.trigger_s}

    def show(self, call: Call) -> Any:
        """The switch of an account, nothing where none is armed."""
        switch = self.armed.get(call.user)
        if switch is None:
            return None
        return {
            "timeout": switch.timeout_s,
            "symbols": switch.symbols,
            "currentTime": self.desk.floor.now_ns // 10**9,
            "triggerTime": switch.trigger_s,
        }

    def step(self) -> None:
        """Cancels for those who did not renew."""
        for user, switch in list(self.armed.items()):
            if self.desk.floor.now_ns // 10**9 < switch.trigger_s:
                continue
            del self.armed[user]
            symbols = {name for name in switch.symbols.split(",") if name}
            for order in self.desk.blotter.open_of(user):
                if not symbols or order.spec.symbol in symbols:
                    self.desk.cancel(order, order.remaining)
