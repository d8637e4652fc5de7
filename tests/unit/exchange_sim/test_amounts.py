"""Amounts: exact, and spelled as the wire spells them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.exchange_sim import amounts


@pytest.mark.parametrize(
    ("value", "spelled"),
    [("1.500", "1.5"), ("1E+3", "1000"), ("0E-9", "0"), ("-0", "0"), ("1E-10", "0.0000000001")],
)
def test_no_exponents_and_no_trailing_zeros(value: str, spelled: str) -> None:
    assert amounts.text(Decimal(value)) == spelled


@pytest.mark.parametrize(
    ("said", "value"),
    [("1.5", Decimal("1.5")), (3, Decimal(3)), (0.1, Decimal("0.1")), ("x", None), ("", None),
     (None, None),
     (True, None), ([1], None), ("inf", None), ("NaN", None)],
)  # fmt: skip
def test_only_finite_numbers_are_read(said: object, value: Decimal | None) -> None:
    assert amounts.parse(said) == value


@given(
    whole=st.decimals("-1e6", "1e6", places=8),
    lots=st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
)
def test_a_share_is_never_more_than_its_part_and_all_lots_share_all(
    whole: Decimal, lots: tuple[int, int]
) -> None:
    part, of = lots
    share = amounts.share(whole, part, of)
    assert abs(share) <= abs(whole)
    assert abs(share * of - whole * part) <= amounts.QUANTUM * of
    assert amounts.share(whole, of, of) == whole


def test_whole_units_are_counted_and_others_are_not() -> None:
    assert amounts.whole(Decimal("0.3"), Decimal("0.1")) == 3
    assert amounts.whole(Decimal("0.35"), Decimal("0.1")) is None
    assert amounts.divided(Decimal(-1), Decimal(3)) == Decimal("-0.3333333333")
    assert amounts.divided_up(Decimal(1), Decimal(3)) == Decimal("0.3333333334")
    assert amounts.text20(Decimal("0.5")) == "0.50000000000000000000"
