"""A decision of the gate as plain data: for programs, whoever asks."""

from collections.abc import Mapping
from typing import Any, Final

from liveopt.live.rulings import Ruling
from liveopt.walk.explain import e_value
from liveopt.walk.verdicts import Demoted, Promoted, SeasonEnded, Verdict, Warned

KINDS: Final[Mapping[type, str]] = {
    Verdict: "verdict",
    Promoted: "promotion",
    Demoted: "demotion",
    Warned: "warning",
    SeasonEnded: "season_end",
}
EMPTY: Final[Mapping[str, Any]] = dict.fromkeys(
    (
        "variant", "champion", "track", "evidence", "n", "holds", "stopped_by", "became", "earned",
        "verdict", "by", "why",
    )
)  # fmt: skip
"""What not every kind has."""


def facts(one: Ruling) -> dict[str, Any]:
    """One for programs; the keys are those that `liveopt promotions list --help` names."""
    record = one.record
    head = {"id": one.id, "kind": KINDS[type(record)], "at_ns": record.at_ns}
    said: dict[str, Any] = {**head, "symbol": record.symbol, **EMPTY}
    match record:
        case Verdict():
            said |= {
                "variant": record.variant,
                "champion": record.champion,
                "track": record.track,
                "evidence": e_value(record.evidence.log_evidence),
                "n": int(record.evidence.count),
                "holds": record.holds,
                "stopped_by": list(record.stopped_by),
                "became": one.became,
            }
        case Promoted():
            said |= {"variant": record.variant, "champion": record.predecessor}
            said |= {"verdict": record.verdict or None} | _whose(record)
        case Demoted():
            said |= {"variant": record.restored, "champion": record.variant} | _whose(record)
        case Warned():
            said |= {"champion": record.variant}
        case SeasonEnded():
            pass
    return said


def _whose(record: Promoted | Demoted) -> dict[str, Any]:
    return {"earned": record.earned, "by": record.by, "why": record.why}
