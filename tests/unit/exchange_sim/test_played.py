"""A file is played as it is, and clients stand in its way."""

from pathlib import Path

import numpy as np
import pytest

from liveopt.core.bars import Bars
from liveopt.exchange_sim.events import Event, Traded
from liveopt.exchange_sim.exchange import Exchange
from liveopt.exchange_sim.market import Market
from liveopt.exchange_sim.played import LADDER, Recording, open_played, prints_of_candles
from liveopt.exchange_sim.specs import spec_named

T0 = 1_760_000_000_000_000_000
SECOND_NS = 1_000_000_000
SOL = spec_named("SOL-USDT")
FILE_S = 1_600_000_000
Row = tuple[float, float, float]
ROWS: list[Row] = [
    (0, 150.00, 1.0),
    (1, 150.05, 2.0),
    (1, 150.05, 0.5),
    (2.5, 149.90, 3.0),
    (7, 153.00, 1.5),
    (8, 152.99, 0.25),
]


def written(folder: Path, rows: list[Row]) -> Path:
    path = folder / "trades.csv"
    lines = [f"{FILE_S * 1000 + round(at_s * 1000)},{price},{size}" for at_s, price, size in rows]
    path.write_text("\n".join(["time,price,amount", *lines]), encoding="utf-8")
    return path


@pytest.fixture
def trades(tmp_path: Path) -> Path:
    return written(tmp_path, ROWS)


def opened(path: Path, loop: bool = False, lead_s: int = 0) -> Market:
    return open_played(SOL, Recording(path, loop=loop, lead_s=lead_s), 1, T0)


def sold(events: list[Event]) -> list[tuple[float, int, int]]:
    return [((e.at_ns - T0) / SECOND_NS, e.ticks, e.lots) for e in events if isinstance(e, Traded)]


def grouped(events: list[Event]) -> dict[tuple[float, int], int]:
    """Lots for each time and price: one trade of the file may meet several makers."""
    totals: dict[tuple[float, int], int] = {}
    for at_s, ticks, lots in sold(events):
        totals[at_s, ticks] = totals.get((at_s, ticks), 0) + lots
    return totals


def test_the_trades_of_the_file_happen_at_their_shifted_times_prices_and_sizes(
    trades: Path,
) -> None:
    market = opened(trades)
    first = list(market.tape)
    assert {trade.at_ns for trade in first} == {T0}
    events = market.advance(T0 + 60 * SECOND_NS)
    assert grouped([*first, *events]) == {
        (0.0, 15_000): 10_000,
        (1.0, 15_005): 25_000,
        (2.5, 14_990): 30_000,
        (7.0, 15_300): 15_000,
        (8.0, 15_299): 2_500,
    }
    sides = {e.ticks: e.side for e in events if isinstance(e, Traded)}
    assert sides == {15_005: "buy", 14_990: "sell", 15_300: "buy", 15_299: "sell"}


def test_at_the_end_of_the_file_the_market_stands_still(trades: Path) -> None:
    market = opened(trades)
    market.advance(T0 + 8 * SECOND_NS)
    book = market.levels("buy", 5)
    assert market.advance(T0 + 10**6 * SECOND_NS) == []
    assert market.levels("buy", 5) == book
    assert market.last_ticks() == 15_299


def test_a_loop_begins_again(trades: Path) -> None:
    market = opened(trades, loop=True)
    once = len(sold(market.advance(T0 + 8 * SECOND_NS)))
    later = sold(market.advance(T0 + 40 * SECOND_NS))
    assert len(later) > 2 * once
    assert {ticks for _, ticks, _ in later} == {15_000, 15_005, 14_990, 15_300, 15_299}


def test_the_book_is_deep_and_not_crossed_around_the_played_price(trades: Path) -> None:
    market = opened(trades)
    for tenth in range(100):
        market.advance(T0 + tenth * SECOND_NS // 10)
        bids, asks = market.levels("buy", 500), market.levels("sell", 500)
        assert bids[0][0] < asks[0][0] <= bids[0][0] + 2
        assert bids[0][0] - 1 <= market.last_ticks() <= asks[0][0] + 1
        assert 50 <= len(bids) <= 2 * LADDER
        assert 50 <= len(asks) <= 2 * LADDER
        assert bids[0][0] - bids[49][0] < 60


def test_a_resting_client_is_filled_where_the_file_trades_through_it(trades: Path) -> None:
    market = opened(trades)
    market.submit("bid", "buy", 5_000, 14_995)
    market.submit("far", "buy", 5_000, 14_900)
    mine = [
        (e.at_ns, e.ticks, e.lots, e.side)
        for e in market.advance(T0 + 60 * SECOND_NS)
        if isinstance(e, Traded) and e.maker_id == "bid"
    ]
    assert mine == [(T0 + 2_500_000_000, 14_995, 5_000, "sell")]
    assert market.resting("far") == 5_000


def test_a_client_behind_others_at_the_price_waits_for_them(tmp_path: Path) -> None:
    market = opened(written(tmp_path, [(0, 150.0, 1.0), (1, 150.0, 0.0001), (2, 150.1, 1.0)]))
    ticks, ahead = market.levels("sell", 1)[0]
    assert (ticks, ahead > 1) == (15_000, True)
    market.submit("ask", "sell", 7, 15_000)
    market.advance(T0 + SECOND_NS)
    assert market.resting("ask") == 7
    market.advance(T0 + 2 * SECOND_NS)
    assert market.resting("ask") == 0


def test_the_volume_of_the_file_is_kept_whatever_clients_do(trades: Path) -> None:
    plain = opened(trades)
    volume = sum(lots for _, _, lots in sold(plain.advance(T0 + 60 * SECOND_NS)))
    market = opened(trades)
    market.submit("bids", "buy", 100_000_000, 14_999)
    market.submit("asks", "sell", 7_000, 15_002)
    events = market.advance(T0 + 60 * SECOND_NS)
    assert sum(lots for _, _, lots in sold(events)) == volume
    bid, ask = market.levels("buy", 1)[0][0], market.levels("sell", 1)[0][0]
    assert bid < ask


def test_a_bid_above_a_later_trade_takes_all_of_it_and_keeps_the_rest(tmp_path: Path) -> None:
    market = opened(written(tmp_path, [(0, 150.0, 1.0), (1, 149.0, 1.0), (2, 149.5, 0.3)]))
    market.submit("bid", "buy", 1_000_000_000, 14_980)
    first = sold(market.advance(T0 + SECOND_NS))
    assert first == [(1.0, 14_980, 10_000)]
    later = sold(market.advance(T0 + 2 * SECOND_NS))
    assert later == [(2.0, 14_980, 3_000)]
    assert market.resting("bid") == 1_000_000_000 - 13_000
    assert market.levels("sell", 1)[0][0] == 14_981


def test_the_ladder_ends_at_the_lowest_price(tmp_path: Path) -> None:
    market = opened(written(tmp_path, [(0, 150.0, 1.0), (1, 150.0, 1.0), (2, 0.1, 1.0)]))
    market.advance(T0 + 2 * SECOND_NS)
    assert [ticks for ticks, _ in market.levels("buy", 99)] == list(range(10, 0, -1))


def test_a_client_that_crosses_is_filled_from_the_ladder(trades: Path) -> None:
    market = opened(trades)
    events = market.submit("me", "buy", 10, None)
    assert [(e.ticks, e.lots) for e in events if isinstance(e, Traded)] == [(15_000, 10)]


def test_a_lead_has_already_happened_at_the_start(trades: Path) -> None:
    market = opened(trades, lead_s=5)
    assert [trade.ticks for trade in market.tape][-1] == 14_990
    assert market.tape[0].at_ns == T0 - 5 * SECOND_NS
    assert market.candles(60, 0, 2**40)
    assert sold(market.advance(T0 + 2 * SECOND_NS))[0][:2] == (2.0, 15_300)


def test_candles_of_the_played_trades_are_those_of_the_file(tmp_path: Path) -> None:
    start_s = 1_600_000_020
    assert start_s % 60 == 0
    path = tmp_path / "candles.csv"
    bars = [
        (150.0, 151.0, 149.0, 150.5, 12.3456), (150.5, 150.6, 150.4, 150.6, 0.0001),
        (150.6, 150.6, 150.6, 150.6, 0.0), (151.0, 152.0, 150.0, 150.0, 7.0003),
    ]  # fmt: skip
    lines = [
        f"{start_s + 60 * i},{','.join(str(value) for value in bar)}" for i, bar in enumerate(bars)
    ]
    path.write_text("\n".join(["time,open,high,low,close,volume", *lines]), encoding="utf-8")
    start_ns = T0 // 60_000_000_000 * 60_000_000_000
    market = open_played(SOL, Recording(path, "candles"), 1, start_ns)
    market.advance(start_ns + 3_600 * SECOND_NS)
    rows = [row[:6] for row in market.candles(60, 0, 2**40)]
    base_s = start_ns // SECOND_NS
    assert rows == [
        (base_s, 15_000, 15_050, 15_100, 14_900, 123_456),
        (base_s + 60, 15_050, 15_060, 15_060, 15_040, 4),
        (base_s + 180, 15_100, 15_000, 15_200, 15_000, 70_003),
    ]


def test_the_order_of_the_extremes_is_drawn_from_the_seed() -> None:
    count = 64
    level = np.full(count, 150.0)
    bars = Bars(
        np.arange(count) * 60 * SECOND_NS + 60 * SECOND_NS,
        *(level, level + 1.0, level - 1.0, level, level),
    )
    orders = [prints_of_candles(SOL, bars, seed).ticks.reshape(-1, 4)[:, 1] for seed in (1, 1, 2)]
    assert set(orders[0].tolist()) == {15_100, 14_900}
    assert orders[0].tolist() == orders[1].tolist() != orders[2].tolist()


def test_a_file_without_a_whole_lot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no trade of a lot \(0.0001\) or more"):
        opened(written(tmp_path, [(0, 150.0, 0.000001)]))


def test_a_played_market_has_no_moods_to_force(trades: Path) -> None:
    market = opened(trades)
    assert market.regime == "played"
    assert market.funding_rate() == pytest.approx(0.0001)
    assert market.index_price() == market.mark_price() == pytest.approx(150.0, rel=1e-3)
    with pytest.raises(ValueError, match="played from a file cannot be forced"):
        market.force("crash")


def test_a_played_market_trades_beside_the_others(trades: Path) -> None:
    exchange = Exchange(1, T0, [opened(trades), "KCS-USDT"])
    events: list[Event] = []
    exchange.listeners.append(events.extend)
    exchange.advance(T0 + 10 * SECOND_NS)
    assert {event.symbol for event in events} == {"SOL-USDT", "KCS-USDT"}


def test_a_tick_that_is_too_coarse_for_the_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, [(0, 0.00213, 1.0), (1, 0.00214, 1.0)])
    with pytest.raises(ValueError, match="too coarse"):
        open_played(SOL, Recording(path), 1, T0)


def test_a_symbol_alone_takes_tick_and_lot_from_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, [(0, 0.00213, 1.5), (1, 0.002145, 2.0)])
    market = open_played("XRP-ETH", Recording(path), 1, T0)
    events = [*market.tape, *market.advance(T0 + SECOND_NS)]
    trades = [event for event in events if isinstance(event, Traded)]
    assert {market.spec.price_text(trade.ticks) for trade in trades} == {"0.00213", "0.002145"}
    assert sum(trade.lots for trade in trades) * market.spec.lot == 3.5


def test_candles_alone_say_tick_and_lot_too(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    rows = (f"{1_600_000_020 + 60 * n},0.0345,0.0347,0.0344,0.0346,12.25" for n in range(3))
    path.write_text("time,open,high,low,close,volume\n" + "\n".join(rows))
    spec = open_played("ETH-BTC", Recording(path, "candles"), 1, T0).spec
    assert (spec.price_text(spec.ticks(0.0345)), str(spec.lot)) == ("0.0345", "0.01")
