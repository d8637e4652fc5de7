"""How a planted edge is spelled and what it does."""

import pytest

from liveopt.core.bars import MINUTE_NS
from liveopt.exchange_sim.edge import Edge, parse_edge


def test_an_edge_is_spelled_rule_window_size() -> None:
    assert parse_edge("momentum:5m:0.0005") == Edge("momentum", 0.0005, 5 * MINUTE_NS)
    assert parse_edge("reversion:1m:0.001") == Edge("reversion", 0.001, MINUTE_NS)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no edge"),
        ("momentum:5m", "is no edge"),
        ("luck:5m:0.0005", "is no edge"),
        ("momentum:5m:much", "'much' in 'momentum:5m:much' is no number"),
        ("momentum:7m:0.0005", "no interval '7m'"),
        ("momentum:5m:0", r"not within \(0, 0.01\]"),
        ("momentum:5m:0.5", r"not within \(0, 0.01\]"),
        ("momentum:5m:nan", r"not within \(0, 0.01\]"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_edge(text)


@pytest.mark.parametrize(
    ("rule", "past", "per_minute"),
    [
        ("momentum", 0.01, 0.0006),
        ("momentum", -0.01, -0.0006),
        ("momentum", 0.0, 0.0),
        ("reversion", 0.01, -0.0006),
        ("reversion", -0.01, 0.0006),
    ],
)
def test_the_drift_has_the_sign_of_the_rule_and_the_size_per_minute(
    rule: str, past: float, per_minute: float
) -> None:
    edge = parse_edge(f"{rule}:1m:0.0006")
    assert edge.drift_per_s(past) * 60.0 == pytest.approx(per_minute)
