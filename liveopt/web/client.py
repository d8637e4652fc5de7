"""One browser's socket: what waits for it, whether it still takes anything, what it may say."""

import asyncio
from dataclasses import dataclass
from typing import Final

from liveopt.web.messages import PING, framed

GAP: Final = -1
"""Instead of the number of its last message: it missed something, and needs a snap."""
STUCK_S: Final = 2.0
"""Without taking a byte of what waits for it."""
BEHIND_S: Final = 30.0
"""Taking some, but never all."""
PONG_S: Final = 3.0
MESSAGES_PER_S: Final = 20.0
PINGED: Final = framed(PING, b"")


@dataclass(slots=True, eq=False)
class Client:
    """A socket and what is known of who reads it."""

    transport: asyncio.Transport
    is_seed: bool
    """It asked for the seed's messages, and knows nothing of ours."""
    heard_s: float
    """When its allowance was reckoned last."""
    who: str = ""
    """Whose it is, as a name that opens nothing."""
    seq: int = GAP
    """Of the last message that it was sent."""
    leaving: bool = False
    _allowance: float = MESSAGES_PER_S
    _pinged_s: float | None = None
    """The ping that it has not answered."""
    _behind_s: float | None = None
    _moved_s: float = 0.0
    _size: int = 0

    @property
    def waiting(self) -> int:
        """Bytes that it has not taken."""
        return self.transport.get_write_buffer_size()

    def write(self, said: bytes) -> None:
        """Whole frames; never waits."""
        if not self.transport.is_closing():
            self.transport.write(said)

    def leave(self, word: bytes) -> None:
        """Its last word, once.

        What it still sends is read and thrown away: to hang up on somebody who talks would take
        that word back (RFC 6455, section 7.1.1).
        """
        if self.leaving:
            return
        self.leaving = True
        self.write(word)
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def look(self, now_s: float) -> int:
        """How much waits for it; called often, for it is how one sees that nothing moves."""
        size = self.waiting
        if not size:
            self._behind_s = None
        else:
            if self._behind_s is None:
                self._behind_s = self._moved_s = now_s
            elif size < self._size:
                self._moved_s = now_s
            if self._pinged_s is not None:
                self._pinged_s = now_s  # the ping waits behind the rest
        self._size = size
        return size

    def why_stuck(self, now_s: float) -> str:
        """Why it is to go; nothing if it is not."""
        if self._behind_s is not None:
            if now_s - self._moved_s > STUCK_S:
                return "nothing was read"
            if now_s - self._behind_s > BEHIND_S:
                return "too slow"
        elif self._pinged_s is not None and now_s - self._pinged_s > PONG_S:
            return "no answer to a ping"
        return ""

    def forgive(self, now_s: float) -> None:
        """This process was away: what did not come meanwhile is not held against it."""
        if self._pinged_s is not None:
            self._pinged_s = now_s
        if self._behind_s is not None:
            self._behind_s = self._moved_s = now_s

    def beat(self, now_s: float) -> bytes:
        """A ping, unless one is under way."""
        if self._pinged_s is not None:
            return b""
        self._pinged_s = now_s
        return PINGED

    def hear(self, now_s: float) -> bool:
        """It said something, so it lives; False if it says too much."""
        self._pinged_s = None
        more = (now_s - self.heard_s) * MESSAGES_PER_S
        self._allowance = min(MESSAGES_PER_S, self._allowance + more) - 1.0
        self.heard_s = now_s
        return self._allowance >= 0.0
