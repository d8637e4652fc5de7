"""Amounts of money and goods as exact decimals: read from requests, shared out, spelled."""

from decimal import ROUND_CEILING, ROUND_DOWN, Decimal, InvalidOperation
from typing import Final

ZERO: Final = Decimal(0)
QUANTUM: Final = Decimal("1e-10")
"""What cannot be divided exactly is cut to this; the rest stays where it was."""


def text(value: Decimal) -> str:
    """As the wire spells an amount: no exponent, no trailing zeros."""
    spelled = f"{value.normalize():f}"
    return "0" if spelled == "-0" else spelled


def text20(value: Decimal) -> str:
    """As spot stop orders spell an amount: always twenty places."""
    return f"{value:.20f}"


def parse(value: object) -> Decimal | None:
    """A number from a request, written as a string or a number; None when it is neither.

    What no amount, price or time can be is none either: it would not fit the arithmetic.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        number = Decimal(value) if isinstance(value, int) else Decimal(str(value))
    except InvalidOperation:
        return None
    if not number.is_finite() or number.adjusted() >= 20 or len(number.as_tuple().digits) > 40:
        return None
    return number if not number or number.adjusted() >= -20 else ZERO


def share(whole: Decimal, part: int, of: int) -> Decimal:
    """The part of an amount that `part` of `of` lots carry; all lots carry all of it."""
    if part == of:
        return whole
    return (whole * part / of).quantize(QUANTUM, ROUND_DOWN)


def divided(amount: Decimal, by: Decimal) -> Decimal:
    """An amount through a leverage or a price, cut to the quantum, the same for either sign."""
    return (amount / by).quantize(QUANTUM, ROUND_DOWN)


def divided_up(amount: Decimal, by: Decimal) -> Decimal:
    """The same for what must suffice: a margin is rounded up."""
    return (amount / by).quantize(QUANTUM, ROUND_CEILING)


def whole(value: Decimal, unit: Decimal) -> int | None:
    """How many units a value is, when it is a whole number of them."""
    count = value / unit
    return int(count) if count == count.to_integral_value() else None
