"""Where a record stands: read back from what was told, and nothing else is."""

from liveopt.web.kept import JOURNALS, Place, before_all, place_of


def test_a_place_is_read_back_and_nothing_else_is() -> None:
    place = Place(17, "trades", 4)
    assert place_of(str(place)) == place
    for text in ("", "1", "1.2", "1.2.3.4", "a.b.c", "1.9.3", "-1.0.3", "1.0.\u0663"):
        assert place_of(text) is None


def test_before_all_of_a_time_is_told_and_read_like_any_place() -> None:
    there = before_all(17)
    assert place_of(str(there)) == there
    for journal in JOURNALS:
        assert Place(16, journal, 9) < there < Place(17, journal, 1)
