"""Settings of a run in words."""

from collections.abc import Mapping
from typing import Final

from liveopt.config.portfolio import Portfolio
from liveopt.portfolio.aim import (
    LEGACY_SHARE,
    RISK_ALLOWED,
    RISK_WEIGHT,
    SHARPE_LEAST,
    SORTINO_WEIGHT,
)

OWN: Final = {"share"}
"""Of the machine, which say nothing of a run."""


def aim_words(terms: Portfolio) -> str:
    """The fitness as a formula in words."""
    weight = f"{terms.penalty_weight:g}"
    legacy = (
        f"{terms.metric} - {weight} x mean correlation"
        if terms.penalty == "subtractive"
        else f"{terms.metric} x (1 - {weight} x mean correlation)"
    )
    legacy = "-" * (terms.metric == "drawdown") + legacy
    if halves(terms):
        legacy += f", half of it where the drawdown is below {terms.drawdown_threshold:g}"
    enhanced = (
        f"(Kelly x max(Sharpe, {SHARPE_LEAST:g}) x regime confidence - {RISK_WEIGHT:g}"
        f" x max(0, |VaR 95 %| - {RISK_ALLOWED:g})) x (1 + {SORTINO_WEIGHT:g}"
        " x max(0, Sortino - Sharpe))"
    )
    balance = " - balance of groups" if terms.balance_penalty else ""
    return {
        "legacy": legacy,
        "enhanced": enhanced,
        "hybrid": f"{LEGACY_SHARE:g} x ({legacy}) + {1.0 - LEGACY_SHARE:g} x {enhanced}",
    }[terms.fitness] + balance


def aim_brief(terms: Portfolio) -> str:
    """The same where there is little room."""
    brief = {
        "enhanced": "enhanced (Kelly, Sharpe, value at risk, Sortino)",
        "hybrid": f"hybrid ({LEGACY_SHARE:g} legacy + {1.0 - LEGACY_SHARE:g} enhanced)",
    }
    return brief.get(terms.fitness) or aim_words(terms)


def halves(terms: Portfolio) -> bool:
    """Whether the legacy fitness is halved below some drawdown."""
    return terms.metric in {"ratio", "drawdown"} and terms.drawdown_threshold > 0.0


def listed(terms: Portfolio) -> Mapping[str, str]:
    """Those of the run as text."""
    found = terms.model_dump(mode="json", exclude=OWN)
    return {
        name: ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
        for name, value in found.items()
    }
