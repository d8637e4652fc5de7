"""Both errors over time as a drawing: who lets chance through, and who misses an edge."""

from collections.abc import Mapping, Sequence
from typing import Final

from liveopt.optimize.gate_study.crew import Found
from liveopt.optimize.gate_study.plan import Plan
from liveopt.optimize.gate_study.report import GATES

COLOURS: Final[Mapping[str, str]] = {
    "gate": "#0b6e4f",
    "naive": "#c1121f",
    "eager": "#780000",
    "bonferroni": "#e09f3e",
    "stepm": "#3a86ff",
    "oracle": "#6c757d",
}
WIDE, HIGH, LEFT, TOP, APART = 360, 220, 50, 40, 80
TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
ALPHA: Final = 0.05
"""The error that is allowed, drawn as a line."""
Line = list[tuple[float, float]]


def curve(bars: Sequence[float], end: float) -> Line:
    """The share that has happened by each bar, as steps; what never happens is infinite."""
    share, line = 0.0, [(0.0, 0.0)]
    for n, bar in enumerate(sorted(b for b in bars if b <= end), start=1):
        line += [(bar, share), (bar, n / len(bars))]
        share = n / len(bars)
    return [*line, (end, share)]


def errors(found: Found) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """By gate: when each run first errs, and when each edge is found."""
    false = {g: [t.false[g] for t in found.nulls if g in t.false] for g in GATES}
    gates = (*GATES, "oracle")
    right = {g: [b for t in found.edges if g in t.found for b in t.found[g]] for g in gates}
    return {g: v for g, v in false.items() if v}, {g: v for g, v in right.items() if v}


def drawing(plan: Plan, found: Found) -> str:
    """The figure as SVG."""
    end = float(plan.bars)
    false, right = errors(found)
    wrong = {gate: curve(bars, end) for gate, bars in false.items()}
    missed = {g: [(x, 1.0 - y) for x, y in curve(bars, end)] for g, bars in right.items()}
    if "oracle" in missed:  # it is asked once: a level, for comparison
        missed["oracle"] = [(0.0, missed["oracle"][-1][1]), missed["oracle"][-1]]
    width, height = 2 * (LEFT + WIDE) + APART, TOP + HIGH + 70
    rhos = ", ".join(f"{rho:g}" for rho in plan.rhos)
    law = f"t({plan.df:g})" if plan.df else "normal"
    about = f"{plan.variants:,} variants, rho {rhos}, {law}, seed {plan.seed}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *_panel(LEFT, f"false promotion: {len(found.nulls)} runs without an edge", wrong, end),
        f'<path d="M{LEFT} {TOP + HIGH * (1.0 - ALPHA):.1f}h{WIDE}" stroke="#555"'
        ' stroke-dasharray="4 3"/>',
        *_panel(
            2 * LEFT + WIDE + APART // 2,
            f"not found yet: edge {plan.edge:g} of {plan.true} in {len(found.edges)} runs",
            missed,
            end,
        ),
        *_legend([g for g in COLOURS if g in wrong or g in missed], height - 12),
        f'<text x="{width - 10}" y="{height - 12}" text-anchor="end">{about}</text>',
        "</svg>\n",
    ]
    return "\n".join(parts)


def _panel(left: float, title: str, lines: Mapping[str, Line], end: float) -> list[str]:
    bottom = TOP + HIGH
    parts = [f'<text x="{left}" y="{TOP - 14}" font-weight="bold">{title}</text>']
    for tick in TICKS:
        x, y = left + tick * WIDE, bottom - tick * HIGH
        parts += [
            f'<path d="M{left} {y:.1f}h{WIDE}" stroke="#ddd"/>',
            f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:.0%}</text>',
            f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick * end:.0f}</text>',
        ]
    parts.append(
        f'<text x="{left + WIDE / 2}" y="{bottom + 32}" text-anchor="middle">signal bars</text>'
    )
    for gate, line in lines.items():
        places = " ".join(f"{left + x / end * WIDE:.1f},{bottom - y * HIGH:.1f}" for x, y in line)
        dots = ' stroke-dasharray="2 3"' if gate == "oracle" else ""
        parts.append(
            f'<polyline points="{places}" fill="none" stroke="{COLOURS[gate]}"'
            f' stroke-width="1.6"{dots}/>'
        )
    return parts


def _legend(gates: Sequence[str], y: float) -> list[str]:
    parts = []
    for n, gate in enumerate(gates):
        x = LEFT + 85 * n
        parts += [
            f'<path d="M{x} {y - 4}h16" stroke="{COLOURS[gate]}" stroke-width="3"/>',
            f'<text x="{x + 20}" y="{y}">{gate}</text>',
        ]
    return parts
