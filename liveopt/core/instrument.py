"""What is traded and at what cost: spot or linear perpetual, steps, fees, margin rules."""

from dataclasses import dataclass
from typing import Literal

SPOT_LEVERAGE = 1.0


@dataclass(frozen=True, slots=True)
class Instrument:
    """One market. Rates are fractions; `tick` and `lot` of 0 mean that nothing is rounded."""

    market: Literal["spot", "perpetual"] = "spot"
    tick: float = 0.0
    """Step of the price."""
    lot: float = 0.0
    """Step of the size in units of the base coin (for a contract: its multiplier)."""
    taker_fee: float = 0.0006
    maker_fee: float = 0.0002
    slippage: float = 0.0002
    maintenance: float = 0.005
    """Maintenance margin rate of a perpetual."""
    liquidation_fee: float = 0.0

    def __post_init__(self) -> None:
        """Refuse costs and steps that no market has."""
        for name in ("tick", "lot", "slippage", "maintenance", "liquidation_fee"):
            value = getattr(self, name)
            if not 0.0 <= value < float("inf"):
                raise ValueError(f"{name} is {value}; it must be a number of at least 0")
        for name in ("taker_fee", "maker_fee", "slippage", "maintenance", "liquidation_fee"):
            if not -0.1 < getattr(self, name) < 0.1:
                raise ValueError(
                    f"{name} is {getattr(self, name)}; give a fraction below 0.1 (0.0006 is 0.06 %)"
                )


def margin_for(balance: float, share: float) -> float:
    """The part of the balance that backs a position."""
    return balance * share


def gross_profit(entry: float, leave: float, quantity: float, side: float) -> float:
    """Profit of the price move alone; `side` is +1 long, -1 short."""
    return side * (leave - entry) * quantity


def planned_fees(notional: float, fee_in: float, fee_out: float) -> float:
    """Fees of a round trip as a plan sees them: both on the entry's notional."""
    return notional * (fee_in + fee_out)


def break_even_roi(fee_in: float, fee_out: float, leverage: float, buffer: float) -> float:
    """Return on margin that pays the round trip's fees, plus a buffer; all as fractions."""
    return (fee_in + fee_out) * leverage + buffer


def break_even_price(fill: float, fee_in: float, fee_out: float) -> float:
    """Price at which a long has earned its fees back: the exit fee is due on the exit's value."""
    return fill * (1.0 + fee_in) / (1.0 - fee_out)


def roi_level(entry: float, side: float, roi: float, leverage: float) -> float:
    """Price at which a position has earned `roi` on its margin (a loss when negative)."""
    return entry * (1.0 + side * roi / leverage)


def bankruptcy_price(entry: float, side: float, leverage: float) -> float:
    """Price at which the isolated margin is gone."""
    return entry * (1.0 - side / leverage)


def liquidation_price(
    entry: float, side: float, leverage: float, maintenance: float, fee: float
) -> float:
    """KuCoin's rule since 22 May 2025: maintenance margin and liquidation fee on the mark price.

    (notional - side * margin) / (size * (1 - side * (maintenance + fee))).
    """
    return bankruptcy_price(entry, side, leverage) / (1.0 - side * (maintenance + fee))


def liquidation_price_2024(entry: float, side: float, leverage: float, maintenance: float) -> float:
    """KuCoin's older rule: maintenance margin on the entry's notional; to read old accounts."""
    return entry * (1.0 - side * (1.0 / leverage - maintenance))
