"""Signatures agree with the exchange's own example and with other clients."""

import pytest

from liveopt.kucoin.sign import Credentials, signature, signed_headers

ORDER = (
    '{"clientOid":"a1","side":"buy","symbol":"XBTUSDTM","type":"market","size":1,"leverage":3,'
    '"reduceOnly":true}'
)


@pytest.mark.parametrize(
    ("secret", "text", "expected"),
    [
        # The example in KuCoin's own documents.
        (
            "f03a5284-5c39-4aaa-9b20-dea10bdcf8e3",
            '1547015186532POST/api/v1/deposit-addresses{"currency":"BTC"}',
            "7QP/oM0ykidMdrfNEUmng8eZjg/ZvPafjIqmxiVfYu4=",
        ),
        # These three are what ccxt 4.5.90 computes.
        (
            "secret",
            "1700000000000GET/api/v1/accounts?currency=USDT&type=trade",
            "zEGE8dync7LvMHJQamNhIRCS6SrFqP2670wsGMuT9gI=",
        ),
        (
            "secret",
            f"1700000000000POST/api/v1/orders{ORDER}",
            "GhgSqtD+xR0vSgLgc1Mdh+D7Ry2v/iF4DJv3T6gGrdw=",
        ),
        ("secret", "pass", "5sWmbVCOKjHTC6QsbNtTLaVSV6j3Lytz0LaHyiow0EE="),
    ],
)
def test_known_texts_have_their_known_signatures(secret: str, text: str, expected: str) -> None:
    assert signature(secret, text) == expected


def test_a_call_carries_five_headers() -> None:
    who = Credentials("key", "secret", "pass", "2")
    path = "/api/v1/accounts?currency=USDT&type=trade"
    assert signed_headers(who, 1_700_000_000_000, "GET", path) == {
        "KC-API-KEY": "key",
        "KC-API-SIGN": "zEGE8dync7LvMHJQamNhIRCS6SrFqP2670wsGMuT9gI=",
        "KC-API-TIMESTAMP": "1700000000000",
        "KC-API-PASSPHRASE": "5sWmbVCOKjHTC6QsbNtTLaVSV6j3Lytz0LaHyiow0EE=",
        "KC-API-KEY-VERSION": "2",
    }


def test_the_body_is_signed_as_it_is_sent() -> None:
    who = Credentials("key", "secret", "pass")
    headers = signed_headers(who, 1_700_000_000_000, "POST", "/api/v1/orders", ORDER)
    assert headers["KC-API-SIGN"] == "GhgSqtD+xR0vSgLgc1Mdh+D7Ry2v/iF4DJv3T6gGrdw="
    assert headers["KC-API-KEY-VERSION"] == "3"


def test_credentials_are_never_shown() -> None:
    shown = repr(Credentials("the-key", "the-secret", "the-pass"))
    assert "the-" not in shown
