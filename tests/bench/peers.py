"""liveopt beside other back-testers: first that they agree, then how many times faster it is.

Run by `make bench-peers`, in the peers' own environment; liveopt answers from the product's. Costs
are CPU seconds of one thread over the work done, measured in turns, round by round, so that what
else the machine does falls on all alike. A ratio is the median of the rounds' ratios.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import statistics
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.agreement import TOLERANCE, Agreement, compare
from tests.bench.link import ROOT, Worker
from tests.bench.market import BARS, grid

NOISY = 1.25
"""A round that cost so many times another shows that the machine had other things to do."""
LIVE_VARIANTS = 1_000
VECTORBT, RAPTORBT, NAUTILUS = "vectorbt", "raptorbt", "nautilus_trader"
ENGINES = ("numba", "rust")
OPEN = "next_bar_open"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is done. Costs are per variant and bar, so slow peers may do less."""

    bars: int = BARS
    rounds: int = 3
    checked: tuple[int, int] = (20, 25)
    """Fast by slow windows whose every order is compared."""
    ours: tuple[int, int] = (100, 100)
    peers: tuple[int, int] = (4, 50)
    """Peers take 50 pairs at a time: one fast window and 50 slow ones, as in the whole sweep."""
    our_ticks: int = 20_000
    peer_ticks: int = 2_000


QUICK = Scale(BARS, 1, (5, 20), (100, 100), (2, 50), 5_000, 300)


@dataclass(slots=True)
class Contender:
    """One way to run the sweep, and what it cost in each round."""

    name: str
    scope: str
    worker: Worker
    do: str
    pairs: tuple[int, int]
    given: dict[str, Any] = field(default_factory=dict)
    costs_ns: list[float] = field(default_factory=list)
    """CPU nanoseconds per variant-bar."""

    def run(self, pairs: tuple[int, int], bars: int) -> float:
        """Nanoseconds per variant-bar of one run."""
        fast, slow = grid(*pairs)
        cpu_s = self.worker.ask(self.do, fast=fast, slow=slow, bars=bars, **self.given)["cpu_s"]
        return 1e9 * float(cpu_s) / (len(fast) * bars)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table of costs."""

    name: str
    scope: str
    pairs: int
    median_ns: float
    least_ns: float
    most_ns: float
    ratio: float
    """How many times cheaper liveopt is: the median of the rounds."""
    least_ratio: float
    """The same from the cheapest round of each, which a busy machine disturbs least."""


def main() -> int:
    """Everything in order; 1 when some result differs, whatever the speeds are."""
    options = parsed()
    scale = QUICK if options.quick else Scale()
    if options.rounds:
        scale = Scale(**{**asdict(scale), "rounds": options.rounds})
    found: dict[str, Any] = {"scale": asdict(scale), "versions": versions()}
    found["load_before"] = os.getloadavg()[0]
    with ExitStack() as stack:
        ours = stack.enter_context(Worker(options.product, "tests.bench.workers.ours"))
        vbt = stack.enter_context(Worker(sys.executable, "tests.bench.workers.vbt"))
        raptor = None
        if installed(RAPTORBT):
            raptor = stack.enter_context(Worker(sys.executable, "tests.bench.workers.raptor"))
        agreements = checked(scale, ours, vbt, raptor)
        lines = measured(scale, contenders(scale, ours, vbt, raptor))
        live = live_measured(scale, ours)
    found["agreements"] = [asdict(a) | {"agrees": a.agrees} for a in agreements]
    found["sweep"] = [asdict(line) for line in lines]
    found["live"] = live
    found["ratios"] = ratios(lines, live)
    found["skipped"] = skipped()
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        show(found, agreements, lines)
    return 0 if all(a.agrees for a in agreements) else 1


def parsed() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="peers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, fewer pairs and ticks")
    parser.add_argument("--rounds", type=int, default=0, help="measure so many rounds")
    parser.add_argument("--json", action="store_true", help="JSON on stdout")
    parser.add_argument(
        "--product",
        type=Path,
        default=ROOT / ".venv" / "bin" / "python",
        help="the Python that has liveopt (default: the one of make setup)",
    )
    return parser.parse_args()


def installed(package: str) -> bool:
    """Whether this environment has a peer."""
    return importlib.util.find_spec(package) is not None


def versions() -> dict[str, str]:
    """What is compared, and with what it computes."""
    names = (VECTORBT, "vectorbt-rust", RAPTORBT, NAUTILUS, "numpy", "numba", "pandas")
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def skipped() -> list[str]:
    """Why something was not measured."""
    why = {
        NAUTILUS: "its pinned version needs Python 3.12 or later",
        RAPTORBT: "its pinned version has no wheel for Python 3.13 or later",
    }
    return [f"{n} is not installed ({why[n]}): not measured" for n in why if not installed(n)]


def checked(scale: Scale, ours: Worker, vbt: Worker, raptor: Worker | None) -> list[Agreement]:
    """Compare every order and the main metrics with each peer."""
    fast, slow = grid(*scale.checked)
    sweep: dict[str, Any] = {"fast": fast, "slow": slow, "bars": scale.bars}
    say(f"checking {len(fast)} pairs on {scale.bars} bars")
    mine = ours.ask("check", **sweep)
    found: list[Agreement] = []

    def take(name: str, theirs: dict[str, Any], lag: int = 0) -> None:
        found.append(compare(name, mine, theirs, scale.bars, lag))

    for engine in ENGINES:
        theirs = vbt.ask("check", engine=engine, fill="open", **sweep)
        take(f"vectorbt {engine}, filled at the next open", theirs)
    for engine in ENGINES:
        theirs = vbt.ask("check", engine=engine, fill="close", **sweep)
        take(f"vectorbt {engine}, as timed: at the same close", theirs, 1)
    for engine in ENGINES:
        take(f"vectorbt {engine} kernel", vbt.ask("check_direct", engine=engine, **sweep), 1)
    if raptor:
        take("raptorbt, as timed: at the next open", raptor.ask("check", fill=OPEN, **sweep))
    return found


def contenders(scale: Scale, ours: Worker, vbt: Worker, raptor: Worker | None) -> list[Contender]:
    """Everyone in the sweep; the first is liveopt."""
    few = scale.peers
    found = [Contender("liveopt", "all 17 metrics", ours, "time", scale.ours)]
    for engine in ENGINES:
        given = {"engine": engine}
        found.append(Contender(f"vectorbt {engine}", "4 metrics", vbt, "time", few, given))
    for engine in ENGINES:
        name = f"vectorbt {engine} kernel called directly"
        found.append(Contender(name, "orders only", vbt, "time_direct", few, {"engine": engine}))
    if raptor:
        given = {"fill": OPEN}
        found.append(Contender("raptorbt batch", "its metrics", raptor, "time", few, given))
    return found


def measured(scale: Scale, sweep: list[Contender]) -> list[Line]:
    """Costs in turns: each round runs everyone once, every other round the other way about."""
    for contender in sweep:
        contender.run((2, 2), scale.bars)
    for number in range(scale.rounds):
        for contender in sweep if number % 2 == 0 else sweep[::-1]:
            cost_ns = contender.run(contender.pairs, scale.bars)
            contender.costs_ns.append(cost_ns)
            say(f"round {number + 1}: {contender.name} {cost_ns:.2f} ns")
    return [
        Line(
            name=c.name,
            scope=c.scope,
            pairs=c.pairs[0] * c.pairs[1],
            median_ns=statistics.median(c.costs_ns),
            least_ns=min(c.costs_ns),
            most_ns=max(c.costs_ns),
            ratio=median_ratio(c.costs_ns, sweep[0].costs_ns),
            least_ratio=min(c.costs_ns) / min(sweep[0].costs_ns),
        )
        for c in sweep
    ]


def live_measured(scale: Scale, ours: Worker) -> dict[str, float]:
    """Ticks a second of many variants, one tick at a time; empty without the peer."""
    if not installed(NAUTILUS):
        return {}
    with Worker(sys.executable, "tests.bench.workers.nautilus") as nautilus:
        sides = {"liveopt": (ours, scale.our_ticks), "nautilus": (nautilus, scale.peer_ticks)}
        costs_s: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(scale.rounds):
            for name, (worker, count) in sides.items():
                cpu_s = worker.ask("live", variants=LIVE_VARIANTS, count=count)["cpu_s"]
                costs_s[name].append(cpu_s / count)
                say(f"round {number + 1}: {name} {count / cpu_s:.0f} ticks/s")
    return {
        "variants": LIVE_VARIANTS,
        "liveopt_ticks_per_s": 1.0 / statistics.median(costs_s["liveopt"]),
        "nautilus_idle_ticks_per_s": 1.0 / statistics.median(costs_s["nautilus"]),
        "ratio": median_ratio(costs_s["nautilus"], costs_s["liveopt"]),
    }


def median_ratio(theirs: list[float], ours: list[float]) -> float:
    """How many times more the others cost, round against round."""
    return statistics.median(t / o for t, o in zip(theirs, ours, strict=True))


def ratios(lines: list[Line], live: dict[str, float]) -> dict[str, float]:
    """The figures to quote: each against the peer's faster engine."""
    groups = {
        "vectorbt, usual interface with metrics": [f"vectorbt {e}" for e in ENGINES],
        "vectorbt, kernel called directly, orders only": [
            f"vectorbt {e} kernel called directly" for e in ENGINES
        ],
        "raptorbt, batch": ["raptorbt batch"],
    }
    ratio = {line.name: line.ratio for line in lines}
    found = {
        title: min(ratio[name] for name in names)
        for title, names in groups.items()
        if names[0] in ratio
    }
    return found | ({"nautilus, 1,000 idle strategies live": live["ratio"]} if live else {})


def say(text: str) -> None:
    """Progress, apart from the results."""
    print(text, file=sys.stderr, flush=True)


def show(found: dict[str, Any], agreements: list[Agreement], lines: list[Line]) -> None:
    """The tables for a person."""
    print("  ".join(f"{name} {version}" for name, version in found["versions"].items()))
    print(f"load before: {found['load_before']:.2f} on {os.cpu_count()} cores\n")
    print(f"Agreement with liveopt (orders exactly, numbers within {TOLERANCE:g})")
    for a in agreements:
        text = ", ".join(f"{name} {e:.0e}" for name, e in a.errors.items() if e is not None)
        wrong = (
            f"{a.wrong_counts} counts and {a.wrong_bars} bars differ" if not a.agrees else "same"
        )
        aside = f"; {a.last_bar} with an order on the last bar" if a.last_bar else ""
        mark = "ok  " if a.agrees else "FAIL"
        print(
            f"  {mark} {a.against:45} {a.pairs} pairs, {a.orders} orders: {wrong}{aside}"
            + (f"; off by {text}" if text else "")
        )
    print("\nSweep, CPU nanoseconds per variant-bar on one core")
    figures = "".join(f"{name:>10}" for name in ("median", "least", "most", "ratio", "of least"))
    print(f"  {'':42}{'scope':16}{'pairs':>7}{figures}")
    for line in lines:
        print(
            f"  {line.name:42}{line.scope:16}{line.pairs:>7}{line.median_ns:>10.2f}"
            f"{line.least_ns:>10.2f}{line.most_ns:>10.2f}{line.ratio:>9.0f}x{line.least_ratio:>9.0f}x"
        )
    if any(line.most_ns > NOISY * line.least_ns for line in lines):
        print("  noisy: the rounds differ by more than a quarter; the machine was busy")
    if found["live"]:
        live = found["live"]
        print(f"\nLive, {live['variants']} variants, ticks a second on one core")
        print(f"  liveopt, one row at a time, with orders {live['liveopt_ticks_per_s']:>12,.0f}")
        print(
            f"  nautilus, idle strategies               {live['nautilus_idle_ticks_per_s']:>12,.0f}"
        )
    print("\nliveopt does so many times the work per CPU second")
    for title, ratio in found["ratios"].items():
        print(f"  {title:48}{ratio:>8.0f}x")
    for text in found["skipped"]:
        print(f"\n{text}")


if __name__ == "__main__":
    sys.exit(main())
