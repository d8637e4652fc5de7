"""What speaks against a result."""

import math
from typing import Any

import pytest

from liveopt.optimize.objective import parse_constraint
from liveopt.optimize.studies.verdict import decay, failures

SOUND: dict[str, float] = {"roi": 0.2, "trades": 40.0, "max_drawdown": 0.1}


def said(
    late: dict[str, float] | None = None, left: float = 0.8, deflated: float = 0.99, **main: float
) -> list[str]:
    walk: dict[str, Any] = {"decay": left}
    rules = [parse_constraint("max_drawdown<=0.2")]
    return failures(walk, [SOUND | main, SOUND | (late or {})], deflated, rules)


def test_what_holds_passes() -> None:
    assert said() == []
    assert said(left=math.nan) == []  # nothing to lose in sample is judged by the rest


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (said(roi=0.0), "return out of sample is 0 on the main account"),
        (said(late={"roi": -0.1}), "return out of sample is -0.1 on the pessimistic account"),
        (said(trades=29.0), "29 trades out of sample are fewer than 30"),
        (said(late={"max_drawdown": 0.3}), "max_drawdown<=0.2 does not hold"),
        (said(deflated=0.94), "deflated Sharpe ratio is 0.94"),
        (said(deflated=math.nan), "deflated Sharpe ratio is nan"),
        (said(left=0.49), "0.49 is left"),
    ],
)
def test_each_fault_fails_it_alone_and_is_named(found: list[str], words: str) -> None:
    (one,) = found
    assert words in one


def test_decay_is_out_over_in_where_there_was_something_to_lose() -> None:
    assert decay(2.0, 1.0) == 0.5
    assert decay(2.0, -1.0) == -0.5
    assert math.isnan(decay(0.0, 1.0))
    assert math.isnan(decay(-1.0, 1.0))
