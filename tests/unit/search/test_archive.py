"""What has been evaluated is remembered, up to a bound."""

import pytest

from liveopt.search import archive
from liveopt.search.archive import Archive


def test_the_first_fitness_of_a_key_counts() -> None:
    known = Archive()
    known.add(b"a", (1.0, 2.0))
    known.add(b"a", (9.0, 9.0))
    known.add(b"b", (3.0, 4.0))
    assert len(known) == 2
    assert b"a" in known
    assert b"c" not in known
    assert known.fitness([b"b", b"a"]).tolist() == [[3.0, 4.0], [1.0, 2.0]]


def test_the_oldest_are_forgotten_but_not_those_that_are_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive, "KEPT_MAX", 3)
    known = Archive()
    for key in (b"a", b"b", b"c"):
        known.add(key, (0.0,))
    known.touch([b"a", b"x"])
    known.add(b"d", (0.0,))
    assert known.keys() == [b"c", b"a", b"d"]
