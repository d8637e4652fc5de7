"""Every figure of a verdict comes out once more; one that was changed does not."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from liveopt.live.recount import Check, Terms, from_sums, from_trades, left_out, terms_of
from liveopt.live.rulings import Ruling, read_rulings
from liveopt.promotion.conditions import TRADES_MOST, Condition
from liveopt.walk.events import Demote, Promote
from liveopt.walk.lines import read_record
from liveopt.walk.records import OUTPUTS, Trade
from liveopt.walk.verdicts import Verdict
from tests import contest
from tests.run import SYMBOL, contents, opening, run_of, ticks, variants

replaced = msgspec.structs.replace


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Verdicts on one that is made champion and is rolled back again and again."""
    market = contest.waves(1800, half=10)
    terms = replaced(contest.GATE, auto=False, trades_min=1)
    events = [*contest.opening(terms), *market[:1600]]
    for number, first in enumerate(range(1600, 7200, 800)):
        at_ns = market[first - 1].at_ns
        change = Promote(at_ns, "quick", "me", "a test")
        back = Demote(at_ns, SYMBOL, "me", "a test")
        events += [back if number % 2 else change, *market[first : first + 800]]
    return run_of(tmp_path_factory.mktemp("run"), events)


def judged(run: Path) -> list[Ruling]:
    return [one for one in read_rulings(run).all if isinstance(one.record, Verdict)]


def recounted(run: Path, one: Ruling) -> list[Check]:
    assert isinstance(one.record, Verdict)
    terms = terms_of(run, SYMBOL)
    assert terms is not None
    return from_sums(one.record) + from_trades(run, one.record, one.bar_ns, terms)


def test_every_verdict_of_a_run_comes_out_to_the_last_bit(run: Path) -> None:
    found = judged(run)
    assert len(found) >= 3
    for one in found:
        assert [check for check in recounted(run, one) if not check.agrees] == []
    verdicts = [one.record for one in found if isinstance(one.record, Verdict)]
    assert max(v.conditions[0].has or 0.0 for v in verdicts) > TRADES_MOST, "older trades fell out"


def test_the_terms_are_those_of_the_runs_first_input(run: Path, tmp_path: Path) -> None:
    assert terms_of(run, SYMBOL) == Terms(contest.GATE.seed, 60_000_000_000)
    assert terms_of(tmp_path, SYMBOL) is None
    assert terms_of(run_of(tmp_path, contest.opening(None)), SYMBOL) is None


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"total": 20.0}, "log evidence from S, V and rho"),
        ({"squares": 1e4}, "V from the squares and n"),
        ({"log_evidence": 50.0}, "log evidence from S, V and rho"),
        ({"edge": 0.0}, "edge from S and n"),
        ({"low": 0.5}, "the edge's interval, low"),
        ({"high": None}, "the edge's interval, high"),
    ],
)
def test_evidence_that_was_changed_does_not_follow_from_its_sums(
    run: Path, changed: dict[str, Any], name: str
) -> None:
    verdict = judged(run)[0].record
    assert isinstance(verdict, Verdict)
    other = replaced(verdict, evidence=replaced(verdict.evidence, **changed))
    assert name in [check.name for check in from_sums(other) if not check.agrees]


def test_a_condition_that_was_turned_is_told(run: Path) -> None:
    verdict = judged(run)[0].record
    assert isinstance(verdict, Verdict)
    for place, one in enumerate(verdict.conditions):
        turned = list(verdict.conditions)
        turned[place] = replaced(one, ok=not one.ok)
        other = replaced(verdict, conditions=tuple(turned))
        wrong = [check.name for check in from_sums(other) if not check.agrees]
        assert wrong == [f"{one.code} holds"]
    wrong = [c.name for c in from_sums(replaced(verdict, holds=not verdict.holds)) if not c.agrees]
    assert wrong == ["the verdict holds"]


def test_trades_that_are_others_than_those_judged_are_told(run: Path) -> None:
    one = next(one for one in judged(run) if one.record.conditions[0].has > 5)  # type: ignore[union-attr,operator]
    assert isinstance(one.record, Verdict)
    terms = terms_of(run, SYMBOL)
    assert terms is not None
    earlier = from_trades(run, one.record, one.bar_ns - 40 * terms.signal_ns, terms)
    assert not earlier[0].agrees
    other = replaced(one.record, worst_trades=(-1.0,))
    assert [c.agrees for c in from_trades(run, other, one.bar_ns, terms)] == [
        True,
        True,
        False,
        True,
    ]
    stranger = replaced(one.record, variant="bold")
    assert not from_trades(run, stranger, one.bar_ns, terms)[0].agrees


def told(run: Path, one: Ruling, **has: float) -> list[str]:
    """What is different where these conditions were recorded with other figures."""
    verdict, terms = one.record, terms_of(run, SYMBOL)
    assert isinstance(verdict, Verdict)
    assert terms is not None
    own = {c.code: c for c in verdict.conditions}
    own |= {code: Condition(code, value, 0.0, ok=True) for code, value in has.items()}
    other = replaced(verdict, conditions=tuple(own.values()))
    checks = from_trades(run, other, one.bar_ns, terms)
    return [check.name for check in checks if not check.agrees]


def test_win_rate_and_sharpe_ratio_follow_from_the_trades(run: Path) -> None:
    one = next(one for one in judged(run) if one.record.conditions[0].has > 5)  # type: ignore[union-attr,operator]
    assert isinstance(one.record, Verdict)
    end_ns = one.bar_ns + 60_000_000_000
    trades = [
        trade
        for journal in OUTPUTS
        for line in contents(run)[journal]
        if isinstance(trade := read_record(line), Trade)
        and trade.variant == one.record.variant
        and trade.at_ns < end_ns
    ]
    won = sum(1 for trade in trades if trade.net is not None and trade.net > 0.0)
    assert told(run, one, low_win_rate=won / len(trades)) == []
    assert told(run, one, low_win_rate=(won + 1) / len(trades)) == ["win rate of the trades"]
    assert told(run, one, low_sharpe=0.5) == ["Sharpe ratio of the trades"]


def test_what_is_not_recounted_is_named_by_what_was_judged(run: Path) -> None:
    verdict = judged(run)[0].record
    assert isinstance(verdict, Verdict)
    found = left_out(verdict, trades=True)
    assert {"p_value", "unit", "track", "threshold", "tail_risk", "runners_up"} <= set(found)
    assert not {"low_sharpe", "low_roi", "low_score", "low_win_rate"} & set(found)
    poor = (*verdict.conditions, Condition("low_roi", 0.1, 0.0, ok=True))
    assert "low_roi" in left_out(replaced(verdict, conditions=poor), trades=True)
    blind = left_out(verdict, trades=False)
    assert set(blind) - set(found) == {
        "insufficient_samples", "low_confidence", "low_sharpe", "worst_trades",
    }  # fmt: skip


def test_the_seed_is_part_of_the_confidence(run: Path, tmp_path: Path) -> None:
    """Of trades that win and lose, two seeds say different things."""
    verdict, terms = judged(run)[-1].record, terms_of(run, SYMBOL)
    assert isinstance(verdict, Verdict)
    assert terms is not None
    mixed = run_of(tmp_path, [*opening(variants(6)), *(market := ticks(900, step_s=20.0))])
    said = set()
    for seed in range(6):
        own = Terms(seed, terms.signal_ns)
        checks = from_trades(mixed, replaced(verdict, variant="v000"), market[-1].at_ns, own)
        said.add(checks[1].recomputed)
    assert len(said) > 1
