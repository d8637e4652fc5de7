"""ulta_inversion_report_<ts>.md, and ulta_<ts>.csv with every strategy of the file.

The report has the most improved; a file of a hundred thousand strategies would make no readable
one.
"""

import csv
import io
from typing import Final

import numpy as np

from liveopt.data.panel.panel import Ints
from liveopt.portfolio.reports.gist import stamp
from liveopt.portfolio.reports.layout import file, grid
from liveopt.portfolio.reports.words import cell, code, number, plural
from liveopt.portfolio.result import Report
from liveopt.portfolio.ulta import SUFFIX, Ulta

MOST: Final = 200
"""Strategies in the report."""
HEADER: Final = (
    "Strategy_Index", "Strategy_Name", "Was_Inverted", "Original_ROI", "Original_Drawdown",
    "Original_Ratio", "Inverted_ROI", "Inverted_Drawdown", "Inverted_Ratio", "Improvement_Percent",
)  # fmt: skip


def improved(ulta: Ulta) -> Ints:
    """Those inverted, the most improved first; of equals the first in the file."""
    who = np.flatnonzero(ulta.inverted)
    return who[np.argsort(-ulta.improvement()[who], kind="stable")]


def csv_of(report: Report) -> bytes:
    """Every strategy of the file in its order; of those that stayed the last four are empty."""
    ulta = report.outcome.ulta
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    before, after = ulta.before, ulta.after
    columns = [
        c.tolist()
        for c in (
            before.roi, before.drawdown, before.ratio, after.roi, after.drawdown, after.ratio,
            ulta.improvement(),
        )
    ]  # fmt: skip
    turned = ulta.inverted.tolist()
    for i, (name, *values) in enumerate(zip(ulta.names, *columns, strict=True)):
        found = values if turned[i] else values[:3] + [""] * 4
        writer.writerow([i, cell(name), "true" if turned[i] else "false", *found])
    return text.getvalue().encode("utf-8", "backslashreplace")


def markdown(report: Report) -> bytes:
    """The report."""
    ulta, terms = report.outcome.ulta, report.terms
    who = improved(ulta)
    count = len(ulta.names)
    lost = -float(ulta.before.roi[who].sum())
    gain = float((ulta.after.roi[who] - ulta.before.roi[who]).sum())
    lines = ["# ULTA inversion report", "", f"Run `{report.run}`.", ""]
    if terms.ulta == "off":
        lines += ["**Nothing was examined: ULTA is off** (`portfolio.ulta`)."]
    elif len(who):
        verb = "was" if len(who) == 1 else "were"
        lines += [
            f"**{len(who):,} of {plural(count, 'strategy')} ({len(who) / count:.1%}) {verb}"
            f" inverted.** Together they lost {number(lost, 'money')};"
            f" traded the other way they earn as much, {number(gain, 'money')} more than before."
        ]
    else:
        lines += [f"**None of {plural(count, 'strategy')} was inverted.**"]
    lines += ["", *_rule(report)]
    if len(who):
        lines += ["", "## The most improved", "", *_table(ulta, who[:MOST])]
        if len(who) > MOST:
            lines += [
                "",
                f"{len(who) - MOST:,} more were inverted; `ulta_{stamp(report)}.csv` has every"
                " strategy, and the workbook's sheet ULTA those most improved.",
            ]
    lines += ["", "## What the columns mean", "", *_meanings()]
    return file(lines)


def _rule(report: Report) -> list[str]:
    terms = report.terms
    if terms.ulta == "off":
        return []
    told = (
        "Rule: a strategy whose profit over the size of its worst session is below 0 is traded the"
        f" other way if that is better. It is then called by its name and `{SUFFIX}`, and stands"
        " after all others."
    )
    if terms.ulta == "gated":
        told += (
            f" Gated: only if it loses more than {number(-terms.ulta_roi_below, 'money')}, on"
            f" {plural(terms.ulta_negative_sessions, 'session')} and"
            f" {terms.ulta_negative_share:.0%} of all at least."
        )
    kept = len(report.outcome.sessions)
    return [
        told,
        "",
        f"Examined: {plural(kept, 'session')}, those that count, weighted by regime confidence. The"
        " gain is in sample: a strategy is inverted because it lost on the very sessions that it"
        " is then measured on, and about half of any random sample loses and would be inverted.",
        "",
        "The gain is also before costs. Where the file's profits are net of costs, inverting a"
        " strategy turns its costs into gains, though trading the other way costs as well.",
    ]


def _table(ulta: Ulta, who: Ints) -> list[str]:
    better = ulta.improvement()
    rows = [
        [
            str(rank + 1), code(ulta.names[i]),
            number(float(ulta.before.roi[i]), "money"), number(float(ulta.after.roi[i]), "money"),
            number(float(ulta.before.drawdown[i]), "money"),
            number(float(ulta.after.drawdown[i]), "money"),
            number(float(ulta.before.ratio[i])), number(float(ulta.after.ratio[i])),
            number(float(better[i]) / 100.0, "share"),
        ]
        for rank, i in enumerate(who.tolist())
    ]  # fmt: skip
    header = [
        "Rank", "Strategy", "ROI", "ROI inverted", "Worst session", "Worst inverted", "Ratio",
        "Ratio inverted", "Improvement",
    ]  # fmt: skip
    return grid(header, rows, left=2)


def _meanings() -> list[str]:
    return [
        "- **ROI**: profit of all sessions, in the file's currency.",
        "- **Worst session**: the lowest profit of one session, ULTA's drawdown; not a decline from"
        " a peak.",
        "- **Ratio**: ROI over the size of the worst session.",
        "- **Improvement**: by how much of its own size the ratio has risen.",
    ]
