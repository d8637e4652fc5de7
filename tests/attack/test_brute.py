"""No guess opens anything, and an honest client of the guesser's address is answered as ever."""

from pathlib import Path

import pytest

from tests.attack.brute import run


@pytest.mark.timeout(120)
def test_no_guess_is_a_key_and_the_right_key_is_always_listened_to(tmp_path: Path) -> None:
    found = run(tmp_path, tries=4_000)
    assert found.hits == 0
    assert found.tries >= 4_000
    assert set(found.statuses) == {"401", "429"}
    assert found.honest_ms["failed"] == 0
    assert found.honest_ms["count"] > 10
    assert found.rss_mib <= 16
