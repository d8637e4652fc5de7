"""Markets in lockstep: one order of events for all listeners, and the same bytes for a seed."""

from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from liveopt.exchange_sim.events import Event, Push, Traded
from liveopt.exchange_sim.exchange import SLICE_NS, Exchange
from liveopt.exchange_sim.market import Conditions, open_market
from liveopt.exchange_sim.played import Recording, open_played
from liveopt.exchange_sim.specs import SPECS, spec_named

T0 = 1_760_000_000_123_456_789
SECOND_NS = 1_000_000_000
PAIR = ("SOL-USDT", "SOLUSDTM")


def heard(exchange: Exchange, seconds: int) -> list[Event]:
    events: list[Event] = []
    exchange.listeners.append(events.extend)
    exchange.advance(T0 + seconds * SECOND_NS)
    return events


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    hashes = [
        sha256(msgspec.json.encode(heard(Exchange(seed, T0), 10))).hexdigest() for seed in (1, 1, 2)
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_all_default_symbols_are_there_and_on_one_clock() -> None:
    exchange = Exchange(1, T0)
    assert list(exchange.markets) == [spec.symbol for spec in SPECS]
    exchange.advance(T0 + SECOND_NS)
    assert {market.now_ns for market in exchange.markets.values()} == {exchange.now_ns}


def test_events_are_told_in_time_order() -> None:
    events = heard(Exchange(1, T0), 20)
    times = [event.at_ns for event in events]
    assert times == sorted(times)
    assert T0 < times[0] <= times[-1] <= T0 + 20 * SECOND_NS
    assert {event.symbol for event in events} == {spec.symbol for spec in SPECS}


def test_one_more_symbol_changes_nothing_for_the_others() -> None:
    alone = heard(Exchange(1, T0, ["SOL-USDT"]), 20)
    among = [event for event in heard(Exchange(1, T0), 20) if event.symbol == "SOL-USDT"]
    assert alone == among
    assert len(alone) > 100


def test_cutting_the_time_of_all_markets_changes_nothing() -> None:
    whole = heard(Exchange(1, T0, PAIR), 10)
    exchange, pieces = Exchange(1, T0, PAIR), list[Event]()
    exchange.listeners.append(pieces.extend)
    step_ns = 7_654_321
    for at_ns in range(T0, T0 + 10 * SECOND_NS, step_ns):
        exchange.advance(at_ns)
    exchange.advance(T0 + 10 * SECOND_NS)
    assert pieces == whole


def test_listeners_hear_a_slice_of_time_at_once() -> None:
    exchange = Exchange(1, T0, PAIR)
    batches: list[list[Event]] = []
    exchange.listeners.append(batches.append)
    exchange.advance(T0 + 5 * SECOND_NS)
    assert all(len({event.at_ns // SLICE_NS for event in batch}) <= 2 for batch in batches)
    count = len(batches)
    assert count <= 51
    exchange.advance(exchange.now_ns)
    assert len(batches) == count


def test_time_goes_by_for_listeners_where_nobody_trades() -> None:
    exchange = Exchange(1, T0, [])
    heard_ns: list[int] = []
    exchange.listeners.append(lambda events: heard_ns.append(exchange.now_ns))
    exchange.advance(T0 + SECOND_NS)
    assert heard_ns == [
        *range(T0 - T0 % SLICE_NS + SLICE_NS, T0 + SECOND_NS, SLICE_NS),
        T0 + SECOND_NS,
    ]


def test_what_a_listener_causes_is_told_to_all_after_what_it_was_told() -> None:
    exchange = Exchange(1, T0, PAIR)
    market = exchange.markets["SOL-USDT"]
    acted: list[Event] = []
    early: list[Event] = []
    late: list[Event] = []

    def stop(events: list[Event]) -> None:
        if not acted:
            acted.extend(market.submit("stop", "sell", 1_000, None))
            exchange.tell(acted)

    exchange.listeners += [early.extend, stop, late.extend]
    exchange.advance(T0 + 10 * SECOND_NS)
    assert early == late
    assert acted
    start = late.index(acted[0])
    assert start > 0
    assert late[start : start + len(acted)] == acted
    numbers = [e.sequence for e in late if not isinstance(e, Traded) and e.symbol == "SOL-USDT"]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


def test_pushes_go_to_those_who_serve_accounts_only() -> None:
    exchange = Exchange(1, T0, PAIR)
    pushed: list[Push] = []
    public: list[Event] = []
    exchange.private.append(pushed.append)
    exchange.listeners.append(public.extend)
    push = Push("alice", "/spotMarket/tradeOrdersV2", "orderChange", {"type": "open"})
    exchange.push(push)
    assert pushed == [push]
    assert public == []


def test_a_mood_can_be_given_to_all_markets_at_the_start_or_later() -> None:
    exchange = Exchange(1, T0, PAIR, regime="quiet")
    assert {market.regime for market in exchange.markets.values()} == {"quiet"}
    exchange.force("crash")
    exchange.advance(T0 + SECOND_NS)
    assert {market.regime for market in exchange.markets.values()} == {"crash"}


def test_a_ready_market_is_taken_as_it_is_and_a_symbol_only_once() -> None:
    ready = open_market(spec_named("KCS-USDT"), 9, T0, Conditions(history_s=0))
    exchange = Exchange(1, T0, [ready, "SOL-USDT"])
    assert exchange.markets["KCS-USDT"] is ready
    with pytest.raises(ValueError, match="KCS-USDT is there twice"):
        Exchange(1, T0, [ready, "KCS-USDT"])


def test_activity_scales_the_flow() -> None:
    slow = heard(Exchange(1, T0, PAIR), 10)
    fast = heard(Exchange(1, T0, PAIR, activity=20.0), 10)
    assert 10 * len(slow) < len(fast) < 40 * len(slow)


def test_a_forced_mood_is_everywhere_but_where_a_file_is_played(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    path.write_text("time,price,amount\n1600000000,150,1\n1600000001,151,1\n")
    played = open_played(spec_named("SOL-USDT"), Recording(path), 1, T0)
    exchange = Exchange(1, T0, ["BTC-USDT", played])
    exchange.force("crash")
    assert [market.regime for market in exchange.markets.values()] == ["crash", "played"]
    with pytest.raises(ValueError, match="no regime 'boom'"):
        Exchange(1, T0, [played]).force("boom")
