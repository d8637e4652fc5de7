"""Orders of searches on the disk: there before they are acknowledged, until they have ended.

One line for what came in together and one for what has ended, appended in a single write each, so
that a submission costs the same however many wait. A kill at any moment loses nothing that was
acknowledged; a power cut may, as with studies: who answers waits for no disk, whose queue is the
run's. Only where the file is written anew at the start it is waited for.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import structlog

from liveopt import whole
from liveopt.web.errors import stamp

log = structlog.get_logger()

FILE: Final = "jobs.log"
ENDED_MAX: Final = 1_000
"""So many ended ones may lie in the file before it is written anew without them."""
PAST_MAX: Final = 1_000
"""So many of those that may be asked for again are remembered."""
NAMED_MAX: Final = 100
"""And of the others so many: for who wanted them."""
WISH: Final = ("strategy", "algorithm", "evals", "timeout_s", "objective")
End = Literal["completed", "failed", "cancelled"]


class NotKept(Exception):
    """The disk takes nothing; the message says why."""


class Order(msgspec.Struct, frozen=True):
    """What somebody wants searched; everything in it was checked."""

    id: str
    strategy: str
    data: str
    algorithm: str
    evals: int
    timeout_s: float
    objective: str
    first: str
    last: str
    created: str
    by: str
    resume: bool = False
    """Go on with the study of this name as it is; the rest is for whoever looks at it."""
    asked: str = ""
    """What the request said, of one that may be repeated: it is remembered when it has ended."""

    def same(self, other: "Order") -> bool:
        """Whether a request that is repeated is the one that came before."""
        if self.asked and other.asked:
            return self.asked == other.asked
        return all(getattr(self, name) == getattr(other, name) for name in WISH)

    def words(self) -> list[str]:
        """What one types for it."""
        if self.resume:
            return ["opt", "resume", self.id, "--json"]
        words = ["optimize", self.strategy, "--data", self.data, "--algorithm", self.algorithm]
        words += ["--evals", str(self.evals), "--timeout", repr(self.timeout_s)]
        words += ["--objective", self.objective, "--name", self.id, "--json"]
        words += ["--from", self.first] if self.first else []
        words += ["--to", self.last] if self.last else []
        return words


class Past(msgspec.Struct, frozen=True):
    """An order that has ended, and how."""

    order: Order
    how: End = "completed"
    why: str = ""


class Line(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line: orders that came together, or names of those that have ended, and how."""

    came: tuple[Order, ...] = ()
    ended: tuple[str, ...] = ()
    how: End = "completed"
    why: str = ""
    past: tuple[Past, ...] = ()


class Orders:
    """Those that have not ended, oldest first; one process has them open."""

    def __init__(self, folder: Path) -> None:
        """Of what was cut off while it was written, nothing was acknowledged."""
        self._path = folder / FILE
        self._ended = 0
        self._whole = True
        """Whether all that is in the file was read: else it is not written anew without that."""
        self._looked = True
        """Whether it is known what the file ends with."""
        self._cut: int | None = None
        """How long the file is without the half line at its end, where there is one."""
        self.open: dict[str, Order] = {}
        self.past: dict[str, Past] = {}
        """The newest that have ended: who wanted them, and what a repeated request comes to."""
        try:
            self._recover(self._path.read_bytes())
        except FileNotFoundError:
            pass
        except OSError as error:
            self._whole = self._looked = False
            log.warning("orders of jobs cannot be read", error=error.strerror)

    def add(self, orders: Sequence[Order]) -> None:
        """All of them or none; they are there when this returns."""
        try:
            self._append(Line(came=tuple(orders)))
        except OSError as error:
            raise NotKept(f"the order cannot be kept: {error.strerror}") from error
        self._come(orders)

    def _come(self, orders: Iterable[Order]) -> None:
        for order in orders:
            self.open[order.id] = order
            self.past.pop(order.id, None)

    def end(self, names: Iterable[str], how: End = "completed", why: str = "") -> None:
        """They are not begun again. Where the disk is full they are, and found to be completed."""
        line = Line(ended=tuple(name for name in names if name in self.open), how=how, why=why)
        if not line.ended:
            return
        self._go(line)
        self._ended += len(line.ended)
        try:
            if self._ended > ENDED_MAX and self._whole:
                self._rewrite(synced=False)
            else:
                self._append(line)
        except OSError as error:
            log.warning("the end of a job could not be kept", error=str(error), jobs=line.ended)

    def _go(self, line: Line) -> None:
        for name in line.ended:
            order = self.open.pop(name, None)
            if order is not None:
                self.past[name] = Past(order, line.how, line.why)
        self.past.update((one.order.id, one) for one in line.past)
        named = [name for name, one in self.past.items() if not one.order.asked]
        for name in named[: max(0, len(named) - NAMED_MAX)]:
            del self.past[name]
        while len(self.past) > PAST_MAX:
            del self.past[next(iter(self.past))]

    def _append(self, line: Line) -> None:
        """In one write; what a full disk has taken of it is taken back."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        file = os.open(self._path, flags, 0o600)
        try:
            self._look()
            self._mend(file)
            data, before = msgspec.json.encode(line) + b"\n", os.fstat(file).st_size
            if os.write(file, data) < len(data):
                self._cut = before
                self._mend(file)
                raise OSError(0, "the disk is full")
        finally:
            os.close(file)

    def _look(self) -> None:
        """Of what could not be read at the start it is not known whether half a line ends it."""
        if self._looked:
            return
        text = self._path.read_bytes()
        end = text.rfind(b"\n") + 1
        self._cut = end if end < len(text) else None
        self._looked = True

    def _mend(self, file: int) -> None:
        """Nothing is ever put behind half a line: both would be lost."""
        if self._cut is not None:
            os.ftruncate(file, self._cut)
            self._cut = None

    def _mend_now(self) -> None:
        file = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            self._mend(file)
        finally:
            os.close(file)

    def _recover(self, text: bytes) -> None:
        """The end of the file may be torn; anything else that cannot be read is told and left."""
        lines = text.split(b"\n")
        torn = lines.pop()
        if torn:
            self._cut = len(text) - len(torn)
            with suppress(OSError):  # then it is done before the next line
                self._mend_now()
        for number, raw in enumerate(lines, start=1):
            try:
                line = msgspec.json.decode(raw, type=Line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                log.warning("orders of jobs cannot be read", line=number, error=str(error))
                self._whole = False
                continue
            self._come(line.came)
            self._go(line)
        if len(lines) > 1 and self._whole:
            with suppress(OSError):  # it is as long as it was
                self._rewrite()

    def _rewrite(self, *, synced: bool = True) -> None:
        """Without what has ended; the old file is there until the new one is."""
        line = Line(came=tuple(self.open.values()), past=tuple(self.past.values()))
        whole.write(self._path, msgspec.json.encode(line) + b"\n", synced=synced)
        self._ended, self._cut = 0, None


def new_id(once: str = "") -> str:
    """As the store names its studies; of a request that may be repeated, the same each time."""
    if once:
        return f"opt_{hashlib.sha256(once.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
    return f"opt_{secrets.token_hex(4)}"


def order_of(words: Mapping[str, Any], wall_ns: int, by: str) -> Order:
    """An order that begins now."""
    return Order(id=new_id(), created=stamp(wall_ns), by=by, **words)
