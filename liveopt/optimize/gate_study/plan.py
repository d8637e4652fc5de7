"""What a study runs, and the table of studies whose figures the documents show."""

from typing import Final

import msgspec


class Plan(msgspec.Struct, frozen=True):
    """Worlds of one kind: so many without an edge, with one, and so many champions' lives."""

    variants: int = 100
    bars: int = 5_000
    seed: int = 1
    rhos: tuple[float, ...] = (0.3, 0.5, 0.9)
    """Correlations that the runs are dealt to, in turns."""
    df: float = 3.0
    true: int = 1
    edge: float = 0.05
    crash: float = 0.0
    ar: float = 0.0
    turnover: float = 0.0
    nulls: int = 200
    edges: int = 200
    lives: int = 0
    stepm: int = 30
    """Runs of each kind in which StepM looks on."""

    def variant_bars(self) -> int:
        """All of the work; a life is two worlds and a half, and only in the first are all there."""
        return self.variants * self.bars * (self.nulls + self.edges + 2 * self.lives)


def _null(variants: int, runs: int, **more: float) -> Plan:
    return msgspec.structs.replace(Plan(variants=variants, nulls=runs, edges=0), **more)


def _edge(variants: int, true: int, edge: float, rho: float, runs: int) -> Plan:
    return Plan(
        variants=variants, true=true, edge=edge, rhos=(rho,), nulls=0, edges=runs, stepm=10
    )  # fmt: skip


SUITE: Final[dict[str, Plan]] = {
    "null, 100 variants": _null(100, 1_000, stepm=100),
    "null, 1,000 variants": _null(1_000, 1_000),
    "null, 10,000 variants": _null(10_000, 200, stepm=6),
    "null, 100, a tenth replaced every 25": _null(100, 1_000, turnover=0.1),
    "null, 100, crash .02": _null(100, 500, crash=0.02, df=0.0),
    "null, 100, crash .002": _null(100, 500, crash=0.002, df=0.0),
    "null, 100, autocorrelation .1": _null(100, 500, ar=0.1),
    "null, 100, autocorrelation .3": _null(100, 500, ar=0.3),
    "edge .05 of 1 in 100": _edge(100, 1, 0.05, 0.5, 400),
    "edge .08 of 1 in 100": _edge(100, 1, 0.08, 0.5, 400),
    "edge .05 of 1 in 100, rho .9": _edge(100, 1, 0.05, 0.9, 400),
    "edge .05 of 10 in 1,000": _edge(1_000, 10, 0.05, 0.5, 100),
    "edge .08 of 10 in 1,000": _edge(1_000, 10, 0.08, 0.5, 100),
    "lives, edge .05 of 1 in 100": Plan(rhos=(0.5,), nulls=0, edges=0, lives=400),
}
"""Names and plans."""
