"""The fair price: a function of seed, coin and time, with the moods and the edge it claims."""

import random
from dataclasses import replace
from itertools import pairwise
from math import copysign, log, sqrt
from statistics import fmean, stdev

import pytest

from liveopt.exchange_sim.edge import Edge, parse_edge
from liveopt.exchange_sim.fair import TICKS_MIN, YEAR_S, Fair
from liveopt.exchange_sim.specs import spec_named

T0 = 1_760_000_040_000_000_000 // 3_600_000_000_000 * 3_600_000_000_000
MINUTE_NS = 60_000_000_000
BTC = spec_named("BTC-USDT")


def fair(symbol: str = "BTC-USDT", seed: int = 1, edge: Edge | None = None) -> Fair:
    return Fair(spec_named(symbol), seed, T0, edge)


def normal(seed: int = 1, edge: Edge | None = None) -> Fair:
    made = fair(seed=seed, edge=edge)
    made.force("normal", T0)
    return made


def returns(made: Fair, count: int, step_ns: int) -> list[float]:
    prices = [made.at(T0 + i * step_ns) for i in range(count + 1)]
    return [log(after / before) for before, after in pairwise(prices)]


def after_signal(moves: list[float]) -> tuple[float, float]:
    """The mean of a window's return in the direction of the one before, and its error."""
    signed = [after if before > 0 else -after for before, after in pairwise(moves)]
    return fmean(signed), stdev(signed) / sqrt(len(signed))


def test_the_price_is_the_same_however_often_it_is_asked_for() -> None:
    once = fair(edge=parse_edge("momentum:1m:0.0005"))
    often = fair(edge=parse_edge("momentum:1m:0.0005"))
    luck = random.Random(3)
    times = sorted(T0 + luck.randrange(3_600_000_000_000) for _ in range(5_000))
    for at_ns in times:
        often.at(at_ns)
    assert once.at(T0 + 3_600_000_000_000) == often.at(T0 + 3_600_000_000_000)


def test_markets_on_one_coin_share_the_index_and_contracts_have_a_basis() -> None:
    spot, contract = fair("BTC-USDT"), fair("XBTUSDTM")
    at_ns = T0 + 6 * 3_600_000_000_000
    near, far = spot.at(at_ns), contract.at(at_ns)
    assert spot.index == contract.index == near
    assert 0 < abs(far / near - 1.0) < 0.005
    assert contract.premium != 0.0
    assert spot.premium == 0.0


def test_seeds_and_coins_have_paths_of_their_own() -> None:
    at_ns = T0 + 3_600_000_000_000
    prices = {fair(seed=seed).at(at_ns) for seed in range(5)}
    assert len(prices) == 5
    assert fair("ETH-USDT").at(at_ns) / 3_000 != pytest.approx(fair().at(at_ns) / 60_000, rel=1e-6)


def test_normal_returns_have_the_volatility_of_the_spec_and_no_memory() -> None:
    moves = returns(normal(), 6_000, MINUTE_NS)
    assert stdev(moves) * sqrt(YEAR_S / 60) == pytest.approx(BTC.volatility, rel=0.06)
    mean, error = after_signal(moves)
    assert abs(mean) < 4 * error
    assert abs(fmean(moves)) < 4 * stdev(moves) / sqrt(len(moves))


@pytest.mark.parametrize(("text", "sign"), [("momentum:1m:0.0005", 1), ("reversion:1m:0.0005", -1)])
def test_an_edge_moves_the_mean_after_its_signal_by_its_size(text: str, sign: int) -> None:
    mean, error = after_signal(returns(normal(edge=parse_edge(text)), 6_000, MINUTE_NS))
    assert error < 0.00002
    assert mean == pytest.approx(sign * 0.0005, abs=4 * error)


@pytest.mark.parametrize("mood", ["normal", "quiet", "reversion"])
def test_in_every_mood_without_a_trend_an_edge_adds_its_size_and_nothing_else(mood: str) -> None:
    edge = parse_edge("momentum:1m:0.0025")
    plain, planted = fair(), fair(edge=edge)
    for made in (plain, planted):
        made.force(mood, T0)
    pairs = zip(returns(plain, 400, MINUTE_NS), returns(planted, 400, MINUTE_NS), strict=True)
    moves = [(own, own - without) for without, own in pairs]
    drifts = [copysign(added, before * added) for (before, _), (_, added) in pairwise(moves[1:])]
    assert fmean(drifts) == pytest.approx(0.0025, rel=0.01)
    assert stdev(drifts) < 0.0001


def test_an_edge_over_a_longer_window_drifts_by_its_size_each_minute() -> None:
    made = normal(edge=parse_edge("momentum:5m:0.0003"))
    mean, error = after_signal(returns(made, 1_500, 5 * MINUTE_NS))
    assert error < 0.0001
    assert mean == pytest.approx(5 * 0.0003, abs=4 * error)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("up", 0, 1), ("down", -1, 0), ("crash", -1, -0.05)]
)
def test_a_forced_mood_goes_its_way(name: str, low: float, high: float) -> None:
    moves = []
    for seed in range(8):
        made = fair(seed=seed)
        made.force(name, T0)
        moves.append(made.at(T0 + 3_600_000_000_000) / BTC.start_price - 1.0)
        assert made.regime.name == name
    assert low < fmean(moves) < high


def test_a_quiet_mood_moves_less_and_a_reverting_one_stays_near_its_start() -> None:
    spreads = {}
    for name in ("normal", "quiet", "reversion"):
        ends = []
        for seed in range(12):
            made = fair(seed=seed)
            made.force(name, T0)
            ends.append(made.at(T0 + 3_600_000_000_000) / BTC.start_price - 1.0)
        spreads[name] = sqrt(fmean([end * end for end in ends]))
    assert spreads["quiet"] < 0.6 * spreads["normal"]
    assert spreads["reversion"] < 0.6 * spreads["normal"]


def test_moods_follow_each_other_until_one_is_forced_and_after_it_is_let_go() -> None:
    made, seen = fair(), set()
    for minute in range(3 * 24 * 60):
        made.at(T0 + minute * MINUTE_NS)
        seen.add(made.regime.name)
    assert {"normal", "up", "down", "quiet", "reversion"} <= seen
    later = T0 + 3 * 24 * 60 * MINUTE_NS
    made.force("crash", later)
    made.at(later + 60 * MINUTE_NS)
    assert made.regime.name == "crash"
    made.force(None, later + 60 * MINUTE_NS)
    seen = set()
    for minute in range(61, 600):
        made.at(later + minute * MINUTE_NS)
        seen.add(made.regime.name)
    assert len(seen) > 1


def test_the_price_does_not_fall_below_what_a_book_needs() -> None:
    made = Fair(replace(BTC, tick=BTC.tick * 500), 1, T0, None)
    made.force("crash", T0)
    floor = float(TICKS_MIN * BTC.tick * 500)
    assert made.at(T0 + 12 * 3_600_000_000_000) == pytest.approx(floor, rel=0.01)
