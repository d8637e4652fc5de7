"""The market that a file of trades or candles is about, as far as the file tells."""

import re
from decimal import Decimal
from math import floor, log10
from typing import Final

import numpy as np
from numpy.typing import NDArray

from liveopt.exchange_sim.specs import Spec

Column = NDArray[np.float64]

SPOT: Final = re.compile(r"([A-Z0-9]{1,16})-([A-Z0-9]{2,8})")
CONTRACT: Final = re.compile(r"([A-Z0-9]{1,16})USDTM")
TICK_MAX: Final = 1e-4
"""Of the price: with a coarser tick, prices that were different would be the same."""
TICK_MIN: Final = 1e-7
"""Of the price: means and the like have no end of decimals, and a book needs some width."""
LOT_MIN: Final = 1e-12
"""Of the largest size, which is a whole number of lots in 64 bits."""
DECIMALS_MAX: Final = 12


def is_symbol(text: str) -> bool:
    """Whether it is spelled like a pair of spot or like a contract in USDT."""
    return bool(SPOT.fullmatch(text) or CONTRACT.fullmatch(text))


def check_tick(spec: Spec, price: Column) -> None:
    """Refuse to play prices that the market's tick is too coarse for."""
    middle = float(np.median(price))
    if float(spec.tick) > TICK_MAX * middle:
        raise ValueError(
            f"a tick of {spec.symbol} is {spec.tick:f}, which is too coarse for prices about"
            f" {middle:g}; name the symbol that the file is about, such as FILE:XRP-USDT"
        )


def fitted_spec(symbol: str, price: Column, size: Column) -> Spec:
    """A spot pair (`XRP-USDT`) or a contract (`XRPUSDTM`) with the decimals of the file."""
    assert is_symbol(symbol)
    middle = float(np.median(price))
    tick = _unit(price, TICK_MIN * middle, TICK_MAX * middle)
    some = size[size > 0.0]
    pair, contract = SPOT.fullmatch(symbol), CONTRACT.fullmatch(symbol)
    if pair is not None:
        largest = float(some.max(initial=0.0))
        lot = _unit(some, LOT_MIN * largest, max(largest, 1.0)) if len(some) else Decimal(1)
        names = (pair[1], pair[2], pair[2])
    else:
        assert contract is not None
        lot, names = Decimal(1), (contract[1], "USDT", "USDT")
    lots = float(np.median(some)) / float(lot) if len(some) else 1.0
    fees = (Decimal("0.001"), Decimal("0.001")) if pair else (Decimal("0.0002"), Decimal("0.0006"))
    return Spec(
        symbol,
        "spot" if pair else "futures",
        *names,
        tick=tick,
        lot=lot,
        start_price=float(price[0]),
        maker_fee=fees[0],
        taker_fee=fees[1],
        leverage_max=1 if pair else 20,
        maintenance=Decimal(0) if pair else Decimal("0.025"),
        order_lots=max(1, round(lots)),
    )


def _unit(values: Column, least: float, most: float) -> Decimal:
    """The power of ten that all values are multiples of, within these bounds."""
    finest = -floor(log10(least)) - 1 if least > 0.0 else DECIMALS_MAX
    coarsest = -floor(log10(most))
    for decimals in range(max(0, coarsest), min(DECIMALS_MAX, finest)):
        # Half of the last digit that a float has, and then some.
        if np.allclose(np.round(values, decimals), values, rtol=1e-13, atol=0.0):
            return Decimal(1).scaleb(-decimals)
    return Decimal(1).scaleb(-max(coarsest, min(DECIMALS_MAX, finest), 0))
