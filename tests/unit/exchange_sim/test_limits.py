"""Quotas and visits."""

from liveopt.exchange_sim.limits import Limits, Quotas, Visits, Window


def test_a_window_begins_with_its_first_use_and_refusals_cost_nothing() -> None:
    window = Window(10, 30.0)
    assert window.take(6, 100.0)
    assert not window.take(5, 110.0)
    assert window.take(4, 129.9)
    assert window.left_s(120.0) == 10.0
    assert not window.take(1, 129.9)
    assert window.take(10, 130.0)


def test_a_quota_counts_weights_by_pool_and_by_who() -> None:
    quotas = Quotas({"public": 20})
    passed, headers = quotas.take("public", "me", 15, 0.0)
    assert passed
    assert headers == {
        "gw-ratelimit-limit": "20",
        "gw-ratelimit-remaining": "5",
        "gw-ratelimit-reset": "30000",
    }
    passed, headers = quotas.take("public", "me", 15, 12.5)
    assert not passed
    assert headers["gw-ratelimit-remaining"] == "0"
    assert headers["gw-ratelimit-reset"] == "17500"
    assert quotas.take("public", "you", 15, 12.5)[0]
    assert quotas.take("spot", "me", 15, 12.5)[0]
    assert quotas.take("public", "me", 15, 30.0)[0]


def test_what_is_over_is_forgotten() -> None:
    quotas = Quotas()
    for number in range(100):
        quotas.take("public", f"client {number}", 1, number * 31.0)
    assert len(quotas._windows) == 1


def test_visitors_are_counted_by_minute_and_by_open_sockets() -> None:
    visits = Visits(Limits(connects=3, sessions=2))
    assert visits.enter("me", 0.0) == ""
    assert visits.enter("me", 1.0) == ""
    assert visits.enter("me", 2.0) == "exceed max session count limitation of 2"
    assert visits.enter("me", 3.0) == "service busy, please retry later"
    visits.leave("me")
    assert visits.enter("me", 60.0) == ""
    assert visits.enter("you", 60.0) == ""
