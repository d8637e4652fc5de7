"""A network in memory: listeners, connections as asyncio transports, latency and faults.

It belongs to an event loop that calls in here from `create_server` and `create_connection`: see
`tests.virtual`. TCP as far as a program notices it: bytes in order, a window that fills,
half-closed streams, resets. Packet loss is not here, for it only shows as latency.
"""

import asyncio
import contextvars
import errno
import hashlib
import random
import socket
from asyncio import constants
from collections import deque
from collections.abc import Callable

Range = tuple[float, float]
Address = tuple[str, int]

WINDOW = 256 * 1024  # bytes that the network holds of one direction before the writer must wait
READ_MAX = 256 * 1024
REQUEST_KEPT = 2_048  # bytes of a connection's first request, kept to tell what it is for
GIVE_UP_S = 924.0  # after so long without an answer Linux calls a connection dead (tcp_retries2)
DIAL_S = 127.0  # and so long it tries to make one (tcp_syn_retries)
ANYWHERE = "0.0.0.0"


class _Listener:
    """What aiohttp and websockets ask of a listening socket: its address."""

    family = socket.AF_INET

    def __init__(self, address: Address) -> None:
        self.address = address

    def getsockname(self) -> Address:
        return self.address


class VirtualServer(asyncio.AbstractServer):
    """A listener; without a host it answers at every address, port 0 takes a free one."""

    def __init__(
        self,
        network: "Network",
        factory: Callable[[], asyncio.Protocol],
        address: tuple[str | None, int | None],
        sock: socket.socket | None,
    ) -> None:
        host, port = address
        self.network = network
        self.factory = factory
        self.sock = sock
        self.context = contextvars.copy_context()
        ip = ANYWHERE if host in (None, "", ANYWHERE, "::") else network.name(host)
        self.address = (ip, port or network.free_port())
        self.sockets: tuple[_Listener, ...] = (_Listener(self.address),)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self.network.loop

    def is_serving(self) -> bool:
        return self.network.servers.get(self.address) is self

    async def start_serving(self) -> None:
        if self.network.servers.setdefault(self.address, self) is not self:
            raise OSError(errno.EADDRINUSE, f"address in use: {self.address}")

    async def serve_forever(self) -> None:
        await self.start_serving()
        try:
            await self.network.loop.create_future()
        finally:
            self.close()

    def close(self) -> None:
        if self.is_serving():
            del self.network.servers[self.address]
        self.sockets = ()
        if self.sock is not None:
            self.sock.close()

    async def wait_closed(self) -> None:
        """Connections made before live on, as with asyncio's own servers up to 3.11."""


class Pipe:
    """One direction of a connection: bytes in order, each write with its own latency."""

    def __init__(self, network: "Network", way: str) -> None:
        self.network = network
        self.way = way  # up: to the server, down: to the client
        self.latency_s: Range | None = None  # None: what the network has for this way
        self.chunk: tuple[int, int] | None = None  # None: what the network has
        self.stalled = False
        self.swallows = False
        self.size = 0  # bytes on the way, or arrived at a reader that pauses
        self.writer: End
        self.reader: End
        self._flight: deque[tuple[float, bytes]] = deque()  # b"" is the end of the stream
        self._last_s = 0.0
        self._wake: asyncio.Handle | None = None
        self._gives_up: asyncio.Handle | None = None

    def push(self, data: bytes) -> None:
        """Bytes leave the writer; `b""` says that no more will follow."""
        loop = self.network.loop
        if self.swallows:
            if data and self._gives_up is None:
                error = TimeoutError(errno.ETIMEDOUT, "Connection timed out")
                self._gives_up = loop.call_later(GIVE_UP_S, self.writer.lose, error)
            return
        at_s = max(self._last_s, loop.time() + self._delay_s())
        self._last_s = at_s
        self._flight.append((at_s, data))
        self.size += len(data)
        if self._wake is None and not self.stalled:
            self._wake = loop.call_at(at_s, self._arrive, context=self.reader.context)

    def stall(self) -> None:
        """Nothing arrives any more, until `resume`; the writer's buffers fill."""
        self.stalled = True

    def resume(self) -> None:
        """What was stalled arrives."""
        self.stalled = False
        self.wake()

    def swallow(self) -> None:
        """What is on the way and what will be written is lost, and nobody is told."""
        self.swallows = True
        self.drop()
        self.writer.drained()

    def drop(self) -> None:
        self._flight.clear()
        self.size = 0

    def wake(self) -> None:
        """Look again: the reader reads or the stall is over."""
        if self._wake is None and self._flight:
            soon = self.network.loop.call_soon
            self._wake = soon(self._arrive, context=self.reader.context)

    def settle(self) -> None:
        """The writer is gone: nobody waits for an answer any more."""
        if self._gives_up is not None:
            self._gives_up.cancel()

    def close(self) -> None:
        """Both ends are gone or the connection was cut."""
        self.settle()
        if self._wake is not None:
            self._wake.cancel()
        self.drop()

    def reset(self) -> None:
        """Bytes came to a reader that is gone: the writer is told, after what was sent to it."""
        back = self.writer.inward
        at_s = max(back._last_s, self.network.loop.time() + back._delay_s())
        error = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        self.network.loop.call_at(at_s, self.writer.lose, error)

    def _delay_s(self) -> float:
        network = self.network
        low_s, high_s = self.latency_s or network.latency_s[self.way]
        return low_s if low_s == high_s else network.chance.uniform(low_s, high_s)

    def _arrive(self) -> None:
        self._wake = None
        reader = self.reader
        if self.stalled or not self._flight or (reader.paused and not reader.gone):
            return
        data = self._take()
        if data is None:
            pass  # woken early: the first bytes are still on the way
        elif reader.gone:
            if data:
                self.reset()
        else:
            self.network.note(self.writer.connection, self.way, len(data))
            reader.receive(data)
        self.writer.drained()
        if self._flight and self._wake is None:
            again = self.network.loop.call_at
            self._wake = again(self._flight[0][0], self._arrive, context=reader.context)

    def _take(self) -> bytes | None:
        """The bytes of one read: all that arrived, unless the network cuts them smaller."""
        flight, now_s = self._flight, self.network.loop.time()
        at_s, data = flight[0]
        if at_s > now_s:
            return None
        flight.popleft()
        if not data:
            return data
        if flight and flight[0][0] <= now_s and flight[0][1]:
            parts = [data]
            size = len(data)
            while flight and flight[0][0] <= now_s and flight[0][1] and size < READ_MAX:
                parts.append(flight.popleft()[1])
                size += len(parts[-1])
            data = b"".join(parts)
        chunk = self.chunk or self.network.chunk
        limit = READ_MAX if chunk is None else self.network.chance.randint(*chunk)
        if len(data) > limit:
            flight.appendleft((at_s, data[limit:]))
            data = data[:limit]
        self.size -= len(data)
        return data


class End(asyncio.Transport):
    """One end of a connection: the transport that a protocol sees."""

    _sendfile_compatible = constants._SendfileMode.FALLBACK

    def __init__(
        self,
        connection: "Connection",
        protocol: asyncio.Protocol,
        pipes: tuple[Pipe, Pipe],
        names: tuple[Address, Address],
        context: contextvars.Context,
    ) -> None:
        super().__init__({"sockname": names[0], "peername": names[1], "socket": None})
        self.connection = connection
        self.protocol = protocol
        self.context = context
        self.paused = False  # its protocol does not want to read now
        self.gone = False  # closed for reading
        self.sock: socket.socket | None = None
        self.outward, self.inward = pipes
        self.outward.writer = self.inward.reader = self
        self._buffer: deque[bytes] = deque()
        self._buffered = 0
        self._full = False
        self._eof = False
        self._lost = False
        self._high, self._low = 64 * 1024, 16 * 1024

    def made(self, waiter: "asyncio.Future[None] | None" = None) -> None:
        self.protocol.connection_made(self)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # What the protocol asks for.

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol), "a BufferedProtocol is not supported here"
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.protocol

    def is_closing(self) -> bool:
        return self.gone

    def is_reading(self) -> bool:
        return not (self.paused or self.gone)

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        if self.paused:
            self.paused = False
            self.inward.wake()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if high is None:
            high = 64 * 1024 if low is None else 4 * low
        self._high, self._low = high, high // 4 if low is None else low
        self._mark_full()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        return self._buffered

    def can_write_eof(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._eof:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self.gone or not data:
            return
        out = self.outward
        data = bytes(data)
        self.connection.sniff(self, data)
        if not self._buffer and out.size + len(data) <= WINDOW:
            out.push(data)
            return
        self._buffer.append(data)
        self._buffered += len(data)
        self.drained()

    def write_eof(self) -> None:
        if not (self._eof or self.gone):
            self._eof = True
            self.drained()

    def close(self) -> None:
        if not self.gone:
            self.gone = True
            self.drained()

    def abort(self) -> None:
        self._buffer.clear()
        self.lose(None)

    # What the network tells.

    def receive(self, data: bytes) -> None:
        """Bytes arrive, or with `b""` the end of them."""
        if data:
            self.protocol.data_received(data)
        elif not self.protocol.eof_received():
            self.close()

    def drained(self) -> None:
        """There may be room to write again."""
        buffer, out = self._buffer, self.outward
        while buffer and (room := WINDOW - out.size) > 0:
            data = buffer.popleft()
            if len(data) > room:
                buffer.appendleft(data[room:])
            out.push(data[:room])
            self._buffered -= min(room, len(data))
        if buffer or self._full:
            self._mark_full()
        if not buffer and not self._lost:
            if self._eof and not self.gone:
                self._end_stream()
            elif self.gone:
                self.lose(None)

    def lose(self, error: Exception | None) -> None:
        """The connection is over for this end; the other sees the end of the stream, if it can."""
        if self._lost:
            return
        self._lost = self.gone = True
        if error is None:
            self._end_stream()
        self.inward.wake()  # so that bytes which nobody reads any more are answered
        self.connection.network.loop.call_soon(self._over, error, context=self.context)

    def _over(self, error: Exception | None) -> None:
        if self.sock is not None:
            self.sock.close()
        self.connection.left(self)
        self.protocol.connection_lost(error)

    def _end_stream(self) -> None:
        if not self.connection.ended[self.outward.way]:
            self.connection.ended[self.outward.way] = True
            self.outward.push(b"")

    def _mark_full(self) -> None:
        if not self._full and self._buffered > self._high:
            self._full = True
            self.protocol.pause_writing()
        elif self._full and self._buffered <= self._low:
            self._full = False
            self.protocol.resume_writing()


class Connection:
    """A live connection as a test sees it: whose it is, what for, and what may happen to it."""

    def __init__(self, network: "Network", number: int, host: str, port: int) -> None:
        self.network = network
        self.number = number
        self.host = host  # by name where the listener or an alias has one
        self.port = port
        self.opened_s = network.loop.time()
        self.up, self.down = Pipe(network, "up"), Pipe(network, "down")
        self.ended = {"up": False, "down": False}
        self.client: End
        self.server: End
        self._first = b""
        self._ends = 2

    @property
    def request(self) -> str:
        """The first line that the client sent, such as `GET /endpoint?token=x HTTP/1.1`."""
        return self._first.partition(b"\r\n")[0].decode("latin-1")

    @property
    def websocket(self) -> bool:
        return b"upgrade: websocket" in self._first.lower()

    def cut(self) -> None:
        """A reset: both ends see `ConnectionResetError`, bytes on the way are lost."""
        self.network.note(self, "cut", 0)
        for end in (self.client, self.server):
            end.lose(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
        self.up.close()
        self.down.close()

    def half_open(self) -> None:
        """All bytes vanish from now on, and neither end is told."""
        self.network.note(self, "half-open", 0)
        self.up.swallow()
        self.down.swallow()

    def sniff(self, end: End, data: bytes) -> None:
        if len(self._first) < REQUEST_KEPT and end is self.client:
            self._first += data[: REQUEST_KEPT - len(self._first)]

    def left(self, end: End) -> None:
        """An end is done; after both the connection is forgotten."""
        end.outward.settle()
        self._ends -= 1
        if self._ends == 0:
            self.up.close()
            self.down.close()
            self.network.connections.remove(self)

    def __repr__(self) -> str:
        return f"<connection {self.number} to {self.host}:{self.port} {self.request!r}>"


class Network:
    """Who listens, who is connected, how slow the way is and what goes wrong on it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, chance: random.Random) -> None:
        self.loop = loop
        self.chance = chance
        self.latency_s: dict[str, Range] = {"up": (0.001, 0.002), "down": (0.001, 0.002)}
        self.chunk: tuple[int, int] | None = None  # sizes of reads; None: all that arrived
        self.connections: list[Connection] = []
        self.servers: dict[Address, VirtualServer] = {}
        self.dialled: dict[socket.socket, Address] = {}
        self.opened = 0
        self.last: deque[str] = deque(maxlen=200)  # of the trace, to look at after a failure
        self._trace = hashlib.sha256()
        self._ips: dict[str, str] = {"localhost": "127.0.0.1"}
        self._shut: dict[Address, str] = {}
        self._ports = 40_000

    # Names and doors.

    def name(self, host: str) -> str:
        """The address of a host, which gets one if it has none; from then on it resolves."""
        if host[0].isdigit():
            return host
        return self._ips.setdefault(host, f"10.0.{len(self._ips) // 250}.{len(self._ips) % 250}")

    def alias(self, host: str, address: str = "127.0.0.1") -> None:
        """Lets a host name resolve to where the servers of a test listen."""
        self._ips[host] = address

    def resolve(self, host: str) -> str:
        if not host[0].isdigit() and host not in self._ips:
            raise socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {host}")
        return self.name(host)

    def free_port(self) -> int:
        self._ports += 1
        return self._ports

    def refuse(self, host: str, port: int) -> None:
        """New connections are refused; live ones stay."""
        self._shut[self.name(host), port] = "refuse"

    def ignore(self, host: str, port: int) -> None:
        """New connections get no answer, not even a refusal; live ones stay."""
        self._shut[self.name(host), port] = "ignore"

    def admit(self, host: str, port: int) -> None:
        """New connections are taken again."""
        self._shut.pop((self.name(host), port), None)

    async def dial(self, ip: str, port: int) -> None:
        """The way there and back; raises what a socket would."""
        shut = self._shut.get((ip, port))
        if shut == "ignore":
            await asyncio.sleep(DIAL_S)
            raise TimeoutError(errno.ETIMEDOUT, f"Connect call failed ('{ip}', {port})")
        for low_s, high_s in self.latency_s.values():
            await asyncio.sleep(self.chance.uniform(low_s, high_s))
        if shut == "refuse" or self._server(ip, port) is None:
            raise ConnectionRefusedError(
                errno.ECONNREFUSED, f"Connect call failed ('{ip}', {port})"
            )

    def connect(
        self, protocol: asyncio.Protocol, ip: str, port: int, sock: socket.socket | None
    ) -> End:
        """Both ends of a new connection; the client's is returned."""
        server = self._server(ip, port)
        if server is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"nobody listens at {ip}:{port}")
        self.opened += 1
        hosts = [host for host, address in self._ips.items() if address == ip]
        connection = Connection(self, self.opened, hosts[-1] if hosts else ip, port)
        up, down = connection.up, connection.down
        names = ("127.0.0.1", 50_000 + self.opened % 10_000), (ip, port)
        here = contextvars.copy_context()
        connection.client = End(connection, protocol, (up, down), names, here)
        connection.client.sock = sock
        theirs = server.context.run(server.factory)
        connection.server = End(connection, theirs, (down, up), names[::-1], server.context)
        self.loop.call_soon(connection.server.made, context=server.context)
        self.connections.append(connection)
        self.note(connection, "open", 0)
        return connection.client

    def find(
        self, *, host: str | None = None, port: int | None = None, websocket: bool | None = None
    ) -> list[Connection]:
        """The live connections that fit, oldest first."""
        return [
            one
            for one in self.connections
            if (host is None or one.host == host)
            and (port is None or one.port == port)
            and (websocket is None or one.websocket == websocket)
        ]

    def cut_all(self) -> None:
        for connection in list(self.connections):
            connection.cut()

    def note(self, connection: Connection, what: str, size: int) -> None:
        line = f"{self.loop.time()!r} {connection.number} {what} {size}\n"
        self.last.append(line)
        self._trace.update(line.encode())

    def say(self, text: str) -> None:
        """A line of the test's own in the trace."""
        line = f"{self.loop.time()!r} {text}\n"
        self.last.append(line)
        self._trace.update(line.encode())

    def digest(self) -> str:
        """All that happened so far in one word."""
        return self._trace.hexdigest()

    def _server(self, ip: str, port: int) -> VirtualServer | None:
        return self.servers.get((ip, port)) or self.servers.get((ANYWHERE, port))
