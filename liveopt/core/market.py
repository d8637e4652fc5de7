"""What all variants see alike: the fine bar that fills orders, the signal bar strategies read."""

from dataclasses import dataclass


@dataclass(slots=True)
class Fine:
    """The bar that orders, stops and fills are evaluated on; a single trade is one with o=h=l=c."""

    time_s: float = 0.0
    """Open time in seconds since the first bar of the run."""
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    funding: float = 0.0
    """Funding rate that a long pays at this bar's open; zero at every other bar."""


@dataclass(slots=True)
class Market:
    """The signal bar that has just closed, with what every variant would else derive from it."""

    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    volume: float = 0.0
    day: float = 0.0
    """The UTC day this bar opened on, counted from the epoch."""
    n: float = 0.0
    """Signal bars seen, this one included."""
    inv_n: float = 0.0
    inv_moves: float = 0.0
    """1 / (n - 1): the weight of this bar in a mean over all moves from close to close."""
    day_start: float = 0.0
    """1.0 when this is the first signal bar of its UTC day."""
    change: float = 0.0
    gain: float = 0.0
    loss: float = 0.0
    true_range: float = 0.0
    up_move: float = 0.0
    down_move: float = 0.0
    typical: float = 0.0
    obv: float = 0.0
    atr: float = 0.0
    """Wilder's average true range over 14 signal bars: the yardstick of sizing by volatility."""
    last_open: float = 0.0
    last_high: float = 0.0
    last_low: float = 0.0
    last_close: float = 0.0
    last_day: float = -1.0


ATR_MOVES = 14.0


def observe(bar: Market) -> None:
    """Derive the shared columns of a signal bar whose prices and volume have just been set."""
    first = bar.n == 0.0
    bar.n = bar.n + 1.0
    moves = 1.0 if first else bar.n - 1.0
    before = bar.close if first else bar.last_close
    bar.inv_n = 1.0 / bar.n
    bar.inv_moves = 1.0 / moves
    bar.day_start = 1.0 if bar.day != bar.last_day else 0.0
    bar.change = bar.close - before
    bar.gain = bar.change if bar.change > 0.0 else 0.0
    bar.loss = -bar.change if bar.change < 0.0 else 0.0
    top = bar.high if bar.high > before else before
    bottom = bar.low if bar.low < before else before
    bar.true_range = top - bottom
    up = 0.0 if first else bar.high - bar.last_high
    down = 0.0 if first else bar.last_low - bar.low
    bar.up_move = up if (up > down) & (up > 0.0) else 0.0
    bar.down_move = down if (down > up) & (down > 0.0) else 0.0
    bar.typical = (bar.high + bar.low + bar.close) / 3.0
    flow = bar.volume if bar.change >= 0.0 else -bar.volume
    flow = 0.0 if bar.change == 0.0 else flow
    bar.obv = bar.volume if first else bar.obv + flow
    weight = bar.inv_moves if moves < ATR_MOVES else 1.0 / ATR_MOVES
    bar.atr = bar.atr + weight * (bar.true_range - bar.atr)
    bar.last_open = bar.open
    bar.last_high = bar.high
    bar.last_low = bar.low
    bar.last_close = bar.close
    bar.last_day = bar.day
