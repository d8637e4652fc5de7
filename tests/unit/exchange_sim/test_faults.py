"""The board of faults."""

import pytest

from liveopt.exchange_sim.faults import Faults, number, parse_faults
from liveopt.exchange_sim.kinds import BadFault


class Hands:
    """A clock that is set by hand."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def faults(clock: Hands) -> Faults:
    return Faults(1, clock)


def test_the_command_line_names_faults_with_parameters_and_topics_keep_their_colon() -> None:
    text = "pong-stall, ws-cut:every=30:code=1001,freeze:topic=/market/match:BTC-USDT"
    assert parse_faults(text) == [
        ("pong-stall", {}),
        ("ws-cut", {"every": 30.0, "code": 1001.0}),
        ("freeze", {"topic": "/market/match:BTC-USDT"}),
    ]


@pytest.mark.parametrize("text", ["gap:0.5", ":chance=1"])
def test_what_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(BadFault):
        parse_faults(text)


def test_a_number_is_a_number_and_the_rest_is_text() -> None:
    assert number("1e3") == 1000.0
    assert number("asks") == "asks"


def test_an_unknown_fault_is_refused_with_the_nearest_name(faults: Faults) -> None:
    with pytest.raises(BadFault, match="did you mean pong-stall"):
        faults.turn_on("pong-stal", {})
    with pytest.raises(BadFault, match="--list-faults"):
        faults.turn_on("zzz", {})


def test_parameters_a_fault_does_not_take_are_refused(faults: Faults) -> None:
    with pytest.raises(BadFault):
        faults.turn_on("duplicate", {"chanse": 1.0})
    assert faults.now() == []


def test_underscores_are_dashes_and_usual_values_fill_in(faults: Faults) -> None:
    faults.turn_on("WS_CUT", {"code": 1012})
    assert faults.holds("ws-cut") == {"chance": 1.0, "every": 30, "code": 1012}


def test_a_fault_strikes_only_where_it_is(faults: Faults) -> None:
    faults.turn_on("gap", {"chance": 1.0, "symbol": "BTC-USDT", "topic": "/market/match"})
    here = {"symbol": "BTC-USDT", "topic": "/market/match:BTC-USDT"}
    assert faults.strike("gap", **here)
    assert faults.strike("gap", **(here | {"symbol": "ETH-USDT"})) is None
    assert faults.strike("gap", **(here | {"topic": "/market/level2:BTC-USDT"})) is None
    faults.turn_on("rest-html", {"path": "candles", "venue": "spot"})
    assert faults.strike("rest-html", path="/api/v1/market/candles", venue="spot")
    assert faults.strike("rest-html", path="/api/v1/timestamp", venue="spot") is None
    assert faults.strike("rest-html", path="/api/v1/market/candles", venue="futures") is None


def test_the_same_fault_may_be_on_in_two_places_and_replaces_itself_in_one(faults: Faults) -> None:
    for topic, chance in (("/a", 0.1), ("/b", 0.2), ("/a", 0.3)):
        faults.turn_on("gap", {"topic": topic, "chance": chance})
    assert [one.params["chance"] for one in faults.now()] == [0.2, 0.3]


def test_a_fault_wears_off_by_count_and_by_time(faults: Faults, clock: Hands) -> None:
    faults.turn_on("duplicate", {"count": 2})
    assert [faults.strike("duplicate") is not None for _ in range(3)] == [True, True, False]
    faults.turn_on("data-stop", {"for": 5})
    assert faults.holds("data-stop")
    clock.now_s += 5.0
    assert faults.holds("data-stop") is None
    assert faults.now() == []


def test_a_strike_is_true_also_for_a_fault_without_parameters(faults: Faults) -> None:
    faults.turn_on("pong-stall", {})
    assert faults.strike("pong-stall")


def test_chance_comes_from_the_seed() -> None:
    def luck(seed: int) -> list[bool]:
        board = Faults(seed, lambda: 0.0)
        board.turn_on("gap", {"chance": 0.5})
        return [board.strike("gap") is not None for _ in range(100)]

    assert luck(1) == luck(1)
    assert luck(1) != luck(2)
    assert 30 < sum(luck(1)) < 70


def test_what_comes_every_so_often_is_due_then_and_not_before(faults: Faults, clock: Hands) -> None:
    faults.turn_on("ws-cut", {"every": 10, "count": 2})
    seen = []
    for _ in range(40):
        clock.now_s += 1.0
        if faults.due("ws-cut"):
            seen.append(clock.now_s)
    assert seen == [110.0, 120.0]


def test_whoever_wants_to_know_is_told_of_every_change(faults: Faults) -> None:
    told: list[int] = []
    faults.changed.append(lambda: told.append(len(faults.now())))
    faults.turn_on("duplicate", {"count": 1})
    faults.turn_on("pong-stall", {})
    faults.strike("duplicate")
    faults.turn_off("pong_stall")
    faults.clear()
    assert told == [1, 2, 1, 0, 0]


def test_the_faults_that_struck_are_counted(faults: Faults) -> None:
    faults.turn_on("binary", {"chance": 1.0})
    faults.strike("binary")
    faults.strike("gap")
    assert dict(faults.struck) == {"binary": 1}


def test_the_luck_of_a_fault_at_one_topic_does_not_depend_on_the_others() -> None:
    def luck(others: int) -> list[bool]:
        board = Faults(1, lambda: 0.0)
        board.turn_on("gap", {"chance": 0.5})
        board.turn_on("binary", {"chance": 0.5})
        found = []
        for _ in range(50):
            for _ in range(others):
                board.strike("gap", topic="/b:ETH-USDT")
                board.strike("binary", topic="/a:BTC-USDT")
            found.append(board.strike("gap", topic="/a:BTC-USDT") is not None)
        return found

    assert luck(0) == luck(3)


def test_paths_that_name_one_thing_of_many_share_their_luck(faults: Faults) -> None:
    orders = [f"/api/v1/hf/orders/5c{number}ab" for number in range(9)]
    assert len({id(faults.luck("rest-429", path=path)) for path in orders}) == 1
    assert faults.luck("rest-429", path="/api/v1/x") is not faults.luck(
        "rest-429", path="/api/v2/x"
    )


def test_what_goes_on_by_market_time_wears_off_by_it(clock: Hands) -> None:
    market = Hands()
    faults = Faults(1, clock, market)
    faults.turn_on("gap", {"for": 5}, by_market=True)
    faults.turn_on("ws-cut", {"every": 2}, by_market=True)
    clock.now_s += 100.0
    assert faults.holds("gap")
    assert faults.due("ws-cut") == []
    market.now_s += 5.0
    assert faults.holds("gap") is None
    assert len(faults.due("ws-cut")) == 1


def test_whoever_wants_to_know_is_told_when_a_fault_s_time_is_over(
    faults: Faults, clock: Hands
) -> None:
    faults.turn_on("gap", {"for": 5})
    faults.turn_on("gap", {"topic": "/a"})
    told: list[int] = []
    faults.changed.append(lambda: told.append(len(faults.now())))
    clock.now_s += 5.0
    assert not faults.on("binary")
    assert faults.on("gap")
    faults.due("ws-cut")
    assert told == [1]
