"""A world in memory for real asyncio code: virtual time, seeded order of steps, a faulty network.

`run(main, seed)` gives `main` a `World` and drives it on an event loop whose clock jumps to the
next timer instead of waiting. aiohttp (server and client), websockets and asyncio's streams run
unchanged: what the loop is asked about the network stays in memory (`tests.network`), and what
would go to a thread runs in place and takes no time. TLS is taken as done: `https` and `wss` carry
plain bytes. The same seed gives the same run, event by event.
"""

import asyncio
import contextvars
import heapq
import random
import socket
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from unittest.mock import patch

from tests.network import Network, VirtualServer

T = TypeVar("T")

EPOCH_NS = 1_700_000_000_000_000_000  # what wall clocks show when a world begins
BEGIN_S = 1_000.0  # what the loop's clock shows then; like a real one it is never 0
DAY_S = 86_400.0


class Deadlock(RuntimeError):
    """Nothing is scheduled and nobody can wake the tasks that wait."""


class TooLong(RuntimeError):
    """The world got older than its limit."""


class Untidy(AssertionError):
    """What a world should not leave behind: tasks, connections, servers, unseen errors."""


class _Clock:
    """A selector that never waits: asked to, it sets the clock to the first timer."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self.loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        loop = self.loop
        if timeout is None:
            raise Deadlock("nothing is scheduled, and these wait:\n" + loop.waiting())
        if timeout > 0:
            loop.now_s = loop._scheduled[0]._when  # exactly, where a sum would be rounded
            if loop.now_s > loop.end_s:
                raise TooLong(f"busy beyond its end, and these wait:\n{loop.waiting()}")
        return []

    def close(self) -> None:
        pass


class _Timer(asyncio.TimerHandle):
    """Timers of one instant go off in the order they were set, as they do where time passes."""

    __slots__ = ("number",)
    number: int

    def __lt__(self, other: Any) -> bool:
        mine, theirs = self._when, other._when  # type: ignore[attr-defined]
        return bool(mine < theirs or (mine == theirs and self.number < other.number))


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop in virtual time; tasks that are ready together step in a seeded order.

    Only steps of tasks change places, for asyncio promises that other callbacks run first come,
    first served, and libraries count on it.
    """

    _ready: deque[asyncio.Handle]
    _scheduled: list[Any]

    def __init__(self, seed: int, *, shuffle: bool = True, limit_s: float = 30 * DAY_S) -> None:
        super().__init__()
        self._selector = _Clock(self)
        self.now_s = BEGIN_S
        self.end_s = BEGIN_S + limit_s
        self.timers = 0
        self.steps = random.Random(f"steps {seed}") if shuffle else None
        self.network = Network(self, random.Random(f"network {seed}"))
        self.unseen: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _, context: self.unseen.append(context))
        self.set_debug(False)

    def time(self) -> float:
        return self.now_s

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        if self.is_closed():
            raise RuntimeError("Event loop is closed")
        timer = _Timer(when, callback, args, self, context)
        timer.number = self.timers = self.timers + 1
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True  # type: ignore[attr-defined]
        return timer

    def waiting(self) -> str:
        """The tasks that are not done and where each waits."""
        lines = []
        for task in sorted(asyncio.all_tasks(self), key=lambda task: task.get_name()):
            frames = task.get_stack()
            where = f"{frames[-1].f_code.co_filename}:{frames[-1].f_lineno}" if frames else "?"
            lines.append(f"  {task.get_name()} {task.get_coro()!r} at {where}")
        return "\n".join(lines)

    def _run_once(self) -> None:
        if self.steps is not None and len(self._ready) > 1:
            self._shuffle(self.steps)
        super()._run_once()  # type: ignore[misc]

    def _shuffle(self, chance: random.Random) -> None:
        ready = self._ready
        places = [
            place
            for place, handle in enumerate(ready)
            if isinstance(getattr(handle._callback, "__self__", None), asyncio.Task)  # type: ignore[attr-defined]
        ]
        if len(places) > 1:
            handles = [ready[place] for place in places]
            chance.shuffle(handles)
            for place, handle in zip(places, handles, strict=True):
                ready[place] = handle

    def _process_events(self, event_list: list[Any]) -> None:
        assert not event_list

    def _write_to_self(self) -> None:
        """There is no other thread that could have to be woken from."""

    def run_in_executor(  # type: ignore[override]
        self, executor: object, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Runs it here and now: no threads, and it takes no time."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - handed on to whoever awaits it
            done.set_exception(error)
        return done

    async def getaddrinfo(self, host: Any, port: Any, **hints: Any) -> list[tuple[Any, ...]]:
        ip = self.network.resolve(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, int(port or 0)))]

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        return sockaddr[0], str(sockaddr[1])

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Dials for a socket that itself stays unconnected; `create_connection` looks it up."""
        await self.network.dial(address[0], address[1])
        self.network.dialled[sock] = (address[0], address[1])

    async def create_connection(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        host: str | None = None,
        port: int | None = None,
        *,
        sock: socket.socket | None = None,
        **_: Any,
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        if sock is None:
            assert port is not None
            ip = self.network.resolve(host or "localhost")
            await self.network.dial(ip, port)
        else:
            ip, port = self.network.dialled.pop(sock)
        protocol = protocol_factory()
        end = self.network.connect(protocol, ip, port, sock)
        made = self.create_future()
        self.call_soon(end.made, made)
        try:
            await made
        except BaseException:
            end.abort()
            raise
        return end, protocol

    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        host: str | None = None,
        port: int | None = None,
        *,
        sock: socket.socket | None = None,
        start_serving: bool = True,
        **_: Any,
    ) -> "VirtualServer":
        if sock is not None:
            host, port = sock.getsockname()[:2]
        server = VirtualServer(self.network, protocol_factory, (host, port), sock)
        if start_serving:
            await server.start_serving()
        return server


@dataclass
class World:
    """What a test holds: the loop, the network, luck of its own and a wall clock that may jump."""

    loop: VirtualLoop
    network: Network
    random: random.Random
    _jumped_ns: int = field(default=0)

    @property
    def elapsed_s(self) -> float:
        return self.loop.now_s - BEGIN_S

    def monotonic_ns(self) -> int:
        return round(self.loop.now_s * 1e9)

    def wall_ns(self) -> int:
        """What a clock on the wall shows: starts at `EPOCH_NS` and follows every jump."""
        return EPOCH_NS + round(self.elapsed_s * 1e9) + self._jumped_ns

    def jump(self, seconds: float) -> None:
        """Sets the wall clock forward, or back; intervals are not touched."""
        self._jumped_ns += round(seconds * 1e9)


def run(
    main: Callable[[World], Coroutine[Any, Any, T]],
    seed: int = 0,
    *,
    shuffle: bool = True,
    limit_s: float = 30 * DAY_S,
    tidy: bool = True,
) -> T:
    """What `main(world)` returns, run in a world of its own.

    Raises `Deadlock` when all wait for ever, `TooLong` past `limit_s`, and after a `main` that
    returned `Untidy` for errors nobody saw and for tasks, connections and servers that are left a
    virtual second later. `tidy=False` ends the world as a crash would, without that look.
    """
    loop = VirtualLoop(seed, shuffle=shuffle, limit_s=limit_s)
    world = World(loop, loop.network, random.Random(f"test {seed}"))
    with _seeded(loop, seed):
        try:
            result = loop.run_until_complete(main(world))
            if tidy:
                loop.run_until_complete(asyncio.sleep(1.0))
                _look(loop)
        except BaseException as error:
            error.add_note(f"in the world of seed {seed}, {world.elapsed_s:.6f} s after it began")
            raise
        finally:
            _end(loop)
    return result


@contextmanager
def _seeded(loop: VirtualLoop, seed: int) -> Iterator[None]:
    """Libraries take luck from `random`, and aiohttp's pool of connections the real clock."""
    before = random.getstate()
    random.seed(f"libraries {seed}")
    try:
        with patch("aiohttp.connector.monotonic", loop.time):
            yield
    finally:
        random.setstate(before)


def _look(loop: VirtualLoop) -> None:
    network = loop.network
    left = [f"an error nobody saw: {_told(context)}" for context in loop.unseen]
    left += [f"open: {connection!r}" for connection in network.connections]
    left += [f"listening: {host}:{port}" for host, port in network.servers]
    if waiting := loop.waiting():
        left.append("tasks:\n" + waiting)
    if left:
        raise Untidy("\n".join(left))


def _told(context: dict[str, Any]) -> str:
    return f"{context.get('message')} {context.get('exception')!r}"


def _end(loop: VirtualLoop) -> None:
    """Cuts and cancels what is left and closes everything, whatever happened before."""
    loop.end_s = float("inf")
    loop.network.cut_all()
    while tasks := asyncio.all_tasks(loop):
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.wait(tasks, timeout=DAY_S))
        loop.network.cut_all()
    loop.run_until_complete(asyncio.sleep(0.0))
    loop.run_until_complete(loop.shutdown_asyncgens())
    for sock in loop.network.dialled:
        sock.close()
    loop.close()
