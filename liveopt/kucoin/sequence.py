"""The ticks of one symbol in their order, each once, and what is known to be missing.

The exchange numbers trades with growing but not contiguous sequences, so a hole cannot be seen in
the numbers. It follows from what the connection went through: after a cut, ticks are held until
the exchange's own history shows that nothing lies between the last tick handed on and the first
that has come since.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import Tick

KNOWN_MAX: Final = 4096
"""Sequences remembered, to tell a tick that comes late from one that comes twice."""
WAITING_MAX: Final = 100_000
"""Ticks held; of more than these the older ones are lost, and the span says so."""
BACKWARDS_NS: Final = 2 * SECOND_NS
"""A lower sequence with a time this much later is a new count, not an old tick."""

Verdict = Literal["joined", "quiet", "again"]


@dataclass(frozen=True, slots=True)
class Span:
    """From the last tick that is known to the first that is known again, both ends included.

    Several trades may have one time, so a lost one may have that of either end.
    """

    from_ns: int
    to_ns: int
    why: str


@dataclass(slots=True)
class Sequencer:
    """Puts ticks in order within `settle_ns` and drops what comes twice.

    `offer` takes a tick as it comes, `settled` hands on what has waited long enough. While `held`,
    nothing is handed on; `join` decides with the exchange's history how to go on.
    """

    settle_ns: int
    held: bool = False
    fenced: bool = False
    """Two connections bring ticks: nothing is handed on before the older one has brought all."""
    doubtful: bool = False
    """Ticks that the last history did not have are to be compared with the next one."""
    duplicates: int = 0
    late: int = 0
    cuts: int = 0
    """How often it was held for a cut; who releases looks whether another has come meanwhile."""
    first: Tick | None = None
    """The first tick handed on."""
    last: Tick | None = None
    """The newest tick handed on; with sequence 0 if the exchange has begun to count anew since."""
    restarted: bool = False
    """The exchange seems to count anew; the history has to confirm it."""
    _ticks: list[Tick] = field(default_factory=list)  # by sequence
    _came_ns: list[int] = field(default_factory=list)  # beside _ticks
    _newest: int = 0
    _before: int = 0  # only ticks numbered higher prove that the stream runs since the last cut
    _lost_ns: int = 0  # up to here a span has been told; its ticks are no longer wanted
    _known: list[int] = field(default_factory=list)  # growing
    _forgotten: int = 0  # up to here nothing is remembered
    _late: deque[int] = field(default_factory=lambda: deque(maxlen=KNOWN_MAX))
    _anew: deque[Tick] = field(default_factory=lambda: deque(maxlen=WAITING_MAX))  # of a new count
    _began_ns: int = 0  # when the present count began; what is older has numbers of the old one
    _anew_before: int = 0  # as _before, of the new count
    _ended: list[Tick] = field(default_factory=list)  # the last ticks of the old count

    def __len__(self) -> int:
        return len(self._ended) + len(self._ticks)

    @property
    def asks(self) -> bool:
        """The exchange's history is needed to go on."""
        if self.held or self.restarted:
            return True
        return self.doubtful and bool(self._ticks) and self._ticks[-1].sequence > self._before

    @property
    def withheld(self) -> bool:
        """Ticks may be missing, or wait for more than to settle."""
        return self.held or self.fenced or self.restarted or (self.doubtful and len(self) > 0)

    @property
    def due(self) -> bool:
        """Something that waits can be handed on once it has settled."""
        if self.held or self.fenced or not len(self):
            return False
        return not self.doubtful or bool(self._ended) or self._ticks[0].sequence <= self._before

    def offer(self, tick: Tick, now_ns: int) -> Tick | None:
        """Takes a tick; hands it back if its place in the order has already gone by."""
        if tick.at_ns < self._began_ns:
            self.duplicates += 1
            return None
        if tick.sequence > self._newest:
            self._newest = tick.sequence
            self._ticks.append(tick)
            self._came_ns.append(now_ns)
            return None
        return self._insert(tick, now_ns)

    def _insert(self, tick: Tick, now_ns: int) -> Tick | None:
        number, last = tick.sequence, self.last
        place = bisect_left(self._ticks, number, key=_sequence)
        if place < len(self._ticks) and self._ticks[place].sequence == number:
            self.duplicates += 1
            return None
        if last is None or number > last.sequence:
            self._ticks.insert(place, tick)
            self._came_ns.insert(place, now_ns)
            return None
        if self._begins_anew(tick):
            if not self.restarted:
                self.restarted = True
                self._anew_before = 0
            self._anew.append(tick)
            return None
        if self._remembers(number):
            self.duplicates += 1
            return None
        self.late += 1
        self._late.append(number)  # a second time it is a duplicate
        return tick

    def _remembers(self, number: int) -> bool:
        if number <= self._forgotten or number in self._late:
            return True
        known = self._known
        place = bisect_left(known, number)
        return place < len(known) and known[place] == number

    def _begins_anew(self, tick: Tick) -> bool:
        last = self.last
        if last is None or tick.sequence > last.sequence:
            return False
        return tick.at_ns > last.at_ns + BACKWARDS_NS

    def knows(self, tick: Tick) -> bool:
        """This or a newer tick has come."""
        if tick.at_ns < self._began_ns:
            return True
        if self._begins_anew(tick):
            return any(tick.sequence <= new.sequence for new in self._anew)
        return tick.sequence <= self._newest

    def settled(self, now_ns: int) -> list[Tick]:
        """The ticks whose order can no longer change, oldest first."""
        if self.held or self.fenced or self.doubtful:
            self._bound()
            if self.held or self.fenced:
                return []
        due_ns = now_ns - self.settle_ns
        came = self._came_ns
        count = len(came)
        while count and came[count - 1] > due_ns:
            count -= 1
        if self.doubtful:
            count = bisect_right(self._ticks, self._before, 0, count, key=_sequence)
        return self._hand_on(count)

    def release(self) -> list[Tick]:
        """Everything that waits, at once: the feed is about to end or to stop waiting."""
        self.held = self.fenced = self.doubtful = False
        return self._hand_on(len(self._ticks))

    def _hand_on(self, count: int) -> list[Tick]:
        ended = self._take_ended() if self._ended else []
        if not count:
            return ended
        ready = self._ticks[:count]
        del self._ticks[:count]
        del self._came_ns[:count]
        self.last = ready[-1]
        self.first = self.first or ready[0]
        self._known += [tick.sequence for tick in ready]
        if len(self._known) > 2 * KNOWN_MAX:
            self._forgotten = self._known[-KNOWN_MAX - 1]
            del self._known[:-KNOWN_MAX]
        return ended + ready if ended else ready

    def _take_ended(self) -> list[Tick]:
        ended, self._ended = self._ended, []
        self.last = _numberless(ended[-1])
        return ended

    def _bound(self) -> None:
        surplus = len(self._ticks) - WAITING_MAX
        if surplus > 0:
            # As if the connection had been cut until the first that is kept.
            surplus += WAITING_MAX // 2
            self._before = self._ticks[surplus - 1].sequence
            del self._ticks[:surplus]
            del self._came_ns[:surplus]

    def resume(self, last: Tick) -> None:
        """Go on after a tick that an earlier feed handed on: as after a cut."""
        assert self.last is None
        self.first = self.last = last
        self._newest = self._forgotten = last.sequence
        self._known = [last.sequence]
        self.hold()

    def hold(self) -> None:
        """The connection was cut, or a tick was left out: hand nothing on before `join`."""
        self.held = True
        self.cuts += 1
        self._before = self._newest
        self._anew_before = max((tick.sequence for tick in self._anew), default=0)
        if self.last is None:
            self._ticks.clear()  # the feed has not begun; it will after the cut
            self._came_ns.clear()
            self._newest = self._before = 0

    def join(self, history: Sequence[Tick], now_ns: int) -> tuple[Verdict, Span | None]:
        """Fits the exchange's newest trades, oldest first, between what was and what comes now.

        joined: go on; with a span, its ticks are lost. quiet: go on up to the newest of this
        history; the first tick to come after it will be checked again, for none has come since the
        cut that would show that this history reaches it. again: this history is too old.
        """
        if self.restarted:
            return self._join_anew(history, now_ns)
        history = [tick for tick in history if tick.at_ns >= self._began_ns]
        base = self.last
        if base is None:
            self.held = self.doubtful = False
            return "joined", None
        after = self._after()
        reached = after or (self._ticks[-1] if self._ticks else base)
        if not history or history[-1].sequence < reached.sequence:
            return "again", None
        lost = self._fit(history, base, after, now_ns)
        self._go_on(after, history[-1].sequence)
        return ("joined" if after else "quiet"), lost

    def overlooked(self, history: Sequence[Tick]) -> list[Tick]:
        """Ticks of the history whose place has gone by without them; each is told once."""
        first, last = self.first, self.last
        if first is None or last is None:
            return []
        found = [
            tick
            for tick in history
            if first.sequence < tick.sequence < last.sequence
            and tick.at_ns > max(self._lost_ns, self._began_ns)
            and not self._remembers(tick.sequence)
        ]
        self._late.extend(tick.sequence for tick in found)
        return found

    def give_up(self, why: str, now_at_ns: int) -> Span | None:
        """Go on without knowing: the span, up to the exchange's now, that may hold lost ticks."""
        base, known = self.last, self._newest
        after = self._after()
        if self.restarted:
            new = self._take_anew()
            after = next((tick for tick in new if tick.sequence > self._anew_before), None)
            self._forget(after.at_ns if after else now_at_ns)
            self._fill([tick for tick in new if after and tick.sequence >= after.sequence], 0)
            known = self._anew_before
        elif base is not None:
            self._drop(base.sequence, after.sequence if after else self._newest + 1)
        self._go_on(after, known)
        return None if base is None else self._lose(base, after.at_ns if after else now_at_ns, why)

    def _after(self) -> Tick | None:
        """The first tick that has come since the cut: from here on the stream has all."""
        place = bisect_right(self._ticks, self._before, key=_sequence)
        return self._ticks[place] if place < len(self._ticks) else None

    def _go_on(self, after: Tick | None, known: int) -> None:
        self.held = False
        self.doubtful = after is None
        if after is None:
            self._before = known

    def _fit(
        self, history: Sequence[Tick], base: Tick, after: Tick | None, now_ns: int
    ) -> Span | None:
        told_ns = self._lost_ns if self._lost_ns > base.at_ns else 0
        first, lost = history[0], None
        if after is not None and after.sequence < first.sequence:
            first = after
        if first.sequence > base.sequence and first.at_ns > told_ns:
            self._drop(base.sequence, first.sequence)
            lost = self._lose(base, first.at_ns, "history too short")
        missed = (tick for tick in history if tick.sequence > base.sequence)
        self._fill([tick for tick in missed if tick.at_ns > told_ns], now_ns)
        return lost

    def _lose(self, base: Tick, to_ns: int, why: str) -> Span:
        from_ns = max(base.at_ns, self._lost_ns)
        span = Span(from_ns, max(from_ns, to_ns), why)
        self._lost_ns = span.to_ns
        return span

    def _drop(self, after: int, before: int) -> None:
        """What waits between two sequences is given up: a span has nothing inside."""
        start = bisect_right(self._ticks, after, key=_sequence)
        stop = bisect_left(self._ticks, before, key=_sequence)
        del self._ticks[start:stop]
        del self._came_ns[start:stop]

    def _fill(self, ticks: Iterable[Tick], now_ns: int) -> None:
        for tick in ticks:
            place = bisect_left(self._ticks, tick.sequence, key=_sequence)
            if place < len(self._ticks) and self._ticks[place].sequence == tick.sequence:
                continue
            self._newest = max(self._newest, tick.sequence)
            self._ticks.insert(place, tick)
            self._came_ns.insert(place, now_ns - self.settle_ns)

    def _forget(self, began_ns: int) -> None:
        self._ticks.clear()
        self._came_ns.clear()
        self._known.clear()
        self._late.clear()
        self._newest = self._before = self._forgotten = 0
        self.last = None if self.last is None else _numberless(self.last)
        self.first = None
        self.restarted = False
        self._began_ns = began_ns

    def _join_anew(self, history: Sequence[Tick], now_ns: int) -> tuple[Verdict, Span | None]:
        last, new = self.last, self._take_anew()
        assert last is not None
        turned = [tick for tick in history if self._begins_anew(tick)]
        if not turned and (not new or self._goes_on(history, new)):
            self.restarted = False
            return self.join(history, now_ns)
        after = next((tick for tick in new if tick.sequence > self._anew_before), None)
        reached = after or (new[-1] if new else None)
        if not turned or (reached and turned[-1].sequence < reached.sequence):
            self._anew.extend(new)
            return "again", None
        # Sure of it now, those count too that came too soon after the old count to be told from it.
        turned = [t for t in history if t.sequence <= last.sequence and t.at_ns > last.at_ns]
        old = {tick.sequence: tick for tick in self._ticks}
        old |= {tick.sequence: tick for tick in history if tick.sequence > last.sequence}
        first_ns, lost = last.at_ns, None
        if not any(t.sequence <= last.sequence and t.at_ns <= last.at_ns for t in history):
            first_ns = min(tick.at_ns for tick in history)
            lost = self._lose(last, first_ns, "history too short after a new count")
        self._forget(turned[0].at_ns)
        self._ended += [old[number] for number in sorted(old) if old[number].at_ns >= first_ns]
        self._fill(turned, now_ns)
        self._fill([tick for tick in new if tick.at_ns >= turned[0].at_ns], now_ns)
        self._go_on(after, self._newest)
        return ("joined" if after else "quiet"), lost

    def _goes_on(self, history: Sequence[Tick], new: list[Tick]) -> bool:
        """The exchange counts as before: the odd tick was no new count."""
        return any(tick.at_ns >= new[0].at_ns for tick in (*history, *self._ticks[-1:]))

    def _take_anew(self) -> list[Tick]:
        new = sorted(self._anew, key=_sequence)
        self._anew.clear()
        return new


def _sequence(tick: Tick) -> int:
    return tick.sequence


def _numberless(tick: Tick) -> Tick:
    """The end of an old count, before all numbers of a new one."""
    return msgspec.structs.replace(tick, sequence=0)
