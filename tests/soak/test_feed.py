"""A tenth of the soak at every test run; `make soak-feed` runs all of it."""

import pytest

from liveopt import logs
from tests.soak.feed import PARTS, play


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", PARTS)
def test_a_tenth_of_the_soak(part: str) -> None:
    """Each part asserts for itself that every tick is accounted for."""
    logs.setup(level="error")
    assert play(part, 0.1, seed=1)["part"] == part
