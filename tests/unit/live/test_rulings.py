"""What became of verdicts, as the journals tell it."""

from pathlib import Path

import msgspec
import pytest

from liveopt.live.rulings import Became, Ruling, read_rulings
from liveopt.walk.events import Demote, Input, Pause, Promote, Resume, Retire
from liveopt.walk.verdicts import Demoted, Promoted, SeasonEnded, Verdict
from tests import contest
from tests.run import SYMBOL, run_of

MARKET = contest.waves(500)
HELD = "XBTUSDTM-1-2"


def events(bars: int, *after: Input, **gate: float) -> list[Input]:
    """A contest up to a bar with nobody promoted by itself, then these, then the next hour."""
    terms = msgspec.structs.replace(contest.GATE, **{"auto": False} | gate)
    end = bars * contest.TICKS_A_BAR
    return [*contest.opening(terms), *MARKET[:end], *after, *MARKET[end : end + 240]]


def ruled(folder: Path, *after: Input, bars: int = 200, **gate: float) -> dict[str, Ruling]:
    found = read_rulings(run_of(folder, events(bars, *after, **gate))).all
    assert len({one.id for one in found}) == len(found), "each has a name of its own"
    return {one.id: one for one in found}


AT_NS = MARKET[800].at_ns


@pytest.mark.parametrize(
    ("after", "became"),
    [
        ((), "waits"),
        ((Promote(AT_NS, "quick", "me", "it passed"),), "promoted"),
        ((Promote(AT_NS, "late", "me", "a hunch"),), "overtaken"),
        ((Retire(AT_NS, ("quick",), "me"),), "gone"),
        ((Retire(AT_NS, ("late",), "me"),), "waits"),
        ((Pause(AT_NS, ("quick",), "me"),), "withdrawn"),
        ((Pause(AT_NS, ("late",), "me"),), "waits"),
        ((Pause(AT_NS, ("quick",), "me"), Resume(AT_NS, ("quick",), "me")), "waits"),
    ],
)
def test_what_became_of_a_verdict(tmp_path: Path, after: tuple[Input, ...], became: Became) -> None:
    found = ruled(tmp_path, *after)
    assert found["XBTUSDTM-1-1"].became == "falls_short"
    assert found[HELD].became == became


def test_who_was_paused_since_the_last_look_is_paused_and_from_the_next_on_it_is_withdrawn(
    tmp_path: Path,
) -> None:
    head = events(200)[: -60 * contest.TICKS_A_BAR]
    run = run_of(tmp_path, [*head, Pause(AT_NS, ("quick",), "me")])
    assert {one.id: one.became for one in read_rulings(run).all}[HELD] == "paused"


def test_who_was_promoted_by_hand_when_its_verdict_held_no_longer_had_it_withdrawn(
    tmp_path: Path,
) -> None:
    """The promotion says itself whether it was earned; the verdict of old does not earn it."""
    rulings = read_rulings(run_of(tmp_path, events(200)))
    (waiting,) = rulings.waiting
    assert isinstance(waiting.record, Verdict)
    own = waiting.record
    change = Promoted(own.at_ns, SYMBOL, "quick", "main", "", False, "me", "so I say", 2)
    rulings.take(900, change)
    assert waiting.became == "withdrawn"


def test_what_waits_when_the_run_ends_waits_no_more(tmp_path: Path) -> None:
    rulings = read_rulings(run_of(tmp_path, events(200)))
    rulings.ended()
    assert {one.id: one.became for one in rulings.all}[HELD] == "ended"
    assert rulings.waiting == []


def test_changes_are_in_their_order_and_called_by_their_records(tmp_path: Path) -> None:
    back = Demote(AT_NS, SYMBOL, "me", "enough")
    found = list(ruled(tmp_path, Promote(AT_NS, "quick", "me", "it passed"), back).values())
    kinds = [type(one.record) for one in found]
    assert kinds == [Verdict, Verdict, Promoted, Demoted]
    assert [one.id.split("-")[0] for one in found[2:]] == ["change", "change"]


def held(found: dict[str, Ruling]) -> Ruling:
    """The last verdict of the first season that holds."""
    own = [one for one in found.values() if isinstance(one.record, Verdict)]
    return [one for one in own if one.record.holds and one.record.epoch == 1][-1]  # type: ignore[union-attr]


def test_a_new_season_overtakes_what_waits_and_the_last_one_does_not(tmp_path: Path) -> None:
    renewed = ruled(tmp_path / "a", bars=240, season=100, new_seasons=True)
    assert any(isinstance(one.record, SeasonEnded) for one in renewed.values())
    assert held(renewed).became == "overtaken"
    ended = ruled(tmp_path / "b", bars=240, season=100)
    assert any(isinstance(one.record, SeasonEnded) for one in ended.values())
    assert held(ended).became == "waits"


def test_a_newer_verdict_on_the_same_variant_takes_the_place_of_the_older(tmp_path: Path) -> None:
    found = ruled(tmp_path)
    held = found[HELD].record
    assert isinstance(held, Verdict)
    rulings = read_rulings(tmp_path / "run")
    rulings.take(900, msgspec.structs.replace(held, id="again"))
    rulings.take(901, msgspec.structs.replace(held, id="no", holds=False))
    became = {one.id: one.became for one in rulings.all}
    assert (became[HELD], became["again"], became["no"]) == (
        "overtaken",
        "withdrawn",
        "falls_short",
    )
    assert rulings.waiting == []


def test_who_was_paused_and_then_retired_is_gone(tmp_path: Path) -> None:
    head = events(200)[: -60 * contest.TICKS_A_BAR]
    after: list[Input] = [Pause(AT_NS, ("quick",), "me"), Retire(AT_NS, ("quick",), "me")]
    found = {one.id: one.became for one in read_rulings(run_of(tmp_path, [*head, *after])).all}
    assert found[HELD] == "gone"
