"""What a client may send on the socket, right or wrong, and what this server owes it for that.

The numbers are those of Autobahn's fuzzing client, so that a reader can compare; its cases send
to an echo, and ours is none, so each says what a conforming server of *our* protocol does. Where
Autobahn waits for its text back, we ask for a snap: `{"resync": true}`, made as long as it wants,
is answered by one. Other text is refused with 1008, what is too long for us with 1009, binary
messages with 1003 (RFC 6455, 7.4.1). `R` are rules of RFC 6455 that Autobahn has no case for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.attack.frames import (
    BINARY,
    CLOSE,
    MORE,
    PING,
    PONG,
    TEXT,
    chops,
    close,
    fragments,
    frame,
)
from tests.attack.unicode import BEYOND, EDITED, SECTIONS, SURROGATE, WORD, is_text

LIMIT: Final = 4 << 10
"""A message must be shorter."""
ODD: Final = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
HELLO: Final = b"Hello, world!"
PAUSE_S: Final = 0.1
KIB: Final = 1 << 10
MIB: Final = 1 << 20
NORMAL, PROTOCOL, DATA, WORDS, POLICY, SIZE = 1000, 1002, 1003, 1007, 1008, 1009
VALID: Final = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
INVALID: Final = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)
UNDEFINED: Final = (5000, 65535)


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation; a number among what is said is a pause in seconds."""

    name: str
    said: Sequence[bytes | float]
    ends: int
    """With which code the server closes; NORMAL also where it is we who close in the end."""
    snaps: int = 0
    pongs: tuple[bytes, ...] = ()
    we_close: bool = False
    """Once all answers are there, we say goodbye, and hear it back."""


def fine(name: str, said: Sequence[bytes | float], snaps: int = 0, *pongs: bytes) -> Case:
    """All of it is answered, and the connection lives on until we end it."""
    return Case(name, said, NORMAL, snaps, pongs, we_close=True)


def resync(length: int = 0, said: bytes = b"") -> bytes:
    """The one message that our protocol has, as long as that."""
    words = b'{"resync": true' + (b', "said": "%s"' % said if said else b"") + b"}"
    return words.ljust(length)


def table() -> list[Case]:
    """All of them."""
    found = [
        *_framing(), *_pings(), *_reserved(), *_opcodes(), *_fragments(), *_text(), *_closing(),
        *_limits(), *_further(),
    ]  # fmt: skip
    assert len({case.name for case in found}) == len(found)
    return found


def _framing() -> Iterator[Case]:
    yield Case("1.1.1", [frame(TEXT)], POLICY)
    for number, length in ((2, 125), (3, 126), (4, 127), (5, 128)):
        yield fine(f"1.1.{number}", [frame(TEXT, resync(length))], 1)
    yield Case("1.2.1", [frame(BINARY)], DATA)
    for number, length in ((2, 125), (3, 126), (4, 127), (5, 128)):
        yield Case(f"1.2.{number}", [frame(BINARY, resync(length))], DATA)
    for part, opcode in ((1, TEXT), (2, BINARY)):
        for number, length in ((6, 65_535), (7, 65_536)):
            yield Case(f"1.{part}.{number}", [frame(opcode, resync(length))], SIZE)
        yield Case(f"1.{part}.8", chops(frame(opcode, resync(65_536)), 997), SIZE)


def _pings() -> Iterator[Case]:
    many = [b"payload-%d" % number for number in range(10)]
    alone, full = b"unsolicited pong payload", b"\xfe" * 125
    yield fine("2.1", [frame(PING)], 0, b"")
    yield fine("2.2", [frame(PING, HELLO)], 0, HELLO)
    yield fine("2.3", [frame(PING, ODD)], 0, ODD)
    yield fine("2.4", [frame(PING, full)], 0, full)
    yield Case("2.5", [frame(PING, full + b"\xfe")], PROTOCOL)
    yield fine("2.6", chops(frame(PING, full)), 0, full)
    yield fine("2.7", [frame(PONG)])
    yield fine("2.8", [frame(PONG, alone)])
    yield fine("2.9", [frame(PONG, alone), frame(PING, HELLO)], 0, HELLO)
    yield fine("2.10", [frame(PING, one) for one in many], 0, *many)
    yield fine("2.11", [chop for one in many for chop in chops(frame(PING, one))], 0, *many)


def _reserved() -> Iterator[Case]:
    good, ping = frame(TEXT, resync()), frame(PING)
    yield Case("3.1", [frame(TEXT, resync(), rsv=1)], PROTOCOL)
    yield Case("3.2", [good + frame(TEXT, resync(), rsv=2) + ping], PROTOCOL, 1)
    yield Case("3.3", [good, frame(TEXT, resync(), rsv=3), ping], PROTOCOL, 1)
    yield Case("3.4", chops(good + frame(TEXT, resync(), rsv=4) + ping), PROTOCOL, 1)
    yield Case("3.5", [frame(BINARY, ODD, rsv=5)], PROTOCOL)
    yield Case("3.6", [frame(PING, HELLO, rsv=6)], PROTOCOL)
    yield Case("3.7", [frame(CLOSE, rsv=7)], PROTOCOL)


def _opcodes() -> Iterator[Case]:
    for part, first in ((1, 3), (2, 11)):
        good, ping = frame(TEXT, resync()), frame(PING)
        words = b"reserved opcode payload"
        yield Case(f"4.{part}.1", [frame(first)], PROTOCOL)
        yield Case(f"4.{part}.2", [frame(first + 1, words)], PROTOCOL)
        yield Case(f"4.{part}.3", [good + frame(first + 2) + ping], PROTOCOL, 1)
        yield Case(f"4.{part}.4", [good + frame(first + 3, HELLO) + ping], PROTOCOL, 1)
        yield Case(f"4.{part}.5", chops(good + frame(first + 4, HELLO) + ping), PROTOCOL, 1)


def _fragments() -> Iterator[Case]:
    whole = resync()
    head, tail = frame(TEXT, whole[:7], fin=False), frame(MORE, whole[7:])
    ping = frame(PING, HELLO)
    for number, opcode in ((1, PING), (2, PONG)):
        said = [frame(opcode, b"fragment1", fin=False) + frame(MORE, b"fragment2")]
        yield Case(f"5.{number}", said, PROTOCOL)
    yield fine("5.3", [head + tail], 1)
    yield fine("5.4", [head, tail], 1)
    yield fine("5.5", chops(head + tail), 1)
    yield fine("5.6", [head + ping + tail], 1, HELLO)
    yield fine("5.7", [head, ping, tail], 1, HELLO)
    yield fine("5.8", chops(head + ping + tail), 1, HELLO)
    for number, fin in ((9, True), (12, False)):
        lost, good = frame(MORE, b"non-continuation payload", fin=fin), frame(TEXT, whole)
        yield Case(f"5.{number}", [lost + good], PROTOCOL)
        yield Case(f"5.{number + 1}", [lost, good], PROTOCOL)
        yield Case(f"5.{number + 2}", chops(lost + good), PROTOCOL)
    lost = frame(MORE, b"fragment3", fin=False)
    yield Case("5.15", [head + tail + lost + frame(TEXT, whole)], PROTOCOL, 1)
    yield Case("5.16", [(lost + head + tail) * 2], PROTOCOL)
    yield Case("5.17", [(frame(MORE, b"fragment1") + head + tail) * 2], PROTOCOL)
    yield Case("5.18", [head + frame(TEXT, whole[7:])], PROTOCOL)
    parts, again = fragments(TEXT, whole, 4), frame(PING, b"pongme 2!")
    pongs = HELLO, b"pongme 2!"
    begun, ended = [*parts[:2], ping], [*parts[2:-1], again, parts[-1]]
    yield fine("5.19", [b"".join(begun), PAUSE_S, b"".join(ended)], 1, *pongs)
    yield fine("5.20", [*begun, PAUSE_S, *ended], 1, *pongs)


def _text() -> Iterator[Case]:
    nothing, middle = frame(MORE), resync()
    start = frame(TEXT, fin=False)
    yield Case("6.1.1", [frame(TEXT)], POLICY)
    yield Case("6.1.2", [start + frame(MORE, fin=False) + nothing], POLICY)
    yield fine("6.1.3", [start + frame(MORE, middle, fin=False) + nothing], 1)
    greeting = resync(said="Hello-µ@ßöäüàá-UTF-8!!".encode())
    half = greeting.index("ü".encode())
    yield fine("6.2.1", [frame(TEXT, greeting)], 1)
    parts = frame(TEXT, greeting[:half], fin=False), frame(MORE, greeting[half:])
    yield fine("6.2.2", [b"".join(parts)], 1)
    yield fine("6.2.3", [b"".join(fragments(TEXT, greeting, 1))], 1)
    yield fine("6.2.4", [b"".join(fragments(TEXT, resync(said=WORD), 1))], 1)
    wrong = resync(said=WORD + SURROGATE + EDITED)
    yield Case("6.3.1", [frame(TEXT, wrong)], WORDS)
    yield Case("6.3.2", [b"".join(fragments(TEXT, wrong, 1))], WORDS)
    yield from _at_once()
    for section, sequences in SECTIONS.items():
        for number, said in enumerate(sequences, 1):
            one = [frame(TEXT, resync(said=said))]
            if not is_text(said):
                yield Case(f"{section}.{number}", one, WORDS)
            elif said < b" ":  # well said, but no JSON
                yield Case(f"{section}.{number}", one, POLICY)
            else:
                yield fine(f"{section}.{number}", one, 1)


def _at_once() -> Iterator[Case]:
    """What is wrong in a frame is told when that frame is whole, not when the message is."""
    wrong = WORD + BEYOND + EDITED
    for number, (one, two) in ((1, (11, 15)), (2, (11, 13))):
        parts = [frame(TEXT, wrong[:one], fin=False), frame(MORE, wrong[one:two], fin=False)]
        yield Case(f"6.4.{number}", _slowly(parts), WORDS)  # the third is never sent
        data = frame(TEXT, wrong)
        at = len(data) - len(wrong)
        pieces = [data[: at + one], data[at + one : at + two], data[at + two :]]
        yield Case(f"6.4.{number + 2}", _slowly(pieces), WORDS)


def _slowly(pieces: Sequence[bytes]) -> list[bytes | float]:
    said: list[bytes | float] = []
    for piece in pieces:
        said += [piece, PAUSE_S]
    return said


def _closing() -> Iterator[Case]:
    goodbye = close(NORMAL)
    yield fine("7.1.1", [frame(TEXT, resync())], 1)
    yield Case("7.1.2", [goodbye + close()], NORMAL)
    yield Case("7.1.3", [goodbye + frame(PING)], NORMAL)
    yield Case("7.1.4", [goodbye + frame(TEXT, resync())], NORMAL)
    yield Case("7.1.5", [frame(TEXT, b"{", fin=False) + goodbye + frame(MORE, b"}")], NORMAL)
    much = frame(TEXT, b"BAsd7&jh23" * 26_215)
    yield Case("7.1.6", [much, frame(TEXT, resync()), goodbye, frame(PING)], SIZE)
    yield Case("7.3.1", [close()], NORMAL)
    yield Case("7.3.2", [close(reason=b"a")], PROTOCOL)
    yield Case("7.3.3", [goodbye], NORMAL)
    yield Case("7.3.4", [close(NORMAL, HELLO)], NORMAL)
    yield Case("7.3.5", [close(NORMAL, b"*" * 123)], NORMAL)
    yield Case("7.3.6", [close(NORMAL, b"*" * 124)], PROTOCOL)
    yield Case("7.5.1", [close(NORMAL, WORD + SURROGATE + EDITED)], WORDS)
    for number, code in enumerate(VALID, 1):
        yield Case(f"7.7.{number}", [close(code)], code)
    for number, code in enumerate(INVALID, 1):
        yield Case(f"7.9.{number}", [close(code)], PROTOCOL)
    for number, code in enumerate(UNDEFINED, 1):
        yield Case(f"7.13.{number}", [close(code)], PROTOCOL)


def _limits() -> Iterator[Case]:
    for part, opcode in ((1, TEXT), (2, BINARY)):
        for number, size in enumerate((64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB), 1):
            yield Case(f"9.{part}.{number}", [frame(opcode, b"*" * size)], SIZE)
        for number in range(9):
            parts = fragments(opcode, b"*" * (4 * MIB), 64 << 2 * number)
            yield Case(f"9.{part + 2}.{number + 1}", [b"".join(parts)], SIZE)
        for number in range(6):
            said = chops(frame(opcode, b"*" * MIB), 64 << number)
            yield Case(f"9.{part + 4}.{number + 1}", said, SIZE)
        for number, size in enumerate((0, 16, 64, 256, 1_024, LIMIT), 1):
            one = frame(opcode, resync(size) if size else b"")
            ends = SIZE if size == LIMIT else POLICY if opcode == TEXT else DATA
            yield Case(f"9.{part + 6}.{number}", [one * 1_000], ends, int(opcode == TEXT))
    yield Case("10.1.1", [b"".join(fragments(TEXT, b"*" * 65_536, 1_300))], SIZE)


def _further() -> Iterator[Case]:
    """Rules of RFC 6455 beyond Autobahn's cases, by its sections."""
    good, ping = frame(TEXT, resync()), frame(PING, HELLO)
    for number, opcode in enumerate((TEXT, BINARY, PING, PONG, CLOSE), 1):
        yield Case(f"R5.1.{number}", [frame(opcode, resync(), masked=False)], PROTOCOL)
    open_ = frame(MORE, resync(), masked=False)
    yield Case("R5.1.6", [frame(TEXT, fin=False) + open_], PROTOCOL)
    yield Case("R5.1.7", chops(good + frame(PING, masked=False) + ping), PROTOCOL, 1)
    for number, wide in ((1, 126), (2, 127)):
        yield Case(f"R5.2.{number}", [frame(TEXT, resync(), wide=wide)], PROTOCOL)
    yield Case("R5.2.3", [frame(TEXT, resync(1_000), wide=127)], PROTOCOL)
    yield Case("R5.2.4", [frame(TEXT, HELLO, wide=127, length=1 << 63)], PROTOCOL)
    yield Case("R5.2.5", [frame(TEXT, HELLO, wide=127, length=(1 << 63) - 1)], SIZE)
    for number, opcode in ((1, TEXT), (2, BINARY)):
        empty = frame(TEXT, fin=False)
        yield Case(f"R5.4.{number}", [empty + frame(opcode, resync())], PROTOCOL)
        yield Case(f"R5.4.{number + 2}", [empty + frame(opcode, resync(), fin=False)], PROTOCOL)
    yield fine("R5.4.5", [b"".join(fragments(TEXT, resync(LIMIT - 1), 1))], 1)
    yield Case("R5.4.6", [frame(TEXT, fin=False) + frame(MORE, fin=False) * 50_000], SIZE)
    for section, sequences in SECTIONS.items():
        for number, said in enumerate(sequences, 1):  # alone, so that nothing follows it
            ends = POLICY if is_text(said) else WORDS
            yield Case(f"R{section}.{number}", [frame(TEXT, said)], ends)
    yield fine("R7.4.1", [frame(TEXT, resync(LIMIT - 1))], 1)
    yield Case("R7.4.2", [frame(TEXT, resync(LIMIT))], SIZE)
    yield Case("R7.4.3", [frame(TEXT, b"{}")], POLICY)
    yield Case("R7.4.4", [frame(TEXT, b"[" * 4_000)], POLICY)
    yield Case("R7.4.5", [good * 40], POLICY, 1)
    yield fine("R7.4.7", [frame(TEXT, resync(LIMIT - 1)) * 3], 1)
    yield Case("R7.4.6", [ping * 40], POLICY, 0, (HELLO,) * 20)
