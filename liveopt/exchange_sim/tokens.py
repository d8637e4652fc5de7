"""Bullet tokens: who may open which socket, and for how long."""

import base64
import random
from dataclasses import dataclass
from typing import Final, Literal

from liveopt.exchange_sim.specs import Venue

Verdict = Literal["token is invalid", "token is expired"]
KEPT_S: Final = 60.0
"""An expired token is remembered for so long; later it is merely invalid."""


@dataclass(frozen=True, slots=True)
class Token:
    """A ticket to one venue until a moment of the loop's clock; public without a user."""

    text: str
    venue: Venue
    user: str
    expires_s: float


class Tokens:
    """All tokens given out; the texts come from the seed."""

    def __init__(self, seed: int) -> None:
        self._luck = random.Random(f"tokens {seed}")  # noqa: S311 - nobody steals a simulation
        self._known: dict[str, Token] = {}

    def give(self, venue: Venue, user: str, life: tuple[float, float], *, unsafe: bool) -> Token:
        """A new token for (now, seconds from now), spelled like KuCoin's, or with + / & in it."""
        now_s, seconds = life
        for text in [t for t, one in self._known.items() if one.expires_s + KEPT_S < now_s]:
            del self._known[text]
        body = base64.urlsafe_b64encode(self._luck.randbytes(107)).decode()
        tail = base64.urlsafe_b64encode(self._luck.randbytes(16)).decode()
        text = f"{body}.{tail}"
        if unsafe:
            text = f"{text[:9]}+{text[9:40]}/&{text[40:]}"
        token = Token(text, venue, user, now_s + seconds)
        self._known[text] = token
        return token

    def check(self, venue: Venue, text: str, now_s: float) -> Token | Verdict:
        """The token behind this text, or why there is none."""
        token = self._known.get(text)
        if token is None or token.venue != venue:
            return "token is invalid"
        return "token is expired" if now_s >= token.expires_s else token
