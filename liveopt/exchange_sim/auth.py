"""Who calls: a request's signature, checked as KuCoin's gateway checks it."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, unquote_plus

from liveopt.exchange_sim.api import ApiError

WINDOW_MS: Final = 5_000
_NEEDED: Final = ("kc-api-key", "kc-api-sign", "kc-api-timestamp", "kc-api-passphrase")


@dataclass(frozen=True, slots=True)
class Credential:
    """An API key of one account. The words are those of the simulator, never of a real exchange."""

    user: str
    key: str
    secret: str
    passphrase: str


def paper_credential(seed: int, user: str = "633559791e1cbc0001f319bc") -> Credential:
    """The key of the simulator's default account; the same seed has the same key."""
    digest = hashlib.sha256(f"liveopt sim key {seed} {user}".encode()).hexdigest()
    return Credential(user, digest[:24], f"{digest[24:32]}-sim-{digest[32:48]}", "liveopt-sim")


def sign(secret: str, prehash: bytes) -> str:
    """The signature of these bytes as it stands in a header."""
    return base64.b64encode(hmac.digest(secret.encode(), prehash, hashlib.sha256)).decode()


class Auth:
    """All keys of the simulated exchange."""

    def __init__(
        self, credentials: Iterable[Credential], *, plain_passphrase: bool = False
    ) -> None:
        self._credentials = {one.key: one for one in credentials}
        self._plain = plain_passphrase
        """Whether clients of key version 1 (no version header, unsigned passphrase) get in too."""

    def check(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, now_ms: int
    ) -> str:
        """The account that signed the request; `path` has its query as it came over the wire."""
        said = {name.lower(): value for name, value in headers.items()}
        if not all(said.get(name) for name in _NEEDED):
            raise ApiError(
                "400001",
                "Please check the header of your request for KC-API-KEY, KC-API-SIGN,"
                " KC-API-TIMESTAMP, KC-API-PASSPHRASE.",
                400,
            )
        _check_time(said["kc-api-timestamp"], now_ms)
        known = self._credentials.get(said["kc-api-key"])
        if known is None:
            raise ApiError("400003", "KC-API-KEY not exists", 401)
        self._check_passphrase(known, said)
        stamp = said["kc-api-timestamp"]
        for spelling in dict.fromkeys((path, unquote(path), unquote_plus(path))):
            prehash = f"{stamp}{method.upper()}{spelling}".encode() + body
            if _same(sign(known.secret, prehash), said["kc-api-sign"]):
                return known.user
        raise ApiError("400005", "Invalid KC-API-SIGN", 400)

    def _check_passphrase(self, known: Credential, said: Mapping[str, str]) -> None:
        version = said.get("kc-api-key-version", "")
        if version not in {"", "1", "2", "3"}:
            raise ApiError("400009", "Invalid KC-API-KEY-VERSION", 400)
        expected = sign(known.secret, known.passphrase.encode())
        if version in {"", "1"}:
            if not self._plain:
                raise ApiError("400008", "V1 and V2 keys are no longer supported by this API", 400)
            expected = known.passphrase
        if not _same(expected, said["kc-api-passphrase"]):
            raise ApiError("400004", "Invalid KC-API-PASSPHRASE", 401)


def _check_time(stamp: str, now_ms: int) -> None:
    if not (stamp.isascii() and stamp.isdigit()) or abs(int(stamp[:20]) - now_ms) > WINDOW_MS:
        raise ApiError("400002", "Invalid KC-API-TIMESTAMP", 400)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
