"""At what price and in what size an order fills: slippage, rounding to tick and lot, sizing."""

from liveopt.core.indicators import clamp

WHOLE = 6755399441055744.0
"""1.5 * 2**52: adding and subtracting it rounds a float64 to a whole number, on every device."""
WHOLE_LIMIT = 2251799813685248.0
ALMOST = 1.000000000000001
"""What rounding took from a whole number of lots is given back: 0.3 is three lots of 0.1."""
KELLY_CAP = 0.25
KELLY_TRADES = 30.0
"""Closed trades below which Kelly's rule knows too little and the fixed fraction is used."""
STOP_ATRS = 1.5
"""Sizing by volatility: a move of this many average true ranges costs the chosen fraction."""


def nearest(value: float) -> float:
    """The whole number next to `value` (ties to even); numbers beyond 2**51 are whole enough."""
    return value + WHOLE - WHOLE if (value < WHOLE_LIMIT) & (value > -WHOLE_LIMIT) else value


def down(value: float) -> float:
    """The greatest whole number not above `value`."""
    whole = nearest(value)
    return whole - 1.0 if whole > value else whole


def on_tick(price: float, tick: float) -> float:
    """`price` on the exchange's grid, but never at or below zero."""
    step = tick if tick > 0.0 else 1.0
    grid = down(price / step + 0.5) * step
    return grid if (tick > 0.0) & (grid > 0.0) else price


def on_lot(quantity: float, lot: float) -> float:
    """`quantity` rounded down to whole lots."""
    step = lot if lot > 0.0 else 1.0
    return down(quantity / step * ALMOST) * step if lot > 0.0 else quantity


def slipped(price: float, side: float, slippage: float, tick: float) -> float:
    """What a market order in direction `side` (+1 buys, -1 sells) really pays or gets."""
    return on_tick(price * (1.0 + side * slippage), tick)


def kelly_fraction(
    trades: float, wins: float, gained: float, lost: float, fallback: float
) -> float:
    """Kelly's share p - (1 - p) / b of the balance from the trades so far, within [0, 0.25].

    p is the share of winners and b the mean win over the mean loss; source: Kelly (1956).
    """
    losses = trades - wins
    known = (trades >= KELLY_TRADES) & (gained > 0.0) & (lost > 0.0)
    win_rate = wins / (trades if known else 1.0)
    mean_win = gained / (wins if known else 1.0)
    mean_loss = lost / (losses if known else 1.0)
    payoff = mean_win / (mean_loss if known else 1.0)
    pays = known & (payoff > 0.0)
    share = clamp(win_rate - (1.0 - win_rate) / (payoff if pays else 1.0), 0.0, KELLY_CAP)
    return share if pays else clamp(fallback, 0.0, KELLY_CAP)


def volatility_fraction(fraction: float, price: float, atr: float, leverage: float) -> float:
    """Share of the balance as margin so that a move of 1.5 ATR costs `fraction` of it."""
    known = atr > 0.0
    move = STOP_ATRS * (atr if known else 1.0)
    share = fraction * price / (move * leverage)
    return clamp(share, 0.0, 1.0) if known else fraction


def quantity(balance: float, share: float, leverage: float, price: float, fee: float) -> float:
    """Size bought with `share` of the balance as margin; margin and entry fee never exceed it."""
    wanted = balance * share * leverage
    most = balance * leverage / (1.0 + leverage * fee)
    notional = wanted if wanted < most else most
    return notional / price
