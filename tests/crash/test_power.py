"""200,000 states after a power loss at every test run; `python -m tests.crash.power` draws more."""

import pytest

from tests.crash.power import run

STATES = 50_000


@pytest.mark.parametrize("seed", range(1, 5))
@pytest.mark.slow
def test_a_power_loss_keeps_what_was_synced_and_invents_and_blames_nothing(seed: int) -> None:
    tally = run(STATES, seed)
    assert tally.wrong == []
    assert tally.states >= STATES
    # Were nearly all of them alike, the rest would prove nothing.
    assert tally.verdicts["torn"] > STATES // 10
    assert tally.verdicts["clean"] > STATES // 10
    assert tally.kinds["missing"] > STATES // 100


def test_a_power_loss_in_short() -> None:
    assert run(2_000, seed=5).wrong == []
