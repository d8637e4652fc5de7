"""Secrets that this process knows: taken out of every text by value, however they are spelled."""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from threading import Lock
from typing import Final
from urllib.parse import quote, quote_plus

REDACTED: Final = "[redacted]"
LEAST: Final = 6
"""Shorter ones are words that stand everywhere, and no secrets worth the name."""
KNOWN_MAX: Final = 4_096
"""Beyond it the oldest is forgotten. Keys are 1,000 at most, sessions 256."""
PINNED_MAX: Final = 256
"""Of those that live as long as the process; beyond it the oldest may be forgotten as well."""
CUT_LEAST: Final = 16
"""So much of the beginning of one is taken for it; an API key's own name is shorter."""
PART_LEAST: Final = 12
"""A part of an address that is as long may be what lets somebody in."""

OF_ENVIRONMENT: Final = re.compile(r"KUCOIN_API_(KEY|SECRET|PASSPHRASE)|LIVEOPT_WEB_TOKEN")
HOOKS: Final = "LIVEOPT__WEB__WEBHOOKS"


class Hidden:
    """What is not to be said. Adding and cleaning may happen in several threads."""

    def __init__(self) -> None:
        self._known: dict[bytes, frozenset[str]] = {}
        self._pinned: dict[bytes, frozenset[str]] = {}
        self._by_start: dict[str, tuple[str, ...]] = {}
        self._changing = Lock()
        """Adding takes it, cleaning does not: what it reads is replaced, never changed."""

    def __len__(self) -> int:
        return len(self._known) + len(self._pinned)

    def add(self, secret: str | bytes) -> None:
        """From now on it is in no text that is cleaned."""
        raw = _raw(secret)
        with self._changing:
            if len(raw) >= LEAST and raw not in self._known and raw not in self._pinned:
                self._known[raw] = self._spelled(raw)
                self._bound()

    def pin(self, secret: str | bytes) -> None:
        """The same, however many others come: of one that opens much and lives long."""
        raw = _raw(secret)
        with self._changing:
            if len(raw) >= LEAST and raw not in self._pinned:
                self._pin(raw)

    def _pin(self, raw: bytes) -> None:
        there = self._known.get(raw)
        self._pinned[raw] = self._spelled(raw) if there is None else there
        self._known.pop(raw, None)
        while len(self._pinned) > PINNED_MAX:
            oldest = next(iter(self._pinned))
            self._known[oldest] = self._pinned.pop(oldest)
        self._bound()

    def _spelled(self, raw: bytes) -> frozenset[str]:
        """It is hidden when this returns."""
        found = frozenset(spellings(raw))
        for spelling in found:
            start = spelling[:LEAST]
            self._by_start[start] = (*self._by_start.get(start, ()), spelling)
        return found

    def _bound(self) -> None:
        while len(self) > KNOWN_MAX:
            self._drop(self._known.pop(next(iter(self._known))))

    def add_address(self, url: str) -> None:
        """Of an address, what comes after the host: whoever knows it can write there."""
        _, *after = re.split(r"[/?]", url.partition("://")[2], maxsplit=1)
        whole = "".join(after).strip("/")
        for part in (whole, *re.split(r"[/?&=]", whole)):
            if len(part) >= PART_LEAST:  # "alerts" is no secret
                self.pin(part)

    def add_environment(self, environ: Mapping[str, str]) -> None:
        """Of the variables those that hold secrets."""
        for name, value in environ.items():
            if OF_ENVIRONMENT.fullmatch(name):
                self.pin(value)
            for url in value.split(",") if name.upper() == HOOKS else ():
                self.add_address(url.strip())

    def clean(self, text: str) -> str:
        """The same without them. It takes as long for many as for one."""
        starts = self._by_start
        if not starts:
            return text
        places = range(len(text) - LEAST + 1)
        found = [at for at in places if text[at : at + LEAST] in starts]
        if not found:
            return text
        parts: list[str] = []
        upto = 0
        for at in found:
            spelled = starts.get(text[at : at + LEAST], ())
            end = at + max((_shared(text, at, one) for one in spelled), default=0)
            if end > max(at, upto):  # one may begin within another
                parts += [text[upto:at], REDACTED] if at > upto or not parts else []
                upto = end
        return "".join([*parts, text[upto:]])

    def _drop(self, spelled: Iterable[str]) -> None:
        for spelling in spelled:
            start = spelling[:LEAST]
            left = tuple(one for one in self._by_start.get(start, ()) if one != spelling)
            if left:
                self._by_start[start] = left
            else:
                self._by_start.pop(start, None)


def _raw(secret: str | bytes) -> bytes:
    return secret if isinstance(secret, bytes) else secret.encode("utf-8", "surrogateescape")


def _shared(text: str, at: int, spelling: str) -> int:
    """How much of a spelling stands there: all, or the beginning of one that was cut off."""
    if text.startswith(spelling, at):
        return len(spelling)
    if not text.startswith(spelling[:CUT_LEAST], at):
        return 0
    there = text[at : at + len(spelling)]
    same = (mine == theirs for mine, theirs in zip(there, spelling, strict=False))
    return sum(takewhile(bool, same))


def spellings(raw: bytes) -> Iterator[str]:
    """As it is, and as URL, base64, hexadecimal, JSON and Python would write it."""
    for one in _spelled(raw):
        if len(one) >= LEAST:
            yield one


def _spelled(raw: bytes) -> Iterator[str]:
    text = raw.decode("utf-8", "surrogateescape")
    yield from (text, raw.decode("latin-1"), repr(text)[1:-1], repr(raw)[2:-1])
    yield from (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    yield from (raw.hex(), raw.hex().upper())
    every = "".join(f"%{byte:02X}" for byte in raw)
    for escaped in (quote(raw, safe=""), quote(raw), quote_plus(raw), every):
        yield from (escaped, re.sub("%..", lambda found: found[0].lower(), escaped))
    for shift in range(3):
        inner = _inner(raw, shift)
        yield from (inner, inner.replace("+", "-").replace("/", "_"), quote(inner, safe=""))


def _inner(raw: bytes, shift: int) -> str:
    """Those letters of base64 that are the same whatever stands around: RFC 4648, section 4.

    A letter is six bits; `shift` bytes come before, up to a multiple of three.
    """
    letters = base64.b64encode(bytes(shift) + raw).decode()
    return letters[-(-8 * shift // 6) : 8 * (shift + len(raw)) // 6]
