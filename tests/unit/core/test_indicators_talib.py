"""The recursions as strategies use them give the numbers of TA-Lib, bar by bar, once warm.

A strategy is stepped in plain Python over a made market and its memory is read after each bar.
"""

import numpy as np
import numpy.typing as npt
import pytest
import talib
from talib._ta_lib import MA_Type

from liveopt.core.account import Rule
from liveopt.core.bars import MINUTE_NS
from liveopt.core.indicators import strength
from liveopt.data.market import synthetic_bars
from liveopt.engine.batch import Setup, open_batch
from liveopt.engine.inputs import spool
from liveopt.engine.program import LANES
from liveopt.engine.rows import rows_of
from liveopt.strategies import load
from tests.unit.strategies.drawn import alone

Array = npt.NDArray[np.float64]

QUARTER_NS = 15 * MINUTE_NS
BARS = synthetic_bars(1_500, 7, QUARTER_NS, 0)
ROWS = rows_of(BARS, QUARTER_NS, QUARTER_NS)
DECAYED = 800
"""Bars after which what is left of a different seed is below 1e-12."""


def memory(name: str, choice: dict[str, str] | None = None, **knobs: float) -> dict[str, Array]:
    """What each memory cell (and each shared column, as `bar_...`) held after each bar."""
    lone = alone(name, choice, **knobs)
    seen: list[dict[str, float]] = []
    for i in range(len(ROWS)):
        lone.advance(ROWS.part(i, i + 1))
        cells = lone.cells()
        seen.append({n.removeprefix("m_"): v for n, v in cells.items() if n[:2] in ("m_", "ba")})
    return {n: np.array([line[n] for line in seen]) for n in seen[0]}


def same(ours: Array, theirs: Array, first: int | None = None) -> None:
    """Equal to 1e-9 from the first bar TA-Lib has (or `first`) on."""
    begin = int(np.flatnonzero(np.isfinite(theirs))[0]) if first is None else first
    assert len(theirs) - begin > 500
    scale = np.max(np.abs(theirs[begin:]))
    np.testing.assert_allclose(ours[begin:], theirs[begin:], rtol=1e-9, atol=1e-10 * scale)


def hlc() -> tuple[Array, Array, Array]:
    return BARS.high, BARS.low, BARS.close


def inputs(name: str, choice: dict[str, str], **knobs: float) -> dict[str, Array]:
    """What each input of one variant held at each bar."""
    setup = Setup(load()[name], Rule(), choices=choice)
    batch = open_batch(setup, {n: np.array([v]) for n, v in knobs.items()})
    tape, layout = spool(batch.inputs, ROWS, 0), batch.inputs.layout
    bars = np.arange(len(ROWS))
    return {
        word.removeprefix("x_"): tape.values[
            tape.offsets[i] + bars * layout.strides[i] + int(layout.index[0, i * LANES])
        ]
        for i, word in enumerate(batch.program.inputs)
    }


def test_exponential_means() -> None:
    m = memory("triple_ma", {"kind": "ema"}, fast=7, middle=20, slow=50)
    for name, window in (("fast", 7), ("middle", 20), ("slow", 50)):
        same(m[name], talib.EMA(BARS.close, window))


def test_plain_and_weighted_means() -> None:
    plain = inputs("ma_crossover", {"kind": "sma"}, fast=12, slow=26)
    same(plain["fast_mean"], talib.SMA(BARS.close, 12))
    same(plain["slow_mean"], talib.SMA(BARS.close, 26))
    weighted = inputs("ma_crossover", {"kind": "wma"}, fast=12, slow=26)
    same(weighted["fast_weighted"], talib.WMA(BARS.close, 12))
    same(weighted["slow_weighted"], talib.WMA(BARS.close, 26))


def test_relative_strength() -> None:
    m = memory("rsi_reversion", window=14)
    ours = np.array([strength(up, down) for up, down in zip(m["up"], m["down"], strict=True)])
    same(ours, talib.RSI(BARS.close, 14))


def test_the_average_true_range_of_a_strategy_and_of_the_market() -> None:
    m = memory("supertrend", window=10)
    same(m["atr"], talib.ATR(*hlc(), 10))
    same(m["bar_atr"], talib.ATR(*hlc(), 14))


def test_macd_and_its_signal_line() -> None:
    m = memory("macd", fast=12, slow=26, signal=9)
    line, signal, _ = talib.MACD(BARS.close, 12, 26, 9)
    same(m["fast"] - m["slow"], line, DECAYED)
    same(m["signal"], signal, DECAYED)


def test_directional_movement_and_adx() -> None:
    m = memory("adx_trend", window=14)
    same(m["up"] * 14.0, talib.PLUS_DM(BARS.high, BARS.low, 14), DECAYED)
    same(m["down"] * 14.0, talib.MINUS_DM(BARS.high, BARS.low, 14), DECAYED)
    same(m["adx"], talib.ADX(*hlc(), 14), DECAYED)


def test_adx_is_close_to_talib_from_its_first_bar() -> None:
    ours, theirs = memory("adx_trend", window=14)["adx"], talib.ADX(*hlc(), 14)
    first = int(np.flatnonzero(np.isfinite(theirs))[0])
    assert first == 2 * 14 - 1
    assert ours[first] == pytest.approx(theirs[first], rel=0.05)


def test_bollinger_bands() -> None:
    m = memory("bollinger_reversion", window=20, mult=2)
    upper, middle, lower = talib.BBANDS(BARS.close, 20, 2.0, 2.0)
    deviation = np.sqrt(m["squares"] / 20.0)
    same(m["mean"], middle)
    same(m["mean"] + 2.0 * deviation, upper)
    same(m["mean"] - 2.0 * deviation, lower)


def test_stochastic_lines() -> None:
    m = memory("stochastic", window=14, smooth=3, signal=5)
    k, d = talib.STOCH(*hlc(), 14, 3, MA_Type.EMA, 5, MA_Type.EMA)
    same(m["smoothed"], k, DECAYED)
    same(m["signal"], d, DECAYED)
    same(m["smoothed"], k)
    same(m["signal"], d)


@pytest.mark.parametrize(("start", "step", "most"), [(0.02, 0.02, 0.2), (0.05, 0.01, 0.1)])
def test_parabolic_stop_and_reverse(start: float, step: float, most: float) -> None:
    m = memory("parabolic_sar", start=start, step=step, max=most)
    signed = talib.SAREXT(BARS.high, BARS.low, 0, 0, start, step, most, start, step, most)
    turned = np.sign(signed[1:]) != m["side"][:-1]
    assert np.array_equal(np.sign(signed[2:]), m["side"][2:])
    assert 50 < np.count_nonzero(turned[1:]) < 500
    steady = np.flatnonzero(~turned[1:]) + 2
    np.testing.assert_allclose(m["stop"][steady - 1], np.abs(signed[steady]), rtol=1e-9)


def test_on_balance_volume() -> None:
    m = memory("obv_trend", window=20)
    same(m["bar_obv"], talib.OBV(BARS.close, BARS.volume))
    same(m["mean"], talib.EMA(talib.OBV(BARS.close, BARS.volume), 20))


def test_highest_and_lowest() -> None:
    found = inputs("donchian_breakout", {"leave": "channel"}, entry=20, exit=10)
    # The channel of a bar is that of the bars before it.
    same(found["entry_high"][1:], talib.MAX(BARS.high, 20)[:-1])
    same(found["entry_low"][1:], talib.MIN(BARS.low, 20)[:-1])
    same(found["exit_high"][1:], talib.MAX(BARS.high, 10)[:-1])
    same(found["exit_low"][1:], talib.MIN(BARS.low, 10)[:-1])
