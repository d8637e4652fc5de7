"""100,000 ticks at every whole test run; `python -m tests.soak.live` sends ten million."""

from pathlib import Path

import pytest

from tests.soak.live import soak, wrong


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_service_does_not_grow(tmp_path: Path) -> None:
    found = soak(tmp_path / "soak", 100_000, first=30_000)
    assert wrong(found, growth_max=0.05) == []
    assert found["ticks"] >= 100_000
    assert found["heard"]["Entered"] > 0
