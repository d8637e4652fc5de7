"""The steps of a run: how far all of it is, and how long each took."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.portfolio.steps import WEIGHTS, Progress, Steps


def test_progress_rises_from_step_to_step_to_the_end() -> None:
    heard: list[Progress] = []
    steps = Steps(heard.append)
    for name in WEIGHTS:
        steps.begin(name, f"{name} begins")
        for share in (0.3, 1.0, 1.7):
            steps.tell(share, name)
    steps.end()
    shares = [one.share for one in heard]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] == pytest.approx(1.0)
    assert max(shares) <= 1.0 + 1e-12
    assert [one.step for one in heard[::4]] == list(WEIGHTS)
    assert heard[0].words == "load begins"


def test_a_step_is_as_far_as_its_weight_says() -> None:
    heard: list[Progress] = []
    steps = Steps(heard.append)
    steps.begin("correlation", "")
    steps.tell(0.5, "half")
    before = WEIGHTS["load"] + WEIGHTS["validate"] + WEIGHTS["ulta"]
    total = sum(WEIGHTS.values())
    assert heard[0].share == pytest.approx(before / total)
    assert heard[1] == Progress(
        "correlation", (before + 0.5 * WEIGHTS["correlation"]) / total, "half"
    )


@given(st.integers(1, 5))
def test_laps_share_the_way(laps: int) -> None:
    heard: list[Progress] = []
    steps = Steps(heard.append)
    for lap in range(laps):
        steps.lap(lap, laps)
        for name in ("ulta", "correlation", "algorithms", "select", "metrics"):
            steps.begin(name, "")
            steps.tell(1.0, "")
    shares = [one.share for one in heard]
    assert shares == sorted(shares)
    assert (laps - 1) / laps < shares[-1] <= 1.0


def test_time_is_kept_of_each_step_and_adds_up_over_laps() -> None:
    steps = Steps()
    steps.begin("ulta", "")
    steps.begin("select", "")
    first = steps.seconds["ulta"]
    steps.begin("ulta", "")
    steps.begin("select", "")
    steps.end()
    assert list(steps.seconds) == ["ulta", "select"]
    assert 0.0 < first < steps.seconds["ulta"]
    kept = dict(steps.seconds)
    steps.end()
    assert steps.seconds == kept
