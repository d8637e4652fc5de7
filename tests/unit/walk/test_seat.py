"""A seat is small and says all that the variant did."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from liveopt.walk.seat import seat_of
from liveopt.walk.variant import Variant, parameters_hash
from tests.run import variants

WORDS = st.text("abcxyz", min_size=1, max_size=5)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(WORDS, NUMBERS | WORDS), WORDS)
def test_a_variant_comes_back_to_the_bit(parameters: dict[str, float | str], origin: str) -> None:
    one = Variant("0a", "mine", "XBTUSDTM", parameters, origin, "slow")
    seat = seat_of(one)
    assert seat.variant == one
    assert seat.hash == parameters_hash(parameters) == parameters_hash(seat.variant.parameters)


def test_the_leverage_is_read_without_unpacking_the_rest() -> None:
    for one in variants(8):
        assert seat_of(one).leverage == one.parameters["leverage"]
    assert seat_of(Variant("0a", "mine", "BTC-USDT", {"fraction": 0.5})).leverage == 1.0


def test_seats_of_a_group_share_all_that_they_have_in_common() -> None:
    first, _, second = map(seat_of, variants(3))
    assert first.key is second.key
    assert first.origin is second.origin
    own = sum(map(sys.getsizeof, (first, first.id, first.packed)))
    assert own < 300
