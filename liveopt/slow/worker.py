"""The slow worker: a process that steps users' strategies, one variant at a time, each in its time.

A strategy that raises, or that Python can interrupt when its time is up, costs its variant that one
answer. What Python cannot interrupt is ended from outside, with this process; the board says who
it was.
"""

import ctypes
import gc
import mmap
import os
import resource
import select
import signal
import socket
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final, NoReturn, TypeVar

import msgspec

from liveopt.core.events import Bar
from liveopt.core.strategy import Strategy
from liveopt.slow import words
from liveopt.slow.mind import Mind, NoTarget
from liveopt.slow.plugin import load
from liveopt.slow.words import LOADING, STEPPING, TEXT_MAX, Board, Fault, Start, Why
from liveopt.walk.variant import check_variant

T = TypeVar("T")
PR_SET_PDEATHSIG: Final = 1
FILE_BYTES_MAX: Final = 16 << 20
USER: Final = "liveopt_user."
"""What the modules of strategy files are called."""


class TooSlow(BaseException):
    """The time is up. No `Exception`, so that a strategy's own handlers let it pass."""


class Budget:
    """A stretch of time, on the processor and on the clock, that ends with `TooSlow`."""

    def __init__(self, budget_s: float, patience_s: float) -> None:
        self._timers = ((signal.ITIMER_PROF, budget_s), (signal.ITIMER_REAL, patience_s))
        self._running = False
        self._rung = False
        signal.signal(signal.SIGPROF, self._ring)
        signal.signal(signal.SIGALRM, self._ring)

    def __enter__(self) -> None:
        self._rung, self._running = False, True
        for timer, seconds in self._timers:
            signal.setitimer(timer, seconds)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running = False
        for timer, _ in self._timers:
            signal.setitimer(timer, 0.0)
        if kind is None and self._rung:
            raise TooSlow  # it was told before, and swallowed it

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        if self._running:
            self._rung, self._running = True, False
            raise TooSlow


@dataclass(slots=True)
class Seat:
    """A variant that takes part."""

    symbol: str
    mind: Mind


class Worker:
    """Carries out the service's orders until the link ends."""

    def __init__(self, link: socket.socket, board: Board, start: Start) -> None:
        self._link = link
        self._board = board
        self._start = start
        self._budget = Budget(start.budget_s, start.patience_s)
        self._poll = select.poll()
        self._poll.register(link, select.POLLIN)
        self._early: deque[words.Order] = deque()
        self._strategies: dict[str, Strategy] = {}
        self._past: dict[str, deque[Bar]] = {}
        self._seats: dict[int, Seat] = {}

    def serve(self) -> NoReturn:
        """One order after the other."""
        self._board.write(words.IDLE)
        while True:
            order = self._early.popleft() if self._early else self._next()
            self._carry_out(order)
            if not isinstance(order, words.Ping):
                self._say(words.Done(order.serial))

    def _carry_out(self, order: words.Order) -> None:
        match order:
            case words.Load():
                self._load(order)
            case words.History():
                self._past[order.symbol] = self._kept(order.bars)
            case words.Join():
                self._join(order)
            case words.Leave():
                self._seats.pop(order.place, None)
            case words.Feed():
                self._feed(order)
            case words.Ping():
                self._say(words.Pong(order.serial))

    def _load(self, order: words.Load) -> None:
        path = Path(order.path)
        self._board.write(LOADING, order.number)
        try:
            strategy, sha256 = load(path, order.sha256)
        except BaseException as error:  # noqa: BLE001  the user's own code; told to the service
            word: words.Word = words.Unloadable(order.number, _text(error))
        else:
            self._strategies[strategy.name] = strategy
            word = words.Loaded(
                order.number, strategy.name, sha256, strategy.text, dict(strategy.knobs),
                dict(strategy.choices), strategy.rule,
            )  # fmt: skip
        self._board.write(words.IDLE)
        self._say(word)

    def _join(self, order: words.Join) -> None:
        """Build the variant's mind and take it through the history."""
        variant, place = order.variant, order.place
        strategy = self._strategies.get(variant.strategy)
        if strategy is None:
            self._say(Fault(place, "refused", f"{variant.strategy} could not be loaded"))
            return

        def built() -> Mind:
            check_variant(variant, strategy)
            return Mind(strategy, variant.parameters, order.sides)

        mind = self._within(place, built)
        if isinstance(mind, Fault):
            self._say(Fault(place, "refused", mind.text))
            return
        faults = 0
        for bar in list(self._past.get(variant.symbol, ())):
            self._answer_pings()
            said = self._within(place, partial(mind.signal, bar))
            if isinstance(said, Fault) and order.told:
                self._say(said)
                faults += 1
                if faults == self._start.strikes:
                    return
        self._seats[place] = Seat(variant.symbol, mind)

    def _feed(self, order: words.Feed) -> None:
        for place, seat in self._seats.items():
            if seat.symbol == order.symbol:
                self._answer_pings()
                began = time.perf_counter()
                said = self._within(place, partial(seat.mind.signal, order.bar))
                took_ms = (time.perf_counter() - began) * 1e3
                self._say(said if isinstance(said, Fault) else words.Said(place, said, took_ms))
        self._past.setdefault(order.symbol, self._kept(())).append(order.bar)

    def _within(self, place: int, act: Callable[[], T]) -> T | Fault:
        """What comes of it in its time; whatever goes wrong is the variant's own fault."""
        self._board.write(STEPPING, place)
        try:
            with self._budget:
                return act()
        except TooSlow:
            why: Why = "too_slow"
            text = f"no answer within {self._start.budget_s * 1e3:g} ms on the processor"
            text += f" or {self._start.patience_s * 1e3:g} ms on the clock"
            return Fault(place, why, text)
        except NoTarget as error:
            return Fault(place, "not_a_number", str(error))
        except BaseException as error:  # noqa: BLE001  the user's own code; told to the service
            return Fault(place, "raised", _text(error))
        finally:
            self._board.write(words.IDLE)

    def _kept(self, bars: tuple[Bar, ...]) -> deque[Bar]:
        return deque(bars, maxlen=max(1, self._start.history_bars))

    def _answer_pings(self) -> None:
        """Between two variants: the service may want to know whether anybody is here."""
        while self._poll.poll(0):
            order = self._next()
            if isinstance(order, words.Ping):
                self._say(words.Pong(order.serial))
            else:
                self._early.append(order)

    def _next(self) -> words.Order:
        return words.order_of(self._exactly(words.length_of(self._exactly(words.LENGTH.size))))

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            part = self._link.recv(size - len(found))
            if not part:
                os._exit(0)  # the service is gone; nothing of the user's may keep us
            found += part
        return found

    def _say(self, word: words.Word) -> None:
        self._link.sendall(words.framed(word))


def _text(error: BaseException) -> str:
    """An error in a line, with the line of the user's file when there is one."""
    line = (error.lineno or 0) if isinstance(error, SyntaxError) else 0
    for frame, number in traceback.walk_tb(error.__traceback__):
        if str(frame.f_globals.get("__name__", "")).startswith(USER):
            line = number
    text = traceback.format_exception_only(error)[-1].strip()[:TEXT_MAX]
    return f"{text} (line {line})" if line else text


def _fence(start: Start) -> None:
    """What the process may take, from here on; it ends with the service whatever it is doing."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * mmap.PAGESIZE + start.memory_bytes
    for limit, value in (
        (resource.RLIMIT_AS, most),
        (resource.RLIMIT_FSIZE, FILE_BYTES_MAX),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def main() -> NoReturn:
    """Begin with what the service has put on the command line."""
    start = msgspec.json.decode(sys.argv[1], type=Start)
    board = Board(memoryview(mmap.mmap(start.board_fd, Board.BYTES)))
    link = socket.socket(fileno=start.link_fd)
    for number in (start.link_fd, start.board_fd):
        os.set_inheritable(number, False)
    _fence(start)
    gc.freeze()
    Worker(link, board, start).serve()


if __name__ == "__main__":
    main()
