"""The last sessions, held back from the search: how its portfolios do where nobody chose them.

The only figures of a run that luck in choosing has not touched. Who is turned round, and who is
a member, was decided before.
"""

import numpy as np

from liveopt.config.portfolio import Portfolio
from liveopt.data.panel.panel import Float64, Panel
from liveopt.portfolio import regimes
from liveopt.portfolio.aim import Aim, balance_of
from liveopt.portfolio.gather import CpuGather
from liveopt.portfolio.likeness import likeness
from liveopt.portfolio.result import Held, Members, Outcome


def cut(panel: Panel, share: float) -> tuple[Panel, Panel | None]:
    """Sessions to search on, and those held back; no day is in both."""
    if not share:
        return panel, None
    days = np.unique(panel.sessions.date)
    kept = round((1.0 - share) * len(days))
    if not 0 < kept < len(days):
        raise regimes.NoSessions(
            f"holdout {share:g} of {len(days)} days leaves none on one side; take another share"
        )
    before = panel.sessions.date < days[kept]
    return panel.sessions_of(before), panel.sessions_of(~before)


def look(back: Panel, outcome: Outcome, terms: Portfolio) -> Held:
    """The run's leaders in these sessions."""
    weighed, _ = regimes.apply(back, terms.regime_confidence, terms.regime_transition)
    order = outcome.ulta.order()
    found = []
    for one in outcome.leaders:
        pnl = as_traded(weighed.pnl, outcome, one.members)
        like = likeness(pnl, terms.correlation)
        gather, sets = CpuGather(pnl, like), np.arange(len(pnl), dtype=np.int32)[None]
        balance = balance_of(terms, list(back.groups), back.group[order], len(pnl))
        own = balance.of(np.array(one.members)) if balance is not None else None
        aim = Aim(terms, outcome.money, outcome.regimes.confidence, own)
        series, figures = aim.figures(sets, gather)
        fitness = float(aim.fitness(sets, gather)[0])
        found.append((one.origin, fitness, series[0], figures.row(0)))
    best = found[0]
    return Held(
        sessions=weighed.sessions, series=best[2], figures=best[3], fitness=best[1],
        leaders={origin: (fitness, figures) for origin, fitness, _, figures in found},
    )  # fmt: skip


def as_traded(pnl: Float64, outcome: Outcome, members: Members) -> Float64:
    """Members as they are traded: their places in the file, some turned round."""
    at = outcome.ulta.order()[np.array(members, np.int64)]
    sign = np.where(outcome.ulta.inverted[at], -1.0, 1.0)
    return np.ascontiguousarray(pnl[at] * sign[:, None])
