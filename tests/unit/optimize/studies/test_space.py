"""Between a strategy's parameters and the space that is searched."""

import numpy as np
import pytest

from liveopt.optimize.parameters import BadParameter
from liveopt.optimize.studies.plan import Span
from liveopt.optimize.studies.space import groups, parse_ranges, space_of, usual_ranges
from liveopt.strategies import load

CROSSING = load()["ma_crossover"]


def test_every_knob_and_choice_is_searched_but_what_is_fixed() -> None:
    found = usual_ranges(CROSSING, {"fast": 10.0})
    assert found == {"kind": ["ema", "sma", "wma"], "slow": Span(3.0, 600.0, 1.0)}


def test_ranges_are_read_from_words() -> None:
    found = parse_ranges(CROSSING, "fast=5:50, slow=60:200:10,kind=ema|sma,stop=0.01:0.1")
    assert found == {
        "fast": Span(5.0, 50.0, 1.0), "slow": Span(60.0, 200.0, 10.0), "kind": ["ema", "sma"],
        "stop": Span(0.01, 0.1, 0.0),
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["fast=5", "fast=50:5", "fast=0:50", "speed=1:2", "kind=ema|best", "fast=5:9,fast=6:7",
     "fast=5:50:-1", "fast=5:50:1:2", "fast=5.5:9", "fast=a:b", "stop=0.01:9"],
)  # fmt: skip
def test_a_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadParameter):
        parse_ranges(CROSSING, text)


def test_candidates_become_variants_that_keep_the_rule_and_the_fixed() -> None:
    fixed: dict[str, float | str] = {"fast": 20.0, "fraction": 0.5}
    space = space_of(CROSSING, usual_ranges(CROSSING, fixed), fixed)
    batch = space.settle(space.sample(500, np.random.default_rng(1)))
    seen = np.zeros(500, int)
    for places, variants in groups(space, batch, CROSSING, fixed):
        seen[places] += 1
        assert np.all(variants.knobs["fast"] == 20.0)
        assert np.all(variants.knobs["slow"] > 20.0)
        assert np.all(variants.risk["fraction"] == 0.5)
        for at, place in enumerate(places):
            record = space.record(batch[place])
            assert variants.parameters(at) == {**fixed, **record}
    assert np.all(seen == 1)


def test_nothing_to_search_is_refused() -> None:
    with pytest.raises(BadParameter, match="fixed"):
        space_of(CROSSING, {}, {"fast": 5.0, "slow": 9.0, "kind": "ema"})
