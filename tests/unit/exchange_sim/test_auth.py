"""Signatures: what gets in, and the code each other request is refused with."""

import pytest

from liveopt.exchange_sim.api import ApiError
from liveopt.exchange_sim.auth import Auth, Credential, paper_credential, sign

CREDENTIAL = Credential("u1", "key", "secret", "pass")
NOW_MS = 1_700_000_000_000
PASSPHRASE = "5sWmbVCOKjHTC6QsbNtTLaVSV6j3Lytz0LaHyiow0EE="
# Vectors: the first from KuCoin's old documentation, the others computed apart from this code and
# by ccxt 4.5.90.
ACCOUNTS = ("GET", "/api/v1/accounts?currency=USDT&type=trade", b"")
ACCOUNTS_SIGN = "zEGE8dync7LvMHJQamNhIRCS6SrFqP2670wsGMuT9gI="
ORDER = (
    "POST",
    "/api/v1/orders",
    b'{"clientOid":"a1","side":"buy","symbol":"XBTUSDTM","type":"market","size":1,"leverage":3,'
    b'"reduceOnly":true}',
)
ORDER_SIGN = "GhgSqtD+xR0vSgLgc1Mdh+D7Ry2v/iF4DJv3T6gGrdw="


def headers(signature: str, **changed: str) -> dict[str, str]:
    said = {
        "KC-API-KEY": "key",
        "KC-API-SIGN": signature,
        "KC-API-TIMESTAMP": str(NOW_MS),
        "KC-API-PASSPHRASE": PASSPHRASE,
        "KC-API-KEY-VERSION": "2",
    }
    said |= {name.replace("_", "-"): value for name, value in changed.items()}
    return {name: value for name, value in said.items() if value}


def code_of(call: tuple[str, str, bytes], said: dict[str, str], now_ms: int = NOW_MS) -> str:
    with pytest.raises(ApiError) as refusal:
        Auth([CREDENTIAL]).check(call[0], call[1], said, call[2], now_ms)
    return f"{refusal.value.code} {refusal.value.status}"


def test_the_old_example_of_the_documentation_is_signed_alike() -> None:
    prehash = b'1547015186532POST/api/v1/deposit-addresses{"currency":"BTC"}'
    secret = "f03a5284-5c39-4aaa-9b20-dea10bdcf8e3"
    assert sign(secret, prehash) == "7QP/oM0ykidMdrfNEUmng8eZjg/ZvPafjIqmxiVfYu4="
    assert sign("secret", b"pass") == PASSPHRASE


@pytest.mark.parametrize("version", ["2", "3"])
@pytest.mark.parametrize(("call", "signature"), [(ACCOUNTS, ACCOUNTS_SIGN), (ORDER, ORDER_SIGN)])
def test_versions_two_and_three_get_in(
    version: str, call: tuple[str, str, bytes], signature: str
) -> None:
    said = headers(signature, KC_API_KEY_VERSION=version)
    assert Auth([CREDENTIAL]).check(call[0], call[1], said, call[2], NOW_MS) == "u1"


def test_header_names_are_the_same_in_any_case() -> None:
    said = {name.lower(): value for name, value in headers(ACCOUNTS_SIGN).items()}
    assert Auth([CREDENTIAL]).check(*ACCOUNTS[:2], said, b"", NOW_MS) == "u1"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"KC_API_KEY": ""}, "400001 400"),
        ({"KC_API_SIGN": ""}, "400001 400"),
        ({"KC_API_TIMESTAMP": ""}, "400001 400"),
        ({"KC_API_PASSPHRASE": ""}, "400001 400"),
        ({"KC_API_TIMESTAMP": "soon"}, "400002 400"),
        ({"KC_API_TIMESTAMP": "-5"}, "400002 400"),
        ({"KC_API_KEY": "other"}, "400003 401"),
        ({"KC_API_PASSPHRASE": "pass"}, "400004 401"),
        ({"KC_API_SIGN": ORDER_SIGN}, "400005 400"),
        ({"KC_API_KEY_VERSION": "1"}, "400008 400"),
        ({"KC_API_KEY_VERSION": ""}, "400008 400"),
        ({"KC_API_KEY_VERSION": "4"}, "400009 400"),
    ],
)
def test_every_fault_of_a_request_has_its_code(changed: dict[str, str], code: str) -> None:
    assert code_of(ACCOUNTS, headers(ACCOUNTS_SIGN, **changed)) == code


@pytest.mark.parametrize(("late_ms", "gets_in"), [(5_000, True), (-5_000, True), (5_001, False)])
def test_the_window_is_five_seconds_either_way(late_ms: int, gets_in: bool) -> None:
    said = headers(ACCOUNTS_SIGN)
    if gets_in:
        assert Auth([CREDENTIAL]).check(*ACCOUNTS[:2], said, b"", NOW_MS + late_ms) == "u1"
    else:
        assert code_of(ACCOUNTS, said, NOW_MS + late_ms) == "400002 400"


def test_one_byte_more_in_the_body_is_another_request() -> None:
    longer = (ORDER[0], ORDER[1], ORDER[2] + b" ")
    assert code_of(longer, headers(ORDER_SIGN)) == "400005 400"


@pytest.mark.parametrize("signed", ["raw", "encoded"])
def test_a_query_may_be_signed_as_spelled_or_as_meant(signed: str) -> None:
    sent = "/api/v1/hf/orders/active?symbol=BTC-USDT&remark=a%20b%2Fc"
    meant = sent if signed == "encoded" else "/api/v1/hf/orders/active?symbol=BTC-USDT&remark=a b/c"
    signature = sign("secret", f"{NOW_MS}GET{meant}".encode())
    assert Auth([CREDENTIAL]).check("GET", sent, headers(signature), b"", NOW_MS) == "u1"


def test_version_one_gets_in_only_where_it_is_let_in() -> None:
    lenient = Auth([CREDENTIAL], plain_passphrase=True)
    said = headers(ACCOUNTS_SIGN, KC_API_PASSPHRASE="pass", KC_API_KEY_VERSION="")
    assert lenient.check(*ACCOUNTS[:2], said, b"", NOW_MS) == "u1"
    wrong = headers(ACCOUNTS_SIGN, KC_API_PASSPHRASE="word", KC_API_KEY_VERSION="")
    with pytest.raises(ApiError, match="400004"):
        lenient.check(*ACCOUNTS[:2], wrong, b"", NOW_MS)


def test_a_seed_has_always_the_same_key_and_no_colon_in_it() -> None:
    assert paper_credential(7) == paper_credential(7) != paper_credential(8)
    one = paper_credential(7)
    assert ":" not in one.key + one.secret + one.passphrase
