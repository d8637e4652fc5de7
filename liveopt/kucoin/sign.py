"""What a signed call carries: who asks, when, and the proof, as KuCoin wants them."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final, Literal

KeyVersion = Literal["2", "3"]
NEWEST: Final[KeyVersion] = "3"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key. Its secrets are never shown; versions 2 and 3 sign alike.

    Version 1, with its passphrase in plain text, is not spoken: newer endpoints refuse it.
    """

    key: str = field(repr=False)
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)
    version: KeyVersion = NEWEST


def signature(secret: str, text: str) -> str:
    """The proof that who knows the secret said this."""
    digest = hmac.digest(secret.encode(), text.encode(), hashlib.sha256)
    return base64.b64encode(digest).decode("ascii")


def signed_headers(
    who: Credentials, at_ms: int, method: str, path_and_query: str, body: str = ""
) -> dict[str, str]:
    """The headers of one call.

    The path begins at `/api` and its query is not percent-encoded; the body is byte for byte what
    is sent. The exchange takes times within 5 s of its own.
    """
    stamp = str(at_ms)
    return {
        "KC-API-KEY": who.key,
        "KC-API-SIGN": signature(who.secret, f"{stamp}{method}{path_and_query}{body}"),
        "KC-API-TIMESTAMP": stamp,
        "KC-API-PASSPHRASE": signature(who.secret, who.passphrase),
        "KC-API-KEY-VERSION": who.version,
    }
